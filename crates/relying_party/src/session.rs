//! What a session here is made of: a row in the store, the browser's record that names it, and an
//! access token at the authorization server. They begin together and end together.

use app::person::Person;
use axum::{http::HeaderValue, response::Response};
use handoff::{
    ids::SessionId,
    step::Step,
    token::{AccessToken, Secret, Unverified},
    uri::{LocalPath, Origin},
    wire::{UserInfo, VerifyResponse},
};
use time::OffsetDateTime;
use web::{context::TraceId, cookies::Cookies, problem::Problem, redirect, seal};

use crate::{
    RelyingParty,
    store::{Owner, Sealed, Session},
};

/// Keeps a sealed access token from being taken for something else.
const PURPOSE: &str = "access token";

/// The same for one that waits for the answer to "Switch?".
const WAITING: &str = "access token that waits";

/// Opens an access token that waits. It is sealed under the client's secret, not under a cookie: when
/// nobody answers, nobody brings a cookie, and it must still be revoked.
pub(crate) fn open_waiting(
    site: &RelyingParty,
    sealed: &Sealed,
) -> Option<Unverified<AccessToken>> {
    let text = seal::open(&sealed.0, site.settings.client_secret.expose(), WAITING).ok()?;
    Unverified::new(text).ok()
}

/// Opens an access token. Nothing comes out for another browser's cookie.
pub(crate) fn open(sealed: &Sealed, cookie: &str) -> Option<Unverified<AccessToken>> {
    let text = seal::open(&sealed.0, cookie, PURPOSE).ok()?;
    Unverified::new(text).ok()
}

/// The person of a session, for a page.
pub(crate) fn person(session: &Session) -> Person {
    Person {
        name: session.user.name.clone(),
        email: session.user.email.clone(),
    }
}

/// The session that a browser has: which one, and the cookie under which its secrets are sealed.
#[derive(Clone, Copy)]
pub(crate) struct Current<'a> {
    pub(crate) id: SessionId,
    pub(crate) cookie: &'a str,
}

/// A session that has not begun: its access token is not sealed yet, because the cookie that it
/// belongs to is not known.
pub(crate) struct Arrival {
    pub(crate) token: Unverified<AccessToken>,
    id: SessionId,
    issuer: Origin,
    user: UserInfo,
    expires_at: OffsetDateTime,
    /// When the authorization server said so. The question "Switch?" may take two minutes, in
    /// which much can end there; the first recheck counts from here.
    at: OffsetDateTime,
}

impl Arrival {
    /// What verify gave.
    pub(crate) fn of(accepted: VerifyResponse, issuer: &Origin, now: OffsetDateTime) -> Self {
        Self {
            token: accepted.access_token,
            id: accepted.session.id,
            issuer: issuer.clone(),
            user: accepted.user,
            expires_at: accepted.session.expires_at,
            at: now,
        }
    }

    /// What waited.
    pub(crate) fn waited(site: &RelyingParty, session: Session) -> Option<Self> {
        Some(Self {
            token: open_waiting(site, &session.access_token)?,
            id: session.id,
            issuer: session.issuer,
            user: session.user,
            expires_at: session.expires_at,
            at: session.checked_at,
        })
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner {
            issuer: self.issuer.clone(),
            user: self.user.id,
        }
    }

    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    /// As the store keeps it, for the browser that has this cookie.
    pub(crate) fn sealed(&self, site: &RelyingParty, cookie: &str) -> Session {
        self.under(site, cookie, PURPOSE)
    }

    /// As the store keeps it while it waits for the answer to "Switch?".
    pub(crate) fn waiting(&self, site: &RelyingParty) -> Session {
        self.under(site, site.settings.client_secret.expose(), WAITING)
    }

    fn under(&self, site: &RelyingParty, key: &str, purpose: &str) -> Session {
        let random = &*site.context.random;
        Session {
            id: self.id,
            issuer: self.issuer.clone(),
            user: self.user.clone(),
            access_token: Sealed(seal::seal(self.token.expose(), key, purpose, random)),
            created_at: site.context.now(),
            expires_at: self.expires_at,
            checked_at: self.at,
        }
    }
}

/// H6: begins a session under a new id (row 23), in the place of the one that this browser has, and
/// sends the browser to its target.
///
/// # Errors
/// [`Problem::unavailable`] when the store cannot be reached. Then no session has begun, and the
/// access token is revoked.
pub(crate) async fn begin(
    site: &RelyingParty,
    arrival: Arrival,
    replacing: Option<Current<'_>>,
    target: &LocalPath,
    cookies: &Cookies,
    trace: &TraceId,
) -> Result<Response, Problem> {
    let id = arrival.id;
    let set_cookie = match store(site, &arrival, replacing, cookies, trace).await {
        Ok(set_cookie) => set_cookie,
        Err(problem) => {
            // Nobody has the cookie that would open the row, if there is one.
            if let Err(error) = site.store.end_session(id).await {
                tracing::warn!(trace = %trace, session = %id, cause = %error, "session row left");
            }
            site.authority.logout_or_log(&arrival.token, trace).await;
            return Err(problem);
        }
    };
    let (step, client) = (Step::SessionCreated.as_str(), &site.settings.client_id);
    tracing::info!(trace = %trace, step, client = %client, session = %id, "handoff");
    Ok(redirect::with_cookie(redirect::to(target), set_cookie))
}

async fn store(
    site: &RelyingParty,
    arrival: &Arrival,
    replacing: Option<Current<'_>>,
    cookies: &Cookies,
    trace: &TraceId,
) -> Result<HeaderValue, Problem> {
    let record = site.sessions.mint();
    let new = arrival.sealed(site, &record.cookie_value());
    let (id, until) = (new.id, new.expires_at);
    let old = replacing.map(|current| current.id);
    let ended = site.store.begin_session(new, old).await;
    let ended = ended.map_err(Problem::unavailable)?;
    // Before anything else can fail: nobody gets these tokens a second time.
    if let Some(current) = replacing {
        revoke(site, &ended, current.cookie, trace).await;
    }
    site.sessions.end(cookies).await?;
    let begun = site.sessions.begin_with(record, id, until).await?;
    Ok(begun.set_cookie)
}

/// Ends a session, here and at the authorization server.
///
/// # Errors
/// [`Problem::unavailable`] when the store cannot be reached.
pub(crate) async fn end(
    site: &RelyingParty,
    current: Current<'_>,
    cookies: &Cookies,
    trace: &TraceId,
) -> Result<(), Problem> {
    let ended = site.store.end_session(current.id).await;
    let ended = ended.map_err(Problem::unavailable)?;
    revoke(site, &ended, current.cookie, trace).await;
    site.sessions.end(cookies).await
}

/// Revokes access tokens that nobody needs any more, as far as the authorization server can be
/// reached.
pub(crate) async fn revoke<'a>(
    site: &RelyingParty,
    tokens: impl IntoIterator<Item = &'a Sealed>,
    cookie: &str,
    trace: &TraceId,
) {
    for token in tokens {
        match open(token, cookie).or_else(|| open_waiting(site, token)) {
            Some(token) => site.authority.logout_or_log(&token, trace).await,
            None => tracing::warn!(trace = %trace, "an access token does not open"),
        }
    }
}
