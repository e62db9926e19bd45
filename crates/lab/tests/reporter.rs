//! What becomes of the steps of a process whose lab is away, comes back, or dies over a report.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::time::Duration;

use handoff::{
    flow::{Belongs, Event, FlowId, Site},
    step::Step,
    token::{ReportKey, Secret, State},
    uri::Origin,
};
use lab::reporter::reporter;
use recording::recorder::Recorder;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::timeout,
};

fn event(n: u64) -> Event {
    let state = State::mint([3; 32]);
    Event {
        step: Step::StartReceived,
        site: Site::RelyingParty,
        client: None,
        belongs: Belongs {
            token: None,
            flow: Some(FlowId::of(&state.digest())),
            launch: None,
        },
        session: None,
        trace: format!("{n:016x}"),
        at: 0,
        after: n,
        message: None,
        refusal: None,
    }
}

/// A lab that does what a test tells it.
struct Lab(TcpListener);

impl Lab {
    async fn new() -> (Self, Origin) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let origin = Origin::parse(&format!("http://lab.localhost:{port}")).unwrap();
        (Self(listener), origin)
    }

    /// The next report, read to its end: the steps' own numbers, and the connection that waits for an answer.
    async fn report(&self) -> (Vec<u64>, TcpStream) {
        let (connection, _) = self.0.accept().await.unwrap();
        let mut connection = BufReader::new(connection);
        let mut length = 0;
        loop {
            let mut line = String::new();
            connection.read_line(&mut line).await.unwrap();
            let line = line.trim_end().to_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).await.unwrap();
        let events: Vec<Event> = serde_json::from_slice(&body).unwrap();
        let numbers = events.iter().map(|event| event.after).collect();
        (numbers, connection.into_inner())
    }

    /// Answers the next report with this status.
    async fn answer(&self, status: &str) -> Vec<u64> {
        let (numbers, mut connection) = self.report().await;
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        connection.write_all(head.as_bytes()).await.unwrap();
        numbers
    }
}

#[tokio::test]
async fn what_a_lab_had_in_its_hands_when_it_died_is_counted_and_the_rest_arrives() {
    let (lab, origin) = Lab::new().await;
    let (reporter, sending) = reporter(&origin, ReportKey::mint([1; 32]), None);
    let sending = tokio::spawn(sending.unwrap());
    reporter.record(&event(1));
    reporter.record(&event(2));
    let (numbers, connection) = lab.report().await;
    assert_eq!(numbers, [1, 2]);
    // It may have kept them: they are not sent twice.
    drop(connection);
    reporter.record(&event(3));
    assert_eq!(lab.answer("503 Service Unavailable").await, [3]);
    assert_eq!(reporter.dropped(), 2);
    let (settled, numbers) = tokio::join!(reporter.flush(), lab.answer("204 No Content"));
    assert_eq!((settled, numbers), ((), vec![3]));
    assert_eq!(reporter.dropped(), 2);
    sending.abort();
}

/// Otherwise a process that stops just after its lab came back would take its last steps with it.
#[tokio::test]
async fn whoever_stops_tries_a_lab_that_was_away_at_once() {
    let (lab, origin) = Lab::new().await;
    let (reporter, sending) = reporter(&origin, ReportKey::mint([1; 32]), None);
    let sending = tokio::spawn(sending.unwrap());
    reporter.record(&event(1));
    // From now on it waits for four seconds.
    for _ in 0..4 {
        assert_eq!(lab.answer("503 Service Unavailable").await, [1]);
    }
    let stops = async { tokio::join!(reporter.flush(), lab.answer("204 No Content")) };
    let ((), numbers) = timeout(Duration::from_secs(3), stops).await.unwrap();
    assert_eq!(numbers, [1]);
    assert_eq!(reporter.dropped(), 0);
    sending.abort();
}
