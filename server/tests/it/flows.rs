//! What the lab shows of what happens: kept, listed, followed while it happens, and no way in for
//! anybody who has not the key.

use std::{collections::BTreeMap, time::Duration as Wait};

use handoff::{
    flow::{FlowId, LaunchId},
    token::{LaunchTicket, State, Unverified},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use time::Duration;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use url::Url;

use crate::harness::{Answer, Kept, Process, World, world};

/// When the test's clock begins, in microseconds.
const AT: i64 = 1_795_230_000_000_000;

/// The flow of these tests.
const FLOW: &str = "0123456789abcdef0123456789abcdef";

fn trace(n: usize) -> String {
    format!("{n:016x}")
}

/// A step as a site would report it.
fn step(name: &str, n: usize) -> Value {
    json!({
        "step": name,
        "site": "relying_party",
        "client": "notes",
        "belongs": { "flow": FLOW },
        "trace": trace(n),
        "at": AT + 1_000 * i64::try_from(n).unwrap(),
        "after": 10,
    })
}

async fn report(world: &World, key: &str, events: &Value) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str())];
    let (reporter, url) = (world.visitor(), world.lab("/reports"));
    let answer = reporter.post_json(&url, &headers, events).await;
    world.settled().await;
    answer
}

async fn reported(world: &World, events: &[Value]) {
    let answer = report(world, &world.report_key(), &json!(events)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
}

/// Whoever follows a flow, as a browser does.
struct Follower(BufReader<TcpStream>);

impl Follower {
    /// Begins to follow; the head of the answer.
    async fn begin(world: &World, path: &str, last: Option<&str>) -> (String, Self) {
        let mut connection = TcpStream::connect(world.address()).await.unwrap();
        let host = world.origins.of(lab::ID).authority();
        let last = last.map_or_else(String::new, |last| format!("last-event-id: {last}\r\n"));
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n{last}\r\n"
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut follower = Self(BufReader::new(connection));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push_str(&follower.line().await.unwrap());
        }
        (head.to_lowercase(), follower)
    }

    async fn follow(world: &World, path: &str, last: Option<&str>) -> Self {
        let (head, follower) = Self::begin(world, path, last).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        assert!(head.contains("cache-control: no-store"), "{head}");
        follower
    }

    /// The next line, or none at the end.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).await.unwrap();
        (read > 0).then_some(line)
    }

    /// The next event: its id, its name, its data. None at the end of the stream.
    async fn next(&mut self) -> Option<(String, String, String)> {
        // A stream that has nothing to say says that it is still there, for ever.
        let event = tokio::time::timeout(Wait::from_secs(10), self.event()).await;
        event.expect("an event, or the end")
    }

    async fn event(&mut self) -> Option<(String, String, String)> {
        let mut fields = BTreeMap::new();
        loop {
            let line = self.line().await?;
            // The end of a chunked body.
            if line == "0\r\n" {
                return None;
            }
            let line = line.trim_end();
            if line.is_empty() && fields.contains_key("data") {
                let mut take = |name| fields.remove(name).unwrap_or_default();
                return Some((take("id"), take("event"), take("data")));
            }
            if let Some((name, value)) = line.split_once(':') {
                fields.insert(name.to_owned(), value.trim_start().to_owned());
            }
        }
    }

    /// The next event's id and the HTML in it.
    async fn drawn(&mut self) -> (String, String) {
        let (id, name, html) = self.next().await.expect("something drawn");
        assert_eq!(name, "");
        assert!(!id.is_empty(), "{html}");
        (id, html)
    }

    /// The HTML of the next events, up to one in which the handoff's words say this.
    async fn until(&mut self, says: &str) -> String {
        let mut seen = String::new();
        while !in_words(&seen).contains(says) {
            seen = self.drawn().await.1;
        }
        seen
    }
}

/// The handoff in words, as a stream's event has it.
fn in_words(html: &str) -> &str {
    let list = html.split_once("id=\"flow-text\"");
    list.map_or("", |(_, rest)| rest.split("</ol>").next().unwrap())
}

