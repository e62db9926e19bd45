//! A platform is a value: the sites of one set of origins, with their stores, clock, randomness and
//! policy. It owns its background tasks, and dropping it ends them.
//!
//! It holds the sites that it was told to, and no others: the rest may be another process's.

pub(crate) mod accounts;
pub(crate) mod clients;
mod opening;
mod recording;
pub(crate) mod stores;
mod sweeper;

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use ::recording::{
    outcome_metrics::MAX_REMEMBERED,
    recorder::{Recorder, Recorders},
};
pub use accounts::DEMO_ACCOUNTS;
use authority::{DemoAccount, password::Turns};
pub use clients::{MissingSecrets, read as read_secret};
use database::{CannotOpen, Unavailable};
use handoff::{client::RefusedRegistration, policy::Policy};
pub use opening::Opening;
use recording::Recording;
use relying_party::identity::MAX_RECHECK;
use stores::Files;
pub use stores::Stores;
pub use sweeper::Sweeper;
use sweeper::Swept;
use time::Duration;
use tokio::task::JoinSet;
use ui::shell::Assets;
use web::{
    clock::{Clock, SystemClock},
    cookies::Prefix,
    limits::MAX_KEYS,
    rng::{Randomness, SystemRandomness},
    site::{Failure, Site, SiteId},
};

use crate::{
    config::{self, Origins},
    data::DataDirError,
    otlp::Endpoint,
    sites::{
        Directory, Mounted,
        table::{self, SITES},
    },
};

/// What the platforms of a process have in common. Clones are the same.
#[derive(Clone, Debug)]
pub struct Shared {
    /// In which passwords are hashed: each hash takes 19 MiB and a core, at whichever platform.
    pub hashing: Turns,
    /// What deletes what has expired, once a minute.
    pub sweeper: Sweeper,
}

impl Default for Shared {
    /// As many passwords are hashed at once as this machine has cores.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            hashing: Turns::new(cores),
            sweeper: Sweeper::default(),
        }
    }
}

/// How much one platform keeps in memory. Nothing of it is allocated before it is used.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Keys that each limit of a site counts.
    pub limiter_keys: usize,
    /// Requests and handoffs that the metrics remember, to count each once.
    pub remembered: usize,
    /// What the lab keeps.
    pub lab: ::lab::Bounds,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            limiter_keys: MAX_KEYS,
            remembered: MAX_REMEMBERED,
            lab: ::lab::Bounds::default(),
        }
    }
}

/// What a platform is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The sites that it holds.
    pub sites: BTreeSet<SiteId>,
    /// Where its sites live, and those of other processes that they speak of.
    pub origins: Origins,
    /// The build's files.
    pub assets: Assets,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Its randomness.
    pub random: Arc<dyn Randomness>,
    /// Its policy.
    pub policy: Policy,
    /// What the names of its sites' cookies begin with.
    pub cookie_prefix: Prefix,
    /// Who takes the steps that its sites record.
    pub recorder: Arc<dyn Recorder>,
    /// The accounts that are made at the start and offered on the sign-in page.
    pub demo_accounts: Vec<DemoAccount>,
    /// Whether what its sites record is counted for Prometheus.
    pub metrics: bool,
    /// Whether its lab has a monitor.
    pub monitor: bool,
    /// How much it keeps in memory.
    pub bounds: Bounds,
    /// What it has in common with other platforms of the process.
    pub shared: Shared,
    /// A sign-in ends after this long without use.
    pub idle: Duration,
    /// A sign-in ends after this long at the latest.
    pub absolute: Duration,
    /// How often an application asks Harbor ID about a session that is in use.
    pub recheck: Duration,
    /// The files with client secrets that lie elsewhere than in the data folder.
    pub secret_files: Vec<(SiteId, PathBuf)>,
    /// The one certificate authority that applications trust for calls to Harbor ID, as PEM; without
    /// it, the machine's own list counts.
    pub authority_ca: Option<Vec<u8>>,
    /// What happens about client secrets that are not there.
    pub missing_secrets: MissingSecrets,
    /// The file with the key for reports to the lab, if it lies elsewhere than in the data folder.
    pub report_key_file: Option<PathBuf>,
    /// Where traces of what its sites record are exported to.
    pub otlp_endpoint: Option<Endpoint>,
}

impl Setup {
    /// The demonstration: all sites, every defence, the machine's clock, accounts that everybody knows.
    #[must_use]
    pub fn demo(origins: Origins, assets: Assets) -> Self {
        Self {
            sites: table::ids().collect(),
            origins,
            assets,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandomness),
            policy: Policy::STRICT,
            cookie_prefix: Prefix::default(),
            recorder: Recorders::none(),
            demo_accounts: DEMO_ACCOUNTS.to_vec(),
            metrics: true,
            monitor: true,
            bounds: Bounds::default(),
            shared: Shared::default(),
            idle: config::IDLE,
            absolute: config::ABSOLUTE,
            recheck: MAX_RECHECK,
            secret_files: Vec::new(),
            authority_ca: None,
            missing_secrets: MissingSecrets::Make,
            report_key_file: None,
            otlp_endpoint: None,
        }
    }
}

