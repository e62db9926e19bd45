//! The people who may sign in.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{ids::UserId, wire::UserInfo};
use time::OffsetDateTime;

use crate::people::Email;

/// A person who is to be added.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The stable id.
    pub id: UserId,
    /// The address to sign in with.
    pub email: Email,
    /// The name that pages and clients show.
    pub name: String,
    /// The password, hashed (a PHC string).
    pub password_hash: String,
}

/// Whether a person was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// Yes.
    New,
    /// No: the address is taken; nothing was changed.
    EmailTaken,
}

/// A person as an operator sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The person.
    pub user: UserInfo,
    /// Whether the person may sign in.
    pub is_active: bool,
    /// When the person was added.
    pub since: OffsetDateTime,
}

/// What a sign-in is decided from.
#[derive(Clone, Debug)]
pub struct Account {
    /// The person.
    pub user: UserInfo,
    /// The password, hashed.
    pub password_hash: String,
    /// Whether the person may sign in.
    pub is_active: bool,
}

/// The people who may sign in.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Adds a person, unless the address is taken.
    async fn add_user(&self, new: NewUser, now: OffsetDateTime) -> Result<Added, Unavailable>;

    /// The account with this address.
    async fn find_account(&self, email: &Email) -> Result<Option<Account>, Unavailable>;

    /// Replaces the hash of a person's password by a stronger one of the same password, unless the
    /// old one has been replaced meanwhile: a password that was changed must not come back.
    async fn rehash_password(
        &self,
        user: UserId,
        old: &str,
        new: String,
    ) -> Result<(), Unavailable>;

    /// Brings the addresses of earlier versions into the form of [`Email`], in which they are looked for. An address
    /// whose new form somebody else has stays as it is. Tells how many changed.
    async fn renew_addresses(&self) -> Result<u64, Unavailable>;

    /// All people, by address.
    async fn list_users(&self) -> Result<Vec<Listed>, Unavailable>;

    /// Replaces a person's password and ends all their sign-ins with all that hangs on them. Tells
    /// whether there is such a person.
    async fn set_password(
        &self,
        user: UserId,
        password_hash: String,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Disables a person and ends all their sign-ins with all that hangs on them. Tells whether
    /// there is such a person; one who is disabled already stays so since the first time.
    async fn disable_user(&self, user: UserId, now: OffsetDateTime) -> Result<bool, Unavailable>;
}
