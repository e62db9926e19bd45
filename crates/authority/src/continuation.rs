//! Where to go after signing in: on with a pending authorize request, or to the portal.
//!
//! The request travels through the sign-in page in the address and the form, not in the store: its
//! state is the relying party's secret, and our database shall hold no such thing.

use handoff::{
    uri::{LocalPath, Origin, with_query},
    wire::{AuthorizeQuery, path},
};
use sha2::{Digest, Sha256};

use crate::store::RequestFingerprint;

/// The path that serves this request, without its launch ticket.
pub(crate) fn path_of(request: &AuthorizeQuery) -> String {
    with_query(path::AUTHORIZE, &request.without_launch())
}

/// Whether [`parse`] can read this request back: it could not go on after a sign-in otherwise.
pub(crate) fn fits(request: &AuthorizeQuery) -> bool {
    path_of(request).len() <= LocalPath::MAX_LENGTH
}

/// Names the request. Two requests that differ in any parameter have different names.
pub(crate) fn fingerprint(request: &AuthorizeQuery) -> RequestFingerprint {
    Sha256::digest(path_of(request).as_bytes()).into()
}

/// The sign-in page that goes on with this request.
pub(crate) fn sign_in_for(request: &AuthorizeQuery) -> String {
    with_query("/login", &[("continue", &path_of(request))])
}

/// The pages of Harbor ID that somebody may have wanted before signing in.
const PAGES: [&str; 2] = ["/", "/sessions"];

/// The sign-in page that leads to this page of ours, or to the portal if it is none of them.
pub(crate) fn sign_in_for_page(wanted: &str, own: &Origin) -> String {
    match page(wanted, own) {
        Some(page) if page.as_str() != "/" => with_query("/login", &[("continue", page.as_str())]),
        _ => "/login".to_owned(),
    }
}

/// Reads a page of ours that somebody wanted, with its query. Anything else is none.
pub(crate) fn page(text: &str, own: &Origin) -> Option<LocalPath> {
    let path = LocalPath::reduce(text, own)?;
    let (name, _) = path.as_str().split_once('?').unwrap_or((path.as_str(), ""));
    PAGES.contains(&name).then_some(path)
}

/// Reads back what [`path_of`] made. Anything else is no continuation: a sign-in page that goes
/// wherever its address says is an open redirect.
pub(crate) fn parse(text: &str, own: &Origin) -> Option<AuthorizeQuery> {
    let path = LocalPath::reduce(text, own)?;
    let query = path
        .as_str()
        .strip_prefix(path::AUTHORIZE)?
        .strip_prefix('?')?;
    let request: AuthorizeQuery = web::params::read(query.as_bytes()).ok()?;
    Some(AuthorizeQuery {
        launch: None,
        ..request
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_back_as_it_went_and_nothing_else_does() {
        let own = Origin::parse("http://auth.localhost:4000").unwrap();
        let request = AuthorizeQuery {
            client_id: Some("notes".to_owned()),
            redirect_uri: Some("http://notes.localhost:4000/callback".to_owned()),
            state: Some("a b&c=d%".to_owned()),
            code_challenge: Some("x".to_owned()),
            code_challenge_method: Some("S256".to_owned()),
            launch: Some("ticket".to_owned()),
        };
        let back = parse(&path_of(&request), &own).unwrap();
        assert_eq!(
            back,
            AuthorizeQuery {
                launch: None,
                ..request.clone()
            }
        );
        assert_eq!(fingerprint(&back), fingerprint(&request));
        let other = AuthorizeQuery {
            state: Some("other".to_owned()),
            ..request
        };
        assert_ne!(fingerprint(&back), fingerprint(&other));
        for no in [
            "",
            "/",
            "//evil.example/handoff/authorize?a",
            "/logout?x",
            "/handoff/authorize",
        ] {
            assert!(parse(no, &own).is_none(), "{no}");
        }
    }
}
