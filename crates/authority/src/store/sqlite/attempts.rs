//! Attempts to sign in on SQLite.

use async_trait::async_trait;
use database::{Connection, Ending, Statement, Unavailable, from_millis, millis};
use time::OffsetDateTime;

use super::{super::AttemptStore, Sqlite};
use crate::throttle::{Admission, Counter, Forgiven};

const PUT_OFF: Statement =
    Statement::new("UPDATE attempt SET next_at = $1, forget_at = $2 WHERE key = $3");

/// Says from when on a counter admits a further attempt, by the points that it has now.
async fn put_off(
    tx: &mut Connection,
    Counter { key, rule }: &Counter,
    points: i64,
    now: OffsetDateTime,
) -> Result<(), Unavailable> {
    let (next, forget) = rule.after(u32::try_from(points).unwrap_or(u32::MAX), now);
    sqlx::query(PUT_OFF)
        .bind(millis(next))
        .bind(millis(forget))
        .bind(key.as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

/// A wait that is longer than any ($3) was made by a clock that has gone back since.
const COUNT: Statement = Statement::new(
    "INSERT INTO attempt (key, points, next_at, forget_at) VALUES ($1, 1, $2, $2)
     ON CONFLICT (key) DO UPDATE
         SET points = CASE WHEN attempt.forget_at <= $2 THEN 1 ELSE attempt.points + 1 END
         WHERE attempt.next_at <= $2 OR attempt.next_at > $3
     RETURNING points",
);
const NEXT: Statement = Statement::new("SELECT next_at FROM attempt WHERE key = $1");

async fn admit(
    tx: &mut Connection,
    counters: Vec<Counter>,
    now: OffsetDateTime,
) -> Result<Ending<Admission>, Unavailable> {
    let mut waits_until = None;
    for counter in &counters {
        let points: Option<i64> = sqlx::query_scalar(COUNT)
            .bind(counter.key.as_slice())
            .bind(millis(now))
            .bind(millis(now + counter.rule.longest))
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(points) = points {
            put_off(tx, counter, points, now).await?;
        } else {
            let next: i64 = sqlx::query_scalar(NEXT)
                .bind(counter.key.as_slice())
                .fetch_one(&mut *tx)
                .await?;
            waits_until = waits_until.max(Some(next));
        }
    }
    Ok(match waits_until {
        // What the other counters counted is undone: it was no attempt.
        Some(until) => Ending::RollBack(Admission::Wait {
            until: from_millis(until)?,
        }),
        None => Ending::Commit(Admission::Admitted),
    })
}

/// The row is gone when a right password has taken all back meanwhile.
const COUNT_WRONG: Statement = Statement::new(
    "INSERT INTO attempt (key, points, next_at, forget_at) VALUES ($1, $3, $2, $2)
     ON CONFLICT (key) DO UPDATE SET points = attempt.points + $3
     RETURNING points",
);

async fn fail(
    tx: &mut Connection,
    counters: Vec<Counter>,
    now: OffsetDateTime,
) -> Result<(), Unavailable> {
    for counter in &counters {
        let points: i64 = sqlx::query_scalar(COUNT_WRONG)
            .bind(counter.key.as_slice())
            .bind(millis(now))
            .bind(i64::from(counter.rule.wrong - 1))
            .fetch_one(&mut *tx)
            .await?;
        put_off(tx, counter, points, now).await?;
    }
    Ok(())
}

const FORGET: Statement = Statement::new("DELETE FROM attempt WHERE key = $1");
/// What follows the one that is taken back need not wait for it either.
const TAKE_BACK: Statement =
    Statement::new("UPDATE attempt SET points = points - 1, next_at = $2 WHERE key = $1");
const FORGET_IF_NONE: Statement =
    Statement::new("DELETE FROM attempt WHERE key = $1 AND points <= 0");

async fn forgive(
    tx: &mut Connection,
    counters: Vec<Counter>,
    now: OffsetDateTime,
) -> Result<(), Unavailable> {
    for Counter { key, rule } in &counters {
        let forget = match rule.forgiven {
            Forgiven::Everything => FORGET,
            Forgiven::Itself => {
                sqlx::query(TAKE_BACK)
                    .bind(key.as_slice())
                    .bind(millis(now))
                    .execute(&mut *tx)
                    .await?;
                FORGET_IF_NONE
            }
        };
        sqlx::query(forget)
            .bind(key.as_slice())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

#[async_trait]
impl AttemptStore for Sqlite {
    async fn admit_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<Admission, Unavailable> {
        let counters = counters.to_vec();
        self.database
            .write_or_undo(move |tx| Box::pin(admit(tx, counters, now)))
            .await
    }

    async fn fail_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let counters = counters.to_vec();
        self.database
            .write(move |tx| Box::pin(fail(tx, counters, now)))
            .await
    }

    async fn forgive_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let counters = counters.to_vec();
        self.database
            .write(move |tx| Box::pin(forgive(tx, counters, now)))
            .await
    }
}
