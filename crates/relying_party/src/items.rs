//! What a person keeps in an application: the page with all of it, and adding to it. What one
//! application differs in from another is its `Kind` and the rule of its texts.

pub(crate) mod add;
pub(crate) mod delete;
pub(crate) mod edit;
pub(crate) mod restore;
pub(crate) mod resume;
mod shown_form;
pub(crate) mod text_post;
pub(crate) mod tick;

use axum::response::Response;
use handoff::ids::ItemId;
use leptos::prelude::*;
use pages::relying_party::items::{ItemView, Items, ItemsPage, News, PageNumber, Part};
use serde::Deserialize;
use time::Duration;
use web::{error_page::ErrorPage, moment::moment, page::Page};

use self::shown_form::ShownForm;
use crate::{
    RelyingParty, clock_offset,
    identity::SignedIn,
    store::{Deleted, ITEMS_PER_PAGE, Item, Listed},
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
    /// The text that the form makes, if it is the one that was shown before.
    item: Option<ItemId>,
}

/// Told with a form that is shown again after the session that it was shown in has ended.
pub(crate) const SHOWN_AGAIN: &str =
    "You signed in again after you wrote this. It is not saved yet: check it, then send it.";

impl Draft {
    /// A text that was not kept, and why.
    fn refused(text: &str, error: String) -> Self {
        Self {
            text: with_line_feeds(text),
            error: Some(error),
            item: None,
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
    let new = draft.item;
    let new = new.unwrap_or_else(|| ItemId::mint(site.context.random.bytes()));
    let model = Items {
        kind,
        person: signed_in.person(),
        authority_name: site.settings.authority_name.clone(),
        authority_apps: site.settings.authority_apps(),
        arrival: signed_in.arrival(site),
        csrf: signed_in.csrf(site),
        form: ShownForm::new(signed_in.owner(), new).seal(site),
        items: items.into_iter().map(view).collect(),
        part,
        clock_differs: site.clock.notable().map(clock_offset::in_words),
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
