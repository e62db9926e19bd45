//! The store on SQLite: static SQL, one transaction a verb.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, btree_map, hash_map},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use database::{CannotOpen, Database, Unavailable, from_millis, millis};
use handoff::{flow::Event, ids::ClientId};
use serde::Serialize;
use sqlx::{FromRow, Row, SqliteConnection, migrate::Migrator, sqlite::SqliteRow};
use time::OffsetDateTime;

use super::{
    EVENTS, Flow, Found, Kept, Key, LISTED, Names, Number, Place, Shares, Store, Summary, body,
    from_micros,
};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The store on SQLite.
#[derive(Clone, Debug)]
pub struct Sqlite {
    database: Database,
    /// Of which tables the operator was told that a record cannot be read. Once is enough for each: a
    /// flow may have two hundred, and each look at it would tell of all.
    told: Arc<Told>,
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
            told: Arc::default(),
        })
    }

    /// The row's flow, unless it cannot be read.
    fn flow(&self, row: &SqliteRow) -> Option<(FlowRow, Flow)> {
        let read = FlowRow::from_row(row).map_err(Unavailable::from);
        let read = read.and_then(|row| Ok((row.read()?, row)));
        let (flow, row) = known(&self.told.flow, "flow", row, read)?;
        Some((row, flow))
    }

    fn events(&self, rows: &[SqliteRow]) -> Vec<Kept> {
        let read = |row| {
            let read = EventRow::from_row(row).map_err(Unavailable::from);
            known(
                &self.told.event,
                "event",
                row,
                read.and_then(|row| row.read()),
            )
        };
        rows.iter().filter_map(read).collect()
    }

    /// Closes the file.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

#[derive(Debug, Default)]
struct Told {
    flow: AtomicBool,
    event: AtomicBool,
}

/// What was read of a row of this table, whose first column is its number; none when it could not be.
fn known<T>(
    told: &AtomicBool,
    table: &'static str,
    row: &SqliteRow,
    read: Result<T, Unavailable>,
) -> Option<T> {
    read.inspect_err(|cause| {
        if !told.swap(true, Ordering::Relaxed) {
            let number: i64 = row.try_get(0).unwrap_or_default();
            tracing::error!(table, number, %cause, "record not readable");
        }
    })
    .ok()
}

#[derive(FromRow)]
struct FlowRow {
    flow: i64,
    id: String,
    rank: i64,
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
    const BY_NAME: &str = "SELECT * FROM flow WHERE flow = (SELECT flow FROM name WHERE name = ?)";

    fn summary(&self) -> Result<Summary, Unavailable> {
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
    const AFTER: &str = "SELECT seq, body FROM event WHERE flow = ? AND seq > ? ORDER BY seq";

    fn read(&self) -> Result<Kept, Unavailable> {
        Ok(Kept {
            seq: u64::try_from(self.seq).map_err(Unavailable::unreadable)?,
            event: serde_json::from_str(&self.body).map_err(Unavailable::unreadable)?,
        })
    }
}

/// One turn of writing. A handoff's twenty events have few names and come close together: what they
/// say is put together in memory, which nobody else's writing can disturb meanwhile, and written by a
/// few statements at the end. Each statement wakes two threads; with some for each event, keeping a
/// handoff cost half of what the handoff did.
struct Writing<'a> {
    connection: &'a mut SqliteConnection,
    now: i64,
    /// The last number that a flow was given.
    last: i64,
    /// The names that the turn's events have, with the flows that have them. What is not here is new.
    names: HashMap<String, Number>,
    flows: BTreeMap<Number, Held>,
    /// Names that are not written yet.
    new_names: Vec<String>,
    /// Events that are not written yet, after the flows that they belong to, as a list in JSON
    /// without its end.
    new_events: String,
    /// Flows that have changed or are gone into others.
    touched: BTreeSet<Number>,
}

/// A flow in the middle of a turn.
struct Held {
    id: String,
    rank: i64,
    summary: Summary,
    /// It is not written as it is now.
    changed: bool,
}

