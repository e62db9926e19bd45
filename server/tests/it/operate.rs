//! The operator's commands: the program itself, on a folder of its own and on one that a platform
//! runs on.

use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::{Output, Stdio},
};

use handoff::token::{ClientSecret, Secret};
use reqwest::StatusCode;
use server::platform::{Platform, Setup, Stores};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{io::AsyncWriteExt, process::Command};
use url::Url;

use crate::{
    harness::{Kept, Persona, Process, World, basic, world},
    program::handoff_lab,
};

const ALICE: &str = "alice@harbor.example";
const BOB: &str = "bob@harbor.example";
const PROBE: [&str; 9] = [
    "client",
    "add",
    "probe",
    "--origin",
    "http://probe.localhost:4000",
    "--redirect-uri",
    "http://probe.localhost:4000/callback",
    "--initiate-login-uri",
    "http://probe.localhost:4000/handoff/start",
];

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    code: i32,
    out: String,
    said: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            said: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It is done; this is what a script reads.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// It is done, and printed one line for a script and nothing else.
    #[track_caller]
    pub fn one_line(self) -> String {
        let out = self.done();
        let line = out.strip_suffix('\n').unwrap();
        assert!(!line.is_empty() && !line.contains('\n'), "{out:?}");
        line.to_owned()
    }

    /// It is refused in one sentence, and prints nothing that a script could take for an answer.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_eq!((self.code, &*self.out), (1, ""), "{self:?}");
        let said = self.said.strip_prefix("handoff-lab: ").unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        said.to_owned()
    }
}

fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::from(handoff_lab(arguments));
    command
        .env("HANDOFF_LAB_DATA", data)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

pub async fn run(data: &Path, arguments: &[&str]) -> Ran {
    Ran::of(command(data, arguments).output().await.unwrap())
}

async fn run_with(data: &Path, arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = command(data, arguments)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses may have closed its end.
    let _ = child.stdin.take().unwrap().write_all(input).await;
    Ran::of(child.wait_with_output().await.unwrap())
}

/// What stands in a column of `user list` or `client list`, for the row that begins with this.
async fn listed(data: &Path, what: &str, row: &str, column: usize) -> Option<String> {
    let table = run(data, &[what, "list"]).await.done();
    let found = table
        .lines()
        .find(|line| line.split_whitespace().next() == Some(row));
    found.map(|line| line.split_whitespace().nth(column).unwrap().to_owned())
}

async fn sign_in(world: &World, email: &str, password: &str) -> (Persona, StatusCode) {
    let persona = world.visitor();
    let url = world.authority("/login");
    let csrf = persona.get(&url).await.csrf();
    let fields = [("csrf", &*csrf), ("email", email), ("password", password)];
    let status = persona.post(&url, &fields).await.status;
    (persona, status)
}

/// What verify says to a client: whether it knows this secret, whatever else is wrong.
async fn knows(world: &World, client: &str, secret: &str) -> bool {
    let body = serde_json::json!({
        "handoff_token": "unknown", "state": "unknown", "client_id": client,
    });
    let auth = basic(client, secret);
    let url = world.authority("/auth/external/handoff/verify");
    let answer = world
        .visitor()
        .post_json(&url, &[("authorization", &auth)], &body)
        .await;
    match answer.status {
        StatusCode::BAD_REQUEST => true,
        StatusCode::UNAUTHORIZED => false,
        other => panic!("{other}: {answer:?}"),
    }
}

#[tokio::test]
async fn the_settings_file_says_where_the_data_is_and_a_new_folder_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.toml");
    let data = folder.path().join("elsewhere");
    let text = format!("data = {data:?}\nlog-format = \"json\"\n");
    std::fs::write(&file, text).unwrap();
    let add = async |email: &str, by_flag: bool| {
        let mut command = command(&data, &["user", "add", email, "--name", "Carol Ek"]);
        command.env_remove("HANDOFF_LAB_DATA");
        if by_flag {
            command.arg("--config").arg(&file);
        } else {
            command.env("HANDOFF_LAB_CONFIG", &file);
        }
        let ran = Ran::of(command.current_dir(&folder).output().await.unwrap());
        let said = ran.said.clone();
        ran.one_line();
        said
    };
    let said = add("carol@harbor.example", true).await;
    let begun = format!("Begun: the data folder {}.", data.display());
    assert!(said.contains(&begun), "{said}");
    let said = add("dora@harbor.example", false).await;
    assert!(!said.contains("Begun"), "{said}");
    assert!(!folder.path().join("data").exists());
    let table = run(&data, &["user", "list"]).await.done();
    assert!(
        table.contains("carol@") && table.contains("dora@"),
        "{table}"
    );
}

