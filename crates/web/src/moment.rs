//! Times on pages, alike on every site.

use time::{
    OffsetDateTime,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};
use ui::components::moment::{Moment, Past};

/// The page says UTC, because a server does not know where its reader is.
const FOR_PEOPLE: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");

/// A point in time, as pages tell it.
#[must_use]
pub fn moment(at: OffsetDateTime) -> Moment {
    Moment {
        for_people: for_people(at),
        for_programs: for_programs(at),
    }
}

/// The same, with how long ago it was.
#[must_use]
pub fn past(at: OffsetDateTime, now: OffsetDateTime) -> Past {
    Past {
        at: moment(at),
        ago: ago(at, now),
    }
}

// Formatting fails for years that no clock of ours shows.

/// "21 November 2026, 03:05 UTC".
#[must_use]
pub fn for_people(at: OffsetDateTime) -> String {
    at.format(&FOR_PEOPLE).unwrap_or_default()
}

/// The form of RFC 3339, for the `datetime` of a `<time>`.
#[must_use]
pub fn for_programs(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

/// How long ago it was, in the largest unit that it filled: "just now", "5 minutes ago", "2 days ago".
#[must_use]
pub fn ago(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let past = now - at;
    let (count, unit) = match (past.whole_days(), past.whole_hours(), past.whole_minutes()) {
        (days @ 1.., _, _) => (days, "day"),
        (_, hours @ 1.., _) => (hours, "hour"),
        (_, _, minutes @ 1..) => (minutes, "minute"),
        // Also what a clock that was put back makes of it.
        _ => return "just now".to_owned(),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_moment_is_told_to_people_in_words_and_to_programs_in_numbers() {
        let at = datetime!(2026-11-01 03:05:59.5 UTC);
        assert_eq!(for_people(at), "1 November 2026, 03:05 UTC");
        assert_eq!(for_programs(at), "2026-11-01T03:05:59.5Z");
    }

    #[test]
    fn how_long_ago_is_told_in_one_unit() {
        let at = datetime!(2026-11-01 03:05 UTC);
        for (seconds, expected) in [
            (-60, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (3_599, "59 minutes ago"),
            (3_600, "1 hour ago"),
            (86_399, "23 hours ago"),
            (86_400, "1 day ago"),
            (2_678_400, "31 days ago"),
        ] {
            let now = at + time::Duration::seconds(seconds);
            assert_eq!(ago(at, now), expected, "{seconds}");
        }
    }
}
