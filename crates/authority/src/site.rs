//! The authorization server as a value.

use std::{ops::Deref, sync::Arc};

use app::{
    error::{ErrorPage, ErrorText},
    shell::{Assets, Brand, Document, Party},
};
use database::Unavailable;
use handoff::{policy::Policy, uri::Origin};
use leptos::prelude::*;
use time::Duration;
use web::{
    context::{Context, Explanation},
    seams::{Clock, Randomness},
    session::Sessions,
};

use crate::{identity::SESSION_COOKIE, password::Passwords, store::Store};

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
    /// A sign-in ends after this long without use.
    pub idle: Duration,
    /// A sign-in ends after this long at the latest.
    pub absolute: Duration,
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
    pub(crate) passwords: Passwords,
    pub(crate) sessions: Sessions,
    pub(crate) context: Context,
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
        );
        let shell = Shell {
            name: settings.name.clone(),
            assets: settings.assets.clone(),
        };
        let context = Context::new(settings.origin.clone(), clock, random, move |problem| {
            shell.problem(problem).into_any()
        });
        Self(Arc::new(Parts {
            settings,
            store,
            passwords,
            sessions,
            context,
        }))
    }

    /// What comes with each request to this site.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Deletes what has expired; tells how many rows.
    ///
    /// # Errors
    /// [`Unavailable`] when the store cannot be reached.
    pub async fn sweep(&self) -> Result<u64, Unavailable> {
        self.store.sweep(self.context.now()).await
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        self.store.ping().await
    }

    /// What stands around this site's pages.
    pub(crate) fn shell(&self) -> Shell {
        Shell {
            name: self.settings.name.clone(),
            assets: self.settings.assets.clone(),
        }
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

/// The document around a page of this site.
#[derive(Clone)]
pub(crate) struct Shell {
    name: String,
    assets: Assets,
}

impl Shell {
    /// A whole document.
    pub(crate) fn page(
        self,
        title: impl Into<String>,
        content: impl IntoView + 'static,
    ) -> impl IntoView {
        let brand = Brand {
            name: self.name,
            party: Party::Authority,
        };
        view! { <Document brand title=title.into() assets=self.assets>{content.into_any()}</Document> }
    }

    fn problem(&self, problem: Explanation) -> impl IntoView + use<> {
        let Explanation { title, text, trace } = problem;
        let action = Some(("/".to_owned(), format!("Go to {}", self.name)));
        let model = ErrorText {
            title: title.clone(),
            text,
            action,
            trace,
        };
        self.clone().page(title, view! { <ErrorPage model /> })
    }
}
