//! The store on SQLite: static SQL, one transaction a verb.

use async_trait::async_trait;
use database::{CannotOpen, Database, Unavailable, from_millis, millis};
use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Icon, Kind, Registration},
    flow::FlowId,
    handoff::{ACCESS_LIFETIME, Handoff, Issued, Launch},
    ids::{ClientId, SessionId, SignInId, UserId},
    policy::Policy,
    rejection::Rejection,
    token::{AccessToken, Challenge, ClientSecret, Digest, HandoffToken, KnownBrowser},
    verify::{Proof, Standing, ages_for_good, decide},
    wire::{SessionInfo, UserInfo},
};
use sqlx::{FromRow, SqliteConnection, migrate::Migrator};
use time::{Duration, OffsetDateTime};
use web::session::{Records, Unreachable};

use super::{
    Account, Added, Began, ClientAdded, ClientSession, Consent, Issuance, Listed, NewHandoff,
    NewSignIn, NewUser, NoSession, Outcome, OwnClientSession, OwnSignIn, RECENT_FOR,
    RECENT_PER_PERSON, RecentHandoff, Redeemed, Redemption, Remembered, SecretSet, SignIn, Store,
    touched,
};
use crate::{
    people::Email,
    throttle::{Admission, Counter, Forgiven, KNOWN_FOR, KNOWN_PER_PERSON, MOST_COUNTERS},
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

    /// Opens a file that is there, to look into it and change nothing.
    ///
    /// # Errors
    /// [`CannotOpen`] with the file's name.
    pub async fn open_read_only(path: &std::path::Path) -> Result<Self, CannotOpen> {
        Ok(Self {
            database: Database::open_read_only(path).await?,
        })
    }

    /// Closes the file.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

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

#[derive(FromRow)]
struct ClientRow {
    id: String,
    name: String,
    description: String,
    icon: String,
    secret: Option<Vec<u8>>,
    sdk_compat: bool,
    origin: String,
    redirect_uris: String,
    initiate_login_uri: String,
    handoff_seconds: i64,
    assigned_to: String,
}

impl ClientRow {
    fn read(self) -> Result<Client, Unavailable> {
        let kind = match self.secret {
            Some(hash) => Kind::Confidential {
                secret: Digest::from_slice(&hash).map_err(Unavailable::unreadable)?,
            },
            None => Kind::Public {
                sdk_compat: self.sdk_compat,
            },
        };
        let uris: Vec<String> =
            serde_json::from_str(&self.redirect_uris).map_err(Unavailable::unreadable)?;
        Client::register(Registration {
            id: ClientId::parse(&self.id).map_err(Unavailable::unreadable)?,
            name: &self.name,
            description: &self.description,
            icon: Icon::parse(&self.icon).map_err(Unavailable::unreadable)?,
            kind,
            origin: &self.origin,
            redirect_uris: &uris.iter().map(String::as_str).collect::<Vec<_>>(),
            initiate_login_uri: &self.initiate_login_uri,
            handoff_lifetime: HandoffLifetime::from_seconds(self.handoff_seconds)
                .map_err(Unavailable::unreadable)?,
            assigned_to: serde_json::from_str(&self.assigned_to)
                .map_err(Unavailable::unreadable)?,
        })
        .map_err(Unavailable::unreadable)
    }
}

#[derive(FromRow)]
struct SignInRow {
    id: String,
    user_id: String,
    auth_time: i64,
    amr: String,
    expires_at: i64,
    idle_until: i64,
    ended_at: Option<i64>,
    previous_at: Option<i64>,
}

impl SignInRow {
    fn is_live(&self, now: i64) -> bool {
        self.ended_at.is_none() && self.expires_at > now && self.idle_until > now
    }
}

/// A sign-in with one of the clients' sessions that it gave, or with none.
#[derive(FromRow)]
struct OwnRow {
    id: String,
    browser: String,
    auth_time: i64,
    used_at: i64,
    session: Option<String>,
    client_name: Option<String>,
    created_at: Option<i64>,
}

impl OwnRow {
    fn session(&mut self) -> Result<Option<OwnClientSession>, Unavailable> {
        let (Some(id), Some(client_name), Some(created_at)) =
            (&self.session, self.client_name.take(), self.created_at)
        else {
            return Ok(None);
        };
        Ok(Some(OwnClientSession {
            id: SessionId::parse(id).map_err(Unavailable::unreadable)?,
            client_name,
            began: from_millis(created_at)?,
        }))
    }

    fn read(self) -> Result<OwnSignIn, Unavailable> {
        Ok(OwnSignIn {
            id: SignInId::parse(&self.id).map_err(Unavailable::unreadable)?,
            browser: self.browser,
            began: from_millis(self.auth_time)?,
            last_used: from_millis(self.used_at)?,
            sessions: Vec::new(),
        })
    }
}

#[derive(FromRow)]
struct HandoffRow {
    token: Vec<u8>,
    client: String,
    redirect_uri: String,
    state: Vec<u8>,
    challenge: Option<Vec<u8>>,
    sign_in: String,
    user_id: String,
    expires_at: i64,
    used_at: Option<i64>,
    session: Option<String>,
}

impl HandoffRow {
    fn read(self) -> Result<Handoff, Unavailable> {
        let issued = Issued {
            token: Digest::from_slice(&self.token).map_err(Unavailable::unreadable)?,
            client: ClientId::parse(&self.client).map_err(Unavailable::unreadable)?,
            redirect_uri: self.redirect_uri,
            state: Digest::from_slice(&self.state).map_err(Unavailable::unreadable)?,
            challenge: self
                .challenge
                .map(|bytes| Challenge::from_slice(&bytes))
                .transpose()
                .map_err(Unavailable::unreadable)?,
            sign_in: SignInId::parse(&self.sign_in).map_err(Unavailable::unreadable)?,
            user: UserId::parse(&self.user_id).map_err(Unavailable::unreadable)?,
            expires_at: from_millis(self.expires_at)?,
        };
        let Some(used_at) = self.used_at else {
            return Ok(Handoff::Issued(issued));
        };
        let at = from_millis(used_at)?;
        Ok(match self.session {
            Some(session) => {
                let session = SessionId::parse(&session).map_err(Unavailable::unreadable)?;
                issued.redeem(session, at)
            }
            None => issued.burn(at),
        })
    }
}

#[derive(FromRow)]
struct ClientSessionRow {
    id: String,
    client: String,
    user_id: String,
    created_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
    sign_in: String,
    user_disabled_at: Option<i64>,
    sign_in_ended_at: Option<i64>,
    sign_in_expires_at: i64,
    idle_until: i64,
}

#[derive(FromRow)]
struct RecentRow {
    client_name: String,
    icon: String,
    began_at: i64,
    outcome: String,
    waits_until: i64,
    flow: Option<String>,
}

impl RecentRow {
    fn read(self, now: OffsetDateTime) -> Result<RecentHandoff, Unavailable> {
        let outcome = match self.outcome.as_str() {
            "under_way" => Outcome::UnderWay,
            "opened" => Outcome::Opened,
            "refused" => Outcome::Refused,
            "too_late" => Outcome::TooLate,
            "used_twice" => Outcome::UsedTwice,
            "declined" => Outcome::Declined,
            "not_assigned" => Outcome::NotAssigned,
            other => return Err(Unavailable::unreadable(format!("the outcome {other}"))),
        };
        let flow = self.flow.as_deref().map(FlowId::parse).transpose();
        Ok(RecentHandoff {
            client_name: self.client_name,
            icon: Icon::parse(&self.icon).map_err(Unavailable::unreadable)?,
            began: from_millis(self.began_at)?,
            outcome: outcome.by(now, from_millis(self.waits_until)?),
            flow: flow.map_err(Unavailable::unreadable)?,
        })
    }
}

/// An outcome as it is stored. Nobody stores that nobody came.
const fn as_text(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::UnderWay | Outcome::NotAnswered => "under_way",
        Outcome::Opened => "opened",
        Outcome::Refused => "refused",
        Outcome::TooLate => "too_late",
        Outcome::UsedTwice => "used_twice",
        Outcome::Declined => "declined",
        Outcome::NotAssigned => "not_assigned",
    }
}

