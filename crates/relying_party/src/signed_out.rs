//! The page of a visitor who is not signed in, at whatever address they asked for.

use axum::response::Response;
use leptos::prelude::*;
use pages::relying_party::signed_out::{SignedOut, SignedOutPage};
use web::page::Page;

use crate::{RelyingParty, target};

/// What the application is, and the way in that leads to `wanted`.
pub(crate) fn show(
    site: &RelyingParty,
    wanted: &str,
    just_signed_out: bool,
    page: Page,
) -> Response {
    let model = SignedOut {
        app_name: site.settings.name().to_owned(),
        tagline: site.settings.application.tagline().to_owned(),
        authority_name: site.settings.authority_name.clone(),
        just_signed_out,
        sign_in: target::address(wanted),
        leads_on: wanted != "/",
        authority_sign_out: format!("{}/logout", site.settings.issuer),
    };
    let frame = site.context.frame.clone();
    page.show(move || frame.page("Welcome", false, view! { <SignedOutPage model /> }))
}
