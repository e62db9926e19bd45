//! A server under load, by wrk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::workspace::{Workspace, output};

/// How many connections ask at the same time.
pub(super) const CONNECTIONS: u64 = 32;

/// Requests of one kind: what they have in common, and what each has of its own.
pub(super) struct Requests {
    /// A raw request with `{1}`, `{2}` where the fields of a line belong.
    pub(super) template: PathBuf,
    /// The fields of each request; none, when all are the same.
    pub(super) lines: Option<PathBuf>,
    /// How many lines were sent already.
    sent: u64,
    /// How many were answered, over all runs.
    pub(super) answered: u64,
}

/// What one run measured.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Run {
    pub(super) requests: u64,
    pub(super) seconds: f64,
    /// Latencies, in milliseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// Answers with a status above 399.
    refused: u64,
    /// Requests that had no answer.
    failed: u64,
    /// Whether the lines were too few.
    short: bool,
}

impl Run {
    pub(super) fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

/// What the answers must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    Accepted,
    Refused,
}

/// How hard a server is asked.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    pub(super) seconds: u32,
    pub(super) connections: u64,
    /// How long each connection rests before a request, on average, in milliseconds.
    pub(super) pause: f64,
}

impl Pace {
    /// As fast as it answers.
    pub(super) const fn full(seconds: u32) -> Self {
        Self {
            seconds,
            connections: CONNECTIONS,
            pause: 0.0,
        }
    }

    /// So often in a second, where an answer takes so many milliseconds.
    pub(super) fn at(rate: f64, answer: f64, seconds: u32) -> Self {
        Self {
            pause: (between(rate) - answer).max(0.0),
            ..Self::full(seconds)
        }
    }

    /// So often in a second, after a run at this pace has told how long an answer takes.
    pub(super) fn corrected(self, run: Run, rate: f64, seconds: u32) -> Self {
        Self::at(rate, between(run.rate()) - self.pause, seconds)
    }
}

/// How many milliseconds lie between two requests of a connection.
fn between(rate: f64) -> f64 {
    CONNECTIONS as f64 * 1e3 / rate
}

impl Requests {
    /// Writes the template into the folder. The lines lie there already.
    pub(super) fn new(
        folder: &Path,
        kind: &str,
        template: &str,
        lines: Option<&str>,
    ) -> Result<Self> {
        let path = folder.join(format!("{kind}.request"));
        fs::write(&path, template)?;
        Ok(Self {
            template: path,
            lines: lines.map(|name| folder.join(name)),
            sent: 0,
            answered: 0,
        })
    }

    /// Asks the server at this port, and fails when an answer is not what it must be.
    pub(super) fn send(
        &mut self,
        workspace: &Workspace,
        port: u16,
        pace: Pace,
        expect: Expect,
    ) -> Result<Run> {
        let printed = output(&mut self.command(workspace, port, pace))?;
        self.read(&printed, pace, expect)
    }

    /// wrk, which prints what [`Self::read`] reads.
    pub(super) fn command(&self, workspace: &Workspace, port: u16, pace: Pace) -> Command {
        let mut wrk = Command::new("wrk");
        // One thread: it is never the limit, and the machine has its other cores for the server.
        wrk.args(["--threads", "1"])
            .args(["--connections", &pace.connections.to_string()])
            .args(["--duration", &format!("{}s", pace.seconds)])
            .args(["--timeout", "60s"])
            .arg("--script")
            .arg(workspace.end2end().join("bench/load/requests.lua"))
            .arg(format!("http://127.0.0.1:{port}"))
            .arg("--")
            .arg(&self.template)
            .arg(self.lines.as_deref().unwrap_or(Path::new("-")))
            .args([self.sent.to_string(), pace.pause.to_string()]);
        wrk
    }

    /// What wrk has printed of a run.
    pub(super) fn read(&mut self, printed: &str, pace: Pace, expect: Expect) -> Result<Run> {
        let run = read(printed, expect)?;
        self.answered += run.requests;
        // Each connection may have had one under way, and wrk makes one to look at.
        self.sent += run.requests + pace.connections + 1;
        Ok(run)
    }
}

fn read(printed: &str, expect: Expect) -> Result<Run> {
    let line = printed.lines().find(|line| line.starts_with('{'));
    let line = line.with_context(|| format!("wrk printed {printed}"))?;
    let run: Run = serde_json::from_str(line)?;
    ensure!(run.requests > 0, "nothing was answered");
    ensure!(!run.short, "there were fewer requests than could be sent");
    ensure!(run.failed == 0, "{} requests had no answer", run.failed);
    let expected = match expect {
        Expect::Accepted => 0,
        Expect::Refused => run.requests,
    };
    ensure!(
        run.refused == expected,
        "{} of {} were refused, not {expected}",
        run.refused,
        run.requests
    );
    Ok(run)
}

/// A raw request with a body, whose length is that of its lines' fields.
pub(super) fn post(head: &str, body: &str, fields: &[usize]) -> String {
    let length = body.len() - 3 * fields.len() + fields.iter().sum::<usize>();
    format!("{head}content-length: {length}\r\n\r\n{body}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(refused: u64, failed: u64, short: bool) -> String {
        format!(
            "Running 1s test\n\n{{\"requests\":10,\"seconds\":2.0,\"p50\":1.0,\"p99\":2.0,\
             \"refused\":{refused},\"failed\":{failed},\"short\":{short}}}\n"
        )
    }

    #[test]
    fn only_a_run_whose_every_answer_is_as_expected_counts() {
        let run = read(&printed(0, 0, false), Expect::Accepted).unwrap();
        assert_eq!((run.rate(), run.p99), (5.0, 2.0));
        assert!(read(&printed(10, 0, false), Expect::Refused).is_ok());
        for (bad, expect) in [
            (printed(1, 0, false), Expect::Accepted),
            (printed(9, 0, false), Expect::Refused),
            (printed(0, 1, false), Expect::Accepted),
            (printed(0, 0, true), Expect::Accepted),
            ("Running 1s test\n".to_owned(), Expect::Accepted),
        ] {
            assert!(read(&bad, expect).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pace_is_corrected_by_what_an_answer_took() {
        let run = read(&printed(0, 0, false), Expect::Accepted).unwrap();
        // Five a second are 6.4 s from one request of a connection to its next.
        let pace = Pace::at(5.0, 400.0, 1);
        assert_eq!(pace.pause, 6_000.0);
        assert_eq!(pace.corrected(run, 10.0, 1).pause, 2_800.0);
        assert_eq!(pace.corrected(run, 1e6, 1).pause, 0.0);
    }

    #[test]
    fn a_body_is_as_long_as_it_is_with_its_fields() {
        let request = post("POST / HTTP/1.1\r\n", "a={1}&b={2}", &[5, 1]);
        let expected = "POST / HTTP/1.1\r\ncontent-length: 11\r\n\r\na={1}&b={2}";
        assert_eq!(request, expected);
    }
}
