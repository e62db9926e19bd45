//! A command is a table of named steps, run in order until one fails.

use std::time::{Duration, Instant};

use anyhow::Result;

/// One line of a command's table: its name, and what it does to the run's state.
pub(crate) type Step<C> = (&'static str, fn(&mut C) -> Result<()>);

enum Outcome {
    Done(Duration),
    Failed(Duration),
    NotRun,
}

/// Runs `plan` in order, says where it stands, and stops at the first failure. Ends with a table of
/// all steps, the ones that did not run too. Returns whether all succeeded.
pub(crate) fn run<C>(plan: &[Step<C>], state: &mut C) -> bool {
    let mut outcomes = Vec::new();
    let whole = now();
    let mut failed = false;
    for (index, (name, step)) in plan.iter().enumerate() {
        if failed {
            outcomes.push((*name, Outcome::NotRun));
            continue;
        }
        println!(
            "\n[{}/{}] {name} ({} so far)",
            index + 1,
            plan.len(),
            shown(whole.elapsed())
        );
        let start = now();
        let outcome = match step(state) {
            Ok(()) => Outcome::Done(start.elapsed()),
            Err(error) => {
                eprintln!("error: {error:#}");
                failed = true;
                Outcome::Failed(start.elapsed())
            }
        };
        outcomes.push((*name, outcome));
    }
    print_table(&outcomes, whole.elapsed());
    !failed
}

fn print_table(outcomes: &[(&str, Outcome)], whole: Duration) {
    let width = outcomes
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or(0);
    println!();
    for (name, outcome) in outcomes {
        let (word, time) = match outcome {
            Outcome::Done(time) => ("ok", shown(*time)),
            Outcome::Failed(time) => ("FAILED", shown(*time)),
            Outcome::NotRun => ("not run", String::new()),
        };
        println!("  {name:<width$}  {word:<7}  {time:>10}");
    }
    println!("  {:<width$}  {:<7}  {:>10}", "together", "", shown(whole));
}

fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a build or a start takes is the machine's time; no platform is involved"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn the_first_failure_ends_the_run() {
        let plan: [Step<Vec<u8>>; 3] = [
            ("one", |ran| {
                ran.push(1);
                Ok(())
            }),
            ("two", |_| bail!("no")),
            ("three", |ran| {
                ran.push(3);
                Ok(())
            }),
        ];
        let mut ran = Vec::new();
        assert!(!run(&plan, &mut ran));
        assert_eq!(ran, [1]);
    }

    #[test]
    fn times_are_shown_in_the_unit_that_fits() {
        assert_eq!(shown(Duration::from_millis(12_340)), "12.3 s");
        assert_eq!(shown(Duration::from_secs(187)), "3 min 07 s");
    }
}
