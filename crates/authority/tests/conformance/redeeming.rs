use authority::store::{NoSession, Redeemed};
use handoff::{
    client::{AssignedTo, HandoffLifetime},
    policy::{Defence, Policy},
    refusal_reason::RefusalReason,
    verify::Proof,
    wire::{SessionInfo, UserInfo},
};
use time::Duration;

use super::world::{ABSOLUTE, Attempt, IDLE, NOTES, People, START, TICK, World, Wrong, seconds};

const HOUR: Duration = Duration::hours(1);

/// The valid case with one thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Wrong(Wrong),
    VerifierWithoutChallenge,
    TooLate,
    Again,
    SignInEnded,
    SignInIdle,
    NotAssigned,
}

impl Case {
    fn all() -> impl Iterator<Item = Self> {
        let others = [
            Self::VerifierWithoutChallenge,
            Self::TooLate,
            Self::Again,
            Self::SignInEnded,
            Self::SignInIdle,
            Self::NotAssigned,
        ];
        Wrong::ALL.map(Self::Wrong).into_iter().chain(others)
    }

    /// What refuses it, and the one defence that it is the example of.
    const fn refusal(self) -> (RefusalReason, Option<Defence>) {
        match self {
            Self::Wrong(Wrong::Token) => (RefusalReason::Unknown, None),
            Self::Wrong(Wrong::Client) => {
                (RefusalReason::AnotherClient, Some(Defence::ClientBinding))
            }
            Self::Wrong(Wrong::State) => (RefusalReason::StateDiffers, Some(Defence::StateBinding)),
            Self::Wrong(Wrong::RedirectUri | Wrong::NoRedirectUri) => (
                RefusalReason::RedirectUriDiffers,
                Some(Defence::RedirectUriBinding),
            ),
            Self::Wrong(Wrong::Verifier) => {
                (RefusalReason::VerifierWrong, Some(Defence::VerifierBinding))
            }
            Self::Wrong(Wrong::NoVerifier) => (
                RefusalReason::VerifierMissing,
                Some(Defence::VerifierBinding),
            ),
            Self::VerifierWithoutChallenge => (
                RefusalReason::VerifierUnexpected,
                Some(Defence::VerifierBinding),
            ),
            Self::TooLate => (RefusalReason::Expired, Some(Defence::Lifetime)),
            Self::Again => (RefusalReason::Replayed, Some(Defence::OneTime)),
            Self::SignInEnded | Self::SignInIdle => {
                (RefusalReason::SignInEnded, Some(Defence::LiveSignIn))
            }
            Self::NotAssigned => (RefusalReason::NotAssigned, Some(Defence::Assignment)),
        }
    }

    async fn play(self, people: &People, policy: &Policy) -> Attempt {
        let mut new = people.new_sign_in(people.alice, START);
        if self == Self::SignInIdle {
            new.idle_until = START + seconds(10);
        }
        let sign_in = people.begin(new).await;
        let mut sent = people.started();
        if self == Self::VerifierWithoutChallenge {
            sent.verifier = None;
        }
        people.sent(&sent, sign_in, START).await;
        let mut presented = sent.presented();
        let mut now = START + seconds(10);
        match self {
            Self::Wrong(wrong) => wrong.spoil(&mut presented),
            Self::VerifierWithoutChallenge => Wrong::Verifier.spoil(&mut presented),
            Self::TooLate => now = START + seconds(60),
            Self::Again => {
                people.redeem(presented.clone(), START).await.accepted();
            }
            Self::SignInEnded => drop(people.store.end_sign_in(sign_in, START).await.unwrap()),
            Self::SignInIdle => {}
            Self::NotAssigned => {
                let bob = AssignedTo::Users(vec![people.bob]);
                people.assign(NOTES, bob).await;
            }
        }
        let attempt = people.redeem_by(policy, presented, now).await;
        people.assign(NOTES, AssignedTo::Everyone).await;
        attempt
    }
}

