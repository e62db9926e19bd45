//! The front page: the application, or the way in.

use axum::{http::Uri, response::Response};
use serde::Deserialize;
use web::{at::At, error_page::ErrorPage, page::Page, params::Params};

use crate::{
    RelyingParty,
    identity::MaybeSignedIn,
    items::{self, FromPage, JustDone},
    signed_out, target,
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
    uri: Uri,
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
    // Whoever has just signed out wanted to go nowhere.
    let wanted = match query.signed_out {
        Some(_) => "/".to_owned(),
        None => target::wanted(&uri),
    };
    Ok(signed_out::show(
        &site,
        &wanted,
        query.signed_out.is_some(),
        page,
    ))
}
