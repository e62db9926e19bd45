//! Every route of every site, with a good request for it. A new route must be added here: a test
//! compares this table with the routers' sources.

use relying_party::Application;
use std::{future::Future, net::SocketAddr, path::Path, pin::Pin};

use authority::store::ClientStore;
use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Icon, Registration},
    flow::{FlowId, LaunchId},
    ids::ClientId,
    token::{LaunchTicket, Secret as _, Unverified},
};
use time::Duration;
use tokio::process::Command;
use url::Url;
use web::clock::Clock as _;

use super::{
    cases::{
        Expect::{self, Abandoned, Asked, Burns, Explained, Nobody, NothingDone, Same, Status},
        Kind::{self, *},
    },
    raw::{Body, Place, Reply, Request, encode},
};
use crate::harness::{ASSETS, Answer, OwnRelyingParty, PASSWORD, Persona, World, basic};

const ALICE: &str = "alice@harbor.example";
const BOB: &str = "bob@harbor.example";
const CAROL: &str = "carol@harbor.example";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Site {
    Authority,
    Notes,
    Tasks,
    Lab,
    /// What every site has; asked for at Harbor ID.
    Every,
    Assets,
    Ops,
}

impl Site {
    /// Where its routes stand in the sources.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Authority => "crates/authority/src",
            Self::Notes | Self::Tasks => "crates/relying_party/src",
            Self::Lab => "crates/lab/src",
            Self::Every => "crates/web/src/appearance.rs",
            Self::Assets => "server/src/assets.rs",
            Self::Ops => "server/src/ops.rs",
        }
    }
}

/// A value that a route reads, and what comes of each way to spoil it.
pub struct Param {
    pub place: Place,
    pub name: &'static str,
    pub rule: fn(Kind) -> Expect,
}

/// A good request, and values for it that are good elsewhere.
pub struct Built {
    pub request: Request,
    pub foreign: Vec<(Place, &'static str, &'static str, Vec<u8>)>,
}

type Base = for<'a> fn(&'a Stage) -> Pin<Box<dyn Future<Output = Built> + 'a>>;

pub struct Route {
    pub site: Site,
    pub path: &'static str,
    /// All methods that this path answers to.
    pub methods: &'static [&'static str],
    pub base: Base,
    pub params: Vec<Param>,
    /// Whether the good request was served.
    pub good: fn(&Reply) -> bool,
    /// What comes of it when nobody is signed in.
    pub nobody: fn(&Reply) -> bool,
    /// The session cookie that the good request gives.
    pub gives: &'static str,
}

/// The people of a platform.
pub struct Stage {
    pub world: World,
    pub ops: SocketAddr,
    /// Signed in at Harbor ID, at Notes and at Tasks.
    alice: Persona,
    /// Alice's other browser: signed in at Harbor ID.
    elsewhere: Persona,
    /// Signed in at all of them.
    bob: Persona,
    carols_password: String,
    /// With which Notes reports its steps.
    client_report_key: String,
}

impl Stage {
    pub async fn new(world: World, ops: SocketAddr) -> Self {
        // Before anybody has a session that would age.
        report(&world, FLOW).send(world.address()).await;
        world.settled().await;
        world.clock.advance(Duration::minutes(2));
        let alice = world.signed_in(ALICE).await;
        alice.open_notes(&world).await;
        alice.open_tasks(&world).await;
        let elsewhere = world.signed_in(ALICE).await;
        let bob = world.signed_in(BOB).await;
        bob.open_notes(&world).await;
        bob.open_tasks(&world).await;
        register_board(&world).await;
        let folder = world.folder();
        let carols_password = done(&folder, &["user", "add", CAROL, "--name", "Carol Ek"]).await;
        let client_report_key = done(&folder, &["client", "report-key", "notes"]).await;
        Self {
            world,
            ops,
            alice,
            elsewhere,
            bob,
            carols_password,
            client_report_key,
        }
    }

    /// A new browser in which Carol is signed in at Harbor ID.
    async fn carol(&self) -> Persona {
        let persona = self.world.visitor();
        let url = self.world.authority("/login");
        let csrf = persona.get(&url).await.csrf();
        let fields = [
            ("csrf", csrf.as_str()),
            ("email", CAROL),
            ("password", &self.carols_password),
        ];
        let answer = persona.post(&url, &fields).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        persona
    }

    fn request(method: &str, persona: &Persona, url: &str) -> Request {
        let url = Url::parse(url).unwrap();
        let host = url.as_str().split('/').nth(2).unwrap();
        let mut request = Request::new(method, host, url.path());
        for (name, value) in url.query_pairs() {
            request = request.with(Place::Query, &name, &value);
        }
        for (name, value) in persona.cookies(url.as_str()) {
            request = request.with(Place::Cookie, &name, &value);
        }
        request
    }

    fn navigation(persona: &Persona, url: &str) -> Request {
        Self::request("GET", persona, url)
            .with(Place::Header, "sec-fetch-mode", "navigate")
            .with(Place::Header, "sec-fetch-dest", "document")
    }

    fn form(persona: &Persona, url: &str, fields: &[(&str, &str)]) -> Request {
        let origin = Url::parse(url).unwrap().origin().ascii_serialization();
        let mut request = Self::request("POST", persona, url)
            .with(Place::Header, "origin", &origin)
            .with(Place::Header, "sec-fetch-site", "same-origin")
            .with(
                Place::Header,
                "content-type",
                "application/x-www-form-urlencoded",
            );
        for (name, value) in fields {
            request = request.with(Place::Form, name, value);
        }
        request
    }

    /// The foreign values of every form of somebody who is signed in.
    async fn form_foreign(
        &self,
        page: &str,
        cookie: &'static str,
    ) -> Vec<(Place, &'static str, &'static str, Vec<u8>)> {
        let bobs = self.bob.get(page).await.csrf();
        let cookie_value = self.bob.cookie(page, cookie).unwrap();
        vec![
            (Place::Form, "csrf", "another person's", bobs.into()),
            (
                Place::Cookie,
                cookie,
                "another person's",
                cookie_value.into(),
            ),
            (
                Place::Header,
                "origin",
                "another site's",
                self.world.origins.of(lab::ID).as_str().into(),
            ),
            (
                Place::Header,
                "sec-fetch-site",
                "a sibling's",
                "same-site".into(),
            ),
            (
                Place::Header,
                "sec-fetch-site",
                "another site's",
                "cross-site".into(),
            ),
            (Place::Header, "sec-fetch-site", "nobody's", "none".into()),
        ]
    }
}

/// The line that a command of the operator's prints. The platform goes on meanwhile, and lets go of its
/// databases.
async fn done(data: &Path, arguments: &[&str]) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_handoff-lab"))
        .args(arguments)
        .arg("--data")
        .arg(data)
        .output()
        .await
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    String::from_utf8(ran.stdout).unwrap().trim_end().to_owned()
}

const R400: Expect = Status(&[400]);
const R401: Expect = Status(&[401]);
const R403: Expect = Status(&[403]);
const R404: Expect = Status(&[404]);
const R415: Expect = Status(&[415]);
const R422: Expect = Status(&[422]);
const INVALID: Expect = Expect::Error(400, "invalid_request");
const CLIENT: Expect = Expect::Error(401, "invalid_client");
const FAILED: Expect = Expect::Error(400, "HANDOFF_VERIFICATION_FAILED");

const fn param(place: Place, name: &'static str, rule: fn(Kind) -> Expect) -> Param {
    Param { place, name, rule }
}

/// It may be missing or nonsense; it may not stand there twice.
fn optional(kind: Kind) -> Expect {
    if kind.is_twice() || kind.is_unreadable() {
        R400
    } else {
        Same
    }
}

fn optional_field(name: &'static str) -> Param {
    param(Place::Query, name, optional)
}

fn csrf(kind: Kind) -> Expect {
    if kind.is_twice() || kind.is_unreadable() {
        R400
    } else {
        R403
    }
}

fn same_origin(kind: Kind) -> Expect {
    if kind == Missing { Same } else { R403 }
}

/// One of another site leads to the start page. One that is too long, or no address, is told.
fn target(kind: Kind) -> Expect {
    match kind {
        CrLf | Long | Another => R400,
        _ => optional(kind),
    }
}

/// What every form has.
fn form_params(cookie: &'static str) -> Vec<Param> {
    vec![
        param(Place::Form, "csrf", csrf),
        param(Place::Header, "origin", same_origin),
        param(Place::Header, "sec-fetch-site", same_origin),
        param(Place::Header, "content-type", |_| R415),
        param(Place::Cookie, cookie, |kind| match kind {
            Foreign => R403,
            _ => Nobody,
        }),
    ]
}

fn navigation_params() -> Vec<Param> {
    vec![
        param(Place::Header, "sec-fetch-mode", same_origin),
        param(Place::Header, "sec-fetch-dest", same_origin),
        param(Place::Header, "sec-purpose", |kind| match kind {
            Missing => Same,
            Nul | CrLf => R400,
            _ => Status(&[503]),
        }),
    ]
}

/// The secret of a chain that switches step mode on. One that nobody knows is good for nothing.
fn chain_key(kind: Kind) -> Expect {
    if matches!(kind, Missing | Empty) || kind.is_twice() || kind.is_unreadable() {
        R400
    } else {
        Same
    }
}

async fn begin_stepping(stage: &Stage, visitor: &Persona) -> Answer {
    let url = stage.world.lab("/step");
    visitor.post(&url, &[("on", "yes")]).await
}