pub(crate) async fn the_right_client_gets_a_session<F>(world: World<F>) {
    let mut new = world.new_sign_in(world.alice, START);
    new.amr = vec!["pwd".to_owned(), "otp".to_owned()];
    let sign_in = world.begin(new).await;
    let sent = world.send(sign_in, START + seconds(5)).await;
    let now = START + seconds(6);
    let attempt = world.redeem(sent.presented(), now).await;
    assert_eq!(
        *attempt.accepted(),
        Redeemed {
            session: SessionInfo {
                id: attempt.session,
                user_id: world.alice,
                created_at: now,
                expires_at: now + HOUR,
            },
            user: UserInfo {
                id: world.alice,
                email: "alice@harbor.example".to_owned(),
                name: "alice of Harbor".to_owned(),
                email_verified: true,
            },
            auth_time: START,
            amr: vec!["pwd".to_owned(), "otp".to_owned()],
        }
    );
    assert_eq!(world.closed(attempt.access, now).await, None);
}

pub(crate) async fn row_6_each_single_thing_wrong_is_refused_for_what_it_is<F>(world: World<F>) {
    for case in Case::all() {
        let attempt = case.play(&world, &Policy::STRICT).await;
        assert_eq!(attempt.rejection(), Some(case.refusal().0), "{case:?}");
        let closed = world.closed(attempt.access, START).await;
        assert_eq!(closed, Some(NoSession::Unknown), "{case:?}");
    }
}

pub(crate) async fn row_5_a_wrong_binding_burns_the_token<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    for wrong in Wrong::BINDINGS {
        let sent = world.send(sign_in, START).await;
        let first = world.redeem(wrong.of(&sent), START).await;
        assert!(first.outcome.is_err(), "{wrong:?}");
        for _ in 0..2 {
            let right = world.redeem(sent.presented(), START).await;
            assert_eq!(
                right.rejection(),
                Some(RefusalReason::Replayed),
                "{wrong:?}"
            );
            let closed = world.closed(right.access, START).await;
            assert_eq!(closed, Some(NoSession::Unknown), "{wrong:?}");
        }
    }
}

/// The refusal of a wrong binding, as the one whose origin alone is known gets it.
fn mismatch(wrong: Wrong) -> RefusalReason {
    Case::Wrong(wrong).refusal().0
}

pub(crate) async fn row_5_a_wrong_binding_of_a_public_client_burns_nothing<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    for wrong in Wrong::ALL {
        let mut sent = world.started();
        sent.proof = Proof::Origin;
        world.sent(&sent, sign_in, START).await;
        for _ in 0..2 {
            let stranger = world.redeem(wrong.of(&sent), START).await;
            assert_eq!(stranger.rejection(), Some(mismatch(wrong)), "{wrong:?}");
            let closed = world.closed(stranger.access, START).await;
            assert_eq!(closed, Some(NoSession::Unknown), "{wrong:?}");
        }
        let right = world.redeem(sent.presented(), START).await;
        right.accepted();
        // Used up now: a mismatch revokes nothing, a replay does.
        let leaked = world.redeem(wrong.of(&sent), START).await;
        assert!(leaked.outcome.is_err(), "{wrong:?}");
        assert_eq!(world.closed(right.access, START).await, None, "{wrong:?}");
        let replay = world.redeem(sent.presented(), START).await;
        assert_eq!(
            replay.rejection(),
            Some(RefusalReason::Replayed),
            "{wrong:?}"
        );
        let closed = world.closed(right.access, START).await;
        assert_eq!(closed, Some(NoSession::Unknown), "{wrong:?}");
    }
}

pub(crate) async fn row_5_a_state_that_alone_differs_is_told_to_the_older_sdk_and_burns_nothing<
    F,
>(
    world: World<F>,
) {
    let sign_in = world.sign_in(world.alice).await;
    let mut sent = world.started();
    (sent.proof, sent.verifier) = (Proof::Origin, None);
    world.sent(&sent, sign_in, START).await;
    let as_the_sdk_asks = |wrong: Option<Wrong>| {
        let mut presented = Wrong::NoRedirectUri.of(&sent);
        if let Some(wrong) = wrong {
            wrong.spoil(&mut presented);
        }
        presented
    };
    for (wrong, expected) in [
        (Wrong::State, RefusalReason::StateAloneDiffers),
        (Wrong::Verifier, RefusalReason::VerifierUnexpected),
        (Wrong::RedirectUri, RefusalReason::RedirectUriDiffers),
        (Wrong::Client, RefusalReason::AnotherClient),
    ] {
        let attempt = world.redeem(as_the_sdk_asks(Some(wrong)), START).await;
        assert_eq!(attempt.rejection(), Some(expected), "{wrong:?}");
    }
    let first = world.redeem(as_the_sdk_asks(None), START).await;
    first.accepted();
    let leaked = world
        .redeem(as_the_sdk_asks(Some(Wrong::State)), START)
        .await;
    assert_eq!(leaked.rejection(), Some(RefusalReason::AlreadyUsed));
    assert_eq!(world.closed(first.access, START).await, None);
}

