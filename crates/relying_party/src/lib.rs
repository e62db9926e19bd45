//! The relying party: an application that has no passwords and lets the authorization server say who
//! somebody is. *Notes* and *Tasks* are two clients of this same code.
//!
//! Start with [`router`], the table of everything that it answers, and `application.rs`, which has what
//! one application differs in from another. Each route is one file.
//! `start.rs` (H2) and `callback.rs` (H4 to H6) are the handoff, [`authority_client`] its back
//! channel (H5), `session.rs` what a session here is made of. [`store::Store`] is what it keeps,
//! [`identity::SignedIn`] the only way for a handler to know who is asking.

mod application;
pub mod authority_client;
mod callback;
mod clock_offset;
mod failure;
mod home;
pub mod identity;
mod items;
mod limits;
mod logout;
mod problem;
mod session;
mod signed_out;
mod site;
mod start;
pub mod store;
mod switch;
mod target;
mod text;

pub use application::Application;
use axum::{
    Router,
    http::Method,
    middleware,
    routing::{get, post},
};
pub use failure::PATH as PROBLEM;
use handoff::{step::Step, wire::path};
use recording::site::Arrival;
pub use site::{RelyingParty, Settings};
use web::{fetch_metadata, layers};

/// Everything that the site of this application answers. One router serves it on all platforms: whoever routes by `Host` puts a [`RelyingParty`] and its context into the request's extensions.
pub fn router(application: Application) -> Router {
    let handoff = Router::new()
        .route(path::START, get(start::get)) // H2
        .route(path::CALLBACK, get(callback::get)) // H4 to H6
        .layer(middleware::from_fn(fetch_metadata::navigation_only));

    let pages = Router::new()
        .route("/", get(home::get))
        .route(items::resume::PATH, get(items::resume::get))
        .route("/switch", get(switch::get).post(switch::post))
        .route(failure::PATH, get(problem::get))
        .route("/logout", post(logout::post));

    let routes = handoff.merge(pages).merge(application.routes());
    recording::layers::protect::<RelyingParty>(layers::pages(routes), arriving)
}

/// What a request is to a handoff, as it arrives.
fn arriving(method: &Method, path: &str) -> Option<Arrival> {
    match (method, path) {
        (&Method::GET | &Method::HEAD, path::START) => Some(Arrival::Step(Step::StartReceived)),
        (&Method::GET | &Method::HEAD, path::CALLBACK) => {
            Some(Arrival::Step(Step::CallbackReceived))
        }
        (&Method::GET | &Method::HEAD, switch::PATH) => Some(Arrival::Later(Step::SwitchOpened)),
        (_, switch::PATH) => Some(Arrival::Later(Step::SwitchAnswered)),
        _ => None,
    }
}