fn all(parts: impl IntoIterator<Item = Vec<Param>>) -> Vec<Param> {
    parts.into_iter().flatten().collect()
}

const AS_SESSION: &str = "__Host-as_session";
const RP_SESSION: &str = "__Host-rp_session";

const STEPPING: &str = "__Host-lab_step";
const APPEARANCE: &str = "__Host-appearance";

/// One of a few values, or none.
fn choice(kind: Kind) -> Expect {
    match kind {
        Missing | Empty => Same,
        _ => R400,
    }
}

fn at_sign_in(reply: &Reply) -> bool {
    reply.status == 403 || (reply.status == 303 && reply.location().starts_with("/login"))
}

fn at_the_front_page(reply: &Reply) -> bool {
    reply.status == 403 || (reply.status == 303 && reply.location() == "/")
}

/// The page of somebody who is not signed in, which leads to the sign-in and back.
fn at_the_way_in(reply: &Reply) -> bool {
    reply.status == 200
        && !reply.body.contains("Alice")
        && reply.body.contains("/handoff/start?target_link_uri=")
}

fn nobody_to_ask(reply: &Reply) -> bool {
    reply.status == 403 || (reply.status == 303 && reply.location().starts_with("/signin/problem?"))
}

fn no_cookie(_: &Reply) -> bool {
    false
}

fn exact_or_400(_: Kind) -> Expect {
    R400
}

/// The state of a relying party is its own to choose: 1 to 512 printable ASCII characters.
fn state(kind: Kind) -> Expect {
    match kind {
        Markup | Another | BadPercent | Foreign => Same,
        _ => R400,
    }
}

fn challenge(kind: Kind) -> Expect {
    if kind == Foreign { Same } else { R400 }
}

fn request_params(place: Place) -> Vec<Param> {
    vec![
        param(place, "client_id", exact_or_400),
        param(place, "redirect_uri", exact_or_400),
        param(place, "state", state),
        param(place, "code_challenge", challenge),
        param(place, "code_challenge_method", exact_or_400),
    ]
}

fn request_foreign(
    stage: &Stage,
    place: Place,
) -> Vec<(Place, &'static str, &'static str, Vec<u8>)> {
    let other = stage.world.relying_party();
    vec![
        (place, "client_id", "another client's", b"tasks".to_vec()),
        (
            place,
            "redirect_uri",
            "another client's",
            encode(&stage.world.tasks("/callback")),
        ),
        (
            place,
            "redirect_uri",
            "an attacker's",
            encode("http://notes.localhost:4000.evil.localhost/callback"),
        ),
        (
            place,
            "state",
            "another handoff's",
            encode(&other.query()[2].1),
        ),
        (
            place,
            "code_challenge",
            "another handoff's",
            encode(&other.query()[3].1),
        ),
    ]
}

fn verify_route(path: &'static str, base: Base) -> Route {
    Route {
        site: Site::Authority,
        path,
        methods: &["POST"],
        base,
        params: vec![
            param(Place::Json, "handoff_token", |kind| match kind {
                Another | Markup => FAILED,
                Foreign => Burns,
                _ => INVALID,
            }),
            param(Place::Json, "state", |kind| match kind {
                Another | Markup | Foreign => Burns,
                _ => INVALID,
            }),
            param(Place::Json, "client_id", |kind| match kind {
                Another | Markup | Foreign | Unicode | Nul | CrLf => CLIENT,
                _ => INVALID,
            }),
            param(Place::Json, "redirect_uri", |kind| match kind {
                Missing | Null | Another | Markup | Foreign | Unicode | Nul | CrLf => Burns,
                _ => INVALID,
            }),
            param(Place::Json, "code_verifier", |kind| match kind {
                Missing | Null | Another | Markup | Foreign => Burns,
                _ => INVALID,
            }),
            param(Place::Header, "authorization", |_| CLIENT),
            param(Place::Header, "content-type", |_| {
                Expect::Error(415, "invalid_request")
            }),
        ],
        good: |reply| reply.status == 200 && reply.body.contains("access_token"),
        nobody: no_cookie,
        gives: "",
    }
}

/// The origin of a browser application. Nothing listens there.
const BOARD: &str = "http://board.localhost:4000";

async fn register_board(world: &World) {
    let client = Client::register(Registration {
        id: ClientId::parse("board").unwrap(),
        name: "Board",
        description: "",
        icon: Icon::default(),
        kind: handoff::client::Kind::Public { sdk_compat: false },
        origin: BOARD,
        redirect_uris: &[&format!("{BOARD}/callback")],
        initiate_login_uri: &format!("{BOARD}/handoff/start"),
        handoff_lifetime: HandoffLifetime::default(),
        assigned_to: AssignedTo::Everyone,
    });
    let file = world.folder().join("authority.db");
    let store = authority::store::Sqlite::open(&file).await.unwrap();
    store.put_client(&client.unwrap()).await.unwrap();
    store.close().await;
}

/// Verify by a browser application: it has no secret, so that a stranger's mismatch must not use its
/// token up.
fn public_verify_route() -> Route {
    let bound = |kind| match kind {
        Another | Markup | Foreign => FAILED,
        _ => INVALID,
    };
    let optional_bound = |kind| match kind {
        Missing | Null => FAILED,
        Another | Markup | Foreign => FAILED,
        _ => INVALID,
    };
    Route {
        params: vec![
            param(Place::Json, "handoff_token", bound),
            param(Place::Json, "state", bound),
            param(Place::Json, "client_id", |kind| match kind {
                Another | Markup | Foreign | Unicode | Nul | CrLf => CLIENT,
                _ => INVALID,
            }),
            param(Place::Json, "redirect_uri", |kind| match kind {
                Missing | Null | Another | Markup | Foreign | Unicode | Nul | CrLf => FAILED,
                _ => INVALID,
            }),
            param(Place::Json, "code_verifier", optional_bound),
            param(Place::Header, "origin", |_| CLIENT),
            param(Place::Header, "authorization", |kind| match kind {
                // There is none in the good request.
                Missing => Same,
                _ => CLIENT,
            }),
            param(Place::Header, "content-type", |_| {
                Expect::Error(415, "invalid_request")
            }),
        ],
        ..verify_route("/auth/external/handoff/verify", |stage| {
            Box::pin(async {
                let world = &stage.world;
                let token = async |persona: &Persona| {
                    let party = OwnRelyingParty::new(format!("{BOARD}/callback"));
                    let launch = persona.click_open(world, "board").await;
                    let launch = launch.location_parameter("launch");
                    let mut url = Url::parse(&party.authorize(world, Some(&launch))).unwrap();
                    let query = url
                        .query()
                        .unwrap()
                        .replace("client_id=notes", "client_id=board");
                    url.set_query(Some(&query));
                    let answer = persona.get(url.as_str()).await;
                    party.body(&answer.location_parameter("handoff_token"))
                };
                let (body, bobs) = (token(&stage.alice).await, token(&stage.bob).await);
                let url = world.authority("/auth/external/handoff/verify");
                let mut request = Stage::request("POST", &world.visitor(), &url)
                    .with(Place::Header, "content-type", "application/json")
                    .with(Place::Header, "origin", BOARD);
                for (name, value) in body.as_object().unwrap() {
                    let value = if name == "client_id" {
                        "board"
                    } else {
                        value.as_str().unwrap()
                    };
                    request = request.with(Place::Json, name, value);
                }
                request.body = Body::Json;
                let mut foreign = Vec::new();
                for name in ["handoff_token", "state", "code_verifier"] {
                    let value = bobs[name].to_string().into_bytes();
                    foreign.push((Place::Json, name, "another person's", value));
                }
                let notes = world.origins.of(Application::Notes).as_str();
                foreign.extend([
                    (
                        Place::Json,
                        "client_id",
                        "another client's",
                        b"\"notes\"".to_vec(),
                    ),
                    (Place::Header, "origin", "another client's", notes.into()),
                    (Place::Header, "origin", "nobody's", "null".into()),
                    (
                        Place::Header,
                        "origin",
                        "an attacker's",
                        format!("{BOARD}.evil.localhost").into(),
                    ),
                    (
                        Place::Header,
                        "authorization",
                        "another client's",
                        basic("notes", &world.notes_secret()).into(),
                    ),
                ]);
                Built { request, foreign }
            })
        })
    }
}

async fn verify_request(stage: &Stage, path: &str) -> Built {
    let world = &stage.world;
    let (party, other) = (world.relying_party(), world.relying_party());
    let token = party.token(world, &stage.alice).await;
    let others = other.token(world, &stage.bob).await;
    let secret = world.notes_secret();
    let (body, other) = (party.body(&token), other.body(&others));
    let text = |member: &serde_json::Value| member.to_string().into_bytes();
    let mut request = Stage::request("POST", &world.visitor(), &world.authority(path))
        .with(Place::Header, "content-type", "application/json")
        .with(Place::Header, "authorization", &basic("notes", &secret));
    for (name, value) in body.as_object().unwrap() {
        request = request.with(Place::Json, name, value.as_str().unwrap());
    }
    request.body = Body::Json;
    let mut foreign = Vec::new();
    for name in ["handoff_token", "state", "code_verifier"] {
        foreign.push((Place::Json, name, "another person's", text(&other[name])));
    }
    foreign.extend([
        (
            Place::Json,
            "client_id",
            "another client's",
            b"\"tasks\"".to_vec(),
        ),
        (
            Place::Json,
            "redirect_uri",
            "another client's",
            text(&world.tasks("/callback").into()),
        ),
    ]);
    for (whose, value) in [
        ("another client's", basic("tasks", &world.secret("tasks"))),
        ("another client's with this secret", basic("tasks", &secret)),
        ("a browser application's", basic("board", &secret)),
        ("a wrong secret", basic("notes", &"A".repeat(43))),
        ("no secret", basic("notes", "")),
        ("no id", basic("", &secret)),
        ("a NUL", basic("notes", &format!("{secret}\0"))),
        ("no base64", "Basic %%%".to_owned()),
        ("another scheme", format!("Bearer {secret}")),
    ] {
        let value = value.into_bytes();
        foreign.push((Place::Header, "authorization", whose, value));
    }
    Built { request, foreign }
}

