//! Ends one of the sessions that a person has at an app. The app learns it when it asks next.

use axum::{
    extract::{Path, rejection::PathRejection},
    response::Response,
};
use handoff::ids::SessionId;
use web::{at::At, error_page::ErrorPage, form::Protected, redirect, trace_id::TraceId};

use crate::{
    Authority,
    identity::{SignedIn, SignedInForms},
    logout::Nothing,
    sessions::PATH,
};

pub(crate) async fn post(
    At(authority): At<Authority>,
    id: Result<Path<String>, PathRejection>,
    trace: TraceId,
    signed_in: SignedIn,
    _: Protected<Nothing, SignedInForms>,
) -> Result<Response, ErrorPage> {
    let Path(id) = id.map_err(|_| ErrorPage::not_found())?;
    let id = SessionId::parse(&id).map_err(|_| ErrorPage::not_found())?;
    let (user, now) = (signed_in.sign_in.user.id, authority.context.now());
    let ended = authority
        .store
        .end_own_client_session(user, id, now)
        .await
        .map_err(ErrorPage::unavailable)?;
    if !ended {
        return Err(ErrorPage::not_found());
    }
    tracing::info!(trace = %trace, user = %user, session = %id, outcome = "success", "client session ended by its owner");
    Ok(redirect::see_other(&format!("{PATH}?ended=app")))
}
