//! Query parameters: single-valued, empty counts as absent, unknown ones are ignored (row 36).

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use handoff::policy::Duplicates;
use http::request::Parts;
use percent_encoding::percent_decode;
use serde::de::DeserializeOwned;

use crate::{context::Context, error_page::ErrorPage};

/// The query, read into `T`. A parameter of `T` that stands twice is refused: two readers of one
/// request must never see different values.
#[derive(Clone, Copy, Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ErrorPage;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ErrorPage> {
        let duplicates = Context::policy_of(&parts.extensions).duplicates();
        let query = single_valued(parts.uri.query().unwrap_or_default(), duplicates);
        // First with the empty ones, or `state=&state=x` would pass as one value.
        read::<T>(query.as_bytes())?;
        // A parameter without a value counts as absent (RFC 6749, 3.1).
        let filled =
            form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty());
        let filled = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(filled)
            .finish();
        read(filled.as_bytes()).map(Self)
    }
}

/// The query as the rule for repeated parameters leaves it. The strict rule leaves it as it is: reading
/// it into a type refuses a parameter that occurs twice.
fn single_valued(query: &str, duplicates: Duplicates) -> Cow<'_, str> {
    if duplicates == Duplicates::Refuse {
        return Cow::Borrowed(query);
    }
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match pairs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, kept)) if duplicates == Duplicates::Last => *kept = value,
            Some(_) => {}
            None => pairs.push((name, value)),
        }
    }
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
        .into()
}

/// Reads parameters as browsers write them (`application/x-www-form-urlencoded`).
///
/// # Errors
/// [`ErrorPage::bad_request`] for bytes that are no UTF-8, for a control character other than the
/// line ends and tabs of a text area, and for whatever does not fit `T`: a duplicate, a wrong type,
/// a missing member.
pub fn read<T: DeserializeOwned>(encoded: &[u8]) -> Result<T, ErrorPage> {
    refuse_unreadable(encoded)?;
    read_any(encoded)
}

pub(crate) fn refuse_unreadable(encoded: &[u8]) -> Result<(), ErrorPage> {
    // U+FFFD is what the parser puts in the place of bytes that are no UTF-8.
    let unreadable =
        |c: char| c == '\u{fffd}' || (c.is_control() && !matches!(c, '\r' | '\n' | '\t'));
    let clean = form_urlencoded::parse(encoded)
        .all(|(name, value)| !name.contains(unreadable) && !value.contains(unreadable));
    if clean {
        Ok(())
    } else {
        Err(ErrorPage::bad_request())
    }
}

/// Refuses bytes that are no UTF-8. What a form says with U+FFFD is another matter here: the character
/// may be in a text.
pub(crate) fn refuse_non_text(encoded: &[u8]) -> Result<(), ErrorPage> {
    match percent_decode(encoded).decode_utf8() {
        Ok(_) => Ok(()),
        Err(_) => Err(ErrorPage::bad_request()),
    }
}

/// Reads parameters as [`read`] does, whatever characters they have.
///
/// # Errors
/// [`ErrorPage::bad_request`] for whatever does not fit `T`.
pub(crate) fn read_any<T: DeserializeOwned>(encoded: &[u8]) -> Result<T, ErrorPage> {
    serde_urlencoded::from_bytes(encoded).map_err(|_| ErrorPage::bad_request())
}

#[cfg(test)]
mod tests {
    use handoff::wire::CallbackQuery;
    use http::Request;

    use super::*;

    async fn parse(query: &str) -> Result<CallbackQuery, ErrorPage> {
        let (mut parts, ()) = Request::builder()
            .uri(format!("/callback?{query}"))
            .body(())
            .unwrap()
            .into_parts();
        Params::from_request_parts(&mut parts, &())
            .await
            .map(|Params(query)| query)
    }

    #[tokio::test]
    async fn row_36_table_of_duplicates_and_unknowns() {
        for refused in [
            "state=a&state=b",
            "state=&state=b",
            "state=a&%73tate=b",
            "state=%ff",
        ] {
            assert!(parse(refused).await.is_err(), "{refused}");
        }
        assert!(parse("state=a%00").await.is_err());
        assert!(refuse_non_text("a=%C3%A9&b=\u{fffd}%&c=%zz%f".as_bytes()).is_ok());
        for no_text in [&b"a=%ff"[..], b"a=%c0%af", b"a=\xff", b"a%e9"] {
            assert!(refuse_non_text(no_text).is_err(), "{no_text:?}");
        }
        let query = parse("state=a&other=1&other=2&iss=").await.unwrap();
        assert_eq!(query.state.as_deref(), Some("a"));
        assert_eq!(query.iss, None);
    }
}
