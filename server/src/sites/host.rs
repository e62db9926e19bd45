//! Host names as requests and settings write them: compared in one form, in one place.
//!
//! It decides which site a request is for, and nothing else: redirect URIs and the header `Origin` are
//! compared as they are written.

use handoff::uri::Origin;

/// The host and the port of an origin or of the header `Host`. Letter case and a trailing dot make no
/// other host (RFC 3986, 3.2.2; RFC 1034, 3.1), and a port that is left out is the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host {
    name: String,
    port: Option<u16>,
}

impl Host {
    /// Reads a host with or without a port.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, port) = match text.rsplit_once(':') {
            // The colons of an IPv6 address stand in its brackets.
            Some((name, port)) if !port.ends_with(']') => (name, port),
            _ => (text, ""),
        };
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let port = match port {
            "" => None,
            port => Some(port.parse().ok()?),
        };
        let name = normal(name);
        (!name.is_empty()).then_some(Self { name, port })
    }

    /// The host of an origin, with its port.
    #[must_use]
    pub fn of(origin: &Origin) -> Self {
        let port = default_port(origin.is_https());
        let mut host = Self::parse(origin.authority()).unwrap_or_else(|| Self {
            name: normal(origin.authority()),
            port: None,
        });
        host.port.get_or_insert(port);
        host
    }

    /// The host of a site whose scheme this is.
    #[must_use]
    pub fn at(&self, is_https: bool) -> Self {
        let port = self.port.unwrap_or(default_port(is_https));
        Self {
            name: self.name.clone(),
            port: Some(port),
        }
    }

    /// The name without the port.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port, if one is written.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether it stands for this machine and names no site of its own: `localhost` or a loopback
    /// address.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        let address = self.name.trim_matches(['[', ']']);
        let address = address.parse::<std::net::IpAddr>();
        self.name == "localhost" || address.is_ok_and(|it| it.to_canonical().is_loopback())
    }
}

/// A host name in the form in which names are compared.
#[must_use]
pub fn normal(name: &str) -> String {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.to_ascii_lowercase()
}

const fn default_port(is_https: bool) -> u16 {
    if is_https { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_hosts_are_equal_however_they_are_written() {
        let https = Host::of(&Origin::parse("https://auth.example.org").unwrap());
        let is_it = |text: &str| Host::parse(text).map(|host| host.at(true)) == Some(https.clone());
        for same in [
            "auth.example.org",
            "auth.example.org:443",
            "auth.example.org:",
            "auth.example.org.",
            "Auth.Example.ORG.:443",
            "auth.example.org:0443",
        ] {
            assert!(is_it(same), "{same}");
        }
        for other in [
            "",
            ".",
            ":443",
            "auth.example.org:80",
            "auth.example.org:+443",
            "auth.example.org:443:443",
            "auth.example.org..",
            "auth.example.org:65979",
            "evil.auth.example.org",
            "auth.example.org@evil.example",
        ] {
            assert!(!is_it(other), "{other}");
        }
        let six = Host::parse("[::1]:4000").unwrap();
        assert_eq!((six.name(), six.port()), ("[::1]", Some(4000)));
        assert_eq!(Host::parse("[::1]").unwrap().port(), None);
    }

    #[test]
    fn names_of_this_machine() {
        for yes in [
            "localhost",
            "LOCALHOST.",
            "127.0.0.1:4000",
            "127.1.2.3",
            "[::1]:4000",
        ] {
            assert!(Host::parse(yes).unwrap().is_this_machine(), "{yes}");
        }
        for no in [
            "auth.localhost",
            "192.0.2.1",
            "[::]",
            "0.0.0.0",
            "127.0.0.1.example",
        ] {
            assert!(!Host::parse(no).unwrap().is_this_machine(), "{no}");
        }
    }
}
