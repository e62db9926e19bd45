//! A platform is a value: the sites of one set of origins, with their stores, clock, randomness and
//! policy. It owns its background tasks, and dropping it ends them.
//!
//! It holds the sites that it was told to, and no others: the rest may be another process's.

pub(crate) mod accounts;
pub(crate) mod clients;
pub(crate) mod opening;
mod readiness;
mod recording;
pub(crate) mod setup;
pub(crate) mod stores;
mod sweeper;

use std::sync::Arc;

use ::recording::recorder::{Recorder, Recorders};
pub use accounts::DEMO_ACCOUNTS;
pub use clients::read as read_secret;
use handoff::policy::Policy;
pub use opening::Opening;
pub use readiness::NotReady;
use readiness::Readiness;
use recording::Recording;
use relying_party::identity::MAX_RECHECK;
pub use setup::{Bounds, CannotStart, MissingSecrets, Setup, Shared};
use stores::Files;
pub use stores::Stores;
pub use sweeper::Sweeper;
use sweeper::Swept;
use tokio::task::JoinSet;
use ui::shell::Assets;
use web::{clock::SystemClock, cookies::Prefix, rng::SystemRandomness, site::Site};

use crate::{
    config::{self, origins::Origins},
    sites::{
        Directory, Mounted,
        table::{self, SITES},
    },
};

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
            authority_database: database::Settings::default(),
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

/// The sites of one set of origins.
#[derive(Debug)]
pub struct Platform {
    swept: Arc<Swept>,
    files: Files,
    recording: Recording,
    readiness: Readiness,
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
            readiness: Readiness::new(setup.bounds.ready_for),
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

    /// Whether every store can be written to. One look at a time, which is good for
    /// [`Bounds::ready_for`]: however often it is asked, the disk is not kept busy.
    ///
    /// # Errors
    /// [`NotReady`] from the first that cannot.
    pub async fn ready(&self) -> Result<(), NotReady> {
        self.readiness.check(self.sites()).await
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
