//! Changing what a text says.

use axum::{
    extract::{Path, rejection::PathRejection},
    http::StatusCode,
    response::Response,
};
use handoff::ids::ItemId;
use leptos::prelude::*;
use pages::relying_party::items::{Edit, EditPage, PageNumber};
use web::{at::At, error_page::ErrorPage, form::Protected, page::Page, params::Params, redirect};

use super::{Draft, FromPage, Text, show_with};
use crate::{
    RelyingParty,
    identity::{SignedIn, SignedInTexts},
    text::with_line_feeds,
};

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
    signed_in: SignedIn,
    id: Result<Path<ItemId>, PathRejection>,
    page: Page,
    Protected { fields, .. }: Protected<Text, SignedInTexts>,
) -> Result<Response, ErrorPage> {
    site.admit_write(&signed_in)?;
    let Path(id) = id.map_err(|_| ErrorPage::not_found())?;
    let application = site.settings.application;
    let place = fields.from.place();
    let text = match application.texts().parse(&fields.text) {
        Ok(text) => text,
        Err(error) => {
            let (text, error) = (with_line_feeds(&fields.text), Some(error.to_string()));
            let page = page.status(StatusCode::UNPROCESSABLE_ENTITY);
            let chosen = Chosen { id, place };
            return Ok(show(&site, &signed_in, chosen, text, error, page));
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
    let draft = Draft::refused(&fields.text, error);
    let page = page.status(StatusCode::NOT_FOUND);
    show_with(&site, &signed_in, draft, None, place, page).await
}
