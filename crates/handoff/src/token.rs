//! Secrets as types: each mints itself from given randomness, hashes itself for storage and prints
//! itself redacted.
//!
//! A store keeps a [`Digest`], never the secret. What somebody *claims* to be a secret is an
//! [`Unverified`]: all that one can do with it is hash it and look the hash up.

use std::{fmt, marker::PhantomData};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// The text has not the shape of the secret that was asked for. It says nothing about the text,
/// which may be a secret with a typing error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub struct Malformed(pub(crate) &'static str);

/// A kind of secret: 256 random bits, written as 43 characters of base64url.
///
/// ```
/// use handoff::token::{HandoffToken, Secret};
///
/// let token = HandoffToken::mint([7; 32]);
/// assert_eq!(token.expose().to_string().len(), 43);
/// // A log never shows it, only the beginning of its hash.
/// assert!(!format!("{token:?}").contains(&token.expose().to_string()));
/// ```
pub trait Secret: Sized {
    /// The name of the kind, for redacted output.
    const KIND: &'static str;

    /// Makes the secret from 256 random bits.
    fn mint(random: [u8; 32]) -> Self;

    /// The secret itself. Call it only where the secret leaves for its rightful place.
    fn expose(&self) -> &Exposed;

    /// What a store keeps.
    fn digest(&self) -> Digest<Self> {
        Digest::of(self.expose().as_ref())
    }
}

/// The text of a secret, on its way out. It can be written (`Display`) and handed on (`AsRef`), but
/// not compared: two secrets are the same when their [`Digest`]s are, which compares in constant
/// time (row 16).
///
/// ```
/// use handoff::token::{HandoffToken, Secret};
/// # let (token, other) = (HandoffToken::mint([7; 32]), HandoffToken::mint([7; 32]));
/// assert!(token.digest() == other.digest());
/// ```
///
/// Neither two of them nor one and a text have `==`:
///
/// ```compile_fail,E0369
/// use handoff::token::{HandoffToken, Secret};
/// # let (token, other) = (HandoffToken::mint([7; 32]), HandoffToken::mint([7; 32]));
/// assert!(token.expose() == other.expose());
/// ```
///
/// ```compile_fail,E0277
/// use handoff::token::{HandoffToken, Secret};
/// # let token = HandoffToken::mint([7; 32]);
/// assert!("text" == token.expose());
/// ```
///
/// An unverified value cannot be compared either:
///
/// ```compile_fail,E0369
/// use handoff::token::{HandoffToken, Secret, Unverified};
/// # let token = HandoffToken::mint([7; 32]);
/// # let claim = Unverified::from(&token);
/// assert!(claim.expose() == token.expose());
/// ```
///
/// And none is a `str` by itself, so a method of `str` that compares is not found:
///
/// ```compile_fail,E0599
/// use handoff::token::{HandoffToken, Secret};
/// # let token = HandoffToken::mint([7; 32]);
/// assert!(token.expose().eq_ignore_ascii_case("text"));
/// ```
#[derive(Clone)]
pub struct Exposed(String);

impl AsRef<str> for Exposed {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exposed({:?})", Digest::<Self>::of(&self.0))
    }
}

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Exposed);

        impl Secret for $name {
            const KIND: &'static str = stringify!($name);

            fn mint(random: [u8; 32]) -> Self {
                Self(Exposed(URL_SAFE_NO_PAD.encode(random)))
            }

            fn expose(&self) -> &Exposed {
                &self.0
            }
        }

        impl $name {
            /// Reads a secret of ours back from where we keep it.
            ///
            /// # Errors
            /// [`Malformed`] when it is not 43 characters of base64url.
            pub fn parse(text: &str) -> Result<Self, Malformed> {
                match URL_SAFE_NO_PAD.decode(text) {
                    Ok(bytes) if bytes.len() == 32 => Ok(Self(Exposed(text.to_owned()))),
                    _ => Err(Malformed(Self::KIND)),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}(#{})", Self::KIND, self.digest().fingerprint())
            }
        }
    };
}

secret! {
    /// L: says that a click on *Open App* happened. It carries no authority; it only decides
    /// between "go on silently" and "ask".
    LaunchTicket
}
secret! {
    /// T: what the relying party redeems at the authorization server, once.
    HandoffToken
}
secret! {
    /// S: the relying party's own value that ties the answer to the browser that asked.
    State
}
secret! {
    /// V: the secret behind the code challenge (RFC 7636, 4.1).
    Verifier
}
secret! {
    /// What verify gives to the client: opaque, for that client alone.
    AccessToken
}
secret! {
    /// A confidential client's own secret.
    ClientSecret
}
secret! {
    /// The value of a cookie that stands for a browser that has not signed in yet.
    PreSession
}
secret! {
    /// By which a site in another process shows the lab that it may report steps.
    ReportKey
}
secret! {
    /// The value of a cookie that stands for a browser in which somebody has signed in before.
    KnownBrowser
}

