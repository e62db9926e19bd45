//! Crowds and strangers, all behind one address: the loopback address that every test has.

use relying_party::Application;
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use authority::{
    DemoAccount,
    store::{AccountStore, ClientStore},
};
use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Icon, Kind, Registration},
    ids::ClientId,
    token::{ClientSecret, Secret},
};
use reqwest::StatusCode;
use server::platform::Setup;
use sqlx::{Connection, SqliteConnection};
use time::Duration;

use crate::harness::{Kept, PASSWORD, Persona, Process, World, basic, log, world};

const PEOPLE: [&str; 3] = [
    "alice@harbor.example",
    "bob@harbor.example",
    "mallory@harbor.example",
];

async fn try_password(world: &World, browser: &Persona, password: &str) -> crate::harness::Answer {
    let url = world.authority("/login");
    let csrf = browser.get(&url).await.csrf();
    let fields = [
        ("csrf", &*csrf),
        ("email", PEOPLE[0]),
        ("password", password),
    ];
    // Whoever writes these gets no other address by it.
    let address = format!("198.51.100.{}", csrf.len());
    let headers = [
        ("sec-fetch-site", "same-origin"),
        ("x-forwarded-for", &*address),
        ("forwarded", "for=198.51.100.7"),
        ("x-real-ip", "198.51.100.8"),
    ];
    browser.post_with(&url, &headers, &fields).await
}

#[tokio::test]
async fn row_17_junk_from_the_same_address_keeps_nobody_from_signing_in() {
    let (_process, world) = world().await;
    let stranger = world.visitor();
    let verify = world.authority("/auth/external/handoff/verify");
    let party = world.relying_party();
    let (mut callbacks, mut verifies) = (Vec::new(), Vec::new());
    for n in 0..700 {
        let junk = format!("/callback?handoff_token=junk{n}&state=junk{n}&iss=x");
        let answer = stranger.get(&world.notes(&junk)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        callbacks.push(answer.location_parameter("reason"));
    }
    for n in 0..60 {
        let secret = ["wrong".repeat(8), world.secret("tasks")][n % 2].clone();
        let auth = basic("notes", &secret);
        let headers = [("authorization", &*auth)];
        let answer = stranger
            .post_json(&verify, &headers, &party.body("junk"))
            .await;
        verifies.push(answer.status);
    }
    // The stranger blocks himself.
    assert_eq!(callbacks[599..601], ["not-this-browser", "too-many"]);
    let (wrong, slow) = (StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(verifies[19..21], [wrong, slow]);
    let page = stranger.open(&world.notes("/callback?state=x")).await;
    assert!(page.body.contains("Too many links"), "{page:?}");

    // Everybody else goes on, and Notes redeems from the very same address.
    let alice = world.signed_in(PEOPLE[0]).await;
    let home = alice.open_notes(&world).await;
    assert!(home.body.contains("Your notes"), "{home:?}");
    let token = party.token(&world, &alice).await;
    let auth = basic("notes", &world.notes_secret());
    let headers = [("authorization", &*auth)];
    let answer = stranger
        .post_json(&verify, &headers, &party.body(&token))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn row_17_forty_people_behind_one_address_meet_no_limit() {
    let emails: Vec<&'static str> = (0..40)
        .map(|n| &*format!("person{n}@harbor.example").leak())
        .collect();
    let process = Process::start().await;
    let accounts = emails.iter().map(|email| DemoAccount {
        key: email,
        name: email,
        role: "",
        email,
        password: PASSWORD,
    });
    let change = |setup: &mut Setup| setup.demo_accounts = accounts.collect();
    let world = process.platform_with("", Kept::InFiles, change).await;
    let world = Arc::new(world);
    let crowd: Vec<_> = emails
        .into_iter()
        .enumerate()
        .map(|(n, email)| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let person = world.visitor();
                // Half of them begin at the application, before anybody knows them.
                if n % 2 == 0 {
                    let page = person.open(&world.notes("/handoff/start")).await;
                    assert_eq!(page.status, StatusCode::OK, "{page:?}");
                }
                let portal = person.sign_in(&world, email).await;
                assert_eq!(portal.status, StatusCode::OK, "{portal:?}");
                for _ in 0..3 {
                    let (notes, tasks) =
                        tokio::join!(person.open_notes(&world), person.open_tasks(&world));
                    assert!(notes.body.contains("Your notes"), "{notes:?}");
                    assert!(tasks.body.contains("Your tasks"), "{tasks:?}");
                }
            })
        })
        .collect();
    for person in crowd {
        person.await.unwrap();
    }
}