/// The picture, as a page and a stream's event have it.
fn picture(html: &str) -> &str {
    let start = html.find("<div id=\"flow-drawing\"").unwrap();
    html[start..].split_inclusive("</div>").next().unwrap()
}

/// The numbers of the messages in a stream's event.
fn messages(html: &str) -> Vec<&str> {
    let ids = html.split("<details id=\"o").skip(1);
    ids.filter_map(|rest| rest.split('"').next()).collect()
}

/// All rows of the lab's own database, as numbers of rows.
async fn rows(world: &World) -> Vec<i64> {
    let options = SqliteConnectOptions::new()
        .filename(world.folder().join("lab.db"))
        .read_only(true);
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    let mut rows = Vec::new();
    for count in [
        "SELECT COUNT(*) FROM flow",
        "SELECT COUNT(*) FROM event",
        "SELECT COUNT(*) FROM name",
    ] {
        let count = sqlx::query_scalar(count).fetch_one(&mut database).await;
        rows.push(count.unwrap());
    }
    rows
}

#[tokio::test]
async fn what_is_reported_is_listed_shown_found_by_its_request_and_exported() {
    let (_process, world) = world().await;
    reported(
        &world,
        &[step("start_received", 1), step("session_created", 2)],
    )
    .await;
    let visitor = world.visitor();

    let list = visitor.get(&world.lab("/flows")).await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(
        list.body.contains(&format!("href=\"/flows/{FLOW}\"")),
        "{list:?}"
    );
    assert!(list.body.contains("Notes"), "{list:?}");

    let address = world.lab(&format!("/flows/by-trace/{}", trace(2)));
    let found = visitor.get(&address).await;
    assert_eq!(found.status, StatusCode::SEE_OTHER);
    assert_eq!(found.location(), world.lab(&format!("/flows/{FLOW}")));
    let shown = visitor.get(&found.location()).await;
    assert_eq!(shown.status, StatusCode::OK);
    // One flow has one address.
    let other = visitor
        .get(&world.lab(&format!("/flows/{}", trace(1))))
        .await;
    assert_eq!(other.location(), world.lab(&format!("/flows/{FLOW}")));

    let file = visitor
        .get(&world.lab(&format!("/flows/{FLOW}/export.json")))
        .await;
    assert_eq!(file.header("content-type"), "application/json");
    assert!(file.header("content-disposition").starts_with("attachment"));
    let steps: Vec<_> = file.json()["events"].as_array().unwrap().clone();
    let steps: Vec<_> = steps.iter().map(|event| event["step"].clone()).collect();
    assert_eq!(steps, ["start_received", "session_created"]);
    // The page goes on where it ends; one that is over has nothing to follow.
    let stream = format!("/flows/{FLOW}/events?after=2");
    assert!(shown.body.contains(&stream), "{shown:?}");
    world.clock.advance(Duration::minutes(2));
    let over = visitor.get(&found.location()).await;
    assert!(!over.body.contains("/events?after="), "{over:?}");
    for answer in [&list, &shown, &file] {
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("connect-src 'self';"), "{policy}");
    }
}

/// The steps of an undisturbed handoff, in their order. Redirects are between them.
pub const HANDOFF: [&str; 13] = [
    "launch_requested",
    "launch_ticket_issued",
    "start_received",
    "state_made",
    "authorize_received",
    "token_issued",
    "callback_received",
    "state_matched",
    "verify_sent",
    "verify_received",
    "redeemed",
    "verify_answered",
    "session_created",
];

