//! How long a connection waits for the other side to take what it is told. An answer lies in memory
//! until it is taken, so whoever asks for many and reads none would hold as much as they like.

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

/// For how long a connection waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The longest that it waits for somebody who takes nothing.
    pub most: Duration,
    /// How many bytes a second must be taken in the long run. Without this, one byte now and then
    /// would be a way of staying.
    pub slowest: u32,
}

impl Patience {
    /// Half a minute bridges what goes wrong on a train; the slowest line that pages are bearable on
    /// brings a few thousand bytes a second.
    pub const OF_SITES: Self = Self {
        most: Duration::from_secs(30),
        slowest: 2048,
    };
}

/// A stream whose other side must take what is written to it. Only time that is spent waiting counts:
/// a connection that lies idle between two requests uses none up.
#[derive(Debug)]
pub struct Patient<S> {
    stream: S,
    patience: Patience,
    /// For how much longer it would wait now.
    left: Duration,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl<S> Patient<S> {
    /// A stream that waits for so long.
    pub fn new(stream: S, patience: Patience) -> Self {
        Self {
            stream,
            patience,
            left: patience.most,
            waiting: None,
        }
    }

    /// What came of an attempt to write, or the end of all patience.
    fn judge(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            if let Some(Waiting { since, .. }) = self.waiting.take() {
                self.left = self.left.saturating_sub(since.elapsed());
            }
            let taken = *written.as_ref().unwrap_or(&0);
            self.left = (self.left + self.earned(taken)).min(self.patience.most);
            return Poll::Ready(written);
        }
        let left = self.left;
        let waiting = self.waiting.get_or_insert_with(|| Waiting::from_now(left));
        ready!(waiting.end.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// How much waiting is earned by what was taken.
    fn earned(&self, taken: usize) -> Duration {
        let taken = u32::try_from(taken).unwrap_or(u32::MAX);
        Duration::from_secs(1) * taken / self.patience.slowest.max(1)
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

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // A socket keeps nothing back that would have to be waited for here.
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

    const PATIENCE: Patience = Patience {
        most: Duration::from_secs(10),
        slowest: 100,
    };

    /// Writes this much to somebody who takes so many bytes each time that this long has passed, by a
    /// clock that stands still while anything moves.
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
        let written = Patient::new(near, PATIENCE)
            .write_all(&vec![0; bytes])
            .await;
        reading.abort();
        written
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_little_but_steadily_gets_all_of_it() {
        let second = Duration::from_secs(1);
        // Thirty times as long as anybody who takes nothing is waited for.
        write_to((60, second / 2), 36_000).await.unwrap();
        // With a pause that is just bearable.
        write_to((64, second * 9), 64 * 2).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_a_byte_now_and_then_is_as_good_as_who_takes_none() {
        let second = Duration::from_secs(1);
        for reader in [(1, second), (1, second / 2), (64, second * 11)] {
            let refused = write_to(reader, 36_000).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::TimedOut, "{reader:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_lies_idle_uses_no_patience_up() {
        let (near, mut far) = duplex(64);
        let mut near = Patient::new(near, PATIENCE);
        let mut taken = [0; 96];
        for _ in 0..20 {
            let both =
                async { tokio::try_join!(near.write_all(&[0; 96]), far.read_exact(&mut taken)) };
            both.await.unwrap();
            tokio::time::advance(PATIENCE.most * 2).await;
        }
    }
}
