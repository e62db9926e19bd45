//! Cookies, all alike: `__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax`, `Path=/`, no `Domain`
//! (rows 58 and 60).
//!
//! Lax and not Strict: a Strict cookie is missing when the browser arrives from another site, which
//! is just what a handoff is.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, Request},
    middleware::Next,
    response::Response,
};
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use time::{Duration, OffsetDateTime};

use crate::context::Context;
pub use crate::cookie_prefix::Prefix;

const HOST: &[u8] = b"__Host-";
const HOST_HTTP: &[u8] = b"__Host-Http-";

/// Renames the cookies between the wire and the handlers, where a site's context asks for it.
pub async fn rename(mut request: Request, next: Next) -> Response {
    let Some(context) = request.extensions().get::<Context>() else {
        return next.run(request).await;
    };
    let Some((incoming, outgoing)) = rewriting(context) else {
        return next.run(request).await;
    };
    rewrite(request.headers_mut(), header::COOKIE, incoming);
    let mut response = next.run(request).await;
    rewrite(response.headers_mut(), header::SET_COOKIE, outgoing);
    response
}

type Rewriting = fn(&[u8]) -> Vec<u8>;

/// How lines are rewritten at a site, on their way in and out; none where code and wire agree.
fn rewriting(context: &Context) -> Option<(Rewriting, Rewriting)> {
    match context.cookie_prefix {
        _ if !context.policy.host_cookies() => Some((from_plain, to_plain)),
        Prefix::Host => None,
        Prefix::HostHttp => Some((from_the_wire, to_the_wire)),
    }
}

/// Names without any prefix (without row 58). Of two cookies of one name the first counts: browsers
/// send the one with the longer path first, whichever host has set it.
fn from_plain(line: &[u8]) -> Vec<u8> {
    let mut pairs: Vec<(&[u8], Vec<u8>)> = Vec::new();
    for pair in line.split(|byte| *byte == b';') {
        let pair = pair.trim_ascii_start();
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        if pairs.iter().all(|(known, _)| *known != name) {
            pairs.push((name, [HOST, pair].concat()));
        }
    }
    let pairs: Vec<_> = pairs.into_iter().map(|(_, pair)| pair).collect();
    pairs.join(&b"; "[..])
}

fn to_plain(line: &[u8]) -> Vec<u8> {
    line.strip_prefix(HOST).unwrap_or(line).to_vec()
}

fn rewrite(headers: &mut HeaderMap, name: header::HeaderName, by: Rewriting) {
    let lines: Vec<_> = headers
        .get_all(&name)
        .iter()
        .filter_map(|line| HeaderValue::from_bytes(&by(line.as_bytes())).ok())
        .collect();
    headers.remove(&name);
    for line in lines {
        headers.append(&name, line);
    }
}

/// A plain `__Host-` cookie is dropped: with this setting on, a script may have written it.
fn from_the_wire(line: &[u8]) -> Vec<u8> {
    let mut pairs = Vec::new();
    for pair in line.split(|byte| *byte == b';') {
        let start = pair
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\t'))
            .unwrap_or(pair.len());
        let pair = &pair[start..];
        if let Some(rest) = pair.strip_prefix(HOST_HTTP) {
            pairs.push([HOST, rest].concat());
        } else if !pair.starts_with(HOST) {
            pairs.push(pair.to_vec());
        }
    }
    pairs.join(&b"; "[..])
}

fn to_the_wire(line: &[u8]) -> Vec<u8> {
    match line.strip_prefix(HOST) {
        Some(rest) => [HOST_HTTP, rest].concat(),
        None => line.to_vec(),
    }
}

