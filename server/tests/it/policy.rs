//! Each defence of [`Policy`](handoff::policy::Policy), taken out alone: with it, an attacker's goal is
//! out of reach; without it, the same requests reach it.
//!
//! An attack is a function from a world to "the goal was reached". Adding a defence means adding a
//! field, and a row here; [`every_defence_has_an_attack`] names a field without one.

use handoff::{
    policy::{Defence, Duplicates, Policy, UriMatch},
    token::{Secret, State, Verifier},
};
use reqwest::{Method, StatusCode};
use server::{config::Origins, platform::Setup};
use time::Duration;
use ui::shell::Assets;
use url::Url;

use crate::program::{Running, ask, ended, serve};

use crate::harness::{
    Answer, Kept, OwnRelyingParty, PASSWORD, Persona, Process, World, basic, log, without,
};

const ALICE: &str = "alice@harbor.example";
const MALLORY: &str = "mallory@harbor.example";
const EVIL: &str = "http://evil.localhost:4000/log";

/// Sees the attack fail against every defence, and succeed with one taken out.
async fn proven(defence: Defence, attack: impl AsyncFn(&World) -> bool) {
    let process = Process::start().await;
    let strict = process.platform("", Kept::InFiles).await;
    assert!(!attack(&strict).await, "reached in spite of {defence:?}");
    // A target that is no local path does not come back out of a database.
    let kept = match defence {
        Defence::TargetCheck => Kept::InMemory,
        _ => Kept::InFiles,
    };
    let weak = process
        .platform_with("-weak", kept, |setup| setup.policy = without(defence))
        .await;
    assert!(attack(&weak).await, "not reached without {defence:?}");
}

macro_rules! attacks {
    ($($test:ident: $defence:expr, $attack:expr;)*) => {
        $(#[tokio::test]
        async fn $test() {
            proven($defence, $attack).await;
        })*

        /// All that have a test here.
        const PROVEN: &[Defence] = &[$($defence),*];
    };
}

#[test]
fn every_defence_has_an_attack() {
    for defence in Defence::ALL {
        assert!(PROVEN.contains(defence), "no test takes {defence:?} out");
    }
}

#[test]
fn the_programs_own_platform_has_every_defence() {
    let origins = Origins::on_localhost("", 4000).unwrap();
    let setup = Setup::demo(origins, Assets::default());
    assert_eq!(setup.policy, Policy::STRICT);
    // `serve` changes what settings say, and takes all else from there.
    let serve = include_str!("../../src/serve.rs");
    assert!(serve.contains("..demo") && !serve.contains("policy"));
}

#[tokio::test]
async fn nothing_that_an_operator_or_a_request_says_takes_a_defence_out() {
    let folder = tempfile::tempdir().unwrap();
    for flag in [
        "--policy=weak",
        "--without=FrameAncestors",
        "--test-without=FrameAncestors",
    ] {
        let refused = ended(serve(folder.path(), &[flag])).await;
        assert!(!refused.status.success(), "{flag}");
    }
    let file = folder.path().join("lab.toml");
    std::fs::write(&file, "policy = \"weak\"").unwrap();
    let refused = ended(serve(folder.path(), &["--config", file.to_str().unwrap()])).await;
    assert!(!refused.status.success(), "a key of the file");

    let mut command = serve(folder.path(), &[]);
    command
        .env("HANDOFF_LAB_TEST_WITHOUT", "FrameAncestors")
        .env("HANDOFF_LAB_POLICY", "weak");
    let running = Running::of(command);
    let at = running.listening();
    let (_, port) = at.rsplit_once(':').unwrap();
    let host = format!("auth.localhost:{port}");
    let headers = [("x-policy", "weak"), ("cookie", "policy=weak")];
    let page = ask(
        &at,
        &host,
        "/login?policy=weak&without=FrameAncestors",
        &headers,
    )
    .await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(page.contains("frame-ancestors 'none'"), "{page}");
}

/// H5, by Notes.
async fn verify(world: &World, body: &serde_json::Value) -> Answer {
    verify_as(world, "notes", body).await
}

async fn verify_as(world: &World, client: &str, body: &serde_json::Value) -> Answer {
    let credentials = basic(client, &world.secret(client));
    let url = world.authority("/auth/external/handoff/verify");
    let headers = [("authorization", credentials.as_str())];
    world.visitor().post_json(&url, &headers, body).await
}

/// A token of Alice's for Notes, and the party that knows its state and verifier.
async fn token(world: &World) -> (Persona, OwnRelyingParty, String) {
    let alice = world.signed_in(ALICE).await;
    let party = world.relying_party();
    let token = party.token(world, &alice).await;
    (alice, party, token)
}

