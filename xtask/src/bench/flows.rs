//! The list of flows, with as many as are ever kept. They are reported, as by another process, each
//! one a copy of a handoff that really happened.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{Report, Server, millis, quantiles, visitor::Visitor};
use crate::steps;

/// How many flows are kept.
const FLOWS: usize = 10_000;
/// How many of them one report has: it may have two hundred steps.
const MAX_AT_ONCE: usize = 8;
/// How often each page is asked for.
const ROUNDS: usize = 200;
/// The most that a page of the list may take, in milliseconds, and the most rows that it may have.
const BOUND: f64 = 20.0;
const ROWS: f64 = 200.0;
/// How often a report is sent again while the lab has no room.
const PATIENCE: usize = 1_000;

pub(super) fn measure(program: &Path, data: &Path, report: &mut Report) -> Result<()> {
    let server = Server::start(program, data)?;
    let mut visitor = Visitor::new(server.port)?;
    let form = visitor.sign_in()?;
    visitor.handoff(&form)?;
    let first = first_flow(&mut visitor)?;
    let file = visitor.get("lab", &format!("/flows/{first}/export.json"))?;
    let file: Value = serde_json::from_slice(&file.body)?;
    let steps = file["events"].as_array().context("a flow without steps")?;
    let key = std::fs::read_to_string(data.join("lab.key"))?;
    let bearer = format!("Bearer {}", key.trim());
    let numbers: Vec<usize> = (1..FLOWS).collect();
    for some in numbers.chunks(MAX_AT_ONCE) {
        let copies: Vec<Value> = some.iter().flat_map(|n| copy(steps, *n)).collect();
        keep(&mut visitor, &bearer, &serde_json::to_string(&copies)?)?;
    }
    let (last, _) = page(&mut visitor, "/flows", 1)?;
    let earlier = last.earlier.context("the list has one page only")?;
    let (newest, took_newest) = page(&mut visitor, "/flows", ROUNDS)?;
    let (older, took_older) = page(&mut visitor, &earlier, ROUNDS)?;
    // All that was reported is there, and nothing was dropped.
    let pages = FLOWS.div_ceil(newest.flows);
    let kept = count(&mut visitor, pages)?;
    ensure!(kept == FLOWS, "{kept} flows are kept, not {FLOWS}");
    let times = [
        ("the newest", took_newest),
        ("those before them", took_older),
    ];
    writeln!(
        report.text,
        "## The list of flows\n\n\
         With {FLOWS} flows of {} steps kept. From the request for a page of the list to its last byte: the query, and all that is done with it. (`cargo bench -p lab` measures the query alone.)\n\n\
         | | p50 | p95 | bound |\n|---|---|---|---|",
        steps.len()
    )?;
    for (name, took) in times {
        let [p50, p95] = quantiles(millis(&took));
        report.at_most(&format!("the list of flows, {name}, in ms"), p95, BOUND);
        writeln!(
            report.text,
            "| {name} | {p50:.1} ms | {p95:.1} ms | {BOUND:.0} ms |"
        )?;
    }
    let rows = newest.flows.max(older.flows) as f64;
    report.at_most("rows of the list of flows", rows, ROWS);
    writeln!(report.text, "| rows of a page | {rows} | | {ROWS} |\n")?;
    server.stop()
}

