//! Cookies, all alike: `__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax`, `Path=/`, no `Domain`
//! (rows 58 and 60).
//!
//! Lax and not Strict: a Strict cookie is missing when the browser arrives from another site, which
//! is just what a handoff is.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use time::Duration;

/// The cookies of a request.
#[derive(Clone, Debug, Default)]
pub struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// Reads the `Cookie` headers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let pairs = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self(pairs)
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
    header(name, value, lifetime)
}

/// Removes a cookie, by name and with every attribute: without `Secure` browsers keep it.
#[must_use]
pub fn expire(name: &'static str) -> HeaderValue {
    header(name, "", Some(Duration::ZERO))
}

fn header(name: &'static str, value: &str, lifetime: Option<Duration>) -> HeaderValue {
    debug_assert!(name.starts_with("__Host-"), "{name}");
    let mut cookie = Cookie::build((name, value))
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .path("/")
        .build();
    cookie.set_max_age(lifetime);
    // Our values are base64url; the fallback cannot be reached and sets nothing.
    HeaderValue::from_str(&cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_58_a_cookie_has_every_attribute() {
        let text = set("__Host-as_session", "abc", None);
        assert_eq!(
            text,
            "__Host-as_session=abc; HttpOnly; SameSite=Lax; Secure; Path=/"
        );
        let gone = expire("__Host-as_session");
        assert_eq!(
            gone,
            "__Host-as_session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
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
}