pub(crate) async fn rows_56_and_79_what_is_no_longer_true_burns_the_token<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let sent = world.send(sign_in, START).await;
    world.assign(NOTES, AssignedTo::Users(vec![])).await;
    let refused = world.redeem(sent.presented(), START).await;
    assert_eq!(refused.rejection(), Some(RefusalReason::NotAssigned));
    world.assign(NOTES, AssignedTo::Everyone).await;
    let again = world.redeem(sent.presented(), START).await;
    assert_eq!(again.rejection(), Some(RefusalReason::Replayed));

    let sent = world.send(sign_in, START).await;
    world.store.end_sign_in(sign_in, START).await.unwrap();
    let refused = world.redeem(sent.presented(), START).await;
    assert_eq!(refused.rejection(), Some(RefusalReason::SignInEnded));
    let again = world.redeem(sent.presented(), START).await;
    assert_eq!(again.rejection(), Some(RefusalReason::Replayed));
}

pub(crate) async fn a_disabled_person_is_refused_for_being_gone_where_the_sign_in_does_not_count<
    F,
>(
    world: World<F>,
) {
    let sign_in = world.sign_in(world.alice).await;
    let strict = world.send(sign_in, START).await;
    let weak = world.send(sign_in, START).await;
    world.store.disable_user(world.alice, START).await.unwrap();
    let refused = world.redeem(strict.presented(), START).await;
    assert_eq!(refused.rejection(), Some(RefusalReason::SignInEnded));
    let policy = without(Defence::LiveSignIn);
    let refused = world.redeem_by(&policy, weak.presented(), START).await;
    assert_eq!(refused.rejection(), Some(RefusalReason::UserGone));
    for sent in [strict, weak] {
        let again = world.redeem(sent.presented(), START).await;
        assert_eq!(again.rejection(), Some(RefusalReason::Replayed));
    }
}

pub(crate) async fn row_5_another_clients_attempt_burns_nothing<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let sent = world.send(sign_in, START).await;
    for _ in 0..2 {
        let stranger = world.redeem(Wrong::Client.of(&sent), START).await;
        assert_eq!(stranger.rejection(), Some(RefusalReason::AnotherClient));
    }
    world.redeem(sent.presented(), START).await.accepted();
}

pub(crate) async fn another_token_is_not_touched<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let one = world.send(sign_in, START).await;
    let other = world.send(sign_in, START).await;
    world.redeem(Wrong::State.of(&one), START).await;
    let mut mixed = other.presented();
    mixed.token = (&one.token).into();
    world.redeem(mixed, START).await;
    world.redeem(other.presented(), START).await.accepted();
}

pub(crate) async fn row_2_a_token_lives_for_its_lifetime_and_no_longer<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    for lifetime in [30, 60, 300] {
        let end = seconds(lifetime);
        for (age, expected) in [
            (end - Duration::milliseconds(100), None),
            (end - TICK, None),
            (end, Some(RefusalReason::Expired)),
            (end + TICK, Some(RefusalReason::Expired)),
        ] {
            let mut sent = world.started();
            sent.lifetime = HandoffLifetime::from_seconds(lifetime).unwrap();
            world.sent(&sent, sign_in, START).await;
            let attempt = world.redeem(sent.presented(), START + age).await;
            assert_eq!(attempt.rejection(), expected, "{age} of {end}");
        }
    }
}

pub(crate) async fn a_row_without_a_challenge_may_go_without_a_redirect_uri<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let mut sent = world.started();
    sent.verifier = None;
    world.sent(&sent, sign_in, START).await;
    let attempt = world.redeem(Wrong::NoRedirectUri.of(&sent), START).await;
    attempt.accepted();
}

