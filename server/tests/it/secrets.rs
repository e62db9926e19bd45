//! No secret stands where it has no business: every secret that a whole story drew, and every one
//! that somebody typed, is looked for in the log, in what is recorded, in all answers, and in all files of the
//! databases.

use relying_party::Application;
use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::{Arc, Mutex},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use reqwest::{Method, StatusCode};
use time::Duration;
use tower::ServiceExt;
use url::Url;
use web::rng::{Randomness, SystemRandomness};

use crate::{
    dump::Watch,
    harness::{
        Answer, Collected, Everything, Kept, PASSWORD, Persona, Process, World, basic, whole_log,
    },
};

const VERIFY: &str = "/auth/external/handoff/verify";

/// Remembers all that it gave.
#[derive(Debug, Default)]
struct Recording(Mutex<Vec<Vec<u8>>>);

impl Randomness for Recording {
    fn fill(&self, buffer: &mut [u8]) {
        SystemRandomness.fill(buffer);
        self.0.lock().unwrap().push(buffer.to_vec());
    }
}

/// Looks for many texts at once. Of each, twelve bytes are enough to find it.
#[derive(Default)]
struct Search {
    by_start: HashMap<[u8; 8], Vec<(Vec<u8>, String)>>,
}

impl Search {
    fn text(&mut self, what: &str, text: &str) {
        self.add(what, text.as_bytes());
    }

    fn add(&mut self, what: &str, needle: &[u8]) {
        let needle = &needle[..12.min(needle.len())];
        let start = needle.first_chunk().expect("eight bytes at least");
        let found = self.by_start.entry(*start).or_default();
        found.push((needle.to_vec(), what.to_owned()));
    }

    /// All forms in which bytes may be written down.
    fn bytes(&mut self, what: &str, bytes: &[u8]) {
        for (form, text) in forms(bytes) {
            self.add(&format!("{what}, {form}"), &text);
        }
    }

    fn find(&self, haystack: &[u8]) -> BTreeSet<&str> {
        // Most windows begin like nothing that is looked for.
        let mut starts = vec![false; 1 << 16];
        for start in self.by_start.keys() {
            starts[usize::from(u16::from_be_bytes([start[0], start[3]]))] = true;
        }
        let mut found = BTreeSet::new();
        for (at, window) in haystack.windows(8).enumerate() {
            if !starts[usize::from(u16::from_be_bytes([window[0], window[3]]))] {
                continue;
            }
            let Some(candidates) = self.by_start.get(window) else {
                continue;
            };
            for (needle, what) in candidates {
                if haystack[at..].starts_with(needle) {
                    found.insert(what.as_str());
                }
            }
        }
        found
    }
}

fn forms(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        ("raw", bytes.to_vec()),
        ("base64url", URL_SAFE_NO_PAD.encode(bytes).into_bytes()),
        ("base64", STANDARD_NO_PAD.encode(bytes).into_bytes()),
        ("hexadecimal", hex.clone().into_bytes()),
        ("HEXADECIMAL", hex.to_uppercase().into_bytes()),
        // As `{:?}` writes bytes.
        (
            "a list",
            format!("{:?}", &bytes[..8]).trim_matches(['[', ']']).into(),
        ),
    ];
    if let Ok(number) = <[u8; 16]>::try_from(bytes) {
        let number = i128::from_le_bytes(number).to_string();
        forms.push(("a number", number.into_bytes()));
    }
    forms
}

/// What a page of step mode says. It shows its own browser the request that comes next, whole.
const STOPPED: &str = "Step mode has stopped here";

