//! What every store of the lab must do: one suite, run against each.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::sync::Arc;

use handoff::{
    flow::{Belongs, Event, FlowId, IssuedId, LaunchId, Message, Refusal, Site},
    ids::{ClientId, SessionId},
    step::Step,
    token::{HandoffToken, LaunchTicket, Secret, State},
};
use lab::store::{
    EVENTS, FLOW_BYTES, FLOWS, Flow, Key, LISTED, LONGEST, Memory, Number, Outcome, Sqlite, Store,
    in_order,
};
use sqlx::Connection;
use time::{Duration, OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-11-21 03:00 UTC);
/// The same, as sites record it.
const AT: i64 = 1_795_230_000_000_000;

fn flow(n: u16) -> FlowId {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    FlowId::of(&State::mint(bytes).digest())
}

fn launch(n: u8) -> LaunchId {
    LaunchId::of(&LaunchTicket::mint([n; 32]).digest())
}

fn trace(n: u64) -> String {
    format!("{n:016x}")
}

/// An event of a request, `n` milliseconds after the first of all.
fn event(step: Step, belongs: Belongs, request: u64, n: i64) -> Event {
    Event {
        step,
        site: Site::RelyingParty,
        client: None,
        belongs,
        session: None,
        trace: trace(request),
        at: AT + n * 1_000,
        after: 0,
        message: None,
        refusal: None,
    }
}

const fn to(flow: FlowId) -> Belongs {
    Belongs {
        flow: Some(flow),
        launch: None,
        token: None,
    }
}

const fn from(launch: LaunchId) -> Belongs {
    Belongs {
        flow: None,
        launch: Some(launch),
        token: None,
    }
}

const fn both(flow: FlowId, launch: LaunchId) -> Belongs {
    Belongs {
        flow: Some(flow),
        launch: Some(launch),
        token: None,
    }
}

fn refused(event: Event, reason: &str) -> Event {
    Event {
        step: Step::Refused,
        refusal: Some(Refusal {
            reason: reason.to_owned(),
            rows: vec![3],
        }),
        ..event
    }
}

fn key(id: impl ToString) -> Key {
    Key::parse(&id.to_string()).unwrap()
}

async fn keep(store: &dyn Store, events: &[Event]) -> Vec<Number> {
    store.keep(events, NOW).await.unwrap()
}

async fn find(store: &dyn Store, id: impl ToString) -> Option<Flow> {
    store.find(&key(id)).await.unwrap()
}

async fn steps(store: &dyn Store, flow: &Flow) -> Vec<Step> {
    let kept = store.events_after(flow.number, 0).await.unwrap();
    in_order(kept).into_iter().map(|event| event.step).collect()
}

async fn recent(store: &dyn Store) -> Vec<String> {
    let flows = store.recent_flows(LISTED, None).await.unwrap();
    flows.into_iter().map(|flow| flow.id.to_string()).collect()
}

