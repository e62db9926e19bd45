//! The pages of Harbor ID.

pub mod confirm;
pub mod login;
pub mod logout;
pub mod portal;
pub mod sessions;

/// What people call the authorization server.
pub const NAME: &str = "Harbor ID";
