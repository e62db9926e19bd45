//! A platform is a value: the sites of one set of origins, with their stores, clock, randomness and
//! policy. It owns its background tasks, and dropping it ends them.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::ErrorKind,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use app::shell::Assets;
use authority::{
    Authority, DemoAccount,
    password::{Cost, Passwords},
    people::Email,
    store::{NewUser, Store as AuthorityStore},
};
use database::{CannotOpen, Unavailable};
use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Kind, RefusedRegistration, Registration},
    ids::{ClientId, UserId},
    policy::Policy,
    token::{ClientSecret, Secret},
    wire::path,
};
use lab::Lab;
use relying_party::{Application, RelyingParty, store::Store as RelyingPartyStore};
use tokio::task::JoinSet;
use web::{
    cookies::Prefix,
    seams::{Clock, Randomness, SystemClock, SystemRandomness},
};

use crate::{
    config::{self, Origins},
    data::{AUTHORITY, BadFolder, PreparedSecret, Turn, secret_file},
    sites::{Directory, Mounted, Site},
};

/// The people of the demonstration. Their password is on the sign-in page.
pub const DEMO_ACCOUNTS: [DemoAccount; 3] = [
    DemoAccount {
        key: "alice",
        name: "Alice Moreau",
        role: "signs in and opens her notes",
        email: "alice@harbor.example",
        password: "handoff-demo",
    },
    DemoAccount {
        key: "bob",
        name: "Bob Okafor",
        role: "shares a computer with Alice",
        email: "bob@harbor.example",
        password: "handoff-demo",
    },
    DemoAccount {
        key: "mallory",
        name: "Mallory Quist",
        role: "has an account of her own, and bad intentions",
        email: "mallory@harbor.example",
        password: "handoff-demo",
    },
];

/// How often what has expired is deleted. Nothing depends on it: every read checks the time.
const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// What a platform is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where its sites live.
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
    /// The accounts that are made at the start and offered on the sign-in page.
    pub demo_accounts: Vec<DemoAccount>,
    /// How many password comparisons run at once.
    pub hashing_at_once: usize,
}

impl Setup {
    /// The demonstration: every defence, the machine's clock, accounts that everybody knows.
    #[must_use]
    pub fn demo(origins: Origins, assets: Assets) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            origins,
            assets,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandomness),
            policy: Policy::STRICT,
            cookie_prefix: Prefix::default(),
            demo_accounts: DEMO_ACCOUNTS.to_vec(),
            hashing_at_once: cores,
        }
    }
}

/// Where a platform keeps what it must not forget.
#[derive(Clone, Debug)]
pub enum Stores {
    /// In files of this folder, one database a site.
    InFolder(PathBuf),
    /// In plain memory: gone with the platform.
    InMemory,
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
    authority: Authority,
    applications: Vec<RelyingParty>,
    lab: Lab,
    files: Files,
    /// Ended when the platform is dropped. They hold sites, never the platform, or it would never be.
    _tasks: JoinSet<()>,
}

/// The databases of a durable platform.
#[derive(Debug, Default)]
struct Files {
    /// Held for the platform's life.
    lock: Option<File>,
    authority: Option<authority::store::Sqlite>,
    applications: Vec<relying_party::store::Sqlite>,
}

