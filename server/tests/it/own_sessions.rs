//! *Where you are signed in*: the list of a person's sessions, and *End* on each.

use reqwest::StatusCode;
use time::Duration;

use crate::harness::{Answer, Kept, PASSWORD, Persona, Process, World, world};

const ALICE: &str = "alice@harbor.example";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Version/26.0 Safari/1";
const RECHECK: Duration = Duration::seconds(30);

/// Signs in with a browser that says what it is.
async fn signed_in_with(world: &World, agent: &str, email: &str) -> Persona {
    let persona = world.visitor();
    let page = persona.get(&world.authority("/login")).await;
    let fields = [
        ("csrf", &*page.csrf()),
        ("email", email),
        ("password", PASSWORD),
    ];
    let headers = [("sec-fetch-site", "same-origin"), ("user-agent", agent)];
    let url = world.authority("/login");
    let answer = persona.post_with(&url, &headers, &fields).await;
    assert!(answer.location_starts_with(&world.authority("/")));
    persona
}

async fn sessions(world: &World, persona: &Persona) -> Answer {
    let page = persona.get(&world.authority("/sessions")).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    page
}

/// The *End* buttons of the page: what each is called, and where its form goes.
fn ends(page: &Answer) -> Vec<(String, String)> {
    let forms = page.body.split("<form ").skip(1);
    let forms = forms.map(|form| form.split_once("</form>").unwrap().0);
    forms
        .filter(|form| form.contains("aria-label=\"End "))
        .map(|form| {
            let after = |mark: &str| {
                let rest = form.split_once(mark).unwrap().1;
                rest.split_once('"').unwrap().0.to_owned()
            };
            (after("aria-label=\""), after("action=\""))
        })
        .collect()
}

/// The address of the one button whose name begins so and ends so.
#[track_caller]
fn end_of(page: &Answer, start: &str, end: &str) -> String {
    let all = ends(page);
    let mut found = all
        .iter()
        .filter(|(name, _)| name.starts_with(start) && name.ends_with(end));
    match (found.next(), found.next()) {
        (Some((_, action)), None) => action.clone(),
        _ => panic!("not one {start} … {end} in {all:?}"),
    }
}

async fn press(world: &World, persona: &Persona, action: &str) -> Answer {
    let csrf = sessions(world, persona).await.csrf();
    let url = world.authority(action);
    persona.post(&url, &[("csrf", &csrf)]).await
}

#[tokio::test]
async fn row_62_the_page_lists_this_browser_and_others_and_the_apps_of_each() {
    let (_process, world) = world().await;
    let _phone = signed_in_with(&world, SAFARI, ALICE).await;
    world.clock.advance(Duration::minutes(5));
    let desk = signed_in_with(&world, FIREFOX, ALICE).await;
    world.clock.advance(Duration::minutes(2));
    desk.open_notes(&world).await;
    let bob = signed_in_with(&world, FIREFOX, "bob@harbor.example").await;
    bob.open_notes(&world).await;

    let portal = desk.get(&world.authority("/")).await;
    assert!(portal.body.contains("href=\"/sessions\""), "{portal:?}");
    let page = sessions(&world, &desk).await;
    let names: Vec<_> = ends(&page).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "End the sign-in begun 21 November 2026, 03:05 UTC in this browser, Firefox on Linux",
            "End the Notes session begun 21 November 2026, 03:07 UTC in Firefox on Linux",
            "End the sign-in begun 21 November 2026, 03:00 UTC in Safari on iPhone",
        ]
    );
    assert_eq!(page.header("cache-control"), "no-store");
    // Row 83: its forms end here, and it names no other client and nobody else.
    let policy = page.header("content-security-policy");
    assert!(policy.ends_with("form-action 'self'"), "{policy}");
    for other in ["bob", "Bob", "tasks", "Tasks", FIREFOX, "Mozilla"] {
        assert!(!page.body.contains(other), "{other}: {page:?}");
    }
}

