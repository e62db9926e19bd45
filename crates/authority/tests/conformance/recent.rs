use authority::store::{
    Consent, Issuance, Outcome, RECENT_FOR, RECENT_PER_PERSON, RecentHandoff, Remembered,
};
use handoff::{
    client::{AssignedTo, Icon},
    flow::FlowId,
    ids::UserId,
    policy::Defence,
    token::Secret,
    verify::Proof,
};
use time::OffsetDateTime;

use super::{
    redeeming::without,
    world::{NOTES, People, START, Sent, TASKS, TICK, World, Wrong, id, new_client, seconds},
};

impl People {
    async fn recent(&self, user: UserId, now: OffsetDateTime) -> Vec<RecentHandoff> {
        self.store.recent_handoffs(user, now).await.unwrap()
    }

    async fn outcomes(&self, user: UserId, now: OffsetDateTime) -> Vec<Outcome> {
        let recent = self.recent(user, now).await.into_iter();
        recent.map(|handoff| handoff.outcome).collect()
    }
}

pub(crate) async fn a_handoff_is_remembered_with_what_came_of_it<F>(world: World<F>) {
    assert_eq!(world.recent(world.alice, START).await, []);
    let sign_in = world.sign_in(world.alice).await;
    let sent = world.send(sign_in, START + TICK).await;
    let told = |outcome| RecentHandoff {
        client_name: NOTES.to_owned(),
        icon: Icon::default(),
        began: START + TICK,
        outcome,
        flow: Some(FlowId::of(&sent.state.digest())),
    };
    let now = START + seconds(30);
    assert_eq!(
        world.recent(world.alice, now).await,
        [told(Outcome::UnderWay)]
    );
    world.redeem(sent.presented(), now).await.accepted();
    let later = START + seconds(600);
    assert_eq!(
        world.recent(world.alice, later).await,
        [told(Outcome::Opened)]
    );
    world.send(sign_in, now).await;
    assert_eq!(
        world.outcomes(world.alice, now).await,
        [Outcome::UnderWay, Outcome::Opened],
        "the newest first"
    );
    // A second use of what was opened.
    world.redeem(sent.presented(), now).await;
    assert_eq!(
        world.outcomes(world.alice, now).await,
        [Outcome::UnderWay, Outcome::UsedTwice]
    );
    assert_eq!(world.recent(world.bob, now).await, []);
}

pub(crate) async fn what_is_refused_is_remembered_for_what_it_was<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let sent = world.send(sign_in, START).await;
    world.redeem(Wrong::State.of(&sent), START).await;
    assert_eq!(world.outcomes(world.alice, START).await, [Outcome::Refused]);
    // An end stays: the right one comes too late.
    world.redeem(sent.presented(), START + seconds(60)).await;
    assert_eq!(world.outcomes(world.alice, START).await, [Outcome::Refused]);
    let late = world.send(sign_in, START).await;
    world.redeem(late.presented(), START + seconds(60)).await;
    assert_eq!(
        world.outcomes(world.alice, START).await,
        [Outcome::TooLate, Outcome::Refused]
    );
    // What only a weakened policy lets through a second time does not hide the first.
    let twice = world.send(sign_in, START).await;
    world.redeem(twice.presented(), START).await.accepted();
    let policy = without(Defence::OneTime);
    world
        .redeem_by(&policy, Wrong::State.of(&twice), START)
        .await;
    assert_eq!(
        world.outcomes(world.alice, START).await,
        [Outcome::Opened, Outcome::TooLate, Outcome::Refused]
    );
}

pub(crate) async fn what_others_try_changes_nothing_that_is_remembered<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let sent = world.send(sign_in, START).await;
    let mut public = world.started();
    public.proof = Proof::Origin;
    world.sent(&public, sign_in, START).await;
    for presented in [
        Wrong::Client.of(&sent),
        Wrong::Token.of(&sent),
        Wrong::State.of(&public),
        Wrong::Verifier.of(&public),
    ] {
        world.redeem(presented, START).await;
        assert_eq!(
            world.outcomes(world.alice, START).await,
            [Outcome::UnderWay; 2]
        );
    }
    world.redeem(sent.presented(), START).await.accepted();
    world.redeem(Wrong::State.of(&sent), START).await;
    assert_eq!(
        world.outcomes(world.alice, START).await,
        [Outcome::UnderWay, Outcome::Opened]
    );
}

