//! What was sent, without its secrets: requests and answers become [`Message`]s.
//!
//! It is a list of what may be shown. A secret of the protocol is replaced by what it is and six digits
//! of its hash, by which one sees it again; whatever else is not on the list is not shown at all. Bounds
//! hold for everything that a stranger chooses.

use std::borrow::Cow;

use base64::{Engine as _, prelude::BASE64_STANDARD as STANDARD};
use data_encoding::HEXLOWER;
use handoff::{
    flow::{Message, Named, Piece},
    token::{AccessToken, ClientSecret, HandoffToken, LaunchTicket, Secret, State, Verifier},
    uri::Origin,
    wire::VerifyRequest,
};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use serde_json::Value;
use sha2::{Digest, Sha256};
use web::misplaced::{self, NOT_SHOWN, has_encoded_query, may_be_secret};

/// The most values of one kind that a message has; the rest is counted.
pub const MAX_VALUES: usize = 48;

/// The longest text that is shown, in bytes; of a longer one this much.
pub const MAX_TEXT: usize = 512;

/// A name that nobody has made up in earnest is longer than any of ours. It could be a secret that
/// got to the wrong place.
const MAX_NAME: usize = 32;

/// What is no secret wherever it stands in a query, a form or a body.
const SHOWN: [&str; 12] = [
    "client_id",
    "code_challenge_method",
    "error",
    "error_description",
    "decision",
    // Of a page about a problem.
    "reason",
    "trace",
    // Of an answer to verify.
    "token_type",
    "expires_in",
    "auth_time",
    "session.id",
    "session.expiresAt",
];

