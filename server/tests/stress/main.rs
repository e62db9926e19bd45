//! What strangers, junk and a sudden end may do to it. Slower than the other integration tests, so it has
//! a program of its own, which `cargo xtask test --full` runs after theirs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says so by panicking"
)]
#![allow(unreachable_pub, reason = "a test binary has no public interface")]

#[path = "../it/harness.rs"]
#[allow(dead_code, reason = "the other test program uses the rest of it")]
mod harness;

#[path = "../it/dump.rs"]
#[allow(dead_code, reason = "the other test program uses the rest of it")]
mod dump;

/// Held alone by the tests that keep the whole machine busy, and shared by those that look
/// at what happens at the same moment: a back channel that is starved for seconds has no answer,
/// and then Notes rightly signs nobody out.
static MACHINE: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

mod bad_input;
mod batches;
mod junk;
mod killed;
mod ledger;
mod program;
mod races;
