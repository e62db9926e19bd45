//! Flows, and the order of their events.

use handoff::flow::{Belongs, Event, Message};
use handoff::ids::{ClientId, SessionId};
use handoff::step::Step;
use lab::store::{Flow, LISTED, Memory, Outcome, Store, in_order};
use time::Duration;

use super::world::{
    NOW, both, event, find, flow, from, keep, key, launch, recent, refused, steps, to, trace,
};

pub(crate) async fn an_undisturbed_handoff_is_one_flow(store: &dyn Store) {
    let (flow, launch) = (flow(1), launch(1));
    let notes = ClientId::parse("notes").unwrap();
    keep(
        store,
        &[
            event(Step::LaunchRequested, from(launch), 1, 0),
            event(Step::LaunchTicketIssued, from(launch), 1, 1),
        ],
    )
    .await;
    let begun = find(store, launch).await.unwrap();
    assert_eq!(begun.id, key(launch));
    assert_eq!((begun.steps, &begun.outcome), (2, &Outcome::UnderWay));

    let changed = keep(
        store,
        &[
            event(Step::StartReceived, both(flow, launch), 2, 10),
            Event {
                client: Some(notes.clone()),
                ..event(Step::SessionCreated, to(flow), 3, 20)
            },
        ],
    )
    .await;
    assert_eq!(changed, [begun.number]);
    let whole = find(store, flow).await.unwrap();
    assert_eq!(whole.number, begun.number);
    assert_eq!(whole.id, key(flow));
    assert_eq!(whole.client, Some(notes));
    assert_eq!(whole.outcome, Outcome::Opened);
    assert_eq!(whole.began, NOW);
    assert_eq!(whole.last, NOW + Duration::milliseconds(20));
    assert_eq!(whole.kept_at, NOW);
    assert_eq!(
        steps(store, &whole).await,
        [
            Step::LaunchRequested,
            Step::LaunchTicketIssued,
            Step::StartReceived,
            Step::SessionCreated
        ]
    );
    // By whatever it is known, it is one.
    for id in [launch.to_string(), trace(1), trace(2), trace(3)] {
        assert_eq!(find(store, &id).await, Some(whole.clone()), "{id}");
    }
    assert_eq!(recent(store).await, [flow.to_string()]);
    assert_eq!(find(store, trace(4)).await, None);
}

pub(crate) async fn a_step_of_no_known_handoff_is_a_flow_of_its_request(store: &dyn Store) {
    let stray = refused(
        event(Step::Refused, Belongs::default(), 9, 0),
        "no_pre_session",
    );
    keep(store, &[stray]).await;
    let found = find(store, trace(9)).await.unwrap();
    assert_eq!(found.id, key(trace(9)));
    assert_eq!(found.outcome, Outcome::Refused("no_pre_session".to_owned()));
    // One that cannot be found again is not kept.
    let lost = Event {
        trace: "no trace".to_owned(),
        ..event(Step::PageShown, Belongs::default(), 0, 0)
    };
    assert_eq!(keep(store, &[lost]).await, []);
    assert_eq!(recent(store).await, [trace(9)]);
}

pub(crate) async fn the_first_reason_stays_and_success_stays_beside_it(store: &dyn Store) {
    let outcome = async |n: u16, events: &[(&str, Step)]| {
        for (at, (reason, step)) in events.iter().enumerate() {
            let event = event(*step, to(flow(n)), u64::from(n), i64::try_from(at).unwrap());
            let event = match *step {
                Step::Refused => refused(event, reason),
                _ => event,
            };
            keep(store, &[event]).await;
        }
        find(store, flow(n)).await.unwrap().outcome
    };
    let no = |reason| (reason, Step::Refused);
    let yes = ("", Step::SessionCreated);
    let first = Outcome::Refused("expired".to_owned());
    assert_eq!(
        outcome(1, &[no("expired"), no("verify_refused")]).await,
        first
    );
    assert_eq!(outcome(2, &[no("stale_form"), yes]).await, Outcome::Opened);
    let afterwards = Outcome::OpenedThenRefused("replayed".to_owned());
    let after = &[yes, no("replayed"), no("state_unknown_here")];
    assert_eq!(outcome(3, after).await, afterwards);
}

pub(crate) async fn when_it_was_heard_of_says_nothing_of_how_a_handoff_ended(store: &dyn Store) {
    // In the order in which they happened: the sites report on their own.
    let happened = |n: u8, joins: bool| {
        let (flow, launch) = (to(flow(n.into())), from(launch(n)));
        let early = if joins { launch } else { flow };
        [
            refused(event(Step::Refused, early, 1, 10), "stale_form"),
            event(Step::SessionCreated, flow, 2, 20),
            refused(event(Step::Refused, flow, 3, 30), "replayed"),
            refused(event(Step::Refused, flow, 4, 40), "state_unknown_here"),
        ]
    };
    let outcome = Outcome::OpenedThenRefused("replayed".to_owned());
    for (n, order) in (1..).zip([[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]]) {
        for (n, joins) in [(n, false), (n + 10, true)] {
            for place in order {
                let mut step = happened(n, joins)[place].clone();
                step.trace = trace(u64::from(n) * 10 + place as u64);
                keep(store, &[step]).await;
            }
            let joined = both(flow(n.into()), launch(n));
            keep(
                store,
                &[event(
                    Step::AuthorizeReceived,
                    joined,
                    1_000 + u64::from(n),
                    15,
                )],
            )
            .await;
            let found = find(store, flow(n.into())).await.unwrap();
            assert_eq!((found.steps, &found.outcome), (5, &outcome), "{order:?}");
        }
    }
}

