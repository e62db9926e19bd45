//! Properties: what must hold for every value, tried with many random ones.
#![expect(
    clippy::unwrap_used,
    reason = "set-up outside of test functions; a failure there is a failure of the test"
)]

use std::fmt::Debug;

use data_encoding::HEXLOWER;
use handoff::{
    client::HandoffLifetime,
    handoff::{Handoff, Launch, Request, Started},
    ids::{ClientId, SessionId, SignInId, UserId},
    policy::{Defence, Policy},
    refusal_reason::RefusalReason,
    storage_key::storage_key,
    token::{
        AccessToken, Challenge, ClientSecret, Digest, HandoffToken, LaunchTicket, PreSession,
        Secret, State, Unverified, Verifier,
    },
    uri::{LocalPath, Origin},
    verify::{Presented, Proof, Standing, bindings, claim, decide},
    wire::{
        AuthorizeQuery, CallbackQuery, SessionInfo, StartQuery, TokenType, UserInfo, VerifyRequest,
        VerifyResponse,
    },
};
use proptest::{prelude::*, sample::select};
use time::{Duration, OffsetDateTime};
use url::Url;

const CALLBACK: &str = "http://notes.localhost:4000/callback";

/// Neither the secret nor enough of it to find the rest.
fn assert_hides(printed: &str, secret: &str) {
    assert!(!printed.contains(secret), "{printed}");
    assert!(!printed.contains(&secret[..12]), "{printed}");
}

fn check_secret<T: Secret + Debug + Clone, E: Debug>(
    random: [u8; 32],
    parse: impl Fn(&str) -> Result<T, E>,
) {
    let secret = T::mint(random);
    let text: &str = secret.expose().as_ref();
    assert_eq!(text.len(), 43);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    assert!(text.bytes().all(plain), "{text}");
    let parsed = parse(text).unwrap();
    assert_eq!(parsed.expose().to_string(), text);
    assert_eq!(parsed.digest(), secret.digest());

    let claim = Unverified::from(&secret);
    assert_eq!(claim.expose().to_string(), text);
    assert_eq!(claim.digest(), secret.digest());
    let json = serde_json::to_string(&claim).unwrap();
    assert_eq!(json, format!("\"{text}\""));
    let read: Unverified<T> = serde_json::from_str(&json).unwrap();
    assert_eq!(read.digest(), secret.digest());

    let stored = Digest::<T>::from_slice(secret.digest().as_bytes().as_slice()).unwrap();
    assert_eq!(stored, secret.digest());

    for printed in [
        format!("{secret:?} {secret:#?}"),
        format!("{claim:?} {claim:#?}"),
        format!("{stored:?} {}", stored.fingerprint()),
        format!("{:?}", Some(&secret)),
    ] {
        assert_hides(&printed, text);
        // The hash is what a store looks up: it is not printed whole, either.
        let whole = HEXLOWER.encode(stored.as_bytes().as_slice());
        assert!(!printed.contains(&whole), "{printed}");
    }
}