/// What is left of an answer when each secret that is meant to be there is taken out.
fn scrubbed(answer: &Answer) -> String {
    const MEANT: [&str; 4] = ["launch", "state", "handoff_token", "key"];
    let mut left = format!("{}\n", answer.status);
    for (name, value) in &answer.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        match name.as_str() {
            // A cookie is where its value belongs.
            "set-cookie" => {}
            "location" => {
                let mut location = Url::parse(&answer.url).unwrap().join(&value).unwrap();
                let pairs: Vec<_> = location.query_pairs().into_owned().collect();
                location.set_query(None);
                left.push_str(location.as_str());
                for (name, value) in pairs {
                    // A sign-in goes on with the request that it was asked for.
                    let nested = name == "continue" && value.starts_with("/handoff/authorize?");
                    if !nested && !MEANT.contains(&name.as_str()) {
                        left.push_str(&format!(" {name}={value}"));
                    }
                }
            }
            _ => left.push_str(&format!("{name}: {value}\n")),
        }
    }
    let mut body = answer.body.clone();
    let url = Url::parse(&answer.url).unwrap();
    let verified = [VERIFY, "/handoff/verify"].contains(&url.path());
    if verified && answer.status == StatusCode::OK {
        body = body.replace(answer.json()["access_token"].as_str().unwrap(), "");
    }
    // Of the pages, sign-in and confirmation carry the request that waits for them.
    let waits = ["/login", "/handoff/authorize"].contains(&url.path());
    if waits && answer.status.is_success() {
        let query: Vec<_> = url.query_pairs().collect();
        let waiting = query.iter().find(|(name, _)| name == "continue");
        let waiting = waiting.and_then(|(_, path)| url.join(path).ok());
        for url in waiting.into_iter().chain([url.clone()]) {
            for (name, value) in url.query_pairs() {
                if name == "state" {
                    body = body.replace(&*value, "");
                }
            }
        }
    }
    // So do the pages of step mode that stop a redirect.
    if body.contains(STOPPED) {
        body.clear();
    }
    for tag in body.split_inclusive('>') {
        let (before, tag) = tag.split_at(tag.rfind('<').unwrap_or(0));
        left.push_str(before);
        let is_token = tag.starts_with("<input") && tag.contains("name=\"csrf\"");
        // The demonstration's password is public, and on its sign-in page.
        let is_demo = tag.starts_with("<input") && url.query() == Some("demo=alice");
        if !is_token && !is_demo {
            left.push_str(tag);
        }
    }
    left
}

/// Public names that are drawn like secrets: ids, nonces of pages, salts.
#[derive(Default)]
struct Public {
    texts: String,
}

impl Public {
    async fn note_ids(&mut self, folder: &Path) {
        let mut watch = Watch::new(folder).await;
        watch.changes().await;
        for row in watch.all_rows() {
            for part in row.split('\'') {
                let is_hash = part.starts_with("$argon2id$");
                if part.len() == 22 || is_hash {
                    self.texts.push_str(part);
                    self.texts.push('\n');
                }
            }
        }
    }

    fn note_nonces(&mut self, answers: &[Answer]) {
        for answer in answers {
            self.texts
                .push_str(answer.header("content-security-policy"));
            self.texts.push('\n');
        }
    }

    fn has(&self, bytes: &[u8]) -> bool {
        self.texts.contains(&URL_SAFE_NO_PAD.encode(bytes))
            || self.texts.contains(&STANDARD_NO_PAD.encode(bytes))
    }
}

/// The story, and who was in it.
struct Story {
    people: Vec<Persona>,
    /// What somebody typed or sent as a secret, right or wrong, and each cookie that was given.
    said: Vec<(String, String)>,
}

impl Story {
    fn person(&mut self, world: &World) -> Persona {
        let persona = world.visitor();
        self.people.push(persona.clone());
        persona
    }

    fn say(&mut self, what: &str, text: impl Into<String>) -> String {
        let text = text.into();
        self.said.push((what.to_owned(), text.clone()));
        text
    }

    async fn sign_in(&mut self, world: &World, email: &str) -> Persona {
        let persona = self.person(world);
        let answer = persona.sign_in(world, email).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        persona
    }

