//! Tables: start from the valid case, change one thing, and name the one refusal that follows.
//!
//! Rows of the security checklist: 2, 4, 5, 6, 13, 15, 31, 32, 34, 36, 38, 80, 84.
#![expect(
    clippy::unwrap_used,
    reason = "set-up outside of test functions; a failure there is a failure of the test"
)]

use handoff::{
    client::{
        AssignedTo, ChallengeMissing, Client, HandoffLifetime, Icon, Kind, RefusedRegistration,
        Registration,
    },
    handoff::{Handoff, Request},
    ids::{ClientId, SessionId, SignInId, UserId},
    policy::{Defence, Policy},
    refusal_reason::RefusalReason,
    storage_key::storage_key,
    token::{
        AccessToken, ClientSecret, Digest, DigestBytes, Exposed, HandoffToken, LaunchTicket,
        PreSession, Secret, State, Unverified, Verifier,
    },
    uri::{InvalidUri, LocalPath, Origin},
    verify::{Presented, Proof, Standing, claim, decide},
    wire::{
        CallbackQuery, ErrorBody, ErrorCode, SessionInfo, SessionResponse, TokenType, UserInfo,
        VerifyRequest, VerifyResponse,
    },
};
use serde_json::json;
use time::{Duration, OffsetDateTime, macros::datetime};

const CALLBACK: &str = "http://notes.localhost:4000/callback";
const ISSUED_AT: OffsetDateTime = datetime!(2026-11-21 03:00 UTC);

/// One verify: what is stored, what else is true, what is presented, and when.
#[derive(Clone, Debug)]
struct Case {
    stored: Handoff,
    standing: Standing,
    presented: Presented,
    now: OffsetDateTime,
}

/// The case in which nothing is wrong.
fn valid() -> Case {
    let token = HandoffToken::mint([1; 32]);
    let state = State::mint([2; 32]);
    let verifier = Verifier::mint([3; 32]);
    let notes = ClientId::parse("notes").unwrap();
    let request = Request {
        client: notes.clone(),
        redirect_uri: CALLBACK.to_owned(),
        state: state.digest(),
        challenge: Some(verifier.challenge()),
        lifetime: HandoffLifetime::default(),
    };
    let issued = request.issue(
        token.digest(),
        SignInId::mint([4; 16]),
        UserId::mint([5; 16]),
        ISSUED_AT,
    );
    Case {
        stored: Handoff::Issued(issued),
        standing: Standing {
            sign_in_is_live: true,
            user_is_active: true,
            user_is_assigned: true,
        },
        presented: Presented {
            client: notes,
            proof: Proof::Credential,
            token: (&token).into(),
            state: (&state).into(),
            redirect_uri: Some(CALLBACK.to_owned()),
            verifier: Some((&verifier).into()),
        },
        now: ISSUED_AT + Duration::seconds(1),
    }
}

impl Case {
    fn outcome(&self, policy: &Policy) -> Result<(), RefusalReason> {
        decide(
            &self.stored,
            self.standing,
            &self.presented,
            self.now,
            policy,
        )
        .map(|issued| assert_eq!(issued, self.stored.issued()))
    }

    fn redeemed(&mut self) {
        let issued = self.stored.issued().clone();
        self.stored = issued.redeem(SessionId::mint([6; 16]), ISSUED_AT);
    }

    fn burned(&mut self) {
        self.stored = self.stored.issued().clone().burn(ISSUED_AT);
    }

    /// As for a client of the older SDK, which gets a row without a challenge.
    fn without_challenge(&mut self) {
        if let Handoff::Issued(issued) = &mut self.stored {
            issued.challenge = None;
        }
        self.presented.verifier = None;
    }

    /// As a browser application, of which only its origin is known.
    fn by_origin_alone(&mut self) {
        self.presented.proof = Proof::Origin;
    }

    fn by_another_client(&mut self) {
        self.presented.client = ClientId::parse("tasks").unwrap();
    }

    fn with_another_token(&mut self) {
        self.presented.token = (&HandoffToken::mint([9; 32])).into();
    }

    fn with_another_state(&mut self) {
        self.presented.state = (&State::mint([9; 32])).into();
    }

    fn with_another_redirect_uri(&mut self) {
        self.presented.redirect_uri = Some("http://notes.localhost:4000/other".to_owned());
    }

    fn with_another_verifier(&mut self) {
        self.presented.verifier = Some((&Verifier::mint([9; 32])).into());
    }

    fn too_late(&mut self) {
        self.now = ISSUED_AT + Duration::seconds(60);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a table of what each defence is good for has to take it away"
)]
fn without(defence: Defence) -> Policy {
    Policy::STRICT.without(defence)
}

type Change = fn(&mut Case);

/// What becomes of a row when its defence is taken away.
type Then = Option<(Defence, Result<(), RefusalReason>)>;

macro_rules! rows {
    ($($rejection:ident: $change:expr, $then:expr;)*) => {
        const REJECTIONS: &[RefusalReason] = &[$(RefusalReason::$rejection),*];

        fn row(rejection: RefusalReason) -> (Change, Then) {
            match rejection {
                $(RefusalReason::$rejection => ($change, $then),)*
                other => panic!("{other} has no row"),
            }
        }
    };
}

rows! {
    Unknown: Case::with_another_token, None;
    AnotherClient: Case::by_another_client, Some((Defence::ClientBinding, Ok(())));
    Replayed: Case::redeemed, Some((Defence::OneTime, Ok(())));
    AlreadyUsed: |case| {
        case.redeemed();
        case.with_another_state();
    }, Some((Defence::OneTime, Err(RefusalReason::StateDiffers)));
    Expired: Case::too_late, Some((Defence::Lifetime, Ok(())));
    StateDiffers: Case::with_another_state, Some((Defence::StateBinding, Ok(())));
    StateAloneDiffers: |case| {
        case.without_challenge();
        case.by_origin_alone();
        case.with_another_state();
    }, Some((Defence::StateBinding, Ok(())));
    RedirectUriDiffers: Case::with_another_redirect_uri,
        Some((Defence::RedirectUriBinding, Ok(())));
    VerifierMissing: |case| case.presented.verifier = None,
        Some((Defence::VerifierBinding, Ok(())));
    VerifierUnexpected: |case| {
        let verifier = case.presented.verifier.clone();
        case.without_challenge();
        case.presented.verifier = verifier;
    }, Some((Defence::VerifierBinding, Ok(())));
    VerifierWrong: Case::with_another_verifier, Some((Defence::VerifierBinding, Ok(())));
    SignInEnded: |case| case.standing.sign_in_is_live = false,
        Some((Defence::LiveSignIn, Ok(())));
    UserGone: |case| case.standing.user_is_active = false, Some((Defence::Assignment, Ok(())));
    NotAssigned: |case| case.standing.user_is_assigned = false,
        Some((Defence::Assignment, Ok(())));
}

