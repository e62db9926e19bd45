//! What a database holds before a server is put under load: people who are signed in, handoffs that wait
//! for their redemption, and *Open App*s that wait for theirs.
//!
//! The rows are written by `sqlite3` into a database that the program has made. Their secrets are known
//! here, so that a request for each can be made; the program issues none whose secret it does not forget.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use sha2::{Digest as _, Sha256};

use super::load::{Requests, post};
use crate::workspace::output;

/// How many people a database has. A person may open three hundred applications at once.
pub(super) const PEOPLE: usize = 2_000;
/// How long their addresses are.
pub(super) const EMAIL: usize = 36;
/// How many rows one statement writes.
const ROWS: usize = 500;

/// The file of the authorization server.
pub(super) const DATABASE: &str = "authority.db";
/// Where a handoff that is redeemed came to.
const REDIRECT_URI: &str = "https://notes.example/callback";

/// How much there is of what.
#[derive(Clone, Copy)]
pub(super) struct Stock {
    /// Tokens to redeem.
    pub(super) tokens: usize,
    /// Launch tickets, each good for one token to be issued.
    pub(super) launches: usize,
}

/// Writes it into the database in this folder, and what a request for each needs into files beside it:
/// `verify.tsv`, `issue.tsv`, `people.tsv`. No two tags have a secret in common.
pub(super) fn add(folder: &Path, tag: &str, stock: Stock) -> Result<()> {
    let names = Names(tag);
    let first: usize = query(
        folder,
        "SELECT coalesce(max(id), 0) + 1 FROM recent_handoff",
    )?
    .parse()?;
    let now: u64 = query(folder, "SELECT strftime('%s', 'now') || '000'")?.parse()?;
    let later = now + 12 * 3_600_000;
    let mut sql = Sql::default();

    let mut lines = String::new();
    sql.table("INSERT INTO \"user\" (id, email, name, email_verified, password_hash, created_at)");
    for n in 0..PEOPLE {
        let email = format!("{}@bench.example", &hash(&names.id("email", n))[..22]);
        sql.row(format!(
            "'{}', '{email}', 'Person {n}', 1, (SELECT password_hash FROM \"user\" WHERE email = 'alice@harbor.example'), {now}",
            names.id("person", n)
        ));
        writeln!(lines, "{email}")?;
    }
    fs::write(folder.join("people.tsv"), &lines)?;
    sql.table("INSERT INTO sign_in (id, user_id, auth_time, amr, expires_at, idle_until, used_at, browser)");
    for n in 0..PEOPLE {
        sql.row(format!(
            "'{}', '{}', {now}, '[\"pwd\"]', {later}, {later}, {now}, 'Chrome on Linux'",
            names.id("sign-in", n),
            names.id("person", n)
        ));
    }
    sql.table("INSERT INTO browser_session (id, data, expires_at)");
    for n in 0..PEOPLE {
        sql.row(format!(
            "x'{}', CAST('{{\"row\":\"{}\"}}' AS BLOB), {later}",
            hash(&names.id("cookie", n)),
            names.id("sign-in", n)
        ));
    }
    sql.table("INSERT INTO recent_handoff (id, user_id, client, began_at, outcome, waits_until, keep_until, flow)");
    for n in 0..stock.tokens {
        sql.row(format!(
            "{}, '{}', 'notes', {now}, 'under_way', {later}, {later}, '{}'",
            first + n,
            names.id("person", n % PEOPLE),
            &hash(&names.id("flow", n))[..32]
        ));
    }
    lines.clear();
    sql.table(
        "INSERT INTO handoff (token, client, redirect_uri, state, challenge, sign_in, user_id, expires_at, keep_until, recent)",
    );
    for n in 0..stock.tokens {
        let [token, state, verifier] =
            ["token", "state", "verifier"].map(|what| names.secret(what, n));
        sql.row(format!(
            "x'{}', 'notes', '{REDIRECT_URI}', x'{}', x'{}', '{}', '{}', {later}, {later}, {}",
            hash(&token),
            hash(&state),
            hash(&verifier),
            names.id("sign-in", n % PEOPLE),
            names.id("person", n % PEOPLE),
            first + n
        ));
        writeln!(lines, "{token}\t{state}\t{verifier}")?;
    }
    fs::write(folder.join("verify.tsv"), &lines)?;
    lines.clear();
    sql.table("INSERT INTO launch (ticket, sign_in, client, expires_at)");
    for n in 0..stock.launches {
        let (ticket, cookie) = (names.secret("ticket", n), names.id("cookie", n % PEOPLE));
        sql.row(format!(
            "x'{}', '{}', 'notes', {later}",
            hash(&ticket),
            names.id("sign-in", n % PEOPLE)
        ));
        writeln!(
            lines,
            "{cookie}\t{ticket}\t{}",
            names.secret("state", stock.tokens + n)
        )?;
    }
    fs::write(folder.join("issue.tsv"), &lines)?;
    sql.run(folder)
}

