//! The store against the rule: whatever is presented, in whatever order, under whatever policy, a
//! store answers as [`handoff::verify::decide`] does and uses up what [`handoff::verify::claim`]
//! lets be claimed.

use authority::store::NoSession;
use handoff::{
    client::{AssignedTo, HandoffLifetime},
    handoff::Handoff,
    ids::SessionId,
    policy::{Defence, Policy},
    refusal_reason::RefusalReason,
    token::{AccessToken, Digest, HandoffToken, Secret},
    verify::{Proof, Standing, ages_for_good, claim, decide},
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, TestRunner},
};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use time::{Duration, OffsetDateTime};
use tokio::{runtime::Handle, task::block_in_place};

use super::world::{IDLE, NOTES, People, START, SqliteFile, World, Wrong, seconds};

/// One token, and all that is tried with it.
#[derive(Clone, Debug)]
struct Story {
    has_challenge: bool,
    proof: Proof,
    lifetime: i64,
    attempts: Vec<Try>,
}

#[derive(Clone, Debug)]
struct Try {
    wrong: Vec<Wrong>,
    moment: Moment,
    policy: Policy,
    is_assigned: bool,
    after_sign_out: bool,
    after_disabling: bool,
}

/// When something is tried: well within every limit, or close to one.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Early(Duration),
    NearExpiry(Duration),
    NearIdle(Duration),
}

impl Moment {
    fn of(self, lifetime: i64) -> OffsetDateTime {
        START
            + match self {
                Self::Early(after) => after,
                Self::NearExpiry(off) => seconds(lifetime) + off,
                Self::NearIdle(off) => IDLE + off,
            }
    }
}

fn moments() -> impl Strategy<Value = Moment> {
    // Finer than the milliseconds that a store may round to.
    let near = select(vec![
        Duration::milliseconds(-100),
        Duration::milliseconds(-1),
        Duration::nanoseconds(-1),
        Duration::ZERO,
        Duration::nanoseconds(1),
        Duration::milliseconds(1),
        Duration::seconds(1),
    ]);
    prop_oneof![
        4 => (0..29_000_000_i64).prop_map(|us| Moment::Early(Duration::microseconds(us))),
        3 => near.clone().prop_map(Moment::NearExpiry),
        1 => near.prop_map(Moment::NearIdle),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    let some = subsequence(Defence::OF_VERIFY.to_vec(), 0..=Defence::OF_VERIFY.len());
    let weak = some.prop_map(|gone| {
        gone.into_iter().fold(Policy::STRICT, |policy, defence| {
            #[expect(
                clippy::disallowed_methods,
                reason = "a store must answer by the policy that it is given, also by a weak one"
            )]
            policy.without(defence)
        })
    });
    prop_oneof![2 => Just(Policy::STRICT), 1 => weak]
}

fn stories() -> impl Strategy<Value = Story> {
    let attempts = (
        prop_oneof![2 => Just(vec![]), 3 => subsequence(Wrong::ALL.to_vec(), 1..=2)],
        moments(),
        policies(),
        prop::bool::weighted(0.85),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.15),
    );
    let attempts = attempts.prop_map(
        |(wrong, moment, policy, is_assigned, after_sign_out, after_disabling)| Try {
            wrong,
            moment,
            policy,
            is_assigned,
            after_sign_out,
            after_disabling,
        },
    );
    (
        prop::bool::weighted(0.8),
        select(vec![Proof::Credential, Proof::Origin]),
        select(vec![30, 60, 300]),
        vec(attempts, 1..=4),
    )
        .prop_map(|(has_challenge, proof, lifetime, attempts)| Story {
            has_challenge,
            proof,
            lifetime,
            attempts,
        })
}

/// A second connection to an SQLite file, which sees what a transaction left behind.
struct Onlooker(SqliteConnection);

impl Onlooker {
    async fn used_at(&mut self, token: Digest<HandoffToken>) -> Option<i64> {
        sqlx::query_scalar("SELECT used_at FROM handoff WHERE token = ?")
            .bind(token.as_bytes().as_slice())
            .fetch_one(&mut self.0)
            .await
            .unwrap()
    }
}

struct Given {
    access: Digest<AccessToken>,
    session: SessionId,
    is_open: bool,
}

