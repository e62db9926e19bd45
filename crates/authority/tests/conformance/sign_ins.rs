use authority::store::{
    Began, Issuance, NoSession, OwnClientSession, OwnSignIn, SignIn, TOUCH_STEP, Which,
};
use handoff::{
    ids::{SessionId, SignInId, UserId},
    refusal_reason::RefusalReason,
    token::{AccessToken, Digest, LaunchTicket},
    wire::UserInfo,
};
use time::{Duration, OffsetDateTime};

use super::world::{ABSOLUTE, IDLE, NOTES, People, START, Sent, TICK, World, id, seconds};

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
            previous: None,
        })
    );
}

pub(crate) async fn a_sign_in_knows_when_the_person_signed_in_before<F>(world: World<F>) {
    world
        .begin(world.new_sign_in(world.bob, START + seconds(1)))
        .await;
    let first = world.sign_in(world.alice).await;
    let at = START + ABSOLUTE * 10;
    // What has been swept since is no less true.
    world.store.sweep(at).await.unwrap();
    let second = world.begin(world.new_sign_in(world.alice, at)).await;
    let third = world
        .begin(world.new_sign_in(world.alice, at + seconds(5)))
        .await;
    assert!(!world.is_signed_in(first, at).await);
    for (sign_in, expected) in [(second, START), (third, at)] {
        let now = at + seconds(10);
        let found = world.store.touch_sign_in(sign_in, now, IDLE).await.unwrap();
        assert_eq!(found.unwrap().previous, Some(expected));
    }
}

pub(crate) async fn a_sign_in_that_did_not_begin_is_none_before<F>(world: World<F>) {
    let mut refused = world.new_sign_in(world.alice, START);
    refused.compared_with = Some("another hash".to_owned());
    let began = world.store.begin_sign_in(refused, None).await.unwrap();
    assert_eq!(began, Began::Refused);
    let sign_in = world.begin(world.new_sign_in(world.alice, START)).await;
    let found = world.store.touch_sign_in(sign_in, START, IDLE).await;
    assert_eq!(found.unwrap().unwrap().previous, None);
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

pub(crate) async fn a_touch_is_kept_in_steps_of_thirty_seconds<F>(world: World<F>) {
    assert_eq!(TOUCH_STEP, seconds(30));
    for (touched_after, kept) in [
        (seconds(20), false),
        (TOUCH_STEP - TICK, false),
        (TOUCH_STEP, true),
        (IDLE / 2, true),
    ] {
        let touched_at = START + touched_after;
        let end = if kept { touched_at } else { START } + IDLE;
        for (look, lives_on) in [(end - TICK, true), (end, false)] {
            let sign_in = world.sign_in(world.alice).await;
            assert!(world.is_signed_in(sign_in, touched_at).await);
            let found = world.is_signed_in(sign_in, look).await;
            assert_eq!(found, lives_on, "{touched_after}");
        }
    }
}

pub(crate) async fn a_sign_in_with_a_short_idle_time_lives_on_too<F>(world: World<F>) {
    let idle = seconds(8);
    for every in [seconds(1), seconds(3), idle * 0.75] {
        let mut new = world.new_sign_in(world.alice, START);
        new.idle_until = START + idle;
        let sign_in = world.begin(new).await;
        let mut now = START;
        for _ in 0..20 {
            now += every;
            let found = world.store.touch_sign_in(sign_in, now, idle).await;
            assert!(found.unwrap().is_some(), "{now}");
        }
        let found = world.store.touch_sign_in(sign_in, now + idle, idle).await;
        assert!(found.unwrap().is_none());
    }
}

pub(crate) async fn row_62_a_sign_in_that_nobody_asks_for_ends<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let busy = world.sign_in(world.alice).await;
    assert!(world.is_signed_in(busy, START + IDLE / 2).await);
    assert!(!world.is_signed_in(sign_in, START + IDLE).await);
    assert!(world.is_signed_in(busy, START + IDLE).await);
}

pub(crate) async fn sign_ins_are_counted_while_they_are_alive<F>(world: World<F>) {
    let count = async |now| world.store.count_sign_ins(now).await.unwrap();
    assert_eq!(count(START).await, 0);
    let ended = world.sign_in(world.alice).await;
    let busy = world.sign_in(world.alice).await;
    world.sign_in(world.bob).await;
    assert_eq!(count(START).await, 3);
    world.store.end_sign_in(ended, START).await.unwrap();
    assert_eq!(count(START).await, 2);
    assert!(world.is_signed_in(busy, START + IDLE / 2).await);
    assert_eq!(count(START + IDLE - TICK).await, 2);
    assert_eq!(count(START + IDLE).await, 1);
    assert_eq!(count(START + ABSOLUTE).await, 0);
}

