//! What the authorization server keeps. Each method is a verb of the business, atomic in itself;
//! handlers never see SQL or a transaction.
//!
//! Each noun has one trait, and the same file name on every side:
//!
//! | | Trait and types | SQLite | Memory | Tests |
//! |---|---|---|---|---|
//! | people | `accounts.rs` | `sqlite/accounts.rs` | `memory/accounts.rs` | `accounts.rs` |
//! | clients | `clients.rs` | `sqlite/clients.rs` | `memory/clients.rs` | `clients.rs` |
//! | sign-ins | `sign_ins.rs` | `sqlite/sign_ins.rs` | `memory/sign_ins.rs` | `sign_ins.rs` |
//! | handoffs | `handoffs.rs` | `sqlite/handoffs.rs`, `issuing.rs`, `redeeming.rs` | `memory/handoffs.rs` | `issuing.rs`, `redeeming.rs` |
//! | recent handoffs | `recent.rs` | `sqlite/recent.rs` | `memory/recent.rs` | `recent.rs` |
//! | clients' sessions | `client_sessions.rs` | `sqlite/client_sessions.rs` | `memory/client_sessions.rs` | `client_sessions.rs` |
//! | attempts to sign in | `attempts.rs` | `sqlite/attempts.rs` | `memory/attempts.rs` | `attempts.rs` |
//! | known browsers | `browsers.rs` | `sqlite/browsers.rs` | `memory/browsers.rs` | `attempts.rs` |
//! | records of browser sessions | [`web::session::Records`] | `sqlite/records.rs` | `memory/records.rs` | `records.rs` |
//! | the whole store | `maintenance.rs` | `sqlite/maintenance.rs` | `memory/maintenance.rs` | `sweeping.rs` |
//!
//! Adding a verb, for example `rename_client`:
//!
//! 1. `clients.rs`: the method in the trait of its noun, with what it decides.
//! 2. `sqlite/clients.rs`: a `const RENAME: Statement`, in the SQL that SQLite and PostgreSQL share
//!    ([`database::dialect`] lists the differences; a statement that only SQLite takes does not
//!    compile). Above it a function over a connection, `async fn rename(tx: &mut Connection, …)`,
//!    which *begins* with the conditional `UPDATE … RETURNING`: zero rows is a refusal, and nothing
//!    that was read before decides. The method hands the function to [`database::Database::write`],
//!    which runs it in a transaction that other verbs share; accept and refuse both commit. It may run
//!    twice: ids, secrets and the time are made before. A verb that many call at once is a
//!    [`database::Set`] instead, whose statements take all inputs of a batch.
//! 3. `memory/clients.rs`: the method, which holds the one lock from its first line to its last.
//! 4. `tests/conformance/clients.rs`: a test, and its name in the list of `tests/conformance.rs`,
//!    which runs it against both.

mod accounts;
mod attempts;
mod browsers;
mod client_sessions;
mod clients;
mod handoffs;
mod maintenance;
mod memory;
mod recent;
mod sign_ins;
mod sqlite;

pub use accounts::{Account, AccountStore, Added, Listed, NewUser};
pub use attempts::AttemptStore;
pub use browsers::BrowserStore;
pub use client_sessions::{ClientSession, ClientSessionStore, NoSession, OwnClientSession};
pub use clients::{ClientAdded, ClientStore, KnownClient, Revision, SecretSet};
pub use handoffs::{
    Consent, HandoffStore, Issuance, NewHandoff, NotRedeemed, Redeemed, Redemption,
};
pub use maintenance::Maintenance;
pub use memory::Memory;
pub use recent::{
    Outcome, RECENT_FOR, RECENT_PER_PERSON, RecentHandoff, RecentHandoffStore, Remembered,
};
pub use sign_ins::{
    Began, NewSignIn, OwnSignIn, RequestFingerprint, SignIn, SignInStore, TOUCH_STEP, Which,
};
pub use sqlite::Sqlite;

/// The store of the authorization server: all nouns together.
///
/// Every verb fails with [`database::Unavailable`] when the store cannot be reached, and then it has
/// changed nothing.
///
/// A verb that refuses something because its time is over makes that final: a clock that is put back
/// does not bring it to life.
pub trait Store:
    AccountStore
    + AttemptStore
    + BrowserStore
    + ClientSessionStore
    + ClientStore
    + HandoffStore
    + Maintenance
    + RecentHandoffStore
    + SignInStore
    + web::session::Records
{
}

impl<T> Store for T where
    T: AccountStore
        + AttemptStore
        + BrowserStore
        + ClientSessionStore
        + ClientStore
        + HandoffStore
        + Maintenance
        + RecentHandoffStore
        + SignInStore
        + web::session::Records
{
}