#[test]
fn the_valid_case_is_accepted_with_every_defence_and_without_any_one() {
    assert_eq!(valid().outcome(&Policy::STRICT), Ok(()));
    for defence in Defence::OF_VERIFY {
        assert_eq!(valid().outcome(&without(*defence)), Ok(()), "{defence:?}");
    }
}

#[test]
fn row_6_table_of_every_rejection_from_the_valid_case_with_one_thing_changed() {
    for rejection in REJECTIONS {
        let (change, _) = row(*rejection);
        let mut case = valid();
        change(&mut case);
        assert_eq!(case.outcome(&Policy::STRICT), Err(*rejection), "{case:#?}");
    }
}

#[test]
fn table_of_defences_taking_one_away_lets_its_own_rejections_vanish_and_no_other() {
    for defence in Defence::OF_VERIFY {
        let mut vanished = 0;
        for rejection in REJECTIONS {
            let (change, then) = row(*rejection);
            let mut case = valid();
            change(&mut case);
            let expected = match then {
                Some((its, outcome)) if its == *defence => {
                    vanished += 1;
                    outcome
                }
                _ => Err(*rejection),
            };
            assert_eq!(
                case.outcome(&without(*defence)),
                expected,
                "{rejection:?} without {defence:?}"
            );
        }
        assert!(vanished > 0, "{defence:?} has no row");
    }
}

#[test]
fn table_of_reasons_each_rejection_has_a_name_of_its_own() {
    assert_eq!(REJECTIONS, RefusalReason::OF_TOKEN, "each has a row");
    let names: std::collections::BTreeSet<_> = REJECTIONS.iter().map(|r| r.as_str()).collect();
    assert_eq!(names.len(), REJECTIONS.len());
    for name in names {
        let plain = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(name.chars().all(plain), "{name}");
    }
}

#[test]
fn table_of_precedence_when_several_things_are_wrong() {
    use RefusalReason::*;
    let rows: &[(&str, &[Change], RefusalReason)] = &[
        // Whoever lacks the token learns nothing about its row.
        (
            "unknown before another client",
            &[Case::with_another_token, Case::by_another_client],
            Unknown,
        ),
        (
            "unknown before used",
            &[Case::with_another_token, Case::redeemed],
            Unknown,
        ),
        (
            "unknown before expired",
            &[Case::with_another_token, Case::too_late],
            Unknown,
        ),
        // Another client learns nothing of the token's fate, and revokes nothing.
        (
            "another client, redeemed",
            &[Case::by_another_client, Case::redeemed],
            AnotherClient,
        ),
        (
            "another client, burned",
            &[Case::by_another_client, Case::burned],
            AnotherClient,
        ),
        (
            "another client, expired",
            &[Case::by_another_client, Case::too_late],
            AnotherClient,
        ),
        (
            "another client, other state",
            &[Case::by_another_client, Case::with_another_state],
            AnotherClient,
        ),
        // A used token: a wrong binding makes it a leak, never a replay.
        (
            "used, other state",
            &[Case::redeemed, Case::with_another_state],
            AlreadyUsed,
        ),
        (
            "used, other redirect URI",
            &[Case::redeemed, Case::with_another_redirect_uri],
            AlreadyUsed,
        ),
        (
            "used, no redirect URI",
            &[Case::redeemed, |case| case.presented.redirect_uri = None],
            AlreadyUsed,
        ),
        (
            "used, other verifier",
            &[Case::redeemed, Case::with_another_verifier],
            AlreadyUsed,
        ),
        (
            "used, no verifier",
            &[Case::redeemed, |case| case.presented.verifier = None],
            AlreadyUsed,
        ),
        (
            "burned, other verifier",
            &[Case::burned, Case::with_another_verifier],
            AlreadyUsed,
        ),
        ("burned, all right", &[Case::burned], Replayed),
        // A replay is one long after the token's own lifetime, too.
        ("used, expired", &[Case::redeemed, Case::too_late], Replayed),
        (
            "used, sign-in ended",
            &[Case::redeemed, |case| {
                case.standing.sign_in_is_live = false;
            }],
            Replayed,
        ),
        (
            "expired, other state",
            &[Case::too_late, Case::with_another_state],
            Expired,
        ),
        (
            "other state, other redirect URI",
            &[Case::with_another_state, Case::with_another_redirect_uri],
            StateDiffers,
        ),
        (
            "other redirect URI, other verifier",
            &[Case::with_another_redirect_uri, Case::with_another_verifier],
            RedirectUriDiffers,
        ),
        (
            "other verifier, sign-in ended",
            &[Case::with_another_verifier, |case| {
                case.standing.sign_in_is_live = false;
            }],
            VerifierWrong,
        ),
        (
            "nothing stands",
            &[|case| {
                case.standing = Standing {
                    sign_in_is_live: false,
                    user_is_active: false,
                    user_is_assigned: false,
                };
            }],
            SignInEnded,
        ),
        (
            "user gone and not assigned",
            &[|case| {
                case.standing.user_is_active = false;
                case.standing.user_is_assigned = false;
            }],
            UserGone,
        ),
    ];
    for (name, changes, expected) in rows {
        let mut case = valid();
        for change in *changes {
            change(&mut case);
        }
        assert_eq!(case.outcome(&Policy::STRICT), Err(*expected), "{name}");
    }
}

#[test]
fn another_client_never_causes_a_revocation_whichever_defence_is_missing() {
    let mut case = valid();
    case.redeemed();
    case.by_another_client();
    for defence in Defence::OF_VERIFY {
        let outcome = case.outcome(&without(*defence));
        assert_ne!(outcome, Err(RefusalReason::Replayed), "{defence:?}");
    }
    assert_eq!(
        case.outcome(&without(Defence::ClientBinding)),
        Err(RefusalReason::AlreadyUsed)
    );
}

#[test]
fn row_4_table_of_a_leaked_used_token_revokes_nothing_whichever_defence_is_missing() {
    let leaks: &[Change] = &[
        Case::with_another_state,
        Case::with_another_redirect_uri,
        Case::with_another_verifier,
        |case| case.presented.verifier = None,
        |case| case.presented.redirect_uri = None,
    ];
    for (index, leak) in leaks.iter().enumerate() {
        for defence in Defence::OF_VERIFY {
            let mut case = valid();
            case.redeemed();
            leak(&mut case);
            let outcome = case.outcome(&without(*defence));
            assert_ne!(
                outcome,
                Err(RefusalReason::Replayed),
                "leak {index}, {defence:?}"
            );
        }
    }
}