async fn an_undisturbed_handoff_is_one_flow(store: &dyn Store) {
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

async fn what_turns_out_to_be_one_flow_becomes_one(store: &dyn Store) {
    let (flow, launch) = (flow(1), launch(1));
    keep(store, &[event(Step::LaunchRequested, from(launch), 1, 0)]).await;
    keep(store, &[event(Step::VerifyReceived, to(flow), 2, 30)]).await;
    assert_eq!(recent(store).await.len(), 2);
    let apart = find(store, launch).await.unwrap();
    let seen = find(store, flow).await.unwrap();
    let read_to = async |flow: &Flow| {
        let kept = store.events_after(flow.number, 0).await.unwrap();
        kept.last().unwrap().seq
    };
    let read = [read_to(&apart).await, read_to(&seen).await];

    let joins = event(Step::AuthorizeReceived, both(flow, launch), 3, 10);
    let mut changed = keep(store, &[joins]).await;
    changed.sort();
    assert_eq!(changed, [apart.number, seen.number]);
    let whole = find(store, flow).await.unwrap();
    assert_eq!(whole.number, seen.number);
    assert_eq!((whole.began, whole.steps), (NOW, 3));
    assert_eq!(
        steps(store, &whole).await,
        [
            Step::LaunchRequested,
            Step::AuthorizeReceived,
            Step::VerifyReceived
        ]
    );
    assert_eq!(recent(store).await, [flow.to_string()]);
    assert_eq!(find(store, launch).await, Some(whole.clone()));
    assert_eq!(find(store, trace(1)).await, Some(whole.clone()));
    // Whoever has read either to its end gets the whole, in the order in which it came.
    for last in read {
        let new = store.events_after(whole.number, last).await.unwrap();
        let new: Vec<_> = new.into_iter().map(|kept| kept.event.step).collect();
        assert_eq!(
            new,
            [
                Step::LaunchRequested,
                Step::VerifyReceived,
                Step::AuthorizeReceived
            ]
        );
    }
}

async fn two_handoffs_never_become_one(store: &dyn Store) {
    // One launch with two states, one request that speaks of two, one session: whatever they share.
    let (one, two, launch) = (flow(1), flow(2), launch(1));
    let session = Some(SessionId::mint([7; 16]));
    for (flow, at) in [(one, 0), (two, 10)] {
        let event = event(Step::AuthorizeReceived, both(flow, launch), 1, at);
        keep(store, &[Event { session, ..event }]).await;
    }
    assert_eq!(recent(store).await, [two.to_string(), one.to_string()]);
    for flow in [one, two] {
        assert_eq!(find(store, flow).await.unwrap().steps, 1);
    }
    // What they share leads to the first.
    assert_eq!(find(store, launch).await.unwrap().id, key(one));
}

async fn a_token_leads_to_its_handoff_whatever_state_comes_with_it(store: &dyn Store) {
    let token = Some(IssuedId::of(&HandoffToken::mint([9; 32]).digest()));
    let with_token = |belongs| Belongs { token, ..belongs };
    let issued = Event {
        site: Site::Authority,
        ..event(Step::TokenIssued, with_token(to(flow(1))), 1, 0)
    };
    // A token that nobody has issued leads nowhere, and what is only presented makes none known.
    let early = event(Step::CallbackReceived, with_token(to(flow(2))), 2, 1);
    let returned = event(Step::CallbackReceived, with_token(to(flow(1))), 3, 2);
    let changed = event(Step::CallbackReceived, with_token(to(flow(3))), 4, 3);
    let without = event(Step::CallbackReceived, with_token(Belongs::default()), 5, 4);
    keep(store, &[early, issued, returned]).await;
    keep(store, &[refused(changed, "state_unknown_here")]).await;
    keep(store, &[without]).await;
    let whole = find(store, flow(1)).await.unwrap();
    assert_eq!(whole.steps, 4);
    assert_eq!(recent(store).await.len(), 2);
    for request in [3, 4, 5] {
        assert_eq!(find(store, trace(request)).await.unwrap().id, whole.id);
    }
    // The state that was made up stays free for the handoff that has it.
    assert_eq!(find(store, flow(3)).await, None);
    keep(store, &[event(Step::StateMade, to(flow(3)), 6, 5)]).await;
    assert_eq!(find(store, flow(3)).await.unwrap().id, key(flow(3)));
}

async fn a_step_with_the_session_alone_joins_the_flow_that_gave_it(store: &dyn Store) {
    let session = Some(SessionId::mint([7; 16]));
    let asked = event(Step::SwitchAsked, to(flow(1)), 1, 0);
    let created = event(Step::SessionCreated, Belongs::default(), 2, 5_000);
    keep(store, &[Event { session, ..asked }]).await;
    keep(store, &[Event { session, ..created }]).await;
    let whole = find(store, flow(1)).await.unwrap();
    assert_eq!((whole.steps, &whole.outcome), (2, &Outcome::Opened));
    let by_session = store.find(&Key::of_session(SessionId::mint([7; 16]))).await;
    assert_eq!(by_session.unwrap(), Some(whole));
    let nobodys = store.find(&Key::of_session(SessionId::mint([8; 16]))).await;
    assert_eq!(nobodys.unwrap(), None);
    assert_eq!(recent(store).await.len(), 1);
}

async fn a_step_of_no_known_handoff_is_a_flow_of_its_request(store: &dyn Store) {
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

async fn the_first_reason_stays_and_success_stays_beside_it(store: &dyn Store) {
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

async fn when_it_was_heard_of_says_nothing_of_how_a_handoff_ended(store: &dyn Store) {
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

async fn a_flow_and_its_events_are_of_one_moment(store: &dyn Store) {
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

async fn events_come_in_order_and_after_a_number(store: &dyn Store) {
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

async fn a_flow_keeps_so_many_events_and_what_the_others_say(store: &dyn Store) {
    let again = |n| event(Step::CallbackReceived, to(flow(1)), n, 0);
    let many: Vec<_> = (0..EVENTS as u64 + 5).map(again).collect();
    keep(store, &many).await;
    let last = refused(again(9_999), "state_unknown_here");
    keep(store, &[last]).await;
    let found = find(store, flow(1)).await.unwrap();
    assert_eq!(found.steps, EVENTS);
    let kept = store.events_after(found.number, 0).await.unwrap();
    assert_eq!(kept.len(), EVENTS);
    assert_eq!(
        found.outcome,
        Outcome::Refused("state_unknown_here".to_owned())
    );
}

async fn a_full_flow_takes_no_more_names_and_no_other_flow(store: &dyn Store) {
    let fill = async |belongs, from: u64| {
        let many = from..from + EVENTS as u64;
        let many = many.map(|n| event(Step::CallbackReceived, belongs, n, 0));
        keep(store, &many.collect::<Vec<_>>()).await;
    };
    fill(to(flow(1)), 1_000).await;
    let session = SessionId::mint([7; 16]);
    for n in 0..3 {
        let late = Event {
            session: Some(session),
            ..event(Step::CallbackReceived, both(flow(1), launch(1)), n, 0)
        };
        keep(store, &[late]).await;
    }
    // The error page of a later step leads nowhere.
    assert_eq!(find(store, trace(2)).await, None);
    assert_eq!(find(store, launch(1)).await, None);
    let by_session = store.find(&Key::of_session(session)).await;
    assert_eq!(by_session.unwrap(), None);
    let last = trace(1_000 + EVENTS as u64 - 1);
    assert_eq!(find(store, last).await, find(store, flow(1)).await);

    // A launch that would be joined to it stays what it is.
    keep(
        store,
        &[event(Step::LaunchRequested, from(launch(2)), 3, 0)],
    )
    .await;
    let joins = event(Step::StartReceived, both(flow(1), launch(2)), 4, 1);
    keep(store, &[joins]).await;
    assert_eq!(find(store, launch(2)).await.unwrap().id, key(launch(2)));

    // A full launch takes no handoff's name, and the handoff is a flow of its own.
    fill(from(launch(3)), 2_000).await;
    for n in 5..7 {
        let handoff = event(Step::StateMade, both(flow(3), launch(3)), n, 1);
        keep(store, &[handoff]).await;
    }
    let own = find(store, flow(3)).await.unwrap();
    assert_eq!((own.id, own.steps), (key(flow(3)), 2));
    assert_eq!(find(store, launch(3)).await.unwrap().steps, EVENTS);

    // Whoever gives a full request's flow the name of a launch does not keep the launch from having a
    // flow, nor anybody else from being kept.
    let token = IssuedId::of(&HandoffToken::mint([9; 32]).digest());
    let with_token = |mut event: Event, site| {
        (event.belongs.token, event.site) = (Some(token), site);
        event
    };
    let issued = event(Step::AuthorizeReceived, Belongs::default(), 5_000, 0);
    keep(store, &[with_token(issued, Site::Authority)]).await;
    let presented = event(Step::CallbackReceived, from(launch(5)), 5_001, 0);
    keep(store, &[with_token(presented, Site::RelyingParty)]).await;
    for _ in 0..EVENTS {
        let more = event(Step::PageShown, Belongs::default(), 5_000, 0);
        keep(store, &[more]).await;
    }
    for n in 5_002..5_005 {
        let launched = event(Step::LaunchRequested, from(launch(5)), n, 0);
        keep(store, &[launched]).await;
    }
    let own = find(store, launch(5)).await.unwrap();
    assert_eq!((own.id, own.steps), (key(launch(5)), 3));
    assert_eq!(find(store, trace(5_000)).await.unwrap().steps, EVENTS);

    // Two that have no room together stay apart too.
    let half = EVENTS as u64 / 2;
    let steps = |belongs, from: u64| {
        let steps = from..from + half;
        let steps = steps.map(move |n| event(Step::StartReceived, belongs, n, 0));
        steps.collect::<Vec<_>>()
    };
    keep(store, &steps(from(launch(4)), 3_000)).await;
    keep(store, &steps(to(flow(4)), 4_000)).await;
    let joins = event(Step::AuthorizeReceived, both(flow(4), launch(4)), 7, 1);
    keep(store, &[joins]).await;
    let of = async |id: String| find(store, id).await.unwrap().steps;
    assert_eq!(of(launch(4).to_string()).await, EVENTS / 2);
    assert_eq!(of(flow(4).to_string()).await, EVENTS / 2 + 1);

    // What the bound on bytes counts is what is kept.
    let mut bytes = 0;
    for flow in store.recent_flows(LISTED, None).await.unwrap() {
        let kept = store.events_after(flow.number, 0).await.unwrap();
        assert_eq!(kept.len(), flow.steps);
        let sizes = kept.iter().map(|kept| serde_json::to_string(&kept.event));
        bytes += sizes.map(|text| text.unwrap().len()).sum::<usize>();
    }
    assert_eq!(store.sweep(NOW, FLOWS, bytes).await.unwrap(), 0);
    assert_eq!(store.sweep(NOW, FLOWS, bytes - 1).await.unwrap(), 1);
}

async fn an_event_that_is_too_long_is_kept_without_what_was_sent(store: &dyn Store) {
    let long = Event {
        message: Some(Message::Request {
            method: "GET".to_owned(),
            url: "x".repeat(LONGEST),
            query: Vec::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            body: Vec::new(),
        }),
        ..event(Step::StartReceived, to(flow(1)), 1, 0)
    };
    keep(store, &[long]).await;
    let found = find(store, flow(1)).await.unwrap();
    let kept = store.events_after(found.number, 0).await.unwrap();
    assert_eq!(kept[0].event.step, Step::StartReceived);
    assert_eq!(kept[0].event.message, None);
}

async fn a_flow_of_long_requests_keeps_its_steps_and_no_more_than_so_much(store: &dyn Store) {
    let long = |n| Event {
        message: Some(Message::Request {
            method: "GET".to_owned(),
            url: "x".repeat(LONGEST / 2),
            query: Vec::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            body: Vec::new(),
        }),
        ..event(Step::CallbackReceived, to(flow(1)), n, 0)
    };
    let whole = serde_json::to_string(&long(1)).unwrap().len();
    let events: Vec<_> = (1..=100).map(long).collect();
    // One after the other, and the rest at once.
    for event in &events[..50] {
        keep(store, std::slice::from_ref(event)).await;
    }
    keep(store, &events[50..]).await;
    let (found, kept) = store
        .find_whole(&Key::parse(&flow(1).to_string()).unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.steps, kept.len()), (100, 100));
    let with_message = kept.iter().filter(|it| it.event.message.is_some());
    assert_eq!(with_message.count(), FLOW_BYTES / whole);
}

async fn what_comes_together_is_kept_as_what_comes_one_by_one(store: &dyn Store) {
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

async fn whatever_was_sent_comes_back_as_it_is(store: &dyn Store) {
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

async fn the_list_has_the_newest_and_goes_on_from_one(store: &dyn Store) {
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

async fn what_is_old_goes_and_then_the_oldest_of_too_many(store: &dyn Store) {
    let at = |n, hours| {
        let event = event(Step::StartReceived, to(flow(n)), n.into(), 0);
        async move { store.keep(&[event], NOW + Duration::hours(hours)).await }
    };
    for (n, hours) in [(1, 0), (2, 1), (3, 2), (4, 3)] {
        at(n, hours).await.unwrap();
    }
    // The first goes on, and so it is not old.
    at(1, 4).await.unwrap();
    let sweep = async |before, flows, bytes| {
        let before = NOW + Duration::hours(before);
        store.sweep(before, flows, bytes).await.unwrap()
    };
    assert_eq!(sweep(2, FLOWS, usize::MAX).await, 1);
    assert_eq!(find(store, flow(2)).await, None);
    assert_eq!(find(store, trace(2)).await, None);
    assert_eq!(sweep(2, 2, usize::MAX).await, 1);
    assert_eq!(
        recent(store).await,
        [flow(4).to_string(), flow(3).to_string()]
    );
    let size = serde_json::to_string(&event(Step::StartReceived, to(flow(3)), 3, 0));
    let size = size.unwrap().len();
    assert_eq!(sweep(2, 2, size * 2).await, 0);
    assert_eq!(sweep(2, 2, size * 2 - 1).await, 1);
    assert_eq!(recent(store).await, [flow(4).to_string()]);
    let gone = find(store, flow(4)).await.unwrap();
    assert_eq!(sweep(9, FLOWS, usize::MAX).await, 1);
    assert_eq!(store.events_after(gone.number, 0).await.unwrap(), []);
}

async fn what_strangers_send_pushes_out_nobodys_handoff(store: &dyn Store) {
    let people = async |numbers: std::ops::Range<u16>| {
        for n in numbers {
            let begun = event(Step::StartReceived, to(flow(n)), n.into(), 0);
            let issued = event(Step::TokenIssued, to(flow(n)), n.into(), 1);
            keep(store, &[begun, issued]).await;
        }
    };
    let strangers = async |numbers: std::ops::Range<u16>| {
        for n in numbers {
            let stray = event(Step::CallbackReceived, Belongs::default(), n.into(), 0);
            keep(store, &[refused(stray, "no_pre_session")]).await;
        }
    };
    let left = async || {
        let all = recent(store).await;
        let people = all.iter().filter(|id| id.len() == 32).count();
        (people, all.len() - people)
    };
    // A launch is a person's, and what it is joined to is too.
    let ticket = event(Step::LaunchTicketIssued, from(launch(1)), 1, 0);
    let joins = event(Step::StartReceived, both(flow(1), launch(1)), 1, 0);
    keep(store, &[ticket]).await;
    keep(store, &[event(Step::VerifyReceived, to(flow(1)), 2, 0)]).await;
    keep(store, &[joins]).await;
    people(2..4).await;
    strangers(1_000..1_020).await;
    assert_eq!(store.sweep(NOW, 10, usize::MAX).await.unwrap(), 13);
    assert_eq!(left().await, (3, 7));
    assert_eq!(recent(store).await[0], trace(1_019));
    assert!(find(store, trace(1_012)).await.is_none());
    // A tenth stays theirs, however many handoffs there are.
    people(4..13).await;
    assert_eq!(store.sweep(NOW, 10, usize::MAX).await.unwrap(), 9);
    assert_eq!(left().await, (9, 1));
    assert!(find(store, flow(3)).await.is_none());
    strangers(2_000..2_050).await;
    assert_eq!(store.sweep(NOW, 10, usize::MAX).await.unwrap(), 50);
    assert_eq!(left().await, (9, 1));
    assert!(find(store, trace(2_049)).await.is_some());

    // The same holds of what they send.
    strangers(3_000..3_100).await;
    let bytes = async |id: String| {
        let found = find(store, id).await.unwrap();
        let kept = store.events_after(found.number, 0).await.unwrap();
        let sizes = kept.iter().map(|kept| serde_json::to_string(&kept.event));
        sizes.map(|text| text.unwrap().len()).sum::<usize>()
    };
    let of_strangers = bytes(trace(3_000)).await;
    let of_people = 9 * bytes(flow(12).to_string()).await;
    store.sweep(NOW, FLOWS, 2 * of_people).await.unwrap();
    assert_eq!(left().await, (9, of_people / of_strangers));
}

#[test]
fn only_ids_are_keys() {
    for bad in [
        "",
        "0",
        &"0".repeat(33),
        &"0".repeat(31),
        &"A".repeat(32),
        "../../etc/passwd",
    ] {
        assert!(Key::parse(bad).is_err(), "{bad:?}");
    }
    assert!(Key::of_trace(&"a".repeat(16)).is_ok());
    assert!(Key::of_trace(&"a".repeat(32)).is_err());
}

#[tokio::test]
async fn what_was_kept_is_there_after_the_file_was_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.db");
    let store = Sqlite::open(&path).await.unwrap();
    keep(&store, &[event(Step::StartReceived, to(flow(1)), 1, 0)]).await;
    let found = find(&store, flow(1)).await;
    store.close().await;
    let store = Sqlite::open(&path).await.unwrap();
    assert!(found.is_some());
    assert_eq!(find(&store, flow(1)).await, found);
    store.close().await;
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_left_out_of_its_flow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.db");
    let store = Sqlite::open(&path).await.unwrap();
    let steps = [Step::StartReceived, Step::StateMade, Step::SessionCreated];
    let events = (1..).zip(steps);
    let events: Vec<_> = events
        .map(|(n, step)| event(step, to(flow(1)), 1, n))
        .collect();
    keep(&store, &events).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut database = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    for damaged in [
        "'{'",
        "''",
        r#"'{"step":"of_another_version"}'"#,
        "CAST(x'ff' AS TEXT)",
    ] {
        let damage = format!("UPDATE event SET body = {damaged} WHERE seq = 2");
        sqlx::query(sqlx::AssertSqlSafe(damage))
            .execute(&mut database)
            .await
            .unwrap();
        let found = find(&store, flow(1)).await.unwrap();
        assert_eq!((found.steps, &found.outcome), (3, &Outcome::Opened));
        let kept = store.events_after(found.number, 0).await.unwrap();
        let kept: Vec<_> = kept
            .into_iter()
            .map(|kept| (kept.seq, kept.event))
            .collect();
        assert_eq!(kept, [(1, events[0].clone()), (3, events[2].clone())]);
    }
    store.close().await;
}

#[tokio::test]
async fn a_flow_that_cannot_be_read_is_as_if_it_were_not_there() {
    for damage in [
        "UPDATE flow SET course = '{' WHERE flow = 1",
        "UPDATE flow SET course = '{\"opened\": \"never\"}' WHERE flow = 1",
        "UPDATE flow SET client = 'not a client!' WHERE flow = 1",
        "UPDATE flow SET steps = -1 WHERE flow = 1",
        "UPDATE flow SET steps = 'many' WHERE flow = 1",
        "UPDATE flow SET course = CAST(x'ff' AS TEXT) WHERE flow = 1",
        "UPDATE flow SET last = 9223372036854775807 WHERE flow = 1",
        "UPDATE flow SET id = 'x' WHERE flow = 1",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab.db");
        let store = Sqlite::open(&path).await.unwrap();
        keep(&store, &[event(Step::StartReceived, to(flow(1)), 1, 0)]).await;
        keep(&store, &[event(Step::StartReceived, to(flow(2)), 2, 1)]).await;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
        let mut database = sqlx::SqliteConnection::connect_with(&options)
            .await
            .unwrap();
        sqlx::query(damage).execute(&mut database).await.unwrap();
        assert_eq!(recent(&store).await, [flow(2).to_string()], "{damage}");
        assert_eq!(find(&store, flow(1)).await, None);
        assert_eq!(store.find_whole(&key(flow(1))).await.unwrap(), None);
        // What comes afterwards is kept, that of others and its own.
        let later = [
            event(Step::StateMade, to(flow(2)), 2, 2),
            event(Step::StateMade, to(flow(1)), 1, 3),
        ];
        keep(&store, &later).await;
        let mut listed = recent(&store).await;
        listed.sort();
        let mut both = [flow(1).to_string(), flow(2).to_string()];
        both.sort();
        assert_eq!(listed, both, "{damage}");
        let anew = find(&store, flow(1)).await.unwrap();
        assert_eq!(steps(&store, &anew).await, [Step::StateMade]);
        assert_eq!(find(&store, flow(2)).await.unwrap().steps, 2);
        // Nor does it stand in the way of those that came before it.
        sqlx::query("UPDATE flow SET steps = -1 WHERE flow = 2")
            .execute(&mut database)
            .await
            .unwrap();
        keep(&store, &[event(Step::StartReceived, to(flow(4)), 4, 4)]).await;
        let newest = store.recent_flows(2, None).await.unwrap();
        let ids: Vec<_> = newest.iter().map(|flow| flow.id.to_string()).collect();
        assert_eq!(ids, [flow(4).to_string(), flow(1).to_string()]);
        let last = store.recent_flows(1, Some(newest[1].number)).await.unwrap();
        assert_eq!(last, [], "what is damaged is all that came before");
        store.close().await;
    }
}

macro_rules! suite {
    ($($test:ident)*) => {
        mod memory {
            use super::*;
            $(#[tokio::test] async fn $test() {
                super::$test(&Memory::default()).await;
            })*
        }

        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $test() {
                let folder = tempfile::tempdir().unwrap();
                let store = Sqlite::open(&folder.path().join("lab.db")).await.unwrap();
                let shared: Arc<dyn Store> = Arc::new(store.clone());
                super::$test(&*shared).await;
                store.close().await;
            })*
        }
    };
}

suite! {
    an_undisturbed_handoff_is_one_flow
    what_turns_out_to_be_one_flow_becomes_one
    two_handoffs_never_become_one
    a_token_leads_to_its_handoff_whatever_state_comes_with_it
    a_step_with_the_session_alone_joins_the_flow_that_gave_it
    a_step_of_no_known_handoff_is_a_flow_of_its_request
    the_first_reason_stays_and_success_stays_beside_it
    when_it_was_heard_of_says_nothing_of_how_a_handoff_ended
    a_flow_and_its_events_are_of_one_moment
    events_come_in_order_and_after_a_number
    a_flow_keeps_so_many_events_and_what_the_others_say
    a_full_flow_takes_no_more_names_and_no_other_flow
    an_event_that_is_too_long_is_kept_without_what_was_sent
    a_flow_of_long_requests_keeps_its_steps_and_no_more_than_so_much
    what_comes_together_is_kept_as_what_comes_one_by_one
    whatever_was_sent_comes_back_as_it_is
    the_list_has_the_newest_and_goes_on_from_one
    what_is_old_goes_and_then_the_oldest_of_too_many
    what_strangers_send_pushes_out_nobodys_handoff
}
