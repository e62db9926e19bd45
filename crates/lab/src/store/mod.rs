//! What the lab keeps: the handoffs that were recorded, and no secret. Each method is a verb of the
//! business, atomic in itself.
//!
//! Each noun has one trait, and the same file name on every side:
//!
//! | | Trait and types | SQLite | Memory | Tests |
//! |---|---|---|---|---|
//! | flows and their events | `flows.rs` | `sqlite/flows.rs`, `sqlite/batch.rs` | `memory/flows.rs` | `flows.rs`, `merging.rs`, `bounds.rs` |
//! | the keys by which clients report | `report_keys.rs` | `sqlite/report_keys.rs` | `memory/report_keys.rs` | `report_keys.rs` |
//! | the whole store | `maintenance.rs` | `sqlite/maintenance.rs` | `memory/maintenance.rs` | `files.rs` |
//!
//! `placing.rs` decides for every store alike which flow an event belongs to, `summary.rs` what is kept
//! of it, and `limits.rs` how much.
//!
//! Adding a verb, for example `pin`:
//!
//! 1. `flows.rs`: the method in the trait of its noun, with what it decides.
//! 2. `sqlite/flows.rs`: a `const PIN: Statement`, in the SQL that SQLite and PostgreSQL share
//!    ([`database::dialect`] lists the differences; a statement that only SQLite takes does not
//!    compile), and a function over a connection, `async fn pin(tx: &mut Connection, …)`. The method
//!    hands the function to [`database::Database::write`], which runs it in a
//!    transaction that other verbs share. It may run twice: ids, secrets and the time are made before.
//! 3. `memory/flows.rs`: the method, which holds the one lock from its first line to its last.
//! 4. `tests/conformance/flows.rs`: a test, and its name in the list of `tests/conformance.rs`, which
//!    runs it against both.

mod flows;
mod key;
mod limits;
mod maintenance;
mod memory;
mod placing;
mod report_keys;
mod sqlite;
mod summary;

use std::fmt;

pub use flows::{Flow, FlowStore, Kept, Number, in_order};
pub use handoff::outcome::Outcome;
pub use key::{Key, NoKey};
pub use limits::{BYTES, EVENTS, FLOW_BYTES, FLOWS, KEPT_FOR, LISTED, MAX_EVENT_BYTES};
pub use maintenance::Maintenance;
pub use memory::Memory;
pub use report_keys::ReportKeyStore;
pub use sqlite::Sqlite;

/// What the lab asks of a database.
pub trait Store: FlowStore + ReportKeyStore + Maintenance + fmt::Debug {}

impl<T> Store for T where T: FlowStore + ReportKeyStore + Maintenance + fmt::Debug {}
