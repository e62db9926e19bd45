//! What each step means, in two plain sentences, and each refusal, in one.

use handoff::{flow::Refusal, step::Step};

use crate::diagram::visible;
use ui::components::notice::Tone;

/// A step in words. `{app}` and `{authority}` stand for the parties' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// What it is called.
    pub heading: &'static str,
    /// What happens.
    pub what: &'static str,
    /// Why.
    pub why: &'static str,
}

impl Words {
    /// The two sentences with the parties' names in them.
    #[must_use]
    pub fn sentences(self, authority: &str, app: &str) -> String {
        let Self { what, why, .. } = self;
        named(&format!("{what} {why}"), authority, app)
    }

    /// The heading with the parties' names in it.
    #[must_use]
    pub fn headed(self, authority: &str, app: &str) -> String {
        named(self.heading, authority, app)
    }
}

fn named(text: &str, authority: &str, app: &str) -> String {
    // Both at once, so that a party whose name has braces replaces nothing else.
    let mut shown = String::with_capacity(text.len());
    for part in text.split('{') {
        match part.split_once('}') {
            Some(("app", rest)) => shown.extend([app, rest]),
            Some(("authority", rest)) => shown.extend([authority, rest]),
            _ => shown.push_str(part),
        }
    }
    shown
}

/// What a step means.
#[must_use]
pub const fn step(step: Step) -> Words {
    let (heading, what, why) = match step {
        Step::LaunchRequested => (
            "The person opens {app}",
            "The browser posts the button of {authority}'s portal.",
            "It is a form with a CSRF token, so that no other site can press the button.",
        ),
        Step::LaunchTicketIssued => (
            "A launch ticket is stored",
            "{authority} remembers that this person has just chosen {app}, and sends a ticket along.",
            "The ticket signs nobody in: it only saves the question whether to go on.",
        ),
        Step::StartReceived => (
            "{app} is asked to begin",
            "The browser arrives at {app}, which is to start a sign-in of its own.",
            "Only a sign-in that {app} began in this browser may end in this browser.",
        ),
        Step::StateMade => (
            "State and verifier are made",
            "{app} makes up two secrets and ties them to this browser by a cookie.",
            "The state will prove that the answer belongs to this browser, the verifier that it \
             belongs to this server.",
        ),
        Step::AuthorizeReceived => (
            "{app} asks {authority} who this is",
            "The browser brings {app}'s request to {authority}: the client, the exact return \
             address, the state, and the verifier's fingerprint.",
            "{authority} answers only to an address on record, and shows an error page rather than \
             sending anybody elsewhere.",
        ),
        Step::SignInAsked => (
            "The person signs in first",
            "Nobody is signed in at {authority} in this browser, so it asks for a password.",
            "The request comes back by itself as soon as that is done.",
        ),
        Step::ConfirmationAsked => (
            "The person is asked",
            "No good launch ticket came along, so {authority} asks whether to go on to {app}.",
            "Without the question, any page could sign a visitor in to {app} unasked.",
        ),
        Step::TokenIssued => (
            "A handoff token is issued",
            "{authority} makes a random token and stores its hash with all that must match again: \
             client, address, state, fingerprint of the verifier, sign-in.",
            "It works once, for about a minute, and opens nothing by itself.",
        ),
        Step::CallbackReceived => (
            "The browser returns to {app}",
            "The browser carries the handoff token and the state to {app}'s callback.",
            "An address like this could have been sent by anybody, so {app} believes nothing of it \
             yet.",
        ),
        Step::StateMatched => (
            "The state belongs to this browser",
            "{app} finds the state among those that it gave to this very browser, and uses it up.",
            "A callback address that somebody else prepared ends here.",
        ),
        Step::VerifySent => (
            "{app} presents the token",
            "{app} calls {authority} from server to server with the token, the state and the \
             verifier, and proves which client it is.",
            "The browser never sees this call, so what comes back may be secret.",
        ),
        Step::VerifyReceived => (
            "The token arrives",
            "{authority} has the call and knows which client made it.",
            "A call without that proof gets no further.",
        ),
        Step::Redeemed => (
            "The token is redeemed",
            "{authority} uses the token up and finds that everything matches what it stored.",
            "The database decides it in one statement, so of two calls at the same moment one wins.",
        ),
        Step::VerifyAnswered => (
            "{authority} answers {app}",
            "The answer to verify is back at {app}, on the same way between the servers.",
            "When all is well it names the person and brings an access token; otherwise it never \
             says which check failed.",
        ),
        Step::SwitchAsked => (
            "The person chooses who to be",
            "Somebody else is signed in to {app} in this browser, so it asks before it changes that.",
            "Otherwise a link could put a visitor into another account without their noticing.",
        ),
        Step::SwitchOpened => (
            "{app} shows the question",
            "The browser opens the page that names both people.",
            "The new session waits: nothing has changed in this browser yet.",
        ),
        Step::SwitchAnswered => (
            "The person answers",
            "The browser posts the button that the person chose: to switch, or to stay.",
            "It is a form with a CSRF token, so that no other site can answer.",
        ),
        Step::SessionCreated => (
            "A session begins",
            "{app} begins a session of its own, under a new id.",
            "An id that somebody knew before the sign-in is worth nothing after it.",
        ),
        Step::Redirected => (
            "The browser is sent on",
            "The answer is a redirect: the browser goes on at the next address by itself.",
            "It is always a 303, after which no browser repeats the form that came before.",
        ),
        Step::PageShown => (
            "The browser gets a page",
            "The answer is a page for the person to read.",
            "It stands at an address without secrets, so that nothing leaks from it.",
        ),
        Step::Refused => (
            "Refused",
            "The handoff stops here.",
            "That is a defence that worked: nobody was signed in by this request.",
        ),
    };
    Words { heading, what, why }
}

