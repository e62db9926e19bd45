//! A minute of junk: strangers send it as fast as they can, and nobody who wants to sign in notices.
//!
//! The junk comes from the address that everybody else has too, and names the client that everybody
//! uses: no limit can tell it from the others by that.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::{Method, StatusCode};

use crate::{
    harness::{Persona, basic},
    program::{Place, Program, get, open_notes, post, press, sign_in},
};

const A_MINUTE: Duration = Duration::from_secs(60);
/// How long one journey may take: far more than a person would wait, far less than the minute.
const A_JOURNEY: Duration = Duration::from_secs(20);

/// Runs until the minute is over; counts.
async fn until_over<F: Future<Output = ()>>(
    over: Arc<AtomicBool>,
    again: impl Fn(usize) -> F,
) -> usize {
    let mut count = 0;
    while !over.load(Ordering::Relaxed) {
        again(count).await;
        count += 1;
    }
    count
}

/// Callbacks of handoffs that never were, now with a pre-session of a stranger's, now without.
async fn callbacks(place: Place, answers: Arc<Answers>, over: Arc<AtomicBool>) -> usize {
    let stranger = place.visitor();
    until_over(over, |turn| {
        let (place, stranger, answers) = (&place, &stranger, &answers);
        async move {
            if turn % 50 == 0 {
                // A pre-session that is real, and never what the callback wants.
                get(stranger, &place.notes("/handoff/start")).await;
            }
            let junk = format!("{turn:043}");
            let issuer = place.origins.of(authority::ID);
            let path = match turn % 4 {
                0 => format!("/callback?handoff_token={junk}&state={junk}&iss={issuer}"),
                1 => format!("/callback?state={junk}&state={junk}"),
                2 => "/callback".to_owned(),
                _ => format!("/callback?error=access_denied&state={junk}&iss={issuer}"),
            };
            let answer = get(stranger, &place.notes(&path)).await;
            // A callback is always answered by a redirect: to the page that explains, or into a session.
            let status = answer.map(|answer| {
                let location = answer.headers.get("location");
                let location = location.and_then(|to| to.to_str().ok()).unwrap_or_default();
                match location.strip_prefix("/signin/problem?") {
                    Some(why) if why.ends_with("reason=too-many") => StatusCode::TOO_MANY_REQUESTS,
                    Some(_) => StatusCode::BAD_REQUEST,
                    None => answer.status,
                }
            });
            answers.count(status);
        }
    })
    .await
}

/// Verifies by somebody who claims to be Notes, or nobody, or sends no JSON at all.
async fn verifies(place: Place, answers: Arc<Answers>, over: Arc<AtomicBool>) -> usize {
    let stranger = place.visitor();
    until_over(over, |turn| {
        let (place, stranger, answers) = (&place, &stranger, &answers);
        async move {
            let junk = format!("{turn:043}");
            let redirect_uri = place.notes("/callback");
            let body = serde_json::json!({
                "handoff_token": junk, "state": junk, "client_id": "notes",
                "redirect_uri": redirect_uri, "code_verifier": junk,
            });
            let auth = match turn % 3 {
                0 => basic("notes", &junk),
                1 => basic("nobody", &junk),
                _ => String::new(),
            };
            let body = if turn % 7 == 6 {
                "{".to_owned()
            } else {
                body.to_string()
            };
            let mut headers = vec![("content-type", "application/json")];
            if !auth.is_empty() {
                headers.push(("authorization", &auth));
            }
            let url = place.authority("/auth/external/handoff/verify");
            let answer = stranger.try_send(Method::POST, &url, &headers, Some(body));
            answers.count(answer.await.ok().map(|answer| answer.status));
        }
    })
    .await
}

