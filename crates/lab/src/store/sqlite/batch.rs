//! How recorded events are written: many at once.
//!
//! The statements that take many values as one JSON list are for SQLite alone. PostgreSQL has the same
//! under `json_array_elements(CAST($1 AS json)) WITH ORDINALITY AS listed (value, key)`, and the last
//! number of `flow` in the table's sequence, which an explicit number does not move.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, btree_map, hash_map},
    sync::Arc,
};

use database::{Connection, Statement, Unavailable, millis};
use handoff::{flow::Event, ids::ClientId};
use serde::Serialize;
use sqlx::Row as _;
use time::OffsetDateTime;

use super::{
    super::{
        EVENTS, Number,
        placing::{FlowMatch, Names, Place},
        summary::{Summary, body},
    },
    LogOnce,
};

const FIND_BY_NAMES: Statement = Statement::for_sqlite(
    "SELECT flow.*, name.name FROM json_each($1) AS asked
     JOIN name ON name.name = asked.value ->> 0 JOIN flow ON flow.flow = name.flow",
);
/// The last number that a flow was given. An explicit number counts too, and none is given twice.
const LAST_NUMBER: Statement =
    Statement::for_sqlite("SELECT seq FROM sqlite_sequence WHERE name = 'flow'");
/// A flow that cannot be read leaves its id to the one that begins in its place: ids are unique.
const GIVE_UP_ID: Statement =
    Statement::new("UPDATE flow SET id = 'unreadable ' || CAST(flow AS TEXT) WHERE flow = $1");

const LAST_EVENT: Statement = Statement::new("SELECT MAX(seq) FROM event");
const RENUMBER: Statement = Statement::new(
    "INSERT INTO event (flow, body)
     SELECT $1, body FROM event WHERE flow IN ($1, $2) ORDER BY seq",
);
const DELETE_OLD_NUMBERS: Statement =
    Statement::new("DELETE FROM event WHERE flow = $1 AND seq <= $2");
const MOVE_NAMES: Statement = Statement::new("UPDATE name SET flow = $1 WHERE flow = $2");
/// Its own rows of events go with it.
const DELETE_FLOW: Statement = Statement::new("DELETE FROM flow WHERE flow = $1");

const WRITE_FLOWS: Statement = Statement::for_sqlite(
    "INSERT INTO flow (flow, id, rank, client, began, last, course, steps, bytes, kept_at, person)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
            value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10
     FROM json_each($1) WHERE true
     ON CONFLICT (flow) DO UPDATE
     SET id = excluded.id, rank = excluded.rank, client = excluded.client,
         began = excluded.began, last = excluded.last, course = excluded.course,
         steps = excluded.steps, bytes = excluded.bytes, kept_at = excluded.kept_at,
         person = excluded.person",
);
const WRITE_NAMES: Statement = Statement::for_sqlite(
    "INSERT INTO name (name, flow)
     SELECT value ->> 0, value ->> 1 FROM json_each($1) WHERE true
     ON CONFLICT (name) DO UPDATE SET flow = excluded.flow",
);
const WRITE_EVENTS: Statement = Statement::for_sqlite(
    "INSERT INTO event (flow, body)
     SELECT value ->> 0, value ->> 1 FROM json_each($1) ORDER BY key",
);

/// Keeps these events.
pub(super) async fn keep(
    tx: &mut Connection,
    logged: Arc<LogOnce>,
    events: Vec<Event>,
    now: OffsetDateTime,
) -> Result<Vec<Number>, Unavailable> {
    let mut batch = WriteBatch::begin(tx, &logged, &events, now).await?;
    for event in &events {
        batch.keep(event).await?;
    }
    batch.write().await?;
    Ok(batch.touched.into_iter().collect())
}

/// The events of one transaction. A handoff's twenty events have few names and come close together:
/// the batch puts together in memory what they say, which no other verb can change meanwhile, and
/// writes it by a few statements at the end. Each statement wakes two threads; with some for each
/// event, keeping a handoff cost half of what the handoff did.
struct WriteBatch<'a> {
    connection: &'a mut Connection,
    now: i64,
    /// The last number that a flow was given.
    last: i64,
    /// The names that the batch's events have, with the flows that have them. What is not here is new.
    names: HashMap<String, Number>,
    flows: BTreeMap<Number, FlowState>,
    /// Names that are not written yet.
    new_names: Vec<String>,
    /// Events that are not written yet, after the flows that they belong to, as a list in JSON
    /// without its end.
    new_events: String,
    /// Flows that have changed or are gone into others.
    touched: BTreeSet<Number>,
}

/// A flow in the middle of a batch.
struct FlowState {
    id: String,
    rank: i64,
    summary: Summary,
    /// It is not written as it is now.
    changed: bool,
}

