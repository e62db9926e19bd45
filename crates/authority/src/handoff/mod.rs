//! The handoff at the authorization server: H1, H3 and H5, a file each.

pub(crate) mod authorize;
pub(crate) mod launch;
pub(crate) mod verify;

use http::Method;
use recording::site::Arrival;

/// What a request is to a handoff, as it arrives.
pub(crate) fn arriving(method: &Method, path: &str) -> Option<Arrival> {
    [launch::arriving, authorize::arriving, verify::arriving]
        .into_iter()
        .find_map(|arriving| arriving(method, path))
        .map(Arrival::Step)
}
