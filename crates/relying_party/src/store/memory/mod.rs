//! The store in plain memory, for workspaces and tests: one file a noun. A verb holds the one lock
//! from its first line to its last, which is what a transaction is elsewhere.

mod handoffs;
mod items;
mod maintenance;
mod records;
mod sessions;
mod waiting;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use handoff::ids::SessionId;
use time::OffsetDateTime;

use self::{handoffs::Started, items::KeptItem};
use super::{Owner, Session, Waiting};

/// The store in plain memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// In the order of starting.
    started: Vec<Started>,
    sessions: HashMap<SessionId, Session>,
    waiting: HashMap<SessionId, Waiting>,
    /// In the order of writing.
    items: HashMap<Owner, Vec<KeptItem>>,
    records: HashMap<[u8; 32], (Vec<u8>, OffsetDateTime)>,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        // A verb that panicked half-way would leave a half-done state; none of them can.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
