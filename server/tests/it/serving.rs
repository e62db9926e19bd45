//! The program itself: its settings, its files, its listeners, and how it ends.

use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    routing::get,
};
use server::{
    listen::{self, ListenerOptions},
    write_timeout::WriteTimeout,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::mpsc::{UnboundedSender, unbounded_channel},
};
use tokio_util::sync::CancellationToken;

use crate::program::{Running, ask, refused_in_a_line};

#[tokio::test]
async fn it_serves_says_where_is_ready_and_ends_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let running = Running::start(&data, &[]);
    let ops = running.address("health at http://");
    let site = running.address("http://auth.");
    let host = format!("auth.{site}");
    assert!(
        ask(&ops, &ops, "/health", &[])
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        ask(&ops, &ops, "/ready", &[])
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        ask(&site, &host, "/login", &[])
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
    assert!(Running::start(&data, &[]).terminate().success());
    assert!(!data.join("notes.db-wal").exists());
    let secret = data.join("notes.secret");

    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = refused_in_a_line(&data, &[]).await;
    assert!(
        said.contains("notes.secret") && said.contains("chmod 600"),
        "{said}"
    );

    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    for half in ["", "short"] {
        std::fs::write(&secret, half).unwrap();
        let said = refused_in_a_line(&data, &[]).await;
        assert!(
            said.contains("notes.secret") && said.contains("delete it"),
            "{said}"
        );
    }
    std::fs::remove_file(&secret).unwrap();

    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
    let said = refused_in_a_line(&data, &[]).await;
    assert!(said.contains("chmod 700"), "{said}");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();

    std::fs::write(
        data.join("notes.db"),
        "no database, and long enough to look like none",
    )
    .unwrap();
    let said = refused_in_a_line(&data, &[]).await;
    assert!(said.contains("notes.db"), "{said}");
    std::fs::remove_file(data.join("notes.db")).unwrap();

    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused_in_a_line(&data, &["--listen", &address]).await;
    assert!(
        said.contains(&address) && said.contains("--listen"),
        "{said}"
    );

    let running = Running::start(&data, &[]);
    let said = refused_in_a_line(&data, &[]).await;
    assert!(said.contains("another handoff-lab"), "{said}");
    drop(running);
}

/// Strangers who open connections and say nothing, or little, keep nobody out: beyond one network's share each
/// new one costs an older one of the same network, and when the places are all taken, one of the
/// network that has most.
#[tokio::test]
async fn row_17_silent_and_dawdling_connections_leave_room_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&folder.path().join("data"), &[]);
    let site = running.address("http://auth.");
    let (_, port) = site.rsplit_once(':').unwrap();
    let server = format!("127.0.0.1:{port}").parse().unwrap();
    let mut silent = Vec::new();
    // As many as each network may have, and together more than the program serves at once. Those at
    // the address of the one who asks have begun a request that they never end.
    let begun = "POST /login HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\na";
    for (stranger, says) in [("127.0.0.2:0", ""), ("127.0.0.1:0", begun)] {
        for _ in 0..240 {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(stranger.parse().unwrap()).unwrap();
            let mut stream = socket.connect(server).await.unwrap();
            let says = says.replace("host: x", &format!("host: auth.{site}"));
            stream.write_all(says.as_bytes()).await.unwrap();
            silent.push(stream);
        }
    }
    // Before the silent ones have been silent for so long that they are closed for that.
    let host = format!("auth.{site}");
    let asked = ask(&site, &host, "/login", &[]);
    let answer = tokio::time::timeout(Duration::from_secs(6), asked).await;
    let answer = answer.expect("a place for others");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut one = [0];
    let read = silent[0].read(&mut one).await;
    assert!(matches!(read, Ok(0) | Err(_)), "the quietest was closed");
    drop(silent);
    assert!(running.terminate().success());
}

/// An answer that says when it is let go.
struct Held {
    bytes: Vec<u8>,
    let_go: UnboundedSender<()>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.let_go.send(());
    }
}

/// More than the system keeps for a socket.
const LONG: usize = 64 << 20;

#[tokio::test]
async fn an_answer_that_nobody_takes_is_let_go_and_its_connection_ends() {
    let (let_go, mut is_let_go) = unbounded_channel();
    let router = Router::new().route(
        "/",
        get(async move || {
            let (bytes, let_go) = (vec![0; LONG], let_go.clone());
            Body::from(Bytes::from_owner(Held { bytes, let_go }))
        }),
    );
    let options = ListenerOptions {
        write_timeout: WriteTimeout {
            max_wait: Duration::from_millis(200),
            min_rate: 1024,
        },
        ..ListenerOptions::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(listen::serve_with(options, listener, router, stop.clone()));

    let ask = async || {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        stream
    };
    let mut silent = ask().await;
    let gone = tokio::time::timeout(Duration::from_secs(20), is_let_go.recv()).await;
    gone.expect("memory that is let go").unwrap();
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest).await;
    assert!(rest.len() < LONG, "{}", rest.len());

    // Whoever takes the answer gets all of it.
    let mut all = Vec::new();
    ask().await.read_to_end(&mut all).await.unwrap();
    assert!(all.len() > LONG, "{}", all.len());
    stop.cancel();
    serving.await.unwrap();
}
