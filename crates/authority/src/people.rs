//! People: their addresses.

use std::fmt;

/// An e-mail address to sign in with, in lower case, so that one person has one account.
///
/// Only the shape is checked. Whether somebody reads mail there is another question.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

impl Email {
    /// Reads an address: up to 254 characters (RFC 5321, 4.5.3.1), something on both sides of one
    /// `@`, no spaces and no control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (local, domain) = text.split_once('@')?;
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '@';
        let whole = !local.is_empty() && !domain.is_empty() && text.len() <= 254;
        (whole && local.chars().chain(domain.chars()).all(plain)).then(|| Self(text.to_lowercase()))
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