#[tokio::test]
async fn a_handoff_is_followed_from_the_click_to_the_session_with_its_back_channel() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let clicked = alice.click_open_notes(&world).await;
    world.settled().await;
    let ticket = clicked.location_parameter("launch");
    let launch = LaunchId::of(&Unverified::<LaunchTicket>::new(ticket).unwrap().digest());
    // Nobody knows the handoff yet: it is followed by its launch.
    let path = format!("/flows/{launch}/events");
    let mut follower = Follower::follow(&world, &path, None).await;
    let home = alice.follow(clicked).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
    let seen = follower.until("session begins").await;
    let mut rest = in_words(&seen);
    for says in [
        "POST /apps/notes/open",
        "launch ticket stored",
        "GET /handoff/start",
        "state made",
        "GET /handoff/authorize",
        "handoff token issued",
        "GET /callback",
        "state matches browser",
        "POST /auth/external/handoff/verify",
        "verify arrived",
        "token redeemed",
        "session begins",
    ] {
        let (_, after) = rest.split_once(says).expect(says);
        rest = after;
    }

    world.settled().await;
    let state = alice
        .seen()
        .iter()
        .find(|answer| answer.url.contains("/handoff/start"))
        .unwrap()
        .location_parameter("state");
    let flow = FlowId::of(&Unverified::<State>::new(state).unwrap().digest());
    let page = world.lab(&format!("/flows/{flow}"));
    let by_launch = alice.get(&world.lab(&format!("/flows/{launch}"))).await;
    assert_eq!(by_launch.location(), page);
    assert_eq!(alice.get(&page).await.status, StatusCode::OK);
    let file = alice.get(&format!("{page}/export.json")).await.json();
    for event in file["events"].as_array().unwrap() {
        let trace = event["trace"].as_str().unwrap();
        let found = world.lab(&format!("/flows/by-trace/{trace}"));
        assert_eq!(alice.get(&found).await.location(), page);
    }
    let list = alice.get(&world.lab("/flows")).await;
    assert!(
        list.body.contains(&format!("href=\"/flows/{flow}\"")),
        "{list:?}"
    );
}

#[tokio::test]
async fn a_stream_tells_what_happens_and_goes_on_where_the_browser_was() {
    let (_process, world) = world().await;
    reported(&world, &[step("start_received", 1), step("state_made", 2)]).await;
    let path = format!("/flows/{FLOW}/events");
    let mut first = Follower::follow(&world, &path, None).await;
    let (two, begun) = first.drawn().await;
    assert_eq!((&*two, &*messages(&begun)), ("2", &["1", "2"][..]));
    // A page that is loaded now has the same.
    let address = world.lab(&format!("/flows/{FLOW}"));
    let page = world.visitor().get(&address).await;
    assert_eq!(picture(&page.body), picture(&begun));
    // What the follower has is not sent again.
    reported(&world, &[step("callback_received", 3)]).await;
    let (three, callback) = first.drawn().await;
    assert_eq!((&*three, &*messages(&callback)), ("3", &["3"][..]));
    assert!(
        in_words(&callback).contains("callback received"),
        "{callback}"
    );
    drop(first);

    // Nor what a browser had before its connection broke.
    reported(&world, &[step("state_matched", 4)]).await;
    let mut second = Follower::follow(&world, &path, Some(&two)).await;
    let (four, missed) = second.drawn().await;
    assert_eq!((&*four, &*messages(&missed)), ("4", &["3", "4"][..]));
    // A page says where it was when it was made; the browser knows better.
    let from = format!("{path}?after=1");
    let mut third = Follower::follow(&world, &from, None).await;
    assert_eq!(messages(&third.drawn().await.1), ["2", "3", "4"]);
    let mut fourth = Follower::follow(&world, &from, Some(&three)).await;
    assert_eq!(messages(&fourth.drawn().await.1), ["4"]);
    // One who has everything gets what comes, and nothing else.
    let mut fifth = Follower::follow(&world, &from, Some(&four)).await;
    reported(&world, &[step("session_created", 5)]).await;
    let (five, rest) = fifth.drawn().await;
    assert_eq!((&*five, &*messages(&rest)), ("5", &["5"][..]));
    // All who follow are sent the same.
    assert_eq!(second.drawn().await, (five, rest));
    // One who had more than is kept, as before a back-up was restored, gets all that is there.
    let mut sixth = Follower::follow(&world, &from, Some("9")).await;
    let (all, whole) = sixth.drawn().await;
    assert_eq!(
        (&*all, &*messages(&whole)),
        ("5", &["1", "2", "3", "4", "5"][..])
    );
}

