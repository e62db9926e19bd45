//! The handoff at the authorization server: H1, H3 and H5, a file each.

pub(crate) mod authorize;
pub(crate) mod launch;
pub(crate) mod verify;
