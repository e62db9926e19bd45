//! What a site must keep in readable form is sealed under a key derived from the cookie that it
//! belongs to: the database alone opens nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::rng::Randomness;

/// The box is not for this cookie and purpose, or somebody changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value does not open")]
pub struct DoesNotOpen;

const NONCE_LENGTH: usize = 12;

fn cipher(cookie: &str, purpose: &str) -> Option<ChaCha20Poly1305> {
    let mut key = [0; 32];
    // HKDF-SHA256 (RFC 5869): the cookie's value has at least 128 random bits.
    Hkdf::<Sha256>::new(None, cookie.as_bytes())
        .expand(purpose.as_bytes(), &mut key)
        .ok()?;
    ChaCha20Poly1305::new_from_slice(&key).ok()
}

/// Seals `secret` for whoever brings this cookie again. `purpose` keeps one kind of box from being
/// opened as another.
#[must_use]
pub fn seal(secret: &str, cookie: &str, purpose: &str, random: &dyn Randomness) -> Vec<u8> {
    let nonce: [u8; NONCE_LENGTH] = random.bytes();
    let payload = Payload {
        msg: secret.as_bytes(),
        aad: purpose.as_bytes(),
    };
    let sealed =
        cipher(cookie, purpose).and_then(|cipher| cipher.encrypt(&nonce.into(), payload).ok());
    // Both steps fail only for lengths that never occur here; an empty box opens for nobody.
    sealed.map_or_else(Vec::new, |sealed| [&nonce[..], &sealed].concat())
}

/// Opens a box.
///
/// # Errors
/// [`DoesNotOpen`] for another cookie or purpose, or a changed box.
pub fn open(sealed: &[u8], cookie: &str, purpose: &str) -> Result<String, DoesNotOpen> {
    let (nonce, text) = sealed
        .split_first_chunk::<NONCE_LENGTH>()
        .ok_or(DoesNotOpen)?;
    let payload = Payload {
        msg: text,
        aad: purpose.as_bytes(),
    };
    let cipher = cipher(cookie, purpose).ok_or(DoesNotOpen)?;
    let opened = cipher
        .decrypt(&(*nonce).into(), payload)
        .map_err(|_| DoesNotOpen)?;
    String::from_utf8(opened).map_err(|_| DoesNotOpen)
}

/// Seals as [`seal`] does, for a place that takes text only, such as a form.
#[must_use]
pub fn seal_as_text(secret: &str, key: &str, purpose: &str, random: &dyn Randomness) -> String {
    URL_SAFE_NO_PAD.encode(seal(secret, key, purpose, random))
}

/// Opens what [`seal_as_text`] made.
///
/// # Errors
/// [`DoesNotOpen`] as [`open`], and for text that is no box.
pub fn open_text(sealed: &str, key: &str, purpose: &str) -> Result<String, DoesNotOpen> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| DoesNotOpen)?;
    open(&sealed, key, purpose)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRandomness;

    #[test]
    fn row_22_a_box_opens_for_its_own_cookie_and_purpose_only() {
        let sealed = seal("secret", "cookie", "verifier", &SystemRandomness);
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(open(&sealed, "cookie", "verifier").as_deref(), Ok("secret"));
        assert_eq!(open(&sealed, "cookiE", "verifier"), Err(DoesNotOpen));
        assert_eq!(open(&sealed, "cookie", "token"), Err(DoesNotOpen));
        assert_eq!(open(&[], "cookie", "verifier"), Err(DoesNotOpen));
        let mut changed = sealed;
        changed[14] ^= 1;
        assert_eq!(open(&changed, "cookie", "verifier"), Err(DoesNotOpen));
    }
}
