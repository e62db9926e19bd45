//! The `handoff-lab` program.

use std::process::ExitCode;

/// A request makes hundreds of small allocations and frees many of them on another thread: DR-0024.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    server::cli::run().await
}
