//! Events that wait to be kept or sent. A handoff never waits for that: what there is no room for is
//! dropped and counted.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use handoff::flow::Event;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::timeout,
};

/// The most events that wait: those of some fifty handoffs.
pub const MAX_WAITING: usize = 1_024;

/// How long the first event waits for others. A handoff makes twenty within a tenth of a second; a
/// transaction or a request for each would cost it more than its picture is worth, and nobody sees
/// this delay. Both cost and delay are measured: `cargo xtask bench trace picture`.
const GATHERED_FOR: Duration = Duration::from_millis(20);

/// The end into which events are put. Clones are the same.
#[derive(Clone)]
pub struct Queue {
    items: mpsc::Sender<Item>,
    shared: Arc<Shared>,
}

/// The end from which they are taken. What is put after it is gone is dropped.
pub struct Batches {
    items: mpsc::Receiver<Item>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    dropped: AtomicU64,
    /// A [`Queue::flush`] waits: the other end is not to pause.
    flush_now: Notify,
}

enum Item {
    Event(Box<Event>),
    /// Everything before this is done, or never will be.
    Flushed(oneshot::Sender<()>),
}

/// Some events together, in the order in which they were put.
pub struct Batch {
    /// The events. There may be none.
    pub events: Vec<Event>,
    flushed: Vec<oneshot::Sender<()>>,
}

/// There is no room for these now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A queue's two ends, with room for [`MAX_WAITING`].
#[must_use]
pub fn queue() -> (Queue, Batches) {
    queue_of(MAX_WAITING)
}

/// The same with room for so many, one at least.
#[must_use]
pub fn queue_of(max_waiting: usize) -> (Queue, Batches) {
    let (sender, receiver) = mpsc::channel(max_waiting.max(1));
    let shared = Arc::new(Shared::default());
    let queue = Queue {
        items: sender,
        shared: Arc::clone(&shared),
    };
    let batches = Batches {
        items: receiver,
        shared,
    };
    (queue, batches)
}

impl Queue {
    /// Puts an event, if there is room.
    pub fn put(&self, event: impl FnOnce() -> Event) {
        // Room first: a copy for nothing would cost the most when there is the least.
        match self.items.try_reserve() {
            Ok(room) => room.send(Item::Event(Box::new(event()))),
            Err(_) => self.shared.lose(1),
        }
    }

    /// Puts all of these, or none.
    ///
    /// # Errors
    /// [`Full`] when there is no room; nothing was put, and nothing counts as dropped.
    pub fn put_all(&self, events: Vec<Event>) -> Result<(), Full> {
        let room = self.items.try_reserve_many(events.len());
        let room = room.map_err(|_| Full)?;
        for (place, event) in room.zip(events) {
            place.send(Item::Event(Box::new(event)));
        }
        Ok(())
    }

    /// Waits until everything that was put so far is done. The other end stops pausing for it.
    pub async fn flush(&self) {
        let (flushed, wait) = oneshot::channel();
        // Once before, because a paused end makes no room for the item; once after, because an end that
        // gathers has not seen it.
        self.shared.flush_now.notify_one();
        if self.items.send(Item::Flushed(flushed)).await.is_ok() {
            self.shared.flush_now.notify_one();
            // If the other end is gone, nothing is under way.
            let _ = wait.await;
        }
    }

    /// How many events were dropped since it was made.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn lose(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }
}

impl Batches {
    /// The next events, at most so many together; none when nothing more can come.
    pub async fn next(&mut self, most: usize) -> Option<Batch> {
        let mut items = Vec::new();
        if self.items.recv_many(&mut items, most).await == 0 {
            return None;
        }
        let waited_for = items.iter().any(|item| matches!(item, Item::Flushed(_)));
        if !waited_for && items.len() < most {
            self.pause(GATHERED_FOR).await;
            while items.len() < most
                && let Ok(item) = self.items.try_recv()
            {
                items.push(item);
            }
        }
        let mut batch = Batch {
            events: Vec::with_capacity(items.len()),
            flushed: Vec::new(),
        };
        for item in items {
            match item {
                Item::Event(event) => batch.events.push(*event),
                Item::Flushed(tell) => batch.flushed.push(tell),
            }
        }
        Some(batch)
    }

    /// Waits so long, or until a [`Queue::flush`] waits.
    pub async fn pause(&self, long: Duration) -> PauseEnd {
        match timeout(long, self.shared.flush_now.notified()).await {
            Ok(()) => PauseEnd::FlushNow,
            Err(_) => PauseEnd::Elapsed,
        }
    }

    /// So many events were taken, and are lost.
    pub fn lose(&self, count: u64) {
        self.shared.lose(count);
    }
}

