//! `cargo xtask dev`: build, run, and do both again after every change. While a build fails, the
//! server of the last good one stays up.

use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use notify::{EventKind, RecursiveMode, Watcher};

use crate::workspace::{Profile, Workspace};
use crate::{build, demo, site, tools};

/// What the program is made of. A list of what counts instead of what does not: `target`, `data`
/// and `node_modules` would cost tens of thousands of watches.
const WATCHED: &[&str] = &["app", "crates", "frontend", "server", "style"];

/// Editors save in several writes; a build starts when they have been quiet this long.
const QUIET: Duration = Duration::from_millis(200);

/// How long the server may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);

enum Event {
    Changed,
    Stop,
}

/// Builds and serves until it is told to stop.
pub(crate) fn run(workspace: &Workspace, extra: &[String]) -> Result<ExitCode> {
    tools::check(tools::TO_BUILD)?;
    let (sender, events) = mpsc::channel();
    let stop = sender.clone();
    ctrlc::set_handler(move || drop(stop.send(Event::Stop))).context("cannot catch signals")?;
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // An error means that events were lost, so one is taken to have happened.
        if event.map_or(true, |event| is_change(&event)) {
            drop(sender.send(Event::Changed));
        }
    })?;
    for name in WATCHED {
        let path = workspace.root.join(name);
        watcher
            .watch(&path, RecursiveMode::Recursive)
            .with_context(|| format!("cannot watch {}", path.display()))?;
    }
    // The folder itself is watched for the manifest and lock file.
    watcher.watch(&workspace.root, RecursiveMode::NonRecursive)?;

    let mut server = None;
    loop {
        if let Err(error) = rebuild(workspace, extra, &mut server) {
            eprintln!("\nerror: {error:#}");
            match server {
                Some(_) => eprintln!("The server of the last good build stays up."),
                None => eprintln!("Nothing is running yet."),
            }
        }
        println!("\nWaiting for a change; Ctrl+C ends.");
        match wait(&events, &mut server) {
            Event::Changed => println!("\nSomething changed."),
            Event::Stop => break,
        }
    }
    if let Some(server) = server {
        end(server)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds, and only then replaces the running server by a new one.
fn rebuild(workspace: &Workspace, extra: &[String], server: &mut Option<Child>) -> Result<()> {
    let site = site::build(workspace)?;
    build::program(workspace, Profile::Debug)?;
    if let Some(old) = server.take() {
        end(old)?;
    }
    let program = workspace.program(Profile::Debug);
    *server = Some(
        demo::serve(workspace, &program, extra)
            .spawn()
            .context("cannot serve")?,
    );
    site.sweep()
}

/// Waits for a change that has come to rest, or for the end. Says when the server ends by itself.
fn wait(events: &Receiver<Event>, server: &mut Option<Child>) -> Event {
    loop {
        match events.recv_timeout(QUIET) {
            Ok(Event::Changed) => break,
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return Event::Stop,
            Err(RecvTimeoutError::Timeout) => {
                if let Some(status) = server.as_mut().and_then(|child| child.try_wait().ok()?) {
                    eprintln!("The server ended ({status}).");
                    *server = None;
                }
            }
        }
    }
    loop {
        match events.recv_timeout(QUIET) {
            Ok(Event::Changed) => {}
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return Event::Stop,
            Err(RecvTimeoutError::Timeout) => return Event::Changed,
        }
    }
}

/// Reading is an event too; so is an editor's swap file.
fn is_change(event: &notify::Event) -> bool {
    !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(|path| is_source(path))
}

fn is_source(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let is_root = path
        .parent()
        .is_some_and(|folder| folder.join("Cargo.lock").exists());
    if is_root {
        return matches!(name, "Cargo.toml" | "Cargo.lock");
    }
    !name.starts_with('.') && !name.ends_with('~')
}

/// Asks the server to end, so that it finishes what it is answering, and kills it if it does not.
fn end(mut server: Child) -> Result<()> {
    if cfg!(unix) {
        let asked = Command::new("kill").arg(server.id().to_string()).status();
        let pause = Duration::from_millis(20);
        let mut waited = Duration::ZERO;
        while asked.is_ok() && waited < GRACE {
            if server.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(pause);
            waited += pause;
        }
    }
    server.kill()?;
    server.wait()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, CreateKind};

    use super::*;

    #[test]
    fn what_counts_as_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::write(root.join("Cargo.lock"), "").unwrap();
        let event = |kind, path: &str| notify::Event::new(kind).add_path(root.join(path));
        let created = EventKind::Create(CreateKind::File);
        assert!(is_change(&event(created, "app/ui/src/lib.rs")));
        assert!(is_change(&event(created, "Cargo.toml")));
        assert!(!is_change(&event(created, "target")));
        assert!(!is_change(&event(created, "app/ui/src/.lib.rs.swp")));
        assert!(!is_change(&event(
            EventKind::Access(AccessKind::Any),
            "app/ui/src/lib.rs"
        )));
    }
}
