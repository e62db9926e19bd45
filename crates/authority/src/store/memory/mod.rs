//! The store in plain memory, for workspaces and tests: one file a noun. A verb holds the one lock
//! from its first line to its last, which is what a transaction is elsewhere.

mod accounts;
mod attempts;
mod browsers;
mod client_sessions;
mod clients;
mod handoffs;
mod maintenance;
mod recent;
mod records;
mod sign_ins;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use handoff::{
    client::Client,
    handoff::{Handoff, Launch},
    ids::{ClientId, SessionId, SignInId, UserId},
    token::{AccessToken, Digest, HandoffToken, KnownBrowser, LaunchTicket},
};
use time::OffsetDateTime;

use self::{
    attempts::Attempts, client_sessions::KeptSession, recent::KeptRecent, sign_ins::KeptSignIn,
};
use super::Account;
use crate::people::Email;

/// The store in plain memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    accounts: HashMap<UserId, (Email, Account)>,
    added: HashMap<UserId, OffsetDateTime>,
    signed_in: HashMap<UserId, OffsetDateTime>,
    clients: HashMap<ClientId, Client>,
    client_changes: i64,
    sign_ins: HashMap<SignInId, KeptSignIn>,
    launches: HashMap<Digest<LaunchTicket>, (Launch, bool)>,
    handoffs: HashMap<Digest<HandoffToken>, Handoff>,
    sessions: HashMap<SessionId, KeptSession>,
    session_of_token: HashMap<Digest<AccessToken>, SessionId>,
    records: HashMap<[u8; 32], (Vec<u8>, OffsetDateTime)>,
    attempts: HashMap<[u8; 32], Attempts>,
    /// Of each person, in the order of signing in.
    known_browsers: HashMap<UserId, Vec<(Digest<KnownBrowser>, OffsetDateTime)>>,
    /// Of each person, in the order in which they began.
    recent: HashMap<UserId, Vec<KeptRecent>>,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        // A verb that panicked half-way would leave a half-done state; none of them can.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