/// Whether a step accepts, refuses, or neither.
#[must_use]
pub const fn tone(step: Step) -> Tone {
    match step {
        Step::Refused => Tone::Refused,
        Step::LaunchTicketIssued
        | Step::StateMade
        | Step::TokenIssued
        | Step::StateMatched
        | Step::Redeemed
        | Step::SessionCreated => Tone::Accepted,
        _ => Tone::Neutral,
    }
}

/// What was decided, in the few words that fit beside a lane.
#[must_use]
pub fn decision(step: Step, refusal: Option<&Refusal>) -> String {
    let words = match step {
        Step::LaunchTicketIssued => "launch ticket stored",
        Step::StateMade => "state made",
        Step::SignInAsked => "asks to sign in",
        Step::ConfirmationAsked => "asks whether to go on",
        Step::TokenIssued => "handoff token issued",
        Step::StateMatched => "state matches browser",
        Step::VerifyReceived => "verify arrived",
        Step::Redeemed => "token redeemed",
        Step::SwitchAsked => "asks who to be",
        Step::SessionCreated => "session begins",
        Step::Refused => {
            let why = refusal.map_or_else(String::new, |refusal| reason(&refusal.reason));
            return match why.as_str() {
                "" => "Refused".to_owned(),
                why => format!("Refused: {why}"),
            };
        }
        other => return other.as_str().replace('_', " "),
    };
    words.to_owned()
}

/// Why something was refused, in a few words. A name that is not known here is shown as it is.
#[must_use]
pub fn reason(name: &str) -> String {
    let words = REASONS.iter().find(|(known, ..)| *known == name);
    words.map_or_else(
        || visible(&name.replace('_', " ")),
        |(_, words, _)| (*words).to_owned(),
    )
}

/// Why something was refused, in a sentence, where this one is known.
#[must_use]
pub fn reason_sentence(name: &str) -> Option<&'static str> {
    let words = REASONS.iter().find(|(known, ..)| *known == name);
    words.map(|(_, _, sentence)| *sentence)
}

/// What a refusal is worth. What a person chose is no defence.
#[must_use]
pub fn after_refusal(reason: &str) -> &'static str {
    match reason {
        "cancelled" | "access_denied" | "stayed" => "Nobody was signed in by this request.",
        _ => step(Step::Refused).why,
    }
}

