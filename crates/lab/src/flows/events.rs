//! A flow while it happens, as server-sent events. Each event has the parts of the flow's page that
//! changed, as finished HTML. Its id is the sequence number of the flow's last step: a browser that
//! reconnects with it as `Last-Event-ID` is sent the parts that changed since.
//!
//! An event named `done` says that no more is expected. The browser reopens a stream that ends without
//! one.

use std::{collections::VecDeque, sync::Arc};

use axum::response::{Response, sse};
use futures_util::stream::unfold;
use http::HeaderMap;
use serde::Deserialize;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Interval, MissedTickBehavior, interval},
};
use web::{at::At, error_page::ErrorPage, params::Params, peer::Peer};

use super::{
    Asked,
    drawings::{self, Drawing, Latest},
    find, find_whole, is_over,
    streams::{self, AGAIN_AFTER, STILL_THERE},
};
use crate::{
    Lab,
    collector::Changed,
    store::{Flow, Key, Number},
};

/// Where a page without a script left off.
#[derive(Deserialize)]
pub(crate) struct From {
    after: Option<String>,
}

pub(crate) async fn get(
    At(lab): At<Lab>,
    peer: Peer,
    Asked(key): Asked,
    Params(from): Params<From>,
    headers: HeaderMap,
) -> Result<Response, ErrorPage> {
    // Browsers say where they were; the address says where the page was when it was made.
    let here = from
        .after
        .map(|text| number(&text).ok_or_else(ErrorPage::bad_request));
    let after = last_event_id(&headers)?.or(here.transpose()?).unwrap_or(0);
    // First of all, or what happens meanwhile would be missed.
    let changes = lab.recorded().collector.changes();
    let flow = find(&lab, &key).await?;
    let place = lab.streams().open(peer.network())?;
    let mut look = interval(STILL_THERE);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let following = Following {
        key,
        latest: lab.drawings().latest_of(flow.number),
        number: flow.number,
        after,
        shown: None,
        ready: VecDeque::from([sse::Event::default().retry(AGAIN_AFTER)]),
        looks: true,
        is_over: false,
        changes,
        look,
        lab: lab.clone(),
    };
    let events = unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((event, following))
    });
    Ok(streams::answer(events, place, lab.closing().clone()))
}

/// The number of the last event that the browser has, if it says one.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, ErrorPage> {
    let mut values = headers.get_all("last-event-id").iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let number = value.to_str().ok().and_then(number);
            number.map(Some).ok_or_else(ErrorPage::bad_request)
        }
        (Some(_), Some(_)) => Err(ErrorPage::bad_request()),
    }
}

/// A number as this page writes it: digits alone.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits && text.len() <= 19)
}

/// Somebody who watches a flow.
struct Following {
    lab: Lab,
    key: Key,
    number: Number,
    latest: Arc<Latest>,
    /// The sequence number of the last step that the browser has.
    after: u64,
    /// What the browser shows, if that is known.
    shown: Option<Arc<Drawing>>,
    ready: VecDeque<sse::Event>,
    /// There may be something new.
    looks: bool,
    is_over: bool,
    changes: Receiver<Changed>,
    look: Interval,
}

impl Following {
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            if std::mem::take(&mut self.looks) {
                self.look().await?;
                continue;
            }
            tokio::select! {
                biased;
                changed = self.changes.recv() => self.looks = match changed {
                    Ok(changed) => changed.contains(&self.number),
                    Err(RecvError::Lagged(_)) => true,
                    Err(RecvError::Closed) => return None,
                },
                _ = self.look.tick() => self.looks = true,
            }
        }
    }

    /// Reads what is new; none when it cannot, and then the browser asks again.
    async fn look(&mut self) -> Option<()> {
        let store = &self.lab.recorded().store;
        let Some(flow) = store.find(&self.key).await.ok()? else {
            self.finish();
            return Some(());
        };
        self.show(&flow).await?;
        if self.ready.is_empty() && is_over(&flow, self.lab.context().now()) {
            self.finish();
        }
        Some(())
    }

    /// Draws the flow and sends the parts that the browser does not have.
    async fn show(&mut self, flow: &Flow) -> Option<()> {
        if flow.number != self.number {
            // It was merged into another flow.
            self.number = flow.number;
            self.latest = self.lab.drawings().latest_of(flow.number);
        }
        let read = find_whole(&self.lab, &flow.id);
        let drawing = self.latest.draw(flow, read).await.ok()?;
        // On a merge all steps get new sequence numbers, which are higher.
        if drawing.last != self.after {
            if drawing.last < self.after {
                // The browser has steps that are not kept, as after a back-up was restored: it gets all parts.
                self.shown = None;
            } else if self.shown.is_none() {
                self.shown = drawings::before(&self.lab, flow, self.after).await.ok()?;
            }
            let shown = self.shown.as_ref().map(|shown| &*shown.drawn);
            let event = sse::Event::default().id(drawing.last.to_string());
            self.ready.push_back(event.data(drawing.drawn.since(shown)));
        }
        self.after = drawing.last;
        self.shown = Some(drawing);
        Some(())
    }

    fn finish(&mut self) {
        self.is_over = true;
        // An event without data is none to a browser.
        self.ready
            .push_back(sse::Event::default().event("done").data("over"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_event_id_is_one_number() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("last-event-id", http::HeaderValue::from_static(value));
            }
            last_event_id(&headers).ok()
        };
        assert_eq!(read(&[]), Some(None));
        assert_eq!(read(&["0"]), Some(Some(0)));
        assert_eq!(
            read(&["9999999999999999999"]),
            Some(Some(9_999_999_999_999_999_999))
        );
        for bad in [
            "",
            "-1",
            "+1",
            "1 ",
            "1,2",
            "x",
            "18446744073709551616",
            "0x1",
        ] {
            assert_eq!(read(&[bad]), None, "{bad:?}");
        }
        assert_eq!(read(&["1", "1"]), None);
    }
}