#[test]
fn row_2_table_of_moments_around_the_end_of_a_lifetime() {
    for (lifetime, at, accepted) in [
        (60, Duration::ZERO, true),
        (60, Duration::milliseconds(59_900), true),
        (
            60,
            Duration::milliseconds(60_000) - Duration::NANOSECOND,
            true,
        ),
        (60, Duration::milliseconds(60_000), false),
        (60, Duration::milliseconds(60_001), false),
        (30, Duration::milliseconds(29_900), true),
        (30, Duration::milliseconds(30_000), false),
        (300, Duration::milliseconds(299_900), true),
        (300, Duration::milliseconds(300_000), false),
        (300, Duration::days(365), false),
    ] {
        let mut case = valid();
        let Handoff::Issued(issued) = &mut case.stored else {
            panic!("the valid case is a token that nobody used");
        };
        let lifetime_of = HandoffLifetime::from_seconds(lifetime).unwrap();
        *issued = Request {
            client: issued.client.clone(),
            redirect_uri: issued.redirect_uri.clone(),
            state: issued.state,
            challenge: issued.challenge,
            lifetime: lifetime_of,
        }
        .issue(issued.token, issued.sign_in, issued.user, ISSUED_AT);
        case.now = ISSUED_AT + at;
        let expected = if accepted {
            Ok(())
        } else {
            Err(RefusalReason::Expired)
        };
        assert_eq!(
            case.outcome(&Policy::STRICT),
            expected,
            "{lifetime} s, at {at}"
        );
    }
}

#[test]
fn row_2_table_of_lifetimes() {
    assert_eq!(HandoffLifetime::default().as_seconds(), 60);
    for (seconds, allowed) in [
        (i64::MIN, false),
        (-60, false),
        (0, false),
        (29, false),
        (30, true),
        (60, true),
        (300, true),
        (301, false),
        (65_536 + 60, false),
        (i64::MAX, false),
    ] {
        let lifetime = HandoffLifetime::from_seconds(seconds);
        assert_eq!(lifetime.is_ok(), allowed, "{seconds}");
        if let Ok(lifetime) = lifetime {
            assert_eq!(i64::from(lifetime.as_seconds()), seconds);
            assert_eq!(lifetime.duration(), Duration::seconds(seconds));
        }
    }
}

#[test]
fn row_80_table_of_verifiers_the_stored_row_decides_and_never_the_request() {
    let right = || Some(Unverified::from(&Verifier::mint([3; 32])));
    let wrong = || Some(Unverified::from(&Verifier::mint([9; 32])));
    // The challenge itself, which went through the browser, is no verifier.
    let public = || {
        let challenge = Verifier::mint([3; 32]).challenge().to_string();
        Some(Unverified::new(challenge).unwrap())
    };
    for (stored, presented, expected) in [
        (true, right(), Ok(())),
        (true, wrong(), Err(RefusalReason::VerifierWrong)),
        (true, public(), Err(RefusalReason::VerifierWrong)),
        (true, None, Err(RefusalReason::VerifierMissing)),
        (false, right(), Err(RefusalReason::VerifierUnexpected)),
        (false, wrong(), Err(RefusalReason::VerifierUnexpected)),
        (false, None, Ok(())),
    ] {
        let mut case = valid();
        if !stored {
            case.without_challenge();
        }
        case.presented.verifier = presented;
        assert_eq!(case.outcome(&Policy::STRICT), expected, "{case:#?}");
    }
}

#[test]
fn row_5_table_of_what_uses_a_token_up_by_the_proof_of_the_client() {
    use RefusalReason::*;
    type Row = (
        &'static str,
        Change,
        Result<(), RefusalReason>,
        Result<(), RefusalReason>,
    );
    let rows: &[Row] = &[
        ("nothing wrong", |_| {}, Ok(()), Ok(())),
        // Whoever has a credential has used the token up, whatever comes of it.
        ("state", Case::with_another_state, Ok(()), Err(StateDiffers)),
        (
            "redirect URI",
            Case::with_another_redirect_uri,
            Ok(()),
            Err(RedirectUriDiffers),
        ),
        (
            "no redirect URI",
            |case| case.presented.redirect_uri = None,
            Ok(()),
            Err(RedirectUriDiffers),
        ),
        (
            "verifier",
            Case::with_another_verifier,
            Ok(()),
            Err(VerifierWrong),
        ),
        (
            "no verifier",
            |case| case.presented.verifier = None,
            Ok(()),
            Err(VerifierMissing),
        ),
        (
            "sign-in ended",
            |case| case.standing.sign_in_is_live = false,
            Ok(()),
            Ok(()),
        ),
        (
            "client",
            Case::by_another_client,
            Err(AnotherClient),
            Err(AnotherClient),
        ),
        ("late", Case::too_late, Err(Expired), Err(Expired)),
        ("used", Case::redeemed, Err(AlreadyUsed), Err(AlreadyUsed)),
    ];
    for (what, change, with_a_credential, by_origin_alone) in rows {
        let mut case = valid();
        change(&mut case);
        let claimed = |case: &Case| claim(&case.stored, &case.presented, case.now, &Policy::STRICT);
        assert_eq!(claimed(&case), *with_a_credential, "{what}");
        case.by_origin_alone();
        assert_eq!(claimed(&case), *by_origin_alone, "{what}");
    }
}

#[test]
fn table_of_states_that_alone_differ_only_a_client_of_the_older_sdk_is_told() {
    use RefusalReason::*;
    let compat: Change = |case| {
        case.without_challenge();
        case.by_origin_alone();
        case.presented.redirect_uri = None;
    };
    let rows: &[(&str, &[Change], RefusalReason)] = &[
        ("state alone", &[compat], StateAloneDiffers),
        (
            "with a redirect URI that is right",
            &[Case::without_challenge, Case::by_origin_alone],
            StateAloneDiffers,
        ),
        (
            "redirect URI, too",
            &[compat, Case::with_another_redirect_uri],
            StateDiffers,
        ),
        (
            "verifier, too",
            &[compat, Case::with_another_verifier],
            StateDiffers,
        ),
        (
            "sign-in ended",
            &[compat, |case| case.standing.sign_in_is_live = false],
            StateDiffers,
        ),
        (
            "not assigned",
            &[compat, |case| case.standing.user_is_assigned = false],
            StateDiffers,
        ),
        ("late", &[compat, Case::too_late], Expired),
        ("used", &[compat, Case::redeemed], AlreadyUsed),
        ("client", &[compat, Case::by_another_client], AnotherClient),
        ("token", &[compat, Case::with_another_token], Unknown),
        // With a challenge it is no client of the older SDK.
        ("new SDK", &[Case::by_origin_alone], StateDiffers),
        ("server", &[], StateDiffers),
    ];
    for (name, changes, expected) in rows {
        let mut case = valid();
        for change in *changes {
            change(&mut case);
        }
        case.with_another_state();
        assert_eq!(case.outcome(&Policy::STRICT), Err(*expected), "{name}");
    }
}