#[tokio::test]
async fn a_client_that_is_added_while_the_platform_runs_takes_a_handoff() {
    let (_process, world) = world().await;
    let alice = world.signed_in(ALICE).await;
    let secret = run(&world.folder(), &PROBE).await.one_line();
    ClientSecret::parse(&secret).unwrap();

    // H1, from the portal that was open before.
    let portal = alice.get(&world.authority("/")).await;
    let open = world.authority("/apps/probe/open");
    let opened = alice.post(&open, &[("csrf", &portal.csrf())]).await;
    assert!(opened.location_starts_with("http://probe.localhost:4000/handoff/start?"));
    let launch = opened.location_parameter("launch");

    // H3, with what the client's own H2 would send.
    let party = world.relying_party();
    let callback = "http://probe.localhost:4000/callback";
    let query = [
        ("client_id", "probe"),
        ("redirect_uri", callback),
        ("state", party.state.expose().as_ref()),
        ("code_challenge", &party.verifier.challenge().to_string()),
        ("code_challenge_method", "S256"),
        ("launch", &launch),
    ];
    let authorize = Url::parse_with_params(&world.authority("/handoff/authorize"), query);
    let sent = alice.get(authorize.unwrap().as_str()).await;
    assert!(sent.location_starts_with(callback), "{sent:?}");

    // H5.
    let body = serde_json::json!({
        "handoff_token": sent.location_parameter("handoff_token"),
        "state": party.state.expose().to_string(),
        "client_id": "probe",
        "redirect_uri": callback,
        "code_verifier": party.verifier.expose().to_string(),
    });
    let auth = basic("probe", &secret);
    let url = world.authority("/auth/external/handoff/verify");
    let verified = world
        .visitor()
        .post_json(&url, &[("authorization", &auth)], &body)
        .await;
    assert_eq!(verified.status, StatusCode::OK, "{verified:?}");
    assert_eq!(verified.json()["user"]["email"], ALICE);
}

#[tokio::test]
async fn a_client_is_added_once_listed_and_gets_a_new_secret() {
    let (_process, world) = world().await;
    let folder = world.folder();
    let ran = run(&folder, &PROBE).await;
    for told in [
        format!("issuer       {}\n", world.authority("")),
        format!(
            "verify       {}\n",
            world.authority("/auth/external/handoff/verify")
        ),
        "redirect_uri http://probe.localhost:4000/callback\n".to_owned(),
        "Next: start the application".to_owned(),
        "connect it to 127.0.0.1".to_owned(),
    ] {
        assert!(ran.said.contains(&told), "{told} is missing: {}", ran.said);
    }
    let first = ran.one_line();
    let said = run(&folder, &PROBE).await.refused();
    assert!(said.contains("the id probe is taken"), "{said}");
    assert!(knows(&world, "probe", &first).await);

    let table = run(&folder, &["client", "list"]).await.done();
    let rows: Vec<Vec<_>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(rows.contains(&vec!["ID", "KIND", "ORIGIN", "FOR", "NAME"]));
    let probe = "probe confidential http://probe.localhost:4000 everyone probe";
    assert!(rows.contains(&probe.split(' ').collect()), "{table}");
    assert!(!table.contains(&first));

    let second = run(&folder, &["client", "rotate-secret", "probe"]).await;
    let second = second.one_line();
    assert_ne!(first, second);
    assert!(knows(&world, "probe", &second).await);
    assert!(!knows(&world, "probe", &first).await);
    assert!(!folder.join("probe.secret").exists());

    let said = run(&folder, &["client", "rotate-secret", "nobody"]).await;
    assert!(said.refused().contains("nobody"));
}

