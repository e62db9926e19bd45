//! The end-to-end tests: the run of Playwright, and its report.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::browsers::Browsers;
use crate::groups::PROJECTS;
use crate::programs::Count;
use crate::rules::Shows;
use crate::workspace::{self, Profile, Workspace, node_script};

/// The tag of a test that asks what the browser decides.
const ENGINE: &str = "engine";
/// The projects of the two engines, in each of which such a test must pass.
const ENGINES: [&str; 2] = ["chromium", "firefox"];

/// Runs the end-to-end tests: every test in every engine when `full`, else those in Firefox that ask what
/// the engine decides. Adds what passed and failed to `count`.
///
/// # Errors
/// When a test fails, a project ran none, or a test of what the engine decides did not pass in both.
pub(crate) fn run(
    workspace: &Workspace,
    browsers: &Browsers,
    full: bool,
    count: &mut Count,
) -> Result<Report> {
    let file = workspace.target.join("end2end.json");
    // A report of an earlier run must not speak for this one.
    if file.exists() {
        std::fs::remove_file(&file)?;
    }
    let mut command = command(workspace, browsers);
    command.env("PLAYWRIGHT_JSON_OUTPUT_FILE", &file);
    if full {
        command.env("HANDOFF_LAB_E2E_FULL", "1");
    }
    let ended = workspace::run(&mut command);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => return ended.and(Err(error).context("Playwright left no report")),
    };
    let report: Report = serde_json::from_str(&text).context("cannot read Playwright's report")?;
    let by_project = report.by_project();
    for (project, of_project) in &by_project {
        println!(
            "  {project}: {} passed, {} failed",
            of_project.passed, of_project.failed
        );
        count.passed += of_project.passed;
        count.failed += of_project.failed;
    }
    ended?;
    for project in PROJECTS {
        if by_project.get(*project).is_none_or(|it| it.passed == 0) {
            bail!("no end-to-end test ran in the project {project} (xtask/src/groups.rs)");
        }
    }
    let one = report.in_one_engine_only();
    if !one.is_empty() {
        bail!(
            "tagged @{ENGINE}, and not passed in both: {}",
            one.join("; ")
        );
    }
    Ok(report)
}

fn command(workspace: &Workspace, browsers: &Browsers) -> Command {
    let mut command = node_script("npx", &workspace.end2end());
    command
        .args(["--no-install", "playwright", "test", "--reporter=list,json"])
        .env("HANDOFF_LAB_BIN", workspace.program(Profile::Debug));
    if let Some(path) = &browsers.chromium {
        command.env("CHROMIUM", path);
    }
    if let Some(path) = &browsers.firefox {
        command.env("FIREFOX", path);
    }
    command
}

/// Playwright's JSON report: suites in suites, with specs, each run once per project.
#[derive(Deserialize)]
pub(crate) struct Report {
    #[serde(default)]
    suites: Vec<Suite>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Suite {
    #[serde(default)]
    suites: Vec<Suite>,
    #[serde(default)]
    specs: Vec<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(default)]
    title: String,
    #[serde(default)]
    file: String,
    #[serde(default)]
    tags: Vec<String>,
    tests: Vec<ProjectTest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProjectTest {
    project_name: String,
    status: String,
}

impl Report {
    fn specs(&self) -> Vec<&Spec> {
        let mut specs = Vec::new();
        for suite in &self.suites {
            suite.specs(&mut specs);
        }
        specs
    }

    /// The tests of what the engine decides that did not pass in both engines.
    fn in_one_engine_only(&self) -> Vec<String> {
        let mut passed: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for spec in self.specs() {
            if spec.tags.iter().any(|tag| tag == ENGINE) {
                let passing = spec.tests.iter().filter(|test| test.status == "expected");
                let projects = passing.map(|test| test.project_name.as_str());
                passed
                    .entry((&spec.file, &spec.title))
                    .or_default()
                    .extend(projects);
            }
        }
        passed
            .into_iter()
            .filter(|(_, projects)| ENGINES.iter().any(|engine| !projects.contains(engine)))
            .map(|((file, title), _)| format!("{file}: {title}"))
            .collect()
    }

