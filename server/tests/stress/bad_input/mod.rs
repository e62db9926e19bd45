//! Bad input over every route of every site.
//!
//! `routes` has a good request for each route, `cases` the ways to spoil one value of it. Whatever is
//! spoilt: the refusal that the protocol names, never a 5xx, never a session, never a redirect to a
//! place that is not ours, and no row in any store that came, went or changed, unless the protocol
//! wants just that.

mod cases;
mod raw;
mod routes;

use relying_party::Application;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::dump::Watch;
use crate::harness::{self, Process};
use cases::{Case, Expect};
use raw::{Reply, Request};
use routes::{Built, Route, Site, Stage, routes};

async fn stage() -> (Process, Stage) {
    let (process, world) = harness::world().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ops = listener.local_addr().unwrap();
    let operations = world.operations();
    tokio::spawn(async move {
        server::listen::serve(listener, operations, CancellationToken::new()).await;
    });
    (process, Stage::new(world, ops).await)
}

impl Route {
    fn name(&self, built: &Built) -> String {
        format!("{:?} {} {}", self.site, built.request.method, self.path)
    }

    fn address(&self, stage: &Stage) -> SocketAddr {
        match self.site {
            Site::Ops => stage.ops,
            _ => stage.world.address(),
        }
    }

    fn cases(&self, built: &Built) -> Vec<Case> {
        let mut cases = cases::of_values(self, built);
        cases.extend(cases::of_the_whole(self, built));
        cases
    }
}

/// What is wrong with an answer, if anything is.
fn complaint(
    route: &Route,
    stage: &Stage,
    expect: Expect,
    reply: &Reply,
    changed: &BTreeSet<String>,
) -> Option<String> {
    let Reply { status, body, .. } = reply;
    let names = |error: &str| body.contains(&format!("\"error\":\"{error}\""));
    let (as_expected, may_change): (bool, &[&str]) = match expect {
        Expect::Status(wanted) => (wanted.contains(status), &[]),
        Expect::Error(wanted, error) => (*status == wanted && names(error), &[]),
        Expect::Burns => (
            *status == 400 && names("HANDOFF_VERIFICATION_FAILED"),
            // The person is told, too, that it was refused.
            &["authority.handoff", "authority.recent_handoff"],
        ),
        Expect::Explained => (is_explained(reply), &[]),
        Expect::Abandoned => (
            is_explained(reply),
            &[
                "notes.started",
                "authority.handoff",
                "authority.recent_handoff",
            ],
        ),
        Expect::Nobody => ((route.nobody)(reply), &[]),
        Expect::Asked => (*status == 200 && body.contains("name=\"decision\""), &[]),
        // The page says what was done, if something was.
        Expect::NothingDone => (
            *status == 303 && (reply.location() == "/" || reply.location().starts_with("/?")),
            &[],
        ),
        Expect::Same => ((route.good)(reply), &[]),
    };
    if !as_expected {
        return Some(format!("not {expect:?}"));
    }
    if *status >= 500 && !matches!(expect, Expect::Status([503])) {
        return Some("the server's fault".to_owned());
    }
    if expect != Expect::Same {
        let unwanted: Vec<_> = changed
            .iter()
            .filter(|table| !may_change.contains(&table.as_str()))
            .collect();
        if !unwanted.is_empty() {
            return Some(format!("{unwanted:?} changed"));
        }
    }
    untoward(stage, reply, expect == Expect::Same, route.gives)
}

