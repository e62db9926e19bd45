//! `cargo xtask rules`: the rows of the security checklist, and the tests that show each.
//!
//! A test says in its name which rows it shows: `row_33_…` or `rows_29_and_30_…` in Rust, a title
//! that begins with `row 33: ` or `rows 29 and 30: ` in Playwright. Nobody keeps a second list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::programs;
use crate::workspace::Workspace;

/// The checklist. Its section "In scope" has the rows that must have a test.
const CHECKLIST: &str = include_str!("../../docs/SECURITY.md");

/// The rows that must have a test.
pub(crate) fn in_scope() -> impl Iterator<Item = u8> {
    let (_, rest) = CHECKLIST.split_once("\n## In scope\n").unwrap_or_default();
    let section = rest.split("\n## ").next().unwrap_or_default();
    requirements(section).into_keys()
}

/// A test that shows rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shows {
    pub(crate) rows: Vec<u8>,
    pub(crate) test: String,
}

impl Shows {
    fn rust(test: String) -> Option<Self> {
        let rows = rows_of_name(&test)?;
        Some(Self { rows, test })
    }

    /// `file` as Playwright names it: from the folder of its configuration.
    pub(crate) fn end_to_end(file: &str, title: &str) -> Option<Self> {
        let rows = rows_of_title(title)?;
        let test = format!("end2end/{file}: {title}");
        Some(Self { rows, test })
    }
}

/// The rows in the name of a Rust test; none when it shows none.
fn rows_of_name(path: &str) -> Option<Vec<u8>> {
    let name = path.rsplit("::").next().unwrap_or(path);
    let (word, rest) = name.split_once('_')?;
    let words = rest.split('_');
    numbers(word, words.filter(|word| *word != "and"))
}

/// The rows in the title of an end-to-end test; none when it shows none.
fn rows_of_title(title: &str) -> Option<Vec<u8>> {
    let (label, _) = title.split_once(": ")?;
    let (word, rest) = label.split_once(' ')?;
    let words = rest.split([' ', ',']);
    numbers(
        word,
        words.filter(|word| !word.is_empty() && *word != "and"),
    )
}

fn numbers<'a>(word: &str, words: impl Iterator<Item = &'a str>) -> Option<Vec<u8>> {
    let rows: Vec<u8> = words.map_while(|word| word.parse().ok()).collect();
    let several = rows.len() > 1;
    match word {
        "row" if rows.len() == 1 => Some(rows),
        "rows" if several => Some(rows),
        _ => None,
    }
}

/// What each row asks for, from the table in docs/SECURITY.md.
fn requirements(markdown: &str) -> BTreeMap<u8, String> {
    let cells = |line: &str| {
        let line = line.strip_prefix("| ")?;
        let (number, rest) = line.split_once(" | ")?;
        let (requirement, _) = rest.rsplit_once(" | ")?;
        Some((number.parse().ok()?, requirement.to_owned()))
    };
    markdown.lines().filter_map(cells).collect()
}

/// The tests that the files of the end-to-end suite hold, by their titles.
pub(crate) fn titled(end2end: &Path) -> Result<Vec<Shows>> {
    let folder = end2end.join("tests");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()?;
    files.sort();
    let mut shown = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("tests/{name}");
        let titles = titles_in(&text);
        shown.extend(titles.filter_map(|title| Shows::end_to_end(&name, &title)));
    }
    Ok(shown)
}

/// The titles of the tests in a Playwright file: the text in quotation marks after each `test(` that
/// begins a line. So neither `test.skip(` nor a test in a comment counts. Whether a test did run is
/// known from the report of a run only.
fn titles_in(text: &str) -> impl Iterator<Item = String> + '_ {
    let starts = text.match_indices("test(").filter(|(at, _)| {
        let line = text[..*at].rsplit('\n').next().unwrap_or_default();
        line.trim().is_empty()
    });
    starts.filter_map(|(at, call)| {
        let rest = text[at + call.len()..].trim_start();
        let quote = rest.chars().next().filter(|c| "'\"`".contains(*c))?;
        let mut title = String::new();
        let mut characters = rest[1..].chars();
        loop {
            match characters.next()? {
                '\\' => title.extend(characters.next()),
                c if c == quote => return Some(title),
                c => title.push(c),
            }
        }
    })
}

/// The Rust tests that passed, as far as they show rows.
pub(crate) fn passed(tests: &[String]) -> Vec<Shows> {
    tests.iter().cloned().filter_map(Shows::rust).collect()
}

/// The rows in scope that none of these shows.
pub(crate) fn missing<'a>(shown: impl IntoIterator<Item = &'a Shows>) -> Vec<u8> {
    let rows: BTreeSet<u8> = shown
        .into_iter()
        .flat_map(|shows| shows.rows.iter().copied())
        .collect();
    in_scope().filter(|row| !rows.contains(row)).collect()
}