impl<'a> Writing<'a> {
    async fn begin(
        store: &Sqlite,
        connection: &'a mut SqliteConnection,
        events: &[Event],
        now: OffsetDateTime,
    ) -> Result<Self, Unavailable> {
        let asked: HashSet<String> = events
            .iter()
            .filter_map(Names::of)
            .flat_map(|names| names.all.into_iter().chain(names.presented))
            .collect();
        let rows = sqlx::query(
            "SELECT flow.*, name.name FROM json_each(?) AS asked
             JOIN name ON name.name = asked.value JOIN flow ON flow.flow = name.flow",
        )
        .bind(json(&asked)?)
        .fetch_all(&mut *connection)
        .await?;
        // An explicit number counts too, and none is given twice.
        let last = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'flow'")
            .fetch_optional(&mut *connection)
            .await?;
        let (mut names, mut flows) = (HashMap::new(), BTreeMap::new());
        for row in rows {
            let number = Number(row.try_get("flow")?);
            if let btree_map::Entry::Vacant(place) = flows.entry(number) {
                let Some((flow, _)) = store.flow(&row) else {
                    // It leaves its id to the one that begins in its place: ids are unique.
                    sqlx::query("UPDATE flow SET id = 'unreadable ' || flow WHERE flow = ?")
                        .bind(number.0)
                        .execute(&mut *connection)
                        .await?;
                    continue;
                };
                place.insert(Held {
                    summary: flow.summary()?,
                    id: flow.id,
                    rank: flow.rank,
                    changed: false,
                });
            }
            names.insert(row.try_get("name")?, number);
        }
        Ok(Self {
            connection,
            now: millis(now),
            last: last.unwrap_or(0),
            names,
            flows,
            new_names: Vec::new(),
            new_events: "[".to_owned(),
            touched: BTreeSet::new(),
        })
    }

    async fn keep(&mut self, event: &Event) -> Result<(), Unavailable> {
        let Some(mut names) = Names::of(event) else {
            return Ok(());
        };
        if let Some(token) = &names.presented
            && let Some(handoff) = self.find(token)
        {
            self.names.insert(handoff.id.clone(), handoff.number);
            names.are_of(&handoff);
        }
        let found: Vec<Found> = names
            .all
            .iter()
            .filter_map(|name| self.find(name))
            .collect();
        let Place {
            into,
            same,
            takes_names,
        } = Place::choose(&names, &found);
        let (id, rank) = names.id;
        let number = match into {
            Some(number) => {
                for other in same {
                    self.join(number, other).await?;
                }
                number
            }
            None => self.make(&id, rank),
        };
        for name in names.all.into_iter().filter(|_| takes_names) {
            if let hash_map::Entry::Vacant(place) = self.names.entry(name) {
                self.new_names.push(place.key().clone());
                place.insert(number);
            }
        }
        let held = held(&mut self.flows, number)?;
        if into.is_none() || (takes_names && held.rank < rank) {
            // A full flow may have had this name, which leads to whom it is the id of.
            if self.names.insert(id.clone(), number) != Some(number) {
                self.new_names.push(id.clone());
            }
            (held.id, held.rank) = (id, rank);
        }
        self.touched.insert(number);
        held.changed = true;
        held.summary.see(event);
        if held.summary.steps < EVENTS {
            let body = body(event, held.summary.bytes)?;
            held.summary.steps += 1;
            held.summary.bytes += body.len();
            let comma = if self.new_events.len() > 1 { "," } else { "" };
            self.new_events += &format!("{comma}[{},{body}]", number.0);
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<Found> {
        let number = *self.names.get(name)?;
        let Held {
            id, rank, summary, ..
        } = self.flows.get(&number)?;
        Some(Found {
            number,
            id: id.clone(),
            rank: *rank,
            steps: summary.steps,
        })
    }

    fn make(&mut self, id: &str, rank: i64) -> Number {
        self.last += 1;
        let held = Held {
            id: id.to_owned(),
            rank,
            summary: Summary::new(),
            changed: true,
        };
        self.flows.insert(Number(self.last), held);
        Number(self.last)
    }

    async fn join(&mut self, into: Number, other: Number) -> Result<(), Unavailable> {
        self.write().await?;
        if let Some(gone) = self.flows.remove(&other) {
            held(&mut self.flows, into)?.summary.join(gone.summary);
        }
        for number in self.names.values_mut().filter(|it| **it == other) {
            *number = into;
        }
        let last: Option<i64> = sqlx::query_scalar("SELECT MAX(seq) FROM event")
            .fetch_one(&mut *self.connection)
            .await?;
        for statement in [
            "INSERT INTO event (flow, body)
             SELECT ?1, body FROM event WHERE flow IN (?1, ?2) ORDER BY seq",
            "DELETE FROM event WHERE flow = ?1 AND seq <= ?3",
            "UPDATE name SET flow = ?1 WHERE flow = ?2",
        ] {
            sqlx::query(statement)
                .bind(into.0)
                .bind(other.0)
                .bind(last)
                .execute(&mut *self.connection)
                .await?;
        }
        // Its own rows of events go with it.
        sqlx::query("DELETE FROM flow WHERE flow = ?")
            .bind(other.0)
            .execute(&mut *self.connection)
            .await?;
        self.touched.insert(other);
        Ok(())
    }

    /// Writes what is not written yet.
    async fn write(&mut self) -> Result<(), Unavailable> {
        let changed = self.flows.iter_mut().filter(|(_, held)| held.changed);
        let flows = changed
            .map(|(number, held)| {
                held.changed = false;
                held.row(*number, self.now)
            })
            .collect::<Result<Vec<_>, _>>()?;
        sqlx::query(
            "INSERT INTO flow (flow, id, rank, client, began, last, course, steps, bytes, kept_at,
                               person)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
                    value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10
             FROM json_each(?) WHERE true
             ON CONFLICT (flow) DO UPDATE
             SET id = excluded.id, rank = excluded.rank, client = excluded.client,
                 began = excluded.began, last = excluded.last, course = excluded.course,
                 steps = excluded.steps, bytes = excluded.bytes,
                 kept_at = excluded.kept_at, person = excluded.person",
        )
        .bind(json(&flows)?)
        .execute(&mut *self.connection)
        .await?;
        let named = |name| self.names.get(name).map(|number| (name, number));
        let names: Vec<_> = self.new_names.iter().filter_map(named).collect();
        sqlx::query(
            "INSERT INTO name (name, flow)
             SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true
             ON CONFLICT (name) DO UPDATE SET flow = excluded.flow",
        )
        .bind(json(&names)?)
        .execute(&mut *self.connection)
        .await?;
        self.new_names.clear();
        let events = std::mem::replace(&mut self.new_events, "[".to_owned());
        sqlx::query(
            "INSERT INTO event (flow, body)
             SELECT value ->> 0, value -> 1 FROM json_each(?) ORDER BY key",
        )
        .bind(events + "]")
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }
}

impl Held {
    /// Its row, in the order of the statement that writes it.
    fn row(&self, number: Number, now: i64) -> Result<impl Serialize, Unavailable> {
        let summary = &self.summary;
        let client = summary.client.as_ref().map(ClientId::as_str);
        Ok((
            number,
            &self.id,
            self.rank,
            client,
            summary.began,
            summary.last,
            json(&summary.course)?,
            summary.steps,
            summary.bytes,
            now,
            summary.person,
        ))
    }
}

/// A flow of this turn, as every one is that has a name of it.
fn held(flows: &mut BTreeMap<Number, Held>, number: Number) -> Result<&mut Held, Unavailable> {
    let held = flows.get_mut(&number);
    held.ok_or_else(|| Unavailable::unreadable("a flow that was never read"))
}

/// Many values as one of a statement's.
fn json(values: &impl Serialize) -> Result<String, Unavailable> {
    serde_json::to_string(values).map_err(Unavailable::unreadable)
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
        let mut writing = Writing::begin(self, &mut tx, events, now).await?;
        for event in events {
            writing.keep(event).await?;
        }
        writing.write().await?;
        let touched = writing.touched.into_iter().collect();
        tx.commit().await?;
        Ok(touched)
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
            let rows = sqlx::query("SELECT * FROM flow WHERE flow < ? ORDER BY flow DESC LIMIT ?")
                .bind(before)
                .bind(count(most))
                .fetch_all(self.database.readers())
                .await?;
            let read = rows.iter().filter_map(|row| self.flow(row));
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
        let row = sqlx::query(FlowRow::BY_NAME)
            .bind(key.as_str())
            .fetch_optional(self.database.readers())
            .await?;
        let found = row.and_then(|row| self.flow(&row));
        Ok(found.map(|(_, flow)| flow))
    }

