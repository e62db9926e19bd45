//! Many writing verbs at once on the program, and a book of what it answered, which is held against its
//! files afterwards.
//!
//! A token that was answered 503 goes back and is presented again, as a client would do it: so a verb
//! that was refused and yet done shows as a token that nobody can redeem.

use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use authority::store::{ClientStore, Consent, HandoffStore, Issuance, NewHandoff};
use handoff::{
    client::HandoffLifetime,
    handoff::Request,
    ids::{ClientId, SignInId, UserId},
    token::{HandoffToken, Secret},
};
use reqwest::{Method, StatusCode};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{sync::watch, task::JoinSet};
use web::{
    clock::{Clock, SystemClock},
    rng::{Randomness, SystemRandomness},
};

use crate::{
    harness::{Answer, OwnRelyingParty, Persona, basic},
    program::{Place, Program, get, post},
};

/// Verifies that are under way at every moment.
const VERIFIES: usize = 32;
/// The last handoffs of a person that Harbor ID remembers: with more tokens for one, `recent_handoff`
/// would have no row for the others.
const TOKENS_OF_A_PERSON: usize = 10;
/// Within this time every answer comes. The writer gives up after ten seconds; the rest is for a machine
/// that is busy with other things.
const BOUND: Duration = Duration::from_secs(20);

/// A handoff token, and what its client keeps with it.
#[derive(Clone)]
pub struct Handoff {
    party: OwnRelyingParty,
    token: String,
}

/// What came of one presentation.
#[derive(Debug)]
pub enum Presented {
    /// 200, with this session.
    Redeemed(String),
    /// 400.
    Refused,
    /// 503 with `Retry-After`.
    Unavailable,
    /// The connection ended without an answer.
    CutOff,
}

/// What was answered about one token.
#[derive(Default, Debug)]
struct Entry {
    sessions: Vec<String>,
    refused: usize,
    unavailable: usize,
    cut_off: usize,
}

/// How much was answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub redeemed: usize,
    pub unavailable: usize,
}

/// Everything that was answered.
#[derive(Default)]
struct Book {
    handoffs: HashMap<String, Entry>,
    notes: Vec<String>,
}

/// The data of a program, with the book of what it says about them.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    place: Place,
    data: PathBuf,
    secret: String,
    pool: Mutex<VecDeque<Handoff>>,
    book: Mutex<Book>,
    counts: watch::Sender<Counts>,
}

impl Ledger {
    /// An empty one, of a program that has started before.
    pub fn new(place: &Place, data: &Path) -> Self {
        let secret = std::fs::read_to_string(data.join("notes.secret")).unwrap();
        Self(Arc::new(Inner {
            place: place.clone(),
            data: data.to_owned(),
            secret: secret.trim().to_owned(),
            pool: Mutex::default(),
            book: Mutex::default(),
            counts: watch::Sender::default(),
        }))
    }

    pub fn file(&self, site: &str) -> PathBuf {
        self.0.data.join(format!("{site}.db"))
    }

