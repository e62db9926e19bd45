//! A handoff as it is stored, with what must still be true of it when it is redeemed.

use database::{Connection, Statement, Unavailable, from_millis};
use handoff::{
    client::AssignedTo,
    handoff::{Handoff, Issued},
    ids::{ClientId, SessionId, SignInId, UserId},
    token::{Challenge, Digest, HandoffToken},
    verify::Standing,
};
use sqlx::FromRow;

use super::json;

#[derive(FromRow)]
pub(super) struct HandoffRow {
    pub(super) token: Vec<u8>,
    client: String,
    redirect_uri: String,
    state: Vec<u8>,
    challenge: Option<Vec<u8>>,
    pub(super) sign_in: String,
    user_id: String,
    expires_at: i64,
    used_at: Option<i64>,
    pub(super) session: Option<String>,
}

impl HandoffRow {
    pub(super) fn read(&self) -> Result<Handoff, Unavailable> {
        let issued = Issued {
            token: Digest::from_slice(&self.token).map_err(Unavailable::unreadable)?,
            client: ClientId::parse(&self.client).map_err(Unavailable::unreadable)?,
            redirect_uri: self.redirect_uri.clone(),
            state: Digest::from_slice(&self.state).map_err(Unavailable::unreadable)?,
            challenge: self
                .challenge
                .as_deref()
                .map(Challenge::from_slice)
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
        Ok(match &self.session {
            Some(session) => {
                let session = SessionId::parse(session).map_err(Unavailable::unreadable)?;
                issued.redeem(session, at)
            }
            None => issued.burn(at),
        })
    }
}

#[derive(FromRow)]
pub(super) struct StoredRow {
    #[sqlx(flatten)]
    pub(super) handoff: HandoffRow,
    pub(super) recent: Option<i64>,
    /// [`SignInValues`] as JSON.
    sign_in_row: Option<String>,
    /// [`Person`] as JSON.
    person: Option<String>,
    /// An [`AssignedTo`] as JSON.
    assigned_to: Option<String>,
}

/// When it ended, when it ends, when it ends unused, when it began, and how.
pub(super) type SignInValues = (Option<i64>, i64, i64, i64, Vec<String>);

/// E-mail address, name, whether the address is verified, and since when the account is disabled.
pub(super) type Person = (String, String, i64, Option<i64>);

/// A handoff with what must still be true of it.
pub(super) struct Stored {
    pub(super) handoff: Handoff,
    pub(super) sign_in: Option<SignInValues>,
    pub(super) person: Option<Person>,
    pub(super) standing: Standing,
}

impl StoredRow {
    pub(super) fn read(&self, now: i64) -> Result<Stored, Unavailable> {
        let handoff = self.handoff.read()?;
        let sign_in: Option<SignInValues> =
            self.sign_in_row.as_deref().map(json::read).transpose()?;
        let person: Option<Person> = self.person.as_deref().map(json::read).transpose()?;
        let assigned_to: Option<AssignedTo> =
            self.assigned_to.as_deref().map(json::read).transpose()?;
        let is_live = |(ended_at, expires_at, idle_until, ..): &SignInValues| {
            ended_at.is_none() && *expires_at > now && *idle_until > now
        };
        let standing = Standing {
            sign_in_is_live: sign_in.as_ref().is_some_and(is_live),
            user_is_active: person
                .as_ref()
                .is_some_and(|(.., disabled_at)| disabled_at.is_none()),
            user_is_assigned: assigned_to
                .is_some_and(|assigned_to| assigned_to.includes(handoff.issued().user)),
        };
        Ok(Stored {
            handoff,
            sign_in,
            person,
            standing,
        })
    }
}

const FIND: Statement = Statement::for_sqlite(
    "SELECT token, client, redirect_uri, state, challenge, sign_in, user_id, expires_at, used_at,
            session, recent,
            (SELECT json_array(s.ended_at, s.expires_at, s.idle_until, s.auth_time, json(s.amr))
             FROM sign_in s WHERE s.id = handoff.sign_in) AS sign_in_row,
            (SELECT json_array(u.email, u.name, u.email_verified, u.disabled_at)
             FROM user u WHERE u.id = handoff.user_id) AS person,
            (SELECT k.assigned_to FROM client k WHERE k.id = handoff.client) AS assigned_to
     FROM handoff WHERE token = $1",
);

/// The handoff of this token.
pub(super) async fn find(
    tx: &mut Connection,
    token: Digest<HandoffToken>,
) -> Result<Option<StoredRow>, Unavailable> {
    Ok(sqlx::query_as(FIND)
        .bind(token.as_bytes().as_slice())
        .fetch_optional(tx)
        .await?)
}