/// Headers that are shown as they are.
const SHOWN_HEADERS: [HeaderName; 36] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ALLOW,
    header::CACHE_CONTROL,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::DNT,
    header::HOST,
    header::PRAGMA,
    header::REFERRER_POLICY,
    header::RETRY_AFTER,
    header::STRICT_TRANSPORT_SECURITY,
    header::UPGRADE_INSECURE_REQUESTS,
    header::USER_AGENT,
    header::VARY,
    header::WWW_AUTHENTICATE,
    header::X_CONTENT_TYPE_OPTIONS,
    HeaderName::from_static("cross-origin-opener-policy"),
    HeaderName::from_static("cross-origin-resource-policy"),
    HeaderName::from_static("permissions-policy"),
    HeaderName::from_static("priority"),
    HeaderName::from_static("purpose"),
    HeaderName::from_static("sec-ch-ua"),
    HeaderName::from_static("sec-ch-ua-mobile"),
    HeaderName::from_static("sec-ch-ua-platform"),
    HeaderName::from_static("sec-fetch-dest"),
    HeaderName::from_static("sec-fetch-mode"),
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("sec-fetch-user"),
    HeaderName::from_static("sec-gpc"),
    HeaderName::from_static("sec-purpose"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// A request that came to the site at `origin`. Nothing is read from its body.
#[must_use]
pub fn request(origin: &Origin, method: &Method, uri: &Uri, headers: &HeaderMap) -> Message {
    let query = pairs(uri.query().unwrap_or_default().as_bytes());
    request_to(&format!("{origin}{}", uri.path()), query, method, headers)
}

/// A request to an address without its query.
#[must_use]
pub fn request_to(
    address: &str,
    query: Vec<Named>,
    method: &Method,
    headers: &HeaderMap,
) -> Message {
    Message::Request {
        method: cut(method.as_str()).into_owned(),
        url: cut(&misplaced::path(address)).into_owned(),
        query,
        headers: shown_headers(headers, &[header::COOKIE]),
        cookies: cookies(headers),
        body: Vec::new(),
    }
}

/// An answer. Nothing is read from its body.
#[must_use]
pub fn response(status: StatusCode, headers: &HeaderMap) -> Message {
    let to = headers.get(header::LOCATION);
    let to = to.map(|to| String::from_utf8_lossy(to.as_bytes()));
    let (location, query) = match &to {
        Some(to) => {
            let (place, query) = to.split_once('?').unwrap_or((to, ""));
            let query = query.split('#').next().unwrap_or_default();
            let place = place.split('#').next().unwrap_or_default();
            (
                Some(cut(&misplaced::path(place)).into_owned()),
                pairs(query.as_bytes()),
            )
        }
        None => (None, Vec::new()),
    };
    Message::Response {
        status: status.as_u16(),
        location,
        query,
        headers: shown_headers(headers, &[header::LOCATION, header::SET_COOKIE]),
        cookies: set_cookies(headers),
        body: Vec::new(),
    }
}

/// The same message with these fields in its body.
#[must_use]
pub fn with_body(mut message: Message, fields: Vec<Named>) -> Message {
    match &mut message {
        Message::Request { body, .. } | Message::Response { body, .. } => *body = fields,
    }
    message
}

/// The parameters of a query, or the fields of a form.
#[must_use]
pub fn pairs(encoded: &[u8]) -> Vec<Named> {
    bounded(form_urlencoded::parse(encoded), |(name, value)| Named {
        value: parameter(&name, &value),
        name: name_of(&name),
    })
}

/// The members of a verify request, in the order in which ours are written.
#[must_use]
pub fn verify_request(request: &VerifyRequest) -> Vec<Named> {
    let members = [
        (
            "handoff_token",
            Some(request.handoff_token.expose().as_ref()),
        ),
        ("state", Some(request.state.expose().as_ref())),
        ("client_id", Some(&*request.client_id)),
        ("redirect_uri", request.redirect_uri.as_deref()),
        (
            "code_verifier",
            request
                .code_verifier
                .as_ref()
                .map(|it| it.expose().as_ref()),
        ),
    ];
    let there = members
        .into_iter()
        .filter_map(|(name, it)| Some((name, it?)));
    let named = there.map(|(name, value)| Named {
        name: name.to_owned(),
        value: parameter(name, value),
    });
    named.collect()
}

/// The members of a JSON object, one level down; none for anything else.
#[must_use]
pub fn json(body: &[u8]) -> Vec<Named> {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Vec::new();
    };
    let flat = members.into_iter().flat_map(|(name, value)| match value {
        Value::Object(inner) => inner
            .into_iter()
            .map(|(member, value)| (format!("{name}.{member}"), value))
            .collect(),
        value => vec![(name, value)],
    });
    bounded(flat, |(name, value)| {
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Named {
            value: parameter(&name, &text),
            name: name_of(&name),
        }
    })
}

/// What a secret of this name is called; none where it is no secret of this protocol.
fn kind(name: &str) -> Option<&'static str> {
    let kind = match name {
        "launch" => LaunchTicket::KIND,
        "handoff_token" => HandoffToken::KIND,
        "state" => State::KIND,
        "code_challenge" => "Challenge",
        "code_verifier" => Verifier::KIND,
        "access_token" => "AccessToken",
        "csrf" => "CsrfToken",
        "client_secret" => ClientSecret::KIND,
        _ => return None,
    };
    Some(kind)
}

fn parameter(name: &str, value: &str) -> Vec<Piece> {
    if SHOWN.contains(&name) {
        unless_secret(value)
    } else if name == "target_link_uri" {
        place(value).map_or_else(|| vec![unforeseen()], |it| text(&it))
    } else if matches!(name, "redirect_uri" | "iss") {
        registered_address(value)
    } else {
        match kind(name) {
            Some(kind) => vec![hidden(kind, value.as_bytes())],
            None => vec![unforeseen()],
        }
    }
}

/// A client's, or the issuer's, has no secret; what somebody else sends in its place may have, in its
/// query. That there is one is shown: the address must be the registered one to the letter.
fn registered_address(value: &str) -> Vec<Piece> {
    let Some(place) = place(value) else {
        return vec![unforeseen()];
    };
    let mut pieces = text(&place);
    if value.contains('?') {
        pieces.push(Piece::Text("?".to_owned()));
        pieces.push(unforeseen());
    }
    pieces
}

