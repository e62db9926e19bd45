//! The store on SQLite: static SQL, one transaction a verb.

use async_trait::async_trait;
use database::{CannotOpen, Database, Unavailable, from_millis, millis};
use handoff::{
    handoff::STARTED_PER_BROWSER,
    ids::{ItemId, SessionId, UserId},
    token::{Digest, PreSession, State},
    uri::{LocalPath, Origin},
    wire::UserInfo,
};
use sqlx::{FromRow, SqliteConnection, migrate::Migrator};
use time::{Duration, OffsetDateTime};
use web::session::{Records, Unreachable};

use super::{
    Added, Beginning, Deleted, Ended, FINISHING, HandoffKey, ITEMS_PER_PAGE, ITEMS_PER_PERSON,
    Item, JUST_RESTORED_FOR, Kept, Listed, NewHandoff, Owner, Sealed, Session, Source, Store,
    TakenHandoff, UNDO_FOR, Waiting,
};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The store on SQLite.
#[derive(Clone, Debug)]
pub struct Sqlite {
    database: Database,
}

impl Sqlite {
    /// Opens the file, creating and migrating it as needed.
    ///
    /// # Errors
    /// [`CannotOpen`] with the file's name.
    pub async fn open(path: &std::path::Path) -> Result<Self, CannotOpen> {
        Ok(Self {
            database: Database::open(path, &MIGRATIONS).await?,
        })
    }

