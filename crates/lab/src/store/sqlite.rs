//! The store on SQLite: static SQL, one transaction a verb.

use async_trait::async_trait;
use database::{CannotOpen, Database, Unavailable, from_millis, millis};
use handoff::{flow::Event, ids::ClientId};
use sqlx::{FromRow, SqliteConnection, migrate::Migrator};
use time::OffsetDateTime;

use super::{
    EVENTS, Flow, Found, Kept, Key, LISTED, Names, Number, Outcome, Place, Store, Summary, body,
    from_micros,
};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The store on SQLite.
#[derive(Clone, Debug)]
pub struct Sqlite {
    database: Database,
}

impl Sqlite {
    /// Opens the file, creating and migrating it as needed. What is kept here may be lost with the
    /// machine's power: a picture is not worth a handoff's waiting for the disk.
    ///
    /// # Errors
    /// [`CannotOpen`] with the file's name.
    pub async fn open(path: &std::path::Path) -> Result<Self, CannotOpen> {
        Ok(Self {
            database: Database::open_unhurried(path, &MIGRATIONS).await?,
        })
    }

    /// Closes the file.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

#[derive(FromRow)]
struct FlowRow {
    flow: i64,
    id: String,
    client: Option<String>,
    began: i64,
    last: i64,
    outcome: String,
    reason: Option<String>,
    steps: i64,
    bytes: i64,
    kept_at: i64,
}

impl FlowRow {
    fn summary(self) -> Result<Summary, Unavailable> {
        let client = self.client.as_deref().map(ClientId::parse).transpose();
        Ok(Summary {
            client: client.map_err(Unavailable::unreadable)?,
            began: self.began,
            last: self.last,
            outcome: match (self.outcome.as_str(), self.reason) {
                ("under_way", None) => Outcome::UnderWay,
                ("opened", None) => Outcome::Opened,
                ("opened", Some(reason)) => Outcome::OpenedThenRefused(reason),
                ("refused", Some(reason)) => Outcome::Refused(reason),
                (other, _) => return Err(Unavailable::unreadable(other)),
            },
            steps: usize::try_from(self.steps).map_err(Unavailable::unreadable)?,
            bytes: usize::try_from(self.bytes).map_err(Unavailable::unreadable)?,
        })
    }

    fn read(self) -> Result<Flow, Unavailable> {
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
            outcome: summary.outcome,
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
    fn read(self) -> Result<Kept, Unavailable> {
        Ok(Kept {
            seq: u64::try_from(self.seq).map_err(Unavailable::unreadable)?,
            event: serde_json::from_str(&self.body).map_err(Unavailable::unreadable)?,
        })
    }
}

/// Everything that one turn of writing does with one connection.
struct Writing<'a> {
    connection: &'a mut SqliteConnection,
    now: i64,
    touched: Vec<Number>,
}

impl Writing<'_> {
    async fn keep(&mut self, event: &Event) -> Result<(), Unavailable> {
        let Some(names) = Names::of(event) else {
            return Ok(());
        };
        let mut found = Vec::new();
        for name in &names.all {
            found.extend(self.find(name).await?);
        }
        let Place { into, same } = Place::choose(&names, &found);
        let (id, rank) = &names.id;
        let number = match into {
            Some(number) => {
                for other in same {
                    self.join(number, other).await?;
                }
                sqlx::query("UPDATE flow SET id = ?, rank = ? WHERE flow = ? AND rank < ?")
                    .bind(id)
                    .bind(rank)
                    .bind(number.0)
                    .bind(rank)
                    .execute(&mut *self.connection)
                    .await?;
                number
            }
            None => self.begin(id, *rank).await?,
        };
        for name in &names.all {
            sqlx::query(
                "INSERT INTO name (name, flow) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
            )
            .bind(name)
            .bind(number.0)
            .execute(&mut *self.connection)
            .await?;
        }
        let mut summary = self.summary(number).await?;
        summary.see(event);
        if summary.steps < EVENTS {
            let body = body(event)?;
            summary.steps += 1;
            summary.bytes += body.len();
            sqlx::query("INSERT INTO event (flow, body) VALUES (?, ?)")
                .bind(number.0)
                .bind(body)
                .execute(&mut *self.connection)
                .await?;
        }
        self.put(number, &summary).await?;
        self.touched.push(number);
        Ok(())
    }

    async fn find(&mut self, name: &str) -> Result<Option<Found>, Unavailable> {
        let found: Option<(i64, String, i64)> = sqlx::query_as(
            "SELECT flow.flow, flow.id, flow.rank
             FROM name JOIN flow ON flow.flow = name.flow WHERE name.name = ?",
        )
        .bind(name)
        .fetch_optional(&mut *self.connection)
        .await?;
        Ok(found.map(|(number, id, rank)| Found {
            number: Number(number),
            id,
            rank,
        }))
    }

    async fn begin(&mut self, id: &str, rank: i64) -> Result<Number, Unavailable> {
        let Summary { began, last, .. } = Summary::new();
        let number = sqlx::query_scalar(
            "INSERT INTO flow (id, rank, began, last, outcome, steps, bytes, kept_at)
             VALUES (?, ?, ?, ?, 'under_way', 0, 0, ?) RETURNING flow",
        )
        .bind(id)
        .bind(rank)
        .bind(began)
        .bind(last)
        .bind(self.now)
        .fetch_one(&mut *self.connection)
        .await?;
        Ok(Number(number))
    }

