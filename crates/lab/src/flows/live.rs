//! The list of handoffs while it changes, as server-sent events. Each event has the rows that changed,
//! as finished HTML. Its id is a hash of the whole list: a browser that reconnects with the hash of the
//! current list is sent nothing, and any other browser all rows.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::response::{Response, sse};
use futures_util::stream::unfold;
use http::HeaderMap;
use lab_pages::flows::DrawnRows;
use serde::Deserialize;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::sleep,
};
use web::{at::At, error_page::ErrorPage, params::Params, peer::Peer};

use super::{
    list::{newest, rows},
    streams::{self, AGAIN_AFTER},
};
use crate::{Lab, collector::Changed};

/// How long changes gather before the list is read again. One handoff changes it many times in a
/// tenth of a second, and forty people watch.
const GATHERED_FOR: Duration = Duration::from_millis(100);

/// How long a list that does not change stays as it is: it says how many minutes ago things were.
const AT_LEAST_EVERY: Duration = Duration::from_secs(60);

/// The list that the page had when it was made.
#[derive(Deserialize)]
pub(crate) struct From {
    after: Option<String>,
}

pub(crate) async fn get(
    At(lab): At<Lab>,
    peer: Peer,
    Params(from): Params<From>,
    headers: HeaderMap,
) -> Result<Response, ErrorPage> {
    let last = headers.get("last-event-id");
    let last = last.and_then(|last| last.to_str().ok().map(str::to_owned));
    let watching = Watching {
        // First of all, or what happens meanwhile would be missed.
        changes: lab.recorded().collector.changes(),
        lab: lab.clone(),
        has: last.or(from.after),
        shown: None,
        ready: VecDeque::from([sse::Event::default().retry(AGAIN_AFTER)]),
        is_first: true,
    };
    let place = lab.streams().open(peer.network())?;
    let events = unfold(watching, |mut watching| async move {
        let event = watching.next().await?;
        Some((event, watching))
    });
    Ok(streams::answer(events, place, lab.closing().clone()))
}

/// Somebody who watches the list.
struct Watching {
    lab: Lab,
    changes: Receiver<Changed>,
    /// The hash of the list that the browser has, as the browser says.
    has: Option<String>,
    /// What the browser shows, if that is known.
    shown: Option<Arc<DrawnRows>>,
    ready: VecDeque<sse::Event>,
    is_first: bool,
}

impl Watching {
    /// The next event; none when the stream ends, and then the browser opens another.
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            // What is there already comes at once.
            if !std::mem::take(&mut self.is_first) {
                self.change().await?;
            }
            let flows = newest(&self.lab, None).await.ok()?;
            let drawn = self.lab.drawings().list(rows(&self.lab, flows));
            if self.has.as_deref() != Some(drawn.name()) {
                let event = sse::Event::default().id(drawn.name());
                let html = drawn.since(self.shown.as_deref());
                self.ready.push_back(event.data(html));
                self.has = Some(drawn.name().to_owned());
            }
            self.shown = Some(drawn);
        }
    }

    /// Waits until something has changed, or is a minute older; none when the stream is to end.
    async fn change(&mut self) -> Option<()> {
        tokio::select! {
            () = sleep(AT_LEAST_EVERY) => return Some(()),
            changed = self.changes.recv() => match changed {
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            },
        }
        sleep(GATHERED_FOR).await;
        // Those that came meanwhile are in what is read next.
        while let Ok(_) | Err(tokio::sync::broadcast::error::TryRecvError::Lagged(_)) =
            self.changes.try_recv()
        {}
        Some(())
    }
}