impl Platform {
    /// Opens the stores, registers the built-in clients and accounts, and starts the sweeper.
    ///
    /// # Errors
    /// [`CannotStart`], which names the file at fault.
    pub async fn open(setup: Setup, stores: Stores) -> Result<Self, CannotStart> {
        let random = &setup.random;
        let mut files = Files::default();
        let authority_store: Arc<dyn AuthorityStore>;
        let _turn;
        match &stores {
            Stores::InFolder(folder) => {
                _turn = Turn::take(folder).await?;
                files.lock = Some(lock(folder)?);
                let store = authority::store::Sqlite::open(&folder.join(AUTHORITY)).await?;
                files.authority = Some(store.clone());
                authority_store = Arc::new(store);
            }
            Stores::InMemory => authority_store = Arc::new(authority::store::Memory::default()),
        }

        let passwords = Passwords::new(Cost::DEFAULT, setup.hashing_at_once, Arc::clone(random))
            .map_err(|error| CannotStart::Other(error.to_string()))?;
        add_accounts(&setup, &*authority_store, &passwords).await?;
        let mut applications = Vec::new();
        for application in Application::ALL {
            let (store, secret) =
                open_application(application, &stores, random, &mut files).await?;
            let client = built_in_client(application, &setup.origins, &secret)?;
            authority_store.install_client(&client).await?;
            applications.push(RelyingParty::new(
                relying_party::Settings {
                    application,
                    client_id: client.id,
                    client_secret: secret,
                    origin: setup.origins.of(application).clone(),
                    issuer: setup.origins.authority.clone(),
                    authority_name: "Harbor ID".to_owned(),
                    assets: setup.assets.clone(),
                    cookie_prefix: setup.cookie_prefix,
                },
                store,
                Arc::clone(&setup.clock),
                Arc::clone(random),
            ));
        }

        let authority = Authority::new(
            authority::Settings {
                origin: setup.origins.authority.clone(),
                name: "Harbor ID".to_owned(),
                assets: setup.assets.clone(),
                cookie_prefix: setup.cookie_prefix,
                idle: config::IDLE,
                absolute: config::ABSOLUTE,
                policy: setup.policy,
                demo_accounts: setup.demo_accounts.clone(),
            },
            authority_store,
            passwords,
            Arc::clone(&setup.clock),
            Arc::clone(random),
        );
        let lab = Lab::new(
            lab::Settings {
                origin: setup.origins.lab.clone(),
                name: "Handoff Lab".to_owned(),
                assets: setup.assets,
                authority: setup.origins.authority,
                notes: setup.origins.notes,
            },
            Arc::clone(&setup.clock),
            Arc::clone(random),
        );

        let mut tasks = JoinSet::new();
        tasks.spawn(sweep_for_ever(authority.clone(), applications.clone()));
        Ok(Self {
            authority,
            applications,
            lab,
            files,
            _tasks: tasks,
        })
    }

    /// Lets requests reach the sites, until the guard is dropped.
    #[must_use = "the sites are gone when the guard is dropped"]
    pub fn mount(&self, directory: &Directory) -> Mounted {
        let applications = self.applications.iter().cloned().map(Site::RelyingParty);
        directory.mount(applications.chain([
            Site::Authority(self.authority.clone()),
            Site::Lab(self.lab.clone()),
        ]))
    }

    /// Whether every store answers.
    ///
    /// # Errors
    /// [`Unavailable`] from the first that does not.
    pub async fn ready(&self) -> Result<(), Unavailable> {
        self.authority.ping().await?;
        for site in &self.applications {
            site.ping().await?;
        }
        Ok(())
    }

    /// Deletes at every site what has expired, as the platform does by itself once a minute.
    pub async fn sweep(&self) {
        sweep(&self.authority, &self.applications).await;
    }

    /// Waits until no request is under way at any site.
    pub async fn settle(&self) {
        self.authority.context().settle().await;
        for site in &self.applications {
            site.context().settle().await;
        }
        self.lab.context().settle().await;
    }

    /// Closes the databases. What was acknowledged is on the disk anyway; this leaves no
    /// write-ahead log behind.
    pub async fn close(&self) {
        if let Some(store) = &self.files.authority {
            store.close().await;
        }
        for store in &self.files.applications {
            store.close().await;
        }
    }
}

async fn sweep_for_ever(authority: Authority, applications: Vec<RelyingParty>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        sweep(&authority, &applications).await;
    }
}

async fn sweep(authority: &Authority, applications: &[RelyingParty]) {
    let mut swept = vec![authority.sweep().await];
    for site in applications {
        swept.push(site.sweep().await);
    }
    for swept in swept {
        match swept {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "swept"),
            Err(error) => tracing::error!(%error, "sweeping failed"),
        }
    }
}

