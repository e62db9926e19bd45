//! Who has how many connections open. One network cannot take all the places: beyond its share, its
//! connection that has been quiet for longest is closed, and the new one is served.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use tokio_util::sync::CancellationToken;
use web::peer::Network;

/// The connections of a listener, by network.
#[derive(Clone, Default)]
pub struct Guests(Arc<Inner>);

#[derive(Default)]
struct Inner {
    by_network: Mutex<HashMap<Network, VecDeque<Arc<Guest>>>>,
    /// Counts what happens, so that there is an order of it.
    events: AtomicU64,
}

#[derive(Default)]
struct Guest {
    /// Requests that are being answered.
    busy: AtomicU32,
    /// The event at which it was last heard of.
    heard: AtomicU64,
    leave: CancellationToken,
}

impl Guests {
    /// Lets a connection in, which may close another of its network when that has `share` of them
    /// already. Nothing when all of those are being answered.
    #[must_use]
    pub fn welcome(&self, network: Network, share: usize) -> Option<Place> {
        let guest = Arc::new(Guest::default());
        let mut all = self.lock();
        let present = all.entry(network).or_default();
        if present.len() >= share {
            let idle = present
                .iter()
                .enumerate()
                .filter(|(_, guest)| guest.busy.load(Ordering::SeqCst) == 0)
                .min_by_key(|(_, guest)| guest.heard.load(Ordering::SeqCst));
            let (quietest, _) = idle?;
            if let Some(quietest) = present.remove(quietest) {
                quietest.leave.cancel();
            }
        }
        guest.heard.store(self.next_event(), Ordering::SeqCst);
        present.push_back(Arc::clone(&guest));
        drop(all);
        Some(Place {
            guests: self.clone(),
            network,
            guest,
        })
    }

    fn next_event(&self) -> u64 {
        self.0.events.fetch_add(1, Ordering::SeqCst)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Network, VecDeque<Arc<Guest>>>> {
        let all = self.0.by_network.lock();
        all.unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place. Dropping it makes room.
pub struct Place {
    guests: Guests,
    network: Network,
    guest: Arc<Guest>,
}

impl Place {
    /// Ends when the place is needed for another connection of the same network.
    pub async fn needed(&self) {
        self.guest.leave.cancelled().await;
    }

    /// Marks a request as being answered, until the value is dropped: its connection stays.
    #[must_use]
    pub fn answering(&self) -> Answering {
        self.guest.busy.fetch_add(1, Ordering::SeqCst);
        Answering {
            guests: self.guests.clone(),
            guest: Arc::clone(&self.guest),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.guests.lock();
        if let Some(present) = all.get_mut(&self.network) {
            present.retain(|guest| !Arc::ptr_eq(guest, &self.guest));
            if present.is_empty() {
                all.remove(&self.network);
            }
        }
    }
}

/// A request that is being answered.
pub struct Answering {
    guests: Guests,
    guest: Arc<Guest>,
}

impl Drop for Answering {
    fn drop(&mut self) {
        let event = self.guests.next_event();
        self.guest.heard.store(event, Ordering::SeqCst);
        self.guest.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use web::peer::Peer;

    use super::*;

    fn network(text: &str) -> Network {
        Peer(text.parse().unwrap()).network()
    }

    fn must_leave(place: &Place) -> bool {
        place.guest.leave.is_cancelled()
    }

    #[test]
    fn row_17_one_network_closes_its_own_quietest_connection_and_nobody_elses() {
        let guests = Guests::default();
        let (stranger, other) = (network("127.0.0.2"), network("127.0.0.1"));
        let alice = guests.welcome(other, 2).unwrap();
        let first = guests.welcome(stranger, 2).unwrap();
        let second = guests.welcome(stranger, 2).unwrap();
        drop(first.answering());
        let third = guests.welcome(stranger, 2).unwrap();
        assert!(must_leave(&second), "it was heard of before the first");
        assert!(![&first, &third, &alice].into_iter().any(must_leave));

        let _working = (first.answering(), third.answering());
        assert!(guests.welcome(stranger, 2).is_none(), "all are at work");
        assert!(guests.welcome(other, 2).is_some());
    }

    #[test]
    fn a_connection_that_ends_makes_room_and_leaves_nothing_behind() {
        let guests = Guests::default();
        let home = network("2001:db8::1");
        let first = guests.welcome(home, 1).unwrap();
        drop(first);
        let second = guests.welcome(home, 1).unwrap();
        assert!(!must_leave(&second));
        drop(second);
        assert!(guests.lock().is_empty());
    }
}
