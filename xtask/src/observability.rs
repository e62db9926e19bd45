//! Tests: promtool reads every expression of docs/observability, each alert fires and clears, and what
//! an expression asks for is a metric of the document's table.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn folder() -> PathBuf {
    crate::workspace::root().unwrap().join("docs/observability")
}

fn promtool(folder: &Path, arguments: &[&str]) {
    let target = crate::workspace::root().unwrap().join("target");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(target, PathBuf::from);
    let program = crate::promtool::find(&target).unwrap();
    let output = Command::new(program)
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    let (said, complained) = (output.stdout, output.stderr);
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&said),
        String::from_utf8_lossy(&complained)
    );
}

/// Every expression of the dashboard, wherever it stands.
fn expressions(dashboard: &Value, found: &mut Vec<String>) {
    match dashboard {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "expr" => found.push(text.clone()),
                    value => expressions(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

fn of_dashboard() -> Vec<String> {
    let dashboard = serde_json::from_str(include_str!("../../docs/observability/grafana.json"));
    let mut found = Vec::new();
    expressions(&dashboard.unwrap(), &mut found);
    found
}

/// The metrics that a text names.
fn metrics(text: &str) -> BTreeSet<&str> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let names = text.split(word).filter(|word| word.starts_with("handoff_"));
    // A histogram has three series.
    let base = |name: &'_ str| -> usize {
        let suffix = ["_bucket", "_sum", "_count"]
            .iter()
            .find(|suffix| name.ends_with(*suffix));
        name.len() - suffix.map_or(0, |suffix| suffix.len())
    };
    names.map(|name| &name[..base(name)]).collect()
}

#[test]
fn every_alert_can_be_read_fires_and_clears() {
    promtool(&folder(), &["check", "rules", "alerts.yml"]);
    promtool(&folder(), &["test", "rules", "alerts.test.yml"]);
    let rules = include_str!("../../docs/observability/alerts.yml");
    let tests = include_str!("../../docs/observability/alerts.test.yml");
    let alerts = rules
        .lines()
        .filter_map(|it| it.trim().strip_prefix("- alert: "));
    for alert in alerts {
        let mentioned = format!("alertname: {alert}\n");
        let fires = format!("{mentioned}        exp_alerts:");
        let (fired, all) = (
            tests.matches(&fires).count(),
            tests.matches(&mentioned).count(),
        );
        assert!(
            fired >= 1 && all - fired >= 2,
            "{alert} is not tested both ways"
        );
    }
}

#[test]
fn every_expression_of_the_dashboard_can_be_read() {
    let expressions = of_dashboard();
    assert!(expressions.len() > 15);
    let rules = expressions.iter().enumerate().map(|(n, expression)| {
        // What Grafana puts in their place.
        let expression = expression.replace("$__rate_interval", "5m");
        let expression = serde_json::to_string(&expression).unwrap();
        format!("  - record: dashboard:{n}\n    expr: {expression}\n")
    });
    let rules: String = rules.collect();
    let folder = tempfile::tempdir().unwrap();
    let text = format!("groups:\n- name: dashboard\n  rules:\n{rules}");
    std::fs::write(folder.path().join("dashboard.yml"), text).unwrap();
    promtool(folder.path(), &["check", "rules", "dashboard.yml"]);
}

#[test]
fn what_alerts_and_dashboard_ask_for_is_documented_and_all_that_is_documented_is_used() {
    let table = include_str!("../../docs/observability/README.md");
    let rows = table.lines().filter(|line| line.starts_with("| `handoff_"));
    let documented: String = rows.collect();
    let documented = metrics(&documented);
    let dashboard = of_dashboard().join("\n");
    let alerts = include_str!("../../docs/observability/alerts.yml");
    let asked: BTreeSet<_> = metrics(&dashboard)
        .union(&metrics(alerts))
        .copied()
        .collect();
    assert_eq!(asked, documented);
}

#[test]
fn the_names_of_metrics_are_read_from_expressions() {
    let read = metrics("rate(handoff_a_seconds_bucket{le=\"1\"}[5m])/handoff_b_total+up");
    assert_eq!(
        read,
        BTreeSet::from(["handoff_a_seconds", "handoff_b_total"])
    );
}
