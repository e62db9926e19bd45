//! `cargo xtask demo`: build, then become the server.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::build;
use crate::workspace::{Profile, Workspace, shown};

/// Builds and runs `handoff-lab serve` in the foreground; it prints the addresses and accounts.
pub(crate) fn run(workspace: &Workspace, extra: &[String]) -> Result<ExitCode> {
    let program = build::run(workspace, Profile::Debug)?;
    println!();
    replace_with(serve(workspace, &program, extra))
}

/// `handoff-lab serve` on the workspace's own data folder, unless `extra` names another.
pub(crate) fn serve(workspace: &Workspace, program: &Path, extra: &[String]) -> Command {
    let mut command = Command::new(program);
    command.arg("serve");
    if !extra
        .iter()
        .any(|word| word == "--data" || word.starts_with("--data="))
    {
        command.arg("--data").arg(workspace.root.join("data"));
    }
    command.args(extra).current_dir(&workspace.root);
    command
}

/// This process becomes the server, so that every signal reaches the server itself.
#[cfg(unix)]
fn replace_with(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).with_context(|| format!("cannot start `{}`", shown(&command)))
}

#[cfg(not(unix))]
fn replace_with(mut command: Command) -> Result<ExitCode> {
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", shown(&command)))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
