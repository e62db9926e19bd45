use authority::store::{Consent, Issuance, NotRedeemed, Revision};
use handoff::{
    client::AssignedTo,
    ids::SignInId,
    refusal_reason::RefusalReason,
    token::{LaunchTicket, Secret},
};

use super::world::{
    ABSOLUTE, IDLE, NOTES, People, REQUEST, START, TASKS, TICK, World, id, seconds,
};

pub(crate) async fn a_launch_ticket_is_good_for_one_handoff<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let ticket = Some(world.launch(sign_in, NOTES, START).await);
    let first = world.issue_silently(sign_in, ticket, START).await;
    assert_eq!(first, Issuance::Issued);
    let second = world.issue_silently(sign_in, ticket, START).await;
    assert_eq!(second, Issuance::MustAsk);
}

pub(crate) async fn a_launch_ticket_lives_sixty_seconds<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    for (age, expected) in [
        (seconds(60) - TICK, Issuance::Issued),
        (seconds(60), Issuance::MustAsk),
        (seconds(61), Issuance::MustAsk),
    ] {
        let ticket = Some(world.launch(sign_in, NOTES, START).await);
        let issuance = world.issue_silently(sign_in, ticket, START + age).await;
        assert_eq!(issuance, expected, "{age}");
    }
}

pub(crate) async fn a_launch_ticket_of_another_sign_in_asks_and_stays_unused<F>(world: World<F>) {
    let mine = world.sign_in(world.alice).await;
    let ticket = Some(world.launch(mine, NOTES, START).await);
    // Another person's, and the same person's in another browser.
    for user in [world.bob, world.alice] {
        let other = world.sign_in(user).await;
        let issuance = world.issue_silently(other, ticket, START).await;
        assert_eq!(issuance, Issuance::MustAsk);
    }
    let issuance = world.issue_silently(mine, ticket, START).await;
    assert_eq!(issuance, Issuance::Issued);
}

pub(crate) async fn a_launch_ticket_of_another_client_asks_and_stays_unused<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let ticket = Some(world.launch(sign_in, TASKS, START).await);
    let issuance = world.issue_silently(sign_in, ticket, START).await;
    assert_eq!(issuance, Issuance::MustAsk);
    let mut for_tasks = world.started();
    for_tasks.client = id(TASKS);
    let consent = Consent::Silent {
        launch: ticket,
        request: REQUEST,
    };
    let issuance = world.issue(&for_tasks, sign_in, consent, START).await;
    assert_eq!(issuance, Issuance::Issued);
}

pub(crate) async fn without_a_ticket_that_is_known_the_person_is_asked<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let known = Some(world.launch(sign_in, NOTES, START).await);
    let unknown = LaunchTicket::mint(world.random()).digest();
    for launch in [None, Some(unknown)] {
        let issuance = world.issue_silently(sign_in, launch, START).await;
        assert_eq!(issuance, Issuance::MustAsk);
    }
    let issuance = world.issue_silently(sign_in, known, START).await;
    assert_eq!(issuance, Issuance::Issued, "it was not used up for another");
}

async fn signed_in_for_the_request(people: &People) -> SignInId {
    let mut new = people.new_sign_in(people.alice, START);
    new.signed_in_for = Some(REQUEST);
    people.begin(new).await
}

pub(crate) async fn a_sign_in_made_for_the_request_counts_once<F>(world: World<F>) {
    let sign_in = signed_in_for_the_request(&world).await;
    let other_browser = world.sign_in(world.alice).await;
    let unknown = Some(LaunchTicket::mint(world.random()).digest());
    for (asking, launch, expected) in [
        (other_browser, None, Issuance::MustAsk),
        (sign_in, unknown, Issuance::Issued),
        (sign_in, None, Issuance::MustAsk),
    ] {
        let issuance = world.issue_silently(asking, launch, START).await;
        assert_eq!(issuance, expected);
    }
}

pub(crate) async fn a_sign_in_made_for_another_request_asks_and_still_counts_for_its_own<F>(
    world: World<F>,
) {
    let sign_in = signed_in_for_the_request(&world).await;
    let consent = Consent::Silent {
        launch: None,
        request: [2; 32],
    };
    let other = world.issue(&world.started(), sign_in, consent, START).await;
    assert_eq!(other, Issuance::MustAsk);
    let its_own = world.issue_silently(sign_in, None, START).await;
    assert_eq!(its_own, Issuance::Issued);
}

pub(crate) async fn a_good_ticket_spares_the_sign_in_made_for_the_request<F>(world: World<F>) {
    let sign_in = signed_in_for_the_request(&world).await;
    let ticket = Some(world.launch(sign_in, NOTES, START).await);
    for expected in [Issuance::Issued, Issuance::Issued, Issuance::MustAsk] {
        let issuance = world.issue_silently(sign_in, ticket, START).await;
        assert_eq!(issuance, expected);
    }
}