    /// A connection to the file of a site, beside the program's.
    pub async fn connect(&self, site: &str) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.file(site));
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    /// Issues tokens beside the program, by its own store, and puts them into the pool.
    pub async fn issue(&self, count: usize) {
        let random: &dyn Randomness = &SystemRandomness;
        let now = SystemClock.now();
        let mut sign_ins = Vec::new();
        let mut file = self.connect("authority").await;
        let mut tx = file.begin().await.unwrap();
        for _ in 0..count.div_ceil(TOKENS_OF_A_PERSON) {
            let user = UserId::mint(random.bytes()).to_string();
            let sign_in = SignInId::mint(random.bytes());
            sqlx::query(
                "INSERT INTO user (id, email, name, email_verified, password_hash, created_at)
                 SELECT $1, $1 || '@harbor.example', name, 1, password_hash, created_at
                 FROM user LIMIT 1",
            )
            .bind(&user)
            .execute(&mut *tx)
            .await
            .unwrap();
            sqlx::query(
                "INSERT INTO sign_in (id, user_id, auth_time, amr, expires_at, idle_until, used_at,
                                      browser)
                 VALUES ($1, $2, $3, '[\"pwd\"]', $3 + 3600000, $3 + 3600000, $3, 'a test')",
            )
            .bind(sign_in.to_string())
            .bind(&user)
            .bind(database::millis(now))
            .execute(&mut *tx)
            .await
            .unwrap();
            sign_ins.push(sign_in);
        }
        tx.commit().await.unwrap();
        file.close().await.unwrap();

        let store = authority::store::Sqlite::open(&self.file("authority")).await;
        let store = store.unwrap();
        let notes = ClientId::parse("notes").unwrap();
        let known = store.read_client(&notes).await.unwrap().unwrap();
        let mut issuing = JoinSet::new();
        for turn in 0..count {
            let party = OwnRelyingParty::new(self.0.place.notes("/callback"));
            let token = HandoffToken::mint(random.bytes());
            let new = NewHandoff {
                request: Request {
                    client: notes.clone(),
                    redirect_uri: party.redirect_uri.clone(),
                    state: party.state.digest(),
                    challenge: Some(party.verifier.challenge()),
                    lifetime: HandoffLifetime::from_seconds(300).unwrap(),
                },
                client_revision: known.revision,
                token: token.digest(),
                sign_in: sign_ins[turn / TOKENS_OF_A_PERSON],
                consent: Consent::Confirmed,
            };
            let store = store.clone();
            issuing.spawn(async move {
                let issued = store.issue_handoff(new, now).await.unwrap();
                assert_eq!(issued, Issuance::Issued);
            });
            let token = token.expose().to_string();
            self.put(Handoff { party, token });
        }
        while let Some(ended) = issuing.join_next().await {
            ended.unwrap();
        }
        store.close().await;
    }

    /// Puts a token that was acknowledged into the pool.
    fn put(&self, handoff: Handoff) {
        let mut book = self.0.book.lock().unwrap();
        book.handoffs.entry(handoff.token.clone()).or_default();
        self.0.pool.lock().unwrap().push_back(handoff);
    }

    fn take(&self) -> Option<Handoff> {
        self.0.pool.lock().unwrap().pop_front()
    }

    /// How much was answered so far.
    pub fn counts(&self) -> Counts {
        *self.0.counts.borrow()
    }

    /// Presents a token and writes down what came of it.
    async fn present(&self, server: &Persona, handoff: &Handoff) -> Presented {
        let auth = basic("notes", &self.0.secret);
        let headers = [
            ("authorization", auth.as_str()),
            ("content-type", "application/json"),
        ];
        let url = self.0.place.authority("/auth/external/handoff/verify");
        let body = handoff.party.body(&handoff.token).to_string();
        let answer = server.try_send(Method::POST, &url, &headers, Some(body));
        let presented = match in_time(answer).await {
            None => Presented::CutOff,
            Some(answer) if is_unavailable(&answer) => Presented::Unavailable,
            Some(answer) if answer.status == StatusCode::OK => {
                Presented::Redeemed(answer.json()["session"]["id"].as_str().unwrap().into())
            }
            Some(answer) => {
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
                Presented::Refused
            }
        };
        let mut book = self.0.book.lock().unwrap();
        let entry = book.handoffs.get_mut(&handoff.token).unwrap();
        match &presented {
            Presented::Redeemed(session) => entry.sessions.push(session.clone()),
            Presented::Refused => entry.refused += 1,
            Presented::Unavailable => entry.unavailable += 1,
            Presented::CutOff => entry.cut_off += 1,
        }
        assert!(entry.sessions.len() <= 1, "a token was redeemed twice");
        drop(book);
        self.0.counts.send_modify(|counts| match presented {
            Presented::Redeemed(_) => counts.redeemed += 1,
            Presented::Unavailable => counts.unavailable += 1,
            Presented::Refused | Presented::CutOff => {}
        });
        presented
    }

    /// Presents the tokens of the pool, so many at the same moment, once each. Those that were answered
    /// 503 are in the pool again.
    pub async fn present_at_once(&self, count: usize) -> JoinSet<Presented> {
        // Its client opens as many connections as it needs.
        let server = self.0.place.visitor();
        let mut presenting = JoinSet::new();
        for _ in 0..count {
            let handoff = self.take().expect("enough tokens");
            let (ledger, server) = (self.clone(), server.clone());
            presenting.spawn(async move {
                let presented = ledger.present(&server, &handoff).await;
                if matches!(presented, Presented::Unavailable) {
                    ledger.put(handoff);
                }
                presented
            });
        }
        presenting
    }

    /// Starts the load.
    pub fn load(&self, people: &People, killed: Option<(usize, Program)>) -> Load {
        let load = Load {
            ledger: self.clone(),
            over: Arc::default(),
            killed: killed.map(|(after, program)| (self.counts().redeemed + after, program)),
            workers: JoinSet::new(),
        };
        load.with_workers(people)
    }

    /// Holds what was acknowledged against the files.
    pub async fn check(&self) -> Checked {
        let mut file = self.connect("authority").await;
        let sound: String = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_one(&mut file)
            .await
            .unwrap();
        assert_eq!(sound, "ok");
        for (what, sql) in DISAGREEMENTS {
            let found: i64 = sqlx::query_scalar(sql).fetch_one(&mut file).await.unwrap();
            assert_eq!(found, 0, "{what}");
        }
        let mut checked = Checked::default();
        let handoffs = std::mem::take(&mut self.0.book.lock().unwrap().handoffs);
        for (token, entry) in &handoffs {
            let row = row(&mut file, token).await;
            row.check(entry);
            checked.count(&row, entry);
        }
        file.close().await.unwrap();
        self.0.book.lock().unwrap().handoffs = handoffs;

        let notes = self.0.book.lock().unwrap().notes.clone();
        let mut file = self.connect("notes").await;
        let kept: Vec<String> = sqlx::query_scalar("SELECT text FROM item")
            .fetch_all(&mut file)
            .await
            .unwrap();
        let kept: std::collections::HashSet<_> = kept.into_iter().collect();
        assert!(notes.iter().all(|note| kept.contains(note)));
        file.close().await.unwrap();
        checked.notes = notes.len();
        checked
    }
}

