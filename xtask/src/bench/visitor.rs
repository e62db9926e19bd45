//! A browser as far as the program can tell, which does nothing else: whatever it took itself would
//! stand in the times that it measures.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use anyhow::{Context, Result, bail, ensure};

const SESSION: &str = "__Host-as_session";

/// What Chromium sends with each request of a handoff. It is recorded, and that takes its time too.
const HEADERS: &str = "\
    accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7\r\n\
    accept-encoding: gzip, deflate, br, zstd\r\n\
    accept-language: en-GB,en;q=0.9\r\n\
    cache-control: max-age=0\r\n\
    sec-ch-ua: \"Chromium\";v=\"142\", \"Not_A Brand\";v=\"99\"\r\n\
    sec-ch-ua-mobile: ?0\r\n\
    sec-ch-ua-platform: \"Linux\"\r\n\
    sec-fetch-dest: document\r\n\
    sec-fetch-mode: navigate\r\n\
    sec-fetch-user: ?1\r\n\
    upgrade-insecure-requests: 1\r\n\
    user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n";

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The value of a header, whose name is written small.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(found, value)| (found == name).then_some(value.as_str()))
    }

    pub(super) fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.body).context("an answer is no text")
    }
}

/// A visitor of the program that listens at a port of this machine.
pub(super) struct Visitor {
    port: u16,
    connection: BufReader<TcpStream>,
    /// By host and name.
    cookies: BTreeMap<(String, String), String>,
}

impl Visitor {
    pub(super) fn new(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            port,
            connection: BufReader::new(stream),
            cookies: BTreeMap::new(),
        })
    }

    /// Asks, and keeps the cookies that are set. `body` is the body with its type.
    pub(super) fn ask(
        &mut self,
        site: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<(&str, &str)>,
    ) -> Result<Answer> {
        let host = format!("{site}.localhost:{}", self.port);
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{HEADERS}");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let own = self.cookies.iter().filter(|((of, _), _)| of == site);
        let own: Vec<_> = own
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        if !own.is_empty() {
            head += &format!("cookie: {}\r\n", own.join("; "));
        }
        if let Some((kind, body)) = body {
            head += &format!(
                "content-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        } else {
            head += "\r\n";
        }
        self.connection.get_mut().write_all(head.as_bytes())?;
        let answer = read(&mut self.connection)
            .with_context(|| format!("{method} {path} at {host} is not answered"))?;
        for (name, value) in &answer.headers {
            if name == "set-cookie" {
                let (pair, attributes) = value.split_once(';').unwrap_or((value, ""));
                let (name, value) = pair.split_once('=').context("a cookie without a value")?;
                let key = (site.to_owned(), name.to_owned());
                if attributes.to_ascii_lowercase().contains("max-age=0") {
                    self.cookies.remove(&key);
                } else {
                    self.cookies.insert(key, value.to_owned());
                }
            }
        }
        Ok(answer)
    }

    pub(super) fn get(&mut self, site: &str, path: &str) -> Result<Answer> {
        let answer = self.ask(site, "GET", path, &[], None)?;
        ensure!(answer.status == 200, "{path} is answered {}", answer.status);
        Ok(answer)
    }

    fn post(&mut self, path: &str, form: &str) -> Result<Answer> {
        let body = Some(("application/x-www-form-urlencoded", form));
        let origin = format!("http://auth.localhost:{}", self.port);
        let headers = [("origin", &*origin), ("sec-fetch-site", "same-origin")];
        self.ask("auth", "POST", path, &headers, body)
    }

    /// Signs Alice in, and returns what *Open Notes* sends.
    pub(super) fn sign_in(&mut self) -> Result<String> {
        let csrf = hidden(self.get("auth", "/login")?.text()?)?;
        let form = format!("csrf={csrf}&email=alice%40harbor.example&password=handoff-demo");
        self.post("/login", &form)?;
        let key = ("auth".to_owned(), SESSION.to_owned());
        ensure!(self.cookies.contains_key(&key), "nobody is signed in");
        let csrf = hidden(self.get("auth", "/")?.text()?)?;
        Ok(format!("csrf={csrf}"))
    }

    /// The cookie and the token that belong to the sign-in form.
    pub(super) fn sign_in_form(&mut self) -> Result<(String, String)> {
        let csrf = hidden(self.get("auth", "/login")?.text()?)?;
        let mut cookies = self.cookies.iter();
        let cookie = cookies.find(|((site, _), _)| site == "auth");
        let ((_, name), value) = cookie.context("the sign-in page sets no cookie")?;
        Ok((format!("{name}={value}"), csrf))
    }

    /// The whole handoff: *Open Notes*, and after it wherever that leads, to the session.
    pub(super) fn handoff(&mut self, form: &str) -> Result<()> {
        let mut answer = self.post("/apps/notes/open", form)?;
        for path in ["/handoff/start", "/handoff/authorize", "/callback"] {
            let address = answer.header("location").unwrap_or_default();
            let rest = address.strip_prefix("http://").unwrap_or_default();
            let (host, query) = rest.split_once('/').unwrap_or_default();
            let site = host.split('.').next().unwrap_or_default().to_owned();
            let address = format!("/{query}");
            if !address.starts_with(path) {
                bail!("{path} is next, not {address}, after {}", answer.status);
            }
            let headers = [("sec-fetch-site", "cross-site")];
            answer = self.ask(&site, "GET", &address, &headers, None)?;
        }
        let mut cookies = self.cookies.keys();
        let has_session = cookies.any(|(site, name)| site == "notes" && name.ends_with("_session"));
        ensure!(
            answer.status == 303 && has_session,
            "the callback is answered {} and sets no session",
            answer.status
        );
        Ok(())
    }

    /// The next handoff is that of a browser that has never been at Notes.
    pub(super) fn forget_notes(&mut self) {
        self.cookies.retain(|(site, _), _| site != "notes");
    }
}

