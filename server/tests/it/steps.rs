//! What the sites record: every step of a handoff and every refusal, on both sides, and no secret.

use std::{collections::BTreeSet, sync::Arc};

use handoff::{
    flow::{Belongs, Event, FlowId, IssuedId, LaunchId, Message, Named, Piece, Site},
    refusal_reason::RefusalReason,
    step::Step,
    token::{HandoffToken, LaunchTicket, State, Unverified},
};
use reqwest::Method;
use serde_json::json;
use server::platform::Setup;
use time::Duration;

use crate::harness::{Answer, Collected, Kept, Persona, Process, World, basic, log};

async fn recorded() -> (Process, World, Arc<Collected>) {
    recorded_by(Collected::default(), |_| {}).await
}

async fn recorded_by(
    collected: Collected,
    also: impl FnOnce(&mut Setup),
) -> (Process, World, Arc<Collected>) {
    let process = Process::start().await;
    let collected = Arc::new(collected);
    let recorder = Arc::clone(&collected);
    let change = |setup: &mut Setup| {
        setup.recorder = recorder;
        also(setup);
    };
    let world = process.platform_with("", Kept::InFiles, change).await;
    (process, world, collected)
}

fn flow_of(state: &str) -> FlowId {
    FlowId::of(&Unverified::<State>::new(state).unwrap().digest())
}

async fn verify(world: &World, body: &serde_json::Value, more: &[(&str, &str)]) -> Answer {
    let auth = basic("notes", &world.notes_secret());
    let mut headers = vec![("authorization", auth.as_str())];
    headers.extend(more);
    let url = world.authority("/handoff/verify");
    world.visitor().post_json(&url, &headers, body).await
}

/// A value as a person would read it: what is hidden by its kind.
fn shown(named: &[Named], name: &str) -> Vec<String> {
    let values = named.iter().filter(|named| named.name == name);
    let texts = values.map(|named| {
        let pieces = named.value.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Hidden { kind, .. } => format!("[{kind}]"),
        });
        pieces.collect()
    });
    texts.collect()
}

use Site::{Authority, RelyingParty};

#[tokio::test]
async fn both_sites_record_every_step_of_a_handoff_in_its_order_and_as_one() {
    let (_process, world, collected) = recorded().await;
    let alice = world.signed_in("alice@harbor.example").await;
    collected.take();
    let h1 = alice.click_open_notes(&world).await;
    let launch = h1.location_parameter("launch");
    let h2 = alice.get(&h1.location()).await;
    let state = h2.location_parameter("state");
    let callback = alice.get(&h2.location()).await;
    alice.get(&callback.location()).await;

    let events = collected.take();
    let verified = events.iter().find(|it| it.step == Step::VerifyReceived);
    let verified = verified.unwrap().trace.clone();
    let steps: Vec<_> = events.iter().map(|it| (it.site, it.step)).collect();
    assert_eq!(
        steps,
        [
            (Authority, Step::LaunchRequested),
            (Authority, Step::LaunchTicketIssued),
            (Authority, Step::Redirected),
            (RelyingParty, Step::StartReceived),
            (RelyingParty, Step::StateMade),
            (RelyingParty, Step::Redirected),
            (Authority, Step::AuthorizeReceived),
            (Authority, Step::TokenIssued),
            (Authority, Step::Redirected),
            (RelyingParty, Step::CallbackReceived),
            (RelyingParty, Step::StateMatched),
            (RelyingParty, Step::VerifySent),
            (Authority, Step::VerifyReceived),
            (Authority, Step::Redeemed),
            (RelyingParty, Step::VerifyAnswered),
            (RelyingParty, Step::SessionCreated),
            (RelyingParty, Step::Redirected),
        ]
    );
    let launch = Unverified::<LaunchTicket>::new(launch).unwrap();
    let launch = Some(LaunchId::of(&launch.digest()));
    let flow = Some(flow_of(&state));
    let token =
        Unverified::<HandoffToken>::new(callback.location_parameter("handoff_token")).unwrap();
    let token = Some(IssuedId::of(&token.digest()));
    for (n, event) in events.iter().enumerate() {
        let expected = Belongs {
            flow: flow.filter(|_| n >= 3),
            launch: launch.filter(|_| n < 9),
            // From the request in which Harbor ID makes it; verify has it in its body.
            token: token.filter(|_| n >= 6 && event.trace != verified),
        };
        assert_eq!(event.belongs, expected, "{event:?}");
        assert_eq!(event.client.as_ref().unwrap().as_str(), "notes");
    }
    let session = |step| {
        let event = events.iter().find(|event| event.step == step);
        event.unwrap().session
    };
    assert!(session(Step::Redeemed).is_some());
    assert_eq!(session(Step::Redeemed), session(Step::SessionCreated));
}

