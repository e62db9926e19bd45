//! The page that explains why a sign-in did not happen.

use axum::response::Response;
use handoff::uri::LocalPath;
use leptos::prelude::*;
use pages::relying_party::problem::{Problem as Model, ProblemPage};
use serde::Deserialize;
use web::{at::At, page::Page, params::Params, trace_id::TraceId};

use crate::{RelyingParty, failure::reason, identity::MaybeSignedIn, target};

#[derive(Debug, Deserialize)]
pub(crate) struct ProblemQuery {
    trace: Option<String>,
    reason: Option<String>,
    target_link_uri: Option<String>,
}

/// The trace id of the request that failed. Whatever is none could be somebody's message.
fn trace_id(text: Option<String>) -> Option<String> {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.filter(|text| text.len() == 16 && text.bytes().all(is_digit))
}

pub(crate) async fn get(
    At(site): At<RelyingParty>,
    own_trace: TraceId,
    MaybeSignedIn(signed_in): MaybeSignedIn,
    Params(query): Params<ProblemQuery>,
    page: Page,
) -> Response {
    let failed = trace_id(query.trace).map(|trace| TraceId(trace.into()));
    let links = site.recording.links.as_ref();
    // A look at this page is no part of a handoff: nothing is recorded of it.
    let recorded = links
        .zip(failed.as_ref())
        .map(|(links, failed)| links.of_request(failed));
    // Anybody can write such an address. What it names is opened after a sign-in only, as by a link.
    let target = site.target(query.target_link_uri.as_deref());
    let target = target.unwrap_or_else(|_| LocalPath::root());
    let model = Model {
        app_name: site.settings.name().to_owned(),
        authority_name: site.settings.authority_name.clone(),
        reason: reason(query.reason.as_deref()),
        trace: failed.unwrap_or(own_trace).to_string(),
        recorded,
        signed_in_as: signed_in.map(|it| it.person().name),
        again: target::address(target.as_str()),
        target: target.to_string(),
    };
    let frame = site.context.frame.clone();
    page.back_to("/")
        .show(move || frame.page("Sign-in problem", false, view! { <ProblemPage model /> }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_texts_that_are_no_trace_id() {
        assert!(trace_id(Some("0123456789abcdef".to_owned())).is_some());
        for bad in [
            "",
            "0123456789abcde",
            "0123456789ABCDEF",
            "call-me-now-0000",
        ] {
            assert_eq!(trace_id(Some(bad.to_owned())), None, "{bad}");
        }
    }
}
