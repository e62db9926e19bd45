//! The handoff itself, H1 to H6, as one walk, and every way in which the walk may be bent.

use relying_party::Application;
use reqwest::{Method, StatusCode};
use time::Duration;
use url::Url;

use crate::harness::{Kept, Persona, Process, World, world};

async fn alice_and_mallory(world: &World) -> (Persona, Persona) {
    (
        world.signed_in("alice@harbor.example").await,
        world.signed_in("mallory@harbor.example").await,
    )
}

/// The page that explains a refusal, after the callback's redirect.
async fn explained(persona: &Persona, callback: &str) -> String {
    let answer = persona.get(callback).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let location = answer.location();
    assert!(location.contains("/signin/problem?"), "{location}");
    let page = persona.get(&location).await;
    assert!(page.body.contains("Trace"), "{page:?}");
    page.body
}

#[tokio::test]
async fn rows_8_and_9_h1_to_h6_alice_opens_notes_and_stands_there_signed_in() {
    for kept in [Kept::InFiles, Kept::InMemory] {
        let process = Process::start().await;
        let world = process.platform("", kept).await;
        let alice = world.signed_in("alice@harbor.example").await;
        let (auth, notes) = (
            world.origins.of(authority::ID),
            world.origins.of(Application::Notes),
        );

        let h1 = alice.click_open_notes(&world).await;
        assert_eq!(h1.status, StatusCode::SEE_OTHER, "{h1:?}");
        assert!(
            h1.location().starts_with(&world.notes("/handoff/start?")),
            "{h1:?}"
        );
        assert_eq!(h1.location_parameter("iss"), auth.as_str());
        assert_eq!(h1.location_parameter("target_link_uri"), world.notes("/"));
        let launch = h1.location_parameter("launch");
        assert_eq!(launch.len(), 43);

        let h2 = alice.get(&h1.location()).await;
        assert_eq!(h2.status, StatusCode::SEE_OTHER, "{h2:?}");
        assert!(
            h2.location()
                .starts_with(&world.authority("/handoff/authorize?")),
            "{h2:?}"
        );
        assert_eq!(h2.location_parameter("client_id"), "notes");
        assert_eq!(
            h2.location_parameter("redirect_uri"),
            world.notes("/callback")
        );
        assert_eq!(h2.location_parameter("code_challenge_method"), "S256");
        assert_eq!(h2.location_parameter("code_challenge").len(), 43);
        assert_eq!(h2.location_parameter("launch"), launch);
        let state = h2.location_parameter("state");
        assert_eq!(state.len(), 43);
        let pre = alice.cookie(notes.as_str(), "__Host-rp_pre").unwrap();

        let h3 = alice.get(&h2.location()).await;
        assert_eq!(h3.status, StatusCode::SEE_OTHER, "{h3:?}");
        assert!(
            h3.location().starts_with(&world.notes("/callback?")),
            "{h3:?}"
        );
        assert_eq!(h3.location_parameter("state"), state);
        assert_eq!(h3.location_parameter("iss"), auth.as_str());
        assert_eq!(h3.location_parameter("handoff_token").len(), 43);
        assert_eq!(h3.header("referrer-policy"), "no-referrer");
        assert_eq!(h3.header("cache-control"), "no-store");

        let h6 = alice.get(&h3.location()).await;
        assert_eq!(h6.status, StatusCode::SEE_OTHER, "{h6:?}");
        assert_eq!(h6.location(), world.notes("/"), "a clean address");
        assert_eq!(h6.header("referrer-policy"), "no-referrer");
        assert_eq!(h6.header("cache-control"), "no-store");
        let session = alice.cookie(notes.as_str(), "__Host-rp_session").unwrap();
        assert_ne!(session, pre);
        assert_eq!(
            alice.cookie(notes.as_str(), "__Host-rp_pre"),
            None,
            "the pre-session is gone"
        );

        for _ in 0..2 {
            let home = alice.get(&h6.location()).await;
            assert_eq!(home.status, StatusCode::OK, "{home:?}");
            assert!(home.body.contains("Alice Moreau"), "{home:?}");
        }
    }
}

