//! Changing what a text says.

use axum::{
    extract::{Path, rejection::PathRejection},
    http::StatusCode,
    response::Response,
};
use handoff::ids::ItemId;
use leptos::prelude::*;
use pages::relying_party::items::{Edit, EditPage, PageNumber};
use web::{at::At, error_page::ErrorPage, page::Page, params::Params, redirect};

use super::{Draft, FromPage, SHOWN_AGAIN, show_with, shown_form::ShownForm, text_post::TextPost};
use crate::{RelyingParty, identity::SignedIn, text::with_line_feeds};

pub(crate) async fn get(
    At(site): At<RelyingParty>,
    signed_in: SignedIn,
    id: Result<Path<ItemId>, PathRejection>,
    Params(from): Params<FromPage>,
    page: Page,
) -> Result<Response, ErrorPage> {
    let Path(id) = id.map_err(|_| ErrorPage::not_found())?;
    let item = site.items.find_item(&signed_in.owner(), id).await;
    let item = item.map_err(ErrorPage::unavailable)?;
    // Somebody else's and nobody's are one answer: nothing tells that it is there.
    let item = item.ok_or_else(ErrorPage::not_found)?;
    let chosen = Chosen {
        id,
        place: from.place(),
    };
    Ok(show(&site, &signed_in, chosen, item.text, None, page))
}

/// Which text it is, and the page that it was chosen on.
struct Chosen {
    id: ItemId,
    place: PageNumber,
}

fn show(
    site: &RelyingParty,
    signed_in: &SignedIn,
    chosen: Chosen,
    text: String,
    error: Option<String>,
    page: Page,
) -> Response {
    let kind = site.settings.application.kind();
    let model = Edit {
        kind,
        person: signed_in.person(),
        authority_name: site.settings.authority_name.clone(),
        authority_apps: site.settings.authority_apps(),
        arrival: signed_in.arrival(site),
        csrf: signed_in.csrf(site),
        form: ShownForm::new(signed_in.owner(), chosen.id).seal(site),
        id: chosen.id.to_string(),
        place: chosen.place,
        text,
        error,
    };
    let frame = site.context.frame.clone();
    // A refused text is shown as the answer to a post, but the page that it belongs to is this one.
    let page = page.back_to(
        chosen
            .place
            .at(&format!("{}/{}/edit", kind.path(), chosen.id)),
    );
    page.show(move || frame.page(kind.edit_heading(), false, view! { <EditPage model /> }))
}

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    id: Result<Path<ItemId>, PathRejection>,
    page: Page,
    post: TextPost,
) -> Result<Response, ErrorPage> {
    let edited = edit(&site, id, &post, page).await;
    edited.map_err(|problem| post.keep(problem))
}

async fn edit(
    site: &RelyingParty,
    id: Result<Path<ItemId>, PathRejection>,
    post: &TextPost,
    page: Page,
) -> Result<Response, ErrorPage> {
    let TextPost {
        signed_in, place, ..
    } = post;
    let (place, application) = (*place, site.settings.application);
    let text = if post.is_of_ended_session {
        Err((SHOWN_AGAIN.to_owned(), StatusCode::FORBIDDEN))
    } else {
        site.admit_write(signed_in)?;
        let text = application.texts().parse(&post.text);
        text.map_err(|error| (error.to_string(), StatusCode::UNPROCESSABLE_ENTITY))
    };
    let Path(id) = id.map_err(|_| ErrorPage::not_found())?;
    let text = match text {
        Ok(text) => text,
        Err((error, status)) => {
            let text = with_line_feeds(&post.text);
            let chosen = Chosen { id, place };
            let page = page.status(status);
            return Ok(show(site, signed_in, chosen, text, Some(error), page));
        }
    };
    let (owner, now) = (signed_in.owner(), site.context.now());
    let edited = site.items.edit_item(&owner, id, text, now).await;
    if edited.map_err(ErrorPage::unavailable)? {
        return Ok(redirect::see_other(&place.at("/")));
    }
    // It may have been deleted in another window meanwhile; what was typed is not lost for that.
    let noun = application.kind().noun();
    let error = format!("That {noun} is no longer there. You can add what you wrote as a new one.");
    let draft = Draft::refused(&post.text, error);
    let page = page.status(StatusCode::NOT_FOUND);
    show_with(site, signed_in, draft, None, place, page).await
}
