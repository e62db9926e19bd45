//! How many handoffs are redeemed and issued in a second, beside the program as it was, beside another
//! provider, and beside an answer of the same server that costs nothing.
//!
//! All take turns within one run, each on a fresh copy of its data: what the machine does besides goes
//! into every ratio twice.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::load::{CONNECTIONS, Expect, Pace, Requests, Run};
use super::rivals::{EARLIER, Peer};
use super::stock::{self, Count, Stock};
use super::{Report, Server};
use crate::workspace::Workspace;

/// How often everything is measured.
const ROUNDS: usize = 5;
/// How long a server is asked before it counts, and while it counts, in seconds.
const WARM_UP: u32 = 1;
const LONG: u32 = 4;
/// The authorization server alone: what it is compared with is no more.
pub(super) const ALONE: &[&str] = &["--only", "authority"];

/// What is measured beside what.
pub(super) struct Field<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) today: &'a Path,
    pub(super) earlier: PathBuf,
    pub(super) scratch: &'a Path,
}

/// The two programs of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ours {
    Today,
    Earlier,
}

impl Field<'_> {
    pub(super) fn program(&self, ours: Ours) -> &Path {
        match ours {
            Ours::Today => self.today,
            Ours::Earlier => &self.earlier,
        }
    }

    /// A data folder that the program has made, with this much in it.
    pub(super) fn stocked(&self, ours: Ours, stock: Stock) -> Result<PathBuf> {
        let folder = self.scratch.join(format!("{ours:?}").to_lowercase());
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        Server::start_with(self.program(ours), &folder, ALONE)?.stop()?;
        stock::add(&folder, "one", stock)?;
        Ok(folder)
    }
}

/// What was measured of one server, a value for each round.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) rates: Vec<f64>,
    /// At full load.
    p99: Vec<f64>,
    /// At half of it: how often it was asked, and how long it took.
    half_rates: Vec<f64>,
    half50: Vec<f64>,
    half99: Vec<f64>,
    /// What the processor had to do for each, in microseconds.
    pub(super) processor: Vec<f64>,
}

impl Figures {
    pub(super) fn add(&mut self, full: Run) {
        self.rates.push(full.rate());
        self.p99.push(full.p99);
    }

    fn add_half(&mut self, half: Run) {
        self.half_rates.push(half.rate());
        self.half50.push(half.p50);
        self.half99.push(half.p99);
    }
}

/// Asks as fast as the server answers, after a moment that does not count.
pub(super) fn full(workspace: &Workspace, requests: &mut Requests, port: u16) -> Result<Run> {
    requests.send(workspace, port, Pace::full(WARM_UP), Expect::Accepted)?;
    requests.send(workspace, port, Pace::full(LONG), Expect::Accepted)
}

/// An answer of the server that asks nothing of its store.
fn no_op(workspace: &Workspace, folder: &Path, server: &Server) -> Result<Run> {
    let mut requests = stock::nothing(folder, server.port)?;
    requests.send(workspace, server.port, Pace::full(WARM_UP), Expect::Refused)?;
    requests.send(workspace, server.port, Pace::full(LONG), Expect::Refused)
}

fn half(workspace: &Workspace, requests: &mut Requests, port: u16, full: Run) -> Result<Run> {
    let rate = full.rate() / 2.0;
    // At half load an answer takes about half as long.
    let first = Pace::at(rate, full.p50 / 2.0, WARM_UP);
    let run = requests.send(workspace, port, first, Expect::Accepted)?;
    let pace = first.corrected(run, rate, LONG);
    requests.send(workspace, port, pace, Expect::Accepted)
}