proptest! {
    #[test]
    fn every_secret_reads_back_as_it_was_minted_and_no_debug_output_holds_it(random: [u8; 32]) {
        check_secret(random, LaunchTicket::parse);
        check_secret(random, HandoffToken::parse);
        check_secret(random, State::parse);
        check_secret(random, Verifier::parse);
        check_secret(random, AccessToken::parse);
        check_secret(random, ClientSecret::parse);
        check_secret(random, PreSession::parse);
    }

    #[test]
    fn row_75_no_secret_shows_in_the_debug_output_of_what_carries_it(a: [u8; 32], b: [u8; 32], c: [u8; 32]) {
        let now = OffsetDateTime::UNIX_EPOCH;
        let (token, state, verifier) =
            (HandoffToken::mint(a), State::mint(b), Verifier::mint(c));
        let (launch, access) = (LaunchTicket::mint(a), AccessToken::mint(b));
        let notes = ClientId::parse("notes").unwrap();
        let own = |secret: &str| Some(secret.to_owned());
        let started = Started::new(state.clone(), verifier.clone(), LocalPath::root(), now);
        let printed = [
            format!("{:?}", Launch::new(&launch, SignInId::mint([1; 16]), notes.clone(), now)),
            format!("{started:?}"),
            format!("{:?}", started.returned((&token).into())),
            format!("{:#?}", Presented {
                client: notes,
                proof: Proof::Credential,
                token: (&token).into(),
                state: (&state).into(),
                redirect_uri: None,
                verifier: Some((&verifier).into()),
            }),
            format!("{:?}", VerifyRequest {
                handoff_token: (&token).into(),
                state: (&state).into(),
                client_id: "notes".to_owned(),
                redirect_uri: None,
                code_verifier: Some((&verifier).into()),
            }),
            format!("{:?}", VerifyResponse {
                token_type: TokenType::Bearer,
                access_token: (&access).into(),
                expires_in: 1,
                session: SessionInfo {
                    id: SessionId::mint([2; 16]),
                    user_id: UserId::mint([3; 16]),
                    created_at: now,
                    expires_at: now,
                },
                user: UserInfo {
                    id: UserId::mint([3; 16]),
                    email: String::new(),
                    name: String::new(),
                    email_verified: false,
                },
                auth_time: 0,
                amr: Vec::new(),
            }),
            format!("{:?}", StartQuery { launch: own(launch.expose().as_ref()), ..StartQuery::default() }),
            format!("{:#?}", AuthorizeQuery {
                state: own(state.expose().as_ref()),
                launch: own(launch.expose().as_ref()),
                ..AuthorizeQuery::default()
            }),
            format!("{:?}", CallbackQuery {
                handoff_token: own(token.expose().as_ref()),
                state: own(state.expose().as_ref()),
                ..CallbackQuery::default()
            }),
        ];
        for printed in printed {
            for secret in [
                token.expose(),
                state.expose(),
                verifier.expose(),
                launch.expose(),
                access.expose(),
            ] {
                assert_hides(&printed, secret.as_ref());
            }
        }
    }

    #[test]
    fn a_secret_of_another_length_is_not_read(text in "[A-Za-z0-9_-]{0,42}|[A-Za-z0-9_-]{44,64}") {
        prop_assert!(HandoffToken::parse(&text).is_err());
        prop_assert!(Challenge::parse(&text).is_err());
    }

    #[test]
    fn a_digest_differs_from_another_in_any_one_bit(random: [u8; 32], bit in 0..256_usize) {
        let mut other = random;
        other[bit / 8] ^= 1 << (bit % 8);
        let digest = Digest::<State>::from_bytes;
        prop_assert_eq!(digest(random), digest(random));
        prop_assert_ne!(digest(random), digest(other));
    }

    #[test]
    fn two_secrets_have_one_digest_only_if_they_are_one(a: [u8; 32], b: [u8; 32]) {
        let same = State::mint(a).digest() == State::mint(b).digest();
        prop_assert_eq!(same, a == b);
        prop_assert_eq!(State::mint(a).digest(), State::mint(a).digest());
    }

    #[test]
    fn a_claim_is_read_if_and_only_if_it_is_short_printable_ascii(
        text in prop_oneof!["[ -~]{0,520}", any::<String>()],
    ) {
        let expected = !text.is_empty()
            && text.len() <= 512
            && text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        prop_assert_eq!(Unverified::<State>::new(text.as_str()).is_ok(), expected);
    }
}

// Addresses.

fn origin() -> impl Strategy<Value = Origin> {
    select(vec![
        "http://notes.localhost:4000",
        "https://notes.example",
        "http://[::1]:4000",
        "https://notes.example:8443",
    ])
    .prop_map(|text| Origin::parse(text).unwrap())
}

