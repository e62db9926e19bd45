//! The repository's own commands: `cargo xtask demo | test | rules | audit | bench | build | dev`.
//!
//! A fresh machine needs rustup, a C compiler, Node and git; everything else is a library of this
//! crate or is installed by it. Each command is a table of steps (see [`steps`]): read the table to
//! know what the command does.
//!
//! * [`site`]: what browsers load (wasm, style sheet, public files) into `target/site`
//! * [`mod@test`]: every check, in order; [`groups`] names the tests that must have run; [`playwright`]
//!   runs those in browsers
//! * [`rules`]: the security checklist, with the tests that show its rows
//! * [`audit`]: what the dependencies are
//! * [`mod@bench`]: what the release build takes, in time and in room
//! * [`boundaries`]: which crate may know which
//! * [`circles`]: which file of a crate may know which
//! * [`tools`], [`browsers`]: what must be on the machine, and how it gets there

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::test::Tier;
use crate::workspace::{Profile, Workspace};

mod audit;
mod bench;
mod boundaries;
mod browsers;
mod build;
mod circles;
mod demo;
mod dev;
mod groups;
#[cfg(test)]
mod links;
#[cfg(test)]
mod log_lines;
#[cfg(test)]
mod observability;
mod playwright;
mod programs;
mod promtool;
mod rules;
mod site;
mod steps;
mod test;
mod tools;
mod workspace;

/// Builds, runs and tests Handoff Lab.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything and run it: prints the addresses to open and the demo accounts.
    Demo {
        /// Passed on to `handoff-lab serve`.
        #[arg(last = true)]
        serve: Vec<String>,
    },
    /// Run every check: formatting, lints, boundaries, tests, end-to-end tests in two browsers.
    Test {
        /// Leave out the end-to-end tests, and with them Node and the browsers.
        #[arg(long)]
        skip_e2e: bool,
        /// The long runs too: kills, floods, bad input over every route, every end-to-end test in every
        /// engine.
        #[arg(long)]
        full: bool,
    },
    /// Print the rows of the security checklist, each with the tests that show it.
    Rules,
    /// Check the dependencies: bans, licences, sources, advisories where they can be fetched, and none
    /// unused.
    Audit,
    /// Measure the release build, and fail when a bound is broken. Writes docs/BENCHMARKS.md when
    /// nothing is named.
    Bench {
        /// Measure only these.
        only: Vec<bench::Measure>,
        /// Measure this program instead of a release build, which a page is not written of.
        #[arg(long, requires = "only")]
        program: Option<PathBuf>,
    },
    /// Build the assets and the program.
    Build {
        /// Optimise, and embed the assets: the program is then one file.
        #[arg(long)]
        release: bool,
    },
    /// Build, run, and do both again after every change.
    Dev {
        /// Passed on to `handoff-lab serve`.
        #[arg(last = true)]
        serve: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Demo { serve } => demo::run(&workspace, &serve),
        Command::Test { skip_e2e, full } => Ok(test::run(&workspace, Tier { full, skip_e2e })),
        Command::Rules => rules::run(&workspace),
        Command::Audit => Ok(audit::run_all(&workspace)),
        Command::Bench { only, program } => bench::run(&workspace, &only, program),
        Command::Build { release } => {
            let profile = if release {
                Profile::Release
            } else {
                Profile::Debug
            };
            let program = build::run(&workspace, profile)?;
            println!("\nBuilt {}", program.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Dev { serve } => dev::run(&workspace, &serve),
    }
}
