//! A clock that is put back: what was refused because its time was over is never accepted later.

use authority::store::{Consent, Issuance, NoSession};
use handoff::{refusal_reason::RefusalReason, verify::Proof};
use time::Duration;

use super::world::{ABSOLUTE, IDLE, NOTES, START, TICK, World, Wrong, id, seconds};

const HOUR: Duration = Duration::hours(1);

pub(crate) async fn row_2_a_token_refused_for_its_age_stays_refused<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let sent = world.send(sign_in, START).await;
    let late = world.redeem(sent.presented(), START + seconds(60)).await;
    assert_eq!(late.rejection(), Some(RefusalReason::Expired));
    for _ in 0..2 {
        let again = world.redeem(sent.presented(), START).await;
        assert_eq!(again.rejection(), Some(RefusalReason::Replayed));
        let closed = world.closed(again.access, START).await;
        assert_eq!(closed, Some(NoSession::Unknown));
    }
}

pub(crate) async fn another_client_that_comes_too_late_uses_nothing_up<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let sent = world.send(sign_in, START).await;
    let stranger = world.redeem(Wrong::Client.of(&sent), START + seconds(60));
    assert_eq!(
        stranger.await.rejection(),
        Some(RefusalReason::AnotherClient)
    );
    world.redeem(sent.presented(), START).await.accepted();
}

pub(crate) async fn row_5_what_a_stranger_brings_too_late_uses_nothing_up<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let mut sent = world.started();
    sent.proof = Proof::Origin;
    world.sent(&sent, sign_in, START).await;
    let late = START + seconds(60);
    for wrong in Wrong::BINDINGS {
        let stranger = world.redeem(wrong.of(&sent), late).await;
        assert_eq!(
            stranger.rejection(),
            Some(RefusalReason::Expired),
            "{wrong:?}"
        );
    }
    world.redeem(sent.presented(), START).await.accepted();

    let mut sent = world.started();
    sent.proof = Proof::Origin;
    world.sent(&sent, sign_in, START).await;
    let owner = world.redeem(sent.presented(), late).await;
    assert_eq!(owner.rejection(), Some(RefusalReason::Expired));
    let again = world.redeem(sent.presented(), START).await;
    assert_eq!(again.rejection(), Some(RefusalReason::Replayed));
}

pub(crate) async fn a_launch_ticket_refused_for_its_age_stays_refused<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let ticket = Some(world.launch(sign_in, NOTES, START).await);
    for now in [START + seconds(60), START] {
        let issuance = world.issue_silently(sign_in, ticket, now).await;
        assert_eq!(issuance, Issuance::MustAsk, "{now}");
    }
}

/// The verbs that can see that a sign-in is over.
#[derive(Clone, Copy, Debug)]
enum Look {
    Touch,
    Issue,
    Redeem,
    Session,
}

pub(crate) async fn row_62_a_sign_in_seen_as_over_stays_over_with_all_that_hangs_on_it<F>(
    world: World<F>,
) {
    // One that is only idle, and one that is only old.
    for (idle, over) in [(IDLE, START + IDLE), (ABSOLUTE * 2, START + ABSOLUTE)] {
        for look in [Look::Touch, Look::Issue, Look::Redeem, Look::Session] {
            let mut new = world.new_sign_in(world.alice, START);
            new.idle_until = START + idle;
            let sign_in = world.begin(new).await;
            let session = world.redeemed(sign_in, over - TICK).await;
            let unredeemed = world.send(sign_in, over - TICK).await;
            let seen = world.send(sign_in, over - TICK).await;
            match look {
                Look::Touch => assert!(!world.is_signed_in(sign_in, over).await),
                Look::Issue => {
                    let started = world.started();
                    let issuance = world.issue(&started, sign_in, Consent::Confirmed, over);
                    assert_eq!(issuance.await, Issuance::SignedOut);
                }
                Look::Redeem => {
                    let attempt = world.redeem(seen.presented(), over).await;
                    assert_eq!(attempt.rejection(), Some(RefusalReason::SignInEnded));
                }
                Look::Session => {
                    let closed = world.closed(session.access, over).await;
                    assert_eq!(closed, Some(NoSession::Expired));
                }
            }
            let earlier = over - TICK;
            assert!(!world.is_signed_in(sign_in, earlier).await, "{look:?}");
            let closed = world.closed(session.access, earlier).await;
            assert_eq!(closed, Some(NoSession::Unknown), "{look:?}");
            let attempt = world.redeem(unredeemed.presented(), earlier).await;
            assert_eq!(attempt.rejection(), Some(RefusalReason::SignInEnded));
        }
    }
}

pub(crate) async fn row_62_a_session_seen_as_expired_stays_ended<F>(world: World<F>) {
    let mut new = world.new_sign_in(world.alice, START);
    new.idle_until = new.expires_at;
    let sign_in = world.begin(new).await;
    let found = world.redeemed(sign_in, START).await;
    let closed = world.closed(found.access, START + HOUR).await;
    assert_eq!(closed, Some(NoSession::Expired));

    let ended = world.redeemed(sign_in, START).await;
    let too_late = world
        .store
        .end_client_session(ended.access, &id(NOTES), START + HOUR)
        .await;
    assert!(!too_late.unwrap());

    let other = world.redeemed(sign_in, START).await;
    for (access, expected) in [
        (found.access, Some(NoSession::Unknown)),
        (ended.access, Some(NoSession::Unknown)),
        (other.access, None),
    ] {
        assert_eq!(world.closed(access, START).await, expected);
    }
    assert!(world.is_signed_in(sign_in, START).await);
}

pub(crate) async fn a_record_seen_as_expired_is_gone<F>(world: World<F>) {
    let id = [1; 32];
    world.store.put(id, vec![1], START + HOUR).await.unwrap();
    for now in [START + HOUR, START] {
        assert_eq!(world.store.get(id, now).await.unwrap(), None, "{now}");
    }
}

pub(crate) async fn row_62_the_idle_time_is_no_longer_after_the_clock_is_put_back<F>(
    world: World<F>,
) {
    let sign_in = world.sign_in(world.alice).await;
    let earlier = START - Duration::days(1);
    assert!(world.is_signed_in(sign_in, earlier).await);
    assert!(!world.is_signed_in(sign_in, earlier + IDLE).await);
}
