//! What every response carries (rows 9 and 65 to 68).

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use handoff::policy::Policy;
use http::{HeaderValue, header};

use crate::{
    context::Context,
    csp::{self, CspNonce, FormTargets},
    error_page::ErrorPage,
};

/// The content security policy of an answer that no browser shows.
const FOR_MACHINES: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Sets the headers of an answer for a machine.
pub async fn set_for_machines(request: Request, next: Next) -> Response {
    let Some(context) = request.extensions().get::<Context>() else {
        return ErrorPage::internal("the request did not pass the host routing").into_response();
    };
    let (is_https, defences) = (context.origin.is_https(), context.policy);
    let mut response = next.run(request).await;
    let policy = HeaderValue::from_static(FOR_MACHINES);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    set_for_all(&mut response, is_https, &defences);
    response
}

/// Mints the nonce before the page is made, and sets the headers after.
pub async fn set(mut request: Request, next: Next) -> Response {
    let Some(context) = request.extensions().get::<Context>().cloned() else {
        return ErrorPage::internal("the request did not pass the host routing").into_response();
    };
    let nonce = URL_SAFE_NO_PAD.encode(context.random.bytes::<16>());
    request.extensions_mut().insert(CspNonce(nonce.clone()));
    let mut response = next.run(request).await;

    let targets = response
        .extensions_mut()
        .remove::<FormTargets>()
        .unwrap_or_default();
    let headers = response.headers_mut();
    let directives = csp::policy(&nonce, &targets, &context.policy);
    if let Ok(directives) = HeaderValue::from_str(&directives) {
        headers.insert(header::CONTENT_SECURITY_POLICY, directives);
    }
    set_for_all(&mut response, context.origin.is_https(), &context.policy);
    response
}

fn set_for_all(response: &mut Response, is_https: bool, defences: &Policy) {
    let redirects = response.status().is_redirection();
    let headers = response.headers_mut();
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_https {
        let value = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    // `no-referrer` on a page would turn the `Origin` of its forms into `null` (measured).
    let referrer = if !defences.referrer_policy() {
        "unsafe-url"
    } else if redirects {
        "no-referrer"
    } else {
        "strict-origin"
    };
    headers
        .entry(header::REFERRER_POLICY)
        .or_insert(HeaderValue::from_static(referrer));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}
