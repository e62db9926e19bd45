//! Who is asking: an extractor, and no other way.
//!
//! A session here hangs on one at the authorization server, so while it is in use we ask there
//! whether it is still alive, once in each `Settings::recheck`. Only a clear no ends the session here.
//! An authorization server that is away signs nobody out: its outage would empty every application,
//! and no session outlives verify's `expiresAt` in any case.

use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Response},
};
use handoff::{
    ids::SessionId,
    token::{AccessToken, Unverified},
};
use time::Duration;
use ui::components::field::FormKey;
use web::{
    at::At, cookies::Cookies, csrf, error_page::ErrorPage, form::CsrfCookie, page::Page,
    trace_id::TraceId,
};

use crate::{
    RelyingParty,
    authority_client::SessionCheck,
    session::{self, SESSION_COOKIE},
    signed_out,
    store::{Owner, Session},
    target,
};

/// The longest time that a session is served before the authorization server is asked about it again
/// (row 56), and the default. A setting may make it shorter.
pub const MAX_RECHECK: Duration = Duration::seconds(30);

/// The forms of people who are signed in.
#[derive(Debug)]
pub struct SignedInForms;

impl CsrfCookie for SignedInForms {
    const NAMES: &'static [&'static str] = &[SESSION_COOKIE];
}

/// Those of them that bring a text of the person's own.
#[derive(Debug)]
pub struct SignedInTexts;

impl CsrfCookie for SignedInTexts {
    const NAMES: &'static [&'static str] = SignedInForms::NAMES;
    const FREE_TEXT: bool = true;
}

/// A person who is signed in here.
#[derive(Clone)]
pub struct SignedIn {
    session: Session,
    cookie: String,
}

impl SignedIn {
    /// The browser's session, as the store has it. The authorization server is not asked.
    ///
    /// # Errors
    /// [`ErrorPage::unavailable`] when the store cannot be reached.
    pub(crate) async fn recognise(
        site: &RelyingParty,
        cookies: &Cookies,
    ) -> Result<Option<Self>, ErrorPage> {
        let Some(cookie) = cookies.get(SESSION_COOKIE) else {
            return Ok(None);
        };
        let Some(id) = site.sessions.load::<SessionId>(cookies).await? else {
            return Ok(None);
        };
        let now = site.context.now();
        let found = site.store.find_session(id, now).await;
        let found = found.map_err(ErrorPage::unavailable)?;
        Ok(found
            // A site that is pointed at another authorization server starts anew.
            .filter(|session| session.issuer == site.settings.issuer)
            .map(|session| Self {
                session,
                cookie: cookie.to_owned(),
            }))
    }

    /// The browser's session, if the authorization server has nothing against it.
    ///
    /// # Errors
    /// [`ErrorPage::unavailable`] when the store cannot be reached.
    pub(crate) async fn current(
        site: &RelyingParty,
        cookies: &Cookies,
        trace: &TraceId,
    ) -> Result<Option<Self>, ErrorPage> {
        let Some(signed_in) = Self::recognise(site, cookies).await? else {
            return Ok(None);
        };
        let now = site.context.now();
        let since = now - signed_in.session.checked_at;
        // Never, if the clock was put back: then the last check says nothing.
        if (Duration::ZERO..site.settings.recheck).contains(&since) {
            return Ok(Some(signed_in));
        }
        signed_in.recheck(site, cookies, trace).await
    }

    async fn recheck(
        self,
        site: &RelyingParty,
        cookies: &Cookies,
        trace: &TraceId,
    ) -> Result<Option<Self>, ErrorPage> {
        let (id, now) = (self.session.id, site.context.now());
        let turn = site
            .store
            .mark_checked(id, now, site.settings.recheck)
            .await;
        if !turn.map_err(ErrorPage::unavailable)? {
            // Somebody else asks at this moment, or the session has just ended.
            return Self::recognise(site, cookies).await;
        }
        let check = match self.access_token() {
            Some(token) => site.authority.session(&token, trace).await,
            None => SessionCheck::Ended,
        };
        let reason = match check {
            SessionCheck::Alive(answer)
                if answer.session.id == id && answer.user.id == self.session.user.id =>
            {
                return Ok(Some(self));
            }
            SessionCheck::Unreachable => return Ok(Some(self)),
            SessionCheck::Alive(_) => "answer_about_another_session",
            SessionCheck::Ended => "ended_at_authority",
        };
        tracing::info!(trace = %trace, session = %id, reason, "session ended");
        session::end(site, id, cookies, trace).await?;
        Ok(None)
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Whose notes these are.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.session.owner()
    }

    /// The person, for a page.
    #[must_use]
    pub fn person(&self) -> ui::person::Person {
        session::person(&self.session)
    }

    /// Where the handoff that gave this session can be looked at.
    #[must_use]
    pub(crate) fn arrival(&self, site: &RelyingParty) -> Option<String> {
        let links = site.recording.links.as_ref()?;
        Some(links.of_session(self.session.id))
    }

    /// What ties a form to this person's page.
    #[must_use]
    pub(crate) fn csrf(&self, site: &RelyingParty) -> FormKey {
        let Owner { issuer, user } = self.owner();
        let person = format!("{issuer} {user}");
        csrf::key(&self.cookie, &person, &*site.context.random)
    }

    fn access_token(&self) -> Option<Unverified<AccessToken>> {
        session::open(&self.session.access_token, &self.cookie)
    }
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignedIn({})", self.session.id)
    }
}

/// Nobody is signed in, or we cannot tell.
#[derive(Debug)]
pub enum NotSignedIn {
    /// There is no session, or it has ended: the page that leads to the sign-in.
    Nobody(Box<Response>),
    /// The store cannot be reached.
    ErrorPage(ErrorPage),
}

impl From<ErrorPage> for NotSignedIn {
    fn from(problem: ErrorPage) -> Self {
        Self::ErrorPage(problem)
    }
}

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> Response {
        match self {
            Self::Nobody(answer) => *answer,
            Self::ErrorPage(problem) => problem.into_response(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, NotSignedIn> {
        let MaybeSignedIn(signed_in) = MaybeSignedIn::from_request_parts(parts, state).await?;
        if let Some(signed_in) = signed_in {
            return Ok(signed_in);
        }
        let At(site) = At::<RelyingParty>::from_request_parts(parts, state).await?;
        let answer = if parts.method.is_safe() {
            let (wanted, page) = (target::wanted(&parts.uri), Page::of(&parts.extensions));
            signed_out::show(&site, &wanted, false, page)
        } else {
            let problem = ErrorPage::signed_out();
            let way_on = (target::address("/"), target::label(&site));
            problem.leading_to(way_on.0, way_on.1).into_response()
        };
        Err(NotSignedIn::Nobody(Box::new(answer)))
    }
}

/// Who is asking, if anybody is signed in.
#[derive(Clone, Debug)]
pub struct MaybeSignedIn(pub Option<SignedIn>);

impl<S: Send + Sync> FromRequestParts<S> for MaybeSignedIn {
    type Rejection = ErrorPage;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ErrorPage> {
        let At(site) = At::<RelyingParty>::from_request_parts(parts, state).await?;
        let trace = TraceId::from_request_parts(parts, state).await;
        let trace = trace.unwrap_or_else(|never| match never {});
        let cookies = Cookies::of(&parts.headers);
        Ok(Self(SignedIn::current(&site, &cookies, &trace).await?))
    }
}
