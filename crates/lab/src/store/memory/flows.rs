//! Flows in memory.

use async_trait::async_trait;
use database::Unavailable;
use handoff::flow::Event;
use time::OffsetDateTime;

use super::{
    super::{
        EVENTS, Flow, FlowStore, Kept, Key, LISTED, Number,
        limits::Shares,
        placing::{FlowMatch, Names, Place},
        summary::{Summary, body, from_micros},
    },
    Memory, Tables,
};

#[derive(Debug)]
pub(super) struct Row {
    id: String,
    rank: i64,
    summary: Summary,
    events: Vec<(u64, String)>,
    kept_at: OffsetDateTime,
}

impl Tables {
    fn find(&self, name: &str) -> Option<FlowMatch> {
        let number = *self.names.get(name)?;
        let row = self.flows.get(&number)?;
        Some(FlowMatch {
            number,
            id: row.id.clone(),
            rank: row.rank,
            steps: row.summary.steps,
            client: row.summary.client.clone(),
        })
    }

    fn place(&mut self, names: &Names, found: &[FlowMatch], touched: &mut Vec<Number>) -> Number {
        let Place {
            into,
            same,
            takes_names,
        } = Place::choose(names, found);
        let (id, rank) = &names.id;
        let number = into.unwrap_or_else(|| {
            self.last_number += 1;
            let number = Number(self.last_number);
            let row = Row {
                id: id.clone(),
                rank: *rank,
                summary: Summary::new(),
                events: Vec::new(),
                kept_at: OffsetDateTime::UNIX_EPOCH,
            };
            self.flows.insert(number, row);
            number
        });
        for other in same {
            self.join(number, other);
            touched.push(other);
        }
        if !takes_names {
            return number;
        }
        if let Some(row) = self.flows.get_mut(&number)
            && (into.is_none() || row.rank < *rank)
        {
            row.id.clone_from(id);
            row.rank = *rank;
            // A full flow may have had this name, which leads to whom it is the id of.
            self.names.insert(id.clone(), number);
        }
        for name in &names.all {
            self.names.entry(name.clone()).or_insert(number);
        }
        number
    }

    fn join(&mut self, into: Number, other: Number) {
        let Some(gone) = self.flows.remove(&other) else {
            return;
        };
        for number in self.names.values_mut() {
            if *number == other {
                *number = into;
            }
        }
        if let Some(row) = self.flows.get_mut(&into) {
            row.summary.join(gone.summary);
            row.events.extend(gone.events);
            row.events.sort_by_key(|(seq, _)| *seq);
            for (seq, _) in &mut row.events {
                self.last_seq += 1;
                *seq = self.last_seq;
            }
        }
    }

    fn delete(&mut self, numbers: &[Number]) {
        for number in numbers {
            self.flows.remove(number);
        }
        let flows = &self.flows;
        self.names.retain(|_, of| flows.contains_key(of));
    }
}

impl Row {
    fn read(&self, number: Number) -> Result<Flow, Unavailable> {
        Ok(Flow {
            number,
            id: Key::parse(&self.id).map_err(Unavailable::unreadable)?,
            client: self.summary.client.clone(),
            began: from_micros(self.summary.began)?,
            last: from_micros(self.summary.last)?,
            outcome: self.summary.course.outcome(),
            steps: self.summary.steps,
            kept_at: self.kept_at,
        })
    }

    fn kept_after(&self, after: u64) -> Result<Vec<Kept>, Unavailable> {
        let events = self.events.iter().filter(|(seq, _)| *seq > after);
        events
            .map(|(seq, body)| {
                let event = serde_json::from_str(body).map_err(Unavailable::unreadable)?;
                Ok(Kept { seq: *seq, event })
            })
            .collect()
    }
}

