//! H5: the back channel, from the outside.

use relying_party::Application;
use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{Answer, OwnRelyingParty, Persona, World, basic, world};

const VERIFY: &str = "/auth/external/handoff/verify";

async fn verify(world: &World, server: &Persona, body: &Value) -> Answer {
    let auth = basic("notes", &world.notes_secret());
    server
        .post_json(&world.authority(VERIFY), &[("authorization", &auth)], body)
        .await
}

#[tokio::test]
async fn h5_a_token_is_redeemed_once_by_its_client_with_everything_right() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let server = world.visitor();
    for path in [
        VERIFY,
        "/handoff/verify",
        "/handoff/verify?include=session,user",
    ] {
        let party = world.relying_party();
        let token = party.token(&world, &alice).await;
        let auth = basic("notes", &world.notes_secret());
        let url = world.authority(path);
        let headers = [("authorization", auth.as_str())];
        let first = server.post_json(&url, &headers, &party.body(&token)).await;
        assert_eq!(first.status, StatusCode::OK, "{first:?}");
        assert_eq!(first.header("cache-control"), "no-store");
        let body = first.json();
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["access_token"].as_str().unwrap().len(), 43);
        assert_eq!(body["expires_in"], 3600);
        assert_eq!(body["session"]["createdAt"], "2026-11-21T03:00:00Z");
        assert_eq!(body["session"]["expiresAt"], "2026-11-21T04:00:00Z");
        assert_eq!(body["session"]["userId"], body["user"]["id"]);
        assert_eq!(body["user"]["email"], "alice@harbor.example");
        assert_eq!(body["user"]["name"], "Alice Moreau");
        assert_eq!(body["user"]["emailVerified"], true);
        assert_eq!(body["auth_time"], 1_795_230_000);
        assert_eq!(body["amr"], json!(["pwd"]));
        assert_ne!(body["session"]["id"], body["access_token"], "row 18");

        let second = server.post_json(&url, &headers, &party.body(&token)).await;
        assert_eq!(second.status, StatusCode::BAD_REQUEST, "{second:?}");
        assert_eq!(second.json()["error"], "HANDOFF_VERIFICATION_FAILED");
    }
}

#[tokio::test]
async fn row_3_fifty_verifies_at_once_give_exactly_one_200() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    let auth = basic("notes", &world.notes_secret());
    let url = world.authority(VERIFY);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (server, url, auth) = (world.visitor(), url.clone(), auth.clone());
        let body = party.body(&token);
        calls.spawn(async move {
            server
                .post_json(&url, &[("authorization", &auth)], &body)
                .await
        });
    }
    let answers = calls.join_all().await;
    let accepted: Vec<_> = answers
        .iter()
        .filter(|a| a.status == StatusCode::OK)
        .collect();
    assert_eq!(accepted.len(), 1, "{answers:?}");
    let refused = answers
        .iter()
        .filter(|a| a.status == StatusCode::BAD_REQUEST)
        .count();
    assert_eq!(refused, 49, "{answers:?}");
    // Row 4: the replays had everything right, so what the first use gave is gone.
    let access = accepted[0].json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let session = session(&world, &access).await;
    assert_eq!(session.status, StatusCode::UNAUTHORIZED, "{session:?}");
}

async fn session(world: &World, access_token: &str) -> Answer {
    let auth = format!("Bearer {access_token}");
    let url = world.authority("/api/v1/auth/direct/session");
    world
        .visitor()
        .send(Method::GET, &url, &[("authorization", &auth)], None)
        .await
}

