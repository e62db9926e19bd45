//! Notes and tasks on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, from_millis, millis};
use handoff::ids::ItemId;
use sqlx::FromRow;
use time::OffsetDateTime;

use super::{
    super::{
        Added, Deleted, ITEMS_PER_PAGE, ITEMS_PER_PERSON, Item, ItemStore, JUST_RESTORED_FOR,
        Listed, Owner, UNDO_FOR,
    },
    Sqlite,
};

#[derive(FromRow)]
struct ItemRow {
    id: String,
    text: String,
    done: bool,
    created_at: i64,
    edited_at: Option<i64>,
}

impl ItemRow {
    fn read(self) -> Result<Item, Unavailable> {
        Ok(Item {
            id: ItemId::parse(&self.id).map_err(Unavailable::unreadable)?,
            text: self.text,
            done: self.done,
            created_at: from_millis(self.created_at)?,
            edited_at: self.edited_at.map(from_millis).transpose()?,
        })
    }
}

#[derive(FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    item: ItemRow,
    total: i64,
}

#[derive(FromRow)]
struct DeletedRow {
    #[sqlx(flatten)]
    item: ItemRow,
    undo_until: i64,
}

/// One item of a person, as three parameters name it.
#[derive(Clone, Debug)]
struct Own {
    id: String,
    issuer: String,
    user: String,
}

impl Own {
    fn new(owner: &Owner, id: ItemId) -> Self {
        Self {
            id: id.to_string(),
            issuer: owner.issuer.as_str().to_owned(),
            user: owner.user.to_string(),
        }
    }
}

fn at_most() -> i64 {
    i64::try_from(ITEMS_PER_PERSON).unwrap_or(i64::MAX)
}

/// The page that begins after $4 items; beyond the last page, the last.
const LIST: Statement = Statement::new(
    "WITH counted AS (
         SELECT COUNT(*) AS total FROM item
         WHERE issuer = $1 AND user_id = $2 AND undo_until IS NULL)
     SELECT id, text, done, created_at, edited_at, total FROM item, counted
     WHERE seq IN (
         SELECT seq FROM item
         WHERE issuer = $1 AND user_id = $2 AND undo_until IS NULL
         ORDER BY done, seq DESC
         LIMIT $3 OFFSET (SELECT CASE WHEN $4 < total THEN $4
                                      WHEN total = 0 THEN 0
                                      ELSE (total - 1) / $3 * $3 END FROM counted))
     ORDER BY done, seq DESC",
);
const FIND: Statement = Statement::new(
    "SELECT id, text, done, created_at, edited_at FROM item
     WHERE id = $1 AND issuer = $2 AND user_id = $3 AND undo_until IS NULL",
);

const IS_THERE: Statement = Statement::new("SELECT EXISTS (SELECT 1 FROM item WHERE id = $1)");
const ADD: Statement = Statement::new(
    "INSERT INTO item (id, issuer, user_id, text, done, created_at, edited_at)
     SELECT $1, $2, $3, $4, $5, $6, $7
     WHERE (SELECT COUNT(*) FROM item
            WHERE issuer = $2 AND user_id = $3 AND undo_until IS NULL) < $8",
);
/// Makes room for what was just added, so that neither what a person has nor what they may bring back
/// is ever more than they may have.
const FORGET_SURPLUS: Statement = Statement::new(
    "DELETE FROM item WHERE seq IN (
         SELECT seq FROM item WHERE issuer = $1 AND user_id = $2 AND undo_until IS NOT NULL
         ORDER BY undo_until, seq
         LIMIT (SELECT CASE WHEN COUNT(*) > $3 THEN COUNT(*) - $3 ELSE 0 END FROM item
                WHERE issuer = $1 AND user_id = $2))",
);

