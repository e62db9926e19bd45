//! The small pieces that pages are made of.

pub mod field;
pub mod icon;
pub mod identity;
pub mod moment;
pub mod notice;
pub mod trace;