/// The table.
pub fn routes() -> Vec<Route> {
    let mut routes = authority();
    routes.extend(notes());
    routes.extend(tasks());
    routes.extend(others());
    routes.extend(flows());
    routes
}

fn authority() -> Vec<Route> {
    vec![
        Route {
            site: Site::Authority,
            path: "/",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let url = stage.world.authority("/?q=notes");
                    Built {
                        request: Stage::navigation(&stage.alice, &url),
                        foreign: vec![],
                    }
                })
            },
            params: vec![
                param(Place::Cookie, AS_SESSION, |_| Nobody),
                optional_field("q"),
            ],
            good: |reply| reply.status == 200 && reply.body.contains("Alice Moreau"),
            nobody: at_sign_in,
            gives: "",
        },
        Route {
            site: Site::Authority,
            path: "/login",
            methods: &["GET", "POST"],
            base: |stage| {
                Box::pin(async {
                    let url = stage.world.authority(
                        "/login?demo=alice&notice=signed-out&continue=/handoff/authorize?client_id=notes",
                    );
                    Built {
                        request: Stage::navigation(&stage.world.visitor(), &url),
                        foreign: vec![
                            (
                                Place::Query,
                                "continue",
                                "an attacker's",
                                encode("http://evil.localhost/handoff/authorize?a=b"),
                            ),
                            (
                                Place::Query,
                                "continue",
                                "an attacker's, without scheme",
                                encode("//evil.localhost/handoff/authorize?a=b"),
                            ),
                        ],
                    }
                })
            },
            params: vec![
                optional_field("demo"),
                optional_field("notice"),
                optional_field("continue"),
            ],
            good: |reply| reply.status == 200 && reply.body.contains("name=\"csrf\""),
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Authority,
            path: "/login",
            methods: &["GET", "POST"],
            base: |stage| {
                Box::pin(async {
                    let (visitor, other) = (stage.world.visitor(), stage.world.visitor());
                    let url = stage.world.authority("/login");
                    let page = visitor.get(&url).await;
                    let others = other.get(&url).await.csrf();
                    let others_cookie = other.cookie(&url, "__Host-as_pre").unwrap();
                    let request = Stage::form(
                        &visitor,
                        &url,
                        &[
                            ("csrf", &page.csrf()),
                            ("email", ALICE),
                            ("password", PASSWORD),
                            ("continue", "/handoff/authorize?client_id=notes"),
                        ],
                    );
                    Built {
                        request,
                        foreign: vec![
                            (Place::Form, "csrf", "another browser's", others.into()),
                            (
                                Place::Cookie,
                                "__Host-as_pre",
                                "another browser's",
                                others_cookie.into(),
                            ),
                            (
                                Place::Form,
                                "continue",
                                "an attacker's",
                                encode("http://evil.localhost/handoff/authorize?a=b"),
                            ),
                            (
                                Place::Form,
                                "continue",
                                "an attacker's, without scheme",
                                encode("//evil.localhost/handoff/authorize?a=b"),
                            ),
                            (
                                Place::Form,
                                "continue",
                                "an attacker's, with a backslash",
                                encode("/\\evil.localhost/handoff/authorize?a=b"),
                            ),
                        ],
                    }
                })
            },
            params: all([
                form_params("__Host-as_pre"),
                vec![
                    param(Place::Form, "email", |kind| match optional(kind) {
                        Same => R422,
                        refused => refused,
                    }),
                    param(Place::Form, "password", |kind| match optional(kind) {
                        Same => R422,
                        refused => refused,
                    }),
                    param(Place::Form, "continue", optional),
                    param(Place::Header, "user-agent", |_| Same),
                ],
            ]),
            good: |reply| {
                let goes_on = ["/", "/handoff/authorize?"];
                let location = reply.location();
                reply.status == 303 && (location == goes_on[0] || location.starts_with(goes_on[1]))
            },
            nobody: at_sign_in,
            gives: AS_SESSION,
        },
        Route {
            site: Site::Authority,
            path: "/logout",
            methods: &["GET", "POST"],
            base: |stage| {
                Box::pin(async {
                    let url = stage.world.authority("/logout");
                    Built {
                        request: Stage::navigation(&stage.alice, &url),
                        foreign: vec![],
                    }
                })
            },
            params: vec![param(Place::Cookie, AS_SESSION, |_| Nobody)],
            good: |reply| reply.status == 200 && reply.body.contains("name=\"csrf\""),
            nobody: |reply| reply.status == 200 && !reply.body.contains("Alice"),
            gives: "",
        },
        Route {
            site: Site::Authority,
            path: "/logout",
            methods: &["GET", "POST"],
            base: |stage| {
                Box::pin(async {
                    let url = stage.world.authority("/logout");
                    let persona = stage.world.signed_in(ALICE).await;
                    let csrf = persona.get(&url).await.csrf();
                    Built {
                        request: Stage::form(&persona, &url, &[("csrf", &csrf)]),
                        foreign: stage.form_foreign(&url, AS_SESSION).await,
                    }
                })
            },
            params: form_params(AS_SESSION),
            good: |reply| reply.status == 303 && reply.location() == "/login?notice=signed-out",
            nobody: at_sign_in,
            gives: "",
        },
        Route {
            site: Site::Authority,
            path: "/sessions",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let url = stage.world.authority("/sessions?ended=app");
                    Built {
                        request: Stage::navigation(&stage.alice, &url),
                        foreign: vec![],
                    }
                })
            },
            params: vec![
                param(Place::Cookie, AS_SESSION, |_| Nobody),
                optional_field("ended"),
            ],
            good: |reply| reply.status == 200 && reply.body.contains("Alice Moreau"),
            nobody: at_sign_in,
            gives: "",
        },
        end_route("/sessions/{id}/end", |stage| {
            Box::pin(async {
                let other = stage.world.signed_in(ALICE).await;
                end_request(stage, &other, "/sessions/").await
            })
        }),
        end_route("/sessions/apps/{id}/end", |stage| {
            Box::pin(async {
                stage.elsewhere.open_notes(&stage.world).await;
                end_request(stage, &stage.elsewhere, "/sessions/apps/").await
            })
        }),
        end_all_route(
            "/sessions/end-others",
            |stage| Box::pin(end_all_request(stage, "/sessions/end-others")),
            |reply| reply.status == 303 && reply.location() == "/sessions?ended=others",
        ),
        end_all_route(
            "/sessions/end-all",
            |stage| Box::pin(end_all_request(stage, "/sessions/end-all")),
            |reply| reply.status == 303 && reply.location() == "/login?notice=signed-out",
        ),
        Route {
            site: Site::Authority,
            path: "/apps/{client_id}/open",
            methods: &["POST"],
            base: |stage| {
                Box::pin(async {
                    let portal = stage.world.authority("/");
                    let csrf = stage.alice.get(&portal).await.csrf();
                    let url = stage.world.authority("/apps/notes/open");
                    let mut request = Stage::form(&stage.alice, &url, &[("csrf", &csrf)]).with(
                        Place::Path,
                        "client_id",
                        "notes",
                    );
                    request.path = "/apps/{}/open".to_owned();
                    Built {
                        request,
                        foreign: stage.form_foreign(&portal, AS_SESSION).await,
                    }
                })
            },
            params: all([
                form_params(AS_SESSION),
                vec![param(Place::Path, "client_id", |_| R404)],
            ]),
            good: |reply| {
                reply.status == 303
                    && reply.location().starts_with("http://notes")
                    && reply.location().contains("launch=")
            },
            nobody: at_sign_in,
            gives: "",
        },
        Route {
            site: Site::Authority,
            path: "/handoff/authorize",
            methods: &["GET", "POST"],
            base: |stage| {
                Box::pin(async {
                    let world = &stage.world;
                    let launch = stage.alice.launch(world).await;
                    let url = world.relying_party().authorize(world, Some(&launch));
                    let mut foreign = request_foreign(stage, Place::Query);
                    let bobs = stage.bob.launch(world).await;
                    let elsewhere = stage.elsewhere.launch(world).await;
                    foreign.extend([
                        (Place::Query, "launch", "another person's", bobs.into()),
                        (
                            Place::Query,
                            "launch",
                            "another browser's",
                            elsewhere.into(),
                        ),
                    ]);
                    Built {
                        request: Stage::navigation(&stage.alice, &url),
                        foreign,
                    }
                })
            },
            params: all([
                navigation_params(),
                request_params(Place::Query),
                vec![
                    param(Place::Query, "launch", |kind| match optional(kind) {
                        Same => Asked,
                        refused => refused,
                    }),
                    param(Place::Cookie, AS_SESSION, |_| Nobody),
                ],
            ]),
            good: |reply| {
                reply.status == 303 && reply.location().contains("/callback?handoff_token=")
            },
            nobody: |reply| reply.status == 303 && reply.location().starts_with("/login?continue="),
            gives: "",
        },
        Route {
            site: Site::Authority,
            path: "/handoff/authorize",
            methods: &["GET", "POST"],
            base: |stage| {
                Box::pin(async {
                    let world = &stage.world;
                    let party = world.relying_party();
                    let page = stage.alice.get(&party.authorize(world, None)).await;
                    let csrf = page.csrf();
                    let query = party.query();
                    let mut fields: Vec<_> = query
                        .iter()
                        .map(|(name, value)| (*name, value.as_str()))
                        .collect();
                    fields.extend([("csrf", csrf.as_str()), ("decision", "continue")]);
                    let url = world.authority("/handoff/authorize");
                    let mut foreign = request_foreign(stage, Place::Form);
                    foreign.extend(stage.form_foreign(&world.authority("/"), AS_SESSION).await);
                    Built {
                        request: Stage::form(&stage.alice, &url, &fields),
                        foreign,
                    }
                })
            },
            params: all([
                form_params(AS_SESSION),
                request_params(Place::Form),
                vec![param(Place::Form, "decision", exact_or_400)],
            ]),
            good: |reply| {
                reply.status == 303 && reply.location().contains("/callback?handoff_token=")
            },
            nobody: at_sign_in,
            gives: "",
        },
        verify_route("/auth/external/handoff/verify", |stage| {
            Box::pin(verify_request(stage, "/auth/external/handoff/verify"))
        }),
        public_verify_route(),
        verify_route("/handoff/verify", |stage| {
            Box::pin(verify_request(
                stage,
                "/handoff/verify?include=session,user",
            ))
        }),
        Route {
            site: Site::Authority,
            path: "/api/v1/auth/direct/session",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let url = stage.world.authority("/api/v1/auth/direct/session");
                    let (access, foreign) = access_token(stage).await;
                    let request = Stage::request("GET", &stage.world.visitor(), &url).with(
                        Place::Header,
                        "authorization",
                        &access,
                    );
                    Built { request, foreign }
                })
            },
            params: vec![param(Place::Header, "authorization", |_| {
                Expect::Error(401, "no_session")
            })],
            good: |reply| reply.status == 200 && reply.body.contains(ALICE),
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Authority,
            path: "/api/v1/auth/direct/logout",
            methods: &["POST"],
            base: |stage| {
                Box::pin(async {
                    let url = stage.world.authority("/api/v1/auth/direct/logout");
                    let (access, mut foreign) = access_token(stage).await;
                    let mut request = Stage::request("POST", &stage.world.visitor(), &url)
                        .with(Place::Header, "authorization", &access)
                        .with(Place::Header, "content-type", "application/json")
                        .with(Place::Json, "client_id", "notes");
                    request.body = Body::Json;
                    let tasks = b"\"tasks\"".to_vec();
                    foreign.push((Place::Json, "client_id", "another client's", tasks));
                    Built { request, foreign }
                })
            },
            params: vec![
                param(Place::Header, "authorization", |_| {
                    Expect::Error(401, "no_session")
                }),
                param(Place::Header, "content-type", |_| {
                    Expect::Error(415, "invalid_request")
                }),
                param(Place::Json, "client_id", |kind| match kind {
                    Empty | Another | Markup | Foreign | Unicode | Nul | CrLf | Long => R401,
                    _ => INVALID,
                }),
            ],
            good: |reply| reply.status == 200 && reply.body.contains("\"success\":true"),
            nobody: no_cookie,
            gives: "",
        },
    ]
}

