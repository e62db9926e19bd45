//! Many at once. Nothing here depends on who wins, only on how many do.

use std::sync::Arc;

use authority::{
    store::{Added, Issuance, NoSession},
    throttle::{Admission, Rule},
};
use futures_util::{FutureExt as _, future::BoxFuture};
use handoff::{ids::UserId, refusal_reason::RefusalReason};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::Barrier;

use super::attempts::{attempt, counter};
use super::world::{Attempt, Fixture, NOTES, People, START, Sent, SqliteFile, World, new_user};

/// Runs all of them, held back until the last one is there.
async fn together<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = tasks.into_iter().collect();
    let start = Arc::new(Barrier::new(tasks.len()));
    let running: Vec<_> = tasks
        .into_iter()
        .map(|task| {
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                task.await
            })
        })
        .collect();
    let mut results = Vec::with_capacity(running.len());
    for task in running {
        results.push(task.await.unwrap());
    }
    results
}

/// 32 redeemers with everything right, spread over these openings of the store.
async fn race(openings: &[People], sent: &Sent) -> Vec<Attempt> {
    let redeemers = openings.iter().cycle().take(32).map(|people| {
        let (people, presented) = (people.clone(), sent.presented());
        async move { people.redeem(presented, START).await }
    });
    together(redeemers).await
}

async fn assert_one_winner(people: &People, attempts: &[Attempt]) {
    let (won, lost): (Vec<_>, Vec<_>) =
        attempts.iter().partition(|attempt| attempt.outcome.is_ok());
    assert_eq!(won.len(), 1, "{attempts:?}");
    for attempt in lost {
        assert_eq!(attempt.rejection(), Some(RefusalReason::Replayed));
    }
    // What the winner got is gone again: the others were replays.
    for attempt in attempts {
        let closed = people.closed(attempt.access, START).await;
        assert_eq!(closed, Some(NoSession::Unknown));
    }
}

pub(crate) async fn rows_3_and_4_a_race_for_one_token_has_one_winner_whose_session_the_replays_end<
    F,
>(
    world: World<F>,
) {
    let sign_in = world.sign_in(world.alice).await;
    let openings = [world.people.clone()];
    for _ in 0..500 {
        let sent = world.send(sign_in, START).await;
        let attempts = race(&openings, &sent).await;
        assert_one_winner(&world, &attempts).await;
    }
}

pub(crate) async fn row_3_a_race_between_two_processes_has_one_winner(world: World<SqliteFile>) {
    let sign_in = world.sign_in(world.alice).await;
    let mut second = world.people.clone();
    second.store = world.fixture.open().await;
    let openings = [world.people.clone(), second];
    for _ in 0..20 {
        let sent = world.send(sign_in, START).await;
        let attempts = race(&openings, &sent).await;
        assert_one_winner(&world, &attempts).await;
    }
}

pub(crate) async fn row_81_a_race_of_sign_out_against_redemption_leaves_no_session<F>(
    world: World<F>,
) {
    const ACCEPTED: Option<RefusalReason> = None;
    const REFUSED: Option<RefusalReason> = Some(RefusalReason::SignInEnded);
    for round in 0..500 {
        for (at_once, sign_out_first, expected) in [
            (false, true, &[REFUSED][..]),
            (false, false, &[ACCEPTED]),
            // Who is started first changes from round to round, and does not say who comes first.
            (true, round % 2 == 0, &[ACCEPTED, REFUSED]),
        ] {
            let sign_in = world.sign_in(world.alice).await;
            let sent = world.send(sign_in, START).await;
            let both = [sign_out_first, !sign_out_first].map(|signs_out| {
                let (people, presented) = (world.people.clone(), sent.presented());
                async move {
                    if signs_out {
                        people.store.end_sign_in(sign_in, START).await.unwrap();
                        None
                    } else {
                        Some(people.redeem(presented, START).await)
                    }
                }
            });
            let ends = if at_once {
                together(both).await
            } else {
                let [first, second] = both;
                vec![first.await, second.await]
            };
            let redeemed = ends.into_iter().flatten().next().unwrap();
            assert!(expected.contains(&redeemed.rejection()), "{redeemed:?}");
            let closed = world.closed(redeemed.access, START).await;
            assert_eq!(closed, Some(NoSession::Unknown), "round {round}");
            assert!(!world.is_signed_in(sign_in, START).await);
        }
    }
}

pub(crate) async fn a_race_for_one_launch_ticket_has_one_winner<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    for _ in 0..50 {
        let ticket = Some(world.launch(sign_in, NOTES, START).await);
        let browsers = (0..16).map(|_| {
            let people = world.people.clone();
            async move { people.issue_silently(sign_in, ticket, START).await }
        });
        let issuances = together(browsers).await;
        let won = issuances
            .iter()
            .filter(|issuance| **issuance == Issuance::Issued);
        assert_eq!(won.count(), 1, "{issuances:?}");
    }
}

pub(crate) async fn a_race_for_one_address_has_one_winner<F>(world: World<F>) {
    let newcomers = (0..16).map(|_| {
        let people = world.people.clone();
        async move {
            let new = new_user(UserId::mint(people.random()), "mallory");
            people.store.add_user(new, START).await.unwrap()
        }
    });
    let added = together(newcomers).await;
    let won = added.iter().filter(|added| **added == Added::New);
    assert_eq!(won.count(), 1, "{added:?}");
}

pub(crate) async fn row_64_parallel_guesses_are_no_more_than_the_free_ones<F>(world: World<F>) {
    for round in 0..20 {
        let guesses = (0..80).map(|_| {
            let people = world.people.clone();
            let counters = [counter(round, Rule::ACCOUNT)];
            async move { attempt(&people, &counters, START).await }
        });
        let admissions = together(guesses).await;
        let admitted = admissions
            .iter()
            .filter(|admission| **admission == Admission::Admitted);
        assert_eq!(admitted.count(), 50, "round {round}");
    }
}

pub(crate) async fn row_3_in_one_batch_a_token_has_one_winner_and_the_others_do_not_notice(
    world: World<SqliteFile>,
) {
    let sign_in = world.sign_in(world.alice).await;
    for _ in 0..20 {
        let sent = world.send(sign_in, START).await;
        let mut others = Vec::new();
        for _ in 0..31 {
            others.push(world.send(sign_in, START).await);
        }
        // While another program holds the write lock, all 63 come to wait for one transaction.
        let options = SqliteConnectOptions::new().filename(world.fixture.path());
        let mut lock = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut lock)
            .await
            .unwrap();
        let release = async move {
            // As long as it takes for all of them to be queued.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
            lock.close().await.unwrap();
            None
        };
        let redeem = |sent: &Sent| {
            let (people, presented) = (world.people.clone(), sent.presented());
            async move { Some(people.redeem(presented, START).await) }
        };
        let mut tasks: Vec<BoxFuture<'static, Option<Attempt>>> = vec![release.boxed()];
        for turn in 0..32 {
            tasks.push(redeem(&sent).boxed());
            if let Some(other) = others.get(turn) {
                tasks.push(redeem(other).boxed());
            }
        }
        let attempts = together(tasks).await.into_iter().flatten();
        let (same, bystanders): (Vec<_>, Vec<_>) =
            attempts.enumerate().partition(|(turn, _)| turn % 2 == 0);
        let same: Vec<_> = same.into_iter().map(|(_, attempt)| attempt).collect();
        assert_one_winner(&world, &same).await;
        assert_eq!(bystanders.len(), 31);
        for (_, attempt) in bystanders {
            attempt.accepted();
            assert_eq!(world.closed(attempt.access, START).await, None);
        }
    }
}