    /// Makes it final that the time of a row is over. The row stays until it is swept, or until
    /// somebody takes its access token to revoke it.
    async fn write_off(
        &self,
        statement: &'static str,
        id: SessionId,
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let mut tx = self.database.write().await?;
        sqlx::query(statement)
            .bind(id.to_string())
            .bind(millis(now))
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Closes the file.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

fn local_path(text: String) -> Result<LocalPath, Unavailable> {
    LocalPath::try_from(text).map_err(Unavailable::unreadable)
}

#[derive(FromRow)]
struct StartedRow {
    verifier: Vec<u8>,
    target: String,
    expires_at: i64,
}

impl StartedRow {
    fn read(self) -> Result<TakenHandoff, Unavailable> {
        Ok(TakenHandoff {
            verifier: Sealed(self.verifier),
            target: local_path(self.target)?,
            expires_at: from_millis(self.expires_at)?,
        })
    }
}

#[derive(FromRow)]
struct SessionRow {
    id: String,
    issuer: String,
    user_id: String,
    email: String,
    name: String,
    email_verified: bool,
    access_token: Vec<u8>,
    browser: Vec<u8>,
    spare: Option<Vec<u8>>,
    created_at: i64,
    expires_at: i64,
    checked_at: i64,
}

impl SessionRow {
    fn read(self) -> Result<Session, Unavailable> {
        Ok(Session {
            id: SessionId::parse(&self.id).map_err(Unavailable::unreadable)?,
            issuer: Origin::parse(&self.issuer).map_err(Unavailable::unreadable)?,
            user: UserInfo {
                id: UserId::parse(&self.user_id).map_err(Unavailable::unreadable)?,
                email: self.email,
                name: self.name,
                email_verified: self.email_verified,
            },
            access_token: Sealed(self.access_token),
            browser: digest(&self.browser)?,
            spare: self.spare.map(Sealed),
            created_at: from_millis(self.created_at)?,
            expires_at: from_millis(self.expires_at)?,
            checked_at: from_millis(self.checked_at)?,
        })
    }
}

#[derive(FromRow)]
struct WaitingRow {
    #[sqlx(flatten)]
    session: SessionRow,
    target: String,
    wait_until: i64,
}

impl WaitingRow {
    fn read(self) -> Result<Waiting, Unavailable> {
        Ok(Waiting {
            session: self.session.read()?,
            target: local_path(self.target)?,
            wait_until: from_millis(self.wait_until)?,
        })
    }
}

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

/// Makes room for what was just added, so that neither what a person has nor what they may bring back
/// is ever more than they may have.
async fn forget_surplus(
    connection: &mut SqliteConnection,
    owner: &Owner,
) -> Result<(), Unavailable> {
    let (issuer, user) = (owner.issuer.as_str(), owner.user.to_string());
    let kept: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM item WHERE issuer = ? AND user_id = ?")
            .bind(issuer)
            .bind(&user)
            .fetch_one(&mut *connection)
            .await?;
    sqlx::query(
        "DELETE FROM item WHERE seq IN (
             SELECT seq FROM item WHERE issuer = ? AND user_id = ? AND undo_until IS NOT NULL
             ORDER BY undo_until, seq LIMIT ?)",
    )
    .bind(issuer)
    .bind(&user)
    .bind((kept - at_most()).max(0))
    .execute(connection)
    .await?;
    Ok(())
}

fn at_most() -> i64 {
    i64::try_from(ITEMS_PER_PERSON).unwrap_or(i64::MAX)
}

fn digest<T>(bytes: &[u8]) -> Result<Digest<T>, Unavailable> {
    let bytes = <[u8; 32]>::try_from(bytes).map_err(Unavailable::unreadable)?;
    Ok(Digest::from_bytes(bytes))
}

#[derive(FromRow)]
struct EndedRow {
    access_token: Vec<u8>,
    spare: Option<Vec<u8>>,
}

impl From<EndedRow> for Ended {
    fn from(row: EndedRow) -> Self {
        Self {
            access_token: Sealed(row.access_token),
            spare: row.spare.map(Sealed),
        }
    }
}

async fn end_session(
    connection: &mut SqliteConnection,
    id: SessionId,
) -> Result<Vec<Ended>, Unavailable> {
    let id = id.to_string();
    let mut ended = Vec::new();
    for statement in [
        // What waits goes first, by name: the cascade would take it without telling its token.
        "DELETE FROM waiting WHERE current = ? RETURNING access_token, spare",
        "DELETE FROM session WHERE id = ? RETURNING access_token, spare",
    ] {
        let row = sqlx::query_as::<_, EndedRow>(statement)
            .bind(&id)
            .fetch_optional(&mut *connection)
            .await?;
        ended.extend(row.map(Ended::from));
    }
    Ok(ended)
}

async fn end_born_of(
    connection: &mut SqliteConnection,
    browser: Digest<PreSession>,
) -> Result<Vec<Ended>, Unavailable> {
    let born: Vec<String> = sqlx::query_scalar("SELECT id FROM session WHERE browser = ?")
        .bind(browser.as_bytes().as_slice())
        .fetch_all(&mut *connection)
        .await?;
    let mut ended = Vec::new();
    for id in born {
        let id = SessionId::parse(&id).map_err(Unavailable::unreadable)?;
        ended.append(&mut end_session(connection, id).await?);
    }
    Ok(ended)
}

/// Uses up a handoff that was taken, also when it has taken too long; tells whether a session may begin
/// from it.
async fn finish(
    connection: &mut SqliteConnection,
    handoff: HandoffKey,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    let until: Option<i64> = sqlx::query_scalar(
        "DELETE FROM started WHERE state = ? AND browser = ? AND taken_until IS NOT NULL
         RETURNING taken_until",
    )
    .bind(handoff.state.as_bytes().as_slice())
    .bind(handoff.browser.as_bytes().as_slice())
    .fetch_optional(connection)
    .await?;
    Ok(until.is_some_and(|until| until > millis(now)))
}

/// Uses up a session that waits for the answer of this one; tells whether it may begin. One that has
/// waited too long stays, for whoever revokes it.
async fn answer(
    connection: &mut SqliteConnection,
    current: SessionId,
    waiting: SessionId,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    let mut changed = [0; 2];
    for (rows, statement) in changed.iter_mut().zip([
        "DELETE FROM waiting
         WHERE current = ?1 AND id = ?2 AND wait_until > ?3 AND expires_at > ?3",
        "UPDATE waiting SET wait_until = 0
         WHERE current = ?1 AND id = ?2 AND (wait_until <= ?3 OR expires_at <= ?3)",
    ]) {
        *rows = sqlx::query(statement)
            .bind(current.to_string())
            .bind(waiting.to_string())
            .bind(millis(now))
            .execute(&mut *connection)
            .await?
            .rows_affected();
    }
    Ok(changed[0] == 1)
}

/// Whether no handoff of this browser is under way.
async fn is_over(
    connection: &mut SqliteConnection,
    browser: Digest<PreSession>,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    Ok(sqlx::query_scalar(
        "SELECT NOT EXISTS (
             SELECT 1 FROM started WHERE browser = ? AND COALESCE(taken_until, expires_at) > ?)",
    )
    .bind(browser.as_bytes().as_slice())
    .bind(millis(now))
    .fetch_one(connection)
    .await?)
}