    /// Passwords that are wrong, names that nobody has, forms that are stale.
    async fn refusals(&mut self, world: &World) {
        let persona = self.person(world);
        let login = world.authority("/login");
        let csrf = persona.get(&login).await.csrf();
        for (email, password) in [
            ("alice@harbor.example", "Wrong-horse-1"),
            ("nobody@harbor.example", "Wrong-horse-2"),
            ("alice@harbor.example\0", "Wrong-horse-3"),
        ] {
            let password = self.say("a wrong password", password);
            let fields = [("csrf", &*csrf), ("email", email), ("password", &password)];
            let answer = persona.post(&login, &fields).await;
            assert!(answer.status.is_client_error(), "{answer:?}");
        }
        let stale = self.say("a token of no form", "Stale-token-1");
        let answer = persona.post(&login, &[("csrf", &stale)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        persona.get(&world.authority("/login?demo=alice")).await;
        for (host, path) in [
            (world.origins.of(authority::ID), "/nowhere"),
            (world.origins.of(authority::ID), "/handoff/authorize"),
            (world.origins.of(Application::Notes), "/callback"),
            (world.origins.of(Application::Notes), "/nowhere"),
            (world.origins.of(lab::ID), "/"),
        ] {
            let junk = self.say("a token of nobody's", format!("Junk-token-{path}-1"));
            let url = format!("{host}{path}?handoff_token={junk}&state={junk}&launch={junk}");
            persona.get(&url).await;
            let long = "a".repeat(70_000);
            let headers = [("content-type", "application/x-www-form-urlencoded")];
            persona.send(Method::POST, &url, &headers, Some(long)).await;
        }
        let junk = self.say("a cookie of nobody's", "Junk-cookie-1");
        for origin in [
            world.origins.of(authority::ID),
            world.origins.of(Application::Notes),
        ] {
            let url = format!("{origin}/");
            for name in ["__Host-as_session", "__Host-rp_session", "__Host-rp_pre"] {
                persona.set_cookie(&url, name, &junk);
            }
            persona.get(&url).await;
        }
    }

    /// H1 to H6 as a browser does it, with what goes wrong after it.
    async fn handoffs(&mut self, world: &World) -> Persona {
        let alice = self.sign_in(world, "alice@harbor.example").await;
        let h1 = alice.click_open_notes(world).await;
        let h2 = alice.get(&h1.location()).await;
        let h3 = alice.get(&h2.location()).await;
        let home = alice.open(&h3.location()).await;
        assert!(home.body.contains("Alice Moreau"), "{home:?}");
        alice.open(&h3.location()).await;
        alice.open(&h2.location()).await;
        alice.open(&world.authority("/sessions")).await;
        // Without a ticket: the page that asks.
        alice.open(&world.notes("/handoff/start")).await;
        // Under way, and never finished.
        let waiting = alice.click_open_notes(world).await;
        alice.get(&waiting.location()).await;
        // Asked to sign in first.
        let visitor = self.person(world);
        visitor.open(&world.notes("/handoff/start")).await;
        let tasks = alice.open_tasks(world).await;
        let task = [("csrf", &*tasks.csrf()), ("text", "milk")];
        alice.post(&world.tasks("/tasks"), &task).await;
        let note = [("csrf", &*home.csrf()), ("text", "milk")];
        alice.post(&world.notes("/notes"), &note).await;
        world.clock.advance(Duration::seconds(31));
        alice.get(&world.notes("/")).await;
        alice
    }

    async fn verifies(&mut self, world: &World, alice: &Persona) {
        let server = self.person(world);
        let url = world.authority(VERIFY);
        let party = world.relying_party();
        let token = party.token(world, alice).await;
        self.say(
            "a verifier",
            party.body(&token)["code_verifier"].as_str().unwrap(),
        );
        self.say("a state", party.body(&token)["state"].as_str().unwrap());
        let wrong = self.say("a wrong client secret", "Wrong-secret-0123456789");
        self.say("another client's secret", world.secret("tasks"));
        let secret = self.say("the client's secret", world.notes_secret());
        for (secret, status) in [(&wrong, 401), (&secret, 200), (&secret, 400)] {
            let auth = basic("notes", secret);
            let auth = self.say("credentials", auth);
            let headers = [("authorization", auth.as_str())];
            let answer = server.post_json(&url, &headers, &party.body(&token)).await;
            assert_eq!(answer.status, status, "{answer:?}");
            if status == 200 {
                let access = answer.json()["access_token"].as_str().unwrap().to_owned();
                let access = self.say("an access token", access);
                let bearer = format!("Bearer {access}");
                let session = world.authority("/api/v1/auth/direct/session");
                let headers = [("authorization", bearer.as_str())];
                server.send(Method::GET, &session, &headers, None).await;
                let logout = world.authority("/api/v1/auth/direct/logout");
                let body = serde_json::json!({"client_id": "tasks"});
                server.post_json(&logout, &headers, &body).await;
            }
        }
        let auth = basic("notes", &secret);
        let headers = [
            ("authorization", auth.as_str()),
            ("content-type", "application/json"),
        ];
        let half = format!("{{\"handoff_token\":\"{token}\"");
        server.send(Method::POST, &url, &headers, Some(half)).await;
    }

    /// Bob at Alice's browser; once he switches, once he stays.
    async fn switches(&mut self, world: &World) {
        for decision in ["stay", "switch"] {
            let browser = self.sign_in(world, "alice@harbor.example").await;
            browser.open_notes(world).await;
            browser.lose_cookie(&world.authority("/"), "__Host-as_session");
            browser.sign_in(world, "bob@harbor.example").await;
            let page = browser.open_notes(world).await;
            let fields = [("csrf", &*page.csrf()), ("decision", decision)];
            browser.post(&world.notes("/switch"), &fields).await;
        }
    }

    /// Step mode: the chain that switches it on, and a handoff that stops.
    async fn steps(&mut self, world: &World) {
        let alice = self.sign_in(world, "alice@harbor.example").await;
        let mut answer = alice.post(&world.lab("/step"), &[("on", "yes")]).await;
        for _ in 0..4 {
            let key = answer.location_parameter("key");
            self.say("a chain's key", &key);
            answer = alice.get(&answer.location()).await;
        }
        assert_eq!(answer.location(), world.lab("/step"));
        let stopped = alice.click_open_notes(world).await;
        assert!(stopped.body.contains(STOPPED), "{stopped:?}");
    }

    /// Everything that the lab shows of all that, to somebody who has nothing to do with it.
    async fn looks(&mut self, world: &World) {
        world.settled().await;
        // Nothing more is expected of any handoff, so that streams of what happened end.
        world.clock.advance(Duration::minutes(20));
        let visitor = self.person(world);
        let list = visitor.get(&world.lab("/flows")).await.body;
        let flows: BTreeSet<_> = list
            .split("href=\"/flows/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .filter(|id| id.len() == 32)
            .collect();
        assert!(flows.len() > 10, "{list}");
        for id in flows {
            for part in [
                "",
                "/events",
                "/export.json",
                "/export.svg",
                "/export.mermaid",
            ] {
                let answer = visitor.get(&world.lab(&format!("/flows/{id}{part}"))).await;
                assert_eq!(answer.status, StatusCode::OK, "{id}{part}: {answer:?}");
            }
        }
        visitor.get(&world.lab("/monitor")).await;
    }

    /// Harbor ID away, then sign-outs, then what is ended is used once more.
    async fn ends(&mut self, process: &Process, world: &World, alice: &Persona) {
        let csrf = alice.get(&world.notes("/")).await.csrf();
        let late = alice.callback_address(world).await;
        let (portal, home) = (world.authority("/"), world.notes("/"));
        let token = alice.get(&portal).await.csrf();
        let at_tasks = alice.get(&world.tasks("/")).await.csrf();
        alice
            .post(&world.tasks("/logout"), &[("csrf", &at_tasks)])
            .await;
        alice
            .post(&world.notes("/logout"), &[("csrf", &csrf)])
            .await;
        alice
            .post(&world.authority("/logout"), &[("csrf", &token)])
            .await;
        alice.open(&late).await;
        alice.open(&home).await;
        let bob = self.sign_in(world, "bob@harbor.example").await;
        bob.open_notes(world).await;
        let callback = bob.callback_address(world).await;
        process.take_away(world.origins.of(authority::ID));
        bob.open(&callback).await;
        world.clock.advance(Duration::seconds(31));
        bob.get(&home).await;
        bob.post(&world.notes("/logout"), &[("csrf", &csrf)]).await;
    }
}

fn files_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        // The one place of a client's secret, and of the key by which other processes report to the lab.
        .filter(|path| {
            let is_secret = path.extension().is_some_and(|it| it == "secret");
            !is_secret && path.file_name().is_none_or(|name| name != "lab.key")
        })
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect()
}

async fn operations(world: &World) -> String {
    let mut texts = String::new();
    for path in ["/health", "/ready", "/metrics"] {
        let request = axum::extract::Request::get(path).body(axum::body::Body::empty());
        let answer = world.operations().oneshot(request.unwrap()).await.unwrap();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        texts.push_str(&String::from_utf8_lossy(&body.unwrap()));
    }
    texts
}

#[tokio::test]
async fn rows_07_75_a_whole_story_leaves_no_secret_anywhere() {
    let _everything = Everything::is_captured();
    let process = Process::start().await;
    let recording = Arc::new(Recording::default());
    let random = recording.clone();
    let collected = Arc::new(Collected::default());
    let recorder = collected.clone();
    let world = process
        .platform_with("", Kept::InFiles, |setup| {
            setup.random = random;
            setup.recorder = recorder;
        })
        .await;
    let mut story = Story {
        people: Vec::new(),
        said: vec![("a password".to_owned(), PASSWORD.to_owned())],
    };
    let mut public = Public::default();
    let mut files = Vec::new();
    story.refusals(&world).await;
    let alice = story.handoffs(&world).await;
    public.note_ids(&world.folder()).await;
    files.extend(files_of(&world.folder()));
    story.verifies(&world, &alice).await;
    story.switches(&world).await;
    public.note_ids(&world.folder()).await;
    files.extend(files_of(&world.folder()));
    story.steps(&world).await;
    story.ends(&process, &world, &alice).await;
    story.looks(&world).await;
    public.note_ids(&world.folder()).await;
    world.sweep().await;
    files.extend(files_of(&world.folder()));

    let answers: Vec<_> = story.people.iter().flat_map(Persona::seen).collect();
    public.note_nonces(&answers);
    let mut search = Search::default();
    let mut secrets = 0;
    for draw in recording.0.lock().unwrap().iter() {
        match draw.len() {
            // Trace ids, and the nonces of sealed boxes.
            8 | 12 => {}
            16 if public.has(draw) => {}
            16 | 32 => {
                secrets += 1;
                search.bytes("a draw", draw);
            }
            other => panic!("what is drawn with {other} bytes?"),
        }
    }
    let mut given = 0;
    for answer in &answers {
        for line in answer.headers.get_all("set-cookie") {
            let (name, value) = line.to_str().unwrap().split_once('=').unwrap();
            // It says which applications a sign-out ended, sealed, and opens nothing.
            if name == "__Host-as_ended" {
                continue;
            }
            let value = value.split(';').next().unwrap();
            if !value.is_empty() {
                given += 1;
                story.said.push(("a cookie".to_owned(), value.to_owned()));
                let bytes = URL_SAFE_NO_PAD.decode(value).unwrap();
                let drawn = recording.0.lock().unwrap();
                assert!(drawn.contains(&bytes) && !public.has(&bytes), "{value}");
            }
        }
        if answer.body.contains("name=\"csrf\"") {
            story
                .said
                .push(("a token of a form".to_owned(), answer.csrf()));
        }
    }
    for (what, text) in &story.said {
        search.text(what, text);
    }
    println!(
        "{secrets} secrets drawn, {given} cookies, {} said; {} answers",
        story.said.len(),
        answers.len()
    );
    assert!(secrets > 100 && given > 10 && answers.len() > 80);

    for answer in &answers {
        let left = scrubbed(answer);
        let found = search.find(left.as_bytes());
        assert!(found.is_empty(), "{found:?} in the answer\n{left}");
    }
    for (file, bytes) in &files {
        let found = search.find(bytes);
        assert!(found.is_empty(), "{found:?} in {file}");
    }
    let events = collected.take();
    assert!(events.len() > 100, "{}", events.len());
    for event in events {
        let json = serde_json::to_string(&event).unwrap();
        let found = search.find(json.as_bytes());
        assert!(found.is_empty(), "{found:?} in what was recorded: {json}");
    }
    let found = search.find(operations(&world).await.as_bytes());
    assert!(found.is_empty(), "{found:?} in the operator's answers");
    let log = whole_log();
    println!("{} MiB of log", log.len() >> 20);
    let text = String::from_utf8_lossy(&log);
    assert!(text.contains("session_created") && text.contains("TRACE"));
    let found = search.find(&log);
    assert!(found.is_empty(), "{found:?} in the log");
}

/// The search itself: a secret that stands somewhere is found there, however it is written.
#[tokio::test]
async fn a_secret_that_is_planted_is_found() {
    let _everything = Everything::is_captured();
    let process = Process::start().await;
    let world = process.platform("", Kept::InFiles).await;
    let random: &dyn Randomness = &SystemRandomness;
    for planted in [random.bytes::<16>().to_vec(), random.bytes::<32>().to_vec()] {
        let mut search = Search::default();
        search.bytes("planted", &planted);
        let forms = forms(&planted);
        let all = forms.len();

        assert!(search.find(&whole_log()).is_empty());
        for (_, text) in &forms[1..] {
            tracing::trace!("{}", String::from_utf8_lossy(text));
        }
        // A log is text, so that raw bytes have no place in it.
        assert_eq!(search.find(&whole_log()).len(), all - 1);

        let alice = world.signed_in("alice@harbor.example").await;
        let csrf = alice.open_notes(&world).await.csrf();
        for (_, text) in &forms[1..] {
            let text = format!("milk {}", String::from_utf8_lossy(text));
            let fields = [("csrf", csrf.as_str()), ("text", &text)];
            alice.post(&world.notes("/notes"), &fields).await;
        }
        let page = alice.get(&world.notes("/")).await;
        assert_eq!(search.find(scrubbed(&page).as_bytes()).len(), all - 1);
        let found = files_of(&world.folder());
        let found = found
            .iter()
            .any(|(_, bytes)| search.find(bytes).len() == all - 1);
        assert!(found, "in a database or its log");
        let raw = [b"before".as_slice(), &planted, b"after"].concat();
        assert_eq!(search.find(&raw).len(), 1);
    }
    // And where a secret is meant to be, it is not looked for.
    let visitor = world.visitor();
    let page = visitor.get(&world.authority("/login")).await;
    let mut search = Search::default();
    search.text("token", &page.csrf());
    assert!(search.find(scrubbed(&page).as_bytes()).is_empty());
    assert_eq!(search.find(page.body.as_bytes()).len(), 1);
}
