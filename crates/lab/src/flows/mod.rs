//! What was recorded, for whoever reaches the lab. It reads and changes nothing.

pub(crate) mod by_session;
pub(crate) mod by_trace;
pub(crate) mod drawings;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod next;
pub(crate) mod page;
pub(crate) mod streams;

use axum::{
    extract::{FromRequestParts, Path},
    response::Response,
};
use handoff::ids::ClientId;
use http::request::Parts;
use lab_pages::diagram::{AppName, Missing, Names};
use relying_party::Application;
use time::{Duration, OffsetDateTime};
use web::{error_page::ErrorPage, redirect};

use crate::{
    AUTHORITY, Lab,
    store::{EVENTS, Flow, Kept, Key, Outcome},
};

/// How long after its last step a handoff that has an outcome is still followed: a refused one may
/// be tried again, one that went well be replayed.
const FOLLOWED_AFTER: Duration = Duration::minutes(1);

/// The same for one without: as long as a person may take to answer a question on the way.
const AWAITED_FOR: Duration = Duration::minutes(15);

/// The flow that the address names. Everything else is no page of ours.
pub(crate) struct Asked(pub(crate) Key);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = ErrorPage;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ErrorPage> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        let Path(id) = id.map_err(|_| ErrorPage::not_found())?;
        Key::parse(&id)
            .map(Self)
            .map_err(|_| ErrorPage::not_found())
    }
}

/// The flow that is known by this.
async fn find(lab: &Lab, key: &Key) -> Result<Flow, ErrorPage> {
    let found = lab.recorded().store.find(key).await;
    found
        .map_err(ErrorPage::unavailable)?
        .ok_or_else(ErrorPage::not_found)
}

/// The flow that is known by this, with all that is kept of it.
async fn find_whole(lab: &Lab, key: &Key) -> Result<(Flow, Vec<Kept>), ErrorPage> {
    let found = lab.recorded().store.find_whole(key).await;
    found
        .map_err(ErrorPage::unavailable)?
        .ok_or_else(ErrorPage::not_found)
}

/// What a picture of these events does not show of the flow.
fn missing(flow: &Flow, kept: &[Kept]) -> Missing {
    let is_full = flow.steps >= EVENTS;
    Missing {
        unreadable: flow.steps.saturating_sub(kept.len()),
        after: is_full.then(|| (flow.steps, flow.outcome.clone().into())),
    }
}

/// The address of the flow that is known by this. The pages of other sites lead here, sometimes before
/// what they tell of has arrived.
async fn lead_to(lab: &Lab, key: &Key) -> Result<Response, ErrorPage> {
    let found = lab.recorded().store.find(key).await;
    let flow = found.map_err(ErrorPage::unavailable)?.ok_or_else(|| {
        ErrorPage::not_found().in_words(
            "Nothing is recorded of this",
            "What is recorded may take a moment to arrive: load this page again. If it still says \
             so, nothing was recorded, or it was deleted since.",
        )
    })?;
    Ok(redirect::see_other(&format!("/flows/{}", flow.id)))
}

/// What the parties are called in pictures.
fn names() -> Names {
    let named = |application: Application| {
        Some(AppName {
            client: ClientId::parse(application.id()).ok()?,
            name: application.name().to_owned(),
            icon: application.icon(),
        })
    };
    Names {
        authority: AUTHORITY.to_owned(),
        apps: Application::ALL.iter().copied().filter_map(named).collect(),
    }
}

/// Whether nothing more is expected of it. To one that is full, nothing can be added.
fn is_over(flow: &Flow, now: OffsetDateTime) -> bool {
    if flow.steps >= EVENTS {
        return true;
    }
    let waits = match flow.outcome {
        Outcome::UnderWay => AWAITED_FOR,
        _ => FOLLOWED_AFTER,
    };
    now - flow.kept_at > waits
}
