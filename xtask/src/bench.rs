//! `cargo xtask bench`: what the release build takes, in time and in room.
//!
//! Each time stands beside a reference that was measured in the same run: whatever else the machine
//! does goes into both, and the page says how much that was. `docs/BENCHMARKS.md` is one run, written by this.
//! A figure beyond its bound is an error, once everything is measured.

mod flows;
mod growth;
mod handoffs;
mod load;
mod rates;
mod rivals;
mod sign_in;
mod stock;
mod trace;
mod visitor;

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::Deserialize;

use self::rates::Field;
use self::rivals::Peer;
use crate::workspace::{Profile, Workspace, node_script, output, run as run_command};
use crate::{browsers, build, steps, tools};

/// How often the program is started.
const STARTS: usize = 10;
/// A start that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the program is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(5);

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// How many handoffs are redeemed in a second, beside two others.
    Verify,
    /// How many handoffs are issued in a second, beside two others.
    Issue,
    /// What a whole handoff costs the server, beside an earlier one.
    Handoff,
    /// How many people sign in in a second, beside what argon2 alone allows.
    SignIn,
    /// Verify and issue with few and with many rows stored.
    Growth,
    /// From the click on *Open App* to painted Notes, beside a plain redirect.
    OpenApp,
    /// From the start of the process to `/ready`, the memory that it idles with, its size.
    Start,
    /// Lighthouse's scores of sign-in, portal, Notes, a flow and the monitor.
    Lighthouse,
    /// What recording costs a handoff, with and without.
    Trace,
    /// From a step to the lab's picture of it.
    Picture,
    /// The list of flows, with as many as are ever kept.
    Flows,
    /// The scripts and the wasm of a flow's page.
    Weight,
    /// Creating and dropping a whole platform in memory.
    Platform,
}

/// What was measured, and which bounds that breaks. A script of `end2end/bench` prints one.
#[derive(Default, Deserialize)]
struct Report {
    text: String,
    broken: Vec<String>,
}

impl Report {
    fn at_most(&mut self, what: &str, value: f64, bound: f64) {
        // No number at all is within no bound.
        if value.is_nan() || value > bound {
            self.broken
                .push(format!("{what}: {value:.2}, and may be {bound}"));
        }
    }

    fn at_least(&mut self, what: &str, value: f64, bound: f64) {
        if value.is_nan() || value < bound {
            self.broken
                .push(format!("{what}: {value:.2}, and must be {bound} at least"));
        }
    }
}

