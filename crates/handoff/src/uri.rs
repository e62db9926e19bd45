//! The rules for every address that the protocol touches, as types.
//!
//! A redirect URI is compared as a string, never as a URL: two parsers that disagree about one
//! address are how tokens are stolen (RFC 9700, 2.1).

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::policy::{Policy, UriMatch};

/// Why an address may not be registered or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUri {
    /// It is not an absolute URL.
    #[error("is not an absolute URL")]
    NotAbsolute,
    /// The scheme is not https, and the host is not this machine.
    #[error("must be https (http is allowed for loopback addresses and *.localhost only)")]
    Scheme,
    /// It names a user or a password.
    #[error("names a user")]
    UserInfo,
    /// It has a fragment.
    #[error("has a fragment")]
    Fragment,
    /// It has a wildcard.
    #[error("has a wildcard")]
    Wildcard,
    /// It is written in a way that a parser would change; then strings could not be compared.
    #[error("is not written in its normal form")]
    NotNormal,
    /// It has a path, query or more, where an origin has none.
    #[error("is more than an origin (scheme, host and port)")]
    NotAnOrigin,
    /// It lies on another origin than the client's (row 84).
    #[error("is not on the client's origin")]
    ForeignOrigin,
}

fn parse(text: &str) -> Result<Url, InvalidUri> {
    if text.contains('*') {
        return Err(InvalidUri::Wildcard);
    }
    let url = Url::parse(text).map_err(|_| InvalidUri::NotAbsolute)?;
    if !url.has_host() {
        return Err(InvalidUri::NotAbsolute);
    }
    match url.scheme() {
        "https" => {}
        "http" if is_this_machine(&url) => {}
        _ => return Err(InvalidUri::Scheme),
    }
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err(InvalidUri::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(InvalidUri::Fragment);
    }
    Ok(url)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Scheme, host and port, as browsers write it in the `Origin` header: no trailing slash, no
/// default port. For the authorization server it is also the issuer.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

impl Origin {
    /// Reads an origin from a setting or a client record.
    ///
    /// # Errors
    /// [`InvalidUri`] naming the rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidUri> {
        let url = parse(text)?;
        let origin = url.origin().ascii_serialization();
        if text == origin {
            Ok(Self(origin))
        } else {
            Err(InvalidUri::NotAnOrigin)
        }
    }

    /// The origin as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and, unless it is the scheme's own, port: what a browser sends as `Host`.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0
            .split_once("://")
            .map_or("", |(_, authority)| authority)
    }

    /// Whether connections to it are encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The address of a path on this origin.
    #[must_use]
    pub fn with(&self, path: &LocalPath) -> String {
        format!("{}{path}", self.0)
    }
}