#[tokio::test]
async fn who_follows_a_launch_gets_what_its_handoff_had_before_it_was_known() {
    let (_process, world) = world().await;
    let launch = "fedcba9876543210fedcba9876543210";
    let mut requested = step("launch_requested", 1);
    requested["belongs"] = json!({ "launch": launch });
    let mut joins = step("start_received", 3);
    joins["belongs"] = json!({ "launch": launch, "flow": FLOW });
    // The handoff's own step came in first: its number is lower than what the follower has.
    reported(&world, &[step("state_made", 4)]).await;
    reported(&world, &[requested]).await;
    let path = format!("/flows/{launch}/events");
    let mut open = Follower::follow(&world, &path, None).await;
    let (last, first) = open.drawn().await;
    assert!(in_words(&first).contains("launch requested"), "{first}");
    reported(&world, &[joins]).await;
    // One whose connection broke in between gets the same.
    let broken = Follower::follow(&world, &path, Some(&last)).await;
    for mut follower in [open, broken] {
        let whole = follower.until("start received").await;
        for says in ["launch requested", "start received", "state made"] {
            assert!(in_words(&whole).contains(says), "{says}: {whole}");
        }
    }
}

#[tokio::test]
async fn the_list_tells_of_each_handoff_while_it_changes() {
    let (_process, world) = world().await;
    let mut follower = Follower::follow(&world, "/flows/events", None).await;
    let (_, nothing) = follower.drawn().await;
    assert_eq!(nothing, "<tr data-whole hidden></tr>");
    let href = format!("href=\"/flows/{FLOW}\"");
    let mut last = String::new();
    for (name, outcome) in [
        ("start_received", "Not finished"),
        ("session_created", "Signed in"),
    ] {
        reported(&world, &[step(name, 1)]).await;
        let (id, rows) = follower.drawn().await;
        assert_eq!(rows.matches("<tr ").count(), 1, "{rows}");
        assert!(rows.contains(&href) && rows.contains(outcome), "{rows}");
        last = id;
    }
    // A page that is loaded now has the same rows, and is sent nothing but what comes then.
    let page = world.visitor().get(&world.lab("/flows")).await;
    let stream = format!("/flows/events?after={last}");
    assert!(page.body.contains(&stream), "{page:?}");
    let mut fresh = Follower::follow(&world, &stream, None).await;
    let mut back = Follower::follow(&world, "/flows/events", Some(&last)).await;
    let mut other = step("start_received", 2);
    other["belongs"]["flow"] = json!("2".repeat(32));
    reported(&world, &[other]).await;
    let (_, rows) = follower.drawn().await;
    assert_eq!(rows.matches("<tr ").count(), 1, "{rows}");
    assert!(rows.contains(&"2".repeat(32)), "{rows}");
    for follower in [&mut fresh, &mut back] {
        let (_, rows) = follower.drawn().await;
        // An answer has its head before the list is looked at: if the change came in between, the list
        // is another one than the page has, and is sent whole, with its mark and both rows.
        let sent = if rows.contains("data-whole") { 3 } else { 1 };
        assert_eq!(rows.matches("<tr ").count(), sent, "{rows}");
        assert!(rows.contains(&"2".repeat(32)), "{rows}");
    }
    world.end_streams();
    assert_eq!(follower.next().await, None);
}

#[tokio::test]
async fn whoever_waits_for_the_next_handoff_is_led_to_it() {
    let (_process, world) = world().await;
    let visitor = world.visitor();
    let next = world.lab("/flows/next");
    reported(&world, &[step("start_received", 1)]).await;
    let waiting = visitor.get(&next).await.location();
    assert_eq!(waiting, format!("{next}?after=1"));
    let page = visitor.get(&waiting).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Look for it"), "{page:?}");

    let mut other = step("start_received", 2);
    let id = "2".repeat(32);
    other["belongs"]["flow"] = json!(id);
    other["trace"] = json!("1".repeat(16));
    reported(&world, &[other]).await;
    let led = visitor.get(&waiting).await.location();
    assert_eq!(led, world.lab(&format!("/flows/{id}")));
}

