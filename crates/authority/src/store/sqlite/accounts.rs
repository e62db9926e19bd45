//! People on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, from_millis, millis};
use handoff::{ids::UserId, wire::UserInfo};
use sqlx::FromRow;
use time::OffsetDateTime;

use super::{
    super::{Account, AccountStore, Added, Listed, NewUser},
    Sqlite, ending,
};
use crate::people::Email;

#[derive(FromRow)]
struct UserRow {
    id: String,
    email: String,
    name: String,
    email_verified: bool,
    password_hash: String,
    disabled_at: Option<i64>,
    created_at: i64,
}

impl UserRow {
    fn read(self) -> Result<Account, Unavailable> {
        Ok(Account {
            user: UserInfo {
                id: UserId::parse(&self.id).map_err(Unavailable::unreadable)?,
                email: self.email,
                name: self.name,
                email_verified: self.email_verified,
            },
            password_hash: self.password_hash,
            is_active: self.disabled_at.is_none(),
        })
    }
}

const FIND: Statement = Statement::new("SELECT * FROM \"user\" WHERE id = $1");
const FIND_BY_EMAIL: Statement = Statement::new("SELECT * FROM \"user\" WHERE email = $1");
const LIST: Statement = Statement::new("SELECT * FROM \"user\" ORDER BY email");

const RENEW: Statement = Statement::new(
    "UPDATE \"user\" SET email = $2
     WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM \"user\" other WHERE other.email = $2)",
);

async fn renew_addresses(tx: &mut Connection) -> Result<u64, Unavailable> {
    let people = sqlx::query_as::<_, UserRow>(LIST)
        .fetch_all(&mut *tx)
        .await?;
    let mut renewed = 0;
    for person in people {
        let Some(email) = Email::parse(&person.email) else {
            continue;
        };
        if email.as_str() != person.email {
            renewed += sqlx::query(RENEW)
                .bind(person.id)
                .bind(email.as_str())
                .execute(&mut *tx)
                .await?
                .rows_affected();
        }
    }
    Ok(renewed)
}

/// The account of a person.
pub(super) async fn find(
    connection: &mut Connection,
    id: UserId,
) -> Result<Option<Account>, Unavailable> {
    sqlx::query_as::<_, UserRow>(FIND)
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?
        .map(UserRow::read)
        .transpose()
}

const ADD: Statement = Statement::new(
    "INSERT INTO \"user\" (id, email, name, email_verified, password_hash, created_at)
     VALUES ($1, $2, $3, true, $4, $5) ON CONFLICT (email) DO NOTHING",
);

async fn add(tx: &mut Connection, new: NewUser, now: OffsetDateTime) -> Result<Added, Unavailable> {
    let added = sqlx::query(ADD)
        .bind(new.id.to_string())
        .bind(new.email.as_str())
        .bind(new.name)
        .bind(new.password_hash)
        .bind(millis(now))
        .execute(tx)
        .await?
        .rows_affected();
    Ok(match added {
        1 => Added::New,
        _ => Added::EmailTaken,
    })
}

const REHASH: Statement =
    Statement::new("UPDATE \"user\" SET password_hash = $1 WHERE id = $2 AND password_hash = $3");

async fn rehash(
    tx: &mut Connection,
    user: UserId,
    old: String,
    new: String,
) -> Result<(), Unavailable> {
    sqlx::query(REHASH)
        .bind(new)
        .bind(user.to_string())
        .bind(old)
        .execute(tx)
        .await?;
    Ok(())
}

const SET_PASSWORD: Statement =
    Statement::new("UPDATE \"user\" SET password_hash = $1 WHERE id = $2");

async fn set_password(
    tx: &mut Connection,
    user: UserId,
    password_hash: String,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    let known = sqlx::query(SET_PASSWORD)
        .bind(password_hash)
        .bind(user.to_string())
        .execute(&mut *tx)
        .await?
        .rows_affected();
    ending::end_sign_ins_of(tx, user, now).await?;
    Ok(known == 1)
}

const DISABLE: Statement =
    Statement::new("UPDATE \"user\" SET disabled_at = coalesce(disabled_at, $1) WHERE id = $2");

async fn disable(
    tx: &mut Connection,
    user: UserId,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    let known = sqlx::query(DISABLE)
        .bind(millis(now))
        .bind(user.to_string())
        .execute(&mut *tx)
        .await?
        .rows_affected();
    ending::end_sign_ins_of(tx, user, now).await?;
    Ok(known == 1)
}

#[async_trait]
impl AccountStore for Sqlite {
    async fn add_user(&self, new: NewUser, now: OffsetDateTime) -> Result<Added, Unavailable> {
        self.database
            .write(move |tx| Box::pin(add(tx, new, now)))
            .await
    }

    async fn find_account(&self, email: &Email) -> Result<Option<Account>, Unavailable> {
        sqlx::query_as::<_, UserRow>(FIND_BY_EMAIL)
            .bind(email.as_str())
            .fetch_optional(&mut *self.database.reader().await?)
            .await?
            .map(UserRow::read)
            .transpose()
    }

    async fn rehash_password(
        &self,
        user: UserId,
        old: &str,
        new: String,
    ) -> Result<(), Unavailable> {
        let old = old.to_owned();
        self.database
            .write(move |tx| Box::pin(rehash(tx, user, old, new)))
            .await
    }

    async fn renew_addresses(&self) -> Result<u64, Unavailable> {
        self.database
            .write(|tx| Box::pin(renew_addresses(tx)))
            .await
    }

    async fn list_users(&self) -> Result<Vec<Listed>, Unavailable> {
        let rows = sqlx::query_as::<_, UserRow>(LIST)
            .fetch_all(&mut *self.database.reader().await?)
            .await?;
        rows.into_iter()
            .map(|row| {
                let since = from_millis(row.created_at)?;
                let Account {
                    user, is_active, ..
                } = row.read()?;
                Ok(Listed {
                    user,
                    is_active,
                    since,
                })
            })
            .collect()
    }

    async fn set_password(
        &self,
        user: UserId,
        password_hash: String,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        self.database
            .write(move |tx| Box::pin(set_password(tx, user, password_hash, now)))
            .await
    }

    async fn disable_user(&self, user: UserId, now: OffsetDateTime) -> Result<bool, Unavailable> {
        self.database
            .write(move |tx| Box::pin(disable(tx, user, now)))
            .await
    }
}
