//! What every response carries, on every site.

use relying_party::Application;
use reqwest::{Method, StatusCode};

use web::cookies::Prefix;

use crate::harness::{Answer, Kept, Process, log, world};

#[tokio::test]
async fn rows_65_and_68_every_answer_of_every_site_carries_the_headers() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let urls = [
        world.authority("/"),
        world.authority("/login"),
        world.authority("/nowhere"),
        world.authority("/handoff/authorize"),
        world.notes("/"),
        world.notes("/handoff/start"),
        world.notes("/callback"),
        world.notes("/nowhere"),
        format!("{}/", world.origins.of(lab::ID)),
        format!("{}/nowhere", world.origins.of(lab::ID)),
        world.authority("/assets/nothing.css"),
    ];
    let for_machines = [
        world.authority("/handoff/verify"),
        world.authority("/auth/external/handoff/verify"),
        world.authority("/api/v1/auth/direct/session"),
        world.authority("/api/v1/auth/direct/logout"),
        format!("{}/reports", world.origins.of(lab::ID)),
    ];
    for url in &for_machines {
        let answer = alice.get(url).await;
        let policies = answer.headers.get_all("content-security-policy");
        assert_eq!(policies.iter().count(), 1, "{url}");
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "{url}"
        );
        assert!(!answer.headers.contains_key("set-cookie"), "{url}");
        has_the_headers_of_all(&answer, url);
    }
    let mut nonces = std::collections::BTreeSet::new();
    for url in &urls {
        for _ in 0..2 {
            let answer = alice.get(url).await;
            let policy = answer.header("content-security-policy").to_owned();
            for part in [
                "default-src 'none'",
                "object-src 'none'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
                "form-action 'self'",
            ] {
                assert!(policy.contains(part), "{url}: {policy}");
            }
            let nonce = policy
                .split_once("'nonce-")
                .unwrap()
                .1
                .split_once('\'')
                .unwrap()
                .0;
            assert!(nonces.insert(nonce.to_owned()), "{url}: a nonce twice");
            has_the_headers_of_all(&answer, url);
            assert!(!answer.body.contains(" style="), "{url}");
        }
    }
}

fn has_the_headers_of_all(answer: &Answer, url: &str) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{url}");
    for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
        assert_eq!(answer.header(name), "same-origin", "{url}: {name}");
    }
    assert!(!answer.header("permissions-policy").is_empty(), "{url}");
    let referrer = match answer.status.is_redirection() {
        true => "no-referrer",
        false => "strict-origin",
    };
    assert_eq!(answer.header("referrer-policy"), referrer, "{url}");
    assert_eq!(answer.header("cache-control"), "no-store", "{url}");
}

#[tokio::test]
async fn rows_58_and_60_every_cookie_is_a_host_cookie_with_every_attribute() {
    let (_process, world) = world().await;
    let alice = world.visitor();
    let mut lines = Vec::new();
    let mut note = |answer: &crate::harness::Answer| {
        for line in answer.headers.get_all("set-cookie") {
            lines.push(line.to_str().unwrap().to_owned());
        }
    };
    let page = alice.get(&world.authority("/login")).await;
    note(&page);
    let fields = [
        ("csrf", &*page.csrf()),
        ("email", "alice@harbor.example"),
        ("password", "handoff-demo"),
    ];
    note(&alice.post(&world.authority("/login"), &fields).await);
    let mut answer = alice.click_open_notes(&world).await;
    while answer.status.is_redirection() {
        answer = alice.get(&answer.location()).await;
        note(&answer);
    }
    note(
        &alice
            .post(&world.notes("/logout"), &[("csrf", &answer.csrf())])
            .await,
    );
    let csrf = alice.get(&world.authority("/")).await.csrf();
    note(
        &alice
            .post(&world.authority("/logout"), &[("csrf", &csrf)])
            .await,
    );
    for name in ["as_pre", "as_session", "rp_pre", "rp_session"] {
        let mine: Vec<_> = lines
            .iter()
            .filter(|l| l.starts_with(&format!("__Host-{name}=")))
            .collect();
        assert!(mine.len() >= 2, "{name} is set and expired: {lines:?}");
    }
    for line in &lines {
        assert!(line.starts_with("__Host-"), "{line}");
        for attribute in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(line.contains(attribute), "{line}");
        }
        assert!(!line.contains("Domain"), "{line}");
    }
}

