//! Tasks, the second client of the same code, and who may use a client.

use relying_party::Application;
use reqwest::StatusCode;
use serde_json::json;
use url::Url;

use crate::harness::{Answer, Persona, World, basic, world};

const ALICE: &str = "alice@harbor.example";
const BOB: &str = "bob@harbor.example";

#[tokio::test]
async fn one_sign_in_opens_both_applications_and_they_share_nothing() {
    let (_process, world) = world().await;
    let alice = world.visitor();
    alice.sign_in(&world, ALICE).await;
    let notes = alice.open_notes(&world).await;
    let tasks = alice.open_tasks(&world).await;
    assert_eq!(tasks.url, world.tasks("/"), "{tasks:?}");
    assert!(tasks.body.contains("Your tasks"), "{tasks:?}");
    assert!(tasks.body.contains("Alice Moreau"), "{tasks:?}");

    let cookie = |url: &str| alice.cookie(url, "__Host-rp_session").unwrap();
    assert_ne!(cookie(&notes.url), cookie(&tasks.url));
    let stranger = world.visitor();
    let stolen = cookie(&notes.url);
    stranger.set_cookie(&tasks.url, "__Host-rp_session", &stolen);
    let page = stranger.get(&world.tasks("/")).await;
    assert!(page.body.contains("Sign in with Harbor ID"), "{page:?}");
    assert_ne!(world.secret("notes"), world.secret("tasks"));

    let fields = [("csrf", &*tasks.csrf()), ("text", "buy milk")];
    let answer = alice.post(&world.tasks("/tasks"), &fields).await;
    let tasks = alice.follow(answer).await;
    assert!(tasks.body.contains("Mark done: buy milk"), "{tasks:?}");
    let notes = alice.get(&world.notes("/")).await;
    assert!(notes.body.contains("No notes yet."), "{notes:?}");

    // Signing out of one leaves the other, and Harbor ID.
    let answer = alice
        .post(&world.tasks("/logout"), &[("csrf", &tasks.csrf())])
        .await;
    let page = alice.follow(answer).await;
    assert!(
        page.body.contains("You are signed out of Tasks."),
        "{page:?}"
    );
    assert!(alice.is_signed_in_at_notes(&world).await);
    let portal = alice.get(&world.authority("/")).await;
    assert!(portal.body.contains("Open Tasks"), "{portal:?}");
}

#[tokio::test]
async fn row_79_h1_the_portal_offers_and_opens_only_what_is_assigned() {
    let (_process, world) = world().await;
    world.assign_only_to("tasks", &[ALICE]).await;
    let bob = world.signed_in(BOB).await;
    let portal = bob.get(&world.authority("/")).await;
    assert!(portal.body.contains("Open Notes"), "{portal:?}");
    assert!(!portal.body.contains("Tasks"), "{portal:?}");
    let csp = portal.header("content-security-policy");
    assert!(
        !csp.contains(world.origins.of(Application::Tasks).as_str()),
        "{csp}"
    );

    let answer = bob.click_open(&world, "tasks").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert!(answer.body.contains("not assigned"), "{answer:?}");

    let alice = world.signed_in(ALICE).await;
    let home = alice.open_tasks(&world).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
}

/// Ends at the relying party's own page that says so, with no session.
async fn told_at_tasks(world: &World, bob: &Persona, answer: Answer) {
    assert_eq!(answer.location_parameter("error"), "access_denied");
    let page = bob.follow(answer).await;
    assert!(
        page.url.starts_with(&world.tasks("/signin/problem?")),
        "{page:?}"
    );
    let words = "Your account has no access to Tasks";
    assert!(page.body.contains(words), "{page:?}");
    let home = bob.get(&world.tasks("/")).await;
    assert!(home.body.contains("Sign in with Harbor ID"), "{home:?}");
}

