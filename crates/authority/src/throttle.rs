//! Failed sign-ins: who waits, and for how long (rows 17 and 64).
//!
//! Every attempt is counted before its password is compared, and taken back when the password was
//! right: parallel guesses cannot slip through between a look and a count. It counts little until it
//! is known to be wrong, because a class that signs in to one account at the same moment is no
//! guesser. Whoever waits is told so at once; nothing sleeps here.
//!
//! What is counted decides who can keep whom waiting ([DR-0007]). An address together with an account
//! only slows the one who sits there: the account stays open from everywhere else. A browser that
//! has signed in to the account before counts for itself alone, so not even a neighbour behind the
//! same address can keep its owner out. The address alone is for somebody who tries one password at
//! many accounts.
//!
//! [DR-0007]: ../../../docs/decisions/DR-0007-who-can-keep-whom-from-signing-in.md

use handoff::token::{Digest, KnownBrowser};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};
use web::peer::Network;

use crate::people::typed_address;

/// One thing that attempts are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// SHA-256 of what is counted: a copy of the table is no list of who signs in from where.
    pub key: [u8; 32],
    /// How it is counted.
    pub rule: Rule,
}

/// How attempts of a kind are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// So many points wait for nothing. An attempt is one point as long as nobody knows what comes of
    /// it.
    pub free: u32,
    /// So many points is an attempt whose password was wrong. After as many beyond the free ones the
    /// wait doubles.
    pub wrong: u32,
    /// The longest wait.
    pub longest: Duration,
    /// An attempt is forgotten this long after the wait that followed it.
    pub remembered: Duration,
    /// What a right password takes back.
    pub forgiven: Forgiven,
}

/// What a right password takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgiven {
    /// All that was counted: who knows the password was mistyping it before.
    Everything,
    /// Itself only. At an address, one's own right password must not wash off what was tried at
    /// other people's accounts.
    Itself,
}

/// The first wait.
const FIRST: Duration = Duration::SECOND;

impl Rule {
    /// One account from one address, or from one browser that knows it. Ten wrong passwords, or fifty
    /// attempts at the same moment; then 1 s, 2 s, 4 s and so on, up to a quarter of an hour: some 115
    /// guesses in the first day. Forgotten after three hours, because ten free ones in three hours are
    /// no more than the longest wait allows.
    pub const ACCOUNT: Self = Self {
        free: 50,
        wrong: 5,
        longest: Duration::minutes(15),
        remembered: Duration::hours(3),
        forgiven: Forgiven::Everything,
    };

    /// One address, whatever the account. Forty people behind it mistype twice each, and there is
    /// room for twenty more. The longest wait is short, because newcomers behind the address share it;
    /// it still leaves no more than 1,440 guesses a day, over all accounts.
    pub const ADDRESS: Self = Self {
        free: 500,
        wrong: 5,
        longest: Duration::MINUTE,
        remembered: Duration::DAY,
        forgiven: Forgiven::Itself,
    };

    /// How long nobody may try, after so many points.
    #[must_use]
    pub fn wait_after(&self, points: u32) -> Duration {
        match points.checked_sub(self.free) {
            None => Duration::ZERO,
            // 2^20 seconds are longer than any wait.
            Some(beyond) => (FIRST * (1_i32 << (beyond / self.wrong).min(20))).min(self.longest),
        }
    }

    /// When the next attempt may come, and when all is forgotten, after so many points by `now`.
    #[must_use]
    pub fn after(&self, points: u32, now: OffsetDateTime) -> (OffsetDateTime, OffsetDateTime) {
        let next = now + self.wait_after(points);
        (next, next + self.remembered)
    }
}

impl Counter {
    /// What an attempt counts by that comes from a browser that nobody knows.
    #[must_use]
    pub fn of_stranger(account: &str, network: Network) -> Vec<Self> {
        let network = network.as_text();
        // In the form that the account would have: another encoding of it gives no attempts more. An
        // address that nobody has counts like any other (row 64).
        let account = typed_address(account);
        vec![
            Self::new(
                "account",
                &[account.as_bytes(), network.as_bytes()],
                Rule::ACCOUNT,
            ),
            Self::new("address", &[network.as_bytes()], Rule::ADDRESS),
        ]
    }