#[tokio::test]
async fn row_59_the_longer_prefix_is_off_and_when_it_is_on_a_shorter_name_is_nobodys() {
    let process = Process::start().await;
    let off = process.platform("-off", Kept::InMemory).await;
    let page = off.visitor().get(&off.authority("/login")).await;
    assert!(
        page.header("set-cookie").starts_with("__Host-as_pre="),
        "{page:?}"
    );

    let on = process
        .platform_with("-on", Kept::InMemory, |setup| {
            setup.cookie_prefix = Prefix::HostHttp;
        })
        .await;
    let alice = on.signed_in("alice@harbor.example").await;
    let home = alice.open_notes(&on).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
    for (site, name) in [
        (on.authority("/"), "as_session"),
        (on.notes("/"), "rp_session"),
    ] {
        let long = format!("__Host-Http-{name}");
        let value = alice.cookie(&site, &long).expect(name);
        assert_eq!(alice.cookie(&site, &format!("__Host-{name}")), None);
        // What a script could have written: the same value under the shorter name.
        let thief = on.visitor();
        thief.set_cookie(&site, &format!("__Host-{name}"), &value);
        let page = thief.open(&site).await;
        assert!(!page.body.contains("Sign out"), "{name}: {page:?}");
        thief.set_cookie(&site, &long, &value);
        let page = thief.open(&site).await;
        assert!(page.body.contains("Sign out"), "{name}: {page:?}");
    }
    // And both expire under that name.
    let answer = alice
        .post(&on.notes("/logout"), &[("csrf", &home.csrf())])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(alice.cookie(&home.url, "__Host-Http-rp_session"), None);
}

#[tokio::test]
async fn row_83_form_action_names_what_the_page_needs_and_nobody_else() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let target = |policy: &str| policy.split_once("form-action ").unwrap().1.to_owned();
    let notes = world.origins.of(Application::Notes).as_str();
    let tasks = world.origins.of(Application::Tasks).as_str();
    for (url, expected) in [
        (world.authority("/"), format!("'self' {notes} {tasks}")),
        (world.authority("/logout"), "'self'".to_owned()),
        (world.notes("/"), "'self'".to_owned()),
    ] {
        let answer = alice.get(&url).await;
        assert_eq!(
            target(answer.header("content-security-policy")),
            expected,
            "{url}"
        );
    }
    let visitor = world.visitor();
    let page = visitor.get(&world.authority("/login")).await;
    assert_eq!(target(page.header("content-security-policy")), "'self'");
    let page = visitor.open(&world.notes("/handoff/start")).await;
    assert_eq!(
        target(page.header("content-security-policy")),
        format!("'self' {notes}")
    );
}

#[tokio::test]
async fn row_77_an_unknown_host_is_misdirected_and_nothing_is_built_from_it() {
    let (_process, world) = world().await;
    let visitor = world.visitor();
    let port = world
        .origins
        .of(authority::ID)
        .as_str()
        .rsplit_once(':')
        .unwrap()
        .1;
    for host in [
        "evil.localhost",
        "192.0.2.1",
        "auth.localhost.evil",
        "auth.localhost:1",
        "",
    ] {
        let headers = [("host", host)];
        let answer = visitor
            .send(Method::GET, &world.authority("/"), &headers, None)
            .await;
        let expected = if host.is_empty() {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::MISDIRECTED_REQUEST
        };
        assert!(
            answer.status == expected || answer.status == 421,
            "{host}: {answer:?}"
        );
        assert!(
            host.is_empty() || !answer.body.contains(host),
            "{host}: {answer:?}"
        );
    }
    let upper = format!("AUTH.localhost:{port}");
    let headers = [
        ("host", upper.as_str()),
        ("x-forwarded-host", "evil.localhost"),
        ("forwarded", "host=evil.localhost"),
    ];
    let answer = visitor
        .send(Method::GET, &world.authority("/"), &headers, None)
        .await;
    assert_eq!(answer.header("location"), "/login", "{answer:?}");
    assert!(!format!("{answer:?}").contains("evil"), "{answer:?}");
}

#[tokio::test]
async fn a_route_of_one_site_is_not_found_on_the_others() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    for path in [
        "/login",
        "/handoff/authorize",
        "/auth/external/handoff/verify",
        "/apps/notes/open",
    ] {
        assert_eq!(
            alice.get(&world.notes(path)).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    for path in ["/handoff/start", "/callback", "/notes", "/switch"] {
        assert_eq!(
            alice.get(&world.authority(path)).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_error_page_explains_and_has_a_trace_id_that_the_log_has_too() {
    let (_process, world) = world().await;
    let visitor = world.visitor();
    for origin in [
        world.origins.of(authority::ID),
        world.origins.of(Application::Notes),
        world.origins.of(lab::ID),
    ] {
        let answer = visitor
            .get(&format!("{origin}/nowhere?secret=hunter2"))
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(answer.body.contains("There is no such page"), "{answer:?}");
        assert!(!answer.body.contains("hunter2"), "{answer:?}");
        let after = answer.body.split_once("Trace id").unwrap().1;
        let trace = after
            .split_once("<code>")
            .unwrap()
            .1
            .split_once("</code>")
            .unwrap()
            .0;
        assert_eq!(trace.len(), 16, "{answer:?}");
        let log = log();
        let line = log
            .lines()
            .find(|line| line.contains(trace) && line.contains("path=\"/nowhere\""));
        assert!(line.is_some(), "{trace} is not in the log");
    }
}
