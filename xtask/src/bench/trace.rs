//! What recording costs a handoff.
//!
//! The same program runs twice: with its lab, and as the other three sites alone, which have nobody to
//! report to. Both run all the time and are asked turn and turn about; which of them comes first
//! changes.
//!
//! What is recorded is kept a little later. So there are two figures. A handoff by itself, as a person
//! makes one, is followed by a rest, in which it is kept: what counts is what the person waited for. Of
//! many without a rest each also pays for keeping those before it: that is what a machine at its limit
//! has to do more.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Report, Server, millis, quantiles, visitor::Visitor};
use crate::steps;

/// How often both programs are started: where a process lies in memory makes it quick or slow for as
/// long as it lives.
const STARTS: usize = 6;
/// How many handoffs by themselves each start has. They belong to one sign-in, which may open no more
/// than a hundred and fifty at once.
const ALONE: usize = 130;
/// How long the rest after each is: longer than events are gathered, and what is gathered then kept.
const REST: Duration = Duration::from_millis(75);
/// How many turns of handoffs without a rest each start has, and how many handoffs a turn.
const TURNS: usize = 6;
const MAX_AT_ONCE: usize = 25;
/// The most that recording may add to one by itself, and to each of many, in percent.
const BOUND: f64 = 5.0;
const MANY_BOUND: f64 = 8.0;

/// One of the two programs, and what was measured of it.
struct Side {
    server: Server,
    alone: Vec<Duration>,
    together: Vec<Duration>,
    /// What the processor had to do for the handoffs without a rest, in milliseconds for each.
    processor: Vec<f64>,
}

/// What was measured of both, and what recording adds to each pair, in percent.
#[derive(Default)]
struct Measured {
    with: Vec<Duration>,
    without: Vec<Duration>,
    added: Vec<f64>,
}

impl Measured {
    fn add(&mut self, with: Vec<Duration>, without: Vec<Duration>) {
        let pairs = with.iter().zip(&without);
        let added = pairs.map(|(with, without)| with.div_duration_f64(*without) - 1.0);
        self.added.extend(added.map(|share| share * 100.0));
        self.with.extend(with);
        self.without.extend(without);
    }
}

pub(super) fn measure(program: &Path, scratch: &Path, report: &mut Report) -> Result<()> {
    let (mut alone, mut together) = (Measured::default(), Measured::default());
    let (mut processor, mut reference) = (Vec::new(), Vec::new());
    for start in 0..STARTS {
        let three = ["--only", "authority", "--only", "notes", "--only", "tasks"];
        let mut sides = [
            Side::start(program, &scratch.join(format!("recording-{start}")), &[])?,
            Side::start(program, &scratch.join(format!("silent-{start}")), &three)?,
        ];
        let mut visitors = [sides[0].visitor()?, sides[1].visitor()?];
        for turn in 0..ALONE {
            for side in [turn % 2, 1 - turn % 2] {
                sides[side].alone(&mut visitors[side])?;
            }
        }
        for turn in 0..TURNS {
            for side in [turn % 2, 1 - turn % 2] {
                sides[side].turn()?;
            }
        }
        let [mut recording, mut silent] = sides;
        recording.has_kept_everything()?;
        recording.server.stop()?;
        silent.server.stop()?;
        alone.add(recording.alone, silent.alone);
        together.add(recording.together, silent.together);
        processor.append(&mut recording.processor);
        reference.append(&mut silent.processor);
    }
    let [processor, _] = quantiles(processor);
    let [reference, _] = quantiles(reference);
    let count = alone.with.len();
    let [p50, p95] = quantiles(millis(&alone.with));
    let [reference50, reference95] = quantiles(millis(&alone.without));
    let [many50, many95] = quantiles(millis(&together.with));
    let [manyref50, manyref95] = quantiles(millis(&together.without));
    let [low, median, high] = median_within(alone.added);
    let [many_low, many, many_high] = median_within(together.added);
    report.at_most(
        "what recording adds to a handoff, in percent",
        median,
        BOUND,
    );
    report.at_most(
        "what recording adds to each of many handoffs, in percent",
        many,
        MANY_BOUND,
    );
    writeln!(
        report.text,
        "## Recording\n\n\
         What it costs a handoff to be recorded: from *Open Notes* to the session, {count} times with the lab and {count} times without, turn and turn about, over {STARTS} starts of both programs. \
         The one without is the same program with `--only` the other three sites, which then have nobody to report to; both count for `/metrics`. After each there is a rest, in which what was recorded is \
         kept. Below it the same in turns of {MAX_AT_ONCE} without a rest, as no person makes them: each also pays for keeping those before it.\n\n\
         | | p50 | p95 | bound |\n|---|---|---|---|\n\
         | a handoff, recorded | {p50:.2} ms | {p95:.2} ms | |\n\
         | a handoff, not recorded | {reference50:.2} ms | {reference95:.2} ms | |\n\
         | recording adds, the median of {count} pairs (95 % confidence: {low:.1} % to {high:.1} %) | {median:.1} % | | {BOUND:.0} % |\n\
         | of many without a rest, recorded | {many50:.2} ms | {many95:.2} ms | |\n\
         | of many without a rest, not recorded | {manyref50:.2} ms | {manyref95:.2} ms | |\n\
         | recording adds to each of many (95 % confidence: {many_low:.1} % to {many_high:.1} %) | {many:.1} % | | {MANY_BOUND:.0} % |\n\
         | time of the processor for each of many, recorded | {processor:.2} ms | | |\n\
         | time of the processor for each of many, not recorded | {reference:.2} ms | | |\n",
    )?;
    Ok(())
}

