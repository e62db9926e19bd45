//! Which flow an event belongs to, and when two flows become one.

use handoff::flow::{Belongs, Event, IssuedId, Site};
use handoff::ids::{ClientId, SessionId};
use handoff::step::Step;
use handoff::token::{HandoffToken, Secret};
use lab::store::{EVENTS, FLOWS, Flow, Key, LISTED, Outcome, Store};

use super::world::{
    NOW, both, event, find, flow, from, keep, key, launch, recent, refused, steps, to, trace,
};

pub(crate) async fn what_turns_out_to_be_one_flow_becomes_one(store: &dyn Store) {
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

pub(crate) async fn two_handoffs_never_become_one(store: &dyn Store) {
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

fn of(client: &str, event: Event) -> Event {
    let client = ClientId::parse(client).ok();
    Event { client, ..event }
}

pub(crate) async fn what_names_two_clients_is_never_of_one_flow(store: &dyn Store) {
    let token = Some(IssuedId::of(&HandoffToken::mint([9; 32]).digest()));
    let session = Some(SessionId::mint([7; 16]));
    let authority = |client, event| Event {
        site: Site::Authority,
        ..of(client, event)
    };
    let ticket = event(Step::LaunchTicketIssued, from(launch(1)), 1, 0);
    keep(store, &[authority("evil", ticket)]).await;
    // Somebody opens notes with evil's ticket.
    let made = event(Step::StateMade, both(flow(1), launch(1)), 2, 1);
    let asked = event(Step::AuthorizeReceived, both(flow(1), launch(1)), 3, 2);
    let issued = Event {
        belongs: Belongs {
            token,
            ..to(flow(1))
        },
        session,
        ..event(Step::TokenIssued, to(flow(1)), 3, 3)
    };
    let notes = [
        of("notes", made),
        event(Step::AuthorizeReceived, both(flow(1), launch(1)), 3, 2),
        authority("notes", asked),
        authority("notes", issued.clone()),
    ];
    keep(store, &notes).await;
    let of_notes = find(store, flow(1)).await.unwrap();
    assert_eq!(
        (of_notes.steps, of_notes.client),
        (4, notes[0].client.clone())
    );
    let of_evil = find(store, launch(1)).await.unwrap();
    assert_eq!((of_evil.steps, of_evil.id), (1, key(launch(1))));

    // Whatever else of the handoff comes by evil is not of it: state, launch, token, session.
    let came = event(Step::CallbackReceived, issued.belongs, 4, 4);
    let with_session = Event {
        session,
        ..event(Step::SessionCreated, from(launch(1)), 5, 5)
    };
    keep(store, &[of("evil", came), of("evil", with_session)]).await;
    assert_eq!(find(store, flow(1)).await.unwrap().steps, 4);
    assert_eq!(find(store, trace(4)).await.unwrap().id, key(trace(4)));
    assert_eq!(find(store, launch(1)).await.unwrap().steps, 2);
    // Nor is a refusal at notes of a handoff of evil.
    let refused = refused(event(Step::Refused, from(launch(1)), 6, 6), "other");
    keep(store, &[of("notes", refused)]).await;
    assert_eq!(find(store, trace(6)).await.unwrap().id, key(trace(6)));
    // A request that two clients name, of which the other one's is known by it alone.
    let alone = |client| of(client, event(Step::PageShown, Belongs::default(), 7, 7));
    keep(store, &[alone("notes"), alone("evil")]).await;
    assert_eq!(find(store, trace(7)).await.unwrap().steps, 1);
}

pub(crate) async fn a_token_leads_to_its_handoff_whatever_state_comes_with_it(store: &dyn Store) {
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

pub(crate) async fn a_step_with_the_session_alone_joins_the_flow_that_gave_it(store: &dyn Store) {
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

pub(crate) async fn a_full_flow_takes_no_more_names_and_no_other_flow(store: &dyn Store) {
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
