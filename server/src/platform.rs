//! A platform is a value: the sites of one set of origins, with their stores, clock, randomness and
//! policy. It owns its background tasks, and dropping it ends them.
//!
//! It holds the sites that it was told to, and no others: the rest may be another process's.

mod accounts;
mod clients;
mod stores;

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

pub use accounts::DEMO_ACCOUNTS;
use app::shell::Assets;
use authority::{
    Authority, DemoAccount,
    password::{Cost, Passwords},
};
pub use clients::{MissingSecrets, read as read_secret};
use database::{CannotOpen, Unavailable};
use handoff::{client::RefusedRegistration, policy::Policy, token::Secret};
use lab::{Lab, Recorded, collector::Collector, monitor::Monitor};
use relying_party::{Application, RelyingParty, identity::MAX_RECHECK};
pub use stores::Stores;
use time::Duration;
use tokio::task::JoinSet;
use web::{
    cookies::Prefix,
    outbox::Outbox,
    record::{Recorder, Recorders, Shown},
    seams::{Clock, Randomness, SystemClock, SystemRandomness},
};

use crate::{
    config::{self, Origins, SiteName},
    data::BadFolder,
    metrics::Metrics,
    otlp::{self, Endpoint},
    sites::{Directory, Mounted, Site},
};

/// How often what has expired is deleted. Nothing depends on it: every read checks the time.
const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// What a platform is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The sites that it holds.
    pub sites: BTreeSet<SiteName>,
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
    /// How many password comparisons run at once.
    pub hashing_at_once: usize,
    /// A sign-in ends after this long without use.
    pub idle: Duration,
    /// A sign-in ends after this long at the latest.
    pub absolute: Duration,
    /// How often an application asks Harbor ID about a session that is in use.
    pub recheck: Duration,
    /// The files with client secrets that lie elsewhere than in the data folder.
    pub secret_files: Vec<(Application, PathBuf)>,
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
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            sites: SiteName::ALL.into(),
            origins,
            assets,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandomness),
            policy: Policy::STRICT,
            cookie_prefix: Prefix::default(),
            recorder: Recorders::none(),
            demo_accounts: DEMO_ACCOUNTS.to_vec(),
            hashing_at_once: cores,
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
    Data(#[from] BadFolder),
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
    sites: Vec<Site>,
    files: stores::Files,
    metrics: Arc<Metrics>,
    recorder: Arc<dyn Recorder>,
    reporter: Option<Outbox>,
    exports: Option<Outbox>,
    /// Ended when the platform is dropped. They hold sites, never the platform, or it would never be.
    _tasks: JoinSet<()>,
}

