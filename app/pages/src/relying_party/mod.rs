//! The pages of an application that signs people in by Harbor ID.

pub mod item;
pub mod items;
pub mod kept;
pub mod notes;
pub mod problem;
pub mod signed_out;
pub mod switch;
pub mod tasks;