fn shown_headers(headers: &HeaderMap, but: &[HeaderName]) -> Vec<Named> {
    let others = headers.iter().filter(|(name, _)| !but.contains(name));
    bounded(others, |(name, value)| Named {
        name: name_of(name.as_str()),
        value: header_value(name, &String::from_utf8_lossy(value.as_bytes())),
    })
}

fn header_value(name: &HeaderName, value: &str) -> Vec<Piece> {
    let hide = || vec![unforeseen()];
    if SHOWN_HEADERS.contains(name) {
        return unless_secret(value);
    }
    match *name {
        // A browser may send more than it should, and whoever is no browser anything.
        header::ORIGIN if value == "null" => text(value),
        header::ORIGIN | header::REFERER => place(value).map_or_else(hide, |place| text(&place)),
        header::AUTHORIZATION => authorization(value),
        header::CONTENT_SECURITY_POLICY => without_nonces(value),
        _ => hide(),
    }
}

/// A secret of ours is random, and six digits of its hash tell nothing. Anybody else's credentials may
/// be a password: a proxy's, say.
fn authorization(value: &str) -> Vec<Piece> {
    let Some((scheme, credentials)) = value.split_once(' ') else {
        return vec![unforeseen()];
    };
    let kind = match scheme.to_ascii_lowercase().as_str() {
        "basic" if is_a_clients(credentials) => ClientSecret::KIND,
        "bearer" if AccessToken::parse(credentials).is_ok() => AccessToken::KIND,
        "basic" | "bearer" => return text(&format!("{scheme} {NOT_SHOWN}")),
        _ => return vec![unforeseen()],
    };
    vec![
        Piece::Text(format!("{scheme} ")),
        hidden(kind, credentials.as_bytes()),
    ]
}

fn is_a_clients(credentials: &str) -> bool {
    let pair = STANDARD.decode(credentials).ok();
    let pair = pair.and_then(|pair| String::from_utf8(pair).ok());
    pair.as_deref()
        .and_then(|pair| pair.split_once(':'))
        .is_some_and(|(_, secret)| ClientSecret::parse(secret).is_ok())
}

fn without_nonces(policy: &str) -> Vec<Piece> {
    let mut parts = policy.split("'nonce-");
    let mut pieces = text(parts.next().unwrap_or_default());
    for part in parts {
        let (nonce, rest) = part.split_once('\'').unwrap_or((part, ""));
        pieces.push(Piece::Text("'nonce-".to_owned()));
        pieces.push(hidden("Nonce", nonce.as_bytes()));
        pieces.extend(text(&format!("'{rest}")));
    }
    pieces.truncate(MAX_VALUES);
    pieces
}

fn cookies(headers: &HeaderMap) -> Vec<Named> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    bounded(pairs, |pair| {
        let pair = String::from_utf8_lossy(pair);
        // What has no name is all value.
        let (name, value) = pair.trim().split_once('=').unwrap_or(("", pair.trim()));
        Named {
            name: name_of(name),
            value: vec![cookie(name, value)],
        }
    })
}

fn set_cookies(headers: &HeaderMap) -> Vec<Named> {
    bounded(headers.get_all(header::SET_COOKIE), |line| {
        let line = String::from_utf8_lossy(line.as_bytes());
        let (pair, attributes) = line.split_once(';').unwrap_or((&line, ""));
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        let mut pieces = Vec::new();
        // When a cookie is taken away, there is nothing to hide.
        if value.is_empty() {
            pieces.extend(text("(empty)"));
        } else {
            pieces.push(cookie(name, value));
        }
        if !attributes.is_empty() {
            pieces.extend(text(&format!(";{attributes}")));
        }
        Named {
            name: name_of(name),
            value: pieces,
        }
    })
}