async fn add(tx: &mut Connection, owner: Owner, item: Item) -> Result<Added, Unavailable> {
    let (issuer, user) = (owner.issuer.as_str(), owner.user.to_string());
    let is_there: bool = sqlx::query_scalar(IS_THERE)
        .bind(item.id.to_string())
        .fetch_one(&mut *tx)
        .await?;
    if is_there {
        return Ok(Added::Before);
    }
    let added = sqlx::query(ADD)
        .bind(item.id.to_string())
        .bind(issuer)
        .bind(&user)
        .bind(item.text)
        .bind(item.done)
        .bind(millis(item.created_at))
        .bind(item.edited_at.map(millis))
        .bind(at_most())
        .execute(&mut *tx)
        .await?
        .rows_affected();
    if added == 0 {
        return Ok(Added::Full);
    }
    sqlx::query(FORGET_SURPLUS)
        .bind(issuer)
        .bind(&user)
        .bind(at_most())
        .execute(tx)
        .await?;
    Ok(Added::Yes)
}

const EDIT: Statement = Statement::new(
    "UPDATE item SET text = $1, edited_at = CASE WHEN text = $1 THEN edited_at ELSE $2 END
     WHERE id = $3 AND issuer = $4 AND user_id = $5 AND undo_until IS NULL",
);

async fn edit(
    tx: &mut Connection,
    own: Own,
    text: String,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    let edited = sqlx::query(EDIT)
        .bind(text)
        .bind(millis(now))
        .bind(own.id)
        .bind(own.issuer)
        .bind(own.user)
        .execute(tx)
        .await?
        .rows_affected();
    Ok(edited == 1)
}

const TICK: Statement = Statement::new(
    "UPDATE item SET done = $1
     WHERE id = $2 AND issuer = $3 AND user_id = $4 AND undo_until IS NULL",
);

async fn tick(tx: &mut Connection, own: Own, done: bool) -> Result<bool, Unavailable> {
    let ticked = sqlx::query(TICK)
        .bind(done)
        .bind(own.id)
        .bind(own.issuer)
        .bind(own.user)
        .execute(tx)
        .await?
        .rows_affected();
    Ok(ticked == 1)
}

const DELETE: Statement = Statement::new(
    "UPDATE item SET undo_until = $1
     WHERE id = $2 AND issuer = $3 AND user_id = $4 AND undo_until IS NULL",
);

async fn delete(
    tx: &mut Connection,
    own: Own,
    undo_until: OffsetDateTime,
) -> Result<bool, Unavailable> {
    let deleted = sqlx::query(DELETE)
        .bind(millis(undo_until))
        .bind(own.id)
        .bind(own.issuer)
        .bind(own.user)
        .execute(tx)
        .await?
        .rows_affected();
    Ok(deleted == 1)
}

const FIND_DELETED: Statement = Statement::new(
    "SELECT id, text, done, created_at, edited_at, undo_until FROM item
     WHERE id = $1 AND issuer = $2 AND user_id = $3 AND undo_until > $4",
);

/// An item that is restored too late is gone for good, whatever the clock does.
const FORGET_IF_TOO_LATE: Statement = Statement::new(
    "DELETE FROM item WHERE id = $1 AND issuer = $2 AND user_id = $3 AND undo_until <= $4",
);
const RESTORE: Statement = Statement::new(
    "UPDATE item
     SET restored_at = CASE WHEN undo_until IS NULL THEN restored_at ELSE $4 END,
         undo_until = NULL
     WHERE id = $1 AND issuer = $2 AND user_id = $3",
);

async fn restore(tx: &mut Connection, own: Own, now: OffsetDateTime) -> Result<bool, Unavailable> {
    let mut changed = 0;
    for statement in [FORGET_IF_TOO_LATE, RESTORE] {
        changed = sqlx::query(statement)
            .bind(&own.id)
            .bind(&own.issuer)
            .bind(&own.user)
            .bind(millis(now))
            .execute(&mut *tx)
            .await?
            .rows_affected();
    }
    Ok(changed == 1)
}

const IS_JUST_RESTORED: Statement = Statement::new(
    "SELECT EXISTS (
         SELECT 1 FROM item
         WHERE id = $1 AND issuer = $2 AND user_id = $3 AND undo_until IS NULL
               AND restored_at > $4 AND restored_at <= $5)",
);