/// Somebody else who was signed in by another handoff of the same browser: the youngest such session.
async fn somebody_else(
    connection: &mut SqliteConnection,
    new: &Session,
    replacing: Option<SessionId>,
    now: OffsetDateTime,
) -> Result<Option<SessionId>, Unavailable> {
    let found: Option<String> = sqlx::query_scalar(
        "SELECT id FROM session
         WHERE browser = ? AND expires_at > ? AND id IS NOT ?
               AND (issuer <> ? OR user_id <> ?)
         ORDER BY rowid DESC LIMIT 1",
    )
    .bind(new.browser.as_bytes().as_slice())
    .bind(millis(now))
    .bind(replacing.map(|id| id.to_string()))
    .bind(new.issuer.as_str())
    .bind(new.user.id.to_string())
    .fetch_optional(connection)
    .await?;
    found
        .map(|id| SessionId::parse(&id).map_err(Unavailable::unreadable))
        .transpose()
}

#[async_trait]
impl Store for Sqlite {
    async fn start_handoff(&self, new: NewHandoff, now: OffsetDateTime) -> Result<(), Unavailable> {
        let browser = new.browser.as_bytes().as_slice();
        let mut tx = self.database.write().await?;
        sqlx::query(
            "INSERT INTO started (state, browser, verifier, target, expires_at)
             VALUES (?, ?, ?, ?, ?)",
        )
        .bind(new.state.as_bytes().as_slice())
        .bind(browser)
        .bind(&new.verifier.0)
        .bind(new.target.as_str())
        .bind(millis(new.expires_at))
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM started
             WHERE browser = ?1 AND (COALESCE(taken_until, expires_at) <= ?2 OR seq NOT IN (
                 SELECT seq FROM started WHERE browser = ?1 ORDER BY seq DESC LIMIT ?3))",
        )
        .bind(browser)
        .bind(millis(now))
        .bind(i64::try_from(STARTED_PER_BROWSER).unwrap_or(i64::MAX))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn has_started(
        &self,
        browser: Digest<PreSession>,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM started
                            WHERE browser = ? AND COALESCE(taken_until, expires_at) > ?)",
        )
        .bind(browser.as_bytes().as_slice())
        .bind(millis(now))
        .fetch_one(self.database.readers())
        .await?)
    }

    async fn take_started(
        &self,
        browser: Digest<PreSession>,
        state: Digest<State>,
        now: OffsetDateTime,
    ) -> Result<Option<TakenHandoff>, Unavailable> {
        // Only whether to try: who gets it is decided below.
        let is_there: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM started
                            WHERE state = ? AND browser = ? AND taken_until IS NULL)",
        )
        .bind(state.as_bytes().as_slice())
        .bind(browser.as_bytes().as_slice())
        .fetch_one(self.database.readers())
        .await?;
        if !is_there {
            return Ok(None);
        }
        let mut tx = self.database.write().await?;
        let row = sqlx::query_as::<_, StartedRow>(
            "UPDATE started SET taken_until = IIF(expires_at > ?1, ?2, 0)
             WHERE state = ?3 AND browser = ?4 AND taken_until IS NULL
             RETURNING verifier, target, expires_at",
        )
        .bind(millis(now))
        .bind(millis(now + FINISHING))
        .bind(state.as_bytes().as_slice())
        .bind(browser.as_bytes().as_slice())
        .fetch_optional(&mut *tx)
        .await?;
        // Read before the commit: what cannot be read is not taken either.
        let taken = row.map(StartedRow::read).transpose()?;
        tx.commit().await?;
        Ok(taken.filter(|taken| taken.expires_at > now))
    }

    async fn begin_session(
        &self,
        new: Session,
        source: Source,
        now: OffsetDateTime,
    ) -> Result<Beginning, Unavailable> {
        let mut tx = self.database.write().await?;
        let (found, old) = match source {
            Source::Handoff { handoff, replacing } => {
                (finish(&mut tx, handoff, now).await?, replacing)
            }
            Source::Waiting { current } => {
                let found = answer(&mut tx, current, new.id, now).await?;
                (found, Some(current))
            }
        };
        if !found {
            tx.commit().await?;
            return Ok(Beginning::TooLate);
        }
        if let Source::Handoff { replacing, .. } = source
            && let Some(other) = somebody_else(&mut tx, &new, replacing, now).await?
        {
            tx.rollback().await?;
            return Ok(Beginning::SomebodyElse(other));
        }
        let mut ended = match old {
            Some(old) => end_session(&mut tx, old).await?,
            None => Vec::new(),
        };
        ended.append(&mut end_born_of(&mut tx, new.browser).await?);
        sqlx::query(
            "INSERT INTO session (id, issuer, user_id, email, name, email_verified, access_token,
                                  browser, spare, created_at, expires_at, checked_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.id.to_string())
        .bind(new.issuer.as_str())
        .bind(new.user.id.to_string())
        .bind(new.user.email)
        .bind(new.user.name)
        .bind(new.user.email_verified)
        .bind(new.access_token.0)
        .bind(new.browser.as_bytes().as_slice())
        .bind(new.spare.map(|spare| spare.0))
        .bind(millis(new.created_at))
        .bind(millis(new.expires_at))
        .bind(millis(new.checked_at))
        .execute(&mut *tx)
        .await?;
        let pre_session_over = is_over(&mut tx, new.browser, now).await?;
        tx.commit().await?;
        Ok(Beginning::Begun {
            ended,
            pre_session_over,
        })
    }

    async fn find_session(
        &self,
        id: SessionId,
        now: OffsetDateTime,
    ) -> Result<Option<Session>, Unavailable> {
        let row = sqlx::query_as::<_, SessionRow>("SELECT * FROM session WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(self.database.readers())
            .await?;
        let Some(row) = row else { return Ok(None) };
        if row.expires_at > millis(now) {
            return row.read().map(Some);
        }
        self.write_off(
            "UPDATE session SET expires_at = 0 WHERE id = ? AND expires_at <= ?",
            id,
            now,
        )
        .await?;
        Ok(None)
    }

    async fn mark_checked(
        &self,
        id: SessionId,
        now: OffsetDateTime,
        interval: Duration,
    ) -> Result<bool, Unavailable> {
        let mut tx = self.database.write().await?;
        let marked = sqlx::query(
            "UPDATE session SET checked_at = ?1
                 WHERE id = ?2 AND (checked_at <= ?3 OR checked_at > ?1)",
        )
        .bind(millis(now))
        .bind(id.to_string())
        .bind(millis(now - interval))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(marked == 1)
    }

    async fn count_sessions(&self, now: OffsetDateTime) -> Result<u64, Unavailable> {
        let counted: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM session WHERE expires_at > ?")
            .bind(millis(now))
            .fetch_one(self.database.readers())
            .await?;
        Ok(counted.unsigned_abs())
    }

    async fn end_session(&self, id: SessionId) -> Result<Vec<Ended>, Unavailable> {
        let mut tx = self.database.write().await?;
        let ended = end_session(&mut tx, id).await?;
        tx.commit().await?;
        Ok(ended)
    }

    async fn sign_out(
        &self,
        session: Option<SessionId>,
        browser: Option<Digest<PreSession>>,
    ) -> Result<Vec<Ended>, Unavailable> {
        let mut tx = self.database.write().await?;
        let mut browsers: Vec<_> = browser.into_iter().collect();
        let mut ended = Vec::new();
        if let Some(id) = session {
            let born: Option<Vec<u8>> =
                sqlx::query_scalar("SELECT browser FROM session WHERE id = ?")
                    .bind(id.to_string())
                    .fetch_optional(&mut *tx)
                    .await?;
            browsers.extend(born.map(|born| digest(&born)).transpose()?);
            ended = end_session(&mut tx, id).await?;
        }
        for browser in browsers {
            sqlx::query("DELETE FROM started WHERE browser = ?")
                .bind(browser.as_bytes().as_slice())
                .execute(&mut *tx)
                .await?;
            ended.append(&mut end_born_of(&mut tx, browser).await?);
        }
        tx.commit().await?;
        Ok(ended)
    }

    async fn keep_waiting(
        &self,
        current: SessionId,
        waiting: Waiting,
        handoff: HandoffKey,
        now: OffsetDateTime,
    ) -> Result<Kept, Unavailable> {
        let current = current.to_string();
        let Waiting {
            session,
            target,
            wait_until,
        } = waiting;
        let mut tx = self.database.write().await?;
        if !finish(&mut tx, handoff, now).await? {
            tx.commit().await?;
            return Ok(Kept::TooLate);
        }
        let displaced: Option<Vec<u8>> =
            sqlx::query_scalar("DELETE FROM waiting WHERE current = ? RETURNING access_token")
                .bind(&current)
                .fetch_optional(&mut *tx)
                .await?;
        let kept = sqlx::query(
            "INSERT INTO waiting (current, id, issuer, user_id, email, name, email_verified,
                                  access_token, browser, spare, created_at, expires_at,
                                  checked_at, target, wait_until)
             SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM session WHERE id = ?",
        )
        .bind(session.id.to_string())
        .bind(session.issuer.as_str())
        .bind(session.user.id.to_string())
        .bind(session.user.email)
        .bind(session.user.name)
        .bind(session.user.email_verified)
        .bind(session.access_token.0)
        .bind(session.browser.as_bytes().as_slice())
        .bind(session.spare.map(|spare| spare.0))
        .bind(millis(session.created_at))
        .bind(millis(session.expires_at))
        .bind(millis(session.checked_at))
        .bind(target.as_str())
        .bind(millis(wait_until))
        .bind(&current)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if kept != 1 {
            // Then the handoff is not used up either.
            tx.rollback().await?;
            return Ok(Kept::NobodyIsSignedIn);
        }
        let pre_session_over = is_over(&mut tx, handoff.browser, now).await?;
        tx.commit().await?;
        Ok(Kept::Waits {
            displaced: displaced.map(Sealed),
            pre_session_over,
        })
    }

    async fn find_waiting(
        &self,
        current: SessionId,
        now: OffsetDateTime,
    ) -> Result<Option<Waiting>, Unavailable> {
        let row = sqlx::query_as::<_, WaitingRow>("SELECT * FROM waiting WHERE current = ?")
            .bind(current.to_string())
            .fetch_optional(self.database.readers())
            .await?;
        let Some(waiting) = row.map(WaitingRow::read).transpose()? else {
            return Ok(None);
        };
        if waiting.is_live(now) {
            return Ok(Some(waiting));
        }
        self.write_off(
            "UPDATE waiting SET wait_until = 0
             WHERE current = ?1 AND (wait_until <= ?2 OR expires_at <= ?2)",
            current,
            now,
        )
        .await?;
        Ok(None)
    }

    async fn take_waiting(&self, current: SessionId) -> Result<Option<Waiting>, Unavailable> {
        let mut tx = self.database.write().await?;
        let row = sqlx::query_as::<_, WaitingRow>(
            "DELETE FROM waiting WHERE current = ?
             RETURNING id, issuer, user_id, email, name, email_verified, access_token, browser,
                       spare, created_at, expires_at, checked_at, target, wait_until",
        )
        .bind(current.to_string())
        .fetch_optional(&mut *tx)
        .await?;
        let taken = row.map(WaitingRow::read).transpose()?;
        tx.commit().await?;
        Ok(taken)
    }

    async fn list_items(&self, owner: &Owner, page: u32) -> Result<Listed, Unavailable> {
        let rows = sqlx::query_as::<_, ListedRow>(
            "WITH counted AS (
                 SELECT COUNT(*) AS total FROM item
                 WHERE issuer = ?1 AND user_id = ?2 AND undo_until IS NULL)
             SELECT id, text, done, created_at, edited_at, total FROM item, counted
             WHERE seq IN (
                 SELECT seq FROM item
                 WHERE issuer = ?1 AND user_id = ?2 AND undo_until IS NULL
                 ORDER BY done, seq DESC
                 LIMIT ?3 OFFSET (SELECT MIN(?4, MAX(total - 1, 0) / ?3) * ?3 FROM counted))
             ORDER BY done, seq DESC",
        )
        .bind(owner.issuer.as_str())
        .bind(owner.user.to_string())
        .bind(i64::try_from(ITEMS_PER_PAGE).unwrap_or(i64::MAX))
        .bind(i64::from(page))
        .fetch_all(self.database.readers())
        .await?;
        let total = rows.first().map_or(0, |row| row.total);
        let items = rows.into_iter().map(|row| row.item.read());
        Ok(Listed {
            items: items.collect::<Result<_, _>>()?,
            total: usize::try_from(total).map_err(Unavailable::unreadable)?,
        })
    }

    async fn find_item(&self, owner: &Owner, id: ItemId) -> Result<Option<Item>, Unavailable> {
        let row = sqlx::query_as::<_, ItemRow>(
            "SELECT id, text, done, created_at, edited_at FROM item
             WHERE id = ? AND issuer = ? AND user_id = ? AND undo_until IS NULL",
        )
        .bind(id.to_string())
        .bind(owner.issuer.as_str())
        .bind(owner.user.to_string())
        .fetch_optional(self.database.readers())
        .await?;
        row.map(ItemRow::read).transpose()
    }

    async fn add_item(&self, owner: &Owner, item: Item) -> Result<Added, Unavailable> {
        let mut tx = self.database.write().await?;
        let added = sqlx::query(
            "INSERT INTO item (id, issuer, user_id, text, done, created_at, edited_at)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
             WHERE (SELECT COUNT(*) FROM item
                    WHERE issuer = ?2 AND user_id = ?3 AND undo_until IS NULL) < ?8",
        )
        .bind(item.id.to_string())
        .bind(owner.issuer.as_str())
        .bind(owner.user.to_string())
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
        forget_surplus(&mut tx, owner).await?;
        tx.commit().await?;
        Ok(Added::Yes)
    }

    async fn edit_item(
        &self,
        owner: &Owner,
        id: ItemId,
        text: String,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut tx = self.database.write().await?;
        let edited = sqlx::query(
            "UPDATE item SET text = ?1, edited_at = CASE WHEN text = ?1 THEN edited_at ELSE ?2 END
             WHERE id = ?3 AND issuer = ?4 AND user_id = ?5 AND undo_until IS NULL",
        )
        .bind(text)
        .bind(millis(now))
        .bind(id.to_string())
        .bind(owner.issuer.as_str())
        .bind(owner.user.to_string())
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(edited == 1)
    }

    async fn tick_item(&self, owner: &Owner, id: ItemId, done: bool) -> Result<bool, Unavailable> {
        let mut tx = self.database.write().await?;
        let ticked = sqlx::query(
            "UPDATE item SET done = ?
             WHERE id = ? AND issuer = ? AND user_id = ? AND undo_until IS NULL",
        )
        .bind(done)
        .bind(id.to_string())
        .bind(owner.issuer.as_str())
        .bind(owner.user.to_string())
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(ticked == 1)
    }

    async fn delete_item(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut tx = self.database.write().await?;
        let deleted = sqlx::query(
            "UPDATE item SET undo_until = ?
             WHERE id = ? AND issuer = ? AND user_id = ? AND undo_until IS NULL",
        )
        .bind(millis(now + UNDO_FOR))
        .bind(id.to_string())
        .bind(owner.issuer.as_str())
        .bind(owner.user.to_string())
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(deleted == 1)
    }

    async fn find_deleted(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<Option<Deleted>, Unavailable> {
        let row = sqlx::query_as::<_, DeletedRow>(
            "SELECT id, text, done, created_at, edited_at, undo_until FROM item
             WHERE id = ? AND issuer = ? AND user_id = ? AND undo_until > ?",
        )
        .bind(id.to_string())
        .bind(owner.issuer.as_str())
        .bind(owner.user.to_string())
        .bind(millis(now))
        .fetch_optional(self.database.readers())
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
        let mut tx = self.database.write().await?;
        let (id, issuer, user) = (
            id.to_string(),
            owner.issuer.as_str(),
            owner.user.to_string(),
        );
        // What comes too late is gone for good, whatever the clock does.
        sqlx::query(
            "DELETE FROM item WHERE id = ? AND issuer = ? AND user_id = ? AND undo_until <= ?",
        )
        .bind(&id)
        .bind(issuer)
        .bind(&user)
        .bind(millis(now))
        .execute(&mut *tx)
        .await?;
        let restored = sqlx::query(
            "UPDATE item
             SET restored_at = CASE WHEN undo_until IS NULL THEN restored_at ELSE ?4 END,
                 undo_until = NULL
             WHERE id = ?1 AND issuer = ?2 AND user_id = ?3",
        )
        .bind(&id)
        .bind(issuer)
        .bind(&user)
        .bind(millis(now))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(restored == 1)
    }

    async fn is_just_restored(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (
                 SELECT 1 FROM item
                 WHERE id = ?1 AND issuer = ?2 AND user_id = ?3 AND undo_until IS NULL
                       AND restored_at > ?4 AND restored_at <= ?5)",
        )
        .bind(id.to_string())
        .bind(owner.issuer.as_str())
        .bind(owner.user.to_string())
        .bind(millis(now - JUST_RESTORED_FOR))
        .bind(millis(now))
        .fetch_one(self.database.readers())
        .await?)
    }

    async fn take_abandoned(&self, now: OffsetDateTime) -> Result<Vec<Sealed>, Unavailable> {
        let mut tx = self.database.write().await?;
        let tokens: Vec<Vec<u8>> = sqlx::query_scalar(
            "DELETE FROM waiting
                 WHERE wait_until <= ?1 OR expires_at <= ?1
                    OR current IN (SELECT id FROM session WHERE expires_at <= ?1)
                 RETURNING access_token",
        )
        .bind(millis(now))
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(tokens.into_iter().map(Sealed).collect())
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.database.ping().await
    }

    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, Unavailable> {
        let now = millis(now);
        let mut tx = self.database.write().await?;
        let mut swept = 0;
        for statement in [
            "DELETE FROM started WHERE COALESCE(taken_until, expires_at) <= ?",
            // The cascade would take what waits for one, and nobody would revoke its token.
            "DELETE FROM session
             WHERE expires_at <= ? AND id NOT IN (SELECT current FROM waiting)",
            "DELETE FROM browser_session WHERE expires_at <= ?",
            "DELETE FROM item WHERE undo_until <= ?",
        ] {
            swept += sqlx::query(statement)
                .bind(now)
                .execute(&mut *tx)
                .await?
                .rows_affected();
        }
        tx.commit().await?;
        Ok(swept)
    }
}