fn end_route(path: &'static str, base: Base) -> Route {
    Route {
        site: Site::Authority,
        path,
        methods: &["POST"],
        base,
        params: all([
            form_params(AS_SESSION),
            vec![param(Place::Path, "id", |_| R404)],
        ]),
        good: |reply| reply.status == 303 && reply.location().starts_with("/sessions?ended="),
        nobody: at_sign_in,
        gives: "",
    }
}

/// Ends several sign-ins of one person's at once.
fn end_all_route(path: &'static str, base: Base, good: fn(&Reply) -> bool) -> Route {
    Route {
        site: Site::Authority,
        path,
        methods: &["POST"],
        base,
        params: form_params(AS_SESSION),
        good,
        nobody: at_sign_in,
        gives: "",
    }
}

/// Carol, whose sessions no other route needs, is signed in twice and at Notes.
async fn end_all_request(stage: &Stage, path: &str) -> Built {
    let world = &stage.world;
    let other = stage.carol().await;
    other.open_notes(world).await;
    let persona = stage.carol().await;
    let page = world.authority("/sessions");
    let csrf = persona.get(&page).await.csrf();
    Built {
        request: Stage::form(&persona, &world.authority(path), &[("csrf", &csrf)]),
        foreign: stage.form_foreign(&page, AS_SESSION).await,
    }
}

/// Alice ends a session of another browser of hers.
async fn end_request(stage: &Stage, other: &Persona, before: &str) -> Built {
    let page = stage.world.authority("/sessions");
    let id = async |persona: &Persona| {
        let body = persona.get(&page).await.body;
        // This browser's stands first.
        let action = format!("action=\"{before}");
        let ids = body.split(&action).skip(1).map(|rest| &rest[..22]);
        let mut ids = ids.filter(|id| !id.contains('/'));
        ids.next().unwrap().to_owned()
    };
    let (mine, bobs) = (id(other).await, id(&stage.bob).await);
    let csrf = stage.alice.get(&page).await.csrf();
    let mut request =
        Stage::form(&stage.alice, &page, &[("csrf", &csrf)]).with(Place::Path, "id", &mine);
    request.path = format!("{before}{{}}/end");
    let mut foreign = stage.form_foreign(&page, AS_SESSION).await;
    foreign.push((Place::Path, "id", "another person's", bobs.into()));
    Built { request, foreign }
}

/// An access token of Notes', and what is none.
async fn access_token(
    stage: &Stage,
) -> (String, Vec<(Place, &'static str, &'static str, Vec<u8>)>) {
    let world = &stage.world;
    let given = verify_request(stage, "/handoff/verify").await.request;
    let unredeemed = verify_request(stage, "/handoff/verify").await.request;
    let reply = given.send(world.address()).await;
    let body = reply.body.split_once('{').unwrap().1;
    let member = |name: &str| {
        let after = body.split_once(&format!("\"{name}\":\"")).unwrap().1;
        after.split_once('"').unwrap().0.to_owned()
    };
    let access = member("access_token");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace('"', "");
    let cookie = stage.alice.cookie(&world.authority("/"), AS_SESSION);
    let foreign = [
        ("a session's public id", format!("Bearer {}", member("id"))),
        ("a session cookie's", format!("Bearer {}", cookie.unwrap())),
        (
            "a handoff token",
            format!(
                "Bearer {}",
                text(unredeemed.value(Place::Json, "handoff_token"))
            ),
        ),
        ("a client's", basic("notes", &world.notes_secret())),
        ("nothing behind", format!("Bearer {access} x")),
    ];
    let foreign =
        foreign.map(|(whose, value)| (Place::Header, "authorization", whose, value.into_bytes()));
    (format!("Bearer {access}"), foreign.into())
}