impl Platform {
    /// Opens the stores, registers the built-in clients and accounts, and starts the sweeper.
    ///
    /// # Errors
    /// [`CannotStart`], which names the file at fault.
    pub async fn open(setup: Setup, stores: Stores) -> Result<Self, CannotStart> {
        let _turn = stores.turn().await?;
        let mut files = stores::Files::lock(&stores)?;
        // All of them before any database is made: a missing one must leave nothing behind.
        let mut secrets = Vec::new();
        for application in Application::ALL {
            if let Some(secret) = clients::secret(&setup, &stores, application)? {
                secrets.push((application, secret));
            }
        }

        let report_key = clients::report_key(&setup, &stores)?;

        let mut tasks = JoinSet::new();
        let metrics = Arc::new(Metrics::default());
        let mut recorders: Vec<Arc<dyn Recorder>> =
            vec![metrics.clone(), Arc::clone(&setup.recorder)];
        let exports = setup.otlp_endpoint.as_ref().map(|endpoint| {
            let (exports, sending) = otlp::exporter(endpoint);
            if let Some(sending) = sending {
                tasks.spawn(sending);
            }
            exports
        });
        if let Some(exports) = &exports {
            recorders.push(Arc::new(exports.clone()));
        }
        let (mut recorded, mut reports) = (None, None);
        match report_key {
            Some(key) if setup.sites.contains(&SiteName::Lab) => {
                let store = files.lab(&stores).await?;
                let clock = Arc::clone(&setup.clock);
                let (collector, keeping) = Collector::new(Arc::clone(&store), clock);
                tasks.spawn(keeping);
                let monitor = Arc::new(Monitor::new(Arc::clone(&setup.clock)));
                recorders.push(monitor.clone());
                recorders.push(Arc::new(collector.clone()));
                recorded = Some(Recorded {
                    store,
                    collector,
                    monitor,
                    report_key: key.digest(),
                });
            }
            Some(key) => {
                let ca = setup.authority_ca.as_deref();
                let (reporter, sending) = lab::reporter::reporter(&setup.origins.lab, key, ca);
                if let Some(sending) = sending {
                    tasks.spawn(sending);
                }
                recorders.push(Arc::new(reporter.clone()));
                reports = Some(reporter);
            }
            None => {}
        }
        let recorder: Arc<dyn Recorder> = Arc::new(Recorders(recorders));
        // Whatever the lab has of handoffs, here or in another process, can be looked at there.
        let shown: Option<Arc<dyn Shown>> = (recorded.is_some() || reports.is_some())
            .then(|| Arc::new(lab::shown::At(setup.origins.lab.clone())) as _);
        let mut sites = Vec::new();
        if setup.sites.contains(&SiteName::Authority) {
            let store = files.authority(&stores).await?;
            let random = Arc::clone(&setup.random);
            let passwords = Passwords::new(Cost::DEFAULT, setup.hashing_at_once, random)
                .map_err(|error| CannotStart::Other(error.to_string()))?;
            accounts::add(&setup, &*store, &passwords).await?;
            for (application, secret) in &secrets {
                let record = clients::record(&setup, *application, secret)?;
                store.install_client(&record).await?;
            }
            sites.push(Site::Authority(Authority::new(
                authority::Settings {
                    origin: setup.origins.authority.clone(),
                    name: "Harbor ID".to_owned(),
                    assets: setup.assets.clone(),
                    cookie_prefix: setup.cookie_prefix,
                    recorder: Arc::clone(&recorder),
                    shown: shown.clone(),
                    idle: setup.idle,
                    absolute: setup.absolute,
                    policy: setup.policy,
                    demo_accounts: setup.demo_accounts.clone(),
                },
                store,
                passwords,
                Arc::clone(&setup.clock),
                Arc::clone(&setup.random),
            )));
        }
        for (application, secret) in secrets {
            if !setup.sites.contains(&application.into()) {
                continue;
            }
            sites.push(Site::RelyingParty(RelyingParty::new(
                relying_party::Settings {
                    application,
                    client_id: clients::client_id(application)?,
                    client_secret: secret,
                    origin: setup.origins.of(application.into()).clone(),
                    issuer: setup.origins.authority.clone(),
                    authority_name: "Harbor ID".to_owned(),
                    authority_ca: setup.authority_ca.clone(),
                    assets: setup.assets.clone(),
                    cookie_prefix: setup.cookie_prefix,
                    recheck: setup.recheck,
                    recorder: Arc::clone(&recorder),
                    shown: shown.clone(),
                },
                files.application(&stores, application).await?,
                Arc::clone(&setup.clock),
                Arc::clone(&setup.random),
            )));
        }
        if let Some(recorded) = recorded {
            let beside = sites.iter().map(|site| site.context().origin.clone());
            let beside = beside.collect();
            sites.push(Site::Lab(Lab::new(
                lab::Settings {
                    origin: setup.origins.lab,
                    name: "Handoff Lab".to_owned(),
                    assets: setup.assets,
                    authority: setup.origins.authority,
                    notes: setup.origins.notes,
                    tasks: setup.origins.tasks,
                    beside,
                },
                recorded,
                setup.clock,
                setup.random,
            )));
        }

        metrics.refresh(&sites).await;
        tasks.spawn(sweep_for_ever(sites.clone(), Arc::clone(&metrics)));
        Ok(Self {
            sites,
            files,
            metrics,
            recorder,
            reporter: reports,
            exports,
            _tasks: tasks,
        })
    }

    /// Lets requests reach the sites, until the guard is dropped.
    #[must_use = "the sites are gone when the guard is dropped"]
    pub fn mount(&self, directory: &Directory) -> Mounted {
        directory.mount(self.sites.iter().cloned())
    }

    /// Whether every store answers.
    ///
    /// # Errors
    /// [`Unavailable`] from the first that does not.
    pub async fn ready(&self) -> Result<(), Unavailable> {
        for site in &self.sites {
            site.ping().await?;
        }
        Ok(())
    }

    /// Deletes at every site what has expired, as the platform does by itself once a minute.
    pub async fn sweep(&self) {
        sweep(&self.sites).await;
    }

    /// What was counted and measured, in Prometheus' text format.
    pub async fn metrics(&self) -> String {
        self.metrics.render(&self.sites, &*self.recorder).await
    }

    /// Who takes what its sites record.
    #[must_use]
    pub fn recorder(&self) -> &dyn Recorder {
        &*self.recorder
    }

    /// Waits until no request is under way at any site, and all that was recorded is kept, reported
    /// and exported, as far as others take it.
    pub async fn settle(&self) {
        for site in &self.sites {
            site.context().settle().await;
        }
        for lab in self.labs() {
            lab.settle().await;
        }
        if let Some(reporter) = &self.reporter {
            reporter.settle().await;
        }
        if let Some(exports) = &self.exports {
            exports.settle().await;
        }
    }

    /// Ends what browsers follow for as long as it lasts, so that nothing else has to wait for it.
    pub fn end_streams(&self) {
        self.labs().for_each(Lab::end_streams);
    }

    fn labs(&self) -> impl Iterator<Item = &Lab> {
        self.sites.iter().filter_map(|site| match site {
            Site::Lab(lab) => Some(lab),
            _ => None,
        })
    }

    /// Closes the databases. What was acknowledged is on the disk anyway; this leaves no
    /// write-ahead log behind.
    pub async fn close(&self) {
        self.files.close().await;
    }
}

async fn sweep_for_ever(sites: Vec<Site>, metrics: Arc<Metrics>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        sweep(&sites).await;
        metrics.refresh(&sites).await;
    }
}

async fn sweep(sites: &[Site]) {
    for site in sites {
        match site.sweep().await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "swept"),
            Err(error) => tracing::error!(%error, "sweeping failed"),
        }
    }
}