pub(super) fn verify(field: &Field<'_>, report: &mut Report) -> Result<()> {
    let workspace = field.workspace;
    let tokens = |tokens| Stock {
        tokens,
        launches: 0,
    };
    let stocked = [
        (Ours::Today, field.stocked(Ours::Today, tokens(200_000))?),
        (Ours::Earlier, field.stocked(Ours::Earlier, tokens(40_000))?),
    ];
    let mut ours = [Figures::default(), Figures::default()];
    let (mut peers, mut nothing) = (Figures::default(), Figures::default());
    let folder = field.scratch.join("round");
    for round in 0..ROUNDS {
        for turn in 0..3 {
            let turn = (turn + round) % 3;
            let Some((which, stocked)) = stocked.get(turn) else {
                let peer = Peer::start(workspace, &field.scratch.join("peer"), tokens(80_000))?;
                let mut requests = peer.verify()?;
                let run = full(workspace, &mut requests, peer.port)?;
                peers.add(run);
                peers.add_half(half(workspace, &mut requests, peer.port, run)?);
                peer.has_done(0, requests.answered)?;
                continue;
            };
            stock::copy(stocked, &folder)?;
            let stored = Count::Redeemed.of(&folder)?;
            let server = Server::start_with(field.program(*which), &folder, ALONE)?;
            if *which == Ours::Today {
                nothing.add(no_op(workspace, &folder, &server)?);
            }
            let mut requests = stock::verify(&folder, server.port)?;
            let before = server.processor_time()?;
            let run = full(workspace, &mut requests, server.port)?;
            let spent = server.processor_time()? - before;
            let figures = &mut ours[turn];
            figures.add(run);
            figures
                .processor
                .push(spent * 1e6 / requests.answered as f64);
            figures.add_half(half(workspace, &mut requests, server.port, run)?);
            server.stop()?;
            Count::Redeemed.has_grown(&folder, stored, requests.answered)?;
        }
    }
    let memory = memory(field, &stocked[0].1)?;
    let [today, earlier] = ours;
    writeln!(
        report.text,
        "## Verify\n\n\
         `cargo xtask bench verify`: how many handoffs are redeemed in a second (H5), each on disk before it is answered: {CONNECTIONS} connections, {ROUNDS} rounds of {LONG} s, turn and turn about, each on a fresh copy of one \
         database, the authorization server alone. Beside it the program of commit {EARLIER}, the exchange of a code at {}, which keeps all in memory, and a look-up of this server that it refuses \
         without asking its store.\n",
        Peer::version(workspace)?,
    )?;
    rates(
        report,
        "verify",
        &today,
        [
            (EARLIER, &earlier, Some(5.0)),
            ("oidc-provider", &peers, Some(2.0)),
            ("the refused look-up", &nothing, None),
        ],
    )?;
    writeln!(
        report.text,
        "| at half of its own rate | a second | p50 | p99 | lowest to highest p99 | bound |\n|---|---|---|---|---|---|"
    )?;
    for (name, figures, bound) in [
        ("today's", &today, "p99 8 ms"),
        (EARLIER, &earlier, ""),
        ("oidc-provider", &peers, ""),
    ] {
        let [p50, p99] = [&figures.half50, &figures.half99].map(|values| median(values));
        writeln!(
            report.text,
            "| {name} | {} | {p50:.1} ms | {p99:.1} ms | {} ms | {bound} |",
            thousands(median(&figures.half_rates)),
            range(&figures.half99, |value| format!("{value:.1}")),
        )?;
    }
    let half99 = median(&today.half99);
    report.at_most("verify's p99 at half load, in ms", half99, 8.0);
    report.at_most("memory under load, in MB", memory, 120.0);
    writeln!(
        report.text,
        "\n| | today's | {EARLIER} | bound |\n|---|---|---|---|\n\
         | the server's processor time for a verify | {:.0} µs | {:.0} µs | |\n\
         | resident memory of the whole program after {LONG} s of this load | {memory:.1} MB | | 120 MB |\n",
        median(&today.processor),
        median(&earlier.processor),
    )?;
    Ok(())
}

/// What the program with all its sites needs under this load.
fn memory(field: &Field<'_>, stocked: &Path) -> Result<f64> {
    let folder = field.scratch.join("round");
    stock::copy(stocked, &folder)?;
    let server = Server::start(field.today, &folder)?;
    let mut requests = stock::verify(&folder, server.port)?;
    full(field.workspace, &mut requests, server.port)?;
    let memory = server.memory()?;
    server.stop()?;
    Ok(memory)
}

