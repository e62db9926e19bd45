use authority::throttle::{
    Admission, Counter, Forgiven, KNOWN_FOR, KNOWN_PER_PERSON, MAX_COUNTERS, Rule,
};
use handoff::{
    ids::UserId,
    token::{Digest, KnownBrowser, Secret},
};
use sqlx::{Connection, SqliteConnection};
use time::{Duration, OffsetDateTime};

use super::world::{People, START, SqliteFile, TICK, World, seconds};

const RULE: Rule = Rule {
    free: 3,
    wrong: 1,
    longest: Duration::minutes(1),
    remembered: Duration::hours(1),
    forgiven: Forgiven::Everything,
};

pub(crate) fn counter(n: u8, rule: Rule) -> Counter {
    Counter { key: [n; 32], rule }
}

pub(crate) async fn attempt(
    people: &People,
    counters: &[Counter],
    now: OffsetDateTime,
) -> Admission {
    people.store.admit_attempt(counters, now).await.unwrap()
}

fn wait(until: OffsetDateTime) -> Admission {
    Admission::Wait { until }
}

pub(crate) async fn row_64_free_attempts_wait_for_nothing_and_then_each_waits_longer<F>(
    world: World<F>,
) {
    let one = [counter(1, RULE)];
    for _ in 0..3 {
        assert_eq!(attempt(&world, &one, START).await, Admission::Admitted);
    }
    let mut now = START;
    for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
        let until = now + seconds(pause);
        assert_eq!(attempt(&world, &one, now).await, wait(until));
        // What is refused does not make the wait longer.
        assert_eq!(attempt(&world, &one, until - TICK).await, wait(until));
        assert_eq!(attempt(&world, &one, until).await, Admission::Admitted);
        now = until;
    }
    let other = [counter(2, RULE)];
    assert_eq!(attempt(&world, &other, now).await, Admission::Admitted);
}

pub(crate) async fn row_64_an_attempt_counts_little_until_it_is_known_to_be_wrong<F>(
    world: World<F>,
) {
    let rule = Rule {
        free: 6,
        wrong: 3,
        ..RULE
    };
    let one = [counter(1, rule)];
    let fail = async |now| world.store.fail_attempt(&one, now).await.unwrap();
    // Two are wrong, one after the other.
    for _ in 0..2 {
        assert_eq!(attempt(&world, &one, START).await, Admission::Admitted);
        fail(START).await;
    }
    assert_eq!(attempt(&world, &one, START).await, wait(START + seconds(1)));
    let later = START + seconds(1);
    assert_eq!(attempt(&world, &one, later).await, Admission::Admitted);
    fail(later).await;
    assert_eq!(attempt(&world, &one, later).await, wait(later + seconds(2)));

    // Six at the same moment; then none, whatever comes of them.
    let other = [counter(2, rule)];
    for _ in 0..6 {
        assert_eq!(attempt(&world, &other, START).await, Admission::Admitted);
    }
    let until = START + seconds(1);
    assert_eq!(attempt(&world, &other, START).await, wait(until));
    for _ in 0..6 {
        world.store.fail_attempt(&other, START).await.unwrap();
    }
    // Eighteen points: twelve, or four wrong ones, beyond the free ones.
    let until = START + seconds(16);
    assert_eq!(attempt(&world, &other, START).await, wait(until));

    // One that is wrong after another was right starts anew.
    let mixed = [counter(3, rule)];
    attempt(&world, &mixed, START).await;
    attempt(&world, &mixed, START).await;
    world.store.forgive_attempt(&mixed, START).await.unwrap();
    world.store.fail_attempt(&mixed, START).await.unwrap();
    assert_eq!(attempt(&world, &mixed, START).await, Admission::Admitted);
}

pub(crate) async fn row_64_attempts_are_forgotten<F>(world: World<F>) {
    let one = [counter(1, RULE)];
    for forgotten in [false, true] {
        for _ in 0..3 {
            assert_eq!(attempt(&world, &one, START).await, Admission::Admitted);
        }
        let end = START + seconds(1) + RULE.remembered;
        let last = if forgotten { end } else { end - TICK };
        assert_eq!(attempt(&world, &one, last).await, Admission::Admitted);
        let next = attempt(&world, &one, last).await;
        if forgotten {
            assert_eq!(next, Admission::Admitted);
        } else {
            assert_eq!(next, wait(last + seconds(2)));
            let swept = world.store.forgive_attempt(&one, last).await;
            swept.unwrap();
        }
    }
}

pub(crate) async fn row_64_a_right_password_takes_back_what_its_rule_says<F>(world: World<F>) {
    let itself = Rule {
        forgiven: Forgiven::Itself,
        ..RULE
    };
    for (n, rule, left) in [(1, RULE, 3), (2, itself, 1)] {
        let one = [counter(n, rule)];
        for _ in 0..3 {
            attempt(&world, &one, START).await;
        }
        assert_eq!(attempt(&world, &one, START).await, wait(START + seconds(1)));
        world.store.forgive_attempt(&one, START).await.unwrap();
        for _ in 0..left {
            assert_eq!(attempt(&world, &one, START).await, Admission::Admitted);
        }
        assert_eq!(attempt(&world, &one, START).await, wait(START + seconds(1)));
    }
    // Right passwords alone leave nothing behind.
    let one = [counter(3, itself)];
    for _ in 0..10 {
        assert_eq!(attempt(&world, &one, START).await, Admission::Admitted);
        world.store.forgive_attempt(&one, START).await.unwrap();
    }
}

