//! The program itself, on files, in a process that can be killed.

use relying_party::Application;
use std::{
    io::{BufRead, BufReader, Read},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
};

use reqwest::Method;
use server::config::Origins;

use crate::harness::{Answer, PASSWORD, Persona};

const PROGRAM: &str = env!("CARGO_BIN_EXE_handoff-lab");

/// Where a program listens: the same from one start to the next, because ports are part of every
/// address that it gives out.
#[derive(Clone)]
pub struct Place {
    pub address: SocketAddr,
    pub ops: SocketAddr,
    pub origins: Origins,
}

impl Place {
    /// Ports that nobody has at this moment.
    pub fn free() -> Self {
        let free = || {
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            (listener.local_addr().unwrap(), listener)
        };
        let (address, _held) = free();
        let (ops, _held_too) = free();
        let origins = Origins::on_localhost("", address.port()).unwrap();
        Self {
            address,
            ops,
            origins,
        }
    }

    pub fn authority(&self, path: &str) -> String {
        format!("{}{path}", self.origins.of(authority::ID))
    }

    pub fn notes(&self, path: &str) -> String {
        format!("{}{path}", self.origins.of(Application::Notes))
    }

    pub fn visitor(&self) -> Persona {
        Persona::new(self.address, &self.origins)
    }
}

/// A program that runs. It is killed when this is dropped.
#[derive(Clone)]
pub struct Program(Arc<Mutex<Child>>);

impl Program {
    /// Starts it and waits until it is ready.
    pub async fn start(place: &Place, data: &Path) -> Self {
        Self::of(Command::new(PROGRAM), place, data).await
    }

    /// The same, where a write beyond [`Self::limit_files`] fails. By default the system ends a process
    /// that does it; a signal that is ignored is inherited.
    pub async fn start_where_writes_may_fail(place: &Place, data: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#, PROGRAM]);
        Self::of(shell, place, data).await
    }

    async fn of(mut command: Command, place: &Place, data: &Path) -> Self {
        let mut child = command
            .args(["serve", "--log", "off"])
            .args(["--listen", &place.address.to_string()])
            .args(["--ops-listen", &place.ops.to_string()])
            .arg("--data")
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut errors = child.stderr.take().unwrap();
        tokio::task::spawn_blocking(move || {
            let mut printed = String::new();
            while !printed.contains("Stop with Ctrl-C") {
                if lines.read_line(&mut printed).unwrap() == 0 {
                    errors.read_to_string(&mut printed).unwrap();
                    panic!("it ended: {printed}");
                }
            }
        })
        .await
        .unwrap();
        let program = Self(Arc::new(Mutex::new(child)));
        let ready = format!("http://{}/ready", place.ops);
        let answer = place.visitor().get(&ready).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        program
    }

    /// From now on a write beyond this many bytes of a file fails with `EFBIG`.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let limit = format!("--fsize={limit}:");
        self.told("prlimit", |pid| vec!["--pid".to_owned(), pid, limit]);
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.told("kill", |pid| vec!["-TERM".to_owned(), pid]);
    }

    /// Runs a program that does something to the process.
    fn told(&self, program: &str, arguments: impl FnOnce(String) -> Vec<String>) {
        let pid = self.0.lock().unwrap().id().to_string();
        let status = Command::new(program).args(arguments(pid)).status();
        assert!(status.unwrap().success(), "{program}");
    }

    /// Waits for its end.
    pub async fn ended(self) -> ExitStatus {
        tokio::task::spawn_blocking(move || self.0.lock().unwrap().wait().unwrap())
            .await
            .unwrap()
    }

    /// SIGKILL: no handler runs, nothing is written any more.
    pub fn kill(&self) {
        self.0.lock().unwrap().kill().unwrap();
    }

    /// Waits for the end of one that was killed: from then on its files and ports are free.
    pub fn buried(self) {
        self.0.lock().unwrap().wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if Arc::strong_count(&self.0) == 1 {
            let mut child = self
                .0
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Steps that may find the server dead: then there is nothing.
pub async fn get(persona: &Persona, url: &str) -> Option<Answer> {
    let headers = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let answer = persona.try_send(Method::GET, url, &headers, None).await;
    answer.ok()
}

pub async fn post(persona: &Persona, url: &str, fields: &[(&str, &str)]) -> Option<Answer> {
    let origin = url::Url::parse(url).unwrap().origin().ascii_serialization();
    let headers = [
        ("origin", origin.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let answer = persona.try_send(Method::POST, url, &headers, Some(body));
    answer.await.ok()
}

/// A form with nothing but its CSRF token, from the page that has it.
pub async fn press(persona: &Persona, page: &str, action: &str) -> Option<Answer> {
    let csrf = get(persona, page).await?.csrf();
    post(persona, action, &[("csrf", &csrf)]).await
}

/// Signs in; tells whether that was acknowledged.
pub async fn sign_in(place: &Place, persona: &Persona, email: &str) -> Option<Answer> {
    let url = place.authority("/login");
    let csrf = get(persona, &url).await?.csrf();
    let fields = [("csrf", &*csrf), ("email", email), ("password", PASSWORD)];
    post(persona, &url, &fields).await
}

/// *Open Notes*, up to the answer of the callback.
pub async fn open_notes(place: &Place, persona: &Persona) -> Option<Answer> {
    let portal = place.authority("/");
    let h1 = press(persona, &portal, &place.authority("/apps/notes/open")).await?;
    let h2 = get(persona, &h1.location()).await?;
    let h3 = get(persona, &h2.location()).await?;
    get(persona, &h3.location()).await
}