pub(crate) async fn a_handoff_that_nobody_comes_for_is_told_as_not_answered<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    world.send(sign_in, START).await;
    let end = START + seconds(60);
    for (now, expected) in [(end - TICK, Outcome::UnderWay), (end, Outcome::NotAnswered)] {
        world.store.sweep(now).await.unwrap();
        assert_eq!(world.outcomes(world.alice, now).await, [expected]);
    }
}

pub(crate) async fn a_decline_is_remembered_for_that_person_only<F>(world: World<F>) {
    let flow = FlowId::of(&world.started().state.digest());
    let declined = Remembered {
        client: &id(TASKS),
        flow,
    };
    world
        .store
        .decline_handoff(world.alice, declined, START)
        .await
        .unwrap();
    let expected = RecentHandoff {
        client_name: TASKS.to_owned(),
        icon: Icon::default(),
        began: START,
        outcome: Outcome::Declined,
        flow: Some(flow),
    };
    assert_eq!(world.recent(world.alice, START).await, [expected]);
    assert_eq!(world.recent(world.bob, START).await, []);
}

pub(crate) async fn of_the_clients_that_a_person_may_not_use_the_last_is_remembered<F>(
    world: World<F>,
) {
    let sign_in = world.sign_in(world.alice).await;
    world.send(sign_in, START).await;
    for client in [NOTES, TASKS] {
        world.assign(client, AssignedTo::Users(vec![])).await;
    }
    for (turn, client) in [(1, NOTES), (2, TASKS), (3, NOTES)] {
        let now = START + seconds(turn);
        let started = Sent {
            client: id(client),
            ..world.started()
        };
        let issuance = world
            .issue(&started, sign_in, Consent::Confirmed, now)
            .await;
        assert_eq!(issuance, Issuance::NotAssigned);
        let recent = world.recent(world.alice, now).await;
        assert_eq!(recent[0].began, now);
        assert_eq!(recent[0].client_name, client);
        let flow = FlowId::of(&started.state.digest());
        assert_eq!(recent[0].flow, Some(flow));
        assert_eq!(
            world.outcomes(world.alice, now).await,
            [Outcome::NotAssigned, Outcome::UnderWay]
        );
    }
}

pub(crate) async fn of_too_many_handoffs_the_oldest_is_forgotten<F>(world: World<F>) {
    let (sign_in, bobs) = (
        world.sign_in(world.alice).await,
        world.sign_in(world.bob).await,
    );
    let oldest = world.send(sign_in, START).await;
    world.send(bobs, START).await;
    for _ in 0..RECENT_PER_PERSON {
        let declined = Remembered {
            client: &id(TASKS),
            flow: FlowId::of(&oldest.state.digest()),
        };
        let declined = world
            .store
            .decline_handoff(world.alice, declined, START)
            .await;
        declined.unwrap();
    }
    let expected = vec![Outcome::Declined; RECENT_PER_PERSON];
    assert_eq!(world.outcomes(world.alice, START).await, expected);
    // That it is forgotten takes nothing from it.
    world.redeem(oldest.presented(), START).await.accepted();
    assert_eq!(world.outcomes(world.alice, START).await, expected);
    assert_eq!(world.outcomes(world.bob, START).await, [Outcome::UnderWay]);
}

pub(crate) async fn a_handoff_is_remembered_for_thirty_days_and_then_swept<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    world.redeemed(sign_in, START).await;
    let end = START + RECENT_FOR;
    world.store.sweep(end - TICK).await.unwrap();
    assert_eq!(
        world.outcomes(world.alice, end - TICK).await,
        [Outcome::Opened],
        "it outlives the sign-in and its session"
    );
    assert_eq!(world.recent(world.alice, end).await, []);
    assert_eq!(world.store.sweep(end).await.unwrap(), 1);
    assert_eq!(world.recent(world.alice, START).await, []);
}

pub(crate) async fn a_new_client_record_shows_in_what_is_remembered<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    world.send(sign_in, START).await;
    let mut client = new_client(NOTES, AssignedTo::Everyone);
    client.icon = Icon::Letter;
    client.name = "Letters".to_owned();
    world.store.put_client(&client).await.unwrap();
    let recent = world.recent(world.alice, START).await;
    assert_eq!(recent[0].icon, Icon::Letter);
    assert_eq!(recent[0].client_name, "Letters");
}