/// Fails, naming the rows, when there are any.
pub(crate) fn none_missing(rows: &[u8]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = rows.iter().map(u8::to_string).collect();
    bail!(
        "no test shows row {} of docs/SECURITY.md",
        rows.join(", row ")
    );
}

/// Prints each row in scope with its tests, as the compiled test programs and the end-to-end files
/// list them.
///
/// # Errors
/// When the tests do not compile, or a row has no test.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let mut shown = Vec::new();
    for program in programs::compile(workspace.cargo().args(programs::selected(true)))?.values() {
        let tests = program.list()?;
        let names = tests.iter().map(|test| program.name(test));
        shown.extend(names.filter_map(Shows::rust));
    }
    shown.sort_by(|one, two| one.test.cmp(&two.test));
    shown.extend(titled(&workspace.end2end())?);

    let file = workspace.root.join("docs/SECURITY.md");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let requirements = requirements(&text);
    for row in in_scope() {
        let requirement = requirements
            .get(&row)
            .with_context(|| format!("{} has no row {row}", file.display()))?;
        println!("row {row}: {requirement}");
        for shows in shown.iter().filter(|shows| shows.rows.contains(&row)) {
            println!("    {}", shows.test);
        }
    }
    let missing = missing(&shown);
    println!(
        "\n{} rows, {} tests that name one",
        in_scope().count(),
        shown.len()
    );
    none_missing(&missing)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_names() {
        for (name, rows) in [
            ("row_3_fifty_verifies_at_once", &[3][..]),
            ("sqlite::row_03_fifty", &[3]),
            ("tests::rows_29_and_30_only_a_navigation", &[29, 30]),
            ("rows_1_2_and_3_x", &[1, 2, 3]),
            ("row_82_2_is_read_as_two_rows", &[]),
            ("rows_3_alone", &[]),
            ("row_of_ducks", &[]),
            ("a_row_3_in_the_middle", &[]),
            ("row_256_is_too_many", &[]),
        ] {
            assert_eq!(rows_of_name(name).unwrap_or_default(), rows, "{name}");
        }
        for (title, rows) in [
            ("row 8: Back leads to the portal", &[8][..]),
            ("rows 53 and 57: signing out: all of it", &[53, 57]),
            ("rows 1, 2 and 3: x", &[1, 2, 3]),
            ("row 8 without a colon", &[]),
            ("in a row 8: x", &[]),
        ] {
            assert_eq!(rows_of_title(title).unwrap_or_default(), rows, "{title}");
        }
    }

    #[test]
    fn titles_are_read_as_they_are_written() {
        let file = r#"
            // test('row 1: commented out', async () => {});
            test('row 2: plain', async () => {});
              test(
                "row 3: on its own line, Mallory's \"word\"",
                async () => {},
              );
            test.skip('row 4: skipped', async () => {});
            test(`${site}: made up`, async () => {});
            expect(/x/.test('row 5: a pattern'));
        "#;
        let titles: Vec<_> = titles_in(file).collect();
        assert_eq!(
            titles,
            [
                "row 2: plain",
                "row 3: on its own line, Mallory's \"word\"",
                "${site}: made up"
            ]
        );
    }

    #[test]
    fn requirements_are_read_from_the_table() {
        let table = "| # | Requirement | Source |\n|---|---|---|\n\
                     | 1 | 256-bit, opaque | A11.5.1 |\n| 36 | a | b | RFC |\n";
        let read = requirements(table);
        assert_eq!(read[&1], "256-bit, opaque");
        assert_eq!(read[&36], "a | b");
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn a_row_without_a_test_is_missing() {
        let all: Vec<_> = in_scope()
            .map(|row| Shows {
                rows: vec![row],
                test: String::new(),
            })
            .collect();
        assert_eq!(missing(&all), [] as [u8; 0]);
        assert!(none_missing(&missing(&all)).is_ok());
        let but_33 = all.iter().filter(|shows| shows.rows != [33]);
        assert_eq!(missing(but_33), [33]);
        let error = none_missing(&[33, 36]).unwrap_err().to_string();
        assert!(error.contains("row 33, row 36"), "{error}");
    }

    #[test]
    fn the_checklist_says_which_rows_are_in_scope() {
        let (scope, all) = (in_scope().collect::<Vec<_>>(), requirements(CHECKLIST));
        assert_eq!(
            all.into_keys().collect::<Vec<_>>(),
            (1..=84).collect::<Vec<_>>()
        );
        for (row, expected) in [(1, true), (37, false), (38, false), (80, true), (84, true)] {
            assert_eq!(scope.contains(&row), expected, "{row}");
        }
        assert_eq!(scope.len(), 57, "{scope:?}");
    }
}
