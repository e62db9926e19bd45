//! How long it takes to compare a presented secret with a stored digest (row 16), by how wrong it
//! is: `cargo bench -p handoff`. The medians should not tell the kinds apart. A bench and no test:
//! a machine that is busy would fail it, and one that is quiet proves nothing.

use std::hint::black_box;

use handoff::token::{ClientSecret, Digest, Secret};

const ROUNDS: usize = 2_001;
const EACH: u32 = 200;

fn main() {
    let stored = ClientSecret::mint([7; 32]).digest();
    let bytes: [u8; 32] = std::array::from_fn(|at| stored.as_bytes().as_slice()[at]);
    let with = |at: usize| {
        let mut bytes = bytes;
        bytes[at] ^= 1;
        Digest::<ClientSecret>::from_bytes(bytes)
    };
    let kinds = [
        ("right", stored),
        ("wrong in the first byte", with(0)),
        ("wrong in the last byte", with(31)),
        (
            "wrong everywhere",
            Digest::from_bytes(bytes.map(|byte| !byte)),
        ),
    ];
    // Turn by turn, so that what else the machine does meets all kinds alike.
    let mut times = kinds.map(|_| Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        for ((_, presented), times) in kinds.iter().zip(&mut times) {
            times.push(nanoseconds(|| {
                for _ in 0..EACH {
                    black_box(black_box(&stored) == black_box(presented));
                }
            }));
        }
    }
    println!("median of {ROUNDS} times {EACH} comparisons");
    for ((kind, _), mut times) in kinds.iter().zip(times) {
        times.sort_unstable();
        println!("{:>8} ns  {kind}", times[ROUNDS / 2]);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what a comparison takes is the machine's time; no platform is involved"
)]
fn nanoseconds(work: impl FnOnce()) -> u128 {
    let start = std::time::Instant::now();
    work();
    start.elapsed().as_nanos()
}
