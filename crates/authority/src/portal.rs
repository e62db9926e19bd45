//! The portal: what a person may open, and what was done in their name.

use axum::response::Response;
use handoff::{client::Client, uri::with_query};
use leptos::prelude::*;
use pages::authority::portal::{AppTile, OpenSessions, Outcome, Portal, PortalPage, RecentHandoff};
use serde::Deserialize;
use time::OffsetDateTime;
use web::{at::At, error_page::ErrorPage, moment::past, page::Page, params::Params};

use crate::{
    Authority,
    identity::SignedIn,
    people::typed_name,
    store::{self, OwnSignIn},
};

/// More apps than this can be searched.
const MANY_APPS: usize = 8;

/// Of a search, so many characters count.
const MAX_SEARCH: usize = 100;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Query {
    q: Option<String>,
}

pub(crate) async fn get(
    At(authority): At<Authority>,
    signed_in: SignedIn,
    Params(query): Params<Query>,
    page: Page,
) -> Result<Response, ErrorPage> {
    let (user, now) = (signed_in.sign_in.user.id, authority.context.now());
    let store = &authority.store;
    let unavailable = ErrorPage::unavailable;
    let mut clients = store.clients_of(user).await.map_err(unavailable)?;
    let recent = store
        .recent_handoffs(user, now)
        .await
        .map_err(unavailable)?;
    let sign_ins = store.list_sign_ins(user, now).await.map_err(unavailable)?;
    let search = (clients.len() > MANY_APPS).then(|| searched_for(query));
    let here = match &search {
        Some(words) if !words.is_empty() => with_query("/", &[("q", words)]),
        _ => "/".to_owned(),
    };
    if let Some(search) = &search {
        clients.retain(|client| is_found(client, search));
    }
    let targets: Vec<_> = clients.iter().map(|client| client.origin.clone()).collect();
    let model = Portal {
        person: signed_in.person(),
        csrf: signed_in.csrf().clone(),
        previous: signed_in.sign_in.previous.map(|at| past(at, now)),
        apps: clients.into_iter().map(tile).collect(),
        search,
        recent: recent
            .into_iter()
            .map(|handoff| row(&authority, handoff, now))
            .collect(),
        open: summary(&sign_ins),
    };
    let frame = authority.context.frame.clone();
    let shown = page
        .back_to(here)
        .forms_end_at(targets)
        .show(move || frame.page("Your apps", false, view! { <PortalPage model /> }));
    Ok(shown)
}

fn searched_for(query: Query) -> String {
    let text = query.q.unwrap_or_default();
    text.trim().chars().take(MAX_SEARCH).collect()
}

/// Whether each word of the search stands somewhere in what the tile says.
fn is_found(client: &Client, search: &str) -> bool {
    let tile = typed_name(&format!("{}\n{}", client.name, client.description)).to_lowercase();
    let search = typed_name(search).to_lowercase();
    search.split_whitespace().all(|word| tile.contains(word))
}

fn tile(client: Client) -> AppTile {
    AppTile {
        client_id: client.id.to_string(),
        name: client.name,
        description: client.description,
        icon: client.icon,
    }
}

fn row(authority: &Authority, handoff: store::RecentHandoff, now: OffsetDateTime) -> RecentHandoff {
    let links = authority.recording.links.as_ref().zip(handoff.flow);
    RecentHandoff {
        recorded: links.map(|(links, flow)| links.of_handoff(flow)),
        app_name: handoff.client_name,
        icon: handoff.icon,
        began: past(handoff.began, now),
        outcome: match handoff.outcome {
            store::Outcome::UnderWay => Outcome::UnderWay,
            store::Outcome::Opened => Outcome::Opened,
            store::Outcome::Refused => Outcome::Refused,
            store::Outcome::TooLate => Outcome::TooLate,
            store::Outcome::NotAnswered => Outcome::NotAnswered,
            store::Outcome::UsedTwice => Outcome::UsedTwice,
            store::Outcome::Declined => Outcome::Declined,
            store::Outcome::NotAssigned => Outcome::NotAssigned,
        },
    }
}

fn summary(sign_ins: &[OwnSignIn]) -> OpenSessions {
    let sessions = sign_ins.iter().flat_map(|sign_in| &sign_in.sessions);
    let mut apps: Vec<_> = sessions.map(|open| open.client_name.clone()).collect();
    apps.sort();
    apps.dedup();
    OpenSessions {
        other_browsers: sign_ins.len().saturating_sub(1),
        apps,
    }
}