fn hidden(page: &str) -> Result<String> {
    let field = page.split_once("name=\"csrf\" value=\"");
    let value = field.and_then(|(_, rest)| rest.split_once('"'));
    let (value, _) = value.context("a page without a form")?;
    Ok(value.to_owned())
}

/// Reads one answer, as our own program writes them.
fn read(from: &mut impl BufRead) -> Result<Answer> {
    let status = line(from)?;
    let status = status.split(' ').nth(1).unwrap_or_default().parse()?;
    let mut headers = Vec::new();
    loop {
        let line = line(from)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer {
        status,
        headers,
        body: Vec::new(),
    };
    if let Some(length) = answer.header("content-length") {
        answer.body = vec![0; length.parse()?];
        from.read_exact(&mut answer.body)?;
    } else if answer.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = u64::from_str_radix(&line(from)?, 16)?;
            from.by_ref().take(size).read_to_end(&mut answer.body)?;
            line(from)?;
            if size == 0 {
                break;
            }
        }
    }
    Ok(answer)
}

fn line(from: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    ensure!(from.read_line(&mut line)? > 0, "the connection was closed");
    Ok(line.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_to_its_end_and_no_further() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\noneHTTP/1.1 404 Not Found\r\n\
                    transfer-encoding: chunked\r\n\r\n3\r\ntwo\r\na\r\n, in parts\r\n0\r\n\r\n\
                    HTTP/1.1 303 See Other\r\nlocation: /\r\ncontent-length: 0\r\n\r\n";
        let mut from = text.as_bytes();
        let one = read(&mut from).unwrap();
        assert_eq!((one.status, one.text().unwrap()), (200, "one"));
        let two = read(&mut from).unwrap();
        assert_eq!((two.status, two.text().unwrap()), (404, "two, in parts"));
        let three = read(&mut from).unwrap();
        assert_eq!((three.status, three.header("location")), (303, Some("/")));
        assert!(from.is_empty());
        assert!(read(&mut from).is_err());
    }
}
