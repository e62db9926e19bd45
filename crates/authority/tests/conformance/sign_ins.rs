use authority::store::{Issuance, NoSession, SignIn};
use handoff::{
    ids::SignInId,
    rejection::Rejection,
    token::{AccessToken, Digest, LaunchTicket},
    wire::UserInfo,
};
use time::Duration;

use super::world::{ABSOLUTE, IDLE, NOTES, People, START, Sent, TICK, World, seconds};

pub(crate) async fn a_sign_in_is_found_as_it_began<F>(world: World<F>) {
    let at = START + TICK;
    let sign_in = world.begin(world.new_sign_in(world.alice, at)).await;
    let now = at + seconds(60);
    let found = world.store.touch_sign_in(sign_in, now, IDLE).await.unwrap();
    assert_eq!(
        found,
        Some(SignIn {
            id: sign_in,
            user: UserInfo {
                id: world.alice,
                email: "alice@harbor.example".to_owned(),
                name: "alice of Harbor".to_owned(),
                email_verified: true,
            },
            auth_time: at,
            expires_at: at + ABSOLUTE,
        })
    );
}

pub(crate) async fn an_unknown_sign_in_is_not_found<F>(world: World<F>) {
    world.sign_in(world.alice).await;
    let unknown = SignInId::mint(world.random());
    assert!(!world.is_signed_in(unknown, START).await);
    world.store.end_sign_in(unknown, START).await.unwrap();
}

pub(crate) async fn a_sign_in_that_is_asked_for_lives_on<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let mut now = START;
    for _ in 0..10 {
        now += IDLE - TICK;
        assert!(world.is_signed_in(sign_in, now).await, "{now}");
    }
    assert!(!world.is_signed_in(sign_in, now + IDLE).await);
}

pub(crate) async fn a_sign_in_that_nobody_asks_for_ends<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let busy = world.sign_in(world.alice).await;
    assert!(world.is_signed_in(busy, START + IDLE / 2).await);
    assert!(!world.is_signed_in(sign_in, START + IDLE).await);
    assert!(world.is_signed_in(busy, START + IDLE).await);
}

pub(crate) async fn a_sign_in_that_ended_for_idleness_is_not_revived<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    for _ in 0..2 {
        assert!(!world.is_signed_in(sign_in, START + IDLE).await);
        assert!(!world.is_signed_in(sign_in, START + IDLE * 2).await);
    }
}

pub(crate) async fn a_sign_in_ends_at_its_absolute_end_however_busy<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let step = Duration::minutes(20);
    let mut now = START;
    while now + step < START + ABSOLUTE {
        now += step;
        assert!(world.is_signed_in(sign_in, now).await, "{now}");
    }
    assert!(world.is_signed_in(sign_in, START + ABSOLUTE - TICK).await);
    assert!(!world.is_signed_in(sign_in, START + ABSOLUTE).await);
}

pub(crate) async fn a_sign_in_that_was_ended_stays_ended_and_no_other_ends<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let other_browser = world.sign_in(world.alice).await;
    let bobs = world.sign_in(world.bob).await;
    for later in [1, 2] {
        let now = START + seconds(later);
        world.store.end_sign_in(sign_in, now).await.unwrap();
        assert!(!world.is_signed_in(sign_in, now).await);
    }
    assert!(world.is_signed_in(other_browser, START).await);
    assert!(world.is_signed_in(bobs, START).await);
}

/// All that can hang on a sign-in.
struct Cascade {
    sign_in: SignInId,
    ticket: Digest<LaunchTicket>,
    unredeemed: Sent,
    session: Digest<AccessToken>,
}

impl Cascade {
    async fn begin(people: &People) -> Self {
        let sign_in = people.sign_in(people.alice).await;
        Self {
            sign_in,
            ticket: people.launch(sign_in, NOTES, START).await,
            unredeemed: people.send(sign_in, START).await,
            session: people.redeemed(sign_in, START).await.access,
        }
    }

    async fn is_over(self, people: &People) {
        let now = START + seconds(2);
        assert!(!people.is_signed_in(self.sign_in, now).await);
        assert_eq!(
            people.closed(self.session, now).await,
            Some(NoSession::Unknown)
        );
        let issuance = people
            .issue_silently(self.sign_in, Some(self.ticket), now)
            .await;
        assert_eq!(issuance, Issuance::SignedOut);
        let attempt = people.redeem(self.unredeemed.presented(), now).await;
        assert_eq!(attempt.rejection(), Some(Rejection::SignInEnded));
        assert_eq!(
            people.closed(attempt.access, now).await,
            Some(NoSession::Unknown)
        );
    }

    async fn goes_on(self, people: &People) {
        let now = START + seconds(2);
        assert!(people.is_signed_in(self.sign_in, now).await);
        assert_eq!(people.closed(self.session, now).await, None);
        let issuance = people
            .issue_silently(self.sign_in, Some(self.ticket), now)
            .await;
        assert_eq!(issuance, Issuance::Issued);
        let attempt = people.redeem(self.unredeemed.presented(), now).await;
        attempt.accepted();
    }
}

pub(crate) async fn ending_a_sign_in_ends_all_that_hangs_on_it<F>(world: World<F>) {
    let ended = Cascade::begin(&world).await;
    let other = Cascade::begin(&world).await;
    let now = START + seconds(1);
    world.store.end_sign_in(ended.sign_in, now).await.unwrap();
    ended.is_over(&world).await;
    other.goes_on(&world).await;
}

pub(crate) async fn a_sign_in_that_replaces_another_ends_it_with_all_that_hangs_on_it<F>(
    world: World<F>,
) {
    let replaced = Cascade::begin(&world).await;
    let other = Cascade::begin(&world).await;
    let new = world.new_sign_in(world.bob, START + seconds(1));
    let (id, old) = (new.id, replaced.sign_in);
    world.store.begin_sign_in(new, Some(old)).await.unwrap();
    assert!(world.is_signed_in(id, START + seconds(1)).await);
    replaced.is_over(&world).await;
    other.goes_on(&world).await;
}