pub(crate) async fn a_flow_and_its_events_are_of_one_moment(store: &dyn Store) {
    let events = [
        event(Step::StartReceived, to(flow(1)), 1, 0),
        event(Step::StateMade, to(flow(1)), 1, 1),
    ];
    keep(store, &events).await;
    keep(store, &[event(Step::StartReceived, to(flow(2)), 2, 2)]).await;
    for id in [key(flow(1)), key(trace(1))] {
        let (found, kept) = store.find_whole(&id).await.unwrap().unwrap();
        assert_eq!(Some(&found), find(store, flow(1)).await.as_ref());
        assert_eq!(kept, store.events_after(found.number, 0).await.unwrap());
        assert_eq!(in_order(kept), events);
    }
    assert_eq!(store.find_whole(&key(flow(3))).await.unwrap(), None);
}

pub(crate) async fn events_come_in_order_and_after_a_number(store: &dyn Store) {
    let at = |step, n| event(step, to(flow(1)), 1, n);
    keep(
        store,
        &[
            at(Step::CallbackReceived, 20),
            at(Step::StateMatched, 20),
            at(Step::StartReceived, 0),
        ],
    )
    .await;
    let other = event(Step::StartReceived, to(flow(2)), 2, 0);
    keep(store, &[other]).await;
    let found = find(store, flow(1)).await.unwrap();
    assert_eq!(
        steps(store, &found).await,
        [
            Step::StartReceived,
            Step::CallbackReceived,
            Step::StateMatched
        ]
    );
    let kept = store.events_after(found.number, 0).await.unwrap();
    let numbers: Vec<_> = kept.iter().map(|kept| kept.seq).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let after = store.events_after(found.number, numbers[0]).await.unwrap();
    assert_eq!(after, kept[1..]);
    for far in [numbers[2], u64::MAX] {
        let none = store.events_after(found.number, far).await.unwrap();
        assert_eq!(none, []);
    }
}

pub(crate) async fn what_comes_together_is_kept_as_what_comes_one_by_one(store: &dyn Store) {
    let (one, two, launch) = (flow(1), flow(2), launch(1));
    let session = Some(SessionId::mint([7; 16]));
    let events = [
        event(Step::LaunchRequested, from(launch), 1, 0),
        event(Step::LaunchTicketIssued, from(launch), 1, 1),
        event(Step::StateMade, to(two), 5, 2),
        event(Step::VerifyReceived, to(one), 2, 30),
        // What came apart so far is one.
        event(Step::AuthorizeReceived, both(one, launch), 3, 10),
        refused(event(Step::Refused, to(two), 6, 12), "expired"),
        Event {
            session,
            ..event(Step::SwitchAsked, to(one), 4, 40)
        },
        Event {
            session,
            ..event(Step::SessionCreated, Belongs::default(), 7, 50)
        },
        event(Step::PageShown, Belongs::default(), 8, 60),
    ];
    let apart = Memory::default();
    for event in &events {
        keep(&apart, std::slice::from_ref(event)).await;
    }
    keep(store, &events).await;
    let ids = recent(store).await;
    assert_eq!(ids, recent(&apart).await);
    assert_eq!(ids, [trace(8), flow(1).to_string(), flow(2).to_string()]);
    for id in ids {
        let here = find(store, &id).await.unwrap();
        let there = find(&apart, &id).await.unwrap();
        assert_eq!(
            (&here.outcome, here.steps, here.began, here.last),
            (&there.outcome, there.steps, there.began, there.last)
        );
        let kept = async |store: &dyn Store, flow: Flow| {
            let kept = store.events_after(flow.number, 0).await.unwrap();
            kept.into_iter().map(|kept| kept.event).collect::<Vec<_>>()
        };
        assert_eq!(kept(store, here).await, kept(&apart, there).await);
    }
}

pub(crate) async fn whatever_was_sent_comes_back_as_it_is(store: &dyn Store) {
    let odd = |n: u64, url: &str| Event {
        message: Some(Message::Request {
            method: "GET".to_owned(),
            url: url.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            body: Vec::new(),
        }),
        ..event(Step::StartReceived, to(flow(1)), n, 0)
    };
    let texts = [
        "\"]],[[1,{\"step\":\"refused\"}]",
        "'); DROP TABLE event; --",
        "\0\u{1}\u{7f}\r\n\t\\u0000 \\",
        "$[0] \u{2028}\u{202e} \u{fffd} 😀",
    ];
    let events: Vec<_> = (1..).zip(texts).map(|(n, text)| odd(n, text)).collect();
    keep(store, &events).await;
    let found = find(store, flow(1)).await.unwrap();
    let kept = store.events_after(found.number, 0).await.unwrap();
    let kept: Vec<_> = kept.into_iter().map(|kept| kept.event).collect();
    assert_eq!(kept, events);
}

pub(crate) async fn the_list_has_the_newest_and_goes_on_from_one(store: &dyn Store) {
    let all: Vec<_> = (0..LISTED as u16 + 10)
        .map(|n| event(Step::StartReceived, to(flow(n)), n.into(), 0))
        .collect();
    keep(store, &all).await;
    let newest = store.recent_flows(usize::MAX, None).await.unwrap();
    assert_eq!(newest.len(), LISTED);
    assert_eq!(newest[0].id, key(flow(LISTED as u16 + 9)));
    let before = newest.last().unwrap();
    assert_eq!(before.id, key(flow(10)));
    let older = store.recent_flows(LISTED, Some(before.number)).await;
    let older: Vec<_> = older.unwrap().into_iter().map(|flow| flow.id).collect();
    let expected: Vec<_> = (0..10).rev().map(|n| key(flow(n))).collect();
    assert_eq!(older, expected);
}
