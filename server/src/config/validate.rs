//! What settings must be to each other, whatever each is by itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use relying_party::identity::MAX_RECHECK;
use time::Duration;
use web::http_client;

use super::{Certificate, Origins, Problem, Settings};
use crate::sites::{
    host::{self, Host},
    table::{self as sites, Row, SITES},
};

/// No sign-in is older: a month is the most that NIST SP 800-63B allows anybody.
const MAX_SESSION: Duration = Duration::days(30);

/// A shorter one would make nearly every request of a person a request to Harbor ID.
const MIN_RECHECK: Duration = Duration::seconds(1);

/// All that does not go together. Nothing but the settings is looked at.
pub(super) fn problems(settings: &Settings) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |key: &str, why: String| {
        problems.push(Problem(format!("{}: {why}", settings.name(key))));
    };

    if settings.only.is_empty() {
        refuse("only", "names no site".to_owned());
    }
    let Some(first) = settings.listen.first() else {
        refuse("listen", "names no address".to_owned());
        return problems;
    };
    if settings
        .listen
        .iter()
        .any(|other| other.port() != first.port())
    {
        let why =
            "all addresses must have the same port, because it is part of every site's address";
        refuse("listen", why.to_owned());
    } else if first.port() == 0 && settings.listen.len() > 1 {
        refuse(
            "listen",
            "port 0 can be given for one address only".to_owned(),
        );
    }
    let open = settings
        .listen
        .iter()
        .find(|address| !address.ip().is_loopback());
    if let Some(open) = open
        && settings.demo_accounts
        && settings.serves(authority::ID)
    {
        let accounts = settings.name("demo-accounts");
        refuse(
            "listen",
            format!(
                "only loopback addresses, and {open} is none, because of {accounts}: everybody knows their password"
            ),
        );
    }

    if settings.session_absolute > MAX_SESSION {
        refuse(
            "session-absolute",
            "must be 30 days (720h) at most".to_owned(),
        );
    }
    if settings.session_idle > settings.session_absolute {
        let absolute = settings.name("session-absolute");
        refuse(
            "session-idle",
            format!("must not be longer than {absolute}"),
        );
    }

    if !(MIN_RECHECK..=MAX_RECHECK).contains(&settings.session_recheck) {
        refuse("session-recheck", "must be from 1s to 30s".to_owned());
    }

    // A port of the system's choice is none yet; any other does for comparing.
    let port = if first.port() == 0 { 1 } else { first.port() };
    let Ok(origins) = settings.origins(port) else {
        return problems;
    };
    if let Some(row) = unreachable(settings, &origins) {
        let origin = origins.of(row.id);
        let address = settings.listen.iter().map(ToString::to_string);
        let address = address.collect::<Vec<_>>().join(" and ");
        let host = Host::of(origin);
        let (goes_to, add) = match host.name().trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(literal) => (literal.to_string(), literal),
            Err(_) => (
                "127.0.0.1 and [::1] for such a name".to_owned(),
                Ipv4Addr::LOCALHOST.into(),
            ),
        };
        refuse(
            "listen",
            format!(
                "nothing reaches {origin} at {address}: browsers and the applications' calls to Harbor ID go \
                 to {goes_to}. Add {}, or give the site another address by --{}",
                SocketAddr::new(add, first.port()),
                row.origin_key()
            ),
        );
    }
    for (n, row) in SITES.iter().enumerate() {
        if settings.serves(row.id) {
            let key = row.origin_key();
            if let Some(why) = scheme(settings, &origins, row) {
                refuse(&key, why.to_owned());
            }
            let mut before = SITES.iter().take(n);
            let own = host::normal(origins.host(row.id));
            let twin = before.find(|other| host::normal(origins.host(other.id)) == own);
            if let Some(twin) = twin {
                let twin = settings.name(&twin.origin_key());
                refuse(
                    &key,
                    format!(
                        "has the host of {twin}, and browsers share cookies between the ports of one host"
                    ),
                );
            }
        }
    }

    let calls_back = sites::applications().any(|row| settings.serves(row.id));
    if settings.authority_ca.is_some() && calls_back {
        if !origins.of(authority::ID).is_https() {
            let authority = settings.name("authority-origin");
            refuse(
                "authority-ca",
                format!("says nothing, because no certificate is checked at {authority}"),
            );
        } else if settings.serves(authority::ID) && settings.tls == Some(Certificate::OwnMaking) {
            refuse(
                "authority-ca",
                "is for a Harbor ID in another process; this one makes its certificate itself"
                    .to_owned(),
            );
        }
    }
    problems
}

/// A site of this process whose host is this machine's, and that nobody finds where this process
/// listens. Of other names only the name server knows the address, and another port is a proxy's.
fn unreachable(settings: &Settings, origins: &Origins) -> Option<&'static Row> {
    let served = SITES.iter().filter(|row| settings.serves(row.id));
    let mut unreachable = served.filter(|row| {
        let host = Host::of(origins.of(row.id));
        let literal = host.name().trim_matches(['[', ']']).parse::<IpAddr>();
        let addresses = match literal {
            Ok(address) => vec![address.to_canonical()],
            Err(_) if http_client::is_localhost(host.name()) => http_client::LOCALHOST.to_vec(),
            Err(_) => return false,
        };
        let listened = |address: &IpAddr| {
            settings.listen.iter().any(|at| match at.ip() {
                // A socket on `[::]` takes IPv4 too.
                IpAddr::V6(any) if any.is_unspecified() => true,
                IpAddr::V4(any) if any.is_unspecified() => address.is_ipv4(),
                ip => ip.to_canonical() == *address,
            })
        };
        // Behind a proxy, what is listened on is the proxy's affair.
        let port = settings.port();
        let is_listened_port = port == 0 || host.port() == Some(port);
        is_listened_port && settings.trusted_proxies.is_empty() && !addresses.iter().any(listened)
    });
    unreachable.next()
}

fn scheme(settings: &Settings, origins: &Origins, row: &Row) -> Option<&'static str> {
    match (origins.of(row.id).is_https(), settings.tls.is_some()) {
        (true, false) if settings.trusted_proxies.is_empty() => Some(
            "nothing serves https: give --tls, or --trusted-proxy with the address of the proxy that does",
        ),
        (false, true) => Some("must be https, because of --tls"),
        _ => None,
    }
}
