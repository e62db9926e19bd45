//! Adding a text.

use axum::{http::StatusCode, response::Response};
use handoff::ids::ItemId;
use pages::relying_party::items::Kind;
use web::{at::At, error_page::ErrorPage, page::Page, redirect};

use super::{Draft, SHOWN_AGAIN, show_with, text_post::TextPost};
use crate::{
    RelyingParty,
    store::{Added, ITEMS_PER_PERSON, Item},
};

/// Somebody opened the address that the form posts to: the form stands on the front page.
pub(crate) async fn get() -> Response {
    redirect::see_other("/")
}

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    page: Page,
    post: TextPost,
) -> Result<Response, ErrorPage> {
    add(&site, &post, page)
        .await
        .map_err(|problem| post.keep(problem))
}

async fn add(site: &RelyingParty, post: &TextPost, page: Page) -> Result<Response, ErrorPage> {
    let TextPost {
        signed_in, place, ..
    } = post;
    let item = post.form.as_ref().map(|form| form.item);
    let (error, status) = if post.is_of_ended_session {
        (SHOWN_AGAIN.to_owned(), StatusCode::FORBIDDEN)
    } else {
        site.admit_write(signed_in)?;
        match site.settings.application.texts().parse(&post.text) {
            Ok(text) => {
                let id = item.unwrap_or_else(|| ItemId::mint(site.context.random.bytes()));
                let new = Item {
                    id,
                    text: text.clone(),
                    done: false,
                    created_at: site.context.now(),
                    edited_at: None,
                };
                let added = site.items.add_item(&signed_in.owner(), new).await;
                match added.map_err(ErrorPage::unavailable)? {
                    Added::Yes => return Ok(redirect::see_other("/")),
                    Added::Before => {
                        let found = site.items.find_item(&signed_in.owner(), id).await;
                        let found = found.map_err(ErrorPage::unavailable)?;
                        if found.is_some_and(|found| found.text == text) {
                            return Ok(redirect::see_other("/"));
                        }
                        // A corrected text is another one: the form is shown anew and makes a text of its own.
                        let draft = Draft::refused(&post.text, sent_before(site));
                        let page = page.status(StatusCode::CONFLICT);
                        return show_with(site, signed_in, draft, None, *place, page).await;
                    }
                    Added::Full => {
                        let full = full(site.settings.application.kind());
                        (full, StatusCode::UNPROCESSABLE_ENTITY)
                    }
                }
            }
            Err(error) => (error.to_string(), StatusCode::UNPROCESSABLE_ENTITY),
        }
    };
    let draft = Draft {
        item,
        ..Draft::refused(&post.text, error)
    };
    let page = page.status(status);
    show_with(site, signed_in, draft, None, *place, page).await
}

fn sent_before(site: &RelyingParty) -> String {
    let noun = site.settings.application.kind().noun();
    format!(
        "This form was sent before with another text. This {noun} is not saved yet: send it to add \
         it too."
    )
}

fn full(kind: Kind) -> String {
    let noun = kind.noun();
    format!("You have {ITEMS_PER_PERSON} {noun}s, the most there can be. Delete one first.")
}
