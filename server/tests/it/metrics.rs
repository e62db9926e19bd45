//! What `/metrics` says of a run: before and after differ by exactly what happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::body::{Body, to_bytes};
use handoff::{
    flow::{Belongs, Event, Refusal, Site},
    ids::ClientId,
    refusal_reason::RefusalReason,
    step::Step,
};
use http::Request;
use recording::recorder::Recorder;
use reqwest::StatusCode;
use server::platform::Setup;
use time::Duration;
use tower::ServiceExt as _;

use crate::harness::{Kept, Persona, Process, World, basic, log, world};

/// Every series with its value. Times are left out: only how many were measured is known beforehand.
pub async fn series(world: &World) -> BTreeMap<String, f64> {
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let answer = world.operations().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let kind = answer.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let lines = text.lines().filter(|line| {
        let is_time = line.contains("_seconds_bucket{") || line.contains("_seconds_sum{");
        !line.starts_with('#') && !line.is_empty() && !is_time
    });
    let read = |line: &str| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        (series.to_owned(), value.parse().unwrap())
    };
    lines.map(read).collect()
}

/// By how much each series has changed, those that have not left out.
fn difference(
    before: &BTreeMap<String, f64>,
    after: &BTreeMap<String, f64>,
) -> BTreeMap<String, f64> {
    assert!(before.keys().all(|series| after.contains_key(series)));
    let change = |(series, value): (&String, &f64)| {
        let change = value - before.get(series).copied().unwrap_or_default();
        (series.clone(), change)
    };
    let changes = after.iter().map(change);
    changes.filter(|(_, change)| *change != 0.0).collect()
}

fn exactly<const N: usize>(changes: [(&str, f64); N]) -> BTreeMap<String, f64> {
    changes.map(|(name, by)| (name.to_owned(), by)).into()
}

async fn try_password(world: &World, browser: &Persona, password: &str) -> StatusCode {
    let url = world.authority("/login");
    let csrf = browser.get(&url).await.csrf();
    let fields = [
        ("csrf", &*csrf),
        ("email", "alice@harbor.example"),
        ("password", password),
    ];
    browser.post(&url, &fields).await.status
}

