//! What people write: checked once, for every application.

/// What a text may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// What it is, "note".
    pub(crate) what: &'static str,
    /// The longest, in characters.
    pub(crate) max: usize,
    /// Whether it may have more than one line.
    pub(crate) lines: bool,
}

/// Why a text is refused, for the person who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadText {
    #[error("Write something first.")]
    Empty,
    #[error("A {what} has at most {max} characters; this one has {length}.")]
    TooLong {
        what: &'static str,
        max: usize,
        length: usize,
    },
    #[error(
        "This text has an invisible control character in it. Paste it as plain text, or type it."
    )]
    ControlCharacter,
}

/// Lines as we keep them. Browsers end the lines of a form with CR LF.
pub(crate) fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

impl Rule {
    /// The text as it is kept: 1 to `max` characters, without white space around it, its lines ended
    /// by a line feed.
    pub(crate) fn parse(self, text: &str) -> Result<String, BadText> {
        let Self { what, max, lines } = self;
        let text = with_line_feeds(text).trim().to_owned();
        let length = text.chars().count();
        let is_control = |c: char| c.is_control() && !(lines && matches!(c, '\n' | '\t'));
        match length {
            0 => Err(BadText::Empty),
            _ if length > max => Err(BadText::TooLong { what, max, length }),
            _ if text.contains(is_control) => Err(BadText::ControlCharacter),
            _ => Ok(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 4000;

    #[test]
    fn table_of_texts() {
        let too_long = BadText::TooLong {
            what: "note",
            max: MAX,
            length: MAX + 1,
        };
        let rule = Rule {
            what: "note",
            max: MAX,
            lines: true,
        };
        for (text, kept, on_one_line) in [
            ("one", Ok("one"), Ok("one")),
            (
                "  one\r\n\ttwo\r\n",
                Ok("one\n\ttwo"),
                Err(BadText::ControlCharacter),
            ),
            ("one\rtwo", Ok("one\ntwo"), Err(BadText::ControlCharacter)),
            ("🍐 é", Ok("🍐 é"), Ok("🍐 é")),
            (
                &"é".repeat(MAX),
                Ok(&*"é".repeat(MAX)),
                Ok(&*"é".repeat(MAX)),
            ),
            ("", Err(BadText::Empty), Err(BadText::Empty)),
            (" \r\n\t", Err(BadText::Empty), Err(BadText::Empty)),
            (&"é".repeat(MAX + 1), Err(too_long), Err(too_long)),
            (
                "a\0b",
                Err(BadText::ControlCharacter),
                Err(BadText::ControlCharacter),
            ),
            (
                "a\u{b}b",
                Err(BadText::ControlCharacter),
                Err(BadText::ControlCharacter),
            ),
            (
                "a\u{85}b",
                Err(BadText::ControlCharacter),
                Err(BadText::ControlCharacter),
            ),
        ] {
            assert_eq!(rule.parse(text), kept.map(str::to_owned), "{text:?}");
            let rule = Rule {
                lines: false,
                ..rule
            };
            assert_eq!(rule.parse(text), on_one_line.map(str::to_owned), "{text:?}");
        }
    }
}