/// Texts made of the pieces that have fooled parsers before.
fn target() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => Just("/".to_owned()),
        8 => select(vec![
            "//", "\\", ".", "..", "%2e", "%2E%2e", "%5c", "%2f", "%09", "%0a", "%00", "%25", "%",
            "%c3%a9", "\t", "\n", "\r", " ", "\0", "@", ":", ":4000", ";", "?", "#", "&", "'",
            "\"", "<", "|", "{", "^", "`", "*", "~", "evil.example", "http:", "https://",
            "javascript:", "http://notes.localhost:4000", "https://notes.example", "é",
            "\u{2044}", "\u{3002}", "C:", "C|",
        ])
        .prop_map(str::to_owned),
        4 => "[a-z0-9._~-]{1,6}",
        1 => "[!-~]{1,8}",
    ];
    let start = select(vec![
        "",
        "/",
        "/",
        "/",
        "http://notes.localhost:4000",
        "https://notes.example",
    ]);
    let pieces = (start, prop::collection::vec(piece, 0..10))
        .prop_map(|(start, pieces)| format!("{start}{}", pieces.concat()));
    prop_oneof![
        8 => pieces,
        1 => any::<String>(),
        // Around the greatest length.
        1 => "/[a\"?]{2030,2060}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn row_34_a_local_path_stays_on_its_origin_whoever_reads_it(
        own in origin(),
        page in select(vec!["/", "/a/b", "/a/b/?c", "//x/y"]),
        text in target(),
    ) {
        let Some(path) = LocalPath::reduce(&text, &own) else {
            return Ok(());
        };
        let reduced = path.as_str();
        prop_assert!(reduced.starts_with('/'), "{}", reduced);
        prop_assert!(!reduced.starts_with("//") && !reduced.starts_with("/\\"), "{}", reduced);
        prop_assert!(reduced.len() <= LocalPath::MAX_LENGTH);
        prop_assert!(reduced.bytes().all(|b| b.is_ascii_graphic()), "{:?}", reduced);
        prop_assert!(!reduced.contains('#'), "{}", reduced);

        let home = Url::parse(own.as_str()).unwrap();
        let on_page = Url::parse(&format!("{own}{page}")).unwrap();
        for read in [
            // As the `Location` of an answer, relative to whichever page answered.
            home.join(reduced).unwrap(),
            on_page.join(reduced).unwrap(),
            // Written out.
            Url::parse(&own.with(&path)).unwrap(),
        ] {
            prop_assert_eq!(read.origin().ascii_serialization(), own.as_str());
            prop_assert!(read.username().is_empty() && read.password().is_none());
            // The reader finds exactly what was meant: nothing is left to resolve or to encode.
            prop_assert_eq!(read.as_str(), own.with(&path));
        }
    }

    #[test]
    fn to_reduce_a_reduced_path_changes_nothing(own in origin(), text in target()) {
        let Some(path) = LocalPath::reduce(&text, &own) else {
            return Ok(());
        };
        prop_assert_eq!(LocalPath::reduce(path.as_str(), &own), Some(path.clone()));
        // Nor does writing it out in full, or keeping it.
        prop_assert_eq!(LocalPath::reduce(&own.with(&path), &own), Some(path.clone()));
        let stored = serde_json::to_string(&path).unwrap();
        prop_assert_eq!(serde_json::from_str::<LocalPath>(&stored).unwrap(), path);
    }
}

#[test]
fn the_random_targets_are_neither_all_refused_nor_all_accepted() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let own = Origin::parse("http://notes.localhost:4000").unwrap();
    let mut runner = TestRunner::deterministic();
    let accepted = (0..1000)
        .filter(|_| {
            let text = target().new_tree(&mut runner).unwrap().current();
            LocalPath::reduce(&text, &own).is_some()
        })
        .count();
    assert!((100..900).contains(&accepted), "{accepted}");
}

// The rule.

#[derive(Clone, Copy, Debug, PartialEq)]
enum Is {
    Right,
    Wrong,
    Missing,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Used {
    Never,
    Redeemed,
    Burned,
}

/// A verify, told in words that the oracle understands.
#[derive(Clone, Debug)]
struct Story {
    token_is_right: bool,
    client_is_right: bool,
    proof: Proof,
    state_is_right: bool,
    redirect_uri: Is,
    challenge_is_stored: bool,
    verifier: Is,
    used: Used,
    lifetime: i64,
    /// Milliseconds between the end of the lifetime and now; negative before it.
    after_expiry: i64,
    standing: [bool; 3],
    random: [u8; 32],
}

fn story() -> impl Strategy<Value = Story> {
    let mostly = || prop::bool::weighted(0.9);
    let proof = select(vec![Proof::Credential, Proof::Origin]);
    let is = || prop_oneof![8 => Just(Is::Right), 1 => Just(Is::Wrong), 1 => Just(Is::Missing)];
    let used = prop_oneof![
        4 => Just(Used::Never),
        1 => Just(Used::Redeemed),
        1 => Just(Used::Burned),
    ];
    let moment = prop_oneof![
        4 => -300_000..0_i64,
        2 => select(vec![-100, -1, 0, 1, 100]),
        1 => 0..300_000_i64,
    ];
    (
        (mostly(), mostly(), mostly(), proof),
        (is(), prop::bool::weighted(0.7), is()),
        (used, 30..=300_i64, moment),
        [mostly(), mostly(), mostly()],
        any::<[u8; 32]>(),
    )
        .prop_map(|(right, verifier, time, standing, random)| Story {
            token_is_right: right.0,
            client_is_right: right.1,
            state_is_right: right.2,
            proof: right.3,
            redirect_uri: verifier.0,
            challenge_is_stored: verifier.1,
            // What is mostly right without a challenge is to send no verifier.
            verifier: match verifier.2 {
                Is::Right if !verifier.1 => Is::Missing,
                Is::Missing if !verifier.1 => Is::Right,
                is => is,
            },
            used: time.0,
            lifetime: time.1,
            after_expiry: time.2,
            standing,
            random,
        })
}

impl Story {
    /// The bindings beside the client, as PROTOCOL's section on verify tells them.
    fn bindings_are_right(&self) -> bool {
        let verifier = if self.challenge_is_stored {
            self.verifier == Is::Right
        } else {
            self.verifier == Is::Missing
        };
        let redirect_uri = match self.redirect_uri {
            Is::Right => true,
            Is::Wrong => false,
            Is::Missing => !self.challenge_is_stored,
        };
        self.state_is_right && redirect_uri && verifier
    }

