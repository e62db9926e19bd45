//! The command line. Every failure is one clear sentence and a non-zero exit.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{config::ServeSettings, serve, telemetry};

#[derive(Debug, Parser)]
#[command(
    name = "handoff-lab",
    version,
    about = "Hands a signed-in person over from one site to another, safely, and shows how"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the platform: Harbor ID, Notes and the lab.
    Serve(ServeSettings),
}

/// Reads the command line and does what it says.
pub async fn run() -> ExitCode {
    let Cli { command } = Cli::parse();
    let done = match command {
        Command::Serve(settings) => {
            telemetry::start(&settings.log);
            serve::run(settings).await
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("handoff-lab: {error}");
            ExitCode::FAILURE
        }
    }
}
