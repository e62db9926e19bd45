//! Signing out of this site. The sign-in at the authorization server stays, and the page that
//! follows says so.

use axum::{http::HeaderValue, response::Response};
use serde::Deserialize;
use web::{
    context::{At, TraceId},
    cookies::Cookies,
    form::Protected,
    problem::Problem,
    redirect,
};

use crate::{
    RelyingParty,
    identity::{SignedIn, SignedInForms},
    session,
};

/// A form with nothing but its CSRF token.
#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    trace: TraceId,
    cookies: Cookies,
    _: Protected<Nothing, SignedInForms>,
) -> Result<Response, Problem> {
    // Whether the session is still alive over there makes no difference now.
    if let Some(signed_in) = SignedIn::recognise(&site, &cookies).await? {
        session::end(&site, signed_in.current_session(), &cookies, &trace).await?;
        let id = signed_in.session().id;
        tracing::info!(trace = %trace, session = %id, outcome = "success", "sign-out");
    }
    let mut answer = redirect::see_other("/?signed_out=1");
    // "cookies" would clear other hosts of the same registrable domain as well (measured).
    answer
        .headers_mut()
        .insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(redirect::with_cookie(answer, site.sessions.expire()))
}
