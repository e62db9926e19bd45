//! A test: docs/LOGGING.md has every message that the program logs.

use std::path::Path;

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

fn sources_below(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources_below(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_message_of_the_log_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let document = include_str!("../../docs/LOGGING.md");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root.join("crates")).unwrap() {
        sources_below(&entry.unwrap().path().join("src"), &mut files);
    }
    sources_below(&root.join("server/src"), &mut files);
    let mut found = 0;
    let mut missing = Vec::new();
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        for message in messages(&source) {
            found += 1;
            if !document.contains(&format!("`{message}`")) {
                missing.push(format!("{}: {message}", file.display()));
            }
        }
    }
    assert!(found > 40, "only {found} were found");
    assert!(missing.is_empty(), "{missing:#?}");
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
