//! The rows of the security checklist, as `docs/SECURITY.md` has them.

/// The document that the rows are read from, so that the two cannot differ.
const CHECKLIST: &str = include_str!("../../../../docs/SECURITY.md");

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its number.
    pub row: u8,
    /// What it demands.
    pub text: &'static str,
    /// Where that comes from.
    pub sources: Vec<Source>,
    /// The question that it answers.
    pub question: Option<&'static str>,
}

/// A passage that a row is based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is called.
    pub name: String,
    /// Its address.
    pub href: String,
}

/// The row of this number.
#[must_use]
pub fn rule(row: u8) -> Option<Rule> {
    let cells = |line: &'static str| {
        let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ");
        let number: u8 = cells.next()?.parse().ok()?;
        (number == row).then_some(())?;
        Some((cells.next()?, cells.next()?))
    };
    let (text, sources) = CHECKLIST.lines().find_map(cells)?;
    Some(Rule {
        row,
        text,
        sources: sources_of(sources),
        question: question(row),
    })
}

/// The links of a row's last cell. What names no passage has none.
fn sources_of(cell: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    // "A10.4.3, 9700 §2.5", "A3.5.1, 3.5.3", "RFC 6749 §3.1; OAuch", "9700 §4.2–4.3".
    let mut is_asvs = false;
    for part in cell.split([',', ';']).map(str::trim) {
        let (name, href) = if let Some(number) = part.strip_prefix('A').filter(|n| is_number(n)) {
            is_asvs = true;
            asvs(number)
        } else if is_asvs && is_number(part) {
            asvs(part)
        } else {
            is_asvs = false;
            match elsewhere(part) {
                Some(found) => found,
                None => continue,
            }
        };
        if !href.is_empty() {
            sources.push(Source { name, href });
        }
    }
    sources
}

/// "10.4.3", or a range such as "3.3.1–4".
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.contains('.')
        && text.chars().all(|c| c.is_ascii_digit() || ".–".contains(c))
}

/// A requirement of OWASP ASVS 5.0, at its chapter.
fn asvs(number: &str) -> (String, String) {
    let chapter = number.split('.').next().unwrap_or_default();
    let file = CHAPTERS.iter().find(|(of, _)| *of == chapter);
    let href = file.map_or_else(String::new, |(_, file)| {
        format!("https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/{file}.md")
    });
    (format!("OWASP ASVS 5.0, {number}"), href)
}

const CHAPTERS: &[(&str, &str)] = &[
    ("3", "0x12-V3-Web-Frontend-Security"),
    ("6", "0x15-V6-Authentication"),
    ("7", "0x16-V7-Session-Management"),
    ("8", "0x17-V8-Authorization"),
    ("9", "0x18-V9-Self-contained-Tokens"),
    ("10", "0x19-V10-OAuth-and-OIDC"),
    ("11", "0x20-V11-Cryptography"),
    ("13", "0x22-V13-Configuration"),
    ("15", "0x24-V15-Secure-Coding-and-Architecture"),
    ("16", "0x25-V16-Security-Logging-and-Error-Handling"),
];

fn elsewhere(part: &str) -> Option<(String, String)> {
    let rfc = part.strip_prefix("RFC ");
    if let Some(rest) = rfc.or_else(|| part.strip_prefix("9700").map(|_| part)) {
        let (number, section) = match rest.split_once(" §") {
            Some((number, section)) => (number, Some(section)),
            None => (rest, None),
        };
        // A range leads to its first section.
        let anchor = section.and_then(|section| section.split('–').next());
        let anchor = anchor.map_or_else(String::new, |section| format!("#section-{section}"));
        let name = match section {
            Some(section) => format!("RFC {number}, section {section}"),
            None => format!("RFC {number}"),
        };
        let href = format!("https://www.rfc-editor.org/rfc/rfc{number}{anchor}");
        return Some((name, href));
    }
    let (name, href) = match part {
        "BBA" => (
            "OAuth 2.0 for browser-based applications",
            "https://datatracker.ietf.org/doc/draft-ietf-oauth-browser-based-apps/",
        ),
        "OIDC BCL" => (
            "OpenID Connect Back-Channel Logout",
            "https://openid.net/specs/openid-connect-backchannel-1_0.html",
        ),
        _ if part.starts_with("OIDC §4") => (
            "OpenID Connect Core, section 4",
            "https://openid.net/specs/openid-connect-core-1_0.html#ThirdPartyInitiatedLogin",
        ),
        "CS-Session" => (
            "OWASP, Session Management",
            "https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html",
        ),
        "CS-Password" => (
            "OWASP, Password Storage",
            "https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html",
        ),
        _ if part.starts_with("CS-CSRF") => (
            "OWASP, CSRF Prevention",
            "https://cheatsheetseries.owasp.org/cheatsheets/\
             Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html",
        ),
        _ => return None,
    };
    Some((name.to_owned(), href.to_owned()))
}

/// What a newcomer asks, and the row answers.
fn question(row: u8) -> Option<&'static str> {
    let question = QUESTIONS.iter().find(|(of, _)| *of == row);
    question.map(|(_, question)| *question)
}

const QUESTIONS: &[(u8, &str)] = &[
    (1, "Could somebody guess a token?"),
    (2, "How long may a token wait for its use?"),
    (3, "What if two use the same token at the same moment?"),
    (4, "What does a second use of a token give away?"),
    (5, "Can a stranger use up somebody else's token?"),
    (6, "What keeps a token from being used elsewhere?"),
    (13, "How does Harbor ID know which app is calling?"),
    (17, "Can somebody lock other people out?"),
    (
        20,
        "How is the request tied to the browser that it began in?",
    ),
    (21, "Can a link sign me in to an account that is not mine?"),
    (23, "Why is there always a new session id?"),
    (24, "What if somebody else is signed in here?"),
    (25, "Can a page sign me in without my asking for it?"),
    (26, "Can another site press this button for me?"),
    (
        31,
        "Why compare the whole return address, not just its host?",
    ),
    (33, "When may an error be sent on to another site?"),
    (34, "Can a parameter send me to another site?"),
    (36, "Which of two parameters of one name counts?"),
    (38, "What does PKCE add when the app has a secret?"),
    (39, "What if somebody takes the challenge out?"),
    (41, "Which authorization server did the answer come from?"),
    (56, "What happens to open handoffs when I sign out?"),
    (64, "Does a refusal tell who has an account?"),
    (79, "Is it checked everywhere who may use an app?"),
    (80, "Who decides whether a verifier is needed?"),
    (81, "What if I sign out while a handoff is under way?"),
    (82, "What if the answer of verify is lost?"),
];

#[cfg(all(test, feature = "ssr"))]
pub(super) const fn questions() -> &'static [(u8, &'static str)] {
    QUESTIONS
}
