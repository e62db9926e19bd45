//! Signing out of this site. The sign-in at the authorization server stays, and the page that
//! follows says so.

use axum::{http::HeaderValue, response::Response};
use handoff::token::Secret;
use serde::Deserialize;
use web::{
    at::At, cookies::Cookies, error_page::ErrorPage, form::Protected, redirect, trace_id::TraceId,
};

use crate::{
    RelyingParty,
    identity::{SignedIn, SignedInForms},
    session::{self, Keys, SESSION_COOKIE},
    start,
};

/// A form with nothing but its CSRF token.
#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    trace: TraceId,
    cookies: Cookies,
    _: Protected<Nothing, SignedInForms>,
) -> Result<Response, ErrorPage> {
    // Whether the session is still alive over there makes no difference now.
    let signed_in = SignedIn::recognise(&site, &cookies).await?;
    let id = signed_in.map(|signed_in| signed_in.session().id);
    // A handoff of this browser may be finishing at this moment; it ends too (row 81).
    let pre = start::pre_session(&site, &cookies);
    let browser = pre.as_ref().map(Secret::digest);
    let ended = site.store.sign_out(id, browser).await;
    let ended = ended.map_err(ErrorPage::unavailable)?;
    let keys = Keys {
        cookie: cookies.get(SESSION_COOKIE),
        pre: pre.as_ref(),
    };
    session::revoke(&site, &ended, keys, &trace).await;
    site.sessions.end(&cookies).await?;
    if let Some(id) = id {
        tracing::info!(trace = %trace, session = %id, outcome = "success", "sign-out");
    }
    let mut answer = redirect::see_other("/?signed_out=1");
    // "cookies" would clear other hosts of the same registrable domain as well (measured).
    answer
        .headers_mut()
        .insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    let answer = redirect::with_cookie(answer, site.sessions.expire());
    // Another tab may still come back from a sign-in that began before: it is led to its target by a new one.
    let pre_session_over = match browser {
        Some(browser) => {
            let remembers = site.store.remembers(browser, site.context.now()).await;
            !remembers.map_err(ErrorPage::unavailable)?
        }
        None => false,
    };
    Ok(session::without_pre_session(answer, pre_session_over))
}
