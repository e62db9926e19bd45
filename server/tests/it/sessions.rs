//! Sessions at Notes, and what ends them.

use reqwest::StatusCode;
use time::Duration;

use crate::harness::{Answer, Persona, World, world};

const ALICE: &str = "alice@harbor.example";
const BOB: &str = "bob@harbor.example";

#[tokio::test]
async fn row_56_signing_out_of_harbor_id_ends_the_session_at_notes_within_the_recheck() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    let csrf = alice.get(&world.authority("/")).await.csrf();
    alice
        .post(&world.authority("/logout"), &[("csrf", &csrf)])
        .await;
    world.clock.advance(Duration::seconds(30));
    assert!(!alice.is_signed_in_at_notes(&world).await);
}

#[tokio::test]
async fn row_53_signing_out_of_notes_ends_that_session_and_leaves_harbor_id_alone() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let home = alice.open_notes(&world).await;
    let old = alice.cookie(&home.url, "__Host-rp_session").unwrap();
    let answer = alice
        .post(&world.notes("/logout"), &[("csrf", &home.csrf())])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(alice.cookie(&home.url, "__Host-rp_session"), None);
    let page = alice.follow(answer).await;
    assert!(page.body.contains(&world.authority("/logout")), "{page:?}");
    alice.set_cookie(&home.url, "__Host-rp_session", &old);
    assert!(!alice.is_signed_in_at_notes(&world).await, "row 53");
    assert_eq!(
        alice.get(&world.authority("/")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_session_at_notes_ends_with_the_hour_that_verify_gave_it() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    for _ in 0..5 {
        world.clock.advance(Duration::minutes(10));
        assert!(
            alice.is_signed_in_at_notes(&world).await,
            "working at Notes is not being idle"
        );
    }
    world.clock.advance(Duration::minutes(10));
    assert!(!alice.is_signed_in_at_notes(&world).await);
    assert_eq!(
        alice.get(&world.authority("/")).await.status,
        StatusCode::OK,
        "Harbor ID stays"
    );
}

#[tokio::test]
async fn notes_belong_to_the_person_who_wrote_them() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let mallory = world.signed_in("mallory@harbor.example").await;
    let home = alice.open_notes(&world).await;
    let fields = [("csrf", &*home.csrf()), ("text", "a <b>secret</b> note")];
    let answer = alice.post(&world.notes("/notes"), &fields).await;
    let home = alice.follow(answer).await;
    assert!(
        home.body.contains("a &lt;b&gt;secret&lt;/b&gt; note"),
        "{home:?}"
    );
    let path = home
        .body
        .split_once("action=\"/notes/")
        .unwrap()
        .1
        .split_once('"')
        .unwrap()
        .0;
    let delete = world.notes(&format!("/notes/{path}"));

    let theirs = mallory.open_notes(&world).await;
    assert!(!theirs.body.contains("secret"), "{theirs:?}");
    mallory.post(&delete, &[("csrf", &theirs.csrf())]).await;
    let home = alice.get(&world.notes("/")).await;
    assert!(home.body.contains("secret"), "{home:?}");
    alice.post(&delete, &[("csrf", &home.csrf())]).await;
    let home = alice.get(&world.notes("/")).await;
    assert!(!home.body.contains("secret"), "{home:?}");
}

#[tokio::test]
async fn when_harbor_id_is_away_notes_says_so_and_gives_no_session() {
    let (process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let callback = alice.callback_address(&world).await;
    process.take_away(world.origins.of(authority::ID));
    let page = alice.open(&callback).await;
    assert!(page.url.contains("/signin/problem?"), "{page:?}");
    assert!(
        page.url.contains("reason=authority-unreachable"),
        "{page:?}"
    );
    assert!(!alice.is_signed_in_at_notes(&world).await);
}

#[tokio::test]
async fn row_82_a_browser_that_hangs_up_leaves_no_session_that_nobody_holds() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    for turns in 0..60 {
        let callback = alice.callback_address(&world).await;
        alice.get_and_hang_up(&world, &callback, turns).await;
        world.settled().await;
        let (at_harbor, at_notes) = world.living_sessions().await;
        assert_eq!(at_harbor, at_notes, "after {turns} turns");
    }
    let (at_harbor, _) = world.living_sessions().await;
    assert!(
        at_harbor > 0,
        "some callbacks were read before the browser hung up"
    );
}

