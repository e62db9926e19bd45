//! The accounts of the demonstration.

use std::collections::BTreeMap;

use authority::{DemoAccount, password::Passwords, people::Email, store::NewUser, store::Store};
use handoff::ids::UserId;

use super::{CannotStart, Setup};

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

/// Adds those that are missing. A password that several share is hashed once: it is no secret, and
/// each hash takes 19 MiB, which the C library's allocator keeps for every thread that made one.
pub(super) async fn add(
    setup: &Setup,
    store: &dyn Store,
    passwords: &Passwords,
) -> Result<(), CannotStart> {
    let mut hashes = BTreeMap::new();
    for account in &setup.demo_accounts {
        let email = Email::parse(account.email)
            .ok_or_else(|| CannotStart::Other(format!("{} is no address", account.email)))?;
        if store.find_account(&email).await?.is_some() {
            continue;
        }
        if !hashes.contains_key(account.password) {
            let hashed = passwords.hash(account.password).await;
            let hashed = hashed.map_err(|error| CannotStart::Other(error.to_string()))?;
            hashes.insert(account.password, hashed);
        }
        let new = NewUser {
            id: UserId::mint(setup.random.bytes()),
            email,
            name: account.name.to_owned(),
            password_hash: hashes[account.password].clone(),
        };
        store.add_user(new, setup.clock.now()).await?;
    }
    Ok(())
}