#[tokio::test]
async fn row_62_end_on_a_notes_session_signs_notes_out_within_the_recheck_and_nothing_else() {
    let (_process, world) = world().await;
    let desk = signed_in_with(&world, FIREFOX, ALICE).await;
    let phone = signed_in_with(&world, SAFARI, ALICE).await;
    desk.open_notes(&world).await;
    phone.open_notes(&world).await;

    let page = sessions(&world, &phone).await;
    let action = end_of(&page, "End the Notes session", "in Firefox on Linux");
    let answer = press(&world, &phone, &action).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let page = phone.follow(answer).await;
    assert_eq!(page.url, world.authority("/sessions?ended=app"));
    assert!(page.body.contains("That session has ended."), "{page:?}");
    assert_eq!(ends(&page).len(), 3, "two sign-ins, one session");

    world.clock.advance(RECHECK);
    assert!(!desk.is_signed_in_at_notes(&world).await);
    assert!(phone.is_signed_in_at_notes(&world).await);
    for browser in [&desk, &phone] {
        assert_eq!(
            browser.get(&world.authority("/")).await.status,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn row_62_end_on_another_browser_signs_it_out_with_its_notes() {
    let (_process, world) = world().await;
    let desk = signed_in_with(&world, FIREFOX, ALICE).await;
    let phone = signed_in_with(&world, SAFARI, ALICE).await;
    desk.open_notes(&world).await;
    phone.open_notes(&world).await;
    let page = sessions(&world, &phone).await;
    let action = end_of(&page, "End the sign-in", "in Firefox on Linux");
    let answer = press(&world, &phone, &action).await;
    let page = phone.follow(answer).await;
    assert_eq!(page.url, world.authority("/sessions?ended=browser"));
    assert!(page.body.contains("No other browser."), "{page:?}");

    let ended = desk.get(&world.authority("/")).await;
    assert_eq!(
        ended.location(),
        world.authority("/login?notice=session-ended")
    );
    world.clock.advance(RECHECK);
    assert!(!desk.is_signed_in_at_notes(&world).await);
    assert!(phone.is_signed_in_at_notes(&world).await);
    sessions(&world, &phone).await;
}

#[tokio::test]
async fn row_62_end_on_this_browser_signs_out() {
    let (_process, world) = world().await;
    let alice = signed_in_with(&world, FIREFOX, ALICE).await;
    alice.open_notes(&world).await;
    let url = world.authority("/");
    let cookie = alice.cookie(&url, "__Host-as_session").unwrap();
    let page = sessions(&world, &alice).await;
    let action = end_of(
        &page,
        "End the sign-in",
        "in this browser, Firefox on Linux",
    );
    let answer = press(&world, &alice, &action).await;
    assert_eq!(
        answer.location(),
        world.authority("/login?notice=signed-out")
    );
    assert_eq!(answer.header("clear-site-data"), "\"cache\"", "row 57");
    assert_eq!(alice.cookie(&url, "__Host-as_session"), None);
    alice.set_cookie(&url, "__Host-as_session", &cookie);
    let answer = alice.get(&url).await;
    assert!(answer.location_starts_with(&world.authority("/login")));
    world.clock.advance(RECHECK);
    assert!(!alice.is_signed_in_at_notes(&world).await, "row 56");
}

#[tokio::test]
async fn rows_62_79_nobody_ends_another_persons_session_and_the_answer_is_that_of_an_unknown_one() {
    let (_process, world) = world().await;
    let alice = signed_in_with(&world, FIREFOX, ALICE).await;
    alice.open_notes(&world).await;
    let mallory = world.signed_in("mallory@harbor.example").await;
    let page = sessions(&world, &alice).await;
    let own = ends(&page);
    assert_eq!(own.len(), 2, "{own:?}");
    let unknown = "A".repeat(22);
    let mut answers = std::collections::BTreeSet::new();
    for action in own.iter().map(|(_, action)| action.clone()).chain([
        format!("/sessions/{unknown}/end"),
        format!("/sessions/apps/{unknown}/end"),
        "/sessions/x/end".to_owned(),
        "/sessions/apps/x/end".to_owned(),
        "/sessions/%ff/end".to_owned(),
        "/sessions/apps/%ff/end".to_owned(),
    ]) {
        let answer = press(&world, &mallory, &action).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
        // The trace id is the request's own.
        let (before, rest) = answer.body.split_once("<code>").unwrap();
        let after = rest.split_once("</code>").unwrap().1;
        answers.insert((before.to_owned(), after.to_owned()));
    }
    assert_eq!(answers.len(), 1, "{answers:#?}");
    world.clock.advance(RECHECK);
    assert!(alice.is_signed_in_at_notes(&world).await);
    assert_eq!(ends(&sessions(&world, &alice).await), own);
}

#[tokio::test]
async fn rows_26_62_end_needs_a_form_of_this_site_and_of_this_session() {
    let (_process, world) = world().await;
    let alice = signed_in_with(&world, FIREFOX, ALICE).await;
    let other = signed_in_with(&world, SAFARI, ALICE).await;
    alice.open_notes(&world).await;
    let own = ends(&sessions(&world, &alice).await);
    let csrf = sessions(&world, &alice).await.csrf();
    let others = sessions(&world, &other).await.csrf();
    for (_, action) in &own {
        let url = world.authority(action);
        for fields in [&[][..], &[("csrf", "x")], &[("csrf", &*others)]] {
            let answer = alice.post(&url, fields).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
        }
        for site in ["cross-site", "same-site", "none"] {
            let headers = [("sec-fetch-site", site)];
            let answer = alice.post_with(&url, &headers, &[("csrf", &csrf)]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{site}: {answer:?}");
        }
        let answer = alice.get(&url).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{answer:?}");
        let stranger = world.visitor();
        let answer = stranger.post(&url, &[("csrf", &csrf)]).await;
        let sign_in = world.authority("/login?continue=%2Fsessions");
        assert_eq!(answer.location(), sign_in, "{answer:?}");
    }
    assert_eq!(ends(&sessions(&world, &alice).await), own);
    let answer = world.visitor().get(&world.authority("/sessions")).await;
    assert_eq!(
        answer.location(),
        world.authority("/login?continue=%2Fsessions")
    );
}

#[tokio::test]
async fn rows_53_62_a_changed_password_or_a_disabled_person_ends_every_session() {
    use authority::{people::Email, store::AccountStore};
    for disables in [true, false] {
        let (_process, world) = world().await;
        let desk = signed_in_with(&world, FIREFOX, ALICE).await;
        let phone = signed_in_with(&world, SAFARI, ALICE).await;
        let bob = world.signed_in("bob@harbor.example").await;
        for browser in [&desk, &phone, &bob] {
            browser.open_notes(&world).await;
        }
        let file = world.folder().join("authority.db");
        let store = authority::store::Sqlite::open(&file).await.unwrap();
        let email = Email::parse(ALICE).unwrap();
        let user = store.find_account(&email).await.unwrap().unwrap().user.id;
        let now = web::clock::Clock::now(&*world.clock);
        let done = if disables {
            store.disable_user(user, now).await
        } else {
            store.set_password(user, "another".to_owned(), now).await
        };
        assert!(done.unwrap());
        store.close().await;

        world.clock.advance(RECHECK);
        for browser in [&desk, &phone] {
            let answer = browser.get(&world.authority("/sessions")).await;
            let ended = world.authority("/login?continue=%2Fsessions&notice=session-ended");
            assert_eq!(answer.location(), ended);
            assert!(!browser.is_signed_in_at_notes(&world).await);
        }
        assert!(bob.is_signed_in_at_notes(&world).await);
        assert_eq!(ends(&sessions(&world, &bob).await).len(), 2);
    }
}

async fn is_signed_in(world: &World, persona: &Persona) -> bool {
    persona.get(&world.authority("/")).await.status == StatusCode::OK
}

#[tokio::test]
async fn row_62_all_other_browsers_are_ended_at_once() {
    let (_process, world) = world().await;
    let phone = signed_in_with(&world, SAFARI, ALICE).await;
    let desk = signed_in_with(&world, FIREFOX, ALICE).await;
    let bob = signed_in_with(&world, FIREFOX, "bob@harbor.example").await;
    phone.open_notes(&world).await;
    desk.open_notes(&world).await;

    let url = world.authority("/sessions/end-others");
    let forged = desk.post(&url, &[("csrf", "")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(is_signed_in(&world, &phone).await);

    let answer = press(&world, &desk, "/sessions/end-others").await;
    let page = desk.follow(answer).await;
    assert!(
        page.body.contains("All other browsers are signed out"),
        "{page:?}"
    );
    assert!(!page.body.contains("End all others"), "{page:?}");
    assert!(!is_signed_in(&world, &phone).await);
    assert!(is_signed_in(&world, &desk).await && is_signed_in(&world, &bob).await);
    world.clock.advance(RECHECK);
    assert!(!phone.is_signed_in_at_notes(&world).await);
    assert!(desk.is_signed_in_at_notes(&world).await);
}

#[tokio::test]
async fn row_62_somebody_signs_out_everywhere() {
    let (_process, world) = world().await;
    let phone = signed_in_with(&world, SAFARI, ALICE).await;
    let desk = signed_in_with(&world, FIREFOX, ALICE).await;
    phone.open_notes(&world).await;

    let answer = press(&world, &desk, "/sessions/end-all").await;
    let page = desk.follow(answer).await;
    let told = "You are signed out of Harbor ID in every browser. Notes ends too, at most 30 seconds later.";
    assert!(page.body.contains(told), "{page:?}");
    assert!(!is_signed_in(&world, &phone).await && !is_signed_in(&world, &desk).await);
    world.clock.advance(RECHECK);
    assert!(!phone.is_signed_in_at_notes(&world).await);
}

#[tokio::test]
async fn a_sign_out_says_which_applications_end_and_nobody_writes_that_by_a_link() {
    let process = Process::start().await;
    let world = process
        .platform_with("", Kept::InFiles, |setup| {
            setup.recheck = Duration::seconds(5)
        })
        .await;
    let alice = signed_in_with(&world, FIREFOX, ALICE).await;
    alice.open_notes(&world).await;
    alice.open_tasks(&world).await;
    let ends = "Notes and Tasks end too, at most 5 seconds later.";
    let question = alice.get(&world.authority("/logout")).await;
    assert!(question.body.contains(ends), "{question:?}");
    let fields = [("csrf", &*question.csrf())];
    let answer = alice.post(&world.authority("/logout"), &fields).await;
    let address = answer.location();
    let page = alice.follow(answer).await;
    assert!(page.body.contains(ends), "{page:?}");

    // The same address in another browser, and later in this one, says nothing of it.
    let stranger = world.visitor().get(&address).await;
    assert!(
        stranger.body.contains("You are signed out of Harbor ID."),
        "{stranger:?}"
    );
    assert!(!stranger.body.contains("end too"), "{stranger:?}");
    world.clock.advance(Duration::minutes(2));
    let later = alice.get(&address).await;
    assert!(!later.body.contains("end too"), "{later:?}");
}
