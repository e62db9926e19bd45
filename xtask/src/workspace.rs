//! Where things are, and how cargo and other programs are called.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// How the program and its assets are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// The repository that this program works on.
pub(crate) struct Workspace {
    /// The folder of the workspace manifest.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, `<root>/target` unless `CARGO_TARGET_DIR` says otherwise.
    pub(crate) target: PathBuf,
    /// For each member, the members that its manifest names, whatever the kind of dependency.
    pub(crate) arrows: BTreeMap<String, Vec<String>>,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let root = root()?;
        let metadata =
            output(cargo(&root).args(["metadata", "--format-version", "1", "--no-deps"]))?;
        let metadata: Metadata =
            serde_json::from_str(&metadata).context("cannot read cargo metadata")?;
        Ok(Self {
            root,
            arrows: metadata.arrows(),
            target: metadata.target_directory,
        })
    }

    /// Cargo, in the workspace's folder.
    pub(crate) fn cargo(&self) -> Command {
        cargo(&self.root)
    }

    /// Where cargo leaves the program.
    pub(crate) fn program(&self, profile: Profile) -> PathBuf {
        let folder = match profile {
            Profile::Debug => "debug",
            Profile::Release => "release",
        };
        self.target
            .join(folder)
            .join(format!("handoff-lab{}", std::env::consts::EXE_SUFFIX))
    }

    /// The folder of the end-to-end tests.
    pub(crate) fn end2end(&self) -> PathBuf {
        self.root.join("end2end")
    }
}

/// The folder of the workspace manifest: above the manifest that cargo has just read, or above the
/// current folder when somebody starts this program without cargo.
///
/// Not the folder that it was compiled in: a clone that was moved, or copied with its `target`, still
/// runs the program that was compiled in the old place.
pub(crate) fn root() -> Result<PathBuf> {
    let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => std::env::current_dir()?,
    };
    root_above(&start)
}

fn root_above(start: &Path) -> Result<PathBuf> {
    let root = start
        .ancestors()
        .find(|folder| folder.join("xtask/Cargo.toml").is_file());
    let root = root.with_context(|| format!("{} lies in no clone", start.display()))?;
    Ok(root.to_owned())
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    path: Option<PathBuf>,
}

impl Metadata {
    fn arrows(&self) -> BTreeMap<String, Vec<String>> {
        let members: Vec<&str> = self.packages.iter().map(|package| &*package.name).collect();
        let within = |dependency: &&Dependency| {
            dependency.path.is_some() && members.contains(&&*dependency.name)
        };
        let arrows_of = |package: &Package| {
            package
                .dependencies
                .iter()
                .filter(within)
                .map(|d| d.name.clone())
                .collect()
        };
        self.packages
            .iter()
            .map(|package| (package.name.clone(), arrows_of(package)))
            .collect()
    }
}

/// Cargo as the user called it, without what `cargo run` put into our environment: build scripts
/// (ring's is one) watch `CARGO_MANIFEST_DIR` and `CARGO_PKG_*` and would compile everything anew
/// whenever cargo is called once by a person and once by us.
fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command.current_dir(folder);
    command
}

/// npm or npx, in `folder`. On Windows both are scripts, which only the shell finds by this name.
pub(crate) fn node_script(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(if cfg!(windows) {
        format!("{name}.cmd")
    } else {
        name.to_owned()
    });
    command.current_dir(folder);
    command
}

/// Runs to the end; what it prints goes straight to the terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs to the end and returns what it printed to stdout; stderr goes to the terminal.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !output.status.success() {
        bail!("`{}` failed ({})", shown(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed no UTF-8", shown(command)))
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words: Vec<_> = std::iter::once(name)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    words.join(" ")
}

/// Folders in which nothing of ours is.
const ELSEWHERE: &[&str] = &[
    "target",
    "data",
    "node_modules",
    "test-results",
    "playwright-report",
];

/// The files below `folder` whose names end like this.
pub(crate) fn files_below(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && !ELSEWHERE.contains(&name.as_ref()) {
                found.extend(files_below(&path, ending)?);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clone_is_the_one_that_it_is_started_in() {
        let place = tempfile::tempdir().unwrap();
        let clone = place.path().join("clone");
        for folder in ["xtask", "docs/decisions"] {
            std::fs::create_dir_all(clone.join(folder)).unwrap();
        }
        std::fs::write(clone.join("xtask/Cargo.toml"), "").unwrap();
        for folder in ["", "xtask", "docs/decisions"] {
            let found = root_above(&clone.join(folder)).unwrap();
            assert_eq!(found, clone, "{folder:?}");
        }
        assert!(root_above(place.path()).is_err());
    }
}
