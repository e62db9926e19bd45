//! Bringing back what was deleted.

use axum::{
    extract::{Path, rejection::PathRejection},
    http::StatusCode,
    response::Response,
};
use handoff::ids::ItemId;
use pages::relying_party::items::News;
use web::{at::At, error_page::ErrorPage, form::Protected, page::Page, redirect};

use super::{Draft, FromPage, show_with};
use crate::{
    RelyingParty,
    identity::{SignedIn, SignedInForms},
};

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    signed_in: SignedIn,
    id: Result<Path<ItemId>, PathRejection>,
    page: Page,
    Protected { fields: from, .. }: Protected<FromPage, SignedInForms>,
) -> Result<Response, ErrorPage> {
    site.admit_write(&signed_in)?;
    let Path(id) = id.map_err(|_| ErrorPage::not_found())?;
    let (owner, now) = (signed_in.owner(), site.context.now());
    let restored = site.items.restore_item(&owner, id, now).await;
    if restored.map_err(ErrorPage::unavailable)? {
        let home = from.place().saying("restored", &id.to_string());
        return Ok(redirect::see_other(&home));
    }
    // What was never this person's is told as what is gone: nobody learns which ids exist. And it is told
    // here, since an address that says so could come from anybody.
    let page = page.status(StatusCode::NOT_FOUND);
    let news = Some(News::TooLate);
    show_with(
        &site,
        &signed_in,
        Draft::default(),
        news,
        from.place(),
        page,
    )
    .await
}
