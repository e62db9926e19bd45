//! Rows of the security checklist that concern many routes at once, or more than one site.

use relying_party::Application;
use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use time::Duration;
use url::Url;

use crate::harness::{Answer, OwnRelyingParty, Persona, World, basic, log, world};

const VERIFY: &str = "/handoff/verify";
const SESSION: &str = "/api/v1/auth/direct/session";

type Fields = Vec<(String, String)>;

fn fields(pairs: &[(&str, &str)]) -> Fields {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

async fn post(persona: &Persona, url: &str, fields: &Fields) -> Answer {
    let fields: Vec<_> = fields
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    persona.post(url, &fields).await
}

/// The fields of the page that asks "Continue to Notes?", with the answer.
fn decided(page: &Answer, decision: &str) -> Fields {
    let asked = Url::parse(&page.url).unwrap();
    let mut fields: Fields = asked.query_pairs().into_owned().collect();
    fields.push(("csrf".to_owned(), page.csrf()));
    fields.push(("decision".to_owned(), decision.to_owned()));
    fields
}

async fn verify(world: &World, party: &OwnRelyingParty, token: &str) -> Answer {
    let auth = basic("notes", &world.notes_secret());
    let headers = [("authorization", auth.as_str())];
    let url = world.authority(VERIFY);
    let body = party.body(token);
    world.visitor().post_json(&url, &headers, &body).await
}

/// Asks Harbor ID about the session behind an access token.
async fn session(world: &World, access_token: &str) -> StatusCode {
    let auth = format!("Bearer {access_token}");
    let headers = [("authorization", auth.as_str())];
    let url = world.authority(SESSION);
    let server = world.visitor();
    let answer = server.send(Method::GET, &url, &headers, None).await;
    answer.status
}

async fn sign_out_of_harbor_id(world: &World, persona: &Persona) -> Answer {
    let csrf = persona.get(&world.authority("/logout")).await.csrf();
    let url = world.authority("/logout");
    persona.post(&url, &[("csrf", &csrf)]).await
}

/// Somebody whom Notes asks whether to switch from Alice to Bob, and the page that asks.
async fn asked_to_switch(world: &World) -> (Persona, Answer) {
    let browser = world.signed_in("alice@harbor.example").await;
    browser.open_notes(world).await;
    browser.lose_cookie(&world.authority("/"), "__Host-as_session");
    browser.sign_in(world, "bob@harbor.example").await;
    let page = browser.open_notes(world).await;
    assert_eq!(page.url, world.notes("/switch"), "{page:?}");
    (browser, page)
}

#[tokio::test]
async fn row_4_a_leaked_used_token_in_another_flow_leaves_its_owner_signed_in() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let mallory = world.signed_in("mallory@harbor.example").await;
    let used = alice.callback_address(&world).await;
    alice.open(&used).await;
    let token = |address: &str| {
        let address = Url::parse(address).unwrap();
        let mut found = address.query_pairs();
        let (_, token) = found.find(|(name, _)| name == "handoff_token").unwrap();
        token.into_owned()
    };

    let own = mallory.callback_address(&world).await;
    let bent = own.replace(&token(&own), &token(&used));
    assert_ne!(bent, own);
    mallory.open(&bent).await;
    assert!(!mallory.is_signed_in_at_notes(&world).await);
    world.clock.advance(Duration::seconds(30));
    assert!(alice.is_signed_in_at_notes(&world).await);
}

#[tokio::test]
async fn row_4_h5_a_replay_with_everything_right_is_recorded_and_ends_the_session() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    let given = verify(&world, &party, &token).await.json();
    let access = given["access_token"].as_str().unwrap();
    assert_eq!(session(&world, access).await, StatusCode::OK);

    let again = verify(&world, &party, &token).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "{again:?}");
    assert_eq!(session(&world, access).await, StatusCode::UNAUTHORIZED);
    assert!(log().contains("event=\"handoff.replay\""));
}

