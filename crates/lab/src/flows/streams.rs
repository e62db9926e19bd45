//! The streams of server-sent events that browsers have open.

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, StreamExt};
use http::header;
use time::Duration as Span;
use web::{peer::Network, problem::Problem};

/// How many streams are open at once. Each is a connection, of which the process has a few hundred.
const AT_ONCE: usize = 100;

/// How many of them one network may have: forty people behind one address, with a tab each.
const FROM_ONE: usize = 40;

/// A stream that nobody hears shows only when something is written to it.
pub(crate) const STILL_THERE: Duration = Duration::from_secs(15);

/// How long one stream lasts; the browser opens the next by itself.
pub(crate) const LASTS: Duration = Duration::from_secs(10 * 60);

/// How long a browser waits before it opens a stream again.
pub(crate) const AGAIN_AFTER: Duration = Duration::from_secs(1);

const TRY_LATER: Span = Span::seconds(10);

/// The answer that is this stream.
pub(crate) fn answer(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let events = Sse::new(events.map(Ok::<_, Infallible>));
    let answer = events.keep_alive(KeepAlive::new().interval(STILL_THERE));
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        // A proxy that collects an answer before it passes it on would show nothing live.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, answer).into_response()
}

/// The streams that are open, by whose they are.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<Network, usize>>>);

impl Streams {
    /// # Errors
    /// [`Problem::too_many`] when there is none left for this network.
    pub(crate) fn open(&self, network: Network) -> Result<Place, Problem> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.get(&network).copied().unwrap_or(0);
        if own >= FROM_ONE || open.values().sum::<usize>() >= AT_ONCE {
            return Err(Problem::too_many(TRY_LATER));
        }
        open.insert(network, own + 1);
        Ok(Place {
            streams: self.clone(),
            network,
        })
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streams(..)")
    }
}

/// An open stream. It counts until it is dropped.
pub(crate) struct Place {
    streams: Streams,
    network: Network,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self
            .streams
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.network) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use web::peer::Peer;

    use super::*;

    fn network(n: u8) -> Network {
        Peer([192, 0, 2, n].into()).network()
    }

    #[test]
    fn a_network_has_its_share_of_the_streams_and_gives_it_back() {
        let streams = Streams::default();
        let mut places: Vec<_> = (0..FROM_ONE)
            .map(|_| streams.open(network(1)).unwrap())
            .collect();
        assert!(streams.open(network(1)).is_err());
        places.pop();
        places.push(streams.open(network(1)).unwrap());
        for n in 2.. {
            match streams.open(network(n)) {
                Ok(place) => places.push(place),
                Err(_) => break,
            }
        }
        assert_eq!(places.len(), AT_ONCE);
        places.clear();
        assert!(streams.0.lock().unwrap().is_empty());
    }
}