fn notes() -> Vec<Route> {
    vec![
        Route {
            site: Site::Notes,
            path: "/",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let url = stage
                        .world
                        .notes("/?signed_out=1&deleted=1&restored=1&page=1");
                    Built {
                        request: Stage::navigation(&stage.alice, &url),
                        foreign: vec![],
                    }
                })
            },
            params: vec![
                param(Place::Cookie, RP_SESSION, |_| Nobody),
                optional_field("signed_out"),
                optional_field("deleted"),
                optional_field("restored"),
                optional_field("page"),
            ],
            good: |reply| reply.status == 200 && reply.body.contains("Alice Moreau"),
            nobody: |reply| reply.status == 200 && !reply.body.contains("Alice"),
            gives: "",
        },
        Route {
            site: Site::Notes,
            path: "/handoff/start",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let world = &stage.world;
                    let url = stage.elsewhere.click_open_notes(world).await.location();
                    let bobs = stage.bob.launch(world).await;
                    let target = |text: &str| encode(text);
                    let place = Place::Query;
                    Built {
                        request: Stage::navigation(&stage.elsewhere, &url),
                        foreign: vec![
                            (place, "launch", "another person's", bobs.into()),
                            (
                                place,
                                "iss",
                                "another server's",
                                encode(world.origins.of(lab::ID).as_str()),
                            ),
                            (place, "iss", "with a slash", encode(&world.authority("/"))),
                            (
                                place,
                                "target_link_uri",
                                "an attacker's",
                                target("http://evil.localhost/"),
                            ),
                            (
                                place,
                                "target_link_uri",
                                "a script",
                                target("javascript:alert(1)"),
                            ),
                        ],
                    }
                })
            },
            params: all([
                navigation_params(),
                vec![
                    param(Place::Query, "iss", |kind| match kind {
                        Missing | Empty => Same,
                        _ if kind.is_twice() || kind.is_unreadable() => R400,
                        _ => Explained,
                    }),
                    param(Place::Query, "target_link_uri", target),
                    optional_field("launch"),
                    param(Place::Cookie, "__Host-rp_pre", |_| Same),
                ],
            ]),
            good: |reply| {
                reply.status == 303
                    && reply.location().starts_with("http://auth")
                    && reply
                        .location()
                        .contains("/handoff/authorize?client_id=notes&")
                    && !reply.location().contains("evil")
                    && !reply.location().contains("script%3A")
            },
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Notes,
            path: "/callback",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let world = &stage.world;
                    let url = stage.elsewhere.callback_address(world).await;
                    let bobs = stage.bob.callback_address(world).await;
                    let bobs = Url::parse(&bobs).unwrap();
                    let of_bob = |name: &str| {
                        let mut pairs = bobs.query_pairs();
                        encode(&pairs.find(|(found, _)| found == name).unwrap().1)
                    };
                    let pre = stage.bob.cookie(bobs.as_str(), "__Host-rp_pre").unwrap();
                    let place = Place::Query;
                    Built {
                        request: Stage::navigation(&stage.elsewhere, &url),
                        foreign: vec![
                            (place, "state", "another browser's", of_bob("state")),
                            (
                                place,
                                "handoff_token",
                                "another person's",
                                of_bob("handoff_token"),
                            ),
                            (
                                place,
                                "iss",
                                "another server's",
                                encode(world.origins.of(lab::ID).as_str()),
                            ),
                            (
                                Place::Cookie,
                                "__Host-rp_pre",
                                "another browser's",
                                pre.into(),
                            ),
                        ],
                    }
                })
            },
            params: all([
                navigation_params(),
                vec![
                    param(Place::Query, "state", |_| Explained),
                    param(Place::Query, "handoff_token", |kind| {
                        if kind.is_twice() || kind.is_unreadable() {
                            Explained
                        } else {
                            Abandoned
                        }
                    }),
                    param(Place::Query, "iss", |kind| {
                        if kind.is_twice() || kind.is_unreadable() {
                            Explained
                        } else {
                            Abandoned
                        }
                    }),
                    param(Place::Query, "error", |kind| match kind {
                        // There is none in the good request.
                        Missing | Empty => Same,
                        _ if kind.is_twice() || kind.is_unreadable() => Explained,
                        _ => Abandoned,
                    }),
                    param(Place::Cookie, "__Host-rp_pre", |_| Explained),
                ],
            ]),
            good: |reply| reply.status == 303 && reply.location() == "/",
            nobody: no_cookie,
            gives: RP_SESSION,
        },
        Route {
            site: Site::Notes,
            path: "/signin/problem",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let url = "/signin/problem?trace=0123456789abcdef&reason=cancelled";
                    let url = stage.world.notes(url);
                    Built {
                        request: Stage::navigation(&stage.world.visitor(), &url),
                        foreign: vec![],
                    }
                })
            },
            params: vec![optional_field("trace"), optional_field("reason")],
            good: |reply| reply.status == 200 && reply.body.contains("Sign-in problem"),
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Notes,
            path: "/resume",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let url = stage.world.notes("/resume");
                    Built {
                        request: Stage::navigation(&stage.alice, &url),
                        foreign: vec![],
                    }
                })
            },
            params: vec![param(Place::Cookie, RP_SESSION, |_| Nobody)],
            good: |reply| reply.status == 200 && reply.body.contains("Alice Moreau"),
            nobody: at_the_way_in,
            gives: "",
        },
        form_address(Site::Notes, "/notes", |stage| {
            Box::pin(async { form_address_request(stage, "notes") })
        }),
        Route {
            site: Site::Notes,
            path: "/notes",
            methods: &["GET", "POST"],
            base: |stage| {
                Box::pin(async {
                    let home = stage.world.notes("/");
                    new_item(stage, &stage.alice, "notes").await;
                    let page = stage.alice.get(&home).await;
                    let bobs = stage.bob.get(&home).await;
                    let url = stage.world.notes("/notes");
                    let csrf = page.csrf();
                    let fields = [("csrf", csrf.as_str()), ("text", "milk")];
                    let mut foreign = stage.form_foreign(&home, RP_SESSION).await;
                    foreign.extend(text_foreign(&bobs));
                    Built {
                        request: with_shown_form(Stage::form(&stage.alice, &url, &fields), &page),
                        foreign,
                    }
                })
            },
            params: all([
                text_params(|kind| match kind {
                    Empty | Nul | Long => R422,
                    Missing | BadUtf8 | OverlongUtf8 => R400,
                    _ if kind.is_twice() => R400,
                    _ => Same,
                }),
                form_params(RP_SESSION).into_iter().skip(1).collect(),
            ]),
            good: |reply| reply.status == 303 && reply.location() == "/",
            nobody: at_the_front_page,
            gives: "",
        },
        item_route(
            Site::Notes,
            "/notes/{id}/delete",
            |stage| Box::pin(item_request(stage, "notes", "delete", None)),
            vec![],
        ),
        item_route(
            Site::Notes,
            "/notes/{id}/restore",
            |stage| Box::pin(restore_request(stage, "notes")),
            vec![],
        ),
        edit_page(Site::Notes, "/notes/{id}/edit", |stage| {
            Box::pin(edit_page_request(stage, "notes"))
        }),
        edit_form(
            Site::Notes,
            "/notes/{id}/edit",
            |stage| Box::pin(edit_request(stage, "notes")),
            |kind| match kind {
                Empty | Nul | Long => R422,
                Missing | BadUtf8 | OverlongUtf8 => R400,
                _ if kind.is_twice() => R400,
                _ => Same,
            },
        ),
        Route {
            site: Site::Notes,
            path: "/switch",
            methods: &["GET", "POST"],
            base: |stage| {
                Box::pin(async {
                    let persona = at_the_switch(stage).await;
                    let url = stage.world.notes("/switch");
                    Built {
                        request: Stage::navigation(&persona, &url),
                        foreign: vec![],
                    }
                })
            },
            params: vec![param(Place::Cookie, RP_SESSION, |_| Nobody)],
            good: |reply| reply.status == 200 && reply.body.contains("Bob Okafor"),
            nobody: nobody_to_ask,
            gives: "",
        },
        Route {
            site: Site::Notes,
            path: "/switch",
            methods: &["GET", "POST"],
            base: |stage| {
                Box::pin(async {
                    let persona = at_the_switch(stage).await;
                    let url = stage.world.notes("/switch");
                    let csrf = persona.get(&url).await.csrf();
                    let fields = [("csrf", csrf.as_str()), ("decision", "switch")];
                    Built {
                        request: Stage::form(&persona, &url, &fields),
                        foreign: stage
                            .form_foreign(&stage.world.notes("/"), RP_SESSION)
                            .await,
                    }
                })
            },
            params: all([
                form_params(RP_SESSION),
                vec![param(Place::Form, "decision", exact_or_400)],
            ]),
            good: |reply| reply.status == 303 && reply.location() == "/",
            nobody: nobody_to_ask,
            gives: RP_SESSION,
        },
        Route {
            site: Site::Notes,
            path: "/logout",
            methods: &["POST"],
            base: |stage| {
                Box::pin(async {
                    let persona = stage.world.signed_in(ALICE).await;
                    let csrf = persona.open_notes(&stage.world).await.csrf();
                    let url = stage.world.notes("/logout");
                    Built {
                        request: Stage::form(&persona, &url, &[("csrf", &csrf)]),
                        foreign: stage
                            .form_foreign(&stage.world.notes("/"), RP_SESSION)
                            .await,
                    }
                })
            },
            params: form_params(RP_SESSION),
            good: |reply| reply.status == 303 && reply.location() == "/?signed_out=1",
            nobody: at_the_front_page,
            gives: "",
        },
    ]
}

fn tasks() -> Vec<Route> {
    vec![
        form_address(Site::Tasks, "/tasks", |stage| {
            Box::pin(async { form_address_request(stage, "tasks") })
        }),
        Route {
            site: Site::Tasks,
            path: "/tasks",
            methods: &["GET", "POST"],
            base: |stage| {
                Box::pin(async {
                    let home = stage.world.tasks("/");
                    new_item(stage, &stage.alice, "tasks").await;
                    let page = stage.alice.get(&home).await;
                    let bobs = stage.bob.get(&home).await;
                    let url = stage.world.tasks("/tasks");
                    let csrf = page.csrf();
                    let fields = [("csrf", csrf.as_str()), ("text", "milk")];
                    let mut foreign = stage.form_foreign(&home, RP_SESSION).await;
                    foreign.extend(text_foreign(&bobs));
                    Built {
                        request: with_shown_form(Stage::form(&stage.alice, &url, &fields), &page),
                        foreign,
                    }
                })
            },
            params: all([
                text_params(|kind| match kind {
                    Empty | Nul | Long | CrLf => R422,
                    Missing | BadUtf8 | OverlongUtf8 => R400,
                    _ if kind.is_twice() => R400,
                    _ => Same,
                }),
                form_params(RP_SESSION).into_iter().skip(1).collect(),
            ]),
            good: |reply| reply.status == 303 && reply.location() == "/",
            nobody: at_the_front_page,
            gives: "",
        },
        item_route(
            Site::Tasks,
            "/tasks/{id}/tick",
            |stage| Box::pin(item_request(stage, "tasks", "tick", Some(("done", "true")))),
            vec![param(Place::Form, "done", exact_or_400)],
        ),
        item_route(
            Site::Tasks,
            "/tasks/{id}/delete",
            |stage| Box::pin(item_request(stage, "tasks", "delete", None)),
            vec![],
        ),
        item_route(
            Site::Tasks,
            "/tasks/{id}/restore",
            |stage| Box::pin(restore_request(stage, "tasks")),
            vec![],
        ),
        edit_page(Site::Tasks, "/tasks/{id}/edit", |stage| {
            Box::pin(edit_page_request(stage, "tasks"))
        }),
        edit_form(
            Site::Tasks,
            "/tasks/{id}/edit",
            |stage| Box::pin(edit_request(stage, "tasks")),
            |kind| match kind {
                Empty | Nul | Long | CrLf => R422,
                Missing | BadUtf8 | OverlongUtf8 => R400,
                _ if kind.is_twice() => R400,
                _ => Same,
            },
        ),
    ]
}

