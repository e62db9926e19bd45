//! What must be on the machine before any long work starts. A missing tool is named with the
//! command that installs it; what rustup can add is added.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace::{output, run};

/// A program that we call by its name.
pub(crate) struct Tool {
    name: &'static str,
    /// What to type on Debian and its relatives, on macOS, and elsewhere.
    debian: &'static str,
    macos: &'static str,
    elsewhere: &'static str,
}

const RUSTUP: Tool = Tool {
    name: "rustup",
    debian: "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh",
    macos: "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh",
    elsewhere: "see https://rustup.rs",
};

const CC: Tool = Tool {
    name: "cc",
    debian: "apt-get update && apt-get install -y gcc libc6-dev",
    macos: "xcode-select --install",
    elsewhere: "install a C compiler that answers to `cc`, such as gcc or clang",
};

/// The allocator is compiled by it.
const MAKE: Tool = Tool {
    name: "make",
    debian: "apt-get update && apt-get install -y make",
    macos: "xcode-select --install",
    elsewhere: "install GNU make",
};

const GIT: Tool = Tool {
    name: "git",
    debian: "apt-get update && apt-get install -y git",
    macos: "xcode-select --install",
    elsewhere: "see https://git-scm.com/downloads",
};

const NODE: Tool = Tool {
    name: "node",
    debian: "apt-get update && apt-get install -y nodejs npm",
    macos: "brew install node",
    elsewhere: "see https://nodejs.org/en/download",
};

const PYTHON: Tool = Tool {
    name: "python3",
    debian: "apt-get update && apt-get install -y python3",
    macos: "xcode-select --install",
    elsewhere: "see https://www.python.org/downloads",
};

const NPM: Tool = Tool {
    name: "npm",
    debian: "apt-get update && apt-get install -y npm",
    macos: "brew install node",
    elsewhere: "see https://nodejs.org/en/download",
};

const BASH: Tool = Tool {
    name: "bash",
    debian: "apt-get update && apt-get install -y bash",
    macos: "it is part of the system",
    elsewhere: "install bash",
};

const CURL: Tool = Tool {
    name: "curl",
    debian: "apt-get update && apt-get install -y curl",
    macos: "it is part of the system",
    elsewhere: "see https://curl.se/download.html",
};

const OPENSSL: Tool = Tool {
    name: "openssl",
    debian: "apt-get update && apt-get install -y openssl",
    macos: "it is part of the system",
    elsewhere: "install OpenSSL's command-line program",
};

const WRK: Tool = Tool {
    name: "wrk",
    debian: "apt-get update && apt-get install -y wrk",
    macos: "brew install wrk",
    elsewhere: "see https://github.com/wg/wrk",
};

const SQLITE: Tool = Tool {
    name: "sqlite3",
    debian: "apt-get update && apt-get install -y sqlite3",
    macos: "it is part of the system",
    elsewhere: "see https://sqlite.org/download.html",
};

const TAR: Tool = Tool {
    name: "tar",
    debian: "apt-get update && apt-get install -y tar",
    macos: "it is part of the system",
    elsewhere: "install tar",
};

/// For `build`, `demo` and `dev`.
pub(crate) const TO_BUILD: &[Tool] = &[RUSTUP, CC, MAKE];
/// For the whole of `test`.
pub(crate) const TO_TEST: &[Tool] = &[
    RUSTUP, CC, MAKE, BASH, CURL, OPENSSL, GIT, NODE, NPM, PYTHON,
];
/// For the tests without a browser: `docs/walk.sh` and `examples/` are among them.
pub(crate) const TO_TEST_WITHOUT_BROWSERS: &[Tool] =
    &[RUSTUP, CC, MAKE, BASH, CURL, OPENSSL, NODE, PYTHON];
/// For the part of `bench` that puts servers under load.
pub(crate) const TO_LOAD: &[Tool] = &[WRK, SQLITE, GIT, TAR, NODE, NPM];

/// The oldest Node that Playwright 1.64 runs on.
const OLDEST_NODE: u32 = 20;

const WASM: &str = "wasm32-unknown-unknown";

/// Finds every tool, or fails naming all that are missing. Adds what rustup can add.
pub(crate) fn check(tools: &[Tool]) -> Result<()> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&search).collect();
    let problems: Vec<String> = tools
        .iter()
        .filter_map(|tool| problem(tool, &folders))
        .collect();
    if !problems.is_empty() {
        bail!("{}", problems.join("\n       "));
    }
    add_wasm_target()?;
    add_component("fmt", "rustfmt")?;
    add_component("clippy", "clippy")
}

fn problem(tool: &Tool, folders: &[PathBuf]) -> Option<String> {
    let Some(path) = find(tool.name, folders) else {
        return Some(format!(
            "`{}` is missing; install it: {}",
            tool.name,
            tool.install()
        ));
    };
    println!("  {} {}", tool.name, path.display());
    if tool.name == NODE.name {
        let version = output(Command::new(path).arg("--version")).ok()?;
        let major = major_of(&version)?;
        if major < OLDEST_NODE {
            return Some(format!(
                "node {} is too old, {OLDEST_NODE} or newer is needed; install it: \
                 npm install --global n && n {OLDEST_NODE}",
                version.trim()
            ));
        }
    }
    None
}

impl Tool {
    fn install(&self) -> &'static str {
        if Path::new("/etc/debian_version").exists() {
            self.debian
        } else if cfg!(target_os = "macos") {
            self.macos
        } else {
            self.elsewhere
        }
    }
}

fn major_of(version: &str) -> Option<u32> {
    version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// The first program of this name in `folders`.
pub(crate) fn find(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let suffixes: &[&str] = if cfg!(windows) {
        &[".exe", ".cmd"]
    } else {
        &[""]
    };
    folders
        .iter()
        .flat_map(|folder| {
            suffixes
                .iter()
                .map(move |suffix| folder.join(format!("{name}{suffix}")))
        })
        .find(|path| path.is_file())
}

/// There is no rust-toolchain.toml that could list it: with `RUSTUP_AUTO_INSTALL=0` a target that it lists and that is
/// missing is silently not installed.
fn add_wasm_target() -> Result<()> {
    let installed = output(Command::new("rustup").args(["target", "list", "--installed"]))?;
    if installed.lines().any(|line| line.trim() == WASM) {
        return Ok(());
    }
    println!("  adding the target {WASM}");
    run(Command::new("rustup").args(["target", "add", WASM]))
}

/// rustup's minimal profile has neither rustfmt nor clippy.
fn add_component(command: &str, component: &str) -> Result<()> {
    let present = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([command, "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if present {
        return Ok(());
    }
    println!("  adding the component {component}");
    run(Command::new("rustup").args(["component", "add", component]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_named_with_the_command_that_installs_it() {
        let empty = tempfile::tempdir().unwrap();
        let said = problem(&NPM, &[empty.path().to_owned()]).unwrap();
        assert!(said.contains("`npm` is missing"), "{said}");
        assert!(said.contains(NPM.install()), "{said}");
    }

    #[test]
    fn node_prints_its_version_with_a_v() {
        assert_eq!(major_of("v20.20.2\n"), Some(20));
    }
}
