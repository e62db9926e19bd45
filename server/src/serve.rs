//! `handoff-lab serve`: open the platform, listen, and end in order.

use std::{
    io::{ErrorKind, Write as _},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use web::clock::{Clock, SystemClock};

use crate::{
    assets::{Assets, AssetsError},
    config::{BadSettings, Origins, Profile, Settings},
    data::{self, DataDirError},
    listen::{self, ListenerOptions},
    ops,
    platform::{CannotStart, DEMO_ACCOUNTS, MissingSecrets, Platform, Setup, Stores},
    secure,
    sites::{Directory, table::SITES},
    tls::{self, BadCertificate, Encryption, OwnAuthority},
};

/// How long requests that are under way may take after the signal to stop. What starts programs often kills
/// them ten seconds after the signal, and the databases are closed after this.
const GRACE: Duration = Duration::from_secs(8);

/// Why serving could not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The settings.
    #[error(transparent)]
    Setting(#[from] BadSettings),
    /// The build's files.
    #[error(transparent)]
    Assets(#[from] AssetsError),
    /// A certificate, or its key.
    #[error("the certificate {0}")]
    Certificate(#[from] BadCertificate),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] DataDirError),
    /// The platform.
    #[error(transparent)]
    Platform(#[from] CannotStart),
    /// An address that cannot be listened on.
    #[error("{setting}: {address} {}", why_not(source))]
    Listen {
        /// The setting, and where it came from.
        setting: String,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The signals that ask the process to stop.
    #[error("signals cannot be caught: {0}")]
    Signals(std::io::Error),
    /// The sites' addresses.
    #[error("the sites' addresses: {0}")]
    Origins(#[from] handoff::uri::InvalidUri),
}

/// Serves until the process is told to stop.
///
/// # Errors
/// [`Failure`], one sentence that names the setting or the file at fault.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    // Before anything is opened: a signal that nobody catches ends the process on the spot.
    let asked = Stop::catch().map_err(Failure::Signals)?;
    secure::check(&settings).await?;
    let assets = Assets::load();
    let names = assets.names()?;
    let mut listeners = Vec::new();
    for address in settings.listen.iter().copied() {
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if !settings.must_have(address) && can_do_without(error.kind()) => {
                tracing::warn!(%address, %error, "not listening here");
            }
            Err(source) => {
                return Err(Failure::Listen {
                    setting: settings.name("listen"),
                    address,
                    source,
                });
            }
        }
    }
    let ops = TcpListener::bind(settings.ops_listen)
        .await
        .map_err(|source| Failure::Listen {
            setting: settings.name("ops-listen"),
            address: settings.ops_listen,
            source,
        })?;
    let ops_address = ops.local_addr().unwrap_or(settings.ops_listen);
    let listening: Vec<SocketAddr> = listeners
        .iter()
        .filter_map(|listener| listener.local_addr().ok())
        .collect();
    let port = listening.first().map_or(settings.port(), SocketAddr::port);
    let origins = settings.origins(port)?;

    data::make_private(&settings.data)?;
    let hosts = settings.hosts(&origins);
    let prepare =
        |certificate| tls::prepare(certificate, &settings.data, &hosts, SystemClock.now());
    let encryption = settings.tls.as_ref().map(prepare).transpose()?;
    let demo = Setup::demo(origins.clone(), names);
    let setup = Setup {
        sites: settings.only.clone(),
        cookie_prefix: settings.cookie_prefix,
        demo_accounts: if settings.demo_accounts {
            demo.demo_accounts
        } else {
            Vec::new()
        },
        idle: settings.session_idle,
        absolute: settings.session_absolute,
        recheck: settings.session_recheck,
        secret_files: settings.secret_files.clone(),
        authority_ca: match &settings.authority_ca {
            Some(file) => Some(tls::authority(file)?),
            None => own_authority(&settings, encryption.as_ref()),
        },
        missing_secrets: match settings.profile {
            Profile::Demo => MissingSecrets::Make,
            Profile::Secure => MissingSecrets::Refuse,
        },
        report_key_file: settings.report_key_file.clone(),
        otlp_endpoint: settings.otlp_endpoint.clone(),
        ..demo
    };
    let platform = Platform::open(setup, Stores::InFolder(settings.data.clone())).await?;
    let platform = Arc::new(platform);
    let directory = Directory::serving(assets);
    let mounted = platform.mount(&directory);

    let stop = CancellationToken::new();
    let mut serving = JoinSet::new();
    let options = ListenerOptions {
        tls: encryption.as_ref().map(|it| it.acceptor.clone()),
        trusted: settings.trusted_proxies.clone().into(),
        ..ListenerOptions::default()
    };
    for listener in listeners {
        let (options, router) = (options.clone(), directory.router());
        serving.spawn(listen::serve_with(options, listener, router, stop.clone()));
    }
    serving.spawn(listen::serve_with(
        ListenerOptions::of_operators(),
        ops,
        ops::router(Arc::clone(&platform)),
        stop.clone(),
    ));
    let own = encryption.and_then(|it| it.own_authority);
    announce(&settings, &origins, own.as_ref(), &listening, ops_address);

    asked.asked().await;
    tracing::info!("stopping");
    stop.cancel();
    platform.end_streams();
    let ended = tokio::time::timeout(GRACE, async {
        while serving.join_next().await.is_some() {}
        platform.settle().await;
    });
    if ended.await.is_err() {
        tracing::warn!("some requests were still under way and are cut off");
    }
    serving.shutdown().await;
    drop(mounted);
    platform.close().await;
    Ok(())
}

/// Why an address cannot be listened on, and what to do.
fn why_not(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => {
            "is taken by another program; stop that one, or listen on another port".to_owned()
        }
        ErrorKind::AddrNotAvailable => "is no address of this machine; name one that is".to_owned(),
        ErrorKind::PermissionDenied => {
            "is not for this user to listen on; take a port above 1023".to_owned()
        }
        _ => format!("cannot be listened on: {error}"),
    }
}

/// Whether to go on without an address that nobody asked for by name. A machine may have no IPv6, and
/// systems word that differently. One that somebody else has taken is another matter: browsers might
/// go there, and bring passwords.
fn can_do_without(error: ErrorKind) -> bool {
    error != ErrorKind::AddrInUse
}

/// The signals that ask the process to stop. They are caught from the moment that this is made.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn catch() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self {
            terminate,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn asked(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The authority that this process's applications must trust, because its Harbor ID shows a
/// certificate that it signed.
fn own_authority(settings: &Settings, encryption: Option<&Encryption>) -> Option<Vec<u8>> {
    let own = encryption?.own_authority.as_ref()?;
    let here = settings.serves(authority::ID);
    here.then(|| own.pem.clone())
}

/// What a person needs who has just started it.
fn announce(
    settings: &Settings,
    origins: &Origins,
    own_authority: Option<&OwnAuthority>,
    listening: &[SocketAddr],
    ops: SocketAddr,
) {
    let mut out = std::io::stdout().lock();
    // A reader who has gone away is no reason to stop serving, nor to panic as `println!` would.
    macro_rules! say {
        ($($text:tt)*) => { let _ = writeln!(out, $($text)*); };
    }
    say!("Handoff Lab is running. Open one of these in a browser:\n");
    // Newcomers begin at the lab.
    let mut sites: Vec<_> = SITES.iter().collect();
    sites.sort_by_key(|row| row.id != lab::ID);
    for row in sites.into_iter().filter(|row| settings.serves(row.id)) {
        say!("  {:<30} {}", origins.of(row.id), row.announced);
    }
    if settings.demo_accounts && settings.serves(authority::ID) {
        say!("\nDemo accounts:");
        for account in DEMO_ACCOUNTS {
            say!(
                "  {:<26} {:<14} password {}",
                account.email,
                account.name,
                account.password
            );
        }
    }
    if let Some(own) = own_authority {
        say!(
            "\nThe certificate is of this program's own making, and no browser knows it. Import {} into your\n\
             browser's or system's list of certificate authorities, or go on past its warning. It can vouch for\n\
             these hosts only.",
            own.file.display()
        );
    }
    let listening: Vec<_> = listening.iter().map(SocketAddr::to_string).collect();
    say!(
        "\nData in {}; health at http://{ops}/ready; listening on {}.",
        settings.data.display(),
        listening.join(" and ")
    );
    say!("Stop with Ctrl-C.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_ipv6_is_fine_and_a_taken_address_is_not() {
        // EAFNOSUPPORT of Linux, which has no kind of its own.
        let no_ipv6 = std::io::Error::from_raw_os_error(97).kind();
        assert!(can_do_without(no_ipv6));
        assert!(can_do_without(ErrorKind::AddrNotAvailable));
        assert!(!can_do_without(ErrorKind::AddrInUse));
    }
}