impl TryFrom<String> for Origin {
    type Error = InvalidUri;
    fn try_from(text: String) -> Result<Self, InvalidUri> {
        Self::parse(&text)
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address that belongs to a client: absolute, on the client's origin, registered as written.
///
/// Equality is that of the text (RFC 9700, 2.1: exact string matching).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientUri(String);

impl ClientUri {
    /// Registers an address of a client on `origin`.
    ///
    /// ```
    /// use handoff::uri::{ClientUri, Origin};
    ///
    /// let origin = Origin::parse("https://notes.example").unwrap();
    /// assert!(ClientUri::register("https://notes.example/callback", &origin).is_ok());
    /// for refused in [
    ///     "https://notes.example.evil.example/callback",
    ///     "https://notes.example/callback#fragment",
    ///     "https://NOTES.example/callback",
    ///     "/callback",
    /// ] {
    ///     assert!(ClientUri::register(refused, &origin).is_err(), "{refused}");
    /// }
    /// ```
    ///
    /// # Errors
    /// [`InvalidUri`] naming the rule that it breaks.
    pub fn register(text: &str, origin: &Origin) -> Result<Self, InvalidUri> {
        let url = parse(text)?;
        if url.origin().ascii_serialization() != origin.0 {
            return Err(InvalidUri::ForeignOrigin);
        }
        if url.as_str() != text {
            return Err(InvalidUri::NotNormal);
        }
        Ok(Self(text.to_owned()))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address that was presented, if this rule takes it for the registered one. Any rule but the
    /// exact one accepts addresses that were never registered.
    #[must_use]
    pub fn matching(&self, presented: &str, rule: UriMatch) -> Option<Self> {
        let same_host = || {
            let host = |text: &str| Some(Url::parse(text).ok()?.host_str()?.to_owned());
            let registered = host(&self.0);
            registered.is_some() && registered == host(presented)
        };
        let matches = match rule {
            UriMatch::Exact => self.0 == presented,
            UriMatch::Prefix => presented.starts_with(&self.0),
            UriMatch::Host => same_host(),
            UriMatch::Substring => presented.contains(&self.0),
        };
        matches.then(|| Self(presented.to_owned()))
    }

    /// The address with parameters added to its query.
    #[must_use]
    pub fn with_query(&self, parameters: &[(&str, &str)]) -> String {
        with_query(&self.0, parameters)
    }
}

impl fmt::Display for ClientUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClientUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Adds parameters to the query of an address that has no fragment.
#[must_use]
pub fn with_query(address: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{}", query.finish())
}

/// A path on our own site, with its query, that is safe in a `Location` header: it starts with
/// exactly one slash, and no browser can read another host into it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalPath(String);

impl LocalPath {
    /// The longest that is accepted, in bytes.
    pub const MAX_LENGTH: usize = 2048;

    /// The start page.
    #[must_use]
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Reduces a path, or an absolute URL of our own origin, to path and query (row 34).
    ///
    /// Nothing else has a reduction: another host, another scheme, `//host`, a backslash or a
    /// control character (browsers drop tabs and line ends, and read `\` as `/`), whether written
    /// plainly or percent-encoded in the path.
    ///
    /// ```
    /// use handoff::uri::{LocalPath, Origin};
    ///
    /// let own = Origin::parse("https://notes.example").unwrap();
    /// let path = LocalPath::reduce("https://notes.example/notes?page=2", &own).unwrap();
    /// assert_eq!(path.as_str(), "/notes?page=2");
    /// assert!(LocalPath::reduce("//evil.example", &own).is_none());
    /// assert!(LocalPath::reduce("/\\evil.example", &own).is_none());
    /// ```
    #[must_use]
    pub fn reduce(text: &str, own: &Origin) -> Option<Self> {
        // The parser writes what is not ASCII as percent-encoded UTF-8.
        let graphic = text.chars().all(|c| match c.is_ascii() {
            true => c.is_ascii_graphic() && c != '\\',
            false => !c.is_control() && !c.is_whitespace(),
        });
        if text.len() > Self::MAX_LENGTH || !graphic {
            return None;
        }
        let path_and_query = match text.strip_prefix(own.as_str()) {
            Some("") => "/",
            Some(rest) => rest,
            None => text,
        };
        if !path_and_query.starts_with('/') || path_and_query.starts_with("//") {
            return None;
        }
        // A parser resolves dot segments: `/..//evil.example` would become `//evil.example`.
        let url = Url::parse(own.as_str()).ok()?.join(path_and_query).ok()?;
        if url.origin().ascii_serialization() != own.0 || url.path().starts_with("//") {
            return None;
        }
        let path = url.path().to_ascii_lowercase();
        // `%0` and `%1` begin every control character but the last.
        if ["%0", "%1", "%7f", "%5c", "%2f"]
            .iter()
            .any(|code| path.contains(code))
        {
            return None;
        }
        let reduced = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        // Again, because the parser may write one byte as three; what is too long to be read
        // back must not be stored.
        (reduced.len() <= Self::MAX_LENGTH).then_some(Self(reduced))
    }

    /// The target that a request asks for (row 34): what [`reduce`](Self::reduce) leaves of it. Without
    /// that defence, any text that fits into a header, as it was written.
    #[must_use]
    pub fn target(text: &str, own: &Origin, policy: &Policy) -> Option<Self> {
        if policy.target_check() {
            return Self::reduce(text, own);
        }
        let fits =
            text.len() <= Self::MAX_LENGTH && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LocalPath {
    type Error = InvalidUri;
    fn try_from(text: String) -> Result<Self, InvalidUri> {
        // Any origin does: a path has none of its own.
        let nowhere = Origin("https://path.invalid".to_owned());
        if text.starts_with('/') {
            Self::reduce(&text, &nowhere).ok_or(InvalidUri::NotNormal)
        } else {
            Err(InvalidUri::NotNormal)
        }
    }
}

impl From<LocalPath> for String {
    fn from(path: LocalPath) -> Self {
        path.0
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