impl Verifier {
    /// The S256 challenge that goes through the browser in the verifier's place.
    #[must_use]
    pub fn challenge(&self) -> Challenge {
        Challenge::of(self.expose().as_ref())
    }
}

/// The SHA-256 of a secret of kind `T`. Two are compared in constant time.
///
/// Its bytes, which a store keeps, cannot be compared:
///
/// ```compile_fail,E0369
/// use handoff::token::{HandoffToken, Secret};
/// # let (token, other) = (HandoffToken::mint([7; 32]), HandoffToken::mint([7; 32]));
/// assert!(token.digest().as_bytes() == other.digest().as_bytes());
/// ```
pub struct Digest<T> {
    bytes: DigestBytes,
    of: PhantomData<fn() -> T>,
}

/// The bytes of a [`Digest`], for storage.
#[derive(Clone, Copy)]
pub struct DigestBytes([u8; 32]);

impl DigestBytes {
    /// The 32 bytes.
    #[must_use]
    pub const fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl<T> Digest<T> {
    fn of(text: &str) -> Self {
        Self::from_bytes(Sha256::digest(text.as_bytes()).into())
    }

    /// A digest as a store kept it.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self {
            bytes: DigestBytes(bytes),
            of: PhantomData,
        }
    }

    /// A digest as a store kept it.
    ///
    /// # Errors
    /// [`Malformed`] when it is not 32 bytes long.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Malformed> {
        bytes
            .try_into()
            .map(Self::from_bytes)
            .map_err(|_| Malformed("digest"))
    }

    /// The 32 bytes, for storage.
    #[must_use]
    pub const fn as_bytes(&self) -> &DigestBytes {
        &self.bytes
    }

    /// Six characters that tell secrets apart on a screen and give nothing away.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        HEXLOWER.encode(&self.bytes.0[..3])
    }
}

impl<T> Clone for Digest<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Digest<T> {}

impl<T> PartialEq for Digest<T> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where secrets are compared"
    )]
    fn eq(&self, other: &Self) -> bool {
        self.bytes.0.ct_eq(&other.bytes.0).into()
    }
}

impl<T> Eq for Digest<T> {}

impl<T> std::hash::Hash for Digest<T> {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        self.bytes.0.hash(hasher);
    }
}

impl<T> fmt::Debug for Digest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.fingerprint())
    }
}

/// A code challenge by the method S256 (RFC 7636, 4.2). It is public.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Challenge(Digest<Verifier>);

impl Challenge {
    /// The challenge of a verifier given as text.
    ///
    /// ```
    /// use handoff::token::Challenge;
    /// // The example of RFC 7636, appendix B.
    /// let challenge = Challenge::of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    /// assert_eq!(challenge.to_string(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    /// ```
    #[must_use]
    pub fn of(verifier: &str) -> Self {
        Self(Digest::of(verifier))
    }

    /// Reads a challenge from a request.
    ///
    /// # Errors
    /// [`Malformed`] when it is not 43 characters of base64url.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| Malformed("code challenge"))?;
        Digest::from_slice(&bytes)
            .map(Self)
            .map_err(|_| Malformed("code challenge"))
    }

    /// A challenge as a store kept it.
    ///
    /// # Errors
    /// [`Malformed`] when it is not 32 bytes long.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Malformed> {
        Digest::from_slice(bytes).map(Self)
    }

    /// The 32 bytes, for storage.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0.bytes.0
    }

    /// The challenge that would be met by this claim: what a store compares with its own.
    #[must_use]
    pub fn met_by(verifier: &Unverified<Verifier>) -> Self {
        Self(verifier.digest())
    }

    /// Whether this verifier is the one behind the challenge; decided in constant time.
    #[must_use]
    pub fn is_met_by(&self, verifier: &Unverified<Verifier>) -> bool {
        self.0 == verifier.digest()
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.as_bytes()))
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge({self})")
    }
}

