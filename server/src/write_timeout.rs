//! A timeout for writing with a minimum rate. An answer stays in memory until the client has read it, so
//! a client that sends requests and reads no answers could fill the memory.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// The limits for writing to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteTimeout {
    /// The longest wait for a client that reads nothing.
    pub max_wait: Duration,
    /// The bytes a second that a client must read in the long run. Without a minimum, a client that
    /// reads one byte now and then would never time out.
    pub min_rate: u32,
}

impl WriteTimeout {
    /// For the sites. Half a minute bridges a short loss of the mobile network; the slowest line on
    /// which the pages can be used brings a few thousand bytes a second.
    pub const OF_SITES: Self = Self {
        max_wait: Duration::from_secs(30),
        min_rate: 2048,
    };
}

/// A stream with a write timeout. Only the time spent waiting for a write counts; the time in which a
/// connection is idle between two requests does not.
#[derive(Debug)]
pub struct TimeoutStream<S> {
    stream: S,
    limits: WriteTimeout,
    /// How much longer a write may wait now.
    left: Duration,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl<S> TimeoutStream<S> {
    /// A stream with these limits.
    pub fn new(stream: S, limits: WriteTimeout) -> Self {
        Self {
            stream,
            limits,
            left: limits.max_wait,
            waiting: None,
        }
    }

    /// The result of an attempt to write, or the timeout.
    fn check(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            if let Some(Waiting { since, .. }) = self.waiting.take() {
                self.left = self.left.saturating_sub(since.elapsed());
            }
            let read = *written.as_ref().unwrap_or(&0);
            self.left = (self.left + self.earned(read)).min(self.limits.max_wait);
            return Poll::Ready(written);
        }
        let left = self.left;
        let waiting = self.waiting.get_or_insert_with(|| Waiting::from_now(left));
        ready!(waiting.end.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// The time that may be spent waiting for this many bytes that were read.
    fn earned(&self, read: usize) -> Duration {
        let read = u32::try_from(read).unwrap_or(u32::MAX);
        Duration::from_secs(1) * read / self.limits.min_rate.max(1)
    }
}

impl Waiting {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a socket has been waiting, by the clock of its timer"
    )]
    fn from_now(left: Duration) -> Self {
        let since = Instant::now();
        Self {
            since,
            end: Box::pin(tokio::time::sleep_until(since + left)),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimeoutStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimeoutStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.check(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.check(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // A socket has no buffer of its own to flush.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const LIMITS: WriteTimeout = WriteTimeout {
        max_wait: Duration::from_secs(10),
        min_rate: 100,
    };

    /// Writes this many bytes to a reader that reads so many at once, each time that this long has
    /// passed. The clock moves only while everything waits.
    async fn write_to(reader: (usize, Duration), bytes: usize) -> io::Result<()> {
        let (near, mut far): (DuplexStream, _) = duplex(64);
        let (at_once, every) = reader;
        let reading = tokio::spawn(async move {
            let mut taken = vec![0; at_once];
            loop {
                tokio::time::sleep(every).await;
                if !matches!(far.read(&mut taken).await, Ok(read) if read > 0) {
                    break;
                }
            }
        });
        let written = TimeoutStream::new(near, LIMITS)
            .write_all(&vec![0; bytes])
            .await;
        reading.abort();
        written
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_but_steady_reader_gets_everything() {
        let second = Duration::from_secs(1);
        // Thirty times as long as the wait for a reader that reads nothing.
        write_to((60, second / 2), 36_000).await.unwrap();
        // With a pause just below the limit.
        write_to((64, second * 9), 64 * 2).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_below_the_minimum_rate_times_out() {
        let second = Duration::from_secs(1);
        for reader in [(1, second), (1, second / 2), (64, second * 11)] {
            let refused = write_to(reader, 36_000).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::TimedOut, "{reader:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_does_not_count() {
        let (near, mut far) = duplex(64);
        let mut near = TimeoutStream::new(near, LIMITS);
        let mut taken = [0; 96];
        for _ in 0..20 {
            let both =
                async { tokio::try_join!(near.write_all(&[0; 96]), far.read_exact(&mut taken)) };
            both.await.unwrap();
            tokio::time::advance(LIMITS.max_wait * 2).await;
        }
    }
}
