//! The authorization server as a value.

use std::{ops::Deref, sync::Arc};

use async_trait::async_trait;
use handoff::{
    flow,
    ids::ClientId,
    policy::Policy,
    token::{PreSession, Secret},
    uri::Origin,
};
use http::Extensions;
use recording::{
    recorder::Recorder,
    site::{FlowLinks, Recorded, Recording},
};
use time::Duration;
use ui::shell::{Assets, Brand, Frame, Party};
use web::{
    clock::Clock,
    context::Context,
    cookies::Prefix,
    rng::Randomness,
    session::Sessions,
    site::{Failure, Site, SiteId},
};

use crate::{
    identity::SESSION_COOKIE, known_clients::KnownClients, limits::Limits, login::Outcomes,
    password::Passwords, store::Store,
};

/// Its name in a platform's table of sites.
pub const ID: SiteId = SiteId::new("authority");

/// An account that the sign-in page offers.
#[derive(Clone, Debug)]
pub struct DemoAccount {
    /// Its short name in the address.
    pub key: &'static str,
    /// The full name.
    pub name: &'static str,
    /// The part that this person plays in the story.
    pub role: &'static str,
    /// The address to sign in with.
    pub email: &'static str,
    /// The password, which is no secret.
    pub password: &'static str,
}

/// What an authorization server is set up with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it lives; also its issuer.
    pub origin: Origin,
    /// Its name on pages.
    pub name: String,
    /// The build's files.
    pub assets: Assets,
    /// What the names of its cookies begin with.
    pub cookie_prefix: Prefix,
    /// Who takes the steps that it records.
    pub recorder: Arc<dyn Recorder>,
    /// Where those can be looked at; none where no site shows them.
    pub flow_links: Option<Arc<dyn FlowLinks>>,
    /// How many keys each of its limits counts.
    pub max_keys: usize,
    /// A sign-in ends after this long without use.
    pub idle: Duration,
    /// A sign-in ends after this long at the latest.
    pub absolute: Duration,
    /// How long an application may take to notice that a session has ended.
    pub recheck: Duration,
    /// Which defences hold.
    pub policy: Policy,
    /// The accounts that the sign-in page offers; none outside demonstrations.
    pub demo_accounts: Vec<DemoAccount>,
}

/// The authorization server of one platform. Clones are the same server.
#[derive(Clone)]
pub struct Authority(Arc<Parts>);

/// What handlers reach through [`Authority`].
pub struct Parts {
    pub(crate) settings: Settings,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clients: KnownClients,
    pub(crate) passwords: Passwords,
    pub(crate) sessions: Sessions,
    pub(crate) context: Context,
    pub(crate) recording: Recording,
    pub(crate) limits: Limits,
    pub(crate) sign_ins: Outcomes,
    /// Seals what only the pages of this process read again.
    pub(crate) note_key: String,
}

impl Authority {
    /// An authorization server over this store.
    #[must_use]
    pub fn new(
        settings: Settings,
        store: Arc<dyn Store>,
        passwords: Passwords,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
    ) -> Self {
        let records: Arc<dyn web::session::Records> = store.clone();
        let sessions = Sessions::new(
            SESSION_COOKIE,
            records,
            Arc::clone(&clock),
            Arc::clone(&random),
        )
        .with_policy(settings.policy);
        let limits = Limits::new(&clock, settings.max_keys, &settings.policy);
        let note_key = PreSession::mint(random.bytes()).expose().to_string();
        let brand = Brand {
            name: settings.name.clone(),
            party: Party::Authority,
        };
        let frame = Frame {
            places: Vec::new(),
            brand,
            assets: settings.assets.clone(),
        };
        let context = Context::new(settings.origin.clone(), clock, random, frame)
            .with_policy(settings.policy)
            .with_cookie_prefix(settings.cookie_prefix);
        let recording = Recording {
            site: flow::Site::Authority,
            client: None,
            recorder: Arc::clone(&settings.recorder),
            links: settings.flow_links.clone(),
        };
        Self(Arc::new(Parts {
            settings,
            store,
            clients: KnownClients::default(),
            passwords,
            sessions,
            context,
            recording,
            limits,
            sign_ins: Outcomes::default(),
            note_key,
        }))
    }

    /// How many passwords were compared since the start.
    #[must_use]
    pub fn passwords_compared(&self) -> u64 {
        self.passwords.compared()
    }
}

#[async_trait]
impl Site for Authority {
    fn id(&self) -> SiteId {
        ID
    }

    fn context(&self) -> &Context {
        &self.context
    }

    fn extend(&self, request: &mut Extensions) {
        request.insert(self.clone());
    }

    async fn ping(&self) -> Result<(), Failure> {
        Ok(self.store.ping().await?)
    }

    async fn sweep(&self) -> Result<u64, Failure> {
        Ok(self.store.sweep(self.context.now()).await?)
    }

    async fn clients(&self) -> Result<Vec<ClientId>, Failure> {
        let clients = self.store.list_clients().await?;
        Ok(clients.into_iter().map(|client| client.id).collect())
    }

    /// The people who are signed in.
    async fn count_sessions(&self) -> Result<Option<u64>, Failure> {
        Ok(Some(self.store.count_sign_ins(self.context.now()).await?))
    }

    fn refused_by_limits(&self) -> Vec<(&'static str, u64)> {
        self.limits.refused().into()
    }

    fn sign_ins(&self) -> Vec<(&'static str, u64)> {
        self.sign_ins.counted().into()
    }
}

impl Recorded for Authority {
    fn recording(&self) -> &Recording {
        &self.recording
    }
}

impl Deref for Authority {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({})", self.settings.origin)
    }
}
