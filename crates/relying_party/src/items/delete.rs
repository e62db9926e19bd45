//! Deleting a text, which can be undone for a while.

use axum::{
    extract::{Path, rejection::PathRejection},
    response::Response,
};
use handoff::ids::ItemId;
use web::{at::At, error_page::ErrorPage, form::Protected, redirect};

use crate::{
    RelyingParty,
    identity::{SignedIn, SignedInForms},
    items::FromPage,
};

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    signed_in: SignedIn,
    id: Result<Path<ItemId>, PathRejection>,
    Protected { fields: from, .. }: Protected<FromPage, SignedInForms>,
) -> Result<Response, ErrorPage> {
    site.admit_write(&signed_in)?;
    let Path(id) = id.map_err(|_| ErrorPage::not_found())?;
    // One that is gone already, or was never this person's, gets the same answer: after a double
    // click what was wanted is true, and nobody learns which ids exist.
    let (owner, now) = (signed_in.owner(), site.context.now());
    let deleted = site.items.delete_item(&owner, id, now).await;
    deleted.map_err(ErrorPage::unavailable)?;
    Ok(redirect::see_other(
        &from.place().saying("deleted", &id.to_string()),
    ))
}
