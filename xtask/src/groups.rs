//! The tests that must have run. A suite that was renamed, or that nobody calls any more, would
//! otherwise go missing without a word.

/// Tests that belong together, told by how they are called.
pub(crate) struct Group {
    label: &'static str,
    /// How a test's name begins, as [`TestProgram::name`](crate::programs::TestProgram::name) makes it.
    prefix: &'static str,
    /// What the name has somewhere.
    contains: &'static str,
    /// Whether it runs with `--full` only, in the program `stress`.
    is_long: bool,
}

/// Edit here when a suite moves.
#[rustfmt::skip] // A table, one group a line.
pub(crate) const GROUPS: &[Group] = &[
    group("protocol: tables", "handoff/it::table::", ""),
    group("protocol: properties", "handoff/it::property::", ""),
    group("the writer: verbs of one batch", "database/it::", ""),
    group("authority store, SQLite", "authority/it::conformance::sqlite::", ""),
    group("authority store, SQLite, race", "authority/it::conformance::sqlite::", "race"),
    group("authority store, SQLite, one by one", "authority/it::conformance::sqlite_one_by_one::", ""),
    group("authority store, memory", "authority/it::conformance::memory::", ""),
    group("authority store, memory, race", "authority/it::conformance::memory::", "race"),
    group("relying party store, SQLite", "relying_party/it::conformance::sqlite::", ""),
    group("relying party store, SQLite, race", "relying_party/it::conformance::sqlite::", "race"),
    group("relying party store, memory", "relying_party/it::conformance::memory::", ""),
    group("relying party store, memory, race", "relying_party/it::conformance::memory::", "race"),
    group("two platforms in one process", "server/it::two_platforms::", ""),
    group("H1 through the real router: Open App", "server/it::", "h1_"),
    group("H2 through the real router: start", "server/it::", "h2_"),
    group("H3 through the real router: authorize", "server/it::", "h3_"),
    group("H4 through the real router: callback", "server/it::", "h4_"),
    group("H5 through the real router: verify", "server/it::", "h5_"),
    group("H6 through the real router: session", "server/it::", "h6_"),
    group("the walk by hand, as documented", "server/it::walk::", ""),
    long("bad input over every route", "server/stress::bad_input::", ""),
    long("bad input: the table has every route", "server/stress::bad_input::", "the_table_has_every_route"),
    long("sign-out against redemption, through the real router", "server/stress::races::", "row_81"),
    long("an answer cut off after the commit", "server/stress::races::", "row_82"),
    group("secrets search", "server/it::secrets::", "a_whole_story_leaves_no_secret"),
    group("secrets search: it finds a planted one", "server/it::secrets::", "planted"),
    long("batches that end badly", "server/stress::batches::", ""),
    long("killed 50 times", "server/stress::killed::", "fifty_times"),
    long("a minute of junk", "server/stress::junk::", "a_minute_of_junk"),
];

/// Playwright's projects, each of which must have run a test: both browsers, with and without
/// scripts.
pub(crate) const PROJECTS: &[&str] = &[
    "chromium",
    "firefox",
    "chromium-noscript",
    "firefox-noscript",
];

const fn group(label: &'static str, prefix: &'static str, contains: &'static str) -> Group {
    Group {
        label,
        prefix,
        contains,
        is_long: false,
    }
}

const fn long(label: &'static str, prefix: &'static str, contains: &'static str) -> Group {
    let group = group(label, prefix, contains);
    Group {
        is_long: true,
        ..group
    }
}

/// Prints how many tests of each group passed and returns the labels of the empty groups.
pub(crate) fn missing(groups: &[Group], full: bool, passed: &[String]) -> Vec<&'static str> {
    let mut missing = Vec::new();
    for group in groups.iter().filter(|group| full || !group.is_long) {
        let of_group =
            |test: &&String| test.starts_with(group.prefix) && test.contains(group.contains);
        let count = passed.iter().filter(of_group).count();
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

    #[test]
    fn a_group_without_a_test_is_missing() {
        let groups = [
            group("suite", "authority/it::sqlite::", ""),
            group("race", "authority/it::sqlite::", "race"),
            long("kills", "authority/it::killed::", ""),
        ];
        for (passed, full, expected) in [
            (
                "relying_party/it::sqlite::race",
                false,
                &["suite", "race"][..],
            ),
            (
                "authority/it::sqlite::a_used_token_is_refused",
                false,
                &["race"],
            ),
            ("authority/it::sqlite::race_has_one_winner", false, &[]),
            (
                "authority/it::sqlite::race_has_one_winner",
                true,
                &["kills"],
            ),
        ] {
            assert_eq!(
                missing(&groups, full, &[passed.to_owned()]),
                expected,
                "{passed}"
            );
        }
    }
}
