//! Killed between an answer and the next request, again and again, under load.
//!
//! What was acknowledged is still true after the start that follows, and what was used up or ended
//! stays so. Of a request that had no answer nobody knows what came of it; whatever it was happened
//! once.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use reqwest::{Method, StatusCode};

use crate::{
    harness::{Answer, OwnRelyingParty, Persona, basic},
    program::{Place, Program, get, open_notes, post, press, sign_in},
};

const ROUNDS: usize = 50;
const AS_SESSION: &str = "__Host-as_session";
const RP_SESSION: &str = "__Host-rp_session";

/// What the server has said.
enum Acknowledged {
    /// Signed in at Harbor ID.
    SignedIn(Persona),
    /// Signed in at Notes.
    AtNotes(Persona),
    /// A note is kept.
    Kept(Persona, String),
    /// Signed out at Harbor ID, and the cookie that it was.
    SignedOut(String),
    /// Signed out at Notes, and the cookie that it was.
    LeftNotes(String),
    /// A token was redeemed for this access token.
    Redeemed(Handoff, String),
    /// A replay was refused; what the token had given is revoked.
    Replayed(Handoff, String),
}

#[derive(Clone)]
struct Handoff {
    party: OwnRelyingParty,
    token: String,
}

/// One life of the program.
#[derive(Clone)]
struct Life {
    place: Place,
    program: Program,
    secret: String,
    said: Arc<Mutex<Said>>,
}

struct Said {
    acknowledged: Vec<Acknowledged>,
    /// Presented, and no answer came.
    in_doubt: Vec<Handoff>,
    until: usize,
    count: usize,
}

impl Life {
    /// Notes an answer. The last one that this life has to give is followed by its end.
    fn acknowledge(&self, what: Acknowledged) {
        let mut said = self.said.lock().unwrap();
        said.acknowledged.push(what);
        said.count += 1;
        if said.count == said.until {
            self.program.kill();
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        auth: &str,
        body: Option<String>,
    ) -> Option<Answer> {
        let headers = [
            ("authorization", auth),
            ("content-type", "application/json"),
        ];
        let url = self.place.authority(path);
        let server = self.place.visitor();
        server.try_send(method, &url, &headers, body).await.ok()
    }

    async fn verify(&self, Handoff { party, token }: &Handoff) -> Option<Answer> {
        let (auth, body) = (basic("notes", &self.secret), party.body(token).to_string());
        let path = "/auth/external/handoff/verify";
        self.call(Method::POST, path, &auth, Some(body)).await
    }

    async fn session(&self, access: &str) -> StatusCode {
        let auth = format!("Bearer {access}");
        let path = "/api/v1/auth/direct/session";
        self.call(Method::GET, path, &auth, None)
            .await
            .unwrap()
            .status
    }

    /// H1 and H3 of a relying party of our own.
    async fn token(&self, persona: &Persona) -> Option<Handoff> {
        let place = &self.place;
        let open = place.authority("/apps/notes/open");
        let h1 = press(persona, &place.authority("/"), &open).await?;
        let party = OwnRelyingParty::new(place.notes("/callback"));
        let launch = h1.location_parameter("launch");
        let url = party.authorize_at(&place.authority("/handoff/authorize"), Some(&launch));
        let h3 = get(persona, &url).await?;
        let token = h3.location_parameter("handoff_token");
        Some(Handoff { party, token })
    }

    /// Redeems tokens, and replays some, until the end.
    async fn redeems(self, persona: Persona, replays: bool) -> Option<()> {
        loop {
            let handoff = self.token(&persona).await?;
            let doubt = |in_doubt: &Handoff| {
                self.said.lock().unwrap().in_doubt.push(in_doubt.clone());
            };
            let Some(answer) = self.verify(&handoff).await else {
                doubt(&handoff);
                return None;
            };
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            let access = answer.json()["access_token"].as_str().unwrap().to_owned();
            if !replays {
                self.acknowledge(Acknowledged::Redeemed(handoff, access));
                continue;
            }
            let answer = self.verify(&handoff).await?;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
            self.acknowledge(Acknowledged::Replayed(handoff, access));
        }
    }

    /// Opens Notes in a new browser, keeps a note; every other time signs out there again.
    async fn comes_and_goes(self, persona: Persona) -> Option<()> {
        let (portal, home) = (self.place.authority("/"), self.place.notes("/"));
        for turn in 0.. {
            let browser = self.place.visitor();
            let cookie = persona.cookie(&portal, AS_SESSION).unwrap();
            browser.set_cookie(&portal, AS_SESSION, &cookie);
            let answer = open_notes(&self.place, &browser).await?;
            assert_eq!(answer.header("location"), "/", "{answer:?}");
            if turn % 2 == 0 {
                self.acknowledge(Acknowledged::AtNotes(browser.clone()));
                let csrf = get(&browser, &home).await?.csrf();
                let text = format!("milk {}", &csrf[..16]);
                let fields = [("csrf", csrf.as_str()), ("text", &text)];
                post(&browser, &self.place.notes("/notes"), &fields).await?;
                self.acknowledge(Acknowledged::Kept(browser, text));
            } else {
                let cookie = browser.cookie(&home, RP_SESSION).unwrap();
                let answer = press(&browser, &home, &self.place.notes("/logout")).await?;
                assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
                self.acknowledge(Acknowledged::LeftNotes(cookie));
            }
        }
        None
    }

    /// Signs in, and signs out whoever did so in the life before.
    async fn signs_in(self, before: Option<Persona>) -> Option<()> {
        if let Some(persona) = before {
            let portal = self.place.authority("/");
            let cookie = persona.cookie(&portal, AS_SESSION).unwrap();
            press(&persona, &portal, &self.place.authority("/logout")).await?;
            self.acknowledge(Acknowledged::SignedOut(cookie));
        }
        let persona = self.place.visitor();
        let answer = sign_in(&self.place, &persona, "mallory@harbor.example").await?;
        assert_eq!(answer.header("location"), "/", "{answer:?}");
        self.acknowledge(Acknowledged::SignedIn(persona));
        None
    }

    /// Whether it is still true in the life after.
    async fn check(&self, what: Acknowledged) {
        let place = &self.place;
        let (portal, home) = (place.authority("/"), place.notes("/"));
        let with_cookie = async |url: &str, name: &str, value: &str| {
            let browser = place.visitor();
            browser.set_cookie(url, name, value);
            get(&browser, url).await.unwrap()
        };
        let again = |persona: &Persona| persona.reconnected(place.address, &place.origins);
        match what {
            Acknowledged::SignedIn(persona) => {
                let answer = get(&again(&persona), &portal).await.unwrap();
                assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            }
            Acknowledged::AtNotes(persona) => {
                let answer = get(&again(&persona), &home).await.unwrap();
                assert!(answer.body.contains("Bob Okafor"), "{answer:?}");
            }
            Acknowledged::Kept(persona, text) => {
                let answer = get(&again(&persona), &home).await.unwrap();
                assert!(answer.body.contains(&text), "{answer:?}");
            }
            Acknowledged::SignedOut(cookie) => {
                let answer = with_cookie(&portal, AS_SESSION, &cookie).await;
                assert!(
                    answer.header("location").starts_with("/login"),
                    "{answer:?}"
                );
            }
            Acknowledged::LeftNotes(cookie) => {
                let answer = with_cookie(&home, RP_SESSION, &cookie).await;
                assert!(!answer.body.contains("Bob Okafor"), "{answer:?}");
            }
            Acknowledged::Redeemed(handoff, access) => {
                assert_eq!(self.session(&access).await, StatusCode::OK);
                let answer = self.verify(&handoff).await.unwrap();
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
                assert_eq!(self.session(&access).await, StatusCode::UNAUTHORIZED);
            }
            Acknowledged::Replayed(handoff, access) => {
                assert_eq!(self.session(&access).await, StatusCode::UNAUTHORIZED);
                let answer = self.verify(&handoff).await.unwrap();
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
            }
        }
    }

    async fn settle_doubt(&self, handoff: &Handoff) {
        let first = self.verify(handoff).await.unwrap().status;
        assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&first));
        let second = self.verify(handoff).await.unwrap();
        assert_eq!(second.status, StatusCode::BAD_REQUEST, "{second:?}");
    }
}