/// What is measured by putting servers under load, side by side.
type UnderLoad = fn(&Field<'_>, &mut Report) -> Result<()>;
const UNDER_LOAD: [(Measure, UnderLoad); 5] = [
    (Measure::Verify, rates::verify),
    (Measure::Issue, rates::issue),
    (Measure::Handoff, handoffs::measure),
    (Measure::SignIn, sign_in::measure),
    (Measure::Growth, growth::measure),
];

/// Measures, prints, and writes `docs/BENCHMARKS.md` when everything was measured.
///
/// # Errors
/// When the program cannot be built or started, or a page does not do what it should.
pub(crate) fn run(
    workspace: &Workspace,
    only: &[Measure],
    program: Option<PathBuf>,
) -> Result<ExitCode> {
    let wanted = |measure| only.is_empty() || only.contains(&measure);
    let under_load = UNDER_LOAD.iter().any(|(measure, _)| wanted(*measure));
    let earlier = match under_load {
        true => {
            tools::check(tools::TO_LOAD)?;
            Peer::install(workspace)?;
            Some(rivals::earlier(workspace)?)
        }
        false => None,
    };
    let program = match program {
        Some(program) => program,
        None => build::run(workspace, Profile::Release)?,
    };
    let mut report = Report::default();
    let load_before = load();
    let mut machine = machine(workspace)?;
    if under_load {
        machine += &format!(" {}", rivals::versions(workspace)?);
    }
    let scratch = Scratch::new(workspace)?;
    if let Some(earlier) = earlier {
        let field = Field {
            workspace,
            today: &program,
            earlier,
            scratch: &scratch.0,
        };
        for (_, measure) in UNDER_LOAD.iter().filter(|(measure, _)| wanted(*measure)) {
            measure(&field, &mut report)?;
        }
    }
    // Opens the data folder for the first time, as everything after it finds it.
    let first = Server::start(&program, &scratch.0)?;
    if wanted(Measure::Start) {
        let first_start = first.ready_after;
        std::thread::sleep(IDLE);
        let first_memory = first.memory()?;
        first.stop()?;
        start(&program, &scratch.0, first_start, first_memory, &mut report)?;
    } else {
        first.stop()?;
    }
    if wanted(Measure::Trace) {
        trace::measure(&program, &scratch.0, &mut report)?;
    }
    if wanted(Measure::Flows) {
        flows::measure(&program, &scratch.0.join("flows"), &mut report)?;
    }
    if wanted(Measure::Platform) {
        platform(workspace, &mut report)?;
    }
    let scripts = [
        (Measure::OpenApp, "open-app.mjs"),
        (Measure::Picture, "picture.mjs"),
        (Measure::Weight, "weight.mjs"),
        (Measure::Lighthouse, "lighthouse.mjs"),
    ];
    if scripts.iter().any(|(measure, _)| wanted(*measure)) {
        install(workspace)?;
        let server = Server::start(&program, &scratch.0)?;
        for (_, script) in scripts.iter().filter(|(measure, _)| wanted(*measure)) {
            in_browser(workspace, &server, script, &mut report)?;
        }
        server.stop()?;
    }
    let load = format!(
        "Load average {load_before} before the run, {} after it.",
        load()
    );
    let text = format!("{HEAD}{machine} {load}\n\n{}", report.text);
    let text = text.trim_end();
    println!("\n{text}\n");
    if only.is_empty() {
        let page = workspace.root.join("docs/BENCHMARKS.md");
        let before = fs::read_to_string(&page).unwrap_or_default();
        fs::write(&page, format!("{text}\n{}", meaning(&before)))?;
        println!("Written to docs/BENCHMARKS.md.");
    }
    for broken in &report.broken {
        eprintln!("error: {broken}");
    }
    Ok(u8::from(!report.broken.is_empty()).into())
}

const HEAD: &str = "# Benchmarks

One run of `cargo xtask bench`, which wrote this page up to its last section. The times are those of the machine named
below; compare each with the reference beside it, measured turn and turn about in the same run.
[Contributing](CONTRIBUTING.md) says what to do when a figure gets worse, and how the flame graphs of
[verify](flame/verify.svg), [issue](flame/issue.svg) and
[a whole handoff](flame/handoff.svg) are made.

";

/// What begins the part of the page that people write. The next run keeps it.
const MEANING: &str = "\n## What this means\n";

/// That part of a page, if there is one.
fn meaning(page: &str) -> &str {
    page.find(MEANING).map_or("", |at| &page[at..])
}

fn machine(workspace: &Workspace) -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut lines = model.lines();
    let model = lines.find_map(|line| line.strip_prefix("model name"));
    let model = model.unwrap_or("an unnamed processor");
    let model = model.trim_matches([' ', '\t', ':']);
    let commit = output(
        Command::new("git")
            .args(["describe", "--always", "--dirty"])
            .current_dir(&workspace.root),
    )?;
    Ok(format!(
        "Commit {}, {cores} cores of {model}, {}.",
        commit.trim(),
        std::env::consts::OS
    ))
}

/// How many processes ran or waited, on average over the last minute.
fn load() -> String {
    let averages = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let last_minute = averages.split_whitespace().next();
    last_minute.unwrap_or("unknown").to_owned()
}

/// A data folder that goes when the run is over.
struct Scratch(PathBuf);

