//! `cargo xtask build`: the assets, then the program that serves them.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::site;
use crate::steps::{self, Step};
use crate::tools;
use crate::workspace::{self, Profile, Workspace};

struct Build<'a> {
    workspace: &'a Workspace,
    profile: Profile,
}

/// Builds both and returns where the program is.
pub(crate) fn run(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let plan: [Step<Build<'_>>; 3] = [
        ("tools", |_| tools::check(tools::TO_BUILD)),
        ("assets: wasm and styles", |b| {
            site::build(b.workspace)?.sweep()
        }),
        ("program", |b| program(b.workspace, b.profile)),
    ];
    if !steps::run(&plan, &mut Build { workspace, profile }) {
        bail!("the build failed");
    }
    Ok(workspace.program(profile))
}

/// Compiles `handoff-lab`; in release it embeds `target/site` as it is at that moment.
pub(crate) fn program(workspace: &Workspace, profile: Profile) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["build", "--package", "server", "--bin", "handoff-lab"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    workspace::run(&mut command)
}
