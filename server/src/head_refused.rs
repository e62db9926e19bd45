//! Says why a request's head was refused.
//!
//! Hyper answers a head that is too long, or has too many lines, before any of our code sees the
//! request, and its answer has no body. This stream puts a body to it on the way out. It then reads for
//! a moment what the client is still sending: a socket that is closed with unread bytes resets the
//! connection, and the client would lose the answer.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// How long what still comes is read.
const DRAIN_WITHIN: Duration = Duration::from_secs(2);
/// How much of it, in bytes.
const MAX_DRAINED: usize = 1024 * 1024;

/// What hyper writes, and what a client is told.
const ANSWERS: [(&[u8], &str, &str); 2] = [
    (
        b"HTTP/1.1 431 ",
        "431 Request Header Fields Too Large",
        "The header of this request is too large. This server reads 64 KiB and 100 fields.\n\
         In a browser, cookies are most of it. Delete those of this site, then open the page again.\n",
    ),
    (
        b"HTTP/1.1 414 ",
        "414 URI Too Long",
        "The address of this request is too long.\n",
    ),
];

/// A stream whose bare refusals get a body.
pub(crate) struct HeadRefused<S> {
    stream: S,
    answer: Option<Answer>,
}

/// A refusal on its way, in the stead of the one that hyper wrote.
struct Answer {
    bytes: Vec<u8>,
    written: usize,
    drained: usize,
    end: Option<Pin<Box<Sleep>>>,
}

impl<S> HeadRefused<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self {
            stream,
            answer: None,
        }
    }
}

/// The answer with a body for an answer of hyper's own without one.
fn explained(head: &[u8]) -> Option<Vec<u8>> {
    let (_, status, text) = ANSWERS.iter().find(|(start, ..)| head.starts_with(start))?;
    let is_bare = |head: &[u8]| {
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        head.ends_with("\r\n\r\n") && head.contains("\r\ncontent-length: 0\r\n")
    };
    let length = text.len();
    is_bare(head).then(|| {
        format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n\
             content-length: {length}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\
             content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n\r\n{text}"
        )
        .into_bytes()
    })
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadRefused<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for HeadRefused<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.answer.is_none()
            && let Some(instead) = explained(bytes)
        {
            tracing::info!(
                status = instead
                    .get(9..12)
                    .and_then(|it| std::str::from_utf8(it).ok()),
                "request head refused"
            );
            this.answer = Some(Answer {
                bytes: instead,
                written: 0,
                drained: 0,
                end: None,
            });
        }
        let Some(answer) = &mut this.answer else {
            return Pin::new(&mut this.stream).poll_write(cx, bytes);
        };
        while let Some(left) = answer
            .bytes
            .get(answer.written..)
            .filter(|it| !it.is_empty())
        {
            match ready!(Pin::new(&mut this.stream).poll_write(cx, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => answer.written += written,
            }
        }
        // Hyper's own bytes count as written.
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match pieces {
            [piece] => self.poll_write(cx, piece),
            pieces => Pin::new(&mut self.stream).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        let Some(answer) = &mut this.answer else {
            return Poll::Ready(Ok(()));
        };
        let end = answer
            .end
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(DRAIN_WITHIN)));
        let mut waste = [0; 4096];
        while answer.drained < MAX_DRAINED && end.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut waste);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => answer.drained += buffer.filled().len(),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