#[tokio::test]
async fn h2_somebody_who_starts_at_the_relying_party_signs_in_and_arrives() {
    let (_process, world) = world().await;
    let bob = world.visitor();
    let page = bob.open(&world.notes("/handoff/start")).await;
    assert!(
        page.url.starts_with(&world.authority("/login?continue=")),
        "{}",
        page.url
    );
    assert!(page.body.contains("continue to Notes"), "{page:?}");
    let action = Url::parse(&page.url).unwrap();
    let on = action
        .query_pairs()
        .find(|(name, _)| name == "continue")
        .unwrap()
        .1
        .into_owned();
    let fields = [
        ("csrf", &*page.csrf()),
        ("email", "bob@harbor.example"),
        ("password", "handoff-demo"),
        ("continue", &on),
    ];
    let answer = bob.post(&world.authority("/login"), &fields).await;
    let home = bob.follow(answer).await;
    assert_eq!(
        home.url,
        world.notes("/"),
        "signing in for this very request counts as the click"
    );
    assert!(home.body.contains("Bob Okafor"), "{home:?}");
}

#[tokio::test]
async fn row_34_h2_the_target_is_a_path_of_the_relying_party_or_its_start_page() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    for (target, arrives) in [
        ("/?from=mail", "/?from=mail"),
        (&*world.notes("/?x=1"), "/?x=1"),
        ("//evil.localhost/", "/"),
        ("/\\evil.localhost", "/"),
        ("http://evil.localhost/", "/"),
        ("javascript:alert(1)", "/"),
        ("http://notes.localhost@evil.localhost/", "/"),
    ] {
        let launch = alice.launch(&world).await;
        let start = Url::parse_with_params(
            &world.notes("/handoff/start"),
            [("target_link_uri", target), ("launch", &launch)],
        );
        let home = alice.open(start.unwrap().as_str()).await;
        assert_eq!(home.url, world.notes(arrives), "{target}");
    }
    let start = world.notes("/handoff/start?target_link_uri=/%255cevil.localhost");
    let told = alice.open(&start).await;
    assert_eq!(told.status, StatusCode::BAD_REQUEST, "{told:?}");
    assert!(told.body.contains("This link leads to no page"), "{told:?}");
}

#[tokio::test]
async fn h2_another_issuer_is_refused() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let start = world.notes("/handoff/start?iss=http%3A%2F%2Fevil.localhost");
    let answer = alice.get(&start).await;
    assert!(
        answer.location_starts_with(&world.notes("/signin/problem?")),
        "{answer:?}"
    );
    assert_eq!(alice.cookie(&start, "__Host-rp_pre"), None);
}

#[tokio::test]
async fn row_25_h3_asks_when_nothing_shows_that_the_person_wants_this() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;

    let page = alice.open(&world.notes("/handoff/start")).await;
    assert!(
        page.url
            .starts_with(&world.authority("/handoff/authorize?")),
        "{}",
        page.url
    );
    assert!(
        page.body.contains("Continue to Notes as Alice Moreau?"),
        "{page:?}"
    );
    assert!(
        page.header("content-security-policy")
            .contains(world.origins.of(Application::Notes).as_str())
    );

    let asked = Url::parse(&page.url).unwrap();
    let csrf = page.csrf();
    let mut fields: Vec<(String, String)> = asked.query_pairs().into_owned().collect();
    fields.push(("csrf".to_owned(), csrf));
    let with = |decision: &str| {
        let mut fields = fields.clone();
        fields.push(("decision".to_owned(), decision.to_owned()));
        fields
    };
    let post = async |fields: Vec<(String, String)>| {
        let fields: Vec<_> = fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        alice
            .post(&world.authority("/handoff/authorize"), &fields)
            .await
    };

    let answer = post(with("cancel")).await;
    assert_eq!(
        answer.location_parameter("error"),
        "access_denied",
        "{answer:?}"
    );
    assert_eq!(
        answer.location_parameter("iss"),
        world.origins.of(authority::ID).as_str()
    );
    let page = alice.follow(answer).await;
    assert!(page.body.contains("Start again"), "{page:?}");
    assert!(!alice.is_signed_in_at_notes(&world).await);

    // The callback used that state up, so the second answer needs a start of its own.
    let page = alice.open(&world.notes("/handoff/start")).await;
    let asked = Url::parse(&page.url).unwrap();
    let mut fields: Vec<(String, String)> = asked.query_pairs().into_owned().collect();
    fields.push(("csrf".to_owned(), page.csrf()));
    fields.push(("decision".to_owned(), "continue".to_owned()));
    let answer = post(fields).await;
    let home = alice.follow(answer).await;
    assert_eq!(home.url, world.notes("/"));
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
}

