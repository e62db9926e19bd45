//! How much is kept.

use handoff::flow::{Belongs, Event, Message};
use handoff::step::Step;
use lab::store::{EVENTS, FLOW_BYTES, FLOWS, Key, MAX_EVENT_BYTES, Outcome, Store};
use time::Duration;

use super::world::{NOW, both, event, find, flow, from, keep, launch, recent, refused, to, trace};

pub(crate) async fn a_flow_keeps_so_many_events_and_what_the_others_say(store: &dyn Store) {
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
        Outcome::Stray("state_unknown_here".to_owned())
    );
}

pub(crate) async fn an_event_that_is_too_long_is_kept_without_what_was_sent(store: &dyn Store) {
    let long = Event {
        message: Some(Message::Request {
            method: "GET".to_owned(),
            url: "x".repeat(MAX_EVENT_BYTES),
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

pub(crate) async fn a_flow_of_long_requests_keeps_its_steps_and_no_more_than_so_much(
    store: &dyn Store,
) {
    let long = |n| Event {
        message: Some(Message::Request {
            method: "GET".to_owned(),
            url: "x".repeat(MAX_EVENT_BYTES / 2),
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

pub(crate) async fn what_is_old_goes_and_then_the_oldest_of_too_many(store: &dyn Store) {
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

pub(crate) async fn what_strangers_send_pushes_out_nobodys_handoff(store: &dyn Store) {
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
