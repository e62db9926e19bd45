//! What kind of browser somebody signs in with, in words that its owner knows it by.
//!
//! A `User-Agent` is text from a stranger: it is never kept or shown, only compared with the few
//! names below. More than these, no list of ours could tell for long, and browsers themselves tell
//! less each year.

use http::{HeaderMap, header};

/// What is told of a browser that is none of these.
const UNKNOWN: &str = "Unknown browser";

/// The mark that a browser leaves, and its name. The first that is found counts: most browsers
/// claim to be those below them as well.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Likewise for where it runs.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// "Firefox on Linux", or as much of it as is known.
pub(crate) fn label(headers: &HeaderMap) -> String {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    let agent = agent.unwrap_or_default();
    let found = |names: &[(&str, &'static str)]| {
        let mut names = names.iter();
        names
            .find(|(mark, _)| agent.contains(mark))
            .map(|(_, name)| *name)
    };
    match (found(&BROWSERS), found(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (None, Some(system)) => format!("{UNKNOWN} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, None) => UNKNOWN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn table_of_browsers() {
        for (agent, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/156.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like \
                 Gecko) Version/26.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) CriOS/156.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 SamsungBrowser/30.0 Chrome/140.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/156.0.0.0 Safari/537.36",
                "Chrome on ChromeOS",
            ),
            ("Firefox/153.0", "Firefox"),
            (
                "Links (2.30; Linux 6.12 x86_64)",
                "Unknown browser on Linux",
            ),
            ("curl/8.14.1", UNKNOWN),
            ("", UNKNOWN),
            ("<script>alert(1)</script>", UNKNOWN),
            ("<b>Firefox/1</b> on \u{202e}", UNKNOWN),
        ] {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_str(agent);
            // What is not ASCII arrives as bytes that are no text.
            let value = value.unwrap_or(HeaderValue::from_bytes(agent.as_bytes()).unwrap());
            headers.insert(header::USER_AGENT, value);
            assert_eq!(label(&headers), expected, "{agent}");
        }
        assert_eq!(label(&HeaderMap::new()), UNKNOWN);
    }

    #[test]
    fn nothing_of_a_hostile_user_agent_is_in_the_label() {
        let hostile = format!("Chrome/1 <img src=x> Linux {}", "a".repeat(5000));
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_str(&hostile).unwrap();
        headers.insert(header::USER_AGENT, value);
        assert_eq!(label(&headers), "Chrome on Linux");
    }
}