pub(crate) async fn row_64_an_attempt_that_one_counter_refuses_is_counted_by_none<F>(
    world: World<F>,
) {
    let (account, address) = (counter(1, RULE), counter(2, RULE));
    for _ in 0..3 {
        attempt(&world, &[account], START).await;
    }
    for both in [[account, address], [address, account]] {
        let refused = attempt(&world, &both, START).await;
        assert_eq!(refused, wait(START + seconds(1)));
    }
    for _ in 0..3 {
        let free = attempt(&world, &[address], START).await;
        assert_eq!(free, Admission::Admitted);
    }
    // Of two waits the longer one is told.
    let later = START + seconds(1);
    assert_eq!(
        attempt(&world, &[account], later).await,
        Admission::Admitted
    );
    let both = attempt(&world, &[account, address], START).await;
    assert_eq!(both, wait(later + seconds(2)));
}

pub(crate) async fn row_17_a_clock_that_goes_back_locks_nobody_out<F>(world: World<F>) {
    let one = [counter(1, RULE)];
    let ahead = START + Duration::days(1);
    for _ in 0..3 {
        attempt(&world, &one, ahead).await;
    }
    assert_eq!(attempt(&world, &one, ahead).await, wait(ahead + seconds(1)));
    assert_eq!(attempt(&world, &one, START).await, Admission::Admitted);
}

fn browser(n: usize) -> Digest<KnownBrowser> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    KnownBrowser::mint(bytes).digest()
}

async fn knows(people: &People, n: usize, user: UserId, now: OffsetDateTime) -> bool {
    let known = people.store.knows_browser(browser(n), user, now).await;
    known.unwrap()
}

async fn remember(people: &People, n: usize, old: Option<usize>, user: UserId) {
    remember_at(people, n, old, user, START).await;
}

async fn remember_at(
    people: &People,
    n: usize,
    old: Option<usize>,
    user: UserId,
    at: OffsetDateTime,
) {
    let done = people
        .store
        .remember_browser(browser(n), old.map(browser), user, at)
        .await;
    done.unwrap();
}

pub(crate) async fn row_17_a_browser_is_known_for_the_people_who_signed_in_with_it<F>(
    world: World<F>,
) {
    assert!(!knows(&world, 1, world.alice, START).await);
    remember(&world, 1, None, world.alice).await;
    assert!(knows(&world, 1, world.alice, START).await);
    assert!(!knows(&world, 1, world.bob, START).await);
    assert!(!knows(&world, 2, world.alice, START).await);
    let end = START + KNOWN_FOR;
    assert!(knows(&world, 1, world.alice, end - TICK).await);
    assert!(!knows(&world, 1, world.alice, end).await);
}

pub(crate) async fn row_17_a_browser_that_changes_its_name_is_known_for_everybody<F>(
    world: World<F>,
) {
    remember(&world, 1, None, world.alice).await;
    remember(&world, 2, Some(1), world.bob).await;
    assert!(knows(&world, 2, world.alice, START).await);
    assert!(knows(&world, 2, world.bob, START).await);
    assert!(!knows(&world, 1, world.alice, START).await);
    // A name that nobody has is nobody's.
    remember(&world, 3, Some(9), world.bob).await;
    assert!(!knows(&world, 3, world.alice, START).await);
    // The same person again, with the same browser.
    remember(&world, 4, Some(2), world.alice).await;
    assert!(knows(&world, 4, world.alice, START).await);
    assert!(knows(&world, 4, world.bob, START).await);
}

pub(crate) async fn row_17_of_too_many_browsers_of_a_person_the_oldest_goes<F>(world: World<F>) {
    remember(&world, 0, None, world.bob).await;
    for (n, after) in (0..=KNOWN_PER_PERSON).zip(0..) {
        let at = START + TICK * after;
        remember_at(&world, n, None, world.alice, at).await;
    }
    assert!(!knows(&world, 0, world.alice, START).await);
    assert!(knows(&world, 1, world.alice, START).await);
    assert!(knows(&world, KNOWN_PER_PERSON, world.alice, START).await);
    assert!(knows(&world, 0, world.bob, START).await);

    // Of those of one moment the one that was just used stays.
    for n in 0..3 * KNOWN_PER_PERSON {
        remember(&world, n, None, world.bob).await;
        assert!(knows(&world, n, world.bob, START).await);
    }
}

pub(crate) async fn row_17_what_was_counted_is_swept<F>(world: World<F>) {
    attempt(&world, &[counter(1, RULE), counter(2, RULE)], START).await;
    remember(&world, 1, None, world.alice).await;
    let sweep = async |now| world.store.sweep(now).await.unwrap();
    assert_eq!(sweep(START + RULE.remembered - TICK).await, 0);
    assert_eq!(sweep(START + RULE.remembered).await, 2);
    assert_eq!(sweep(START + KNOWN_FOR - TICK).await, 0);
    assert_eq!(sweep(START + KNOWN_FOR).await, 1);
}

pub(crate) async fn row_17_of_too_many_counters_those_go_that_would_be_forgotten_first(
    world: World<SqliteFile>,
) {
    let path = world.fixture.path();
    let mut beside = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    let most = i64::try_from(MAX_COUNTERS).unwrap();
    // Numbered from 1; each is forgotten a second after the one before.
    sqlx::query(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1 + 10)
         INSERT INTO attempt SELECT CAST(n AS BLOB), 1, 0, ?2 + n * 1000 FROM n",
    )
    .bind(most)
    .bind(START.unix_timestamp() * 1000)
    .execute(&mut beside)
    .await
    .unwrap();
    assert_eq!(world.store.sweep(START).await.unwrap(), 10);
    let left: (i64, i64) =
        sqlx::query_as("SELECT COUNT(*), MIN(CAST(CAST(key AS TEXT) AS INTEGER)) FROM attempt")
            .fetch_one(&mut beside)
            .await
            .unwrap();
    assert_eq!(left, (most, 11));
}
