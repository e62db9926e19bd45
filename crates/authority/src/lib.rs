//! The authorization server, *Harbor ID*: it knows people, signs them in, and hands them over.
//!
//! Start with [`router`], the table of everything that it answers. Each route is one file; the
//! handoff's own (H1, H3, H5) are under `handoff/`. [`store::Store`] is what it keeps,
//! [`identity::SignedIn`] the only way for a handler to know who is asking.

mod api;
mod browser;
mod continuation;
mod ended;
mod handoff;
pub mod identity;
mod known_clients;
mod limits;
mod login;
mod logout;
pub mod password;
pub mod people;
mod portal;
mod sessions;
mod site;
pub mod store;
pub mod throttle;

use ::handoff::wire::path;
use axum::{
    Router, middleware,
    routing::{get, post},
};
pub use site::{Authority, DemoAccount, ID, Settings};
use web::{fetch_metadata, layers};

/// Everything that the site answers. One router serves the authorization servers of all platforms:
/// whoever routes by `Host` puts an [`Authority`] and its context into the request's extensions.
pub fn router() -> Router {
    let navigation_only = middleware::from_fn(fetch_metadata::navigation_only);

    let pages = Router::new()
        .route("/", get(portal::get))
        .route("/login", get(login::get).post(login::post))
        .route("/logout", get(logout::get).post(logout::post))
        .route(sessions::PATH, get(sessions::get))
        .route("/sessions/end-others", post(sessions::end_all::others))
        .route("/sessions/end-all", post(sessions::end_all::all))
        .route("/sessions/{id}/end", post(sessions::end::post))
        .route("/sessions/apps/{id}/end", post(sessions::end_app::post))
        .route("/apps/{client_id}/open", post(handoff::launch::post)) // H1
        .route(
            path::AUTHORIZE, // H3
            get(handoff::authorize::get)
                .layer(navigation_only)
                .post(handoff::authorize::post),
        );

    let machines = Router::new()
        .route(path::VERIFY, handoff::verify::route()) // H5
        .route(path::VERIFY_ALIAS, handoff::verify::route())
        .route(path::SESSION, api::session::route())
        .route(path::DIRECT_LOGOUT, api::logout::route());

    let routes = layers::pages(pages).merge(layers::api(machines));
    recording::layers::protect::<Authority>(routes, handoff::arriving)
}