    async fn find_whole(&self, key: &Key) -> Result<Option<(Flow, Vec<Kept>)>, Unavailable> {
        let mut tx = self.database.readers().begin().await?;
        let row = sqlx::query(FlowRow::BY_NAME)
            .bind(key.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let Some((_, flow)) = row.and_then(|row| self.flow(&row)) else {
            return Ok(None);
        };
        let rows = sqlx::query(EventRow::AFTER)
            .bind(flow.number.0)
            .bind(0)
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Some((flow, self.events(&rows))))
    }

    async fn events_after(&self, flow: Number, after: u64) -> Result<Vec<Kept>, Unavailable> {
        let rows = sqlx::query(EventRow::AFTER)
            .bind(flow.0)
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .fetch_all(self.database.readers())
            .await?;
        Ok(self.events(&rows))
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
        let there: Vec<(bool, i64, i64)> =
            sqlx::query_as("SELECT person, COUNT(*), SUM(bytes) FROM flow GROUP BY person")
                .fetch_all(&mut *tx)
                .await?;
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
            let surplus = sqlx::query(
                "DELETE FROM flow WHERE flow IN (
                     SELECT flow FROM (
                         SELECT flow, ROW_NUMBER() OVER newest AS place,
                                SUM(bytes) OVER newest AS size
                         FROM flow WHERE person = ?
                         WINDOW newest AS (ORDER BY flow DESC ROWS UNBOUNDED PRECEDING)
                     ) WHERE place > ? OR size > ?)",
            )
            .bind(person)
            .bind(count(flows.of_kind(person)))
            .bind(count(bytes.of_kind(person)))
            .execute(&mut *tx)
            .await?;
            rows += surplus.rows_affected();
        }
        tx.commit().await?;
        Ok(rows)
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.database.ping().await
    }
}
