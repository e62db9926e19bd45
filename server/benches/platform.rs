//! What a whole platform in memory costs: the time to create and drop one, and the memory of one at
//! rest. `cargo bench -p server --bench platform` prints a table for docs/BENCHMARKS.md and fails when
//! a bound is broken.

use std::{
    error::Error,
    process::ExitCode,
    time::{Duration, Instant},
};

use server::{
    config::Origins,
    platform::{Platform, Setup, Shared, Stores},
    sites::{Directory, Mounted},
};
use ui::shell::Assets;

/// How many platforms are created and dropped, one after the other.
const ROUNDS: usize = 200;
/// How many are alive at once while memory is read.
const ALIVE: usize = 1_000;
/// The longest time to create one, as the median in milliseconds.
const MAX_CREATE: f64 = 10.0;
/// The most memory of one at rest, in KiB.
const MAX_MEMORY: f64 = 1_024.0;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Which parts a platform has.
#[derive(Clone, Copy)]
enum Parts {
    /// All, as the program's own platform.
    All,
    /// No metrics and no monitor, as for a platform that lives for minutes.
    Lean,
}

/// The time of the machine: the benchmark measures durations.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures real durations"
)]
fn now() -> Instant {
    Instant::now()
}

struct World {
    shared: Shared,
    directory: Directory,
    parts: Parts,
}

impl World {
    async fn create(&self, n: usize) -> Result<(Platform, Mounted)> {
        let origins = Origins::on_localhost(&format!("-{n}"), 4000)?;
        let assets = Assets::default();
        let is_whole = matches!(self.parts, Parts::All);
        let setup = Setup {
            shared: self.shared.clone(),
            metrics: is_whole,
            monitor: is_whole,
            ..Setup::demo(origins, assets)
        };
        let platform = Platform::open(setup, Stores::InMemory).await?;
        let mounted = platform.mount(&self.directory);
        Ok((platform, mounted))
    }
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let measured = match runtime {
        Ok(runtime) => runtime.block_on(measure()),
        Err(error) => Err(error.into()),
    };
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Result<bool> {
    println!("| A whole platform in memory, four sites | p50 | p95 | bound |\n|---|---|---|---|");
    let mut is_kept = true;
    for (parts, name) in [
        (Parts::All, "with all parts"),
        (Parts::Lean, "without metrics and monitor"),
    ] {
        let world = World {
            shared: Shared::default(),
            directory: Directory::default(),
            parts,
        };
        // What a process makes once is no part of a platform.
        drop(world.create(0).await?);
        let (mut creates, mut drops) = (Vec::new(), Vec::new());
        for n in 0..ROUNDS {
            let began = now();
            let platform = world.create(n).await?;
            creates.push(began.elapsed());
            let began = now();
            drop(platform);
            drops.push(began.elapsed());
            tokio::task::yield_now().await;
        }
        let [create, create_95] = quantiles(creates);
        let [drop_50, drop_95] = quantiles(drops);
        println!(
            "| create one, {name} | {create:.2} ms | {create_95:.2} ms | p50 {MAX_CREATE} ms |"
        );
        println!("| drop it | {drop_50:.2} ms | {drop_95:.2} ms | |");

        let before = resident_kib()?;
        let mut alive = Vec::new();
        for n in 0..ALIVE {
            alive.push(world.create(n).await?);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let each = (resident_kib()? - before) / ALIVE as f64;
        println!(
            "| resident memory of each of {ALIVE}, {name} | {each:.0} KiB | | {MAX_MEMORY} KiB |"
        );
        drop(alive);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let left = (resident_kib()? - before) / ALIVE as f64;
        println!(
            "| of that still held by the allocator when all are dropped | {left:.0} KiB | | |"
        );
        // No number at all is within no bound.
        is_kept &= create < MAX_CREATE && each <= MAX_MEMORY;
    }
    Ok(is_kept)
}

/// The median and the 95th percentile, by the nearest rank, in milliseconds.
fn quantiles(mut times: Vec<Duration>) -> [f64; 2] {
    times.sort_unstable();
    [50, 95].map(|percent| {
        let rank = (times.len() * percent).div_ceil(100).max(1);
        times
            .get(rank - 1)
            .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    })
}

/// The memory of this process that is in RAM, in KiB.
fn resident_kib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    Ok(number.ok_or("no VmRSS")?.parse()?)
}