/// Wrong passwords for Alice, from an address of their own.
async fn guesses(place: Place, answers: Arc<Answers>, over: Arc<AtomicBool>) -> usize {
    let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let stranger = Persona::from(Some(from), place.address, &place.origins);
    let url = place.authority("/login");
    let csrf = stranger.get(&url).await.csrf();
    until_over(over, |turn| {
        let (stranger, answers, url, csrf) = (&stranger, &answers, &url, &csrf);
        async move {
            let guess = format!("guess {turn}");
            let fields = [
                ("csrf", csrf.as_str()),
                ("email", "alice@harbor.example"),
                ("password", &guess),
            ];
            let answer = post(stranger, url, &fields).await;
            answers.count(answer.map(|answer| answer.status));
        }
    })
    .await
}

/// Signs in, opens Notes, writes a note, and signs out of both.
async fn journey(place: &Place, email: &str, name: &str) {
    let persona = place.visitor();
    let (portal, home) = (place.authority("/"), place.notes("/"));
    let answer = sign_in(place, &persona, email).await.expect("an answer");
    assert_eq!(answer.header("location"), "/", "{answer:?}");
    let answer = open_notes(place, &persona).await.expect("an answer");
    assert_eq!(answer.header("location"), "/", "{answer:?}");
    let page = get(&persona, &home).await.expect("an answer");
    assert!(page.body.contains(name), "{page:?}");
    let logout = place.notes("/logout");
    let answer = press(&persona, &home, &logout).await.expect("an answer");
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let logout = place.authority("/logout");
    let answer = press(&persona, &portal, &logout).await.expect("an answer");
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
}

/// What the strangers were told.
#[derive(Default)]
struct Answers {
    refused: AtomicUsize,
    slowed_down: AtomicUsize,
    cut_off: AtomicUsize,
    accepted: AtomicUsize,
}

impl Answers {
    fn count(&self, status: Option<StatusCode>) {
        let counter = match status.map(|status| status.as_u16()) {
            None => &self.cut_off,
            Some(429) => &self.slowed_down,
            Some(400 | 401 | 422) => &self.refused,
            Some(_) => &self.accepted,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_17_a_minute_of_junk_keeps_nobody_from_signing_in() {
    let _alone = crate::MACHINE.write().await;
    let folder = tempfile::tempdir().unwrap();
    let place = Place::free();
    let _program = Program::start(&place, &folder.path().join("data")).await;
    let over = Arc::new(AtomicBool::new(false));
    let answers = Arc::new(Answers::default());
    let mut strangers = tokio::task::JoinSet::new();
    for _ in 0..3 {
        strangers.spawn(callbacks(place.clone(), answers.clone(), over.clone()));
        strangers.spawn(verifies(place.clone(), answers.clone(), over.clone()));
    }
    strangers.spawn(guesses(place.clone(), answers.clone(), over.clone()));

    let mut people = tokio::task::JoinSet::new();
    for (email, name) in [
        ("alice@harbor.example", "Alice Moreau"),
        ("bob@harbor.example", "Bob Okafor"),
    ] {
        let (place, over) = (place.clone(), over.clone());
        people.spawn(until_over(over, move |_| {
            let place = place.clone();
            async move {
                tokio::time::timeout(A_JOURNEY, journey(&place, email, name))
                    .await
                    .expect("a journey takes seconds");
            }
        }));
    }
    // Whoever fails, fails at once.
    let first = tokio::time::timeout(A_MINUTE, people.join_next()).await;
    over.store(true, Ordering::Relaxed);
    let mut journeys: usize = first.into_iter().flatten().map(Result::unwrap).sum();
    while let Some(ended) = people.join_next().await {
        journeys += ended.unwrap();
    }
    let junk: usize = strangers.join_all().await.into_iter().sum();
    let of = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    println!(
        "{journeys} journeys beside {junk} pieces of junk: {} refused, {} told to slow down, {} \
         without an answer",
        of(&answers.refused),
        of(&answers.slowed_down),
        of(&answers.cut_off)
    );
    assert_eq!(of(&answers.accepted), 0);
    assert!(of(&answers.slowed_down) > 0);
    assert!(journeys >= 10, "{journeys} journeys");
    assert!(junk >= 1_000, "{junk} pieces of junk");
}
