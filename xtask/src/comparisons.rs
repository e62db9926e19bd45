//! Secrets are compared by one type, in constant time: `handoff::token::Digest` (row 16).
//!
//! A secret type has no `==`, so what could slip in is a comparison of its text. That this is
//! noticed is worth a rule as simple as this one.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// Where a comparison in constant time may be spelled out: the type itself, and the form token's
/// tag, which is no secret of the protocol.
const IN_CONSTANT_TIME: &[&str] = &["crates/handoff/src/token.rs", "crates/web/src/csrf.rs"];

/// Fails with every line that compares the text of a secret, or compares in constant time elsewhere.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut wrong = Vec::new();
    let mut read = 0;
    for folder in ["crates", "server"] {
        for file in sources(&workspace.root.join(folder))? {
            let name = file.strip_prefix(&workspace.root).unwrap_or(&file);
            let name = name.to_string_lossy().replace('\\', "/");
            let text = std::fs::read_to_string(&file)?;
            read += 1;
            wrong.extend(offences(&name, &text));
        }
    }
    println!("  {read} files");
    if !wrong.is_empty() {
        bail!(
            "compare digests, not secrets:\n       {}",
            wrong.join("\n       ")
        );
    }
    Ok(())
}

/// Every Rust file below a `src` of this folder's crates.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let is_rust = path.extension().is_some_and(|extension| extension == "rs");
            if path.is_dir() {
                folders.push(path);
            } else if is_rust && path.components().any(|part| part.as_os_str() == "src") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn offences(name: &str, text: &str) -> Vec<String> {
    let compares = |line: &str| {
        [" == ", " != ", ".eq(", ".ne("]
            .iter()
            .any(|it| line.contains(it))
    };
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let lines = code.lines().enumerate().filter(|(_, line)| {
        let code = line.split("//").next().unwrap_or(line);
        let of_text = code.contains("expose()") && compares(code);
        let of_bytes = code.contains("digest().as_bytes()") && compares(code);
        let elsewhere = code.contains("ct_eq") && !IN_CONSTANT_TIME.contains(&name);
        of_text || of_bytes || elsewhere
    });
    lines
        .map(|(at, line)| format!("{name}:{}: {}", at + 1, line.trim()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_16_table_of_comparisons_that_are_refused() {
        for (line, refused) in [
            ("if secret.expose() == presented.expose() {", true),
            ("let same = token.expose() != \"x\";", true),
            ("a.digest().as_bytes() == b.digest().as_bytes()", true),
            ("left.expose().eq(right)", true),
            ("let same = left.ct_eq(&right);", true),
            (
                "Some(client) if secret == presented.digest() => client,",
                false,
            ),
            ("cookies::set(NAME, pre.expose(), None)", false),
            ("// secret.expose() == presented.expose()", false),
        ] {
            let found = offences("crates/x/src/lib.rs", line);
            assert_eq!(!found.is_empty(), refused, "{line}");
        }
        let in_a_test = "#[cfg(test)]\nmod tests { a.expose() == b.expose() }";
        assert!(offences("crates/x/src/lib.rs", in_a_test).is_empty());
        let own = "self.bytes.ct_eq(&other.bytes).into()";
        assert!(offences("crates/handoff/src/token.rs", own).is_empty());
    }

    #[test]
    fn row_16_no_secret_is_compared_but_by_its_digest() {
        let workspace = Workspace::find().unwrap();
        check(&workspace).unwrap();
    }
}