pub(crate) async fn asking_stores_nothing<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let started = world.started();
    let consent = Consent::Silent {
        launch: None,
        request: REQUEST,
    };
    let issuance = world.issue(&started, sign_in, consent, START).await;
    assert_eq!(issuance, Issuance::MustAsk);
    let attempt = world.redeem(started.presented(), START).await;
    assert_eq!(attempt.rejection(), Some(RefusalReason::Unknown));
    // The page asks, the person agrees, and the same token is not in the way.
    let issuance = world
        .issue(&started, sign_in, Consent::Confirmed, START)
        .await;
    assert_eq!(issuance, Issuance::Issued);
}

pub(crate) async fn row_79_a_person_who_is_not_assigned_gets_nothing_and_the_ticket_stays_unused<
    F,
>(
    world: World<F>,
) {
    let sign_in = signed_in_for_the_request(&world).await;
    let ticket = Some(world.launch(sign_in, NOTES, START).await);
    world
        .assign(NOTES, AssignedTo::Users(vec![world.bob]))
        .await;
    let silent = Consent::Silent {
        launch: ticket,
        request: REQUEST,
    };
    for consent in [silent, Consent::Confirmed] {
        let started = world.started();
        let issuance = world.issue(&started, sign_in, consent, START).await;
        assert_eq!(issuance, Issuance::NotAssigned);
        let attempt = world.redeem(started.presented(), START).await;
        assert_eq!(attempt.rejection(), Some(RefusalReason::Unknown));
    }
    world.assign(NOTES, AssignedTo::Everyone).await;
    for expected in [Issuance::Issued, Issuance::Issued, Issuance::MustAsk] {
        let issuance = world.issue_silently(sign_in, ticket, START).await;
        assert_eq!(issuance, expected, "neither was used up");
    }
}

pub(crate) async fn an_unknown_client_gets_nothing<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let mut started = world.started();
    started.client = id("nobody");
    let issuance = world
        .issue(&started, sign_in, Consent::Confirmed, START)
        .await;
    assert_eq!(issuance, Issuance::ClientChanged);
    let refused = world
        .redeem_for(Revision::default(), started.presented())
        .await;
    assert_eq!(refused.unwrap_err(), NotRedeemed::ClientChanged);
}

pub(crate) async fn a_sign_in_that_is_not_alive_gets_nothing<F>(world: World<F>) {
    let unknown = SignInId::mint(world.random());
    let idle = world.sign_in(world.alice).await;
    let mut new = world.new_sign_in(world.alice, START);
    new.idle_until = START + ABSOLUTE * 2;
    let over = world.begin(new).await;
    let ended = world.sign_in(world.alice).await;
    world.store.end_sign_in(ended, START).await.unwrap();

    for (sign_in, now) in [
        (unknown, START),
        (idle, START + IDLE),
        (over, START + ABSOLUTE),
        (ended, START),
    ] {
        let ticket = LaunchTicket::mint(world.random()).digest();
        let silent = Consent::Silent {
            launch: Some(ticket),
            request: REQUEST,
        };
        for consent in [silent, Consent::Confirmed] {
            let started = world.started();
            let issuance = world.issue(&started, sign_in, consent, now).await;
            assert_eq!(issuance, Issuance::SignedOut);
            let attempt = world.redeem(started.presented(), now).await;
            assert_eq!(attempt.rejection(), Some(RefusalReason::Unknown));
        }
    }

    // One moment earlier their like are alive.
    let idle = world.sign_in(world.alice).await;
    world.send(idle, START + IDLE - TICK).await;
    let mut new = world.new_sign_in(world.alice, START);
    new.idle_until = START + ABSOLUTE * 2;
    let over = world.begin(new).await;
    world.send(over, START + ABSOLUTE - TICK).await;
}

pub(crate) async fn a_confirmed_handoff_needs_no_ticket_and_uses_none_up<F>(world: World<F>) {
    let sign_in = signed_in_for_the_request(&world).await;
    let ticket = Some(world.launch(sign_in, NOTES, START).await);
    world.send(sign_in, START).await;
    for expected in [Issuance::Issued, Issuance::Issued, Issuance::MustAsk] {
        let issuance = world.issue_silently(sign_in, ticket, START).await;
        assert_eq!(issuance, expected);
    }
}

pub(crate) async fn several_handoffs_of_one_sign_in_stand_side_by_side<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let (one, two) = (
        world.send(sign_in, START).await,
        world.send(sign_in, START).await,
    );
    let second = world.redeem(two.presented(), START).await;
    let first = world.redeem(one.presented(), START).await;
    assert_ne!(first.accepted().session.id, second.accepted().session.id);
    assert_eq!(world.closed(first.access, START).await, None);
    assert_eq!(world.closed(second.access, START).await, None);
}