/// Whether verify accepts a token when one member of its body has another value.
async fn accepts(world: &World, member: &str, value: &str) -> bool {
    let (_, party, token) = token(world).await;
    let mut body = party.body(&token);
    body[member] = value.into();
    verify(world, &body).await.status == StatusCode::OK
}

/// H3 by Alice, with this text for the redirect URI: whether a token goes there.
async fn token_goes_to(world: &World, redirect_uri: String) -> bool {
    let alice = world.signed_in(ALICE).await;
    let party = OwnRelyingParty {
        redirect_uri: redirect_uri.clone(),
        ..world.relying_party()
    };
    let launch = alice.launch(world).await;
    let answer = alice.get(&party.authorize(world, Some(&launch))).await;
    answer.header("location").starts_with(&redirect_uri)
        && answer.header("location").contains("handoff_token=")
}

/// H3 with a second `state`: the one that comes back with the token, if any does.
async fn state_of_two(world: &World) -> Option<String> {
    let alice = world.signed_in(ALICE).await;
    let party = OwnRelyingParty {
        state: State::mint([1; 32]),
        ..world.relying_party()
    };
    let launch = alice.launch(world).await;
    let other = State::mint([2; 32]);
    let address = format!(
        "{}&state={}",
        party.authorize(world, Some(&launch)),
        other.expose()
    );
    let answer = alice.get(&address).await;
    answer
        .location_starts_with(&party.redirect_uri)
        .then(|| answer.location_parameter("state"))
}

/// The state that Notes makes for a new browser.
async fn new_state(world: &World) -> String {
    let answer = world.visitor().get(&world.notes("/handoff/start")).await;
    answer.location_parameter("state")
}

/// *Open Notes* by Alice, with these headers and CSRF token: whether the handoff begins.
async fn opens(world: &World, csrf: Option<&str>, site: &str, origin: &str) -> bool {
    let alice = world.signed_in(ALICE).await;
    let own = alice.get(&world.authority("/")).await.csrf();
    let url = world.authority("/apps/notes/open");
    let headers = [("origin", origin), ("sec-fetch-site", site)];
    let answer = alice
        .post_with(&url, &headers, &[("csrf", csrf.unwrap_or(&own))])
        .await;
    answer.location_starts_with(&world.notes("/handoff/start"))
}

/// A header of Harbor ID's sign-in page.
async fn of_the_sign_in_page(world: &World, header: &str) -> String {
    let page = world.visitor().get(&world.authority("/login")).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    page.header(header).to_owned()
}

