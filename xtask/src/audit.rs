//! `cargo xtask audit`: what our dependencies are, and that we use each of them.
//!
//! Not a step of `cargo xtask test`: compiling the two tools takes minutes, and what is known against
//! a dependency changes without a commit of ours.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::steps::{self, Step};
use crate::workspace::{Workspace, output, run};

/// A program that is compiled here, in one version, so that two machines say the same.
struct Tool {
    name: &'static str,
    version: &'static str,
}

/// Bans, licences, sources and advisories, by the rules in `.deny.toml`.
const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};

/// Dependencies that no source names.
const MACHETE: Tool = Tool {
    name: "cargo-machete",
    version: "0.9.2",
};

struct Audit<'a> {
    workspace: &'a Workspace,
}

/// Installs what it needs below `target/tools`, and checks.
pub(crate) fn run_all(workspace: &Workspace) -> ExitCode {
    let plan: [Step<Audit<'_>>; 4] = [
        ("tools", |audit| {
            DENY.install(audit.workspace)?;
            MACHETE.install(audit.workspace)
        }),
        ("bans, licences, sources", |audit| {
            run(audit.deny().args(["check", "bans", "licenses", "sources"]))
        }),
        ("advisories", Audit::advisories),
        ("no dependency is unused", |audit| {
            run(Command::new(MACHETE.path(audit.workspace))
                .current_dir(&audit.workspace.root)
                .args(["--with-metadata", "."]))
        }),
    ];
    if steps::run(&plan, &mut Audit { workspace }) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

impl Audit<'_> {
    fn deny(&self) -> Command {
        let mut command = Command::new(DENY.path(self.workspace));
        command.current_dir(&self.workspace.root);
        command.args(["--config", ".deny.toml", "--workspace", "--all-features"]);
        command
    }

    /// Where the advisory database cannot be fetched, this says so, aloud, and goes on: only the one
    /// who has the database can say that nothing is known against a dependency.
    fn advisories(&mut self) -> Result<()> {
        let mut fetch = Command::new(DENY.path(self.workspace));
        fetch.current_dir(&self.workspace.root);
        fetch.args(["--config", ".deny.toml", "fetch", "db"]);
        let fetched = fetch.status().context("cannot start cargo-deny")?;
        if !fetched.success() {
            println!("  !!! NOT CHECKED: the advisory database cannot be reached from here");
            return Ok(());
        }
        run(self.deny().args(["check", "--disable-fetch", "advisories"]))
    }
}

impl Tool {
    fn folder(workspace: &Workspace) -> PathBuf {
        workspace.target.join("tools")
    }

    fn path(&self, workspace: &Workspace) -> PathBuf {
        Self::folder(workspace).join("bin").join(self.name)
    }

    fn install(&self, workspace: &Workspace) -> Result<()> {
        if has_version(&self.path(workspace), self.version) {
            println!("  {} {}", self.name, self.version);
            return Ok(());
        }
        run(workspace
            .cargo()
            .args(["install", self.name, "--version", self.version, "--locked"])
            .arg("--root")
            .arg(Self::folder(workspace)))
    }
}

fn has_version(program: &Path, version: &str) -> bool {
    // cargo-machete takes its own name for an argument when cargo calls it, and none otherwise.
    output(Command::new(program).arg("--version"))
        .is_ok_and(|said| said.split_whitespace().any(|word| word == version))
}