pub(crate) async fn row_4_a_replay_with_everything_right_ends_the_first_session<F>(
    world: World<F>,
) {
    let sign_in = world.sign_in(world.alice).await;
    let other = world.redeemed(sign_in, START).await;
    let sent = world.send(sign_in, START).await;
    let first = world.redeem(sent.presented(), START).await;
    assert_eq!(world.closed(first.access, START).await, None);
    for _ in 0..2 {
        let replay = world.redeem(sent.presented(), START + seconds(1)).await;
        assert_eq!(replay.rejection(), Some(RefusalReason::Replayed));
        for access in [first.access, replay.access] {
            let closed = world.closed(access, START + seconds(1)).await;
            assert_eq!(closed, Some(NoSession::Unknown));
        }
    }
    assert_eq!(world.closed(other.access, START).await, None);
    assert!(world.is_signed_in(sign_in, START).await);
}

pub(crate) async fn row_4_a_replay_is_recognised_after_the_lifetime_of_the_token<F>(
    world: World<F>,
) {
    let sign_in = world.sign_in(world.alice).await;
    let sent = world.send(sign_in, START).await;
    let first = world.redeem(sent.presented(), START).await;
    let late = START + IDLE - TICK;
    assert_eq!(world.closed(first.access, late).await, None);
    let replay = world.redeem(sent.presented(), late).await;
    assert_eq!(replay.rejection(), Some(RefusalReason::Replayed));
    let closed = world.closed(first.access, late).await;
    assert_eq!(closed, Some(NoSession::Unknown));
}

pub(crate) async fn row_4_a_used_token_with_anything_wrong_ends_nothing<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let sent = world.send(sign_in, START).await;
    let first = world.redeem(sent.presented(), START).await;
    for wrong in Wrong::ALL {
        let expected = match wrong {
            Wrong::Token => RefusalReason::Unknown,
            Wrong::Client => RefusalReason::AnotherClient,
            _ => RefusalReason::AlreadyUsed,
        };
        let attempt = world.redeem(wrong.of(&sent), START).await;
        assert_eq!(attempt.rejection(), Some(expected), "{wrong:?}");
        assert_eq!(world.closed(first.access, START).await, None, "{wrong:?}");
    }
}

pub(crate) async fn row_19_a_session_ends_after_an_hour_or_with_its_sign_in<F>(world: World<F>) {
    let mut new = world.new_sign_in(world.alice, START);
    new.idle_until = new.expires_at;
    let sign_in = world.begin(new).await;
    let end = START + ABSOLUTE;
    for (now, expires_at) in [
        (START, START + HOUR),
        (end - HOUR - TICK, end - TICK),
        (end - HOUR, end),
        (end - HOUR + TICK, end),
        (end - TICK, end),
    ] {
        let attempt = world.redeemed(sign_in, now).await;
        assert_eq!(attempt.accepted().session.expires_at, expires_at, "{now}");
    }
}

pub(crate) fn without(defence: Defence) -> Policy {
    #[expect(
        clippy::disallowed_methods,
        reason = "a store must answer by the policy that it is given, also by a weak one"
    )]
    Policy::STRICT.without(defence)
}

pub(crate) async fn without_a_defence_only_its_own_refusal_is_gone<F>(world: World<F>) {
    for &defence in Defence::OF_VERIFY {
        for case in Case::all() {
            let (rejection, guard) = case.refusal();
            let expected = (guard != Some(defence)).then_some(rejection);
            let attempt = case.play(&world, &without(defence)).await;
            let got = attempt.rejection();
            assert_eq!(got, expected, "{case:?} without {defence:?}");
        }
    }
}

pub(crate) async fn a_second_use_that_a_weak_policy_refuses_does_not_hide_the_first<F>(
    world: World<F>,
) {
    let sign_in = world.sign_in(world.alice).await;
    let sent = world.send(sign_in, START).await;
    let first = world.redeem(sent.presented(), START).await;
    let weak = without(Defence::OneTime);
    let second = world
        .redeem_by(&weak, Wrong::Verifier.of(&sent), START)
        .await;
    assert_eq!(second.rejection(), Some(RefusalReason::VerifierWrong));
    assert_eq!(world.closed(first.access, START).await, None);
    let replay = world.redeem(sent.presented(), START).await;
    assert_eq!(replay.rejection(), Some(RefusalReason::Replayed));
    let closed = world.closed(first.access, START).await;
    assert_eq!(closed, Some(NoSession::Unknown));
}
