//! The relying party as a value.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use axum::http::Extensions;
use handoff::{
    flow,
    handoff::TARGETS_REMEMBERED,
    ids::ClientId,
    policy::Policy,
    token::{ClientSecret, Secret, State},
    uri::{LocalPath, Origin},
    wire::path,
};
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
    trace_id::TraceId,
};

use crate::{
    Application,
    authority_client::AuthorityClient,
    clock_offset::ClockOffset,
    limits::Limits,
    session,
    session::SESSION_COOKIE,
    store::{ItemStore, SignInStore, Store},
    target::{self, BadTarget},
};

/// What a relying party is set up with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which application it is.
    pub application: Application,
    /// The name under which it is registered at the authorization server.
    pub client_id: ClientId,
    /// How it proves there who it is.
    pub client_secret: ClientSecret,
    /// Where it lives.
    pub origin: Origin,
    /// The one authorization server that it listens to.
    pub issuer: Origin,
    /// The authorization server's name on pages.
    pub authority_name: String,
    /// The certificate authorities, as PEM, that vouch for the authorization server; without any, those
    /// of the machine do.
    pub authority_ca: Option<Vec<u8>>,
    /// The build's files.
    pub assets: Assets,
    /// Which defences hold.
    pub policy: Policy,
    /// What the names of its cookies begin with.
    pub cookie_prefix: Prefix,
    /// The authorization server is asked about a session in use once in this time;
    /// [`MAX_RECHECK`](crate::identity::MAX_RECHECK) at most.
    pub recheck: Duration,
    /// Who takes the steps that it records.
    pub recorder: Arc<dyn Recorder>,
    /// Where those can be looked at; none where no site shows them.
    pub flow_links: Option<Arc<dyn FlowLinks>>,
    /// How many keys each of its limits counts.
    pub max_keys: usize,
}

impl Settings {
    /// Its name on pages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.application.name()
    }

    /// The authorization server's page with a person's apps.
    pub(crate) fn authority_apps(&self) -> String {
        format!("{}/", self.issuer)
    }

    /// The redirect URI, as it is registered.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("{}{}", self.origin, path::CALLBACK)
    }
}

/// The relying party of one platform. Clones are the same site.
#[derive(Clone)]
pub struct RelyingParty(Arc<Parts>);

/// What handlers reach through [`RelyingParty`].
pub struct Parts {
    pub(crate) settings: Settings,
    pub(crate) store: Arc<dyn SignInStore>,
    pub(crate) items: Arc<dyn ItemStore>,
    pub(crate) sessions: Sessions,
    pub(crate) authority: AuthorityClient,
    pub(crate) context: Context,
    pub(crate) recording: Recording,
    pub(crate) limits: Limits,
    pub(crate) clock: ClockOffset,
    /// How many handoffs have begun: the state, where it need not be random.
    begun: AtomicU64,
}

impl RelyingParty {
    /// A relying party over this store.
    #[must_use]
    pub fn new(
        settings: Settings,
        store: Arc<dyn Store>,
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
        let authority = AuthorityClient::new(&settings);
        let limits = Limits::new(&clock, settings.max_keys, &settings.policy);
        let frame = Frame {
            places: Vec::new(),
            brand: Brand {
                name: settings.name().to_owned(),
                party: Party::RelyingParty(settings.application.icon()),
            },
            assets: settings.assets.clone(),
        };
        let context = Context::new(settings.origin.clone(), clock, random, frame)
            .with_policy(settings.policy)
            .with_cookie_prefix(settings.cookie_prefix);
        let recording = Recording {
            site: flow::Site::RelyingParty,
            client: Some(settings.client_id.clone()),
            recorder: Arc::clone(&settings.recorder),
            links: settings.flow_links.clone(),
        };
        Self(Arc::new(Parts {
            settings,
            items: store.clone(),
            store,
            sessions,
            authority,
            context,
            recording,
            limits,
            clock: ClockOffset::default(),
            begun: AtomicU64::new(0),
        }))
    }

    /// Which application it is.
    #[must_use]
    pub fn application(&self) -> Application {
        self.settings.application
    }

    /// A state for a new handoff (row 20).
    pub(crate) fn new_state(&self) -> State {
        let mut bytes: [u8; 32] = self.context.random.bytes();
        if !self.context.policy.random_state() {
            bytes = [0; 32];
            let number = self.begun.fetch_add(1, Ordering::Relaxed);
            bytes[24..].copy_from_slice(&number.to_be_bytes());
        }
        State::mint(bytes)
    }

    /// Reduces an address from outside to a path of ours (row 34). One of another site leads to the start
    /// page.
    ///
    /// # Errors
    /// [`BadTarget`] for an address that this site could have, but that is too long or cannot be read.
    /// Somebody wanted to go there, and is told.
    pub(crate) fn target(&self, wanted: Option<&str>) -> Result<LocalPath, BadTarget> {
        let Some(wanted) = wanted else {
            return Ok(LocalPath::root());
        };
        let own = &self.settings.origin;
        match LocalPath::target(wanted, own, &self.context.policy) {
            Some(target) => Ok(target),
            None if target::leads_elsewhere(wanted, own) => Ok(LocalPath::root()),
            None if wanted.len() > LocalPath::MAX_LENGTH => Err(BadTarget::TooLong),
            None => Err(BadTarget::Unreadable),
        }
    }
}

#[async_trait]
impl Site for RelyingParty {
    fn id(&self) -> SiteId {
        self.settings.application.site_id()
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

    /// The sessions that waited in vain for the answer to "Switch?" are revoked at the authorization
    /// server first.
    async fn sweep(&self) -> Result<u64, Failure> {
        let now = self.context.now();
        let trace = TraceId("sweep".into());
        for token in self.store.take_abandoned(now).await? {
            if let Some(token) = session::open_waiting(self, &token) {
                self.authority.logout_or_log(&token, &trace).await;
            }
        }
        Ok(self.store.sweep(now, TARGETS_REMEMBERED).await? + self.items.sweep_items(now).await?)
    }

    /// Itself.
    async fn clients(&self) -> Result<Vec<ClientId>, Failure> {
        Ok(vec![self.settings.client_id.clone()])
    }

    async fn count_sessions(&self) -> Result<Option<u64>, Failure> {
        Ok(Some(self.store.count_sessions(self.context.now()).await?))
    }

    fn clock_ahead(&self) -> Option<i64> {
        Some(self.clock.seconds())
    }

    fn refused_by_limits(&self) -> Vec<(&'static str, u64)> {
        self.limits.refused().into()
    }
}

impl Recorded for RelyingParty {
    fn recording(&self) -> &Recording {
        &self.recording
    }
}

impl Deref for RelyingParty {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl std::fmt::Debug for RelyingParty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RelyingParty({})", self.settings.origin)
    }
}