/// The address that a form posts to, opened by itself: the form stands on the front page.
fn form_address(site: Site, path: &'static str, base: Base) -> Route {
    Route {
        site,
        path,
        methods: &["GET", "POST"],
        base,
        // Whoever asks: it leads to a page that anybody may see.
        params: vec![param(Place::Cookie, RP_SESSION, |_| Same)],
        good: |reply| reply.status == 303 && reply.location() == "/",
        nobody: no_cookie,
        gives: "",
    }
}

fn form_address_request(stage: &Stage, site: &str) -> Built {
    let url = at(stage, site, &format!("/{site}"));
    Built {
        request: Stage::navigation(&stage.alice, &url),
        foreign: vec![],
    }
}

/// The fields of a form with a text of a person's own.
fn text_params(text: fn(Kind) -> Expect) -> Vec<Param> {
    vec![
        param(Place::Form, "csrf", |kind| match kind {
            // The text may hold any character; bytes that are none may not.
            Nul => R403,
            _ => csrf(kind),
        }),
        param(Place::Form, "text", text),
        // Whatever is none of ours is as good as none. What is another person's is kept for them.
        param(Place::Form, "form", sealed),
        param(Place::Form, "kept", sealed),
        param(Place::Form, "page", of_a_text),
    ]
}

/// What a form for a text brings besides the text, which may hold any character.
fn of_a_text(kind: Kind) -> Expect {
    match kind {
        Nul => Same,
        _ => optional(kind),
    }
}

fn sealed(kind: Kind) -> Expect {
    match kind {
        Foreign => R403,
        _ => of_a_text(kind),
    }
}

/// The value of a hidden field of a page.
fn hidden(page: &Answer, name: &str) -> String {
    let (_, field) = page.body.split_once(&format!("name=\"{name}\"")).unwrap();
    let (tag, _) = field.split_once('>').unwrap();
    let (_, value) = tag.split_once("value=\"").unwrap();
    value.split_once('"').unwrap().0.to_owned()
}

/// The request of a form as a page shows it.
fn with_shown_form(request: Request, page: &Answer) -> Request {
    request
        .with(Place::Form, "form", &hidden(page, "form"))
        .with(Place::Form, "page", "1")
}

/// What is sealed for another person.
fn text_foreign(others: &Answer) -> Vec<(Place, &'static str, &'static str, Vec<u8>)> {
    let form = encode(&hidden(others, "form"));
    vec![
        (Place::Form, "form", "another person's", form.clone()),
        (Place::Form, "kept", "another person's", form),
    ]
}

/// A form about one note or task.
fn item_route(site: Site, path: &'static str, base: Base, params: Vec<Param>) -> Route {
    // What cannot be brought back is told at once: an address that says so could come from anybody.
    let id: fn(Kind) -> Expect = if path.ends_with("/restore") {
        |_| R404
    } else {
        |kind| match kind {
            Foreign => NothingDone,
            _ => R404,
        }
    };
    Route {
        site,
        path,
        methods: &["POST"],
        base,
        params: all([
            form_params(RP_SESSION),
            vec![param(Place::Path, "id", id)],
            params,
        ]),
        good: at_home,
        nobody: at_the_front_page,
        gives: "",
    }
}

/// The page that changes a note or a task.
fn edit_page(site: Site, path: &'static str, base: Base) -> Route {
    Route {
        site,
        path,
        methods: &["GET", "POST"],
        base,
        params: vec![
            param(Place::Cookie, RP_SESSION, |_| Nobody),
            param(Place::Path, "id", |_| R404),
        ],
        good: |reply| reply.status == 200 && reply.body.contains("bread"),
        nobody: at_the_way_in,
        gives: "",
    }
}

/// The form on that page. What is not there is answered with the text, so that it is not lost.
fn edit_form(site: Site, path: &'static str, base: Base, text: fn(Kind) -> Expect) -> Route {
    Route {
        site,
        path,
        methods: &["GET", "POST"],
        base,
        params: all([
            text_params(text),
            form_params(RP_SESSION).into_iter().skip(1).collect(),
            vec![param(Place::Path, "id", |_| R404)],
        ]),
        good: at_home,
        nobody: at_the_front_page,
        gives: "",
    }
}

fn at_home(reply: &Reply) -> bool {
    let location = reply.location();
    reply.status == 303 && (location == "/" || location.starts_with("/?"))
}

/// The address of a site's path.
fn at(stage: &Stage, site: &str, path: &str) -> String {
    match site {
        "tasks" => stage.world.tasks(path),
        _ => stage.world.notes(path),
    }
}

async fn item_request(
    stage: &Stage,
    site: &'static str,
    verb: &str,
    field: Option<(&str, &str)>,
) -> Built {
    let home = at(stage, site, "/");
    let mine = new_item(stage, &stage.alice, site).await;
    let bobs = new_item(stage, &stage.bob, site).await;
    let csrf = stage.alice.get(&home).await.csrf();
    let mut fields = vec![("csrf", csrf.as_str())];
    fields.extend(field);
    let mut request = Stage::form(&stage.alice, &home, &fields).with(Place::Path, "id", &mine);
    request.path = format!("/{site}/{{}}/{verb}");
    let mut foreign = stage.form_foreign(&home, RP_SESSION).await;
    foreign.push((Place::Path, "id", "another person's", bobs.into()));
    Built { request, foreign }
}

async fn edit_request(stage: &Stage, site: &'static str) -> Built {
    let Built {
        request,
        mut foreign,
    } = item_request(stage, site, "edit", Some(("text", "milk"))).await;
    let mut pages = Vec::new();
    for persona in [&stage.alice, &stage.bob] {
        let id = ids(stage, persona, site).await.remove(0);
        let url = at(stage, site, &format!("/{site}/{id}/edit"));
        pages.push(persona.get(&url).await);
    }
    foreign.extend(text_foreign(&pages[1]));
    Built {
        request: with_shown_form(request, &pages[0]),
        foreign,
    }
}

/// What Alice has just deleted is to come back; what Bob has deleted is not hers.
async fn restore_request(stage: &Stage, site: &'static str) -> Built {
    let built = item_request(stage, site, "restore", None).await;
    for persona in [&stage.alice, &stage.bob] {
        let csrf = persona.get(&at(stage, site, "/")).await.csrf();
        for id in ids(stage, persona, site).await {
            let url = at(stage, site, &format!("/{site}/{id}/delete"));
            persona.post(&url, &[("csrf", &csrf)]).await;
        }
    }
    built
}

async fn edit_page_request(stage: &Stage, site: &'static str) -> Built {
    let mine = new_item(stage, &stage.alice, site).await;
    let bobs = new_item(stage, &stage.bob, site).await;
    let request = Stage::navigation(&stage.alice, &at(stage, site, "/"));
    let mut request = request.with(Place::Path, "id", &mine);
    request.path = format!("/{site}/{{}}/edit");
    Built {
        request,
        foreign: vec![(Place::Path, "id", "another person's", bobs.into())],
    }
}

/// The ids of what stands on a person's page.
async fn ids(stage: &Stage, persona: &Persona, site: &str) -> Vec<String> {
    let page = persona.get(&at(stage, site, "/")).await.body;
    let action = format!("action=\"/{site}/");
    page.split(&action)
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("/delete\"")?.0.to_owned()))
        .filter(|id| id.len() == 22)
        .collect()
}

/// The id of a note or task that somebody has just written. There is one at a time.
async fn new_item(stage: &Stage, persona: &Persona, site: &str) -> String {
    let home = at(stage, site, "/");
    let csrf = persona.get(&home).await.csrf();
    for id in ids(stage, persona, site).await {
        let url = at(stage, site, &format!("/{site}/{id}/delete"));
        persona.post(&url, &[("csrf", &csrf)]).await;
    }
    let fields = [("csrf", csrf.as_str()), ("text", "bread")];
    persona
        .post(&at(stage, site, &format!("/{site}")), &fields)
        .await;
    ids(stage, persona, site).await.remove(0)
}

/// A browser where Alice is signed in at Notes, and Bob has just arrived.
async fn at_the_switch(stage: &Stage) -> Persona {
    let world = &stage.world;
    let persona = world.signed_in(ALICE).await;
    persona.open_notes(world).await;
    persona.lose_cookie(&world.authority("/"), AS_SESSION);
    persona.sign_in(world, BOB).await;
    let switch = persona.open_notes(world).await;
    assert!(switch.url.ends_with("/switch"), "{switch:?}");
    persona
}

/// A flow that is over, so that following it ends.
const FLOW: &str = "0123456789abcdef0123456789abcdef";
/// A request of it.
const TRACE: &str = "0123456789abcdef";

/// The session that it gave.
const SESSION: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// One that goes on with each report.
const OTHER: &str = "fedcba9876543210fedcba9876543210";

fn report(world: &World, flow: &str) -> Request {
    let step = format!(
        r#"[{{"step":"session_created","site":"relying_party","client":"notes","belongs":{{"flow":"{flow}"}},"session":"{SESSION}","trace":"{TRACE}","at":1795230000000000,"after":10}}]"#
    );
    let key = format!("Bearer {}", world.report_key());
    let mut request = Stage::request("POST", &world.visitor(), &world.lab("/reports"))
        .with(Place::Header, "authorization", &key)
        .with(Place::Header, "content-type", "application/json");
    request.body = Body::Raw(step.into_bytes());
    request
}

