//! The workspace's test programs: what cargo compiles, and the tests in each.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace::output;

/// How many tests passed and failed, Rust's and Playwright's together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

/// `frontend` only compiles for the browser. Each crate has one program of integration tests, `it`.
pub(crate) const TEST: [&str; 9] = [
    "test",
    "--workspace",
    "--exclude",
    "frontend",
    "--lib",
    "--bin",
    "xtask",
    "--test",
    "it",
];

/// The one crate with examples in its documentation.
pub(crate) const DOC: &[&str] = &["test", "--package", "handoff", "--doc"];

/// The arguments of cargo for all test programs; the long runs, in the program `stress`, when `full`.
pub(crate) fn selected(full: bool) -> impl Iterator<Item = &'static str> {
    let long: &[&str] = if full { &["--test", "stress"] } else { &[] };
    TEST.into_iter().chain(long.iter().copied())
}

/// A compiled test program: its package, and `lib`, a binary's name or the file stem in `tests/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestProgram {
    pub(crate) package: String,
    pub(crate) binary: String,
    /// The compiled file.
    pub(crate) path: PathBuf,
}

/// Has cargo compile what the command (a `cargo test` of some packages) would run, and returns it by
/// the file name of each program.
///
/// # Errors
/// When it does not compile.
pub(crate) fn compile(command: &mut Command) -> Result<BTreeMap<String, TestProgram>> {
    let messages =
        output(command.args(["--no-run", "--message-format", "json-render-diagnostics"]))?;
    Ok(test_programs(&messages))
}

impl TestProgram {
    /// What one of its tests is called here: `web::cookies::tests::x` in a library, else
    /// `server/it::sessions::x`.
    pub(crate) fn name(&self, test: &str) -> String {
        match self.binary.as_str() {
            "lib" => format!("{}::{test}", self.package),
            binary => format!("{}/{binary}::{test}", self.package),
        }
    }

    /// The names of its tests, as the program itself lists them.
    ///
    /// # Errors
    /// When it does not list them.
    pub(crate) fn list(&self) -> Result<Vec<String>> {
        let listed = output(Command::new(&self.path).args(["--list", "--format", "terse"]))
            .with_context(|| format!("{}/{} lists no tests", self.package, self.binary))?;
        let tests = listed
            .lines()
            .filter_map(|line| line.strip_suffix(": test"));
        Ok(tests.map(str::to_owned).collect())
    }
}

#[derive(Deserialize)]
struct Artifact {
    package_id: String,
    target: ArtifactTarget,
    executable: Option<String>,
    profile: ArtifactProfile,
}

#[derive(Deserialize)]
struct ArtifactTarget {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct ArtifactProfile {
    test: bool,
}

/// Reads cargo's messages, one JSON object a line; those about anything but a test program have
/// another shape and are passed over.
pub(crate) fn test_programs(messages: &str) -> BTreeMap<String, TestProgram> {
    let artifacts = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    let mut programs = BTreeMap::new();
    for artifact in artifacts.filter(|artifact| artifact.profile.test) {
        let Some(path) = &artifact.executable else {
            continue;
        };
        let is_library = artifact
            .target
            .kind
            .iter()
            .any(|kind| kind.ends_with("lib"));
        let binary = if is_library {
            "lib".to_owned()
        } else {
            artifact.target.name
        };
        let package = package_name(&artifact.package_id).to_owned();
        programs.insert(
            file_name(path).to_owned(),
            TestProgram {
                package,
                binary,
                path: path.into(),
            },
        );
    }
    programs
}

/// The name in `path+file:///a/crates/web#0.1.0` or `path+file:///a/x#web@0.1.0`.
fn package_name(id: &str) -> &str {
    let (place, version) = id.rsplit_once('#').unwrap_or((id, ""));
    match version.split_once('@') {
        Some((name, _)) => name,
        None => file_name(place),
    }
}

pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of another name would compile under `cargo test` and never run here.
    #[test]
    fn every_program_of_integration_tests_is_one_that_is_run() {
        #[derive(Deserialize)]
        struct Metadata {
            packages: Vec<Package>,
        }
        #[derive(Deserialize)]
        struct Package {
            name: String,
            targets: Vec<Target>,
        }
        #[derive(Deserialize)]
        struct Target {
            name: String,
            kind: Vec<String>,
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut metadata = Command::new(cargo);
        metadata.args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ]);
        let metadata: Metadata = serde_json::from_str(&output(&mut metadata).unwrap()).unwrap();
        let mut programs = 0;
        for package in metadata.packages {
            for target in package.targets {
                if target.kind == ["test"] {
                    programs += 1;
                    let is_run = selected(true).any(|argument| argument == target.name);
                    assert!(is_run, "{}: tests/{}.rs", package.name, target.name);
                }
            }
        }
        assert!(programs >= 7, "{programs}");
    }

    #[test]
    fn test_programs_are_known_by_package_and_file() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","package_id":"path+file:///w/crates/authority#0.1.0","#,
            r#""target":{"name":"conformance","kind":["test"]},"profile":{"test":true},"#,
            r#""executable":"/w/target/debug/deps/conformance-0a1b"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","package_id":"path+file:///w/crates/web#0.1.0","#,
            r#""target":{"name":"web","kind":["lib"]},"profile":{"test":false},"executable":null}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let programs = test_programs(messages);
        let conformance = TestProgram {
            package: "authority".into(),
            binary: "conformance".into(),
            path: "/w/target/debug/deps/conformance-0a1b".into(),
        };
        assert_eq!(
            programs,
            BTreeMap::from([("conformance-0a1b".into(), conformance)])
        );
    }

    #[test]
    fn a_package_id_may_carry_the_name_after_the_hash() {
        assert_eq!(package_name("path+file:///w/crates/web#0.1.0"), "web");
        assert_eq!(package_name("path+file:///w/crates/x#web@0.1.0"), "web");
    }
}
