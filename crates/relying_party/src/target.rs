//! Where a person wanted to go, and the sign-in that leads there.

use axum::http::Uri;
use handoff::{
    uri::{self, LocalPath, Origin},
    wire::path,
};
use web::error_page::ErrorPage;

use crate::RelyingParty;

/// What a request asked for, as the target of a sign-in.
pub(crate) fn wanted(uri: &Uri) -> String {
    uri.path_and_query()
        .map_or_else(|| "/".to_owned(), |wanted| wanted.as_str().to_owned())
}

/// Where a sign-in begins that leads to this address of the site.
pub(crate) fn address(target: &str) -> String {
    match target {
        "/" => path::START.to_owned(),
        _ => uri::with_query(path::START, &[("target_link_uri", target)]),
    }
}

/// The same, for a browser that came back too late from a sign-in to this target.
pub(crate) fn again(target: &LocalPath) -> String {
    uri::with_query(
        path::START,
        &[("again", "1"), ("target_link_uri", target.as_str())],
    )
}

/// The verb of a link to [`address`].
pub(crate) fn label(site: &RelyingParty) -> String {
    format!("Sign in with {}", site.settings.authority_name)
}

/// Why a target is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadTarget {
    /// It is longer than [`LocalPath::MAX_LENGTH`].
    TooLong,
    /// It is no path of a site.
    Unreadable,
}

impl BadTarget {
    /// The page that says so. The address is not repeated: anybody can write one.
    pub(crate) fn explain(self, site: &RelyingParty) -> ErrorPage {
        let name = site.settings.name();
        let max = LocalPath::MAX_LENGTH;
        let what = match self {
            Self::TooLong => format!(
                "It is longer than {max} characters, so {name} cannot keep it while you sign in."
            ),
            Self::Unreadable => format!("It is not the address of a page of {name}."),
        };
        ErrorPage::bad_request()
            .in_words(
                "This link leads to no page",
                format!("The link asks to open an address after the sign-in. {what} You can sign in and open the start page."),
            )
            .leading_to(address("/"), label(site))
    }
}

/// Whether an address names a place on another site: it has a scheme, or a host, and they are not ours.
pub(crate) fn leads_elsewhere(wanted: &str, own: &Origin) -> bool {
    let has_scheme = wanted.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    });
    let is_ours = wanted
        .strip_prefix(own.as_str())
        .is_some_and(|rest| rest.starts_with(['/', '?', '#']));
    // Browsers read a backslash as a slash.
    let has_host = wanted.replace('\\', "/").starts_with("//");
    !is_ours && (has_scheme || has_host)
}
