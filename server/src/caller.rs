//! Who calls, and whether anybody could listen in: from the connection, or from what a trusted proxy
//! says in its headers. Anybody else's headers are claims, and are not read (PROTOCOL 1).

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

/// What is known of the caller of a request. Nothing else is ever taken from a forwarded header, and
/// no address is built from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The address.
    pub address: IpAddr,
    /// Whether the request came over https.
    pub encrypted: bool,
}

/// A connection, and the proxies that may speak for others.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// Where it comes from.
    pub from: SocketAddr,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The proxies.
    pub trusted: &'a [IpAddr],
}

impl Caller {
    /// The caller of a request with these headers.
    #[must_use]
    pub fn of(connection: Connection<'_>, headers: &HeaderMap) -> Self {
        let trusted = |address: &IpAddr| connection.trusted.contains(address);
        let mut address = connection.from.ip().to_canonical();
        if !trusted(&address) {
            return Self {
                address,
                encrypted: connection.encrypted,
            };
        }
        // Each proxy adds at the end whom it heard it from, so only what trusted ones added counts.
        // What cannot be read was not added by one of them.
        for claimed in forwarded_for(headers).iter().rev() {
            let Some(before) = parse(claimed) else { break };
            address = before;
            if !trusted(&address) {
                break;
            }
        }
        Self {
            address,
            encrypted: forwarded_proto_is_https(headers),
        }
    }
}

fn forwarded_for(headers: &HeaderMap) -> Vec<&str> {
    let lines = headers.get_all("x-forwarded-for").iter();
    // A line that is no text leaves an entry that cannot be read: it must not be skipped.
    lines
        .flat_map(|line| line.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .collect()
}

/// An address, perhaps with a port, as proxies write it.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|it| it.ip());
    address.or_else(with_port).map(|it| it.to_canonical())
}

/// The proxy sets this header, and says one thing. Two values are the caller's and the proxy's.
fn forwarded_proto_is_https(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all("x-forwarded-proto").iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.as_bytes().eq_ignore_ascii_case(b"https"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";
    const SECOND: &str = "10.0.0.2";

    fn caller(from: &str, encrypted: bool, headers: &[(&'static str, &str)]) -> (String, bool) {
        let trusted = [PROXY.parse().unwrap(), SECOND.parse().unwrap()];
        let connection = Connection {
            from: SocketAddr::new(from.parse().unwrap(), 50_000),
            encrypted,
            trusted: &trusted,
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let caller = Caller::of(connection, &map);
        (caller.address.to_string(), caller.encrypted)
    }

    #[test]
    fn row_77_forwarded_headers_count_from_trusted_proxies_only() {
        const FOR: &str = "x-forwarded-for";
        const PROTO: &str = "x-forwarded-proto";
        for (from, headers, address, encrypted) in [
            // A stranger is who he is, whatever he says.
            (
                "192.0.2.7",
                &[(FOR, "192.0.2.9"), (PROTO, "https")][..],
                "192.0.2.7",
                false,
            ),
            (
                "192.0.2.7",
                &[(FOR, PROXY), (PROTO, "https")],
                "192.0.2.7",
                false,
            ),
            // A proxy tells whom it heard it from.
            (
                PROXY,
                &[(FOR, "192.0.2.9"), (PROTO, "https")],
                "192.0.2.9",
                true,
            ),
            ("::ffff:10.0.0.1", &[(FOR, "192.0.2.9")], "192.0.2.9", false),
            (PROXY, &[(FOR, "192.0.2.9:4711")], "192.0.2.9", false),
            (PROXY, &[(FOR, "[2001:db8::9]:4711")], "2001:db8::9", false),
            (PROXY, &[], PROXY, false),
            // What the caller had put in front counts for nothing.
            (PROXY, &[(FOR, "10.9.9.9, 192.0.2.9")], "192.0.2.9", false),
            (
                PROXY,
                &[(FOR, "10.9.9.9"), (FOR, "192.0.2.9")],
                "192.0.2.9",
                false,
            ),
            (
                PROXY,
                &[(FOR, "10.9.9.9, 192.0.2.9, 10.0.0.2")],
                "192.0.2.9",
                false,
            ),
            (PROXY, &[(FOR, "192.0.2.9, junk")], PROXY, false),
            (PROXY, &[(FOR, "192.0.2.9, junk, 10.0.0.2")], SECOND, false),
            (PROXY, &[(FOR, "")], PROXY, false),
            // One word about the scheme, or none.
            (PROXY, &[(PROTO, "HTTPS")], PROXY, true),
            (PROXY, &[(PROTO, "http")], PROXY, false),
            (PROXY, &[(PROTO, "https, http")], PROXY, false),
            (PROXY, &[(PROTO, "https"), (PROTO, "https")], PROXY, false),
        ] {
            let found = caller(from, false, headers);
            assert_eq!(found, (address.to_owned(), encrypted), "{from} {headers:?}");
        }
        assert!(caller("192.0.2.7", true, &[]).1);
        // The proxy's own connection says nothing about its caller's.
        assert!(!caller(PROXY, true, &[(PROTO, "http")]).1);
    }
}
