//! The handoff at the authorization server: H1, H3 and H5, a file each.

pub(crate) mod authorize;
pub(crate) mod launch;
pub(crate) mod verify;

use handoff::{flow::Site, step::Step, wire::path};
use http::Method;
use recording::site::{Arrival, Participant};

/// The requests that are steps of a handoff.
pub(crate) fn participant() -> Participant {
    Participant {
        site: Site::Authority,
        client: None,
        arriving,
    }
}

fn arriving(method: &Method, path: &str) -> Option<Arrival> {
    let is_launch = || {
        let app = path
            .strip_prefix("/apps/")
            .and_then(|rest| rest.strip_suffix("/open"));
        *method == Method::POST && app.is_some_and(|app| !app.contains('/'))
    };
    match path {
        path::AUTHORIZE => Some(Step::AuthorizeReceived),
        // A browser asks before it calls.
        path::VERIFY | path::VERIFY_ALIAS if *method != Method::OPTIONS => {
            Some(Step::VerifyReceived)
        }
        _ if is_launch() => Some(Step::LaunchRequested),
        _ => None,
    }
    .map(Arrival::Step)
}
