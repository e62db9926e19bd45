//! What came of a handoff is one rule: the list, the picture, the monitor and the metrics call each
//! ending by one name and count alike.

use std::collections::BTreeMap;

use authority::store::ClientStore as _;
use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Icon, Kind, Registration},
    ids::ClientId,
    token::{ClientSecret, Secret as _},
};
use http::StatusCode;
use serde_json::{Value, json};
use time::Duration;
use url::Url;

use crate::{
    harness::{Answer, Kept, OwnRelyingParty, Persona, Process, World, basic},
    metrics::series,
};

/// How a handoff ends, with the reason where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    NotFinished,
    SignedIn,
    SignedInThenRefused(&'static str),
    Told,
    ToldThenRefused(&'static str),
    Declined(&'static str),
    Refused(&'static str),
    Stray(&'static str),
}

use Ending::{
    Declined, NotFinished, Refused, SignedIn, SignedInThenRefused, Stray, Told, ToldThenRefused,
};

/// A reason in the words of the pages.
fn words(reason: &str) -> &str {
    match reason {
        "stayed" => "stayed who they were",
        "state_unknown_here" => "not this browser's state",
        "state_too_late" => "came back too late",
        "no_pre_session" => "no sign-in under way here",
        "unknown" => "no such token",
        "replayed" => "token replayed",
        "redirect_uri_unregistered" => "address not on record",
        "token_missing" => "token missing",
        "authority_unreachable" => "no answer to verify",
        "not_assigned" => "app not assigned",
        "stale_form" => "form too old",
        "unknown_client" => "unknown client",
        other => other,
    }
}

impl Ending {
    /// In the list.
    fn in_list(self) -> String {
        match self {
            NotFinished => "Not finished".to_owned(),
            SignedIn => "Signed in".to_owned(),
            SignedInThenRefused(why) => format!("Signed in, then refused: {}", words(why)),
            Told => "Told who the person is".to_owned(),
            ToldThenRefused(why) => format!("Told who the person is, then refused: {}", words(why)),
            Declined(why) => format!("Declined: {}", words(why)),
            Refused(why) => format!("Refused: {}", words(why)),
            Stray(why) => format!("Stray: {}", words(why)),
        }
    }

    /// Above the picture.
    fn in_picture(self) -> (&'static str, String) {
        match self {
            NotFinished => ("Not finished: ", "has begun no session".to_owned()),
            SignedIn => (" began a session after message ", String::new()),
            SignedInThenRefused(why) => (
                " began a session. What came later was stopped",
                words(why).to_owned(),
            ),
            Told => (
                " was told who the person is at message ",
                "What it did then is not recorded here.".to_owned(),
            ),
            ToldThenRefused(why) => (
                " was told who the person is. What came later was stopped",
                words(why).to_owned(),
            ),
            Declined(why) => ("Declined at message ", words(why).to_owned()),
            Refused(why) => ("Stopped at message ", words(why).to_owned()),
            Stray(why) => (
                "It belongs to no handoff that began here.",
                words(why).to_owned(),
            ),
        }
    }

    /// As a counter's name, with the reason that labels it.
    fn counted(self) -> Option<(&'static str, &'static str)> {
        match self {
            NotFinished => None,
            SignedIn | SignedInThenRefused(_) => Some(("success", "")),
            Told | ToldThenRefused(_) => Some(("told", "")),
            Declined(why) => Some(("declined", why)),
            Refused(why) => Some(("failure", why)),
            Stray(_) => Some(("stray_callback", "")),
        }
    }
}

type Counts = BTreeMap<(String, String), u64>;

fn counts(endings: &[Ending]) -> Counts {
    let mut counts = Counts::new();
    for (what, why) in endings.iter().filter_map(|ending| ending.counted()) {
        *counts.entry((what.to_owned(), why.to_owned())).or_default() += 1;
    }
    counts
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text
        .split_once(from)
        .unwrap_or_else(|| panic!("no {from} in {text}"));
    rest.split_once(to).unwrap().0
}

fn plain(html: &str) -> String {
    html.replace("&#x27;", "'").replace("&#39;", "'")
}

/// The rows of the list, and where each leads.
async fn list(world: &World) -> Vec<(String, String)> {
    let page = world.visitor().get(&world.lab("/flows")).await;
    let rows = page.body.split("<tr role=\"row\" id=\"f").skip(1);
    rows.map(|row| {
        let outcome = between(row, "flows-outcome", "</td>");
        let says = between(outcome, "<span>", "</span>");
        (plain(says), between(row, "<a href=\"", "\"").to_owned())
    })
    .collect()
}

/// What the monitor's page counts.
async fn monitor(world: &World) -> Counts {
    let page = world.visitor().get(&world.lab("/monitor")).await.body;
    let mut counts = Counts::new();
    let mut count = |what: &str, why: &str, times: u64| {
        if times > 0 {
            counts.insert((what.to_owned(), why.to_owned()), times);
        }
    };
    let table = between(
        &page,
        "aria-label=\"Handoffs that ended, in numbers\"",
        "</table>",
    );
    let (mut well, mut failed, mut declined) = (0, 0, 0);
    for row in table.split("<th scope=\"row\">").skip(1) {
        let cells: Vec<u64> = row
            .split("<td>")
            .skip(1)
            .map(|cell| cell.split('<').next().unwrap().parse().unwrap())
            .collect();
        well += cells[0];
        failed += cells[1];
        declined += cells[2];
    }
    count("success", "", well);
    let number_before = |says: &str| {
        let before = page.split(says).next().filter(|it| it.len() < page.len());
        let digits = before.map(|it| it.rsplit(['>', ' ']).next().unwrap());
        digits.map_or(0, |digits| digits.parse().unwrap())
    };
    count(
        "told",
        "",
        number_before(" handoffs ended with an app that was told")
            + number_before(" handoff ended with an app that was told"),
    );
    count(
        "stray_callback",
        "",
        number_before(" requests were refused that belong to no handoff")
            + number_before(" request was refused that belongs to no handoff"),
    );
    let mut by_reason = (0, 0);
    if page.contains("Reasons, in numbers") {
        let table = between(&page, "Reasons, in numbers", "</table>");
        for row in table.split("<code class=\"muted\">").skip(1) {
            let (reason, rest) = row.split_once('<').unwrap();
            let times: u64 = between(rest, "<td>", "<").parse().unwrap();
            let is_choice = matches!(reason, "stayed" | "cancelled" | "access_denied");
            if is_choice {
                by_reason.1 += times;
            } else {
                by_reason.0 += times;
            }
            count(
                if is_choice { "declined" } else { "failure" },
                reason,
                times,
            );
        }
    }
    assert_eq!(by_reason, (failed, declined));
    counts
}

/// What the metrics count, whatever the client.
async fn metrics(world: &World) -> Counts {
    let mut counts = Counts::new();
    for (name, value) in series(world).await {
        let Some((what, labels)) = name.split_once("_total{client=") else {
            continue;
        };
        let what = what.trim_start_matches("handoff_");
        if value > 0.0
            && ["success", "told", "declined", "failure", "stray_callback"].contains(&what)
        {
            let reason = labels
                .split_once("reason=\"")
                .map_or("", |(_, it)| it.trim_end_matches("\"}"));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count"
            )]
            let value = value as u64;
            *counts
                .entry((what.to_owned(), reason.to_owned()))
                .or_default() += value;
        }
    }
    counts
}

const ALICE: &str = "alice@harbor.example";
const BOB: &str = "bob@harbor.example";
const PROBE_SECRET: [u8; 32] = [7; 32];

/// An application that is none of ours, and reports nothing.
pub async fn register_probe(world: &World) {
    let store = authority::store::Sqlite::open(&world.folder().join("authority.db"))
        .await
        .unwrap();
    let client = Client::register(Registration {
        id: ClientId::parse("probe").unwrap(),
        name: "Probe",
        description: "",
        icon: Icon::default(),
        kind: Kind::Confidential {
            secret: ClientSecret::mint(PROBE_SECRET).digest(),
        },
        origin: "http://probe.localhost:9",
        redirect_uris: &["http://probe.localhost:9/callback"],
        initiate_login_uri: "http://probe.localhost:9/start",
        handoff_lifetime: HandoffLifetime::from_seconds(60).unwrap(),
        assigned_to: AssignedTo::Everyone,
    });
    store.add_client(&client.unwrap()).await.unwrap();
    store.close().await;
}

/// The probe's own state and verifier.
pub fn probe() -> OwnRelyingParty {
    OwnRelyingParty::new("http://probe.localhost:9/callback".to_owned())
}

fn with(address: &str, name: &str, value: &str) -> String {
    let mut url = Url::parse(address).unwrap();
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    let pairs = pairs.into_iter().map(|(known, old)| {
        let value = if known == name { value.to_owned() } else { old };
        (known, value)
    });
    let pairs: Vec<_> = pairs.filter(|(_, value)| !value.is_empty()).collect();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url.into()
}

/// H3 of the probe, after a click on the portal.
async fn probe_authorizes(world: &World, alice: &Persona, party: &OwnRelyingParty) -> Answer {
    let launch = alice.click_open(world, "probe").await;
    let launch = launch.location_parameter("launch");
    let address = with(&party.authorize(world, Some(&launch)), "client_id", "probe");
    alice.get(&address).await
}

pub async fn probe_verifies(world: &World, party: &OwnRelyingParty, token: &str) -> StatusCode {
    let mut body: Value = party.body(token);
    body["client_id"] = json!("probe");
    let secret = ClientSecret::mint(PROBE_SECRET).expose().to_string();
    let auth = basic("probe", &secret);
    let headers = [("authorization", &*auth)];
    let verify = world.authority("/auth/external/handoff/verify");
    world
        .visitor()
        .post_json(&verify, &headers, &body)
        .await
        .status
}

/// Answers the page whether to go on.
async fn answer_confirmation(
    world: &World,
    persona: &Persona,
    page: &Answer,
    decision: &str,
) -> Answer {
    let url = Url::parse(&page.url).unwrap();
    let mut fields: Vec<_> = url.query_pairs().into_owned().collect();
    fields.push(("csrf".to_owned(), page.csrf()));
    fields.push(("decision".to_owned(), decision.to_owned()));
    let fields: Vec<_> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    persona
        .post(&world.authority("/handoff/authorize"), &fields)
        .await
}

/// Bob at Notes, where Alice is signed in.
async fn asked_who_to_be(world: &World) -> (Persona, Answer) {
    let browser = world.signed_in(ALICE).await;
    browser.open_notes(world).await;
    browser.lose_cookie(&world.authority("/"), "__Host-as_session");
    browser.sign_in(world, BOB).await;
    let page = browser.open_notes(world).await;
    (browser, page)
}

/// What happens in a browser, by name.
async fn drive(name: &str, process: &Process, world: &World) {
    let notes = |path: &str| world.notes(path);
    match name {
        "signed in" => {
            world.signed_in(ALICE).await.open_notes(world).await;
        }
        "a used callback is opened again" => {
            let alice = world.signed_in(ALICE).await;
            let callback = alice.callback_address(world).await;
            alice.get(&callback).await;
            alice.get(&callback).await;
        }
        "switch: nobody has answered" => {
            asked_who_to_be(world).await;
        }
        "switch accepted" | "switch declined" => {
            let (browser, page) = asked_who_to_be(world).await;
            let decision = if name == "switch accepted" {
                "switch"
            } else {
                "stay"
            };
            let fields = [("csrf", &*page.csrf()), ("decision", decision)];
            browser.post(&notes("/switch"), &fields).await;
        }
        "cancelled at the question" => {
            let bob = world.signed_in(BOB).await;
            let page = bob.open(&notes("/handoff/start")).await;
            let answer = answer_confirmation(world, &bob, &page, "cancel").await;
            bob.follow(answer).await;
        }
        "cancelled, at an app that reports nothing" => {
            let alice = world.signed_in(ALICE).await;
            let address = with(&probe().authorize(world, None), "client_id", "probe");
            let page = alice.get(&address).await;
            answer_confirmation(world, &alice, &page, "cancel").await;
        }
        "not assigned" => {
            world.assign_only_to("notes", &[BOB]).await;
            world
                .signed_in(ALICE)
                .await
                .open(&notes("/handoff/start"))
                .await;
        }
        "left at the sign-in" => {
            world.visitor().open(&notes("/handoff/start")).await;
        }
        "the state was changed" => {
            let alice = world.signed_in(ALICE).await;
            let callback = alice.callback_address(world).await;
            alice.get(&with(&callback, "state", &"B".repeat(43))).await;
        }
        "another browser brings it" => {
            let alice = world.signed_in(ALICE).await;
            let callback = alice.callback_address(world).await;
            world.visitor().get(&callback).await;
        }
        "the token was changed" => {
            let alice = world.signed_in(ALICE).await;
            let callback = alice.callback_address(world).await;
            alice
                .get(&with(&callback, "handoff_token", &"A".repeat(43)))
                .await;
        }
        "the token never came" => {
            let alice = world.signed_in(ALICE).await;
            let callback = alice.callback_address(world).await;
            alice.get(&with(&callback, "handoff_token", "")).await;
        }
        "the redirect URI was changed" => {
            let alice = world.signed_in(ALICE).await;
            let start = alice.click_open_notes(world).await.location();
            let authorize = alice.get(&start).await.location();
            alice
                .get(&with(
                    &authorize,
                    "redirect_uri",
                    "http://evil.localhost:9/callback",
                ))
                .await;
        }
        "verify does not answer" => {
            let alice = world.signed_in(ALICE).await;
            let callback = alice.callback_address(world).await;
            process.take_away(world.origins.of(authority::ID));
            alice.get(&callback).await;
        }
        "too late, and started anew" => {
            let alice = world.signed_in(ALICE).await;
            let callback = alice.callback_address(world).await;
            world.clock.advance(Duration::minutes(6));
            let page = alice.open(&callback).await;
            let answer = answer_confirmation(world, &alice, &page, "continue").await;
            alice.follow(answer).await;
        }
        "a form of the portal that is too old" => {
            let alice = world.signed_in(ALICE).await;
            let url = world.authority("/apps/notes/open");
            alice.post(&url, &[("csrf", "x")]).await;
        }
        "a mistyped address at Harbor ID" => {
            let alice = world.signed_in(ALICE).await;
            alice
                .get(&with(&probe().authorize(world, None), "client_id", "porbe"))
                .await;
        }
        "a callback of somebody's making" => {
            let state = "B".repeat(43);
            world
                .visitor()
                .get(&notes(&format!("/callback?handoff_token=x&state={state}")))
                .await;
        }
        "a token of somebody's making at verify" => {
            probe_verifies(world, &probe(), &"A".repeat(43)).await;
        }
        "an app that reports nothing" => {
            let alice = world.signed_in(ALICE).await;
            let party = probe();
            let token = probe_authorizes(world, &alice, &party).await;
            let token = token.location_parameter("handoff_token");
            assert_eq!(probe_verifies(world, &party, &token).await, StatusCode::OK);
        }
        "the same, with a replay" => {
            let alice = world.signed_in(ALICE).await;
            let party = probe();
            let token = probe_authorizes(world, &alice, &party).await;
            let token = token.location_parameter("handoff_token");
            probe_verifies(world, &party, &token).await;
            probe_verifies(world, &party, &token).await;
        }
        other => panic!("{other}"),
    }
}

const TABLE: &[(&str, &[Ending])] = &[
    ("signed in", &[SignedIn]),
    (
        "a used callback is opened again",
        &[SignedInThenRefused("no_pre_session")],
    ),
    ("switch: nobody has answered", &[SignedIn, NotFinished]),
    ("switch accepted", &[SignedIn, SignedIn]),
    ("switch declined", &[SignedIn, Declined("stayed")]),
    ("cancelled at the question", &[Declined("cancelled")]),
    (
        "cancelled, at an app that reports nothing",
        &[Declined("cancelled")],
    ),
    ("not assigned", &[Refused("not_assigned")]),
    ("left at the sign-in", &[NotFinished]),
    ("the state was changed", &[Refused("state_unknown_here")]),
    ("another browser brings it", &[Refused("no_pre_session")]),
    ("the token was changed", &[Refused("unknown")]),
    ("the token never came", &[Refused("token_missing")]),
    (
        "the redirect URI was changed",
        &[Refused("redirect_uri_unregistered")],
    ),
    (
        "verify does not answer",
        &[Refused("authority_unreachable")],
    ),
    (
        "too late, and started anew",
        &[Refused("state_too_late"), SignedIn],
    ),
    (
        "a form of the portal that is too old",
        &[Refused("stale_form")],
    ),
    (
        "a mistyped address at Harbor ID",
        &[Stray("unknown_client")],
    ),
    (
        "a callback of somebody's making",
        &[Stray("no_pre_session")],
    ),
    (
        "a token of somebody's making at verify",
        &[Stray("unknown")],
    ),
    ("an app that reports nothing", &[Told]),
    ("the same, with a replay", &[ToldThenRefused("replayed")]),
];

#[tokio::test]
async fn list_picture_monitor_and_metrics_tell_each_ending_alike() {
    let mut wrong = Vec::new();
    for (n, (name, endings)) in TABLE.iter().enumerate() {
        let process = Process::start().await;
        let world = process.platform(&format!("-{n}"), Kept::InFiles).await;
        register_probe(&world).await;
        drive(name, &process, &world).await;
        world.settled().await;
        let mut endings = endings.to_vec();
        endings.sort();
        let rows = list(&world).await;
        let mut listed: Vec<_> = rows.iter().map(|(says, _)| says.clone()).collect();
        let mut expected: Vec<_> = endings.iter().map(|it| it.in_list()).collect();
        listed.sort();
        expected.sort();
        if listed != expected {
            wrong.push(format!("{name}: the list has {listed:?}, not {expected:?}"));
        }
        for (says, href) in &rows {
            let Some(ending) = endings.iter().find(|it| it.in_list() == *says) else {
                continue;
            };
            let page = world.visitor().get(&world.lab(href)).await.body;
            let banner = plain(between(&page, "notice-body\">", "</p>"));
            let (has, and) = ending.in_picture();
            if !banner.contains(has) || !banner.contains(&and) {
                wrong.push(format!(
                    "{name}: the picture has {banner:?}, not {ending:?}"
                ));
            }
        }
        let expected = counts(&endings);
        for (who, counted) in [
            ("monitor", monitor(&world).await),
            ("metrics", metrics(&world).await),
        ] {
            if counted != expected {
                wrong.push(format!("{name}: {who}: {counted:?}, not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_switch_is_drawn_as_it_happened() {
    for (decision, what, says) in [
        (
            "switch accepted",
            "session begins (rule 23)",
            "Notes began a session after message ",
        ),
        (
            "switch declined",
            "Refused: stayed who they were (rule 24)",
            "Declined at message ",
        ),
    ] {
        let process = Process::start().await;
        let world = process.platform("", Kept::InFiles).await;
        drive(decision, &process, &world).await;
        world.settled().await;
        let (_, href) = list(&world).await.remove(0);
        let page = plain(&world.visitor().get(&world.lab(&href)).await.body);
        let text = between(&page, "id=\"flow-text\"", "</ol>");
        let lines: Vec<_> = text.split("<li>").skip(1).collect();
        let place = |says: &str| {
            let mut found = lines
                .iter()
                .enumerate()
                .filter(|(_, line)| line.contains(says));
            match (found.next(), found.next()) {
                (Some((place, _)), None) => place + 1,
                _ => panic!("{says} is not drawn once: {text}"),
            }
        };
        // The question is asked, opened, answered, and then something comes of it.
        let asked = place("Notes: asks who to be (rule 24)");
        let opened = place("Browser to Notes: GET /switch");
        let answered = place("Browser to Notes: POST /switch");
        assert!(asked < opened && opened < answered, "{text}");
        assert_eq!(place(what), answered, "{text}");
        assert!(lines[opened].contains("Notes to Browser: 200"), "{text}");
        assert!(
            lines[answered].contains("Notes to Browser: 303 to /"),
            "{text}"
        );
        let banner = between(&page, "notice-body\">", "</p>");
        assert!(banner.contains(&format!("{says}{answered}")), "{banner}");
    }
}