#[tokio::test]
async fn a_new_secret_of_notes_goes_into_its_file_too() {
    let (_process, world) = world().await;
    let folder = world.folder();
    let before = world.notes_secret();
    let ran = run(&folder, &["client", "rotate-secret", "notes"]).await;
    assert!(ran.said.contains("notes.secret") && ran.said.contains("restart"));
    let secret = ran.one_line();
    assert_ne!(secret, before);
    assert_eq!(world.notes_secret(), secret);
    assert!(knows(&world, "notes", &secret).await);
    assert!(!knows(&world, "notes", &before).await);
    let mode = std::fs::metadata(folder.join("notes.secret"))
        .unwrap()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!folder.join("notes.new").exists());
}

#[tokio::test]
async fn a_secret_that_cannot_be_replaced_changes_nothing() {
    let (_process, world) = world().await;
    let folder = world.folder();
    let before = world.notes_secret();
    // In the way of the file that is to become the new one.
    std::fs::create_dir(folder.join("notes.new")).unwrap();
    let said = run(&folder, &["client", "rotate-secret", "notes"]).await;
    let said = said.refused();
    assert!(
        said.contains("nothing was changed") && said.contains("notes.secret"),
        "{said}"
    );
    assert_eq!(world.notes_secret(), before);
    assert!(knows(&world, "notes", &before).await);
}