fn unreachable(error: impl std::fmt::Display) -> Unreachable {
    Unreachable(error.to_string())
}

#[async_trait]
impl Records for Sqlite {
    async fn put(
        &self,
        id: [u8; 32],
        data: Vec<u8>,
        expires_at: OffsetDateTime,
    ) -> Result<(), Unreachable> {
        let mut tx = self.database.write().await.map_err(unreachable)?;
        sqlx::query(
            "INSERT INTO browser_session (id, data, expires_at) VALUES (?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at",
        )
        .bind(id.as_slice())
        .bind(data)
        .bind(millis(expires_at))
        .execute(&mut *tx)
        .await
        .map_err(unreachable)?;
        tx.commit().await.map_err(unreachable)
    }

    async fn get(&self, id: [u8; 32], now: OffsetDateTime) -> Result<Option<Vec<u8>>, Unreachable> {
        let found: Option<(Vec<u8>, i64)> =
            sqlx::query_as("SELECT data, expires_at FROM browser_session WHERE id = ?")
                .bind(id.as_slice())
                .fetch_optional(self.database.readers())
                .await
                .map_err(unreachable)?;
        let Some((data, expires_at)) = found else {
            return Ok(None);
        };
        if expires_at > millis(now) {
            return Ok(Some(data));
        }
        let mut tx = self.database.write().await.map_err(unreachable)?;
        sqlx::query("DELETE FROM browser_session WHERE id = ? AND expires_at <= ?")
            .bind(id.as_slice())
            .bind(millis(now))
            .execute(&mut *tx)
            .await
            .map_err(unreachable)?;
        tx.commit().await.map_err(unreachable)?;
        Ok(None)
    }

