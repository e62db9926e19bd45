//! What a session here is made of: a row in the store, the browser's record that names it, and an
//! access token at the authorization server. They begin together and end together.

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};
use handoff::{
    ids::SessionId,
    step::Step,
    token::{AccessToken, Digest, PreSession, Secret, Unverified},
    uri::{LocalPath, Origin},
    wire::{UserInfo, VerifyResponse},
};
use recording::flow_recorder::FlowRecorder;
use time::{Duration, OffsetDateTime};
use ui::person::Person;
use web::{
    cookies::{self, Cookies},
    error_page::ErrorPage,
    redirect, seal,
    trace_id::TraceId,
};

use crate::{
    RelyingParty,
    start::{self, PRE_COOKIE},
    store::{Beginning, Ended, Owner, Sealed, Session, Source},
};

/// The cookie of a browser that is signed in.
pub(crate) const SESSION_COOKIE: &str = "__Host-rp_session";

/// Keeps a sealed access token from being taken for something else.
const PURPOSE: &str = "access token";

/// The same for one that waits for the answer to "Switch?".
const WAITING: &str = "access token that waits";

/// The same for the copy that another handoff of the same browser may open.
const SPARE: &str = "access token for the pre-session";

/// Opens an access token that waits. It is sealed under the client's secret, not under a cookie: when
/// nobody answers, nobody brings a cookie, and it must still be revoked.
pub(crate) fn open_waiting(
    site: &RelyingParty,
    sealed: &Sealed,
) -> Option<Unverified<AccessToken>> {
    let text = seal::open(
        &sealed.0,
        site.settings.client_secret.expose().as_ref(),
        WAITING,
    )
    .ok()?;
    Unverified::new(text).ok()
}

/// Opens an access token. Nothing comes out for another browser's cookie.
pub(crate) fn open(sealed: &Sealed, cookie: &str) -> Option<Unverified<AccessToken>> {
    let text = seal::open(&sealed.0, cookie, PURPOSE).ok()?;
    Unverified::new(text).ok()
}

fn open_spare(sealed: &Sealed, pre: &PreSession) -> Option<Unverified<AccessToken>> {
    let text = seal::open(&sealed.0, pre.expose().as_ref(), SPARE).ok()?;
    Unverified::new(text).ok()
}

/// The person of a session, for a page.
pub(crate) fn person(session: &Session) -> Person {
    Person {
        name: session.user.name.clone(),
        email: session.user.email.clone(),
    }
}

/// No sign-in lasts longer than this, so no answer makes a session do.
const MAX_LIFETIME: Duration = Duration::days(30);

/// How long a session lasts that verify gave, in the seconds that it said. They are counted by this site's
/// clock: the instant at which the session ends is told by the other one's, which may be wrong, or this one.
pub(crate) fn lifetime(expires_in: i64) -> Duration {
    Duration::seconds(expires_in.clamp(0, MAX_LIFETIME.whole_seconds()))
}

/// A session that has not begun: its access token is not sealed yet, because the cookie that it
/// belongs to is not known.
pub(crate) struct Arrival {
    pub(crate) token: Unverified<AccessToken>,
    id: SessionId,
    issuer: Origin,
    user: UserInfo,
    browser: Digest<PreSession>,
    expires_at: OffsetDateTime,
    /// When the authorization server said so. The question "Switch?" may take two minutes, in
    /// which much can end there; the first recheck counts from here.
    at: OffsetDateTime,
}

impl Arrival {
    /// What verify gave.
    pub(crate) fn of(
        accepted: VerifyResponse,
        issuer: &Origin,
        browser: Digest<PreSession>,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            token: accepted.access_token,
            id: accepted.session.id,
            issuer: issuer.clone(),
            user: accepted.user,
            browser,
            expires_at: now + lifetime(accepted.expires_in),
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
            browser: session.browser,
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

    /// As the store keeps it, for the browser that has this cookie, and this pre-session if it still
    /// has the one that the session is born of.
    fn sealed(&self, site: &RelyingParty, cookie: &str, pre: Option<&PreSession>) -> Session {
        let pre = pre.filter(|pre| pre.digest() == self.browser);
        let spare = pre.map(|pre| self.seal(site, pre.expose().as_ref(), SPARE));
        Session {
            spare,
            ..self.under(site, cookie, PURPOSE)
        }
    }

    /// As the store keeps it while it waits for the answer to "Switch?".
    pub(crate) fn waiting(&self, site: &RelyingParty) -> Session {
        self.under(site, site.settings.client_secret.expose().as_ref(), WAITING)
    }

    fn under(&self, site: &RelyingParty, key: &str, purpose: &str) -> Session {
        Session {
            id: self.id,
            issuer: self.issuer.clone(),
            user: self.user.clone(),
            access_token: self.seal(site, key, purpose),
            browser: self.browser,
            spare: None,
            created_at: site.context.now(),
            expires_at: self.expires_at,
            checked_at: self.at,
        }
    }

    fn seal(&self, site: &RelyingParty, key: &str, purpose: &str) -> Sealed {
        let random = &*site.context.random;
        Sealed(seal::seal(
            self.token.expose().as_ref(),
            key,
            purpose,
            random,
        ))
    }
}

/// What a browser brings that opens what was sealed for it.
#[derive(Clone, Copy)]
pub(crate) struct Keys<'a> {
    /// The value of its session's cookie, where it has a session.
    pub(crate) cookie: Option<&'a str>,
    /// Its pre-session.
    pub(crate) pre: Option<&'a PreSession>,
}

