//! The pages of the lab, and the islands in them, which run in the browser as well. A page is made as
//! those of the other sites are: see the crate `pages`.
//!
//! The server draws: [`diagram`] makes a picture of a handoff from what was recorded, `message` is
//! what opens beside it, and [`drawn`] has both as finished HTML, in parts ([`fragments`]). [`flow`]
//! shows one, [`flows`] lists them, and [`next`] waits for one.
//!
//! The browser places: [`live`] and the islands of the other pages follow a `stream` of such parts, and
//! `place` puts them into the page. Nothing else of this crate is part of the bundle, but the
//! [`challenge`] tool.

pub mod challenge;
pub mod diagram;
pub mod drawn;
pub mod flow;
pub mod flows;
pub mod fragments;
pub mod live;
pub(crate) mod message;
pub mod monitor;
pub mod next;
mod place;
pub mod start;
pub mod stepping;
mod stream;

#[cfg(all(test, feature = "ssr"))]
mod tests;
