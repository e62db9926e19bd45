//! The tests that must have run. A suite that was renamed, or that nobody calls any more, would
//! otherwise go missing without a word.

/// Tests that belong together, told by where they are and how they are called.
pub(crate) struct Group {
    label: &'static str,
    /// The package.
    package: &'static str,
    /// The file stem in `tests/`, or nothing for any of the package's test binaries.
    binary: Option<&'static str>,
    /// How the test's path begins.
    prefix: &'static str,
    /// What the test's path has somewhere.
    contains: &'static str,
    /// Whether it runs with `--full` only.
    is_long: bool,
}

/// Edit here when a suite moves.
#[rustfmt::skip] // A table, one group a line.
pub(crate) const GROUPS: &[Group] = &[
    group("protocol: tables", "handoff", Some("it"), "table::", ""),
    group("protocol: properties", "handoff", Some("it"), "property::", ""),
    group("authority store, SQLite", "authority", Some("it"), "conformance::sqlite::", ""),
    group("authority store, SQLite, race", "authority", Some("it"), "conformance::sqlite::", "race"),
    group("authority store, memory", "authority", Some("it"), "conformance::memory::", ""),
    group("authority store, memory, race", "authority", Some("it"), "conformance::memory::", "race"),
    group("relying party store, SQLite", "relying_party", Some("it"), "conformance::sqlite::", ""),
    group("relying party store, SQLite, race", "relying_party", Some("it"), "conformance::sqlite::", "race"),
    group("relying party store, memory", "relying_party", Some("it"), "conformance::memory::", ""),
    group("relying party store, memory, race", "relying_party", Some("it"), "conformance::memory::", "race"),
    group("two platforms in one process", "server", Some("it"), "two_platforms::", ""),
    group("H1 through the real router: Open App", "server", Some("it"), "", "h1_"),
    group("H2 through the real router: start", "server", Some("it"), "", "h2_"),
    group("H3 through the real router: authorize", "server", Some("it"), "", "h3_"),
    group("H4 through the real router: callback", "server", Some("it"), "", "h4_"),
    group("H5 through the real router: verify", "server", Some("it"), "", "h5_"),
    group("H6 through the real router: session", "server", Some("it"), "", "h6_"),
    group("the walk by hand, as documented", "server", Some("it"), "walk::", ""),
    long("bad input over every route", "server", Some("stress"), "bad_input::", ""),
    long("bad input: the table has every route", "server", Some("stress"), "bad_input::", "the_table_has_every_route"),
    long("sign-out against redemption, through the real router", "server", Some("stress"), "races::", "row_81"),
    long("an answer cut off after the commit", "server", Some("stress"), "races::", "row_82"),
    group("secrets search", "server", Some("it"), "secrets::", "a_whole_story_leaves_no_secret"),
    group("secrets search: it finds a planted one", "server", Some("it"), "secrets::", "planted"),
    long("killed 50 times", "server", Some("stress"), "killed::", "fifty_times"),
    long("a minute of junk", "server", Some("stress"), "junk::", "a_minute_of_junk"),
];

/// Playwright's projects, each of which must have run a test: both browsers, with and without
/// scripts.
pub(crate) const PROJECTS: &[&str] = &[
    "chromium",
    "firefox",
    "chromium-noscript",
    "firefox-noscript",
];

const fn group(
    label: &'static str,
    package: &'static str,
    binary: Option<&'static str>,
    prefix: &'static str,
    contains: &'static str,
) -> Group {
    Group {
        label,
        package,
        binary,
        prefix,
        contains,
        is_long: false,
    }
}

/// A group that runs with `--full` only, in the program `stress`.
const fn long(
    label: &'static str,
    package: &'static str,
    binary: Option<&'static str>,
    prefix: &'static str,
    contains: &'static str,
) -> Group {
    let group = group(label, package, binary, prefix, contains);
    Group {
        is_long: true,
        ..group
    }
}

/// A test that ran and passed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) package: String,
    pub(crate) binary: String,
    pub(crate) name: String,
}

impl Group {
    fn has(&self, test: &Passed) -> bool {
        test.package == self.package
            && self.binary.is_none_or(|binary| test.binary == binary)
            && test.name.starts_with(self.prefix)
            && test.name.contains(self.contains)
    }
}

/// Prints how many tests of each group passed and returns the labels of the empty groups.
pub(crate) fn missing(groups: &[Group], full: bool, passed: &[Passed]) -> Vec<&'static str> {
    let mut missing = Vec::new();
    for group in groups.iter().filter(|group| full || !group.is_long) {
        let count = passed.iter().filter(|test| group.has(test)).count();
        println!("  {count:>4}  {}", group.label);
        if count == 0 {
            missing.push(group.label);
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(package: &str, binary: &str, name: &str) -> Passed {
        Passed {
            package: package.into(),
            binary: binary.into(),
            name: name.into(),
        }
    }

    #[test]
    fn a_group_without_a_test_is_missing() {
        let groups = [
            group("suite", "authority", Some("it"), "sqlite::", ""),
            group("race", "authority", Some("it"), "sqlite::", "race"),
            long("kills", "authority", Some("it"), "killed::", ""),
        ];
        let missing = |passed: &[Passed]| super::missing(&groups, false, passed);
        let elsewhere = passed("relying_party", "it", "sqlite::race");
        assert_eq!(missing(&[elsewhere]), ["suite", "race"]);
        let suite = passed("authority", "it", "sqlite::a_used_token_is_refused");
        assert_eq!(missing(&[suite]), ["race"]);
        let race = [passed("authority", "it", "sqlite::race_has_one_winner")];
        assert!(missing(&race).is_empty());
        assert_eq!(super::missing(&groups, true, &race), ["kills"]);
    }
}
