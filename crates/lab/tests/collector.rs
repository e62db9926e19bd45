//! What becomes of events when the store is slow, full or gone: the handoff that recorded them goes on.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    flow::{Belongs, Event, FlowId, Site},
    ids::ClientId,
    step::Step,
    token::{Digest, ReportKey, Secret, State},
};
use lab::{
    collector::Collector,
    store::{Flow, FlowStore, Kept, Key, Maintenance, Memory, Number, ReportKeyStore, Store},
};
use recording::{
    queue::{Full, MAX_WAITING},
    recorder::Recorder,
};
use time::{OffsetDateTime, macros::datetime};
use tokio::sync::Semaphore;
use web::clock::ManualClock;

/// A store that keeps nothing until it is let, or nothing at all.
#[derive(Debug)]
struct Stubborn {
    memory: Memory,
    lets: Semaphore,
    broken: AtomicBool,
}

impl Stubborn {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            memory: Memory::default(),
            lets: Semaphore::new(0),
            broken: AtomicBool::new(false),
        })
    }
}

#[async_trait]
impl FlowStore for Stubborn {
    async fn keep(
        &self,
        events: &[Event],
        now: OffsetDateTime,
    ) -> Result<Vec<Number>, Unavailable> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Unavailable::unreadable("the disk"));
        }
        self.lets.acquire().await.unwrap().forget();
        self.memory.keep(events, now).await
    }

    async fn recent_flows(
        &self,
        limit: usize,
        before: Option<Number>,
    ) -> Result<Vec<Flow>, Unavailable> {
        self.memory.recent_flows(limit, before).await
    }

    async fn find(&self, key: &Key) -> Result<Option<Flow>, Unavailable> {
        self.memory.find(key).await
    }

    async fn find_whole(&self, key: &Key) -> Result<Option<(Flow, Vec<Kept>)>, Unavailable> {
        self.memory.find_whole(key).await
    }

    async fn events_after(&self, flow: Number, after: u64) -> Result<Vec<Kept>, Unavailable> {
        self.memory.events_after(flow, after).await
    }

    async fn sweep(
        &self,
        before: OffsetDateTime,
        flows: usize,
        bytes: usize,
    ) -> Result<u64, Unavailable> {
        self.memory.sweep(before, flows, bytes).await
    }
}

#[async_trait]
impl ReportKeyStore for Stubborn {
    async fn set_report_key(
        &self,
        client: &ClientId,
        key: Digest<ReportKey>,
    ) -> Result<(), Unavailable> {
        self.memory.set_report_key(client, key).await
    }

    async fn revoke_report_key(&self, client: &ClientId) -> Result<bool, Unavailable> {
        self.memory.revoke_report_key(client).await
    }

    async fn find_reporter(&self, key: Digest<ReportKey>) -> Result<Option<ClientId>, Unavailable> {
        self.memory.find_reporter(key).await
    }
}

#[async_trait]
impl Maintenance for Stubborn {
    async fn ping(&self) -> Result<(), Unavailable> {
        self.memory.ping().await
    }
}

fn event(n: u64) -> Event {
    let state = State::mint([3; 32]);
    Event {
        step: Step::StartReceived,
        site: Site::RelyingParty,
        client: None,
        belongs: Belongs {
            flow: Some(FlowId::of(&state.digest())),
            launch: None,
            token: None,
        },
        session: None,
        trace: format!("{n:016x}"),
        at: 0,
        after: n,
        message: None,
        refusal: None,
    }
}

fn collector(store: &Arc<Stubborn>) -> (Collector, impl Future<Output = ()> + Send + 'static) {
    let clock = Arc::new(ManualClock::at(datetime!(2026-11-21 03:00 UTC)));
    Collector::new(Arc::clone(store) as Arc<dyn Store>, clock)
}

async fn steps(store: &Stubborn) -> usize {
    let flows = store.recent_flows(1, None).await.unwrap();
    flows.first().map_or(0, |flow| flow.steps)
}

#[tokio::test(start_paused = true)]
async fn what_there_is_no_room_for_is_dropped_and_counted() {
    let store = Stubborn::new();
    let (collector, keeping) = collector(&store);
    let more = 10;
    // Nothing here waits: this is a handoff's own task.
    for n in 0..MAX_WAITING as u64 + more {
        collector.record(&event(n));
    }
    assert_eq!(collector.dropped(), more);
    // A report of another process is taken whole or not at all.
    assert_eq!(collector.take(vec![event(0)]), Err(Full));
    assert_eq!(collector.dropped(), more);

    store.lets.add_permits(100);
    let keeping = tokio::spawn(keeping);
    collector.flush().await;
    assert_eq!(steps(&store).await, lab::store::EVENTS);
    collector.take(vec![event(1), event(2)]).unwrap();
    collector.flush().await;
    assert_eq!(collector.dropped(), more);
    keeping.abort();
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_was_killed_takes_nothing_and_keeps_nobody_waiting() {
    let store = Stubborn::new();
    let (collector, keeping) = collector(&store);
    let keeping = tokio::spawn(keeping);
    collector.record(&event(1));
    // It hangs in the store, and dies there.
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    tokio::task::yield_now().await;
    keeping.abort();
    assert!(keeping.await.unwrap_err().is_cancelled());
    for n in 0..5 {
        collector.record(&event(n));
    }
    assert_eq!(collector.dropped(), 5);
    collector.flush().await;
    assert_eq!(steps(&store).await, 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_store_refuses_counts_as_dropped_and_what_comes_later_is_kept() {
    let store = Stubborn::new();
    store.lets.add_permits(100);
    store.broken.store(true, Ordering::Relaxed);
    let (collector, keeping) = collector(&store);
    let keeping = tokio::spawn(keeping);
    collector.record(&event(1));
    collector.record(&event(2));
    collector.flush().await;
    assert_eq!((collector.dropped(), steps(&store).await), (2, 0));
    store.broken.store(false, Ordering::Relaxed);
    collector.record(&event(3));
    collector.flush().await;
    assert_eq!((collector.dropped(), steps(&store).await), (2, 1));
    keeping.abort();
}