#[tokio::test]
async fn row_25_h3_a_launch_ticket_works_once_for_its_own_session_within_a_minute() {
    let (_process, world) = world().await;
    let (alice, mallory) = alice_and_mallory(&world).await;
    let party = world.relying_party();
    let asks = async |persona: &Persona, launch: &str| {
        let answer = persona.get(&party.authorize(&world, Some(launch))).await;
        let asked = answer.body.contains("Continue to Notes as");
        assert!(
            asked || answer.location_parameter("handoff_token").len() == 43,
            "{answer:?}"
        );
        asked
    };

    let launch = alice.launch(&world).await;
    assert!(asks(&mallory, &launch).await, "another session's ticket");
    assert!(!asks(&alice, &launch).await, "and it did not use it up");
    assert!(asks(&alice, &launch).await, "a used ticket");

    let launch = alice.launch(&world).await;
    world.clock.advance(Duration::milliseconds(59_999));
    assert!(!asks(&alice, &launch).await, "just in time");
    let launch = alice.launch(&world).await;
    world.clock.advance(Duration::seconds(60));
    assert!(asks(&alice, &launch).await, "too late");
}

#[tokio::test]
async fn row_33_h3_never_redirects_for_an_unknown_client_or_a_wrong_redirect_uri() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let party = world.relying_party();
    for (name, value) in [
        ("client_id", "nobody"),
        ("client_id", ""),
        ("redirect_uri", ""),
        ("redirect_uri", "http://evil.localhost/callback"),
        ("redirect_uri", &world.notes("/callback/")),
        ("redirect_uri", &world.notes("/callback?x=1")),
        ("redirect_uri", &world.notes("/Callback")),
        ("redirect_uri", &world.notes("/a/../callback")),
        ("state", ""),
        ("code_challenge", ""),
        ("code_challenge", "short"),
        ("code_challenge_method", "plain"),
        ("code_challenge_method", ""),
    ] {
        let launch = alice.launch(&world).await;
        let mut query = party.query();
        query.push(("launch", launch));
        for (found, kept) in &mut query {
            if *found == name {
                *kept = value.to_owned();
            }
        }
        let url = Url::parse_with_params(&world.authority("/handoff/authorize"), query).unwrap();
        let answer = alice.get(url.as_str()).await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{name}={value}: {answer:?}"
        );
        assert_eq!(answer.header("location"), "", "{name}={value}");
        let twice = format!("{url}&{name}=again");
        let answer = alice.get(&twice).await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "twice {name}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn row_21_h4_another_persons_callback_address_gives_no_session() {
    let (_process, world) = world().await;
    let (alice, mallory) = alice_and_mallory(&world).await;
    let callback = mallory.callback_address(&world).await;

    let page = explained(&alice, &callback).await;
    assert!(
        page.contains("This browser is not waiting for this sign-in"),
        "{page}"
    );
    assert!(!alice.is_signed_in_at_notes(&world).await);

    // Also while Alice has a handoff of her own under way.
    let own = alice.callback_address(&world).await;
    let page = explained(&alice, &callback).await;
    assert!(
        page.contains("This browser is not waiting for this sign-in"),
        "{page}"
    );
    alice.open(&own).await;
    let home = alice.get(&world.notes("/")).await;
    assert!(
        home.body.contains("Alice Moreau") && !home.body.contains("Mallory"),
        "{home:?}"
    );
}

