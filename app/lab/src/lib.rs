//! The pages of the lab, and the islands in them, which run in the browser as well. A page is made as
//! those of the other sites are: see the crate `pages`.
//!
//! [`diagram`] makes a picture of a handoff from what was recorded. [`flow`] shows one, drawn by
//! the island [`live`] with the same code that drew it on the server; [`message`] is what opens
//! beside it. [`flows`] lists them, and [`next`] waits for one.

pub mod challenge;
pub mod diagram;
pub mod flow;
pub mod flows;
pub mod live;
pub mod message;
pub mod monitor;
pub mod next;
pub mod start;
pub mod stepping;
pub(crate) mod stream;

#[cfg(all(test, feature = "ssr"))]
mod tests;
