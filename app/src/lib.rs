//! What people see.
//!
//! Every page is a Leptos component that takes one `model`, a plain value made by the site that
//! answers the request, and is rendered on the server inside [`shell::Document`]. Pages ask nobody
//! anything and change nothing: whatever changes something is a plain form to a plain handler.
//!
//! * [`authority`]: the pages of Harbor ID; [`relying_party`]: those of an application that signs
//!   people in by it; [`lab`]: those of the lab. [`error`] is the page that they share.
//! * [`components`]: the small pieces that pages are made of.
//! * [`appearance`] and [`words`] are what every page offers: its theme and the size of its text, and
//!   the explanations of its terms.
//! * Only [`lab::challenge::ChallengeTool`] and [`lab::live::LiveFlow`] are islands, that is, run in
//!   the browser as well.
//!
//! Adding a page: a file with the model and the component, its look in `style/`, its case in
//! `tests.rs`, which holds every page to the rules that the content security policy makes.

pub mod appearance;
pub mod authority;
pub mod components;
pub mod error;
pub mod lab;
pub mod person;
pub mod relying_party;
pub mod shell;
pub mod words;

#[cfg(all(test, feature = "ssr"))]
mod tests;
