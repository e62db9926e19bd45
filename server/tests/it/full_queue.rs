//! The queue of Harbor ID's writer is full: who comes then is told when to come again, and nobody waits
//! for ever.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::task::JoinSet;

use crate::harness::{Answer, Kept, OwnRelyingParty, Persona, Process, World, basic};

const ALICE: &str = "alice@harbor.example";
/// How many may wait, beside the one that the writer has taken.
const QUEUE: usize = 4;
/// Less than the ten seconds for which a caller waits.
const AT_ONCE: Duration = Duration::from_secs(8);

async fn world(process: &Process, lock: Duration) -> World {
    let change = |setup: &mut server::platform::Setup| {
        setup.authority_database = database::Settings {
            batch: 1,
            queue: QUEUE,
            lock,
            ..database::Settings::default()
        };
    };
    process.platform_with("", Kept::InFiles, change).await
}

/// Takes the write lock of Harbor ID's database, as another program would.
async fn lock(world: &World) -> SqliteConnection {
    let file = world.folder().join("authority.db");
    let options = SqliteConnectOptions::new().filename(file);
    let mut lock = SqliteConnection::connect_with(&options).await.unwrap();
    let taken = sqlx::query("BEGIN IMMEDIATE").execute(&mut lock).await;
    taken.unwrap();
    lock
}

async fn give_back(mut lock: SqliteConnection) {
    sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
    lock.close().await.unwrap();
}

type Handoff = (OwnRelyingParty, String);

async fn tokens(world: &World, persona: &Persona, count: usize) -> Vec<Handoff> {
    let mut tokens = Vec::new();
    for _ in 0..count {
        let party = world.relying_party();
        let token = party.token(world, persona).await;
        tokens.push((party, token));
    }
    tokens
}

/// Presents all of them at the same moment; the answers come with what they are about.
fn present(world: &World, handoffs: Vec<Handoff>) -> JoinSet<(Handoff, Answer)> {
    let mut presenting = JoinSet::new();
    let server = world.visitor();
    for (party, token) in handoffs {
        let (server, auth) = (server.clone(), basic("notes", &world.notes_secret()));
        let url = world.authority("/auth/external/handoff/verify");
        presenting.spawn(async move {
            let headers = [
                ("authorization", auth.as_str()),
                ("content-type", "application/json"),
            ];
            let body = Some(party.body(&token).to_string());
            let answer = server.send(Method::POST, &url, &headers, body).await;
            ((party, token), answer)
        });
    }
    presenting
}

fn tells_when_to_come_again(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert_eq!(answer.header("retry-after"), "5", "{answer:?}");
}

#[tokio::test]
async fn who_finds_the_queue_full_is_told_when_to_come_again() {
    const TOO_MANY: usize = 7;
    let process = Process::start().await;
    // Nobody is refused because the lock was waited for too long.
    let world = world(&process, Duration::from_secs(60)).await;
    let alice = world.signed_in(ALICE).await;
    let csrf = alice.get(&world.authority("/")).await.csrf();
    let handoffs = tokens(&world, &alice, 1 + QUEUE + TOO_MANY).await;
    let held = lock(&world).await;
    let mut presenting = present(&world, handoffs);
    let mut refused = Vec::new();
    for _ in 0..TOO_MANY {
        // While the others wait: before any of them has waited for too long.
        let next = tokio::time::timeout(AT_ONCE, presenting.join_next()).await;
        let (handoff, answer) = next.expect("at once").unwrap().unwrap();
        tells_when_to_come_again(&answer);
        assert_eq!(answer.json()["error"], "temporarily_unavailable");
        refused.push(handoff);
    }
    let open = world.authority("/apps/notes/open");
    let page = alice.post(&open, &[("csrf", &csrf)]).await;
    tells_when_to_come_again(&page);

    give_back(held).await;
    for (_, answer) in presenting.join_all().await {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    // Nothing of the others was used up.
    for handoff in refused {
        let (_, answer) = present(&world, vec![handoff]).join_all().await.remove(0);
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
}

#[tokio::test]
async fn who_waits_for_a_lock_that_is_not_given_back_is_told_so() {
    let process = Process::start().await;
    let world = world(&process, Duration::from_millis(20)).await;
    let alice = world.signed_in(ALICE).await;
    let handoffs = tokens(&world, &alice, 1 + QUEUE).await;
    let held = lock(&world).await;
    let mut refused = Vec::new();
    for (handoff, answer) in present(&world, handoffs).join_all().await {
        tells_when_to_come_again(&answer);
        refused.push(handoff);
    }
    give_back(held).await;
    for handoff in refused {
        let (_, answer) = present(&world, vec![handoff]).join_all().await.remove(0);
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
}
