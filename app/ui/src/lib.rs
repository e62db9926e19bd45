//! What every page is made of, on every site.
//!
//! * [`shell`]: the HTML document that each page stands in.
//! * [`components`]: the small pieces that pages are made of.
//! * [`appearance`] and [`words`] are what every page offers: its theme and the size of its text, and
//!   the explanations of its terms. [`error`] is the page that all sites share.
//! * [`site_list`] is the page for an address that is no site's.
//! * `rules`: what holds for every page, for the tests of the crates that have pages.
//!
//! No page of one site is here, so that a change of one is compiled by that site alone.

pub mod appearance;
pub mod components;
pub mod error;
pub mod person;
#[cfg(any(test, feature = "rules"))]
pub mod rules;
pub mod shell;
pub mod site_list;
pub mod words;

#[cfg(test)]
mod tests;
