//! Launch tickets and handoff tokens on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, from_millis, millis};
use handoff::{
    flow::FlowId,
    handoff::{ACCESS_LIFETIME, Handoff, Issued, Launch},
    ids::{ClientId, SessionId, SignInId, UserId},
    policy::Policy,
    refusal_reason::RefusalReason,
    token::{Challenge, Digest},
    verify::{Presented, Proof, Standing, ages_for_good, decide},
    wire::SessionInfo,
};
use sqlx::FromRow;
use time::OffsetDateTime;

use super::{
    super::{
        Consent, HandoffStore, Issuance, NewHandoff, Outcome, Redeemed, Redemption, Remembered,
    },
    Sqlite, accounts, client_sessions, clients, ending, recent,
    sign_ins::SignInRow,
};

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

const ADD_LAUNCH: Statement = Statement::new(
    "INSERT INTO launch (ticket, sign_in, client, expires_at) VALUES ($1, $2, $3, $4)",
);

async fn add_launch(tx: &mut Connection, launch: Launch) -> Result<(), Unavailable> {
    sqlx::query(ADD_LAUNCH)
        .bind(launch.ticket.as_bytes().as_slice())
        .bind(launch.sign_in.to_string())
        .bind(launch.client.as_str())
        .bind(millis(launch.expires_at))
        .execute(tx)
        .await?;
    Ok(())
}

/// Writing to the sign-in's row makes a sign-out wait for this verb, or this verb for the sign-out:
/// SQLite has one writer, PostgreSQL locks the row.
const HOLD_LIVE_SIGN_IN: Statement = Statement::new(
    "UPDATE sign_in SET idle_until = idle_until
     WHERE id = $1 AND ended_at IS NULL AND expires_at > $2 AND idle_until > $2
     RETURNING user_id",
);

async fn issue(
    tx: &mut Connection,
    new: NewHandoff,
    now: OffsetDateTime,
) -> Result<Issuance, Unavailable> {
    let sign_in = new.sign_in.to_string();
    let user: Option<String> = sqlx::query_scalar(HOLD_LIVE_SIGN_IN)
        .bind(&sign_in)
        .bind(millis(now))
        .fetch_optional(&mut *tx)
        .await?;
    let Some(user) = user else {
        ending::end_sign_in_if_over(tx, &sign_in, millis(now)).await?;
        return Ok(Issuance::SignedOut);
    };
    let user = UserId::parse(&user).map_err(Unavailable::unreadable)?;
    let account = accounts::find(tx, user).await?;
    if !account.is_some_and(|account| account.is_active) {
        return Ok(Issuance::SignedOut);
    }
    let Some(client) = clients::find(tx, &new.request.client).await? else {
        return Ok(Issuance::NotAssigned);
    };
    if !client.assigned_to.includes(user) {
        let attempt = Remembered {
            client: &client.id,
            flow: FlowId::of(&new.request.state),
        };
        recent::add(tx, user, attempt, Outcome::NotAssigned, now, now).await?;
        return Ok(Issuance::NotAssigned);
    }
    if let Consent::Silent { .. } = &new.consent
        && !is_wanted(tx, &new, &sign_in, millis(now)).await?
    {
        return Ok(Issuance::MustAsk);
    }
    let issued = new.request.issue(new.token, new.sign_in, user, now);
    let attempt = Remembered {
        client: &issued.client,
        flow: FlowId::of(&issued.state),
    };
    let until = issued.expires_at;
    let recent = recent::add(tx, user, attempt, Outcome::UnderWay, now, until).await?;
    add(tx, &issued, recent).await?;
    Ok(Issuance::Issued)
}

const USE_LAUNCH: Statement = Statement::new(
    "UPDATE launch SET used_at = $1
     WHERE ticket = $2 AND sign_in = $3 AND client = $4 AND used_at IS NULL
     RETURNING expires_at",
);
const USE_SIGN_IN: Statement =
    Statement::new("UPDATE sign_in SET signed_in_for = NULL WHERE id = $1 AND signed_in_for = $2");

