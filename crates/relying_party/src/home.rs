//! The front page: the application, or the way in.

use axum::response::Response;
use leptos::prelude::*;
use pages::relying_party::signed_out::{SignedOut, SignedOutPage};
use serde::Deserialize;
use web::{at::At, error_page::ErrorPage, page::Page, params::Params};

use crate::{
    RelyingParty,
    identity::MaybeSignedIn,
    items::{self, FromPage, JustDone},
};

#[derive(Debug, Deserialize)]
pub(crate) struct HomeQuery {
    /// Where sign-out leads.
    signed_out: Option<String>,
    /// Where the change of what a person keeps leads.
    deleted: Option<String>,
    restored: Option<String>,
    #[serde(flatten)]
    from: FromPage,
}

pub(crate) async fn get(
    At(site): At<RelyingParty>,
    MaybeSignedIn(signed_in): MaybeSignedIn,
    Params(query): Params<HomeQuery>,
    page: Page,
) -> Result<Response, ErrorPage> {
    if let Some(signed_in) = signed_in {
        let done = JustDone {
            deleted: query.deleted,
            restored: query.restored,
        };
        return items::show(&site, &signed_in, done, query.from.place(), page).await;
    }
    let model = SignedOut {
        app_name: site.settings.name().to_owned(),
        tagline: site.settings.application.tagline().to_owned(),
        authority_name: site.settings.authority_name.clone(),
        just_signed_out: query.signed_out.is_some(),
        authority_sign_out: format!("{}/logout", site.settings.issuer),
    };
    let frame = site.context.frame.clone();
    Ok(page.show(move || frame.page("Welcome", false, view! { <SignedOutPage model /> })))
}
