//! Which crate may know which: the arrows of docs/ARCHITECTURE, and what must never enter a tree.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use crate::circles;
use crate::workspace::{Workspace, output, run};

/// For each member, the members that its manifest may name. No other arrow is allowed.
const ARROWS: &[(&str, &str)] = &[
    ("handoff", ""),
    ("ui", "handoff"),
    ("pages", "handoff ui"),
    ("lab_pages", "handoff ui"),
    ("web", "handoff ui"),
    ("database", "handoff"),
    ("frontend", "lab_pages"),
    ("recording", "handoff web"),
    ("authority", "handoff web recording database pages ui"),
    ("relying_party", "handoff web recording database pages ui"),
    (
        "lab",
        "handoff web recording database lab_pages ui authority relying_party",
    ),
    (
        "server",
        "handoff web recording database ui authority relying_party lab",
    ),
    ("xtask", ""),
];

/// The arguments of a `cargo tree`, and the crates that the tree must not contain; `tokio` stands
/// for `tokio-util` too, and so on.
struct Fence {
    says: &'static str,
    tree: &'static str,
    never: &'static str,
}

/// What a page has no use for.
const NO_SERVER: &str = "sqlx tower-sessions argon2 axum hyper";

const FENCES: &[Fence] = &[
    Fence {
        says: "handoff is pure: no I/O, no randomness",
        tree: "--package handoff --edges normal,build --target all",
        never: "tokio axum sqlx leptos reqwest rand getrandom hyper mio",
    },
    Fence {
        says: "authority does not know relying_party or lab",
        tree: "--package authority --edges normal,build,dev",
        never: "relying_party lab",
    },
    Fence {
        says: "relying_party does not know authority or lab",
        tree: "--package relying_party --edges normal,build,dev",
        never: "authority lab",
    },
    Fence {
        says: "frontend brings no server to the browser",
        tree: "--package frontend --edges normal --target wasm32-unknown-unknown",
        never: "tokio axum hyper sqlx",
    },
    Fence {
        says: "ui brings no server code",
        tree: "--package ui --edges normal",
        never: NO_SERVER,
    },
    Fence {
        says: "pages bring no server code",
        tree: "--package pages --edges normal",
        never: NO_SERVER,
    },
    Fence {
        says: "lab_pages on the server bring no server code",
        tree: "--package lab_pages --features ssr --edges normal",
        never: NO_SERVER,
    },
];

const WASM: &str = "wasm32-unknown-unknown";

/// Checks everything and fails with the whole list of what is wrong.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut wrong = unlisted_arrows(&workspace.arrows);
    report("every arrow between our crates is listed", wrong.is_empty());
    for fence in FENCES {
        let mut tree = workspace.cargo();
        tree.args(["tree", "--prefix", "none", "--format", "{p}"]);
        tree.args(fence.tree.split_whitespace());
        let tree = output(&mut tree)?;
        let intruders = intruders(&tree, fence.never);
        report(fence.says, intruders.is_empty());
        for intruder in intruders {
            wrong.push(format!("{}, but its tree has {intruder}", fence.says));
        }
    }
    let root = &workspace.root;
    let crates = [
        root.join("crates"),
        root.join("app"),
        root.join("server"),
        root.join("xtask"),
    ];
    let circles = circles::below(&crates)?;
    report(
        "no files of a crate need each other in a circle",
        circles.is_empty(),
    );
    wrong.extend(circles);
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n       "));
    }
    run(workspace
        .cargo()
        .args(["build", "--package", "handoff", "--target", WASM]))?;
    report("handoff builds for the browser", true);
    Ok(())
}

fn report(says: &str, holds: bool) {
    println!("  {} {says}", if holds { "ok    " } else { "BROKEN" });
}

fn unlisted_arrows(found: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (from, to) in found {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| name == from) else {
            wrong.push(format!(
                "{from} is not in the table of arrows (xtask/src/boundaries.rs)"
            ));
            continue;
        };
        let unlisted: BTreeSet<&String> = to
            .iter()
            .filter(|name| !allowed.split_whitespace().any(|one| one == *name))
            .collect();
        wrong.extend(
            unlisted
                .iter()
                .map(|name| format!("{from} must not depend on {name}")),
        );
    }
    wrong
}

/// The crates of `tree` (one a line, the name first) that `never` names, or whose name goes on
/// from one of its names after a hyphen or underscore.
fn intruders(tree: &str, never: &str) -> BTreeSet<String> {
    let is_intruder = |name: &&str| {
        never.split_whitespace().any(|banned| {
            name.strip_prefix(banned)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
        })
    };
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(is_intruder)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(from: &str, to: &[&str]) -> BTreeMap<String, Vec<String>> {
        BTreeMap::from([(
            from.to_owned(),
            to.iter().map(|&name| name.to_owned()).collect(),
        )])
    }

    #[test]
    fn an_arrow_that_is_not_listed_is_refused() {
        assert_eq!(
            unlisted_arrows(&arrows("authority", &["handoff", "web"])),
            [""; 0]
        );
        assert_eq!(
            unlisted_arrows(&arrows("authority", &["handoff", "relying_party"])),
            ["authority must not depend on relying_party"]
        );
    }

    #[test]
    fn a_crate_that_is_not_listed_is_refused() {
        let wrong = unlisted_arrows(&arrows("helpers", &[]));
        assert!(
            wrong[0].starts_with("helpers is not in the table"),
            "{wrong:?}"
        );
    }

    #[test]
    fn an_intruder_is_found_with_its_companions_and_not_by_chance() {
        let tree = "ui v0.1.0 (/a)\ntokio-util v0.7.20\nrandom v1.0.0\nrand_core v0.9.0 (*)\n";
        let found = intruders(tree, "tokio rand");
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            ["rand_core", "tokio-util"]
        );
    }
}
