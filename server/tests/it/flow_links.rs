//! The ways from a page to what was recorded of its handoff: from a session, from the portal's last
//! handoffs, from an error page. Each leads to the one handoff that it is about.

use std::collections::BTreeSet;

use handoff::{
    flow::FlowId,
    token::{State, Unverified},
};
use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::{Answer, Kept, Persona, Process, World, world};

const ALICE: &str = "alice@harbor.example";
const BOB: &str = "bob@harbor.example";

const HOW: &str = "How did I get here?";
const WHAT: &str = "See what happened, step by step";
const STEPS: &str = "Step by step";

/// Where the page's links with this text lead. Each must leave the page's address behind.
fn ways(page: &Answer, text: &str) -> Vec<String> {
    let links = page.body.split("<a ").skip(1);
    let links = links.filter_map(|link| {
        let (tag, rest) = link.split_once('>')?;
        let (shown, _) = rest.split_once("</a>")?;
        (shown.trim() == text).then_some(tag)
    });
    let addresses = links.map(|tag| {
        assert!(tag.contains(r#"rel="noreferrer""#), "{tag}");
        let (_, address) = tag.split_once(r#"href=""#).unwrap();
        address.split_once('"').unwrap().0.to_owned()
    });
    addresses.collect()
}

/// The page's one link with this text, followed: the flow's page, as the browser shows it.
async fn follow(world: &World, persona: &Persona, page: &Answer, text: &str) -> Answer {
    let ways = ways(page, text);
    let [way] = &ways[..] else {
        panic!("{text}: {ways:?} in {page:?}");
    };
    assert!(way.starts_with(world.origins.of(lab::ID).as_str()), "{way}");
    assert!(!way.contains('?'), "{way}");
    world.settled().await;
    let shown = persona.open(way).await;
    assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
    shown
}

/// The address of the flow in which this browser was at the start for the last time.
fn last_flow(world: &World, persona: &Persona) -> String {
    let seen = persona.seen();
    let start = seen
        .iter()
        .rev()
        .find(|answer| answer.url.contains("/handoff/start"))
        .unwrap();
    let state = start.location_parameter("state");
    let flow = FlowId::of(&Unverified::<State>::new(state).unwrap().digest());
    world.lab(&format!("/flows/{flow}"))
}

/// What was recorded of the flow that stands at this address.
async fn events(persona: &Persona, flow: &str) -> Vec<Value> {
    let file = persona.get(&format!("{flow}/export.json")).await.json();
    file["events"].as_array().unwrap().clone()
}

/// Why it was refused, each time that it was.
async fn refusals(persona: &Persona, flow: &str) -> Vec<String> {
    let events = events(persona, flow).await;
    let reasons = events
        .iter()
        .filter_map(|event| event["refusal"]["reason"].as_str());
    reasons.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_session_leads_to_the_handoff_that_gave_it_and_to_nobody_elses() {
    let (_process, world) = world().await;
    let (alice, bob) = (world.signed_in(ALICE).await, world.signed_in(BOB).await);
    let mut flows = BTreeSet::new();
    for persona in [&alice, &bob] {
        let notes = persona.open_notes(&world).await;
        let own = last_flow(&world, persona);
        let shown = follow(&world, persona, &notes, HOW).await;
        assert_eq!(shown.url, own);
        flows.insert(own);
        let tasks = persona.open_tasks(&world).await;
        let own = last_flow(&world, persona);
        let shown = follow(&world, persona, &tasks, HOW).await;
        assert_eq!(shown.url, own);
        flows.insert(own);
    }
    assert_eq!(flows.len(), 4, "each has its own");

    // A handoff that came to nothing, or somebody else's, changes nothing about this one.
    let own = alice.get(&world.notes("/")).await;
    let before = follow(&world, &alice, &own, HOW).await.url;
    let callback = bob.callback_address(&world).await;
    alice.open(&callback).await;
    bob.open_notes(&world).await;
    let own = alice.get(&world.notes("/")).await;
    assert_eq!(follow(&world, &alice, &own, HOW).await.url, before);
}

#[tokio::test]
async fn a_session_that_waited_for_switch_leads_to_its_handoff_with_the_answer_in_it() {
    let (_process, world) = world().await;
    let browser = world.signed_in(ALICE).await;
    browser.open_notes(&world).await;
    let alices = last_flow(&world, &browser);
    browser.lose_cookie(&world.authority("/"), "__Host-as_session");
    browser.sign_in(&world, BOB).await;
    let page = browser.open_notes(&world).await;
    assert_eq!(page.url, world.notes("/switch"), "{page:?}");
    let bobs = last_flow(&world, &browser);
    let switch = [("csrf", &*page.csrf()), ("decision", "switch")];
    let answer = browser.post(&world.notes("/switch"), &switch).await;
    let home = browser.follow(answer).await;
    assert!(home.body.contains("Bob Okafor"), "{home:?}");

    assert_ne!(alices, bobs);
    assert_eq!(follow(&world, &browser, &home, HOW).await.url, bobs);
    // What only has the session is in the same flow: the question, and what came of it.
    let steps = events(&browser, &bobs).await;
    for step in [
        "start_received",
        "redeemed",
        "switch_asked",
        "session_created",
    ] {
        let took = steps.iter().any(|event| event["step"] == step);
        assert!(took, "{step}: {steps:?}");
    }
}

#[tokio::test]
async fn the_portal_leads_from_each_handoff_to_its_flow() {
    let (_process, world) = world().await;
    let alice = world.signed_in(ALICE).await;
    let portal = alice.get(&world.authority("/")).await;
    assert_eq!(ways(&portal, STEPS), [""; 0]);
    alice.open_notes(&world).await;
    let first = last_flow(&world, &alice);
    alice.open_tasks(&world).await;
    let second = last_flow(&world, &alice);
    world.assign_only_to("tasks", &[BOB]).await;
    let page = alice.open(&world.tasks("/handoff/start")).await;
    assert!(page.url.contains("/signin/problem?"), "{page:?}");
    let refused = last_flow(&world, &alice);

    world.settled().await;
    let portal = alice.get(&world.authority("/")).await;
    let found = ways(&portal, STEPS);
    assert_eq!(found, [refused, second, first], "the newest first");
    for way in &found {
        let shown = alice.get(way).await;
        assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
    }
    // They are the person's own.
    let bob = world.signed_in(BOB).await;
    let portal = bob.get(&world.authority("/")).await;
    assert_eq!(ways(&portal, STEPS), [""; 0]);
}

#[tokio::test]
async fn a_cancelled_handoff_leads_to_its_flow_from_both_sides() {
    let (_process, world) = world().await;
    let alice = world.signed_in(ALICE).await;
    // Nobody clicked at Harbor ID, so it asks.
    let asks = alice.open(&world.notes("/handoff/start")).await;
    assert!(asks.url.contains("/handoff/authorize?"), "{asks:?}");
    let own = last_flow(&world, &alice);
    let asked = url::Url::parse(&asks.url).unwrap();
    let mut fields: Vec<_> = asked.query_pairs().into_owned().collect();
    fields.push(("csrf".to_owned(), asks.csrf()));
    fields.push(("decision".to_owned(), "cancel".to_owned()));
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let answer = alice
        .post(&world.authority("/handoff/authorize"), &fields)
        .await;
    let problem = alice.follow(answer).await;
    assert!(problem.url.contains("reason=cancelled"), "{problem:?}");
    assert_eq!(follow(&world, &alice, &problem, WHAT).await.url, own);
    let portal = alice.get(&world.authority("/")).await;
    assert_eq!(ways(&portal, STEPS), [own]);
}

#[tokio::test]
async fn an_error_page_leads_to_the_handoff_that_failed() {
    let (_process, world) = world().await;
    let (alice, mallory) = (
        world.signed_in(ALICE).await,
        world.signed_in("mallory@harbor.example").await,
    );
    // A used callback: the handoff is known by its state.
    let callback = alice.callback_address(&world).await;
    let own = last_flow(&world, &alice);
    alice.open(&callback).await;
    let problem = alice.open(&callback).await;
    assert!(problem.url.contains("/signin/problem?"), "{problem:?}");
    let shown = follow(&world, &alice, &problem, WHAT).await;
    assert_eq!(shown.url, own);
    assert_eq!(refusals(&alice, &own).await, ["no_pre_session"]);

    // Refused where no handoff can be told: the request is recorded on its own.
    let pages = [
        (
            mallory
                .open(&world.notes("/callback?state=a&state=b"))
                .await,
            "unreadable_parameters",
        ),
        (
            mallory.open(&world.notes("/switch")).await,
            "session_ended_meanwhile",
        ),
        (
            mallory
                .open(&world.authority("/handoff/authorize?client_id=nobody"))
                .await,
            "unknown_client",
        ),
        (
            mallory
                .post(&world.authority("/apps/notes/open"), &[("csrf", "wrong")])
                .await,
            "stale_form",
        ),
    ];
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    for (page, reason) in pages {
        let shown = follow(&world, &mallory, &page, WHAT).await;
        found.extend(refusals(&mallory, &shown.url).await);
        expected.push(reason);
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn where_nothing_is_recorded_of_a_failure_no_link_is() {
    let (_process, world) = world().await;
    let visitor = world.visitor();
    for url in [
        world.authority("/nowhere"),
        world.notes("/nowhere"),
        world.lab("/nowhere"),
        world.lab("/flows/by-trace/0123456789abcdef"),
        world.notes("/signin/problem"),
        world.notes("/signin/problem?reason=refused&trace=%3Cb%3E"),
        world.notes("/signin/problem?reason=refused&trace=0123456789abcde"),
    ] {
        let page = visitor.get(&url).await;
        assert!(page.body.contains("Trace id"), "{page:?}");
        assert_eq!(ways(&page, WHAT), [""; 0], "{url}");
    }
}

#[tokio::test]
async fn what_has_not_arrived_or_never_was_is_said_so() {
    let (_process, world) = world().await;
    let visitor = world.visitor();
    let nobodys = "AAAAAAAAAAAAAAAAAAAAAA";
    for path in [
        "/flows/by-trace/0123456789abcdef".to_owned(),
        format!("/flows/by-session/{nobodys}"),
    ] {
        let page = visitor.get(&world.lab(&path)).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{page:?}");
        assert!(
            page.body.contains("Nothing is recorded of this"),
            "{page:?}"
        );
        assert!(page.body.contains("load this page again"), "{page:?}");
    }
}

#[tokio::test]
async fn without_a_lab_no_page_leads_to_one() {
    let process = Process::start().await;
    let world = process
        .platform_with("", Kept::InFiles, |setup| {
            setup.sites.remove(&lab::ID);
        })
        .await;
    let alice = world.signed_in(ALICE).await;
    let callback = alice.callback_address(&world).await;
    let home = alice.open(&callback).await;
    assert!(home.body.contains("Your notes"), "{home:?}");
    let problem = alice.open(&callback).await;
    assert!(problem.url.contains("/signin/problem?"), "{problem:?}");
    let portal = alice.get(&world.authority("/")).await;
    assert!(portal.body.contains("Recent handoffs"), "{portal:?}");
    for page in [&home, &problem, &portal] {
        assert!(
            !page.body.contains(world.origins.of(lab::ID).as_str()),
            "{page:?}"
        );
    }
}

#[tokio::test]
async fn every_door_of_the_labs_start_page_leads_to_a_page() {
    let (_process, world) = world().await;
    let visitor = world.visitor();
    let start = visitor.get(&world.lab("/")).await;
    let (_, rest) = start.body.split_once(r#"<ul class="doors""#).unwrap();
    let doors = rest.split("</ul>").next().unwrap();
    let titles = doors.matches("<h3").count();
    let paths: Vec<&str> = doors
        .split(r#"href=""#)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(titles >= 3 && paths.len() == titles, "{doors}");
    for path in paths {
        let page = visitor.get(&world.lab(path)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {page:?}");
    }
}

#[tokio::test]
async fn where_no_handoff_is_there_a_button_leads_to_harbor_id() {
    let (_process, world) = world().await;
    let visitor = world.visitor();
    let expected = format!(r#"href="{}""#, world.origins.of(authority::ID));
    for path in ["/flows", "/flows/next"] {
        let page = visitor.open(&world.lab(path)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {page:?}");
        assert!(page.body.contains(&expected), "{path}: {}", page.body);
    }
}
