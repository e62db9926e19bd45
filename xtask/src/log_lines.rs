//! A test: docs/LOGGING.md has every message that the program logs, and no other.

use std::collections::BTreeSet;

use crate::workspace::files_below;

/// The message is the last text of the macro's call.
fn messages(source: &str) -> impl Iterator<Item = &str> {
    let calls = source.split("tracing::").skip(1).filter_map(|rest| {
        let (level, rest) = rest.split_once("!(")?;
        ["error", "warn", "info", "debug", "trace"]
            .contains(&level)
            .then_some(rest)
    });
    calls.filter_map(|rest| {
        let (call, _) = rest.split_once("\")").or_else(|| rest.split_once("\"\n"))?;
        call.rsplit('"').next()
    })
}

/// The messages that the document lists: what is set as code in the first column of the table below
/// *Lines*.
fn documented(document: &str) -> BTreeSet<&str> {
    let (_, section) = document.split_once("\n## Lines\n").unwrap_or_default();
    let (section, _) = section.split_once("\n## ").unwrap_or((section, ""));
    let first_cells = section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
        .map(|(cell, _)| cell);
    first_cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect()
}

#[test]
fn the_document_has_every_message_of_the_log_and_no_other() {
    let root = crate::workspace::root().unwrap();
    let documented = documented(include_str!("../../docs/LOGGING.md"));
    let mut files = files_below(&root.join("crates"), ".rs").unwrap();
    files.retain(|file| file.components().any(|part| part.as_os_str() == "src"));
    files.extend(files_below(&root.join("server/src"), ".rs").unwrap());
    let mut logged = BTreeSet::new();
    let mut undocumented = Vec::new();
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        for message in messages(&source) {
            if !documented.contains(message) {
                undocumented.push(format!("{}: {message}", file.display()));
            }
            logged.insert(message.to_owned());
        }
    }
    assert!(undocumented.is_empty(), "{undocumented:#?}");
    let is_never_logged = |message: &&&str| !logged.contains(**message);
    let never_logged: Vec<_> = documented.iter().filter(is_never_logged).collect();
    assert!(never_logged.is_empty(), "{never_logged:#?}");
}

#[test]
fn messages_are_read_as_they_are_written() {
    let source = "tracing::info!(trace = %trace, outcome = \"success\", \"sign-in\");\n\
                  tracing::info!(\n    a = 1,\n    path,\n    \"request\"\n);\n\
                  use tracing::Level; Err(e) => tracing::error!(%e, \"not ready\"),\n\
                  tracing::warn!(\"alone\");";
    let read: Vec<_> = messages(source).collect();
    assert_eq!(read, ["sign-in", "request", "not ready", "alone"]);
}

#[test]
fn the_table_is_read_as_it_is_written() {
    let document = "# The log\n\n| Level | Means |\n|---|---|\n| `ERROR` | broken |\n\n## Lines\n\nText.\n\n\
                    | Message | Fields | When |\n|---|---|---|\n| `request` | `site` | each |\n\
                    | `sign-in`, `not ready` | – | both |\n\n## Steps\n\n| `redeemed` | a |\n";
    let read: Vec<_> = documented(document).into_iter().collect();
    assert_eq!(read, ["not ready", "request", "sign-in"]);
}
