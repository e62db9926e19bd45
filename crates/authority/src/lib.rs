//! The authorization server.

pub mod people;
pub mod store;
