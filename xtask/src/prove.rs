//! `cargo xtask rules --prove`: takes each defence out of a copy of the workspace, and sees its
//! tests fail.
//!
//! A test that cannot fail shows nothing. So each entry of [`DEFENCES`](crate::defences) says how to
//! take one defence out, and which tests must fail then. Most are taken out by a switch: the copy is
//! compiled once, with all of them in, and each run of a test turns one of them off. So nothing
//! but that one defence can have made the test fail, and the same program with no switch turned
//! shows that the test passes otherwise. A defence that no switch can turn (an attribute, a `derive`)
//! gets a build of its own.
//!
//! The copy lies in `target/prove` and stays there, so that the next run compiles little. The
//! workspace itself is only read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::browsers;
use crate::defences::{BY_HAND, DEFENCES, Defence, Edit};
use crate::programs::{self, TEST, TestProgram};
use crate::workspace::{Profile, Workspace, node_script, output};
use crate::{rules, site};

/// Names the defence that is out, to the programs of the copy. It is no setting of `handoff-lab`: tests
/// that start the program take those out of its environment.
const VARIABLE: &str = "DEFENCE_TAKEN_OUT";

/// Stands in a replacement for "this defence is out".
const SWITCH: &str = "OUT";

/// How long a test may run, with every defence in and with one out. One that hangs has failed, and
/// without its defence many a test waits for what never comes.
const LIMIT: Duration = Duration::from_secs(300);
const LIMIT_WITHOUT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);

/// What came of taking one defence out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// Each of its tests failed, and passes otherwise.
    SeenToFail,
    /// These tests passed all the same.
    Survived(Vec<String>),
    /// Its text stands nowhere, or more than once.
    DoesNotApply(String),
    DoesNotCompile(String),
    /// These tests fail with the defence in, too, or do not exist.
    ProvesNothing(Vec<String>),
}

impl Outcome {
    fn shown(&self) -> String {
        match self {
            Self::SeenToFail => "seen to fail".to_owned(),
            Self::Survived(tests) => format!("SURVIVED: {}", tests.join(", ")),
            Self::DoesNotApply(why) => format!("DOES NOT APPLY: {why}"),
            Self::DoesNotCompile(why) => format!("DOES NOT COMPILE: {why}"),
            Self::ProvesNothing(tests) => {
                format!(
                    "PROVES NOTHING, fails or is missing anyway: {}",
                    tests.join(", ")
                )
            }
        }
    }
}