async fn add_accounts(
    setup: &Setup,
    store: &dyn AuthorityStore,
    passwords: &Passwords,
) -> Result<(), CannotStart> {
    for account in &setup.demo_accounts {
        let email = Email::parse(account.email)
            .ok_or_else(|| CannotStart::Other(format!("{} is no address", account.email)))?;
        if store.find_account(&email).await?.is_some() {
            continue;
        }
        let hashed = passwords.hash(account.password).await;
        let new = NewUser {
            id: UserId::mint(setup.random.bytes()),
            email,
            name: account.name.to_owned(),
            password_hash: hashed.map_err(|error| CannotStart::Other(error.to_string()))?,
        };
        store.add_user(new, setup.clock.now()).await?;
    }
    Ok(())
}

/// The store and the secret of an application. Each has its own.
async fn open_application(
    application: Application,
    stores: &Stores,
    random: &Arc<dyn Randomness>,
    files: &mut Files,
) -> Result<(Arc<dyn RelyingPartyStore>, ClientSecret), CannotStart> {
    let id = application.id();
    Ok(match stores {
        Stores::InFolder(folder) => {
            let secret = client_secret(&secret_file(folder, id), &**random)?;
            let file = folder.join(format!("{id}.db"));
            let store = relying_party::store::Sqlite::open(&file).await?;
            files.applications.push(store.clone());
            (Arc::new(store), secret)
        }
        Stores::InMemory => (
            Arc::new(relying_party::store::Memory::default()),
            ClientSecret::mint(random.bytes()),
        ),
    })
}

fn built_in_client(
    application: Application,
    origins: &Origins,
    secret: &ClientSecret,
) -> Result<Client, CannotStart> {
    let id = ClientId::parse(application.id());
    let id = id.map_err(|error| CannotStart::Other(error.to_string()))?;
    let origin = origins.of(application);
    let at = |path: &str| format!("{}{path}", origin.as_str());
    Ok(Client::register(Registration {
        id,
        name: application.name(),
        description: application.purpose(),
        kind: Kind::Confidential {
            secret: secret.digest(),
        },
        origin: origin.as_str(),
        redirect_uris: &[&at(path::CALLBACK)],
        initiate_login_uri: &at(path::START),
        handoff_lifetime: HandoffLifetime::default(),
        assigned_to: AssignedTo::Everyone,
    })?)
}

/// Keeps a second process out of the folder: each would register its own addresses over the other's.
fn lock(folder: &Path) -> Result<File, CannotStart> {
    let path = folder.join("lock");
    let fail = |why: String| CannotStart::Folder {
        path: folder.to_owned(),
        why,
    };
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    let file = file.map_err(|error| fail(error.to_string()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(fail("another handoff-lab uses it".to_owned())),
        Err(TryLockError::Error(error)) => Err(fail(error.to_string())),
    }
}

/// Reads a client's secret, making it at the first start. Nobody but the owner may read the file: one
/// that others can read is refused, because it may have been read.
fn client_secret(file: &Path, random: &dyn Randomness) -> Result<ClientSecret, CannotStart> {
    let fail = |why: String| CannotStart::Secret {
        path: file.to_owned(),
        why,
    };
    let failed = |error: std::io::Error| fail(error.to_string());
    let metadata = match std::fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let secret = ClientSecret::mint(random.bytes());
            PreparedSecret::write(file, &secret, None)
                .and_then(PreparedSecret::put_in_place)
                .map_err(failed)?;
            return Ok(secret);
        }
        Err(error) => return Err(failed(error)),
    };
    if metadata.mode() & 0o077 != 0 {
        let why = "others can read it; `chmod 600` it, or delete it and a new one is made";
        return Err(fail(why.to_owned()));
    }
    let text = std::fs::read_to_string(file).map_err(failed)?;
    ClientSecret::parse(text.trim())
        .map_err(|_| fail("it holds no secret; delete it and a new one is made".to_owned()))
}
