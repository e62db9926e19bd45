//! The command line. Every failure is one clear sentence and a non-zero exit.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    config::{DataFolder, Flags, Settings},
    operate::{ClientCommand, UserCommand},
    serve, telemetry,
};

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
    /// Serve the sites: Harbor ID, Notes, Tasks and the lab.
    Serve(Flags),
    /// Print every setting that is in force and where it came from, as TOML.
    Config(Flags),
    /// Add, list, disable people, and give them new passwords; also while a server runs.
    User {
        #[command(flatten)]
        data: DataFolder,
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Register, list and assign the applications that people open; also while a server runs.
    Client {
        #[command(flatten)]
        data: DataFolder,
        #[command(subcommand)]
        command: ClientCommand,
    },
    /// Print what makes a shell complete this program's commands, for its start-up file.
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Reads the command line and does what it says.
pub async fn run() -> ExitCode {
    let Cli { command } = Cli::parse();
    match command {
        Command::Serve(flags) => match Settings::read(&flags) {
            Ok(settings) => {
                telemetry::start(&settings.log, settings.log_format);
                end(serve::run(settings).await)
            }
            Err(error) => end(Err(error)),
        },
        Command::Config(flags) => end(show(&flags)),
        Command::User { data, command } => end(command.run(&data).await),
        Command::Client { data, command } => end(command.run(&data).await),
        Command::Completions { shell } => end(completions(shell)),
    }
}

fn end(done: Result<(), impl std::fmt::Display>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Also where nobody reads it: the exit code says it too.
            let _ = writeln!(io::stderr(), "handoff-lab: {error}");
            ExitCode::FAILURE
        }
    }
}

fn show(flags: &Flags) -> Result<(), String> {
    let settings = Settings::read(flags);
    let shown = settings.map_err(|error| error.to_string())?.show();
    let written = io::stdout().write_all(shown.as_bytes());
    written.map_err(|error| format!("the standard output cannot be written to: {error}"))
}

fn completions(shell: Shell) -> io::Result<()> {
    // Into memory first: the generator panics when it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "handoff-lab", &mut script);
    io::stdout().write_all(&script)
}
