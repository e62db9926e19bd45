//! A client that is none of ours reports its own steps: what the lab takes, and what it refuses.

use handoff::{
    flow::{FlowId, LaunchId},
    token::{LaunchTicket, Secret as _, State, Unverified},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    harness::{Answer, Kept, OwnRelyingParty, Process, World},
    metrics::series,
    operate::run,
    outcomes::{PROBE_TOLD, list, probe, probe_is_told, register_probe},
};

const URL: &str = "/api/v1/reports";

/// When the test's clock begins, in microseconds.
const AT: i64 = 1_795_230_000_000_000;

async fn post(world: &World, key: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", &*bearer)];
    let answer = world
        .visitor()
        .post_json(&world.lab(URL), &headers, body)
        .await;
    world.settled().await;
    answer
}

async fn key_of(world: &World, client: &str) -> String {
    run(&world.folder(), &["client", "report-key", client])
        .await
        .one_line()
}

fn flow_of(state: &State) -> String {
    FlowId::of(&state.digest()).to_string()
}

fn step(name: &str, n: i64, flow: &str) -> Value {
    json!({ "step": name, "at": AT + n, "after": n, "trace": "00000000000000a1", "flow": flow })
}

/// A platform on which the probe was told who Alice is, with its key.
async fn told() -> (Process, World, OwnRelyingParty, String) {
    let process = Process::start().await;
    let world = process.platform("", Kept::InFiles).await;
    register_probe(&world).await;
    let key = key_of(&world, "probe").await;
    let party = probe();
    probe_is_told(&world, &party).await;
    world.settled().await;
    (process, world, party, key)
}

async fn outcome(world: &World) -> String {
    list(world).await.remove(0).0
}