/// Remembers a handoff for the person whom it is about, and forgets the oldest of too many.
async fn remember(
    connection: &mut SqliteConnection,
    user: UserId,
    Remembered { client, flow }: Remembered<'_>,
    outcome: Outcome,
    now: OffsetDateTime,
    waits_until: OffsetDateTime,
) -> Result<i64, Unavailable> {
    let user = user.to_string();
    if outcome == Outcome::NotAssigned {
        // Any page can send a browser here for it, to one client after the other: the last will do, and
        // pushes out nothing else.
        sqlx::query("DELETE FROM recent_handoff WHERE user_id = ? AND outcome = ?")
            .bind(&user)
            .bind(as_text(outcome))
            .execute(&mut *connection)
            .await?;
    }
    let id = sqlx::query_scalar(
        "INSERT INTO recent_handoff (user_id, client, began_at, outcome, waits_until, keep_until,
                                     flow)
         VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(&user)
    .bind(client.as_str())
    .bind(millis(now))
    .bind(as_text(outcome))
    .bind(millis(waits_until))
    .bind(millis(now + RECENT_FOR))
    .bind(flow.to_string())
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM recent_handoff WHERE user_id = ?1 AND id NOT IN (
             SELECT id FROM recent_handoff WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2)",
    )
    .bind(&user)
    .bind(i64::try_from(RECENT_PER_PERSON).unwrap_or(i64::MAX))
    .execute(&mut *connection)
    .await?;
    Ok(id)
}

/// What came of a handoff that is remembered. An end stays: only that a token was used twice can
/// follow the session that it gave.
async fn conclude(
    connection: &mut SqliteConnection,
    token: Digest<HandoffToken>,
    outcome: Outcome,
) -> Result<(), Unavailable> {
    let before = match outcome {
        Outcome::UsedTwice => Outcome::Opened,
        _ => Outcome::UnderWay,
    };
    sqlx::query(
        "UPDATE recent_handoff SET outcome = ?
         WHERE id = (SELECT recent FROM handoff WHERE token = ?) AND outcome = ?",
    )
    .bind(as_text(outcome))
    .bind(token.as_bytes().as_slice())
    .bind(as_text(before))
    .execute(connection)
    .await?;
    Ok(())
}

