//! Takes what the sites record, and keeps it.
//!
//! A handoff never waits for this: what there is no room for is dropped and counted. Whoever shows a
//! flow while it happens is told which ones have changed.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use handoff::flow::Event;
use tokio::sync::{broadcast, mpsc, oneshot};
use web::{record::Recorder, seams::Clock};

use crate::store::{Number, Store};

/// How many events wait to be kept: those of some fifty handoffs.
pub const WAITING: usize = 1_024;

/// How many are kept in one transaction.
pub(crate) const TOGETHER: usize = 256;

/// How long the first of them waits for others. A handoff makes twenty within a tenth of a second; a
/// transaction for each would cost it more than its picture is worth, and nobody sees this delay. Both
/// cost and delay are measured: `cargo xtask bench trace picture`.
pub(crate) const GATHERED_FOR: Duration = Duration::from_millis(20);

/// How many changes a follower may be behind before it has to look for itself.
const CHANGES: usize = 256;

/// Which flows have changed.
pub(crate) type Changed = Arc<[Number]>;

/// Takes what the sites record. Clones are the same.
#[derive(Clone)]
pub struct Collector(Arc<Inner>);

struct Inner {
    queue: mpsc::Sender<Item>,
    dropped: Arc<AtomicU64>,
    changes: broadcast::Sender<Changed>,
}

enum Item {
    Event(Box<Event>),
    /// Everything before this is kept, or never will be.
    Settled(oneshot::Sender<()>),
}

/// There is no room for these now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Collector {
    /// A collector, and what keeps what it takes. That ends with the task in which it runs; from then
    /// on everything is dropped.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, waiting) = mpsc::channel(WAITING);
        let (changes, _) = broadcast::channel(CHANGES);
        let dropped = Arc::new(AtomicU64::new(0));
        let keeping = keep(waiting, store, clock, changes.clone(), Arc::clone(&dropped));
        let collector = Self(Arc::new(Inner {
            queue,
            dropped,
            changes,
        }));
        (collector, keeping)
    }

    /// Takes all of these, or none.
    ///
    /// # Errors
    /// [`Full`] when there is no room; nothing was taken.
    pub fn take(&self, events: Vec<Event>) -> Result<(), Full> {
        let room = self.0.queue.try_reserve_many(events.len());
        let room = room.map_err(|_| Full)?;
        for (place, event) in room.zip(events) {
            place.send(Item::Event(Box::new(event)));
        }
        Ok(())
    }

    /// Waits until everything that was taken so far is kept.
    pub async fn settle(&self) {
        let (settled, wait) = oneshot::channel();
        // Where nobody keeps anything any more, nothing is under way.
        if self.0.queue.send(Item::Settled(settled)).await.is_ok() {
            let _ = wait.await;
        }
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

impl Collector {
    fn put(&self, event: impl FnOnce() -> Event) {
        // Room first: a copy for nothing would cost the most when there is the least.
        match self.0.queue.try_reserve() {
            Ok(room) => room.send(Item::Event(Box::new(event()))),
            Err(_) => {
                self.0.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Recorder for Collector {
    fn record(&self, event: &Event) {
        self.put(|| event.clone());
    }

    fn give(&self, event: Event) {
        self.put(|| event);
    }

    fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

async fn keep(
    mut waiting: mpsc::Receiver<Item>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    changes: broadcast::Sender<Changed>,
    dropped: Arc<AtomicU64>,
) {
    let mut works = true;
    let mut items = Vec::new();
    while waiting.recv_many(&mut items, TOGETHER).await > 0 {
        if items.iter().all(|item| matches!(item, Item::Event(_))) && items.len() < TOGETHER {
            tokio::time::sleep(GATHERED_FOR).await;
            while items.len() < TOGETHER
                && let Ok(item) = waiting.try_recv()
            {
                items.push(item);
            }
        }
        let (mut events, mut settled) = (Vec::new(), Vec::new());
        for item in items.drain(..) {
            match item {
                Item::Event(event) => events.push(*event),
                Item::Settled(tell) => settled.push(tell),
            }
        }
        let kept = match events.as_slice() {
            [] => Ok(Vec::new()),
            events => store.keep(events, clock.now()).await,
        };
        match kept {
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
                dropped.fetch_add(events.len() as u64, Ordering::Relaxed);
            }
        }
        for tell in settled {
            let _ = tell.send(());
        }
    }
}
