//! Where the browser client keeps its access token: the key is compatible with the SDK of the
//! public documentation that this protocol started from.

/// The key in local storage for a client of an issuer: `authrim_session_` and the base-36 text of
/// a 32-bit hash over the UTF-16 units of `issuer:client_id`.
///
/// The hash only names a slot; it protects nothing.
///
/// ```
/// use handoff::storage_key::storage_key;
/// assert_eq!(storage_key("http://localhost:3000", "demo"), "authrim_session_7bh4k9");
/// ```
#[must_use]
pub fn storage_key(issuer: &str, client_id: &str) -> String {
    let hash = issuer
        .encode_utf16()
        .chain(":".encode_utf16())
        .chain(client_id.encode_utf16())
        .fold(0_i32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(i32::from(unit))
        });
    // `unsigned_abs`, because |i32::MIN| is 2147483648 and has no i32.
    format!("authrim_session_{}", base36(hash.unsigned_abs()))
}

fn base36(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.extend(char::from_digit(number % 36, 36));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_the_specified_vectors() {
        for (issuer, client, key) in [
            ("https://auth.example.com", "my-rp-client-id", "ujifbv"),
            ("https://auth.example.com/", "my-rp-client-id", "hoxerm"),
            ("http://localhost:3000", "demo", "7bh4k9"),
            ("http://127.0.0.1:8080", "rp-notes", "c05tm5"),
            ("https://認証.example", "クライアント", "xbyuwd"),
            ("https://a.example", "😀", "dzzwk1"),
        ] {
            assert_eq!(
                storage_key(issuer, client),
                format!("authrim_session_{key}"),
                "{issuer}"
            );
        }
    }

    #[test]
    fn base36_of_the_edges() {
        assert_eq!(base36(0), "0");
        assert_eq!(base36(35), "z");
        assert_eq!(base36(36), "10");
        assert_eq!(base36(i32::MIN.unsigned_abs()), "zik0zk");
    }
}