#[tokio::test]
async fn sign_ins_sessions_and_limits_are_counted_where_they_happen() {
    let (_process, world) = world().await;
    let before = series(&world).await;
    let sites = ["authority", "notes", "tasks"];
    for site in sites {
        assert_eq!(
            before[&format!("handoff_active_sessions{{site=\"{site}\"}}")],
            0.0
        );
    }
    let stranger = world.visitor();
    for _ in 0..10 {
        let answer = try_password(&world, &stranger, "wrong").await;
        assert_eq!(answer, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let answer = try_password(&world, &stranger, "wrong").await;
    assert_eq!(answer, StatusCode::TOO_MANY_REQUESTS);
    let bob = world.signed_in("bob@harbor.example").await;
    bob.open_notes(&world).await;
    let mallory = world.signed_in("mallory@harbor.example").await;
    mallory.open_notes(&world).await;
    for _ in 0..602 {
        stranger.get(&world.notes("/callback?state=x")).await;
    }
    let changed = difference(&before, &series(&world).await);
    let counted_here = |(series, _): &(String, f64)| {
        ["handoff_sign_in", "handoff_active", "handoff_rate"]
            .iter()
            .any(|start| series.starts_with(start))
    };
    let counted: BTreeMap<_, _> = changed.into_iter().filter(counted_here).collect();
    assert_eq!(
        counted,
        exactly([
            ("handoff_active_sessions{site=\"authority\"}", 2.0),
            ("handoff_active_sessions{site=\"notes\"}", 2.0),
            (
                "handoff_rate_limit_refused_total{site=\"notes\",limit=\"stray_callback\"}",
                2.0
            ),
            ("handoff_sign_in_total{outcome=\"refused\"}", 10.0),
            ("handoff_sign_in_total{outcome=\"success\"}", 2.0),
            ("handoff_sign_in_total{outcome=\"wait\"}", 1.0),
        ])
    );
    world.clock.advance(Duration::hours(13));
    let after = series(&world).await;
    for site in sites {
        assert_eq!(
            after[&format!("handoff_active_sessions{{site=\"{site}\"}}")],
            0.0
        );
    }
}

#[tokio::test]
async fn a_site_whose_store_is_gone_has_no_number_and_the_rest_is_there() {
    let (_process, world) = world().await;
    world.close().await;
    let found = series(&world).await;
    assert!(found["handoff_active_sessions{site=\"notes\"}"].is_nan());
    assert_eq!(found["handoff_success_total{client=\"notes\"}"], 0.0);
}

#[tokio::test]
async fn what_the_document_lists_is_there_from_the_start() {
    let (_process, world) = world().await;
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let answer = world.operations().oneshot(request).await.unwrap();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let described = text.lines().filter_map(|it| it.strip_prefix("# TYPE "));
    let described: BTreeSet<_> = described.filter_map(|it| it.split(' ').next()).collect();
    let document = include_str!("../../../docs/observability/README.md");
    let rows = document
        .lines()
        .filter_map(|it| it.strip_prefix("| `handoff_"));
    let listed = rows.filter_map(|row| row.split('`').next());
    let listed: BTreeSet<_> = listed.map(|name| format!("handoff_{name}")).collect();
    // Nothing was measured yet.
    let but_times = |name: &&String| !name.ends_with("_seconds");
    for name in listed.iter().filter(but_times) {
        assert!(described.contains(&**name), "{name}\n{text}");
    }
    for name in described {
        assert!(listed.contains(name), "{name}");
    }
}

/// Takes nothing.
#[derive(Debug)]
struct Full;

impl Recorder for Full {
    fn record(&self, _: &Event) {}

    fn dropped(&self) -> u64 {
        7
    }
}

#[tokio::test]
async fn what_a_recorder_drops_is_counted() {
    let process = Process::start().await;
    let change = |setup: &mut Setup| setup.recorder = Arc::new(Full);
    let world = process.platform_with("", Kept::InMemory, change).await;
    assert_eq!(series(&world).await["handoff_events_dropped_total"], 7.0);
}

#[tokio::test]
async fn an_alarm_is_on_the_page_in_the_log_and_in_the_metrics_until_its_cause_is_over() {
    let (_process, world) = world().await;
    let url = format!("{}/monitor", world.origins.of(lab::ID));
    let visitor = world.visitor();
    let alarm = "handoff_alarms{alarm=\"success_rate_low\"}";
    let event = |n: i64| Event {
        step: Step::Refused,
        site: Site::RelyingParty,
        client: ClientId::parse("notes").ok(),
        belongs: Belongs::default(),
        trace: format!("{n:016x}"),
        at: 0,
        after: 1000,
        session: None,
        message: None,
        refusal: Some(Refusal::from(RefusalReason::AuthorityUnreachable)),
    };
    let said = "Of 23 handoffs in the last 15 minutes, 0 went well.";
    world.sweep().await;
    assert_eq!(series(&world).await[alarm], 0.0);
    assert!(!visitor.get(&url).await.body.contains("went well."));

    (0..23)
        .map(event)
        .for_each(|event| world.recorder().record(&event));
    world.sweep().await;
    assert_eq!(series(&world).await[alarm], 1.0);
    let page = visitor.get(&url).await;
    assert!(page.body.contains(said), "{page:?}");
    assert!(page.body.contains("authority_unreachable"), "{page:?}");
    let log_text = log();
    let raised = log_text.lines().find(|line| line.contains(said));
    assert!(raised.unwrap().contains("WARN"), "{raised:?}");

    world.clock.advance(Duration::minutes(15));
    world.sweep().await;
    assert_eq!(series(&world).await[alarm], 0.0);
    let page = visitor.get(&url).await;
    assert!(!page.body.contains(said), "{page:?}");
    // It is part of the last hour all the same.
    assert!(page.body.contains("authority_unreachable"), "{page:?}");
    assert!(log().contains("alarm cleared"));
}

#[tokio::test]
async fn a_run_of_known_successes_and_failures_is_the_whole_difference() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let bob = world.signed_in("bob@harbor.example").await;
    let before = series(&world).await;

    // Three go well; *Back* after that is no failure.
    let callback = alice.callback_address(&world).await;
    alice.get(&callback).await;
    alice.get(&callback).await;
    alice.open_tasks(&world).await;
    bob.open_notes(&world).await;
    // One that its person decides against.
    let page = bob.open(&world.tasks("/handoff/start")).await;
    assert!(page.body.contains("Continue to Tasks"), "{page:?}");
    let url = reqwest::Url::parse(&page.url).unwrap();
    let mut fields: Vec<_> = url.query_pairs().into_owned().collect();
    fields.push(("csrf".to_owned(), page.csrf()));
    fields.push(("decision".to_owned(), "cancel".to_owned()));
    let fields: Vec<_> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    let answer = bob
        .post(&world.authority("/handoff/authorize"), &fields)
        .await;
    bob.follow(answer).await;
    // One that somebody else's browser brings back, twice, and one whose token is not good.
    let stolen = alice.callback_address(&world).await;
    world.visitor().get(&stolen).await;
    world.visitor().get(&stolen).await;
    let mut spoilt = reqwest::Url::parse(&bob.callback_address(&world).await).unwrap();
    let pairs: Vec<_> = spoilt.query_pairs().into_owned().collect();
    spoilt
        .query_pairs_mut()
        .clear()
        .extend_pairs(pairs.iter().map(|(name, value)| {
            let value = if name == "handoff_token" {
                "A".repeat(43)
            } else {
                value.clone()
            };
            (name, value)
        }));
    bob.get(spoilt.as_str()).await;
    // Callbacks of somebody's making, which no handoff began.
    for state in ["B", "C"] {
        let made_up = format!("/callback?handoff_token=x&state={}", state.repeat(43));
        world.visitor().get(&world.notes(&made_up)).await;
    }
    // A client that presents a token twice.
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    let auth = basic("notes", &world.notes_secret());
    let verify = world.authority("/auth/external/handoff/verify");
    for _ in 0..2 {
        let headers = [("authorization", &*auth)];
        alice
            .post_json(&verify, &headers, &party.body(&token))
            .await;
    }
    world.settled().await;

    let changed = difference(&before, &series(&world).await);
    let of_handoffs = |(series, _): &(String, f64)| {
        [
            "started",
            "success",
            "told",
            "declined",
            "failure",
            "stray",
            "token_refused",
            "replay",
            "back_channel",
        ]
        .iter()
        .any(|what| series.starts_with(&format!("handoff_{what}")))
    };
    let changed: BTreeMap<_, _> = changed.into_iter().filter(of_handoffs).collect();
    let failure = |client: &str, reason: &str| {
        format!("handoff_failure_total{{client=\"{client}\",reason=\"{reason}\"}}")
    };
    assert_eq!(
        changed,
        exactly([
            ("handoff_started_total{client=\"notes\"}", 4.0),
            ("handoff_started_total{client=\"tasks\"}", 2.0),
            ("handoff_success_total{client=\"notes\"}", 2.0),
            ("handoff_success_total{client=\"tasks\"}", 1.0),
            (
                "handoff_declined_total{client=\"tasks\",reason=\"cancelled\"}",
                1.0
            ),
            (&failure("notes", "no_pre_session"), 1.0),
            (&failure("notes", "unknown"), 1.0),
            // Its own code presented it, and recorded nothing.
            ("handoff_told_total{client=\"notes\"}", 1.0),
            ("handoff_stray_callback_total{client=\"notes\"}", 2.0),
            (
                "handoff_token_refused_total{client=\"notes\",reason=\"unknown\"}",
                1.0
            ),
            (
                "handoff_token_refused_total{client=\"notes\",reason=\"replayed\"}",
                1.0
            ),
            ("handoff_replay_total", 1.0),
            (
                "handoff_back_channel_duration_seconds_count{outcome=\"answered\"}",
                4.0
            ),
        ])
    );
}
