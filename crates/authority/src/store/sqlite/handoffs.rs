//! Launch tickets and handoff tokens on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, from_millis, millis};
use handoff::{
    flow::FlowId,
    handoff::{Handoff, Issued, Launch},
    ids::{ClientId, SessionId, SignInId, UserId},
    policy::Policy,
    token::{Challenge, Digest},
};
use sqlx::FromRow;
use time::OffsetDateTime;

use super::{
    super::{
        Consent, HandoffStore, Issuance, NewHandoff, NotRedeemed, Outcome, Redeemed, Redemption,
        Remembered,
    },
    Sqlite, accounts, clients, ending, recent,
    redeeming::Redeem,
};

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
    let known = clients::find(tx, &new.request.client).await?;
    let Some(known) = known.filter(|known| known.revision == new.client_revision) else {
        return Ok(Issuance::ClientChanged);
    };
    let client = known.client;
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
    ) -> Result<Result<Redeemed, NotRedeemed>, Unavailable> {
        let policy = *policy;
        self.database
            .write_in_set(Redeem {
                redemption,
                now,
                policy,
            })
            .await
    }
}