/// Proves the rows, or all of them when none is named, and prints what came of it.
///
/// # Errors
/// When the copy cannot be made or compiled.
pub(crate) fn run(workspace: &Workspace, rows: &[u8]) -> Result<ExitCode> {
    let wanted = |row: &u8| rows.is_empty() || rows.contains(row);
    let chosen: Vec<&Defence> = DEFENCES
        .iter()
        .filter(|defence| defence.rows.iter().any(wanted))
        .collect();
    if chosen.is_empty() {
        bail!("no defence is listed for these rows (xtask/src/defences.rs)");
    }
    let mut tests = chosen.iter().flat_map(|defence| defence.shown_by);
    if tests.any(|test| Name::of(test).is_none()) {
        site::build(workspace, Profile::Debug)?.sweep()?;
    }
    let copy = WorkspaceCopy::make(workspace)?;
    let mut proof = Proof::new(&copy, workspace);

    let (switched, alone): (Vec<_>, Vec<_>) = chosen
        .iter()
        .copied()
        .partition(|defence| is_switched(defence));
    println!("{} defences by a switch, one build", switched.len());
    proof.by_switch(&switched, &alone)?;
    for defence in alone {
        println!("\nalone: {}", defence.name);
        let outcome = proof.alone(defence)?;
        proof.outcomes.insert(defence.name, outcome);
    }
    // The next run, and whoever looks, shall find the workspace as it is.
    copy.restore()?;

    println!();
    let mut good = true;
    for defence in &chosen {
        let outcome = &proof.outcomes[defence.name];
        good &= *outcome == Outcome::SeenToFail;
        println!(
            "row {:<12} {:<40} {}",
            list(defence.rows),
            defence.name,
            outcome.shown()
        );
    }
    for (row, how) in BY_HAND.iter().filter(|(row, _)| wanted(row)) {
        println!("row {row:<12} by hand: {how}");
    }
    let proven: BTreeSet<u8> = chosen
        .iter()
        .filter(|defence| proof.outcomes[defence.name] == Outcome::SeenToFail)
        .flat_map(|defence| defence.rows.iter().copied())
        .chain(BY_HAND.iter().map(|(row, _)| *row))
        .collect();
    let left: Vec<u8> = rules::in_scope()
        .filter(wanted)
        .filter(|row| !proven.contains(row))
        .collect();
    let failed = chosen.len()
        - proof
            .outcomes
            .values()
            .filter(|outcome| **outcome == Outcome::SeenToFail)
            .count();
    println!(
        "\n{} defences taken out, {failed} not seen to fail",
        chosen.len()
    );
    if !left.is_empty() {
        good = false;
        println!("rows without a proof: {}", list(&left));
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn list(rows: &[u8]) -> String {
    let rows: Vec<_> = rows.iter().map(u8::to_string).collect();
    rows.join(", ")
}

fn is_switched(defence: &Defence) -> bool {
    defence.edits.iter().any(|edit| has_switch(edit.replace))
}

/// Whether `OUT` stands in the text as a word of its own.
fn has_switch(text: &str) -> bool {
    with_switch(text, "") != text
}

/// The text with its switch spelled out.
fn with_switch(text: &str, expression: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(SWITCH) {
        let (before, after) = (&rest[..at], &rest[at + SWITCH.len()..]);
        result.push_str(before);
        if before.ends_with(is_word) || after.starts_with(is_word) {
            result.push_str(SWITCH);
        } else {
            result.push_str(expression);
        }
        rest = after;
    }
    result.push_str(rest);
    result
}

fn expression(defence: &Defence) -> String {
    let name = defence.name;
    format!("matches!(std::env::var(\"{VARIABLE}\").as_deref(), Ok(\"{name}\"))")
}

/// A file with defences taken out, and the lines in which each now stands.
#[derive(Debug)]
struct Edited {
    text: String,
    lines: Vec<(&'static str, Range<usize>)>,
}

/// Applies the edits of these defences to one file.
///
/// # Errors
/// The names of the defences whose text does not stand there exactly once, or overlaps another's.
fn apply(
    file: &str,
    original: &str,
    defences: &[&'static Defence],
) -> std::result::Result<Edited, Vec<(&'static str, String)>> {
    let mut wrong = Vec::new();
    let mut places: Vec<(Range<usize>, &'static Defence, &'static Edit)> = Vec::new();
    for defence in defences {
        for edit in defence.edits.iter().filter(|edit| edit.file == file) {
            let mut found = original.match_indices(edit.find);
            match (found.next(), found.next()) {
                (Some((at, text)), None) => places.push((at..at + text.len(), defence, edit)),
                (None, _) => wrong.push((defence.name, format!("{file} has no `{}`", edit.find))),
                _ => wrong.push((defence.name, format!("{file} has `{}` twice", edit.find))),
            }
        }
    }
    places.sort_by_key(|(place, ..)| place.start);
    for pair in places.windows(2) {
        if pair[0].0.end > pair[1].0.start {
            let why = format!("overlaps `{}` in {file}", pair[0].1.name);
            wrong.push((pair[1].1.name, why));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let (mut text, mut lines, mut at) = (String::new(), Vec::new(), 0);
    for (place, defence, edit) in places {
        text.push_str(&original[at..place.start]);
        let first = text.matches('\n').count() + 1;
        text.push_str(&with_switch(edit.replace, &expression(defence)));
        lines.push((defence.name, first..text.matches('\n').count() + 2));
        at = place.end;
    }
    text.push_str(&original[at..]);
    Ok(Edited { text, lines })
}

/// The sources of the workspace, copied.
struct WorkspaceCopy {
    original: PathBuf,
    root: PathBuf,
    build: PathBuf,
    files: BTreeSet<PathBuf>,
}

impl WorkspaceCopy {
    fn make(workspace: &Workspace) -> Result<Self> {
        let prove = workspace.target.join("prove");
        let listed = output(
            Command::new("git")
                .args([
                    "ls-files",
                    "-z",
                    "--cached",
                    "--others",
                    "--exclude-standard",
                ])
                .current_dir(&workspace.root),
        )?;
        let files = listed.split('\0').filter(|name| !name.is_empty());
        let copy = Self {
            original: workspace.root.clone(),
            root: prove.join("workspace"),
            build: prove.join("build"),
            files: files
                .map(PathBuf::from)
                .filter(|file| workspace.root.join(file).is_file())
                .collect(),
        };
        copy.drop_what_is_gone()?;
        copy.restore()?;
        // The program reads the build's files from here.
        let target = copy.root.join("target");
        if !target.exists() {
            #[cfg(unix)]
            std::os::unix::fs::symlink(&workspace.target, &target)?;
        }
        warm(&workspace.target.join("debug"), &copy.build.join("debug"))?;
        Ok(copy)
    }

    /// A test file that was removed must not be compiled.
    fn drop_what_is_gone(&self) -> Result<()> {
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries {
                let entry = entry?;
                let path = entry.path();
                let kind = entry.file_type()?;
                let inside = path.strip_prefix(&self.root)?;
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() && !self.files.contains(inside) {
                    fs::remove_file(&path)?;
                }
            }
        }
        Ok(())
    }

    /// Every file as it is in the workspace.
    fn restore(&self) -> Result<()> {
        for file in &self.files {
            self.write(file, &fs::read(self.original.join(file))?)?;
        }
        Ok(())
    }

    /// Writes only what differs: cargo compiles anew what was written.
    fn write(&self, file: &Path, text: &[u8]) -> Result<()> {
        let path = self.root.join(file);
        if fs::read(&path).is_ok_and(|found| found == text) {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The copy with these defences out, and no others.
    fn take_out(&self, defences: &[&'static Defence]) -> Result<Applied> {
        let mut applied = Applied::default();
        let mut files: BTreeMap<&str, Vec<&'static Defence>> = BTreeMap::new();
        for defence in defences {
            for edit in defence.edits {
                let entry = files.entry(edit.file).or_default();
                if !entry.iter().any(|it| it.name == defence.name) {
                    entry.push(defence);
                }
            }
        }
        let mut texts = BTreeMap::new();
        for (file, defences) in &files {
            match fs::read_to_string(self.original.join(file)) {
                Ok(original) => match apply(file, &original, defences) {
                    Ok(edited) => {
                        texts.insert(*file, edited);
                    }
                    Err(wrong) => applied.wrong.extend(wrong),
                },
                Err(error) => applied.wrong.extend(
                    defences
                        .iter()
                        .map(|it| (it.name, format!("{file}: {error}"))),
                ),
            }
        }
        if applied.wrong.is_empty() {
            for file in &self.files {
                let name = file.to_string_lossy();
                match texts.get(&*name) {
                    Some(edited) => self.write(file, edited.text.as_bytes())?,
                    None => self.write(file, &fs::read(self.original.join(file))?)?,
                }
            }
            applied.lines = texts
                .into_iter()
                .map(|(file, edited)| (file.to_owned(), edited.lines))
                .collect();
        }
        Ok(applied)
    }

    /// `cargo test --no-run` in the copy.
    fn compile(&self, workspace: &Workspace, only: &[String]) -> Result<Compiled> {
        let mut command = workspace.cargo();
        command
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.build)
            // It would take more room than all the rest, for a build that is made once.
            .env("CARGO_INCREMENTAL", "0")
            .args(TEST)
            .args(only)
            .args(["--no-run", "--message-format", "json"])
            .stderr(Stdio::inherit());
        let output = command.output().context("cannot start cargo")?;
        let messages = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(Compiled::Programs(programs::test_programs(&messages)));
        }
        let errors = messages
            .lines()
            .filter_map(|line| serde_json::from_str::<CompilerMessage>(line).ok())
            .map(|it| it.message)
            .filter(|message| message.level == "error");
        Ok(Compiled::Errors(errors.collect()))
    }
}

#[derive(Default)]
struct Applied {
    wrong: Vec<(&'static str, String)>,
    lines: BTreeMap<String, Vec<(&'static str, Range<usize>)>>,
}

enum Compiled {
    Programs(BTreeMap<String, TestProgram>),
    Errors(Vec<Diagnostic>),
}

#[derive(Deserialize)]
struct CompilerMessage {
    message: Diagnostic,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    message: String,
    rendered: Option<String>,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: usize,
    line_end: usize,
}

/// The defences that the compiler complains about, with its first words.
fn blamed(
    errors: &[Diagnostic],
    lines: &BTreeMap<String, Vec<(&'static str, Range<usize>)>>,
) -> BTreeMap<&'static str, String> {
    let mut blamed = BTreeMap::new();
    for error in errors {
        for span in &error.spans {
            let there = lines.get(&span.file_name).into_iter().flatten();
            for (name, range) in there {
                if range.start <= span.line_end && span.line_start < range.end {
                    blamed.entry(*name).or_insert_with(|| error.message.clone());
                }
            }
        }
    }
    blamed
}

/// Copies the compiled dependencies from the workspace's own builds, once. What is missing or does
/// not fit, cargo compiles.
fn warm(from: &Path, to: &Path) -> Result<()> {
    if to.join(".fingerprint").exists() || !from.join(".fingerprint").exists() {
        return Ok(());
    }
    println!("copying the compiled dependencies to {}", to.display());
    for folder in ["build", "deps", ".fingerprint"] {
        copy_folder(&from.join(folder), &to.join(folder))?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, goal) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_folder(&path, &goal)?;
        } else if kind.is_file() {
            // Cargo compares times: what is newer than what it was made from is fresh.
            let metadata = entry.metadata()?;
            let is_program = from.ends_with("deps") && path.extension().is_none();
            if !is_program {
                fs::copy(&path, &goal)?;
                fs::File::options()
                    .write(true)
                    .open(&goal)
                    .and_then(|file| file.set_modified(metadata.modified()?))
                    .or_else(|error| match error.kind() {
                        // A file that is read-only keeps the time of the copy.
                        std::io::ErrorKind::PermissionDenied => Ok(()),
                        _ => Err(error),
                    })?;
            }
        }
    }
    Ok(())
}

/// A run under way.
struct Proof<'a> {
    copy: &'a WorkspaceCopy,
    workspace: &'a Workspace,
    /// The tests that passed with every defence in, of those that were asked for.
    sound: BTreeMap<&'static str, bool>,
    outcomes: BTreeMap<&'static str, Outcome>,
}

impl<'a> Proof<'a> {
    fn new(copy: &'a WorkspaceCopy, workspace: &'a Workspace) -> Self {
        Self {
            copy,
            workspace,
            sound: BTreeMap::new(),
            outcomes: BTreeMap::new(),
        }
    }

    fn by_switch(
        &mut self,
        switched: &[&'static Defence],
        also_sound: &[&'static Defence],
    ) -> Result<()> {
        let mut defences = switched.to_vec();
        let programs = loop {
            let applied = self.copy.take_out(&defences)?;
            if !applied.wrong.is_empty() {
                for (name, why) in applied.wrong {
                    println!("  {name}: {why}");
                    self.outcomes.insert(name, Outcome::DoesNotApply(why));
                }
                defences.retain(|defence| !self.outcomes.contains_key(defence.name));
                continue;
            }
            match self.copy.compile(self.workspace, &[])? {
                Compiled::Programs(programs) => break programs,
                Compiled::Errors(errors) => {
                    let blamed = blamed(&errors, &applied.lines);
                    if blamed.is_empty() {
                        let rendered = errors.iter().filter_map(|it| it.rendered.as_deref());
                        bail!(
                            "the copy does not compile:\n{}",
                            rendered.collect::<String>()
                        );
                    }
                    for (name, why) in blamed {
                        println!("  {name} does not compile: {why}");
                        self.outcomes.insert(name, Outcome::DoesNotCompile(why));
                    }
                    defences.retain(|defence| !self.outcomes.contains_key(defence.name));
                }
            }
        };
        let tests = defences
            .iter()
            .chain(also_sound)
            .flat_map(|defence| defence.shown_by);
        let tests: BTreeSet<&'static str> = tests.copied().collect();
        println!("\n{} tests with every defence in", tests.len());
        for test in tests {
            let passed = self.passes(&programs, test, None)?;
            self.sound.insert(test, passed == Some(true));
        }
        for defence in defences {
            println!("\nout: {}", defence.name);
            let outcome = self.judge(&programs, defence, Some(defence.name))?;
            self.outcomes.insert(defence.name, outcome);
        }
        Ok(())
    }

    fn alone(&self, defence: &'static Defence) -> Result<Outcome> {
        let applied = self.copy.take_out(&[defence])?;
        if let Some((_, why)) = applied.wrong.into_iter().next() {
            return Ok(Outcome::DoesNotApply(why));
        }
        let binaries: BTreeSet<&str> = defence
            .shown_by
            .iter()
            .filter_map(|test| Name::of(test))
            .map(|it| it.binary)
            .collect();
        let mut only = Vec::new();
        for binary in binaries {
            match binary {
                "lib" => only.push("--lib".to_owned()),
                "xtask" => only.extend(["--bin".to_owned(), "xtask".to_owned()]),
                other => only.extend(["--test".to_owned(), other.to_owned()]),
            }
        }
        match self.copy.compile(self.workspace, &only)? {
            Compiled::Programs(programs) => self.judge(&programs, defence, None),
            Compiled::Errors(errors) => {
                let first = errors.first().map(|error| error.message.clone());
                Ok(Outcome::DoesNotCompile(first.unwrap_or_default()))
            }
        }
    }

    fn judge(
        &self,
        programs: &BTreeMap<String, TestProgram>,
        defence: &'static Defence,
        out: Option<&str>,
    ) -> Result<Outcome> {
        let unsound: Vec<_> = defence
            .shown_by
            .iter()
            .filter(|test| self.sound.get(*test) != Some(&true))
            .map(|test| (*test).to_owned())
            .collect();
        if !unsound.is_empty() {
            return Ok(Outcome::ProvesNothing(unsound));
        }
        let mut survived = Vec::new();
        for test in defence.shown_by {
            match self.passes(programs, test, out)? {
                Some(false) => {}
                Some(true) => survived.push((*test).to_owned()),
                None => return Ok(Outcome::ProvesNothing(vec![(*test).to_owned()])),
            }
        }
        Ok(if survived.is_empty() {
            Outcome::SeenToFail
        } else {
            Outcome::Survived(survived)
        })
    }

    /// Whether the test passes with this defence out; nothing when there is no such test.
    fn passes(
        &self,
        programs: &BTreeMap<String, TestProgram>,
        test: &str,
        out: Option<&str>,
    ) -> Result<Option<bool>> {
        let passed = match Name::of(test) {
            Some(name) => self.run_rust(programs, &name, out)?,
            None => self.run_end_to_end(test, out)?,
        };
        let word = match passed {
            Some(true) => "passes",
            Some(false) => "fails",
            None => "is missing",
        };
        println!("  {word:<10} {test}");
        Ok(passed)
    }

    fn run_rust(
        &self,
        programs: &BTreeMap<String, TestProgram>,
        name: &Name<'_>,
        out: Option<&str>,
    ) -> Result<Option<bool>> {
        let program = programs
            .values()
            .find(|program| program.package == name.package && program.binary == name.binary);
        let Some(program) = program else {
            return Ok(None);
        };
        if !program.list()?.iter().any(|test| test == name.test) {
            return Ok(None);
        }
        let in_crates = self.copy.root.join("crates").join(name.package);
        let folder = if in_crates.exists() {
            in_crates
        } else {
            self.copy.root.join(name.package)
        };
        let mut command = Command::new(&program.path);
        command.args(["--exact", name.test]).current_dir(folder);
        self.ends_well(command, out).map(Some)
    }

    fn run_end_to_end(&self, test: &str, out: Option<&str>) -> Result<Option<bool>> {
        let end2end = self.workspace.end2end();
        let (Some((file, title)), true) =
            (test.split_once(": "), end2end.join("node_modules").exists())
        else {
            return Ok(None);
        };
        let shown = rules::titled(&end2end)?;
        if !shown.iter().any(|shows| shows.test == test) {
            return Ok(None);
        }
        let found = browsers::find_or_install(self.workspace)?;
        let file = file.rsplit('/').next().unwrap_or(file);
        let mut command = node_script("npx", &end2end);
        command
            .args([
                "--no-install",
                "playwright",
                "test",
                "--project",
                "chromium",
            ])
            .args(["--reporter", "line", "--grep", &escaped(title), file])
            .env("HANDOFF_LAB_BIN", self.copy.build.join("debug/handoff-lab"));
        // `cargo xtask test` may be under way beside us, at its own ports.
        for (variable, port) in [
            ("HANDOFF_LAB_E2E_PORT", "4600"),
            ("HANDOFF_LAB_E2E_OPS_PORT", "4609"),
            ("HANDOFF_LAB_E2E_PROXY_PORT", "4610"),
        ] {
            command.env(variable, std::env::var(variable).as_deref().unwrap_or(port));
        }
        if let Some(path) = &found.chromium {
            command.env("CHROMIUM", path);
        }
        self.ends_well(command, out).map(Some)
    }

    /// Runs a command that succeeds when its tests pass. What it prints is not wanted: most of it is
    /// about a failure that we asked for.
    fn ends_well(&self, mut command: Command, out: Option<&str>) -> Result<bool> {
        command
            .env_remove(VARIABLE)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(name) = out {
            command.env(VARIABLE, name);
        }
        let limit = out.map_or(LIMIT, |_| LIMIT_WITHOUT);
        ended(&mut command.spawn()?, limit)
    }
}

fn ended(child: &mut Child, limit: Duration) -> Result<bool> {
    let mut waited = Duration::ZERO;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if waited >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        std::thread::sleep(POLL);
        waited += POLL;
    }
}

/// A title as a regular expression that matches it alone.
fn escaped(title: &str) -> String {
    let mut pattern = String::new();
    for c in title.chars() {
        if !c.is_alphanumeric() && c != ' ' {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// A Rust test, as `cargo xtask rules` prints it: `package/binary::path`, without the binary for the
/// tests inside a library.
struct Name<'a> {
    package: &'a str,
    binary: &'a str,
    test: &'a str,
}

impl<'a> Name<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (program, test) = text.split_once("::")?;
        let (package, binary) = program.split_once('/').unwrap_or((program, "lib"));
        Some(Self {
            package,
            binary,
            test,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ONE: Defence = Defence {
        name: "one",
        rows: &[3],
        edits: &[Edit {
            file: "a.rs",
            find: "b > 0",
            replace: "OUT || b > 0",
        }],
        shown_by: &[],
    };
    static TWO: Defence = Defence {
        name: "two",
        rows: &[4],
        edits: &[Edit {
            file: "a.rs",
            find: "c()",
            replace: "d()",
        }],
        shown_by: &[],
    };
    static BOTH: Defence = Defence {
        name: "both",
        rows: &[4],
        edits: &[Edit {
            file: "a.rs",
            find: "> 0",
            replace: "< 0",
        }],
        shown_by: &[],
    };

    #[test]
    fn a_switch_is_a_word_of_its_own() {
        assert_eq!(with_switch("OUT && !OUT", "x"), "x && !x");
        assert_eq!(with_switch("TIMEOUT OUTER OUT_", "x"), "TIMEOUT OUTER OUT_");
        assert!(is_switched(&ONE) && !is_switched(&TWO));
    }

    #[test]
    fn a_defence_is_taken_out_where_its_text_stands_once() {
        let edited = apply("a.rs", "if b > 0 {\n    c()\n}\n", &[&ONE, &TWO]).unwrap();
        let switch = expression(&ONE);
        assert_eq!(
            edited.text,
            format!("if {switch} || b > 0 {{\n    d()\n}}\n")
        );
        assert_eq!(edited.lines, [("one", 1..2), ("two", 2..3)]);
        for text in ["if a {}", "if b > 0 && b > 0 {}"] {
            let wrong = apply("a.rs", text, &[&ONE]).unwrap_err();
            assert_eq!(wrong[0].0, "one", "{text}");
        }
        let wrong = apply("a.rs", "if b > 0 {}", &[&ONE, &BOTH]).unwrap_err();
        assert_eq!(wrong[0].0, "both");
    }

    #[test]
    fn a_compilers_error_is_blamed_on_the_defence_in_that_line() {
        let error = |line| Diagnostic {
            level: "error".to_owned(),
            message: "no".to_owned(),
            rendered: None,
            spans: vec![Span {
                file_name: "a.rs".to_owned(),
                line_start: line,
                line_end: line,
            }],
        };
        let lines = BTreeMap::from([("a.rs".to_owned(), vec![("one", 1..2), ("two", 2..4)])]);
        assert_eq!(
            blamed(&[error(3)], &lines).into_keys().collect::<Vec<_>>(),
            ["two"]
        );
        assert!(blamed(&[error(4)], &lines).is_empty());
    }

    #[test]
    fn a_title_is_escaped() {
        assert_eq!(escaped("row 8: a (b)"), "row 8\\: a \\(b\\)");
    }

    #[test]
    fn a_test_is_found_by_the_name_that_rules_prints() {
        let name = Name::of("authority/conformance::sqlite::row_3_x").unwrap();
        let parts = (name.package, name.binary, name.test);
        assert_eq!(parts, ("authority", "conformance", "sqlite::row_3_x"));
        let name = Name::of("web::seams::tests::row_1_x").unwrap();
        assert_eq!(
            (name.package, name.binary, name.test),
            ("web", "lib", "seams::tests::row_1_x")
        );
        assert!(Name::of("end2end/tests/a.spec.ts: row 8: x").is_none());
    }

    #[test]
    fn every_defence_stands_where_the_table_says() {
        let root = crate::workspace::root().unwrap();
        let mut wrong = Vec::new();
        let edits = DEFENCES.iter().flat_map(|defence| defence.edits);
        let files: BTreeSet<&str> = edits.map(|edit| edit.file).collect();
        for file in files {
            let text = fs::read_to_string(root.join(file)).unwrap_or_default();
            for switched in [true, false] {
                let chosen = DEFENCES.iter().filter(|it| is_switched(it) == switched);
                let chosen: Vec<&'static Defence> = chosen.collect();
                if let Err(found) = apply(file, &text, &chosen) {
                    wrong.extend(found);
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn every_row_in_scope_has_a_defence() {
        let listed: BTreeSet<u8> = DEFENCES
            .iter()
            .flat_map(|defence| defence.rows.iter().copied())
            .chain(BY_HAND.iter().map(|(row, _)| *row))
            .collect();
        let missing: Vec<u8> = rules::in_scope()
            .filter(|row| !listed.contains(row))
            .collect();
        assert_eq!(missing, [] as [u8; 0]);
    }

    #[test]
    fn every_defence_has_a_name_and_a_test_of_its_row() {
        let mut names = BTreeSet::new();
        for defence in DEFENCES {
            assert!(names.insert(defence.name), "{} twice", defence.name);
            assert!(!defence.shown_by.is_empty(), "{}", defence.name);
            for test in defence.shown_by {
                let rows = rules::rows_of(test).unwrap_or_default();
                let shows = rows.iter().any(|row| defence.rows.contains(row));
                assert!(shows, "{}: {test} names none of its rows", defence.name);
            }
        }
    }
}