attacks! {
    // H5.
    row_3_a_used_token_gives_a_second_session: Defence::OneTime, async |world: &World| {
        let (_, party, token) = token(world).await;
        let body = party.body(&token);
        assert_eq!(verify(world, &body).await.status, StatusCode::OK);
        verify(world, &body).await.status == StatusCode::OK
    };
    row_2_a_token_is_redeemed_after_its_lifetime: Defence::Lifetime, async |world: &World| {
        let (_, party, token) = token(world).await;
        world.clock.advance(Duration::seconds(61));
        verify(world, &party.body(&token)).await.status == StatusCode::OK
    };
    row_6_another_client_redeems_the_token: Defence::ClientBinding, async |world: &World| {
        let (_, party, token) = token(world).await;
        let mut body = party.body(&token);
        body["client_id"] = "tasks".into();
        verify_as(world, "tasks", &body).await.status == StatusCode::OK
    };
    row_6_a_token_is_redeemed_for_another_redirect_uri: Defence::RedirectUriBinding,
        async |world: &World| accepts(world, "redirect_uri", &world.notes("/elsewhere")).await;
    row_6_a_token_is_redeemed_with_another_state: Defence::StateBinding,
        async |world: &World| accepts(world, "state", State::mint([7; 32]).expose().as_ref()).await;
    rows_6_and_80_a_token_is_redeemed_with_another_verifier: Defence::VerifierBinding,
        async |world: &World| {
            accepts(world, "code_verifier", Verifier::mint([7; 32]).expose().as_ref()).await
        };
    row_56_a_token_is_redeemed_after_the_sign_out: Defence::LiveSignIn, async |world: &World| {
        let (alice, party, token) = token(world).await;
        let csrf = alice.get(&world.authority("/logout")).await.csrf();
        alice.post(&world.authority("/logout"), &[("csrf", &csrf)]).await;
        verify(world, &party.body(&token)).await.status == StatusCode::OK
    };
    row_79_a_person_who_may_not_use_the_client_arrives: Defence::Assignment,
        async |world: &World| {
            let (_, party, token) = token(world).await;
            world.assign_only_to("notes", &["bob@harbor.example"]).await;
            verify(world, &party.body(&token)).await.status == StatusCode::OK
        };
    row_15_verify_tells_why_it_refuses: Defence::UniformRefusals, async |world: &World| {
        let (_, party, first) = token(world).await;
        let unknown = verify(world, &party.body(State::mint([9; 32]).expose().as_ref())).await;
        let mut wrong = party.body(&first);
        wrong["code_verifier"] = Verifier::mint([7; 32]).expose().to_string().into();
        let wrong = verify(world, &wrong).await;
        assert_eq!(unknown.status, wrong.status);
        unknown.body != wrong.body
    };

    // H3.
    row_1_a_token_can_be_guessed: Defence::TokenEntropy, async |world: &World| {
        let (_, _, token) = token(world).await;
        token.starts_with(&"A".repeat(40))
    };
    rows_38_and_39_a_token_goes_without_a_challenge: Defence::ChallengeRequired,
        async |world: &World| {
            let alice = world.signed_in(ALICE).await;
            let party = world.relying_party();
            let launch = alice.launch(world).await;
            let mut query = party.query();
            query.retain(|(name, _)| !name.starts_with("code_challenge"));
            query.push(("launch", launch));
            let address = world.authority("/handoff/authorize");
            let address = Url::parse_with_params(&address, query).unwrap();
            let answer = alice.get(address.as_str()).await;
            answer.location_starts_with(&party.redirect_uri)
        };
    row_33_harbor_id_redirects_to_any_address: Defence::ErrorsStay, async |world: &World| {
        let address = world.authority("/handoff/authorize");
        let query = [("client_id", "nobody"), ("redirect_uri", EVIL)];
        let address = Url::parse_with_params(&address, query).unwrap();
        let answer = world.visitor().get(address.as_str()).await;
        answer.location_starts_with(EVIL)
    };
    row_31_a_redirect_uri_that_begins_like_a_registered_one:
        Defence::RedirectUriMatch(UriMatch::Prefix),
        async |world: &World| token_goes_to(world, world.notes("/callback/../x")).await;
    row_31_a_redirect_uri_on_the_same_host: Defence::RedirectUriMatch(UriMatch::Host),
        async |world: &World| token_goes_to(world, world.notes("/elsewhere")).await;
    row_31_a_redirect_uri_that_contains_a_registered_one:
        Defence::RedirectUriMatch(UriMatch::Substring),
        async |world: &World| {
            token_goes_to(world, format!("{EVIL}?u={}", world.notes("/callback"))).await
        };
    row_36_the_first_of_two_values_counts: Defence::Duplicates(Duplicates::First),
        async |world: &World| {
            state_of_two(world).await.is_some_and(|state| State::mint([1; 32]).expose().to_string() == state)
        };
    row_36_the_last_of_two_values_counts: Defence::Duplicates(Duplicates::Last),
        async |world: &World| {
            state_of_two(world).await.is_some_and(|state| State::mint([2; 32]).expose().to_string() == state)
        };

    // H2, H4, H6.
    row_20_a_state_can_be_guessed: Defence::RandomState, async |world: &World| {
        let states = [new_state(world).await, new_state(world).await];
        states.iter().all(|state| state.starts_with(&"A".repeat(32)))
    };
    rows_20_and_21_a_callback_of_another_browser_signs_in: Defence::BrowserBinding,
        async |world: &World| {
            let mallory = world.signed_in(MALLORY).await;
            let callback = mallory.callback_address(world).await;
            let victim = world.visitor();
            victim.get(&callback).await;
            victim.is_signed_in_at_notes(world).await
        };
    row_41_a_callback_of_another_issuer_signs_in: Defence::IssuerCheck, async |world: &World| {
        let alice = world.signed_in(ALICE).await;
        let callback = alice.callback_address(world).await;
        let issuer = Url::parse(&callback).unwrap();
        let issuer = issuer.query_pairs().find(|(name, _)| name == "iss").unwrap().1.into_owned();
        let encoded: String = url::form_urlencoded::byte_serialize(issuer.as_bytes()).collect();
        let callback = callback.replace(&encoded, "http%3A%2F%2Fevil.localhost%3A4000");
        assert!(callback.contains("evil"), "{callback}");
        alice.get(&callback).await;
        alice.is_signed_in_at_notes(world).await
    };
    row_34_a_sign_in_ends_at_another_site: Defence::TargetCheck, async |world: &World| {
        let alice = world.signed_in(ALICE).await;
        let mut start = Url::parse(&alice.click_open_notes(world).await.location()).unwrap();
        let launch = start.query_pairs().find(|(name, _)| name == "launch").unwrap().1.into_owned();
        start.query_pairs_mut().clear()
            .append_pair("launch", &launch)
            .append_pair("target_link_uri", "//evil.localhost:4000/log");
        let authorize = alice.get(start.as_str()).await.location();
        let callback = alice.get(&authorize).await.location();
        alice.get(&callback).await.header("location").starts_with("//evil.localhost")
    };
    row_23_a_session_begins_under_a_planted_id: Defence::SessionRotation, async |world: &World| {
        let (alice, planted) = (world.signed_in(ALICE).await, "AAAAAAAAAAAAAAAAAAAAAQ");
        alice.set_cookie(&world.notes("/"), "__Host-rp_session", planted);
        alice.open_notes(world).await;
        let mallory = world.visitor();
        mallory.set_cookie(&world.notes("/"), "__Host-rp_session", planted);
        mallory.is_signed_in_at_notes(world).await
    };
    row_8_the_callback_is_a_page: Defence::CleanCallback, async |world: &World| {
        let alice = world.signed_in(ALICE).await;
        let callback = alice.callback_address(world).await;
        alice.get(&callback).await.status == StatusCode::OK
    };

    // Requests of browsers.
    row_26_an_app_is_opened_without_a_token: Defence::CsrfToken, async |world: &World| {
        opens(world, Some("made up"), "same-origin", world.origins.of(authority::ID).as_str()).await
    };
    row_27_a_browser_is_signed_in_by_another_site: Defence::SignInCsrfToken,
        async |world: &World| {
            let victim = world.visitor();
            let fields = [("csrf", "made up"), ("email", MALLORY), ("password", PASSWORD)];
            let answer = victim.post(&world.authority("/login"), &fields).await;
            answer.status == StatusCode::SEE_OTHER
        };
    row_26_an_app_is_opened_by_a_post_from_elsewhere: Defence::SameOriginPosts,
        async |world: &World| opens(world, None, "same-site", "http://evil.auth.localhost:4000").await;
    row_29_a_frame_begins_a_handoff: Defence::NavigationOnly, async |world: &World| {
        let headers = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
        let start = world.notes("/handoff/start");
        let answer = world.visitor().send(Method::GET, &start, &headers, None).await;
        answer.status == StatusCode::SEE_OTHER
    };
    row_30_a_prefetch_uses_the_callback_up: Defence::PrefetchGuard, async |world: &World| {
        let alice = world.signed_in(ALICE).await;
        let callback = alice.callback_address(world).await;
        let headers = [("sec-purpose", "prefetch")];
        let prefetched = alice.send(Method::GET, &callback, &headers, None).await;
        prefetched.status == StatusCode::SEE_OTHER
    };
    row_55_a_link_signs_out: Defence::SignOutByPost, async |world: &World| {
        let alice = world.signed_in(ALICE).await;
        alice.get(&world.authority("/logout")).await;
        alice.get(&world.authority("/")).await.status == StatusCode::SEE_OTHER
    };
    row_17_a_stranger_guesses_without_end: Defence::RateLimits, async |world: &World| {
        let (party, stranger) = (world.relying_party(), world.visitor());
        let (url, body) = (world.authority("/auth/external/handoff/verify"), party.body("guess"));
        for _ in 0..30 {
            let credentials = basic("notes", "guess");
            let headers = [("authorization", credentials.as_str())];
            let answer = stranger.post_json(&url, &headers, &body).await;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                return false;
            }
        }
        true
    };

    // Answers.
    row_65_another_site_frames_the_page: Defence::FrameAncestors, async |world: &World| {
        let header = of_the_sign_in_page(world, "content-security-policy").await;
        !header.contains("frame-ancestors 'none'")
    };
    row_65_any_script_runs: Defence::ScriptPolicy, async |world: &World| {
        let header = of_the_sign_in_page(world, "content-security-policy").await;
        !header.contains("script-src") && !header.contains("default-src 'none'")
    };
    row_9_a_redirect_tells_its_address: Defence::ReferrerPolicy, async |world: &World| {
        let alice = world.signed_in(ALICE).await;
        let callback = alice.callback_address(world).await;
        alice.get(&callback).await.header("referrer-policy") == "unsafe-url"
    };
    row_58_a_sibling_host_plants_a_pre_session: Defence::HostCookies, async |world: &World| {
        let mallory = world.signed_in(MALLORY).await;
        let callback = mallory.callback_address(world).await;
        let cookies = mallory.cookies(&callback);
        let (_, planted) = cookies.iter().find(|(name, _)| name.ends_with("rp_pre")).unwrap();
        // What a sibling host can set, and sends first: no name with `__Host-`.
        let line = format!("rp_pre={planted}; rp_pre=own");
        let headers = [("cookie", line.as_str())];
        let answer = world.visitor().send(Method::GET, &callback, &headers, None).await;
        answer.location() == world.notes("/")
    };
    row_75_the_log_has_a_token: Defence::LogRedaction, async |world: &World| {
        let alice = world.signed_in(ALICE).await;
        let party = world.relying_party();
        let token = party.token(world, &alice).await;
        alice.get(&format!("{}?handoff_token={token}", world.notes("/callback"))).await;
        world.settled().await;
        log().contains(&token)
    };
}