#[tokio::test]
async fn row_23_a_new_sign_in_at_notes_has_a_new_id_and_the_old_one_is_dead() {
    let (_process, world) = world().await;
    let alice = world.signed_in(ALICE).await;
    let home = alice.open_notes(&world).await;
    let old = alice.cookie(&home.url, "__Host-rp_session").unwrap();
    let callback = alice.callback_address(&world).await;
    let pre = alice.cookie(&home.url, "__Host-rp_pre").unwrap();
    alice.open(&callback).await;
    let new = alice.cookie(&home.url, "__Host-rp_session").unwrap();
    assert_ne!(old, new);
    assert!(alice.is_signed_in_at_notes(&world).await);
    assert_eq!(alice.cookie(&home.url, "__Host-rp_pre"), None);

    let thief = world.visitor();
    thief.set_cookie(&home.url, "__Host-rp_session", &old);
    assert!(!thief.is_signed_in_at_notes(&world).await);
    // Nor is the pre-session a session, or good for a second one.
    thief.set_cookie(&home.url, "__Host-rp_session", &pre);
    thief.set_cookie(&home.url, "__Host-rp_pre", &pre);
    assert!(!thief.is_signed_in_at_notes(&world).await);
    let page = thief.open(&callback).await;
    assert!(page.url.contains("reason=not-this-browser"), "{page:?}");
    assert_eq!(world.living_sessions().await, (1, 1));
}

/// The same browser at the moment before the answers to its other tabs arrive.
fn other_tab(world: &World, browser: &Persona) -> Persona {
    let tab = world.visitor();
    let notes = world.notes("/");
    let pre = browser.cookie(&notes, "__Host-rp_pre").unwrap();
    tab.set_cookie(&notes, "__Host-rp_pre", &pre);
    tab
}

#[tokio::test]
async fn row_23_of_two_tabs_that_come_back_at_once_one_session_is_left() {
    let (_process, world) = world().await;
    let alice = world.signed_in(ALICE).await;
    let callbacks = [
        alice.callback_address(&world).await,
        alice.callback_address(&world).await,
    ];
    let other = other_tab(&world, &alice);
    alice.open(&callbacks[0]).await;
    let home = other.open(&callbacks[1]).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
    assert_eq!(
        world.living_sessions().await,
        (1, 1),
        "the elder one has ended, and its access token is revoked"
    );
    assert!(other.is_signed_in_at_notes(&world).await);

    // And whichever way they come, the browser has the one that is left.
    for _ in 0..20 {
        let callbacks = [
            alice.callback_address(&world).await,
            alice.callback_address(&world).await,
        ];
        let tabs = callbacks.map(|callback| {
            let tab = alice.clone();
            tokio::spawn(async move { tab.get(&callback).await })
        });
        for tab in tabs {
            let answer = tab.await.unwrap();
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        }
        let (at_harbor, at_notes) = world.living_sessions().await;
        assert_eq!((at_harbor, at_notes), (1, 1));
    }
}

#[tokio::test]
async fn row_24_two_people_who_come_back_at_once_are_asked() {
    let (_process, world) = world().await;
    let browser = world.signed_in(ALICE).await;
    let alices = browser.callback_address(&world).await;
    browser.lose_cookie(&world.authority("/"), "__Host-as_session");
    browser.sign_in(&world, BOB).await;
    let bobs = browser.callback_address(&world).await;
    let other = other_tab(&world, &browser);
    browser.open(&alices).await;

    // This request was sent before Alice's answer had come.
    let answer = other.get(&bobs).await;
    assert_eq!(answer.location(), world.notes("/switch"), "{answer:?}");
    let page = browser.get(&world.notes("/switch")).await;
    assert!(
        page.body
            .contains("Switch from Alice Moreau to Bob Okafor?"),
        "{page:?}"
    );
    let fields = [("csrf", &*page.csrf()), ("decision", "switch")];
    let answer = browser.post(&world.notes("/switch"), &fields).await;
    let home = browser.follow(answer).await;
    assert!(home.body.contains("Bob Okafor"), "{home:?}");
    assert_eq!(world.living_sessions().await, (1, 1));
}

