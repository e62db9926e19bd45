//! The body of a form, behind its CSRF token: there is no other way to read one (a lint sees to it).

use std::{fmt, sync::Arc};

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
};
use http::{HeaderMap, header};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{context::Context, cookies::Cookies, csrf, error_page::ErrorPage, params};

/// Which cookie the forms of a kind of page belong to.
pub trait CsrfCookie {
    /// Names of cookies; the first that the browser has counts.
    const NAMES: &'static [&'static str];

    /// Whether the forms belong to a browser that is about to sign in, and not to a session. They have
    /// a defence of their own (row 27).
    const SIGNS_IN: bool = false;

    /// Whether the fields are texts of a person's own, which may hold any character (but no bytes that
    /// are none). Then the
    /// handler checks them, and can give the text back with what is wrong with it.
    const FREE_TEXT: bool = false;
}

/// Whether a body is said to be of this media type, once, with whatever parameters behind it.
#[must_use]
pub fn has_media_type(headers: &HeaderMap, wanted: &str) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let media = value.to_str().ok().and_then(|text| text.split(';').next());
    media.is_some_and(|media| media.trim().eq_ignore_ascii_case(wanted))
}

/// The fields of a form that came with the right CSRF token.
#[derive(Debug)]
pub struct Protected<T, C> {
    /// The fields.
    pub fields: T,
    cookie: std::marker::PhantomData<C>,
}

/// Gets the body of a form as it came, before anything is checked: an extension of the request.
#[derive(Clone)]
pub struct FormObserver(pub Arc<ObserveForm>);

/// What sees the bytes of a form.
pub type ObserveForm = dyn Fn(&[u8]) + Send + Sync;

impl fmt::Debug for FormObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormObserver(..)")
    }
}

#[derive(Deserialize)]
struct Token {
    csrf: Option<String>,
}

/// What becomes of a body that is too long, or that breaks off.
#[must_use]
pub fn unreadable(rejection: BytesRejection) -> ErrorPage {
    if rejection.status() == http::StatusCode::PAYLOAD_TOO_LARGE {
        ErrorPage::too_large()
    } else {
        ErrorPage::bad_request()
    }
}

/// The value of the cookie that a page's forms belong to.
#[must_use]
pub fn csrf_cookie<C: CsrfCookie>(cookies: &Cookies) -> Option<&str> {
    C::NAMES.iter().find_map(|name| cookies.get(name))
}

/// A form, with or without the token of this browser. Whoever reads a stale one may show it once more, or
/// lead on, and does nothing by it.
#[derive(Debug)]
pub enum MaybeStale<T, C> {
    /// It came with the right token.
    Protected(Protected<T, C>),
    /// It came from a page of a session that has ended.
    Stale(T),
}

impl<T, C, S> FromRequest<S> for Protected<T, C>
where
    T: DeserializeOwned,
    C: CsrfCookie,
    S: Send + Sync,
{
    type Rejection = ErrorPage;

    async fn from_request(request: Request, state: &S) -> Result<Self, ErrorPage> {
        let (body, belongs) = read::<C, S>(request, state).await?;
        if !belongs {
            return Err(ErrorPage::stale_form());
        }
        Self::of(&body)
    }
}

impl<T, C, S> FromRequest<S> for MaybeStale<T, C>
where
    T: DeserializeOwned,
    C: CsrfCookie,
    S: Send + Sync,
{
    type Rejection = ErrorPage;

    async fn from_request(request: Request, state: &S) -> Result<Self, ErrorPage> {
        let (body, belongs) = read::<C, S>(request, state).await?;
        let form = Protected::of(&body)?;
        Ok(match belongs {
            true => Self::Protected(form),
            false => Self::Stale(form.fields),
        })
    }
}

impl<T: DeserializeOwned, C: CsrfCookie> Protected<T, C> {
    fn of(body: &[u8]) -> Result<Self, ErrorPage> {
        Ok(Self {
            fields: params::read_any(body)?,
            cookie: std::marker::PhantomData,
        })
    }
}

/// Reads the body of a form, and whether it came with the token of this browser, where one is demanded.
async fn read<C: CsrfCookie, S: Send + Sync>(
    request: Request,
    state: &S,
) -> Result<(Bytes, bool), ErrorPage> {
    if !has_media_type(request.headers(), "application/x-www-form-urlencoded") {
        return Err(ErrorPage::unsupported_media());
    }
    let cookies = Cookies::of(request.headers());
    let policy = Context::policy_of(request.extensions());
    let observer = request.extensions().get::<FormObserver>().cloned();
    let body = Bytes::from_request(request, state)
        .await
        .map_err(unreadable)?;
    if let Some(FormObserver(observe)) = observer {
        observe(&body);
    }
    if C::FREE_TEXT {
        params::refuse_non_text(&body)?;
    } else {
        params::refuse_unreadable(&body)?;
    }
    let Token { csrf: token } = params::read_any(&body)?;
    let belongs = match (token, csrf_cookie::<C>(&cookies)) {
        (Some(token), Some(cookie)) => csrf::is_valid(&token, cookie),
        _ => false,
    };
    let demanded = if C::SIGNS_IN {
        policy.sign_in_csrf_token()
    } else {
        policy.csrf_token()
    };
    Ok((body, belongs || !demanded))
}