    fn nothing_is_wrong_but_the_state(&self) -> bool {
        let with_its_state = Self {
            state_is_right: true,
            ..self.clone()
        };
        !self.state_is_right && with_its_state.faults().is_empty()
    }

    /// Every refusal that would be true of this verify, in no order.
    fn faults(&self) -> Vec<RefusalReason> {
        let used = self.used != Used::Never;
        let replay = used && self.client_is_right && self.bindings_are_right();
        [
            (!self.token_is_right, RefusalReason::Unknown),
            (!self.client_is_right, RefusalReason::AnotherClient),
            (replay, RefusalReason::Replayed),
            (used && !replay, RefusalReason::AlreadyUsed),
            (self.after_expiry >= 0, RefusalReason::Expired),
            (!self.state_is_right, RefusalReason::StateDiffers),
            (
                self.proof == Proof::Origin
                    && !self.challenge_is_stored
                    && self.nothing_is_wrong_but_the_state(),
                RefusalReason::StateAloneDiffers,
            ),
            (
                self.redirect_uri == Is::Wrong
                    || self.redirect_uri == Is::Missing && self.challenge_is_stored,
                RefusalReason::RedirectUriDiffers,
            ),
            (
                self.challenge_is_stored && self.verifier == Is::Missing,
                RefusalReason::VerifierMissing,
            ),
            (
                self.challenge_is_stored && self.verifier == Is::Wrong,
                RefusalReason::VerifierWrong,
            ),
            (
                !self.challenge_is_stored && self.verifier != Is::Missing,
                RefusalReason::VerifierUnexpected,
            ),
            (!self.standing[0], RefusalReason::SignInEnded),
            (!self.standing[1], RefusalReason::UserGone),
            (!self.standing[2], RefusalReason::NotAssigned),
        ]
        .into_iter()
        .filter_map(|(is_so, fault)| is_so.then_some(fault))
        .collect()
    }

