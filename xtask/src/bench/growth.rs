//! Whether verify and issue get slower as rows are kept: with few and with many, turn and turn about.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::rates::{ALONE, Field, Ours, full, median, range, ratios, thousands};
use super::rivals::kept;
use super::stock::{self, Count, PEOPLE, Stock};
use super::{Report, Server};
use crate::workspace::{Workspace, files_below};

/// How often everything is measured.
const ROUNDS: usize = 3;
/// How many rows are kept already, of the two databases.
const FEW: usize = 10_000;
const MANY: usize = 10_000_000;
/// What is added to both before each round, to be redeemed and issued.
const STOCK: Stock = Stock {
    tokens: 100_000,
    launches: 60_000,
};
/// The smallest part of its speed that must be left.
const BOUND: f64 = 0.9;

/// What was measured of one database.
#[derive(Default)]
struct Sides {
    verify: [Vec<f64>; 2],
    issue: [Vec<f64>; 2],
}

pub(super) fn measure(field: &Field<'_>, report: &mut Report) -> Result<()> {
    let kept = [kept_with(field, FEW)?, kept_with(field, MANY)?];
    let round_folder = field.scratch.join("round");
    let mut sides = Sides::default();
    for round in 0..ROUNDS {
        for turn in 0..2 {
            let side = (turn + round) % 2;
            // The small one is new each time. To copy the other takes too long: it grows by a hundredth.
            let folder = if side == 0 {
                stock::copy(&kept[0], &round_folder)?;
                &round_folder
            } else {
                &kept[1]
            };
            let tag = stock::query(folder, "SELECT hex(randomblob(8))")?;
            stock::add(folder, &tag, STOCK)?;
            let [redeemed, issued] = [Count::Redeemed.of(folder)?, Count::Issued.of(folder)?];
            let server = Server::start_with(field.program(Ours::Today), folder, ALONE)?;
            let mut verify = stock::verify(folder, server.port)?;
            let run = full(field.workspace, &mut verify, server.port)?;
            sides.verify[side].push(run.rate());
            let mut issue = stock::issue(folder, server.port)?;
            let run = full(field.workspace, &mut issue, server.port)?;
            sides.issue[side].push(run.rate());
            server.stop()?;
            Count::Redeemed.has_grown(folder, redeemed, verify.answered)?;
            Count::Issued.has_grown(folder, issued, issue.answered)?;
        }
    }
    let size = fs::metadata(kept[1].join(stock::DATABASE))?.len() as f64 / 1e9;
    writeln!(
        report.text,
        "## Growth\n\n\
         `cargo xtask bench growth`: verify and issue with {} and with {} rows stored, of which a quarter each are redeemed handoffs, sessions of applications and people's last handoffs, and the rest launch tickets, sign-ins, browsers' \
         sessions and people; the second database has {size:.1} GB. Before each round both get {} tokens and {} launch tickets of {} further people, to be redeemed and issued. {ROUNDS} rounds, turn and turn about.\n\n\
         | | with {} | with {} | the second is so much of the first | lowest to highest | bound |\n|---|---|---|---|---|---|",
        thousands(FEW as f64),
        thousands(MANY as f64),
        thousands(STOCK.tokens as f64),
        thousands(STOCK.launches as f64),
        thousands(PEOPLE as f64),
        thousands(FEW as f64),
        thousands(MANY as f64),
    )?;
    for (what, [few, many]) in [("verify", &sides.verify), ("issue", &sides.issue)] {
        let ratios = ratios(many, few);
        let ratio = median(&ratios);
        report.at_least(&format!("{what} with many rows"), ratio, BOUND);
        writeln!(
            report.text,
            "| {what}, a second | {} | {} | {ratio:.2} | {} | at least {BOUND} |",
            thousands(median(few)),
            thousands(median(many)),
            range(&ratios, |ratio| format!("{ratio:.2}")),
        )?;
    }
    report.text += "\n";
    Ok(())
}

