//! The connections that are open, by network, and the limit on them.
//!
//! A new connection is always accepted. When its network has its share of connections already, the
//! connection of that network that has been quiet for longest is evicted. When the limit is reached by
//! several networks, the network with the most connections gives one up in the same way.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use tokio_util::sync::CancellationToken;
use web::peer::Network;

/// A limit on open connections, for all listeners that have a clone of it.
#[derive(Clone)]
pub struct ConnectionLimiter(Arc<Inner>);

struct Inner {
    /// The most connections that are open at once.
    max: usize,
    by_network: Mutex<ByNetwork>,
    /// Counts events, which gives them an order.
    events: AtomicU64,
}

type ByNetwork = HashMap<Network, VecDeque<Arc<Open>>>;

/// An open connection.
#[derive(Default)]
struct Open {
    /// Requests that are being answered.
    busy: AtomicU32,
    /// The event at which its last request began or was answered.
    last_event: AtomicU64,
    evict: CancellationToken,
}

impl ConnectionLimiter {
    /// Allows this many connections.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self(Arc::new(Inner {
            max,
            by_network: Mutex::default(),
            events: AtomicU64::new(0),
        }))
    }

    /// The most connections that are open at once.
    #[must_use]
    pub fn max(&self) -> usize {
        self.0.max
    }

    /// Admits a connection. Evicts another one of its network when the network has `share` of them, or
    /// one of the network with the most when the limit is reached. It never waits and never refuses, so
    /// silent connections and slow requests keep no other connection out.
    #[must_use]
    pub fn acquire(&self, network: Network, share: usize) -> Permit {
        let open = Arc::new(Open::default());
        let mut all = self.lock();
        let of_network = all.get(&network).map_or(0, VecDeque::len);
        if of_network >= share {
            evict_one(&mut all, network);
        } else if all.values().map(VecDeque::len).sum::<usize>() >= self.0.max {
            let biggest = all.iter().max_by_key(|(_, present)| present.len());
            if let Some((&biggest, _)) = biggest {
                evict_one(&mut all, biggest);
            }
        }
        open.last_event.store(self.next_event(), Ordering::SeqCst);
        all.entry(network).or_default().push_back(Arc::clone(&open));
        drop(all);
        Permit {
            limiter: self.clone(),
            network,
            open,
        }
    }

    fn next_event(&self) -> u64 {
        self.0.events.fetch_add(1, Ordering::SeqCst)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ByNetwork> {
        let all = self.0.by_network.lock();
        all.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection that has been quiet for longest. A connection without a request comes before all that
/// have one; of these, the one whose request began first comes first, because a client can hold a
/// connection by sending a body slowly.
fn quietest(present: &VecDeque<Arc<Open>>) -> Option<usize> {
    let by_quiet = present.iter().enumerate().min_by_key(|(_, open)| {
        let is_busy = open.busy.load(Ordering::SeqCst) > 0;
        (is_busy, open.last_event.load(Ordering::SeqCst))
    });
    by_quiet.map(|(index, _)| index)
}

/// Evicts the quietest connection of this network.
fn evict_one(all: &mut ByNetwork, network: Network) {
    let Some(present) = all.get_mut(&network) else {
        return;
    };
    if let Some(evicted) = quietest(present).and_then(|index| present.remove(index)) {
        evicted.evict.cancel();
    }
    if present.is_empty() {
        all.remove(&network);
    }
}

/// Permission for one connection. Dropping it frees its place.
pub struct Permit {
    limiter: ConnectionLimiter,
    network: Network,
    open: Arc<Open>,
}

impl Permit {
    /// Completes when the connection is evicted.
    pub async fn evicted(&self) {
        self.open.evict.cancelled().await;
    }

    /// Marks a request as being answered until the value is dropped. A connection with a request is
    /// evicted only when all others of its network have one too.
    #[must_use]
    pub fn answering(&self) -> Answering {
        let event = self.limiter.next_event();
        self.open.last_event.store(event, Ordering::SeqCst);
        self.open.busy.fetch_add(1, Ordering::SeqCst);
        Answering {
            limiter: self.limiter.clone(),
            open: Arc::clone(&self.open),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut all = self.limiter.lock();
        if let Some(present) = all.get_mut(&self.network) {
            present.retain(|open| !Arc::ptr_eq(open, &self.open));
            if present.is_empty() {
                all.remove(&self.network);
            }
        }
    }
}

/// A request that is being answered.
pub struct Answering {
    limiter: ConnectionLimiter,
    open: Arc<Open>,
}

impl Drop for Answering {
    fn drop(&mut self) {
        let event = self.limiter.next_event();
        self.open.last_event.store(event, Ordering::SeqCst);
        self.open.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use web::peer::Peer;

    use super::*;

    fn network(text: &str) -> Network {
        Peer(text.parse().unwrap()).network()
    }

    fn is_evicted(permit: &Permit) -> bool {
        permit.open.evict.is_cancelled()
    }

    #[test]
    fn row_17_a_network_at_its_share_evicts_its_own_quietest_connection_and_no_other() {
        let limiter = ConnectionLimiter::new(10);
        let (stranger, other) = (network("127.0.0.2"), network("127.0.0.1"));
        let alice = limiter.acquire(other, 2);
        let first = limiter.acquire(stranger, 2);
        let second = limiter.acquire(stranger, 2);
        drop(first.answering());
        let third = limiter.acquire(stranger, 2);
        assert!(is_evicted(&second), "it was heard of before the first");
        assert!(![&first, &third, &alice].into_iter().any(is_evicted));

        let _dawdling = (third.answering(), first.answering());
        let fourth = limiter.acquire(stranger, 2);
        assert!(is_evicted(&third), "its request began first");
        let _fifth = limiter.acquire(stranger, 2);
        assert!(is_evicted(&fourth), "it is at no request");
        assert!(![&first, &alice].into_iter().any(is_evicted));
    }

    #[test]
    fn row_17_at_the_limit_the_network_with_the_most_connections_gives_one_up() {
        let limiter = ConnectionLimiter::new(5);
        let [alice, bob, stranger] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map(network);
        let at_home = limiter.acquire(alice, 3);
        let theirs = [bob, stranger, stranger, stranger].map(|network| limiter.acquire(network, 3));
        let newcomer = limiter.acquire(bob, 3);
        assert!(is_evicted(&theirs[1]), "the quietest of the biggest");
        let others = [&at_home, &theirs[0], &theirs[2], &theirs[3], &newcomer];
        assert!(!others.into_iter().any(is_evicted));

        // A network that has as many as any other gives way too, but never the one that has least.
        let _dawdling = others.map(Permit::answering);
        let _second = limiter.acquire(alice, 3);
        assert!(is_evicted(&theirs[0]) || is_evicted(&theirs[2]));
        assert!(!is_evicted(&at_home));
    }

    #[test]
    fn a_connection_that_ends_frees_its_place_and_leaves_nothing_behind() {
        let limiter = ConnectionLimiter::new(10);
        let home = network("2001:db8::1");
        let first = limiter.acquire(home, 1);
        drop(first);
        let second = limiter.acquire(home, 1);
        assert!(!is_evicted(&second));
        drop(second);
        assert!(limiter.lock().is_empty());
    }
}