/// Verify (H5), one request for each line of `verify.tsv`.
pub(super) fn verify(folder: &Path, port: u16) -> Result<Requests> {
    let secret = fs::read_to_string(folder.join("notes.secret"))?;
    let basic = BASE64.encode(format!("notes:{}", secret.trim()).as_bytes());
    let head = format!(
        "POST /auth/external/handoff/verify HTTP/1.1\r\nhost: auth.localhost:{port}\r\n\
         content-type: application/json\r\nauthorization: Basic {basic}\r\n"
    );
    let body = format!(
        "{{\"client_id\":\"notes\",\"handoff_token\":\"{{1}}\",\"state\":\"{{2}}\",\
         \"redirect_uri\":\"{REDIRECT_URI}\",\"code_verifier\":\"{{3}}\"}}"
    );
    Requests::new(
        folder,
        "verify",
        &post(&head, &body, &[43; 3]),
        Some("verify.tsv"),
    )
}

/// Authorize (H3) of a person who is signed in and has clicked *Open Notes*, one request for each line of
/// `issue.tsv`.
pub(super) fn issue(folder: &Path, port: u16) -> Result<Requests> {
    let redirect_uri = format!("http%3A%2F%2Fnotes.localhost%3A{port}%2Fcallback");
    let challenge = BASE64URL_NOPAD.encode(&Sha256::digest("a verifier"));
    let request = format!(
        "GET /handoff/authorize?client_id=notes&redirect_uri={redirect_uri}&state={{3}}\
         &code_challenge={challenge}&code_challenge_method=S256&launch={{2}} HTTP/1.1\r\n\
         host: auth.localhost:{port}\r\ncookie: __Host-as_session={{1}}\r\n\
         sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\n\r\n"
    );
    Requests::new(folder, "issue", &request, Some("issue.tsv"))
}

/// A look-up of a session without a token: it is refused before anything is asked of the store.
pub(super) fn nothing(folder: &Path, port: u16) -> Result<Requests> {
    let request =
        format!("GET /api/v1/auth/direct/session HTTP/1.1\r\nhost: auth.localhost:{port}\r\n\r\n");
    Requests::new(folder, "nothing", &request, None)
}

/// What the database counts.
#[derive(Clone, Copy)]
pub(super) enum Count {
    /// Handoffs that were redeemed: each has made a session of an application.
    Redeemed,
    Issued,
    SignedIn,
}

impl Count {
    pub(super) fn of(self, folder: &Path) -> Result<u64> {
        let table = match self {
            Self::Redeemed => "client_session",
            Self::Issued => "handoff",
            Self::SignedIn => "sign_in",
        };
        Ok(query(folder, &format!("SELECT COUNT(*) FROM {table}"))?.parse()?)
    }

    /// Fails unless there are more than before by the answers that there were, or by a few more that
    /// nobody waited for.
    pub(super) fn has_grown(self, folder: &Path, before: u64, answered: u64) -> Result<()> {
        let stored = self.of(folder)? - before;
        ensure!(
            stored >= answered,
            "{answered} were answered, but {stored} were stored"
        );
        Ok(())
    }
}

/// The one value that the database answers.
pub(super) fn query(folder: &Path, sql: &str) -> Result<String> {
    let mut sqlite = Command::new("sqlite3");
    let answer = output(sqlite.arg("-batch").arg(folder.join(DATABASE)).arg(sql))?;
    Ok(answer.trim().to_owned())
}

/// Runs statements in one transaction, without waiting for the disk.
fn execute(folder: &Path, sql: &str) -> Result<()> {
    let sql = format!("BEGIN;\n{sql}\nCOMMIT;\n");
    run(folder, &["PRAGMA synchronous = OFF;\n", &sql])
}