#[tokio::test]
async fn row_15_every_refusal_that_concerns_the_token_is_the_same_answer() {
    type Change = fn(&mut Value, &OwnRelyingParty);
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let server = world.visitor();
    let mut answers = BTreeSet::new();
    let mut collect = |what: &str, answer: Answer| {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {answer:?}");
        let mut headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "date" | "content-security-policy"))
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        answers.insert((answer.body, headers));
    };

    let changes: [(&str, Change); 7] = [
        ("another token", |body, _| {
            body["handoff_token"] = json!("A".repeat(43))
        }),
        ("no token at all", |body, _| {
            body["handoff_token"] = json!("x")
        }),
        ("another state", |body, _| body["state"] = json!("x")),
        ("another redirect URI", |body, _| {
            body["redirect_uri"] = json!("http://notes.localhost/")
        }),
        ("no redirect URI", |body, _| {
            body.as_object_mut().unwrap().remove("redirect_uri");
        }),
        ("another verifier", |body, _| {
            body["code_verifier"] = json!("A".repeat(43))
        }),
        ("no verifier", |body, _| {
            body.as_object_mut().unwrap().remove("code_verifier");
        }),
    ];
    for (what, change) in changes {
        let party = world.relying_party();
        let token = party.token(&world, &alice).await;
        let mut body = party.body(&token);
        change(&mut body, &party);
        collect(what, verify(&world, &server, &body).await);
        if body["handoff_token"] == party.body(&token)["handoff_token"] {
            // Row 5: a confidential client's mismatch has used the token up.
            collect(
                "after a mismatch",
                verify(&world, &server, &party.body(&token)).await,
            );
        }
    }
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    world.clock.advance(Duration::seconds(60));
    collect(
        "expired",
        verify(&world, &server, &party.body(&token)).await,
    );

    let token = party.token(&world, &alice).await;
    assert_eq!(
        verify(&world, &server, &party.body(&token)).await.status,
        StatusCode::OK
    );
    collect("used", verify(&world, &server, &party.body(&token)).await);

    let token = party.token(&world, &alice).await;
    world.assign_only_to("notes", &["bob@harbor.example"]).await;
    collect(
        "no longer assigned",
        verify(&world, &server, &party.body(&token)).await,
    );
    world
        .assign_only_to("notes", &["alice@harbor.example"])
        .await;

    let token = party.token(&world, &alice).await;
    let csrf = alice.get(&world.authority("/logout")).await.csrf();
    alice
        .post(&world.authority("/logout"), &[("csrf", &csrf)])
        .await;
    collect(
        "signed out",
        verify(&world, &server, &party.body(&token)).await,
    );
    assert_eq!(answers.len(), 1, "{answers:#?}");
}

#[tokio::test]
async fn row_13_only_the_client_itself_is_heard() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let server = world.visitor();
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    let secret = world.notes_secret();
    let bodies = BTreeSet::from([
        attempt(&world, &server, &[], &party.body(&token)).await,
        attempt(
            &world,
            &server,
            &[("authorization", "Basic")],
            &party.body(&token),
        )
        .await,
        attempt(
            &world,
            &server,
            &[("authorization", "Bearer x")],
            &party.body(&token),
        )
        .await,
        attempt(
            &world,
            &server,
            &[("authorization", &basic("notes", "no"))],
            &party.body(&token),
        )
        .await,
        attempt(
            &world,
            &server,
            &[("authorization", &basic("nobody", &secret))],
            &party.body(&token),
        )
        .await,
        attempt(
            &world,
            &server,
            &[("authorization", &basic("notes", ""))],
            &party.body(&token),
        )
        .await,
        attempt(
            &world,
            &server,
            &[("origin", world.origins.of(Application::Notes).as_str())],
            &party.body(&token),
        )
        .await,
        {
            let mut body = party.body(&token);
            body["client_id"] = json!("tasks");
            let right = basic("notes", &secret);
            attempt(&world, &server, &[("authorization", &right)], &body).await
        },
    ]);
    assert_eq!(bodies.len(), 1, "{bodies:#?}");
    // None of these used the token up.
    assert_eq!(
        verify(&world, &server, &party.body(&token)).await.status,
        StatusCode::OK
    );
}

async fn attempt(
    world: &World,
    server: &Persona,
    headers: &[(&str, &str)],
    body: &Value,
) -> String {
    let answer = server
        .post_json(&world.authority(VERIFY), headers, body)
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
    assert_eq!(answer.json()["error"], "invalid_client");
    answer.body
}

