//! One object opens the world; personas walk through it.
//!
//! A persona is a browser as far as the protocol can tell: it keeps cookies by host, sends Fetch
//! Metadata, and follows redirects only when told to.

use relying_party::Application;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, OnceLock},
    thread::ThreadId,
    time::Duration,
};

use authority::store::{AccountStore, ClientStore};
use handoff::{
    client::AssignedTo,
    flow::Event,
    ids::ClientId,
    policy::{Defence, Policy},
    token::{HandoffToken, Secret, State, Verifier},
};
use recording::recorder::Recorder;
use reqwest::{Method, StatusCode, header::HeaderMap};
use server::{
    config::Origins,
    platform::{Platform, Setup, Shared, Stores, Sweeper},
    sites::{Directory, Mounted},
};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use time::macros::datetime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use ui::shell::Assets;
use url::Url;
use web::{
    clock::{Clock, ManualClock},
    rng::{Randomness, SystemRandomness},
};

/// The password of every demo account.
pub const PASSWORD: &str = "handoff-demo";

/// Names a defence that is taken out of every platform of a run of the tests, to see which tests notice.
/// The program does not know it.
const TAKEN_OUT: &str = "HANDOFF_LAB_TEST_WITHOUT";

/// Every defence but this one.
pub fn without(defence: Defence) -> Policy {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test sees what a defence is for"
    )]
    Policy::STRICT.without(defence)
}

/// The files of the build, which all processes of a test program serve.
pub static ASSETS: LazyLock<server::assets::Assets> = LazyLock::new(server::assets::Assets::load);

/// A process with one listener, and as many platforms as a test wants.
pub struct Process {
    directory: Directory,
    address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

/// What has been logged so far, by the thread that logged it.
#[derive(Default)]
struct Log {
    lines: HashMap<ThreadId, Vec<u8>>,
    /// The threads that each run one test.
    of_tests: HashSet<ThreadId>,
}

static LOG: LazyLock<Mutex<Log>> = LazyLock::new(Mutex::default);
/// Sets what is captured from now on, of all tests.
static LEVEL: OnceLock<SetLevel> = OnceLock::new();
type SetLevel = Box<dyn Fn(&str) + Send + Sync>;

/// What this test has logged so far. A test whose runtime has threads of its own shares them with no
/// name of the test, so it gets the lines of all such threads.
pub fn log() -> String {
    let log = LOG.lock().unwrap();
    let this = std::thread::current().id();
    let mine = |thread: &ThreadId| *thread == this || !log.of_tests.contains(thread);
    let lines = log.lines.iter().filter(|(thread, _)| mine(thread));
    let bytes: Vec<u8> = lines.flat_map(|(_, bytes)| bytes.iter().copied()).collect();
    String::from_utf8(bytes).expect("the log is text")
}

/// Captures every line at every level until it is dropped, of every test of this program: more than an
/// operator would ever ask for. What is not logged then is logged nowhere. It is slow.
pub struct Everything(());

impl Everything {
    pub fn is_captured() -> Self {
        capture_log();
        set_level("trace");
        Self(())
    }
}

impl Drop for Everything {
    fn drop(&mut self) {
        set_level(BY_DEFAULT);
    }
}

fn set_level(filter: &str) {
    LEVEL.get().expect("set by capture_log")(filter);
}

/// All that was captured of all tests, as it is.
pub fn whole_log() -> Vec<u8> {
    let log = LOG.lock().unwrap();
    log.lines.values().flatten().copied().collect()
}

struct IntoLog;

impl std::io::Write for IntoLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut log = LOG.lock().unwrap();
        let lines = log.lines.entry(std::thread::current().id()).or_default();
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What the program logs when it is not told otherwise.
const BY_DEFAULT: &str = "info,sqlx=warn";

fn capture_log() {
    let this = std::thread::current().id();
    LOG.lock().unwrap().of_tests.insert(this);
    LEVEL.get_or_init(|| {
        let builder = tracing_subscriber::fmt()
            .with_env_filter(BY_DEFAULT)
            .with_ansi(false)
            .with_writer(|| IntoLog)
            .with_filter_reloading();
        let filter = builder.reload_handle();
        builder.init();
        Box::new(move |level| filter.reload(EnvFilter::new(level)).unwrap())
    });
}

impl Process {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::listening(listener, address)
    }

