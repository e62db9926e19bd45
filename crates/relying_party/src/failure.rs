//! Why a sign-in did not happen, as an address that holds no token.

use axum::response::Response;
use handoff::uri::{self, LocalPath};
pub(crate) use pages::relying_party::problem::Reason;
use web::{redirect, refused::Refused, trace_id::TraceId};

/// Where a sign-in that did not happen is explained.
pub const PATH: &str = "/signin/problem";

/// The reasons as the address names them. Anybody can make such an address, so it chooses among
/// these and brings no text of its own.
const NAMES: [(&str, Reason); 9] = [
    ("not-this-browser", Reason::NotThisBrowser),
    ("refused", Reason::Refused),
    ("authority-unreachable", Reason::AuthorityUnreachable),
    ("cancelled", Reason::Cancelled),
    ("not-assigned", Reason::NotAssigned),
    ("nobody-to-switch-from", Reason::NobodyToSwitchFrom),
    ("took-too-long", Reason::TookTooLong),
    ("too-many", Reason::TooMany),
    ("unavailable", Reason::Unavailable),
];

fn name(reason: Reason) -> &'static str {
    let found = NAMES.iter().find(|(_, candidate)| *candidate == reason);
    found.map_or("refused", |(name, _)| name)
}

/// The reason that an address names.
pub(crate) fn reason(name: Option<&str>) -> Reason {
    let found = NAMES.iter().find(|(candidate, _)| Some(*candidate) == name);
    found.map_or(Reason::Refused, |(_, reason)| *reason)
}

/// Ends a handoff, and leads to the page that explains. `why` is for the record; the person gets the
/// coarser reason, and a button that leads to the target.
pub(crate) fn refuse(
    trace: &TraceId,
    reason: Reason,
    why: impl Into<Refused>,
    target: Option<&LocalPath>,
) -> Response {
    let mut page = vec![("trace", &*trace.0), ("reason", name(reason))];
    let target = target
        .map(LocalPath::as_str)
        .filter(|target| *target != "/");
    page.extend(target.map(|target| ("target_link_uri", target)));
    why.into()
        .on(redirect::see_other(&uri::with_query(PATH, &page)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_name_that_reads_back() {
        for (text, found) in NAMES {
            assert_eq!(name(found), text);
            assert_eq!(reason(Some(text)), found);
        }
        for unknown in [None, Some(""), Some("REFUSED"), Some("<b>")] {
            assert_eq!(reason(unknown), Reason::Refused, "{unknown:?}");
        }
    }
}