/// What must be in no row, whatever was answered.
const DISAGREEMENTS: [(&str, &str); 4] = [
    (
        "a session that is of no handoff, or of two",
        "SELECT count(*) FROM client_session s
         WHERE (SELECT count(*) FROM handoff h WHERE h.session = s.id) <> 1",
    ),
    (
        "a handoff whose session is not there, or that gave one and is unused",
        "SELECT count(*) FROM handoff h
         WHERE h.session IS NOT NULL
           AND (h.used_at IS NULL OR NOT EXISTS (SELECT 1 FROM client_session s WHERE s.id = h.session))",
    ),
    (
        "a handoff that is remembered otherwise than it went",
        "SELECT count(*) FROM handoff h JOIN recent_handoff r ON r.id = h.recent
         LEFT JOIN client_session s ON s.id = h.session
         WHERE r.outcome <> CASE WHEN h.used_at IS NULL THEN 'under_way'
                                 WHEN s.ended_at IS NULL THEN 'opened' ELSE 'used_twice' END",
    ),
    (
        "a row that names one that is not there",
        "SELECT count(*) FROM pragma_foreign_key_check",
    ),
];

/// What the files say of a token.
#[derive(Debug, sqlx::FromRow)]
struct Row {
    used_at: Option<i64>,
    session: Option<String>,
    ended_at: Option<i64>,
    outcome: Option<String>,
}

async fn row(file: &mut SqliteConnection, token: &str) -> Row {
    let digest = HandoffToken::parse(token).unwrap().digest();
    sqlx::query_as(
        "SELECT h.used_at, h.session, s.ended_at, r.outcome FROM handoff h
         LEFT JOIN client_session s ON s.id = h.session LEFT JOIN recent_handoff r ON r.id = h.recent
         WHERE h.token = $1",
    )
    .bind(digest.as_bytes().as_slice())
    .fetch_optional(file)
    .await
    .unwrap()
    .expect("a token that was issued is there")
}

