//! The program itself, as a process of its own.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// `handoff-lab` with nothing of this test's environment that could change a setting.
pub fn handoff_lab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handoff-lab"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HANDOFF_LAB_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// `serve` on this folder, listening where the system likes unless the arguments say otherwise.
pub fn serve(data: &Path, arguments: &[&str]) -> Command {
    let mut all = vec!["serve", "--ops-listen", "127.0.0.1:0", "--data"];
    all.push(data.to_str().unwrap());
    if !arguments.contains(&"--listen") {
        all.extend(["--listen", "127.0.0.1:0"]);
    }
    all.extend(arguments);
    handoff_lab(&all)
}

/// A port that is free now. Nothing keeps it so, which is good enough for a test.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A program that runs, and what it printed until it was ready.
pub struct Running {
    child: Child,
    pub printed: String,
}

impl Running {
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::of(serve(data, arguments))
    }

    /// The same by a command that [`serve`] made.
    pub fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut printed = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while !printed.contains("Stop with Ctrl-C") {
            if lines.read_line(&mut printed).unwrap() == 0 {
                let mut errors = String::new();
                child
                    .stderr
                    .take()
                    .unwrap()
                    .read_to_string(&mut errors)
                    .unwrap();
                panic!("it ended: {printed}{errors}");
            }
        }
        Self { child, printed }
    }

    /// The host and port after this text.
    pub fn address(&self, after: &str) -> String {
        let rest = self.printed.split_once(after).unwrap().1;
        rest.split(|c: char| c.is_whitespace() || c == '/')
            .next()
            .unwrap()
            .to_owned()
    }

    /// The address that it listens on.
    pub fn listening(&self) -> String {
        self.address("listening on ")
            .trim_end_matches('.')
            .to_owned()
    }

    /// What `/ready` answers.
    pub async fn ready(&self) -> String {
        let ops = self.address("health at http://");
        ask(&ops, &ops, "/ready", &[]).await
    }

    pub fn terminate(mut self) -> std::process::ExitStatus {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One plain request on a connection of its own: the whole answer, as text.
/// `at` says which port; the host may be another.
pub async fn ask(at: &str, host: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let (_, port) = at.rsplit_once(':').unwrap();
    let address = format!("127.0.0.1:{port}");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Runs it to its end. One that should refuse and starts all the same would run for ever.
pub async fn ended(command: Command) -> Output {
    let mut command = tokio::process::Command::from(command);
    let output = command.kill_on_drop(true).output();
    let ended = tokio::time::timeout(Duration::from_secs(30), output).await;
    ended.expect("it ends by itself").unwrap()
}

/// What a program that refuses to start says.
pub async fn refused(data: &Path, arguments: &[&str]) -> String {
    let output = ended(serve(data, arguments)).await;
    assert!(!output.status.success(), "{arguments:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("handoff-lab: "), "{said}");
    said
}

/// The same, in one line.
pub async fn refused_in_a_line(data: &Path, arguments: &[&str]) -> String {
    let said = refused(data, arguments).await;
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}
