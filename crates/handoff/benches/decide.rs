//! How long the pure part of a verify takes: reading the request, hashing its secrets, deciding.
//! `cargo bench -p handoff --bench decide`. What a server does besides is in `docs/BENCHMARKS.md`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use handoff::{
    client::HandoffLifetime,
    handoff::{Handoff, Request},
    ids::{ClientId, SessionId, SignInId, UserId},
    policy::Policy,
    token::{HandoffToken, Secret, State, Verifier},
    verify::{Presented, Proof, Standing, decide},
    wire::VerifyRequest,
};
use time::{Duration, OffsetDateTime};

const REDIRECT_URI: &str = "https://notes.example/callback";
const STANDING: Standing = Standing {
    sign_in_is_live: true,
    user_is_active: true,
    user_is_assigned: true,
};

fn benches(criterion: &mut Criterion) {
    let now = OffsetDateTime::UNIX_EPOCH;
    let (token, state) = (HandoffToken::mint([1; 32]), State::mint([2; 32]));
    let verifier = Verifier::mint([3; 32]);
    let Ok(client) = ClientId::parse("notes") else {
        return;
    };
    let request = Request {
        client: client.clone(),
        redirect_uri: REDIRECT_URI.to_owned(),
        state: state.digest(),
        challenge: Some(verifier.challenge()),
        lifetime: HandoffLifetime::default(),
    };
    let (sign_in, user) = (SignInId::mint([4; 16]), UserId::mint([5; 16]));
    let issued = request.issue(token.digest(), sign_in, user, now);
    let presented = Presented {
        client,
        proof: Proof::Credential,
        token: (&token).into(),
        state: (&state).into(),
        redirect_uri: Some(REDIRECT_URI.to_owned()),
        verifier: Some((&verifier).into()),
    };
    let (late, session) = (now + Duration::HOUR, SessionId::mint([6; 16]));
    let used = issued.clone().redeem(session, now);
    let issued = Handoff::Issued(issued);
    for (name, stored, now) in [
        ("accepted", &issued, now),
        ("too late", &issued, late),
        ("used twice", &used, now),
    ] {
        criterion.bench_function(&format!("decide: {name}"), |bencher| {
            bencher.iter(|| {
                let (stored, presented) = (black_box(stored), black_box(&presented));
                decide(stored, STANDING, presented, now, &Policy::STRICT).is_ok()
            });
        });
    }
    let body = format!(
        r#"{{"client_id":"notes","handoff_token":"{}","state":"{}","redirect_uri":"{REDIRECT_URI}","code_verifier":"{}"}}"#,
        token.expose(),
        state.expose(),
        verifier.expose(),
    );
    criterion.bench_function("read a request", |bencher| {
        bencher.iter(|| serde_json::from_str::<VerifyRequest>(black_box(&body)).is_ok());
    });
    criterion.bench_function("hash a secret", |bencher| {
        bencher.iter(|| black_box(&token).digest());
    });
}

criterion_group!(all, benches);
criterion_main!(all);