/// The newest flow, once it is kept.
fn first_flow(visitor: &mut Visitor) -> Result<String> {
    for _ in 0..PATIENCE {
        let list = List::read(visitor.get("lab", "/flows")?.text()?);
        if let Some(flow) = list.newest {
            return Ok(flow);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    bail!("the handoff is not in the list of flows")
}

/// The same handoff once more, as that of another state.
fn copy(steps: &[Value], n: usize) -> Vec<Value> {
    let mut steps = steps.to_vec();
    for step in &mut steps {
        let belongs = &mut step["belongs"];
        for (name, label) in [("flow", 0xf), ("launch", 0xa)] {
            if belongs.get(name).is_some() {
                belongs[name] = format!("{label:x}{n:031x}").into();
            }
        }
        if step.get("session").is_some() {
            step["session"] = Value::Null;
        }
        // Each of the handoff's requests keeps its own.
        let trace = step["trace"].as_str().unwrap_or_default();
        let request = trace.get(..11).unwrap_or_default();
        step["trace"] = format!("{request}{n:05x}").into();
    }
    steps
}

/// Reports these, as often as it takes until the lab has room for them.
fn keep(visitor: &mut Visitor, bearer: &str, events: &str) -> Result<()> {
    for _ in 0..PATIENCE {
        let headers = [("authorization", bearer)];
        let body = Some(("application/json", events));
        let answer = visitor.ask("lab", "POST", "/reports", &headers, body)?;
        match answer.status {
            204 => return Ok(()),
            503 => std::thread::sleep(Duration::from_millis(5)),
            status => bail!("a report is answered {status}: {}", answer.text()?),
        }
    }
    bail!("the lab has no room")
}

/// What a page of the list shows.
#[derive(Debug, PartialEq, Eq)]
struct List {
    flows: usize,
    newest: Option<String>,
    earlier: Option<String>,
}

impl List {
    fn read(page: &str) -> Self {
        let links = page.split("href=\"/flows").skip(1);
        let links = links.filter_map(|rest| rest.split_once('"'));
        let (mut flows, mut newest, mut earlier) = (BTreeSet::new(), None, None);
        for (link, _) in links {
            let flow = link.strip_prefix('/').filter(|id| is_flow(id));
            if let Some(id) = flow {
                newest.get_or_insert_with(|| id.to_owned());
                flows.insert(id);
            } else if link.starts_with("?before=") {
                earlier = Some(format!("/flows{link}"));
            }
        }
        Self {
            flows: flows.len(),
            newest,
            earlier,
        }
    }
}

/// Whether this is a flow's id, and not the name of another page below `/flows`.
fn is_flow(id: &str) -> bool {
    matches!(id.len(), 16 | 32) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Asks for a page so often.
fn page(visitor: &mut Visitor, path: &str, rounds: usize) -> Result<(List, Vec<Duration>)> {
    let mut took = Vec::new();
    let mut last = None;
    for _ in 0..rounds {
        let began = steps::now();
        let answer = visitor.get("lab", path)?;
        took.push(began.elapsed());
        last = Some(answer);
    }
    let last = last.context("no page was asked for")?;
    Ok((List::read(last.text()?), took))
}

/// How many flows the list has, over so many pages at most.
fn count(visitor: &mut Visitor, pages: usize) -> Result<usize> {
    let mut count = 0;
    let mut next = Some("/flows".to_owned());
    for _ in 0..=pages {
        let Some(path) = next else { break };
        let (list, _) = page(visitor, &path, 1)?;
        count += list.flows;
        next = list.earlier;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_the_list_is_read_by_its_links() {
        let page = r#"<a href="/flows" aria-current="page">Flows</a><a href="/flows/next">The next</a>
                      <a href="/flows/0123456789abcdef0123456789abcdef">one</a>
                      <a href="/flows/fedcba9876543210fedcba9876543210">two</a>
                      <a class="button" href="/flows?before=2">More</a>"#;
        let expected = List {
            flows: 2,
            newest: Some("0123456789abcdef0123456789abcdef".to_owned()),
            earlier: Some("/flows?before=2".to_owned()),
        };
        assert_eq!(List::read(page), expected);
    }

    #[test]
    fn a_copy_is_another_handoff_with_the_same_requests() {
        let step = |trace: &str| {
            serde_json::json!({
                "belongs": { "flow": "00", "launch": "11" }, "trace": trace, "session": "s",
            })
        };
        let steps = [
            step("0123456789abcdef"),
            step("0123456789abcdef"),
            step("fedcba9876543210"),
        ];
        let copies = copy(&steps, 18);
        assert_eq!(
            copies[0]["belongs"]["flow"],
            "f0000000000000000000000000000012"
        );
        assert_eq!(
            copies[0]["belongs"]["launch"],
            "a0000000000000000000000000000012"
        );
        assert_eq!(copies[0]["trace"], "0123456789a00012");
        assert_eq!(copies[0]["trace"], copies[1]["trace"]);
        assert_ne!(copies[0]["trace"], copies[2]["trace"]);
        assert!(copies.iter().all(|step| step["session"].is_null()));
    }
}