impl Scratch {
    fn new(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.target.join("bench/run");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is below `target`, and the next run begins by removing it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program, running.
struct Server {
    child: Child,
    port: u16,
    ops: SocketAddr,
    ready_after: Duration,
}

impl Server {
    fn start(program: &Path, data: &Path) -> Result<Self> {
        Self::start_with(program, data, &[])
    }

    fn start_with(program: &Path, data: &Path, arguments: &[&str]) -> Result<Self> {
        let (listen, ops) = (free_address()?, free_address()?);
        let began = steps::now();
        let child = Command::new(program)
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--listen", &listen.to_string()])
            .args(["--ops-listen", &ops.to_string()])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut server = Self {
            child,
            port: listen.port(),
            ops,
            ready_after: Duration::ZERO,
        };
        while !is_ready(ops) {
            if began.elapsed() > PATIENCE || server.child.try_wait()?.is_some() {
                bail!("the program does not get ready");
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        server.ready_after = began.elapsed();
        Ok(server)
    }

    /// Resident memory, in megabytes of a million bytes, as its bound is.
    fn memory(&self) -> Result<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).context("memory is read from /proc, on Linux")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        // The kernel writes "kB" and means 1024 bytes.
        let kibibytes: f64 = line
            .and_then(|rest| rest.split_whitespace().next())
            .context("no VmRSS")?
            .parse()?;
        Ok(kibibytes * 1024.0 / 1e6)
    }

    /// How much of the processor's time the process has had so far, in seconds.
    fn processor_time(&self) -> Result<f64> {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = fs::read_to_string(path).context("times are read from /proc, on Linux")?;
        // The name before them may hold anything but a last bracket.
        let (_, fields) = stat.rsplit_once(')').context("no process")?;
        let times = fields.split_whitespace().skip(11).take(2);
        let mut ticks = 0.0;
        for time in times {
            ticks += time.parse::<f64>()?;
        }
        // The kernel tells them in hundredths, whatever it counts in.
        Ok(ticks / 100.0)
    }

    /// By SIGTERM, so that it puts its databases away as it does for everybody.
    fn stop(mut self) -> Result<()> {
        run_command(Command::new("kill").arg(self.child.id().to_string()))?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Has no effect on one that was stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A bench of the server's crate measures, judges and writes the table.
fn platform(workspace: &Workspace, report: &mut Report) -> Result<()> {
    let mut bench = workspace.cargo();
    bench.args(["bench", "--package", "server", "--bench", "platform"]);
    let measured = bench.stderr(Stdio::inherit()).output()?;
    report.text += &format!("## A platform\n\n{}\n", String::from_utf8(measured.stdout)?);
    if !measured.status.success() {
        report.broken.push("a platform: see its table".to_owned());
    }
    Ok(())
}

fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?)
}

fn is_ready(ops: SocketAddr) -> bool {
    get(ops, "/ready").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// What the operator's listener answers, with its head.
fn get(ops: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(ops)?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: ops\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn start(
    program: &Path,
    data: &Path,
    first_start: Duration,
    first_memory: f64,
    report: &mut Report,
) -> Result<()> {
    let (mut starts, mut reference) = (Vec::new(), Vec::new());
    let mut memory = 0.0;
    for turn in 0..STARTS {
        let server = Server::start(program, data)?;
        starts.push(server.ready_after);
        if turn + 1 == STARTS {
            std::thread::sleep(IDLE);
            memory = server.memory()?;
        }
        server.stop()?;
        let began = steps::now();
        output(Command::new(program).arg("--version"))?;
        reference.push(began.elapsed());
    }
    let size = fs::metadata(program)?.len();
    let [p50, p95] = quantiles(millis(&starts));
    let [reference50, reference95] = quantiles(millis(&reference));
    report.at_most("from the start to /ready, in ms", p95, 150.0);
    report.at_most("memory after a start, in MB", memory, 40.0);
    report.at_most("memory after the first start, in MB", first_memory, 40.0);
    let size = size as f64 / 1e6;
    report.at_most("the program, in MB", size, 25.0);
    writeln!(
        report.text,
        "## Start, memory, size\n\n\
         | | p50 | p95 | bound |\n|---|---|---|---|\n\
         | from the start of the process to `/ready`, on an existing database ({STARTS} starts) | {p50:.0} ms | {p95:.0} ms | 150 ms |\n\
         | for reference: the same program only prints its version | {reference50:.0} ms | {reference95:.0} ms | |\n\n\
         | | | bound |\n|---|---|---|\n\
         | the first start, which makes the databases and the demo accounts | {:.0} ms | |\n\
         | resident memory, {} s after a start on an existing database | {memory:.1} MB | 40 MB |\n\
         | the same, after the first start | {first_memory:.1} MB | 40 MB |\n\
         | the program, one file | {size:.1} MB | 25 MB |\n",
        first_start.as_secs_f64() * 1e3,
        IDLE.as_secs(),
    )?;
    Ok(())
}

fn millis(times: &[Duration]) -> Vec<f64> {
    times.iter().map(|time| time.as_secs_f64() * 1e3).collect()
}

/// The 50th and the 95th percentile: the smallest value that so many percent do not exceed.
fn quantiles(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    [50, 95].map(|percent| {
        let rank = (values.len() * percent).div_ceil(100).max(1);
        values.get(rank - 1).copied().unwrap_or(f64::NAN)
    })
}

fn install(workspace: &Workspace) -> Result<()> {
    for folder in [workspace.end2end(), workspace.end2end().join("bench")] {
        run_command(node_script("npm", &folder).args(["ci", "--no-audit", "--no-fund"]))?;
    }
    Ok(())
}

/// Runs a script of `end2end/bench` against the server. It measures, judges and writes its table.
fn in_browser(
    workspace: &Workspace,
    server: &Server,
    script: &str,
    report: &mut Report,
) -> Result<()> {
    let mut command = node_script("node", &workspace.end2end().join("bench"));
    command.arg(script);
    command.env("HANDOFF_LAB_PORT", server.port.to_string());
    if let Some(chromium) = browsers::find_or_install(workspace)?.chromium {
        command
            .env("CHROMIUM", &chromium)
            .env("CHROME_PATH", chromium);
    }
    command.stderr(Stdio::inherit());
    let printed = output(&mut command)?;
    let section: Report =
        serde_json::from_str(&printed).with_context(|| format!("{script} printed {printed}"))?;
    report.text += &section.text;
    report.broken.extend(section.broken);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_kept_by_the_bound_itself_and_by_no_number_that_is_none() {
        let mut report = Report::default();
        report.at_most("kept", 5.0, 5.0);
        assert_eq!(report.broken, [""; 0]);
        report.at_most("broken", 5.1, 5.0);
        report.at_most("broken", f64::NAN, 5.0);
        assert_eq!(report.broken.len(), 2);
        report.at_least("kept", 5.0, 5.0);
        assert_eq!(report.broken.len(), 2);
        report.at_least("broken", 4.9, 5.0);
        report.at_least("broken", f64::NAN, 5.0);
        assert_eq!(report.broken.len(), 4);
    }

    #[test]
    fn what_people_wrote_of_the_last_run_stays() {
        let page = "# Benchmarks\n\n| a | b |\n\n## What this means\n\nMuch.\n";
        assert_eq!(meaning(page), "\n## What this means\n\nMuch.\n");
        assert_eq!(meaning("# Benchmarks\n"), "");
    }

    #[test]
    fn a_quantile_is_a_value_that_was_measured() {
        let hundred = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantiles(hundred), [50.0, 95.0]);
        let twenty = (1..=20).map(f64::from).collect();
        assert_eq!(quantiles(twenty), [10.0, 19.0]);
        assert_eq!(quantiles(vec![7.0]), [7.0, 7.0]);
    }
}