#[test]
fn rows_38_80_table_of_challenges_that_a_client_gets_a_row_with() {
    let sent = Verifier::mint([3; 32]).challenge();
    for (kind, without, with) in [
        (registration().kind, Err(ChallengeMissing), Ok(Some(sent))),
        (
            Kind::Public { sdk_compat: false },
            Err(ChallengeMissing),
            Ok(Some(sent)),
        ),
        (Kind::Public { sdk_compat: true }, Ok(None), Ok(None)),
    ] {
        let client = Client::register(Registration {
            kind,
            ..registration()
        })
        .unwrap();
        assert_eq!(
            client.challenge(None, &Policy::STRICT),
            without,
            "{client:?}"
        );
        assert_eq!(
            client.challenge(Some(sent), &Policy::STRICT),
            with,
            "{client:?}"
        );
    }
}

#[test]
fn row_13_table_of_origins_only_a_public_client_is_known_by_its_own() {
    let own = "http://notes.localhost:4000";
    for (origin, expected) in [
        (own, true),
        ("null", false),
        ("", false),
        ("*", false),
        ("http://notes.localhost:4000/", false),
        ("http://Notes.localhost:4000", false),
        ("https://notes.localhost:4000", false),
        ("http://notes.localhost", false),
        ("http://notes.localhost:40000", false),
        ("http://evil.notes.localhost:4000", false),
        ("http://notes.localhost:4000.evil.example", false),
        (
            "http://notes.localhost:4000, http://notes.localhost:4000",
            false,
        ),
        (" http://notes.localhost:4000", false),
    ] {
        for sdk_compat in [false, true] {
            let public = Client::register(Registration {
                kind: Kind::Public { sdk_compat },
                ..registration()
            });
            assert_eq!(public.unwrap().is_public_at(origin), expected, "{origin}");
        }
        let confidential = Client::register(registration()).unwrap();
        assert!(!confidential.is_public_at(origin), "{origin}");
    }
}

#[test]
fn table_of_missing_redirect_uris_only_a_row_without_a_challenge_goes_without() {
    let mut case = valid();
    case.presented.redirect_uri = None;
    assert_eq!(
        case.outcome(&Policy::STRICT),
        Err(RefusalReason::RedirectUriDiffers)
    );

    let mut case = valid();
    case.without_challenge();
    case.presented.redirect_uri = None;
    assert_eq!(case.outcome(&Policy::STRICT), Ok(()));

    // What it does say must still be right.
    case.with_another_redirect_uri();
    assert_eq!(
        case.outcome(&Policy::STRICT),
        Err(RefusalReason::RedirectUriDiffers)
    );
}

fn registration() -> Registration<'static> {
    Registration {
        id: ClientId::parse("notes").unwrap(),
        name: "Notes",
        description: "Short notes",
        icon: Icon::default(),
        kind: Kind::Confidential {
            secret: ClientSecret::mint([7; 32]).digest(),
        },
        origin: "http://notes.localhost:4000",
        redirect_uris: &[CALLBACK],
        initiate_login_uri: "http://notes.localhost:4000/handoff/start",
        handoff_lifetime: HandoffLifetime::default(),
        assigned_to: AssignedTo::Everyone,
    }
}

#[test]
fn row_31_table_of_redirect_uris_that_are_not_quite_the_registered_one() {
    let client = Client::register(registration()).unwrap();
    assert_eq!(
        client
            .redirect_uri(CALLBACK, &Policy::STRICT)
            .unwrap()
            .as_str(),
        CALLBACK
    );
    let variants = [
        "",
        "/",
        "/callback",
        "callback",
        "//notes.localhost:4000/callback",
        "notes.localhost:4000/callback",
        "https://notes.localhost:4000/callback",
        "HTTP://notes.localhost:4000/callback",
        "http:notes.localhost:4000/callback",
        "http:/notes.localhost:4000/callback",
        "http:///notes.localhost:4000/callback",
        "http:\\\\notes.localhost:4000\\callback",
        "http://NOTES.localhost:4000/callback",
        "http://notes.LOCALHOST:4000/callback",
        "http://notes.localhost:4000/Callback",
        "http://notes.localhost:4000/CALLBACK",
        "http://notes.localhost:4000",
        "http://notes.localhost:4000/",
        "http://notes.localhost:4000/callback/",
        "http://notes.localhost:4000//callback",
        "http://notes.localhost:4000/callback/x",
        "http://notes.localhost:4000/callbackx",
        "http://notes.localhost:4000/callbac",
        "http://notes.localhost:4000/./callback",
        "http://notes.localhost:4000/x/../callback",
        "http://notes.localhost:4000/callback/.",
        "http://notes.localhost:4000/callback/..",
        "http://notes.localhost:4000/callback/../evil",
        "http://notes.localhost:4000/%2e/callback",
        "http://notes.localhost:4000/%63allback",
        "http://notes.localhost:4000/callback%2f",
        "http://notes.localhost:4000/callback%00",
        "http://notes.localhost:4000/callback%20",
        "http://notes.localhost:4000/callback;x",
        "http://notes.localhost:4000\\callback",
        "http://notes.localhost/callback",
        "http://notes.localhost:80/callback",
        "http://notes.localhost:40000/callback",
        "http://notes.localhost:4001/callback",
        "http://notes.localhost:04000/callback",
        "http://notes.localhost:/callback",
        "http://notes.localhost.:4000/callback",
        "http://notes%2elocalhost:4000/callback",
        "http://notes.localhost:4000@evil.example/callback",
        "http://notes@notes.localhost:4000/callback",
        "http://:@notes.localhost:4000/callback",
        "http://evil.example/http://notes.localhost:4000/callback",
        "http://evil.example/?http://notes.localhost:4000/callback",
        "http://evil.example#http://notes.localhost:4000/callback",
        "http://notes.localhost:4000.evil.example/callback",
        "http://evil.notes.localhost:4000/callback",
        "http://localhost:4000/callback",
        "http://127.0.0.1:4000/callback",
        "http://notes.localhost:4000/callback?",
        "http://notes.localhost:4000/callback?x=1",
        "http://notes.localhost:4000/callback#",
        "http://notes.localhost:4000/callback#x",
        // Look-alikes: a Cyrillic letter, its punycode, full-width forms, an ideographic stop.
        "http://n\u{43e}tes.localhost:4000/callback",
        "http://xn--ntes-55d.localhost:4000/callback",
        "http://\u{ff4e}otes.localhost:4000/callback",
        "http://notes\u{3002}localhost:4000/callback",
        "http://notes.localhost:4000/callb\u{430}ck",
        "http://notes.localhost:4000/callback\u{200b}",
        // What a URL parser drops on the way in.
        " http://notes.localhost:4000/callback",
        "http://notes.localhost:4000/callback ",
        "\thttp://notes.localhost:4000/callback",
        "http://notes.localhost:4000/call\tback",
        "http://notes.localhost:4000/call\nback",
        "http://notes.localhost:4000/callback\n",
        "http://notes.localhost:4000/callback\r\n",
        "http://notes.localhost:4000/callback\0",
        "http://notes.localhost:4000/callback,http://notes.localhost:4000/callback",
        "http://notes.localhost:4000/callback http://notes.localhost:4000/callback",
    ];
    assert!(variants.len() >= 30);
    for variant in variants {
        assert_eq!(
            client.redirect_uri(variant, &Policy::STRICT),
            None,
            "{variant:?}"
        );
        let mut case = valid();
        case.presented.redirect_uri = Some(variant.to_owned());
        assert_eq!(
            case.outcome(&Policy::STRICT),
            Err(RefusalReason::RedirectUriDiffers),
            "{variant:?}"
        );
    }
}

