//! Times on pages, alike on every site.

use time::{
    OffsetDateTime,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};

/// The page says UTC, because a server does not know where its reader is.
const FOR_PEOPLE: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");

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
}
