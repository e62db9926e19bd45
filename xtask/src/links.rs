//! Tests: every link of every document leads somewhere, and every document can be found.
//!
//! Relative links only: what lies outside the repository is checked by no test that must also pass
//! without a network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::workspace::files_below;

/// Where readers start.
const START: &str = "README.md";

fn documents_below(root: &Path) -> Result<BTreeMap<PathBuf, Document>> {
    let mut documents = BTreeMap::new();
    for path in files_below(root, ".md")? {
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(&path).to_owned();
        documents.insert(name, Document::read(&text));
    }
    Ok(documents)
}

/// What one document says about links.
#[derive(Debug, Default)]
struct Document {
    /// Where its links and pictures lead, as they are written.
    links: Vec<String>,
    /// What a link into it may name.
    anchors: BTreeSet<String>,
}

impl Document {
    fn read(text: &str) -> Self {
        let mut document = Self::default();
        let mut heading: Option<String> = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    document.add_anchor(&heading.take().unwrap_or_default());
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        document
    }

    /// As code hosts name headings: the second of two equal ones gets a number.
    fn add_anchor(&mut self, heading: &str) {
        let slug: String = heading
            .to_lowercase()
            .chars()
            .filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'))
            .map(|it| if it == ' ' { '-' } else { it })
            .collect();
        let mut numbered = slug.clone();
        let mut number = 0;
        while !self.anchors.insert(numbered) {
            number += 1;
            numbered = format!("{slug}-{number}");
        }
    }

    /// The links that stay in the repository: the path, if it names one, and the anchor.
    fn relative(&self) -> impl Iterator<Item = (&str, &str)> {
        self.links
            .iter()
            .filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
            .map(|link| link.split_once('#').unwrap_or((link, "")))
    }
}

/// The path that a link of `document` names, from the root; none when it leads out of there.
fn target(document: &Path, link: &str) -> Option<PathBuf> {
    let mut path = match link {
        "" => return Some(document.to_owned()),
        _ => document.parent().unwrap_or(Path::new("")).to_owned(),
    };
    for part in Path::new(link).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            _ => return None,
        }
    }
    Some(path)
}

fn broken(documents: &BTreeMap<PathBuf, Document>, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, document) in documents {
        for (link, anchor) in document.relative() {
            let path = target(name, link).filter(|path| exists(path));
            let leads = match path {
                None => false,
                Some(_) if anchor.is_empty() => true,
                Some(path) => documents
                    .get(&path)
                    .is_some_and(|there| there.anchors.contains(anchor)),
            };
            if !leads {
                let hash = if anchor.is_empty() { "" } else { "#" };
                faults.push(format!("{}: {link}{hash}{anchor}", name.display()));
            }
        }
    }
    faults
}

fn unreachable(documents: &BTreeMap<PathBuf, Document>) -> impl Iterator<Item = &Path> {
    let mut reached = BTreeSet::new();
    let mut next = vec![PathBuf::from(START)];
    while let Some(path) = next.pop() {
        if let Some(document) = documents.get(&path)
            && reached.insert(path.clone())
        {
            let links = document.relative();
            next.extend(links.filter_map(|(link, _)| target(&path, link)));
        }
    }
    documents
        .keys()
        .filter(move |path| !reached.contains(*path))
        .map(PathBuf::as_path)
}

#[test]
fn every_link_of_every_document_leads_somewhere() {
    let root = crate::workspace::root().unwrap();
    let documents = documents_below(&root).unwrap();
    let faults = broken(&documents, |path| root.join(path).exists());
    assert!(faults.is_empty(), "{faults:#?}");
    let lost: Vec<_> = unreachable(&documents).collect();
    assert!(lost.is_empty(), "no link leads here from {START}: {lost:?}");
}

fn documents(files: &[(&str, &str)]) -> BTreeMap<PathBuf, Document> {
    let read = |(name, text): &(&str, &str)| (PathBuf::from(name), Document::read(text));
    files.iter().map(read).collect()
}

#[test]
fn links_and_anchors_are_followed_as_a_reader_would() {
    let files = [
        (
            "README.md",
            "# Top\n[a](docs/A.md) ![p](docs/p.png) [far](https://example.com/#x) [here](#top)\n\
             [folder](docs) `[code](gone.md)`\n\n| x |\n|---|\n| [two](docs/A.md#two-1) |\n",
        ),
        (
            "docs/A.md",
            "## Two\n## `Two`!\n[up](../README.md#top) [ref]\n\n[ref]: A.md#two\n",
        ),
    ];
    let documents = documents(&files);
    let there = ["README.md", "docs", "docs/A.md", "docs/p.png"];
    let exists = |path: &Path| there.iter().any(|it| Path::new(it) == path);
    assert_eq!(broken(&documents, exists), [] as [String; 0]);
    assert_eq!(unreachable(&documents).count(), 0);
}

#[test]
fn what_leads_nowhere_is_named() {
    let files = [
        (
            "README.md",
            "[a](gone.md) [b](docs/A.md#nothing) [c](../out.md) [d](/docs/A.md) [e](run.sh#l1) [f](#no)",
        ),
        ("docs/A.md", "# Something"),
    ];
    let documents = documents(&files);
    let exists = |path: &Path| {
        ["README.md", "docs/A.md", "run.sh"]
            .map(Path::new)
            .contains(&path)
    };
    assert_eq!(
        broken(&documents, exists),
        [
            "README.md: gone.md",
            "README.md: docs/A.md#nothing",
            "README.md: ../out.md",
            "README.md: /docs/A.md",
            "README.md: run.sh#l1",
            "README.md: #no",
        ]
    );
}

#[test]
fn a_document_without_a_way_to_it_is_named() {
    let files = [
        ("README.md", "[a](docs/A.md)"),
        ("docs/A.md", "[self](A.md)"),
        ("docs/B.md", "[to the start](../README.md)"),
    ];
    let documents = documents(&files);
    let lost: Vec<_> = unreachable(&documents).collect();
    assert_eq!(lost, [Path::new("docs/B.md")]);
}