/// A database with so many rows, made once for each schema that there was.
fn kept_with(field: &Field<'_>, rows: usize) -> Result<PathBuf> {
    let schema = schema(field.workspace)?;
    let folder = kept(field.workspace).join(format!("rows-{rows}-{schema}"));
    if folder.exists() {
        return Ok(folder);
    }
    remove_of_others(field.workspace, rows)?;
    println!("Writing {rows} rows, once.");
    let unfinished = kept(field.workspace).join("rows-unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    Server::start_with(field.program(Ours::Today), &unfinished, ALONE)?.stop()?;
    stock::fill(&unfinished, &history(rows))?;
    fs::rename(unfinished, &folder)?;
    Ok(folder)
}

/// Those of other schemas are gigabytes that nobody asks for any more.
fn remove_of_others(workspace: &Workspace, rows: usize) -> Result<()> {
    let of_all = format!("rows-{rows}-");
    for entry in fs::read_dir(kept(workspace))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&of_all) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// What tells one schema from another: a database of an earlier one may not be what the program makes.
fn schema(workspace: &Workspace) -> Result<String> {
    let folder: &Path = &workspace.root.join("crates/authority/migrations");
    let mut files = files_below(folder, ".sql")?;
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(fs::read(file)?);
    }
    Ok(HEXLOWER.encode(&hash.finalize()[..4]))
}

/// Rows as years of use leave them. Their keys are as far from each other as the program's own random
/// ones: what is added later falls between them.
fn history(rows: usize) -> String {
    let people = rows / 20;
    let (tickets, handoffs) = (rows / 10, rows / 4);
    let numbers = |count: usize| {
        format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {} - 1)",
            count
        )
    };
    let person = |n: &str| spread(n, 1);
    let sign_in = |n: &str| spread(n, 2);
    let of = format!("(n % {people})");
    let (now, later) = (
        "strftime('%s', 'now') * 1000",
        "strftime('%s', 'now') * 1000 + 315360000000",
    );
    format!(
        "{people_numbers}
         INSERT INTO \"user\" (id, email, name, email_verified, password_hash, created_at)
         SELECT {person_n}, {person_n} || '@history.example', 'Person ' || n, 1, 'none', {now} FROM numbers;
         {people_numbers}
         INSERT INTO sign_in (id, user_id, auth_time, amr, expires_at, idle_until, used_at, browser)
         SELECT {sign_in_n}, {person_n}, {now}, '[\"pwd\"]', {later}, {later}, {now}, 'Chrome on Linux' FROM numbers;
         {people_numbers}
         INSERT INTO browser_session (id, data, expires_at)
         SELECT randomblob(32) AS key, CAST('{{\"row\":\"' || {sign_in_n} || '\"}}' AS BLOB), {later} FROM numbers ORDER BY key;
         {ticket_numbers}
         INSERT INTO launch (ticket, sign_in, client, expires_at, used_at)
         SELECT randomblob(32) AS key, {sign_in_of}, 'notes', {later}, {now} FROM numbers ORDER BY key;
         {handoff_numbers}
         INSERT INTO recent_handoff (user_id, client, began_at, outcome, waits_until, keep_until, flow)
         SELECT {person_of}, 'notes', {now}, 'opened', {now}, {later}, lower(hex(randomblob(16))) FROM numbers;
         {handoff_numbers}
         INSERT INTO handoff (token, client, redirect_uri, state, challenge, sign_in, user_id, expires_at, used_at,
                              session, keep_until, recent)
         SELECT randomblob(32) AS key, 'notes', 'https://history.example/callback', randomblob(32), randomblob(32), {sign_in_of},
                {person_of}, {now}, {now}, {session_n}, {later}, n + 1 FROM numbers ORDER BY key;
         {handoff_numbers}
         INSERT INTO client_session (id, access_token, client, sign_in, user_id, created_at, expires_at)
         SELECT {session_n}, randomblob(32) AS key, 'notes', {sign_in_of}, {person_of}, {now}, {later} FROM numbers ORDER BY key;",
        people_numbers = numbers(people),
        ticket_numbers = numbers(tickets),
        handoff_numbers = numbers(handoffs),
        person_n = person("n"),
        sign_in_n = sign_in("n"),
        person_of = person(&of),
        sign_in_of = sign_in(&of),
        session_n = spread("n", 3),
    )
}

/// An id of 22 characters that follows from a number, without an order (Knuth's multiplicative hash).
fn spread(n: &str, kind: u32) -> String {
    format!(
        "printf('%08x%014x', ({n} * 2654435761 + {kind} * 40503) % 4294967296, {n} * 4 + {kind})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rows_are_written() {
        let text = history(FEW);
        // People, sign-ins and browsers; tickets; three kinds of handoffs.
        for (count, times) in [(500, 3), (1_000, 1), (2_500, 3)] {
            let limit = format!("n < {count} - 1)");
            assert_eq!(text.matches(&limit).count(), times, "{limit}");
        }
        assert_eq!(3 * 500 + 1_000 + 3 * 2_500, FEW);
    }
}
