//! What every site needs of HTTP, one file per concern, so that a defence is written once.
//!
//! [`context::Context`] is what a request knows of its site: its origin, its clock, its randomness.
//! [`layers::protect`] puts the defences around a site's routes. [`page::Page`] shows a view,
//! [`error_page::ErrorPage`] is the one way to refuse.

pub mod appearance;
pub mod at;
pub mod authorization;
pub mod clock;
pub mod context;
mod cookie_prefix;
pub mod cookies;
mod csp;
pub mod csrf;
pub mod error_page;
pub mod fetch_metadata;
pub mod form;
mod glossary;
pub mod headers;
pub mod http_client;
pub mod layers;
pub mod limits;
pub mod misplaced;
pub mod moment;
pub mod page;
pub mod params;
pub mod peer;
pub mod redirect;
pub mod refused;
pub mod rng;
pub mod seal;
pub mod session;
pub mod site;
pub mod trace;
pub mod trace_id;
