//! What a person keeps in an application: the page with all of it, and adding to it. What one
//! application differs in from another is its [`Kind`] and the rule of its texts.

pub(crate) mod delete;
pub(crate) mod edit;
pub(crate) mod restore;
pub(crate) mod tick;

use app::relying_party::items::{ItemView, Items, ItemsPage, Kind, News};
use axum::{http::StatusCode, response::Response};
use handoff::ids::ItemId;
use leptos::prelude::*;
use serde::Deserialize;
use web::{context::At, form::Protected, moment::moment, page::Page, problem::Problem, redirect};

use crate::{
    RelyingParty,
    identity::{SignedIn, SignedInTexts},
    store::{Added, ITEMS_PER_PERSON, Item, UNDO_FOR},
    text::with_line_feeds,
};

/// What the address of the page says has just been done.
#[derive(Debug)]
pub(crate) struct JustDone {
    /// The id of what was deleted.
    pub(crate) deleted: Option<String>,
    /// Whether it could be brought back.
    pub(crate) restored: Option<Restored>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Restored {
    Yes,
    TooLate,
    #[serde(other)]
    Other,
}

/// What stands in the form for a new text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    text: String,
    error: Option<String>,
}

impl Draft {
    /// A text that was not kept, and why.
    fn refused(text: &str, error: String) -> Self {
        Self {
            text: with_line_feeds(text),
            error: Some(error),
        }
    }
}

/// The page of somebody who has just come.
///
/// # Errors
/// [`Problem::unavailable`] when the store cannot be reached.
pub(crate) async fn show(
    site: &RelyingParty,
    signed_in: &SignedIn,
    done: JustDone,
    page: Page,
) -> Result<Response, Problem> {
    let deleted = done.deleted.and_then(|id| ItemId::parse(&id).ok());
    let news = match (deleted, done.restored) {
        (Some(id), _) => deleted_just_now(site, signed_in, id).await?,
        (None, Some(Restored::Yes)) => Some(News::Restored),
        (None, Some(Restored::TooLate)) => Some(News::TooLate),
        (None, Some(Restored::Other) | None) => None,
    };
    let page = match (&news, deleted) {
        (Some(News::Deleted { .. }), Some(id)) => page.back_to(format!("/?deleted={id}")),
        _ => page,
    };
    show_with(site, signed_in, Draft::default(), news, page).await
}

/// Only what can be brought back is told of: an address that somebody kept says nothing later.
async fn deleted_just_now(
    site: &RelyingParty,
    signed_in: &SignedIn,
    id: ItemId,
) -> Result<Option<News>, Problem> {
    let (owner, now) = (signed_in.owner(), site.context.now());
    let item = site.store.find_deleted(&owner, id, now).await;
    let item = item.map_err(Problem::unavailable)?;
    Ok(item.map(|item| News::Deleted {
        item: view(item),
        minutes: UNDO_FOR.whole_minutes(),
    }))
}

async fn show_with(
    site: &RelyingParty,
    signed_in: &SignedIn,
    draft: Draft,
    news: Option<News>,
    page: Page,
) -> Result<Response, Problem> {
    let kind = site.settings.application.kind();
    let items = site.store.list_items(&signed_in.owner()).await;
    let items = items.map_err(Problem::unavailable)?;
    let model = Items {
        kind,
        person: signed_in.person(),
        authority_name: site.settings.authority_name.clone(),
        authority_apps: site.settings.authority_apps(),
        csrf: signed_in.csrf(site),
        items: items.into_iter().map(view).collect(),
        draft_error: draft.error,
        draft: draft.text,
        news,
    };
    let frame = site.context.frame.clone();
    Ok(page.show(move || frame.page(kind.heading(), false, view! { <ItemsPage model /> })))
}

fn view(item: Item) -> ItemView {
    ItemView {
        id: item.id.to_string(),
        text: item.text,
        done: item.done,
        created: moment(item.created_at),
        edited: item.edited_at.map(moment),
    }
}

/// A text, as a form sends it.
#[derive(Debug, Deserialize)]
pub(crate) struct Text {
    text: String,
}

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    signed_in: SignedIn,
    page: Page,
    Protected { fields, .. }: Protected<Text, SignedInTexts>,
) -> Result<Response, Problem> {
    site.admit_write(&signed_in)?;
    let application = site.settings.application;
    let error = match application.texts().parse(&fields.text) {
        Ok(text) => {
            let item = Item {
                id: ItemId::mint(site.context.random.bytes()),
                text,
                done: false,
                created_at: site.context.now(),
                edited_at: None,
            };
            let added = site.store.add_item(&signed_in.owner(), item).await;
            match added.map_err(Problem::unavailable)? {
                Added::Yes => return Ok(redirect::see_other("/")),
                Added::Full => full(application.kind()),
            }
        }
        Err(error) => error.to_string(),
    };
    let draft = Draft::refused(&fields.text, error);
    let page = page.status(StatusCode::UNPROCESSABLE_ENTITY);
    show_with(&site, &signed_in, draft, None, page).await
}

fn full(kind: Kind) -> String {
    let noun = kind.noun();
    format!("You have {ITEMS_PER_PERSON} {noun}s, the most there can be. Delete one first.")
}