/// Uses up what shows that the person wants this; tells whether there is something.
async fn is_wanted(
    tx: &mut Connection,
    new: &NewHandoff,
    sign_in: &str,
    now: i64,
) -> Result<bool, Unavailable> {
    let Consent::Silent { launch, request } = &new.consent else {
        return Ok(true);
    };
    if let Some(ticket) = launch {
        // Used up also when it is too late: it stays so, whatever the clock does.
        let expires_at: Option<i64> = sqlx::query_scalar(USE_LAUNCH)
            .bind(now)
            .bind(ticket.as_bytes().as_slice())
            .bind(sign_in)
            .bind(new.request.client.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if expires_at.is_some_and(|expires_at| expires_at > now) {
            return Ok(true);
        }
    }
    let used = sqlx::query(USE_SIGN_IN)
        .bind(sign_in)
        .bind(request.as_slice())
        .execute(tx)
        .await?;
    Ok(used.rows_affected() == 1)
}

const ADD: Statement = Statement::new(
    "INSERT INTO handoff (token, client, redirect_uri, state, challenge, sign_in, user_id,
                          expires_at, keep_until, recent)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)",
);

async fn add(tx: &mut Connection, issued: &Issued, recent: i64) -> Result<(), Unavailable> {
    let challenge = issued.challenge.as_ref();
    sqlx::query(ADD)
        .bind(issued.token.as_bytes().as_slice())
        .bind(issued.client.as_str())
        .bind(&issued.redirect_uri)
        .bind(issued.state.as_bytes().as_slice())
        .bind(challenge.map(|challenge| challenge.as_bytes().as_slice()))
        .bind(issued.sign_in.to_string())
        .bind(issued.user.to_string())
        .bind(millis(issued.expires_at))
        .bind(recent)
        .execute(tx)
        .await?;
    Ok(())
}

/// `claim` of the protocol as a condition; a property test holds the two against each other.
///
/// A client that has shown a credential claims by token and owner ($7). One that has shown its origin
/// alone must have every binding right, or any stranger could spoil its handoffs. `IS NOT DISTINCT
/// FROM` and not `=`: no verifier meets no challenge.
const CLAIM: Statement = Statement::new(
    "UPDATE handoff SET used_at = $1
     WHERE token = $2 AND (client = $3 OR NOT $4) AND (used_at IS NULL OR NOT $5)
       AND (expires_at > $1 OR NOT $6)
       AND ($7 OR (state = $8 OR NOT $9)
                  AND (redirect_uri = $10 OR $10 IS NULL AND challenge IS NULL OR NOT $11)
                  AND (challenge IS NOT DISTINCT FROM $12 OR NOT $13))
     RETURNING token, client, redirect_uri, state, challenge, sign_in, user_id, expires_at,
               CAST(NULL AS BIGINT) AS used_at, session",
);

/// Uses the token up, if it is this client's to use.
async fn claim(
    tx: &mut Connection,
    presented: &Presented,
    now: i64,
    policy: &Policy,
) -> Result<Option<HandoffRow>, Unavailable> {
    let challenge = presented.verifier.as_ref().map(Challenge::met_by);
    let challenge = challenge.as_ref();
    Ok(sqlx::query_as(CLAIM)
        .bind(now)
        .bind(presented.token.digest().as_bytes().as_slice())
        .bind(presented.client.as_str())
        .bind(policy.client_binding())
        .bind(policy.one_time())
        .bind(policy.lifetime())
        .bind(presented.proof == Proof::Credential)
        .bind(presented.state.digest().as_bytes().as_slice())
        .bind(policy.state_binding())
        .bind(presented.redirect_uri.as_deref())
        .bind(policy.redirect_uri_binding())
        .bind(challenge.map(|challenge| challenge.as_bytes().as_slice()))
        .bind(policy.verifier_binding())
        .fetch_optional(tx)
        .await?)
}

const FIND: Statement = Statement::new(
    "SELECT token, client, redirect_uri, state, challenge, sign_in, user_id, expires_at, used_at,
            session
     FROM handoff WHERE token = $1",
);
/// A verb that has claimed the token holds the sign-in's row, as [`HOLD_LIVE_SIGN_IN`] does. Whether
/// the sign-in is alive stands in no `WHERE`: what follows from that is the policy's to say.
const HOLD_SIGN_IN: Statement =
    Statement::new("UPDATE sign_in SET idle_until = idle_until WHERE id = $1 RETURNING *");
/// A verb that has claimed nothing makes nothing that a sign-out could miss.
const READ_SIGN_IN: Statement = Statement::new("SELECT * FROM sign_in WHERE id = $1");
const USE_UP: Statement =
    Statement::new("UPDATE handoff SET used_at = $1 WHERE token = $2 AND used_at IS NULL");
const KEEP_SESSION: Statement =
    Statement::new("UPDATE handoff SET session = $1, keep_until = $2 WHERE token = $3");