async fn live(place: &Place, data: &Path, until: usize) -> Life {
    let program = Program::start(place, data).await;
    let secret = std::fs::read_to_string(data.join("notes.secret")).unwrap();
    let said = Said {
        acknowledged: Vec::new(),
        in_doubt: Vec::new(),
        until,
        count: 0,
    };
    Life {
        place: place.clone(),
        program,
        secret: secret.trim().to_owned(),
        said: Arc::new(Mutex::new(said)),
    }
}

#[tokio::test]
async fn rows_03_04_53_killed_fifty_times_under_load_it_keeps_its_word() {
    let _alone = crate::MACHINE.write().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let place = Place::free();
    let first = live(&place, &data, usize::MAX).await;
    let (alice, bob) = (place.visitor(), place.visitor());
    for (persona, email) in [
        (&alice, "alice@harbor.example"),
        (&bob, "bob@harbor.example"),
    ] {
        let answer = sign_in(&place, persona, email).await.unwrap();
        assert_eq!(answer.header("location"), "/", "{answer:?}");
    }
    first.program.kill();
    first.program.buried();

    let (mut acknowledged, mut in_doubt, mut cut_off) = (0, 0, 0);
    let mut mallory = None;
    let mut last = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        // A different moment in each life: after 1 to 17 answers.
        let life = live(&place, &data, 1 + round * 7 % 17).await;
        let people = |persona: &Persona| persona.reconnected(place.address, &place.origins);
        let (said_before, doubts) = std::mem::take(&mut last);
        for what in said_before {
            acknowledged += 1;
            if let Acknowledged::SignedIn(persona) = &what {
                mallory = Some(people(persona));
            }
            life.check(what).await;
        }
        for handoff in &doubts {
            in_doubt += 1;
            life.settle_doubt(handoff).await;
        }
        for persona in [&alice, &bob] {
            let answer = get(&people(persona), &place.authority("/")).await.unwrap();
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        }
        if round == ROUNDS {
            break;
        }
        let mut load = tokio::task::JoinSet::new();
        for worker in 0..3 {
            load.spawn(life.clone().redeems(people(&alice), worker == 2));
        }
        load.spawn(life.clone().comes_and_goes(people(&bob)));
        load.spawn(life.clone().signs_in(mallory.take()));
        while let Some(ended) = load.join_next().await {
            ended.unwrap();
        }
        let Life { program, said, .. } = life;
        program.buried();
        let mut said = said.lock().unwrap();
        assert!(said.count >= said.until, "it was killed by an answer");
        cut_off += said.in_doubt.len();
        last = (
            std::mem::take(&mut said.acknowledged),
            std::mem::take(&mut said.in_doubt),
        );
    }
    println!(
        "{acknowledged} answers held, {in_doubt} of {cut_off} presentations without an answer"
    );
    assert!(acknowledged > 5 * ROUNDS);
}
