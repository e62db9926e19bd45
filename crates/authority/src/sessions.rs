//! Where a person is signed in: their browsers, and the apps that each of them opened.

pub(crate) mod end;
pub(crate) mod end_all;
pub(crate) mod end_app;

use axum::response::Response;
use leptos::prelude::*;
use pages::authority::sessions::{AppSession, BrowserSession, Ended, Sessions, SessionsPage};
use serde::Deserialize;
use web::{at::At, error_page::ErrorPage, moment::moment, page::Page, params::Params};

use crate::{Authority, identity::SignedIn, store::OwnSignIn};

/// Where the page is.
pub(crate) const PATH: &str = "/sessions";

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Query {
    ended: Option<What>,
}

/// What has just been ended.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum What {
    Browser,
    Others,
    App,
    #[serde(other)]
    Other,
}

pub(crate) async fn get(
    At(authority): At<Authority>,
    signed_in: SignedIn,
    Params(query): Params<Query>,
    page: Page,
) -> Result<Response, ErrorPage> {
    let own = &signed_in.sign_in;
    let now = authority.context.now();
    let sign_ins = authority
        .store
        .list_sign_ins(own.user.id, now)
        .await
        .map_err(ErrorPage::unavailable)?;
    let (this, others): (Vec<_>, Vec<_>) = sign_ins
        .into_iter()
        .map(|sign_in| (sign_in.id == own.id, sign_in))
        .partition(|(is_this, _)| *is_this);
    let model = Sessions {
        person: signed_in.person(),
        csrf: signed_in.csrf().clone(),
        within_seconds: authority.settings.recheck.whole_seconds(),
        browsers: this.into_iter().chain(others).map(view).collect(),
        ended: match query.ended {
            Some(What::Browser) => Some(Ended::Browser),
            Some(What::Others) => Some(Ended::Others),
            Some(What::App) => Some(Ended::App),
            Some(What::Other) | None => None,
        },
    };
    let frame = authority.context.frame.clone();
    Ok(page.show(move || {
        frame.page(
            "Where you are signed in",
            false,
            view! { <SessionsPage model /> },
        )
    }))
}

fn view((is_this, sign_in): (bool, OwnSignIn)) -> BrowserSession {
    let apps = sign_in.sessions.into_iter().map(|session| AppSession {
        id: session.id.to_string(),
        name: session.client_name,
        began: moment(session.began),
    });
    BrowserSession {
        id: sign_in.id.to_string(),
        name: sign_in.browser,
        is_this,
        began: moment(sign_in.began),
        last_used: moment(sign_in.last_used),
        apps: apps.collect(),
    }
}
