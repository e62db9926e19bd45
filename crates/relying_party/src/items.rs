//! What a person keeps in an application: the page with all of it, and adding to it. What one
//! application differs in from another is its [`Kind`] and the rule of its texts.

pub(crate) mod delete;
pub(crate) mod edit;
pub(crate) mod restore;
pub(crate) mod tick;

use axum::{http::StatusCode, response::Response};
use handoff::ids::ItemId;
use leptos::prelude::*;
use pages::relying_party::items::{ItemView, Items, ItemsPage, Kind, News, PageNumber, Part};
use serde::Deserialize;
use time::Duration;
use web::{at::At, error_page::ErrorPage, form::Protected, moment::moment, page::Page, redirect};

use crate::{
    RelyingParty,
    identity::{SignedIn, SignedInTexts},
    store::{Added, Deleted, ITEMS_PER_PAGE, ITEMS_PER_PERSON, Item, Listed},
    text::with_line_feeds,
};

/// What the address of the page says has just been done. Anybody can write such an address, and keep
/// one: the page says only what the store knows to be so.
#[derive(Debug)]
pub(crate) struct JustDone {
    /// The id of what was deleted.
    pub(crate) deleted: Option<String>,
    /// The id of what was brought back.
    pub(crate) restored: Option<String>,
}

/// Where somebody was in the list, as a form or an address says it, so that the answer leads back there.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct FromPage {
    page: Option<String>,
}

impl FromPage {
    pub(crate) fn place(&self) -> PageNumber {
        PageNumber::read(self.page.as_deref().unwrap_or_default())
    }
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
/// [`ErrorPage::unavailable`] when the store cannot be reached.
pub(crate) async fn show(
    site: &RelyingParty,
    signed_in: &SignedIn,
    done: JustDone,
    place: PageNumber,
    page: Page,
) -> Result<Response, ErrorPage> {
    let read = |id: Option<String>| id.and_then(|id| ItemId::parse(&id).ok());
    let (deleted, restored) = (read(done.deleted), read(done.restored));
    let news = match (deleted, restored) {
        (Some(id), _) => deleted_just_now(site, signed_in, id).await?,
        (None, Some(id)) => restored_just_now(site, signed_in, id).await?,
        (None, None) => None,
    };
    let page = match (&news, deleted) {
        (Some(News::Deleted { .. }), Some(id)) => {
            page.back_to(place.saying("deleted", &id.to_string()))
        }
        _ => page.back_to(place.at("/")),
    };
    show_with(site, signed_in, Draft::default(), news, place, page).await
}

/// Only what can be brought back is told of: an address that somebody kept says nothing later.
async fn deleted_just_now(
    site: &RelyingParty,
    signed_in: &SignedIn,
    id: ItemId,
) -> Result<Option<News>, ErrorPage> {
    let (owner, now) = (signed_in.owner(), site.context.now());
    let deleted = site.items.find_deleted(&owner, id, now).await;
    let deleted = deleted.map_err(ErrorPage::unavailable)?;
    Ok(deleted.map(|Deleted { item, undo_until }| News::Deleted {
        item: view(item),
        minutes: begun_minutes(undo_until - now),
    }))
}

/// Minutes for people, the last one until it is over.
fn begun_minutes(left: Duration) -> i64 {
    let seconds = left.whole_seconds() + i64::from(left.subsec_nanoseconds() > 0);
    (seconds + 59) / 60
}

async fn restored_just_now(
    site: &RelyingParty,
    signed_in: &SignedIn,
    id: ItemId,
) -> Result<Option<News>, ErrorPage> {
    let (owner, now) = (signed_in.owner(), site.context.now());
    let is_back = site.items.is_just_restored(&owner, id, now).await;
    Ok(is_back
        .map_err(ErrorPage::unavailable)?
        .then_some(News::Restored))
}

async fn show_with(
    site: &RelyingParty,
    signed_in: &SignedIn,
    draft: Draft,
    news: Option<News>,
    wanted: PageNumber,
    page: Page,
) -> Result<Response, ErrorPage> {
    let kind = site.settings.application.kind();
    let listed = site.items.list_items(&signed_in.owner(), wanted.0).await;
    let Listed { items, total } = listed.map_err(ErrorPage::unavailable)?;
    let part = part(wanted, total);
    let model = Items {
        kind,
        person: signed_in.person(),
        authority_name: site.settings.authority_name.clone(),
        authority_apps: site.settings.authority_apps(),
        arrival: signed_in.arrival(site),
        csrf: signed_in.csrf(site),
        items: items.into_iter().map(view).collect(),
        part,
        draft_error: draft.error,
        draft: draft.text,
        news,
    };
    let frame = site.context.frame.clone();
    let title = match part.place {
        PageNumber(0) => kind.heading().to_owned(),
        PageNumber(n) => format!("{}, page {}", kind.heading(), n + 1),
    };
    Ok(page.show(move || frame.page(title, false, view! { <ItemsPage model /> })))
}

/// What the store shows to whoever wants this page: the last one, if it lies beyond that.
fn part(wanted: PageNumber, total: usize) -> Part {
    let pages = u32::try_from(total.div_ceil(ITEMS_PER_PAGE)).unwrap_or(u32::MAX);
    let place = wanted.0.min(pages.saturating_sub(1));
    let before = usize::try_from(place).unwrap_or(usize::MAX);
    Part {
        place: PageNumber(place),
        pages,
        first: before.saturating_mul(ITEMS_PER_PAGE).saturating_add(1),
        total,
    }
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
    #[serde(flatten)]
    from: FromPage,
}

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    signed_in: SignedIn,
    page: Page,
    Protected { fields, .. }: Protected<Text, SignedInTexts>,
) -> Result<Response, ErrorPage> {
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
            let added = site.items.add_item(&signed_in.owner(), item).await;
            match added.map_err(ErrorPage::unavailable)? {
                Added::Yes => return Ok(redirect::see_other("/")),
                Added::Full => full(application.kind()),
            }
        }
        Err(error) => error.to_string(),
    };
    let draft = Draft::refused(&fields.text, error);
    let page = page.status(StatusCode::UNPROCESSABLE_ENTITY);
    show_with(&site, &signed_in, draft, None, fields.from.place(), page).await
}

fn full(kind: Kind) -> String {
    let noun = kind.noun();
    format!("You have {ITEMS_PER_PERSON} {noun}s, the most there can be. Delete one first.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_that_has_begun_counts() {
        let [minute, moment] = [Duration::MINUTE, Duration::MILLISECOND];
        for (left, minutes) in [
            (minute * 10, 10),
            (minute * 10 - moment, 10),
            (minute + moment, 2),
            (minute, 1),
            (moment, 1),
        ] {
            assert_eq!(begun_minutes(left), minutes, "{left}");
        }
    }
}