async fn redeem(
    tx: &mut Connection,
    redemption: Redemption,
    now: OffsetDateTime,
    policy: Policy,
) -> Result<Result<Redeemed, RefusalReason>, Unavailable> {
    let presented = &redemption.presented;
    let now_millis = millis(now);
    let token = presented.token.digest();
    let claimed = claim(tx, presented, now_millis, &policy).await?;
    let was_claimed = claimed.is_some();
    let row = match claimed {
        Some(row) => Some(row),
        // Only to tell a replay from the rest: nothing can be accepted from here on.
        None => {
            sqlx::query_as::<_, HandoffRow>(FIND)
                .bind(token.as_bytes().as_slice())
                .fetch_optional(&mut *tx)
                .await?
        }
    };
    let Some(row) = row else {
        return Ok(Err(RefusalReason::Unknown));
    };
    let stored = row.read()?;
    let issued = stored.issued();

    let find_sign_in = if was_claimed {
        HOLD_SIGN_IN
    } else {
        READ_SIGN_IN
    };
    let sign_in = sqlx::query_as::<_, SignInRow>(find_sign_in)
        .bind(issued.sign_in.to_string())
        .fetch_optional(&mut *tx)
        .await?;
    let account = accounts::find(tx, issued.user).await?;
    let client = clients::find(tx, &issued.client).await?;
    let standing = Standing {
        sign_in_is_live: sign_in.as_ref().is_some_and(|row| row.is_live(now_millis)),
        user_is_active: account.as_ref().is_some_and(|account| account.is_active),
        user_is_assigned: client.is_some_and(|client| client.assigned_to.includes(issued.user)),
    };
    if let Err(rejection) = decide(&stored, standing, presented, now, &policy) {
        if let (RefusalReason::Replayed, Handoff::Redeemed { session, .. }) = (rejection, &stored) {
            client_sessions::end_replayed(tx, *session, now_millis).await?;
        }
        let ages = ages_for_good(&stored, presented, rejection, &policy);
        if was_claimed || ages || rejection == RefusalReason::Replayed {
            recent::conclude(tx, token, Outcome::of(rejection)).await?;
        }
        if ages {
            sqlx::query(USE_UP)
                .bind(now_millis)
                .bind(token.as_bytes().as_slice())
                .execute(&mut *tx)
                .await?;
        }
        if let Some(sign_in) = sign_in.filter(|row| !row.is_live(now_millis)) {
            ending::end_sign_in_if_over(tx, &sign_in.id, now_millis).await?;
        }
        // A refusal commits as well: the token stays used up.
        return Ok(Err(rejection));
    }
    let (true, Some(sign_in), Some(account)) = (was_claimed, sign_in, account) else {
        // The rule accepts what the condition did not let us claim: one of the two is wrong.
        return Err(Unavailable::unreadable("a handoff that cannot be claimed"));
    };
    let session = SessionInfo {
        id: redemption.session,
        user_id: issued.user,
        created_at: now,
        expires_at: (now + ACCESS_LIFETIME).min(from_millis(sign_in.expires_at)?),
    };
    let (access_token, client) = (redemption.access_token, &presented.client);
    client_sessions::begin(tx, &session, access_token, client, &sign_in.id).await?;
    sqlx::query(KEEP_SESSION)
        .bind(session.id.to_string())
        .bind(millis(session.expires_at))
        .bind(token.as_bytes().as_slice())
        .execute(&mut *tx)
        .await?;
    recent::conclude(tx, token, Outcome::Opened).await?;
    Ok(Ok(Redeemed {
        session,
        user: account.user,
        auth_time: from_millis(sign_in.auth_time)?,
        amr: serde_json::from_str(&sign_in.amr).map_err(Unavailable::unreadable)?,
    }))
}

#[async_trait]
impl HandoffStore for Sqlite {
    async fn issue_launch(&self, launch: Launch) -> Result<(), Unavailable> {
        self.database
            .write(move |tx| Box::pin(add_launch(tx, launch)))
            .await
    }

    async fn issue_handoff(
        &self,
        new: NewHandoff,
        now: OffsetDateTime,
    ) -> Result<Issuance, Unavailable> {
        self.database
            .write(move |tx| Box::pin(issue(tx, new, now)))
            .await
    }

    async fn redeem_handoff(
        &self,
        redemption: Redemption,
        now: OffsetDateTime,
        policy: &Policy,
    ) -> Result<Result<Redeemed, RefusalReason>, Unavailable> {
        let policy = *policy;
        self.database
            .write(move |tx| Box::pin(redeem(tx, redemption, now, policy)))
            .await
    }
}
