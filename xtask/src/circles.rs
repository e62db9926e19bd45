//! No files of a crate need each other in a circle.
//!
//! An arrow leads from a file to each file that it names in a `use crate::…` or `use super::…`, its tests left
//! out. What a crate's root re-exports is the root's: a handler that takes its site's value by `crate::Authority`
//! makes no circle with the value's file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace;

/// For each module of a crate, the modules that it uses. The root is the empty path.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// The circles of every crate that has its sources in `src` below one of these folders.
pub(crate) fn below(folders: &[PathBuf]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in folders {
        let mut crates: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for file in workspace::files_below(folder, ".rs")? {
            let path = file
                .strip_prefix(folder)?
                .to_string_lossy()
                .replace('\\', "/");
            let path = format!(
                "{}/{path}",
                folder.file_name().unwrap_or_default().display()
            );
            if let Some((name, module)) = path.split_once("/src/") {
                let text = std::fs::read_to_string(&file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                let sources = crates.entry(name.to_owned()).or_default();
                sources.insert(module_of(module), text);
            }
        }
        for (name, sources) in crates {
            let circles = circles(&arrows(&sources));
            found.extend(
                circles
                    .into_iter()
                    .map(|files| format!("{name}: files in a circle: {files}")),
            );
        }
    }
    Ok(found)
}

fn module_of(file: &str) -> String {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    match stem {
        "lib" | "main" => String::new(),
        stem => stem.replace('/', "::"),
    }
}

fn arrows(sources: &BTreeMap<String, String>) -> Arrows {
    let used = |module: &String, text: &String| {
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let mut used = BTreeSet::new();
        for (at, word) in text.match_indices("use ") {
            let before = text[..at].rsplit('\n').next().unwrap_or_default();
            if !["", "pub", "pub(crate)", "pub(super)"].contains(&before.trim()) {
                continue;
            }
            let tree = text[at + word.len()..]
                .split(';')
                .next()
                .unwrap_or_default();
            let tree: String = tree.replace(" as ", "::as::").split_whitespace().collect();
            for path in paths(&tree) {
                used.extend(target(sources, module, &path));
            }
        }
        used.remove(module);
        used
    };
    let of = |(module, text): (&String, &String)| (module.clone(), used(module, text));
    sources.iter().map(of).collect()
}

/// The paths of a tree of names without spaces: `a::{b,c::d}` is `a::b` and `a::c::d`.
fn paths(tree: &str) -> Vec<String> {
    let Some((before, rest)) = tree.split_once('{') else {
        return vec![tree.to_owned()];
    };
    let within = rest.strip_suffix('}').unwrap_or(rest);
    let mut depth = 0_i32;
    let branches = within.split(|letter| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        letter == ',' && depth == 0
    });
    let branches = branches.filter(|branch| !branch.is_empty()).flat_map(paths);
    branches.map(|path| format!("{before}{path}")).collect()
}

/// The longest module that a path of the crate's own begins with.
fn target(sources: &BTreeMap<String, String>, from: &str, path: &str) -> Option<String> {
    let mut at: Vec<&str> = from.split("::").filter(|name| !name.is_empty()).collect();
    let mut names = path.split("::").peekable();
    match names.peek() {
        Some(&"crate") => at.clear(),
        Some(&"super") => {}
        _ => return None,
    }
    while names.next_if(|name| *name == "super").is_some() {
        at.pop();
    }
    names.next_if(|name| *name == "crate");
    for name in names {
        at.push(name);
        if !sources.contains_key(&at.join("::")) {
            at.pop();
            break;
        }
    }
    Some(at.join("::"))
}

fn circles(arrows: &Arrows) -> BTreeSet<String> {
    let reach = |from: &str| {
        let mut seen = BTreeSet::new();
        let mut next = vec![from.to_owned()];
        while let Some(module) = next.pop() {
            for to in arrows.get(&module).into_iter().flatten() {
                if seen.insert(to.clone()) {
                    next.push(to.clone());
                }
            }
        }
        seen
    };
    let all: BTreeMap<&String, BTreeSet<String>> = arrows
        .keys()
        .map(|module| (module, reach(module)))
        .collect();
    let circle = |(module, reached): (&&String, &BTreeSet<String>)| {
        let both = all
            .keys()
            .filter(|other| reached.contains(**other) && all[*other].contains(*module));
        let names: Vec<_> = both
            .map(|name| if name.is_empty() { "the root" } else { name })
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    all.iter().filter_map(circle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> BTreeSet<String> {
        let sources = files
            .iter()
            .map(|(file, text)| (module_of(file), (*text).to_owned()));
        circles(&arrows(&sources.collect()))
    }

    #[test]
    fn files_that_need_each_other_are_named() {
        let found = found(&[
            ("lib.rs", "mod a;\nmod b;\nmod c;\n"),
            ("a.rs", "use crate::{\n    b::{C, D},\n    e,\n};\n"),
            ("b/mod.rs", "pub(crate) use super::c::{self, X};\n"),
            ("c.rs", "use crate::a as d;\n"),
            ("d.rs", "use crate::a;\n"),
        ]);
        assert_eq!(found, BTreeSet::from(["a, b, c".to_owned()]));
    }

    #[test]
    fn what_declares_its_children_or_tests_them_is_in_no_circle() {
        let found = found(&[
            ("lib.rs", "mod a;\nmod b;\npub use a::A;\n"),
            (
                "a.rs",
                "use other::b;\n#[cfg(test)]\nmod tests {\n    use crate::b;\n}\n",
            ),
            ("b.rs", "use crate::{A, a::B as C};\n"),
        ]);
        assert_eq!(found, BTreeSet::new());
    }
}