#[tokio::test]
async fn rows_32_84_a_client_is_registered_by_the_rules_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let origin = "https://app.example";
    let callback = "https://app.example/callback";
    let start = "https://app.example/start";
    // The argument at fault, what it is given, and the rule that the refusal must name.
    for (argument, given, rule) in [
        ("--redirect-uri", "/callback", "absolute"),
        ("--redirect-uri", "callback", "absolute"),
        ("--redirect-uri", "//app.example/callback", "absolute"),
        ("--redirect-uri", "", "absolute"),
        (
            "--redirect-uri",
            "https://app.example/callback#",
            "fragment",
        ),
        (
            "--redirect-uri",
            "https://app.example/callback#x",
            "fragment",
        ),
        ("--redirect-uri", "https://me@app.example/callback", "user"),
        (
            "--redirect-uri",
            "https://me:pw@app.example/callback",
            "user",
        ),
        ("--redirect-uri", "https://*.example/callback", "wildcard"),
        ("--redirect-uri", "https://app.example/*", "wildcard"),
        ("--redirect-uri", "http://app.example/callback", "https"),
        ("--redirect-uri", "ftp://app.example/callback", "https"),
        ("--redirect-uri", "javascript:alert(1)", "absolute"),
        ("--redirect-uri", "https://evil.example/callback", "origin"),
        (
            "--redirect-uri",
            "https://app.example:8443/callback",
            "origin",
        ),
        (
            "--redirect-uri",
            "https://sub.app.example/callback",
            "origin",
        ),
        ("--redirect-uri", "http://localhost/callback", "origin"),
        (
            "--redirect-uri",
            "https://APP.example/callback",
            "https://app.example/callback",
        ),
        (
            "--redirect-uri",
            "https://app.example/a/../callback",
            "https://app.example/callback",
        ),
        ("--initiate-login-uri", "/start", "absolute"),
        (
            "--initiate-login-uri",
            "https://app.example/start#x",
            "fragment",
        ),
        (
            "--initiate-login-uri",
            "https://me@app.example/start",
            "user",
        ),
        ("--initiate-login-uri", "https://app.example/*", "wildcard"),
        ("--initiate-login-uri", "http://app.example/start", "https"),
        (
            "--initiate-login-uri",
            "https://evil.example/start",
            "origin",
        ),
        ("--origin", "app.example", "absolute"),
        ("--origin", "http://app.example", "https"),
        ("--origin", "http://127.0.0.1.evil.example", "https"),
        ("--origin", "http://localhost.evil.example", "https"),
        ("--origin", "https://*.example", "wildcard"),
        ("--origin", "https://me@app.example", "user"),
        (
            "--origin",
            "https://app.example/",
            "write it as https://app.example",
        ),
        (
            "--origin",
            "https://app.example:443",
            "write it as https://app.example",
        ),
        (
            "--origin",
            "https://app.example/path",
            "write it as https://app.example",
        ),
        ("--origin", "null", "absolute"),
        ("--handoff-seconds", "29", "30 to 300"),
        ("--handoff-seconds", "301", "30 to 300"),
        ("--name", " ", "empty"),
        ("--name", "a\nb", "one line"),
        ("--description", "a\u{7}b", "one line"),
        ("the id", "App", "a-z"),
        ("the id", "9app", "a-z"),
        ("the id", "a b", "a-z"),
    ] {
        let value = |this, usual| if argument == this { given } else { usual };
        let arguments = [
            "client",
            "add",
            value("the id", "app"),
            "--origin",
            value("--origin", origin),
            "--redirect-uri",
            callback,
            "--redirect-uri",
            value("--redirect-uri", callback),
            "--initiate-login-uri",
            value("--initiate-login-uri", start),
            "--name",
            value("--name", "App"),
            "--description",
            value("--description", ""),
            "--handoff-seconds",
            value("--handoff-seconds", "60"),
        ];
        let said = run(&data, &arguments).await.refused();
        assert!(
            said.starts_with(argument) && said.contains(rule),
            "{given:?}: {said}"
        );
    }
    assert!(!data.exists(), "a refusal makes no folder");

    let accepted: &[(&str, &str, &str)] = &[
        ("app", origin, "https://app.example/callback?x=1"),
        (
            "port",
            "https://app.example:8443",
            "https://app.example:8443/cb",
        ),
        ("v4", "http://127.0.0.1:9000", "http://127.0.0.1:9000/cb"),
        ("v6", "http://[::1]:9000", "http://[::1]:9000/cb"),
        ("local", "http://localhost", "http://localhost/cb"),
        ("sub", "http://a.b.localhost", "http://a.b.localhost/cb"),
    ];
    for (id, origin, callback) in accepted {
        let arguments = [
            "client",
            "add",
            id,
            "--origin",
            origin,
            "--redirect-uri",
            callback,
            "--initiate-login-uri",
            callback,
        ];
        run(&data, &arguments).await.one_line();
        let listed = listed(&data, "client", id, 2).await;
        assert_eq!(listed.as_deref(), Some(*origin));
    }
    assert_eq!(std::fs::metadata(&data).unwrap().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_client_has_the_icon_that_the_operator_names() {
    let (_process, world) = world().await;
    let folder = world.folder();
    let with = |id: &'static str, icon: &[&'static str]| {
        let mut arguments = PROBE.to_vec();
        arguments[2] = id;
        arguments.extend(icon);
        arguments
    };
    run(&folder, &with("dates", &["--icon", "calendar"]))
        .await
        .one_line();
    run(&folder, &with("plain", &[])).await.one_line();
    let said = run(&folder, &with("other", &["--icon", "cat"])).await;
    assert!(
        said.code != 0 && said.said.contains("--icon") && said.said.contains("calendar"),
        "{said:?}"
    );
    let file = folder.join("authority.db");
    let store = authority::store::Sqlite::open(&file).await.unwrap();
    let clients = authority::store::ClientStore::list_clients(&store)
        .await
        .unwrap();
    store.close().await;
    let icons: Vec<_> = clients
        .iter()
        .map(|client| (client.id.as_str(), client.icon.as_str()))
        .collect();
    assert_eq!(
        icons,
        [
            ("dates", "calendar"),
            ("notes", "page"),
            ("plain", "grid"),
            ("tasks", "tick")
        ]
    );
}