#[async_trait]
impl FlowStore for Memory {
    async fn keep(
        &self,
        events: &[Event],
        now: OffsetDateTime,
    ) -> Result<Vec<Number>, Unavailable> {
        let mut tables = self.tables();
        let mut touched = Vec::new();
        for event in events {
            let Some(mut names) = Names::of(event) else {
                continue;
            };
            if let Some(handoff) = names.of_token(|name| tables.find(name)) {
                names.are_of(&handoff);
            }
            let Some(found) = names.find(|name| tables.find(name)) else {
                continue;
            };
            let number = tables.place(&names, &found, &mut touched);
            let seq = tables.last_seq + 1;
            let Some(row) = tables.flows.get_mut(&number) else {
                continue;
            };
            row.summary.see(event);
            row.kept_at = now;
            if row.summary.steps < EVENTS {
                let body = body(event, row.summary.bytes)?;
                row.summary.steps += 1;
                row.summary.bytes += body.len();
                row.events.push((seq, body));
                tables.last_seq = seq;
            }
            touched.push(number);
        }
        touched.sort_unstable();
        touched.dedup();
        Ok(touched)
    }

    async fn recent_flows(
        &self,
        limit: usize,
        before: Option<Number>,
    ) -> Result<Vec<Flow>, Unavailable> {
        let tables = self.tables();
        let newest = tables.flows.iter().rev();
        newest
            .filter(|(number, _)| before.is_none_or(|before| **number < before))
            .take(limit.min(LISTED))
            .map(|(number, row)| row.read(*number))
            .collect()
    }

    async fn find(&self, key: &Key) -> Result<Option<Flow>, Unavailable> {
        let tables = self.tables();
        let Some(number) = tables.names.get(key.as_str()) else {
            return Ok(None);
        };
        let row = tables.flows.get(number);
        row.map(|row| row.read(*number)).transpose()
    }

    async fn find_whole(&self, key: &Key) -> Result<Option<(Flow, Vec<Kept>)>, Unavailable> {
        let tables = self.tables();
        let number = tables.names.get(key.as_str());
        let row = number.and_then(|number| tables.flows.get_key_value(number));
        row.map(|(number, row)| Ok((row.read(*number)?, row.kept_after(0)?)))
            .transpose()
    }

    async fn events_after(&self, flow: Number, after: u64) -> Result<Vec<Kept>, Unavailable> {
        let tables = self.tables();
        let row = tables.flows.get(&flow);
        row.map_or(Ok(Vec::new()), |row| row.kept_after(after))
    }

    async fn sweep(
        &self,
        before: OffsetDateTime,
        flows: usize,
        bytes: usize,
    ) -> Result<u64, Unavailable> {
        let mut tables = self.tables();
        let old = |row: &Row| row.kept_at < before;
        let mut gone: Vec<Number> = Vec::new();
        gone.extend(
            tables
                .flows
                .iter()
                .filter_map(|(it, row)| old(row).then_some(*it)),
        );
        let newest: Vec<_> = tables.flows.iter().rev().collect();
        let there = |person: bool, much: fn(&Row) -> usize| {
            let those = newest.iter().map(|(_, row)| *row);
            let those = those.filter(|row| !old(row) && row.summary.person == person);
            those.map(much).sum::<usize>()
        };
        let share = |bound, much| {
            let (strangers, people) = (there(false, much), there(true, much));
            Shares::of(bound, Shares { strangers, people })
        };
        let (flows, bytes) = (share(flows, |_| 1), share(bytes, |row| row.summary.bytes));
        for person in [false, true] {
            let (mut kept, mut size) = (0, 0);
            for (number, row) in &newest {
                if !old(row) && row.summary.person == person {
                    // What is older than the first that has no room has none either.
                    (kept, size) = (kept + 1, size + row.summary.bytes);
                    if kept > flows.of_kind(person) || size > bytes.of_kind(person) {
                        gone.push(**number);
                    }
                }
            }
        }
        tables.delete(&gone);
        Ok(gone.len() as u64)
    }
}