/// The cookies of a request.
#[derive(Clone, Debug, Default)]
pub struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// Reads the `Cookie` headers, pair by pair: one that is unreadable does not take the others with
    /// it, or any neighbour could sign people out by setting it.
    ///
    /// Only ASCII spaces and tabs are trimmed. Browsers let a sibling host set a cookie whose name
    /// begins with another kind of space; trimmed, it would pass for a `__Host-` cookie.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let pairs = headers
            .get_all(header::COOKIE)
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| std::str::from_utf8(pair).ok())
            .filter(|pair| pair.is_ascii())
            .filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self(pairs)
    }

    /// The same for a reader outside of [`rename`], by the names that code uses.
    #[must_use]
    pub fn on_the_wire(headers: &HeaderMap, context: &Context) -> Self {
        let Some((incoming, _)) = rewriting(context) else {
            return Self::of(headers);
        };
        let mut headers = headers.clone();
        rewrite(&mut headers, header::COOKIE, incoming);
        Self::of(&headers)
    }

    /// The value of a cookie. One that stands there twice counts as absent: no browser sends a
    /// `__Host-` cookie twice, and choosing one of two is how a tossed cookie wins.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(candidate, _)| candidate == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Cookies {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// Sets a cookie. Without a lifetime it ends with the browser's session.
#[must_use]
pub fn set(name: &'static str, value: &str, lifetime: Option<Duration>) -> HeaderValue {
    header(&build(name, value, lifetime))
}

/// Removes a cookie, by name and with every attribute: without `Secure` browsers keep it. It has `Expires` beside
/// `Max-Age`, because some cookie jars read only that (Guzzle 7, libwww-perl 6, links, w3m).
#[must_use]
pub fn expire(name: &'static str) -> HeaderValue {
    let mut cookie = build(name, "", Some(Duration::ZERO));
    cookie.set_expires(OffsetDateTime::UNIX_EPOCH);
    header(&cookie)
}

fn build<'a>(name: &'static str, value: &'a str, lifetime: Option<Duration>) -> Cookie<'a> {
    debug_assert!(name.starts_with("__Host-"), "{name}");
    let mut cookie = Cookie::build((name, value))
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .path("/")
        .build();
    cookie.set_max_age(lifetime);
    cookie
}

fn header(cookie: &Cookie<'_>) -> HeaderValue {
    // Our values are base64url; the fallback cannot be reached and sets nothing.
    HeaderValue::from_str(&cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_59_table_of_names_between_the_wire_and_the_handlers() {
        for (wire, here) in [
            ("__Host-Http-a=1; b=2", "__Host-a=1; b=2"),
            ("__Host-a=1; b=2", "b=2"),
            ("__Host-a=1; __Host-Http-a=2", "__Host-a=2"),
            ("b=__Host-a;\t__Host-Http-a=2", "b=__Host-a; __Host-a=2"),
            ("", ""),
        ] {
            assert_eq!(from_the_wire(wire.as_bytes()), here.as_bytes(), "{wire}");
        }
        assert_eq!(
            to_the_wire(b"__Host-a=1; Path=/"),
            b"__Host-Http-a=1; Path=/"
        );
    }

    #[test]
    fn rows_58_and_60_a_cookie_has_every_attribute() {
        let text = set("__Host-as_session", "abc", None);
        assert_eq!(
            text,
            "__Host-as_session=abc; HttpOnly; SameSite=Lax; Secure; Path=/"
        );
        let gone = expire("__Host-as_session");
        assert_eq!(
            gone,
            "__Host-as_session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0; \
             Expires=Thu, 01 Jan 1970 00:00:00 GMT"
        );
    }

    #[test]
    fn a_cookie_that_stands_twice_counts_as_absent() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; b=2; a=3"));
        headers.append(header::COOKIE, HeaderValue::from_static("c=4"));
        let cookies = Cookies::of(&headers);
        assert_eq!(cookies.get("a"), None);
        assert_eq!(cookies.get("b"), Some("2"));
        assert_eq!(cookies.get("c"), Some("4"));
        assert_eq!(cookies.get("d"), None);
    }

    #[test]
    fn an_unreadable_cookie_takes_no_other_with_it_and_no_odd_space_makes_a_host_cookie() {
        let mut headers = HeaderMap::new();
        let line = "x=caf\u{e9}; __Host-a=1; \u{2000}__Host-b=2; y=\u{fc}".as_bytes();
        headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        headers.append(
            header::COOKIE,
            HeaderValue::from_bytes(b"z=\xff; __Host-c=3").unwrap(),
        );
        let cookies = Cookies::of(&headers);
        assert_eq!(cookies.get("__Host-a"), Some("1"));
        assert_eq!(cookies.get("__Host-b"), None);
        assert_eq!(cookies.get("__Host-c"), Some("3"));
        assert_eq!(cookies.get("x"), None);
    }
}