/// Each reason that a refusal may have, in a few words and in a sentence.
const REASONS: &[(&str, &str, &str)] = &[
    (
        "unknown",
        "no such token",
        "No token like this was ever issued, or it was swept away long ago.",
    ),
    (
        "another_client",
        "another client's token",
        "The token was issued for another client than the one that presented it.",
    ),
    (
        "replayed",
        "token replayed",
        "The token was used before, and everything else is right: it has been copied. The session \
         that its first use made is ended.",
    ),
    (
        "already_used",
        "token used before",
        "The token was used before, and something else is wrong too. Its owner stays signed in.",
    ),
    (
        "expired",
        "token expired",
        "The token is older than it may become.",
    ),
    (
        "state_differs",
        "state differs",
        "The state is not the one that the token was issued with.",
    ),
    (
        "state_alone_differs",
        "state differs",
        "Everything is right but the state, which is not the one that the token was issued with.",
    ),
    (
        "redirect_uri_differs",
        "return address differs",
        "The return address is not the one that the token was sent to.",
    ),
    (
        "verifier_missing",
        "verifier missing",
        "The token was issued against a challenge, and no verifier came with it.",
    ),
    (
        "verifier_unexpected",
        "verifier unexpected",
        "A verifier came with a token that was issued without a challenge: somebody has taken the \
         challenge out of the request.",
    ),
    (
        "verifier_wrong",
        "verifier wrong",
        "The verifier does not lead to the challenge that the token was issued against.",
    ),
    (
        "sign_in_ended",
        "sign-in ended",
        "The sign-in that the token came from is over.",
    ),
    (
        "user_gone",
        "account gone",
        "The account is gone or disabled.",
    ),
    (
        "not_assigned",
        "app not assigned",
        "The person may not use this client.",
    ),
    ("cancelled", "cancelled", "The person chose Cancel."),
    (
        "access_denied",
        "no token came",
        "The answer says that the person may not use this client, or chose Cancel.",
    ),
    (
        "stayed",
        "stayed who they were",
        "The person was asked who to be, and stays signed in as before.",
    ),
    (
        "session_ended_meanwhile",
        "session ended",
        "The session that was to be switched ended in the meantime.",
    ),
    (
        "switch_too_late",
        "answered too late",
        "The question who to be was answered too late, or a second time.",
    ),
    (
        "iss_differs",
        "another issuer",
        "The request names another authorization server than the one that this site knows.",
    ),
    (
        "unreadable_parameters",
        "unreadable request",
        "A parameter is missing, stands there twice, or is not what it must be.",
    ),
    (
        "too_many_stray_callbacks",
        "too many stray callbacks",
        "Too many callbacks that no sign-in here had asked for came from this network.",
    ),
    (
        "no_pre_session",
        "no sign-in under way here",
        "No sign-in is under way in this browser: none began in it, or it is over.",
    ),
    (
        "state_unknown_here",
        "not this browser's state",
        "The state is not one that this browser was given, or it was used before.",
    ),
    (
        "state_too_late",
        "came back too late",
        "The browser began this sign-in itself and came back after its time, or it signed out meanwhile. \
         The site begins a new one.",
    ),
    (
        "verify_refused",
        "verify was refused",
        "The authorization server did not redeem the token. Why is recorded at its own step.",
    ),
    (
        "authority_unreachable",
        "no answer to verify",
        "The authorization server did not answer the call.",
    ),
    (
        "signed_out_meanwhile",
        "signed out meanwhile",
        "The person signed out before the session could begin.",
    ),
    (
        "unavailable",
        "out of order",
        "A store or another server cannot be reached right now.",
    ),
    (
        "not_signed_in",
        "nobody signed in",
        "Whoever should be asked is not signed in.",
    ),
    (
        "unknown_client",
        "unknown client",
        "No such client is on record, so the browser is sent nowhere.",
    ),
    (
        "redirect_uri_unregistered",
        "address not on record",
        "The client has not registered this return address, so the browser is not sent there.",
    ),
    (
        "state_missing",
        "state missing",
        "The request has no state, or one that cannot be read.",
    ),
    (
        "challenge_missing",
        "challenge missing",
        "The request has no challenge by the method S256.",
    ),
    (
        "request_too_long",
        "request too long",
        "The request is too long to be kept while the person signs in.",
    ),
    (
        "stale_form",
        "form too old",
        "The form's CSRF token does not belong to this browser's session.",
    ),
    (
        "cross_site",
        "from another site",
        "The form was sent from another site.",
    ),
    (
        "not_a_navigation",
        "no visit to a page",
        "The browser did not visit a page: a frame, a picture or a script asked.",
    ),
    (
        "prefetched",
        "only fetched ahead",
        "The browser only wanted to be early, and nobody has decided to go there.",
    ),
    (
        "wrong_method",
        "wrong method",
        "Another method is asked for.",
    ),
    (
        "wrong_media_type",
        "wrong type of body",
        "The body is of another type than is asked for.",
    ),
    (
        "too_large",
        "body too large",
        "The body is longer than anything that is asked for.",
    ),
    ("not_found", "no such page", "There is no such page."),
    (
        "too_many",
        "too many requests",
        "The caller asks too often.",
    ),
    (
        "not_json",
        "not the JSON asked for",
        "The body is not the JSON that verify asks for.",
    ),
    (
        "invalid_client",
        "client not proven",
        "The caller did not prove which client it is. Nothing was used up.",
    ),
    (
        "stray_callbacks_cannot_be_counted",
        "stray callbacks uncounted",
        "Callbacks that nobody asked for cannot be counted any more, so none passes.",
    ),
    (
        "error_from_authority",
        "error reported",
        "The authorization server reported an error.",
    ),
    (
        "token_missing",
        "token missing",
        "The callback has no handoff token, or one that cannot be read.",
    ),
    (
        "verifier_does_not_open",
        "verifier does not open",
        "The verifier is sealed, and this browser's cookie does not open it.",
    ),
    (
        "internal",
        "our own mistake",
        "Something went wrong that is for those who run the site to mend.",
    ),
    (
        "other",
        "no reason given",
        "It was refused without a reason.",
    ),
];
