//! Ticking a task off, and taking that back.

use axum::{
    extract::{Path, rejection::PathRejection},
    response::Response,
};
use handoff::ids::ItemId;
use serde::Deserialize;
use web::{at::At, error_page::ErrorPage, form::Protected, redirect};

use crate::{
    RelyingParty,
    identity::{SignedIn, SignedInForms},
    items::FromPage,
};

/// What is to be true afterwards, so that a second click changes nothing.
#[derive(Debug, Deserialize)]
pub(crate) struct Tick {
    done: bool,
    #[serde(flatten)]
    from: FromPage,
}

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    signed_in: SignedIn,
    id: Result<Path<ItemId>, PathRejection>,
    Protected { fields, .. }: Protected<Tick, SignedInForms>,
) -> Result<Response, ErrorPage> {
    site.admit_write(&signed_in)?;
    let Path(id) = id.map_err(|_| ErrorPage::not_found())?;
    // A task that is gone, or was never this person's, gets the same answer: nobody learns which ids
    // exist.
    let owner = signed_in.owner();
    let ticked = site.items.tick_item(&owner, id, fields.done).await;
    ticked.map_err(ErrorPage::unavailable)?;
    Ok(redirect::see_other(&fields.from.place().at("/")))
}
