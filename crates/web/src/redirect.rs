//! Redirects: 303 and nothing else. 307 and 308 would send a form's fields on (row 35).

use axum::response::{IntoResponse, Response};
use handoff::uri::LocalPath;
use http::{HeaderValue, StatusCode, header};

use crate::error_page::ErrorPage;

/// Sends the browser to an address that we made: a registered one, or a path of our own.
#[must_use]
pub fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => ErrorPage::internal("an address that is no header value").into_response(),
    }
}

/// Sends the browser to a page of this site.
#[must_use]
pub fn to(path: &LocalPath) -> Response {
    see_other(path.as_str())
}

/// Adds a cookie to a response.
#[must_use]
pub fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}
