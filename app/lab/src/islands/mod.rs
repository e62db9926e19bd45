//! The islands: all that the browser runs.
//!
//! An island keeps focus, keys and position, and says how the connection is. It follows a `stream` of
//! parts that the server drew and puts them into the page (`place`); it draws none itself. The bundle is
//! compiled from this module alone: nothing here may need [`crate::diagram`] or a page.

#![expect(
    missing_docs,
    reason = "the macro makes a struct of the island's parameters and gives it no comment"
)]

pub mod challenge;
pub mod flow;
pub mod list;
pub mod monitor;
pub mod next;
mod place;
mod stream;
