//! Known browsers on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, millis};
use handoff::{
    ids::UserId,
    token::{Digest, KnownBrowser},
};
use time::OffsetDateTime;

use super::{super::BrowserStore, Sqlite};
use crate::throttle::{KNOWN_FOR, KNOWN_PER_PERSON};

const IS_KNOWN: Statement = Statement::new(
    "SELECT EXISTS (SELECT 1 FROM known_browser
                    WHERE browser = $1 AND user_id = $2 AND expires_at > $3)",
);
const RENAME: Statement =
    Statement::new("UPDATE known_browser SET browser = $1 WHERE browser = $2");
const ADD: Statement = Statement::new(
    "INSERT INTO known_browser (browser, user_id, signed_in_at, expires_at)
     VALUES ($1, $2, $3, $4)
     ON CONFLICT (browser, user_id) DO UPDATE
         SET signed_in_at = excluded.signed_in_at, expires_at = excluded.expires_at",
);
/// The one that was just used ($3) stays, whatever else was used in the same millisecond.
const FORGET_SURPLUS: Statement = Statement::new(
    "DELETE FROM known_browser WHERE user_id = $1 AND browser NOT IN (
         SELECT browser FROM known_browser WHERE user_id = $1
         ORDER BY signed_in_at DESC, browser = $3 DESC, browser LIMIT $2)",
);

async fn remember(
    tx: &mut Connection,
    browser: Digest<KnownBrowser>,
    replacing: Option<Digest<KnownBrowser>>,
    user: UserId,
    now: OffsetDateTime,
) -> Result<(), Unavailable> {
    let user = user.to_string();
    if let Some(old) = replacing {
        sqlx::query(RENAME)
            .bind(browser.as_bytes().as_slice())
            .bind(old.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query(ADD)
        .bind(browser.as_bytes().as_slice())
        .bind(&user)
        .bind(millis(now))
        .bind(millis(now + KNOWN_FOR))
        .execute(&mut *tx)
        .await?;
    sqlx::query(FORGET_SURPLUS)
        .bind(&user)
        .bind(i64::try_from(KNOWN_PER_PERSON).unwrap_or(i64::MAX))
        .bind(browser.as_bytes().as_slice())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

#[async_trait]
impl BrowserStore for Sqlite {
    async fn knows_browser(
        &self,
        browser: Digest<KnownBrowser>,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        Ok(sqlx::query_scalar(IS_KNOWN)
            .bind(browser.as_bytes().as_slice())
            .bind(user.to_string())
            .bind(millis(now))
            .fetch_one(&mut *self.database.reader().await?)
            .await?)
    }

    async fn remember_browser(
        &self,
        browser: Digest<KnownBrowser>,
        replacing: Option<Digest<KnownBrowser>>,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        self.database
            .write(move |tx| Box::pin(remember(tx, browser, replacing, user, now)))
            .await
    }
}
