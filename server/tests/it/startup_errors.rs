//! Disks and files that fail: one clear sentence and a refusal to start, or 503 while it lasts. What
//! was acknowledged stays, what was refused has not happened.

use std::{
    fs::Permissions,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
};
use reqwest::StatusCode;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::{
    harness::{Answer, Kept, PASSWORD, Process, World, basic, world},
    program::{ended, handoff_lab, refused_in_a_line, serve},
};

/// What the program says that refuses to start, without the superuser's right to read and write
/// everything: whoever has that has no troubles of this kind.
async fn refused_to_a_user(data: &Path) -> String {
    let mut command = serve(data, &[]);
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if is_root {
        let program = std::mem::replace(&mut command, Command::new("setpriv"));
        command
            .arg("--bounding-set=-dac_override,-dac_read_search")
            .arg(program.get_program())
            .args(program.get_args())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }
    let output = ended(command).await;
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    let sentence = said.strip_prefix("handoff-lab: ").expect(&said);
    assert_eq!(sentence.lines().count(), 1, "{said}");
    sentence.to_owned()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn what_this_user_may_not_read_or_write_is_named() {
    let folder = tempfile::tempdir().unwrap();
    // It cannot be made.
    set_mode(folder.path(), 0o555);
    let data = folder.path().join("data");
    let said = refused_to_a_user(&data).await;
    let named = format!("the data folder {} ", data.display());
    assert!(
        said.starts_with(&named) && said.contains("--data"),
        "{said}"
    );
    set_mode(folder.path(), 0o755);

    // It is there, and may be read only.
    std::fs::create_dir(&data).unwrap();
    set_mode(&data, 0o555);
    let said = refused_to_a_user(&data).await;
    let named = format!("the data folder {}", data.display());
    assert!(
        said.starts_with(&named) && said.contains("owns it"),
        "{said}"
    );
    set_mode(&data, 0o700);

    // Files in it that may not be written, or read.
    for (file, what) in [
        ("authority.db", "the database"),
        ("notes.db", "the database"),
        ("notes.secret", "the client secret"),
    ] {
        let path = data.join(file);
        std::fs::write(&path, "").unwrap();
        set_mode(&path, if what == "the database" { 0o400 } else { 0 });
        let said = refused_to_a_user(&data).await;
        let named = format!("{what} {}", path.display());
        assert!(
            said.starts_with(&named) && said.contains("owns it"),
            "{said}"
        );
        std::fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn a_folder_or_database_that_is_none_and_a_taken_port_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::write(&data, "").unwrap();
    for data in [data.clone(), data.join("deeper")] {
        let said = refused_in_a_line(&data, &[]).await;
        let named = format!("handoff-lab: the data folder {}", data.display());
        assert!(
            said.starts_with(&named) && said.contains("--data"),
            "{said}"
        );
    }
    std::fs::remove_file(&data).unwrap();

    std::fs::create_dir(&data).unwrap();
    set_mode(&data, 0o700);
    for file in ["authority.db", "notes.db", "tasks.db"] {
        let path = data.join(file);
        std::fs::write(&path, "no database, and long enough to look like none").unwrap();
        let said = refused_in_a_line(&data, &[]).await;
        let named = format!("handoff-lab: the database {}", path.display());
        assert!(
            said.starts_with(&named) && said.contains("no database"),
            "{said}"
        );
        std::fs::remove_file(&path).unwrap();
    }

    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = handoff_lab(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(&data).args(["--ops-listen", &address]);
    let ops = String::from_utf8(ended(command).await.stderr).unwrap();
    let main = refused_in_a_line(&data, &["--listen", &address]).await;
    for (said, setting) in [(main, "--listen"), (ops, "--ops-listen")] {
        assert!(
            said.contains(setting) && said.contains(&address) && said.contains("another port"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[tokio::test]
async fn an_address_that_the_back_channel_does_not_reach_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let said = refused_in_a_line(&data, &["--listen", "127.0.0.2:0"]).await;
    assert!(
        said.contains("--listen 127.0.0.2:0")
            && said.contains("nothing reaches http://auth.localhost"),
        "{said}"
    );
    assert!(!data.exists());
}

/// Every write to this database fails as on a full disk, where SQLite ends the transaction by itself.
async fn fill(world: &World, file: &str) {
    change_triggers(world, file, |table, event| {
        format!(
            "CREATE TRIGGER full_{table}_{event} BEFORE {event} ON {table}
             BEGIN SELECT RAISE (ROLLBACK, 'database or disk is full'); END"
        )
    })
    .await;
}

/// There is room again.
async fn make_room(world: &World, file: &str) {
    change_triggers(world, file, |table, event| {
        format!("DROP TRIGGER full_{table}_{event}")
    })
    .await;
}

async fn change_triggers(world: &World, file: &str, statement: impl Fn(&str, &str) -> String) {
    let options = SqliteConnectOptions::new().filename(world.folder().join(file));
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%sqlx%'
             AND name NOT LIKE 'sqlite%'",
    )
    .fetch_all(&mut database)
    .await
    .unwrap();
    assert!(tables.len() > 2, "{tables:?}");
    for table in &tables {
        for event in ["INSERT", "UPDATE", "DELETE"] {
            let statement = sqlx::AssertSqlSafe(statement(table, event));
            sqlx::query(statement).execute(&mut database).await.unwrap();
        }
    }
    database.close().await.unwrap();
}

#[track_caller]
fn is_unavailable(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
    assert!(!answer.headers.contains_key("location"), "{answer:?}");
}

#[tokio::test]
async fn harbor_id_answers_503_while_its_disk_is_full_and_goes_on_when_there_is_room() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let party = world.relying_party();
    let before = party.token(&world, &alice).await;
    let launch = alice.launch(&world).await;
    let csrf = alice.get(&world.authority("/")).await.csrf();
    let auth = basic("notes", &world.notes_secret());
    let url = world.authority("/auth/external/handoff/verify");
    let verify = async |token: &str| {
        let headers = [("authorization", auth.as_str())];
        let body = party.body(token);
        world.visitor().post_json(&url, &headers, &body).await
    };
    let acknowledged = verify(&party.token(&world, &alice).await).await;
    assert_eq!(acknowledged.status, StatusCode::OK);
    let bearer = format!(
        "Bearer {}",
        acknowledged.json()["access_token"].as_str().unwrap()
    );
    let session = async || {
        let url = world.authority("/api/v1/auth/direct/session");
        let headers = [("authorization", bearer.as_str())];
        let asked = world.visitor();
        asked
            .send(reqwest::Method::GET, &url, &headers, None)
            .await
            .status
    };

    fill(&world, "authority.db").await;
    for _ in 0..2 {
        is_unavailable(
            &alice
                .post(&world.authority("/apps/notes/open"), &[("csrf", &csrf)])
                .await,
        );
        is_unavailable(&alice.get(&party.authorize(&world, Some(&launch))).await);
        let refused = verify(&before).await;
        is_unavailable(&refused);
        assert_eq!(refused.json()["error"], "temporarily_unavailable");
        is_unavailable(
            &alice
                .post(&world.authority("/logout"), &[("csrf", &csrf)])
                .await,
        );
        let bob = world.visitor();
        let form = bob.get(&world.authority("/login")).await.csrf();
        let fields = [
            ("csrf", &*form),
            ("email", "bob@harbor.example"),
            ("password", PASSWORD),
        ];
        is_unavailable(&bob.post(&world.authority("/login"), &fields).await);
    }

    make_room(&world, "authority.db").await;
    // What was acknowledged is there, and what was refused has not happened: neither the sign-out, nor
    // the use of the token and of the ticket.
    assert_eq!(session().await, StatusCode::OK);
    let portal = alice.get(&world.authority("/")).await;
    assert_eq!(portal.status, StatusCode::OK, "{portal:?}");
    assert_eq!(verify(&before).await.status, StatusCode::OK);
    let issued = alice.get(&party.authorize(&world, Some(&launch))).await;
    assert!(!issued.location_parameter("handoff_token").is_empty());
    world.signed_in("bob@harbor.example").await;
}

/// What `/ready` answers.
async fn ready(world: &World) -> (StatusCode, String) {
    let request = Request::get("/ready").body(Body::empty()).unwrap();
    let answer = world.operations().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 16).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn however_often_somebody_asks_whether_it_is_ready_the_disk_is_written_to_now_and_then() {
    let process = Process::start().await;
    let world = process
        .platform_with("", Kept::InFiles, |setup| {
            setup.bounds.ready_for = Duration::from_hours(1);
        })
        .await;
    let asked = (0..8).map(|_| ready(&world));
    for (status, said) in futures_util::future::join_all(asked).await {
        assert_eq!(status, StatusCode::OK, "{said}");
    }
    let writes = world
        .count("notes.db", "SELECT writes FROM write_probe")
        .await;
    assert_eq!(writes, 1);
}

#[tokio::test]
async fn notes_answers_503_while_its_disk_is_full_and_goes_on_when_there_is_room() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    let page = alice.get(&world.notes("/")).await;
    let csrf = page.csrf();
    let add = async |text: &str| {
        let fields = [("csrf", csrf.as_str()), ("text", text)];
        alice.post(&world.notes("/notes"), &fields).await
    };
    let added = add("written before").await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{added:?}");
    let bob = world.signed_in("bob@harbor.example").await;
    let callback = bob.callback_address(&world).await;

    fill(&world, "notes.db").await;
    let (status, said) = ready(&world).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        said.starts_with("not ready: notes: ") && said.contains("full"),
        "{said}"
    );
    for _ in 0..2 {
        is_unavailable(&add("written in vain").await);
        is_unavailable(&world.visitor().get(&world.notes("/handoff/start")).await);
        is_unavailable(
            &alice
                .post(&world.notes("/logout"), &[("csrf", &csrf)])
                .await,
        );
        let came_back = bob.get(&callback).await;
        assert!(
            came_back.location_starts_with(&world.notes("/signin/problem")),
            "{came_back:?}"
        );
        assert!(!bob.is_signed_in_at_notes(&world).await);
    }

    make_room(&world, "notes.db").await;
    assert_eq!(ready(&world).await, (StatusCode::OK, "ready\n".to_owned()));
    let page = alice.get(&world.notes("/")).await;
    assert!(page.body.contains("written before"), "{page:?}");
    assert!(!page.body.contains("written in vain"));
    assert_eq!(add("written after").await.status, StatusCode::SEE_OTHER);
    let came_back = bob.get(&callback).await;
    bob.follow(came_back).await;
    assert!(bob.is_signed_in_at_notes(&world).await);
}
