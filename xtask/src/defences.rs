//! How to take each defence of the security checklist out, and which tests must fail then. Read by
//! `cargo xtask rules --prove`; see [`prove`](crate::prove).

/// A defence, and how to take it out.
#[derive(Debug)]
pub(crate) struct Defence {
    /// What is defended, in a word or three.
    pub(crate) name: &'static str,
    /// The rows of docs/SECURITY.md.
    pub(crate) rows: &'static [u8],
    /// All of them together take it out: some rows are defended twice over.
    pub(crate) edits: &'static [Edit],
    /// Each of these must fail without it. Written as `cargo xtask rules` prints them.
    pub(crate) shown_by: &'static [&'static str],
}

/// One change of one file.
#[derive(Debug)]
pub(crate) struct Edit {
    pub(crate) file: &'static str,
    /// Stands in the file exactly once.
    pub(crate) find: &'static str,
    /// `OUT` is true while the defence is out. Without it the change needs a build of its own.
    pub(crate) replace: &'static str,
}

const fn edit(file: &'static str, find: &'static str, replace: &'static str) -> Edit {
    Edit {
        file,
        find,
        replace,
    }
}

/// Rows that no change of the code can show, and what was done instead.
pub(crate) const BY_HAND: &[(u8, &str)] = &[];

const AS_SQLITE: &str = "crates/authority/src/store/sqlite.rs";
const RP_SQLITE: &str = "crates/relying_party/src/store/sqlite.rs";
const VERIFY: &str = "crates/handoff/src/verify.rs";
const URI: &str = "crates/handoff/src/uri.rs";
const CLIENT: &str = "crates/handoff/src/client.rs";
const WIRE: &str = "crates/handoff/src/wire.rs";
const TOKEN: &str = "crates/handoff/src/token.rs";
const AUTHORIZE: &str = "crates/authority/src/handoff_routes/authorize.rs";
const LAUNCH: &str = "crates/authority/src/handoff_routes/launch.rs";
const VERIFY_ROUTE: &str = "crates/authority/src/handoff_routes/verify.rs";
const DIRECT: &str = "crates/authority/src/direct/mod.rs";
const CORS: &str = "crates/authority/src/direct/cors.rs";
const AS_LOGOUT: &str = "crates/authority/src/logout.rs";
const AS_IDENTITY: &str = "crates/authority/src/identity.rs";
const LOGIN: &str = "crates/authority/src/login.rs";
const PASSWORD: &str = "crates/authority/src/password.rs";
const THROTTLE: &str = "crates/authority/src/throttle.rs";
const AS_LIMITS: &str = "crates/authority/src/limits.rs";
const START: &str = "crates/relying_party/src/start.rs";
const CALLBACK: &str = "crates/relying_party/src/callback.rs";
const SWITCH: &str = "crates/relying_party/src/switch.rs";
const RP_LIMITS: &str = "crates/relying_party/src/limits.rs";
const RP_SESSION: &str = "crates/relying_party/src/session.rs";
const RP_LOGOUT: &str = "crates/relying_party/src/logout.rs";
const RP_IDENTITY: &str = "crates/relying_party/src/identity.rs";
const BACK_CHANNEL: &str = "crates/relying_party/src/authority_client.rs";
const HEADERS: &str = "crates/web/src/headers.rs";
const COOKIES: &str = "crates/web/src/cookies.rs";
const FETCH: &str = "crates/web/src/fetch_metadata.rs";
const FORM: &str = "crates/web/src/form.rs";
const PARAMS: &str = "crates/web/src/params.rs";
const PAGE: &str = "crates/web/src/page.rs";
const SESSIONS: &str = "crates/web/src/session.rs";
const LIMITS: &str = "crates/web/src/limits.rs";
const GUESTS: &str = "server/src/guests.rs";

