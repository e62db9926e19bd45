//! The pages of the lab.

pub mod challenge;
pub mod start;
pub mod stepping;
