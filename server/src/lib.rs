//! The process: it reads settings, opens a platform, and routes each request to the site that its
//! `Host` names. It is a library so that tests reach all of it.
//!
//! Start with [`platform::Platform`], then [`sites::Directory`], which is the one place that knows
//! host names, and [`sites::table`], which has every site there is.

pub mod assets;
pub mod cli;
pub mod config;
pub mod connections;
pub mod data;
pub mod forwarded;
mod head_refused;
pub mod listen;
pub mod metrics;
pub mod operate;
pub mod ops;
pub mod otlp;
pub mod platform;
pub mod secure;
pub mod serve;
pub mod sites;
pub mod telemetry;
pub mod tls;
pub mod write_timeout;
