//! Ends all of a person's own sign-ins with all that hangs on them: every other browser's, or this one's too.

use axum::response::Response;
use web::{
    at::At, cookies::Cookies, error_page::ErrorPage, form::Protected, redirect, trace_id::TraceId,
};

use crate::{
    Authority,
    identity::{SignedIn, SignedInForms},
    logout::{self, Nothing},
    sessions::PATH,
    store::Which,
};

pub(crate) async fn others(
    At(authority): At<Authority>,
    trace: TraceId,
    signed_in: SignedIn,
    _: Protected<Nothing, SignedInForms>,
) -> Result<Response, ErrorPage> {
    end(&authority, &trace, &signed_in, Which::Others).await?;
    Ok(redirect::see_other(&format!("{PATH}?ended=others")))
}

pub(crate) async fn all(
    At(authority): At<Authority>,
    trace: TraceId,
    cookies: Cookies,
    signed_in: SignedIn,
    _: Protected<Nothing, SignedInForms>,
) -> Result<Response, ErrorPage> {
    let apps = end(&authority, &trace, &signed_in, Which::All).await?;
    logout::leave(&authority, &cookies, true, &apps).await
}

async fn end(
    authority: &Authority,
    trace: &TraceId,
    signed_in: &SignedIn,
    which: Which,
) -> Result<Vec<String>, ErrorPage> {
    let (own, now) = (&signed_in.sign_in, authority.context.now());
    let ended = authority
        .store
        .end_own_sign_ins(own.user.id, own.id, which, now)
        .await
        .map_err(ErrorPage::unavailable)?;
    // Another browser of the person has just ended this one.
    let ended = ended.ok_or_else(ErrorPage::signed_out)?;
    tracing::info!(trace = %trace, user = %own.user.id, outcome = "success", "sign-ins ended by their owner");
    Ok(ended)
}
