//! The HTTP client for calls between servers.
//!
//! It follows no redirect and uses no proxy: what it carries is for one address. It keeps no connection
//! open.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use handoff::uri::Origin;
use reqwest::{
    Certificate, Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);

/// A client for the server of this origin. `ca` has the certificate authorities, as PEM, that vouch for
/// the server; without any, those of the machine do.
///
/// # Errors
/// When this machine gives no way to check certificates, or `ca` has none that can be read.
pub fn to(origin: &Origin, ca: Option<&[u8]>) -> Result<Client, reqwest::Error> {
    over(origin.is_https(), ca)
}

/// What a client trusts: whether it speaks https, and the certificate authorities that were given.
type Trust = (bool, Option<Vec<u8>>);

/// The clients of this process. They keep no connection, so one serves every platform that trusts the
/// same; a process has as many as it was given certificate authorities.
static CLIENTS: Mutex<BTreeMap<Trust, Client>> = Mutex::new(BTreeMap::new());

/// A client for servers that are reached over https, or for servers that are reached over http.
///
/// # Errors
/// As [`to`].
pub fn over(is_https: bool, ca: Option<&[u8]>) -> Result<Client, reqwest::Error> {
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    let trust = (is_https, ca.map(<[u8]>::to_vec));
    if let Some(client) = clients.get(&trust) {
        return Ok(client.clone());
    }
    let client = build(is_https, ca)?;
    clients.insert(trust, client.clone());
    Ok(client)
}

fn build(is_https: bool, ca: Option<&[u8]>) -> Result<Client, reqwest::Error> {
    // Two of our dependencies bring a provider each, so that rustls chooses none. An error says that
    // one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .pool_max_idle_per_host(0)
        .dns_resolver(Loopback);
    if is_https {
        builder = builder.https_only(true);
        if let Some(pem) = ca {
            builder = builder.tls_certs_only(Certificate::from_pem_bundle(pem)?);
        }
    } else {
        // No certificate will be checked, so a machine without any must not be in the way.
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}

/// The addresses of `localhost`, in the order in which they are tried.
pub const LOCALHOST: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Resolves `localhost` and `*.localhost` to this machine, as browsers do and the C library does
/// not (RFC 6761, 6.3); everything else as the system does.
#[derive(Clone, Copy, Debug)]
struct Loopback;

impl Resolve for Loopback {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str();
            // Port 0 stands for the one in the address.
            let found: Addrs = if is_localhost(name) {
                Box::new(LOCALHOST.into_iter().map(|ip| SocketAddr::from((ip, 0))))
            } else {
                let found: Vec<_> = tokio::net::lookup_host((name, 0)).await?.collect();
                Box::new(found.into_iter())
            };
            Ok(found)
        })
    }
}

/// Whether the name stands for this machine: `localhost` or one below it.
#[must_use]
pub fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn localhost_names_are_this_machine() {
        for name in ["localhost", "auth.localhost", "evil.auth.localhost"] {
            let found: Vec<_> = Loopback
                .resolve(name.parse().unwrap())
                .await
                .unwrap()
                .collect();
            let both = ["127.0.0.1:0", "[::1]:0"].map(|address| address.parse().unwrap());
            assert_eq!(found, both, "{name}");
        }
        for name in ["localhost.example", "notlocalhost"] {
            assert!(!is_localhost(name), "{name}");
        }
    }
}