/// Ours are random; another's may be a person's name, which six digits of a hash would tell.
fn cookie(name: &str, value: &str) -> Piece {
    if name.starts_with("__Host-") {
        hidden("Cookie", value.as_bytes())
    } else {
        unforeseen()
    }
}

/// Scheme, host, port and path of an address, or the path of a relative one.
fn place(address: &str) -> Option<String> {
    let uri: Uri = address.parse().ok()?;
    let path = uri.path();
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => {
            // Without `user:password@`.
            let host = authority.as_str().rsplit('@').next().unwrap_or_default();
            // As it was sent: an origin has no path, not even the root.
            let path = if path == "/" && !address.ends_with('/') {
                ""
            } else {
                path
            };
            Some(misplaced::path(&format!("{scheme}://{host}{path}")).into_owned())
        }
        (None, None) => Some(misplaced::path(path).into_owned()),
        _ => None,
    }
}

fn unless_secret(value: &str) -> Vec<Piece> {
    if may_be_secret(value) || has_encoded_query(value) {
        vec![unforeseen()]
    } else {
        text(value)
    }
}

fn name_of(name: &str) -> String {
    let own = name.strip_prefix("__Host-").unwrap_or(name);
    if name.len() > MAX_NAME || may_be_secret(own) {
        format!("(a name of {} bytes)", name.len())
    } else {
        name.to_owned()
    }
}

fn text(text: &str) -> Vec<Piece> {
    match cut(text) {
        Cow::Borrowed(text) => vec![Piece::Text(text.to_owned())],
        Cow::Owned(text) => vec![Piece::Text(text)],
    }
}

/// The text, or its beginning and how long it was.
fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_TEXT {
        return Cow::Borrowed(text);
    }
    let note = format!(" … ({} bytes in all)", text.len());
    let end = text.floor_char_boundary(MAX_TEXT - note.len());
    Cow::Owned(format!("{}{note}", &text[..end]))
}

fn hidden(kind: &str, value: &[u8]) -> Piece {
    let hash = Sha256::digest(value);
    Piece::Hidden {
        kind: kind.to_owned(),
        fingerprint: HEXLOWER.encode(&hash[..3]),
    }
}

fn unforeseen() -> Piece {
    Piece::Text(NOT_SHOWN.to_owned())
}

