//! Prometheus' promtool, which reads the alert rules and the dashboard: found, or fetched.
//!
//! Debian's package would start a server on the machine, so it is unpacked and not installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::browsers::{is_debian, is_root};
use crate::tools;
use crate::workspace::{Workspace, run};

/// Where the fetched program lies, below the target folder.
const FETCHED: &str = "promtool/usr/bin/promtool";

const MISSING: &str = "`promtool` is missing; install Prometheus \
    (Debian: apt-get install prometheus, macOS: brew install prometheus, \
    elsewhere: https://prometheus.io/download), or name the program by PROMTOOL";

/// Finds the program; on Debian it fetches it where it is missing. Says which it took.
pub(crate) fn find_or_fetch(workspace: &Workspace) -> Result<()> {
    let path = match find(&workspace.target) {
        Ok(path) => path,
        Err(_) if is_debian() => {
            fetch(&workspace.target.join("promtool"))?;
            find(&workspace.target)?
        }
        Err(missing) => return Err(missing),
    };
    println!("  promtool: {}", path.display());
    Ok(())
}

/// The program, by the variable `PROMTOOL`, from the path, or as it was fetched.
pub(crate) fn find(target: &Path) -> Result<PathBuf> {
    let named = std::env::var_os("PROMTOOL").filter(|path| !path.is_empty());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let found = named
        .map(PathBuf::from)
        .or_else(|| tools::find("promtool", &folders))
        .or_else(|| Some(target.join(FETCHED)).filter(|path| path.exists()));
    let Some(path) = found else { bail!(MISSING) };
    let version = Command::new(&path).arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        bail!("{} is no promtool that starts", path.display());
    }
    Ok(path)
}

fn fetch(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    println!("  fetching Debian's package prometheus, for its promtool");
    if is_root() {
        run(Command::new("apt-get").arg("update"))?;
    }
    run(Command::new("apt-get")
        .current_dir(folder)
        .args(["download", "prometheus"]))?;
    for entry in std::fs::read_dir(folder)? {
        let package = entry?.path();
        if package.extension().is_some_and(|it| it == "deb") {
            run(Command::new("dpkg-deb")
                .arg("--extract")
                .args([&package, folder]))?;
            std::fs::remove_file(&package)?;
        }
    }
    Ok(())
}
