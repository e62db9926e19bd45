//! What another process changes of a client counts at the next request, also where the record was read
//! before.

use authority::store::{ClientStore, SecretSet, Sqlite};
use handoff::{
    client::Kind,
    ids::ClientId,
    token::{ClientSecret, Secret},
    uri::ClientUri,
};
use http::StatusCode;

use crate::harness::{OwnRelyingParty, World, basic, world};

const ALICE: &str = "alice@harbor.example";
const VERIFY: &str = "/auth/external/handoff/verify";

/// The store, opened as another process would.
async fn other_process(world: &World) -> Sqlite {
    let file = world.folder().join("authority.db");
    Sqlite::open(&file).await.unwrap()
}

#[tokio::test]
async fn a_secret_that_another_process_rotates_is_refused_at_once_and_spoils_no_token() {
    let (_process, world) = world().await;
    let alice = world.signed_in(ALICE).await;
    let server = world.visitor();
    let party = world.relying_party();
    let url = world.authority(VERIFY);
    let verify = async |secret: &str, token: &str| {
        let auth = basic("notes", secret);
        let headers = [("authorization", auth.as_str())];
        let answer = server.post_json(&url, &headers, &party.body(token)).await;
        answer.status
    };
    let old = world.notes_secret();
    let token = party.token(&world, &alice).await;
    assert_eq!(verify(&old, &token).await, StatusCode::OK);

    let token = party.token(&world, &alice).await;
    let new = ClientSecret::mint([7; 32]);
    let other = other_process(&world).await;
    let notes = ClientId::parse("notes").unwrap();
    let set = other.set_client_secret(&notes, new.digest()).await;
    assert_eq!(set.unwrap(), SecretSet::Done);
    other.close().await;
    assert_eq!(verify(&old, &token).await, StatusCode::UNAUTHORIZED);
    let new = new.expose().to_string();
    assert_eq!(verify(&new, &token).await, StatusCode::OK);
    assert_eq!(verify(&old, &token).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_redirect_uri_that_another_process_takes_away_or_adds_counts_at_once() {
    let (_process, world) = world().await;
    let alice = world.signed_in(ALICE).await;
    let ask = async |party: &OwnRelyingParty| {
        let launch = alice.click_open(&world, "notes").await;
        let launch = launch.location_parameter("launch");
        let answer = alice.get(&party.authorize(&world, Some(&launch))).await;
        answer.status
    };
    let old = world.relying_party();
    let new = OwnRelyingParty::new(world.notes("/callback/new"));
    assert_eq!(ask(&old).await, StatusCode::SEE_OTHER);
    assert_eq!(ask(&new).await, StatusCode::BAD_REQUEST);

    let other = other_process(&world).await;
    let notes = ClientId::parse("notes").unwrap();
    let mut moved = other.find_client(&notes).await.unwrap().unwrap();
    let uri = ClientUri::register(&world.notes("/callback/new"), &moved.origin);
    moved.redirect_uris = vec![uri.unwrap()];
    other.put_client(&moved).await.unwrap();
    other.close().await;
    assert_eq!(ask(&old).await, StatusCode::BAD_REQUEST);
    assert_eq!(ask(&new).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn row_69_pages_of_a_client_that_another_process_makes_confidential_read_no_answer() {
    let (_process, world) = world().await;
    let other = other_process(&world).await;
    let notes = ClientId::parse("notes").unwrap();
    let confidential = other.find_client(&notes).await.unwrap().unwrap();
    let mut public = confidential.clone();
    public.kind = Kind::Public { sdk_compat: false };
    other.put_client(&public).await.unwrap();
    let (browser, url, origin) = (world.visitor(), world.authority(VERIFY), world.notes(""));
    let verify = async || {
        let body = world.relying_party().body(&"A".repeat(43));
        let headers = [("origin", origin.as_str())];
        let answer = browser.post_json(&url, &headers, &body).await;
        let readable = answer.header("access-control-allow-origin");
        (answer.status, readable.to_owned())
    };
    assert_eq!(verify().await, (StatusCode::BAD_REQUEST, origin.clone()));
    other.put_client(&confidential).await.unwrap();
    other.close().await;
    assert_eq!(verify().await, (StatusCode::UNAUTHORIZED, String::new()));
}
