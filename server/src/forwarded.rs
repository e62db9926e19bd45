//! The remote address of a request, and whether it came encrypted: from the connection, or from the
//! headers of a trusted proxy. From any other address these headers are not read (PROTOCOL 1).

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

/// Where a request comes from. Nothing else is taken from a forwarded header, and no address is built
/// from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteAddr {
    /// The address of the client.
    pub ip: IpAddr,
    /// Whether the request came over https.
    pub encrypted: bool,
}

/// A connection, and the proxies whose headers are believed.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// Where it comes from.
    pub from: SocketAddr,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The proxies.
    pub trusted: &'a [IpAddr],
}

impl RemoteAddr {
    /// Of a request with these headers.
    #[must_use]
    pub fn of(connection: Connection<'_>, headers: &HeaderMap) -> Self {
        let trusted = |address: &IpAddr| connection.trusted.contains(address);
        let mut ip = connection.from.ip().to_canonical();
        if !trusted(&ip) {
            return Self {
                ip,
                encrypted: connection.encrypted,
            };
        }
        // Each proxy adds the address of its client at the end, so only what trusted proxies added counts.
        // What cannot be read was not added by one of them.
        for claimed in forwarded_for(headers).iter().rev() {
            let Some(before) = parse(claimed) else { break };
            ip = before;
            if !trusted(&ip) {
                break;
            }
        }
        Self {
            ip,
            encrypted: forwarded_proto_is_https(headers),
        }
    }
}

fn forwarded_for(headers: &HeaderMap) -> Vec<&str> {
    let lines = headers.get_all("x-forwarded-for").iter();
    // A line that is no text leaves an entry that cannot be read. It must not be skipped.
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

/// The proxy sets this header once. Of two values, one came from the client.
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

    fn remote(from: &str, encrypted: bool, headers: &[(&'static str, &str)]) -> (String, bool) {
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
        let remote = RemoteAddr::of(connection, &map);
        (remote.ip.to_string(), remote.encrypted)
    }

    #[test]
    fn row_77_forwarded_headers_count_from_trusted_proxies_only() {
        const FOR: &str = "x-forwarded-for";
        const PROTO: &str = "x-forwarded-proto";
        for (from, headers, address, encrypted) in [
            // The headers of a stranger are not read.
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
            // A proxy adds the address of its client.
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
            // What the client itself sent does not count.
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
            // The scheme is given once, or not at all.
            (PROXY, &[(PROTO, "HTTPS")], PROXY, true),
            (PROXY, &[(PROTO, "http")], PROXY, false),
            (PROXY, &[(PROTO, "https, http")], PROXY, false),
            (PROXY, &[(PROTO, "https"), (PROTO, "https")], PROXY, false),
        ] {
            let found = remote(from, false, headers);
            assert_eq!(found, (address.to_owned(), encrypted), "{from} {headers:?}");
        }
        assert!(remote("192.0.2.7", true, &[]).1);
        // The proxy's own connection says nothing about its client's.
        assert!(!remote(PROXY, true, &[(PROTO, "http")]).1);
    }
}