async fn user(
    connection: &mut SqliteConnection,
    id: UserId,
) -> Result<Option<Account>, Unavailable> {
    sqlx::query_as::<_, UserRow>("SELECT * FROM user WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?
        .map(UserRow::read)
        .transpose()
}

async fn client(
    connection: &mut SqliteConnection,
    id: &ClientId,
) -> Result<Option<Client>, Unavailable> {
    sqlx::query_as::<_, ClientRow>("SELECT * FROM client WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?
        .map(ClientRow::read)
        .transpose()
}

async fn end_sign_in(
    connection: &mut SqliteConnection,
    id: SignInId,
    now: i64,
) -> Result<(), Unavailable> {
    let id = id.to_string();
    sqlx::query("UPDATE sign_in SET ended_at = ? WHERE id = ? AND ended_at IS NULL")
        .bind(now)
        .bind(&id)
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE client_session SET ended_at = ? WHERE sign_in = ? AND ended_at IS NULL")
        .bind(now)
        .bind(&id)
        .execute(&mut *connection)
        .await?;
    // Unused tickets and tokens need no mark of their own: both are refused once their sign-in has
    // ended. Marking them "used" would turn an honest late use into a replay.
    Ok(())
}

/// Ends a sign-in whose time is over, with all that hangs on it. Whoever sees that it is over ends it:
/// a clock that is put back must not bring it to life.
async fn end_if_over(
    connection: &mut SqliteConnection,
    id: &str,
    now: i64,
) -> Result<(), Unavailable> {
    let ended = sqlx::query(
        "UPDATE sign_in SET ended_at = ?1
         WHERE id = ?2 AND ended_at IS NULL AND (expires_at <= ?1 OR idle_until <= ?1)",
    )
    .bind(now)
    .bind(id)
    .execute(&mut *connection)
    .await?
    .rows_affected();
    if ended == 1 {
        sqlx::query(
            "UPDATE client_session SET ended_at = ? WHERE sign_in = ? AND ended_at IS NULL",
        )
        .bind(now)
        .bind(id)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Ends all sign-ins of a person with all that hangs on them, as [`end_sign_in`] does for one.
async fn end_all_of(
    connection: &mut SqliteConnection,
    user: &str,
    now: i64,
) -> Result<(), Unavailable> {
    for statement in [
        "UPDATE sign_in SET ended_at = ? WHERE user_id = ? AND ended_at IS NULL",
        "UPDATE client_session SET ended_at = ? WHERE user_id = ? AND ended_at IS NULL",
    ] {
        sqlx::query(statement)
            .bind(now)
            .bind(user)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// What is done about a client whose id is taken.
#[derive(Clone, Copy)]
enum IfTaken {
    Leave,
    Replace,
    ReplaceAllButAssignment,
}

/// No further attempt to sign in before `next`; nothing is known of the last one after `forget`.
async fn put_off(
    connection: &mut SqliteConnection,
    key: &[u8; 32],
    next: OffsetDateTime,
    forget: OffsetDateTime,
) -> Result<(), Unavailable> {
    sqlx::query("UPDATE attempt SET next_at = ?, forget_at = ? WHERE key = ?")
        .bind(millis(next))
        .bind(millis(forget))
        .bind(key.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

async fn write_client(
    connection: &mut SqliteConnection,
    client: &Client,
    if_taken: IfTaken,
) -> Result<u64, Unavailable> {
    let uris: Vec<_> = client
        .redirect_uris
        .iter()
        .map(|uri| uri.as_str())
        .collect();
    let (secret, sdk_compat) = match &client.kind {
        Kind::Confidential { secret } => (Some(secret.as_bytes().as_slice()), false),
        Kind::Public { sdk_compat } => (None, *sdk_compat),
    };
    let written = sqlx::query(
        "INSERT INTO client (id, name, description, secret, origin, redirect_uris,
                             initiate_login_uri, handoff_seconds, assigned_to, sdk_compat, icon)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?12, ?13)
         ON CONFLICT (id) DO UPDATE SET
             name = excluded.name, description = excluded.description, icon = excluded.icon,
             secret = excluded.secret, sdk_compat = excluded.sdk_compat, origin = excluded.origin,
             redirect_uris = excluded.redirect_uris,
             initiate_login_uri = excluded.initiate_login_uri,
             handoff_seconds = excluded.handoff_seconds,
             assigned_to = CASE WHEN ?11 THEN client.assigned_to
                                ELSE excluded.assigned_to END
         WHERE NOT ?10",
    )
    .bind(client.id.as_str())
    .bind(&client.name)
    .bind(&client.description)
    .bind(secret)
    .bind(client.origin.as_str())
    .bind(serde_json::to_string(&uris).map_err(Unavailable::unreadable)?)
    .bind(client.initiate_login_uri.as_str())
    .bind(i64::from(client.handoff_lifetime.as_seconds()))
    .bind(serde_json::to_string(&client.assigned_to).map_err(Unavailable::unreadable)?)
    .bind(matches!(if_taken, IfTaken::Leave))
    .bind(matches!(if_taken, IfTaken::ReplaceAllButAssignment))
    .bind(sdk_compat)
    .bind(client.icon.as_str())
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}

#[async_trait]
impl Store for Sqlite {
    async fn add_user(&self, new: NewUser, now: OffsetDateTime) -> Result<Added, Unavailable> {
        let mut tx = self.database.write().await?;
        let added = sqlx::query(
            "INSERT INTO user (id, email, name, email_verified, password_hash, created_at)
             VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT (email) DO NOTHING",
        )
        .bind(new.id.to_string())
        .bind(new.email.as_str())
        .bind(new.name)
        .bind(new.password_hash)
        .bind(millis(now))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(if added == 1 {
            Added::New
        } else {
            Added::EmailTaken
        })
    }

    async fn find_account(&self, email: &Email) -> Result<Option<Account>, Unavailable> {
        sqlx::query_as::<_, UserRow>("SELECT * FROM user WHERE email = ?")
            .bind(email.as_str())
            .fetch_optional(self.database.readers())
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
        let mut tx = self.database.write().await?;
        sqlx::query("UPDATE user SET password_hash = ? WHERE id = ? AND password_hash = ?")
            .bind(new)
            .bind(user.to_string())
            .bind(old)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn list_users(&self) -> Result<Vec<Listed>, Unavailable> {
        let rows = sqlx::query_as::<_, UserRow>("SELECT * FROM user ORDER BY email")
            .fetch_all(self.database.readers())
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
        let user = user.to_string();
        let mut tx = self.database.write().await?;
        let known = sqlx::query("UPDATE user SET password_hash = ? WHERE id = ?")
            .bind(password_hash)
            .bind(&user)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        end_all_of(&mut tx, &user, millis(now)).await?;
        tx.commit().await?;
        Ok(known == 1)
    }

    async fn disable_user(&self, user: UserId, now: OffsetDateTime) -> Result<bool, Unavailable> {
        let (user, now) = (user.to_string(), millis(now));
        let mut tx = self.database.write().await?;
        let known =
            sqlx::query("UPDATE user SET disabled_at = coalesce(disabled_at, ?) WHERE id = ?")
                .bind(now)
                .bind(&user)
                .execute(&mut *tx)
                .await?
                .rows_affected();
        end_all_of(&mut tx, &user, now).await?;
        tx.commit().await?;
        Ok(known == 1)
    }

    async fn put_client(&self, client: &Client) -> Result<(), Unavailable> {
        let mut tx = self.database.write().await?;
        write_client(&mut tx, client, IfTaken::Replace).await?;
        Ok(tx.commit().await?)
    }

    async fn install_client(&self, client: &Client) -> Result<(), Unavailable> {
        let mut tx = self.database.write().await?;
        write_client(&mut tx, client, IfTaken::ReplaceAllButAssignment).await?;
        Ok(tx.commit().await?)
    }

    async fn add_client(&self, client: &Client) -> Result<ClientAdded, Unavailable> {
        let mut tx = self.database.write().await?;
        let written = write_client(&mut tx, client, IfTaken::Leave).await?;
        tx.commit().await?;
        Ok(match written {
            1 => ClientAdded::New,
            _ => ClientAdded::IdTaken,
        })
    }

    async fn list_clients(&self) -> Result<Vec<Client>, Unavailable> {
        let rows = sqlx::query_as::<_, ClientRow>("SELECT * FROM client ORDER BY id")
            .fetch_all(self.database.readers())
            .await?;
        rows.into_iter().map(ClientRow::read).collect()
    }

    async fn set_client_secret(
        &self,
        id: &ClientId,
        secret: Digest<ClientSecret>,
    ) -> Result<SecretSet, Unavailable> {
        let mut tx = self.database.write().await?;
        let set = sqlx::query("UPDATE client SET secret = ? WHERE id = ? AND secret IS NOT NULL")
            .bind(secret.as_bytes().as_slice())
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?
            .rows_affected();
        let outcome = match client(&mut tx, id).await? {
            Some(_) if set == 1 => SecretSet::Done,
            Some(_) => SecretSet::Public,
            None => SecretSet::Unknown,
        };
        tx.commit().await?;
        Ok(outcome)
    }

    async fn assign_client(
        &self,
        id: &ClientId,
        assigned_to: &AssignedTo,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut tx = self.database.write().await?;
        let known = sqlx::query("UPDATE client SET assigned_to = ? WHERE id = ?")
            .bind(serde_json::to_string(assigned_to).map_err(Unavailable::unreadable)?)
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?
            .rows_affected();
        let here: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT user_id FROM client_session WHERE client = ? AND ended_at IS NULL",
        )
        .bind(id.as_str())
        .fetch_all(&mut *tx)
        .await?;
        for user in here {
            if assigned_to.includes(UserId::parse(&user).map_err(Unavailable::unreadable)?) {
                continue;
            }
            sqlx::query(
                "UPDATE client_session SET ended_at = ?
                 WHERE client = ? AND user_id = ? AND ended_at IS NULL",
            )
            .bind(millis(now))
            .bind(id.as_str())
            .bind(user)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(known == 1)
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, Unavailable> {
        client(&mut *self.database.readers().acquire().await?, id).await
    }

    async fn is_public_origin(&self, origin: &str) -> Result<bool, Unavailable> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM client WHERE origin = ? AND secret IS NULL)",
        )
        .bind(origin)
        .fetch_one(self.database.readers())
        .await?)
    }

    async fn clients_of(&self, user: UserId) -> Result<Vec<Client>, Unavailable> {
        let rows = sqlx::query_as::<_, ClientRow>("SELECT * FROM client ORDER BY name, id")
            .fetch_all(self.database.readers())
            .await?;
        let mut clients = rows
            .into_iter()
            .map(ClientRow::read)
            .collect::<Result<Vec<_>, _>>()?;
        clients.retain(|client| client.assigned_to.includes(user));
        Ok(clients)
    }

    async fn begin_sign_in(
        &self,
        new: NewSignIn,
        replacing: Option<SignInId>,
    ) -> Result<Began, Unavailable> {
        let mut tx = self.database.write().await?;
        let begun = sqlx::query(
            "INSERT INTO sign_in (id, user_id, auth_time, amr, signed_in_for, expires_at,
                                  idle_until, used_at, browser, previous_at)
             SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?3, ?9, signed_in_at FROM user
             WHERE id = ?2 AND disabled_at IS NULL
               AND password_hash = coalesce(?8, password_hash)",
        )
        .bind(new.id.to_string())
        .bind(new.user.to_string())
        .bind(millis(new.at))
        .bind(serde_json::to_string(&new.amr).map_err(Unavailable::unreadable)?)
        .bind(new.signed_in_for.map(|request| request.to_vec()))
        .bind(millis(new.expires_at))
        .bind(millis(new.idle_until))
        .bind(new.compared_with)
        .bind(new.browser)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if begun == 0 {
            return Ok(Began::Refused);
        }
        sqlx::query("UPDATE user SET signed_in_at = ? WHERE id = ?")
            .bind(millis(new.at))
            .bind(new.user.to_string())
            .execute(&mut *tx)
            .await?;
        if let Some(old) = replacing {
            end_sign_in(&mut tx, old, millis(new.at)).await?;
        }
        tx.commit().await?;
        Ok(Began::Yes)
    }

    async fn touch_sign_in(
        &self,
        id: SignInId,
        now: OffsetDateTime,
        idle: Duration,
    ) -> Result<Option<SignIn>, Unavailable> {
        let row = sqlx::query_as::<_, SignInRow>(
            "SELECT * FROM sign_in WHERE id = ? AND ended_at IS NULL",
        )
        .bind(id.to_string())
        .fetch_optional(self.database.readers())
        .await?;
        let Some(row) = row else { return Ok(None) };
        if !row.is_live(millis(now)) {
            let mut tx = self.database.write().await?;
            end_if_over(&mut tx, &row.id, millis(now)).await?;
            tx.commit().await?;
            return Ok(None);
        }
        let user_id = UserId::parse(&row.user_id).map_err(Unavailable::unreadable)?;
        let account = user(&mut *self.database.readers().acquire().await?, user_id).await?;
        let Some(account) = account.filter(|account| account.is_active) else {
            return Ok(None);
        };
        if let Some(until) = touched(from_millis(row.idle_until)?, now, idle) {
            let mut tx = self.database.write().await?;
            // The condition again: it may have ended since it was read.
            let still = sqlx::query(
                "UPDATE sign_in SET idle_until = ?1, used_at = ?3
                 WHERE id = ?2 AND ended_at IS NULL AND expires_at > ?3 AND idle_until > ?3",
            )
            .bind(millis(until))
            .bind(&row.id)
            .bind(millis(now))
            .execute(&mut *tx)
            .await?
            .rows_affected();
            tx.commit().await?;
            if still == 0 {
                return Ok(None);
            }
        }
        Ok(Some(SignIn {
            id,
            user: account.user,
            auth_time: from_millis(row.auth_time)?,
            expires_at: from_millis(row.expires_at)?,
            previous: row.previous_at.map(from_millis).transpose()?,
        }))
    }

    async fn count_sign_ins(&self, now: OffsetDateTime) -> Result<u64, Unavailable> {
        let counted: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM sign_in
             WHERE ended_at IS NULL AND expires_at > ?1 AND idle_until > ?1",
        )
        .bind(millis(now))
        .fetch_one(self.database.readers())
        .await?;
        Ok(counted.unsigned_abs())
    }

    async fn end_sign_in(&self, id: SignInId, now: OffsetDateTime) -> Result<(), Unavailable> {
        let mut tx = self.database.write().await?;
        end_sign_in(&mut tx, id, millis(now)).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn list_sign_ins(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Vec<OwnSignIn>, Unavailable> {
        let rows = sqlx::query_as::<_, OwnRow>(
            "SELECT s.id, s.browser, s.auth_time, s.used_at,
                    c.id AS session, k.name AS client_name, c.created_at
             FROM sign_in s JOIN user u ON u.id = s.user_id
             LEFT JOIN client_session c
                    ON c.sign_in = s.id AND c.ended_at IS NULL AND c.expires_at > ?2
             LEFT JOIN client k ON k.id = c.client
             WHERE s.user_id = ?1 AND u.disabled_at IS NULL AND s.ended_at IS NULL
               AND s.expires_at > ?2 AND s.idle_until > ?2
             ORDER BY s.used_at DESC, s.id, c.created_at, c.id",
        )
        .bind(user.to_string())
        .bind(millis(now))
        .fetch_all(self.database.readers())
        .await?;
        let mut found: Vec<OwnSignIn> = Vec::new();
        for mut row in rows {
            let session = row.session()?;
            let sign_in = row.read()?;
            if found.last().is_none_or(|last| last.id != sign_in.id) {
                found.push(sign_in);
            }
            if let Some(last) = found.last_mut() {
                last.sessions.extend(session);
            }
        }
        Ok(found)
    }

    async fn end_own_sign_in(
        &self,
        user: UserId,
        id: SignInId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut tx = self.database.write().await?;
        let ended = sqlx::query(
            "UPDATE sign_in SET ended_at = ?1
             WHERE id = ?2 AND user_id = ?3 AND ended_at IS NULL
               AND expires_at > ?1 AND idle_until > ?1",
        )
        .bind(millis(now))
        .bind(id.to_string())
        .bind(user.to_string())
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if ended == 0 {
            return Ok(false);
        }
        end_sign_in(&mut tx, id, millis(now)).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn end_own_client_session(
        &self,
        user: UserId,
        id: SessionId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut tx = self.database.write().await?;
        let ended = sqlx::query(
            "UPDATE client_session SET ended_at = ?1
             WHERE id = ?2 AND user_id = ?3 AND ended_at IS NULL AND expires_at > ?1",
        )
        .bind(millis(now))
        .bind(id.to_string())
        .bind(user.to_string())
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(ended == 1)
    }

    async fn issue_launch(&self, launch: Launch) -> Result<(), Unavailable> {
        let mut tx = self.database.write().await?;
        sqlx::query("INSERT INTO launch (ticket, sign_in, client, expires_at) VALUES (?, ?, ?, ?)")
            .bind(launch.ticket.as_bytes().as_slice())
            .bind(launch.sign_in.to_string())
            .bind(launch.client.as_str())
            .bind(millis(launch.expires_at))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn issue_handoff(
        &self,
        new: NewHandoff,
        now: OffsetDateTime,
    ) -> Result<Issuance, Unavailable> {
        let mut tx = self.database.write().await?;
        let sign_in = new.sign_in.to_string();
        let now_millis = millis(now);
        let user_id: Option<String> = sqlx::query_scalar(
            "UPDATE sign_in SET idle_until = idle_until
             WHERE id = ?1 AND ended_at IS NULL AND expires_at > ?2 AND idle_until > ?2
             RETURNING user_id",
        )
        .bind(&sign_in)
        .bind(now_millis)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(user_id) = user_id else {
            end_if_over(&mut tx, &sign_in, now_millis).await?;
            tx.commit().await?;
            return Ok(Issuance::SignedOut);
        };
        let user_id = UserId::parse(&user_id).map_err(Unavailable::unreadable)?;
        if !user(&mut tx, user_id)
            .await?
            .is_some_and(|account| account.is_active)
        {
            return Ok(Issuance::SignedOut);
        }
        let client = client(&mut tx, &new.request.client).await?;
        let Some(client) = client else {
            return Ok(Issuance::NotAssigned);
        };
        if !client.assigned_to.includes(user_id) {
            let attempt = Remembered {
                client: &client.id,
                flow: FlowId::of(&new.request.state),
            };
            remember(&mut tx, user_id, attempt, Outcome::NotAssigned, now, now).await?;
            tx.commit().await?;
            return Ok(Issuance::NotAssigned);
        }
        if let Consent::Silent { launch, request } = &new.consent {
            let mut wanted = false;
            if let Some(ticket) = launch {
                // Used up also when it is too late: it stays so, whatever the clock does.
                let expires_at: Option<i64> = sqlx::query_scalar(
                    "UPDATE launch SET used_at = ?1
                     WHERE ticket = ?2 AND sign_in = ?3 AND client = ?4 AND used_at IS NULL
                     RETURNING expires_at",
                )
                .bind(now_millis)
                .bind(ticket.as_bytes().as_slice())
                .bind(&sign_in)
                .bind(new.request.client.as_str())
                .fetch_optional(&mut *tx)
                .await?;
                wanted = expires_at.is_some_and(|expires_at| expires_at > now_millis);
            }
            if !wanted {
                wanted = sqlx::query(
                    "UPDATE sign_in SET signed_in_for = NULL WHERE id = ? AND signed_in_for = ?",
                )
                .bind(&sign_in)
                .bind(request.as_slice())
                .execute(&mut *tx)
                .await?
                .rows_affected()
                    == 1;
            }
            if !wanted {
                tx.commit().await?;
                return Ok(Issuance::MustAsk);
            }
        }
        let issued = new.request.issue(new.token, new.sign_in, user_id, now);
        let until = issued.expires_at;
        let outcome = Outcome::UnderWay;
        let attempt = Remembered {
            client: &issued.client,
            flow: FlowId::of(&issued.state),
        };
        let recent = remember(&mut tx, user_id, attempt, outcome, now, until).await?;
        sqlx::query(
            "INSERT INTO handoff (token, client, redirect_uri, state, challenge, sign_in, user_id,
                                  expires_at, keep_until, recent)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)",
        )
        .bind(issued.token.as_bytes().as_slice())
        .bind(issued.client.as_str())
        .bind(&issued.redirect_uri)
        .bind(issued.state.as_bytes().as_slice())
        .bind(
            issued
                .challenge
                .as_ref()
                .map(|challenge| challenge.as_bytes().as_slice()),
        )
        .bind(&sign_in)
        .bind(user_id.to_string())
        .bind(millis(issued.expires_at))
        .bind(recent)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Issuance::Issued)
    }

    async fn decline_handoff(
        &self,
        user: UserId,
        attempt: Remembered<'_>,
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let mut tx = self.database.write().await?;
        remember(&mut tx, user, attempt, Outcome::Declined, now, now).await?;
        Ok(tx.commit().await?)
    }

    async fn recent_handoffs(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Vec<RecentHandoff>, Unavailable> {
        let rows = sqlx::query_as::<_, RecentRow>(
            "SELECT c.name AS client_name, c.icon, r.began_at, r.outcome, r.waits_until, r.flow
             FROM recent_handoff r JOIN client c ON c.id = r.client
             WHERE r.user_id = ? AND r.keep_until > ? ORDER BY r.id DESC",
        )
        .bind(user.to_string())
        .bind(millis(now))
        .fetch_all(self.database.readers())
        .await?;
        rows.into_iter().map(|row| row.read(now)).collect()
    }

    async fn redeem_handoff(
        &self,
        redemption: Redemption,
        now: OffsetDateTime,
        policy: &Policy,
    ) -> Result<Result<Redeemed, Rejection>, Unavailable> {
        let presented = &redemption.presented;
        let now_millis = millis(now);
        let token = presented.token.digest();
        let mut tx = self.database.write().await?;
        let challenge = presented.verifier.as_ref().map(Challenge::met_by);
        // `claim` of the protocol as a condition; a property test holds the two against each other.
        // A client that has shown a credential claims by token and owner (?7); one that has shown
        // its origin alone must have every binding right, or any stranger could spoil its handoffs.
        // `IS` and not `=`: no verifier meets no challenge.
        let claimed = sqlx::query_as::<_, HandoffRow>(
            "UPDATE handoff SET used_at = ?1
             WHERE token = ?2 AND (client = ?3 OR NOT ?4) AND (used_at IS NULL OR NOT ?5)
               AND (expires_at > ?1 OR NOT ?6)
               AND (?7 OR (state = ?8 OR NOT ?9)
                          AND (redirect_uri = ?10 OR ?10 IS NULL AND challenge IS NULL
                               OR NOT ?11)
                          AND (challenge IS ?12 OR NOT ?13))
             RETURNING token, client, redirect_uri, state, challenge, sign_in, user_id,
                       expires_at, NULL AS used_at, session",
        )
        .bind(now_millis)
        .bind(token.as_bytes().as_slice())
        .bind(presented.client.as_str())
        .bind(policy.client_binding())
        .bind(policy.one_time())
        .bind(policy.lifetime())
        .bind(presented.proof == Proof::Credential)
        .bind(presented.state.digest().as_bytes().as_slice())
        .bind(policy.state_binding())
        .bind(presented.redirect_uri.as_deref())
        .bind(policy.redirect_uri_binding())
        .bind(
            challenge
                .as_ref()
                .map(|challenge| challenge.as_bytes().as_slice()),
        )
        .bind(policy.verifier_binding())
        .fetch_optional(&mut *tx)
        .await?;
        let was_claimed = claimed.is_some();
        let row = match claimed {
            Some(row) => Some(row),
            // Only to tell a replay from the rest: nothing can be accepted from here on.
            None => {
                sqlx::query_as::<_, HandoffRow>(
                    "SELECT token, client, redirect_uri, state, challenge, sign_in, user_id,
                            expires_at, used_at, session FROM handoff WHERE token = ?",
                )
                .bind(token.as_bytes().as_slice())
                .fetch_optional(&mut *tx)
                .await?
            }
        };
        let Some(row) = row else {
            return Ok(Err(Rejection::Unknown));
        };
        let stored = row.read()?;
        let issued = stored.issued();

        // Writing to the sign-in's row is what makes a sign-out wait for this verb, or this verb
        // for the sign-out: SQLite has one writer, PostgreSQL will lock the row. Whoever claimed
        // nothing makes nothing that a sign-out could miss, and only reads it. Whether it is alive
        // stands in no `WHERE`: what follows from that is the policy's to say.
        let sign_in = sqlx::query_as::<_, SignInRow>(if was_claimed {
            "UPDATE sign_in SET idle_until = idle_until WHERE id = ? RETURNING *"
        } else {
            "SELECT * FROM sign_in WHERE id = ?"
        })
        .bind(issued.sign_in.to_string())
        .fetch_optional(&mut *tx)
        .await?;
        let account = user(&mut tx, issued.user).await?;
        let client = client(&mut tx, &issued.client).await?;
        let standing = Standing {
            sign_in_is_live: sign_in.as_ref().is_some_and(|row| row.is_live(now_millis)),
            user_is_active: account.as_ref().is_some_and(|account| account.is_active),
            user_is_assigned: client.is_some_and(|client| client.assigned_to.includes(issued.user)),
        };
        if let Err(rejection) = decide(&stored, standing, presented, now, policy) {
            if let (Rejection::Replayed, Handoff::Redeemed { session, .. }) = (rejection, &stored) {
                sqlx::query(
                    "UPDATE client_session SET ended_at = ? WHERE id = ? AND ended_at IS NULL",
                )
                .bind(now_millis)
                .bind(session.to_string())
                .execute(&mut *tx)
                .await?;
            }
            let ages = ages_for_good(&stored, presented, rejection, policy);
            if was_claimed || ages || rejection == Rejection::Replayed {
                conclude(&mut tx, token, Outcome::of(rejection)).await?;
            }
            if ages {
                sqlx::query("UPDATE handoff SET used_at = ? WHERE token = ? AND used_at IS NULL")
                    .bind(now_millis)
                    .bind(token.as_bytes().as_slice())
                    .execute(&mut *tx)
                    .await?;
            }
            if let Some(sign_in) = sign_in.filter(|row| !row.is_live(now_millis)) {
                end_if_over(&mut tx, &sign_in.id, now_millis).await?;
            }
            // A refusal commits as well: the token stays used up.
            tx.commit().await?;
            return Ok(Err(rejection));
        }
        let (true, Some(sign_in), Some(account)) = (was_claimed, sign_in, account) else {
            // The rule accepts what the condition did not let us claim: one of the two is wrong.
            return Err(Unavailable::unreadable("a handoff that cannot be claimed"));
        };
        let expires_at = (now + ACCESS_LIFETIME).min(from_millis(sign_in.expires_at)?);
        let session = SessionInfo {
            id: redemption.session,
            user_id: issued.user,
            created_at: now,
            expires_at,
        };
        sqlx::query(
            "INSERT INTO client_session (id, access_token, client, sign_in, user_id, created_at,
                                         expires_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(session.id.to_string())
        .bind(redemption.access_token.as_bytes().as_slice())
        .bind(presented.client.as_str())
        .bind(&sign_in.id)
        .bind(issued.user.to_string())
        .bind(now_millis)
        .bind(millis(expires_at))
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE handoff SET session = ?, keep_until = ? WHERE token = ?")
            .bind(session.id.to_string())
            .bind(millis(expires_at))
            .bind(token.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?;
        conclude(&mut tx, token, Outcome::Opened).await?;
        let redeemed = Redeemed {
            session,
            user: account.user,
            auth_time: from_millis(sign_in.auth_time)?,
            amr: serde_json::from_str(&sign_in.amr).map_err(Unavailable::unreadable)?,
        };
        tx.commit().await?;
        Ok(Ok(redeemed))
    }

    async fn find_client_session(
        &self,
        token: Digest<AccessToken>,
        now: OffsetDateTime,
        idle: Duration,
    ) -> Result<Result<ClientSession, NoSession>, Unavailable> {
        let row = sqlx::query_as::<_, ClientSessionRow>(
            "SELECT c.id, c.client, c.user_id, c.created_at, c.expires_at, c.ended_at, c.sign_in,
                    s.ended_at AS sign_in_ended_at, s.expires_at AS sign_in_expires_at,
                    s.idle_until, u.disabled_at AS user_disabled_at
             FROM client_session c
             JOIN sign_in s ON s.id = c.sign_in JOIN user u ON u.id = c.user_id
             WHERE c.access_token = ?",
        )
        .bind(token.as_bytes().as_slice())
        .fetch_optional(self.database.readers())
        .await?;
        let Some(row) = row else {
            return Ok(Err(NoSession::Unknown));
        };
        if row.user_disabled_at.is_some() {
            return Ok(Err(NoSession::UserGone));
        }
        let now_millis = millis(now);
        let has_ended = row.ended_at.is_some() || row.sign_in_ended_at.is_some();
        let is_over = [row.expires_at, row.sign_in_expires_at, row.idle_until]
            .iter()
            .any(|&end| end <= now_millis);
        if is_over && !has_ended {
            let mut tx = self.database.write().await?;
            sqlx::query(
                "UPDATE client_session SET ended_at = ?1
                 WHERE id = ?2 AND ended_at IS NULL AND expires_at <= ?1",
            )
            .bind(now_millis)
            .bind(&row.id)
            .execute(&mut *tx)
            .await?;
            end_if_over(&mut tx, &row.sign_in, now_millis).await?;
            tx.commit().await?;
        }
        if is_over {
            return Ok(Err(NoSession::Expired));
        }
        if has_ended {
            return Ok(Err(NoSession::Unknown));
        }
        let sign_in = SignInId::parse(&row.sign_in).map_err(Unavailable::unreadable)?;
        let Some(SignIn { user, .. }) = self.touch_sign_in(sign_in, now, idle).await? else {
            let user_id = UserId::parse(&row.user_id).map_err(Unavailable::unreadable)?;
            let account = user(&mut *self.database.readers().acquire().await?, user_id).await?;
            return Ok(Err(match account {
                Some(account) if account.is_active => NoSession::Unknown,
                _ => NoSession::UserGone,
            }));
        };
        Ok(Ok(ClientSession {
            client: ClientId::parse(&row.client).map_err(Unavailable::unreadable)?,
            session: SessionInfo {
                id: SessionId::parse(&row.id).map_err(Unavailable::unreadable)?,
                user_id: user.id,
                created_at: from_millis(row.created_at)?,
                expires_at: from_millis(row.expires_at)?,
            },
            user,
        }))
    }

    async fn end_client_session(
        &self,
        token: Digest<AccessToken>,
        client: &ClientId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut tx = self.database.write().await?;
        let expires_at: Option<i64> = sqlx::query_scalar(
            "UPDATE client_session SET ended_at = ?1
             WHERE access_token = ?2 AND client = ?3 AND ended_at IS NULL
             RETURNING expires_at",
        )
        .bind(millis(now))
        .bind(token.as_bytes().as_slice())
        .bind(client.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(expires_at.is_some_and(|expires_at| expires_at > millis(now)))
    }

    async fn admit_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<Admission, Unavailable> {
        let now_millis = millis(now);
        let mut tx = self.database.write().await?;
        let mut waits_until = None;
        for Counter { key, rule } in counters {
            // A wait that is longer than any was made by a clock that has gone back since.
            let counted: Option<i64> = sqlx::query_scalar(
                "INSERT INTO attempt (key, points, next_at, forget_at) VALUES (?1, 1, ?2, ?2)
                 ON CONFLICT (key) DO UPDATE
                     SET points = CASE WHEN forget_at <= ?2 THEN 1 ELSE points + 1 END
                     WHERE next_at <= ?2 OR next_at > ?3
                 RETURNING points",
            )
            .bind(key.as_slice())
            .bind(now_millis)
            .bind(millis(now + rule.longest))
            .fetch_optional(&mut *tx)
            .await?;
            if let Some(points) = counted {
                let (next, forget) = rule.after(u32::try_from(points).unwrap_or(u32::MAX), now);
                put_off(&mut tx, key, next, forget).await?;
            } else {
                let next: i64 = sqlx::query_scalar("SELECT next_at FROM attempt WHERE key = ?")
                    .bind(key.as_slice())
                    .fetch_one(&mut *tx)
                    .await?;
                waits_until = waits_until.max(Some(next));
            }
        }
        if let Some(until) = waits_until {
            // What the other counters counted is undone: it was no attempt.
            tx.rollback().await?;
            let until = from_millis(until)?;
            return Ok(Admission::Wait { until });
        }
        tx.commit().await?;
        Ok(Admission::Admitted)
    }

    async fn fail_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let mut tx = self.database.write().await?;
        for Counter { key, rule } in counters {
            // The row is gone when a right password has taken all back meanwhile.
            let points: i64 = sqlx::query_scalar(
                "INSERT INTO attempt (key, points, next_at, forget_at) VALUES (?1, ?3, ?2, ?2)
                 ON CONFLICT (key) DO UPDATE SET points = points + ?3
                 RETURNING points",
            )
            .bind(key.as_slice())
            .bind(millis(now))
            .bind(rule.wrong - 1)
            .fetch_one(&mut *tx)
            .await?;
            let (next, forget) = rule.after(u32::try_from(points).unwrap_or(u32::MAX), now);
            put_off(&mut tx, key, next, forget).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn forgive_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let mut tx = self.database.write().await?;
        for Counter { key, rule } in counters {
            // What follows the one that is taken back need not wait for it either.
            let statements: &[&str] = match rule.forgiven {
                Forgiven::Everything => &["DELETE FROM attempt WHERE key = ?1"],
                Forgiven::Itself => &[
                    "UPDATE attempt SET points = points - 1, next_at = ?2 WHERE key = ?1",
                    "DELETE FROM attempt WHERE key = ?1 AND points <= 0",
                ],
            };
            for statement in statements {
                sqlx::query(*statement)
                    .bind(key.as_slice())
                    .bind(millis(now))
                    .execute(&mut *tx)
                    .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    async fn knows_browser(
        &self,
        browser: Digest<KnownBrowser>,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM known_browser
                            WHERE browser = ? AND user_id = ? AND expires_at > ?)",
        )
        .bind(browser.as_bytes().as_slice())
        .bind(user.to_string())
        .bind(millis(now))
        .fetch_one(self.database.readers())
        .await?)
    }

    async fn remember_browser(
        &self,
        browser: Digest<KnownBrowser>,
        replacing: Option<Digest<KnownBrowser>>,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let user = user.to_string();
        let mut tx = self.database.write().await?;
        if let Some(old) = replacing {
            sqlx::query("UPDATE known_browser SET browser = ? WHERE browser = ?")
                .bind(browser.as_bytes().as_slice())
                .bind(old.as_bytes().as_slice())
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query(
            "INSERT INTO known_browser (browser, user_id, signed_in_at, expires_at)
             VALUES (?, ?, ?, ?)
             ON CONFLICT (browser, user_id) DO UPDATE
                 SET signed_in_at = excluded.signed_in_at, expires_at = excluded.expires_at",
        )
        .bind(browser.as_bytes().as_slice())
        .bind(&user)
        .bind(millis(now))
        .bind(millis(now + KNOWN_FOR))
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM known_browser WHERE user_id = ?1 AND rowid NOT IN (
                 SELECT rowid FROM known_browser WHERE user_id = ?1
                 ORDER BY signed_in_at DESC, rowid DESC LIMIT ?2)",
        )
        .bind(&user)
        .bind(i64::try_from(KNOWN_PER_PERSON).unwrap_or(i64::MAX))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.database.ping().await
    }

    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, Unavailable> {
        let now = millis(now);
        let mut tx = self.database.write().await?;
        let mut swept = 0;
        for statement in [
            // What hangs on a sign-in never outlives it. The foreign keys would see to that without
            // counting. A session needs no such condition: it never expires after its sign-in.
            "DELETE FROM launch WHERE expires_at <= ?1
                 OR sign_in IN (SELECT id FROM sign_in WHERE expires_at <= ?1)",
            "DELETE FROM handoff WHERE keep_until <= ?1
                 OR sign_in IN (SELECT id FROM sign_in WHERE expires_at <= ?1)",
            "DELETE FROM client_session WHERE expires_at <= ?1",
            "DELETE FROM browser_session WHERE expires_at <= ?1",
            "DELETE FROM sign_in WHERE expires_at <= ?1",
            "DELETE FROM attempt WHERE forget_at <= ?1",
            "DELETE FROM known_browser WHERE expires_at <= ?1",
            "DELETE FROM recent_handoff WHERE keep_until <= ?1",
        ] {
            swept += sqlx::query(statement)
                .bind(now)
                .execute(&mut *tx)
                .await?
                .rows_affected();
        }
        swept += sqlx::query(
            "DELETE FROM attempt WHERE rowid IN (
                 SELECT rowid FROM attempt ORDER BY forget_at DESC LIMIT -1 OFFSET ?)",
        )
        .bind(i64::try_from(MOST_COUNTERS).unwrap_or(i64::MAX))
        .execute(&mut *tx)
        .await?
        .rows_affected();
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