#[tokio::test]
async fn row_79_who_may_use_a_client_is_said_by_the_operator() {
    let (_process, world) = world().await;
    let folder = world.folder();
    let assign = async |arguments: &[&str]| {
        let arguments = [&["client", "assign", "notes"], arguments].concat();
        run(&folder, &arguments).await
    };
    let said = assign(&["--to", ALICE, "nobody@harbor.example"]).await;
    let said = said.refused();
    assert!(said.starts_with("--to nobody@harbor.example"), "{said}");
    let said = assign(&["--to", "nobody"]).await.refused();
    assert!(said.starts_with("--to \"nobody\""), "{said}");
    assert_eq!(
        listed(&folder, "client", "notes", 3).await.unwrap(),
        "everyone"
    );

    let alice = world.signed_in(ALICE).await;
    let bob = world.signed_in(BOB).await;
    assert!(bob.open_notes(&world).await.body.contains("Your notes"));
    assign(&["--to", ALICE]).await.done();
    assert_eq!(listed(&folder, "client", "notes", 3).await.unwrap(), ALICE);
    assert!(alice.open_notes(&world).await.body.contains("Your notes"));
    let portal = bob.get(&world.authority("/")).await;
    assert!(!portal.body.contains("/apps/notes/open"));
    let opened = bob
        .post(
            &world.authority("/apps/notes/open"),
            &[("csrf", &portal.csrf())],
        )
        .await;
    assert!(!opened.status.is_redirection(), "{opened:?}");
    // What he had there has ended, which Notes sees at its next recheck.
    world.clock.advance(time::Duration::seconds(31));
    assert!(!bob.is_signed_in_at_notes(&world).await);
    assert!(alice.is_signed_in_at_notes(&world).await);

    assign(&["--to", ALICE, "--to", BOB, ALICE]).await.done();
    let both = format!("{ALICE},{BOB}");
    assert_eq!(listed(&folder, "client", "notes", 3).await.unwrap(), both);
    assign(&["--everyone"]).await.done();
    assert!(bob.open_notes(&world).await.body.contains("Your notes"));

    let said = run(&folder, &["client", "assign", "nothing", "--everyone"]).await;
    assert!(said.refused().contains("nothing"));
    for usage in [&[][..], &["--everyone", "--to", ALICE], &["--to"]] {
        assert_eq!(assign(usage).await.code, 2, "{usage:?}");
    }

    let mut for_bob = PROBE.to_vec();
    for_bob.extend(["--assign", BOB]);
    run(&folder, &for_bob).await.one_line();
    assert_eq!(listed(&folder, "client", "probe", 3).await.unwrap(), BOB);
    for_bob[2] = "other";
    for_bob[10] = "nobody@harbor.example";
    let said = run(&folder, &for_bob).await.refused();
    assert!(said.starts_with("--assign nobody@harbor.example"), "{said}");
    assert_eq!(listed(&folder, "client", "other", 3).await, None);
}

#[tokio::test]
async fn an_assignment_outlives_a_restart() {
    let (process, world) = world().await;
    let folder = tempfile::tempdir().unwrap();
    let open = async || {
        let assets = ui::shell::Assets::default();
        let setup = Setup::demo(world.origins.clone(), assets);
        let platform = Platform::open(setup, Stores::InFolder(folder.path().to_owned()));
        platform.await.unwrap()
    };
    open().await.close().await;
    let assign = ["client", "assign", "notes", "--to", BOB];
    run(folder.path(), &assign).await.done();
    open().await.close().await;
    assert_eq!(
        listed(folder.path(), "client", "notes", 3).await.unwrap(),
        BOB
    );
    drop(process);
}