#[tokio::test]
async fn row_20_h4_a_used_callback_address_gives_no_session() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let callback = alice.callback_address(&world).await;
    let home = alice.open(&callback).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");

    explained(&alice, &callback).await;
    assert!(
        alice.is_signed_in_at_notes(&world).await,
        "the first use stays"
    );
    let stranger = world.visitor();
    explained(&stranger, &callback).await;
    assert!(!stranger.is_signed_in_at_notes(&world).await);
    assert!(
        alice.is_signed_in_at_notes(&world).await,
        "nobody signs Alice out by that"
    );
}

#[tokio::test]
async fn row_20_h4_a_callback_that_was_bent_gives_no_session_and_a_page_that_explains() {
    type Bend = fn(&str) -> String;
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let bend: [(&str, Bend); 7] = [
        ("no parameters", |url| {
            url.split_once('?').unwrap().0.to_owned()
        }),
        ("no token", |url| url.replace("handoff_token=", "other=")),
        ("another token", |url| {
            url.replace("handoff_token=", "handoff_token=x")
        }),
        ("no state", |url| url.replace("state=", "other=")),
        ("another state", |url| url.replace("state=", "state=x")),
        ("no issuer", |url| url.replace("iss=", "other=")),
        ("another issuer", |url| url.replace("iss=http", "iss=https")),
    ];
    for (what, bend) in bend {
        let callback = alice.callback_address(&world).await;
        explained(&alice, &bend(&callback)).await;
        assert!(!alice.is_signed_in_at_notes(&world).await, "{what}");
    }
    for twice in ["&state=x", "&handoff_token=x", "&iss=x"] {
        let callback = alice.callback_address(&world).await;
        explained(&alice, &format!("{callback}{twice}")).await;
        assert!(!alice.is_signed_in_at_notes(&world).await, "{twice}");
    }
}

#[tokio::test]
async fn rows_2_and_20_h4_the_browser_must_come_back_within_five_minutes_and_the_token_within_one()
{
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let callback = alice.callback_address(&world).await;
    world.clock.advance(Duration::milliseconds(59_999));
    let home = alice.open(&callback).await;
    assert!(home.body.contains("Your notes"), "just in time: {home:?}");

    let bob = world.signed_in("bob@harbor.example").await;
    let callback = bob.callback_address(&world).await;
    world.clock.advance(Duration::seconds(60));
    let page = explained(&bob, &callback).await;
    assert!(
        page.contains("no longer valid"),
        "the token is too old: {page}"
    );

    // The person thinks about the question for five minutes less a moment, and then for all of them.
    for (moment, arrives) in [
        (Duration::milliseconds(299_999), true),
        (Duration::seconds(300), false),
    ] {
        let page = bob.open(&world.notes("/handoff/start")).await;
        let asked = Url::parse(&page.url).unwrap();
        let csrf = page.csrf();
        let mut fields: Vec<(String, String)> = asked.query_pairs().into_owned().collect();
        fields.push(("csrf".to_owned(), csrf));
        fields.push(("decision".to_owned(), "continue".to_owned()));
        let fields: Vec<_> = fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        world.clock.advance(moment);
        let answer = bob
            .post(&world.authority("/handoff/authorize"), &fields)
            .await;
        let page = bob.follow(answer).await;
        assert_eq!(
            page.body.contains("Your notes"),
            arrives,
            "{moment}: {page:?}"
        );
        // Too late: a new handoff has begun by itself, and asks once more.
        let asks = page.url.contains("/handoff/authorize?") && page.body.contains("Continue to");
        assert_eq!(asks, !arrives, "{moment}");
    }
}

#[tokio::test]
async fn several_tabs_hand_off_at_once() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let first = alice.callback_address(&world).await;
    let second = alice.callback_address(&world).await;
    for callback in [second, first] {
        let home = alice.open(&callback).await;
        assert_eq!(home.url, world.notes("/"), "{home:?}");
        assert!(home.body.contains("Alice Moreau"), "{home:?}");
    }
}

