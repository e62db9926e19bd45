//! Many inputs as one JSON list, for the statements of sets.

use database::Unavailable;
use serde::{Serialize, de::DeserializeOwned};

/// The values of a set, as a statement takes them by `json_each`.
pub(super) fn list<T: Serialize>(values: &[T]) -> Result<String, Unavailable> {
    serde_json::to_string(values).map_err(Unavailable::unreadable)
}

/// What a column holds as JSON.
pub(super) fn read<T: DeserializeOwned>(json: &str) -> Result<T, Unavailable> {
    serde_json::from_str(json).map_err(Unavailable::unreadable)
}

/// Bytes, as a statement takes them out of a list by `unhex`.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(nibble)]));
        }
    }
    text
}
