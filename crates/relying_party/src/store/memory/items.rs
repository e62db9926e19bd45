//! Notes and tasks in memory.

use async_trait::async_trait;
use database::Unavailable;
use handoff::ids::ItemId;
use time::OffsetDateTime;

use super::{
    super::{
        Added, Deleted, ITEMS_PER_PAGE, ITEMS_PER_PERSON, Item, ItemStore, JUST_RESTORED_FOR,
        Listed, Owner, UNDO_FOR,
    },
    Memory, State,
};

#[derive(Debug)]
pub(super) struct KeptItem {
    item: Item,
    undo_until: Option<OffsetDateTime>,
    restored_at: Option<OffsetDateTime>,
}

impl KeptItem {
    fn is_living(&self) -> bool {
        self.undo_until.is_none()
    }
}

impl State {
    fn item(&mut self, owner: &Owner, id: ItemId) -> Option<&mut KeptItem> {
        let mut items = self.items.get_mut(owner).into_iter().flatten();
        items.find(|kept| kept.item.id == id)
    }
}

#[async_trait]
impl ItemStore for Memory {
    async fn list_items(&self, owner: &Owner, page: u32) -> Result<Listed, Unavailable> {
        let state = self.state();
        let items = state.items.get(owner).into_iter().flatten();
        let living = items.rev().filter(|kept| kept.is_living());
        let mut living: Vec<_> = living.map(|kept| &kept.item).collect();
        living.sort_by_key(|item| item.done);
        let last = living.len().saturating_sub(1) / ITEMS_PER_PAGE;
        let page = usize::try_from(page).unwrap_or(usize::MAX).min(last);
        let shown = living.iter().skip(page * ITEMS_PER_PAGE);
        Ok(Listed {
            items: shown.take(ITEMS_PER_PAGE).copied().cloned().collect(),
            total: living.len(),
        })
    }

    async fn find_item(&self, owner: &Owner, id: ItemId) -> Result<Option<Item>, Unavailable> {
        let mut state = self.state();
        let kept = state.item(owner, id).filter(|kept| kept.is_living());
        Ok(kept.map(|kept| kept.item.clone()))
    }

    async fn add_item(&self, owner: &Owner, item: Item) -> Result<Added, Unavailable> {
        let mut state = self.state();
        let items = state.items.entry(owner.clone()).or_default();
        if items.iter().any(|kept| kept.item.id == item.id) {
            return Ok(Added::Before);
        }
        if items.iter().filter(|kept| kept.is_living()).count() >= ITEMS_PER_PERSON {
            return Ok(Added::Full);
        }
        items.push(KeptItem {
            item,
            undo_until: None,
            restored_at: None,
        });
        if items.len() > ITEMS_PER_PERSON {
            let deleted = items.iter().enumerate();
            let deleted = deleted.filter_map(|(place, kept)| Some((kept.undo_until?, place)));
            if let Some((_, first)) = deleted.min() {
                items.remove(first);
            }
        }
        Ok(Added::Yes)
    }

    async fn edit_item(
        &self,
        owner: &Owner,
        id: ItemId,
        text: String,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let Some(kept) = state.item(owner, id).filter(|kept| kept.is_living()) else {
            return Ok(false);
        };
        if kept.item.text != text {
            kept.item.text = text;
            kept.item.edited_at = Some(now);
        }
        Ok(true)
    }

    async fn tick_item(&self, owner: &Owner, id: ItemId, done: bool) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let kept = state.item(owner, id).filter(|kept| kept.is_living());
        Ok(kept.map(|kept| kept.item.done = done).is_some())
    }

    async fn delete_item(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let kept = state.item(owner, id).filter(|kept| kept.is_living());
        Ok(kept
            .map(|kept| kept.undo_until = Some(now + UNDO_FOR))
            .is_some())
    }

    async fn find_deleted(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<Option<Deleted>, Unavailable> {
        let mut state = self.state();
        let kept = state.item(owner, id);
        Ok(kept.and_then(|kept| {
            Some(Deleted {
                item: kept.item.clone(),
                undo_until: kept.undo_until.filter(|until| *until > now)?,
            })
        }))
    }

    async fn restore_item(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let Some(items) = state.items.get_mut(owner) else {
            return Ok(false);
        };
        // What comes too late is gone for good, whatever the clock does.
        let is_over = |kept: &KeptItem| kept.undo_until.is_some_and(|until| until <= now);
        items.retain(|kept| kept.item.id != id || !is_over(kept));
        let kept = items.iter_mut().find(|kept| kept.item.id == id);
        Ok(kept
            .map(|kept| {
                if kept.undo_until.take().is_some() {
                    kept.restored_at = Some(now);
                }
            })
            .is_some())
    }

    async fn is_just_restored(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let kept = state.item(owner, id).filter(|kept| kept.is_living());
        let restored_at = kept.and_then(|kept| kept.restored_at);
        Ok(restored_at.is_some_and(|at| at <= now && at > now - JUST_RESTORED_FOR))
    }

    async fn sweep_items(&self, now: OffsetDateTime) -> Result<u64, Unavailable> {
        let mut state = self.state();
        let mut swept = 0;
        for items in state.items.values_mut() {
            let before = items.len();
            items.retain(|kept| kept.undo_until.is_none_or(|until| until > now));
            swept += before - items.len();
        }
        Ok(u64::try_from(swept).unwrap_or(u64::MAX))
    }
}
