//! What a platform is made of, and why it could not be opened.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use ::authority::{DemoAccount, password::Turns};
use ::recording::{outcome_metrics::MAX_REMEMBERED, recorder::Recorder};
use database::{CannotOpen, Unavailable};
use handoff::{client::RefusedRegistration, policy::Policy};
use time::Duration;
use ui::shell::Assets;
use web::{clock::Clock, cookies::Prefix, limits::MAX_KEYS, rng::Randomness, site::SiteId};

use super::sweeper::Sweeper;
use crate::{config::origins::Origins, data::DataDirError, otlp::Endpoint};

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
    /// For how long a store counts as writable after it was written to, when the process is asked whether
    /// it is ready.
    pub ready_for: std::time::Duration,
    /// What the lab keeps.
    pub lab: ::lab::Bounds,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            limiter_keys: MAX_KEYS,
            remembered: MAX_REMEMBERED,
            ready_for: super::readiness::READY_FOR,
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
    /// How Harbor ID's database is opened, and how much may wait for its writer.
    pub authority_database: database::Settings,
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

/// Whether the authorization server's process makes the client secrets that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingSecrets {
    /// It makes them.
    Make,
    /// The operator must have put them there. A client of another process whose file is not there is not
    /// registered.
    Refuse,
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
