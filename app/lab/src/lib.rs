//! The pages of the lab, and the islands in them, which run in the browser as well. A page is made as
//! those of the other sites are: see the crate `pages`.
//!
//! The server draws: [`diagram`] makes a picture of a handoff from what was recorded, `message` is
//! what opens beside it, and [`drawn`] has both as finished HTML, in parts ([`fragments`]). [`flow`]
//! shows one, [`flows`] lists them, and [`next`] waits for one.
//!
//! The browser places: [`islands`] has all that it runs. The features are the fence: the bundle is compiled
//! without `ssr`, and there is no diagram and no page then.

pub mod islands;

#[cfg(feature = "ssr")]
pub mod diagram;
#[cfg(feature = "ssr")]
pub mod drawn;
#[cfg(feature = "ssr")]
pub mod flow;
#[cfg(feature = "ssr")]
pub mod flows;
#[cfg(feature = "ssr")]
pub mod fragments;
#[cfg(feature = "ssr")]
pub(crate) mod message;
#[cfg(feature = "ssr")]
pub mod monitor;
#[cfg(feature = "ssr")]
pub mod next;
#[cfg(feature = "ssr")]
pub mod start;
#[cfg(feature = "ssr")]
pub mod stepping;
#[cfg(feature = "ssr")]
pub(crate) mod tries;

#[cfg(all(test, feature = "ssr"))]
mod tests;