    /// What an attempt counts by that comes from a browser that has signed in to the account before.
    #[must_use]
    pub fn of_known_browser(account: &str, browser: Digest<KnownBrowser>) -> Vec<Self> {
        let account = typed_address(account);
        let parts: [&[u8]; 2] = [account.as_bytes(), browser.as_bytes().as_slice()];
        vec![Self::new("browser", &parts, Rule::ACCOUNT)]
    }

    fn new(kind: &str, parts: &[&[u8]], rule: Rule) -> Self {
        let mut hash = Sha256::new_with_prefix(kind);
        for part in parts {
            // With its length, so that no two lists of parts look alike.
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let key = hash.finalize().into();
        Self { key, rule }
    }
}

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Yes, and it is counted.
    Admitted,
    /// No, and it is not counted.
    Wait {
        /// When the next one may come.
        until: OffsetDateTime,
    },
}

/// The most counters that are kept. The sweeper lets those go that would be forgotten first, so a
/// crowd of addresses fills no disk; refusing newcomers instead would let it keep everybody out.
pub const MAX_COUNTERS: usize = 200_000;

/// The most browsers that are known of one person. The one that signed in longest ago goes.
pub const KNOWN_PER_PERSON: usize = 20;

/// How long a browser is known after it signed in.
pub const KNOWN_FOR: Duration = Duration::days(180);

#[cfg(test)]
mod tests {
    use super::*;
    use web::peer::Peer;

    #[test]
    fn row_64_table_of_waits() {
        let wait = |wrong: u32| {
            let points = wrong.saturating_mul(Rule::ACCOUNT.wrong);
            Rule::ACCOUNT.wait_after(points).whole_seconds()
        };
        for (wrong, seconds) in [
            (1, 0),
            (9, 0),
            (10, 1),
            (11, 2),
            (12, 4),
            (19, 512),
            (20, 900),
            (u32::MAX, 900),
        ] {
            assert_eq!(wait(wrong), seconds, "{wrong}");
        }
        assert_eq!(Rule::ACCOUNT.wait_after(49), Duration::ZERO, "at once");
        assert_eq!(Rule::ADDRESS.wait_after(99 * 5), Duration::ZERO);
        assert_eq!(Rule::ADDRESS.wait_after(100 * 5), Duration::SECOND);
        assert_eq!(Rule::ADDRESS.wait_after(1000 * 5), Duration::MINUTE);
    }

    #[test]
    fn row_64_waiting_until_all_is_forgotten_gains_nothing() {
        for rule in [Rule::ACCOUNT, Rule::ADDRESS] {
            let by_waiting = f64::from(rule.free / rule.wrong) / rule.remembered.as_seconds_f64();
            let patiently = 1.0 / rule.longest.as_seconds_f64();
            assert!(by_waiting <= patiently, "{rule:?}");
        }
    }

    #[test]
    fn row_17_what_is_counted_together() {
        let network = |text: &str| Peer(text.parse().unwrap()).network();
        let stranger = |account, address| Counter::of_stranger(account, network(address));
        let one = stranger(" Alice@harbor.example", "192.0.2.1");
        assert_eq!(one, stranger("alice@harbor.example", "192.0.2.1"));
        let encoded = |account| stranger(account, "192.0.2.1");
        assert_eq!(encoded("zo\u{eb}@x"), encoded("Zoe\u{308}@x"));
        let elsewhere = stranger("alice@harbor.example", "192.0.2.2");
        assert!(one.iter().all(|counter| !elsewhere.contains(counter)));
        let other = stranger("bob@harbor.example", "192.0.2.1");
        assert_ne!(one[0], other[0]);
        assert_eq!(one[1], other[1]);
    }
}