impl<'a> WriteBatch<'a> {
    async fn begin(
        connection: &'a mut Connection,
        logged: &LogOnce,
        events: &[Event],
        now: OffsetDateTime,
    ) -> Result<Self, Unavailable> {
        let asked: HashSet<(String,)> = events
            .iter()
            .filter_map(Names::of)
            .flat_map(|names| names.all.into_iter().chain(names.presented))
            .map(|name| (name,))
            .collect();
        let rows = sqlx::query(FIND_BY_NAMES)
            .bind(json(&asked)?)
            .fetch_all(&mut *connection)
            .await?;
        let last = sqlx::query_scalar(LAST_NUMBER)
            .fetch_optional(&mut *connection)
            .await?;
        let (mut names, mut flows) = (HashMap::new(), BTreeMap::new());
        for row in rows {
            let number = Number(row.try_get("flow")?);
            if let btree_map::Entry::Vacant(place) = flows.entry(number) {
                let Some((flow, _)) = logged.flow(&row) else {
                    sqlx::query(GIVE_UP_ID)
                        .bind(number.0)
                        .execute(&mut *connection)
                        .await?;
                    continue;
                };
                place.insert(FlowState {
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
        if let Some(handoff) = names.of_token(|name| self.find(name)) {
            self.names.insert(handoff.id.clone(), handoff.number);
            names.are_of(&handoff);
        }
        let Some(found) = names.find(|name| self.find(name)) else {
            return Ok(());
        };
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
        let state = flow_state(&mut self.flows, number)?;
        if into.is_none() || (takes_names && state.rank < rank) {
            // A full flow may have had this name, which leads to whom it is the id of.
            if self.names.insert(id.clone(), number) != Some(number) {
                self.new_names.push(id.clone());
            }
            (state.id, state.rank) = (id, rank);
        }
        self.touched.insert(number);
        state.changed = true;
        state.summary.see(event);
        if state.summary.steps < EVENTS {
            let body = body(event, state.summary.bytes)?;
            state.summary.steps += 1;
            state.summary.bytes += body.len();
            let comma = if self.new_events.len() > 1 { "," } else { "" };
            // As a string: SQLite would read an object member by member and write it anew.
            self.new_events += &format!("{comma}[{},{}]", number.0, json(&body)?);
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<FlowMatch> {
        let number = *self.names.get(name)?;
        let FlowState {
            id, rank, summary, ..
        } = self.flows.get(&number)?;
        Some(FlowMatch {
            number,
            id: id.clone(),
            rank: *rank,
            steps: summary.steps,
            client: summary.client.clone(),
        })
    }

    fn make(&mut self, id: &str, rank: i64) -> Number {
        self.last += 1;
        let state = FlowState {
            id: id.to_owned(),
            rank,
            summary: Summary::new(),
            changed: true,
        };
        self.flows.insert(Number(self.last), state);
        Number(self.last)
    }

    async fn join(&mut self, into: Number, other: Number) -> Result<(), Unavailable> {
        self.write().await?;
        if let Some(gone) = self.flows.remove(&other) {
            flow_state(&mut self.flows, into)?
                .summary
                .join(gone.summary);
        }
        for number in self.names.values_mut().filter(|it| **it == other) {
            *number = into;
        }
        let last: Option<i64> = sqlx::query_scalar(LAST_EVENT)
            .fetch_one(&mut *self.connection)
            .await?;
        sqlx::query(RENUMBER)
            .bind(into.0)
            .bind(other.0)
            .execute(&mut *self.connection)
            .await?;
        sqlx::query(DELETE_OLD_NUMBERS)
            .bind(into.0)
            .bind(last)
            .execute(&mut *self.connection)
            .await?;
        sqlx::query(MOVE_NAMES)
            .bind(into.0)
            .bind(other.0)
            .execute(&mut *self.connection)
            .await?;
        sqlx::query(DELETE_FLOW)
            .bind(other.0)
            .execute(&mut *self.connection)
            .await?;
        self.touched.insert(other);
        Ok(())
    }

    /// Writes what is not written yet.
    async fn write(&mut self) -> Result<(), Unavailable> {
        let changed = self.flows.iter_mut().filter(|(_, state)| state.changed);
        let flows = changed
            .map(|(number, state)| {
                state.changed = false;
                state.row(*number, self.now)
            })
            .collect::<Result<Vec<_>, _>>()?;
        sqlx::query(WRITE_FLOWS)
            .bind(json(&flows)?)
            .execute(&mut *self.connection)
            .await?;
        let named = |name| self.names.get(name).map(|number| (name, number));
        let names: Vec<_> = self.new_names.iter().filter_map(named).collect();
        sqlx::query(WRITE_NAMES)
            .bind(json(&names)?)
            .execute(&mut *self.connection)
            .await?;
        self.new_names.clear();
        let events = std::mem::replace(&mut self.new_events, "[".to_owned());
        sqlx::query(WRITE_EVENTS)
            .bind(events + "]")
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}

impl FlowState {
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

/// A flow of this batch, as every one is that has a name of it.
fn flow_state(
    flows: &mut BTreeMap<Number, FlowState>,
    number: Number,
) -> Result<&mut FlowState, Unavailable> {
    let state = flows.get_mut(&number);
    state.ok_or_else(|| Unavailable::unreadable("a flow that was never read"))
}

/// Many values as one of a statement's.
fn json(values: &impl Serialize) -> Result<String, Unavailable> {
    serde_json::to_string(values).map_err(Unavailable::unreadable)
}
