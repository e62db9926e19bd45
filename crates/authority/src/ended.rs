//! What a sign-out has ended, told once to the browser that signed out.

use http::HeaderValue;
use pages::authority::login::SignOutNote;
use time::Duration;
use web::{
    cookies::{self, Cookies},
    seal,
};

use crate::{Authority, identity::ENDED_COOKIE};

/// How long the page that follows a sign-out tells what ended. By then the applications have noticed.
const TOLD_FOR: Duration = Duration::minutes(2);

/// Keeps it from being taken for something else.
const PURPOSE: &str = "what a sign-out has ended";

/// How many bytes of names are kept: a browser keeps a cookie of 4,096 bytes at most, and sealing adds a third.
const MAX_BYTES: usize = 2_500;

/// The cookie that tells the next page which applications ended, by name.
pub(crate) fn note(authority: &Authority, everywhere: bool, apps: &[String]) -> HeaderValue {
    let until = (authority.context.now() + TOLD_FOR).unix_timestamp();
    let mut bytes = 0;
    let fits = |name: &&String| {
        bytes += name.len() + 1;
        bytes <= MAX_BYTES
    };
    let named: Vec<_> = apps.iter().take_while(fits).map(String::as_str).collect();
    let more = apps.len() - named.len();
    let text = format!("{until}\n{everywhere}\n{more}\n{}", named.join("\n"));
    let key = &authority.note_key;
    let sealed = seal::seal_as_text(&text, key, PURPOSE, &*authority.context.random);
    cookies::set(ENDED_COOKIE, &sealed, Some(TOLD_FOR))
}

/// What this browser's sign-out has ended, as long as that is news.
pub(crate) fn read(authority: &Authority, cookies: &Cookies) -> Option<SignOutNote> {
    let sealed = cookies.get(ENDED_COOKIE)?;
    let text = seal::open_text(sealed, &authority.note_key, PURPOSE).ok()?;
    let mut lines = text.lines();
    let until: i64 = lines.next()?.parse().ok()?;
    let everywhere = lines.next()? == "true";
    let more = lines.next()?.parse().ok()?;
    let is_news = authority.context.now().unix_timestamp() < until;
    is_news.then(|| SignOutNote {
        everywhere,
        apps: lines.map(str::to_owned).collect(),
        more,
        within_seconds: authority.settings.recheck.whole_seconds(),
    })
}