#[test]
fn row_31_table_of_redirect_uris_each_registered_one_is_found_and_no_mixture() {
    let client = Client::register(Registration {
        origin: "https://notes.example",
        redirect_uris: &[
            "https://notes.example/callback",
            "https://notes.example/callback?tenant=a",
        ],
        initiate_login_uri: "https://notes.example/handoff/start",
        ..registration()
    })
    .unwrap();
    for (presented, found) in [
        ("https://notes.example/callback", true),
        ("https://notes.example/callback?tenant=a", true),
        ("https://notes.example/callback?tenant=b", false),
        ("https://notes.example/callback?tenant=a&tenant=b", false),
        ("https://notes.example:443/callback", false),
        ("http://notes.example/callback", false),
        // The other addresses of a client are no redirect URIs.
        ("https://notes.example/handoff/start", false),
        ("https://notes.example", false),
    ] {
        let uri = client.redirect_uri(presented, &Policy::STRICT);
        let uri = uri.as_ref().map(|uri| uri.as_str());
        assert_eq!(uri, found.then_some(presented), "{presented}");
    }
}

#[test]
fn rows_32_and_84_table_of_addresses_that_are_not_registered() {
    use InvalidUri::*;
    for (address, why) in [
        ("", NotAbsolute),
        ("/callback", NotAbsolute),
        ("callback", NotAbsolute),
        ("//notes.localhost:4000/callback", NotAbsolute),
        ("notes.localhost:4000/callback", NotAbsolute),
        ("http://", NotAbsolute),
        ("http://notes.localhost:99999/callback", NotAbsolute),
        ("javascript:alert(1)", NotAbsolute),
        ("data:text/html,x", NotAbsolute),
        ("mailto:alice@harbor.example", NotAbsolute),
        ("ftp://notes.localhost:4000/callback", Scheme),
        ("ws://notes.localhost:4000/callback", Scheme),
        ("app://notes.localhost:4000/callback", Scheme),
        ("http://notes.example/callback", Scheme),
        ("http://192.168.0.1/callback", Scheme),
        ("http://0.0.0.0:4000/callback", Scheme),
        ("http://[::2]:4000/callback", Scheme),
        ("http://localhost.evil.example/callback", Scheme),
        ("http://notes.localhost.evil.example:4000/callback", Scheme),
        ("http://evillocalhost:4000/callback", Scheme),
        ("http://127.0.0.1.evil.example/callback", Scheme),
        ("http://notes.localhost:4000/callback#", Fragment),
        ("http://notes.localhost:4000/callback#x", Fragment),
        ("http://u@notes.localhost:4000/callback", UserInfo),
        ("http://u:p@notes.localhost:4000/callback", UserInfo),
        ("http://:p@notes.localhost:4000/callback", UserInfo),
        ("http://@notes.localhost:4000/callback", UserInfo),
        ("http://*.localhost:4000/callback", Wildcard),
        ("http://notes.localhost:4000/*", Wildcard),
        ("http://notes.localhost:*/callback", Wildcard),
        ("https://notes.localhost:4000/callback", ForeignOrigin),
        ("http://notes.localhost/callback", ForeignOrigin),
        ("http://notes.localhost:4001/callback", ForeignOrigin),
        ("http://localhost:4000/callback", ForeignOrigin),
        ("http://127.0.0.1:4000/callback", ForeignOrigin),
        ("http://auth.localhost:4000/callback", ForeignOrigin),
        ("http://evil.notes.localhost:4000/callback", ForeignOrigin),
        ("https://evil.example/callback", ForeignOrigin),
        ("http://notes.localhost:4000", NotNormal),
        ("HTTP://notes.localhost:4000/callback", NotNormal),
        ("http://Notes.localhost:4000/callback", NotNormal),
        ("http:notes.localhost:4000/callback", NotNormal),
        ("http:\\\\notes.localhost:4000/callback", NotNormal),
        ("http://notes.localhost:04000/callback", NotNormal),
        ("http://notes%2elocalhost:4000/callback", NotNormal),
        ("http://notes\u{3002}localhost:4000/callback", NotNormal),
        ("http://notes.localhost:4000/a/../callback", NotNormal),
        ("http://notes.localhost:4000/%2e/callback", NotNormal),
        ("http://notes.localhost:4000\\callback", NotNormal),
        ("http://notes.localhost:4000/callback ", NotNormal),
        ("http://notes.localhost:4000/call\tback", NotNormal),
        ("http://notes.localhost:4000/callback\n", NotNormal),
        ("http://notes.localhost:4000/é", NotNormal),
    ] {
        let refused = |field| {
            Err(RefusedRegistration::Uri {
                field,
                value: address.to_owned(),
                why,
            })
        };
        assert_eq!(
            Client::register(Registration {
                redirect_uris: &[CALLBACK, address],
                ..registration()
            }),
            refused("redirect_uri"),
        );
        assert_eq!(
            Client::register(Registration {
                initiate_login_uri: address,
                ..registration()
            }),
            refused("initiate_login_uri"),
        );
    }
}

