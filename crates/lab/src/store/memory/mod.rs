//! The store in plain memory, for platforms that are gone soon and as a second opinion in tests: one
//! file a noun.

mod flows;
mod maintenance;
mod report_keys;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use handoff::{
    ids::ClientId,
    token::{Digest, ReportKey},
};

use self::flows::Row;
use super::Number;

/// The store in memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    flows: BTreeMap<Number, Row>,
    names: HashMap<String, Number>,
    report_keys: BTreeMap<ClientId, Digest<ReportKey>>,
    last_number: i64,
    last_seq: u64,
}

impl Memory {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Only reading a number could fail between two changes, and it cannot.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
