//! The list of handoffs while it changes, as server-sent events. Each is the whole newest part as
//! JSON, so that a browser which missed some has nothing to put together.

use std::{collections::VecDeque, time::Duration};

use axum::response::{Response, sse};
use futures_util::stream::unfold;
use lab_pages::flows::FlowRow;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::sleep,
};
use web::{at::At, peer::Peer, problem::Problem};

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

pub(crate) async fn get(At(lab): At<Lab>, peer: Peer) -> Result<Response, Problem> {
    let watching = Watching {
        // First of all, or what happens meanwhile would be missed.
        changes: lab.recorded().collector.changes(),
        lab: lab.clone(),
        shown: None,
        ready: VecDeque::from([sse::Event::default().retry(AGAIN_AFTER)]),
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
    /// What the browser has.
    shown: Option<Vec<FlowRow>>,
    ready: VecDeque<sse::Event>,
}

impl Watching {
    /// The next event; none when the stream ends, and then the browser opens another.
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            // What is there already comes at once.
            if self.shown.is_some() {
                self.change().await?;
            }
            let rows = rows(&self.lab, newest(&self.lab, None).await.ok()?);
            if self.shown.as_ref() != Some(&rows) {
                self.ready
                    .push_back(sse::Event::default().json_data(&rows).ok()?);
                self.shown = Some(rows);
            }
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
