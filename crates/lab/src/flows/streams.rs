//! The streams of server-sent events that browsers have open.

use std::{
    collections::{HashMap, VecDeque},
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
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use web::{error_page::ErrorPage, peer::Network};

/// How many streams are open at once. Each is a connection, of which the process has a few hundred.
pub(crate) const MAX_STREAMS: usize = 100;

/// How many of them one network may have: forty people behind one address, with a tab each.
pub(crate) const MAX_STREAMS_OF_NETWORK: usize = 40;

/// A stream that nobody hears shows only when something is written to it.
pub(crate) const STILL_THERE: Duration = Duration::from_secs(15);

/// How long one stream lasts; the browser opens the next by itself.
const LASTS: Duration = Duration::from_secs(10 * 60);

/// How long a browser waits before it opens a stream again.
pub(crate) const AGAIN_AFTER: Duration = Duration::from_secs(1);

const TRY_LATER: Span = Span::seconds(10);

/// The answer that is this stream, until it must end. A browser opens the next one by itself, but for
/// one whose place somebody else needs more.
pub(crate) fn answer(
    events: impl Stream<Item = Event> + Send + 'static,
    place: Place,
    closing: CancellationToken,
) -> Response {
    let end = async move {
        tokio::select! {
            () = closing.cancelled() => {}
            () = place.given_up() => {}
            () = sleep(LASTS) => {}
        }
    };
    let events = events.take_until(Box::pin(end));
    let events = Sse::new(events.map(Ok::<_, Infallible>));
    let answer = events.keep_alive(KeepAlive::new().interval(STILL_THERE));
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        // A proxy that collects an answer before it passes it on would show nothing live.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, answer).into_response()
}

/// The streams that are open, by whose they are; of each network, the oldest first.
#[derive(Clone)]
pub(crate) struct Streams(Arc<Mutex<Open>>);

impl Default for Streams {
    fn default() -> Self {
        Self::new(MAX_STREAMS, MAX_STREAMS_OF_NETWORK)
    }
}

struct Open {
    max: usize,
    max_of_network: usize,
    by_network: HashMap<Network, VecDeque<(u64, CancellationToken)>>,
    last: u64,
}

impl Streams {
    /// So many at once, and so many of them from one network.
    pub(crate) fn new(max: usize, max_of_network: usize) -> Self {
        Self(Arc::new(Mutex::new(Open {
            max,
            max_of_network,
            by_network: HashMap::new(),
            last: 0,
        })))
    }

    /// When all are taken, the network that has the most gives its oldest up to one that has less:
    /// else three networks could have them all, and nobody else would see anything happen.
    ///
    /// # Errors
    /// [`ErrorPage::too_many`] when there is none left for this network.
    pub(crate) fn open(&self, network: Network) -> Result<Place, ErrorPage> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.by_network.get(&network).map_or(0, VecDeque::len);
        if own >= open.max_of_network {
            return Err(ErrorPage::too_many(TRY_LATER));
        }
        let all: usize = open.by_network.values().map(VecDeque::len).sum();
        if all >= open.max {
            let most = open.by_network.values_mut().max_by_key(|own| own.len());
            // Were they to have as many afterwards, the two would take it from each other for ever.
            let most = most.filter(|most| most.len() > own + 1);
            let given_up = most.and_then(VecDeque::pop_front);
            let (_, ended) = given_up.ok_or_else(|| ErrorPage::too_many(TRY_LATER))?;
            ended.cancel();
        }
        open.last += 1;
        let (number, ended) = (open.last, CancellationToken::new());
        let own = open.by_network.entry(network).or_default();
        own.push_back((number, ended.clone()));
        Ok(Place {
            streams: self.clone(),
            network,
            number,
            ended,
        })
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streams(..)")
    }
}

/// An open stream. It counts until it is dropped, or given up for somebody else's.
pub(crate) struct Place {
    streams: Streams,
    network: Network,
    number: u64,
    ended: CancellationToken,
}

impl Place {
    /// Waits until somebody else needs it more.
    async fn given_up(&self) {
        self.ended.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self
            .streams
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.by_network.get_mut(&self.network) {
            own.retain(|(number, _)| *number != self.number);
            if own.is_empty() {
                open.by_network.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use web::peer::Peer;

    use super::*;

    fn network(n: u8) -> Network {
        Peer([192, 0, 2, n].into()).network()
    }

    #[test]
    fn a_network_has_its_share_of_the_streams_and_gives_it_back() {
        let streams = Streams::default();
        let mut places: Vec<_> = (0..MAX_STREAMS_OF_NETWORK)
            .map(|_| streams.open(network(1)).unwrap())
            .collect();
        assert!(streams.open(network(1)).is_err());
        places.pop();
        places.push(streams.open(network(1)).unwrap());
        places.clear();
        assert!(streams.0.lock().unwrap().by_network.is_empty());
    }

    #[test]
    fn whoever_has_the_most_makes_room_for_whoever_has_less() {
        let streams = Streams::default();
        let counts = || {
            let open = streams.0.lock().unwrap();
            let counts =
                [1, 2, 3, 4].map(|n| open.by_network.get(&network(n)).map_or(0, |own| own.len()));
            assert!(counts.iter().sum::<usize>() <= MAX_STREAMS);
            counts
        };
        let take = |n: u8, many: usize| -> Vec<Place> {
            (0..many)
                .map_while(|_| streams.open(network(n)).ok())
                .collect()
        };
        let mut first = take(1, 40);
        let (second, mut third) = (take(2, 40), take(3, 40));
        assert_eq!(third.len(), 33, "until all have as many");
        let ended = |places: &[Place]| places.iter().filter(|it| it.ended.is_cancelled()).count();
        assert_eq!(ended(&first) + ended(&second) + ended(&third), 13);
        let others = take(4, 40);
        let open = counts();
        assert_eq!(open.iter().sum::<usize>(), MAX_STREAMS);
        assert!(
            open.iter().all(|count| (25..=26).contains(count)),
            "{open:?}"
        );
        assert_eq!(ended(&others), 0);
        // The oldest were given up, and what they held is not given back a second time.
        assert!(first[0].ended.is_cancelled() && !first[39].ended.is_cancelled());
        let held = first.pop();
        first.clear();
        assert_eq!(counts()[0], 1);
        drop(held);
        assert_eq!(counts()[0], 0);
        third.clear();
        drop((second, others));
        assert_eq!(counts(), [0; 4]);
    }

    #[tokio::test]
    async fn a_stream_ends_when_its_place_is_given_up_and_when_the_process_stops() {
        let streams = Streams::default();
        let open = |n: u8, closing: &CancellationToken| {
            let place = streams.open(network(n)).unwrap();
            let events = futures_util::stream::pending();
            answer(events, place, closing.clone()).into_body()
        };
        let ends = async |body: Body| {
            let end = tokio::time::timeout(Duration::from_secs(60), to_bytes(body, usize::MAX));
            end.await.expect("it ends").unwrap()
        };
        let closing = CancellationToken::new();
        let first = open(1, &closing);
        let others: Vec<_> = (0..3)
            .flat_map(|n| (0..33).map(move |_| n + 1))
            .map(|n| open(n, &closing))
            .collect();
        // A hundred are open, 34 of them of the first network: its oldest makes room.
        let last = open(4, &closing);
        assert!(ends(first).await.is_empty());
        closing.cancel();
        for body in others.into_iter().chain([last]) {
            assert!(ends(body).await.is_empty());
        }
        assert!(streams.0.lock().unwrap().by_network.is_empty());
    }
}
