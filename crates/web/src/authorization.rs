//! The `Authorization` header (RFC 9110, 11.6.2).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};

/// What a request shows under this scheme, whose name has no case. A request with two headers shows
/// nothing: it would be left to chance which one counts.
#[must_use]
pub fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (found, credentials) = value.to_str().ok()?.split_once(' ')?;
    found.eq_ignore_ascii_case(scheme).then_some(credentials)
}

/// The id and the secret of HTTP Basic (RFC 7617), of which nothing is checked.
#[must_use]
pub fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let decoded = STANDARD
        .decode(credentials(headers, "Basic")?.trim())
        .ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn with(values: &[&'static str]) -> HeaderMap {
        let values = values.iter().map(|value| {
            let value = HeaderValue::from_static(value);
            (header::AUTHORIZATION, value)
        });
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn one_header_of_the_scheme_counts_and_two_count_as_none() {
        let bearer = |values: &[&'static str]| {
            let headers = with(values);
            credentials(&headers, "Bearer").map(str::to_owned)
        };
        assert_eq!(bearer(&["bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(bearer(&[]), None);
        assert_eq!(bearer(&["Bearer"]), None);
        assert_eq!(bearer(&["Basic abc"]), None);
        assert_eq!(bearer(&["Bearer abc", "Bearer abc"]), None);
    }

    #[test]
    fn basic_has_an_id_and_a_secret_that_may_hold_colons() {
        let pair = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        assert_eq!(basic(&with(&["Basic bm90ZXM6cw=="])), pair("notes", "s"));
        assert_eq!(basic(&with(&["Basic bm90ZXM6czp0"])), pair("notes", "s:t"));
        assert_eq!(basic(&with(&["Basic bm90ZXM="])), None);
        assert_eq!(basic(&with(&["Basic !"])), None);
    }
}
