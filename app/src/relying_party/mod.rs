//! The pages of an application that signs people in by Harbor ID.

pub mod notes;
pub mod problem;
pub mod signed_out;
pub mod switch;

/// Where a sign-in starts on every relying party (PROTOCOL, step H2).
const START: &str = "/handoff/start";