fn bounded<T>(values: impl IntoIterator<Item = T>, named: impl FnMut(T) -> Named) -> Vec<Named> {
    let mut values = values.into_iter();
    let mut shown: Vec<_> = values.by_ref().take(MAX_VALUES).map(named).collect();
    let more = values.count();
    if more > 0 {
        shown.push(Named {
            name: "…".to_owned(),
            value: vec![Piece::Text(format!("{more} more"))],
        });
    }
    shown
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// What is hidden by its kind, so that a table can be read.
    fn read(pieces: &[Piece]) -> String {
        let pieces = pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Hidden { kind, .. } => format!("[{kind}]"),
        });
        pieces.collect()
    }

    fn value_of(name: &'static str, value: &str) -> String {
        let name = HeaderName::from_static(name);
        read(&header_value(&name, value))
    }

    #[test]
    fn table_of_headers_and_what_is_shown_of_them() {
        for (name, value, shown) in [
            ("content-type", "text/html", "text/html"),
            ("origin", "https://a.example", "https://a.example"),
            ("origin", "null", "null"),
            ("origin", "no address", NOT_SHOWN),
            (
                "referer",
                "https://u:p@a.example/x?state=S#f",
                "https://a.example/x",
            ),
            ("referer", "/x?state=S", "/x"),
            // notes: and a secret as we make them, or a password.
            (
                "authorization",
                "Basic bm90ZXM6QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ==",
                "Basic [ClientSecret]",
            ),
            (
                "authorization",
                "Basic dGVhbTpsZXRtZWlu",
                "Basic (not shown)",
            ),
            (
                "authorization",
                "bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "bearer [AccessToken]",
            ),
            ("authorization", "bearer abc", "bearer (not shown)"),
            ("authorization", "abc", NOT_SHOWN),
            ("authorization", "Token abc", NOT_SHOWN),
            ("x-forwarded-for", "192.0.2.1", NOT_SHOWN),
            ("forwarded", "for=192.0.2.1;proto=https", NOT_SHOWN),
            ("x-real-ip", "192.0.2.1", NOT_SHOWN),
            ("cf-connecting-ip", "192.0.2.1", NOT_SHOWN),
            ("fly-client-ip", "192.0.2.1", NOT_SHOWN),
            ("x-forwarded-user", "alice", NOT_SHOWN),
            ("x-forwarded-host", "a.example", NOT_SHOWN),
            ("connection", "keep-alive", "keep-alive"),
            ("dnt", "1", "1"),
            ("sec-gpc", "1", "1"),
            (
                "sec-ch-ua",
                "\"Chromium\";v=\"142\"",
                "\"Chromium\";v=\"142\"",
            ),
            ("sec-ch-ua-mobile", "?0", "?0"),
            ("user-agent", "x/AAAAAAAAAAAAAAAAAAAAAA (Linux)", NOT_SHOWN),
            (
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0",
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0",
            ),
            (
                "traceparent",
                "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
                "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
            ),
            ("sec-ch-ua-platform", "\"Linux\"", "\"Linux\""),
            ("sec-ch-ua-model", "\"X\"", NOT_SHOWN),
            (
                "content-security-policy",
                "script-src 'nonce-AbC' 'self'; style-src 'nonce-D'",
                "script-src 'nonce-[Nonce]' 'self'; style-src 'nonce-[Nonce]'",
            ),
            ("content-security-policy", "'nonce-AbC", "'nonce-[Nonce]'"),
        ] {
            assert_eq!(value_of(name, value), shown, "{name}: {value}");
        }
    }

    #[test]
    fn table_of_parameters_and_what_is_shown_of_them() {
        for (pair, shown) in [
            ("client_id=notes", "notes"),
            ("state=S", "[State]"),
            ("handoff_token=T", "[HandoffToken]"),
            ("launch=L", "[LaunchTicket]"),
            ("code_verifier=V", "[Verifier]"),
            ("csrf=x", "[CsrfToken]"),
            ("continue=/handoff/authorize?state%3DS", NOT_SHOWN),
            ("password=x", NOT_SHOWN),
            ("State=S", NOT_SHOWN),
            (
                "target_link_uri=http%3A%2F%2Fa.example%2Fnotes%3Fkey%3D1",
                "http://a.example/notes",
            ),
            ("target_link_uri=%5Cx", NOT_SHOWN),
            (
                "redirect_uri=https%3A%2F%2Fu:p@a.example%2Fcallback",
                "https://a.example/callback",
            ),
            (
                "redirect_uri=https%3A%2F%2Fa.example%2Fcallback%3Fkey%3D1%23f",
                "https://a.example/callback?(not shown)",
            ),
            ("redirect_uri=%5Cx", NOT_SHOWN),
            ("iss=http%3A%2F%2Fa.example:4000", "http://a.example:4000"),
            (
                "iss=http%3A%2F%2Fu:p@a.example%2Fx%3Fx%3D1",
                "http://a.example/x?(not shown)",
            ),
            // Encoded once too often, and secrets in the wrong place.
            ("iss=http%3A%2F%2Fa.example%2526state%253DS", NOT_SHOWN),
            ("error=a%2526state%253DS", NOT_SHOWN),
            ("code_challenge_method=AAAAAAAAAAAAAAAAAAAAAA", NOT_SHOWN),
            (
                "target_link_uri=http%3A%2F%2Fa.example%2FAAAAAAAAAAAAAAAAAAAAAA%2Fx",
                "http://a.example/(not shown)/x",
            ),
            (
                "target_link_uri=http%3A%2F%2Fa.example%2F%253Fstate%253DS",
                "http://a.example/(not shown)",
            ),
            ("error=%3Cb%3E%00", "<b>\0"),
            ("=x", NOT_SHOWN),
            ("%ff", NOT_SHOWN),
        ] {
            let named = pairs(pair.as_bytes());
            assert_eq!(read(&named[0].value), shown, "{pair}");
        }
    }

    #[test]
    fn a_name_that_may_be_a_secret_is_not_shown() {
        for (name, shown) in [
            ("state", "state"),
            ("__Host-Http-rp_session", "__Host-Http-rp_session"),
            ("upgrade-insecure-requests", "upgrade-insecure-requests"),
            ("AAAAAAAAAAAAAAAAAAAAAA", "(a name of 22 bytes)"),
            ("__Host-AAAAAAAAAAAAAAAAAAAAAA", "(a name of 29 bytes)"),
        ] {
            assert_eq!(name_of(name), shown);
        }
    }

    #[test]
    fn cookies_have_their_names_and_attributes_and_no_values() {
        let mut headers = HeaderMap::new();
        let line = HeaderValue::from_static("__Host-a=secret; b=x=y ; loose; =z");
        headers.insert(header::COOKIE, line);
        let set = HeaderValue::from_static("__Host-a=secret; Path=/; Max-Age=9");
        headers.append(header::SET_COOKIE, set);
        let gone = HeaderValue::from_static("__Host-b=; Max-Age=0");
        headers.append(header::SET_COOKIE, gone);
        let read = |named: Vec<Named>| {
            let read = named
                .iter()
                .map(|it| format!("{}={}", it.name, read(&it.value)));
            read.collect::<Vec<_>>()
        };
        let came = [
            "__Host-a=[Cookie]",
            "b=(not shown)",
            "=(not shown)",
            "=(not shown)",
        ];
        assert_eq!(read(cookies(&headers)), came);
        let given = [
            "__Host-a=[Cookie]; Path=/; Max-Age=9",
            "__Host-b=(empty); Max-Age=0",
        ];
        assert_eq!(read(set_cookies(&headers)), given);
        let Message::Response { headers, .. } = response(StatusCode::OK, &headers) else {
            panic!("an answer")
        };
        let names: Vec<_> = headers.iter().map(|it| &*it.name).collect();
        assert_eq!(
            names,
            ["cookie"],
            "a cookie that an answer has is no more than a header"
        );
        assert_eq!(super::tests::read(&headers[0].value), NOT_SHOWN);
    }

    #[test]
    fn what_is_hidden_has_the_fingerprint_that_logs_have() {
        let state = State::mint([7; 32]);
        let named = pairs(format!("state={}", state.expose()).as_bytes());
        let [Piece::Hidden { fingerprint, .. }] = &*named[0].value else {
            panic!("{named:?}")
        };
        assert_eq!(*fingerprint, state.digest().fingerprint());
    }

    #[test]
    fn what_is_too_long_or_too_many_is_cut_and_says_so() {
        for length in [MAX_TEXT, MAX_TEXT + 1, 70_000] {
            let shown = read(&text(&"é".repeat(length / 2)));
            assert!(shown.len() <= MAX_TEXT, "{shown}");
            assert_eq!(shown.ends_with("in all)"), length / 2 * 2 > MAX_TEXT);
        }
        let named = pairs("a=b&".repeat(MAX_VALUES + 3).as_bytes());
        assert_eq!(named.len(), MAX_VALUES + 1);
        assert_eq!(read(&named[MAX_VALUES].value), "3 more");
        let policy = "'nonce-x' ".repeat(10_000);
        assert!(without_nonces(&policy).len() <= MAX_VALUES);
        assert!(json(b"[1]").is_empty() && json(b"{").is_empty());
    }
}
