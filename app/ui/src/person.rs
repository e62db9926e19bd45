//! The person whom a page is about.

/// Somebody with an account at Harbor ID, as far as a page shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The full name, "Alice Moreau".
    pub name: String,
    /// The email address. It names an account to people; programs compare issuer and user id.
    pub email: String,
}

impl Person {
    /// What a greeting calls them: the name up to its first space.
    #[must_use]
    pub fn first_name(&self) -> &str {
        self.name.split_whitespace().next().unwrap_or(&self.name)
    }
}
