//! Takes what the sites record, and keeps it.
//!
//! A handoff never waits for this: what there is no room for is dropped and counted. Whoever shows a
//! flow while it happens is told which ones have changed.

use std::{fmt, sync::Arc};

use handoff::flow::Event;
use recording::{
    queue::{Batches, Full, Queue, queue_of},
    recorder::Recorder,
};
use tokio::sync::broadcast;
use web::clock::Clock;

use crate::{
    Bounds,
    store::{Number, Store},
};

/// How many are kept in one transaction.
pub(crate) const MAX_BATCH: usize = 256;

/// How many changes a follower may be behind before it has to look for itself, unless the lab's bounds
/// say otherwise.
pub(crate) const MAX_CHANGES: usize = 256;

/// Which flows have changed.
pub(crate) type Changed = Arc<[Number]>;

/// Takes what the sites record. Clones are the same.
#[derive(Clone)]
pub struct Collector(Arc<Inner>);

struct Inner {
    queue: Queue,
    changes: broadcast::Sender<Changed>,
}

impl Collector {
    /// A collector, and what keeps what it takes. That ends with the task in which it runs; from then
    /// on everything is dropped.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        Self::bounded(store, clock, Bounds::default())
    }

    /// The same within these bounds.
    pub fn bounded(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        bounds: Bounds,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, waiting) = queue_of(bounds.waiting);
        let (changes, _) = broadcast::channel(bounds.changes.max(1));
        let keeping = keep(waiting, store, clock, changes.clone());
        (Self(Arc::new(Inner { queue, changes })), keeping)
    }

    /// Takes all of these, or none.
    ///
    /// # Errors
    /// [`Full`] when there is no room; nothing was taken.
    pub fn take(&self, events: Vec<Event>) -> Result<(), Full> {
        self.0.queue.put_all(events)
    }

    /// Waits until everything that was taken so far is kept.
    pub async fn flush(&self) {
        self.0.queue.flush().await;
    }

    /// The changes from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Changed> {
        self.0.changes.subscribe()
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector(..)")
    }
}

impl Recorder for Collector {
    fn record(&self, event: &Event) {
        self.0.queue.put(|| event.clone());
    }

    fn record_owned(&self, event: Event) {
        self.0.queue.put(|| event);
    }

    fn dropped(&self) -> u64 {
        self.0.queue.dropped()
    }
}

async fn keep(
    mut waiting: Batches,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    changes: broadcast::Sender<Changed>,
) {
    let mut works = true;
    while let Some(batch) = waiting.next(MAX_BATCH).await {
        if batch.events.is_empty() {
            batch.done();
            continue;
        }
        match store.keep(&batch.events, clock.now()).await {
            Ok(changed) => {
                if !works {
                    tracing::info!("flows are kept again");
                }
                works = true;
                // Usually nobody looks.
                let _ = changes.send(changed.into());
            }
            Err(cause) => {
                // Once, or a full disk would fill the log too.
                if works {
                    tracing::error!(%cause, "flows not kept");
                }
                works = false;
                waiting.lose(batch.events.len() as u64);
            }
        }
        batch.done();
    }
}
