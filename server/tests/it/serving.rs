//! The program itself: its settings, its files, its listeners, and how it ends.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

fn program(data: &Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handoff-lab"));
    command
        .args([
            "serve",
            "--listen",
            listen,
            "--ops-listen",
            "127.0.0.1:0",
            "--data",
        ])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A program that runs, and what it printed until it was ready.
struct Running {
    child: Child,
    printed: String,
}

impl Running {
    fn start(data: &Path) -> Self {
        let mut child = program(data, "127.0.0.1:0").spawn().unwrap();
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
    fn address(&self, after: &str) -> String {
        let rest = self.printed.split_once(after).unwrap().1;
        rest.split(|c: char| c.is_whitespace() || c == '/')
            .next()
            .unwrap()
            .to_owned()
    }

    async fn ask(&self, address: &str, host: &str, path: &str) -> String {
        let (_, port) = address.rsplit_once(':').unwrap();
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}"))
            .await
            .unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn terminate(mut self) -> std::process::ExitStatus {
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

/// What a program that refuses to start says. One that starts all the same would run for ever.
async fn refused(data: &Path, listen: &str) -> String {
    let mut command = tokio::process::Command::from(program(data, listen));
    let output = command.kill_on_drop(true).output();
    let ended = tokio::time::timeout(Duration::from_secs(30), output).await;
    let output = ended.expect("it refuses to start").unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("handoff-lab: ") && said.lines().count() == 1,
        "{said}"
    );
    said
}

#[tokio::test]
async fn it_serves_says_where_is_ready_and_ends_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let running = Running::start(&data);
    let ops = running.address("health at http://");
    let site = running.address("http://auth.");
    let host = format!("auth.{site}");
    assert!(
        running
            .ask(&ops, &ops, "/health")
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        running
            .ask(&ops, &ops, "/ready")
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        running
            .ask(&site, &host, "/login")
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        running.printed.contains("alice@harbor.example"),
        "{}",
        running.printed
    );

    // A request that never comes keeps nobody waiting.
    let (_, port) = site.rsplit_once(':').unwrap();
    let mut idle = TcpStream::connect(format!("127.0.0.1:{port}"))
        .await
        .unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();

    for (file, mode) in [
        ("", 0o700),
        ("notes.secret", 0o600),
        ("authority.db", 0o600),
    ] {
        let found = std::fs::metadata(data.join(file)).unwrap().mode() & 0o777;
        assert_eq!(found, mode, "{file}");
    }
    assert!(running.terminate().success());
    assert!(
        !data.join("authority.db-wal").exists(),
        "the log is folded into the file"
    );
}

#[tokio::test]
async fn what_it_cannot_start_with_it_names_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(Running::start(&data).terminate().success());
    assert!(!data.join("notes.db-wal").exists());
    let secret = data.join("notes.secret");

    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = refused(&data, "127.0.0.1:0").await;
    assert!(
        said.contains("notes.secret") && said.contains("chmod 600"),
        "{said}"
    );

    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    for half in ["", "short"] {
        std::fs::write(&secret, half).unwrap();
        let said = refused(&data, "127.0.0.1:0").await;
        assert!(
            said.contains("notes.secret") && said.contains("delete it"),
            "{said}"
        );
    }
    std::fs::remove_file(&secret).unwrap();

    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
    let said = refused(&data, "127.0.0.1:0").await;
    assert!(said.contains("chmod 700"), "{said}");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();

    std::fs::write(
        data.join("notes.db"),
        "no database, and long enough to look like none",
    )
    .unwrap();
    let said = refused(&data, "127.0.0.1:0").await;
    assert!(said.contains("notes.db"), "{said}");
    std::fs::remove_file(data.join("notes.db")).unwrap();

    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused(&data, &address).await;
    assert!(
        said.contains(&address) && said.contains("--listen"),
        "{said}"
    );

    let running = Running::start(&data);
    let said = refused(&data, "127.0.0.1:0").await;
    assert!(said.contains("another handoff-lab"), "{said}");
    drop(running);
}
