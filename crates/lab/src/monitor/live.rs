//! The monitor while it changes, as server-sent events. Each has all sections as finished HTML: they are small, and most
//! numbers change together.

use std::time::Duration;

use axum::response::{Response, sse};
use futures_util::stream::unfold;
use lab_pages::monitor::DrawnMonitor;
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    time::sleep,
};
use web::{at::At, error_page::ErrorPage, peer::Peer};

use crate::{
    Lab,
    collector::Changed,
    flows::streams::{self, AGAIN_AFTER},
};

/// The route.
pub(crate) const PATH: &str = "/monitor/events";

/// How long changes gather before the page is drawn again: an hour's steps are counted each time.
const GATHERED_FOR: Duration = Duration::from_secs(1);

/// How long the page stays as it is when nothing happens: handoffs leave its hour.
const AT_LEAST_EVERY: Duration = Duration::from_secs(30);

pub(crate) async fn get(At(lab): At<Lab>, peer: Peer) -> Result<Response, ErrorPage> {
    lab.monitor().ok_or_else(ErrorPage::not_found)?;
    let watching = Watching {
        changes: lab.recorded().collector.changes(),
        lab: lab.clone(),
        shown: None,
    };
    let place = lab.streams().open(peer.network())?;
    let events = unfold(watching, |mut watching| async move {
        let event = watching.next().await?;
        Some((event, watching))
    });
    Ok(streams::answer(events, place, lab.closing().clone()))
}

/// Somebody who watches the monitor.
struct Watching {
    lab: Lab,
    changes: Receiver<Changed>,
    /// What the browser shows.
    shown: Option<DrawnMonitor>,
}

impl Watching {
    /// The next event; none when the stream ends, and then the browser opens another. The first comes at once.
    async fn next(&mut self) -> Option<sse::Event> {
        let is_first = self.shown.is_none();
        loop {
            if self.shown.is_some() {
                self.change().await?;
            }
            let now = DrawnMonitor::of(self.lab.monitor()?.report().page());
            if self.shown.as_ref() != Some(&now) {
                let event = sse::Event::default().data(&now.html);
                self.shown = Some(now);
                return Some(if is_first {
                    event.retry(AGAIN_AFTER)
                } else {
                    event
                });
            }
        }
    }

    /// Waits until something has changed, or some of what is shown may be older than the hour; none when the stream is to
    /// end.
    async fn change(&mut self) -> Option<()> {
        tokio::select! {
            () = sleep(AT_LEAST_EVERY) => return Some(()),
            changed = self.changes.recv() => match changed {
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            },
        }
        sleep(GATHERED_FOR).await;
        // Those that came meanwhile are in what is drawn next.
        while let Ok(_) | Err(TryRecvError::Lagged(_)) = self.changes.try_recv() {}
        Some(())
    }
}
