//! Who is at the other end of the connection, as far as a limit may know.

use std::net::{IpAddr, Ipv6Addr};

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::error_page::ErrorPage;

/// The address of the caller. Whoever accepts connections puts it into each request's extensions;
/// nothing that a caller writes into a request changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// What counts as one address: an IPv4 address, or an IPv6 network of 64 bits, which is the least
/// that a provider gives to one customer (RFC 6177). Counting single IPv6 addresses would give
/// everybody 2^64 names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Peer {
    /// What counts as this caller's address.
    #[must_use]
    pub fn network(self) -> Network {
        match self.0.to_canonical() {
            IpAddr::V4(address) => Network(IpAddr::V4(address)),
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << 64);
                Network(IpAddr::V6(Ipv6Addr::from_bits(network)))
            }
        }
    }
}

impl Network {
    /// The network as text, the same for each of its addresses.
    #[must_use]
    pub fn as_text(&self) -> String {
        self.0.to_string()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = ErrorPage;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ErrorPage> {
        let peer = parts.extensions.get::<Self>().copied();
        // Without an address nothing can be counted, and what cannot be counted is refused.
        peer.ok_or_else(|| ErrorPage::internal("the request did not come through a listener"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_17_table_of_addresses_that_count_as_one() {
        let network = |text: &str| Peer(text.parse().unwrap()).network();
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::1", "127.0.0.1", false),
        ] {
            assert_eq!(network(one) == network(other), same, "{one} {other}");
            let text = network(one).as_text() == network(other).as_text();
            assert_eq!(text, same, "{one} {other}");
        }
    }
}