#[test]
fn a_client_without_a_redirect_uri_is_refused() {
    let refused = Client::register(Registration {
        redirect_uris: &[],
        ..registration()
    });
    assert_eq!(refused, Err(RefusedRegistration::NoRedirectUri));
}

#[test]
fn table_of_origins() {
    use InvalidUri::*;
    for (origin, expected) in [
        ("http://notes.localhost:4000", Ok(())),
        ("http://localhost:4000", Ok(())),
        ("http://localhost", Ok(())),
        ("http://a.b.localhost:4000", Ok(())),
        ("http://127.0.0.1:4000", Ok(())),
        ("http://127.8.8.8", Ok(())),
        ("http://[::1]:4000", Ok(())),
        ("https://notes.example", Ok(())),
        ("https://notes.example:8443", Ok(())),
        ("https://192.168.0.1", Ok(())),
        ("https://xn--ntes-55d.example", Ok(())),
        ("", Err(NotAbsolute)),
        ("null", Err(NotAbsolute)),
        ("notes.localhost:4000", Err(NotAbsolute)),
        ("http://localhost.evil.example", Err(Scheme)),
        ("http://127.0.0.1.evil.example", Err(Scheme)),
        ("http://notes.example", Err(Scheme)),
        ("http://10.0.0.1", Err(Scheme)),
        ("http://[::ffff:10.0.0.1]", Err(Scheme)),
        ("ftp://localhost", Err(Scheme)),
        ("https://u@notes.example", Err(UserInfo)),
        ("https://notes.example#x", Err(Fragment)),
        ("https://*.notes.example", Err(Wildcard)),
        ("https://notes.example/", Err(NotAnOrigin)),
        ("https://notes.example/path", Err(NotAnOrigin)),
        ("https://notes.example?x", Err(NotAnOrigin)),
        ("https://notes.example:443", Err(NotAnOrigin)),
        ("http://localhost:80", Err(NotAnOrigin)),
        ("https://Notes.example", Err(NotAnOrigin)),
        ("https://n\u{43e}tes.example", Err(NotAnOrigin)),
        ("http://127.1:4000", Err(NotAnOrigin)),
        ("http://0x7f000001", Err(NotAnOrigin)),
        (" https://notes.example", Err(NotAnOrigin)),
    ] {
        let parsed = Origin::parse(origin);
        if parsed.is_ok() {
            let callback = format!("{origin}/callback");
            let client = Client::register(Registration {
                origin,
                redirect_uris: &[&callback],
                initiate_login_uri: &callback,
                ..registration()
            });
            assert_eq!(client.unwrap().origin.as_str(), origin);
        } else {
            let refused = Client::register(Registration {
                origin,
                ..registration()
            });
            assert!(
                matches!(
                    refused,
                    Err(RefusedRegistration::Uri {
                        field: "origin",
                        ..
                    })
                ),
                "{refused:?}"
            );
        }
        assert_eq!(parsed.map(|_| ()), expected, "{origin:?}");
    }
}

#[test]
fn row_34_table_of_targets_that_have_no_local_path() {
    let own = Origin::parse("http://notes.localhost:4000").unwrap();
    let long = format!("/{}", "a".repeat(LocalPath::MAX_LENGTH));
    let shrinks = format!("/{}", "a/../".repeat(LocalPath::MAX_LENGTH / 5 + 1));
    // Short enough as written; a parser writes each quotation mark as three characters.
    let grows = format!("/{}", "\"".repeat(LocalPath::MAX_LENGTH - 1));
    for bad in [
        "",
        " ",
        "x",
        "?x",
        "#x",
        ".",
        "..",
        "./x",
        "//",
        "//evil.example",
        "//evil.example/x",
        "///evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "\\\\evil.example",
        "/x\\y",
        "/%5cevil.example",
        "/%5Cevil.example",
        "/%2fevil.example",
        "/%2Fevil.example",
        "/%00/evil.example",
        "/%09/evil.example",
        "/%0a/evil.example",
        "/%0d/evil.example",
        "/%0D%0aSet-Cookie:x",
        "/%0b",
        "/%1b",
        "/%7f",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "\t//evil.example",
        "\n//evil.example",
        " //evil.example",
        " /x",
        "/x ",
        "/x y",
        "/x\0",
        "/x\u{7f}",
        "/x\r\nLocation: http://evil.example",
        "/..//evil.example",
        "/.//evil.example",
        "/x/..//evil.example",
        "/x/../..//evil.example",
        "/%2e%2e//evil.example",
        "/%2E//evil.example",
        "/.%2e//evil.example",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "mailto:x@evil.example",
        "evil.example",
        "http:evil.example",
        "http:/evil.example",
        "http://evil.example",
        "http://evil.example/http://notes.localhost:4000/",
        "https://evil.example/?http://notes.localhost:4000/",
        "http://notes.localhost:4000@evil.example",
        "http://notes.localhost:4000@evil.example/x",
        "http://notes.localhost:4000:x@evil.example/",
        "http://notes.localhost:4000.evil.example",
        "http://notes.localhost:4000.evil.example/",
        "http://notes.localhost:40001/",
        "http://notes.localhost:400/",
        "http://notes.localhost/",
        "http://notes.localhost:4000//evil.example",
        "http://notes.localhost:4000/..//evil.example",
        "http://notes.localhost:4000\\@evil.example",
        "http://notes.localhost:4000\t/x",
        "http://notes.localhost:4000\u{2044}x",
        "https://notes.localhost:4000/x",
        "HTTP://notes.localhost:4000/x",
        "http://NOTES.localhost:4000/x",
        "http://u@notes.localhost:4000/x",
        "http://auth.localhost:4000/x",
        "http://evil.notes.localhost:4000/x",
        "/x\u{a0}",
        "/x\u{85}",
        "\u{ff0f}evil.example",
        // Our own host, but another reader may know it under another scheme.
        "//notes.localhost:4000/x",
        "//notes.localhost:4000",
        &long,
        &grows,
        &shrinks,
    ] {
        assert_eq!(LocalPath::reduce(bad, &own), None, "{bad:?}");
    }
}