async fn sign_out_of_notes(world: &World, browser: &Persona, csrf: &str) -> Answer {
    let url = world.notes("/logout");
    let answer = browser.post(&url, &[("csrf", csrf)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    answer
}

#[tokio::test]
async fn row_81_signing_out_of_notes_while_its_callback_is_under_way_leaves_no_session() {
    let (_process, world) = world().await;
    let alice = world.signed_in(ALICE).await;
    for round in 0..60 {
        let home = alice.open_notes(&world).await;
        let csrf = home.csrf();
        let callback = alice.callback_address(&world).await;
        match round % 3 {
            0 => {
                alice.get(&callback).await;
                // The page that has the button is from before.
                let old = alice.get(&world.notes("/")).await.csrf();
                sign_out_of_notes(&world, &alice, &old).await;
            }
            1 => {
                sign_out_of_notes(&world, &alice, &csrf).await;
                // A new handoff has begun, which signs nobody in before they say so.
                let page = alice.open(&callback).await;
                assert!(page.url.contains("/handoff/authorize?"), "{page:?}");
                assert!(page.body.contains("Continue to Notes"), "{page:?}");
            }
            _ => {
                // Both with the cookies of before: as the browser sends them.
                let finishing = {
                    let (tab, callback) = (alice.clone(), callback.clone());
                    tokio::spawn(async move { tab.get(&callback).await })
                };
                for _ in 0..round * 8 {
                    tokio::task::yield_now().await;
                }
                let notes = world.notes("/logout");
                let answer = alice.post(&notes, &[("csrf", &csrf)]).await;
                let finished = finishing.await.unwrap();
                assert_eq!(finished.status, StatusCode::SEE_OTHER, "{finished:?}");
                if answer.status == StatusCode::FORBIDDEN {
                    // The browser had the new session already, and the button was the old one's: so
                    // nobody signed out, and the button is still there.
                    let home = alice.get(&world.notes("/")).await;
                    sign_out_of_notes(&world, &alice, &home.csrf()).await;
                } else {
                    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
                }
            }
        }
        assert_eq!(world.living_sessions().await, (0, 0), "round {round}");
        assert!(!alice.is_signed_in_at_notes(&world).await, "round {round}");
    }
}

/// Alice's session at Notes, and Bob's sign-in, which waits for an answer to "Switch?". Then Alice
/// signs out elsewhere.
async fn alice_leaves_while_bob_waits(world: &World) -> (Persona, Answer) {
    let browser = world.signed_in(ALICE).await;
    browser.open_notes(world).await;
    let authority = world.authority("/");
    let alices = browser.cookie(&authority, "__Host-as_session").unwrap();
    browser.lose_cookie(&authority, "__Host-as_session");
    browser.sign_in(world, BOB).await;
    let page = browser.open_notes(world).await;
    assert_eq!(page.url, world.notes("/switch"), "{page:?}");

    let elsewhere = world.visitor();
    elsewhere.set_cookie(&authority, "__Host-as_session", &alices);
    let csrf = elsewhere.get(&authority).await.csrf();
    elsewhere
        .post(&world.authority("/logout"), &[("csrf", &csrf)])
        .await;
    world.clock.advance(Duration::seconds(30));
    (browser, page)
}

#[tokio::test]
async fn row_24_when_nobody_is_left_to_switch_from_the_page_says_so_and_leads_on() {
    let (_process, world) = world().await;
    for decision in [None, Some("switch"), Some("stay")] {
        let (browser, page) = alice_leaves_while_bob_waits(&world).await;
        let answer = match decision {
            None => browser.get(&world.notes("/switch")).await,
            Some(decision) => {
                let fields = [("csrf", &*page.csrf()), ("decision", decision)];
                browser.post(&world.notes("/switch"), &fields).await
            }
        };
        let page = browser.follow(answer).await;
        let words = "Nobody is signed in to Notes any more";
        assert!(page.body.contains(words), "{decision:?}: {page:?}");
        assert!(!browser.is_signed_in_at_notes(&world).await);
        assert_eq!(
            world.living_sessions().await,
            (0, 0),
            "{decision:?}: Bob's is revoked"
        );

        // Bob's way on: one click, and a question, because no launch ticket says that he wants it.
        assert!(page.body.contains("/handoff/start"), "{page:?}");
        let page = browser.open(&world.notes("/handoff/start")).await;
        let words = "Continue to Notes as Bob Okafor?";
        assert!(page.body.contains(words), "{decision:?}: {page:?}");
    }
}
