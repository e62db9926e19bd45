//! What a visitor of step mode can try, and what the parameters of a handoff are.

use handoff::wire::path;
use ui::words::Term;

/// A change of one value, and what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Try {
    /// What is tried.
    pub(crate) name: &'static str,
    /// The path of the request where it is tried.
    path: &'static str,
    /// The parameter that is changed; none where the request is sent twice.
    parameter: Option<&'static str>,
    /// What to do.
    pub(crate) change: &'static str,
    /// What is seen then.
    pub(crate) then: &'static str,
}

/// All of them, in the order of the list.
pub(crate) const ALL: [Try; 6] = [
    Try {
        name: "Another state",
        path: path::CALLBACK,
        parameter: Some("state"),
        change: "Before the callback, change a letter of the state.",
        then: "The application refuses: this browser began no sign-in with that state. The token is \
               not sent on.",
    },
    Try {
        name: "Another redirect URI",
        path: path::AUTHORIZE,
        parameter: Some("redirect_uri"),
        change: "On the way to Harbor ID, change the redirect URI.",
        then: "Harbor ID shows an error page and makes no token. It sends nobody to an address that \
               is not registered.",
    },
    Try {
        name: "Another issuer",
        path: path::CALLBACK,
        parameter: Some("iss"),
        change: "Before the callback, change the issuer.",
        then: "The application refuses an answer that does not name Harbor ID as its sender.",
    },
    Try {
        name: "Another challenge",
        path: path::AUTHORIZE,
        parameter: Some("code_challenge"),
        change: "On the way to Harbor ID, change the first letter of the challenge.",
        then: "Harbor ID makes a token, and verify refuses it: the application's verifier has another \
               hash.",
    },
    Try {
        name: "A used token",
        path: path::CALLBACK,
        parameter: Some("handoff_token"),
        change: "Copy the token before the callback, and finish the handoff. Open the application \
                 once more, and before the callback put the old token in the place of the new one.",
        then: "Verify refuses it: a token works once.",
    },
    Try {
        name: "A used callback",
        path: "/",
        parameter: None,
        change: "At the last stop, before the application's own page, load the page again.",
        then: "The browser sends the callback a second time, and the application refuses it: the \
               state was used. You stay signed in.",
    },
];

/// What can be tried before a request to this address with parameters of these names.
pub(crate) fn at<'a>(address: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> Vec<Try> {
    let fits = |one: &Try| {
        let has = |wanted: &str| names.clone().into_iter().any(|name| name == wanted);
        address.ends_with(one.path) && one.parameter.is_some_and(has)
    };
    ALL.into_iter().filter(fits).collect()
}

/// The glossary's word for a parameter.
pub(crate) fn term(parameter: &str) -> Option<Term> {
    Some(match parameter {
        "client_id" => Term::Client,
        "code_challenge" => Term::Challenge,
        "code_challenge_method" => Term::ChallengeMethod,
        "handoff_token" => Term::HandoffToken,
        "iss" => Term::Issuer,
        "launch" => Term::LaunchTicket,
        "redirect_uri" => Term::RedirectUri,
        "state" => Term::State,
        "target_link_uri" => Term::TargetLinkUri,
        _ => return None,
    })
}
