//! What the process knows of a site, whatever the site is for: [`Site`] is the one trait, [`SiteId`]
//! the one name. The table of all sites is the process's; no site knows another by it.

use std::fmt;

use async_trait::async_trait;
use handoff::ids::ClientId;
use http::Extensions;

use crate::context::Context;

/// Which of a platform's sites one is: its name in settings, metrics and file names, such as
/// `authority` or `notes`. Lower-case letters; no two sites of a platform have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(&'static str);

impl SiteId {
    /// The id with this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Why a site could not do what it was asked, most often because its store cannot be reached. Only
/// the operator can act; the text is for the log.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One site of a platform, as the process knows it. The routes that lead to it are the same for all
/// platforms; a request carries the site and its [`Context`] in its extensions, where handlers find
/// both by [`At`](crate::at::At).
#[async_trait]
pub trait Site: Send + Sync + fmt::Debug {
    /// Which site it is.
    fn id(&self) -> SiteId;

    /// What comes with each request to it.
    fn context(&self) -> &Context;

    /// Puts itself where its handlers look for it.
    fn extend(&self, request: &mut Extensions);

    /// Puts there what this site has for requests to the platform's other sites. Nothing, as a rule.
    fn extend_others(&self, _request: &mut Extensions) {}

    /// Whether its store takes a write.
    ///
    /// # Errors
    /// [`Failure`] when it does not.
    async fn ping(&self) -> Result<(), Failure>;

    /// What must be done once a minute: deletes what has expired, and returns how many rows.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be reached.
    async fn sweep(&self) -> Result<u64, Failure>;

    /// The registered clients that it knows.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be reached.
    async fn clients(&self) -> Result<Vec<ClientId>, Failure> {
        Ok(Vec::new())
    }

    /// How many sessions are alive, at a site that has sessions.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be reached.
    async fn count_sessions(&self) -> Result<Option<u64>, Failure> {
        Ok(None)
    }

    /// How many seconds its clock is ahead of another site's that it compares it with, at a site that does.
    fn clock_ahead(&self) -> Option<i64> {
        None
    }

    /// How many requests each of its limits has refused since the start.
    fn refused_by_limits(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// How many passwords were entered since the start, by outcome, at a site with a sign-in page.
    fn sign_ins(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// How many alarms of each kind are raised now, at a site that has alarms.
    fn alarms(&self) -> Vec<(&'static str, usize)> {
        Vec::new()
    }

    /// Waits until everything that the platform recorded so far is kept, at a site that keeps it.
    async fn flush(&self) {}

    /// Ends the streams that browsers follow: they would outlast every other request.
    fn end_streams(&self) {}
}
