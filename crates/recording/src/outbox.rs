//! A recorder that sends what it takes over the network, without a handoff ever waiting for it: what
//! there is no room for is dropped and counted, and so is what did not arrive.

use std::{fmt, time::Duration};

use handoff::flow::Event;
use tokio::time::timeout;

use crate::{
    queue::{Batches, PauseEnd, Queue, queue},
    recorder::Recorder,
};

/// How long to wait before an address is tried again, at first and at most.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// How long a process that stops waits for what is sent last.
const LAST_WITHIN: Duration = Duration::from_secs(3);

/// What came of sending something. The texts are for the log.
#[derive(Debug)]
pub enum Delivery {
    /// The destination has all of it.
    Accepted,
    /// It did not arrive, or the destination has no room now. It is sent again.
    Retry(String),
    /// It was refused, or may have been taken: sending it again would be wrong.
    Failed(String),
    /// The destination has it but for this many events, which it refused.
    Partial(u64, String),
}

/// Where an [`Outbox`] sends to.
pub trait Destination: Send + Sync + 'static {
    /// The most events that it is given together.
    const MAX_EVENTS: usize;

    /// Whether it looks at [`Event::message`]. Where it does not, none is kept for it.
    const READS_MESSAGES: bool;

    /// The events as bodies of requests, each with how many it holds.
    fn bodies(&mut self, events: &[Event]) -> Vec<(u64, Vec<u8>)>;

    /// Sends one body.
    fn send(&self, body: Vec<u8>) -> impl Future<Output = Delivery> + Send;

    /// Logs the first failure after a success. Later ones are not logged: an address that does not
    /// answer would fill the log.
    fn log_failure(&self, cause: &str);

    /// Logs the first success after a failure.
    fn log_recovery(&self);
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
            is_up: true,
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
    pub async fn flush(&self) {
        let _ = timeout(LAST_WITHIN, self.queue.flush()).await;
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

    fn record_owned(&self, mut event: Event) {
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
    is_up: bool,
}

impl<D: Destination> Sending<D> {
    async fn run(mut self) {
        while let Some(batch) = self.waiting.next(D::MAX_EVENTS).await {
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
                Delivery::Accepted => {
                    if !std::mem::replace(&mut self.is_up, true) {
                        self.destination.log_recovery();
                    }
                    return;
                }
                Delivery::Retry(cause) => {
                    self.failed(&cause);
                    wait = match self.waiting.pause(wait).await {
                        PauseEnd::FlushNow => AGAIN_AFTER,
                        PauseEnd::Elapsed => (wait * 2).min(MAX_PAUSE),
                    };
                }
                Delivery::Failed(cause) => break (count, cause),
                Delivery::Partial(lost, cause) => break (lost, cause),
            }
        };
        self.failed(&cause);
        self.waiting.lose(lost);
    }

    fn failed(&mut self, cause: &str) {
        if std::mem::take(&mut self.is_up) {
            self.destination.log_failure(cause);
        }
    }
}