#[tokio::test]
async fn what_a_client_reports_of_its_handoff_is_drawn_and_counted() {
    let (_process, world, party, key) = told().await;
    assert_eq!(outcome(&world).await, PROBE_TOLD);
    // From here on, the metrics know the client.
    series(&world).await;
    let flow = flow_of(&party.state);
    let steps = [
        "state_made",
        "callback_received",
        "state_matched",
        "verify_sent",
        "verify_answered",
    ];
    let mut report: Vec<_> = (1..).zip(steps).map(|(n, it)| step(it, n, &flow)).collect();
    let answer = post(&world, &key, &json!(report)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    assert_eq!(outcome(&world).await, "Not finished");
    report = vec![step("session_created", 9, &flow)];
    let answer = post(&world, &key, &json!(report)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");

    let flows = list(&world).await;
    assert_eq!(flows.len(), 1, "{flows:?}");
    assert_eq!(flows[0].0, "Signed in");
    let page = world.visitor().get(&world.lab(&flows[0].1)).await;
    assert!(page.body.contains("probe began a session"), "{page:?}");
    assert!(page.body.contains("probe: session begins"), "{page:?}");
    let monitor = world.visitor().get(&world.lab("/monitor")).await;
    assert!(
        !monitor.body.contains("was told who the person is"),
        "{monitor:?}"
    );
    // Once, however often it is reported; and no time of it is a measured one.
    let again = json!([step("state_made", 1, &flow), report[0]]);
    assert_eq!(
        post(&world, &key, &again).await.status,
        StatusCode::NO_CONTENT
    );
    let counted = series(&world).await;
    assert_eq!(counted["handoff_success_total{client=\"probe\"}"], 1.0);
    assert_eq!(counted["handoff_started_total{client=\"probe\"}"], 1.0);
    for step in ["state_made", "session_created"] {
        let times = format!("handoff_step_duration_seconds_count{{step=\"{step}\"}}");
        assert!(!counted.contains_key(&times), "{step}");
    }
}

#[tokio::test]
async fn a_report_is_taken_whole_or_refused_with_its_reason_and_changes_nothing() {
    let (_process, world, party, key) = told().await;
    let flow = flow_of(&party.state);
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    world.settled().await;
    let notes = list(&world).await.remove(0);
    let notes_flow = notes.1.rsplit('/').next().unwrap().to_owned();
    let page = world
        .visitor()
        .get(&world.lab(&format!("{}/export.json", notes.1)))
        .await;
    let exported = page.json();
    let events = exported
        .as_array()
        .or_else(|| exported["events"].as_array())
        .unwrap();
    let of_notes = |member: &str| {
        let found = events.iter().find_map(|event| {
            let event = event.get("event").unwrap_or(event);
            event[member]
                .as_str()
                .or_else(|| event["belongs"][member].as_str())
        });
        found.unwrap().to_owned()
    };

    let exported = world
        .visitor()
        .get(&world.lab(&format!("/flows/{flow}/export.json")))
        .await;
    let (_, of_authority) = exported.body.split_once("\"trace\"").unwrap();
    let of_authority = of_authority.split('"').nth(1).unwrap().to_owned();

    let good = || step("session_created", 9, &flow);
    let with = |name: &str, value: Value| {
        let mut step = good();
        step[name] = value;
        json!([step])
    };
    let without = |name: &str| {
        let mut step = good();
        step.as_object_mut().unwrap().remove(name);
        json!([step])
    };
    let refused = |reason: &str| {
        let mut step = step("refused", 9, &flow);
        step["reason"] = json!(reason);
        json!([step])
    };
    let minute = 60_000_000;
    let bad = "invalid_request";
    for (status, error, body) in [
        (400, bad, json!({})),
        (400, bad, json!(good())),
        (400, bad, json!([1])),
        (
            400,
            bad,
            json!([["session_created", AT, "00000000000000a1", 0, flow]]),
        ),
        (400, bad, json!("x".repeat(1000))),
        (400, bad, json!(vec![good(); 101])),
        (413, bad, json!("x".repeat(64 * 1024))),
        // Members that there are not, or that are somebody else's to say.
        (400, bad, with("client", json!("notes"))),
        (400, bad, with("site", json!("authority"))),
        (400, bad, with("message", json!({}))),
        (400, bad, with("step", json!("party"))),
        (400, bad, with("trace", json!("../../../../etc/"))),
        (400, bad, with("trace", json!("00000000000000A1"))),
        (400, bad, with("trace", json!("00000000000000a1f"))),
        (400, bad, with("at", json!("yesterday"))),
        (400, bad, with("at", json!(1.5))),
        (400, bad, with("after", json!(-1))),
        (400, bad, with("after", json!(u64::MAX))),
        (400, bad, with("flow", json!("0"))),
        (400, bad, with("session", json!("<script>"))),
        (400, bad, with("reason", json!("stayed"))),
        (400, bad, json!([step("refused", 9, &flow)])),
        (400, bad, without("at")),
        (400, bad, without("trace")),
        (422, "not_your_step", with("step", json!("redeemed"))),
        (422, "not_your_step", with("step", json!("token_issued"))),
        (422, "unknown_reason", refused("<b>")),
        (422, "unknown_reason", refused("replayed")),
        (422, "at_out_of_range", with("at", json!(AT + 6 * minute))),
        (
            422,
            "at_out_of_range",
            with("at", json!(AT - 25 * 60 * minute)),
        ),
        (422, "at_out_of_range", with("at", json!(i64::MIN))),
        (422, "no_handoff", without("flow")),
        // Another's handoff, by whatever it is known, and one that there is not.
        (422, "unknown_handoff", with("flow", json!("0".repeat(32)))),
        (422, "unknown_handoff", with("flow", json!(notes_flow))),
        (
            422,
            "unknown_handoff",
            with("launch", json!(of_notes("launch"))),
        ),
        (
            422,
            "unknown_handoff",
            with("session", json!(of_notes("session"))),
        ),
        (
            422,
            "another_handoff",
            with("trace", json!(of_notes("trace"))),
        ),
        // A request of Harbor ID's in the client's own handoff.
        (422, "another_handoff", with("trace", json!(of_authority))),
        // One good step saves no bad one.
        (422, "no_handoff", json!([good(), without("flow")[0]])),
    ] {
        let shown: String = body.to_string().chars().take(200).collect();
        let answer = post(&world, &key, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{shown}: {answer:?}");
        assert_eq!(answer.json()["error"], error, "{shown}: {answer:?}");
        if status == 422 {
            let index = body.as_array().unwrap().len() - 1;
            assert_eq!(answer.json()["index"], index, "{shown}");
            assert!(answer.json()["error_description"].is_string(), "{shown}");
        }
    }
    let twice = format!(
        "[{}]",
        good()
            .to_string()
            .replacen('{', "{\"step\":\"refused\",", 1)
    );
    let bearer = format!("Bearer {key}");
    let headers = [
        ("authorization", &*bearer),
        ("content-type", "application/json"),
    ];
    let visitor = world.visitor();
    let url = world.lab(URL);
    let answer = visitor
        .send(reqwest::Method::POST, &url, &headers, Some(twice))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");

    for (kind, status) in [
        ("text/plain", 415),
        ("application/json; charset=utf-8", 204),
    ] {
        let headers = [("authorization", &*bearer), ("content-type", kind)];
        let body = Some("[]".to_owned());
        let answer = visitor
            .send(reqwest::Method::POST, &url, &headers, body)
            .await;
        assert_eq!(answer.status.as_u16(), status, "{kind}: {answer:?}");
    }

    let flows = list(&world).await;
    assert_eq!(flows.len(), 2, "{flows:?}");
    assert_eq!(flows[1].0, PROBE_TOLD);
    assert_eq!(flows[0], notes);
    // All of it was about the report: this one is taken.
    let answer = post(&world, &key, &json!([good()])).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    assert_eq!(list(&world).await[1].0, "Signed in");
}

#[tokio::test]
async fn a_client_does_not_reach_into_the_handoff_of_another_that_was_opened_with_its_ticket() {
    let process = Process::start().await;
    let world = process.platform("", Kept::InFiles).await;
    register_probe(&world).await;
    let key = key_of(&world, "probe").await;
    let alice = world.signed_in("alice@harbor.example").await;
    let opened = alice.click_open(&world, "probe").await;
    let ticket = opened.location_parameter("launch");
    let launch = Unverified::<LaunchTicket>::new(ticket.clone()).unwrap();
    let launch = LaunchId::of(&launch.digest()).to_string();
    let start = format!("/handoff/start?launch={ticket}");
    alice.get(&world.notes(&start)).await;
    world.settled().await;
    let flows = list(&world).await;
    assert_eq!(flows.len(), 2, "{flows:?}");
    let notes = world.visitor().get(&world.lab(&flows[0].1)).await.body;

    let mut report = step("session_created", 9, "");
    report.as_object_mut().unwrap().remove("flow");
    report["launch"] = json!(launch);
    let answer = post(&world, &key, &json!([report])).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    assert_eq!(list(&world).await[0], flows[0]);
    let after = world.visitor().get(&world.lab(&flows[0].1)).await.body;
    assert!(!after.contains("session begins"), "{after}");
    assert!(
        notes.contains("Notes") && !notes.contains("probe"),
        "{notes}"
    );
}

#[tokio::test]
async fn a_callback_at_another_app_with_the_state_of_a_handoff_changes_nothing_of_it() {
    let (_process, world, party, _) = told().await;
    let told = list(&world).await.remove(0);
    let state = party.state.expose().to_string();
    let url = world.notes(&format!("/callback?state={state}"));
    world.visitor().get(&url).await;
    world.settled().await;
    let flows = list(&world).await;
    assert_eq!(flows.len(), 2, "{flows:?}");
    assert_eq!(flows[1], told);
    assert!(flows[0].0.starts_with("Stray: "), "{flows:?}");
}

#[tokio::test]
async fn one_request_is_not_of_two_handoffs() {
    let (_process, world, party, key) = told().await;
    let mut second = probe();
    second.state = State::mint([5; 32]);
    probe_is_told(&world, &second).await;
    world.settled().await;
    let flows = [flow_of(&party.state), flow_of(&second.state)];
    assert_eq!(list(&world).await.len(), 2);
    let [one, two] = flows.map(|flow| step("verify_sent", 1, &flow));
    let answer = post(&world, &key, &json!([one, two])).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{answer:?}"
    );
    assert_eq!(answer.json()["error"], "another_handoff");
    assert_eq!(answer.json()["index"], 1);
}

#[tokio::test]
async fn a_report_key_is_one_clients_and_is_replaced_and_revoked() {
    let (_process, world, party, first) = told().await;
    let report = json!([step("verify_sent", 1, &flow_of(&party.state))]);
    let folder = world.folder();
    let status = async |key: &str| post(&world, key, &report).await.status;
    assert_eq!(status(&first).await, StatusCode::NO_CONTENT);
    // It is kept as a hash.
    for file in ["lab.db", "lab.db-wal"] {
        let bytes = std::fs::read(folder.join(file)).unwrap_or_default();
        let found = bytes.windows(first.len()).any(|it| it == first.as_bytes());
        assert!(!found, "{file}");
    }
    let second = key_of(&world, "probe").await;
    assert_eq!(status(&first).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&second).await, StatusCode::NO_CONTENT);
    // Another client's key says nothing of this one's handoffs.
    let of_notes = key_of(&world, "notes").await;
    assert_eq!(status(&of_notes).await, StatusCode::UNPROCESSABLE_ENTITY);
    // Nor does any other secret.
    for other in [world.report_key(), world.notes_secret(), String::new()] {
        let answer = post(&world, &other, &report).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.json()["error"], "invalid_token");
    }
    let revoked = run(&folder, &["client", "report-key", "probe", "--revoke"]).await;
    assert_eq!(revoked.done(), "");
    assert_eq!(status(&second).await, StatusCode::UNAUTHORIZED);
    let again = run(&folder, &["client", "report-key", "probe", "--revoke"]).await;
    assert!(again.refused().contains("it has no report key"));
    let nobody = run(&folder, &["client", "report-key", "nobody"]).await;
    assert!(nobody.refused().contains("there is no such client"));
}

#[tokio::test]
async fn a_client_that_reports_too_much_waits_and_others_do_not() {
    let (_process, world, party, key) = told().await;
    let of_notes = key_of(&world, "notes").await;
    let report = json!([step("verify_sent", 1, &flow_of(&party.state))]);
    let mut last = post(&world, &key, &report).await;
    for _ in 0..120 {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", &*bearer)];
        last = world
            .visitor()
            .post_json(&world.lab(URL), &headers, &json!([]))
            .await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS, "{last:?}");
    assert_eq!(last.json()["error"], "slow_down");
    assert_eq!(last.header("retry-after"), "1");
    assert_eq!(
        post(&world, &of_notes, &json!([])).await.status,
        StatusCode::NO_CONTENT
    );
    world.clock.advance(time::Duration::seconds(2));
    assert_eq!(
        post(&world, &key, &report).await.status,
        StatusCode::NO_CONTENT
    );
}