    /// One that everybody reaches at another address than its own: behind a proxy. Its own is the
    /// second.
    pub async fn behind(front: SocketAddr) -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap();
        (Self::listening(listener, front), own)
    }

    fn listening(listener: TcpListener, address: SocketAddr) -> Self {
        capture_log();
        let directory = Directory::serving(ASSETS.clone());
        let router = directory.router();
        let serving = tokio::spawn(async move {
            server::listen::serve(listener, router, CancellationToken::new()).await;
        });
        Self {
            directory,
            address,
            serving,
        }
    }

    /// Lets no more requests reach a site, as if its process were down.
    pub fn take_away(&self, origin: &handoff::uri::Origin) {
        self.directory.remove(origin);
    }

    /// Opens a platform on `auth{suffix}.localhost` and its siblings.
    pub async fn platform(&self, suffix: &str, kept: Kept) -> World {
        self.platform_with(suffix, kept, |_| {}).await
    }

    /// The same with a setting changed.
    pub async fn platform_with(
        &self,
        suffix: &str,
        kept: Kept,
        change: impl FnOnce(&mut Setup),
    ) -> World {
        let origins = Origins::on_localhost(suffix, self.address.port()).unwrap();
        let clock = Arc::new(ManualClock::at(datetime!(2026-11-21 03:00 UTC)));
        let assets = Assets::default();
        let shared: Arc<dyn Clock> = clock.clone();
        let mut setup = Setup {
            clock: shared,
            // By `Platform::sweep` alone: a sweep in between would change what a test compares.
            shared: Shared {
                sweeper: Sweeper::every(Duration::from_hours(24)),
                ..Shared::default()
            },
            ..Setup::demo(origins.clone(), assets)
        };
        if let Ok(name) = std::env::var(TAKEN_OUT) {
            let defence = Defence::named(&name).expect("the name of a defence");
            setup.policy = without(defence);
        }
        change(&mut setup);
        let folder = tempfile::tempdir().unwrap();
        let stores = match kept {
            Kept::InMemory => Stores::InMemory,
            Kept::InFiles => Stores::InFolder(folder.path().to_owned()),
        };
        let platform = Arc::new(Platform::open(setup, stores).await.unwrap());
        let mounted = platform.mount(&self.directory);
        World {
            _mounted: mounted,
            clock,
            origins,
            platform,
            folder,
            address: self.address,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Keeps all that a platform's sites record.
#[derive(Debug, Default)]
pub struct Collected {
    events: Mutex<Vec<Event>>,
    without_messages: bool,
}

impl Collected {
    /// One that wants to know what happened, and not what was sent.
    pub fn without_messages() -> Self {
        Self {
            without_messages: true,
            ..Self::default()
        }
    }

    /// What was recorded since the last time.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }
}

impl Recorder for Collected {
    fn record(&self, event: &Event) {
        self.events.lock().unwrap().push(event.clone());
    }

    fn reads_messages(&self) -> bool {
        !self.without_messages
    }
}

#[derive(Clone, Copy)]
pub enum Kept {
    InMemory,
    InFiles,
}

/// One platform, its clock in our hands.
pub struct World {
    pub clock: Arc<ManualClock>,
    pub origins: Origins,
    platform: Arc<Platform>,
    folder: tempfile::TempDir,
    address: SocketAddr,
    _mounted: Mounted,
}

/// A process with one platform, on files: what most tests want.
pub async fn world() -> (Process, World) {
    let process = Process::start().await;
    let world = process.platform("", Kept::InFiles).await;
    (process, world)
}

impl World {
    pub fn authority(&self, path: &str) -> String {
        format!("{}{path}", self.origins.of(authority::ID))
    }

    pub fn notes(&self, path: &str) -> String {
        format!("{}{path}", self.origins.of(Application::Notes))
    }

    pub fn tasks(&self, path: &str) -> String {
        format!("{}{path}", self.origins.of(Application::Tasks))
    }

    pub fn lab(&self, path: &str) -> String {
        format!("{}{path}", self.origins.of(lab::ID))
    }

    /// The key by which sites of other processes report to the lab.
    pub fn report_key(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("lab.key")).unwrap();
        text.trim().to_owned()
    }

    /// What a server does that is to stop.
    pub fn end_streams(&self) {
        self.platform.end_streams();
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The secret of a client, from its file.
    pub fn secret(&self, client: &str) -> String {
        let file = self.folder.path().join(format!("{client}.secret"));
        let text = std::fs::read_to_string(file).unwrap();
        text.trim().to_owned()
    }

    /// The secret of the client `notes`.
    pub fn notes_secret(&self) -> String {
        self.secret("notes")
    }

    /// Set-up, behind the back of the running platform: only these people may use this client.
    pub async fn assign_only_to(&self, client: &str, emails: &[&str]) {
        let file = self.folder.path().join("authority.db");
        let store = authority::store::Sqlite::open(&file).await.unwrap();
        let mut users = Vec::new();
        for email in emails {
            let email = authority::people::Email::parse(email).unwrap();
            users.push(store.find_account(&email).await.unwrap().unwrap().user.id);
        }
        let id = ClientId::parse(client).unwrap();
        let mut client = store.find_client(&id).await.unwrap().unwrap();
        client.assigned_to = AssignedTo::Users(users);
        store.put_client(&client).await.unwrap();
        store.close().await;
    }

    /// What the operator's listener answers.
    pub fn operations(&self) -> axum::Router {
        server::ops::router(Arc::clone(&self.platform))
    }

    /// Who takes what the platform's sites record.
    pub fn recorder(&self) -> &dyn recording::recorder::Recorder {
        self.platform.recorder()
    }

    /// Closes the platform's databases under it.
    pub async fn close(&self) {
        self.platform.close().await;
    }

    /// Where the sites are listened for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until no request is under way, and what was recorded is kept.
    pub async fn settled(&self) {
        self.platform.settle().await;
    }

    /// What the platform does by itself once a minute.
    pub async fn sweep(&self) {
        self.platform.sweep().await;
    }

    /// How many sessions of clients are alive at Harbor ID, and how many sessions Notes has.
    pub async fn living_sessions(&self) -> (i64, i64) {
        let living = "SELECT COUNT(*) FROM client_session WHERE ended_at IS NULL";
        (
            self.count("authority.db", living).await,
            self.count("notes.db", "SELECT COUNT(*) FROM session").await,
        )
    }

    /// How many sessions of clients Harbor ID has given, the ended ones included.
    pub async fn sessions_ever(&self) -> i64 {
        self.count("authority.db", "SELECT COUNT(*) FROM client_session")
            .await
    }

    /// One number from a database's file.
    pub async fn count(&self, file: &str, sql: &'static str) -> i64 {
        let options = SqliteConnectOptions::new()
            .filename(self.folder.path().join(file))
            .read_only(true);
        let mut database = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query_scalar(sql)
            .fetch_one(&mut database)
            .await
            .unwrap()
    }

    pub fn visitor(&self) -> Persona {
        Persona::new(self.address, &self.origins)
    }

    /// Somebody who is signed in at Harbor ID.
    pub async fn signed_in(&self, email: &str) -> Persona {
        let persona = self.visitor();
        let portal = persona.sign_in(self, email).await;
        assert_eq!(portal.status, StatusCode::OK, "{portal:?}");
        persona
    }

    /// A relying party of our own making, with the credentials of `notes`: for looking at H3 and H5
    /// from outside.
    pub fn relying_party(&self) -> OwnRelyingParty {
        OwnRelyingParty::new(self.notes("/callback"))
    }
}

/// State and verifier of one handoff.
#[derive(Clone)]
pub struct OwnRelyingParty {
    pub state: State,
    pub verifier: Verifier,
    pub redirect_uri: String,
}

impl OwnRelyingParty {
    pub fn new(redirect_uri: String) -> Self {
        let random: &dyn Randomness = &SystemRandomness;
        Self {
            state: State::mint(random.bytes()),
            verifier: Verifier::mint(random.bytes()),
            redirect_uri,
        }
    }

    pub fn query(&self) -> Vec<(&'static str, String)> {
        vec![
            ("client_id", "notes".to_owned()),
            ("redirect_uri", self.redirect_uri.clone()),
            ("state", self.state.expose().to_string()),
            ("code_challenge", self.verifier.challenge().to_string()),
            ("code_challenge_method", "S256".to_owned()),
        ]
    }

    /// The address of H3.
    pub fn authorize(&self, world: &World, launch: Option<&str>) -> String {
        self.authorize_at(&world.authority("/handoff/authorize"), launch)
    }

    /// The same, at an authorization server that is no world of ours.
    pub fn authorize_at(&self, address: &str, launch: Option<&str>) -> String {
        let mut query = self.query();
        if let Some(launch) = launch {
            query.push(("launch", launch.to_owned()));
        }
        Url::parse_with_params(address, query).unwrap().into()
    }

    /// The body of H5.
    pub fn body(&self, token: &str) -> serde_json::Value {
        serde_json::json!({
            "handoff_token": token,
            "state": self.state.expose().to_string(),
            "client_id": "notes",
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier.expose().to_string(),
        })
    }

    /// H1 to H3 for somebody who is signed in: a handoff token that nobody has redeemed.
    pub async fn token(&self, world: &World, persona: &Persona) -> String {
        let launch = persona.launch(world).await;
        let answer = persona.get(&self.authorize(world, Some(&launch))).await;
        let token = answer.location_parameter("handoff_token");
        assert!(HandoffToken::parse(&token).is_ok(), "{answer:?}");
        token
    }
}

/// A browser.
#[derive(Clone)]
pub struct Persona {
    http: reqwest::Client,
    jar: Arc<Mutex<Jar>>,
    seen: Arc<Mutex<Vec<Answer>>>,
}

type Jar = HashMap<String, BTreeMap<String, String>>;

impl Persona {
    /// A navigation whose browser hangs up after a while, measured in turns of the scheduler.
    pub async fn get_and_hang_up(&self, world: &World, url: &str, turns: usize) {
        let parsed = Url::parse(url).unwrap();
        let cookies = self
            .jar
            .lock()
            .unwrap()
            .get(&host(url))
            .cloned()
            .unwrap_or_default();
        let cookies: Vec<_> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = format!(
            "GET {}?{} HTTP/1.1\r\nhost: {}:{}\r\ncookie: {}\r\n\r\n",
            parsed.path(),
            parsed.query().unwrap_or_default(),
            parsed.host_str().unwrap(),
            parsed.port().unwrap(),
            cookies.join("; "),
        );
        let mut connection = TcpStream::connect(world.address).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        // Once the server has closed its side, the request has begun or never will: without this, a busy
        // machine may begin it when everything counts as settled. It may also have answered, or have
        // reset the connection.
        connection.shutdown().await.ok();
        connection.read_to_end(&mut Vec::new()).await.ok();
    }

    /// A browser in front of a process of its own.
    pub fn new(address: SocketAddr, origins: &Origins) -> Self {
        Self::from(None, address, origins)
    }

    /// The same, from another address of this machine.
    pub fn from(local: Option<IpAddr>, address: SocketAddr, origins: &Origins) -> Self {
        let http = reqwest::Client::builder().local_address(local);
        Self::with(http, address, origins)
    }

    /// The same, with these certificate authorities on its list and no others.
    pub fn trusting(authority: &[u8], address: SocketAddr, origins: &Origins) -> Self {
        let authorities = reqwest::Certificate::from_pem_bundle(authority).unwrap();
        let http = reqwest::Client::builder().tls_certs_only(authorities);
        Self::with(http, address, origins)
    }

    fn with(http: reqwest::ClientBuilder, address: SocketAddr, origins: &Origins) -> Self {
        // An error says that somebody was here before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = http.no_proxy().redirect(reqwest::redirect::Policy::none());
        let sites = [
            origins.of(authority::ID),
            origins.of(Application::Notes),
            origins.of(Application::Tasks),
            origins.of(lab::ID),
        ];
        let hosts = sites.map(|origin| Url::parse(origin.as_str()).unwrap());
        for host in hosts
            .iter()
            .map(|url| url.host_str().unwrap())
            .chain(["evil.localhost"])
        {
            http = http.resolve(host, address);
        }
        Self {
            http: http.build().unwrap(),
            jar: Arc::default(),
            seen: Arc::default(),
        }
    }

    /// The same browser after its server was started anew: it has its cookies, and no connection.
    pub fn reconnected(&self, address: SocketAddr, origins: &Origins) -> Self {
        let mut new = Self::new(address, origins);
        new.jar = Arc::clone(&self.jar);
        new
    }

    /// All cookies that this browser sends to an address.
    pub fn cookies(&self, url: &str) -> Vec<(String, String)> {
        let jar = self.jar.lock().unwrap();
        let cookies = jar.get(&host(url)).cloned().unwrap_or_default();
        cookies.into_iter().collect()
    }

    /// Every answer that this browser has had.
    pub fn seen(&self) -> Vec<Answer> {
        self.seen.lock().unwrap().clone()
    }

    /// A cookie that this browser has.
    pub fn cookie(&self, url: &str, name: &str) -> Option<String> {
        self.jar.lock().unwrap().get(&host(url))?.get(name).cloned()
    }

    /// Makes the browser have a cookie.
    pub fn set_cookie(&self, url: &str, name: &str, value: &str) {
        let mut jar = self.jar.lock().unwrap();
        jar.entry(host(url))
            .or_default()
            .insert(name.to_owned(), value.to_owned());
    }

    /// Makes the browser lose a cookie.
    pub fn lose_cookie(&self, url: &str, name: &str) {
        self.jar
            .lock()
            .unwrap()
            .entry(host(url))
            .or_default()
            .remove(name);
    }

    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let answer = self.try_send(method, url, headers, body).await;
        answer.expect("an answer")
    }

    /// The same, where the server may die before it answers.
    pub async fn try_send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Answer, reqwest::Error> {
        let cookies = self.jar.lock().unwrap().get(&host(url)).map(|cookies| {
            let pairs = cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join("; ")
        });
        let mut request = self.http.request(method, url);
        if let Some(cookies) = cookies.filter(|cookies| !cookies.is_empty()) {
            request = request.header("cookie", cookies);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await?;
        self.keep_cookies(url, &headers);
        let answer = Answer {
            url: url.to_owned(),
            status,
            headers,
            body,
        };
        self.seen.lock().unwrap().push(answer.clone());
        Ok(answer)
    }

    fn keep_cookies(&self, url: &str, headers: &HeaderMap) {
        let mut jar = self.jar.lock().unwrap();
        let cookies = jar.entry(host(url)).or_default();
        for line in headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// A navigation.
    pub async fn get(&self, url: &str) -> Answer {
        let headers = [
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        self.send(Method::GET, url, &headers, None).await
    }

    /// A form of the site's own page.
    pub async fn post(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = Url::parse(url).unwrap().origin().ascii_serialization();
        let headers = [
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
        ];
        self.post_with(url, &headers, fields).await
    }

    /// A form, with these headers and no others.
    pub async fn post_with(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        self.send(Method::POST, url, &headers, Some(body)).await
    }

    /// JSON, as a server sends it: no cookies that matter, no Fetch Metadata.
    pub async fn post_json(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &serde_json::Value,
    ) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        self.send(Method::POST, url, &headers, Some(body.to_string()))
            .await
    }

    /// Follows redirects to a page, through at most ten of them. The last answer comes back; a hop
    /// that is no 303 fails.
    pub async fn follow(&self, mut answer: Answer) -> Answer {
        for _ in 0..10 {
            if !answer.status.is_redirection() {
                return answer;
            }
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
            let next = answer.location();
            answer = self.get(&next).await;
        }
        panic!("more than ten redirects, the last to {answer:?}");
    }

    /// A navigation with all its redirects.
    pub async fn open(&self, url: &str) -> Answer {
        let answer = self.get(url).await;
        self.follow(answer).await
    }

    pub async fn sign_in(&self, world: &World, email: &str) -> Answer {
        let page = self.get(&world.authority("/login")).await;
        let fields = [
            ("csrf", &*page.csrf()),
            ("email", email),
            ("password", PASSWORD),
        ];
        let answer = self.post(&world.authority("/login"), &fields).await;
        self.follow(answer).await
    }

    /// H1: *Open* for a client, not followed.
    pub async fn click_open(&self, world: &World, client: &str) -> Answer {
        let portal = self.get(&world.authority("/")).await;
        let url = world.authority(&format!("/apps/{client}/open"));
        self.post(&url, &[("csrf", &portal.csrf())]).await
    }

    /// H1: *Open Notes*, not followed.
    pub async fn click_open_notes(&self, world: &World) -> Answer {
        self.click_open(world, "notes").await
    }

    /// H1: the launch ticket.
    pub async fn launch(&self, world: &World) -> String {
        self.click_open_notes(world)
            .await
            .location_parameter("launch")
    }

    /// *Open Notes*, all the way.
    pub async fn open_notes(&self, world: &World) -> Answer {
        let answer = self.click_open_notes(world).await;
        self.follow(answer).await
    }

    /// *Open Tasks*, all the way.
    pub async fn open_tasks(&self, world: &World) -> Answer {
        let answer = self.click_open(world, "tasks").await;
        self.follow(answer).await
    }

    /// Everything up to H3, and the callback address that the browser was about to open.
    pub async fn callback_address(&self, world: &World) -> String {
        let start = self.click_open_notes(world).await.location();
        let authorize = self.get(&start).await.location();
        self.get(&authorize).await.location()
    }

    /// Whether Notes knows who this is.
    pub async fn is_signed_in_at_notes(&self, world: &World) -> bool {
        let home = self.get(&world.notes("/")).await;
        assert_eq!(home.status, StatusCode::OK, "{home:?}");
        home.body.contains("Your notes")
    }
}

fn host(url: &str) -> String {
    Url::parse(url).unwrap().host_str().unwrap().to_owned()
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub url: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn location_starts_with(&self, start: &str) -> bool {
        self.headers.contains_key("location") && self.location().starts_with(start)
    }

    /// Where a redirect leads, as a whole address.
    pub fn location(&self) -> String {
        assert!(
            self.headers.contains_key("location"),
            "no redirect: {self:?}"
        );
        Url::parse(&self.url)
            .unwrap()
            .join(self.header("location"))
            .unwrap()
            .into()
    }

    /// A parameter of the address that a redirect leads to.
    pub fn location_parameter(&self, name: &str) -> String {
        let location = Url::parse(&self.location()).unwrap();
        let mut found = location.query_pairs().filter(|(found, _)| found == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => value.into_owned(),
            (None, _) => panic!("no {name} in {location}"),
            (Some(_), Some(_)) => panic!("{name} stands twice in {location}"),
        }
    }

    /// The CSRF token of the page's forms.
    pub fn csrf(&self) -> String {
        let at = self
            .body
            .find(r#"name="csrf""#)
            .unwrap_or_else(|| panic!("no form in {self:?}"));
        let tag = &self.body[self.body[..at].rfind('<').unwrap()..];
        let tag = &tag[..tag.find('>').unwrap()];
        tag.split_once(r#"value=""#)
            .unwrap()
            .1
            .split_once('"')
            .unwrap()
            .0
            .to_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// The header that authenticates a client (RFC 6749, 2.3.1).
pub fn basic(id: &str, secret: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}
