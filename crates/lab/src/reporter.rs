//! Reports the steps of this process to a lab that runs in another.
//!
//! A handoff never waits for this: what there is no room for is dropped and counted, and so is what
//! the lab does not take. While it cannot be reached, what waits stays.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use handoff::{
    flow::Event,
    token::{ReportKey, Secret},
    uri::Origin,
};
use http::StatusCode;
use relying_party::authority_client;
use reqwest::Client;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{sleep, timeout},
};
use web::record::Recorder;

use crate::{
    collector::{GATHERED_FOR, WAITING},
    reports::{MOST_BYTES, MOST_EVENTS, PATH},
};

/// How long to wait before the lab is tried again, at first and at most.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
const AT_MOST: Duration = Duration::from_secs(10);

/// How long a process that stops waits for its last report.
const LAST_WITHIN: Duration = Duration::from_secs(3);

/// Reports to a lab. Clones are the same.
#[derive(Clone)]
pub struct Reporter {
    queue: mpsc::Sender<Item>,
    dropped: Arc<AtomicU64>,
    /// Somebody waits: the lab is tried at once, however long it has been away.
    hurry: Arc<Notify>,
}

enum Item {
    Event(Box<Event>),
    /// Everything before this was sent, or never will be.
    Settled(oneshot::Sender<()>),
}

impl Reporter {
    /// Waits until everything that was recorded so far is sent, for a few seconds at most: the lab may
    /// be down.
    pub async fn settle(&self) {
        let settled = async {
            let (settled, wait) = oneshot::channel();
            self.hurry.notify_one();
            if self.queue.send(Item::Settled(settled)).await.is_ok() {
                // Where nobody sends anything any more, nothing is under way.
                let _ = wait.await;
            }
        };
        let _ = timeout(LAST_WITHIN, settled).await;
    }

    /// A reporter to the lab of this origin, and what sends what it takes. That ends with the task in
    /// which it runs; from then on everything is dropped.
    ///
    /// `ca`: the one certificate authority that is trusted for it, as PEM; without it, the machine's
    /// own list counts.
    pub fn new(
        lab: &Origin,
        key: ReportKey,
        ca: Option<&[u8]>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, waiting) = mpsc::channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let hurry = Arc::new(Notify::new());
        let http = authority_client::http(lab, ca)
            .inspect_err(|cause| tracing::error!(%lab, %cause, "steps are not reported"))
            .ok();
        let sending = Sending {
            http,
            address: format!("{lab}{PATH}"),
            key,
            dropped: Arc::clone(&dropped),
            hurry: Arc::clone(&hurry),
            works: true,
        };
        let reporter = Self {
            queue,
            dropped,
            hurry,
        };
        (reporter, sending.run(waiting))
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reporter(..)")
    }
}

impl Reporter {
    fn put(&self, event: impl FnOnce() -> Event) {
        match self.queue.try_reserve() {
            Ok(room) => room.send(Item::Event(Box::new(event()))),
            Err(_) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Recorder for Reporter {
    fn record(&self, event: &Event) {
        self.put(|| event.clone());
    }

    fn give(&self, event: Event) {
        self.put(|| event);
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// What came of a report.
enum Sent {
    Taken,
    /// It did not arrive, or there is no room there now.
    Later(String),
    /// It was refused, or may have been taken: sending it again would be wrong.
    Lost(String),
}

struct Sending {
    http: Option<Client>,
    address: String,
    key: ReportKey,
    dropped: Arc<AtomicU64>,
    hurry: Arc<Notify>,
    works: bool,
}

impl Sending {
    async fn run(mut self, mut waiting: mpsc::Receiver<Item>) {
        let Some(http) = self.http.take() else {
            return;
        };
        let mut items = Vec::new();
        while waiting.recv_many(&mut items, MOST_EVENTS).await > 0 {
            if items.iter().all(|item| matches!(item, Item::Event(_))) && items.len() < MOST_EVENTS
            {
                sleep(GATHERED_FOR).await;
                while items.len() < MOST_EVENTS
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
            for (count, body) in bodies(&events) {
                self.deliver(&http, count, body).await;
            }
            for tell in settled {
                let _ = tell.send(());
            }
        }
    }

    async fn deliver(&mut self, http: &Client, count: u64, body: String) {
        let mut wait = AGAIN_AFTER;
        loop {
            let cause = match self.send(http, body.clone()).await {
                Sent::Taken => {
                    if !self.works {
                        tracing::info!("steps are reported again");
                    }
                    self.works = true;
                    return;
                }
                Sent::Later(cause) => {
                    self.complain(&cause);
                    let hurried = timeout(wait, self.hurry.notified()).await.is_ok();
                    wait = if hurried {
                        AGAIN_AFTER
                    } else {
                        (wait * 2).min(AT_MOST)
                    };
                    continue;
                }
                Sent::Lost(cause) => cause,
            };
            self.complain(&cause);
            self.dropped.fetch_add(count, Ordering::Relaxed);
            return;
        }
    }

    /// Once, or a lab that is down would fill the log.
    fn complain(&mut self, cause: &str) {
        if std::mem::take(&mut self.works) {
            tracing::warn!(lab = self.address, cause, "steps are not reported");
        }
    }

    async fn send(&self, http: &Client, body: String) -> Sent {
        let call = http
            .post(&self.address)
            .header(http::header::CONTENT_TYPE, "application/json")
            .bearer_auth(self.key.expose())
            .body(body);
        match call.send().await.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Sent::Taken,
            Ok(StatusCode::SERVICE_UNAVAILABLE) => Sent::Later("it has no room".to_owned()),
            // A lab that is not there yet, behind a proxy or a process that serves other sites.
            Ok(
                status @ (StatusCode::MISDIRECTED_REQUEST
                | StatusCode::BAD_GATEWAY
                | StatusCode::GATEWAY_TIMEOUT),
            ) => Sent::Later(status.to_string()),
            Ok(status) => Sent::Lost(status.to_string()),
            Err(error) if error.is_connect() => Sent::Later(error.to_string()),
            Err(error) => Sent::Lost(error.to_string()),
        }
    }
}

/// The events as reports that the lab will read, each with how many it holds.
fn bodies(events: &[Box<Event>]) -> Vec<(u64, String)> {
    let mut bodies: Vec<(u64, String)> = Vec::new();
    for event in events {
        let Ok(text) = serde_json::to_string(event) else {
            continue;
        };
        match bodies.last_mut() {
            Some((count, body)) if body.len() + text.len() + 2 <= MOST_BYTES => {
                body.push(',');
                body.push_str(&text);
                *count += 1;
            }
            _ => bodies.push((1, format!("[{text}"))),
        }
    }
    for (_, body) in &mut bodies {
        body.push(']');
    }
    bodies
}
