//! What looks like a secret in a place that is shown and logged, such as a path.

use std::borrow::Cow;

/// Each of our secrets has at least so many characters of base64url: 128 random bits.
const MIN_SECRET: usize = 22;

/// What is shown instead of a value of unknown kind. Not six digits of a hash: by trying candidates, a
/// reader would find a password, a person or an address from them.
pub const NOT_SHOWN: &str = "(not shown)";

/// A path, or an address without its query, as it may be shown and logged: without a segment that a
/// secret may have got into by mistake.
#[must_use]
pub fn path(path: &str) -> Cow<'_, str> {
    let is_odd = |segment: &str| may_be_secret(segment) || has_encoded_query(segment);
    if !path.split('/').any(is_odd) {
        return Cow::Borrowed(path);
    }
    let segments = path.split('/').map(|segment| match is_odd(segment) {
        true => NOT_SHOWN,
        false => segment,
    });
    Cow::Owned(segments.collect::<Vec<_>>().join("/"))
}

/// Whether a text has what looks like one of our secrets. Capitals tell it from words with hyphens
/// and from ids in hexadecimal: that a secret has none happens once in 80,000.
#[must_use]
pub fn may_be_secret(text: &str) -> bool {
    let is_of_base64url = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.split(|c: char| !is_of_base64url(c))
        .any(|run| run.len() >= MIN_SECRET && run.bytes().any(|byte| byte.is_ascii_uppercase()))
}

/// Whether a query was encoded once too often, and so is not taken for one.
#[must_use]
pub fn has_encoded_query(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["%3f", "%26", "%3d"].iter().any(|it| text.contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_paths_and_what_is_shown_of_them() {
        for (sent, shown) in [
            ("/", "/"),
            (
                "/auth/external/handoff/verify",
                "/auth/external/handoff/verify",
            ),
            (
                "/notes/0123abcd-0123-0123-0123-0123456789ab",
                "/notes/0123abcd-0123-0123-0123-0123456789ab",
            ),
            ("/callback%3Fstate=S", "/(not shown)"),
            ("/callback%26state=S/x", "/(not shown)/x"),
            (
                "/callback/AAAAAAAAAAAAAAAAAAAAAA/x",
                "/callback/(not shown)/x",
            ),
        ] {
            assert_eq!(path(sent), shown, "{sent}");
        }
    }
}
