//! The other sites of the lab's platform.

use handoff::uri::Origin;
use web::site::SiteId;

/// Another site of the lab's platform.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// Which it is.
    pub id: SiteId,
    /// Its name on pages.
    pub name: &'static str,
    /// Where it lives.
    pub origin: Origin,
    /// Whether the lab's own process serves it: step mode stands in front of no others.
    pub is_here: bool,
}
