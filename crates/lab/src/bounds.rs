//! How much a lab keeps, in memory and in its store.

use recording::{outcome_metrics::MAX_REMEMBERED, queue::MAX_WAITING};
use web::limits::MAX_KEYS;

use crate::{
    collector::MAX_CHANGES,
    flows::streams::{MAX_STREAMS, MAX_STREAMS_OF_NETWORK},
    monitor::MAX_FACTS,
    stepping::MAX_CHAINS,
    store::{BYTES, FLOWS},
};

/// The most of everything that one lab keeps. Nothing of it is allocated before it is used, but for the
/// slots of [`Self::changes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Events that wait to be kept.
    pub waiting: usize,
    /// Changes by which a follower may be behind; one at least.
    pub changes: usize,
    /// Steps of the last hour, in the monitor.
    pub facts: usize,
    /// Requests and handoffs that the monitor remembers.
    pub remembered: usize,
    /// Streams of events that are open at once.
    pub streams: usize,
    /// The same from one network.
    pub streams_of_network: usize,
    /// Chains of redirects that switch step mode on, and browsers that it is on for.
    pub step_chains: usize,
    /// Keys that each limiter counts.
    pub limiter_keys: usize,
    /// Flows in the store.
    pub flows: usize,
    /// Bytes of all flows in the store together.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            waiting: MAX_WAITING,
            changes: MAX_CHANGES,
            facts: MAX_FACTS,
            remembered: MAX_REMEMBERED,
            streams: MAX_STREAMS,
            streams_of_network: MAX_STREAMS_OF_NETWORK,
            step_chains: MAX_CHAINS,
            limiter_keys: MAX_KEYS,
            flows: FLOWS,
            bytes: BYTES,
        }
    }
}
