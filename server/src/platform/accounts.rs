//! The accounts of the demonstration.

use std::collections::BTreeMap;

use authority::{DemoAccount, password::Passwords, people::Email, store::NewUser, store::Store};
use handoff::ids::UserId;
use tokio::sync::Mutex;

use super::setup::{CannotStart, Setup};

/// The people of the demonstration. Their password is on the sign-in page.
pub const DEMO_ACCOUNTS: [DemoAccount; 3] = [
    DemoAccount {
        key: "alice",
        name: "Alice Moreau",
        role: "opens her notes",
        email: "alice@harbor.example",
        password: "handoff-demo",
    },
    DemoAccount {
        key: "bob",
        name: "Bob Okafor",
        role: "shares a computer with Alice",
        email: "bob@harbor.example",
        password: "handoff-demo",
    },
    DemoAccount {
        key: "mallory",
        name: "Mallory Quist",
        role: "tries what an attacker would",
        email: "mallory@harbor.example",
        password: "handoff-demo",
    },
];

/// The hashes of the demo passwords, each made once for a process: such a password is no secret, and a
/// hash takes some 20 ms and 19 MiB, which the C library's allocator keeps for every thread that made
/// one.
static HASHES: Mutex<BTreeMap<&str, String>> = Mutex::const_new(BTreeMap::new());

/// Adds those that are missing.
pub(crate) async fn add(
    setup: &Setup,
    store: &dyn Store,
    passwords: &Passwords,
) -> Result<(), CannotStart> {
    for account in &setup.demo_accounts {
        let email = Email::parse(account.email)
            .ok_or_else(|| CannotStart::Other(format!("{} is no address", account.email)))?;
        if store.find_account(&email).await?.is_some() {
            continue;
        }
        let new = NewUser {
            id: UserId::mint(setup.random.bytes()),
            email,
            name: account.name.to_owned(),
            password_hash: hash(account.password, passwords).await?,
        };
        store.add_user(new, setup.clock.now()).await?;
    }
    Ok(())
}

async fn hash(password: &'static str, passwords: &Passwords) -> Result<String, CannotStart> {
    // Held while it is made, so that platforms that open at the same time make it once.
    let mut hashes = HASHES.lock().await;
    if let Some(hash) = hashes.get(password) {
        return Ok(hash.clone());
    }
    let hashed = passwords.hash(password).await;
    let hashed = hashed.map_err(|error| CannotStart::Other(error.to_string()))?;
    hashes.insert(password, hashed.clone());
    Ok(hashed)
}
