//! What whole handoffs cost a server, from *Open Notes* to the session (H1 to H6), beside the program as
//! it was.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result};

use super::rates::{Field, Figures, Ours, median, range, ratios, thousands};
use super::rivals::EARLIER;
use super::visitor::Visitor;
use super::{Report, Server};
use crate::steps;

/// How often everything is measured.
const ROUNDS: usize = 5;
/// How many visitors open Notes at the same time.
const VISITORS: usize = 16;
/// How many handoffs each of them makes, before it counts and while it counts. One sign-in may open a
/// hundred and fifty at once, and one address two thousand four hundred.
const WARM_UP: usize = 10;
const EACH: usize = 120;
/// How long recording is given to finish: what it still has to write belongs to the handoffs.
const REST: Duration = Duration::from_millis(500);

pub(super) fn measure(field: &Field<'_>, report: &mut Report) -> Result<()> {
    let mut sides = [Figures::default(), Figures::default()];
    for round in 0..ROUNDS {
        for turn in 0..2 {
            let which = (turn + round) % 2;
            let ours = [Ours::Today, Ours::Earlier][which];
            let folder = field.scratch.join("round");
            if folder.exists() {
                std::fs::remove_dir_all(&folder)?;
            }
            let server = Server::start(field.program(ours), &folder)?;
            let (rate, processor) = one(&server)?;
            server.stop()?;
            sides[which].rates.push(rate);
            sides[which].processor.push(processor);
        }
    }
    let [today, earlier] = sides;
    let ratios = ratios(&today.processor, &earlier.processor);
    let ratio = median(&ratios);
    report.at_most(
        &format!("a handoff's processor time beside {EARLIER}"),
        ratio,
        1.0 / 3.0,
    );
    writeln!(
        report.text,
        "## Handoffs\n\n\
         `cargo xtask bench handoff`: whole handoffs, from *Open Notes* to the session (H1 to H6), all sites in one process and recorded: {VISITORS} visitors at the same time, {EACH} handoffs each, {ROUNDS} rounds, turn and turn about. \
         The visitors run on the same cores, so handoffs a second say less than the server's processor time.\n\n\
         | | processor time of the server for one | lowest to highest | a second | lowest to highest |\n|---|---|---|---|---|"
    )?;
    for (name, figures) in [("today's", &today), (EARLIER, &earlier)] {
        writeln!(
            report.text,
            "| {name} | {:.2} ms | {} ms | {} | {} |",
            median(&figures.processor),
            range(&figures.processor, |value| format!("{value:.2}")),
            thousands(median(&figures.rates)),
            range(&figures.rates, thousands),
        )?;
    }
    writeln!(
        report.text,
        "\nToday's processor time is {ratio:.2} of that of {EARLIER} (lowest to highest: {}); the bound is 0.33.\n",
        range(&ratios, |ratio| format!("{ratio:.2}")),
    )?;
    Ok(())
}

/// How many handoffs there were in a second, and what the server's processor had to do for each, in
/// milliseconds.
fn one(server: &Server) -> Result<(f64, f64)> {
    let mut visitors = Vec::new();
    for _ in 0..VISITORS {
        let mut visitor = Visitor::new(server.port)?;
        let form = visitor.sign_in()?;
        visitors.push((visitor, form));
    }
    let mut open = |count: usize| -> Result<Duration> {
        let began = steps::now();
        std::thread::scope(|scope| {
            let threads: Vec<_> = visitors
                .iter_mut()
                .map(|(visitor, form)| {
                    scope.spawn(move || {
                        for _ in 0..count {
                            visitor.forget_notes();
                            visitor.handoff(form)?;
                        }
                        anyhow::Ok(())
                    })
                })
                .collect();
            for thread in threads {
                thread.join().ok().context("a visitor panicked")??;
            }
            Ok(began.elapsed())
        })
    };
    open(WARM_UP)?;
    std::thread::sleep(REST);
    let before = server.processor_time()?;
    let took = open(EACH)?;
    std::thread::sleep(REST);
    let spent = server.processor_time()? - before;
    let handoffs = (VISITORS * EACH) as f64;
    Ok((handoffs / took.as_secs_f64(), spent * 1e3 / handoffs))
}
