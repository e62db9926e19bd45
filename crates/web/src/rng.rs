//! The one place where randomness comes from. A platform gets it as a value, so a test repeats it.

use std::fmt;

/// Gives random bytes that nobody can guess.
pub trait Randomness: Send + Sync + fmt::Debug {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

impl dyn Randomness + '_ {
    /// As many random bytes as the receiver asks for.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut buffer = [0; N];
        self.fill(&mut buffer);
        buffer
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "this is the seam")]
        let filled = getrandom::fill(buffer);
        // Going on with bytes that somebody can guess would be worse than not going on.
        assert!(filled.is_ok(), "the operating system gives no randomness");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use handoff::token::{HandoffToken, Secret};

    use super::*;

    #[test]
    fn row_1_ten_thousand_handoff_tokens_are_256_bits_each_and_none_comes_twice() {
        const SAMPLES: usize = 10_000;
        let random: &dyn Randomness = &SystemRandomness;
        let mut seen = HashSet::new();
        let mut set = [0_usize; 256];
        for _ in 0..SAMPLES {
            let bytes: [u8; 32] = random.bytes();
            for (bit, count) in set.iter_mut().enumerate() {
                *count += usize::from(bytes[bit / 8] >> (bit % 8) & 1);
            }
            let token = HandoffToken::mint(bytes);
            let text: &str = token.expose().as_ref();
            assert_eq!(text.len(), 43, "{text}");
            let base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            assert!(text.bytes().all(base64url), "{text}");
            assert!(seen.insert(text.to_owned()), "{text} twice");
        }
        // A UUID has bits that are always alike. Ten standard deviations around the half: a fair
        // coin leaves them less often than the machine fails.
        for (bit, count) in set.into_iter().enumerate() {
            assert!((4_500..=5_500).contains(&count), "bit {bit}: {count}");
        }
    }
}
