//! Flows on SQLite.

use async_trait::async_trait;
use database::{Connection, Row, Statement, Unavailable, from_millis, millis};
use handoff::{flow::Event, ids::ClientId};
use sqlx::{Connection as _, FromRow, Row as _};
use time::OffsetDateTime;

use super::{
    super::{
        Flow, FlowStore, Kept, Key, LISTED, Number,
        limits::Shares,
        summary::{Summary, from_micros},
    },
    LogOnce, Sqlite, batch, count, readable,
};

#[derive(FromRow)]
pub(super) struct FlowRow {
    flow: i64,
    pub(super) id: String,
    pub(super) rank: i64,
    client: Option<String>,
    began: i64,
    last: i64,
    course: String,
    steps: i64,
    bytes: i64,
    kept_at: i64,
    person: bool,
}

impl FlowRow {
    pub(super) fn summary(&self) -> Result<Summary, Unavailable> {
        let client = self.client.as_deref().map(ClientId::parse).transpose();
        Ok(Summary {
            client: client.map_err(Unavailable::unreadable)?,
            began: self.began,
            last: self.last,
            course: serde_json::from_str(&self.course).map_err(Unavailable::unreadable)?,
            steps: usize::try_from(self.steps).map_err(Unavailable::unreadable)?,
            bytes: usize::try_from(self.bytes).map_err(Unavailable::unreadable)?,
            person: self.person,
        })
    }

    fn read(&self) -> Result<Flow, Unavailable> {
        let number = Number(self.flow);
        let id = Key::parse(&self.id).map_err(Unavailable::unreadable)?;
        let kept_at = from_millis(self.kept_at)?;
        let summary = self.summary()?;
        Ok(Flow {
            number,
            id,
            client: summary.client,
            began: from_micros(summary.began)?,
            last: from_micros(summary.last)?,
            outcome: summary.course.outcome(),
            steps: summary.steps,
            kept_at,
        })
    }
}

#[derive(FromRow)]
struct EventRow {
    seq: i64,
    body: String,
}

impl EventRow {
    fn read(&self) -> Result<Kept, Unavailable> {
        Ok(Kept {
            seq: u64::try_from(self.seq).map_err(Unavailable::unreadable)?,
            event: serde_json::from_str(&self.body).map_err(Unavailable::unreadable)?,
        })
    }
}

impl LogOnce {
    /// The row's flow, unless it cannot be read.
    pub(super) fn flow(&self, row: &Row) -> Option<(FlowRow, Flow)> {
        let read = FlowRow::from_row(row).map_err(Unavailable::from);
        let read = read.and_then(|row| Ok((row.read()?, row)));
        let (flow, row) = readable(&self.flow, "flow", row, read)?;
        Some((row, flow))
    }

    fn events(&self, rows: &[Row]) -> Vec<Kept> {
        let read = |row| {
            let read = EventRow::from_row(row).map_err(Unavailable::from);
            readable(&self.event, "event", row, read.and_then(|row| row.read()))
        };
        rows.iter().filter_map(read).collect()
    }
}

const FIND: Statement =
    Statement::new("SELECT * FROM flow WHERE flow = (SELECT flow FROM name WHERE name = $1)");
const LIST: Statement =
    Statement::new("SELECT * FROM flow WHERE flow < $1 ORDER BY flow DESC LIMIT $2");
const EVENTS_AFTER: Statement =
    Statement::new("SELECT seq, body FROM event WHERE flow = $1 AND seq > $2 ORDER BY seq");

const DELETE_OLD: Statement = Statement::new("DELETE FROM flow WHERE kept_at < $1");
const COUNT: Statement =
    Statement::new("SELECT person, COUNT(*), CAST(SUM(bytes) AS BIGINT) FROM flow GROUP BY person");
const DELETE_SURPLUS: Statement = Statement::new(
    "DELETE FROM flow WHERE flow IN (
         SELECT flow FROM (
             SELECT flow, ROW_NUMBER() OVER newest AS place, SUM(bytes) OVER newest AS size
             FROM flow WHERE person = $1
             WINDOW newest AS (ORDER BY flow DESC ROWS UNBOUNDED PRECEDING)
         ) AS placed WHERE place > $2 OR size > $3)",
);