fn request(events: &[Event], step: Step) -> (&str, &[Named], &[Named], &[Named], &[Named]) {
    let event = events.iter().find(|event| event.step == step).unwrap();
    match &event.message {
        Some(Message::Request {
            url,
            query,
            headers,
            cookies,
            body,
            ..
        }) => (url, query, headers, cookies, body),
        other => panic!("{step:?}: {other:?}"),
    }
}

fn response(event: &Event) -> (u16, Option<&str>, &[Named], &[Named], &[Named]) {
    match &event.message {
        Some(Message::Response {
            status,
            location,
            query,
            cookies,
            body,
            ..
        }) => (*status, location.as_deref(), query, cookies, body),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_sent_is_shown_and_what_is_secret_is_named() {
    let (_process, world, collected) = recorded().await;
    let alice = world.signed_in("alice@harbor.example").await;
    collected.take();
    alice.open_notes(&world).await;
    let events = collected.take();

    let (url, _, _, cookies, body) = request(&events, Step::LaunchRequested);
    assert_eq!(url, world.authority("/apps/notes/open"));
    assert_eq!(shown(cookies, "__Host-as_session"), ["[Cookie]"]);
    assert_eq!(shown(body, "csrf"), ["[CsrfToken]"]);
    let (url, query, headers, _, _) = request(&events, Step::StartReceived);
    assert_eq!(url, world.notes("/handoff/start"));
    assert_eq!(
        shown(query, "iss"),
        [world.origins.of(authority::ID).as_str()]
    );
    assert_eq!(shown(query, "target_link_uri"), [world.notes("/")]);
    assert_eq!(shown(query, "launch"), ["[LaunchTicket]"]);
    assert_eq!(shown(headers, "sec-fetch-mode"), ["navigate"]);
    let (_, query, ..) = request(&events, Step::AuthorizeReceived);
    assert_eq!(shown(query, "client_id"), ["notes"]);
    assert_eq!(shown(query, "redirect_uri"), [world.notes("/callback")]);
    assert_eq!(shown(query, "state"), ["[State]"]);
    assert_eq!(shown(query, "code_challenge"), ["[Challenge]"]);
    assert_eq!(shown(query, "code_challenge_method"), ["S256"]);
    let (_, query, _, cookies, _) = request(&events, Step::CallbackReceived);
    assert_eq!(shown(query, "handoff_token"), ["[HandoffToken]"]);
    assert_eq!(shown(cookies, "__Host-rp_pre"), ["[Cookie]"]);

    // Sent and received: what crosses the back channel is the same at both ends.
    let callback = events.iter().find(|it| it.step == Step::CallbackReceived);
    let (flow, trace) = (callback.unwrap().belongs.flow, &callback.unwrap().trace);
    let parent = format!("00-{}-{trace}-01", flow.unwrap());
    for step in [Step::VerifySent, Step::VerifyReceived] {
        let (url, _, headers, _, body) = request(&events, step);
        assert_eq!(url, world.authority("/auth/external/handoff/verify"));
        let authorization = shown(headers, "authorization");
        assert_eq!(authorization, ["Basic [ClientSecret]"], "{step:?}");
        assert_eq!(shown(headers, "traceparent"), [&*parent], "{step:?}");
        assert_eq!(shown(body, "handoff_token"), ["[HandoffToken]"]);
        assert_eq!(shown(body, "state"), ["[State]"]);
        assert_eq!(shown(body, "code_verifier"), ["[Verifier]"]);
        assert_eq!(shown(body, "client_id"), ["notes"]);
        assert_eq!(shown(body, "redirect_uri"), [world.notes("/callback")]);
    }
    let answered = events.iter().find(|it| it.step == Step::VerifyAnswered);
    let (status, _, _, _, body) = response(answered.unwrap());
    assert_eq!(status, 200);
    assert_eq!(shown(body, "access_token"), ["[AccessToken]"]);
    assert_eq!(shown(body, "token_type"), ["Bearer"]);
    assert_eq!(shown(body, "user.email"), ["(not shown)"]);
    let (status, location, query, cookies, _) = response(events.last().unwrap());
    assert_eq!((status, location), (303, Some("/")));
    assert!(query.is_empty());
    let attributes = "[Cookie]; HttpOnly; SameSite=Lax; Secure; Path=/";
    assert_eq!(shown(cookies, "__Host-rp_session"), [attributes]);
    let issued = events
        .iter()
        .rfind(|it| it.site == Authority && it.step == Step::Redirected);
    let (_, location, query, ..) = response(issued.unwrap());
    assert_eq!(location, Some(&*world.notes("/callback")));
    assert_eq!(shown(query, "handoff_token"), ["[HandoffToken]"]);
}

/// The one refusal since the last time.
#[track_caller]
fn refusal(collected: &Collected, site: Site) -> (String, Vec<u8>) {
    let events = collected.take();
    let mut refused = events
        .iter()
        .filter(|it| it.refusal.is_some() && it.site == site);
    let (Some(event), None) = (refused.next(), refused.next()) else {
        panic!("not one refusal: {events:#?}");
    };
    assert_eq!(event.step, Step::Refused);
    let refusal = event.refusal.clone().unwrap();
    (refusal.reason, refusal.rows)
}

#[tokio::test]
async fn a_replay_is_refused_at_its_own_step_with_its_rows_and_in_its_handoff() {
    let (_process, world, collected) = recorded().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    let body = party.body(&token);
    assert_eq!(verify(&world, &body, &[]).await.status, 200);
    collected.take();
    assert_eq!(verify(&world, &body, &[]).await.status, 400);
    let events = collected.take();
    let steps: Vec<_> = events.iter().map(|it| (it.site, it.step)).collect();
    let expected = [Step::VerifyReceived, Step::Refused].map(|it| (Authority, it));
    assert_eq!(steps, expected);
    let refused = &events[1];
    let why = refused.refusal.as_ref().unwrap();
    assert_eq!((&*why.reason, &*why.rows), ("replayed", &[3, 4][..]));
    let state = body["state"].as_str().unwrap();
    assert_eq!(refused.belongs.flow, Some(flow_of(state)));
    assert_eq!(refused.client.as_ref().unwrap().as_str(), "notes");
    assert_eq!(response(refused).0, 400);
}

#[tokio::test]
async fn a_trace_that_somebody_makes_up_joins_no_handoff() {
    let (_process, world, collected) = recorded().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let callback = alice.callback_address(&world).await;
    let events = collected.take();
    let foreign = events.last().unwrap().belongs.flow.unwrap();
    let parent = format!("00-{foreign}-0123456789abcdef-01");
    let headers = [("traceparent", parent.as_str())];

    let party = world.relying_party();
    let body = party.body(&"A".repeat(43));
    verify(&world, &body, &headers).await;
    let mallory = world.visitor();
    for url in [
        world.notes("/callback"),
        world.notes(&format!("/callback?state={foreign}&trace={foreign}")),
        world.authority("/handoff/authorize"),
    ] {
        mallory.send(Method::GET, &url, &headers, None).await;
    }
    let events = collected.take();
    assert!(events.len() >= 8, "{events:#?}");
    assert!(events.iter().all(|it| it.belongs.flow != Some(foreign)));
    // It goes on as if nothing had been.
    alice.open(&callback).await;
    let last = collected.take().pop().unwrap();
    assert_eq!(
        (last.site, last.belongs.flow),
        (RelyingParty, Some(foreign))
    );
}

#[tokio::test]
async fn what_is_hostile_is_kept_as_text_and_within_bounds() {
    let (_process, world, collected) = recorded().await;
    let mallory = world.visitor();
    let markup = "<script>alert(1)</script>\u{1b}[31m\0";
    let mut url = url::Url::parse(&world.notes("/callback")).unwrap();
    url.query_pairs_mut()
        .append_pair("error_description", markup)
        .append_pair("<b>", markup)
        .append_pair("error", &"é".repeat(4000))
        .append_pair(&"n".repeat(43), "x")
        .extend_pairs((0..200).map(|n| (format!("p{n}"), "x")));
    let headers = [
        ("user-agent", "<img src=x onerror=alert(1)>"),
        ("referer", "https://eve:pw@evil.example/a?token=x#y"),
        ("x-made-up", "anything"),
        ("authorization", "only-one-word"),
    ];
    mallory
        .send(Method::GET, url.as_str(), &headers, None)
        .await;
    let events = collected.take();
    let (url, query, headers, _, _) = request(&events, Step::CallbackReceived);
    assert_eq!(url, world.notes("/callback"));
    assert_eq!(shown(query, "error_description"), [markup]);
    assert_eq!(shown(query, "<b>"), ["(not shown)"]);
    let cut = shown(query, "error").pop().unwrap();
    assert!(
        cut.starts_with("éé") && cut.ends_with("(8000 bytes in all)"),
        "{cut}"
    );
    assert!(cut.len() <= recording::redact::MAX_TEXT, "{cut}");
    assert_eq!(shown(query, "(a name of 43 bytes)"), ["(not shown)"]);
    assert_eq!(query.len(), recording::redact::MAX_VALUES + 1);
    assert_eq!(shown(query, "…"), ["156 more"]);
    assert_eq!(
        shown(headers, "user-agent"),
        ["<img src=x onerror=alert(1)>"]
    );
    assert_eq!(shown(headers, "referer"), ["https://evil.example/a"]);
    assert_eq!(shown(headers, "x-made-up"), ["(not shown)"]);
    assert_eq!(shown(headers, "authorization"), ["(not shown)"]);
    assert_eq!(
        events.iter().map(|it| it.step).collect::<Vec<_>>(),
        [Step::CallbackReceived, Step::Refused, Step::Redirected]
    );
}

#[tokio::test]
async fn where_nobody_asks_for_messages_there_are_none_and_all_the_rest_is() {
    // The lab does ask.
    let no_lab = |setup: &mut Setup| {
        setup.sites.remove(&lab::ID);
    };
    let (_process, world, collected) = recorded_by(Collected::without_messages(), no_lab).await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    let events = collected.take();
    assert_eq!(events.len(), 17);
    assert!(events.iter().all(|event| event.message.is_none()));
}

#[tokio::test]
async fn one_line_of_the_log_says_how_a_handoff_ended_and_after_how_long() {
    let (_process, world, _) = recorded().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let line = |state: &str| {
        let flow = format!("flow={} ", flow_of(state));
        let log = log();
        let ended = log
            .lines()
            .filter(|line| line.contains("handoff ended") && line.contains(&flow));
        let ended: Vec<_> = ended.map(str::to_owned).collect();
        assert_eq!(ended.len(), 1, "{ended:?}");
        ended[0].clone()
    };
    let h2 = alice
        .get(&alice.click_open_notes(&world).await.location())
        .await;
    let state = h2.location_parameter("state");
    world.clock.advance(Duration::milliseconds(1500));
    alice.follow(h2).await;
    let well = line(&state);
    assert!(well.contains("outcome=\"success\" client=notes"), "{well}");
    assert!(well.ends_with("ms=1500"), "{well}");

    let h2 = alice
        .get(&alice.click_open_notes(&world).await.location())
        .await;
    let state = h2.location_parameter("state");
    let h3 = alice.get(&h2.location()).await;
    world.clock.advance(Duration::seconds(61));
    alice.get(&h3.location()).await;
    let badly = line(&state);
    let why = "outcome=\"failure\" reason=\"verify_refused\" client=notes";
    assert!(
        badly.contains(why) && badly.ends_with("ms=61000"),
        "{badly}"
    );
}

/// Secrets that a browser and a server had in their hands.
pub fn secrets_of(persona: &Persona, world: &World) -> Vec<String> {
    let mut secrets = Vec::new();
    for answer in persona.seen() {
        for line in answer.headers.get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            secrets.push(pair.split_once('=').unwrap().1.to_owned());
        }
        if answer.headers.contains_key("location") {
            let location = url::Url::parse(&answer.location()).unwrap();
            let secret = ["launch", "state", "handoff_token", "code_challenge"];
            let pairs = location.query_pairs();
            let secret = pairs.filter(|(name, _)| secret.contains(&&**name));
            secrets.extend(secret.map(|(_, value)| value.into_owned()));
        }
        if answer.body.contains("name=\"csrf\"") {
            secrets.push(answer.csrf());
        }
    }
    secrets.push(world.notes_secret());
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

#[tokio::test]
async fn nothing_that_is_recorded_holds_a_secret() {
    let (_process, world, collected) = recorded().await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    let used = alice
        .seen()
        .iter()
        .rev()
        .find(|it| it.url.contains("handoff_token="))
        .unwrap()
        .url
        .clone();
    alice.open(&used).await;
    alice.open(&world.notes("/handoff/start")).await;
    alice.lose_cookie(&world.authority("/"), "__Host-as_session");
    alice.open(&world.notes("/handoff/start")).await;
    alice.sign_in(&world, "bob@harbor.example").await;
    let page = alice.open_notes(&world).await;
    let fields = [("csrf", &*page.csrf()), ("decision", "switch")];
    alice.post(&world.notes("/switch"), &fields).await;

    let mut secrets = secrets_of(&alice, &world);
    let party = world.relying_party();
    let token = party.token(&world, &alice).await;
    let body = party.body(&token);
    let answer = verify(&world, &body, &[]).await;
    for value in [
        &body["state"],
        &body["code_verifier"],
        &answer.json()["access_token"],
    ] {
        secrets.push(value.as_str().unwrap().to_owned());
    }
    secrets.push(token);
    assert!(secrets.len() > 40, "{}", secrets.len());
    let events = collected.take();
    assert!(events.len() >= 60, "{}", events.len());
    let text = serde_json::to_string(&events).unwrap();
    for secret in &secrets {
        assert!(!text.contains(&secret[..12]), "{secret}");
    }
    // After the question, the session says which handoff this was.
    let asked = events
        .iter()
        .find(|it| it.step == Step::SwitchAsked)
        .unwrap();
    assert!(asked.belongs.flow.is_some());
    let created: Vec<_> = events
        .iter()
        .filter(|it| it.step == Step::SessionCreated)
        .collect();
    assert_eq!(created.last().unwrap().session, asked.session);
    assert!(events.iter().any(|it| it.step == Step::SignInAsked));
    assert!(events.iter().any(|it| it.step == Step::ConfirmationAsked));
}

/// Brings refusals about, one after the other, and remembers which.
struct Refusals {
    world: World,
    collected: Arc<Collected>,
    seen: BTreeSet<String>,
}

impl Refusals {
    #[track_caller]
    fn was(&mut self, site: Site, cause: RefusalReason) {
        let expected = (cause.as_str().to_owned(), cause.rows().to_vec());
        assert_eq!(refusal(&self.collected, site), expected);
        self.seen.insert(expected.0);
    }

    async fn launches(&mut self, alice: &Persona) {
        let url = self.world.authority("/apps/notes/open");
        let csrf = alice.get(&self.world.authority("/")).await.csrf();
        let fields = [("csrf", &*csrf)];
        let visitor = self.world.visitor();
        visitor.post(&url, &fields).await;
        self.was(Authority, RefusalReason::NotSignedIn);
        let headers = [("sec-fetch-site", "cross-site")];
        alice.post_with(&url, &headers, &fields).await;
        self.was(Authority, RefusalReason::CrossSite);
        alice.post(&url, &[("csrf", "x")]).await;
        self.was(Authority, RefusalReason::StaleForm);
        let same = [("sec-fetch-site", "same-origin")];
        alice.send(Method::POST, &url, &same, None).await;
        self.was(Authority, RefusalReason::WrongMediaType);
        let long = "a".repeat(70_000);
        alice.post(&url, &[("csrf", &long)]).await;
        self.was(Authority, RefusalReason::TooLarge);
        let nothing = self.world.authority("/apps/nothing/open");
        alice.post(&nothing, &fields).await;
        self.was(Authority, RefusalReason::UnknownClient);
        self.world.assign_only_to("tasks", &[]).await;
        let tasks = self.world.authority("/apps/tasks/open");
        alice.post(&tasks, &fields).await;
        self.was(Authority, RefusalReason::NotAssigned);
    }

    async fn authorizes(&mut self, alice: &Persona) {
        let good = self.world.relying_party().authorize(&self.world, None);
        for (from, to, cause) in [
            (
                "client_id=notes",
                "client_id=x",
                RefusalReason::UnknownClient,
            ),
            (
                "%2Fcallback",
                "%2Fcallback2",
                RefusalReason::RedirectUriUnregistered,
            ),
            ("&state=", "&other=", RefusalReason::StateMissing),
            ("S256", "plain", RefusalReason::ChallengeMissing),
            (
                "&state=",
                "&state=x&state=",
                RefusalReason::UnreadableParameters,
            ),
        ] {
            assert!(good.contains(from), "{good}");
            alice.get(&good.replace(from, to)).await;
            self.was(Authority, cause);
        }
        let headers = [("sec-fetch-dest", "iframe")];
        alice.send(Method::GET, &good, &headers, None).await;
        self.was(Authority, RefusalReason::NotANavigation);
        let headers = [("sec-purpose", "prefetch")];
        alice.send(Method::GET, &good, &headers, None).await;
        self.was(Authority, RefusalReason::Prefetched);
        alice.send(Method::HEAD, &good, &[], None).await;
        self.was(Authority, RefusalReason::WrongMethod);

        // The person says no, and both sites know.
        let page = alice.open(&self.world.notes("/handoff/start")).await;
        let asked = url::Url::parse(&page.url).unwrap();
        let mut fields: Vec<_> = asked.query_pairs().into_owned().collect();
        fields.push(("csrf".to_owned(), page.csrf()));
        fields.push(("decision".to_owned(), "cancel".to_owned()));
        let fields: Vec<_> = fields.iter().map(|(name, it)| (&**name, &**it)).collect();
        self.collected.take();
        let back = alice
            .post(&self.world.authority("/handoff/authorize"), &fields)
            .await;
        self.was(Authority, RefusalReason::Cancelled);
        alice.get(&back.location()).await;
        self.was(RelyingParty, RefusalReason::AccessDenied);
    }

    async fn callbacks(&mut self, process: &Process, alice: &Persona) {
        let start = self.world.notes("/handoff/start?iss=http://evil.localhost");
        alice.get(&start).await;
        self.was(RelyingParty, RefusalReason::IssDiffers);
        let visitor = self.world.visitor();
        visitor.get(&self.world.notes("/callback?state=x")).await;
        self.was(RelyingParty, RefusalReason::NoPreSession);
        visitor
            .get(&self.world.notes("/callback?state=x&state=x"))
            .await;
        self.was(RelyingParty, RefusalReason::UnreadableParameters);
        let late = alice.callback_address(&self.world).await;
        self.world.clock.advance(time::Duration::seconds(301));
        self.collected.take();
        alice.get(&late).await;
        self.was(RelyingParty, RefusalReason::StateTooLate);
        for (from, to, cause) in [
            ("&state=", "&state=x", RefusalReason::StateUnknownHere),
            ("&iss=", "&iss=x", RefusalReason::IssDiffers),
            (
                "handoff_token=",
                "error=access_denied&error_description=not_assigned&x=",
                RefusalReason::NotAssigned,
            ),
            (
                "handoff_token=",
                "error=server_error&x=",
                RefusalReason::ErrorFromAuthority,
            ),
            ("handoff_token=", "x=", RefusalReason::TokenMissing),
            (
                "handoff_token=",
                "handoff_token=x",
                RefusalReason::VerifyRefused,
            ),
        ] {
            let good = alice.callback_address(&self.world).await;
            assert!(good.contains(from), "{good}");
            self.collected.take();
            alice.get(&good.replace(from, to)).await;
            self.was(RelyingParty, cause);
        }
        let good = alice.callback_address(&self.world).await;
        self.collected.take();
        process.take_away(self.world.origins.of(authority::ID));
        alice.get(&good).await;
        self.was(RelyingParty, RefusalReason::AuthorityUnreachable);
    }

    async fn switches(&mut self) {
        let visitor = self.world.visitor();
        visitor.get(&self.world.notes("/switch")).await;
        self.was(RelyingParty, RefusalReason::SessionEndedMeanwhile);
        let browser = self.world.signed_in("alice@harbor.example").await;
        browser.open_notes(&self.world).await;
        browser.lose_cookie(&self.world.authority("/"), "__Host-as_session");
        browser.sign_in(&self.world, "bob@harbor.example").await;
        let page = browser.open_notes(&self.world).await;
        self.collected.take();
        let csrf = page.csrf();
        for (decision, cause) in [
            ("stay", RefusalReason::Stayed),
            ("switch", RefusalReason::SwitchTooLate),
        ] {
            let fields = [("csrf", &*csrf), ("decision", decision)];
            browser.post(&self.world.notes("/switch"), &fields).await;
            self.was(RelyingParty, cause);
        }
    }

    async fn verifies(&mut self, alice: &Persona) {
        let url = self.world.authority("/handoff/verify");
        let server = self.world.visitor();
        server.get(&url).await;
        self.was(Authority, RefusalReason::WrongMethod);
        let (party, json) = (self.world.relying_party(), "application/json");
        let headers = [("content-type", json)];
        server
            .send(Method::POST, &url, &headers, Some("{}".to_owned()))
            .await;
        self.was(Authority, RefusalReason::NotJson);
        server.post_json(&url, &[], &party.body("x")).await;
        self.was(Authority, RefusalReason::InvalidClient);

        type Change = fn(&mut serde_json::Value);
        let changes: [(RefusalReason, Change); 5] = [
            (RefusalReason::Unknown, |body| {
                body["handoff_token"] = json!("x")
            }),
            (RefusalReason::StateDiffers, |body| {
                body["state"] = json!("x")
            }),
            (RefusalReason::RedirectUriDiffers, |body| {
                body["redirect_uri"] = json!("x")
            }),
            (RefusalReason::VerifierWrong, |body| {
                body["code_verifier"] = json!("x")
            }),
            (RefusalReason::VerifierMissing, |body| {
                body.as_object_mut().unwrap().remove("code_verifier");
            }),
        ];
        for (rejection, change) in changes {
            let party = self.world.relying_party();
            let mut body = party.body(&party.token(&self.world, alice).await);
            change(&mut body);
            self.collected.take();
            verify(&self.world, &body, &[]).await;
            self.was(Authority, rejection);
        }
        let party = self.world.relying_party();
        let body = party.body(&party.token(&self.world, alice).await);
        verify(&self.world, &body, &[]).await;
        let mut stolen = body.clone();
        stolen["state"] = json!("x");
        self.collected.take();
        verify(&self.world, &stolen, &[]).await;
        self.was(Authority, RefusalReason::AlreadyUsed);
        verify(&self.world, &body, &[]).await;
        self.was(Authority, RefusalReason::Replayed);
        let body = party.body(&party.token(&self.world, alice).await);
        self.world.clock.advance(Duration::seconds(61));
        self.collected.take();
        verify(&self.world, &body, &[]).await;
        self.was(Authority, RefusalReason::Expired);
        let body = party.body(&party.token(&self.world, alice).await);
        let csrf = alice.get(&self.world.authority("/logout")).await.csrf();
        let logout = self.world.authority("/logout");
        alice.post(&logout, &[("csrf", &csrf)]).await;
        self.collected.take();
        verify(&self.world, &body, &[]).await;
        self.was(Authority, RefusalReason::SignInEnded);
    }
}

#[tokio::test]
async fn every_refusal_is_a_step_with_its_reason_and_its_rows() {
    let (process, world, collected) = recorded().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let bob = world.signed_in("bob@harbor.example").await;
    let mut refusals = Refusals {
        world,
        collected,
        seen: BTreeSet::new(),
    };
    refusals.launches(&alice).await;
    refusals.authorizes(&alice).await;
    refusals.switches().await;
    refusals.verifies(&bob).await;
    refusals.callbacks(&process, &alice).await;

    // What takes a broken store, a full counter, a race or a client with a long address.
    let elsewhere = [
        RefusalReason::NotFound,
        RefusalReason::RequestTooLong,
        RefusalReason::TooMany,
        RefusalReason::TooManyStrayCallbacks,
        RefusalReason::StrayCallbacksUncounted,
        RefusalReason::VerifierDoesNotOpen,
        RefusalReason::SignedOutMeanwhile,
        RefusalReason::Unavailable,
        RefusalReason::Internal,
        RefusalReason::Other,
    ];
    let of_token = RefusalReason::OF_TOKEN;
    for cause in RefusalReason::ALL
        .iter()
        .filter(|it| !of_token.contains(it))
    {
        let seen = refusals.seen.contains(cause.as_str());
        assert_ne!(seen, elsewhere.contains(cause), "{cause:?}");
    }
}
