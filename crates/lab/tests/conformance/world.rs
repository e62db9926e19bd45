//! What the tests have in common: events of handoffs by number.

use handoff::flow::{Belongs, Event, FlowId, LaunchId, Refusal, Site};
use handoff::step::Step;
use handoff::token::{LaunchTicket, Secret, State};
use lab::store::{Flow, Key, LISTED, Number, Store, in_order};
use time::OffsetDateTime;
use time::macros::datetime;

pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-21 03:00 UTC);

/// The same, as sites record it.
pub(crate) const AT: i64 = 1_795_230_000_000_000;

pub(crate) fn flow(n: u16) -> FlowId {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    FlowId::of(&State::mint(bytes).digest())
}

pub(crate) fn launch(n: u8) -> LaunchId {
    LaunchId::of(&LaunchTicket::mint([n; 32]).digest())
}

pub(crate) fn trace(n: u64) -> String {
    format!("{n:016x}")
}

/// An event of a request, `n` milliseconds after the first of all.
pub(crate) fn event(step: Step, belongs: Belongs, request: u64, n: i64) -> Event {
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

pub(crate) const fn to(flow: FlowId) -> Belongs {
    Belongs {
        flow: Some(flow),
        launch: None,
        token: None,
    }
}

pub(crate) const fn from(launch: LaunchId) -> Belongs {
    Belongs {
        flow: None,
        launch: Some(launch),
        token: None,
    }
}

pub(crate) const fn both(flow: FlowId, launch: LaunchId) -> Belongs {
    Belongs {
        flow: Some(flow),
        launch: Some(launch),
        token: None,
    }
}

pub(crate) fn refused(event: Event, reason: &str) -> Event {
    Event {
        step: Step::Refused,
        refusal: Some(Refusal {
            reason: reason.to_owned(),
            rows: vec![3],
        }),
        ..event
    }
}

pub(crate) fn key(id: impl ToString) -> Key {
    Key::parse(&id.to_string()).unwrap()
}

pub(crate) async fn keep(store: &dyn Store, events: &[Event]) -> Vec<Number> {
    store.keep(events, NOW).await.unwrap()
}

pub(crate) async fn find(store: &dyn Store, id: impl ToString) -> Option<Flow> {
    store.find(&key(id)).await.unwrap()
}

pub(crate) async fn steps(store: &dyn Store, flow: &Flow) -> Vec<Step> {
    let kept = store.events_after(flow.number, 0).await.unwrap();
    in_order(kept).into_iter().map(|event| event.step).collect()
}

pub(crate) async fn recent(store: &dyn Store) -> Vec<String> {
    let flows = store.recent_flows(LISTED, None).await.unwrap();
    flows.into_iter().map(|flow| flow.id.to_string()).collect()
}