/// A request for what the lab has of that flow.
fn of_flow(stage: &Stage, path: &str, name: &'static str, id: &str) -> Built {
    let world = &stage.world;
    let mut request = Stage::navigation(&world.visitor(), world.origins.of(lab::ID).as_str()).with(
        Place::Path,
        name,
        id,
    );
    request.path = path.to_owned();
    Built {
        request,
        foreign: vec![
            (
                Place::Path,
                name,
                "nobody's",
                "0123456789abcdef0123456789abcdee".into(),
            ),
            (Place::Path, name, "a launch's", "1".repeat(32).into()),
            (Place::Path, name, "a folder", "..%2f..%2flab.key".into()),
        ],
    }
}

fn flow_route(path: &'static str, base: Base, good: fn(&Reply) -> bool) -> Route {
    Route {
        site: Site::Lab,
        path,
        methods: &["GET"],
        base,
        params: vec![param(Place::Path, "id", |_| R404)],
        good,
        nobody: no_cookie,
        gives: "",
    }
}

/// A number that may be missing, in a query.
fn number(kind: Kind) -> Expect {
    match kind {
        Missing | Empty => Same,
        _ => R400,
    }
}

fn flows() -> Vec<Route> {
    vec![
        Route {
            site: Site::Lab,
            path: "/flows",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let built = of_flow(stage, "/flows", "id", "");
                    let mut request = built.request.with(Place::Query, "before", FLOW);
                    request.put(Place::Path, "id", vec![]);
                    Built {
                        request,
                        foreign: vec![(Place::Query, "before", "nobody's", "1".repeat(32).into())],
                    }
                })
            },
            params: vec![param(Place::Query, "before", |kind| match kind {
                Foreign => R404,
                kind => number(kind),
            })],
            good: |reply| reply.status == 200,
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Lab,
            path: "/flows/events",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let url = format!("{}/flows/events", stage.world.origins.of(lab::ID));
                    Built {
                        request: Stage::navigation(&stage.world.visitor(), &url),
                        foreign: vec![],
                    }
                })
            },
            params: vec![],
            good: |reply| reply.status == 200,
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Lab,
            path: "/flows/next",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let built = of_flow(stage, "/flows/next", "id", "");
                    let mut request = built.request.with(Place::Query, "after", "0");
                    request.put(Place::Path, "id", vec![]);
                    Built {
                        request,
                        foreign: vec![(Place::Query, "after", "a flow's id", FLOW.into())],
                    }
                })
            },
            params: vec![param(Place::Query, "after", number)],
            good: |reply| reply.status == 303,
            nobody: no_cookie,
            gives: "",
        },
        flow_route(
            "/flows/{id}",
            |stage| Box::pin(async { of_flow(stage, "/flows/{}", "id", FLOW) }),
            |reply| reply.status == 200,
        ),
        flow_route(
            "/flows/{id}/export.json",
            |stage| Box::pin(async { of_flow(stage, "/flows/{}/export.json", "id", FLOW) }),
            |reply| reply.status == 200,
        ),
        flow_route(
            "/flows/{id}/export.svg",
            |stage| Box::pin(async { of_flow(stage, "/flows/{}/export.svg", "id", FLOW) }),
            |reply| reply.status == 200,
        ),
        flow_route(
            "/flows/{id}/export.mermaid",
            |stage| Box::pin(async { of_flow(stage, "/flows/{}/export.mermaid", "id", FLOW) }),
            |reply| reply.status == 200,
        ),
        Route {
            params: vec![
                param(Place::Path, "id", |_| R404),
                param(Place::Query, "after", number),
                param(Place::Header, "last-event-id", |kind| match kind {
                    Missing => Same,
                    _ => R400,
                }),
            ],
            ..flow_route(
                "/flows/{id}/events",
                |stage| {
                    Box::pin(async {
                        let built = of_flow(stage, "/flows/{}/events", "id", FLOW);
                        let request = built.request.with(Place::Query, "after", "0").with(
                            Place::Header,
                            "last-event-id",
                            "0",
                        );
                        Built { request, ..built }
                    })
                },
                |reply| reply.status == 200,
            )
        },
        Route {
            params: vec![param(Place::Path, "trace", |_| R404)],
            ..flow_route(
                "/flows/by-trace/{trace}",
                |stage| Box::pin(async { of_flow(stage, "/flows/by-trace/{}", "trace", TRACE) }),
                |reply| reply.status == 303 && reply.location().ends_with(FLOW),
            )
        },
        Route {
            params: vec![param(Place::Path, "session", |_| R404)],
            ..flow_route(
                "/flows/by-session/{session}",
                |stage| {
                    Box::pin(async { of_flow(stage, "/flows/by-session/{}", "session", SESSION) })
                },
                |reply| reply.status == 303 && reply.location().ends_with(FLOW),
            )
        },
        Route {
            site: Site::Lab,
            path: "/reports",
            methods: &["POST"],
            base: |stage| {
                Box::pin(async {
                    let bearer = |secret: String| format!("Bearer {secret}").into_bytes();
                    let (place, name) = (Place::Header, "authorization");
                    Built {
                        request: report(&stage.world, OTHER),
                        foreign: vec![
                            (
                                place,
                                name,
                                "a client's",
                                bearer(stage.world.notes_secret()),
                            ),
                            (
                                place,
                                name,
                                "the key as a password",
                                basic("lab", &stage.world.report_key()).into(),
                            ),
                        ],
                    }
                })
            },
            params: vec![param(Place::Header, "authorization", |_| R401)],
            good: |reply| reply.status == 204,
            nobody: no_cookie,
            gives: "",
        },
        client_report_route(
            |stage| Box::pin(client_report(stage, "session_created", None)),
            |kind| match kind {
                // Nothing was refused.
                Missing | Null => Same,
                _ => INVALID,
            },
        ),
        client_report_route(
            |stage| Box::pin(client_report(stage, "refused", Some("verify_refused"))),
            |kind| match kind {
                Empty | Another | Markup | Unicode | Nul | CrLf | Long | Foreign => {
                    Expect::Error(422, "unknown_reason")
                }
                _ => INVALID,
            },
        ),
    ]
}

/// A client reports one step of its own. Nothing of a report is guessed: what cannot be read is
/// refused, and so is what leads to another handoff, or to none.
fn client_report_route(base: Base, reason: fn(Kind) -> Expect) -> Route {
    // The handoff is known by the others, too.
    let known_by: fn(Kind) -> Expect = |kind| match kind {
        Missing | Null => Same,
        Foreign => R422,
        _ => INVALID,
    };
    Route {
        site: Site::Lab,
        path: "/api/v1/reports",
        methods: &["POST"],
        base,
        params: vec![
            param(Place::Header, "authorization", |_| {
                Expect::Error(401, "invalid_token")
            }),
            param(Place::Header, "content-type", |_| {
                Expect::Error(415, "invalid_request")
            }),
            param(Place::Json, "step", |kind| match kind {
                Foreign => Expect::Error(422, "not_your_step"),
                _ => INVALID,
            }),
            param(Place::Json, "at", |kind| match kind {
                Number | Foreign => Expect::Error(422, "at_out_of_range"),
                _ => INVALID,
            }),
            param(Place::Json, "after", |kind| match kind {
                Missing | Number => Same,
                _ => INVALID,
            }),
            param(Place::Json, "trace", |kind| match kind {
                Foreign => Expect::Error(422, "another_handoff"),
                _ => INVALID,
            }),
            param(Place::Json, "flow", known_by),
            param(Place::Json, "launch", known_by),
            param(Place::Json, "session", known_by),
            param(Place::Json, "reason", reason),
        ],
        good: |reply| reply.status == 204,
        nobody: no_cookie,
        gives: "",
    }
}

