//! How far this site's clock is from the authorization server's. Nothing that is decided here depends on
//! it; who reads times on pages and in two logs side by side wants to know.

use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};
use web::trace_id::TraceId;

use crate::RelyingParty;

/// A difference that is worth a word. The back channel takes five seconds at most.
const WORTH_A_WORD: Duration = Duration::seconds(30);

/// How far this clock is ahead.
#[derive(Debug, Default)]
pub(crate) struct ClockOffset {
    /// As seen at the last verify, in seconds.
    seen: AtomicI64,
    /// As the log said last; zero when it said nothing, or the clocks agreed again.
    logged: AtomicI64,
}

impl ClockOffset {
    /// In seconds; zero before the first verify.
    pub(crate) fn seconds(&self) -> i64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// The difference, if it is worth a word.
    pub(crate) fn notable(&self) -> Option<Duration> {
        let offset = Duration::seconds(self.seconds());
        is_notable(offset).then_some(offset)
    }
}

impl ClockOffset {
    /// Takes what a verify showed; tells whether the log should say so. A clock that drifts is news each time that it
    /// has drifted on by what is worth a word.
    fn see(&self, offset: Duration) -> bool {
        let seconds = offset.whole_seconds();
        self.seen.store(seconds, Ordering::Relaxed);
        let logged = Duration::seconds(self.logged.load(Ordering::Relaxed));
        let is_news = is_notable(offset) && is_notable(offset - logged);
        if is_news {
            self.logged.store(seconds, Ordering::Relaxed);
        } else if !is_notable(offset) {
            self.logged.store(0, Ordering::Relaxed);
        }
        is_news
    }
}

fn is_notable(offset: Duration) -> bool {
    offset.abs() >= WORTH_A_WORD
}

impl RelyingParty {
    /// Compares this clock with what the authorization server's said at the same moment.
    pub(crate) fn compare_clocks(
        &self,
        theirs: OffsetDateTime,
        ours: OffsetDateTime,
        trace: &TraceId,
    ) {
        let offset = ours - theirs;
        if self.clock.see(offset) {
            let ahead_seconds = offset.whole_seconds();
            tracing::warn!(trace = %trace, ahead_seconds, "this clock differs from the authorization server's");
        }
    }
}

/// A difference for people: how much, and which way.
pub(crate) fn in_words(offset: Duration) -> String {
    let seconds = offset.abs().whole_seconds();
    let (number, unit) = match seconds {
        ..120 => (seconds, "seconds"),
        120..7_200 => ((seconds + 30) / 60, "minutes"),
        7_200..172_800 => ((seconds + 1_800) / 3_600, "hours"),
        _ => ((seconds + 43_200) / 86_400, "days"),
    };
    let way = if offset.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    format!("{number} {unit} {way}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_drifts_slowly_is_news_when_it_has_drifted_far_enough() {
        let clock = ClockOffset::default();
        for (seconds, is_news) in [
            (25, false),
            (31, true),
            (40, false),
            (60, false),
            (62, true),
            (5, false),
            (-31, true),
        ] {
            assert_eq!(clock.see(Duration::seconds(seconds)), is_news, "{seconds}");
            assert_eq!(clock.seconds(), seconds);
        }
    }

    #[test]
    fn a_difference_is_said_in_the_unit_that_fits() {
        for (seconds, said) in [
            (45, "45 seconds ahead of"),
            (-45, "45 seconds behind"),
            (3_660, "61 minutes ahead of"),
            (-10_800, "3 hours behind"),
            (864_000, "10 days ahead of"),
        ] {
            assert_eq!(in_words(Duration::seconds(seconds)), said);
        }
    }
}