#[tokio::test]
async fn a_person_is_added_gets_a_new_password_and_is_disabled() {
    let (_process, world) = world().await;
    let folder = world.folder();
    let carol = "carol@harbor.example";
    let add = ["user", "add", "Carol@Harbor.example", "--name", "Carol Ek"];
    let password = run(&folder, &add).await.one_line();
    assert_eq!(password.len(), 23, "{password}");
    let said = run(&folder, &add).await.refused();
    assert!(said.contains(carol) && said.contains("taken"), "{said}");
    let (carols, status) = sign_in(&world, carol, &password).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(carols.open_notes(&world).await.body.contains("Carol Ek"));

    // A new password ends what the old one opened, and opens by itself.
    let new = ["user", "password", carol, "--password-stdin"];
    let ran = run_with(&folder, &new, b"a new password\n").await;
    assert_eq!(ran.done(), "");
    assert!(
        carols
            .open(&world.authority("/"))
            .await
            .url
            .contains("/login")
    );
    world.clock.advance(time::Duration::seconds(31));
    assert!(!carols.is_signed_in_at_notes(&world).await);
    let (_, status) = sign_in(&world, carol, &password).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (carols, status) = sign_in(&world, carol, "a new password").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let made = run(&folder, &new[..3]).await.one_line();
    assert_ne!(made, password);
    assert!(
        carols
            .open(&world.authority("/"))
            .await
            .url
            .contains("/login")
    );
    let (carols, status) = sign_in(&world, carol, &made).await;
    assert_eq!(status, StatusCode::SEE_OTHER);

    // One who is disabled is out, and stays out.
    assert_eq!(listed(&folder, "user", carol, 2).await.unwrap(), "yes");
    assert_eq!(run(&folder, &["user", "disable", carol]).await.done(), "");
    assert_eq!(listed(&folder, "user", carol, 2).await.unwrap(), "no");
    assert!(
        carols
            .open(&world.authority("/"))
            .await
            .url
            .contains("/login")
    );
    let (_, status) = sign_in(&world, carol, &made).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    // And nobody else is.
    let (_, status) = sign_in(&world, ALICE, crate::harness::PASSWORD).await;
    assert_eq!(status, StatusCode::SEE_OTHER);

    for unknown in [
        &["user", "disable", "nobody@harbor.example"][..],
        &["user", "password", "nobody@harbor.example"],
        &["user", "disable", "nobody"],
    ] {
        let said = run(&folder, unknown).await.refused();
        assert!(said.starts_with("the address "), "{said}");
    }
}

#[tokio::test]
async fn a_person_signs_in_however_a_keyboard_encodes_address_and_password() {
    let (_process, world) = world().await;
    let folder = world.folder();
    let (decomposed, composed) = ("zoe\u{308}@harbor.example", "zo\u{eb}@harbor.example");
    let add = ["user", "add", decomposed, "--name", "Zoe\u{308} Ek"];
    run(&folder, &add).await.one_line();
    let passwords = ["cafe\u{301} du port", "caf\u{e9} du port"];
    let set = ["user", "password", decomposed, "--password-stdin"];
    let ran = run_with(&folder, &set, format!("{}\n", passwords[0]).as_bytes()).await;
    assert_eq!(ran.done(), "");
    let mut browsers = Vec::new();
    for email in [decomposed, composed] {
        for password in passwords {
            let (persona, status) = sign_in(&world, email, password).await;
            assert_eq!(status, StatusCode::SEE_OTHER, "{email:?} {password:?}");
            browsers.push(persona);
        }
    }
    for persona in browsers {
        let portal = persona.get(&world.authority("/")).await;
        assert!(portal.body.contains("Zo\u{eb} Ek"), "{portal:?}");
    }
    // They are one address: there is no second account.
    let again = ["user", "add", composed, "--name", "Another"];
    let said = run(&folder, &again).await.refused();
    assert!(said.contains("taken"), "{said}");
}

#[tokio::test]
async fn row_63_a_new_password_is_hashed_at_full_cost_and_never_listed() {
    let folder = tempfile::tempdir().unwrap();
    let add = ["user", "add", ALICE, "--name", "Alice Moreau"];
    let password = run(folder.path(), &add).await.one_line();
    let options = SqliteConnectOptions::new().filename(folder.path().join("authority.db"));
    let mut database = SqliteConnection::connect_with(&options.read_only(true))
        .await
        .unwrap();
    let hash: String = sqlx::query_scalar("SELECT password_hash FROM user")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert!(
        hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hash}"
    );
    assert!(!hash.contains(&password));
    let table = run(folder.path(), &["user", "list"]).await.done();
    assert!(
        !table.contains("argon2") && !table.contains(&password),
        "{table}"
    );
    let row: Vec<_> = table.lines().nth(1).unwrap().split_whitespace().collect();
    let [email, since, "yes", "Alice", "Moreau"] = row[..] else {
        panic!("{table}");
    };
    assert_eq!(email, ALICE);
    assert!(since.starts_with("20") && since.ends_with('Z'), "{since}");
}