impl Row {
    fn check(&self, entry: &Entry) {
        let Some(session) = entry.sessions.first() else {
            if entry.cut_off == 0 {
                assert_eq!(self.used_at, None, "nobody was given anything: {entry:?}");
                assert_eq!(entry.refused, 0, "{self:?}");
            }
            return;
        };
        assert!(self.used_at.is_some(), "{self:?}, {entry:?}");
        assert_eq!(self.session.as_ref(), Some(session), "{self:?}, {entry:?}");
        if entry.refused > 0 {
            assert!(self.ended_at.is_some(), "{self:?}, {entry:?}");
        } else if entry.cut_off == 0 {
            assert_eq!(self.ended_at, None, "{entry:?}");
        }
    }
}

/// What was held against the files.
#[derive(Debug, Default)]
pub struct Checked {
    pub redeemed: usize,
    pub replayed: usize,
    pub told_to_wait: usize,
    pub in_doubt: usize,
    pub in_doubt_and_done: usize,
    pub remembered: usize,
    pub unused: usize,
    pub notes: usize,
}

impl Checked {
    fn count(&mut self, row: &Row, entry: &Entry) {
        self.redeemed += entry.sessions.len();
        self.replayed += usize::from(entry.refused > 0);
        self.told_to_wait += usize::from(entry.unavailable > 0);
        let in_doubt = entry.cut_off > 0 && entry.sessions.is_empty();
        self.in_doubt += usize::from(in_doubt);
        self.in_doubt_and_done += usize::from(in_doubt && row.used_at.is_some());
        self.remembered += usize::from(row.outcome.is_some());
        self.unused += usize::from(row.used_at.is_none());
    }
}

/// Who is signed in.
pub struct People {
    /// At Harbor ID.
    pub alice: Persona,
    /// At Notes too.
    pub bob: Persona,
}

/// Verbs that go on until it is ended, or the program is killed.
pub struct Load {
    ledger: Ledger,
    over: Arc<AtomicBool>,
    /// After so many redemptions, by the answer to the last one.
    killed: Option<(usize, Program)>,
    workers: JoinSet<()>,
}

impl Load {
    fn with_workers(mut self, people: &People) -> Self {
        let place = &self.ledger.0.place;
        let reconnected = |persona: &Persona| persona.reconnected(place.address, &place.origins);
        let (alice, bob) = (reconnected(&people.alice), reconnected(&people.bob));
        for worker in 0..VERIFIES {
            // Some present each token twice at the same moment.
            let twice = worker % 8 == 0;
            let killed = self.killed.clone();
            self.workers
                .spawn(redeems(self.ledger.clone(), twice, killed));
        }
        for _ in 0..3 {
            let over = Arc::clone(&self.over);
            self.workers
                .spawn(opens(self.ledger.clone(), alice.clone(), over));
        }
        let over = Arc::clone(&self.over);
        self.workers.spawn(writes(self.ledger.clone(), bob, over));
        self
    }

    /// Waits until the answers are so many.
    pub async fn until(&mut self, enough: impl Fn(Counts) -> bool) {
        let mut counts = self.ledger.0.counts.subscribe();
        // What it returns is a lock on the counts, which is not kept: the workers count meanwhile.
        let waiting = async { counts.wait_for(|counts| enough(*counts)).await.is_ok() };
        let waiting = tokio::time::timeout(2 * BOUND, waiting);
        tokio::select! {
            biased;
            ended = failed(&mut self.workers) => ended,
            counted = waiting => {
                assert_eq!(counted, Ok(true), "no more than {:?}", self.ledger.counts());
            }
        }
    }

    /// No more is begun but the tokens that are left.
    pub async fn end(mut self) {
        self.over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.workers.join_next().await {
            ended.unwrap();
        }
        // Some may have been issued when there was nobody left to present them.
        redeems(self.ledger, false, None).await;
    }
}

/// Ends with the first worker that fails, and never otherwise.
async fn failed(workers: &mut JoinSet<()>) {
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    std::future::pending().await
}

async fn in_time(answer: impl Future<Output = Result<Answer, reqwest::Error>>) -> Option<Answer> {
    let answer = tokio::time::timeout(BOUND, answer).await;
    answer.expect("nothing waits for ever").ok()
}