#[tokio::test]
async fn a_stream_says_when_no_more_is_expected() {
    let (_process, world) = world().await;
    reported(&world, &[step("session_created", 1)]).await;
    world.clock.advance(Duration::minutes(2));
    let path = format!("/flows/{FLOW}/events");
    let mut follower = Follower::follow(&world, &path, None).await;
    let (_, over) = follower.drawn().await;
    assert!(in_words(&over).contains("session begins"), "{over}");
    let (_, name, _) = follower.next().await.unwrap();
    assert_eq!(name, "done");
    assert_eq!(follower.next().await, None);
}

#[tokio::test]
async fn streams_end_with_the_server_and_are_not_opened_without_bound() {
    let (_process, world) = world().await;
    reported(&world, &[step("start_received", 1)]).await;
    let path = format!("/flows/{FLOW}/events");
    let mut open = Vec::new();
    let refused = loop {
        let (head, follower) = Follower::begin(&world, &path, None).await;
        if !head.starts_with("http/1.1 200") {
            break head;
        }
        open.push(follower);
        assert!(open.len() <= 100, "one address has them all");
    };
    assert!(refused.starts_with("http/1.1 429"), "{refused}");
    assert!(refused.contains("retry-after"), "{refused}");
    assert_eq!(open.len(), 40);
    world.end_streams();
    for follower in &mut open {
        assert!(in_words(&follower.drawn().await.1).contains("start received"));
        assert_eq!(follower.next().await, None);
    }
}

#[tokio::test]
async fn the_monitor_sees_what_is_reported() {
    let (_process, world) = world().await;
    let visitor = world.visitor();
    let monitor = async || visitor.get(&world.lab("/monitor")).await.body;
    assert!(monitor().await.contains("No handoff has ended"));
    reported(&world, &[step("session_created", 1)]).await;
    let page = monitor().await;
    assert!(page.contains("went well: 1 of 1."), "{page}");
    assert!(page.contains("session created"), "{page}");
}