async fn sweep(
    tx: &mut Connection,
    before: OffsetDateTime,
    flows: usize,
    bytes: usize,
) -> Result<u64, Unavailable> {
    let old = sqlx::query(DELETE_OLD)
        .bind(millis(before))
        .execute(&mut *tx)
        .await?;
    let there: Vec<(bool, i64, i64)> = sqlx::query_as(COUNT).fetch_all(&mut *tx).await?;
    let share = |bound, much: fn(&(bool, i64, i64)) -> i64| {
        let of = |person| {
            let those = there.iter().find(|it| it.0 == person);
            those.map_or(0, |it| usize::try_from(much(it)).unwrap_or(0))
        };
        let (strangers, people) = (of(false), of(true));
        Shares::of(bound, Shares { strangers, people })
    };
    let (flows, bytes) = (share(flows, |it| it.1), share(bytes, |it| it.2));
    let mut rows = old.rows_affected();
    for person in [false, true] {
        let surplus = sqlx::query(DELETE_SURPLUS)
            .bind(person)
            .bind(count(flows.of_kind(person)))
            .bind(count(bytes.of_kind(person)))
            .execute(&mut *tx)
            .await?;
        rows += surplus.rows_affected();
    }
    Ok(rows)
}

#[async_trait]
impl FlowStore for Sqlite {
    async fn keep(
        &self,
        events: &[Event],
        now: OffsetDateTime,
    ) -> Result<Vec<Number>, Unavailable> {
        let (logged, events) = (self.logged.clone(), events.to_vec());
        self.database
            .write(move |tx| Box::pin(batch::keep(tx, logged, events, now)))
            .await
    }

    async fn recent_flows(
        &self,
        limit: usize,
        before: Option<Number>,
    ) -> Result<Vec<Flow>, Unavailable> {
        let mut before = before.map_or(i64::MAX, |before| before.0);
        let mut flows = Vec::new();
        loop {
            let most = limit.min(LISTED) - flows.len();
            let rows = sqlx::query(LIST)
                .bind(before)
                .bind(count(most))
                .fetch_all(&mut *self.database.reader().await?)
                .await?;
            let read = rows.iter().filter_map(|row| self.logged.flow(row));
            flows.extend(read.map(|(_, flow)| flow));
            // Those that cannot be read do not stand in the way of those before them.
            match rows.last() {
                Some(last) if rows.len() == most && flows.len() < limit.min(LISTED) => {
                    before = last.try_get("flow")?;
                }
                _ => return Ok(flows),
            }
        }
    }

    async fn find(&self, key: &Key) -> Result<Option<Flow>, Unavailable> {
        let row = sqlx::query(FIND)
            .bind(key.as_str())
            .fetch_optional(&mut *self.database.reader().await?)
            .await?;
        let found = row.and_then(|row| self.logged.flow(&row));
        Ok(found.map(|(_, flow)| flow))
    }

    async fn find_whole(&self, key: &Key) -> Result<Option<(Flow, Vec<Kept>)>, Unavailable> {
        let mut reader = self.database.reader().await?;
        let mut tx = reader.begin().await?;
        let row = sqlx::query(FIND)
            .bind(key.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let Some((_, flow)) = row.and_then(|row| self.logged.flow(&row)) else {
            return Ok(None);
        };
        let rows = sqlx::query(EVENTS_AFTER)
            .bind(flow.number.0)
            .bind(0)
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Some((flow, self.logged.events(&rows))))
    }

    async fn events_after(&self, flow: Number, after: u64) -> Result<Vec<Kept>, Unavailable> {
        let rows = sqlx::query(EVENTS_AFTER)
            .bind(flow.0)
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .fetch_all(&mut *self.database.reader().await?)
            .await?;
        Ok(self.logged.events(&rows))
    }

    async fn sweep(
        &self,
        before: OffsetDateTime,
        flows: usize,
        bytes: usize,
    ) -> Result<u64, Unavailable> {
        self.database
            .write(move |tx| Box::pin(sweep(tx, before, flows, bytes)))
            .await
    }
}
