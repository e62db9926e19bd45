//! Signing out: a question, and a form that answers it (row 55).

use std::collections::BTreeSet;

use axum::response::Response;
use handoff::ids::SignInId;
use http::HeaderValue;
use leptos::prelude::*;
use pages::authority::logout::{SignOut, SignOutPage};
use serde::Deserialize;
use web::{
    at::At, cookies::Cookies, error_page::ErrorPage, form::Protected, page::Page, redirect,
    trace_id::TraceId,
};

use crate::{
    Authority, ended,
    identity::{MaybeSignedIn, SignedInForms},
    store::SignIn,
};

pub(crate) async fn get(
    At(authority): At<Authority>,
    MaybeSignedIn(signed_in): MaybeSignedIn,
    trace: TraceId,
    cookies: Cookies,
    page: Page,
) -> Result<Response, ErrorPage> {
    if !authority.context.policy.sign_out_by_post() {
        return sign_out(&authority, &trace, &cookies).await;
    }
    let apps = match &signed_in {
        Some(it) => open_apps(&authority, &it.sign_in).await?,
        None => Vec::new(),
    };
    let model = SignOut {
        apps,
        within_seconds: authority.settings.recheck.whole_seconds(),
        csrf: signed_in
            .as_ref()
            .map(|it| it.csrf().clone())
            .unwrap_or_default(),
        person: signed_in.map(|it| it.person()),
    };
    let frame = authority.context.frame.clone();
    Ok(page.show(move || frame.page("Sign out", false, view! { <SignOutPage model /> })))
}

/// The applications that this sign-in opened and that are still signed in, by name, each once.
async fn open_apps(authority: &Authority, own: &SignIn) -> Result<Vec<String>, ErrorPage> {
    let now = authority.context.now();
    let sign_ins = authority.store.list_sign_ins(own.user.id, now).await;
    let sign_ins = sign_ins.map_err(ErrorPage::unavailable)?;
    let sessions = sign_ins.into_iter().filter(|it| it.id == own.id);
    let names = sessions.flat_map(|it| it.sessions).map(|it| it.client_name);
    Ok(names.collect::<BTreeSet<_>>().into_iter().collect())
}

/// A form with nothing but its CSRF token.
#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

pub(crate) async fn post(
    At(authority): At<Authority>,
    trace: TraceId,
    cookies: Cookies,
    _: Protected<Nothing, SignedInForms>,
) -> Result<Response, ErrorPage> {
    sign_out(&authority, &trace, &cookies).await
}

async fn sign_out(
    authority: &Authority,
    trace: &TraceId,
    cookies: &Cookies,
) -> Result<Response, ErrorPage> {
    let mut apps = Vec::new();
    if let Some(id) = authority.sessions.load::<SignInId>(cookies).await? {
        let now = authority.context.now();
        let ended = authority.store.end_sign_in(id, now).await;
        apps = ended.map_err(ErrorPage::unavailable)?;
    }
    tracing::info!(trace = %trace, outcome = "success", "sign-out");
    leave(authority, cookies, false, &apps).await
}

/// Takes this browser's session away and goes to the sign-in page, which says what ended with it.
pub(crate) async fn leave(
    authority: &Authority,
    cookies: &Cookies,
    everywhere: bool,
    apps: &[String],
) -> Result<Response, ErrorPage> {
    authority.sessions.end(cookies).await?;
    let mut answer = redirect::see_other("/login?notice=signed-out");
    // "cookies" would clear other hosts of the same registrable domain as well (measured).
    answer
        .headers_mut()
        .insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    let answer = redirect::with_cookie(answer, authority.sessions.expire());
    let note = ended::note(authority, everywhere, apps);
    Ok(redirect::with_cookie(answer, note))
}
