//! The last handoffs of each person on SQLite.

use std::collections::BTreeSet;

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, from_millis, millis};
use handoff::{
    client::Icon,
    flow::FlowId,
    handoff::Issued,
    ids::UserId,
    token::{Digest, HandoffToken},
};
use sqlx::FromRow;
use time::OffsetDateTime;

use super::{
    super::{
        Outcome, RECENT_FOR, RECENT_PER_PERSON, RecentHandoff, RecentHandoffStore, Remembered,
    },
    Sqlite, json,
};

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

/// An outcome as it is stored. That a handoff was not answered follows from the time and is not stored.
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

const FORGET_OUTCOME: Statement =
    Statement::new("DELETE FROM recent_handoff WHERE user_id = $1 AND outcome = $2");
const ADD: Statement = Statement::new(
    "INSERT INTO recent_handoff (user_id, client, began_at, outcome, waits_until, keep_until, flow)
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
/// Remembers a handoff that has ended, for the person whom it is about, and forgets the oldest of too many.
pub(super) async fn add(
    tx: &mut Connection,
    user: UserId,
    Remembered { client, flow }: Remembered<'_>,
    outcome: Outcome,
    now: OffsetDateTime,
) -> Result<(), Unavailable> {
    let user = user.to_string();
    if outcome == Outcome::NotAssigned {
        // Any page can send a browser here for it, to one client after the other: the last will do, and
        // pushes out nothing else.
        sqlx::query(FORGET_OUTCOME)
            .bind(&user)
            .bind(as_text(outcome))
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query(ADD)
        .bind(&user)
        .bind(client.as_str())
        .bind(millis(now))
        .bind(as_text(outcome))
        .bind(millis(now))
        .bind(millis(now + RECENT_FOR))
        .bind(flow.to_string())
        .execute(&mut *tx)
        .await?;
    forget_surplus(tx, &[user]).await
}

/// A handoff that begins: its id here, person, client, when it begins, until when it is waited for, until
/// when it is remembered, and its flow.
pub(super) type Beginning = (i64, String, String, i64, i64, i64, String);

/// A handoff that begins, as [`begin`] takes it.
pub(super) fn beginning(id: i64, issued: &Issued, now: OffsetDateTime) -> Beginning {
    (
        id,
        issued.user.to_string(),
        issued.client.to_string(),
        millis(now),
        millis(issued.expires_at),
        millis(now + RECENT_FOR),
        FlowId::of(&issued.state).to_string(),
    )
}

const BEGIN: Statement = Statement::for_sqlite(
    "INSERT INTO recent_handoff (id, user_id, client, began_at, waits_until, keep_until, flow, outcome)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
            'under_way'
     FROM json_each($1)",
);

/// Remembers handoffs that begin, and forgets the oldest of too many.
pub(super) async fn begin(tx: &mut Connection, new: &[Beginning]) -> Result<(), Unavailable> {
    sqlx::query(BEGIN)
        .bind(json::list(new)?)
        .execute(&mut *tx)
        .await?;
    let people: BTreeSet<_> = new.iter().map(|(_, person, ..)| person.clone()).collect();
    forget_surplus(tx, &people.into_iter().collect::<Vec<_>>()).await
}

/// Of each person all rows from the eleventh newest on.
const FORGET_SURPLUS: Statement = Statement::for_sqlite(
    "DELETE FROM recent_handoff WHERE id IN (
         SELECT r.id FROM json_each($1) AS p JOIN recent_handoff r ON r.user_id = p.value
         WHERE r.id <= (SELECT n.id FROM recent_handoff n WHERE n.user_id = p.value
                        ORDER BY n.id DESC LIMIT 1 OFFSET $2))",
);

async fn forget_surplus(tx: &mut Connection, people: &[String]) -> Result<(), Unavailable> {
    sqlx::query(FORGET_SURPLUS)
        .bind(json::list(people)?)
        .bind(i64::try_from(RECENT_PER_PERSON).unwrap_or(i64::MAX))
        .execute(tx)
        .await?;
    Ok(())
}

const CONCLUDE: Statement = Statement::new(
    "UPDATE recent_handoff SET outcome = $1
     WHERE id = (SELECT recent FROM handoff WHERE token = $2) AND outcome = $3",
);

/// What came of a handoff that is remembered. An end stays: only that a token was used twice can
/// follow the session that it gave.
pub(super) async fn conclude(
    tx: &mut Connection,
    token: Digest<HandoffToken>,
    outcome: Outcome,
) -> Result<(), Unavailable> {
    let before = match outcome {
        Outcome::UsedTwice => Outcome::Opened,
        _ => Outcome::UnderWay,
    };
    sqlx::query(CONCLUDE)
        .bind(as_text(outcome))
        .bind(token.as_bytes().as_slice())
        .bind(as_text(before))
        .execute(tx)
        .await?;
    Ok(())
}

const OPENED: Statement = Statement::for_sqlite(
    "UPDATE recent_handoff SET outcome = 'opened'
     WHERE id IN (SELECT value FROM json_each($1)) AND outcome = 'under_way'",
);

/// The remembered handoffs with these ids have opened their clients.
pub(super) async fn opened(tx: &mut Connection, ids: &[i64]) -> Result<(), Unavailable> {
    sqlx::query(OPENED)
        .bind(json::list(ids)?)
        .execute(tx)
        .await?;
    Ok(())
}

const LIST: Statement = Statement::new(
    "SELECT c.name AS client_name, c.icon, r.began_at, r.outcome, r.waits_until, r.flow
     FROM recent_handoff r JOIN client c ON c.id = r.client
     WHERE r.user_id = $1 AND r.keep_until > $2 ORDER BY r.id DESC",
);

#[async_trait]
impl RecentHandoffStore for Sqlite {
    async fn decline_handoff(
        &self,
        user: UserId,
        attempt: Remembered<'_>,
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let (client, flow) = (attempt.client.clone(), attempt.flow);
        self.database
            .write(move |tx| {
                Box::pin(async move {
                    let client = &client;
                    let attempt = Remembered { client, flow };
                    add(tx, user, attempt, Outcome::Declined, now).await
                })
            })
            .await
    }

    async fn recent_handoffs(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Vec<RecentHandoff>, Unavailable> {
        let rows = sqlx::query_as::<_, RecentRow>(LIST)
            .bind(user.to_string())
            .bind(millis(now))
            .fetch_all(&mut *self.database.reader().await?)
            .await?;
        rows.into_iter().map(|row| row.read(now)).collect()
    }
}
