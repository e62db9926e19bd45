//! Requests as bytes: what no client library would send.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// Where a value stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    Query,
    Form,
    Json,
    Path,
    Header,
    Cookie,
}

#[derive(Clone, Debug)]
pub enum Body {
    Fields,
    Json,
    /// A list of one object.
    JsonList,
    Raw(Vec<u8>),
}

/// A request, taken apart. Every value is kept as it goes over the wire: percent-encoded in a query
/// or a form, with its quotes in JSON.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Has `{}` where [`Place::Path`] stands.
    pub path: String,
    pub body: Body,
    values: Vec<(Place, String, Vec<u8>)>,
}

/// A value as forms and queries write it.
pub fn encode(value: &str) -> Vec<u8> {
    url::form_urlencoded::byte_serialize(value.as_bytes())
        .collect::<String>()
        .into_bytes()
}

impl Request {
    pub fn new(method: &str, host: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            body: Body::Fields,
            values: vec![(Place::Header, "host".to_owned(), host.into())],
        }
    }

    /// Adds a value that needs no encoding where it stands.
    pub fn with(mut self, place: Place, name: &str, value: &str) -> Self {
        let value = match place {
            Place::Query | Place::Form | Place::Path => encode(value),
            Place::Json => serde_json::to_string(value).unwrap().into_bytes(),
            Place::Header | Place::Cookie => value.into(),
        };
        self.values.push((place, name.to_owned(), value));
        self
    }

    pub fn value(&self, place: Place, name: &str) -> Vec<u8> {
        let found = self
            .values
            .iter()
            .find(|(at, found, _)| *at == place && found == name);
        found.map_or_else(Vec::new, |(_, _, value)| value.clone())
    }

    /// Puts these in the place of a value: none, one or more.
    pub fn put(&mut self, place: Place, name: &str, new: Vec<(String, Vec<u8>)>) {
        let is_it =
            |(at, found, _): &(Place, String, Vec<u8>)| *at == place && found.as_str() == name;
        let at = self.values.iter().position(is_it);
        self.values.retain(|it| !is_it(it));
        let at = at.unwrap_or(self.values.len());
        let new = new.into_iter().map(|(name, value)| (place, name, value));
        self.values.splice(at..at, new);
    }

    fn joined(&self, place: Place, between: &str, equals: &str, quote: &str) -> Vec<u8> {
        let mut joined = Vec::new();
        for (_, name, value) in self.values.iter().filter(|(at, _, _)| *at == place) {
            if !joined.is_empty() {
                joined.extend_from_slice(between.as_bytes());
            }
            joined.extend_from_slice(format!("{quote}{name}{quote}{equals}").as_bytes());
            joined.extend_from_slice(value);
        }
        joined
    }

    /// The object of its members, or the list with it.
    pub fn json_body(&self) -> Vec<u8> {
        let members = self.joined(Place::Json, ",", ":", "\"");
        let (open, close): (&[u8], &[u8]) = match self.body {
            Body::JsonList => (b"[{", b"}]"),
            _ => (b"{", b"}"),
        };
        [open, &members, close].concat()
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} ", self.method).into_bytes();
        let (before, after) = self.path.split_once("{}").unwrap_or((&self.path, ""));
        head.extend_from_slice(before.as_bytes());
        for (_, _, value) in self.values.iter().filter(|(at, _, _)| *at == Place::Path) {
            head.extend_from_slice(value);
        }
        head.extend_from_slice(after.as_bytes());
        let query = self.joined(Place::Query, "&", "=", "");
        if !query.is_empty() {
            head.push(b'?');
            head.extend_from_slice(&query);
        }
        head.extend_from_slice(b" HTTP/1.1\r\nconnection: close\r\n");
        for (_, name, value) in self.values.iter().filter(|(at, _, _)| *at == Place::Header) {
            head.extend_from_slice(format!("{name}: ").as_bytes());
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        }
        let cookies = self.joined(Place::Cookie, "; ", "=", "");
        if !cookies.is_empty() {
            head.extend_from_slice(b"cookie: ");
            head.extend_from_slice(&cookies);
            head.extend_from_slice(b"\r\n");
        }
        let body = match &self.body {
            Body::Fields => self.joined(Place::Form, "&", "=", ""),
            Body::Json | Body::JsonList => self.json_body(),
            Body::Raw(body) => body.clone(),
        };
        if !body.is_empty() {
            head.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        head.extend_from_slice(&body);
        head
    }

    /// The answer of whoever listens there.
    pub async fn send(&self, address: SocketAddr) -> Reply {
        send(address, &self.bytes()).await
    }

    /// For the message of a test that fails.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.bytes())
            .chars()
            .take(3000)
            .collect()
    }
}

/// Each request comes from another address, so that no limit of one address decides a case.
async fn connect(address: SocketAddr) -> TcpStream {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let from = u32::from(Ipv4Addr::new(127, 1, 0, 1)) + next;
    let socket = TcpSocket::new_v4().unwrap();
    let _ = socket.bind((Ipv4Addr::from(from), 0).into());
    socket.connect(address).await.unwrap()
}

async fn send(address: SocketAddr, bytes: &[u8]) -> Reply {
    let mut stream = connect(address).await;
    let exchange = async {
        // A server that has seen enough closes, and the rest cannot be written.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let mut piece = [0; 16 * 1024];
        loop {
            match stream.read(&mut piece).await {
                Ok(read) if read > 0 => {
                    answer.extend_from_slice(&piece[..read]);
                    if says_something_without_end(&answer) {
                        break answer;
                    }
                }
                _ => break answer,
            }
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(20), exchange).await;
    Reply::read(&answer.expect("an answer within twenty seconds"))
}

/// Whether this is a stream of events, and one of them: others may not come for minutes.
fn says_something_without_end(answer: &[u8]) -> bool {
    let answer = String::from_utf8_lossy(answer).to_lowercase();
    answer.contains("\r\ncontent-type: text/event-stream\r\n") && answer.contains("\ndata:")
}

/// What came back. A connection that was closed without a word has the status 0.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return Self::default();
        };
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        Self {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            body: body.to_owned(),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value)
    }

    pub fn location(&self) -> &str {
        self.header("location")
    }
}