pub(super) fn issue(field: &Field<'_>, report: &mut Report) -> Result<()> {
    let workspace = field.workspace;
    let launches = |launches| Stock {
        tokens: 0,
        launches,
    };
    let stocked = [
        (Ours::Today, field.stocked(Ours::Today, launches(120_000))?),
        (
            Ours::Earlier,
            field.stocked(Ours::Earlier, launches(30_000))?,
        ),
    ];
    let mut ours = [Figures::default(), Figures::default()];
    let (mut peers, mut nothing) = (Figures::default(), Figures::default());
    let folder = field.scratch.join("round");
    for round in 0..ROUNDS {
        for turn in 0..3 {
            let turn = (turn + round) % 3;
            let Some((which, stocked)) = stocked.get(turn) else {
                let peer = Peer::start(workspace, &field.scratch.join("peer"), launches(60_000))?;
                let mut requests = peer.issue()?;
                peers.add(full(workspace, &mut requests, peer.port)?);
                peer.has_done(requests.answered, 0)?;
                continue;
            };
            stock::copy(stocked, &folder)?;
            let stored = Count::Issued.of(&folder)?;
            let server = Server::start_with(field.program(*which), &folder, ALONE)?;
            if *which == Ours::Today {
                nothing.add(no_op(workspace, &folder, &server)?);
            }
            let mut requests = stock::issue(&folder, server.port)?;
            let before = server.processor_time()?;
            let run = full(workspace, &mut requests, server.port)?;
            let spent = server.processor_time()? - before;
            let figures = &mut ours[turn];
            figures.add(run);
            figures
                .processor
                .push(spent * 1e6 / requests.answered as f64);
            server.stop()?;
            Count::Issued.has_grown(&folder, stored, requests.answered)?;
        }
    }
    let [today, earlier] = ours;
    writeln!(
        report.text,
        "## Issue\n\n\
         `cargo xtask bench issue`: how many handoffs are issued in a second (H3) to people who are signed in and have clicked *Open Notes*, measured as verify is; {} people, each signed in once. Beside it the program of commit \
         {EARLIER}, and the silent authorization (`prompt=none`) of oidc-provider, of as many people, and the refused look-up again.\n",
        stock::PEOPLE,
    )?;
    rates(
        report,
        "issue",
        &today,
        [
            (EARLIER, &earlier, Some(4.0)),
            ("oidc-provider", &peers, Some(2.0)),
            ("the refused look-up", &nothing, None),
        ],
    )?;
    writeln!(
        report.text,
        "| | today's | {EARLIER} |\n|---|---|---|\n\
         | the server's processor time for an issue | {:.0} µs | {:.0} µs |\n",
        median(&today.processor),
        median(&earlier.processor),
    )?;
    Ok(())
}

/// A row for today's, and one for each that it is measured beside, with how often today's it is.
fn rates<const N: usize>(
    report: &mut Report,
    what: &str,
    today: &Figures,
    beside: [(&str, &Figures, Option<f64>); N],
) -> Result<()> {
    writeln!(
        report.text,
        "| | a second | lowest to highest | p99 | today's is so many times it | lowest to highest | bound |\n|---|---|---|---|---|---|---|\n\
         | today's | {} | {} | {:.1} ms | | | |",
        thousands(median(&today.rates)),
        range(&today.rates, thousands),
        median(&today.p99),
    )?;
    for (name, figures, bound) in beside {
        let ratios = ratios(&today.rates, &figures.rates);
        let ratio = median(&ratios);
        if let Some(bound) = bound {
            report.at_least(&format!("{what} beside {name}"), ratio, bound);
        }
        writeln!(
            report.text,
            "| {name} | {} | {} | {:.1} ms | {ratio:.2} | {} | {} |",
            thousands(median(&figures.rates)),
            range(&figures.rates, thousands),
            median(&figures.p99),
            range(&ratios, |ratio| format!("{ratio:.2}")),
            bound.map_or_else(String::new, |bound| format!("at least {bound}")),
        )?;
    }
    report.text += "\n";
    Ok(())
}

/// Of each round, how many times the one the other is.
pub(super) fn ratios(ones: &[f64], others: &[f64]) -> Vec<f64> {
    let pairs = ones.iter().zip(others);
    pairs.map(|(one, other)| one / other).collect()
}

/// The value in the middle; of two, the lower.
pub(super) fn median(values: &[f64]) -> f64 {
    let [median, _] = super::quantiles(values.to_vec());
    median
}

/// From the lowest to the highest.
pub(super) fn range(values: &[f64], show: impl Fn(f64) -> String) -> String {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{}–{}", show(low), show(high))
}

/// A whole number with its thousands apart.
pub(super) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_people_read_them() {
        assert_eq!(
            [7.0, 999.6, 12_345.0, 1_234_567.0].map(thousands),
            ["7", "1,000", "12,345", "1,234,567"]
        );
        assert_eq!(range(&[3.0, 1.0, 2.0], thousands), "1–3");
    }

    #[test]
    fn a_ratio_is_of_one_round() {
        assert_eq!(ratios(&[4.0, 9.0], &[2.0, 3.0]), [2.0, 3.0]);
    }

    #[test]
    fn a_ratio_below_its_bound_is_named() {
        let figures = |rate| Figures {
            rates: vec![rate],
            ..Figures::default()
        };
        let (today, kept, broken) = (figures(10.0), figures(5.0), figures(5.1));
        let mut report = Report::default();
        let beside = [
            ("one", &kept, Some(2.0)),
            ("two", &broken, Some(2.0)),
            ("three", &broken, None),
        ];
        rates(&mut report, "verify", &today, beside).unwrap();
        assert_eq!(
            report.broken,
            ["verify beside two: 1.96, and must be 2 at least"]
        );
        assert!(report.text.contains("| one | 5 | 5–5 |"), "{}", report.text);
    }
}