/// A report by Notes of a handoff that Harbor ID has seen whole.
async fn client_report(stage: &Stage, step: &str, reason: Option<&str>) -> Built {
    let world = &stage.world;
    let (party, bobs) = (world.relying_party(), world.relying_party());
    let launch = stage.alice.launch(world).await;
    let bobs_launch = stage.bob.launch(world).await;
    let authorize = party.authorize(world, Some(&launch));
    let answer = stage.alice.get(&authorize).await;
    let token = answer.location_parameter("handoff_token");
    let verify = world.authority("/handoff/verify?include=session");
    let as_notes = basic("notes", &world.notes_secret());
    let headers = [("authorization", as_notes.as_str())];
    let body = party.body(&token);
    let told = world.visitor().post_json(&verify, &headers, &body).await;
    let session = told.json()["session"]["id"].clone();
    let launch_id = |ticket: String| {
        let ticket = Unverified::<LaunchTicket>::new(ticket).unwrap();
        serde_json::json!(LaunchId::of(&ticket.digest()))
    };
    let flow_id = |party: &OwnRelyingParty| serde_json::json!(FlowId::of(&party.state.digest()));
    let at = world.clock.now().unix_timestamp() * 1_000_000;
    let key = format!("Bearer {}", stage.client_report_key);
    let mut request = Stage::request("POST", &world.visitor(), &world.lab("/api/v1/reports"))
        .with(Place::Header, "authorization", &key)
        .with(Place::Header, "content-type", "application/json");
    let trace = flow_id(&party).as_str().unwrap()[..16].to_owned();
    let members = [
        ("step", serde_json::json!(step)),
        ("at", serde_json::json!(at)),
        ("after", serde_json::json!(9)),
        ("trace", serde_json::json!(trace)),
        ("flow", flow_id(&party)),
        ("launch", launch_id(launch)),
        ("session", session),
        ("reason", serde_json::json!(reason)),
    ];
    for (name, value) in members {
        let value = vec![(name.to_owned(), value.to_string().into_bytes())];
        request.put(Place::Json, name, value);
    }
    request.body = Body::JsonList;
    let text = |text: &str| serde_json::json!(text).to_string().into_bytes();
    let bearer = |secret: String| format!("Bearer {secret}").into_bytes();
    let day = 24 * 60 * 60 * 1_000_000;
    let (header, json) = (Place::Header, Place::Json);
    Built {
        request,
        foreign: vec![
            (
                header,
                "authorization",
                "the key of the sites' reports",
                bearer(world.report_key()),
            ),
            (
                header,
                "authorization",
                "the client's secret",
                bearer(world.notes_secret()),
            ),
            (
                header,
                "authorization",
                "the key as a password",
                basic("notes", &stage.client_report_key).into(),
            ),
            (json, "step", "Harbor ID's", text("token_issued")),
            (
                json,
                "at",
                "more than a day ago",
                (at - day - 60_000_000).to_string().into(),
            ),
            (json, "at", "tomorrow", (at + day).to_string().into()),
            (json, "after", "more than an hour", "3600000001".into()),
            (json, "after", "less than nothing", "-1".into()),
            (json, "trace", "another handoff's", text(TRACE)),
            (json, "flow", "another handoff's", text(FLOW)),
            (json, "flow", "nobody's", text(&"1".repeat(32))),
            (
                json,
                "flow",
                "one that is not begun",
                flow_id(&bobs).to_string().into(),
            ),
            (
                json,
                "launch",
                "another person's",
                launch_id(bobs_launch).to_string().into(),
            ),
            (json, "session", "another handoff's", text(SESSION)),
            (json, "reason", "Harbor ID's", text("already_used")),
        ],
    }
}

fn others() -> Vec<Route> {
    vec![
        Route {
            site: Site::Lab,
            path: "/",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let url = format!("{}/", stage.world.origins.of(lab::ID));
                    Built {
                        request: Stage::navigation(&stage.world.visitor(), &url),
                        foreign: vec![],
                    }
                })
            },
            params: vec![],
            good: |reply| reply.status == 200 && reply.body.contains("Handoff Lab"),
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Lab,
            path: "/monitor",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let url = format!("{}/monitor", stage.world.origins.of(lab::ID));
                    Built {
                        request: Stage::navigation(&stage.world.visitor(), &url),
                        foreign: vec![],
                    }
                })
            },
            params: vec![],
            good: |reply| reply.status == 200 && reply.body.contains("Alarms"),
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Lab,
            path: "/monitor/events",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let url = stage.world.lab("/monitor/events");
                    Built {
                        request: Stage::navigation(&stage.world.visitor(), &url),
                        foreign: vec![],
                    }
                })
            },
            params: vec![],
            good: |reply| reply.status == 200 && reply.body.contains("data:"),
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Lab,
            path: "/step",
            methods: &["GET", "POST"],
            base: |stage| {
                Box::pin(async {
                    let url = stage.world.lab("/step");
                    Built {
                        request: Stage::form(&stage.world.visitor(), &url, &[("off", "yes")]),
                        foreign: vec![],
                    }
                })
            },
            params: vec![
                param(Place::Header, "origin", same_origin),
                param(Place::Header, "sec-fetch-site", same_origin),
                param(Place::Header, "content-type", |_| R415),
            ],
            good: |reply| reply.status == 303 && reply.location() == "/step",
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Lab,
            path: "/step/on",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let visitor = stage.world.visitor();
                    let mut answer = begin_stepping(stage, &visitor).await;
                    for _ in 0..3 {
                        answer = visitor.get(&answer.location()).await;
                    }
                    Built {
                        request: Stage::navigation(&visitor, &answer.location()),
                        foreign: vec![],
                    }
                })
            },
            params: all([
                navigation_params(),
                vec![param(Place::Query, "key", chain_key)],
            ]),
            // Whatever became of it, the page says it.
            good: |reply| reply.status == 303 && reply.location() == "/step",
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Lab,
            path: "/lab/step",
            methods: &["GET", "POST"],
            base: |stage| {
                Box::pin(async {
                    let url = stage.world.notes("/lab/step");
                    Built {
                        request: Stage::form(&stage.world.visitor(), &url, &[("off", "yes")]),
                        foreign: vec![],
                    }
                })
            },
            params: vec![
                param(Place::Header, "origin", same_origin),
                param(Place::Header, "sec-fetch-site", same_origin),
                param(Place::Header, "content-type", |_| R415),
            ],
            good: |reply| reply.status == 303 && reply.location() == "/lab/step",
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Lab,
            path: "/lab/step/on",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let visitor = stage.world.visitor();
                    let begun = begin_stepping(stage, &visitor).await;
                    let second = visitor.get(&begun.location()).await;
                    let other = begin_stepping(stage, &stage.world.visitor()).await;
                    let other = other.location_parameter("key");
                    Built {
                        request: Stage::navigation(&visitor, &second.location()),
                        foreign: vec![(Place::Query, "key", "another site's", other.into())],
                    }
                })
            },
            params: all([
                navigation_params(),
                vec![param(Place::Query, "key", |kind| match chain_key(kind) {
                    Same => Nobody,
                    refused => refused,
                })],
            ]),
            good: |reply| reply.status == 303 && reply.location().contains("/lab/step/on?key="),
            nobody: |reply| reply.status == 303 && reply.location() == "/lab/step",
            gives: STEPPING,
        },
        Route {
            site: Site::Every,
            path: "/glossary",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let url = stage.world.authority("/glossary?scale=120");
                    Built {
                        request: Stage::navigation(&stage.world.visitor(), &url).with(
                            Place::Cookie,
                            APPEARANCE,
                            "dark.140",
                        ),
                        foreign: vec![],
                    }
                })
            },
            params: vec![
                param(Place::Query, "scale", |_| Same),
                param(Place::Cookie, APPEARANCE, |_| Same),
            ],
            good: |reply| reply.status == 200 && reply.body.contains("verifier"),
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Every,
            path: "/appearance",
            methods: &["POST"],
            base: |stage| {
                Box::pin(async {
                    let url = stage.world.authority("/appearance");
                    let fields = [("theme", "dark"), ("scale", "120"), ("back", "/glossary")];
                    Built {
                        request: Stage::form(&stage.world.visitor(), &url, &fields),
                        foreign: vec![
                            (
                                Place::Form,
                                "back",
                                "an attacker's",
                                encode("http://evil.localhost/"),
                            ),
                            (
                                Place::Form,
                                "back",
                                "an attacker's, without scheme",
                                encode("//evil.localhost/"),
                            ),
                            (
                                Place::Form,
                                "back",
                                "an attacker's, bent",
                                encode("/\\evil.localhost/"),
                            ),
                        ],
                    }
                })
            },
            params: vec![
                param(Place::Form, "theme", choice),
                param(Place::Form, "scale", choice),
                param(Place::Form, "back", |kind| match kind {
                    // It is written otherwise, and leads to a page that does not exist.
                    BadPercent | Markup | Unicode => Same,
                    kind => choice(kind),
                }),
                param(Place::Header, "origin", same_origin),
                param(Place::Header, "sec-fetch-site", same_origin),
                param(Place::Header, "content-type", |_| R415),
            ],
            good: |reply| reply.status == 303 && reply.location().ends_with("#foot"),
            nobody: no_cookie,
            gives: APPEARANCE,
        },
        Route {
            site: Site::Assets,
            path: "/assets/{file}",
            methods: &["GET"],
            base: |stage| {
                Box::pin(async {
                    let url = format!("{}/", stage.world.origins.of(lab::ID));
                    let names = ASSETS.names().unwrap();
                    let favicon = names.name("favicon-lab.svg");
                    let mut request = Stage::request("GET", &stage.world.visitor(), &url).with(
                        Place::Path,
                        "file",
                        favicon,
                    );
                    request.path = "/assets/{}".to_owned();
                    let outside = |text: &str| text.as_bytes().to_vec();
                    let place = Place::Path;
                    Built {
                        request,
                        foreign: vec![
                            (place, "file", "outside", outside("..%2fCargo.toml")),
                            (place, "file", "outside, plainly", outside("../Cargo.toml")),
                            (place, "file", "absolute", outside("%2fetc%2fpasswd")),
                            (place, "file", "the manifest", outside("manifest.json")),
                        ],
                    }
                })
            },
            params: vec![param(Place::Path, "file", |_| Status(&[400, 404]))],
            good: |reply| reply.status == 200,
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Ops,
            path: "/health",
            methods: &["GET"],
            base: |_| Box::pin(async { at_ops("/health") }),
            params: vec![],
            good: |reply| reply.status == 200,
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Ops,
            path: "/ready",
            methods: &["GET"],
            base: |_| Box::pin(async { at_ops("/ready") }),
            params: vec![],
            good: |reply| reply.status == 200,
            nobody: no_cookie,
            gives: "",
        },
        Route {
            site: Site::Ops,
            path: "/metrics",
            methods: &["GET"],
            base: |_| Box::pin(async { at_ops("/metrics") }),
            params: vec![],
            good: |reply| reply.status == 200,
            nobody: no_cookie,
            gives: "",
        },
    ]
}

fn at_ops(path: &str) -> Built {
    Built {
        request: Request::new("GET", "127.0.0.1", path),
        foreign: vec![],
    }
}