/// A visitor who is signed in, and what *Open Notes* sends.
struct Signed {
    visitor: Visitor,
    form: String,
}

impl Signed {
    /// A handoff of a browser that has never been at Notes, and how long it took.
    fn handoff(&mut self) -> Result<Duration> {
        self.visitor.forget_notes();
        let began = steps::now();
        self.visitor.handoff(&self.form)?;
        Ok(began.elapsed())
    }
}

impl Side {
    fn start(program: &Path, data: &Path, arguments: &[&str]) -> Result<Self> {
        let mut side = Self {
            server: Server::start_with(program, data, arguments)?,
            alone: Vec::new(),
            together: Vec::new(),
            processor: Vec::new(),
        };
        // The first handoffs of a process are those of no other.
        side.turn()?;
        side.together.clear();
        side.processor.clear();
        Ok(side)
    }

    fn visitor(&self) -> Result<Signed> {
        let mut visitor = Visitor::new(self.server.port)?;
        let form = visitor.sign_in()?;
        Ok(Signed { visitor, form })
    }

    /// One handoff, and the rest after it.
    fn alone(&mut self, visitor: &mut Signed) -> Result<()> {
        self.alone.push(visitor.handoff()?);
        std::thread::sleep(REST);
        Ok(())
    }

    /// Some without a rest, and the time of each of them.
    fn turn(&mut self) -> Result<()> {
        let mut visitor = self.visitor()?;
        let before = self.server.processor_time()?;
        let mut all = Duration::ZERO;
        for _ in 0..MAX_AT_ONCE {
            all += visitor.handoff()?;
        }
        std::thread::sleep(REST);
        let processor = self.server.processor_time()? - before;
        self.processor.push(processor * 1e3 / MAX_AT_ONCE as f64);
        self.together.push(all / MAX_AT_ONCE as u32);
        Ok(())
    }

    /// What is dropped costs little: then something else was measured.
    fn has_kept_everything(&self) -> Result<()> {
        let metrics = super::get(self.server.ops, "/metrics")?;
        let dropped = metrics
            .lines()
            .find_map(|line| line.strip_prefix("handoff_events_dropped_total "));
        let dropped = dropped.context("/metrics does not say what was dropped")?;
        ensure!(dropped == "0", "{dropped} steps were dropped");
        Ok(())
    }
}

/// The median, between the two values within which it lies with 95 % confidence, whatever the values'
/// distribution: those whose ranks a fair coin would fall between.
fn median_within(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let half = count / 2.0;
    let spread = 1.96 * count.sqrt() / 2.0;
    let low = (half - spread).floor().max(1.0) as usize;
    let high = ((half + spread).ceil() + 1.0).min(count) as usize;
    let [median, _] = quantiles(values.clone());
    let at = |rank: usize| values.get(rank - 1).copied().unwrap_or(f64::NAN);
    [at(low), median, at(high)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_lies_within_the_ranks_that_tables_give() {
        let upto = |count: u32| (1..=count).rev().map(f64::from).collect();
        assert_eq!(median_within(upto(100)), [40.0, 50.0, 61.0]);
        assert_eq!(median_within(vec![3.0, 1.0, 2.0]), [1.0, 2.0, 3.0]);
    }
}