pub(crate) async fn a_sign_in_that_ended_for_idleness_is_not_revived<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    for _ in 0..2 {
        assert!(!world.is_signed_in(sign_in, START + IDLE).await);
        assert!(!world.is_signed_in(sign_in, START + IDLE * 2).await);
    }
}

pub(crate) async fn row_62_a_sign_in_ends_at_its_absolute_end_however_busy<F>(world: World<F>) {
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
    async fn begin(people: &People, user: UserId) -> Self {
        let sign_in = people.sign_in(user).await;
        Self {
            sign_in,
            ticket: people.launch(sign_in, NOTES, START).await,
            unredeemed: people.send(sign_in, START).await,
            session: people.redeemed(sign_in, START).await.access,
        }
    }

    async fn has_ended(self, people: &People, why: NoSession) {
        let now = START + seconds(2);
        assert!(!people.is_signed_in(self.sign_in, now).await);
        assert_eq!(people.closed(self.session, now).await, Some(why));
        let issuance = people
            .issue_silently(self.sign_in, Some(self.ticket), now)
            .await;
        assert_eq!(issuance, Issuance::SignedOut);
        let attempt = people.redeem(self.unredeemed.presented(), now).await;
        assert_eq!(attempt.rejection(), Some(RefusalReason::SignInEnded));
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

pub(crate) async fn row_56_ending_a_sign_in_ends_all_that_hangs_on_it<F>(world: World<F>) {
    let ended = Cascade::begin(&world, world.alice).await;
    let other = Cascade::begin(&world, world.alice).await;
    let now = START + seconds(1);
    let open = world.store.end_sign_in(ended.sign_in, now).await.unwrap();
    assert_eq!(open, [NOTES], "each client once, by name");
    ended.has_ended(&world, NoSession::Unknown).await;
    other.goes_on(&world).await;
}

pub(crate) async fn a_sign_in_that_replaces_another_ends_it_with_all_that_hangs_on_it<F>(
    world: World<F>,
) {
    let replaced = Cascade::begin(&world, world.alice).await;
    let other = Cascade::begin(&world, world.alice).await;
    let new = world.new_sign_in(world.bob, START + seconds(1));
    let (id, old) = (new.id, replaced.sign_in);
    world.store.begin_sign_in(new, Some(old)).await.unwrap();
    assert!(world.is_signed_in(id, START + seconds(1)).await);
    replaced.has_ended(&world, NoSession::Unknown).await;
    other.goes_on(&world).await;
}

pub(crate) async fn disabling_a_person_ends_all_their_sign_ins_and_no_others<F>(world: World<F>) {
    let ended = [
        Cascade::begin(&world, world.alice).await,
        Cascade::begin(&world, world.alice).await,
    ];
    let bobs = Cascade::begin(&world, world.bob).await;
    let now = START + seconds(1);
    assert!(world.store.disable_user(world.alice, now).await.unwrap());
    for ended in ended {
        ended.has_ended(&world, NoSession::UserGone).await;
    }
    bobs.goes_on(&world).await;
}

pub(crate) async fn a_new_password_ends_all_their_sign_ins_and_no_others<F>(world: World<F>) {
    let ended = [
        Cascade::begin(&world, world.alice).await,
        Cascade::begin(&world, world.alice).await,
    ];
    let bobs = Cascade::begin(&world, world.bob).await;
    let now = START + seconds(1);
    let set = world
        .store
        .set_password(world.alice, "new".to_owned(), now)
        .await;
    assert!(set.unwrap());
    for ended in ended {
        ended.has_ended(&world, NoSession::Unknown).await;
    }
    bobs.goes_on(&world).await;
}

pub(crate) async fn a_password_that_was_changed_meanwhile_begins_no_sign_in<F>(world: World<F>) {
    let before = world.sign_in(world.alice).await;
    for (compared_with, expected) in [
        ("another hash", Began::Refused),
        ("hash of bob", Began::Refused),
        ("hash of alice", Began::Yes),
    ] {
        let mut new = world.new_sign_in(world.alice, START);
        new.compared_with = Some(compared_with.to_owned());
        let id = new.id;
        let began = world.store.begin_sign_in(new, Some(before)).await.unwrap();
        assert_eq!(began, expected, "{compared_with}");
        let has_begun = expected == Began::Yes;
        assert_eq!(world.is_signed_in(id, START).await, has_begun);
        // What it was to replace goes only when it begins.
        assert_eq!(world.is_signed_in(before, START).await, !has_begun);
    }
}

pub(crate) async fn a_person_who_was_disabled_meanwhile_begins_no_sign_in<F>(world: World<F>) {
    let other = world.sign_in(world.bob).await;
    world.store.disable_user(world.alice, START).await.unwrap();
    for compared_with in [Some("hash of alice".to_owned()), None] {
        let mut new = world.new_sign_in(world.alice, START);
        new.compared_with = compared_with;
        let id = new.id;
        let began = world.store.begin_sign_in(new, Some(other)).await.unwrap();
        assert_eq!(began, Began::Refused);
        assert!(!world.is_signed_in(id, START).await);
        assert!(world.is_signed_in(other, START).await);
    }
}

async fn listed(people: &People, user: UserId, now: OffsetDateTime) -> Vec<OwnSignIn> {
    people.store.list_sign_ins(user, now).await.unwrap()
}

pub(crate) async fn row_62_a_person_sees_their_living_sign_ins_and_what_each_gave<F>(
    world: World<F>,
) {
    let mut new = world.new_sign_in(world.alice, START);
    new.browser = "Safari on iPhone".to_owned();
    let phone = world.begin(new).await;
    let at = START + seconds(10);
    let desk = world.begin(world.new_sign_in(world.alice, at)).await;
    let bobs = world.sign_in(world.bob).await;
    world.redeemed(bobs, START).await;
    let second = world.redeemed(phone, START + seconds(40)).await.session;
    let first = world.redeemed(phone, START + seconds(20)).await.session;
    // What has ended is not listed: a sign-in, and a session of one that goes on.
    let over = world.sign_in(world.alice).await;
    world.redeemed(over, START).await;
    world.store.end_sign_in(over, START).await.unwrap();
    let left = world.redeemed(phone, START).await;
    let notes = id(NOTES);
    let ended = world.store.end_client_session(left.access, &notes, START);
    assert!(ended.await.unwrap());

    let session = |id, after| OwnClientSession {
        id,
        client_name: NOTES.to_owned(),
        began: START + seconds(after),
    };
    let on_the_phone = OwnSignIn {
        id: phone,
        browser: "Safari on iPhone".to_owned(),
        began: START,
        last_used: START,
        sessions: vec![session(first, 20), session(second, 40)],
    };
    let at_the_desk = OwnSignIn {
        id: desk,
        browser: "Firefox on Linux".to_owned(),
        began: at,
        last_used: at,
        sessions: vec![],
    };
    let now = START + seconds(50);
    let found = listed(&world, world.alice, now).await;
    assert_eq!(found, [at_the_desk.clone(), on_the_phone.clone()]);

    // The last used comes first.
    let used = START + seconds(60);
    assert!(world.is_signed_in(phone, used).await);
    let on_the_phone = OwnSignIn {
        last_used: used,
        ..on_the_phone
    };
    let found = listed(&world, world.alice, used).await;
    assert_eq!(found, [on_the_phone.clone(), at_the_desk]);

    // What nobody used is gone, and so is what has expired.
    assert_eq!(listed(&world, world.alice, at + IDLE).await, [on_the_phone]);
    assert_eq!(listed(&world, world.alice, used + IDLE).await, []);
    world.store.disable_user(world.bob, START).await.unwrap();
    assert_eq!(listed(&world, world.bob, START).await, []);
}

pub(crate) async fn row_62_a_session_that_has_expired_is_not_listed<F>(world: World<F>) {
    let mut new = world.new_sign_in(world.alice, START);
    new.idle_until = new.expires_at;
    let sign_in = world.begin(new).await;
    world.redeemed(sign_in, START).await;
    let hour = Duration::hours(1);
    for (now, expected) in [(START + hour - TICK, 1), (START + hour, 0)] {
        let found = listed(&world, world.alice, now).await;
        assert_eq!(found.len(), 1, "{now}");
        assert_eq!(found[0].sessions.len(), expected, "{now}");
    }
    assert_eq!(listed(&world, world.alice, START + ABSOLUTE).await, []);
}

pub(crate) async fn row_62_a_person_ends_a_sign_in_of_theirs_with_all_that_hangs_on_it<F>(
    world: World<F>,
) {
    let ended = Cascade::begin(&world, world.alice).await;
    let other = Cascade::begin(&world, world.alice).await;
    let now = START + seconds(1);
    for expected in [true, false] {
        let done = world.store.end_own_sign_in(world.alice, ended.sign_in, now);
        assert_eq!(done.await.unwrap().is_some(), expected);
    }
    ended.has_ended(&world, NoSession::Unknown).await;
    other.goes_on(&world).await;
}

pub(crate) async fn row_62_a_person_ends_all_other_sign_ins_of_theirs<F>(world: World<F>) {
    let own = Cascade::begin(&world, world.alice).await;
    let others = [
        Cascade::begin(&world, world.alice).await,
        Cascade::begin(&world, world.alice).await,
    ];
    let bobs = Cascade::begin(&world, world.bob).await;
    let now = START + seconds(1);
    let store = &world.store;
    let ended = store.end_own_sign_ins(world.alice, own.sign_in, Which::Others, now);
    assert_eq!(ended.await.unwrap(), Some(vec![NOTES.to_owned()]));
    for other in others {
        other.has_ended(&world, NoSession::Unknown).await;
    }
    let ended = store.end_own_sign_ins(world.alice, own.sign_in, Which::Others, now);
    assert_eq!(ended.await.unwrap(), Some(Vec::new()), "there is none left");
    own.goes_on(&world).await;
    bobs.goes_on(&world).await;
}

pub(crate) async fn row_62_a_person_ends_all_sign_ins_of_theirs<F>(world: World<F>) {
    let own = Cascade::begin(&world, world.alice).await;
    let other = Cascade::begin(&world, world.alice).await;
    let bobs = Cascade::begin(&world, world.bob).await;
    let now = START + seconds(1);
    let store = &world.store;
    let ended = store.end_own_sign_ins(world.alice, own.sign_in, Which::All, now);
    assert_eq!(ended.await.unwrap(), Some(vec![NOTES.to_owned()]));
    // The one that asked is gone too, and asks for nothing more.
    let again = store.end_own_sign_ins(world.alice, own.sign_in, Which::All, now);
    assert_eq!(again.await.unwrap(), None);
    own.has_ended(&world, NoSession::Unknown).await;
    other.has_ended(&world, NoSession::Unknown).await;
    bobs.goes_on(&world).await;
}

pub(crate) async fn row_62_nobody_ends_what_is_another_persons_or_unknown_or_over<F>(
    world: World<F>,
) {
    let alices = Cascade::begin(&world, world.alice).await;
    let session = world.redeemed(alices.sign_in, START).await;
    let store = &world.store;
    let unknown = SignInId::mint(world.random());
    for (user, sign_in, now) in [
        (world.bob, alices.sign_in, START),
        (world.alice, unknown, START),
        (world.alice, alices.sign_in, START + IDLE),
        (world.alice, alices.sign_in, START + ABSOLUTE),
    ] {
        let done = store.end_own_sign_in(user, sign_in, now).await;
        assert_eq!(done.unwrap(), None);
        for which in [Which::Others, Which::All] {
            let done = store.end_own_sign_ins(user, sign_in, which, now).await;
            assert_eq!(done.unwrap(), None);
        }
    }
    let unknown = SessionId::mint(world.random());
    for (user, session, now) in [
        (world.bob, session.session, START),
        (world.alice, unknown, START),
        (world.alice, session.session, START + Duration::hours(1)),
    ] {
        let done = store.end_own_client_session(user, session, now).await;
        assert!(!done.unwrap());
    }
    assert_eq!(world.closed(session.access, START).await, None);
    alices.goes_on(&world).await;
}

pub(crate) async fn row_62_a_person_ends_a_clients_session_of_theirs_and_no_more<F>(
    world: World<F>,
) {
    let alices = Cascade::begin(&world, world.alice).await;
    let ended = world.redeemed(alices.sign_in, START).await;
    let now = START + seconds(1);
    for expected in [true, false] {
        let done = world
            .store
            .end_own_client_session(world.alice, ended.session, now);
        assert_eq!(done.await.unwrap(), expected);
        let closed = world.closed(ended.access, now).await;
        assert_eq!(closed, Some(NoSession::Unknown));
    }
    alices.goes_on(&world).await;
}
