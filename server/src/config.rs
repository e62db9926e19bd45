//! Every setting: its flag, its variable, its default and why. Read once, at the start.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use clap::Args;
use handoff::uri::Origin;
use relying_party::Application;
use time::Duration;
use tracing_subscriber::EnvFilter;

/// A sign-in at Harbor ID ends after this long without use: long enough for a talk, short enough
/// for a machine that somebody walked away from (OWASP's session management cheat sheet).
pub const IDLE: Duration = Duration::minutes(30);
/// And after this long at the latest: one working day.
pub const ABSOLUTE: Duration = Duration::hours(12);

/// Both loopback addresses: browsers resolve `*.localhost` to either. Never `::`, which would listen
/// on the network.
const DEFAULT_LISTEN: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4000),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 4000),
];

/// What `handoff-lab serve` is told.
#[derive(Clone, Debug, Args)]
pub struct ServeSettings {
    /// Where to listen (loopback only); give it more than once, or a list with commas. All must have one port, which
    /// is part of every site's address [default: 127.0.0.1:4000 and [::1]:4000]
    #[arg(
        long,
        env = "HANDOFF_LAB_LISTEN",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    pub listen: Vec<SocketAddr>,

    /// Where /health and /ready are served
    #[arg(
        long,
        env = "HANDOFF_LAB_OPS_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:4009"
    )]
    pub ops_listen: SocketAddr,

    /// The folder that holds the databases and the client secrets; made if it is not there
    #[arg(
        long,
        env = "HANDOFF_LAB_DATA",
        value_name = "FOLDER",
        default_value = "data"
    )]
    pub data: PathBuf,

    /// What to log, as levels by part of the program, for example `info,authority=debug`
    #[arg(
        long,
        env = "HANDOFF_LAB_LOG",
        value_name = "FILTER",
        default_value = "info,sqlx=warn",
        value_parser = filter
    )]
    pub log: String,
}

/// Checks a filter before it is used: a mistyped one must not silence the log.
fn filter(text: &str) -> Result<String, tracing_subscriber::filter::ParseError> {
    EnvFilter::builder().parse(text).map(|_| text.to_owned())
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadSetting {
    /// One address would give the sites one port, another another.
    #[error(
        "--listen: all addresses must have the same port, because it is part of every site's address"
    )]
    DifferentPorts,
    /// Port 0 means a port of the system's choice, which would be another for each address.
    #[error("--listen: port 0 can be given for one address only")]
    ChosenPorts,
    /// The demo profile has accounts whose password everybody knows.
    #[error("--listen {0}: only loopback addresses, because the demo accounts' password is public")]
    NotLoopback(SocketAddr),
}

impl ServeSettings {
    /// The addresses to listen on, and whether this machine must have each: one without IPv6 is fine
    /// unless somebody asked for it.
    ///
    /// # Errors
    /// [`BadSetting`] naming the setting.
    pub fn addresses(&self) -> Result<Vec<(SocketAddr, bool)>, BadSetting> {
        if self.listen.is_empty() {
            return Ok(DEFAULT_LISTEN
                .map(|address| (address, address.is_ipv4()))
                .to_vec());
        }
        if self
            .listen
            .iter()
            .any(|address| address.port() != self.listen[0].port())
        {
            return Err(BadSetting::DifferentPorts);
        }
        if self.listen.len() > 1 && self.listen[0].port() == 0 {
            return Err(BadSetting::ChosenPorts);
        }
        if let Some(address) = self
            .listen
            .iter()
            .find(|address| !address.ip().is_loopback())
        {
            return Err(BadSetting::NotLoopback(*address));
        }
        Ok(self.listen.iter().map(|address| (*address, true)).collect())
    }
}

/// Where the sites of a platform live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    /// Harbor ID.
    pub authority: Origin,
    /// Notes.
    pub notes: Origin,
    /// Tasks.
    pub tasks: Origin,
    /// The lab.
    pub lab: Origin,
}

impl Origins {
    /// The sites on `*.localhost` at this port. `suffix` tells platforms in one process apart:
    /// `auth-two.localhost` for `-two`.
    ///
    /// # Errors
    /// When the suffix makes no host name.
    pub fn on_localhost(suffix: &str, port: u16) -> Result<Self, handoff::uri::InvalidUri> {
        let site = |name: &str| match port {
            80 => Origin::parse(&format!("http://{name}{suffix}.localhost")),
            _ => Origin::parse(&format!("http://{name}{suffix}.localhost:{port}")),
        };
        Ok(Self {
            authority: site("auth")?,
            notes: site(Application::Notes.id())?,
            tasks: site(Application::Tasks.id())?,
            lab: site("lab")?,
        })
    }

    /// Where an application lives.
    #[must_use]
    pub fn of(&self, application: Application) -> &Origin {
        match application {
            Application::Notes => &self.notes,
            Application::Tasks => &self.tasks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(listen: &[&str]) -> ServeSettings {
        ServeSettings {
            listen: listen.iter().map(|text| text.parse().unwrap()).collect(),
            ops_listen: "127.0.0.1:4009".parse().unwrap(),
            data: PathBuf::from("data"),
            log: "info".to_owned(),
        }
    }

    #[test]
    fn the_network_is_never_listened_on_with_public_passwords() {
        assert!(
            settings(&["127.0.0.1:4000", "[::1]:4000"])
                .addresses()
                .is_ok()
        );
        assert!(
            settings(&["127.0.0.1:4000", "[::1]:4001"])
                .addresses()
                .is_err()
        );
        assert!(settings(&["127.0.0.1:0"]).addresses().is_ok());
        assert!(settings(&["127.0.0.1:0", "[::1]:0"]).addresses().is_err());
        for open in ["0.0.0.0:4000", "[::]:4000", "192.168.0.1:4000"] {
            assert!(settings(&[open]).addresses().is_err(), "{open}");
        }
        assert_eq!(settings(&[]).addresses().unwrap().len(), 2);
    }
}
