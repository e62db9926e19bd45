//! The token that a form must bring back (rows 26 and 27).
//!
//! It is derived from the cookie that the form belongs to, so nothing is stored, and a token is
//! worth nothing with another cookie. It is masked anew in each response: a page that is compressed
//! gives away a constant (BREACH).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use ui::components::field::FormKey;

use crate::rng::Randomness;

const LENGTH: usize = 32;

fn tag(cookie: &str) -> [u8; LENGTH] {
    // HMAC takes a key of any length; the fallback cannot be reached.
    Hmac::<Sha256>::new_from_slice(cookie.as_bytes())
        .map(|mac| mac.chain_update(b"csrf").finalize().into_bytes().into())
        .unwrap_or_default()
}

/// A token for a form on a page of the browser that has this cookie.
#[must_use]
pub fn token(cookie: &str, random: &dyn Randomness) -> String {
    let mask: [u8; LENGTH] = random.bytes();
    let mut bytes = [0; 2 * LENGTH];
    let (left, right) = bytes.split_at_mut(LENGTH);
    left.copy_from_slice(&mask);
    for ((out, mask), tag) in right.iter_mut().zip(mask).zip(tag(cookie)) {
        *out = mask ^ tag;
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What ties a form to the browser that has this cookie, and to whom the form belongs: `person` is
/// anything that is the same on each page of one person and differs between two.
#[must_use]
pub fn key(cookie: &str, person: &str, random: &dyn Randomness) -> FormKey {
    let hash = Sha256::digest(person.as_bytes());
    FormKey {
        csrf: token(cookie, random),
        person: URL_SAFE_NO_PAD.encode(&hash[..6]),
    }
}

/// Whether a form's token belongs to this cookie.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the tag of a form is no secret of the protocol"
)]
pub fn is_valid(token: &str, cookie: &str) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else {
        return false;
    };
    let Ok(bytes) = <[u8; 2 * LENGTH]>::try_from(bytes) else {
        return false;
    };
    let (mask, masked) = bytes.split_at(LENGTH);
    let mut presented = [0; LENGTH];
    for ((out, mask), masked) in presented.iter_mut().zip(mask).zip(masked) {
        *out = mask ^ masked;
    }
    !cookie.is_empty() && presented.ct_eq(&tag(cookie)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRandomness;

    #[test]
    fn rows_26_and_27_a_token_is_good_for_its_own_cookie_and_never_the_same_twice() {
        let (one, two) = (
            token("cookie", &SystemRandomness),
            token("cookie", &SystemRandomness),
        );
        assert_ne!(one, two);
        assert!(is_valid(&one, "cookie") && is_valid(&two, "cookie"));
        assert!(!is_valid(&one, "other"));
        assert!(!is_valid("", "cookie"));
        assert!(!is_valid(&"A".repeat(86), "cookie"));
        assert!(
            !is_valid(&token("", &SystemRandomness), ""),
            "no cookie, no token"
        );
    }
}