/// Runs statements that add so many rows that each index is better made once, at the end.
pub(super) fn fill(folder: &Path, sql: &str) -> Result<()> {
    let of_indexes = |what: &str| {
        let which = "FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
        query(folder, &format!("SELECT {what} || ';' {which}"))
    };
    let (drop, create) = (of_indexes("'DROP INDEX ' || name")?, of_indexes("sql")?);
    // What is half written after a failure is thrown away.
    let quickly =
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000;\n";
    run(
        folder,
        &[quickly, &drop, sql, &create, "PRAGMA journal_mode = WAL;\n"],
    )
}

fn run(folder: &Path, sql: &[&str]) -> Result<()> {
    let mut sqlite = Command::new("sqlite3")
        .args(["-batch", "-bail"])
        .arg(folder.join(DATABASE))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start sqlite3")?;
    let mut stdin = sqlite.stdin.take().context("sqlite3 reads nothing")?;
    for sql in sql {
        stdin.write_all(sql.as_bytes())?;
        stdin.write_all(b"\n")?;
    }
    stdin.write_all(b"PRAGMA wal_checkpoint(TRUNCATE);\n")?;
    drop(stdin);
    let status = sqlite.wait()?;
    ensure!(status.success(), "sqlite3 failed ({status})");
    on_disk(&folder.join(DATABASE))
}

/// Waits until a file is on the disk: whoever is measured would wait for it otherwise.
fn on_disk(file: &Path) -> Result<()> {
    Ok(fs::File::open(file)?.sync_all()?)
}

/// Copies a data folder that no program has open.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copied = to.join(entry.file_name());
        fs::copy(entry.path(), &copied)?;
        on_disk(&copied)?;
    }
    Ok(())
}

/// Names and secrets that follow from a tag: as random as the program's own, and the same each time.
struct Names<'a>(&'a str);

impl Names<'_> {
    fn bytes(&self, what: &str, n: usize) -> [u8; 32] {
        Sha256::digest(format!("{} {what} {n}", self.0)).into()
    }

    /// As the program writes 128 random bits.
    fn id(&self, what: &str, n: usize) -> String {
        BASE64URL_NOPAD.encode(&self.bytes(what, n)[..16])
    }

    /// As the program writes 256 random bits.
    fn secret(&self, what: &str, n: usize) -> String {
        BASE64URL_NOPAD.encode(&self.bytes(what, n))
    }
}

fn hash(secret: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(secret))
}

/// Statements with many rows each.
#[derive(Default)]
struct Sql {
    text: String,
    insert: &'static str,
    rows: usize,
}

impl Sql {
    fn table(&mut self, insert: &'static str) {
        self.end();
        self.insert = insert;
    }

    fn row(&mut self, values: impl AsRef<str>) {
        if self.rows == ROWS {
            self.end();
        }
        self.text += match self.rows {
            0 => self.insert,
            _ => "",
        };
        self.text += if self.rows == 0 { " VALUES (" } else { ",\n(" };
        self.text += values.as_ref();
        self.text += ")";
        self.rows += 1;
    }

    fn end(&mut self) {
        if self.rows > 0 {
            self.text += ";\n";
        }
        self.rows = 0;
    }

    fn run(mut self, folder: &Path) -> Result<()> {
        self.end();
        execute(folder, &self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_gathered_into_few_statements() {
        let mut sql = Sql::default();
        sql.table("INSERT INTO none (n)");
        sql.table("INSERT INTO some (n)");
        for n in 0..=ROWS {
            sql.row(n.to_string());
        }
        sql.end();
        assert_eq!(sql.text.matches("INSERT").count(), 2);
        assert!(
            sql.text
                .starts_with("INSERT INTO some (n) VALUES (0),\n(1)")
        );
        assert!(sql.text.ends_with("VALUES (500);\n"));
    }

    #[test]
    fn names_are_those_of_their_tag() {
        let (one, two) = (Names("one"), Names("two"));
        assert_eq!(one.secret("token", 7).len(), 43);
        assert_eq!(one.id("person", 7).len(), 22);
        assert_eq!(one.id("person", 7), one.id("person", 7));
        assert_ne!(one.id("person", 7), two.id("person", 7));
    }
}