    fn tell(&self) -> (Handoff, Standing, Presented, OffsetDateTime) {
        let other = {
            let mut other = self.random;
            other[0] ^= 1;
            other
        };
        let pick = |right: bool| if right { self.random } else { other };
        let token = HandoffToken::mint(self.random);
        let verifier = Verifier::mint(self.random);
        let notes = ClientId::parse("notes").unwrap();
        let issued_at = OffsetDateTime::UNIX_EPOCH;
        let issued = Request {
            client: notes.clone(),
            redirect_uri: CALLBACK.to_owned(),
            state: State::mint(self.random).digest(),
            challenge: self.challenge_is_stored.then(|| verifier.challenge()),
            lifetime: HandoffLifetime::from_seconds(self.lifetime).unwrap(),
        }
        .issue(
            token.digest(),
            SignInId::mint([1; 16]),
            UserId::mint([2; 16]),
            issued_at,
        );
        let stored = match self.used {
            Used::Never => Handoff::Issued(issued),
            Used::Redeemed => issued.redeem(SessionId::mint([3; 16]), issued_at),
            Used::Burned => issued.burn(issued_at),
        };
        let presented = Presented {
            client: if self.client_is_right {
                notes
            } else {
                ClientId::parse("tasks").unwrap()
            },
            proof: self.proof,
            token: (&HandoffToken::mint(pick(self.token_is_right))).into(),
            state: (&State::mint(pick(self.state_is_right))).into(),
            redirect_uri: match self.redirect_uri {
                Is::Right => Some(CALLBACK.to_owned()),
                Is::Wrong => Some(format!("{CALLBACK}/")),
                Is::Missing => None,
            },
            verifier: match self.verifier {
                Is::Missing => None,
                is => Some((&Verifier::mint(pick(is == Is::Right))).into()),
            },
        };
        let now = issued_at
            + Duration::seconds(self.lifetime)
            + Duration::milliseconds(self.after_expiry);
        let [sign_in_is_live, user_is_active, user_is_assigned] = self.standing;
        let standing = Standing {
            sign_in_is_live,
            user_is_active,
            user_is_assigned,
        };
        (stored, standing, presented, now)
    }
}

fn policy() -> impl Strategy<Value = Policy> {
    prop::sample::subsequence(Defence::OF_VERIFY, 0..=Defence::OF_VERIFY.len()).prop_map(
        |missing| {
            missing.into_iter().fold(Policy::STRICT, |policy, defence| {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "what a weakened policy may never change is tried on weakened policies"
                )]
                policy.without(defence)
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn a_token_is_accepted_if_and_only_if_nothing_is_wrong(story in story()) {
        let (stored, standing, presented, now) = story.tell();
        let faults = story.faults();
        match decide(&stored, standing, &presented, now, &Policy::STRICT) {
            Ok(issued) => {
                prop_assert_eq!(faults, Vec::new());
                prop_assert_eq!(issued, stored.issued());
            }
            // Which one comes first, the tables tell; here, it is always a true one.
            Err(rejection) => prop_assert!(faults.contains(&rejection), "{:?}", rejection),
        }
    }

    #[test]
    fn the_rule_is_its_two_parts_and_the_standing(story in story(), policy in policy()) {
        let (stored, standing, presented, now) = story.tell();
        let whole = decide(&stored, standing, &presented, now, &policy).map(|_| ());
        if !story.token_is_right {
            prop_assert_eq!(whole, Err(RefusalReason::Unknown));
            return Ok(());
        }
        let first = claim(&stored, &presented, now, &policy);
        let second = bindings(stored.issued(), &presented, &policy);
        let stands = (!policy.live_sign_in() || story.standing[0])
            && (!policy.assignment() || story.standing[1] && story.standing[2]);
        prop_assert_eq!(whole.is_ok(), first.is_ok() && second.is_ok() && stands);
        match (first, second) {
            (Err(RefusalReason::AlreadyUsed), _) => prop_assert!(matches!(
                whole,
                Err(RefusalReason::AlreadyUsed | RefusalReason::Replayed)
            )),
            (Err(RefusalReason::StateDiffers), _) => prop_assert!(matches!(
                whole,
                Err(RefusalReason::StateDiffers | RefusalReason::StateAloneDiffers)
            )),
            (Err(rejection), _) | (Ok(()), Err(rejection)) => {
                prop_assert_eq!(whole, Err(rejection));
            }
            (Ok(()), Ok(())) => {}
        }
    }

    #[test]
    fn row_5_whoever_has_shown_an_origin_alone_claims_only_with_every_binding_right(
        story in story(),
        policy in policy(),
    ) {
        let (stored, _, presented, now) = story.tell();
        let with_a_credential = Presented { proof: Proof::Credential, ..presented.clone() };
        let by_origin_alone = Presented { proof: Proof::Origin, ..presented.clone() };
        let usable = claim(&stored, &with_a_credential, now, &policy).is_ok();
        let right = bindings(stored.issued(), &presented, &policy).is_ok();
        prop_assert_eq!(claim(&stored, &by_origin_alone, now, &policy).is_ok(), usable && right);
    }

    #[test]
    fn row_4_a_replay_revokes_only_for_the_owner_with_every_binding_right_under_any_policy(
        story in story(),
        policy in policy(),
    ) {
        let (stored, standing, presented, now) = story.tell();
        let whole = decide(&stored, standing, &presented, now, &policy);
        let owner_with_everything =
            story.token_is_right && story.client_is_right && story.bindings_are_right();
        if whole == Err(RefusalReason::Replayed) {
            prop_assert!(owner_with_everything && story.used != Used::Never);
        }
        if policy.one_time() && owner_with_everything && story.used != Used::Never {
            prop_assert_eq!(whole, Err(RefusalReason::Replayed));
        }
    }

    #[test]
    fn what_the_strict_policy_accepts_every_other_accepts(story in story(), policy in policy()) {
        let (stored, standing, presented, now) = story.tell();
        let strict = decide(&stored, standing, &presented, now, &Policy::STRICT);
        let weak = decide(&stored, standing, &presented, now, &policy);
        prop_assert!(strict.is_err() || weak.is_ok());
    }
}

#[test]
fn the_random_stories_hold_acceptances_and_every_refusal() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..8000 {
        let story = story().new_tree(&mut runner).unwrap().current();
        let (stored, standing, presented, now) = story.tell();
        let outcome = decide(&stored, standing, &presented, now, &Policy::STRICT);
        *seen.entry(outcome.err()).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 15, "{seen:?}");
    assert!(seen.values().all(|count| *count >= 10), "{seen:?}");
}

// Names and numbers.

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_storage_key_is_always_a_prefix_and_a_few_small_letters_or_digits(
        issuer: String,
        client_id: String,
    ) {
        let key = storage_key(&issuer, &client_id);
        let slot = key.strip_prefix("authrim_session_").unwrap();
        prop_assert!((1..=6).contains(&slot.len()), "{}", key);
        prop_assert!(
            slot.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()),
            "{}",
            key
        );
        // The hash again, in numbers that cannot overflow.
        let hash = format!("{issuer}:{client_id}")
            .encode_utf16()
            .fold(0_u64, |hash, unit| (hash * 31 + u64::from(unit)) % (1 << 32));
        let size = hash.min((1 << 32) - hash);
        prop_assert_eq!(u64::from_str_radix(slot, 36), Ok(size));
        prop_assert!(slot == "0" || !slot.starts_with('0'), "{}", key);
    }

