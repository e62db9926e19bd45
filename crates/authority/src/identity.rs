//! Who is asking: an extractor, and no other way.

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use handoff::{
    ids::SignInId,
    refusal_reason::RefusalReason,
    token::{PreSession, Secret},
    uri,
};
use http::{HeaderValue, request::Parts, uri::PathAndQuery};
use time::Duration;
use ui::components::field::FormKey;
use web::{
    at::At,
    cookies::{self, Cookies},
    csrf,
    error_page::ErrorPage,
    form::CsrfCookie,
    redirect,
    refused::Refused,
};

use crate::{Authority, continuation, store::SignIn};

/// The cookie of a browser that is signed in.
pub const SESSION_COOKIE: &str = "__Host-as_session";
/// The cookie of a browser that is not: it carries what the sign-in form must bring back.
pub const PRE_COOKIE: &str = "__Host-as_pre";
/// The cookie of a browser that has just signed out: what ended with it, for the page that follows. It
/// comes from no link, so nobody else writes that sentence.
pub(crate) const ENDED_COOKIE: &str = "__Host-as_ended";

/// The cookie of a browser in which somebody has signed in before. It opens nothing: it only lets the
/// browser count its wrong passwords for itself.
pub const KNOWN_COOKIE: &str = "__Host-as_known";

/// How long a sign-in page may lie open.
const PRE_LIFETIME: Duration = Duration::hours(12);

/// The forms of people who are signed in.
#[derive(Debug)]
pub struct SignedInForms;

impl CsrfCookie for SignedInForms {
    const NAMES: &'static [&'static str] = &[SESSION_COOKIE];
}

/// The sign-in form.
#[derive(Debug)]
pub struct SignInForm;

impl CsrfCookie for SignInForm {
    const NAMES: &'static [&'static str] = &[PRE_COOKIE];
    const SIGNS_IN: bool = true;
}

/// A person whose sign-in is alive.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The sign-in.
    pub sign_in: SignIn,
    csrf: FormKey,
}

impl SignedIn {
    /// What ties a form to this person's page.
    #[must_use]
    pub fn csrf(&self) -> &FormKey {
        &self.csrf
    }

    /// The person, for a page.
    #[must_use]
    pub fn person(&self) -> ui::person::Person {
        ui::person::Person {
            name: self.sign_in.user.name.clone(),
            email: self.sign_in.user.email.clone(),
        }
    }
}

/// Nobody is signed in, or we cannot tell.
#[derive(Debug)]
pub enum NotSignedIn {
    /// There is no session: the sign-in page that leads to what was asked for.
    Nobody(String),
    /// There was one, and it has ended: the same.
    Ended(String),
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
            Self::Nobody(sign_in) => not_signed_in(&sign_in),
            Self::Ended(sign_in) => {
                not_signed_in(&uri::with_query(&sign_in, &[("notice", "session-ended")]))
            }
            Self::ErrorPage(problem) => problem.into_response(),
        }
    }
}

/// The page that somebody was on, or asked for. A form leads back to the page that it stands on.
fn wanted(parts: &Parts) -> String {
    let asked = parts.uri.path_and_query().map(PathAndQuery::as_str);
    match parts.method.is_safe() {
        true => asked.unwrap_or("/").to_owned(),
        false if parts.uri.path().starts_with("/sessions/") => "/sessions".to_owned(),
        false => "/".to_owned(),
    }
}

fn not_signed_in(to: &str) -> Response {
    Refused::from(RefusalReason::NotSignedIn).on(redirect::see_other(to))
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, NotSignedIn> {
        let At(authority) = At::<Authority>::from_request_parts(parts, state).await?;
        let cookies = Cookies::of(&parts.headers);
        let sign_in = || continuation::sign_in_for_page(&wanted(parts), &authority.settings.origin);
        let Some(cookie) = cookies.get(SESSION_COOKIE) else {
            return Err(NotSignedIn::Nobody(sign_in()));
        };
        let ended = || NotSignedIn::Ended(sign_in());
        let id = authority.sessions.load::<SignInId>(&cookies).await?;
        let id = id.ok_or_else(ended)?;
        let sign_in = authority
            .store
            .touch_sign_in(id, authority.context.now(), authority.settings.idle)
            .await
            .map_err(ErrorPage::unavailable)?
            .ok_or_else(ended)?;
        let person = sign_in.user.id.to_string();
        let csrf = csrf::key(cookie, &person, &*authority.context.random);
        Ok(Self { sign_in, csrf })
    }
}

/// Who is asking, if anybody is signed in.
#[derive(Clone, Debug)]
pub struct MaybeSignedIn(pub Option<SignedIn>);

impl<S: Send + Sync> FromRequestParts<S> for MaybeSignedIn {
    type Rejection = ErrorPage;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ErrorPage> {
        match SignedIn::from_request_parts(parts, state).await {
            Ok(signed_in) => Ok(Self(Some(signed_in))),
            Err(NotSignedIn::Nobody(_) | NotSignedIn::Ended(_)) => Ok(Self(None)),
            Err(NotSignedIn::ErrorPage(problem)) => Err(problem),
        }
    }
}

/// A browser that is about to sign in: its CSRF token, and its cookie if it had none.
#[derive(Debug)]
pub struct PreSignIn {
    /// What ties the sign-in form to it. A sign-in ends it, so that no next visitor gets back what was
    /// typed before.
    pub csrf: FormKey,
    /// The header that gives the browser its cookie.
    pub set_cookie: Option<HeaderValue>,
}

impl PreSignIn {
    /// The browser with these cookies.
    #[must_use]
    pub fn of(cookies: &Cookies, authority: &Authority) -> Self {
        let random = &*authority.context.random;
        // Whatever else stands in the cookie is not ours, and is replaced.
        let ours = cookies
            .get(PRE_COOKIE)
            .and_then(|value| PreSession::parse(value).ok());
        let key = |pre: &PreSession| {
            let secret = pre.expose();
            csrf::key(secret.as_ref(), secret.as_ref(), random)
        };
        match ours {
            Some(pre) => Self {
                csrf: key(&pre),
                set_cookie: None,
            },
            None => {
                let pre = PreSession::mint(random.bytes());
                let cookie = cookies::set(PRE_COOKIE, pre.expose().as_ref(), Some(PRE_LIFETIME));
                Self {
                    csrf: key(&pre),
                    set_cookie: Some(cookie),
                }
            }
        }
    }
}