#[tokio::test]
async fn a_report_without_the_key_or_of_something_else_changes_nothing() {
    let (_process, world) = world().await;
    let good = json!([step("start_received", 1)]);
    let key = world.report_key();
    let url = world.lab("/reports");
    let visitor = world.visitor();
    let body = || Some(good.to_string());
    let bearer = format!("Bearer {key}");
    let other = format!("Bearer {}", world.notes_secret());
    let basic = format!("Basic {key}");
    let longer = format!("Bearer {key}a");
    for headers in [
        vec![],
        vec![("authorization", &*other)],
        vec![("authorization", &*basic)],
        vec![("authorization", &*longer)],
        vec![("authorization", &bearer[..bearer.len() - 1])],
        vec![("authorization", "Bearer "), ("cookie", &*bearer)],
        vec![("authorization", &*bearer), ("authorization", &*bearer)],
    ] {
        let answer = visitor.send(Method::POST, &url, &headers, body()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let with = |name: &str, value: Value| {
        let mut event = step("start_received", 1);
        event[name] = value;
        json!([event])
    };
    let refusal = |reason: &str| with("refusal", json!({ "reason": reason, "rows": [] }));
    for bad in [
        json!(step("start_received", 1)),
        json!({}),
        json!([1]),
        json!([[]]),
        with("step", json!("party")),
        with("site", json!("lab")),
        with("client", json!("../notes")),
        with("trace", json!("")),
        with("trace", json!(FLOW)),
        with("trace", json!("0123456789ABCDEF")),
        with("at", json!(-1)),
        with("at", json!(i64::MAX)),
        with("at", json!("yesterday")),
        with("belongs", json!({ "flow": "../../etc/passwd" })),
        with("belongs", json!({ "flow": format!("{FLOW}0") })),
        with("message", json!({ "is": "noise" })),
        refusal(""),
        refusal("<script>"),
        refusal(&"a".repeat(65)),
        json!([step("start_received", 1), with("at", json!(-1))[0]]),
        json!(vec![step("start_received", 1); 201]),
        json!(["a".repeat(1024 * 1024)]),
    ] {
        let shown = bad.to_string().chars().take(200).collect::<String>();
        let answer = report(&world, &key, &bad).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{shown}");
    }
    world.settled().await;
    assert_eq!(rows(&world).await, [0, 0, 0]);
    // All of it was about the report: this one is taken.
    reported(&world, good.as_array().unwrap()).await;
    assert_eq!(rows(&world).await, [1, 1, 2]);
}

#[tokio::test]
async fn ids_that_are_none_of_ours_lead_nowhere() {
    let (_process, world) = world().await;
    reported(&world, &[step("start_received", 1)]).await;
    let visitor = world.visitor();
    let long = "a".repeat(5_000);
    for id in [
        "0123456789abcdef0123456789abcdee",
        "0123456789ABCDEF0123456789ABCDEF",
        "0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0",
        "..%2f..%2fetc%2fpasswd",
        "%ff",
        "%00",
        "%3Cscript%3E",
        "ffffffffffffffff",
        &long,
    ] {
        for path in [
            format!("/flows/{id}"),
            format!("/flows/{id}/events"),
            format!("/flows/{id}/export.json"),
            format!("/flows/{id}/export.svg"),
            format!("/flows/{id}/export.mermaid"),
            format!("/flows/by-trace/{id}"),
            format!("/flows/by-session/{id}"),
        ] {
            let answer = visitor.get(&world.lab(&path)).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    // The id of a handoff is none of a request.
    let path = world.lab(&format!("/flows/by-trace/{FLOW}"));
    assert_eq!(visitor.get(&path).await.status, StatusCode::NOT_FOUND);
    let events = format!("/flows/{FLOW}/events");
    for last in ["", "-1", "1;2", "x", "99999999999999999999", "0x1"] {
        let (head, _) = Follower::begin(&world, &events, Some(last)).await;
        assert!(head.starts_with("http/1.1 400"), "{last:?}: {head}");
    }
    for (path, status) in [
        (format!("{events}?after=-1"), 400),
        (format!("{events}?after=1&after=1"), 400),
        ("/flows?before=x".to_owned(), 400),
        (format!("/flows?before={}", "0".repeat(32)), 404),
    ] {
        let answer = visitor.get(&world.lab(&path)).await;
        assert_eq!(answer.status, status, "{path}");
    }
    world.settled().await;
    assert_eq!(rows(&world).await, [1, 1, 2]);
}

#[tokio::test]
async fn what_was_sent_is_shown_as_text_whatever_it_is() {
    let (_process, world) = world().await;
    let markup = "\"><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}\u{0}\u{1b}";
    let mut hostile = step("start_received", 1);
    let named = json!([{ "name": markup, "value": [{ "text": markup }] }]);
    hostile["message"] = json!({
        "is": "request", "method": markup, "url": markup,
        "query": named, "headers": named, "cookies": named, "body": named,
    });
    reported(&world, &[hostile]).await;
    let visitor = world.visitor();
    for path in [
        "/flows".to_owned(),
        format!("/flows/{FLOW}"),
        format!("/flows/{FLOW}/export.svg"),
        format!("/flows/{FLOW}/export.mermaid"),
    ] {
        let page = visitor.get(&world.lab(&path)).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains("<script>alert"), "{path}");
        assert!(!page.body.contains("<img"), "{path}");
        assert!(
            !page.body.contains(['\u{202e}', '\u{0}', '\u{1b}']),
            "{path}"
        );
    }
    let page = visitor.get(&world.lab(&format!("/flows/{FLOW}"))).await;
    assert!(page.body.contains("&lt;script&gt;alert(1)"), "{page:?}");
    let path = format!("/flows/{FLOW}/events");
    let (_, sent) = Follower::follow(&world, &path, None).await.drawn().await;
    assert!(sent.contains("&lt;img src=x onerror=alert(2)"), "{sent}");
    for forbidden in ["<script", "<img", "\u{202e}", "\u{0}", "\u{1b}"] {
        assert!(!sent.contains(forbidden), "{forbidden:?}: {sent}");
    }
    let file = visitor
        .get(&world.lab(&format!("/flows/{FLOW}/export.json")))
        .await;
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert_eq!(file.json()["events"][0]["message"]["method"], markup);
}

#[tokio::test]
async fn what_a_browser_sends_is_shown_as_text() {
    let (_process, world) = world().await;
    let stranger = world.visitor();
    let markup = "<img src=x onerror=alert(1)>";
    let url = format!(
        "/handoff/start?{0}={0}",
        url::form_urlencoded::byte_serialize(markup.as_bytes()).collect::<String>()
    );
    let headers = [("user-agent", markup), ("x-of-its-own", markup)];
    let url = world.notes(&url);
    stranger.send(Method::GET, &url, &headers, None).await;
    world.settled().await;
    let list = stranger.get(&world.lab("/flows")).await.body;
    let mut ids = list
        .split("href=\"/flows/")
        .filter_map(|rest| rest.split('"').next())
        .filter(|id| id.len() == 32);
    let id = ids.next().unwrap();
    for part in ["", "/export.svg", "/export.mermaid"] {
        let page = stranger
            .get(&world.lab(&format!("/flows/{id}{part}")))
            .await;
        assert!(!page.body.contains("<img"), "{page:?}");
        if part.is_empty() {
            assert!(page.body.contains("&lt;img src=x onerror"), "{page:?}");
        }
    }
}

#[tokio::test]
async fn a_step_that_cannot_be_read_is_left_out_and_the_page_says_so() {
    let (_process, world) = world().await;
    reported(&world, &[step("start_received", 1), step("state_made", 2)]).await;
    let options = SqliteConnectOptions::new().filename(world.folder().join("lab.db"));
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    let page = world.lab(&format!("/flows/{FLOW}"));
    let words = "One step of this handoff cannot be read, and is left out.";
    let visitor = world.visitor();
    let whole = visitor.get(&page).await;
    assert!(!whole.body.contains(words), "{whole:?}");
    sqlx::query("UPDATE event SET body = '{' WHERE seq = 1")
        .execute(&mut database)
        .await
        .unwrap();
    for _ in 0..2 {
        let shown = visitor.get(&page).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert!(shown.body.contains(words), "{shown:?}");
    }
    let file = visitor.get(&format!("{page}/export.json")).await.json();
    assert_eq!(file["missing"], json!([words]));
    assert_eq!(file["events"][0]["step"], "state_made");
    assert_eq!(file["events"].as_array().unwrap().len(), 1);
    let path = format!("/flows/{FLOW}/events");
    let mut follower = Follower::follow(&world, &path, None).await;
    let (_, rest) = follower.drawn().await;
    assert!(in_words(&rest).contains("state made"), "{rest}");
    assert!(!in_words(&rest).contains("start received"), "{rest}");
    // Four looks, one line; other platforms of this program have no such step.
    let told = crate::harness::log();
    assert_eq!(told.matches("record not readable").count(), 1);
}

#[tokio::test]
async fn a_flow_with_more_steps_than_are_kept_says_so_and_what_came_of_it() {
    let (_process, world) = world().await;
    let mut steps: Vec<_> = (0..lab::store::EVENTS)
        .map(|n| step("start_received", n))
        .collect();
    let last = steps.pop().unwrap();
    for some in steps.chunks(100) {
        reported(&world, some).await;
    }
    let page = world.lab(&format!("/flows/{FLOW}"));
    let words = "The lab keeps the first 200 steps of a handoff";
    let visitor = world.visitor();
    let room = visitor.get(&page).await;
    assert!(!room.body.contains(words), "{room:?}");
    let mut created = step("session_created", 1_000);
    created["at"] = json!(AT + 1);
    reported(&world, &[last, created]).await;
    let full = visitor.get(&page).await;
    assert!(full.body.contains(words), "{full:?}");
    let outcome = "With those that came later, it came to: Signed in.";
    assert!(full.body.contains(outcome), "{full:?}");
    // Nothing can be added to it any more, so nobody follows it.
    assert!(room.body.contains("/events?after="), "{room:?}");
    assert!(!full.body.contains("/events?after="), "{full:?}");
    let path = format!("/flows/{FLOW}/events?after=10000");
    let mut follower = Follower::follow(&world, &path, None).await;
    // The flow has no step of this number, so that all parts come first.
    follower.drawn().await;
    let (_, name, _) = follower.next().await.expect("an end");
    assert_eq!(name, "done");
    let file = |kind: &str| format!("{page}/export.{kind}");
    let json = visitor.get(&file("json")).await.json();
    assert_eq!(json["events"].as_array().unwrap().len(), 200);
    assert_eq!(json["missing"][1], outcome);
    for kind in ["svg", "mermaid"] {
        let saved = visitor.get(&file(kind)).await.body;
        assert!(saved.contains("With those that came later"), "{saved}");
    }
    let list = visitor.get(&world.lab("/flows")).await;
    assert!(list.body.contains("Signed in"), "{list:?}");
}

#[tokio::test]
async fn the_list_leads_to_earlier_ones_only_where_there_are_some() {
    let (_process, world) = world().await;
    let junk = |n: usize| {
        let mut junk = step("refused", 1_000 + n);
        junk["belongs"] = json!({});
        junk["refusal"] = json!({ "reason": "too_many_requests" });
        junk
    };
    let all: Vec<_> = (0..lab::store::LISTED).map(junk).collect();
    reported(&world, &all).await;
    let visitor = world.visitor();
    let list = visitor.get(&world.lab("/flows")).await;
    assert!(!list.body.contains("Show earlier ones"), "{list:?}");
    reported(&world, &[junk(lab::store::LISTED)]).await;
    let list = visitor.get(&world.lab("/flows")).await;
    let (_, link) = list.body.split_once("href=\"/flows?before=").unwrap();
    let (id, _) = link.split_once('"').unwrap();
    let earlier = visitor
        .get(&world.lab(&format!("/flows?before={id}")))
        .await;
    assert_eq!(
        earlier.body.matches("href=\"/flows/").count(),
        2,
        "{earlier:?}"
    );
    assert!(!earlier.body.contains("Show earlier ones"), "{earlier:?}");
}

#[tokio::test]
async fn a_store_that_hangs_delays_no_handoff() {
    let (_process, world) = world().await;
    let options = SqliteConnectOptions::new().filename(world.folder().join("lab.db"));
    let mut lock = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut lock)
        .await
        .unwrap();
    let alice = world.signed_in("alice@harbor.example").await;
    let home = alice.open_notes(&world).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
    sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
}

#[tokio::test]
async fn a_platform_in_memory_has_a_lab_too() {
    let process = Process::start().await;
    let world = process.platform("", Kept::InMemory).await;
    let list = world.visitor().get(&world.lab("/flows")).await;
    assert_eq!(list.status, StatusCode::OK);
}

#[tokio::test]
async fn junk_of_a_stranger_pushes_out_no_handoff() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    world.settled().await;
    let list = world.visitor().get(&world.lab("/flows")).await;
    let mut links = list.body.split("href=\"/flows/").skip(1);
    let id = links.find_map(|rest| rest.split('"').next().filter(|id| id.len() == 32));
    let page = world.lab(&format!("/flows/{}", id.unwrap()));
    let junk: Vec<_> = (0..lab::store::FLOWS + 10)
        .map(|n| {
            let mut junk = step("refused", 1_000 + n);
            junk["belongs"] = json!({});
            junk["refusal"] = json!({ "reason": "too_many_requests" });
            junk
        })
        .collect();
    for some in junk.chunks(200) {
        reported(&world, some).await;
    }
    world.sweep().await;
    assert_eq!(rows(&world).await[0], lab::store::FLOWS as i64);
    let shown = world.visitor().get(&page).await;
    assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
}

#[tokio::test]
async fn what_is_thirty_days_old_is_gone_after_a_sweep() {
    let (_process, world) = world().await;
    reported(&world, &[step("start_received", 1)]).await;
    world.clock.advance(Duration::days(30));
    world.sweep().await;
    assert_eq!(rows(&world).await, [1, 1, 2]);
    world.clock.advance(Duration::seconds(1));
    world.sweep().await;
    assert_eq!(rows(&world).await, [0, 0, 0]);
    let gone = world
        .visitor()
        .get(&world.lab(&format!("/flows/{FLOW}")))
        .await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_eq!(
        Url::parse(&gone.url).unwrap().path(),
        format!("/flows/{FLOW}")
    );
}