    #[test]
    fn a_client_id_prints_as_it_was_read(text in "[a-z][a-z0-9_-]{0,63}") {
        let id = ClientId::parse(&text).unwrap();
        prop_assert_eq!(id.as_str(), &text);
        prop_assert_eq!(id.to_string(), text.as_str());
        prop_assert_eq!(ClientId::parse(&id.to_string()).unwrap(), id.clone());
        let json = serde_json::to_string(&id).unwrap();
        prop_assert_eq!(serde_json::from_str::<ClientId>(&json).unwrap(), id);
    }

    #[test]
    fn a_client_id_is_read_if_and_only_if_it_is_short_and_plain(
        text in prop_oneof![any::<String>(), "[a-zA-Z0-9_. -]{0,4}", "[a-z0-9]{60,70}"],
    ) {
        let expected = (1..=64).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| "abcdefghijklmnopqrstuvwxyz0123456789_-".contains(c));
        prop_assert_eq!(ClientId::parse(&text).is_ok(), expected);
        let read = serde_json::from_value::<ClientId>(text.into());
        prop_assert_eq!(read.is_ok(), expected);
    }

    #[test]
    fn a_random_id_prints_as_it_was_read(random: [u8; 16]) {
        let id = SessionId::mint(random);
        prop_assert_eq!(id.to_string().len(), 22);
        prop_assert_eq!(SessionId::parse(&id.to_string()), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        prop_assert_eq!(serde_json::from_str::<SessionId>(&json).unwrap(), id);
    }

    #[test]
    fn a_challenge_prints_as_it_was_read(random: [u8; 32], other: [u8; 32]) {
        let verifier = Verifier::mint(random);
        let challenge = verifier.challenge();
        prop_assert_eq!(challenge.to_string().len(), 43);
        prop_assert_eq!(Challenge::parse(&challenge.to_string()), Ok(challenge));
        prop_assert_eq!(Challenge::from_slice(challenge.as_bytes()), Ok(challenge));
        prop_assert!(challenge.is_met_by(&(&verifier).into()));
        let other = Verifier::mint(other);
        prop_assert_eq!(challenge.is_met_by(&(&other).into()), other.digest() == verifier.digest());
    }

    #[test]
    fn no_challenge_has_two_spellings(text in prop_oneof!["[A-Za-z0-9_-]{43}", any::<String>()]) {
        if let Ok(challenge) = Challenge::parse(&text) {
            prop_assert_eq!(challenge.to_string(), text);
        }
    }
}