/// What somebody claims to be a secret of kind `T`: 1 to 512 printable ASCII characters.
///
/// Its shape is not compared with that of our own secrets: a wrong shape is just a wrong secret,
/// and must not be answered differently. The same holds for a client's state, which is the
/// client's to choose (RFC 6749, appendix A.5).
///
/// ```
/// use handoff::token::{HandoffToken, Secret, Unverified};
///
/// let token = HandoffToken::mint([7; 32]);
/// let claimed = Unverified::<HandoffToken>::new(token.expose().as_ref()).unwrap();
/// assert!(claimed.digest() == token.digest());
/// assert!(Unverified::<HandoffToken>::new("line\nend").is_err());
/// ```
#[derive(Deserialize, Serialize)]
#[serde(try_from = "String", into = "String", bound = "")]
pub struct Unverified<T> {
    text: Exposed,
    of: PhantomData<fn() -> T>,
}

impl<T> Unverified<T> {
    /// The longest that is read, in bytes.
    pub const MAX_LENGTH: usize = 512;

    /// Takes a claim from outside.
    ///
    /// # Errors
    /// [`Malformed`] when it is empty, longer than [`Self::MAX_LENGTH`], or holds a character
    /// other than printable ASCII.
    pub fn new(text: impl Into<String>) -> Result<Self, Malformed> {
        let text = text.into();
        let printable = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        if text.is_empty() || text.len() > Self::MAX_LENGTH || !printable {
            return Err(Malformed("parameter"));
        }
        Ok(Self {
            text: Exposed(text),
            of: PhantomData,
        })
    }

    /// What to look up.
    #[must_use]
    pub fn digest(&self) -> Digest<T> {
        Digest::of(self.text.as_ref())
    }

    /// The claim itself, to be passed on as it came.
    #[must_use]
    pub fn expose(&self) -> &Exposed {
        &self.text
    }
}

impl<T: Secret> From<&T> for Unverified<T> {
    fn from(secret: &T) -> Self {
        Self {
            text: secret.expose().clone(),
            of: PhantomData,
        }
    }
}

impl<T> Clone for Unverified<T> {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            of: PhantomData,
        }
    }
}

impl<T> TryFrom<String> for Unverified<T> {
    type Error = Malformed;
    fn try_from(text: String) -> Result<Self, Malformed> {
        Self::new(text)
    }
}

impl<T> From<Unverified<T>> for String {
    fn from(claim: Unverified<T>) -> Self {
        claim.text.0
    }
}

impl<T> fmt::Debug for Unverified<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unverified(#{})", self.digest().fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_43_characters_and_reads_back() {
        let token = HandoffToken::mint([0xab; 32]);
        assert_eq!(token.expose().to_string().len(), 43);
        assert_eq!(
            HandoffToken::parse(token.expose().as_ref())
                .unwrap()
                .digest(),
            token.digest()
        );
        assert_eq!(Unverified::from(&token).digest(), token.digest());
    }

    #[test]
    fn table_of_texts_that_are_no_secret() {
        let long = "A".repeat(44);
        for bad in [
            "",
            "A",
            &long,
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "é",
        ] {
            assert!(HandoffToken::parse(bad).is_err(), "{bad:?}");
        }
        // The last character carries two bits that no 32-byte value sets.
        assert!(HandoffToken::parse(&format!("{}B", "A".repeat(42))).is_err());
    }

    #[test]
    fn row_75_no_debug_output_holds_the_secret() {
        let token = AccessToken::mint([3; 32]);
        let claim: Unverified<AccessToken> = (&token).into();
        let printed = format!(
            "{token:?} {claim:?} {:?} {:?}",
            token.digest(),
            token.expose()
        );
        let secret = token.expose().to_string();
        assert!(!printed.contains(&secret[..12]), "{printed}");
        assert!(printed.contains(&token.digest().fingerprint()), "{printed}");
    }

    #[test]
    fn table_of_claims_that_are_not_read() {
        for bad in ["", "a\0", "a\r\n", "\u{7f}", "é", &"a".repeat(513)] {
            assert!(Unverified::<State>::new(bad).is_err(), "{bad:?}");
        }
        assert!(Unverified::<State>::new("a".repeat(512)).is_ok());
        assert!(Unverified::<State>::new("anything ~printable!").is_ok());
    }

    #[test]
    fn a_challenge_is_met_by_its_own_verifier_only() {
        let verifier = Verifier::mint([1; 32]);
        let other = Verifier::mint([2; 32]);
        assert!(verifier.challenge().is_met_by(&(&verifier).into()));
        assert!(!verifier.challenge().is_met_by(&(&other).into()));
        assert_eq!(
            Challenge::parse(&verifier.challenge().to_string()),
            Ok(verifier.challenge())
        );
        assert!(Challenge::parse("plain").is_err());
    }
}