/// What no answer may have, whatever was asked.
fn untoward(stage: &Stage, reply: &Reply, served: bool, gives: &str) -> Option<String> {
    for (name, value) in &reply.headers {
        if name != "set-cookie" {
            continue;
        }
        if !value.starts_with("__Host-") {
            return Some(format!("a cookie of somebody else's: {value}"));
        }
        let (cookie, rest) = value.split_once('=').unwrap();
        let is_session = cookie.ends_with("_session") && !rest.starts_with(';');
        if is_session && !(served && cookie == gives) {
            return Some(format!("a session: {value}"));
        }
    }
    let location = reply.location();
    let origins = &stage.world.origins;
    let local =
        location.starts_with('/') && !location.starts_with("//") && !location.contains('\\');
    let ours = [
        origins.of(authority::ID),
        origins.of(Application::Notes),
        origins.of(Application::Tasks),
        origins.of(lab::ID),
    ]
    .iter()
    .any(|origin| location.starts_with(&format!("{origin}/")));
    if !location.is_empty() && !local && !ours {
        return Some(format!("sends people to {location}"));
    }
    if reply.body.contains("<script>alert") {
        return Some("text became markup".to_owned());
    }
    None
}

fn is_explained(reply: &Reply) -> bool {
    reply.status == 303 && reply.location().starts_with("/signin/problem?")
}

/// The tables that differ from what they were. What sites record of their requests, also of refused
/// ones, comes to the lab by itself; at the lab's own routes it counts.
async fn changes(watch: &mut Watch, stage: &Stage, route: &Route) -> BTreeSet<String> {
    if route.site == Site::Lab {
        stage.world.settled().await;
    }
    let mut changed = watch.changes().await;
    changed.retain(|table| route.site == Site::Lab || !table.starts_with("lab."));
    changed
}