#[tokio::test]
async fn row_79_h3_a_person_who_is_not_assigned_gets_no_token_from_either_of_its_ways() {
    let (_process, world) = world().await;
    let bob = world.signed_in(BOB).await;

    // With a ticket from better days.
    let h1 = bob.click_open(&world, "tasks").await;
    let h2 = bob.get(&h1.location()).await;
    world.assign_only_to("tasks", &[ALICE]).await;
    let answer = bob.get(&h2.location()).await;
    told_at_tasks(&world, &bob, answer).await;

    // From the relying party's own button.
    let h2 = bob.get(&world.tasks("/handoff/start")).await;
    let answer = bob.get(&h2.location()).await;
    told_at_tasks(&world, &bob, answer).await;

    // From a confirmation page that was shown while he still was.
    world.assign_only_to("tasks", &[ALICE, BOB]).await;
    let page = bob.open(&world.tasks("/handoff/start")).await;
    assert!(page.body.contains("Continue to Tasks as Bob"), "{page:?}");
    world.assign_only_to("tasks", &[ALICE]).await;
    let asked = Url::parse(&page.url).unwrap();
    let mut fields: Vec<(String, String)> = asked.query_pairs().into_owned().collect();
    fields.push(("csrf".to_owned(), page.csrf()));
    fields.push(("decision".to_owned(), "continue".to_owned()));
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let url = world.authority("/handoff/authorize");
    let answer = bob.post(&url, &fields).await;
    told_at_tasks(&world, &bob, answer).await;
}

#[tokio::test]
async fn row_79_h3_a_sign_in_made_for_the_request_does_not_help_who_is_not_assigned() {
    let (_process, world) = world().await;
    world.assign_only_to("tasks", &[ALICE]).await;
    let bob = world.visitor();
    let page = bob.open(&world.tasks("/handoff/start")).await;
    let on = Url::parse(&page.url).unwrap();
    let (_, on) = on
        .query_pairs()
        .find(|(name, _)| name == "continue")
        .unwrap();
    let fields = [
        ("csrf", &*page.csrf()),
        ("email", BOB),
        ("password", "handoff-demo"),
        ("continue", &on),
    ];
    let answer = bob.post(&world.authority("/login"), &fields).await;
    let answer = bob.get(&answer.location()).await;
    told_at_tasks(&world, &bob, answer).await;
}

#[tokio::test]
async fn row_79_h5_unassigned_between_authorize_and_verify_gives_no_session() {
    let (_process, world) = world().await;
    let bob = world.signed_in(BOB).await;
    let mut answer = bob.click_open(&world, "tasks").await;
    for _ in ["start", "authorize"] {
        answer = bob.get(&answer.location()).await;
    }
    assert_eq!(answer.location_parameter("handoff_token").len(), 43);
    world.assign_only_to("tasks", &[ALICE]).await;
    let page = bob.follow(answer).await;
    assert!(page.url.contains("/signin/problem?"), "{page:?}");
    let home = bob.get(&world.tasks("/")).await;
    assert!(home.body.contains("Sign in with Harbor ID"), "{home:?}");

    // And on the wire, the answer that every refusal gets.
    let alice = world.signed_in(ALICE).await;
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    world.assign_only_to("notes", &[BOB]).await;
    let basic = basic("notes", &world.notes_secret());
    let url = world.authority("/auth/external/handoff/verify");
    let refused = alice
        .post_json(&url, &[("authorization", &basic)], &party.body(&token))
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    assert_eq!(
        refused.json()["error"],
        json!("HANDOFF_VERIFICATION_FAILED")
    );
}

#[tokio::test]
async fn row_06_the_other_application_cannot_redeem_a_token_nor_use_it_up() {
    let (_process, world) = world().await;
    let alice = world.signed_in(ALICE).await;
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    let redeem = async |client: &str| {
        let mut body = party.body(&token);
        body["client_id"] = json!(client);
        let basic = basic(client, &world.secret(client));
        let url = world.authority("/auth/external/handoff/verify");
        alice
            .post_json(&url, &[("authorization", &basic)], &body)
            .await
    };
    let refused = redeem("tasks").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    assert_eq!(
        refused.json()["error"],
        json!("HANDOFF_VERIFICATION_FAILED")
    );
    assert_eq!(redeem("notes").await.status, StatusCode::OK);
}
