//! What somebody changed between two messages.
//!
//! A browser that is sent on brings the parameters of the redirect to the next site, and the application
//! sends on to verify what the callback brought. Where a value is another one then, somebody changed it.

use handoff::flow::{Message, Named};

/// The names of the parameters of a request that have another value than in the redirect that led to it.
/// The redirects come newest first.
pub(super) fn of<'a>(
    request: &Message,
    is_call: bool,
    redirects: impl Iterator<Item = &'a Message>,
) -> Vec<String> {
    let Message::Request { url, .. } = request else {
        return Vec::new();
    };
    let ways = redirects.filter(|redirect| {
        if is_call {
            parameters(redirect).any(|named| named.name == "handoff_token")
        } else {
            leads_to(redirect, url)
        }
    });
    // Only what the callback brought is known of a call; the rest is between the servers.
    let counts = |name: &str| !is_call || matches!(name, "state" | "handoff_token");
    let mut ways = ways.map(|redirect| differing(redirect, request, counts));
    let newest = ways.next().unwrap_or_default();
    // An older one, as of another tab, may have brought the request as it is.
    if ways.any(|names| names.is_empty()) {
        return Vec::new();
    }
    newest
}

fn leads_to(redirect: &Message, url: &str) -> bool {
    match redirect {
        Message::Response {
            location: Some(location),
            ..
        } => path(location) == path(url),
        _ => false,
    }
}

/// The parameters that both have, with other values.
fn differing(before: &Message, after: &Message, counts: impl Fn(&str) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    for now in parameters(after).filter(|now| counts(&now.name)) {
        let then: Vec<_> = parameters(before)
            .filter(|then| then.name == now.name)
            .collect();
        let differs = !then.is_empty() && then.iter().all(|then| then.value != now.value);
        if differs && !names.contains(&now.name) {
            names.push(now.name.clone());
        }
    }
    names
}

/// The parameters of a message, wherever they stand in it.
pub(super) fn parameters(message: &Message) -> impl Iterator<Item = &Named> {
    let (Message::Request { query, body, .. } | Message::Response { query, body, .. }) = message;
    query.iter().chain(body)
}

/// The path of an address.
pub(super) fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |slash| &rest[slash..])
}