#[tokio::test]
async fn a_person_who_cannot_be_added_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (email, name, input, rule) in [
        ("alice", "Alice", "long enough", "the address"),
        ("a b@c", "Alice", "long enough", "the address"),
        (ALICE, "", "long enough", "--name"),
        (ALICE, "a\nb", "long enough", "--name"),
        (ALICE, "Alice", "1234567\n", "8 characters"),
        (ALICE, "Alice", "", "8 characters"),
        (ALICE, "Alice", "two lines\nhere\n", "one line"),
        (ALICE, "Alice", &"x".repeat(1025), "1024 bytes"),
    ] {
        let add = ["user", "add", email, "--name", name, "--password-stdin"];
        let said = run_with(&data, &add, input.as_bytes()).await.refused();
        assert!(said.contains(rule), "{said}");
    }
    assert!(!data.exists());
    let add = ["user", "add", ALICE, "--name", "A", "--password-stdin"];
    let longest = "x".repeat(1024);
    let ran = run_with(&data, &add, longest.as_bytes()).await;
    assert_eq!(ran.done(), "");
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let list = ["user", "list"];
    let named = |said: &str| said.starts_with(&format!("the data folder {}", data.display()));

    let said = run(&data, &list).await.refused();
    assert!(named(&said) && said.contains("--data"), "{said}");
    assert!(!data.exists(), "looking makes no folder");

    std::fs::write(&data, "").unwrap();
    for arguments in [&list[..], &PROBE] {
        let said = run(&data, arguments).await.refused();
        assert!(named(&said) && said.contains("folder"), "{said}");
    }
    std::fs::remove_file(&data).unwrap();

    std::fs::create_dir(&data).unwrap();
    let said = run(&data, &list).await.refused();
    assert!(named(&said) && said.contains("authority.db"), "{said}");
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);

    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
    for arguments in [&list[..], &PROBE] {
        let said = run(&data, arguments).await.refused();
        assert!(named(&said) && said.contains("chmod 700"), "{said}");
    }
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();

    std::fs::write(
        data.join("authority.db"),
        "no database, whatever it is called",
    )
    .unwrap();
    for arguments in [&list[..], &PROBE] {
        let said = run(&data, arguments).await.refused();
        assert!(said.contains("authority.db"), "{said}");
    }
}

#[tokio::test]
async fn commands_that_come_at_once_are_done_one_after_the_other() {
    let process = Process::start().await;
    let world = process.platform("", Kept::InFiles).await;
    let folder = world.folder();
    let rotate = ["client", "rotate-secret", "notes"];
    let (one, two, three) = tokio::join!(
        run(&folder, &rotate),
        run(&folder, &rotate),
        run(&folder, &PROBE)
    );
    let secrets = [one.one_line(), two.one_line()];
    three.one_line();
    // Whichever was the last: file and database agree.
    let kept = world.notes_secret();
    assert!(secrets.contains(&kept));
    for secret in secrets {
        assert_eq!(knows(&world, "notes", &secret).await, secret == kept);
    }
}

#[tokio::test]
async fn shells_learn_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(folder.path(), &["completions", shell]).await.done();
        assert!(
            script.contains("handoff-lab") && script.contains("rotate-secret"),
            "{shell}"
        );
    }
    assert_eq!(run(folder.path(), &["completions", "none"]).await.code, 2);
    assert_eq!(
        run(folder.path(), &["client", "add", "probe"]).await.code,
        2
    );
}

#[tokio::test]
async fn a_public_client_gets_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    for (id, extra, kind) in [
        ("board", &["--public"][..], "public"),
        ("older", &["--public", "--sdk-compat"], "sdk-compat"),
    ] {
        let mut arguments = PROBE.to_vec();
        arguments[2] = id;
        arguments.extend(extra);
        assert_eq!(run(data, &arguments).await.done(), "");
        assert_eq!(listed(data, "client", id, 1).await.unwrap(), kind);
        let said = run(data, &["client", "rotate-secret", id]).await.refused();
        assert!(said.contains(id) && said.contains("public"), "{said}");
    }
    let mut confidential = PROBE.to_vec();
    confidential.push("--sdk-compat");
    assert_eq!(run(data, &confidential).await.code, 2);
    assert_eq!(listed(data, "client", "probe", 1).await, None);
}
