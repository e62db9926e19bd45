//! Who has how many connections open. One network cannot take all the places: beyond its share, its
//! connection that has been quiet for longest is closed, and the new one is served. Several networks
//! can take all of them; then the one that has most gives way in the same manner.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use tokio_util::sync::CancellationToken;
use web::peer::Network;

/// The connections of the listeners that share these places, by network.
#[derive(Clone)]
pub struct Guests(Arc<Inner>);

struct Inner {
    /// How many places there are.
    places: usize,
    by_network: Mutex<ByNetwork>,
    /// Counts what happens, so that there is an order of it.
    events: AtomicU64,
}

type ByNetwork = HashMap<Network, VecDeque<Arc<Guest>>>;

#[derive(Default)]
struct Guest {
    /// Requests that are being answered.
    busy: AtomicU32,
    /// The event at which its last request began or was answered.
    heard: AtomicU64,
    leave: CancellationToken,
}

impl Guests {
    /// As many places as this.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self(Arc::new(Inner {
            places,
            by_network: Mutex::default(),
            events: AtomicU64::new(0),
        }))
    }

    /// How many places there are.
    #[must_use]
    pub fn places(&self) -> usize {
        self.0.places
    }

    /// Lets a connection in. That closes another of its network when this has `share` of them already,
    /// or one of the network that has most when all places are taken. It never waits and never
    /// refuses: who is let in must not hang on those who are silent, or who dawdle over a request.
    #[must_use]
    pub fn welcome(&self, network: Network, share: usize) -> Place {
        let guest = Arc::new(Guest::default());
        let mut all = self.lock();
        let of_network = all.get(&network).map_or(0, VecDeque::len);
        if of_network >= share {
            make_room(&mut all, network);
        } else if all.values().map(VecDeque::len).sum::<usize>() >= self.0.places {
            let biggest = all.iter().max_by_key(|(_, present)| present.len());
            if let Some((&biggest, _)) = biggest {
                make_room(&mut all, biggest);
            }
        }
        guest.heard.store(self.next_event(), Ordering::SeqCst);
        all.entry(network)
            .or_default()
            .push_back(Arc::clone(&guest));
        drop(all);
        Place {
            guests: self.clone(),
            network,
            guest,
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

/// Which of them has been quiet for longest. Before one whose request is being answered all others go;
/// then the one whose request began first, because a body that comes in drops is a way of staying.
fn quietest(present: &VecDeque<Arc<Guest>>) -> Option<usize> {
    let by_quiet = present.iter().enumerate().min_by_key(|(_, guest)| {
        let is_busy = guest.busy.load(Ordering::SeqCst) > 0;
        (is_busy, guest.heard.load(Ordering::SeqCst))
    });
    by_quiet.map(|(index, _)| index)
}

/// Closes the quietest connection of this network.
fn make_room(all: &mut ByNetwork, network: Network) {
    let Some(present) = all.get_mut(&network) else {
        return;
    };
    if let Some(leaving) = quietest(present).and_then(|index| present.remove(index)) {
        leaving.leave.cancel();
    }
    if present.is_empty() {
        all.remove(&network);
    }
}

/// A connection's place. Dropping it makes room.
pub struct Place {
    guests: Guests,
    network: Network,
    guest: Arc<Guest>,
}

impl Place {
    /// Ends when the place is needed for another connection.
    pub async fn needed(&self) {
        self.guest.leave.cancelled().await;
    }

    /// Marks a request as being answered, until the value is dropped: its connection stays as long as
    /// there is another one to close.
    #[must_use]
    pub fn answering(&self) -> Answering {
        let event = self.guests.next_event();
        self.guest.heard.store(event, Ordering::SeqCst);
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
        let guests = Guests::new(10);
        let (stranger, other) = (network("127.0.0.2"), network("127.0.0.1"));
        let alice = guests.welcome(other, 2);
        let first = guests.welcome(stranger, 2);
        let second = guests.welcome(stranger, 2);
        drop(first.answering());
        let third = guests.welcome(stranger, 2);
        assert!(must_leave(&second), "it was heard of before the first");
        assert!(![&first, &third, &alice].into_iter().any(must_leave));

        let _dawdling = (third.answering(), first.answering());
        let fourth = guests.welcome(stranger, 2);
        assert!(must_leave(&third), "its request began first");
        let _fifth = guests.welcome(stranger, 2);
        assert!(must_leave(&fourth), "it is at no request");
        assert!(![&first, &alice].into_iter().any(must_leave));
    }

    #[test]
    fn row_17_when_all_places_are_taken_the_network_that_has_most_gives_way() {
        let guests = Guests::new(5);
        let [alice, bob, stranger] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map(network);
        let at_home = guests.welcome(alice, 3);
        let theirs = [bob, stranger, stranger, stranger].map(|network| guests.welcome(network, 3));
        let newcomer = guests.welcome(bob, 3);
        assert!(must_leave(&theirs[1]), "the quietest of the biggest");
        let others = [&at_home, &theirs[0], &theirs[2], &theirs[3], &newcomer];
        assert!(!others.into_iter().any(must_leave));

        // A network that has as many as any other gives way too, but never the one that has least.
        let _dawdling = others.map(Place::answering);
        let _second = guests.welcome(alice, 3);
        assert!(must_leave(&theirs[0]) || must_leave(&theirs[2]));
        assert!(!must_leave(&at_home));
    }

    #[test]
    fn a_connection_that_ends_makes_room_and_leaves_nothing_behind() {
        let guests = Guests::new(10);
        let home = network("2001:db8::1");
        let first = guests.welcome(home, 1);
        drop(first);
        let second = guests.welcome(home, 1);
        assert!(!must_leave(&second));
        drop(second);
        assert!(guests.lock().is_empty());
    }
}
