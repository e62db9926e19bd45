//! Integration tests: personas with cookie jars, through the real router, over real sockets.
//!
//! `harness` opens a world and gives out personas; the other files are one a route group.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says so by panicking"
)]
#![allow(unreachable_pub, reason = "a test binary has no public interface")]

mod appearance;
mod checklist;
mod client_changes;
mod clock;
#[allow(dead_code, reason = "the program `stress` uses the rest of it")]
mod dump;
mod examples;
mod flow_links;
mod flows;
mod full_queue;
mod handoff;
#[allow(dead_code, reason = "the program `stress` uses the rest of it")]
mod harness;
mod hosts;
mod items;
mod launch;
mod limits;
mod metrics;
mod operate;
mod otlp;
mod outcomes;
mod own_sessions;
mod policy;
mod portal;
mod processes;
mod program;
mod protection;
mod public_clients;
mod reports;
mod secrets;
mod serving;
mod sessions;
mod settings;
mod sign_in;
mod startup_errors;
mod stepping;
mod steps;
mod tasks;
mod transport;
mod two_platforms;
mod verify;
mod walk;
mod way_in;