#[tokio::test]
async fn row_12_verify_reads_one_json_object_from_a_post_and_nothing_else() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let server = world.visitor();
    let auth = basic("notes", &world.notes_secret());
    let url = world.authority(VERIFY);
    let json_headers = [
        ("authorization", auth.as_str()),
        ("content-type", "application/json"),
    ];
    let send = async |method: Method, headers: &[(&str, &str)], body: &str| {
        let answer = server
            .send(method, &url, headers, Some(body.to_owned()))
            .await;
        assert_eq!(answer.json()["error"], "invalid_request", "{answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
        answer.status.as_u16()
    };
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    let good = party.body(&token).to_string();

    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        assert_eq!(send(method, &json_headers, &good).await, 405);
    }
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "",
    ] {
        let headers = [("authorization", auth.as_str()), ("content-type", media)];
        assert_eq!(send(Method::POST, &headers, &good).await, 415, "{media}");
    }
    let big = format!("{good}{}", " ".repeat(8 * 1024));
    assert_eq!(send(Method::POST, &json_headers, &big).await, 413);
    let twice = good.replacen('{', r#"{"state":"x","#, 1);
    let nested = "[".repeat(5_000);
    for bad in [
        "",
        "{",
        "[]",
        &format!(r#"["{token}", "x", "notes", null, null]"#),
        "null",
        "{}",
        &format!("{good} x"),
        &twice,
        &nested,
        &good.replace(&token, ""),
        &good.replace(&token, &"a".repeat(513)),
        &good.replace(&format!("\"{token}\""), "1"),
        &good.replace(&token, "a\\u0000"),
        &good.replace("\"notes\"", "\"\""),
    ] {
        assert_eq!(send(Method::POST, &json_headers, bad).await, 400, "{bad}");
    }
    assert_eq!(
        verify(&world, &server, &party.body(&token)).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn row_19_the_session_endpoint_knows_a_living_session_and_its_own_client_ends_it() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let server = world.visitor();
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    let given = verify(&world, &server, &party.body(&token)).await.json();
    let access = given["access_token"].as_str().unwrap();

    let alive = session(&world, access).await;
    assert_eq!(alive.status, StatusCode::OK, "{alive:?}");
    assert_eq!(alive.json()["session"], given["session"]);
    assert_eq!(alive.json()["user"], given["user"]);
    for bad in ["", "x", &token] {
        let answer = session(&world, bad).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{bad}");
        assert_eq!(answer.json()["error"], "no_session", "{bad}");
    }

    let url = world.authority("/api/v1/auth/direct/logout");
    let auth = format!("Bearer {access}");
    let other = json!({"client_id": "tasks"});
    let answer = server
        .post_json(&url, &[("authorization", &auth)], &other)
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
    assert_eq!(session(&world, access).await.status, StatusCode::OK);
    let own = json!({"client_id": "notes"});
    let answer = server
        .post_json(&url, &[("authorization", &auth)], &own)
        .await;
    assert_eq!(answer.json(), json!({"success": true}));
    assert_eq!(
        session(&world, access).await.status,
        StatusCode::UNAUTHORIZED
    );
    let answer = server
        .post_json(&url, &[("authorization", &auth)], &own)
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
    assert!(
        alice.get(&world.authority("/")).await.status.is_success(),
        "Harbor ID stays"
    );
}

#[tokio::test]
async fn row_18_an_access_token_is_no_session_cookie() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    let given = verify(&world, &world.visitor(), &party.body(&token))
        .await
        .json();
    let thief = world.visitor();
    for value in [&given["access_token"], &given["session"]["id"]] {
        thief.set_cookie(
            &world.authority("/"),
            "__Host-as_session",
            value.as_str().unwrap(),
        );
        let answer = thief.get(&world.authority("/")).await;
        assert!(answer.location().contains("/login"), "{answer:?}");
    }
}