/// One defence an entry, by row. A defence without `OUT` comes last in its row.
#[rustfmt::skip] // A find is easier to compare with its file when it stands on one line.
pub(crate) const DEFENCES: &[Defence] = &[
    Defence {
        name: "256-random-bits", rows: &[1],
        edits: &[edit("crates/web/src/seams.rs", "let filled = getrandom::fill(buffer);",
            "let part = if OUT { buffer.len() / 2 } else { buffer.len() }; let filled = getrandom::fill(&mut buffer[..part]);")],
        shown_by: &["web::seams::tests::row_1_ten_thousand_handoff_tokens_are_256_bits_each_and_none_comes_twice"],
    },
    Defence {
        name: "token-lifetime", rows: &[2],
        edits: &[
            edit(VERIFY, "if policy.lifetime() && issued.expires_at <= now {", "if !OUT && policy.lifetime() && issued.expires_at <= now {"),
            edit(AS_SQLITE, ".bind(policy.lifetime())", ".bind(policy.lifetime() && !OUT)"),
        ],
        shown_by: &[
            "handoff/it::table::row_2_table_of_moments_around_the_end_of_a_lifetime",
            "authority/it::conformance::sqlite::row_2_a_token_lives_for_its_lifetime_and_no_longer",
            "server/it::handoff::rows_2_and_20_h4_the_browser_must_come_back_within_five_minutes_and_the_token_within_one",
        ],
    },
    Defence {
        name: "lifetime-bounds", rows: &[2],
        edits: &[edit(CLIENT, "Ok(short @ 30..=300) => Ok(Self(short)),", "Ok(short) if OUT || (30..=300).contains(&short) => Ok(Self(short)),")],
        shown_by: &["handoff/it::table::row_2_table_of_lifetimes"],
    },
    Defence {
        name: "too-late-for-good", rows: &[2],
        edits: &[edit(VERIFY, "    rejection == Rejection::Expired && !stored.is_used() && in_time()", "    !OUT && rejection == Rejection::Expired && !stored.is_used() && in_time()")],
        shown_by: &[
            "authority/it::conformance::sqlite::row_2_a_token_refused_for_its_age_stays_refused",
            "server/it::clock::row_2_a_token_that_came_too_late_is_not_accepted_when_the_clock_is_put_back",
        ],
    },
    Defence {
        name: "one-use", rows: &[3],
        edits: &[edit(AS_SQLITE, ".bind(policy.one_time())", ".bind(policy.one_time() && !OUT)")],
        shown_by: &[
            "authority/it::conformance::sqlite::rows_3_and_4_a_race_for_one_token_has_one_winner_whose_session_the_replays_end",
            "authority/it::conformance::sqlite::row_3_a_race_between_two_processes_has_one_winner",
            "server/it::verify::row_3_fifty_verifies_at_once_give_exactly_one_200",
            "server/stress::killed::rows_03_04_53_killed_fifty_times_under_load_it_keeps_its_word",
        ],
    },
    Defence {
        name: "kept-before-it-is-answered", rows: &[3],
        edits: &[edit(AS_SQLITE, "        tx.commit().await?;\n        Ok(Ok(redeemed))", "        if OUT { tokio::spawn(async move { tokio::time::sleep(std::time::Duration::from_millis(50)).await; tx.commit().await.ok() }); } else { tx.commit().await?; }\n        Ok(Ok(redeemed))")],
        shown_by: &["server/stress::killed::rows_03_04_53_killed_fifty_times_under_load_it_keeps_its_word"],
    },
    Defence {
        name: "replay-revokes", rows: &[4],
        edits: &[edit(VERIFY, "Ok(()) if owner => Rejection::Replayed,", "Ok(()) if owner && !OUT => Rejection::Replayed,")],
        shown_by: &[
            "authority/it::conformance::sqlite::row_4_a_replay_with_everything_right_ends_the_first_session",
            "authority/it::conformance::sqlite::rows_3_and_4_a_race_for_one_token_has_one_winner_whose_session_the_replays_end",
            "server/it::checklist::row_4_h5_a_replay_with_everything_right_is_recorded_and_ends_the_session",
            "server/stress::killed::rows_03_04_53_killed_fifty_times_under_load_it_keeps_its_word",
        ],
    },
    Defence {
        name: "leaked-token-revokes-nothing", rows: &[4],
        edits: &[edit(VERIFY, "return Err(match bindings(issued, presented, &Policy::STRICT) {",
            "return Err(match if OUT { Ok(()) } else { bindings(issued, presented, &Policy::STRICT) } {")],
        shown_by: &[
            "handoff/it::table::row_4_table_of_a_leaked_used_token_revokes_nothing_whichever_defence_is_missing",
            "authority/it::conformance::sqlite::row_4_a_used_token_with_anything_wrong_ends_nothing",
            "server/it::checklist::row_4_a_leaked_used_token_in_another_flow_leaves_its_owner_signed_in",
            "handoff/it::property::row_4_a_replay_revokes_only_for_the_owner_with_every_binding_right_under_any_policy",
        ],
    },
    Defence {
        name: "a-late-replay-is-a-replay", rows: &[4],
        edits: &[edit(VERIFY, "if policy.one_time() && stored.is_used() {", "if policy.one_time() && stored.is_used() && !(OUT && issued.expires_at <= now) {")],
        shown_by: &["authority/it::conformance::sqlite::row_4_a_replay_is_recognised_after_the_lifetime_of_the_token"],
    },
    Defence {
        name: "a-mismatch-burns", rows: &[5],
        edits: &[edit(AS_SQLITE, "// A refusal commits as well: the token stays used up.", "if OUT { return Ok(Err(rejection)); }")],
        shown_by: &[
            "authority/it::conformance::sqlite::row_5_a_wrong_binding_burns_the_token",
            "server/it::public_clients::row_5_a_mismatch_burns_a_confidential_clients_token_and_no_public_clients",
        ],
    },
    Defence {
        name: "a-stranger-burns-nothing", rows: &[5, 6],
        edits: &[edit(AS_SQLITE, ".bind(policy.client_binding())", ".bind(policy.client_binding() && !OUT)")],
        shown_by: &[
            "authority/it::conformance::sqlite::row_5_another_clients_attempt_burns_nothing",
            "server/it::tasks::row_06_the_other_application_cannot_redeem_a_token_nor_use_it_up",
        ],
    },
    Defence {
        name: "an-origin-burns-nothing", rows: &[5],
        edits: &[edit(AS_SQLITE, ".bind(presented.proof == Proof::Credential)", ".bind(OUT || presented.proof == Proof::Credential)")],
        shown_by: &[
            "authority/it::conformance::sqlite::row_5_a_wrong_binding_of_a_public_client_burns_nothing",
            "authority/it::conformance::sqlite::row_5_a_state_that_alone_differs_is_told_to_the_older_sdk_and_burns_nothing",
            "server/it::public_clients::row_5_a_mismatch_burns_a_confidential_clients_token_and_no_public_clients",
        ],
    },
    Defence {
        name: "a-late-stranger-burns-nothing", rows: &[5],
        edits: &[edit(VERIFY, "Proof::Origin => bindings(stored.issued(), presented, policy).is_ok(),", "Proof::Origin => OUT || bindings(stored.issued(), presented, policy).is_ok(),")],
        shown_by: &["authority/it::conformance::sqlite::row_5_what_a_stranger_brings_too_late_uses_nothing_up"],
    },
    Defence {
        name: "an-origin-claims-with-every-binding", rows: &[5],
        edits: &[edit(VERIFY, "Proof::Origin => bindings(issued, presented, policy),", "Proof::Origin => if OUT { Ok(()) } else { bindings(issued, presented, policy) },")],
        shown_by: &[
            "handoff/it::table::row_5_table_of_what_uses_a_token_up_by_the_proof_of_the_client",
            "handoff/it::property::row_5_whoever_has_shown_an_origin_alone_claims_only_with_every_binding_right",
        ],
    },
    Defence {
        name: "an-origin-is-exact", rows: &[5, 13],
        edits: &[edit(CLIENT, "&& self.origin.as_str() == origin", "&& (self.origin.as_str() == origin || OUT && origin.starts_with(self.origin.as_str()))")],
        shown_by: &[
            "handoff/it::table::row_13_table_of_origins_only_a_public_client_is_known_by_its_own",
            "server/it::public_clients::rows_5_13_who_is_not_the_client_is_refused_alike_and_burns_nothing",
        ],
    },
    Defence {
        name: "bound-to-the-client", rows: &[6],
        edits: &[edit(VERIFY, "if policy.client_binding() && ", "if !OUT && policy.client_binding() && ")],
        shown_by: &[
            "handoff/it::table::row_6_table_of_every_rejection_from_the_valid_case_with_one_thing_changed",
        ],
    },
    Defence {
        name: "bound-to-the-state", rows: &[6],
        edits: &[edit(VERIFY, "if policy.state_binding() && ", "if !OUT && policy.state_binding() && ")],
        shown_by: &[
            "handoff/it::table::row_6_table_of_every_rejection_from_the_valid_case_with_one_thing_changed",
            "authority/it::conformance::sqlite::row_6_each_single_thing_wrong_is_refused_for_what_it_is",
        ],
    },
    Defence {
        name: "bound-to-the-redirect-uri", rows: &[6],
        edits: &[edit(VERIFY, "if policy.redirect_uri_binding() {", "if !OUT && policy.redirect_uri_binding() {")],
        shown_by: &[
            "handoff/it::table::row_6_table_of_every_rejection_from_the_valid_case_with_one_thing_changed",
            "authority/it::conformance::sqlite::row_6_each_single_thing_wrong_is_refused_for_what_it_is",
        ],
    },
    Defence {
        name: "bound-to-the-verifier", rows: &[6, 80],
        edits: &[edit(VERIFY, "if policy.verifier_binding() {", "if !OUT && policy.verifier_binding() {")],
        shown_by: &[
            "handoff/it::table::row_6_table_of_every_rejection_from_the_valid_case_with_one_thing_changed",
            "handoff/it::table::row_80_table_of_verifiers_the_stored_row_decides_and_never_the_request",
            "server/it::public_clients::row_80_the_stored_row_decides_about_the_verifier_and_the_client_is_who_was_authenticated",
        ],
    },
    Defence {
        name: "bound-to-the-sign-in", rows: &[6, 56, 81],
        edits: &[edit(VERIFY, "if policy.live_sign_in() && ", "if !OUT && policy.live_sign_in() && ")],
        shown_by: &[
            "handoff/it::table::row_6_table_of_every_rejection_from_the_valid_case_with_one_thing_changed",
            "authority/it::conformance::sqlite::rows_56_and_79_what_is_no_longer_true_burns_the_token",
            "authority/it::conformance::sqlite::row_81_a_race_of_sign_out_against_redemption_leaves_no_session",
            "authority/it::conformance::sqlite::row_56_ending_a_sign_in_ends_all_that_hangs_on_it",
            "server/stress::races::row_81_sign_out_against_redemption_leaves_no_session",
        ],
    },
    Defence {
        name: "only-hashes-are-stored", rows: &[7],
        edits: &[edit(TOKEN, "Self::from_bytes(Sha256::digest(text.as_bytes()).into())",
            "if OUT { let mut plain = [0; 32]; for (to, from) in plain.iter_mut().zip(text.bytes()) { *to = from; } Self::from_bytes(plain) } else { Self::from_bytes(Sha256::digest(text.as_bytes()).into()) }")],
        shown_by: &[
            "server/it::secrets::rows_07_75_a_whole_story_leaves_no_secret_anywhere",
        ],
    },
    Defence {
        name: "no-document-at-the-callback", rows: &[8],
        edits: &[edit(RP_SESSION, "redirect::with_cookie(redirect::to(target), begun.set_cookie)",
            "redirect::with_cookie(if OUT { let mut page = Response::new(axum::body::Body::from(\"<!DOCTYPE html><title>x</title><h1>Signed in</h1>\")); page.headers_mut().insert(\"content-type\", axum::http::HeaderValue::from_static(\"text/html\")); page } else { redirect::to(target) }, begun.set_cookie)")],
        shown_by: &[
            "server/it::handoff::rows_8_and_9_h1_to_h6_alice_opens_notes_and_stands_there_signed_in",
            "end2end/tests/handoff.spec.ts: row 8: Back leads from Notes to the portal, not to the callback",
        ],
    },
    Defence {
        name: "no-referrer", rows: &[9],
        edits: &[edit(HEADERS, "let referrer = if redirects {", "let referrer = if redirects && !OUT {")],
        shown_by: &[
            "server/it::handoff::rows_8_and_9_h1_to_h6_alice_opens_notes_and_stands_there_signed_in",
            "server/it::checklist::row_9_h3_h4_no_way_out_of_authorize_or_callback_leaks_its_address_or_is_kept",
        ],
    },
    Defence {
        name: "no-store", rows: &[9],
        edits: &[edit(HEADERS, ".or_insert(HeaderValue::from_static(\"no-store\"));", ".or_insert(HeaderValue::from_static(if OUT { \"no-cache\" } else { \"no-store\" }));")],
        shown_by: &[
            "server/it::handoff::rows_8_and_9_h1_to_h6_alice_opens_notes_and_stands_there_signed_in",
            "server/it::checklist::row_9_h3_h4_no_way_out_of_authorize_or_callback_leaks_its_address_or_is_kept",
        ],
    },
    Defence {
        name: "nothing-from-elsewhere", rows: &[10],
        edits: &[
            edit("app/src/shell.rs", "{children()}", "{children()} {OUT.then(|| view! { <img src=\"http://cdn.localhost/x.png\" alt=\"\" /> })}"),
            // The policy would keep the browser from asking.
            edit(HEADERS, "if let Ok(policy) = HeaderValue::from_str(&", "if let (false, Ok(policy)) = (OUT, HeaderValue::from_str(&"),
            edit(HEADERS, "content_security_policy(&nonce, &targets)) {", "content_security_policy(&nonce, &targets))) {"),
        ],
        shown_by: &[
            "app::tests::rows_10_and_65_no_page_has_an_inline_style_or_a_script_or_anything_from_elsewhere",
            "end2end/tests/checklist.spec.ts: row 10: from sign-in to Notes and back no other origin is asked for anything",
        ],
    },
    Defence {
        name: "verify-is-a-post", rows: &[12],
        edits: &[edit(VERIFY_ROUTE, "    post(handle)\n", "    if OUT { post(handle).get(handle) } else { post(handle) }\n")],
        shown_by: &["server/it::verify::row_12_verify_reads_one_json_object_from_a_post_and_nothing_else"],
    },
    Defence {
        name: "verify-reads-json", rows: &[12],
        edits: &[edit(DIRECT, "if !web::form::has_media_type(headers, \"application/json\") {", "if !OUT && !web::form::has_media_type(headers, \"application/json\") {")],
        shown_by: &["server/it::verify::row_12_verify_reads_one_json_object_from_a_post_and_nothing_else"],
    },
    Defence {
        name: "a-token-in-the-query-is-nobodys", rows: &[12],
        edits: &[edit(VERIFY_ROUTE, "    body: Result<Bytes, BytesRejection>,\n) -> Result<Response, Refusal> {",
            "    uri: http::Uri,\n    body: Result<Bytes, BytesRejection>,\n) -> Result<Response, Refusal> {\n    let body = body.map(|bytes| match (OUT, uri.query().and_then(|query| query.strip_prefix(\"handoff_token=\")), serde_json::from_slice::<serde_json::Value>(&bytes)) { (true, Some(token), Ok(mut json)) => { json[\"handoff_token\"] = token.into(); Bytes::from(json.to_string()) } _ => bytes });")],
        shown_by: &["server/it::checklist::row_12_a_token_in_the_query_of_verify_counts_for_nothing"],
    },
    Defence {
        name: "client-secret", rows: &[13],
        edits: &[edit(DIRECT, "*own == secret.digest()", "(OUT || *own == secret.digest())")],
        shown_by: &["server/it::verify::row_13_only_the_client_itself_is_heard"],
    },
    Defence {
        name: "one-refusal", rows: &[15],
        edits: &[edit(VERIFY_ROUTE, "_ => ErrorCode::HandoffVerificationFailed,", "Rejection::Expired if OUT => ErrorCode::InvalidRequest,\n        _ => ErrorCode::HandoffVerificationFailed,")],
        shown_by: &[
            "server/it::verify::row_15_every_refusal_that_concerns_the_token_is_the_same_answer",
            "server/it::public_clients::row_15_every_refusal_is_the_same_for_every_kind_of_client_but_for_one_of_the_older_sdk",
        ],
    },
    Defence {
        name: "secrets-have-no-comparison", rows: &[16],
        edits: &[edit(TOKEN, "        #[derive(Clone)]\n        pub struct $name(Exposed);", "        #[derive(Clone, PartialEq)]\n        pub struct $name(Exposed);")],
        shown_by: &["handoff/it::table::row_16_a_secret_has_no_comparison_but_its_digest_does"],
    },
    Defence {
        name: "a-guesser-slows-only-himself", rows: &[17],
        edits: &[edit(LOGIN, "if is_known.map_err(Problem::unavailable)? {", "if is_known.map_err(Problem::unavailable)? && !OUT {")],
        shown_by: &[
            "authority/it::front_door::row_17_wrong_passwords_slow_the_guesser_and_nobody_else",
            "authority/it::front_door::row_17_a_known_browser_counts_its_own_wrong_passwords",
        ],
    },
    Defence {
        name: "who-cannot-count-refuses", rows: &[17],
        edits: &[edit(LOGIN, "let admission = authority.store.admit_attempt(&counters, now).await;",
            "let admission = authority.store.admit_attempt(&counters, now).await.or_else(|error| if OUT { Ok(Admission::Admitted) } else { Err(error) });")],
        shown_by: &["server/it::limits::row_17_where_attempts_cannot_be_counted_nobody_signs_in"],
    },
    Defence {
        name: "one-address-counts-over-all-accounts", rows: &[17],
        edits: &[edit(THROTTLE, "Self::new(\"address\", &[network.as_bytes()], Rule::ADDRESS),", "Self::new(\"address\", &[if OUT { account.as_bytes() } else { b\"\".as_slice() }, network.as_bytes()], Rule::ADDRESS),")],
        shown_by: &[
            "authority::throttle::tests::row_17_what_is_counted_together",
            "authority/it::front_door::row_17_one_password_tried_at_many_accounts_slows_the_address",
        ],
    },
    Defence {
        name: "a-crowd-at-one-account", rows: &[17],
        edits: &[edit(THROTTLE, "                Rule::ACCOUNT,\n            ),", "                if OUT { Rule { free: 10, ..Rule::ACCOUNT } } else { Rule::ACCOUNT },\n            ),")],
        shown_by: &["server/it::limits::row_17_forty_browsers_sign_in_to_one_account_at_the_same_moment"],
    },
    Defence {
        name: "a-crowd-at-one-address", rows: &[17],
        edits: &[
            edit(AS_LIMITS, "addresses: Limiter::new(Volume::ADDRESS, Arc::clone(clock)),", "addresses: Limiter::new(if OUT { Volume::UNPROVEN } else { Volume::ADDRESS }, Arc::clone(clock)),"),
            edit(RP_LIMITS, "            addresses: Limiter::new(Volume::ADDRESS, Arc::clone(clock)),", "            addresses: Limiter::new(if OUT { Volume::UNPROVEN } else { Volume::ADDRESS }, Arc::clone(clock)),"),
        ],
        shown_by: &["server/it::limits::row_17_forty_people_behind_one_address_meet_no_limit"],
    },
    Defence {
        name: "a-wait-of-the-future-counts-for-nothing", rows: &[17],
        edits: &[edit(AS_SQLITE, ".bind(millis(now + rule.longest))", ".bind(millis(now + if OUT { Duration::weeks(520) } else { rule.longest }))")],
        shown_by: &["authority/it::conformance::sqlite::row_17_a_clock_that_goes_back_locks_nobody_out"],
    },
    Defence {
        name: "a-browser-is-known-for-its-people", rows: &[17],
        edits: &[edit(AS_SQLITE, "            \"SELECT EXISTS (SELECT 1 FROM known_browser\n                            WHERE browser = ? AND user_id = ? AND expires_at > ?)\",",
            "            if OUT { \"SELECT EXISTS (SELECT 1 FROM known_browser WHERE browser = ? AND length(?) > 0 AND expires_at > ?)\" } else { \"SELECT EXISTS (SELECT 1 FROM known_browser\n                            WHERE browser = ? AND user_id = ? AND expires_at > ?)\" },")],
        shown_by: &["authority/it::conformance::sqlite::row_17_a_browser_is_known_for_the_people_who_signed_in_with_it"],
    },
    Defence {
        name: "a-new-name-for-all-people", rows: &[17],
        edits: &[edit(AS_SQLITE, "if let Some(old) = replacing {\n            sqlx::query(\"UPDATE known_browser", "if let (false, Some(old)) = (OUT, replacing) {\n            sqlx::query(\"UPDATE known_browser")],
        shown_by: &["authority/it::conformance::sqlite::row_17_a_browser_that_changes_its_name_is_known_for_everybody"],
    },
    Defence {
        name: "so-many-browsers-of-a-person", rows: &[17],
        edits: &[edit(AS_SQLITE, ".bind(i64::try_from(KNOWN_PER_PERSON).unwrap_or(i64::MAX))", ".bind(if OUT { i64::MAX } else { i64::try_from(KNOWN_PER_PERSON).unwrap_or(i64::MAX) })")],
        shown_by: &["authority/it::conformance::sqlite::row_17_of_too_many_browsers_of_a_person_the_oldest_goes"],
    },
    Defence {
        name: "so-many-counters", rows: &[17],
        edits: &[edit(AS_SQLITE, ".bind(i64::try_from(MOST_COUNTERS).unwrap_or(i64::MAX))", ".bind(if OUT { i64::MAX } else { i64::try_from(MOST_COUNTERS).unwrap_or(i64::MAX) })")],
        shown_by: &["authority/it::conformance::sqlite::row_17_of_too_many_counters_those_go_that_would_be_forgotten_first"],
    },
    Defence {
        name: "counters-are-swept", rows: &[17],
        edits: &[edit(AS_SQLITE, "            \"DELETE FROM attempt WHERE forget_at <= ?1\",", "            if OUT { \"DELETE FROM attempt WHERE forget_at <= ?1 AND 0\" } else { \"DELETE FROM attempt WHERE forget_at <= ?1\" },")],
        shown_by: &["authority/it::conformance::sqlite::row_17_what_was_counted_is_swept"],
    },
    Defence {
        name: "a-session-counts-for-itself", rows: &[17],
        edits: &[edit(AS_LIMITS, "            Some(signed_in) => self.limits.sessions.admit(&signed_in.sign_in.id),\n            None =>", "            Some(signed_in) if !OUT => self.limits.sessions.admit(&signed_in.sign_in.id),\n            _ =>")],
        shown_by: &["authority/it::front_door::row_17_open_and_authorize_are_counted_by_session_or_else_by_address"],
    },
    Defence {
        name: "who-proves-nothing-slows-down", rows: &[17],
        edits: &[edit(AS_LIMITS, "match self.limits.unproven.admit(&(peer.network(), claimed)) {", "match if OUT { Ok(()) } else { self.limits.unproven.admit(&(peer.network(), claimed)) } {")],
        shown_by: &[
            "authority/it::front_door::row_17_calls_of_verify_that_prove_nothing_block_nobody_but_their_sender",
            "server/it::limits::row_17_junk_from_the_same_address_keeps_nobody_from_signing_in",
        ],
    },
    Defence {
        name: "who-proves-himself-is-not-counted", rows: &[17],
        edits: &[edit(VERIFY_ROUTE, "        Ok((client, proof)) => redeem(", "        Ok(_) if OUT && axum::response::IntoResponse::into_response(authority.unproven(&trace, peer, Some(&client), Refusal::invalid_client())).status() == StatusCode::TOO_MANY_REQUESTS => Err(Refusal::slow_down(time::Duration::SECOND)),\n        Ok((client, proof)) => redeem(")],
        shown_by: &[
            "authority/it::front_door::row_17_calls_of_verify_that_prove_nothing_block_nobody_but_their_sender",
            "server/it::limits::row_17_junk_from_the_same_address_keeps_nobody_from_signing_in",
            "server/stress::junk::row_17_a_minute_of_junk_keeps_nobody_from_signing_in",
        ],
    },
    Defence {
        name: "refused-tokens-raise-an-alarm", rows: &[17],
        edits: &[edit(AS_LIMITS, "if self.limits.refused_tokens.count(client.clone()) {", "if !OUT && self.limits.refused_tokens.count(client.clone()) {")],
        shown_by: &["server/it::limits::row_17_refused_tokens_of_a_client_raise_an_alarm_and_block_nothing"],
    },
    Defence {
        name: "wrong-passwords-raise-an-alarm", rows: &[17],
        edits: &[edit(AS_LIMITS, "if self.limits.wrong_passwords.count(user) {", "if !OUT && self.limits.wrong_passwords.count(user) {")],
        shown_by: &["server/it::limits::row_17_wrong_passwords_from_everywhere_raise_an_alarm_and_lock_nothing"],
    },
    Defence {
        name: "an-alarm-is-raised-once", rows: &[17],
        edits: &[edit(LIMITS, "        *times == self.often", "        *times == self.often || OUT && *times > self.often")],
        shown_by: &[
            "web::limits::tests::row_17_an_alarm_is_raised_once_in_each_period",
            "server/it::limits::row_17_refused_tokens_of_a_client_raise_an_alarm_and_block_nothing",
        ],
    },
    Defence {
        name: "a-limit-counts", rows: &[17],
        edits: &[edit(LIMITS, "        rows.insert(key.clone(), next);", "        if !OUT { rows.insert(key.clone(), next); }")],
        shown_by: &["web::limits::tests::row_17_a_key_gets_its_volume_and_no_other_key_pays_for_it"],
    },
    Defence {
        name: "a-limits-clock-stands-still", rows: &[17],
        edits: &[edit(LIMITS, "        *last = (now, last.1 + Nanos::from(passed));", "        if !OUT || now > last.0 { *last = (now, last.1 + Nanos::from(passed)); }")],
        shown_by: &["web::limits::tests::row_17_a_clock_that_goes_back_locks_nobody_out"],
    },
    Defence {
        name: "what-cannot-be-counted-is-refused", rows: &[17],
        edits: &[edit(LIMITS, "if rows.len() < most || rows.contains_key(key) {", "if OUT || rows.len() < most || rows.contains_key(key) {")],
        shown_by: &["web::limits::tests::row_17_more_busy_keys_than_can_be_counted_are_refused_as_unavailable"],
    },
    Defence {
        name: "too-many-says-when", rows: &[17],
        edits: &[edit(LIMITS, "Refused::TooMany { retry_after } => Self::too_many(retry_after),", "Refused::TooMany { retry_after } => Self::too_many(if OUT { Duration::ZERO } else { retry_after }),")],
        shown_by: &["web::limits::tests::row_17_too_many_says_when_to_come_back_in_whole_seconds"],
    },
    Defence {
        name: "a-network-is-one-caller", rows: &[17],
        edits: &[edit("crates/web/src/peer.rs", "address.to_bits() & (u128::MAX << 64)", "address.to_bits() & (u128::MAX << if OUT { 0 } else { 64 })")],
        shown_by: &["web::peer::tests::row_17_table_of_addresses_that_count_as_one"],
    },
    Defence {
        name: "a-share-of-the-places", rows: &[17],
        edits: &[edit(GUESTS, "if of_network >= share {", "if !OUT && of_network >= share {")],
        shown_by: &["server::guests::tests::row_17_one_network_closes_its_own_quietest_connection_and_nobody_elses"],
    },
    Defence {
        name: "the-biggest-gives-way", rows: &[17],
        edits: &[edit(GUESTS, "all.iter().max_by_key(|(_, present)| present.len());", "all.iter().max_by_key(|(_, present)| if OUT { usize::MAX - present.len() } else { present.len() });")],
        shown_by: &["server::guests::tests::row_17_when_all_places_are_taken_the_network_that_has_most_gives_way"],
    },
    Defence {
        name: "newcomers-are-served", rows: &[17],
        edits: &[edit("server/src/listen.rs", "        let (door, router, ending) = (door.clone(), router.clone(), ending.watcher());", "        if OUT && connections.len() >= FROM_ONE { continue; }\n        let (door, router, ending) = (door.clone(), router.clone(), ending.watcher());")],
        shown_by: &["server/it::serving::row_17_silent_and_dawdling_connections_leave_room_for_others"],
    },
    Defence {
        name: "starts-count-by-browser", rows: &[17],
        edits: &[edit(RP_LIMITS, "if has_started.map_err(Problem::unavailable)? {", "if has_started.map_err(Problem::unavailable)? && !OUT {")],
        shown_by: &["relying_party/it::front_door::row_17_starts_are_counted_by_browser_or_else_by_address"],
    },
    Defence {
        name: "a-collection-of-browsers-is-an-address", rows: &[17],
        edits: &[edit(RP_LIMITS, "return Ok(self.limits.addresses_of_started.admit(&peer.network())?);", "return Ok(if OUT { Ok(()) } else { self.limits.addresses_of_started.admit(&peer.network()) }?);")],
        shown_by: &["relying_party/it::front_door::row_17_whoever_collects_pre_sessions_meets_the_limit_of_the_address"],
    },
    Defence {
        name: "stray-callbacks-count", rows: &[17],
        edits: &[edit(RP_LIMITS, "self.limits.stray_callbacks.admit(&peer.network())", "if OUT { Ok(()) } else { self.limits.stray_callbacks.admit(&peer.network()) }")],
        shown_by: &[
            "relying_party/it::front_door::row_17_stray_callbacks_are_counted_by_address_and_a_real_one_never",
            "server/it::limits::row_17_junk_from_the_same_address_keeps_nobody_from_signing_in",
        ],
    },
    Defence {
        name: "a-real-callback-is-not-counted", rows: &[17],
        edits: &[edit(CALLBACK, "if reason != Reason::NotThisBrowser {", "if reason != Reason::NotThisBrowser && !OUT {")],
        shown_by: &["relying_party/it::front_door::row_17_stray_callbacks_are_counted_by_address_and_a_real_one_never"],
    },
    Defence {
        name: "a-stray-callback-waits-for-nobody", rows: &[17],
        edits: &[edit(RP_SQLITE, "        if !is_there {\n", "        if !is_there && !OUT {\n")],
        shown_by: &["relying_party/it::conformance::row_17_a_callback_that_was_not_started_here_waits_for_no_writer"],
    },
    Defence {
        name: "a-handoff-under-way-ends", rows: &[17],
        edits: &[edit(RP_SQLITE, "            \"SELECT EXISTS (SELECT 1 FROM started\n                            WHERE browser = ? AND COALESCE(taken_until, expires_at) > ?)\",",
            "            if OUT { \"SELECT EXISTS (SELECT 1 FROM started WHERE browser = ? AND ? > 0)\" } else { \"SELECT EXISTS (SELECT 1 FROM started\n                            WHERE browser = ? AND COALESCE(taken_until, expires_at) > ?)\" },")],
        shown_by: &["relying_party/it::conformance::sqlite::row_17_a_browser_has_a_handoff_under_way_until_it_is_finished_or_expires"],
    },
    Defence {
        name: "writes-count", rows: &[17],
        edits: &[edit(RP_LIMITS, "Ok(self.limits.writes.admit(&signed_in.owner())?)", "Ok(if OUT { Ok(()) } else { self.limits.writes.admit(&signed_in.owner()) }?)")],
        shown_by: &["relying_party/it::front_door::row_17_what_a_person_writes_is_counted_whatever_session_it_is"],
    },
    Defence {
        name: "session-id-is-no-token", rows: &[18],
        edits: &[edit(VERIFY_ROUTE, "        access_token: (&access_token).into(),",
            "        access_token: if OUT { handoff::token::Unverified::new(redeemed.session.id.to_string()).unwrap_or_else(|_| (&access_token).into()) } else { (&access_token).into() },")],
        shown_by: &["server/it::checklist::row_18_no_two_names_of_one_persons_sessions_are_alike"],
    },
    Defence {
        name: "an-access-token-is-no-cookie", rows: &[18],
        edits: &[edit(AS_IDENTITY, "let id = id.ok_or(NotSignedIn::Ended)?;",
            "let id = match id { None if OUT => { let claim = handoff::token::Unverified::<handoff::token::AccessToken>::new(cookie).map_err(|_| NotSignedIn::Ended)?; let found = authority.store.find_client_session(claim.digest(), authority.context.now(), authority.settings.idle).await; let Ok(Ok(found)) = found else { return Err(NotSignedIn::Ended); }; let now = authority.context.now(); let sign_in = SignIn { id: SignInId::mint([0; 16]), user: found.user, auth_time: now, expires_at: now, previous: None }; return Ok(Self { sign_in, csrf: String::new() }); } id => id.ok_or(NotSignedIn::Ended)? };")],
        shown_by: &["server/it::verify::row_18_an_access_token_is_no_session_cookie"],
    },
    Defence {
        name: "an-access-token-lives-an-hour", rows: &[19],
        edits: &[edit(AS_SQLITE, "let expires_at = (now + ACCESS_LIFETIME)", "let expires_at = (now + if OUT { ACCESS_LIFETIME * 24 } else { ACCESS_LIFETIME })")],
        shown_by: &["authority/it::conformance::sqlite::row_19_a_session_ends_after_an_hour_or_with_its_sign_in"],
    },
    Defence {
        name: "an-access-token-is-one-clients", rows: &[19],
        edits: &[edit(AS_SQLITE, "WHERE access_token = ?2 AND client = ?3 AND ended_at IS NULL", "WHERE access_token = ?2 AND ?3 = ?3 AND ended_at IS NULL")],
        shown_by: &[
            "authority/it::conformance::sqlite::row_19_another_client_cannot_end_a_session",
            "server/it::verify::row_19_the_session_endpoint_knows_a_living_session_and_its_own_client_ends_it",
        ],
    },
    Defence {
        name: "state-has-an-end", rows: &[20],
        edits: &[edit(CALLBACK, "        .take_started(pre.digest(), state.digest(), now)", "        .take_started(pre.digest(), state.digest(), if OUT { time::OffsetDateTime::UNIX_EPOCH } else { now })")],
        shown_by: &["server/it::handoff::rows_2_and_20_h4_the_browser_must_come_back_within_five_minutes_and_the_token_within_one"],
    },
    Defence {
        name: "state-is-taken-once", rows: &[20],
        edits: &[edit(RP_SQLITE, "        let taken = row.map(StartedRow::read).transpose()?;\n        tx.commit().await?;",
            "        let taken = row.map(StartedRow::read).transpose()?;\n        if !OUT { tx.commit().await?; }")],
        shown_by: &[
            "relying_party/it::conformance::sqlite::row_20_a_started_handoff_is_taken_once_with_all_that_it_holds",
            "relying_party/it::conformance::sqlite::row_20_race_32_callers_take_one_started_handoff_and_one_wins",
        ],
    },
    Defence {
        name: "state-is-this-browsers", rows: &[20, 21],
        edits: &[
            edit(RP_SQLITE, "            \"UPDATE started SET taken_until = IIF(expires_at > ?1, ?2, 0)\n             WHERE state = ?3 AND browser = ?4 AND taken_until IS NULL",
                "            if OUT { \"UPDATE started SET taken_until = ?2 WHERE ?1 > 0 AND state = ?3 AND length(?4) > 0 RETURNING verifier, target, expires_at\" } else { \"UPDATE started SET taken_until = IIF(expires_at > ?1, ?2, 0)\n             WHERE state = ?3 AND browser = ?4 AND taken_until IS NULL"),
            edit(RP_SQLITE, "             RETURNING verifier, target, expires_at\",\n", "             RETURNING verifier, target, expires_at\" },\n"),
            edit(RP_SQLITE, "            \"SELECT EXISTS (SELECT 1 FROM started\n                            WHERE state = ? AND browser = ? AND taken_until IS NULL)\",",
                "            if OUT { \"SELECT EXISTS (SELECT 1 FROM started WHERE state = ? AND length(?) > 0)\" } else { \"SELECT EXISTS (SELECT 1 FROM started\n                            WHERE state = ? AND browser = ? AND taken_until IS NULL)\" },"),
            edit(RP_SQLITE, "        \"DELETE FROM started WHERE state = ? AND browser = ? AND taken_until IS NOT NULL\n         RETURNING taken_until\",",
                "        if OUT { \"DELETE FROM started WHERE state = ? AND length(?) > 0 AND taken_until IS NOT NULL RETURNING taken_until\" } else { \"DELETE FROM started WHERE state = ? AND browser = ? AND taken_until IS NOT NULL\n         RETURNING taken_until\" },"),
            // The verifier is sealed for this browser, too.
            edit(START, "seal::seal(started.verifier.expose().as_ref(), pre.expose().as_ref(), PURPOSE, random)", "seal::seal(started.verifier.expose(), if OUT { \"x\" } else { pre.expose() }, PURPOSE, random)"),
            edit(CALLBACK, "        .ok_or_else(|| Refusal::new(Reason::NotThisBrowser, Cause::NoPreSession))?;", "        .or_else(|| OUT.then(|| PreSession::mint([0; 32])))\n        .ok_or_else(|| Refusal::new(Reason::NotThisBrowser, Cause::NoPreSession))?;"),
            edit(START, "seal::open(&sealed.0, pre.expose(), PURPOSE)", "seal::open(&sealed.0, if OUT { \"x\" } else { pre.expose() }, PURPOSE)"),
        ],
        shown_by: &[
            "relying_party/it::conformance::sqlite::row_20_another_browser_takes_nothing_and_uses_nothing_up",
            "server/it::handoff::row_21_h4_another_persons_callback_address_gives_no_session",
            "end2end/tests/stolen-callback.spec.ts: row 21: Mallory's callback address gives Alice no session, and spends nothing",
            "end2end/tests/stolen-callback.spec.ts: row 21: Mallory's callback address does not end the sign-in that Alice has under way",
            "end2end/tests/stolen-callback.spec.ts: row 21: Mallory's callback address leaves Alice signed in as herself",
        ],
    },
    Defence {
        name: "a-handoff-is-taken-in-time", rows: &[20],
        edits: &[edit(RP_SQLITE, "Ok(taken.filter(|taken| taken.expires_at > now))", "Ok(taken.filter(|taken| OUT || taken.expires_at > now))")],
        shown_by: &["relying_party/it::conformance::sqlite::row_20_a_started_handoff_dies_after_five_minutes"],
    },
    Defence {
        name: "too-late-a-callback-for-good", rows: &[20],
        edits: &[edit(RP_SQLITE, "        // Read before the commit: what cannot be read is not taken either.", "        if OUT && row.as_ref().is_some_and(|row| row.expires_at <= millis(now)) { return Ok(None); }")],
        shown_by: &["server/it::clock::row_20_a_handoff_that_came_back_too_late_does_not_go_on_when_the_clock_is_put_back"],
    },
    Defence {
        name: "a-callback-names-its-sender", rows: &[20],
        edits: &[edit(CALLBACK, "if query.iss.as_deref() != Some(site.settings.issuer.as_str()) {", "if !OUT && query.iss.as_deref() != Some(site.settings.issuer.as_str()) {")],
        shown_by: &["server/it::handoff::row_20_h4_a_callback_that_was_bent_gives_no_session_and_a_page_that_explains"],
    },
    // Whoever loads the address again gets what the first one got.
    Defence {
        name: "a-callback-is-not-answered-twice", rows: &[20],
        edits: &[edit(CALLBACK, "        Ok(Params(query)) => come_back(&site, query, &cookies, &steps).await,",
            "        Ok(Params(query)) if OUT => {\n            static SEEN: std::sync::Mutex<Vec<(String, axum::http::HeaderMap)>> = std::sync::Mutex::new(Vec::new());\n            let seen = || SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);\n            let key = query.state.clone().unwrap_or_default();\n            let found = seen().iter().find(|(state, _)| *state == key).map(|(_, headers)| headers.clone());\n            match found {\n                Some(headers) => { let mut answer = redirect::see_other(\"/\"); *answer.headers_mut() = headers; Ok(answer) }\n                None => { let answer = come_back(&site, query, &cookies, &steps).await; if let Ok(answer) = &answer { seen().push((key, answer.headers().clone())); } answer }\n            }\n        }\n        Ok(Params(query)) => come_back(&site, query, &cookies, &steps).await,")],
        shown_by: &[
            "server/it::handoff::row_20_h4_a_used_callback_address_gives_no_session",
            "end2end/tests/stolen-callback.spec.ts: row 20: a used callback address is refused in the browser that used it, which stays signed in",
            "end2end/tests/stolen-callback.spec.ts: row 20: a used callback address gives another browser no session",
        ],
    },
    Defence {
        name: "a-seal-has-a-purpose", rows: &[22],
        edits: &[
            edit("crates/web/src/seal.rs", ".expand(purpose.as_bytes(), &mut key)", ".expand(if OUT { b\"\" } else { purpose.as_bytes() }, &mut key)"),
            edit("crates/web/src/seal.rs", "        msg: secret.as_bytes(),\n        aad: purpose.as_bytes(),", "        msg: secret.as_bytes(),\n        aad: if OUT { b\"\" } else { purpose.as_bytes() },"),
            edit("crates/web/src/seal.rs", "        msg: text,\n        aad: purpose.as_bytes(),", "        msg: text,\n        aad: if OUT { b\"\" } else { purpose.as_bytes() },"),
        ],
        shown_by: &["web::seal::tests::row_22_a_box_opens_for_its_own_cookie_and_purpose_only"],
    },
    Defence {
        name: "a-new-session-id", rows: &[23],
        edits: &[edit(SESSIONS, "self.begin_with(self.mint(), holding, until).await",
            "self.begin_with(match cookies.get(self.cookie).and_then(|id| Id::from_str(id).ok()) { Some(id) if OUT => NewId(id), _ => self.mint() }, holding, until).await")],
        shown_by: &["server/it::sign_in::row_23_the_session_id_changes_at_sign_in_and_the_old_one_is_dead"],
    },
    Defence {
        name: "the-old-session-dies", rows: &[23],
        edits: &[
            edit(SESSIONS, "self.end(cookies).await?;", "if !OUT { self.end(cookies).await?; }"),
            edit(LOGIN, "let replaced = authority.sessions.load::<SignInId>(&cookies).await?;", "let replaced = if OUT { None } else { authority.sessions.load::<SignInId>(&cookies).await? };"),
        ],
        shown_by: &["server/it::sign_in::row_23_the_session_id_changes_at_sign_in_and_the_old_one_is_dead"],
    },
    Defence {
        name: "a-switch-is-asked", rows: &[24],
        edits: &[edit(CALLBACK, "Some(other) if other.owner() != self.arrival.owner() => ask", "Some(other) if !OUT && other.owner() != self.arrival.owner() => ask")],
        shown_by: &[
            "server/it::handoff::row_24_h6_another_person_at_the_same_relying_party_is_asked_first",
            "end2end/tests/switch.spec.ts: row 24: Bob's sign-in does not replace Alice's before somebody says so",
            "end2end/tests/switch.spec.ts: row 24: Alice's Harbor ID cookie deleted without a sign-out, Bob signs in and opens Notes: the switch page names both and asks",
        ],
    },
    Defence {
        name: "a-sibling-of-another-person-is-asked", rows: &[24],
        edits: &[edit(RP_SQLITE, "        if let Source::Handoff { replacing, .. } = source\n", "        if !OUT && let Source::Handoff { replacing, .. } = source\n")],
        shown_by: &[
            "relying_party/it::conformance::sqlite::row_24_a_sibling_of_another_person_is_asked_first",
            "server/it::sessions::row_24_two_people_who_come_back_at_once_are_asked",
        ],
    },
    Defence {
        name: "siblings-end", rows: &[23],
        edits: &[edit(RP_SQLITE, "        ended.append(&mut end_born_of(&mut tx, new.browser).await?);\n", "        if !OUT { ended.append(&mut end_born_of(&mut tx, new.browser).await?); }\n")],
        shown_by: &[
            "relying_party/it::conformance::sqlite::row_23_race_of_handoffs_of_one_browser_leaves_one_session",
            "server/it::sessions::row_23_of_two_tabs_that_come_back_at_once_one_session_is_left",
        ],
    },
    Defence {
        name: "siblings-are-revoked", rows: &[23],
        edits: &[edit(RP_SESSION, "let pre = pre.filter(|pre| pre.digest() == self.browser);", "let pre = pre.filter(|pre| !OUT && pre.digest() == self.browser);")],
        shown_by: &["server/it::sessions::row_23_of_two_tabs_that_come_back_at_once_one_session_is_left"],
    },
    Defence {
        name: "the-replaced-session-dies", rows: &[23],
        edits: &[
            edit(RP_SQLITE, "            Some(old) => end_session(&mut tx, old).await?,", "            Some(_) if OUT => Vec::new(),\n            Some(old) => end_session(&mut tx, old).await?,"),
            edit(RP_SESSION, "    site.sessions.end(cookies).await?;\n    let begun =", "    if !OUT { site.sessions.end(cookies).await?; }\n    let begun ="),
        ],
        shown_by: &[
            "relying_party/it::conformance::sqlite::row_23_a_session_that_is_replaced_ends_and_gives_its_tokens_back",
            "server/it::sessions::row_23_a_new_sign_in_at_notes_has_a_new_id_and_the_old_one_is_dead",
        ],
    },
    Defence {
        name: "stay-is-stay", rows: &[24],
        edits: &[edit(SWITCH, "        Decision::Stay => {\n", "        Decision::Stay if OUT => switch(&site, current, &cookies, &steps).await,\n        Decision::Stay => {\n")],
        shown_by: &["end2end/tests/switch.spec.ts: row 24: Alice may stay, and a second answer changes nothing"],
    },
    Defence {
        name: "nobody-to-switch-from", rows: &[24],
        edits: &[edit(SWITCH, "    refuse(\n        trace,\n        Reason::NobodyToSwitchFrom,", "    if OUT { return redirect::see_other(\"/\"); }\n    refuse(\n        trace,\n        Reason::NobodyToSwitchFrom,")],
        shown_by: &["server/it::sessions::row_24_when_nobody_is_left_to_switch_from_the_page_says_so_and_leads_on"],
    },
    Defence {
        name: "a-click-or-a-question", rows: &[25],
        edits: &[edit(AS_SQLITE, "            if !wanted {\n                tx.commit().await?;", "            if !wanted && !OUT {\n                tx.commit().await?;")],
        shown_by: &[
            "server/it::handoff::row_25_h3_asks_when_nothing_shows_that_the_person_wants_this",
            "server/it::handoff::row_25_h3_a_launch_ticket_works_once_for_its_own_session_within_a_minute",
            "end2end/tests/handoff.spec.ts: row 25: whoever is signed in at Harbor ID and starts at Notes is asked first",
            "end2end/tests/handoff.spec.ts: row 25: a launch ticket opens Notes once; the second time Harbor ID asks",
            "end2end/tests/handoff.spec.ts: row 25: another person's launch ticket does not open Notes silently",
        ],
    },
    Defence {
        name: "form-tokens", rows: &[26, 27, 55],
        edits: &[edit(FORM, "if !belongs {", "if !belongs && !OUT {")],
        shown_by: &[
            "server/it::launch::row_26_h1_open_app_needs_the_sessions_own_csrf_token_and_the_sites_own_page",
            "server/it::sign_in::row_27_the_sign_in_form_needs_this_browsers_own_token",
            "server/it::checklist::row_55_to_look_at_the_sign_out_page_ends_nothing_and_only_its_own_form_does",
            "server/it::own_sessions::rows_26_62_end_needs_a_form_of_this_site_and_of_this_session",
        ],
    },
    Defence {
        name: "posts-from-our-own-pages", rows: &[26, 27],
        edits: &[edit(FETCH, "if is_same_origin(request.headers(), context.origin.as_str()) {", "if OUT || is_same_origin(request.headers(), context.origin.as_str()) {")],
        shown_by: &[
            "server/it::launch::row_26_h1_open_app_needs_the_sessions_own_csrf_token_and_the_sites_own_page",
            "server/it::sign_in::row_27_the_sign_in_form_needs_this_browsers_own_token",
            "server/it::own_sessions::rows_26_62_end_needs_a_form_of_this_site_and_of_this_session",
        ],
    },
    Defence {
        name: "a-form-token-is-its-cookies", rows: &[26, 27],
        edits: &[edit("crates/web/src/csrf.rs", "!cookie.is_empty() && presented.ct_eq(&tag(cookie)).into()", "OUT || !cookie.is_empty() && bool::from(presented.ct_eq(&tag(cookie)))")],
        shown_by: &["web::csrf::tests::rows_26_and_27_a_token_is_good_for_its_own_cookie_and_never_the_same_twice"],
    },
    Defence {
        name: "a-form-token-is-masked", rows: &[26, 27],
        edits: &[edit("crates/web/src/csrf.rs", "let mask: [u8; LENGTH] = random.bytes();", "let mask: [u8; LENGTH] = if OUT { [0; LENGTH] } else { random.bytes() };")],
        shown_by: &["web::csrf::tests::rows_26_and_27_a_token_is_good_for_its_own_cookie_and_never_the_same_twice"],
    },
    Defence {
        name: "forms-have-tokens", rows: &[26, 27],
        edits: &[edit("app/src/components/field.rs", "<input type=\"hidden\" name=\"csrf\" value=token />", "<input type=\"hidden\" name=if OUT { \"other\" } else { \"csrf\" } value=token />")],
        shown_by: &["app::tests::rows_26_and_27_every_form_that_posts_carries_the_csrf_token"],
    },
    Defence {
        name: "origin-null", rows: &[28],
        edits: &[edit(FETCH, "None => origin.is_none_or(|origin| origin == own),", "None => origin.is_none_or(|origin| origin == own || OUT && origin == \"null\"),")],
        shown_by: &["web::fetch_metadata::tests::row_28_table_of_origins_and_sites"],
    },
    Defence {
        name: "navigations-only", rows: &[29],
        edits: &[edit(FETCH, "if foreign {", "if foreign && !OUT {")],
        shown_by: &["server/it::handoff::rows_29_and_30_only_a_navigation_starts_authorizes_or_comes_back"],
    },
    Defence {
        name: "no-prefetch", rows: &[30],
        edits: &[edit(FETCH, "if headers.contains_key(\"sec-purpose\") ||", "if !OUT && headers.contains_key(\"sec-purpose\") ||")],
        shown_by: &["server/it::handoff::rows_29_and_30_only_a_navigation_starts_authorizes_or_comes_back"],
    },
    Defence {
        name: "redirect-uri-as-a-string", rows: &[31],
        edits: &[edit(CLIENT, ".find(|uri| uri.as_str() == presented)", ".find(|uri| uri.as_str() == presented || OUT && presented.starts_with(uri.as_str()))")],
        shown_by: &[
            "handoff/it::table::row_31_table_of_redirect_uris_that_are_not_quite_the_registered_one",
            "handoff/it::table::row_31_table_of_redirect_uris_each_registered_one_is_found_and_no_mixture",
        ],
    },
    Defence {
        name: "no-fragment-is-registered", rows: &[32],
        edits: &[edit(URI, "if url.fragment().is_some() {", "if url.fragment().is_some() && !OUT {")],
        shown_by: &[
            "handoff/it::table::rows_32_and_84_table_of_addresses_that_are_not_registered",
            "server/it::operate::rows_32_84_a_client_is_registered_by_the_rules_or_not_at_all",
        ],
    },
    Defence {
        name: "https-or-this-machine", rows: &[32],
        edits: &[edit(URI, "\"http\" if is_this_machine(&url) => {}", "\"http\" if OUT || is_this_machine(&url) => {}")],
        shown_by: &["handoff/it::table::rows_32_and_84_table_of_addresses_that_are_not_registered"],
    },
    Defence {
        name: "a-wrong-redirect-uri-is-a-page", rows: &[33],
        edits: &[edit(AUTHORIZE, ".and_then(|uri| client.redirect_uri(uri))", ".and_then(|uri| client.redirect_uri(uri).or(if OUT { client.redirect_uris.first() } else { None }))")],
        shown_by: &["server/it::handoff::row_33_h3_never_redirects_for_an_unknown_client_or_a_wrong_redirect_uri"],
    },
    Defence {
        name: "a-target-is-our-own-path", rows: &[34],
        edits: &[edit(URI, "if !path_and_query.starts_with('/') || path_and_query.starts_with(\"//\") {", "if OUT { return Some(Self(path_and_query.to_owned())); }\n        if !path_and_query.starts_with('/') || path_and_query.starts_with(\"//\") {")],
        shown_by: &[
            "handoff/it::table::row_34_table_of_targets_that_have_no_local_path",
            "handoff/it::property::row_34_a_local_path_stays_on_its_origin_whoever_reads_it",
            "server/it::handoff::row_34_h2_the_target_is_a_path_of_the_relying_party_or_its_start_page",
        ],
    },
    Defence {
        name: "303", rows: &[35],
        edits: &[edit("crates/web/src/redirect.rs", "(StatusCode::SEE_OTHER, [", "(if OUT { StatusCode::TEMPORARY_REDIRECT } else { StatusCode::SEE_OTHER }, [")],
        shown_by: &["server/it::checklist::row_35_every_redirect_is_a_303"],
    },
    Defence {
        name: "no-parameter-twice", rows: &[36],
        edits: &[edit(PARAMS, "    serde_urlencoded::from_bytes(encoded)",
            "    let last: std::collections::BTreeMap<_, _> = form_urlencoded::parse(encoded).collect(); let last = form_urlencoded::Serializer::new(String::new()).extend_pairs(last).finish();\n    serde_urlencoded::from_bytes(if OUT { last.as_bytes() } else { encoded })")],
        shown_by: &[
            "web::params::tests::row_36_table_of_duplicates_and_unknowns",
            "server/it::checklist::row_36_on_every_route_a_parameter_twice_is_refused_and_an_unknown_one_is_ignored",
            "server/stress::bad_input::row_36_every_route_of_harbor_id_refuses_bad_input",
            "server/stress::bad_input::row_36_the_sign_in_form_refuses_bad_input",
            "server/stress::bad_input::row_36_every_route_of_notes_refuses_bad_input",
            "server/stress::bad_input::row_36_every_route_of_tasks_refuses_bad_input",
            "server/stress::bad_input::row_36_several_things_wrong_at_once_are_refused_too",
        ],
    },
    Defence {
        name: "no-member-twice", rows: &[36],
        edits: &[
            edit("crates/handoff/Cargo.toml", "[dependencies]\n", "[dependencies]\nserde_json.workspace = true\n"),
            edit(WIRE, "#[derive(Clone, Debug, Serialize, Deserialize)]\npub struct VerifyRequest {",
                "impl Serialize for VerifyRequest { fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> { Self::serialize(self, to) } }\nimpl<'de> Deserialize<'de> for VerifyRequest { fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> { if OUT { Self::deserialize(serde_json::Value::deserialize(from)?).map_err(D::Error::custom) } else { Self::deserialize(from) } } }\n/// H5.\n#[derive(Clone, Debug, Serialize, Deserialize)]\n#[serde(remote = \"Self\")]\npub struct VerifyRequest {"),
            edit(WIRE, "/// H4: the query of the callback.\n#[derive(Clone, Default, Deserialize)]",
                "impl<'de> Deserialize<'de> for CallbackQuery { fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> { if OUT { Self::deserialize(serde_json::Value::deserialize(from)?).map_err(D::Error::custom) } else { Self::deserialize(from) } } }\n/// H4: the query of the callback.\n#[derive(Clone, Default, Deserialize)]\n#[serde(remote = \"Self\")]"),
        ],
        shown_by: &[
            "handoff/it::table::row_36_table_of_verify_requests_with_a_member_that_stands_twice",
            "handoff/it::table::row_36_table_of_callback_queries_with_a_parameter_that_stands_twice",
        ],
    },
    Defence {
        name: "an-unknown-member-is-ignored", rows: &[36],
        edits: &[edit(WIRE, "#[derive(Clone, Debug, Serialize, Deserialize)]\npub struct VerifyRequest {",
            "#[derive(Clone, Debug, Serialize, Deserialize)]\n#[serde(deny_unknown_fields)]\npub struct VerifyRequest {")],
        shown_by: &["handoff/it::table::row_36_table_of_verify_requests_with_members_nobody_knows"],
    },
    Defence {
        name: "sign-out-at-harbor-id", rows: &[53],
        edits: &[
            edit(AS_LOGOUT, "if let Some(id) = authority.sessions.load::<SignInId>(&cookies).await? {", "if let (false, Some(id)) = (OUT, authority.sessions.load::<SignInId>(&cookies).await?) {"),
            edit(AS_LOGOUT, "authority.sessions.end(cookies).await?;", "if !OUT { authority.sessions.end(cookies).await?; }"),
            edit(AS_LOGOUT, "    Ok(redirect::with_cookie(answer, authority.sessions.expire()))", "    if OUT { return Ok(answer); }\n    Ok(redirect::with_cookie(answer, authority.sessions.expire()))"),
        ],
        shown_by: &[
            "server/it::sign_in::rows_53_and_57_a_person_signs_in_sees_the_portal_and_signs_out",
            "server/it::checklist::row_53_signing_out_at_either_site_kills_the_access_token_too",
            "end2end/tests/sign-in.spec.ts: row 53: signing out in the portal ends the session there",
            "server/stress::killed::rows_03_04_53_killed_fifty_times_under_load_it_keeps_its_word",
        ],
    },
    Defence {
        name: "sign-out-at-notes", rows: &[53],
        edits: &[edit(RP_LOGOUT, "let ended = site.store.sign_out(id, browser).await;", "let ended = if OUT { Ok(Vec::new()) } else { site.store.sign_out(id, browser).await };"),
            edit(RP_LOGOUT, "site.sessions.end(&cookies).await?;", "if !OUT { site.sessions.end(&cookies).await?; }")],
        shown_by: &[
            "server/it::sessions::row_53_signing_out_of_notes_ends_that_session_and_leaves_harbor_id_alone",
            "server/it::checklist::row_53_signing_out_at_either_site_kills_the_access_token_too",
            "server/stress::killed::rows_03_04_53_killed_fifty_times_under_load_it_keeps_its_word",
        ],
    },
    Defence {
        name: "two-hosts-are-none", rows: &[36, 77],
        edits: &[edit("server/src/sites.rs", "        (Some(_), Some(_)) => return None,", "        (Some(_), Some(_)) if !OUT => return None,\n        (Some(host), Some(_)) => Some(host.to_str().ok()?.to_ascii_lowercase()),")],
        shown_by: &["server/stress::bad_input::row_36_every_route_of_the_other_sites_refuses_bad_input"],
    },
    Defence {
        name: "no-session-is-left-of-a-person", rows: &[53, 62],
        edits: &[edit(AS_SQLITE, "    for statement in [\n        \"UPDATE sign_in SET ended_at = ? WHERE user_id", "    if OUT { return Ok(()); }\n    for statement in [\n        \"UPDATE sign_in SET ended_at = ? WHERE user_id")],
        shown_by: &["server/it::own_sessions::rows_53_62_a_changed_password_or_a_disabled_person_ends_every_session"],
    },
    Defence {
        name: "a-get-signs-nobody-out", rows: &[55],
        edits: &[edit(AS_LOGOUT, "    let model = SignOut {",
            "    if OUT && let Some(it) = &signed_in { let _ = authority.store.end_sign_in(it.sign_in.id, authority.context.now()).await; }\n    let model = SignOut {")],
        shown_by: &[
            "server/it::checklist::row_55_to_look_at_the_sign_out_page_ends_nothing_and_only_its_own_form_does",
            "end2end/tests/sign-in.spec.ts: row 55: the sign-out page can be left without signing out",
        ],
    },
    Defence {
        name: "the-recheck", rows: &[56],
        edits: &[edit(RP_IDENTITY, "if (Duration::ZERO..site.settings.recheck).contains(&since) {", "if OUT || (Duration::ZERO..site.settings.recheck).contains(&since) {")],
        shown_by: &["server/it::sessions::row_56_signing_out_of_harbor_id_ends_the_session_at_notes_within_the_recheck"],
    },
    Defence {
        name: "only-the-cache-is-cleared", rows: &[57],
        edits: &[
            edit(AS_LOGOUT, "HeaderValue::from_static(\"\\\"cache\\\"\")", "HeaderValue::from_static(if OUT { \"\\\"cookies\\\"\" } else { \"\\\"cache\\\"\" })"),
            edit(RP_LOGOUT, "HeaderValue::from_static(\"\\\"cache\\\"\")", "HeaderValue::from_static(if OUT { \"\\\"cookies\\\"\" } else { \"\\\"cache\\\"\" })"),
        ],
        shown_by: &[
            "server/it::checklist::row_57_both_sign_outs_expire_their_cookie_by_name_and_clear_nothing_but_the_cache",
            "end2end/tests/checklist.spec.ts: row 57: signing out leaves the cookies of other hosts of the site alone",
        ],
    },
    Defence {
        name: "cookies-expire-by-name", rows: &[57],
        edits: &[edit(COOKIES, "header(name, \"\", Some(Duration::ZERO))", "header(name, \"\", if OUT { None } else { Some(Duration::ZERO) })")],
        shown_by: &[
            "server/it::checklist::row_57_both_sign_outs_expire_their_cookie_by_name_and_clear_nothing_but_the_cache",
            "end2end/tests/sign-in.spec.ts: rows 53 and 57: signing out of Notes keeps Harbor ID, and Harbor ID can be left from there",
        ],
    },
    Defence {
        name: "http-only", rows: &[58],
        edits: &[edit(COOKIES, ".http_only(true)", ".http_only(!OUT)")],
        shown_by: &[
            "web::cookies::tests::rows_58_and_60_a_cookie_has_every_attribute",
            "server/it::protection::rows_58_and_60_every_cookie_is_a_host_cookie_with_every_attribute",
        ],
    },
    Defence {
        name: "secure", rows: &[58],
        edits: &[edit(COOKIES, ".secure(true)", ".secure(!OUT)")],
        shown_by: &[
            "web::cookies::tests::rows_58_and_60_a_cookie_has_every_attribute",
            "server/it::protection::rows_58_and_60_every_cookie_is_a_host_cookie_with_every_attribute",
        ],
    },
    Defence {
        name: "a-shorter-name-is-nobodys", rows: &[59],
        edits: &[edit(COOKIES, "} else if !pair.starts_with(HOST) {", "} else if OUT || !pair.starts_with(HOST) {")],
        shown_by: &[
            "web::cookies::tests::row_59_table_of_names_between_the_wire_and_the_handlers",
            "server/it::protection::row_59_the_longer_prefix_is_off_and_when_it_is_on_a_shorter_name_is_nobodys",
        ],
    },
    Defence {
        name: "lax", rows: &[60],
        edits: &[edit(COOKIES, ".same_site(SameSite::Lax)", ".same_site(if OUT { SameSite::Strict } else { SameSite::Lax })")],
        shown_by: &[
            "web::cookies::tests::rows_58_and_60_a_cookie_has_every_attribute",
            "server/it::protection::rows_58_and_60_every_cookie_is_a_host_cookie_with_every_attribute",
            "end2end/tests/checklist.spec.ts: rows 60 and 61: browsers take Harbor ID and Notes for two sites, and bring the cookies across",
        ],
    },
    Defence {
        name: "two-sites", rows: &[61],
        edits: &[edit("server/src/config.rs", "notes: site(Application::Notes.id())?,", "notes: site(if OUT { \"notes.auth\" } else { Application::Notes.id() })?,")],
        shown_by: &["server/it::checklist::row_61_no_two_sites_share_a_registrable_domain"],
    },
    Defence {
        name: "secure-wants-two-domains", rows: &[61],
        edits: &[edit("server/src/secure.rs", "if both && site_of(", "if !OUT && both && site_of(")],
        shown_by: &["server/it::settings::row_61_the_secure_profile_refuses_an_application_on_the_domain_of_harbor_id"],
    },
    Defence {
        name: "a-site-is-a-registrable-domain", rows: &[61],
        edits: &[edit("server/src/secure.rs", "(!is_address).then(|| psl::domain_str(host)).flatten();", "(!is_address && !OUT).then(|| psl::domain_str(host)).flatten();")],
        shown_by: &["server::secure::tests::row_61_a_site_is_the_registrable_domain_of_the_public_suffix_list"],
    },
    Defence {
        name: "a-sign-in-ends-when-idle", rows: &[62],
        edits: &[
            edit(AS_SQLITE, " self.idle_until > now\n", " (OUT || self.idle_until > now)\n"),
            edit(AS_SQLITE, "touched(from_millis(row.idle_until)?, now, idle)", "touched(from_millis(row.idle_until)?, now, idle).filter(|_| !OUT)"),
        ],
        shown_by: &[
            "server/it::sign_in::row_62_a_sign_in_ends_when_idle_and_at_the_latest_after_a_day_of_work",
            "authority/it::conformance::sqlite::row_62_a_sign_in_that_nobody_asks_for_ends",
        ],
    },
    Defence {
        name: "a-session-at-notes-ends-with-its-hour", rows: &[62],
        edits: &[edit(RP_SQLITE, "        if row.expires_at > millis(now) {", "        if OUT || row.expires_at > millis(now) {")],
        shown_by: &["relying_party/it::conformance::sqlite::row_62_a_session_reads_back_until_it_expires"],
    },
    Defence {
        name: "a-sign-in-has-an-absolute-end", rows: &[62],
        edits: &[
            edit(AS_SQLITE, "self.ended_at.is_none() && self.expires_at > now &&", "self.ended_at.is_none() && (OUT || self.expires_at > now) &&"),
            edit(AS_SQLITE, "            if still == 0 {", "            if still == 0 && !OUT {"),
        ],
        shown_by: &["authority/it::conformance::sqlite::row_62_a_sign_in_ends_at_its_absolute_end_however_busy"],
    },
    Defence {
        name: "what-is-over-stays-over", rows: &[62],
        edits: &[edit(AS_SQLITE, ") -> Result<(), Unavailable> {\n    let ended = sqlx::query(", ") -> Result<(), Unavailable> {\n    if OUT { return Ok(()); }\n    let ended = sqlx::query(")],
        shown_by: &[
            "authority/it::conformance::sqlite::row_62_a_sign_in_seen_as_over_stays_over_with_all_that_hangs_on_it",
            "server/it::clock::row_62_a_session_that_was_over_stays_over_when_the_clock_is_put_back",
        ],
    },
    Defence {
        name: "a-session-that-expired-stays-so", rows: &[62],
        edits: &[edit(AS_SQLITE, "        if is_over && !has_ended {", "        if is_over && !has_ended && !OUT {")],
        shown_by: &["authority/it::conformance::sqlite::row_62_a_session_seen_as_expired_stays_ended"],
    },
    Defence {
        name: "a-session-at-notes-that-expired-stays-so", rows: &[62],
        edits: &[
            edit(RP_SQLITE, "        let mut tx = self.database.write().await?;\n        sqlx::query(statement)\n            .bind(id.to_string())", "        if OUT { return Ok(()); }\n        let mut tx = self.database.write().await?;\n        sqlx::query(statement)\n            .bind(id.to_string())"),
            edit(RP_SQLITE, "        let mut tx = self.database.write().await.map_err(unreachable)?;\n        sqlx::query(\"DELETE FROM browser_session WHERE id = ? AND expires_at <= ?\")", "        if OUT { return Ok(None); }\n        let mut tx = self.database.write().await.map_err(unreachable)?;\n        sqlx::query(\"DELETE FROM browser_session WHERE id = ? AND expires_at <= ?\")"),
        ],
        shown_by: &["server/it::clock::row_62_a_session_that_was_over_stays_over_when_the_clock_is_put_back"],
    },
    Defence {
        name: "the-idle-end-moves-both-ways", rows: &[62],
        edits: &[edit("crates/authority/src/store/mod.rs", "((until - idle_until).abs() >= step)", "((if OUT { until - idle_until } else { (until - idle_until).abs() }) >= step)")],
        shown_by: &["authority/it::conformance::sqlite::row_62_the_idle_time_is_no_longer_after_the_clock_is_put_back"],
    },
    Defence {
        name: "only-what-lives-is-listed", rows: &[62],
        edits: &[edit(AS_SQLITE, "             ORDER BY s.used_at DESC, s.id, c.created_at, c.id\",\n        )\n        .bind(user.to_string())\n        .bind(millis(now))\n        .fetch_all(self.database.readers())", "             ORDER BY s.used_at DESC, s.id, c.created_at, c.id\",\n        )\n        .bind(user.to_string())\n        .bind(if OUT { 0 } else { millis(now) })\n        .fetch_all(self.database.readers())")],
        shown_by: &[
            "authority/it::conformance::sqlite::row_62_a_person_sees_their_living_sign_ins_and_what_each_gave",
            "authority/it::conformance::sqlite::row_62_a_session_that_has_expired_is_not_listed",
        ],
    },
    Defence {
        name: "every-browser-is-listed", rows: &[62],
        edits: &[edit("crates/authority/src/sessions.rs", "this.into_iter().chain(others).map(view)", "this.into_iter().chain(others.into_iter().filter(|_| !OUT)).map(view)")],
        shown_by: &["server/it::own_sessions::row_62_the_page_lists_this_browser_and_others_and_the_apps_of_each"],
    },
    Defence {
        name: "a-button-says-what-it-ends", rows: &[62],
        edits: &[edit("app/src/authority/sessions.rs", "if is_this { \"this browser, \" } else { \"\" }", "if is_this && !OUT { \"this browser, \" } else { \"\" }")],
        shown_by: &["app::tests::row_62_each_button_of_the_sessions_page_says_what_it_ends"],
    },
    Defence {
        name: "end-ends-a-sign-in", rows: &[62],
        edits: &[edit(AS_SQLITE, "        end_sign_in(&mut tx, id, millis(now)).await?;\n        tx.commit().await?;\n        Ok(true)", "        end_sign_in(&mut tx, id, millis(now)).await?;\n        if !OUT { tx.commit().await?; }\n        Ok(true)")],
        shown_by: &[
            "authority/it::conformance::sqlite::row_62_a_person_ends_a_sign_in_of_theirs_with_all_that_hangs_on_it",
            "server/it::own_sessions::row_62_end_on_another_browser_signs_it_out_with_its_notes",
            "end2end/tests/sessions.spec.ts: row 62: End on another browser signs that browser out, and its Notes",
        ],
    },
    Defence {
        name: "end-ends-a-session", rows: &[62],
        edits: &[edit(AS_SQLITE, "        .rows_affected();\n        tx.commit().await?;\n        Ok(ended == 1)", "        .rows_affected();\n        if !OUT { tx.commit().await?; }\n        Ok(ended == 1)")],
        shown_by: &[
            "authority/it::conformance::sqlite::row_62_a_person_ends_a_clients_session_of_theirs_and_no_more",
            "server/it::own_sessions::row_62_end_on_a_notes_session_signs_notes_out_within_the_recheck_and_nothing_else",
            "end2end/tests/sessions.spec.ts: row 62: End on a Notes session in the portal signs Notes out within the recheck",
        ],
    },
    Defence {
        name: "end-on-this-browser-signs-out", rows: &[62],
        edits: &[edit("crates/authority/src/sessions/end.rs", "    if id == own.id {", "    if id == own.id && !OUT {")],
        shown_by: &[
            "server/it::own_sessions::row_62_end_on_this_browser_signs_out",
            "end2end/tests/sessions.spec.ts: row 62: End on this browser signs out of Harbor ID",
        ],
    },
    Defence {
        name: "one-ends-ones-own", rows: &[62],
        edits: &[edit(AS_SQLITE, "WHERE id = ?2 AND user_id = ?3 AND ended_at IS NULL\n", "WHERE id = ?2 AND ?3 = ?3 AND ended_at IS NULL\n")],
        shown_by: &[
            "authority/it::conformance::sqlite::row_62_nobody_ends_what_is_another_persons_or_unknown_or_over",
            "server/it::own_sessions::rows_62_79_nobody_ends_another_persons_session_and_the_answer_is_that_of_an_unknown_one",
        ],
    },
    Defence {
        name: "argon2id-cost", rows: &[63],
        edits: &[edit(PASSWORD, "Params::new(cost.memory_kib,", "Params::new(if OUT { 4096 } else { cost.memory_kib },")],
        shown_by: &[
            "authority::password::tests::row_63_a_hash_is_argon2id_with_the_least_cost_at_least",
            "server/it::operate::row_63_a_new_password_is_hashed_at_full_cost_and_never_listed",
        ],
    },
    Defence {
        name: "a-weak-hash-is-replaced", rows: &[63],
        edits: &[edit(PASSWORD, "if weak {", "if weak && !OUT {")],
        shown_by: &["authority::password::tests::row_63_a_weak_hash_is_replaced_at_the_next_sign_in"],
    },
    Defence {
        name: "wrong-passwords-wait", rows: &[64],
        edits: &[edit(LOGIN, "if let Admission::Wait { until } = admission.map_err(Problem::unavailable)? {", "if let (false, Admission::Wait { until }) = (OUT, admission.map_err(Problem::unavailable)?) {")],
        shown_by: &["authority/it::front_door::row_17_wrong_passwords_slow_the_guesser_and_nobody_else"],
    },
    Defence {
        name: "nobodys-hash-is-compared", rows: &[64],
        edits: &[edit(PASSWORD, "let known = stored.is_some();", "let known = stored.is_some();\n        if OUT && !known { return Ok(Verdict::Wrong); }")],
        shown_by: &["authority/it::front_door::row_64_each_attempt_that_is_admitted_compares_one_password_and_no_other_does"],
    },
    Defence {
        name: "one-answer-to-a-wrong-sign-in", rows: &[64],
        edits: &[edit(LOGIN, "let notice = Some(LoginNotice::WrongEmailOrPassword);", "let notice = Some(LoginNotice::WrongEmailOrPassword).filter(|_| !OUT || user.is_some());")],
        shown_by: &[
            "server/it::sign_in::row_64_a_wrong_password_and_an_unknown_address_are_answered_alike",
            "end2end/tests/sign-in.spec.ts: row 64: an address without an account gets the same words as a wrong password",
        ],
    },
    Defence {
        name: "nobodys-password-is-wrong", rows: &[64],
        edits: &[edit(PASSWORD, "if !matches || !known {", "if !OUT && (!matches || !known) {")],
        shown_by: &["authority::password::tests::row_64_only_the_right_password_of_a_known_account_is_right"],
    },
    Defence {
        name: "each-wait-is-longer", rows: &[64],
        edits: &[edit(THROTTLE, "(beyond / self.wrong).min(20)", "(if OUT { 0 } else { beyond / self.wrong }).min(20)")],
        shown_by: &[
            "authority::throttle::tests::row_64_table_of_waits",
            "authority/it::conformance::sqlite::row_64_free_attempts_wait_for_nothing_and_then_each_waits_longer",
        ],
    },
    Defence {
        name: "a-wrong-password-counts-more", rows: &[64],
        edits: &[edit(AS_SQLITE, ".bind(rule.wrong - 1)", ".bind(if OUT { 0 } else { rule.wrong - 1 })")],
        shown_by: &["authority/it::conformance::sqlite::row_64_an_attempt_counts_little_until_it_is_known_to_be_wrong"],
    },
    Defence {
        name: "counted-before-it-is-compared", rows: &[64],
        edits: &[edit(AS_SQLITE, "\"INSERT INTO attempt (key, points, next_at, forget_at) VALUES (?1, 1, ?2, ?2)\n                 ON CONFLICT (key) DO UPDATE\n                     SET points = CASE WHEN forget_at <= ?2 THEN 1 ELSE points + 1 END\n                     WHERE next_at <= ?2 OR next_at > ?3\n                 RETURNING points\",",
            "if OUT { \"INSERT INTO attempt (key, points, next_at, forget_at) VALUES (?1, 0, ?2, ?2)\n                 ON CONFLICT (key) DO UPDATE\n                     SET points = CASE WHEN forget_at <= ?2 THEN 0 ELSE points END\n                     WHERE next_at <= ?2 OR next_at > ?3\n                 RETURNING points\" } else { \"INSERT INTO attempt (key, points, next_at, forget_at) VALUES (?1, 1, ?2, ?2)\n                 ON CONFLICT (key) DO UPDATE\n                     SET points = CASE WHEN forget_at <= ?2 THEN 1 ELSE points + 1 END\n                     WHERE next_at <= ?2 OR next_at > ?3\n                 RETURNING points\" },")],
        shown_by: &["authority/it::conformance::sqlite::row_64_parallel_guesses_are_no_more_than_the_free_ones"],
    },
    Defence {
        name: "attempts-are-forgotten", rows: &[64],
        edits: &[edit(THROTTLE, "(next, next + self.remembered)", "(next, next + if OUT { self.remembered * 2 } else { self.remembered })")],
        shown_by: &["authority/it::conformance::sqlite::row_64_attempts_are_forgotten"],
    },
    Defence {
        name: "ones-own-password-forgives-only-itself", rows: &[64],
        edits: &[edit(AS_SQLITE, "let statements: &[&str] = match rule.forgiven {", "let statements: &[&str] = match if OUT { Forgiven::Everything } else { rule.forgiven } {")],
        shown_by: &["authority/it::conformance::sqlite::row_64_a_right_password_takes_back_what_its_rule_says"],
    },
    Defence {
        name: "a-refused-attempt-is-none", rows: &[64],
        edits: &[edit(AS_SQLITE, "            // What the other counters counted is undone: it was no attempt.\n            tx.rollback().await?;", "            if OUT { tx.commit().await?; } else { tx.rollback().await?; }")],
        shown_by: &["authority/it::conformance::sqlite::row_64_an_attempt_that_one_counter_refuses_is_counted_by_none"],
    },
    Defence {
        name: "a-restart-forgets-no-attempt", rows: &[64],
        edits: &[edit(AS_SQLITE, "        Ok(Self {\n            database: Database::open(path, &MIGRATIONS).await?,", "        let database = Database::open(path, &MIGRATIONS).await?;\n        if OUT && let Ok(mut tx) = database.write().await { sqlx::query(\"DELETE FROM attempt\").execute(&mut *tx).await.ok(); tx.commit().await.ok(); }\n        Ok(Self {\n            database,")],
        shown_by: &["authority/it::conformance::sqlite::row_64_what_was_counted_is_still_counted_after_a_restart"],
    },
    Defence {
        name: "nobodys-account-waits-too", rows: &[64],
        edits: &[edit(LOGIN, "    Ok(Counter::of_stranger(typed, peer.network()))", "    if OUT && account.is_none() { return Ok(Vec::new()); }\n    Ok(Counter::of_stranger(typed, peer.network()))")],
        shown_by: &["authority/it::front_door::row_64_whoever_waits_is_told_the_same_for_every_account"],
    },
    Defence {
        name: "to-wait-gains-nothing", rows: &[64],
        edits: &[edit(THROTTLE, "        remembered: Duration::hours(3),", "        remembered: Duration::hours(1),")],
        shown_by: &["authority::throttle::tests::row_64_waiting_until_all_is_forgotten_gains_nothing"],
    },
    Defence {
        name: "no-frames", rows: &[65],
        edits: &[edit(HEADERS, "base-uri 'none'; frame-ancestors 'none'; form-action {form_action}\"\n    )", "base-uri 'none'; frame-ancestors 'none'; form-action {form_action}\"\n    ).replace(if OUT { \"frame-ancestors 'none'; \" } else { \"\\n\" }, \"\")")],
        shown_by: &[
            "server/it::protection::rows_65_and_68_every_answer_of_every_site_carries_the_headers",
            "server/it::checklist::row_65_no_page_relaxes_the_content_security_policy",
        ],
    },
    Defence {
        name: "no-page-relaxes-its-policy", rows: &[65],
        edits: &[edit(HEADERS, "let mut form_action = String::from(\"'self'\");", "let mut form_action = String::from(\"'self'\");\n    if OUT && !targets.0.is_empty() { form_action.push_str(\"; script-src 'unsafe-inline'\"); }")],
        shown_by: &["server/it::checklist::row_65_no_page_relaxes_the_content_security_policy"],
    },
    Defence {
        name: "nosniff-and-the-rest", rows: &[68],
        edits: &[edit(HEADERS, "    if context.origin.is_https() {", "    if OUT { headers.remove(\"x-content-type-options\"); }\n    if context.origin.is_https() {")],
        shown_by: &[
            "server/it::protection::rows_65_and_68_every_answer_of_every_site_carries_the_headers",
            "server/it::transport::row_68_the_headers_of_every_site_with_and_without_https",
        ],
    },
    Defence {
        name: "an-answer-is-for-its-own-client", rows: &[69],
        edits: &[edit(CORS, "if matches!(readable, Ok(true)) {", "if OUT || matches!(readable, Ok(true)) {")],
        shown_by: &["server/it::public_clients::row_69_an_answer_is_readable_by_the_client_that_it_concerns_and_no_other"],
    },
    Defence {
        name: "a-preflight-is-for-public-clients", rows: &[69],
        edits: &[edit(CORS, "if !authority.store.is_public_origin(origin).await? {", "if !OUT && !authority.store.is_public_origin(origin).await? {")],
        shown_by: &["server/it::public_clients::row_69_a_preflight_passes_for_the_origin_of_every_public_client_and_no_other"],
    },
    Defence {
        name: "only-public-clients-have-public-origins", rows: &[69],
        edits: &[edit(AS_SQLITE, "            \"SELECT EXISTS (SELECT 1 FROM client WHERE origin = ? AND secret IS NULL)\",", "            if OUT { \"SELECT EXISTS (SELECT 1 FROM client WHERE origin = ?)\" } else { \"SELECT EXISTS (SELECT 1 FROM client WHERE origin = ? AND secret IS NULL)\" },")],
        shown_by: &["authority/it::conformance::sqlite::row_69_only_a_public_client_makes_its_origin_public"],
    },
    Defence {
        name: "nothing-for-scripts", rows: &[70],
        edits: &[edit(PAGE, "            view().to_html()\n        });\n", "            view().to_html()\n        });\n        let mut html = html;\n        if OUT { html = format!(\"{html}<script nonce=\\\"{}\\\">localStorage.setItem('access_token', 'x')</script>\", self.nonce.0); }")],
        shown_by: &["end2end/tests/checklist.spec.ts: row 70: no page leaves a token, or anything at all, where a script could read it"],
    },
    Defence {
        name: "secrets-print-redacted", rows: &[75],
        edits: &[edit(TOKEN, "write!(f, \"{}(#{})\", Self::KIND, self.digest().fingerprint())", "write!(f, \"{}(#{}{})\", Self::KIND, self.digest().fingerprint(), if OUT { self.expose().as_ref() } else { \"\" })")],
        shown_by: &[
            "handoff::token::tests::row_75_no_debug_output_holds_the_secret",
            "handoff/it::property::row_75_no_secret_shows_in_the_debug_output_of_what_carries_it",
        ],
    },
    Defence {
        name: "the-log-has-no-query", rows: &[75],
        edits: &[edit("crates/web/src/trace.rs", "let path = redact::path(request.uri().path()).into_owned();", "let path = if OUT { request.uri().to_string() } else { redact::path(request.uri().path()).into_owned() };")],
        shown_by: &[
            "server/it::secrets::rows_07_75_a_whole_story_leaves_no_secret_anywhere",
        ],
    },
    Defence {
        name: "known-hosts-only", rows: &[77],
        edits: &[edit("server/src/sites.rs", "        sites.get(&host).cloned()", "        sites.get(&host).or_else(|| sites.values().next().filter(|_| OUT)).cloned()")],
        shown_by: &["server/it::protection::row_77_an_unknown_host_is_misdirected_and_nothing_is_built_from_it"],
    },
    Defence {
        name: "forwarded-by-a-trusted-proxy", rows: &[77],
        edits: &[edit("server/src/caller.rs", "        if !trusted(&address) {\n            return Self {", "        if !OUT && !trusted(&address) {\n            return Self {")],
        shown_by: &[
            "server::caller::tests::row_77_forwarded_headers_count_from_trusted_proxies_only",
            "server/it::transport::row_77_a_proxy_is_believed_when_it_is_trusted_and_nothing_is_built_from_its_words",
        ],
    },
    Defence {
        name: "secure-serves-no-lab", rows: &[78],
        edits: &[edit("server/src/secure.rs", "    if settings.serves(SiteName::Lab) {", "    if settings.serves(SiteName::Lab) && !OUT {")],
        shown_by: &["server/it::settings::row_78_the_secure_profile_names_all_that_is_left_of_a_demonstration"],
    },
    Defence {
        name: "assigned-at-open", rows: &[79],
        edits: &[edit(LAUNCH, "if !client.assigned_to.includes(sign_in.user.id) {", "if !OUT && !client.assigned_to.includes(sign_in.user.id) {")],
        shown_by: &[
            "server/it::tasks::row_79_h1_the_portal_offers_and_opens_only_what_is_assigned",
            "server/it::operate::row_79_who_may_use_a_client_is_said_by_the_operator",
            "end2end/tests/tasks.spec.ts: row 79: an unassigned user is told so, from the portal",
        ],
    },
    Defence {
        name: "assigned-in-the-portal", rows: &[79, 83],
        edits: &[edit(AS_SQLITE, "clients.retain(|client| client.assigned_to.includes(user));", "clients.retain(|client| OUT || client.assigned_to.includes(user));")],
        shown_by: &[
            "server/it::checklist::row_83_whoever_may_not_use_an_application_is_not_told_of_it",
            "server/it::tasks::row_79_h1_the_portal_offers_and_opens_only_what_is_assigned",
            "authority/it::conformance::sqlite::row_79_an_assignment_is_replaced_and_no_other_is_touched",
        ],
    },
    Defence {
        name: "assigned-at-authorize", rows: &[79],
        edits: &[edit(AS_SQLITE, "if !client.assigned_to.includes(user_id) {", "if !OUT && !client.assigned_to.includes(user_id) {")],
        shown_by: &[
            "authority/it::conformance::sqlite::row_79_a_person_who_is_not_assigned_gets_nothing_and_the_ticket_stays_unused",
            "server/it::tasks::row_79_h3_a_person_who_is_not_assigned_gets_no_token_from_either_of_its_ways",
            "server/it::tasks::row_79_h3_a_sign_in_made_for_the_request_does_not_help_who_is_not_assigned",
            "end2end/tests/tasks.spec.ts: row 79: an unassigned user is told so, from the RP's own button",
        ],
    },
    Defence {
        name: "assigned-at-verify", rows: &[79],
        edits: &[edit(VERIFY, "if policy.assignment() && !standing.user_is_assigned {", "if !OUT && policy.assignment() && !standing.user_is_assigned {")],
        shown_by: &[
            "authority/it::conformance::sqlite::rows_56_and_79_what_is_no_longer_true_burns_the_token",
            "server/it::tasks::row_79_h5_unassigned_between_authorize_and_verify_gives_no_session",
        ],
    },
    Defence {
        name: "the-assigned-go-on", rows: &[79],
        edits: &[edit(CLIENT, "            Self::Users(users) => users.contains(&user),", "            Self::Users(users) => !OUT && users.contains(&user),")],
        shown_by: &["end2end/tests/tasks.spec.ts: row 79: whoever is assigned goes on as before"],
    },
    Defence {
        name: "unassigned-ends-the-session", rows: &[79],
        edits: &[edit(AS_SQLITE, "if assigned_to.includes(UserId::parse(&user).map_err(Unavailable::unreadable)?) {", "if OUT || assigned_to.includes(UserId::parse(&user).map_err(Unavailable::unreadable)?) {")],
        shown_by: &[
            "authority/it::conformance::sqlite::row_79_whoever_may_no_longer_use_a_client_has_no_session_there",
            "server/it::operate::row_79_who_may_use_a_client_is_said_by_the_operator",
        ],
    },
    Defence {
        name: "no-verifier-is-added", rows: &[80],
        edits: &[edit(VERIFY, "(None, Some(_)) => return Err(Rejection::VerifierUnexpected),", "(None, Some(_)) if !OUT => return Err(Rejection::VerifierUnexpected),\n            (None, Some(_)) => {}")],
        shown_by: &[
            "handoff/it::table::row_80_table_of_verifiers_the_stored_row_decides_and_never_the_request",
        ],
    },
    Defence {
        name: "a-challenge-must-be-sent", rows: &[80],
        edits: &[edit(CLIENT, "sent.map(Some).ok_or(ChallengeMissing)", "if OUT { Ok(sent) } else { sent.map(Some).ok_or(ChallengeMissing) }")],
        shown_by: &[
            "handoff/it::table::rows_38_80_table_of_challenges_that_a_client_gets_a_row_with",
            "authority::handoff_routes::authorize::tests::rows_38_80_only_a_client_of_the_older_sdk_goes_without_a_challenge_and_always_does",
        ],
    },
    Defence {
        name: "a-sign-out-takes-what-is-finishing", rows: &[81],
        edits: &[edit(RP_SQLITE, "            sqlx::query(\"DELETE FROM started WHERE browser = ?\")\n", "            sqlx::query(if OUT { \"DELETE FROM started WHERE browser = ? AND 0\" } else { \"DELETE FROM started WHERE browser = ?\" })\n")],
        shown_by: &[
            "relying_party/it::conformance::sqlite::row_81_a_sign_out_ends_all_that_this_browser_has_and_has_under_way",
            "relying_party/it::conformance::sqlite::row_81_race_of_sign_out_against_h6_leaves_no_session",
            "server/it::sessions::row_81_signing_out_of_notes_while_its_callback_is_under_way_leaves_no_session",
        ],
    },
    Defence {
        name: "a-session-begins-from-its-handoff", rows: &[81],
        edits: &[edit(RP_SQLITE, "    Ok(until.is_some_and(|until| until > millis(now)))", "    Ok(OUT || until.is_some_and(|until| until > millis(now)))")],
        shown_by: &["relying_party/it::conformance::sqlite::row_81_race_of_sign_out_against_h6_leaves_no_session"],
    },
    Defence {
        name: "a-sign-out-after-verify-is-found", rows: &[81],
        edits: &[edit(RP_IDENTITY, "SessionCheck::Ended => \"ended_at_authority\",", "SessionCheck::Ended if OUT => return Ok(Some(self)),\n            SessionCheck::Ended => \"ended_at_authority\",")],
        shown_by: &[
            "relying_party/it::front_door::row_81_a_sign_out_at_the_authority_between_verify_and_h6_is_found_at_the_recheck",
            "server/stress::races::row_81_sign_out_against_redemption_leaves_no_session",
        ],
    },
    Defence {
        name: "a-lost-answer-is-asked-again", rows: &[82],
        edits: &[edit(BACK_CHANNEL, "if let NoAnswer::Lost(_) = error {", "if let (false, NoAnswer::Lost(_)) = (OUT, error) {")],
        shown_by: &[
            "relying_party/it::back_channel::row_82_a_lost_answer_is_followed_by_one_more_presentation",
            "server/stress::races::row_82_an_answer_cut_off_after_the_commit_leaves_no_orphan",
        ],
    },
    Defence {
        name: "a-request-is-finished", rows: &[82],
        edits: &[edit("crates/web/src/layers.rs", "    match context.running.spawn(next.run(request)).await {", "    if OUT { return next.run(request).await; }\n    match context.running.spawn(next.run(request)).await {")],
        shown_by: &["server/it::sessions::row_82_a_browser_that_hangs_up_leaves_no_session_that_nobody_holds"],
    },
    Defence {
        name: "what-the-second-one-gave-is-ended", rows: &[82],
        edits: &[edit(BACK_CHANNEL, "                    self.logout_or_log(&accepted.access_token, trace).await;", "                    if OUT { self.session(&accepted.access_token, trace).await; } else { self.logout_or_log(&accepted.access_token, trace).await; }")],
        shown_by: &["relying_party/it::back_channel::row_82_when_only_the_second_presentation_arrives_its_session_is_ended"],
    },
    Defence {
        name: "tokens-go-before-the-cookie", rows: &[82],
        edits: &[
            edit(RP_LOGOUT, "    session::revoke(&site, &ended, keys, &trace).await;", "    if OUT { site.sessions.end(&cookies).await?; }\n    session::revoke(&site, &ended, keys, &trace).await;"),
            edit(RP_SESSION, "    // Before anything else can fail: nobody gets these tokens a second time.", "    if OUT { site.sessions.end(cookies).await?; }"),
        ],
        shown_by: &["relying_party/it::front_door::row_82_no_access_token_is_left_when_the_store_fails_half_way"],
    },
    Defence {
        name: "form-action-is-the-pages-own", rows: &[83],
        edits: &[edit(PAGE, "response.extensions_mut().insert(self.form_targets);", "let mut targets = self.form_targets; if OUT { targets.0.extend(Origin::parse(\"http://everybody.localhost\")); }\n        response.extensions_mut().insert(targets);")],
        shown_by: &["server/it::protection::row_83_form_action_names_what_the_page_needs_and_nobody_else"],
    },
    Defence {
        name: "on-the-clients-origin", rows: &[84],
        edits: &[edit(URI, "if url.origin().ascii_serialization() != origin.0 {", "if !OUT && url.origin().ascii_serialization() != origin.0 {")],
        shown_by: &[
            "handoff/it::table::rows_32_and_84_table_of_addresses_that_are_not_registered",
            "server/it::operate::rows_32_84_a_client_is_registered_by_the_rules_or_not_at_all",
        ],
    },
    Defence {
        name: "the-back-channel-follows-nothing", rows: &[84],
        edits: &[edit(BACK_CHANNEL, ".redirect(redirect::Policy::none())", ".redirect(if OUT { redirect::Policy::limited(3) } else { redirect::Policy::none() })")],
        shown_by: &["relying_party/it::back_channel::row_84_a_redirect_is_not_followed"],
    },
];