/// Runs all cases of some routes and reports all that fail.
async fn refuse_bad_input(chosen: impl Fn(&Route) -> bool) {
    let (_process, stage) = stage().await;
    let mut watch = Watch::new(&stage.world.folder()).await;
    assert!(watch.rows() > 10, "there is something to change");
    let (mut count, mut failures) = (0, Vec::new());
    for route in routes().into_iter().filter(|route| chosen(route)) {
        let address = route.address(&stage);
        let mut built = (route.base)(&stage).await;
        let name = route.name(&built);
        changes(&mut watch, &stage, &route).await;
        for case in route.cases(&built) {
            stage.world.clock.advance(wait_before_each(&route));
            let request = case.request(&built);
            let reply = request.send(address).await;
            let changed = changes(&mut watch, &stage, &route).await;
            count += 1;
            if let Some(why) = complaint(&route, &stage, case.expect, &reply, &changed) {
                failures.push(format!("{name}: {}: {why}", case.label));
                explain(&name, &case.label, &why, &request, &reply);
            }
            if case.expect == Expect::Same || !changed.is_empty() {
                // Nobody signs in and opens applications that fast; the limits of a session know it.
                stage.world.clock.advance(Duration::SECOND);
                built = (route.base)(&stage).await;
                changes(&mut watch, &stage, &route).await;
            }
        }
        // Nothing was wrong with it but what the cases put there, and they used nothing up.
        let reply = built.request.send(address).await;
        let served = (route.good)(&reply);
        let why = untoward(&stage, &reply, true, route.gives);
        if !served || why.is_some() {
            failures.push(format!("{name}: the good request: {why:?}"));
            explain(
                &name,
                "the good request",
                "not served",
                &built.request,
                &reply,
            );
        }
        watch.changes().await;
    }
    println!("{count} cases");
    assert!(
        failures.is_empty(),
        "{} of {count} cases:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn explain(route: &str, case: &str, why: &str, request: &Request, reply: &Reply) {
    println!(
        "-- {route}: {case}: {why}\n{}\n->\n{} {:?}\n{}\n",
        request.shown(),
        reply.status,
        reply.headers,
        reply.body.chars().take(300).collect::<String>(),
    );
}

#[tokio::test]
async fn row_36_every_route_of_harbor_id_refuses_bad_input() {
    refuse_bad_input(|route| route.site == Site::Authority && !is_sign_in(route)).await;
}

#[tokio::test]
async fn row_36_the_sign_in_form_refuses_bad_input() {
    refuse_bad_input(is_sign_in).await;
}

/// What a limit asks for between two requests, so that none of them is refused by it.
fn wait_before_each(route: &Route) -> Duration {
    if is_sign_in(route) {
        // Wrong passwords slow an account down for a while. The sign-in form is there for people who
        // are not signed in, so that no session of the test ends by this.
        Duration::hours(2)
    } else if route.path == "/api/v1/reports" {
        Duration::SECOND
    } else {
        Duration::ZERO
    }
}

fn is_sign_in(route: &Route) -> bool {
    route.gives == "__Host-as_session"
}

#[tokio::test]
async fn row_36_every_route_of_notes_refuses_bad_input() {
    refuse_bad_input(|route| route.site == Site::Notes).await;
}

#[tokio::test]
async fn row_36_every_route_of_tasks_refuses_bad_input() {
    refuse_bad_input(|route| route.site == Site::Tasks).await;
}

#[tokio::test]
async fn row_36_every_route_of_the_other_sites_refuses_bad_input() {
    refuse_bad_input(|route| !matches!(route.site, Site::Authority | Site::Notes | Site::Tasks))
        .await;
}

/// Several things wrong at once: at most what the single ones may do, and never a session.
#[tokio::test]
async fn row_36_several_things_wrong_at_once_are_refused_too() {
    const ROUNDS: usize = 600;
    let (_process, stage) = stage().await;
    let mut watch = Watch::new(&stage.world.folder()).await;
    // The same ones in each run.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let picks = (
        any::<prop::sample::Index>(),
        prop::collection::vec(any::<prop::sample::Index>(), 2..5),
    );
    let mut ready = Vec::new();
    // The sign-in form is slow on purpose.
    for route in routes().into_iter().filter(|route| !is_sign_in(route)) {
        let built = (route.base)(&stage).await;
        let mut cases = cases::of_values(&route, &built);
        // Bytes that no header may hold are refused before a route is found; and a foreign value
        // is not a change of a request, but a request of its own.
        cases.retain(|case| !case.is_foreign);
        if cases.iter().any(|case| case.expect != Expect::Same) {
            ready.push((route, built, cases));
        }
    }
    watch.changes().await;
    let mut failures = Vec::new();
    for _ in 0..ROUNDS {
        let (which, several) = picks.new_tree(&mut runner).unwrap().current();
        let at = which.index(ready.len());
        let (route, built, cases) = &mut ready[at];
        let mut chosen: Vec<Case> = Vec::new();
        for index in several {
            let case = index.get(cases);
            // Of two changes of one value the last would win.
            if chosen.iter().all(|other| other.about != case.about) {
                chosen.push(case.clone());
            }
        }
        if chosen.iter().all(|case| case.expect == Expect::Same) {
            continue;
        }
        let mut request = built.request.clone();
        for case in &chosen {
            case.add_to(&mut request);
        }
        if route.site == Site::Lab {
            // What was asked before this may be on its way there.
            changes(&mut watch, &stage, route).await;
        }
        let reply = request.send(route.address(&stage)).await;
        let changed = changes(&mut watch, &stage, route).await;
        let may_change = [
            "authority.handoff",
            "authority.recent_handoff",
            "notes.started",
        ];
        let harmless = |table: &String| {
            let burns = |case: &Case| matches!(case.expect, Expect::Burns | Expect::Abandoned);
            chosen.iter().any(burns) && may_change.contains(&table.as_str())
        };
        let prefetched = chosen
            .iter()
            .any(|case| case.expect == Expect::Status(&[503]));
        let why = if reply.status == 0 || (reply.status >= 500 && !prefetched) {
            Some("the server's fault".to_owned())
        } else if !changed.iter().all(harmless) {
            Some(format!("{changed:?} changed"))
        } else {
            untoward(&stage, &reply, false, "")
        };
        if let Some(why) = why {
            let labels: Vec<_> = chosen.iter().map(|case| case.label.as_str()).collect();
            let label = labels.join(" + ");
            explain(route.path, &label, &why, &request, &reply);
            failures.push(format!("{}: {label}: {why}", route.path));
        }
        if !changed.is_empty() {
            *built = (route.base)(&stage).await;
            changes(&mut watch, &stage, route).await;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A route that is not in the table would be one that nobody has tried to break.
#[test]
fn the_table_has_every_route_of_the_routers() {
    // Tests run in the folder of their package.
    let root = Path::new("..");
    let all = [
        Site::Authority,
        Site::Notes,
        Site::Tasks,
        Site::Lab,
        Site::Every,
        Site::Assets,
        Site::Ops,
    ];
    let mut in_sources = BTreeSet::new();
    for site in all {
        let paths = paths_in(root, site);
        assert!(!paths.is_empty(), "{site:?}");
        in_sources.extend(paths.into_iter().map(|path| (site.folder(), path)));
    }
    let in_table: BTreeSet<_> = routes()
        .into_iter()
        .map(|route| (route.site.folder(), route.path.to_owned()))
        .collect();
    assert_eq!(in_table, in_sources);
    // And nothing is routed elsewhere.
    for folder in ["crates", "server/src", "app"] {
        for file in sources(&root.join(folder)) {
            let known = all
                .iter()
                .any(|site| file.starts_with(root.join(site.folder())));
            let text = production(&file);
            let is_test = file.components().any(|part| part.as_os_str() == "tests");
            assert!(
                known || is_test || !(text.contains(".route(") || text.contains(".nest(")),
                "{} routes",
                file.display()
            );
        }
    }
}

fn sources(at: &Path) -> Vec<PathBuf> {
    if at.is_file() {
        return vec![at.to_owned()];
    }
    let entries = std::fs::read_dir(at).unwrap();
    let mut files: Vec<_> = entries
        .flat_map(|entry| sources(&entry.unwrap().path()))
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    files.sort();
    files
}

/// A source without its tests.
fn production(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    text.split("#[cfg(test)]").next().unwrap().to_owned()
}

/// Constants that hold a path, by the name under which a route table says them.
fn constants(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let files = ["crates", "app"].map(|folder| sources(&root.join(folder)));
    for file in files.into_iter().flatten() {
        let module = file.file_stem().unwrap().to_str().unwrap().to_owned();
        for line in production(&file).lines() {
            let Some((_, rest)) = line.split_once("const ") else {
                continue;
            };
            let Some((name, value)) = rest.split_once(": &str = \"") else {
                continue;
            };
            let value = value.split('"').next().unwrap();
            let module = if module == "wire" { "path" } else { &module };
            found.insert(format!("{module}::{name}"), value.to_owned());
        }
    }
    found
}

/// `c::D` of `a::b::c::D`.
fn last_two(path: &str) -> &str {
    path.rmatch_indices("::")
        .nth(1)
        .map_or(path, |(at, found)| &path[at + found.len()..])
}

fn paths_in(root: &Path, site: Site) -> BTreeSet<String> {
    let constants = constants(root);
    let mut paths = BTreeSet::new();
    for file in sources(&root.join(site.folder())) {
        let module = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = production(&file);
        for route in text.split(".route(").skip(1) {
            let path = route.split(',').next().unwrap().trim();
            let literal = path
                .strip_prefix('"')
                .and_then(|path| path.strip_suffix('"'));
            let path = match literal {
                Some(literal) => literal.to_owned(),
                // The last module is where the constant stands.
                None => constants
                    .get(last_two(path))
                    .or_else(|| constants.get(&format!("{module}::{path}")))
                    .unwrap_or_else(|| panic!("{}: what is {path}?", file.display()))
                    .clone(),
            };
            paths.insert(path);
        }
    }
    match site {
        Site::Notes => paths.retain(|path| !path.starts_with("/tasks")),
        Site::Tasks => paths.retain(|path| path.starts_with("/tasks")),
        _ => {}
    }
    paths
}