#[test]
fn table_of_targets_that_have_a_local_path() {
    let own = Origin::parse("http://notes.localhost:4000").unwrap();
    let long = format!("/{}", "a".repeat(LocalPath::MAX_LENGTH - 1));
    for (target, path) in [
        ("/", "/"),
        ("/notes", "/notes"),
        ("/notes/", "/notes/"),
        ("/notes/1?sort=new&x=%C3%A9", "/notes/1?sort=new&x=%C3%A9"),
        ("/notes?", "/notes?"),
        ("/notes#top", "/notes"),
        ("/a//b", "/a//b"),
        ("/a/./b/../c", "/a/c"),
        ("/..", "/"),
        ("/%2e%2e/x", "/x"),
        ("/%C3%A9", "/%C3%A9"),
        ("/é?t=ü😀", "/%C3%A9?t=%C3%BC%F0%9F%98%80"),
        ("/\u{ff0f}evil.example", "/%EF%BC%8Fevil.example"),
        ("/a@b:c", "/a@b:c"),
        ("/http://evil.example/", "/http://evil.example/"),
        ("/?next=//evil.example", "/?next=//evil.example"),
        ("/?next=%2f%5c%0a", "/?next=%2f%5c%0a"),
        ("http://notes.localhost:4000", "/"),
        ("http://notes.localhost:4000/", "/"),
        ("http://notes.localhost:4000/notes?x=1", "/notes?x=1"),
        ("http://notes.localhost:4000/a/../b#c", "/b"),
        (&long, &long),
    ] {
        let reduced = LocalPath::reduce(target, &own).unwrap();
        assert_eq!(reduced.as_str(), path, "{target:?}");
        assert_eq!(
            own.with(&reduced),
            format!("http://notes.localhost:4000{path}")
        );
    }
    assert_eq!(LocalPath::root().as_str(), "/");
}

#[test]
fn table_of_stored_paths_that_are_not_read_back() {
    for bad in [
        "\"\"",
        "\"x\"",
        "\"//evil.example\"",
        "\"/\\\\evil.example\"",
        "\"https://path.invalid/x\"",
        "\"/x\\n\"",
        "1",
        "null",
    ] {
        assert!(serde_json::from_str::<LocalPath>(bad).is_err(), "{bad}");
    }
}

fn request_body() -> serde_json::Value {
    json!({
        "handoff_token": HandoffToken::mint([1; 32]).expose().to_string(),
        "state": State::mint([2; 32]).expose().to_string(),
        "client_id": "notes",
        "redirect_uri": CALLBACK,
        "code_verifier": Verifier::mint([3; 32]).expose().to_string(),
    })
}

const REQUIRED: [&str; 3] = ["handoff_token", "state", "client_id"];
const OPTIONAL: [&str; 2] = ["redirect_uri", "code_verifier"];

#[test]
fn a_verify_request_reads_back_as_it_was_written_by_its_names_on_the_wire() {
    let read: VerifyRequest = serde_json::from_value(request_body()).unwrap();
    assert_eq!(
        read.handoff_token.digest(),
        HandoffToken::mint([1; 32]).digest()
    );
    assert_eq!(read.state.digest(), State::mint([2; 32]).digest());
    assert_eq!(read.client_id, "notes");
    assert_eq!(read.redirect_uri.as_deref(), Some(CALLBACK));
    let verifier = read.code_verifier.clone().unwrap();
    assert_eq!(verifier.digest(), Verifier::mint([3; 32]).digest());
    assert_eq!(serde_json::to_value(&read).unwrap(), request_body());
}

#[test]
fn table_of_verify_requests_with_a_member_left_out() {
    for member in REQUIRED {
        let mut body = request_body();
        body.as_object_mut().unwrap().remove(member);
        let read = serde_json::from_value::<VerifyRequest>(body);
        assert!(read.is_err(), "{member}");
    }
    for member in OPTIONAL {
        let mut body = request_body();
        body.as_object_mut().unwrap().remove(member);
        let read: VerifyRequest = serde_json::from_value(body.clone()).unwrap();
        // What is absent is not sent on as `null`.
        assert_eq!(serde_json::to_value(&read).unwrap(), body, "{member}");
    }
}

#[test]
fn row_36_table_of_verify_requests_with_a_member_that_stands_twice() {
    let body = request_body();
    for member in REQUIRED.iter().chain(&OPTIONAL) {
        for again in [body[member].clone(), json!("other")] {
            let text = body.to_string();
            let first = format!("{{\"{member}\":{again},{}", &text[1..]);
            let last = format!("{},\"{member}\":{again}}}", &text[..text.len() - 1]);
            for text in [first, last] {
                let read = serde_json::from_str::<VerifyRequest>(&text);
                let error = read.expect_err(&text).to_string();
                assert!(error.contains("duplicate field"), "{error}");
            }
        }
    }
    let text = format!("{{\"code_verifier\":null,{}", &body.to_string()[1..]);
    assert!(serde_json::from_str::<VerifyRequest>(&text).is_err());
}

#[test]
fn row_36_table_of_verify_requests_with_members_nobody_knows() {
    for (name, value) in [
        ("extra", json!("x")),
        ("Handoff_Token", json!("x")),
        ("handoffToken", json!(1)),
        ("nested", json!({"handoff_token": "x", "deep": [[[{}]]]})),
        ("", json!(null)),
    ] {
        let mut body = request_body();
        body[name] = value;
        let read: VerifyRequest = serde_json::from_value(body).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), request_body());
    }
}

#[test]
fn table_of_verify_requests_with_a_member_of_the_wrong_shape() {
    let long = "a".repeat(513);
    for member in REQUIRED.iter().chain(&OPTIONAL) {
        for wrong in [
            json!(1),
            json!(true),
            json!([]),
            json!(["x"]),
            json!({}),
            json!({"value": "x"}),
            json!(""),
            json!("a".repeat(2049)),
        ] {
            let mut body = request_body();
            body[member] = wrong.clone();
            let read = serde_json::from_value::<VerifyRequest>(body);
            assert!(read.is_err(), "{member}: {wrong}");
        }
    }
    for member in REQUIRED {
        let mut body = request_body();
        body[member] = json!(null);
        let read = serde_json::from_value::<VerifyRequest>(body);
        assert!(read.is_err(), "{member}: null");
    }
    for member in ["handoff_token", "state", "code_verifier"] {
        for wrong in [&*long, "a\nb", "a\0", "é"] {
            let mut body = request_body();
            body[member] = json!(wrong);
            let read = serde_json::from_value::<VerifyRequest>(body);
            assert!(read.is_err(), "{member}: {wrong:?}");
        }
        // The longest that is read: wrong, but not malformed.
        let mut body = request_body();
        body[member] = json!(&long[1..]);
        assert!(serde_json::from_value::<VerifyRequest>(body).is_ok());
    }
}