/// Why a platform could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum CannotStart {
    /// A database.
    #[error(transparent)]
    Database(#[from] CannotOpen),
    /// A store.
    #[error(transparent)]
    Store(#[from] Unavailable),
    /// The folder.
    #[error("the data folder {}: {why}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The folder, before anything in it.
    #[error(transparent)]
    Data(#[from] DataDirError),
    /// A file with a client's secret.
    #[error("the client secret {}: {why}", path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file with the key for reports to the lab.
    #[error("the lab's key {}: {why}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A built-in client breaks a rule.
    #[error("the record of a built-in client: {0}")]
    Client(#[from] RefusedRegistration),
    /// Something that cannot be set up on this machine.
    #[error("{0}")]
    Other(String),
}

/// The sites of one set of origins.
#[derive(Debug)]
pub struct Platform {
    swept: Arc<Swept>,
    files: Files,
    recording: Recording,
    /// Keeps it swept: the task ends with the last platform of the process.
    _sweeper: Sweeper,
    /// Ended when the platform is dropped. They hold stores, never the platform, or it would never be.
    _tasks: JoinSet<()>,
}

impl Platform {
    /// Opens the stores, registers the built-in clients and accounts, and has the sweeper sweep them.
    ///
    /// # Errors
    /// [`CannotStart`], which names the file at fault.
    pub async fn open(setup: Setup, stores: Stores) -> Result<Self, CannotStart> {
        let _lock = stores.lock().await?;
        let mut files = Files::lock(stores)?;
        // All of them before any database is made: a missing one must leave nothing behind.
        let mut secrets = Vec::new();
        for application in SITES.iter().filter_map(|row| row.kind.application()) {
            if let Some(secret) = clients::secret(&setup, &files, application)? {
                secrets.push((application, secret));
            }
        }
        let mut tasks = JoinSet::new();
        let mut recording = Recording::open(&setup, &mut files, &mut tasks).await?;
        let mut sites = Vec::new();
        for row in SITES.iter().filter(|row| setup.sites.contains(&row.id)) {
            let mut opening = Opening {
                setup: &setup,
                files: &mut files,
                secrets: &secrets,
                recording: &mut recording,
            };
            sites.push(row.kind.open(row, &mut opening).await?);
        }
        if let Some(metrics) = &recording.metrics {
            metrics.refresh(&sites).await;
        }
        let swept = Arc::new(Swept {
            sites,
            metrics: recording.metrics.clone(),
        });
        setup.shared.sweeper.register(&swept);
        Ok(Self {
            swept,
            files,
            recording,
            _sweeper: setup.shared.sweeper,
            _tasks: tasks,
        })
    }

    /// Its sites, in the table's order.
    #[must_use]
    pub fn sites(&self) -> &[Arc<dyn Site>] {
        &self.swept.sites
    }

    /// Lets requests reach the sites, until the guard is dropped.
    #[must_use = "the sites are gone when the guard is dropped"]
    pub fn mount(&self, directory: &Directory) -> Mounted {
        directory.mount(self.sites())
    }

    /// Whether every store answers.
    ///
    /// # Errors
    /// [`Failure`] from the first that does not.
    pub async fn ready(&self) -> Result<(), Failure> {
        for site in self.sites() {
            site.ping().await?;
        }
        Ok(())
    }

    /// Deletes at every site what has expired, as the sweeper does once a minute.
    pub async fn sweep(&self) {
        self.swept.sweep().await;
    }

    /// What was counted and measured, in Prometheus' text format, in a platform with metrics.
    pub async fn metrics(&self) -> Option<String> {
        let metrics = self.recording.metrics.as_ref()?;
        Some(metrics.render(self.sites(), self.recorder()).await)
    }

    /// Who takes what its sites record.
    #[must_use]
    pub fn recorder(&self) -> &dyn Recorder {
        &*self.recording.recorder
    }

    /// Waits until no request is under way at any site, and all that was recorded is kept, reported
    /// and exported, as far as others take it.
    pub async fn settle(&self) {
        for site in self.sites() {
            site.context().settle().await;
        }
        for site in self.sites() {
            site.flush().await;
        }
        self.recording.flush().await;
    }

    /// Ends what browsers follow for as long as it lasts, so that nothing else has to wait for it.
    pub fn end_streams(&self) {
        self.sites().iter().for_each(|site| site.end_streams());
    }

    /// Closes the databases. What was acknowledged is on the disk anyway; this leaves no
    /// write-ahead log behind.
    pub async fn close(&self) {
        self.files.close().await;
    }
}