async fn check(
    people: &People,
    story: Story,
    mut onlooker: Option<&mut Onlooker>,
) -> Result<(), TestCaseError> {
    // Somebody new each time: whoever is disabled stays so.
    let user = people.newcomer().await;
    let sign_in = people.sign_in(user).await;
    let mut sent = people.started();
    sent.lifetime = HandoffLifetime::from_seconds(story.lifetime).unwrap();
    sent.proof = story.proof;
    if !story.has_challenge {
        sent.verifier = None;
    }
    people.sent(&sent, sign_in, START).await;
    let token = sent.token.digest();

    let mut stored = sent.stored(sign_in, user, START);
    let mut signed_out = false;
    let mut disabled = false;
    let mut given: Vec<Given> = Vec::new();
    for attempt in story.attempts {
        let now = attempt.moment.of(story.lifetime);
        if attempt.after_sign_out {
            people.store.end_sign_in(sign_in, now).await.unwrap();
            signed_out = true;
        }
        if attempt.after_disabling {
            prop_assert!(people.store.disable_user(user, now).await.unwrap());
            disabled = true;
        }
        if !attempt.is_assigned {
            people.assign(NOTES, AssignedTo::Users(vec![])).await;
        }
        let mut presented = sent.presented();
        // Seen as over once is over for good, also at an earlier moment.
        let sees_the_sign_in = !attempt.wrong.contains(&Wrong::Token);
        for wrong in &attempt.wrong {
            wrong.spoil(&mut presented);
        }
        let standing = Standing {
            sign_in_is_live: !signed_out && !disabled && now < START + IDLE,
            user_is_active: !disabled,
            user_is_assigned: attempt.is_assigned,
        };
        let policy = &attempt.policy;
        let is_claimed =
            presented.token.digest() == token && claim(&stored, &presented, now, policy).is_ok();
        let answer: Result<(), RefusalReason> =
            decide(&stored, standing, &presented, now, policy).map(|_| ());

        // What is refused for its age stays refused when the clock is put back.
        let aged =
            |rejection: &RefusalReason| ages_for_good(&stored, &presented, *rejection, policy);
        let is_used_up = is_claimed || answer.as_ref().is_err_and(aged);

        let used_before = match &mut onlooker {
            Some(onlooker) => onlooker.used_at(token).await,
            None => None,
        };
        let got = people.redeem_by(policy, presented, now).await;
        if !attempt.is_assigned {
            people.assign(NOTES, AssignedTo::Everyone).await;
        }
        prop_assert_eq!(
            got.outcome.as_ref().map(|_| ()),
            answer.as_ref().map(|_| ())
        );
        if let Some(onlooker) = &mut onlooker {
            let used_after = onlooker.used_at(token).await;
            let mark = Some(database::millis(now));
            // A second use within one millisecond leaves the same mark: nothing to be seen.
            if used_before != mark {
                prop_assert_eq!(used_after == mark, is_used_up);
                prop_assert!(is_used_up || used_after == used_before);
            }
        }

        if sees_the_sign_in && answer.is_err() && now >= START + IDLE {
            signed_out = true;
        }
        stored = match (answer, stored) {
            (Ok(()), stored) => {
                given.push(Given {
                    access: got.access,
                    session: got.session,
                    is_open: true,
                });
                stored.issued().clone().redeem(got.session, now)
            }
            (Err(_), Handoff::Issued(issued)) if is_used_up => issued.burn(now),
            (
                Err(RefusalReason::Replayed),
                Handoff::Redeemed {
                    issued,
                    session,
                    at,
                },
            ) => {
                for given in given.iter_mut().filter(|given| given.session == session) {
                    given.is_open = false;
                }
                Handoff::Redeemed {
                    issued,
                    session,
                    at,
                }
            }
            (Err(_), stored) => stored,
        };
        if got.outcome.is_err() {
            let closed = people.closed(got.access, START).await;
            prop_assert_eq!(closed, Some(NoSession::Unknown));
        }
    }
    for given in given {
        let expected = match given.is_open && !signed_out {
            _ if disabled => Some(NoSession::UserGone),
            true => None,
            false => Some(NoSession::Unknown),
        };
        prop_assert_eq!(people.closed(given.access, START).await, expected);
    }
    Ok(())
}

fn hold(people: &People, mut onlooker: Option<Onlooker>) {
    let config = Config {
        cases: 256,
        failure_persistence: None,
        ..Config::default()
    };
    let onlooker = std::cell::RefCell::new(&mut onlooker);
    block_in_place(|| {
        TestRunner::new(config)
            .run(&stories(), |story| {
                let mut onlooker = onlooker.borrow_mut();
                Handle::current().block_on(check(people, story, onlooker.as_mut()))
            })
            .unwrap_or_else(|failure| panic!("{failure}"));
    });
}

pub(crate) async fn the_store_answers_as_the_rule_does<F>(world: World<F>) {
    hold(&world, None);
}

pub(crate) async fn the_guard_in_sql_agrees_with_the_rule(world: World<SqliteFile>) {
    let file = SqliteConnectOptions::new().filename(world.fixture.path());
    let connection = SqliteConnection::connect_with(&file.read_only(true)).await;
    hold(&world, Some(Onlooker(connection.unwrap())));
}
