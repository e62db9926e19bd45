//! The pages of Harbor ID ([`authority`]) and of an application that signs people in by it
//! ([`relying_party`]). No page here has a script.
//!
//! Every page is a Leptos component that takes one `model`, a plain value made by the site that
//! answers the request, and is rendered on the server inside [`ui::shell::Document`]. Pages ask nobody
//! anything and change nothing: whatever changes something is a plain form to a plain handler.
//!
//! Adding a page: a file with the model and the component, its look in `style/`, its case in
//! `tests.rs`, which holds every page to the rules that the content security policy makes.

pub mod authority;
pub mod relying_party;

#[cfg(test)]
mod tests;
