//! A recorder that sends what it takes over the network, without a handoff ever waiting for it: what
//! there is no room for is dropped and counted, and so is what did not arrive.

use std::{fmt, time::Duration};

use handoff::flow::Event;
use tokio::time::timeout;

use crate::{
    queue::{Batches, Hurried, Queue, queue},
    record::Recorder,
};

/// How long to wait before an address is tried again, at first and at most.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
const AT_MOST: Duration = Duration::from_secs(10);

/// How long a process that stops waits for what is sent last.
const LAST_WITHIN: Duration = Duration::from_secs(3);

/// What came of sending something.
#[derive(Debug)]
pub enum Sent {
    /// All of it is there.
    Taken,
    /// It did not arrive, or there is no room there now. It is sent again.
    Later(String),
    /// It was refused, or may have been taken: sending it again would be wrong.
    Lost(String),
    /// It is there but for this many events, which were refused.
    Partly(u64, String),
}

/// Where an [`Outbox`] sends to.
pub trait Destination: Send + Sync + 'static {
    /// The most events that it is given together.
    const MOST_EVENTS: usize;

    /// Whether it looks at [`Event::message`]. Where it does not, none is kept for it.
    const READS_MESSAGES: bool;

    /// The events as bodies of requests, each with how many it holds.
    fn bodies(&mut self, events: &[Event]) -> Vec<(u64, Vec<u8>)>;

    /// Sends one body.
    fn send(&self, body: Vec<u8>) -> impl Future<Output = Sent> + Send;

    /// The first time that it fails after it worked. Not each time, or an address where nobody is
    /// would fill the log.
    fn fails(&self, cause: &str);

    /// The first time that it works after it failed.
    fn works_again(&self);
}

/// Takes events for one destination. Clones are the same.
#[derive(Clone)]
pub struct Outbox {
    queue: Queue,
    reads_messages: bool,
}

impl Outbox {
    /// An outbox, and what sends what it takes. That ends with the task in which it runs; from then
    /// on everything is dropped.
    pub fn new<D: Destination>(
        destination: D,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, waiting) = queue();
        let sending = Sending {
            destination,
            waiting,
            works: true,
        };
        let outbox = Self {
            queue,
            reads_messages: D::READS_MESSAGES,
        };
        (outbox, sending.run())
    }

    /// One that sends nothing and drops everything.
    #[must_use]
    pub fn closed() -> Self {
        let (queue, _) = queue();
        Self {
            queue,
            reads_messages: false,
        }
    }

    /// Waits until everything that was recorded so far is sent, for a few seconds at most: nobody may
    /// be there. One that was away is tried at once, however long it has been.
    pub async fn settle(&self) {
        let _ = timeout(LAST_WITHIN, self.queue.settle()).await;
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbox(..)")
    }
}

impl Recorder for Outbox {
    fn record(&self, event: &Event) {
        self.queue.put(|| {
            let message = event.message.as_ref().filter(|_| self.reads_messages);
            Event {
                client: event.client.clone(),
                trace: event.trace.clone(),
                message: message.cloned(),
                refusal: event.refusal.clone(),
                ..*event
            }
        });
    }

    fn give(&self, mut event: Event) {
        event.message = event.message.filter(|_| self.reads_messages);
        self.queue.put(|| event);
    }

    fn reads_messages(&self) -> bool {
        self.reads_messages
    }

    fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

struct Sending<D> {
    destination: D,
    waiting: Batches,
    works: bool,
}

impl<D: Destination> Sending<D> {
    async fn run(mut self) {
        while let Some(batch) = self.waiting.next(D::MOST_EVENTS).await {
            if !batch.events.is_empty() {
                for (count, body) in self.destination.bodies(&batch.events) {
                    self.deliver(count, body).await;
                }
            }
            batch.done();
        }
    }

    async fn deliver(&mut self, count: u64, body: Vec<u8>) {
        let mut wait = AGAIN_AFTER;
        let (lost, cause) = loop {
            match self.destination.send(body.clone()).await {
                Sent::Taken => {
                    if !std::mem::replace(&mut self.works, true) {
                        self.destination.works_again();
                    }
                    return;
                }
                Sent::Later(cause) => {
                    self.complain(&cause);
                    wait = match self.waiting.pause(wait).await {
                        Hurried::Yes => AGAIN_AFTER,
                        Hurried::No => (wait * 2).min(AT_MOST),
                    };
                }
                Sent::Lost(cause) => break (count, cause),
                Sent::Partly(lost, cause) => break (lost, cause),
            }
        };
        self.complain(&cause);
        self.waiting.lose(lost);
    }

    fn complain(&mut self, cause: &str) {
        if std::mem::take(&mut self.works) {
            self.destination.fails(cause);
        }
    }
}
