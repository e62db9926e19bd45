//! By what a flow is asked for.

use std::fmt;

use handoff::ids::SessionId;

/// By what a flow is asked for: the id of the handoff, of its launch, of the session that it gave, or
/// of one of its requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(pub(super) String);

/// What can be no [`Key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no id of a flow")]
pub struct NoKey;

impl Key {
    /// Reads what an address has: 32 digits of `0-9a-f` for a handoff or a launch, 16 for a request.
    ///
    /// # Errors
    /// [`NoKey`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NoKey> {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if matches!(text.len(), 16 | 32) && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoKey)
        }
    }

    /// The same for the id of a request alone.
    ///
    /// # Errors
    /// [`NoKey`] for anything else.
    pub fn of_trace(text: &str) -> Result<Self, NoKey> {
        Self::parse(text).and_then(|key| {
            if key.0.len() == 16 {
                Ok(key)
            } else {
                Err(NoKey)
            }
        })
    }

    /// The id of the session that a handoff gave.
    #[must_use]
    pub fn of_session(session: SessionId) -> Self {
        Self(session.to_string())
    }

    /// As it stands in an address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