#[tokio::test]
async fn row_24_h6_another_person_at_the_same_relying_party_is_asked_first() {
    let (_process, world) = world().await;
    let browser = world.signed_in("alice@harbor.example").await;
    browser.open_notes(&world).await;
    // Alice's session at Harbor ID goes without a sign-out, and Bob signs in.
    browser.lose_cookie(&world.authority("/"), "__Host-as_session");
    browser.sign_in(&world, "bob@harbor.example").await;

    let page = browser.open_notes(&world).await;
    assert_eq!(page.url, world.notes("/switch"), "{page:?}");
    assert!(
        page.body.contains("Alice Moreau") && page.body.contains("Bob Okafor"),
        "{page:?}"
    );
    let stay = [("csrf", &*page.csrf()), ("decision", "stay")];
    let answer = browser.post(&world.notes("/switch"), &stay).await;
    let home = browser.follow(answer).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");

    let page = browser.open_notes(&world).await;
    let switch = [("csrf", &*page.csrf()), ("decision", "switch")];
    let answer = browser.post(&world.notes("/switch"), &switch).await;
    let home = browser.follow(answer).await;
    assert!(home.body.contains("Bob Okafor"), "{home:?}");

    // And a question that nobody answers in time changes nothing.
    browser.lose_cookie(&world.authority("/"), "__Host-as_session");
    browser.sign_in(&world, "mallory@harbor.example").await;
    let page = browser.open_notes(&world).await;
    assert_eq!(page.url, world.notes("/switch"), "{page:?}");
    world.clock.advance(Duration::seconds(120));
    let late = [("csrf", &*page.csrf()), ("decision", "switch")];
    let answer = browser.post(&world.notes("/switch"), &late).await;
    let home = browser.follow(answer).await;
    assert!(home.url.contains("/signin/problem?"), "{home:?}");
    let home = browser.get(&world.notes("/")).await;
    assert!(!home.body.contains("Mallory"), "{home:?}");
}

#[tokio::test]
async fn h6_a_session_that_waits_for_an_answer_in_vain_is_revoked() {
    let (_process, world) = world().await;
    let browser = world.signed_in("alice@harbor.example").await;
    browser.open_notes(&world).await;
    browser.lose_cookie(&world.authority("/"), "__Host-as_session");
    browser.sign_in(&world, "bob@harbor.example").await;
    let page = browser.open_notes(&world).await;
    assert_eq!(page.url, world.notes("/switch"), "{page:?}");
    assert_eq!(world.living_sessions().await, (2, 1), "Bob's waits");

    world.clock.advance(Duration::milliseconds(119_999));
    world.sweep().await;
    assert_eq!(world.living_sessions().await, (2, 1));
    world.clock.advance(Duration::milliseconds(1));
    world.sweep().await;
    assert_eq!(
        world.living_sessions().await,
        (1, 1),
        "only Alice's is left"
    );
}

#[tokio::test]
async fn rows_29_and_30_only_a_navigation_starts_authorizes_or_comes_back() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let callback = alice.callback_address(&world).await;
    let party = world.relying_party();
    let launch = alice.launch(&world).await;
    let authorize = party.authorize(&world, Some(&launch));
    for url in [&world.notes("/handoff/start"), &authorize, &callback] {
        for (headers, status) in [
            (
                [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
                403,
            ),
            (
                [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
                403,
            ),
            (
                [("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
                403,
            ),
            (
                [("sec-purpose", "prefetch"), ("sec-fetch-dest", "document")],
                503,
            ),
            (
                [
                    ("sec-purpose", "prefetch;prerender"),
                    ("sec-fetch-mode", "navigate"),
                ],
                503,
            ),
        ] {
            let answer = alice.send(Method::GET, url, &headers, None).await;
            assert_eq!(answer.status.as_u16(), status, "{url} {headers:?}");
            assert_eq!(answer.body, "", "{url} {headers:?}");
            assert_eq!(answer.header("set-cookie"), "", "{url} {headers:?}");
        }
    }
    for url in [&authorize, &callback] {
        let answer = alice.send(Method::HEAD, url, &[], None).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{url}");
    }
    // None of it used anything up.
    let home = alice.open(&callback).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
    let answer = alice.get(&authorize).await;
    assert_eq!(answer.location_parameter("handoff_token").len(), 43);
}