    fn by_project(&self) -> BTreeMap<String, Count> {
        let mut counts = BTreeMap::new();
        for suite in &self.suites {
            suite.count(&mut counts);
        }
        counts
    }

    /// The tests that show rows, and passed in every project that ran them.
    pub(crate) fn shown(&self) -> impl Iterator<Item = Shows> {
        self.specs()
            .into_iter()
            .filter(|spec| {
                let mut ran = spec.tests.iter().filter(|test| test.status != "skipped");
                ran.clone().next().is_some() && ran.all(|test| test.status == "expected")
            })
            .filter_map(|spec| Shows::end_to_end(&spec.file, &spec.title))
    }
}

impl Suite {
    fn specs<'a>(&'a self, specs: &mut Vec<&'a Spec>) {
        specs.extend(&self.specs);
        for suite in &self.suites {
            suite.specs(specs);
        }
    }

    fn count(&self, counts: &mut BTreeMap<String, Count>) {
        for test in self.specs.iter().flat_map(|spec| &spec.tests) {
            let count = counts.entry(test.project_name.clone()).or_default();
            match test.status.as_str() {
                "skipped" => {}
                "expected" => count.passed += 1,
                // "flaky" too: it failed once.
                _ => count.failed += 1,
            }
        }
        for suite in &self.suites {
            suite.count(counts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playwrights_report_tells_which_rows_were_shown() {
        let report: Report = serde_json::from_str(
            r#"{"suites":[{"suites":[{"specs":[
                {"title":"row 8: good","file":"a.spec.ts","tests":[
                    {"projectName":"chromium","status":"expected"},
                    {"projectName":"firefox","status":"expected"}]},
                {"title":"row 9: in one browser only","file":"a.spec.ts","tests":[
                    {"projectName":"chromium","status":"expected"},
                    {"projectName":"firefox","status":"unexpected"}]},
                {"title":"row 10: left out","file":"a.spec.ts","tests":[
                    {"projectName":"chromium","status":"skipped"}]}]}]}]}"#,
        )
        .unwrap();
        let rows: Vec<_> = report.shown().flat_map(|shows| shows.rows).collect();
        assert_eq!(rows, [8]);
    }

    #[test]
    fn playwrights_report_is_counted_by_project() {
        let report: Report = serde_json::from_str(
            r#"{"suites":[{"specs":[{"tests":[{"projectName":"chromium","status":"expected"},
                {"projectName":"firefox","status":"unexpected"}]}],
                "suites":[{"specs":[{"tests":[{"projectName":"chromium","status":"flaky"},
                {"projectName":"firefox","status":"skipped"}]}]}]}],"stats":{}}"#,
        )
        .unwrap();
        let counts = report.by_project();
        assert_eq!(
            counts["chromium"],
            Count {
                passed: 1,
                failed: 1
            }
        );
        assert_eq!(
            counts["firefox"],
            Count {
                passed: 0,
                failed: 1
            }
        );
    }

    #[test]
    fn a_test_of_what_the_engine_decides_must_pass_in_both() {
        let report: Report = serde_json::from_str(
            r#"{"suites":[{"specs":[
                {"title":"in both","file":"a.spec.ts","tags":["engine"],"tests":[
                    {"projectName":"chromium","status":"expected"}]},
                {"title":"in both","file":"a.spec.ts","tags":["engine"],"tests":[
                    {"projectName":"firefox","status":"expected"}]},
                {"title":"in one","file":"a.spec.ts","tags":["engine"],"tests":[
                    {"projectName":"chromium","status":"expected"}]},
                {"title":"not the engine's","file":"a.spec.ts","tags":[],"tests":[
                    {"projectName":"chromium","status":"expected"}]}]}]}"#,
        )
        .unwrap();
        assert_eq!(report.in_one_engine_only(), ["a.spec.ts: in one"]);
    }
}
