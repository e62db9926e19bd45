//! What the relying party keeps. Each method is a verb of the business, atomic in itself; handlers
//! never see SQL or a transaction.
//!
//! What must be readable again (a verifier, an access token) comes here [`Sealed`] under a key that
//! only the browser's cookie gives, so the store alone opens nothing.
//!
//! There are two stores, which share a database: [`SignInStore`] is what signing in needs, and every
//! application has it; [`ItemStore`] is what people keep in *Notes* and *Tasks*. Each noun has one
//! trait, and the same file name on every side:
//!
//! | | Trait and types | SQLite | Memory | Tests |
//! |---|---|---|---|---|
//! | handoffs under way | `handoffs.rs` | `sqlite/handoffs.rs` | `memory/handoffs.rs` | `handoffs.rs` |
//! | sessions | `sessions.rs` | `sqlite/sessions.rs` | `memory/sessions.rs` | `sessions.rs` |
//! | sessions that wait | `waiting.rs` | `sqlite/waiting.rs` | `memory/waiting.rs` | `waiting.rs` |
//! | items | `items.rs` | `sqlite/items.rs` | `memory/items.rs` | `items.rs` |
//! | records of browser sessions | [`web::session::Records`] | `sqlite/records.rs` | `memory/records.rs` | `maintenance.rs` |
//! | the whole sign-in store | `maintenance.rs` | `sqlite/maintenance.rs` | `memory/maintenance.rs` | `maintenance.rs` |
//!
//! Adding a verb, for example `pin_item`:
//!
//! 1. `items.rs`: the method in the trait of its noun, with what it decides.
//! 2. `sqlite/items.rs`: a `const PIN: Statement`, in the SQL that SQLite and PostgreSQL share
//!    ([`database::dialect`] lists the differences; a statement that only SQLite takes does not
//!    compile). Below it a function over a connection, `async fn pin(tx: &mut Connection, …)`, which
//!    *begins* with the conditional statement: zero rows is a refusal, and nothing that was read
//!    before decides. The method hands the function to [`database::Database::write`], which runs
//!    it in a transaction that other verbs share; accept and refuse both commit. It may run twice: ids,
//!    secrets and the time are made before.
//! 3. `memory/items.rs`: the method, which holds the one lock from its first line to its last.
//! 4. `tests/conformance/items.rs`: a test, and its name in the list of `tests/conformance.rs`, which
//!    runs it against both.

mod handoffs;
mod items;
mod maintenance;
mod memory;
mod sessions;
mod sqlite;
mod waiting;

use std::fmt;

use handoff::{ids::UserId, uri::Origin};
pub use handoffs::{FINISHING, HandoffKey, HandoffStore, LateHandoff, NewHandoff, TakenHandoff};
pub use items::{
    Added, Deleted, ITEMS_PER_PAGE, ITEMS_PER_PERSON, Item, ItemStore, JUST_RESTORED_FOR, Listed,
    UNDO_FOR,
};
pub use maintenance::Maintenance;
pub use memory::Memory;
pub use sessions::{Beginning, Ended, Session, SessionStore, Source};
pub use sqlite::Sqlite;
pub use waiting::{Kept, Waiting, WaitingStore};

/// A secret in a box that [`web::seal`] made.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// The person whom something belongs to. Never an e-mail address: those are given to another person
/// one day.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The authorization server that names the person.
    pub issuer: Origin,
    /// The person there.
    pub user: UserId,
}

/// What signing in needs.
///
/// Every verb fails with [`database::Unavailable`] when the store cannot be reached, and then it has
/// changed nothing.
///
/// A verb that refuses something because its time is over makes that final: a clock that is put back
/// does not bring it to life.
pub trait SignInStore:
    HandoffStore + Maintenance + SessionStore + WaitingStore + web::session::Records
{
}

impl<T> SignInStore for T where
    T: HandoffStore + Maintenance + SessionStore + WaitingStore + web::session::Records
{
}

/// The store of an application that keeps items: one database with both.
pub trait Store: SignInStore + ItemStore {}

impl<T> Store for T where T: SignInStore + ItemStore {}
