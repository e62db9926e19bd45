//! A recorder that sends what it takes over the network, without a handoff ever waiting for it: what
//! there is no room for is dropped and counted, and so is what did not arrive.

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
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};

use crate::record::Recorder;

/// How many events wait to be sent: those of some fifty handoffs.
pub const WAITING: usize = 1_024;

/// How long the first of them waits for others. A handoff makes twenty within a tenth of a second, and
/// nobody sees this delay.
const GATHERED_FOR: Duration = Duration::from_millis(20);

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
    fn bodies(&mut self, events: &[Box<Event>]) -> Vec<(u64, Vec<u8>)>;

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
    queue: mpsc::Sender<Item>,
    dropped: Arc<AtomicU64>,
    reads_messages: bool,
}

enum Item {
    Event(Box<Event>),
    /// Everything before this was sent, or never will be.
    Settled(oneshot::Sender<()>),
}

impl Outbox {
    /// An outbox, and what sends what it takes. That ends with the task in which it runs; from then
    /// on everything is dropped.
    pub fn new<D: Destination>(
        destination: D,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, waiting) = mpsc::channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let sending = Sending {
            destination,
            dropped: Arc::clone(&dropped),
            works: true,
        };
        let outbox = Self {
            queue,
            dropped,
            reads_messages: D::READS_MESSAGES,
        };
        (outbox, sending.run(waiting))
    }

    /// One that sends nothing and drops everything.
    #[must_use]
    pub fn closed() -> Self {
        let (queue, _) = mpsc::channel(1);
        Self {
            queue,
            dropped: Arc::default(),
            reads_messages: false,
        }
    }

    /// Waits until everything that was recorded so far is sent, for a few seconds at most: nobody may
    /// be there.
    pub async fn settle(&self) {
        let settled = async {
            let (settled, wait) = oneshot::channel();
            if self.queue.send(Item::Settled(settled)).await.is_ok() {
                // Where nobody sends anything any more, nothing is under way.
                let _ = wait.await;
            }
        };
        let _ = timeout(LAST_WITHIN, settled).await;
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbox(..)")
    }
}

impl Recorder for Outbox {
    fn record(&self, event: &Event) {
        match self.queue.try_reserve() {
            Ok(room) => {
                let message = event.message.as_ref().filter(|_| self.reads_messages);
                room.send(Item::Event(Box::new(Event {
                    client: event.client.clone(),
                    trace: event.trace.clone(),
                    message: message.cloned(),
                    refusal: event.refusal.clone(),
                    ..*event
                })));
            }
            Err(_) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn reads_messages(&self) -> bool {
        self.reads_messages
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

struct Sending<D> {
    destination: D,
    dropped: Arc<AtomicU64>,
    works: bool,
}

impl<D: Destination> Sending<D> {
    async fn run(mut self, mut waiting: mpsc::Receiver<Item>) {
        let most = D::MOST_EVENTS;
        let mut items = Vec::new();
        while waiting.recv_many(&mut items, most).await > 0 {
            if items.iter().all(|item| matches!(item, Item::Event(_))) && items.len() < most {
                sleep(GATHERED_FOR).await;
                while items.len() < most
                    && let Ok(item) = waiting.try_recv()
                {
                    items.push(item);
                }
            }
            let (mut events, mut settled) = (Vec::new(), Vec::new());
            for item in items.drain(..) {
                match item {
                    Item::Event(event) => events.push(event),
                    Item::Settled(tell) => settled.push(tell),
                }
            }
            if !events.is_empty() {
                for (count, body) in self.destination.bodies(&events) {
                    self.deliver(count, body).await;
                }
            }
            for tell in settled {
                let _ = tell.send(());
            }
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
                    sleep(wait).await;
                    wait = (wait * 2).min(AT_MOST);
                }
                Sent::Lost(cause) => break (count, cause),
                Sent::Partly(lost, cause) => break (lost, cause),
            }
        };
        self.complain(&cause);
        self.dropped.fetch_add(lost, Ordering::Relaxed);
    }

    fn complain(&mut self, cause: &str) {
        if std::mem::take(&mut self.works) {
            self.destination.fails(cause);
        }
    }
}