const SWEEP: Statement = Statement::new("DELETE FROM item WHERE undo_until <= $1");

async fn sweep(tx: &mut Connection, now: OffsetDateTime) -> Result<u64, Unavailable> {
    let swept = sqlx::query(SWEEP).bind(millis(now)).execute(tx).await?;
    Ok(swept.rows_affected())
}

#[async_trait]
impl ItemStore for Sqlite {
    async fn list_items(&self, owner: &Owner, page: u32) -> Result<Listed, Unavailable> {
        let per_page = i64::try_from(ITEMS_PER_PAGE).unwrap_or(i64::MAX);
        let rows = sqlx::query_as::<_, ListedRow>(LIST)
            .bind(owner.issuer.as_str())
            .bind(owner.user.to_string())
            .bind(per_page)
            .bind(i64::from(page).saturating_mul(per_page))
            .fetch_all(&mut *self.database.reader().await?)
            .await?;
        let total = rows.first().map_or(0, |row| row.total);
        let items = rows.into_iter().map(|row| row.item.read());
        Ok(Listed {
            items: items.collect::<Result<_, _>>()?,
            total: usize::try_from(total).map_err(Unavailable::unreadable)?,
        })
    }

    async fn find_item(&self, owner: &Owner, id: ItemId) -> Result<Option<Item>, Unavailable> {
        let own = Own::new(owner, id);
        let row = sqlx::query_as::<_, ItemRow>(FIND)
            .bind(own.id)
            .bind(own.issuer)
            .bind(own.user)
            .fetch_optional(&mut *self.database.reader().await?)
            .await?;
        row.map(ItemRow::read).transpose()
    }

    async fn add_item(&self, owner: &Owner, item: Item) -> Result<Added, Unavailable> {
        let owner = owner.clone();
        self.database
            .write(move |tx| Box::pin(add(tx, owner, item)))
            .await
    }

    async fn edit_item(
        &self,
        owner: &Owner,
        id: ItemId,
        text: String,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let own = Own::new(owner, id);
        self.database
            .write(move |tx| Box::pin(edit(tx, own, text, now)))
            .await
    }

    async fn tick_item(&self, owner: &Owner, id: ItemId, done: bool) -> Result<bool, Unavailable> {
        let own = Own::new(owner, id);
        self.database
            .write(move |tx| Box::pin(tick(tx, own, done)))
            .await
    }

    async fn delete_item(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let own = Own::new(owner, id);
        self.database
            .write(move |tx| Box::pin(delete(tx, own, now + UNDO_FOR)))
            .await
    }

    async fn find_deleted(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<Option<Deleted>, Unavailable> {
        let own = Own::new(owner, id);
        let row = sqlx::query_as::<_, DeletedRow>(FIND_DELETED)
            .bind(own.id)
            .bind(own.issuer)
            .bind(own.user)
            .bind(millis(now))
            .fetch_optional(&mut *self.database.reader().await?)
            .await?;
        row.map(|row| {
            Ok(Deleted {
                item: row.item.read()?,
                undo_until: from_millis(row.undo_until)?,
            })
        })
        .transpose()
    }

    async fn restore_item(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let own = Own::new(owner, id);
        self.database
            .write(move |tx| Box::pin(restore(tx, own, now)))
            .await
    }

    async fn is_just_restored(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let own = Own::new(owner, id);
        Ok(sqlx::query_scalar(IS_JUST_RESTORED)
            .bind(own.id)
            .bind(own.issuer)
            .bind(own.user)
            .bind(millis(now - JUST_RESTORED_FOR))
            .bind(millis(now))
            .fetch_one(&mut *self.database.reader().await?)
            .await?)
    }

    async fn sweep_items(&self, now: OffsetDateTime) -> Result<u64, Unavailable> {
        self.database
            .write(move |tx| Box::pin(sweep(tx, now)))
            .await
    }
}