/// What came of a session that was to begin. In each case but the first nothing has changed, and the
/// access token still lives.
pub(crate) enum Outcome {
    /// It has begun, and this takes the browser to its target.
    Begun(Response),
    /// See [`Beginning::TooLate`].
    TooLate,
    /// See [`Beginning::SomebodyElse`].
    SomebodyElse(SessionId),
}

/// H6: begins a session under a new id (row 23), in the place of the one that this browser has, and
/// sends the browser to its target.
///
/// # Errors
/// [`ErrorPage::unavailable`] when the store cannot be reached. Then no session has begun, and the
/// access token is revoked.
pub(crate) async fn begin(
    site: &RelyingParty,
    arrival: &Arrival,
    source: Source,
    target: &LocalPath,
    cookies: &Cookies,
    flow: &FlowRecorder,
) -> Result<Outcome, ErrorPage> {
    let (id, trace) = (arrival.id, flow.trace());
    let outcome = match store(site, arrival, source, target, cookies, trace).await {
        Ok(outcome) => outcome,
        Err(problem) => {
            // Nobody has the cookie that would open the row, if there is one.
            if let Err(error) = site.store.end_session(id).await {
                tracing::warn!(trace = %trace, session = %id, cause = %error, "session row left");
            }
            site.authority.logout_or_log(&arrival.token, trace).await;
            return Err(problem);
        }
    };
    if let Outcome::Begun(_) = outcome {
        flow.session(id);
        flow.step(Step::SessionCreated);
    }
    Ok(outcome)
}

async fn store(
    site: &RelyingParty,
    arrival: &Arrival,
    source: Source,
    target: &LocalPath,
    cookies: &Cookies,
    trace: &TraceId,
) -> Result<Outcome, ErrorPage> {
    let record = site.sessions.mint(cookies);
    let pre = start::pre_session(site, cookies);
    let new = arrival.sealed(site, &record.cookie_value(), pre.as_ref());
    let (id, until) = (new.id, new.expires_at);
    let now = site.context.now();
    let begins = site.store.begin_session(new, source, now);
    // At the same time, so that one commit has both. Under an id that the browser brought there is the
    // record of the session before, which stays until this one has begun.
    let (beginning, begun) = if site.context.policy.session_rotation() {
        let holds = site.sessions.begin_with(record, id, until);
        let (beginning, begun) = tokio::join!(begins, holds);
        (beginning, Some(begun))
    } else {
        (begins.await, None)
    };
    if !matches!(beginning, Ok(Beginning::Begun { .. }))
        && begun.is_some()
        && let Err(cause) = site.sessions.take_back(record).await
    {
        // It opens nothing, and nobody has its id.
        tracing::warn!(trace = %trace, %cause, "session record left");
    }
    let (ended, pre_session_over) = match beginning.map_err(ErrorPage::unavailable)? {
        Beginning::Begun {
            ended,
            pre_session_over,
        } => (ended, pre_session_over),
        Beginning::TooLate => return Ok(Outcome::TooLate),
        Beginning::SomebodyElse(id) => return Ok(Outcome::SomebodyElse(id)),
    };
    // Before anything else can fail: nobody gets these tokens a second time.
    let keys = Keys {
        cookie: cookies.get(SESSION_COOKIE),
        pre: pre.as_ref(),
    };
    revoke(site, &ended, keys, trace).await;
    site.sessions.end(cookies).await?;
    let begun = match begun {
        Some(begun) => begun?,
        None => site.sessions.begin_with(record, id, until).await?,
    };
    let answer = redirect::with_cookie(leave_callback(site, target), begun.set_cookie);
    Ok(Outcome::Begun(without_pre_session(
        answer,
        pre_session_over,
    )))
}

/// Takes the browser from the callback's address, which has secrets in it, to its target (row 8).
fn leave_callback(site: &RelyingParty, target: &LocalPath) -> Response {
    if site.context.policy.clean_callback() {
        return redirect::to(target);
    }
    // A document: the address with its secrets is one that a history keeps and a referrer tells.
    let refresh = format!("0;url={target}");
    (
        [(header::REFRESH, refresh)],
        Html("<title>Signed in</title>"),
    )
        .into_response()
}

/// Drops the pre-session's cookie with this answer, if no other handoff is under way under it.
pub(crate) fn without_pre_session(answer: Response, is_over: bool) -> Response {
    if is_over {
        redirect::with_cookie(answer, cookies::expire(PRE_COOKIE))
    } else {
        answer
    }
}

/// Ends the session of a browser, here and at the authorization server.
///
/// # Errors
/// [`ErrorPage::unavailable`] when the store cannot be reached.
pub(crate) async fn end(
    site: &RelyingParty,
    id: SessionId,
    cookies: &Cookies,
    trace: &TraceId,
) -> Result<(), ErrorPage> {
    let ended = site.store.end_session(id).await;
    let ended = ended.map_err(ErrorPage::unavailable)?;
    let keys = Keys {
        cookie: cookies.get(SESSION_COOKIE),
        pre: None,
    };
    revoke(site, &ended, keys, trace).await;
    site.sessions.end(cookies).await
}

/// Revokes the access tokens of sessions that have ended, as far as the authorization server can be
/// reached.
pub(crate) async fn revoke(site: &RelyingParty, ended: &[Ended], keys: Keys<'_>, trace: &TraceId) {
    for Ended {
        access_token,
        spare,
    } in ended
    {
        let by_cookie = keys.cookie.and_then(|cookie| open(access_token, cookie));
        let by_pre_session = || open_spare(spare.as_ref()?, keys.pre?);
        let token = by_cookie
            .or_else(by_pre_session)
            .or_else(|| open_waiting(site, access_token));
        match token {
            Some(token) => site.authority.logout_or_log(&token, trace).await,
            None => tracing::warn!(trace = %trace, "an access token does not open"),
        }
    }
}
