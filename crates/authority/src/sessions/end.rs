//! Ends one of a person's own sign-ins, in whichever browser, with all that hangs on it.

use axum::{
    extract::{Path, rejection::PathRejection},
    response::Response,
};
use handoff::ids::SignInId;
use web::{
    at::At, cookies::Cookies, error_page::ErrorPage, form::Protected, redirect, trace_id::TraceId,
};

use crate::{
    Authority,
    identity::{SignedIn, SignedInForms},
    logout::{self, Nothing},
    sessions::PATH,
};

pub(crate) async fn post(
    At(authority): At<Authority>,
    id: Result<Path<String>, PathRejection>,
    trace: TraceId,
    cookies: Cookies,
    signed_in: SignedIn,
    _: Protected<Nothing, SignedInForms>,
) -> Result<Response, ErrorPage> {
    let Path(id) = id.map_err(|_| ErrorPage::not_found())?;
    let id = SignInId::parse(&id).map_err(|_| ErrorPage::not_found())?;
    let (own, now) = (signed_in.sign_in, authority.context.now());
    let ended = authority
        .store
        .end_own_sign_in(own.user.id, id, now)
        .await
        .map_err(ErrorPage::unavailable)?;
    // Somebody else's and nobody's are one answer: nothing tells that it is there.
    let apps = ended.ok_or_else(ErrorPage::not_found)?;
    tracing::info!(trace = %trace, user = %own.user.id, outcome = "success", "sign-in ended by its owner");
    if id == own.id {
        return logout::leave(&authority, &cookies, false, &apps).await;
    }
    Ok(redirect::see_other(&format!("{PATH}?ended=browser")))
}
