//! The one way to refuse, for people: sorted by who can act, in plain words, with a trace id.
//!
//! Machine endpoints answer JSON of their own, beside the endpoint.

use std::{borrow::Cow, fmt, sync::Arc};

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use handoff::refusal_reason::RefusalReason;
use http::{HeaderValue, StatusCode, header};
use leptos::prelude::AnyView;
use time::Duration;
use ui::error::ErrorText;

use crate::{context::Context, page::Page, refused::Refused, trace_id::TraceId};

/// Where a person can look at what is known of a request: an extension of the request, an address
/// without a secret. The page about a problem has a link there.
#[derive(Clone, Debug)]
pub struct LookUp(pub String);

/// What a request brought, as its page shows it.
#[derive(Clone)]
struct Kept(Arc<dyn Fn() -> AnyView + Send + Sync>);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(..)")
    }
}

/// What few pages have. It lies in a box: what most handlers return as their error stays small.
#[derive(Clone, Debug, Default)]
struct More {
    /// What the request brought, and the page keeps.
    kept: Option<Kept>,
    /// The way on, if it is not the site's front page: an address, and a verb that says so.
    way_on: Option<(String, String)>,
}

/// Why a request from a browser was not served. It turns into a page of the site that refused it.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    status: StatusCode,
    more: Option<Box<More>>,
    /// For whoever records a handoff that ends with it.
    why: RefusalReason,
    title: Cow<'static, str>,
    text: Cow<'static, str>,
    /// For the log only.
    cause: Option<Cow<'static, str>>,
    /// When to come back, in seconds.
    retry_after: Option<i64>,
}

impl ErrorPage {
    const fn new(
        status: StatusCode,
        why: RefusalReason,
        title: &'static str,
        text: &'static str,
    ) -> Self {
        Self {
            status,
            more: None,
            why,
            title: Cow::Borrowed(title),
            text: Cow::Borrowed(text),
            cause: None,
            retry_after: None,
        }
    }

    /// The caller sent something that cannot be read.
    #[must_use]
    pub const fn bad_request() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            RefusalReason::UnreadableParameters,
            "This request is not complete",
            "Something in the address or the form is missing, stands there twice, or cannot be \
             read. Go back and try again from the start.",
        )
    }

    /// The client that a request names is not registered here. There is nowhere to send the person.
    #[must_use]
    pub const fn unknown_client() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            RefusalReason::UnknownClient,
            "This application is not known here",
            "The link that brought you here names an application that is not registered. Nothing \
             was sent to it.",
        )
    }

    /// The redirect URI is not one of the client's (row 33): never a redirect.
    #[must_use]
    pub const fn wrong_redirect_uri() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            RefusalReason::RedirectUriUnregistered,
            "This link would lead somewhere else",
            "The link that brought you here names a return address that the application has not \
             registered. You were not sent there.",
        )
    }

    /// The request came from another site.
    #[must_use]
    pub const fn cross_site() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            RefusalReason::CrossSite,
            "This request came from another site",
            "Only a page of this site may ask for that, so nothing was done. If you wanted it, \
             open the page here and use its button.",
        )
    }

    /// The CSRF token does not belong to this browser's session.
    #[must_use]
    pub const fn stale_form() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            RefusalReason::StaleForm,
            "This page is out of date",
            "You signed in or out after it was opened, or your browser did not send its cookie. \
             Nothing was done. Go back, reload the page, and try again.",
        )
    }

    /// Nobody is signed in, and the request needs somebody. Nothing was done.
    #[must_use]
    pub const fn signed_out() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            RefusalReason::NotSignedIn,
            "You are signed out",
            "Your session ended after this page was opened, so nothing was changed. Sign in again \
             and repeat it.",
        )
    }

    /// The person may not use this application.
    #[must_use]
    pub const fn not_assigned() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            RefusalReason::NotAssigned,
            "You cannot open this application",
            "Your account is not assigned to it. Ask whoever runs this service.",
        )
    }

    /// Nobody can act: there is no such page.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            RefusalReason::NotFound,
            "There is no such page",
            "The address may be mistyped, or the page may be gone.",
        )
    }

    /// The page exists, but not for this method.
    #[must_use]
    pub const fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            RefusalReason::WrongMethod,
            "This page cannot be used that way",
            "It answers to another kind of request. Go to the start page and try from there.",
        )
    }

    /// The body is not a form.
    #[must_use]
    pub const fn unsupported_media() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            RefusalReason::WrongMediaType,
            "This request cannot be read",
            "It is not a form of this site.",
        )
    }

    /// The body is larger than anything that we ask for.
    #[must_use]
    pub const fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            RefusalReason::TooLarge,
            "This is too much at once",
            "What you sent is longer than this page accepts. Make it shorter and try again.",
        )
    }

    /// The caller asks too often (RFC 6585, 4); nothing was done.
    #[must_use]
    pub fn too_many(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(whole_seconds(retry_after)),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                RefusalReason::TooMany,
                "Too many requests",
                "More came from you, or from your network, than one person asks for, so this one \
                 was not carried out. Wait a moment, go back, and try again.",
            )
        }
    }

    /// Ours to act on: a store or another server cannot be reached right now.
    #[must_use]
    pub fn unavailable(cause: impl std::fmt::Display) -> Self {
        Self {
            cause: Some(Cow::Owned(cause.to_string())),
            retry_after: Some(5),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                RefusalReason::Unavailable,
                "This service is not available right now",
                "The fault is ours, and nothing you entered was half done. Try again in a minute.",
            )
        }
    }

    /// Ours to mend.
    #[must_use]
    pub fn internal(cause: &'static str) -> Self {
        Self {
            cause: Some(Cow::Borrowed(cause)),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                RefusalReason::Internal,
                "Something went wrong here",
                "The fault is ours. The trace id below finds the details in the log.",
            )
        }
    }

    /// The same, told in other words.
    #[must_use]
    pub fn in_words(
        mut self,
        title: impl Into<Cow<'static, str>>,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.title = title.into();
        self.text = text.into();
        self
    }

    /// The same page, which holds what the request brought.
    #[must_use]
    pub fn keeping(mut self, view: impl Fn() -> AnyView + Send + Sync + 'static) -> Self {
        self.more.get_or_insert_default().kept = Some(Kept(Arc::new(view)));
        self
    }

    /// The same page, whose button leads to this address: `label` is its verb.
    #[must_use]
    pub fn leading_to(mut self, address: impl Into<String>, label: impl Into<String>) -> Self {
        self.more.get_or_insert_default().way_on = Some((address.into(), label.into()));
        self
    }

    /// The same page, for another cause than it is mostly shown for.
    #[must_use]
    pub const fn because(mut self, why: RefusalReason) -> Self {
        self.why = why;
        self
    }

    fn log(&self, trace: &TraceId) {
        let status = self.status.as_u16();
        if let Some(cause) = &self.cause {
            tracing::error!(trace = %trace, status, %cause, "request failed");
        } else {
            tracing::info!(trace = %trace, status, reason = &*self.title, "request refused");
        }
    }

    /// What the operator should know, for a caller who shows a page of its own instead.
    #[must_use]
    pub fn cause(&self) -> &str {
        self.cause.as_deref().unwrap_or(&self.title)
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let extensions = response.extensions_mut();
        extensions.insert(Refused::from(self.why));
        extensions.insert(self);
        response
    }
}

