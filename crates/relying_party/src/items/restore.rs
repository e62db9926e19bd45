//! Bringing back what was deleted.

use axum::{
    extract::{Path, rejection::PathRejection},
    response::Response,
};
use handoff::ids::ItemId;
use web::{context::At, form::Protected, problem::Problem, redirect};

use crate::{
    RelyingParty,
    identity::{SignedIn, SignedInForms},
    logout::Nothing,
};

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    signed_in: SignedIn,
    id: Result<Path<ItemId>, PathRejection>,
    _: Protected<Nothing, SignedInForms>,
) -> Result<Response, Problem> {
    site.admit_write(&signed_in)?;
    let Path(id) = id.map_err(|_| Problem::not_found())?;
    let (owner, now) = (signed_in.owner(), site.context.now());
    let restored = site.store.restore_item(&owner, id, now).await;
    // What was never this person's is told as what is gone: nobody learns which ids exist.
    Ok(redirect::see_other(
        match restored.map_err(Problem::unavailable)? {
            true => "/?restored=yes",
            false => "/?restored=too-late",
        },
    ))
}
