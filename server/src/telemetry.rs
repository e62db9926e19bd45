//! Logs: to the standard error, one line an event, never a secret.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging. `HANDOFF_LAB_LOG` chooses what (the syntax of `tracing`'s `EnvFilter`).
pub fn start() {
    let chosen = EnvFilter::try_from_env("HANDOFF_LAB_LOG");
    let filter = chosen.unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    // A second start, as in tests, changes nothing.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
}