/// A class, or a suite with many workers: everybody takes the same account from the sign-in page.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn row_17_forty_browsers_sign_in_to_one_account_at_the_same_moment() {
    let (_process, world) = world().await;
    let world = Arc::new(world);
    let crowd: Vec<_> = (0..40)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let answer = try_password(&world, &world.visitor(), PASSWORD).await;
                assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
            })
        })
        .collect();
    for person in crowd {
        person.await.unwrap();
    }
}

#[tokio::test]
async fn row_17_where_attempts_cannot_be_counted_nobody_signs_in() {
    let (_process, world) = world().await;
    let alice = world.visitor();
    let file = world.folder().join("authority.db");
    let mut beside = SqliteConnection::connect(file.to_str().unwrap())
        .await
        .unwrap();
    let run = async |beside: &mut SqliteConnection, statement: &'static str| {
        sqlx::query(statement).execute(beside).await.unwrap();
    };
    run(&mut beside, "ALTER TABLE attempt RENAME TO gone").await;
    for password in [PASSWORD, "wrong"] {
        let answer = try_password(&world, &alice, password).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(alice.cookie(&answer.url, "__Host-as_session"), None);
    }
    run(&mut beside, "ALTER TABLE gone RENAME TO attempt").await;
    let answer = try_password(&world, &alice, PASSWORD).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn row_17_refused_tokens_of_a_client_raise_an_alarm_and_block_nothing() {
    let (_process, world) = world().await;
    // A client of this test alone, so that its lines in the log are found.
    let id = format!("alarm-{}", world.address().port());
    let secret = ClientSecret::mint([3; 32]);
    let origin = world.origins.of(Application::Notes).as_str();
    let client = Client::register(Registration {
        id: ClientId::parse(&id).unwrap(),
        name: "Alarm",
        description: "",
        icon: Icon::default(),
        kind: Kind::Confidential {
            secret: secret.digest(),
        },
        origin,
        redirect_uris: &[&world.notes("/callback")],
        initiate_login_uri: &world.notes("/handoff/start"),
        handoff_lifetime: HandoffLifetime::default(),
        assigned_to: AssignedTo::Everyone,
    });
    let file = world.folder().join("authority.db");
    let store = authority::store::Sqlite::open(&file).await.unwrap();
    store.put_client(&client.unwrap()).await.unwrap();
    store.close().await;

    let (server, auth) = (world.visitor(), basic(&id, secret.expose().as_ref()));
    let verify = async || {
        let mut body = world.relying_party().body("junk");
        body["client_id"] = id.clone().into();
        let headers = [("authorization", &*auth)];
        let url = world.authority("/handoff/verify");
        let answer = server.post_json(&url, &headers, &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.json()["error"], "HANDOFF_VERIFICATION_FAILED");
    };
    let alarms = || {
        let of_client = format!("client={id}");
        let log = log();
        let lines = log.lines().filter(|line| line.contains(&of_client));
        lines
            .filter(|line| line.contains("handoff.failures"))
            .count()
    };
    for _ in 0..9 {
        verify().await;
    }
    assert_eq!(alarms(), 0);
    for _ in 0..40 {
        verify().await;
    }
    assert_eq!(alarms(), 1);
    world.clock.advance(Duration::MINUTE);
    for _ in 0..10 {
        verify().await;
    }
    assert_eq!(alarms(), 2);
}

#[tokio::test]
async fn row_17_wrong_passwords_from_everywhere_raise_an_alarm_and_lock_nothing() {
    let (_process, world) = world().await;
    let file = world.folder().join("authority.db");
    let store = authority::store::Sqlite::open(&file).await.unwrap();
    let email = authority::people::Email::parse(PEOPLE[0]).unwrap();
    let alice = store.find_account(&email).await.unwrap().unwrap().user.id;
    store.close().await;
    let alarms = || {
        let of_alice = format!("user={alice}");
        let log = log();
        let lines = log.lines().filter(|line| line.contains(&of_alice));
        lines
            .filter(|line| line.contains("sign_in.failures"))
            .count()
    };
    for host in 11..13 {
        assert_eq!(alarms(), 0);
        let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, host));
        let guesser = Persona::from(Some(address), world.address(), &world.origins);
        for _ in 0..10 {
            let answer = try_password(&world, &guesser, "wrong").await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
    }
    assert_eq!(alarms(), 1);
    let answer = try_password(&world, &world.visitor(), PASSWORD).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}