/// A time to wait as `Retry-After` says it (RFC 9110, 10.2.3): in seconds, one at least, and never
/// too short.
#[must_use]
pub fn whole_seconds(wait: Duration) -> i64 {
    let begun = i64::from(wait.subsec_nanoseconds() > 0);
    wait.whole_seconds().saturating_add(begun).max(1)
}

/// Turns each [`ErrorPage`] into a page, in the clothes of the site, with a link to where the request can
/// be looked at.
pub async fn explain(
    context: Context,
    trace: TraceId,
    look_up: Option<LookUp>,
    page: Page,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<ErrorPage>() else {
        return response;
    };
    problem.log(&trace);
    let More { kept, way_on } = problem.more.map(|more| *more).unwrap_or_default();
    let model = ErrorText {
        title: problem.title.into_owned(),
        text: problem.text.into_owned(),
        action: way_on,
        trace: trace.to_string(),
        recorded: look_up.map(|LookUp(address)| address),
    };
    let frame = context.frame.clone();
    let (shell, _) = response.into_parts();
    let page = page.back_to("/").status(problem.status);
    let mut shown = page.show(move || frame.problem(model, kept.map(|Kept(view)| view())));
    for (name, value) in &shell.headers {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            shown.headers_mut().append(name, value.clone());
        }
    }
    Refused::from(problem.why).on(shown)
}

/// Turns a [`ErrorPage`] into JSON. A machine gets one only where the fault is ours: endpoints refuse by
/// answers of their own.
pub(crate) fn explain_to_machines(trace: &TraceId, mut response: Response) -> Response {
    let Some(problem) = response.extensions_mut().remove::<ErrorPage>() else {
        return response;
    };
    problem.log(trace);
    let body = format!(r#"{{"error":"server_error","trace":"{trace}"}}"#);
    let (mut parts, _) = response.into_parts();
    let json = HeaderValue::from_static("application/json");
    parts.headers.insert(header::CONTENT_TYPE, json);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body.into())
}

/// For a path that no route has.
pub async fn not_found() -> ErrorPage {
    ErrorPage::not_found()
}

/// For a path that has a route, but not for this method.
pub async fn method_not_allowed() -> ErrorPage {
    ErrorPage::method_not_allowed()
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn a_machine_gets_json_where_the_fault_is_ours() {
        let trace = TraceId("0123456789abcdef".into());
        let answer = ErrorPage::unavailable("the store is away").into_response();
        let answer = explain_to_machines(&trace, answer);
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json");
        assert_eq!(answer.headers()[header::RETRY_AFTER], "5");
        let body = to_bytes(answer.into_body(), 1_024).await.unwrap();
        let expected = r#"{"error":"server_error","trace":"0123456789abcdef"}"#;
        assert_eq!(body, expected);
    }
}