#[test]
fn table_of_bodies_that_are_no_verify_request() {
    let good = request_body().to_string();
    let nested = json!({ "request": request_body() }).to_string();
    let list = json!([request_body()]).to_string();
    let text = json!(good).to_string();
    let twice = format!("{good}{good}");
    for bad in [
        "",
        " ",
        "{}",
        "[]",
        "null",
        "1",
        "\"\"",
        "{",
        &good[..good.len() - 1],
        &nested,
        &list,
        &text,
        &twice,
        "handoff_token=x&state=y&client_id=notes",
    ] {
        let read = serde_json::from_str::<VerifyRequest>(bad);
        assert!(read.is_err(), "{bad}");
    }
}

#[test]
fn a_malformed_secret_is_not_repeated_in_the_error() {
    let secret = format!("{}\n", HandoffToken::mint([1; 32]).expose());
    let mut body = request_body();
    body["handoff_token"] = json!(secret);
    let error = serde_json::from_value::<VerifyRequest>(body).unwrap_err();
    assert!(!error.to_string().contains(&secret[..12]), "{error}");
}

#[test]
fn row_36_table_of_callback_queries_with_a_parameter_that_stands_twice() {
    for member in ["handoff_token", "state", "iss", "error"] {
        let twice = format!("{{\"{member}\":\"a\",\"{member}\":\"a\"}}");
        assert!(
            serde_json::from_str::<CallbackQuery>(&twice).is_err(),
            "{member}"
        );
    }
}

fn session_info() -> SessionInfo {
    SessionInfo {
        id: SessionId::mint([6; 16]),
        user_id: UserId::mint([5; 16]),
        created_at: ISSUED_AT,
        expires_at: ISSUED_AT + Duration::hours(1),
    }
}

fn user_info() -> UserInfo {
    UserInfo {
        id: UserId::mint([5; 16]),
        email: "alice@harbor.example".to_owned(),
        name: "Alice Moreau".to_owned(),
        email_verified: true,
    }
}

#[test]
fn an_accepted_verify_is_answered_by_exactly_the_specified_members() {
    let response = VerifyResponse {
        token_type: TokenType::Bearer,
        access_token: (&AccessToken::mint([8; 32])).into(),
        expires_in: 3600,
        session: session_info(),
        user: user_info(),
        auth_time: 1_795_230_000,
        amr: vec!["pwd".to_owned()],
    };
    let expected = json!({
        "token_type": "Bearer",
        "access_token": "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg",
        "expires_in": 3600,
        "session": {
            "id": "BgYGBgYGBgYGBgYGBgYGBg",
            "userId": "BQUFBQUFBQUFBQUFBQUFBQ",
            "createdAt": "2026-11-21T03:00:00Z",
            "expiresAt": "2026-11-21T04:00:00Z"
        },
        "user": {
            "id": "BQUFBQUFBQUFBQUFBQUFBQ",
            "email": "alice@harbor.example",
            "name": "Alice Moreau",
            "emailVerified": true
        },
        "auth_time": 1_795_230_000,
        "amr": ["pwd"]
    });
    assert_eq!(serde_json::to_value(&response).unwrap(), expected);
    let read: VerifyResponse = serde_json::from_value(expected.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), expected);

    let session = SessionResponse {
        session: session_info(),
        user: user_info(),
    };
    assert_eq!(
        serde_json::to_value(&session).unwrap(),
        json!({ "session": expected["session"], "user": expected["user"] })
    );
}

#[test]
fn table_of_the_names_of_refusals_on_the_wire() {
    for (error, name) in [
        (ErrorCode::InvalidRequest, "invalid_request"),
        (ErrorCode::InvalidClient, "invalid_client"),
        (
            ErrorCode::HandoffVerificationFailed,
            "HANDOFF_VERIFICATION_FAILED",
        ),
        (ErrorCode::HandoffStateMismatch, "HANDOFF_STATE_MISMATCH"),
        (ErrorCode::AccessDenied, "access_denied"),
        (ErrorCode::NoSession, "no_session"),
        (ErrorCode::SessionExpired, "session_expired"),
        (ErrorCode::UserNotFound, "user_not_found"),
        (ErrorCode::SlowDown, "slow_down"),
        (ErrorCode::TemporarilyUnavailable, "temporarily_unavailable"),
    ] {
        let body = ErrorBody {
            error,
            error_description: "x".to_owned(),
        };
        assert_eq!(
            serde_json::to_value(&body).unwrap(),
            json!({ "error": name, "error_description": "x" })
        );
    }
}

#[test]
fn table_of_storage_keys_at_the_edge_of_the_hash() {
    // Both hash to the one 32-bit number whose absolute value has no `i32`.
    for client_id in ["aepggnlf", "brbmaclk"] {
        assert_eq!(
            storage_key("http://localhost:3000", client_id),
            "authrim_session_zik0zk"
        );
    }
}

/// Whether `T` has `==`, asked of the compiler: the inherent constant is there only for a type that
/// has it, and goes before the trait's.
struct Comparable<T>(std::marker::PhantomData<T>);

trait OtherwiseNot {
    const ANSWER: bool = false;
}

impl<T> OtherwiseNot for Comparable<T> {}

impl<T: PartialEq> Comparable<T> {
    const ANSWER: bool = true;
}

#[test]
fn row_16_a_secret_has_no_comparison_but_its_digest_does() {
    for (name, comparable) in [
        ("LaunchTicket", Comparable::<LaunchTicket>::ANSWER),
        ("HandoffToken", Comparable::<HandoffToken>::ANSWER),
        ("State", Comparable::<State>::ANSWER),
        ("Verifier", Comparable::<Verifier>::ANSWER),
        ("AccessToken", Comparable::<AccessToken>::ANSWER),
        ("ClientSecret", Comparable::<ClientSecret>::ANSWER),
        ("PreSession", Comparable::<PreSession>::ANSWER),
        ("a claim", Comparable::<Unverified<HandoffToken>>::ANSWER),
        ("the text of one", Comparable::<Exposed>::ANSWER),
        ("the bytes of a digest", Comparable::<DigestBytes>::ANSWER),
    ] {
        assert!(!comparable, "{name}");
    }
    // The question can be answered with yes.
    let digests = [
        Comparable::<Digest<HandoffToken>>::ANSWER,
        Comparable::<String>::ANSWER,
    ];
    assert_eq!(digests, [true, true]);
}