#[tokio::test]
async fn row_9_h3_h4_no_way_out_of_authorize_or_callback_leaks_its_address_or_is_kept() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let checked = |what: &str, answer: &Answer| {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{what}: {answer:?}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{what}");
        assert_eq!(answer.header("cache-control"), "no-store", "{what}");
    };
    let start = alice.click_open_notes(&world).await.location();
    let authorize = alice.get(&start).await.location();
    let token = alice.get(&authorize).await;
    checked("a token", &token);
    let signed_in = alice.get(&token.location()).await;
    checked("a session", &signed_in);
    checked("a used callback", &alice.get(&token.location()).await);
    let stranger = world.visitor();
    checked("no pre-session", &stranger.get(&token.location()).await);

    let page = alice.open(&world.notes("/handoff/start")).await;
    let url = world.authority("/handoff/authorize");
    let cancelled = post(&alice, &url, &decided(&page, "cancel")).await;
    checked("a refusal", &cancelled);
    checked(
        "a refused callback",
        &alice.get(&cancelled.location()).await,
    );

    let page = alice.open(&world.notes("/handoff/start")).await;
    let confirmed = post(&alice, &url, &decided(&page, "continue")).await;
    checked("a token after the question", &confirmed);
}

#[tokio::test]
async fn row_12_a_token_in_the_query_of_verify_counts_for_nothing() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    let mut body = party.body(&token);
    body.as_object_mut().unwrap().remove("handoff_token");
    let auth = basic("notes", &world.notes_secret());
    let url = world.authority(&format!("{VERIFY}?handoff_token={token}"));
    let headers = [("authorization", auth.as_str())];
    let answer = alice.post_json(&url, &headers, &body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    assert_eq!(answer.json()["error"], "invalid_request");
    assert_eq!(verify(&world, &party, &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn row_18_no_two_names_of_one_persons_sessions_are_alike() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    let given = verify(&world, &party, &token).await.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (auth, notes) = (world.authority("/"), world.notes("/"));
    let names = [
        text(&given["access_token"]),
        text(&given["session"]["id"]),
        token,
        alice.cookie(&auth, "__Host-as_session").unwrap(),
        alice.cookie(&notes, "__Host-rp_session").unwrap(),
    ];
    let different: BTreeSet<_> = names.iter().collect();
    assert_eq!(different.len(), names.len(), "{names:?}");

    // And none of Notes' own opens Harbor ID, or the other way round.
    let thief = world.visitor();
    for (there, cookie, own) in [
        (&auth, "__Host-as_session", &names[4]),
        (&notes, "__Host-rp_session", &names[3]),
        (&notes, "__Host-rp_session", &names[0]),
    ] {
        thief.set_cookie(there, cookie, own);
        let page = thief.open(there).await;
        let inside = page.body.contains("Your apps") || page.body.contains("Your notes");
        assert!(!inside, "{cookie}: {page:?}");
    }
}

#[tokio::test]
async fn row_35_every_redirect_is_a_303() {
    let (_process, world) = world().await;
    let mut redirects = Vec::new();
    let mut note = |answer: &Answer| {
        if answer.status.is_redirection() {
            redirects.push((answer.url.clone(), answer.status));
        }
    };
    let (browser, switch) = asked_to_switch(&world).await;
    let stay = fields(&[("csrf", &switch.csrf()), ("decision", "stay")]);
    note(&post(&browser, &world.notes("/switch"), &stay).await);

    let alice = world.visitor();
    let page = alice.open(&world.notes("/handoff/start")).await;
    let on = Url::parse(&page.url).unwrap();
    let (_, on) = on.query_pairs().next().unwrap();
    let credentials = fields(&[
        ("csrf", &page.csrf()),
        ("email", "alice@harbor.example"),
        ("password", "handoff-demo"),
        ("continue", &on),
    ]);
    // Sign-in, authorize, callback.
    let mut answer = post(&alice, &world.authority("/login"), &credentials).await;
    while answer.status.is_redirection() {
        note(&answer);
        answer = alice.get(&answer.location()).await;
    }
    let write = fields(&[("csrf", &answer.csrf()), ("text", "a note")]);
    note(&post(&alice, &world.notes("/notes"), &write).await);
    let home = alice.get(&world.notes("/")).await;
    let (_, rest) = home.body.split_once("action=\"/notes/").unwrap();
    let delete = world.notes(&format!("/notes/{}", rest.split_once('"').unwrap().0));
    note(&post(&alice, &delete, &fields(&[("csrf", &home.csrf())])).await);
    // Open App, start, authorize, callback.
    let mut answer = alice.click_open_notes(&world).await;
    while answer.status.is_redirection() {
        note(&answer);
        answer = alice.get(&answer.location()).await;
    }
    let mut answer = alice.click_open(&world, "tasks").await;
    while answer.status.is_redirection() {
        note(&answer);
        answer = alice.get(&answer.location()).await;
    }
    let write = fields(&[("csrf", &answer.csrf()), ("text", "a task")]);
    note(&post(&alice, &world.tasks("/tasks"), &write).await);
    let csrf = alice.get(&world.tasks("/")).await.csrf();
    note(&post(&alice, &world.tasks("/logout"), &fields(&[("csrf", &csrf)])).await);
    let list = alice.get(&world.authority("/sessions")).await;
    let (_, rest) = list.body.rsplit_once("action=\"/sessions/apps/").unwrap();
    let end = format!("/sessions/apps/{}", rest.split_once('"').unwrap().0);
    let url = world.authority(&end);
    note(&post(&alice, &url, &fields(&[("csrf", &list.csrf())])).await);
    note(&world.visitor().get(&world.authority("/sessions")).await);
    note(&alice.get(&world.authority("/login")).await);
    note(&alice.get(&world.notes("/switch")).await);
    note(&alice.get(&world.notes("/callback?state=x")).await);
    let page = alice.open(&world.notes("/handoff/start")).await;
    let url = world.authority("/handoff/authorize");
    note(&post(&alice, &url, &decided(&page, "cancel")).await);
    let csrf = alice.get(&world.notes("/")).await.csrf();
    note(&post(&alice, &world.notes("/logout"), &fields(&[("csrf", &csrf)])).await);
    note(&sign_out_of_harbor_id(&world, &alice).await);
    note(&alice.get(&world.authority("/")).await);

    let paths: BTreeSet<_> = redirects
        .iter()
        .map(|(url, _)| Url::parse(url).unwrap().path().to_owned())
        .collect();
    for path in [
        "/",
        "/apps/notes/open",
        "/apps/tasks/open",
        &end,
        "/callback",
        "/handoff/authorize",
        "/handoff/start",
        "/login",
        "/logout",
        "/notes",
        "/sessions",
        "/switch",
        "/tasks",
    ] {
        assert!(paths.contains(path), "{path}: {paths:?}");
    }
    for (url, status) in redirects {
        assert_eq!(status, StatusCode::SEE_OTHER, "{url}");
    }
}

/// One request that is fine, and the parameters that its route reads.
struct Route {
    url: String,
    /// For a form. Its fields are the parameters.
    form: Option<Fields>,
    reads: Vec<&'static str>,
}

fn query_of(url: String, reads: &[&'static str]) -> Route {
    let (form, reads) = (None, reads.to_vec());
    Route { url, form, reads }
}

fn form_of(url: String, form: Fields, reads: &[&'static str]) -> Route {
    let (form, reads) = (Some(form), reads.to_vec());
    Route { url, form, reads }
}

async fn routes(world: &World, alice: &Persona) -> Vec<Route> {
    let party = world.relying_party();
    let portal = alice.get(&world.authority("/")).await;
    let confirm = alice.open(&world.notes("/handoff/start")).await;
    let home = alice.get(&world.notes("/")).await;
    let authorize = [
        "client_id",
        "redirect_uri",
        "state",
        "code_challenge",
        "code_challenge_method",
        "launch",
    ];
    let csrf = |page: &Answer| fields(&[("csrf", &page.csrf())]);
    vec![
        query_of(world.authority("/login?x"), &["demo", "continue", "notice"]),
        query_of(party.authorize(world, None), &authorize),
        query_of(
            world.notes("/handoff/start?x"),
            &["iss", "target_link_uri", "launch"],
        ),
        query_of(world.notes("/?x"), &["signed_out"]),
        query_of(world.notes("/signin/problem?x"), &["reason", "trace"]),
        form_of(
            world.authority("/apps/notes/open"),
            csrf(&portal),
            &["csrf"],
        ),
        form_of(
            world.authority("/handoff/authorize"),
            decided(&confirm, "cancel"),
            &[
                "client_id",
                "redirect_uri",
                "state",
                "code_challenge",
                "code_challenge_method",
                "decision",
                "csrf",
            ],
        ),
        form_of(
            world.notes("/notes"),
            fields(&[("csrf", &home.csrf()), ("text", "a note")]),
            &["csrf", "text"],
        ),
        // The last ones sign her out.
        form_of(world.notes("/logout"), csrf(&home), &["csrf"]),
        form_of(world.authority("/logout"), csrf(&portal), &["csrf"]),
    ]
}

#[tokio::test]
async fn row_36_on_every_route_a_parameter_twice_is_refused_and_an_unknown_one_is_ignored() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    let ask = async |route: &Route, more: &[(&str, &str)]| match &route.form {
        None => {
            let mut url = Url::parse(&route.url).unwrap();
            url.query_pairs_mut().extend_pairs(more);
            alice.get(url.as_str()).await
        }
        Some(form) => {
            let mut form = form.clone();
            form.extend(fields(more));
            post(&alice, &route.url, &form).await
        }
    };
    for route in routes(&world, &alice).await {
        let url = route.url.clone();
        for name in &route.reads {
            let twice = [(*name, "a"), (*name, "a")];
            let once_more = if route.form.is_some() { 1 } else { 0 };
            let answer = ask(&route, &twice[once_more..]).await;
            assert_eq!(
                answer.status,
                StatusCode::BAD_REQUEST,
                "{url} {name}: {answer:?}"
            );
        }
        let answer = ask(&route, &[("zzz", "1"), ("zzz", "2")]).await;
        assert!(
            answer.status.is_success() || answer.status == StatusCode::SEE_OTHER,
            "{url}: {answer:?}"
        );
    }

    // Two that are answered otherwise: the callback by a page that explains, the sign-in form of
    // somebody who is not signed in.
    let visitor = world.visitor();
    let login = world.authority("/login");
    let csrf = visitor.get(&login).await.csrf();
    let credentials = [
        ("csrf", csrf.as_str()),
        ("email", "alice@harbor.example"),
        ("password", "handoff-demo"),
    ];
    for name in ["csrf", "email", "password", "continue"] {
        let mut twice = fields(&credentials);
        twice.extend(fields(&[(name, "a"), ("continue", "a")]));
        let answer = post(&visitor, &login, &twice).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}: {answer:?}");
    }
    let mut unknown = fields(&credentials);
    unknown.extend(fields(&[("zzz", "1"), ("zzz", "2")]));
    let answer = post(&visitor, &login, &unknown).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    for name in [
        "state",
        "iss",
        "handoff_token",
        "error",
        "error_description",
    ] {
        let callback = visitor.callback_address(&world).await;
        visitor.open(&format!("{callback}&{name}=a&{name}=a")).await;
        assert!(!visitor.is_signed_in_at_notes(&world).await, "{name}");
    }
    let callback = visitor.callback_address(&world).await;
    visitor.open(&format!("{callback}&zzz=1&zzz=2")).await;
    assert!(visitor.is_signed_in_at_notes(&world).await);
}

#[tokio::test]
async fn row_53_signing_out_at_either_site_kills_the_access_token_too() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let home = alice.open_notes(&world).await;
    assert_eq!(world.living_sessions().await, (1, 1));
    let csrf = home.csrf();
    alice
        .post(&world.notes("/logout"), &[("csrf", &csrf)])
        .await;
    assert_eq!(world.living_sessions().await, (0, 0));

    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    let given = verify(&world, &party, &token).await.json();
    let access = given["access_token"].as_str().unwrap();
    assert_eq!(session(&world, access).await, StatusCode::OK);
    sign_out_of_harbor_id(&world, &alice).await;
    assert_eq!(session(&world, access).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn row_55_to_look_at_the_sign_out_page_ends_nothing_and_only_its_own_form_does() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let mallory = world.signed_in("mallory@harbor.example").await;
    let url = world.authority("/logout");
    let page = alice.get(&url).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert_eq!(page.header("set-cookie"), "");
    let still_here = async || alice.get(&world.authority("/")).await.status == StatusCode::OK;
    assert!(still_here().await, "after a GET");

    let foreign = mallory.get(&url).await.csrf();
    for csrf in ["", "x", &foreign] {
        let answer = alice.post(&url, &[("csrf", csrf)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{csrf}: {answer:?}");
        assert!(still_here().await, "{csrf}");
    }
    let headers = [
        ("origin", "http://evil.localhost"),
        ("sec-fetch-site", "cross-site"),
    ];
    let own = page.csrf();
    let answer = alice.post_with(&url, &headers, &[("csrf", &own)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert!(still_here().await, "after another site's form");
    alice.post(&url, &[("csrf", &own)]).await;
    assert!(!still_here().await);
}

#[tokio::test]
async fn row_57_both_sign_outs_expire_their_cookie_by_name_and_clear_nothing_but_the_cache() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let home = alice.open_notes(&world).await;
    let out_of_notes = alice
        .post(&world.notes("/logout"), &[("csrf", &home.csrf())])
        .await;
    let out_of_harbor_id = sign_out_of_harbor_id(&world, &alice).await;
    for (answer, cookie) in [
        (out_of_notes, "__Host-rp_session"),
        (out_of_harbor_id, "__Host-as_session"),
    ] {
        assert_eq!(answer.header("clear-site-data"), "\"cache\"", "{answer:?}");
        let expires = answer.header("set-cookie");
        assert!(expires.starts_with(&format!("{cookie}=;")), "{expires}");
        let ends = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
        assert!(expires.ends_with(ends), "{expires}");
    }
}

#[tokio::test]
async fn row_61_no_two_sites_share_a_registrable_domain() {
    let (_process, world) = world().await;
    let origins = &world.origins;
    // To a browser `localhost` is a top-level domain: what stands before it is the site.
    let sites = [
        origins.of(authority::ID),
        origins.of(Application::Notes),
        origins.of(Application::Tasks),
        origins.of(lab::ID),
    ];
    let domains: BTreeSet<_> = sites
        .map(|origin| {
            let url = Url::parse(origin.as_str()).unwrap();
            let host = url.host_str().unwrap().to_owned();
            let labels: Vec<_> = host.rsplit('.').take(2).collect();
            labels.join(".")
        })
        .into_iter()
        .collect();
    assert_eq!(domains.len(), sites.len(), "{domains:?}");
}

#[tokio::test]
async fn row_65_no_page_relaxes_the_content_security_policy() {
    let (_process, world) = world().await;
    let visitor = world.visitor();
    let mut pages = Vec::new();
    for url in [
        world.authority("/login"),
        world.authority("/logout"),
        world.authority("/nowhere"),
        world.authority("/handoff/authorize"),
        world.authority("/assets/nothing.css"),
        world.notes("/"),
        world.notes("/signin/problem"),
        world.notes("/nowhere"),
        world.tasks("/"),
        world.tasks("/signin/problem"),
        world.tasks("/nowhere"),
        format!("{}/", world.origins.of(lab::ID)),
        format!("{}/nowhere", world.origins.of(lab::ID)),
    ] {
        pages.push(visitor.get(&url).await);
    }
    let (browser, switch) = asked_to_switch(&world).await;
    pages.push(switch);
    pages.push(browser.get(&world.notes("/")).await);
    pages.push(browser.get(&world.authority("/")).await);
    pages.push(browser.get(&world.authority("/logout")).await);
    let sessions = browser.get(&world.authority("/sessions")).await;
    assert_eq!(sessions.status, StatusCode::OK, "{sessions:?}");
    pages.push(sessions);
    let tasks = browser.open_tasks(&world).await;
    assert!(tasks.body.contains("Your tasks"), "{tasks:?}");
    pages.push(tasks);
    pages.push(browser.open(&world.notes("/handoff/start")).await);
    pages.push(browser.post(&world.authority("/logout"), &[]).await);

    for page in pages {
        let url = &page.url;
        let policies = page.headers.get_all("content-security-policy");
        assert_eq!(policies.iter().count(), 1, "{url}");
        assert!(!page.body.contains("http-equiv"), "{url}");
        let policy = page.header("content-security-policy");
        let directives: Vec<(&str, Vec<&str>)> = policy
            .split("; ")
            .map(|directive| {
                let mut words = directive.split(' ');
                (words.next().unwrap(), words.collect())
            })
            .collect();
        let mut seen = BTreeSet::new();
        for (directive, sources) in &directives {
            // A browser reads the first of two and drops the second.
            assert!(seen.insert(*directive), "{url}: {directive} twice");
            let allowed = |source: &str| match (*directive, source) {
                ("default-src" | "object-src" | "base-uri" | "frame-ancestors", "'none'")
                | (
                    "style-src" | "img-src" | "font-src" | "connect-src" | "form-action",
                    "'self'",
                )
                | ("img-src", "data:")
                | ("script-src", "'strict-dynamic'" | "'wasm-unsafe-eval'") => true,
                ("script-src", nonce) => nonce.starts_with("'nonce-") && nonce.len() == 30,
                ("form-action", origin) => {
                    let applications = [
                        world.origins.of(Application::Notes),
                        world.origins.of(Application::Tasks),
                    ];
                    applications.iter().any(|known| known.as_str() == origin)
                }
                _ => false,
            };
            for source in sources {
                assert!(allowed(source), "{url}: {directive} {source}");
            }
        }
        for needed in [
            "default-src",
            "script-src",
            "object-src",
            "base-uri",
            "frame-ancestors",
            "form-action",
        ] {
            assert!(seen.contains(needed), "{url}: {needed} is missing");
        }
    }
}

#[tokio::test]
async fn row_83_whoever_may_not_use_an_application_is_not_told_of_it() {
    let (_process, world) = world().await;
    let bob = world.signed_in("bob@harbor.example").await;
    world
        .assign_only_to("notes", &["alice@harbor.example"])
        .await;
    let portal = bob.get(&world.authority("/")).await;
    assert_eq!(portal.status, StatusCode::OK, "{portal:?}");
    let host = world.origins.of(Application::Notes).authority();
    assert!(!portal.body.contains(host), "{portal:?}");
    let policy = portal.header("content-security-policy");
    assert!(!policy.contains(host), "{policy}");
    let alice = world.signed_in("alice@harbor.example").await;
    let portal = alice.get(&world.authority("/")).await;
    let policy = portal.header("content-security-policy");
    assert!(policy.contains(host), "{policy}");
}
