//! `cargo xtask test`: every check, the quick ones first. What takes long and finds something seldom (kills,
//! floods, bad input over every route, every end-to-end test in every engine) is left to `--full`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::browsers::{self, Browsers};
use crate::groups::{self, GROUPS};
use crate::programs::{self, Count, DOC, TestProgram, file_name};
use crate::rules;
use crate::steps::{self, Step};
use crate::workspace::{self, Workspace, node_script, shown};
use crate::{boundaries, playwright, promtool, site, tools};

/// How much is run.
#[derive(Clone, Copy)]
pub(crate) struct Tier {
    /// The long runs too, and every end-to-end test in every engine.
    pub(crate) full: bool,
    /// Not the end-to-end tests.
    pub(crate) skip_e2e: bool,
}

/// What one step leaves for the next.
struct Run<'a> {
    workspace: &'a Workspace,
    tier: Tier,
    /// Each test program by its file name.
    programs: BTreeMap<String, TestProgram>,
    /// The names of the Rust tests that passed.
    passed: Vec<String>,
    browsers: Browsers,
    count: Count,
    /// Rows of the security checklist that no Rust test showed.
    not_yet_shown: Vec<u8>,
}

/// Runs all checks and ends with the line `N passed, M failed`.
pub(crate) fn run(workspace: &Workspace, tier: Tier) -> ExitCode {
    let native: [Step<Run<'_>>; 13] = [
        ("tools", |_| tools::check(tools::TO_TEST)),
        ("promtool", |run| promtool::find_or_fetch(run.workspace)),
        ("formatting", formatting),
        // Before clippy: an intruder for the browser shows there as 48 errors inside mio.
        ("boundaries", |run| boundaries::check(run.workspace)),
        ("clippy (native)", clippy_native),
        ("clippy (wasm32)", clippy_wasm),
        ("documentation", documentation),
        ("assets: wasm and styles", |run| {
            site::build(run.workspace)?.sweep()
        }),
        // And the program, which the integration tests and the browsers run.
        ("test programs", compile_tests),
        ("tests: unit, property, conformance, integration", tests),
        ("tests: examples in the documentation", doc_tests),
        ("every group of tests ran", groups_ran),
        ("every row of the security checklist was shown", rows_shown),
    ];
    let end_to_end: [Step<Run<'_>>; 5] = [
        ("npm ci", npm_ci),
        ("types of the end-to-end tests", types),
        ("browsers", |run| {
            run.browsers = browsers::find_or_install(run.workspace)?;
            Ok(())
        }),
        ("end-to-end tests", end_to_end_tests),
        ("every other row was shown end to end", |run| {
            rules::none_missing(&run.not_yet_shown)
        }),
    ];
    let mut plan = native.to_vec();
    if tier.skip_e2e {
        plan[0] = ("tools", |_| tools::check(tools::TO_TEST_WITHOUT_BROWSERS));
    } else {
        plan.extend(end_to_end);
    }

    let mut run = Run {
        workspace,
        tier,
        programs: BTreeMap::new(),
        passed: Vec::new(),
        browsers: Browsers::default(),
        count: Count::default(),
        not_yet_shown: Vec::new(),
    };
    let succeeded = steps::run(&plan, &mut run);
    if !succeeded && run.count.failed == 0 {
        // A step that is not a test counts as one, so that nobody reads "0 failed" on a red run.
        run.count.failed = 1;
    }
    if tier.skip_e2e {
        println!(
            "\n!!! THE END-TO-END TESTS WERE SKIPPED (--skip-e2e). This is not the whole test."
        );
    }
    if !tier.full {
        println!("\nWithout the long runs: `cargo xtask test --full` has them.");
    }
    println!("\n{} passed, {} failed", run.count.passed, run.count.failed);
    if succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn formatting(run: &mut Run<'_>) -> Result<()> {
    workspace::run(run.workspace.cargo().args(["fmt", "--all", "--check"]))
}

// `frontend` only compiles for the browser, and would turn on `lab_pages/hydrate` beside `lab_pages/ssr`.
fn clippy_native(run: &mut Run<'_>) -> Result<()> {
    workspace::run(
        run.workspace
            .cargo()
            .args([
                "clippy",
                "--workspace",
                "--exclude",
                "frontend",
                "--all-targets",
            ])
            .args(["--", "--deny", "warnings"]),
    )
}

fn clippy_wasm(run: &mut Run<'_>) -> Result<()> {
    workspace::run(
        run.workspace
            .cargo()
            .args(["clippy", "--package", "frontend", "--package", "lab_pages"])
            .args([
                "--features",
                "lab_pages/hydrate",
                "--target",
                "wasm32-unknown-unknown",
            ])
            .args(["--", "--deny", "warnings"]),
    )
}

/// Broken links and missing texts are errors. `--no-deps`: those of others are not ours to mend.
fn documentation(run: &mut Run<'_>) -> Result<()> {
    workspace::run(
        run.workspace
            .cargo()
            .args(["doc", "--workspace", "--exclude", "frontend", "--no-deps"])
            .args(["--document-private-items"])
            .env("RUSTDOCFLAGS", "--deny warnings"),
    )
}

fn compile_tests(run: &mut Run<'_>) -> Result<()> {
    let selected = programs::selected(run.tier.full);
    run.programs = programs::compile(run.workspace.cargo().args(selected))?;
    println!("  {} test programs", run.programs.len());
    Ok(())
}

fn tests(run: &mut Run<'_>) -> Result<()> {
    let mut command = run.workspace.cargo();
    command
        .args(programs::selected(run.tier.full))
        .arg("--no-fail-fast");
    read_tests(run, command)
}

fn doc_tests(run: &mut Run<'_>) -> Result<()> {
    let mut command = run.workspace.cargo();
    command.args(DOC);
    read_tests(run, command)
}

fn read_tests(run: &mut Run<'_>, command: Command) -> Result<()> {
    let mut output = TestOutput::new(&run.programs);
    let ended = shown_and_read(command, |line| output.read(line));
    let Count { passed, failed } = output.count;
    println!("  {passed} passed, {failed} failed");
    run.passed.append(&mut output.passed);
    run.count.passed += passed;
    run.count.failed += failed;
    ended
}

/// Runs `command`, prints what it prints, and hands each line to `read`. One pipe for stdout and
/// stderr: cargo names the test program on the one and the program lists its tests on the other.
fn shown_and_read(mut command: Command, mut read: impl FnMut(&str)) -> Result<()> {
    let name = shown(&command);
    let (reader, writer) = std::io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{name}`"))?;
    // The command holds the pipe's writing end; reading would never end.
    drop(command);
    print_lines(reader, &mut read)?;
    let status = child.wait()?;
    if !status.success() {
        bail!("`{name}` failed ({status})");
    }
    Ok(())
}

fn print_lines(reader: impl Read, read: &mut impl FnMut(&str)) -> Result<()> {
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes)? > 0 {
        let line = String::from_utf8_lossy(&bytes);
        print!("{line}");
        read(line.trim_end());
        bytes.clear();
    }
    Ok(())
}

/// What `cargo test` printed, understood line by line.
struct TestOutput<'a> {
    programs: &'a BTreeMap<String, TestProgram>,
    /// The program that is running.
    current: Option<&'a TestProgram>,
    passed: Vec<String>,
    count: Count,
}

impl<'a> TestOutput<'a> {
    fn new(programs: &'a BTreeMap<String, TestProgram>) -> Self {
        Self {
            programs,
            current: None,
            passed: Vec::new(),
            count: Count::default(),
        }
    }

    fn read(&mut self, line: &str) {
        let words = line.trim_start();
        if words.starts_with("Running ") && words.ends_with(')') {
            let path = words
                .rsplit_once('(')
                .map_or("", |(_, path)| path.trim_end_matches(')'));
            self.current = self.programs.get(file_name(path));
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            self.count.passed += number_before(counts, " passed");
            self.count.failed += number_before(counts, " failed");
        } else if let Some(name) = passed_test(line)
            && let Some(program) = self.current
        {
            self.passed.push(program.name(name));
        }
    }
}

/// The name in `test sqlite::race ... ok`.
fn passed_test(line: &str) -> Option<&str> {
    let name = line.strip_prefix("test ")?.strip_suffix(" ... ok")?;
    Some(name.trim_end_matches(" - should panic"))
}

/// 12 in `ok. 12 passed; 0 failed`, before ` passed`.
fn number_before(text: &str, word: &str) -> u64 {
    let before = text.split_once(word).map_or("", |(before, _)| before);
    before
        .rsplit(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

fn groups_ran(run: &mut Run<'_>) -> Result<()> {
    let missing = groups::missing(GROUPS, run.tier.full, &run.passed);
    if !missing.is_empty() {
        bail!(
            "no test ran for: {} (xtask/src/groups.rs)",
            missing.join("; ")
        );
    }
    Ok(())
}

/// A row whose only test is an end-to-end test waits for the report of those.
fn rows_shown(run: &mut Run<'_>) -> Result<()> {
    let shown = rules::passed(&run.passed);
    let promised = rules::titled(&run.workspace.end2end())?;
    run.not_yet_shown = rules::missing(&shown);
    if !run.not_yet_shown.is_empty() {
        println!("  left to the end-to-end tests: {:?}", run.not_yet_shown);
    }
    rules::none_missing(&rules::missing(shown.iter().chain(&promised)))
}

fn types(run: &mut Run<'_>) -> Result<()> {
    let folder = run.workspace.end2end();
    workspace::run(node_script("npx", &folder).args(["--no-install", "tsc"]))
}

fn npm_ci(run: &mut Run<'_>) -> Result<()> {
    let folder = run.workspace.end2end();
    if is_as_new(
        &folder.join("node_modules/.package-lock.json"),
        &folder.join("package-lock.json"),
    ) {
        println!("  node_modules is as new as package-lock.json");
        return Ok(());
    }
    workspace::run(node_script("npm", &folder).args(["ci", "--no-audit", "--no-fund"]))
}

fn is_as_new(made: &Path, source: &Path) -> bool {
    let time = |path: &Path| {
        path.metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    matches!((time(made), time(source)), (Some(made), Some(source)) if made >= source)
}

fn end_to_end_tests(run: &mut Run<'_>) -> Result<()> {
    let report = playwright::run(run.workspace, &run.browsers, run.tier.full, &mut run.count)?;
    let shown: BTreeSet<u8> = report.shown().flat_map(|shows| shows.rows).collect();
    run.not_yet_shown.retain(|row| !shown.contains(row));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_test_is_read_as_it_prints() {
        let program = TestProgram {
            package: "authority".into(),
            binary: "conformance".into(),
            path: "target/debug/deps/conformance-0a1b".into(),
        };
        let programs = BTreeMap::from([("conformance-0a1b".to_owned(), program)]);
        let mut output = TestOutput::new(&programs);
        for line in [
            "     Running tests/conformance.rs (target/debug/deps/conformance-0a1b)",
            "",
            "running 3 tests",
            "test sqlite::race_has_one_winner ... ok",
            "test sqlite::a_used_token_is_refused ... FAILED",
            "test memory::later ... ignored",
            "test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out",
        ] {
            output.read(line);
        }
        assert_eq!(
            output.count,
            Count {
                passed: 1,
                failed: 1
            }
        );
        assert_eq!(
            output.passed,
            ["authority/conformance::sqlite::race_has_one_winner"]
        );
    }
}
