//! How many people sign in in a second, beside what argon2 alone allows, and what verify pays meanwhile.

use std::fmt::Write as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Block};

use super::load::{Expect, Pace, Requests, post};
use super::rates::{ALONE, Field, Ours, median, range, ratios, thousands};
use super::stock::{self, Count, Stock};
use super::visitor::Visitor;
use super::{Report, Server};
use crate::steps;

/// How often everything is measured.
const ROUNDS: usize = 5;
/// How long each is measured, in seconds.
const LONG: u32 = 5;
/// How many connections sign people in.
const CONNECTIONS: u64 = 8;
/// Which part of its full load verify has meanwhile.
const SHARE: f64 = 0.1;
const PASSWORD: &str = "handoff-demo";

pub(super) fn measure(field: &Field<'_>, report: &mut Report) -> Result<()> {
    let workspace = field.workspace;
    let (tokens, launches) = (60_000, 0);
    let stocked = field.stocked(Ours::Today, Stock { tokens, launches })?;
    let hash = "SELECT password_hash FROM \"user\" WHERE email = 'alice@harbor.example'";
    let hash = stock::query(&stocked, hash)?;
    let folder = field.scratch.join("round");
    let full = Pace {
        connections: CONNECTIONS,
        ..Pace::full(LONG)
    };
    let (mut alone, mut signed_in, mut before, mut during) = (vec![], vec![], vec![], vec![]);
    let mut paces = vec![];
    for _ in 0..ROUNDS {
        alone.push(argon2_alone(&hash)?);
        stock::copy(&stocked, &folder)?;
        let [people, handoffs] = [Count::SignedIn.of(&folder)?, Count::Redeemed.of(&folder)?];
        let server = Server::start_with(field.today, &folder, ALONE)?;
        let mut sign_in = sign_in(&server, &folder)?;
        let warm_up = Pace { seconds: 1, ..full };
        sign_in.send(workspace, server.port, warm_up, Expect::Accepted)?;
        let run = sign_in.send(workspace, server.port, full, Expect::Accepted)?;
        signed_in.push(run.rate());

        let mut verify = stock::verify(&folder, server.port)?;
        let run = verify.send(workspace, server.port, Pace::full(1), Expect::Accepted)?;
        let pace = Pace::at(run.rate() * SHARE, 1.0, LONG);
        let run = verify.send(workspace, server.port, pace, Expect::Accepted)?;
        before.push(run.p99);
        paces.push(run.rate());
        // The sign-ins begin a little earlier and end a little later.
        let longer = Pace {
            seconds: LONG + 2,
            ..full
        };
        let meanwhile = sign_in
            .command(workspace, server.port, longer)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start wrk")?;
        std::thread::sleep(Duration::from_secs(1));
        let run = verify.send(workspace, server.port, pace, Expect::Accepted);
        let printed = meanwhile.wait_with_output()?;
        during.push(run?.p99);
        sign_in.read(
            &String::from_utf8(printed.stdout)?,
            longer,
            Expect::Accepted,
        )?;
        server.stop()?;
        Count::SignedIn.has_grown(&folder, people, sign_in.answered)?;
        Count::Redeemed.has_grown(&folder, handoffs, verify.answered)?;
    }
    let shares = ratios(&signed_in, &alone);
    let times = ratios(&during, &before);
    let (share, longer) = (median(&shares), median(&times));
    report.at_least("sign-ins beside argon2 alone", share, 0.9);
    report.at_most(
        "verify's p99 while people sign in, beside that without",
        longer,
        2.0,
    );
    writeln!(
        report.text,
        "## Sign-in\n\n\
         `cargo xtask bench sign-in`: how many people sign in in a second over {CONNECTIONS} connections, each with a password of their own account, and how many passwords argon2 compares in a second when nothing else is done: the same \
         parameters, as many at once as the machine has cores. Then verify at a tenth of its full rate ({} a second), without sign-ins and while they come as fast as they are answered. {ROUNDS} rounds of {LONG} s.\n\n\
         | | median | lowest to highest | bound |\n|---|---|---|---|\n\
         | sign-ins a second | {:.1} | {} | |\n\
         | comparisons by argon2 alone, a second | {:.1} | {} | |\n\
         | the first is so much of the second | {share:.2} | {} | at least 0.9 |\n\
         | verify's p99 without sign-ins | {:.1} ms | {} ms | |\n\
         | verify's p99 meanwhile | {:.1} ms | {} ms | |\n\
         | the second is so many times the first | {longer:.1} | {} | at most 2 |\n",
        thousands(median(&paces)),
        median(&signed_in),
        range(&signed_in, one_digit),
        median(&alone),
        range(&alone, one_digit),
        range(&shares, |value| format!("{value:.2}")),
        median(&before),
        range(&before, one_digit),
        median(&during),
        range(&during, one_digit),
        range(&times, one_digit),
    )?;
    Ok(())
}

fn one_digit(value: f64) -> String {
    format!("{value:.1}")
}

/// How many passwords are compared in a second, on all cores.
fn argon2_alone(hash: &str) -> Result<f64> {
    let hash = PasswordHash::new(hash)?;
    let (salt, expected) = hash.salt.zip(hash.hash).context("a hash without a salt")?;
    let compared = AtomicUsize::new(0);
    let wrong = AtomicUsize::new(0);
    let began = steps::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                // Kept, as the server keeps it.
                let argon2 = Argon2::default();
                let mut memory = vec![Block::default(); argon2.params().block_count()];
                let mut output = vec![0; expected.len()];
                while began.elapsed() < Duration::from_secs(u64::from(LONG)) {
                    let (password, memory) = (PASSWORD.as_bytes(), memory.as_mut_slice());
                    let hashed =
                        argon2.hash_password_into_with_memory(password, &salt, &mut output, memory);
                    let is_right = hashed.is_ok() && output == expected.as_bytes();
                    compared.fetch_add(1, Ordering::Relaxed);
                    wrong.fetch_add(usize::from(!is_right), Ordering::Relaxed);
                }
            });
        }
    });
    ensure!(wrong.into_inner() == 0, "the password is another");
    Ok(compared.into_inner() as f64 / began.elapsed().as_secs_f64())
}

/// The sign-in form, sent once for each line of `people.tsv`: from one page, which each of them could
/// have had.
fn sign_in(server: &Server, folder: &std::path::Path) -> Result<Requests> {
    let (cookie, csrf) = Visitor::new(server.port)?.sign_in_form()?;
    let host = format!("auth.localhost:{}", server.port);
    let head = format!(
        "POST /login HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\nsec-fetch-site: same-origin\r\n\
         content-type: application/x-www-form-urlencoded\r\ncookie: {cookie}\r\n"
    );
    let body = format!("csrf={csrf}&email={{1}}&password={PASSWORD}");
    let request = post(&head, &body, &[stock::EMAIL]);
    Requests::new(folder, "sign-in", &request, Some("people.tsv"))
}
