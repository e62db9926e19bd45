//! What the tests have in common: handoffs, sessions and items by number.

use handoff::handoff::{STARTED_LIFETIME, SWITCH_LIFETIME};
use handoff::ids::{ItemId, SessionId, UserId};
use handoff::token::{Digest, PreSession, Secret, State};
use handoff::uri::{LocalPath, Origin};
use handoff::wire::UserInfo;
use relying_party::store::{
    Added, Beginning, Ended, HandoffKey, Item, Kept, Listed, NewHandoff, Owner, Sealed, Session,
    Source, Store, Waiting,
};
use time::OffsetDateTime;
use time::macros::datetime;

pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-21 03:00 UTC);

pub(crate) const LATER: OffsetDateTime = datetime!(2026-11-21 04:00 UTC);

pub(crate) fn browser(n: u8) -> Digest<PreSession> {
    PreSession::mint([n; 32]).digest()
}

pub(crate) fn state(n: u16) -> Digest<State> {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    State::mint(bytes).digest()
}

pub(crate) fn handoff(browser: Digest<PreSession>, n: u16) -> NewHandoff {
    NewHandoff {
        browser,
        state: state(n),
        verifier: Sealed(n.to_be_bytes().to_vec()),
        target: path("/?a=1"),
        again: false,
        expires_at: NOW + STARTED_LIFETIME,
    }
}

pub(crate) fn path(text: &str) -> LocalPath {
    LocalPath::try_from(text.to_owned()).unwrap()
}

pub(crate) fn sid(n: u8) -> SessionId {
    SessionId::mint([n; 16])
}

pub(crate) fn owner(n: u8) -> Owner {
    session(0, n).owner()
}

pub(crate) fn session(id: u8, user: u8) -> Session {
    Session {
        id: sid(id),
        issuer: Origin::parse("http://auth.localhost:4000").unwrap(),
        user: UserInfo {
            id: UserId::mint([user; 16]),
            email: "somebody@harbor.example".to_owned(),
            name: format!("Person {user}"),
            email_verified: true,
        },
        access_token: Sealed(vec![id]),
        browser: browser(id),
        spare: Some(Sealed(vec![id, id])),
        created_at: NOW,
        expires_at: LATER,
        checked_at: NOW,
    }
}

pub(crate) fn waiting(id: u8, user: u8) -> Waiting {
    Waiting {
        session: session(id, user),
        target: path("/"),
        wait_until: NOW + SWITCH_LIFETIME,
    }
}

/// A handoff of this browser that has just come back.
pub(crate) async fn taken(store: &dyn Store, browser: Digest<PreSession>, n: u16) -> HandoffKey {
    store.start_handoff(handoff(browser, n), NOW).await.unwrap();
    let taken = store.take_started(browser, state(n), NOW).await.unwrap();
    assert!(taken.is_some());
    HandoffKey {
        browser,
        state: state(n),
    }
}

/// Begins a session from a handoff of its own.
pub(crate) async fn begin(
    store: &dyn Store,
    new: Session,
    replacing: Option<SessionId>,
) -> Beginning {
    let n = 1000 + u16::from(new.access_token.0[0]);
    let handoff = taken(store, new.browser, n).await;
    let source = Source::Handoff { handoff, replacing };
    store.begin_session(new, source, NOW).await.unwrap()
}

/// The same where nothing stands in its way: what ended for it.
pub(crate) async fn begun(
    store: &dyn Store,
    new: Session,
    replacing: Option<SessionId>,
) -> Vec<Ended> {
    match begin(store, new, replacing).await {
        Beginning::Begun { ended, .. } => ended,
        other => panic!("{other:?}"),
    }
}

/// Lets a session wait, from a handoff of its own.
pub(crate) async fn keep_waiting(store: &dyn Store, current: SessionId, waiting: Waiting) -> Kept {
    let n = 2000 + u16::from(waiting.session.access_token.0[0]);
    let handoff = taken(store, waiting.session.browser, n).await;
    let kept = store.keep_waiting(current, waiting, handoff, NOW).await;
    kept.unwrap()
}

/// What a session leaves when it has ended.
pub(crate) fn ended(id: u8) -> Ended {
    Ended::from(session(id, 0))
}

/// The same where it waited for an answer.
pub(crate) fn ended_while_waiting(id: u8) -> Ended {
    Ended::from(waiting(id, 0).session)
}

pub(crate) fn item(n: u8) -> Item {
    Item {
        id: ItemId::mint([n; 16]),
        text: format!("item {n}\nwith a second line"),
        done: false,
        created_at: NOW,
        edited_at: None,
    }
}

pub(crate) fn namesake() -> Owner {
    Owner {
        issuer: Origin::parse("http://other.localhost:4000").unwrap(),
        ..owner(1)
    }
}

/// What a person has, where that is one page.
pub(crate) async fn list(store: &dyn Store, owner: &Owner) -> Vec<Item> {
    let Listed { items, total } = store.list_items(owner, 0).await.unwrap();
    assert_eq!(items.len(), total);
    items
}

pub(crate) async fn total(store: &dyn Store, owner: &Owner) -> usize {
    store.list_items(owner, 0).await.unwrap().total
}

pub(crate) async fn add(store: &dyn Store, owner: &Owner, numbers: impl IntoIterator<Item = u8>) {
    for n in numbers {
        let added = store.add_item(owner, item(n)).await.unwrap();
        assert_eq!(added, Added::Yes);
    }
}

/// A second session of the same browser.
pub(crate) fn same_browser(id: u8, user: u8) -> Session {
    Session {
        browser: browser(1),
        ..session(id, user)
    }
}

pub(crate) async fn is_alive(store: &dyn Store, id: u8) -> bool {
    store.find_session(sid(id), NOW).await.unwrap().is_some()
}
