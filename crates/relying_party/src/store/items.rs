//! What people keep in an application: notes, or tasks. It shares with sign-in the [`Owner`] alone.

use std::fmt;

use async_trait::async_trait;
use database::Unavailable;
use handoff::ids::ItemId;
use time::{Duration, OffsetDateTime};

use super::Owner;

/// What a person keeps here: a note, or a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: ItemId,
    /// What it says.
    pub text: String,
    /// Whether it is done, which only a task can be.
    pub done: bool,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// When its text was last changed.
    pub edited_at: Option<OffsetDateTime>,
}

/// How many items one person may have.
pub const ITEMS_PER_PERSON: usize = 1000;

/// How many of them one page shows. A text may have 4,000 characters and each may take five or more
/// bytes on a page: a page of all of them would have tens of megabytes.
pub const ITEMS_PER_PAGE: usize = 50;

/// One page of what a person keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The items on it.
    pub items: Vec<Item>,
    /// How many there are on all pages.
    pub total: usize,
}

/// An item that was deleted and can be brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// It, as it was.
    pub item: Item,
    /// Until when it can be brought back.
    pub undo_until: OffsetDateTime,
}

/// For so long an item that was deleted can be brought back.
pub const UNDO_FOR: Duration = Duration::minutes(10);

/// For so long it counts as just brought back.
pub const JUST_RESTORED_FOR: Duration = Duration::minutes(1);

/// Whether an item was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// Yes.
    Yes,
    /// An item with this id was added before; nothing was changed.
    Before,
    /// The person has [`ITEMS_PER_PERSON`] of them already; nothing was changed.
    Full,
}

/// What people keep here: notes, or tasks.
///
/// It fails as [`Store`](super::Store) does, and makes final what is refused for its age, as that does.
#[async_trait]
pub trait ItemStore: Send + Sync + fmt::Debug {
    /// One page of a person's items, those to do before those that are done, each the newest first.
    /// Pages begin at 0; for one beyond the last the answer is the last.
    async fn list_items(&self, owner: &Owner, page: u32) -> Result<Listed, Unavailable>;

    /// A person's own item.
    async fn find_item(&self, owner: &Owner, id: ItemId) -> Result<Option<Item>, Unavailable>;

    /// Adds an item, unless its id was added before, also if that item was deleted and can be brought
    /// back, or its owner has too many. What they have deleted makes room for it, the
    /// first that was deleted first.
    async fn add_item(&self, owner: &Owner, item: Item) -> Result<Added, Unavailable>;

    /// Changes what a person's own item says; tells whether there is such an item.
    async fn edit_item(
        &self,
        owner: &Owner,
        id: ItemId,
        text: String,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Marks a person's own item as done, or takes that back; tells whether there is such an item.
    async fn tick_item(&self, owner: &Owner, id: ItemId, done: bool) -> Result<bool, Unavailable>;

    /// Deletes a person's own item, which can be brought back for [`UNDO_FOR`]; tells whether there
    /// was one.
    async fn delete_item(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// A person's own item that was deleted and can be brought back.
    async fn find_deleted(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<Option<Deleted>, Unavailable>;

    /// Brings a person's own item back as it was, unless that is too late; tells whether it is there.
    async fn restore_item(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Whether a person's own item is there and was brought back less than [`JUST_RESTORED_FOR`] ago.
    async fn is_just_restored(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Deletes for good what can be brought back no more; tells how many items.
    async fn sweep_items(&self, now: OffsetDateTime) -> Result<u64, Unavailable>;
}
