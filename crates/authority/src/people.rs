//! People: their addresses and names.
//!
//! One text can come in several encodings: a keyboard composes é, a clipboard may bring e and an accent. All
//! of them are one text here.

use std::{borrow::Cow, fmt};

use unicode_normalization::UnicodeNormalization;

/// The longest address, in bytes (RFC 5321, 4.5.3.1).
const MAX_ADDRESS: usize = 254;

/// The longest typed text that is brought into one form, in bytes. No address or name is longer.
const MAX_TYPED: usize = 1024;

/// The one form of an address, however it was typed (RFC 8265, 3.3): full-width characters are the plain
/// ones, letters are lower case, accents are composed.
#[must_use]
pub fn typed_address(text: &str) -> Cow<'_, str> {
    // Some programs copy a byte order mark along.
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.len() > MAX_TYPED {
        return Cow::Borrowed(text);
    }
    let plain: String = text.chars().map(without_width).nfc().collect();
    Cow::Owned(plain.to_lowercase().nfc().collect())
}

/// The one form of a name: accents are composed.
#[must_use]
pub fn typed_name(text: &str) -> String {
    text.trim().nfc().collect()
}

/// The plain character of a full-width one (U+FF01 to U+FF5E), which Asian keyboards type.
fn without_width(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        other => other,
    }
}

/// An e-mail address to sign in with, in the form of [`typed_address`], so that one person has one account.
///
/// Only the shape is checked. Whether somebody reads mail there is another question.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

impl Email {
    /// Reads an address: up to 254 characters (RFC 5321, 4.5.3.1), something on both sides of one
    /// `@`, no spaces and no control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = typed_address(text);
        let (local, domain) = text.split_once('@')?;
        let fits = |c: char| !c.is_whitespace() && !c.is_control() && c != '@';
        let whole = !local.is_empty() && !domain.is_empty() && text.len() <= MAX_ADDRESS;
        let plain = local.chars().chain(domain.chars()).all(fits);
        (whole && plain).then(|| Self(text.clone().into_owned()))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_is_one_address_and_one_name_however_it_is_encoded() {
        let composed = Email::parse("zo\u{eb}@harbor.example").unwrap();
        for typed in [
            "zoe\u{308}@harbor.example",
            "ZOE\u{308}@HARBOR.example",
            "Zo\u{cb}@harbor.example",
            "\u{feff}zo\u{eb}@harbor.example\u{a0}",
            "zo\u{eb}\u{ff20}\u{ff48}arbor\u{ff0e}example",
        ] {
            assert_eq!(Email::parse(typed).unwrap(), composed, "{typed}");
        }
        assert_ne!(Email::parse("zoe@harbor.example").unwrap(), composed);
        assert_eq!(typed_name(" Zoe\u{308} "), "Zo\u{eb}");
        // No more than a moment is spent on what is no address.
        let long = "e\u{301}".repeat(MAX_TYPED);
        assert!(matches!(typed_address(&long), Cow::Borrowed(_)));
    }

    #[test]
    fn an_address_is_read_in_lower_case() {
        assert_eq!(
            Email::parse(" Alice@Harbor.Example ").unwrap().as_str(),
            "alice@harbor.example"
        );
        for bad in [
            "",
            "alice",
            "@x",
            "a@",
            "a@b@c",
            "a b@c",
            "a\0@c",
            &format!("{}@c", "a".repeat(253)),
        ] {
            assert_eq!(Email::parse(bad), None, "{bad:?}");
        }
    }
}