    async fn summary(&mut self, number: Number) -> Result<Summary, Unavailable> {
        let row: FlowRow = sqlx::query_as("SELECT * FROM flow WHERE flow = ?")
            .bind(number.0)
            .fetch_one(&mut *self.connection)
            .await?;
        row.summary()
    }

    async fn put(&mut self, number: Number, summary: &Summary) -> Result<(), Unavailable> {
        let (outcome, reason) = match &summary.outcome {
            Outcome::UnderWay => ("under_way", None),
            Outcome::Opened => ("opened", None),
            Outcome::OpenedThenRefused(reason) => ("opened", Some(reason)),
            Outcome::Refused(reason) => ("refused", Some(reason)),
        };
        sqlx::query(
            "UPDATE flow SET client = ?, began = ?, last = ?, outcome = ?, reason = ?, steps = ?,
                             bytes = ?, kept_at = ? WHERE flow = ?",
        )
        .bind(summary.client.as_ref().map(ClientId::as_str))
        .bind(summary.began)
        .bind(summary.last)
        .bind(outcome)
        .bind(reason)
        .bind(count(summary.steps))
        .bind(count(summary.bytes))
        .bind(self.now)
        .bind(number.0)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    async fn join(&mut self, into: Number, other: Number) -> Result<(), Unavailable> {
        let mut summary = self.summary(into).await?;
        summary.join(self.summary(other).await?);
        self.put(into, &summary).await?;
        for statement in [
            "INSERT INTO event (flow, body) SELECT ?, body FROM event WHERE flow = ? ORDER BY seq",
            "UPDATE name SET flow = ? WHERE flow = ?",
        ] {
            sqlx::query(statement)
                .bind(into.0)
                .bind(other.0)
                .execute(&mut *self.connection)
                .await?;
        }
        // Its own rows of events go with it.
        sqlx::query("DELETE FROM flow WHERE flow = ?")
            .bind(other.0)
            .execute(&mut *self.connection)
            .await?;
        self.touched.push(other);
        Ok(())
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[async_trait]
impl Store for Sqlite {
    async fn keep(
        &self,
        events: &[Event],
        now: OffsetDateTime,
    ) -> Result<Vec<Number>, Unavailable> {
        let mut tx = self.database.write().await?;
        let mut writing = Writing {
            connection: &mut tx,
            now: millis(now),
            touched: Vec::new(),
        };
        for event in events {
            writing.keep(event).await?;
        }
        let mut touched = writing.touched;
        tx.commit().await?;
        touched.sort_unstable();
        touched.dedup();
        Ok(touched)
    }

    async fn recent_flows(
        &self,
        limit: usize,
        before: Option<Number>,
    ) -> Result<Vec<Flow>, Unavailable> {
        let rows: Vec<FlowRow> =
            sqlx::query_as("SELECT * FROM flow WHERE flow < ? ORDER BY flow DESC LIMIT ?")
                .bind(before.map_or(i64::MAX, |before| before.0))
                .bind(count(limit.min(LISTED)))
                .fetch_all(self.database.readers())
                .await?;
        rows.into_iter().map(FlowRow::read).collect()
    }

    async fn find(&self, key: &Key) -> Result<Option<Flow>, Unavailable> {
        let row: Option<FlowRow> = sqlx::query_as(
            "SELECT * FROM flow WHERE flow = (SELECT flow FROM name WHERE name = ?)",
        )
        .bind(key.as_str())
        .fetch_optional(self.database.readers())
        .await?;
        row.map(FlowRow::read).transpose()
    }

    async fn events_after(&self, flow: Number, after: u64) -> Result<Vec<Kept>, Unavailable> {
        let rows: Vec<EventRow> =
            sqlx::query_as("SELECT seq, body FROM event WHERE flow = ? AND seq > ? ORDER BY seq")
                .bind(flow.0)
                .bind(i64::try_from(after).unwrap_or(i64::MAX))
                .fetch_all(self.database.readers())
                .await?;
        rows.into_iter().map(EventRow::read).collect()
    }

    async fn sweep(
        &self,
        before: OffsetDateTime,
        flows: usize,
        bytes: usize,
    ) -> Result<u64, Unavailable> {
        let mut tx = self.database.write().await?;
        let old = sqlx::query("DELETE FROM flow WHERE kept_at < ?")
            .bind(millis(before))
            .execute(&mut *tx)
            .await?;
        let surplus = sqlx::query(
            "DELETE FROM flow WHERE flow IN (
                 SELECT flow FROM (
                     SELECT flow, ROW_NUMBER() OVER newest AS place, SUM(bytes) OVER newest AS size
                     FROM flow WINDOW newest AS (ORDER BY flow DESC ROWS UNBOUNDED PRECEDING)
                 ) WHERE place > ? OR size > ?)",
        )
        .bind(count(flows))
        .bind(count(bytes))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(old.rows_affected() + surplus.rows_affected())
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.database.ping().await
    }
}