    async fn remove(&self, id: [u8; 32]) -> Result<(), Unreachable> {
        let mut tx = self.database.write().await.map_err(unreachable)?;
        sqlx::query("DELETE FROM browser_session WHERE id = ?")
            .bind(id.as_slice())
            .execute(&mut *tx)
            .await
            .map_err(unreachable)?;
        tx.commit().await.map_err(unreachable)
    }
}

#[cfg(test)]
mod tests {
    use handoff::token::Secret;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-21 03:00 UTC);
    const LATER: OffsetDateTime = datetime!(2026-11-21 04:00 UTC);

    fn session(id: u8) -> Session {
        Session {
            id: SessionId::mint([id; 16]),
            issuer: Origin::parse("http://auth.localhost:4000").unwrap(),
            user: UserInfo {
                id: UserId::mint([id; 16]),
                email: "somebody@harbor.example".to_owned(),
                name: "Somebody".to_owned(),
                email_verified: true,
            },
            access_token: Sealed(vec![id]),
            browser: PreSession::mint([1; 32]).digest(),
            spare: None,
            created_at: NOW,
            expires_at: LATER,
            checked_at: NOW,
        }
    }

    async fn run(store: &Sqlite, statement: &'static str) {
        let mut tx = store.database.write().await.unwrap();
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_read_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("notes.db")).await.unwrap();

        let (browser, state) = (PreSession::mint([1; 32]), State::mint([2; 32]));
        let new = NewHandoff {
            browser: browser.digest(),
            state: state.digest(),
            verifier: Sealed(vec![3]),
            target: LocalPath::root(),
            expires_at: LATER,
        };
        store.start_handoff(new.clone(), NOW).await.unwrap();
        let take = || store.take_started(browser.digest(), state.digest(), NOW);
        run(&store, "UPDATE started SET target = 'elsewhere'").await;
        assert!(take().await.is_err());
        run(&store, "UPDATE started SET target = '/'").await;
        assert!(take().await.unwrap().is_some());

        let handoff = HandoffKey {
            browser: browser.digest(),
            state: state.digest(),
        };
        let source = Source::Handoff {
            handoff,
            replacing: None,
        };
        let current = session(1);
        let begun = store.begin_session(current.clone(), source, NOW).await;
        assert!(matches!(begun.unwrap(), Beginning::Begun { .. }));
        store.start_handoff(new, NOW).await.unwrap();
        assert!(take().await.unwrap().is_some());
        let waiting = Waiting {
            session: session(2),
            target: LocalPath::root(),
            wait_until: LATER,
        };
        let kept = store.keep_waiting(current.id, waiting, handoff, NOW).await;
        assert!(matches!(kept.unwrap(), Kept::Waits { .. }));
        run(&store, "UPDATE waiting SET target = 'elsewhere'").await;
        assert!(store.take_waiting(current.id).await.is_err());
        run(&store, "UPDATE waiting SET target = '/'").await;
        assert!(store.take_waiting(current.id).await.unwrap().is_some());
        store.close().await;
    }
}