/// Why a pause is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseEnd {
    /// A [`Queue::flush`] waits until everything is done.
    FlushNow,
    /// The time is over.
    Elapsed,
}

impl Batch {
    /// All that can be done with it is done: each [`Queue::flush`] that waited for it returns.
    pub fn done(self) {
        for tell in self.flushed {
            let _ = tell.send(());
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue(..)")
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Batches(..)")
    }
}

#[cfg(test)]
mod tests {
    use handoff::{
        flow::{Belongs, Site},
        step::Step,
    };

    use super::*;

    fn event(n: i64) -> Event {
        Event {
            step: Step::StartReceived,
            site: Site::RelyingParty,
            client: None,
            belongs: Belongs::default(),
            session: None,
            trace: String::new(),
            at: n,
            after: 0,
            message: None,
            refusal: None,
        }
    }

    fn times(batch: &Batch) -> Vec<i64> {
        batch.events.iter().map(|event| event.at).collect()
    }

    /// For what must come without waiting: longer than any machine takes, shorter than what it would
    /// wait for.
    async fn soon<T>(what: impl Future<Output = T>) -> T {
        timeout(Duration::from_secs(60), what)
            .await
            .expect("in time")
    }

    /// Waits for the end meanwhile.
    fn flushing(queue: Queue) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move { queue.flush().await })
    }

    #[tokio::test]
    async fn what_comes_within_a_moment_is_taken_together_and_no_more_than_asked_for() {
        let (queue, mut batches) = super::queue();
        for n in 0..5 {
            queue.put(|| event(n));
        }
        assert_eq!(times(&batches.next(3).await.unwrap()), [0, 1, 2]);
        // It is asked first, finds two, and gathers when the next one comes.
        let meanwhile = async { queue.put(|| event(5)) };
        let (batch, ()) = tokio::join!(batches.next(100), meanwhile);
        assert_eq!(times(&batch.unwrap()), [3, 4, 5]);
        drop(queue);
        assert!(batches.next(100).await.is_none());
    }

    #[tokio::test]
    async fn a_flush_ends_a_pause() {
        for waiting in [0, MAX_WAITING] {
            let (queue, mut batches) = super::queue();
            for n in (0..).take(waiting) {
                queue.put(|| event(n));
            }
            let mut ended = PauseEnd::Elapsed;
            let take = async {
                ended = batches.pause(Duration::from_secs(3_600)).await;
                while let Some(batch) = batches.next(100).await {
                    batch.done();
                }
            };
            // Where all places are taken, the wish to see the end has none either until then.
            let end = async {
                tokio::select! { () = take => {}, () = queue.flush() => {} }
            };
            soon(end).await;
            assert_eq!(ended, PauseEnd::FlushNow, "{waiting} waiting");
        }
    }

    #[tokio::test]
    async fn nobody_is_told_of_the_end_before_all_that_came_earlier_is_done() {
        let (queue, mut batches) = super::queue();
        for n in 0..3 {
            queue.put(|| event(n));
        }
        let mut flushed = flushing(queue.clone());
        let mut seen = Vec::new();
        while seen.len() < 3 {
            let batch = batches.next(1).await.unwrap();
            assert!(!flushed.is_finished());
            seen.extend(times(&batch));
            batch.done();
            tokio::task::yield_now().await;
        }
        assert_eq!(seen, [0, 1, 2]);
        assert!(!flushed.is_finished());
        batches.next(1).await.unwrap().done();
        (&mut flushed).await.unwrap();
        // Nor when it was taken together with them.
        queue.put(|| event(3));
        let flushed = flushing(queue.clone());
        tokio::task::yield_now().await;
        let batch = batches.next(100).await.unwrap();
        assert_eq!(times(&batch), [3]);
        tokio::task::yield_now().await;
        assert!(!flushed.is_finished());
        batch.done();
        flushed.await.unwrap();
        // And where nobody takes anything any more, there is nothing to wait for.
        drop(batches);
        queue.flush().await;
    }

    #[tokio::test]
    async fn what_there_is_no_room_for_is_counted_one_by_one_or_refused_together() {
        let (queue, batches) = super::queue();
        for n in (0..).take(MAX_WAITING) {
            queue.put(|| event(n));
        }
        assert_eq!(queue.dropped(), 0);
        queue.put(|| panic!("no copy is made for nothing"));
        assert_eq!(queue.dropped(), 1);
        assert_eq!(queue.put_all(vec![event(0)]), Err(Full));
        assert_eq!(queue.dropped(), 1, "whoever sent it knows");
        batches.lose(5);
        drop(batches);
        queue.put(|| panic!("nor for nobody"));
        assert_eq!(queue.dropped(), 7);
    }
}