/// Whether it is the answer of a store that is away; it says when to come again.
fn is_unavailable(answer: &Answer) -> bool {
    let is_unavailable = answer.status == StatusCode::SERVICE_UNAVAILABLE;
    if is_unavailable {
        let seconds: u32 = answer.header("retry-after").parse().unwrap();
        assert!(seconds >= 1, "{answer:?}");
    }
    is_unavailable
}

async fn redeems(ledger: Ledger, twice: bool, killed: Option<(usize, Program)>) {
    let server = ledger.0.place.visitor();
    while let Some(handoff) = ledger.take() {
        let (first, second) = if twice {
            let (first, second) = tokio::join!(
                ledger.present(&server, &handoff),
                ledger.present(&server, &handoff)
            );
            (first, Some(second))
        } else {
            (ledger.present(&server, &handoff).await, None)
        };
        if let Some((after, program)) = &killed
            && ledger.counts().redeemed >= *after
        {
            program.kill();
        }
        use Presented::{CutOff, Redeemed, Refused, Unavailable};
        match (&first, &second) {
            (CutOff, _) | (_, Some(CutOff)) => return,
            (Redeemed(_), _) | (_, Some(Redeemed(_))) => {}
            (Unavailable, None | Some(Unavailable)) => ledger.put(handoff),
            (Refused, _) | (_, Some(Refused)) => {
                panic!("refused, and nobody was given it: {first:?}, {second:?}")
            }
        }
    }
}

/// H1 and H3 over and over; what is issued goes into the pool.
async fn opens(ledger: Ledger, persona: Persona, over: Arc<AtomicBool>) {
    let place = &ledger.0.place;
    let (portal, open) = (place.authority("/"), place.authority("/apps/notes/open"));
    let mut csrf = None;
    while !over.load(Ordering::Relaxed) {
        let Some(token) = &csrf else {
            match went(get(&persona, &portal)).await {
                Some(page) => csrf = page.map(|page| page.csrf()),
                None => return,
            }
            continue;
        };
        let fields = [("csrf", String::as_str(token))];
        let opened = match went(post(&persona, &open, &fields)).await {
            Some(Some(opened)) => opened,
            Some(None) => continue,
            None => return,
        };
        let party = OwnRelyingParty::new(place.notes("/callback"));
        let launch = opened.location_parameter("launch");
        let url = party.authorize_at(&place.authority("/handoff/authorize"), Some(&launch));
        match went(get(&persona, &url)).await {
            Some(Some(issued)) => {
                let token = issued.location_parameter("handoff_token");
                ledger.put(Handoff { party, token });
            }
            Some(None) => {}
            None => return,
        }
    }
}

/// Keeps notes.
async fn writes(ledger: Ledger, persona: Persona, over: Arc<AtomicBool>) {
    let place = &ledger.0.place;
    let mut csrf = None;
    let mut turn = ledger.0.book.lock().unwrap().notes.len();
    while !over.load(Ordering::Relaxed) {
        let Some(token) = &csrf else {
            match went(get(&persona, &place.notes("/"))).await {
                Some(page) => csrf = page.map(|page| page.csrf()),
                None => return,
            }
            continue;
        };
        turn += 1;
        let text = format!("note {turn}");
        let fields = [("csrf", String::as_str(token)), ("text", &text)];
        match went(post(&persona, &place.notes("/notes"), &fields)).await {
            Some(Some(answer)) if answer.status == StatusCode::SEE_OTHER => {
                assert_eq!(answer.header("location"), "/", "{answer:?}");
                ledger.0.book.lock().unwrap().notes.push(text);
            }
            Some(_) => {}
            None => return,
        }
    }
}

/// None: cut off. Nothing in it: not now, and it said when to come again.
async fn went(answer: impl Future<Output = Option<Answer>>) -> Option<Option<Answer>> {
    let answer = tokio::time::timeout(BOUND, answer).await;
    let answer = answer.expect("nothing waits for ever")?;
    if is_unavailable(&answer) || answer.status == StatusCode::TOO_MANY_REQUESTS {
        return Some(None);
    }
    let status = answer.status;
    assert!(status.is_success() || status.is_redirection(), "{answer:?}");
    Some(Some(answer))
}
