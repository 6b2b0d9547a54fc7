//! A stream whose other end owes an answer only so long. The server limits the statements of a reading session by itself; who says
//! nothing beyond that is stopped, or cut off by something that drops packets and keeps the connection open.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// What every answer ends with (PostgreSQL documentation, "Message Formats", ReadyForQuery), without the state of the transaction.
const READY: [u8; 5] = [b'Z', 0, 0, 0, 5];

/// The length of all of it.
const END: usize = READY.len() + 1;

/// A stream that ends when an answer is overdue.
pub(in crate::postgres) struct Silence<S> {
    stream: S,
    /// How long nothing at all may come; `None` for ever.
    limit: Option<Duration>,
    answer: Answer,
    /// The last bytes that came: the end of an answer may come in pieces.
    tail: Vec<u8>,
    overdue: Pin<Box<Sleep>>,
}

/// How far the answer to what was sent is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Nothing is outstanding.
    Complete,
    /// Nothing of it has come.
    Awaited,
    /// A part of it has come.
    Begun,
    /// It did not come, and the reader was told so.
    Given,
}

impl<S> Silence<S> {
    /// A stream of which nothing is awaited yet.
    pub(in crate::postgres) fn new(stream: S, limit: Option<Duration>) -> Self {
        Self {
            stream,
            limit,
            answer: Answer::Complete,
            tail: Vec::with_capacity(2 * END),
            overdue: Box::pin(tokio::time::sleep(limit.unwrap_or_default())),
        }
    }

    /// From now on the answer may take the whole time again.
    fn wait_anew(&mut self, limit: Duration) {
        self.overdue.as_mut().reset(Instant::now() + limit);
    }

    /// Whether what has come so far ends as every answer does.
    fn ends_answer(&mut self, new: &[u8]) -> bool {
        let from = new.len().saturating_sub(END);
        self.tail
            .extend_from_slice(new.get(from..).unwrap_or_default());
        let old = self.tail.len().saturating_sub(END);
        self.tail.drain(..old);
        self.tail.len() == END && self.tail.starts_with(&READY)
    }

    /// What the driver reads in the place of an answer. In the middle of one it would not be understood.
    fn told(&mut self, limit: Duration, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        let message = error_response(limit);
        let fits = buffer.remaining() >= message.len();
        if self.answer != Answer::Awaited || !fits {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.answer = Answer::Given;
        buffer.put_slice(&message);
        Ok(())
    }
}

/// An ErrorResponse that says what has happened.
fn error_response(limit: Duration) -> Vec<u8> {
    let text = format!(
        "no answer for {} s: the server's process stands still, or something on the way to it lets nothing through",
        limit.as_secs()
    );
    let fields = format!("SFATAL\0VFATAL\0C08006\0M{text}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap_or_default();
    let mut message = vec![b'E'];
    message.extend(length.to_be_bytes());
    message.extend(fields.into_bytes());
    message
}

impl<S: AsyncRead + Unpin> AsyncRead for Silence<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.answer == Answer::Given {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let Some(limit) = self.limit else {
            return read;
        };
        if read.is_pending() {
            if self.answer == Answer::Complete {
                return Poll::Pending;
            }
            ready!(self.overdue.as_mut().poll(context));
            return Poll::Ready(self.told(limit, buffer));
        }
        // What comes unasked, as a changed setting does, begins no answer.
        if self.answer != Answer::Complete {
            let new = buffer.filled().get(before..).unwrap_or_default();
            self.answer = match self.ends_answer(new) {
                true => Answer::Complete,
                false => Answer::Begun,
            };
        }
        self.wait_anew(limit);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Silence<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Some(limit) = self.limit
            && self.answer == Answer::Complete
        {
            self.answer = Answer::Awaited;
            self.wait_anew(limit);
            // So that the task is woken: it may have looked for something to read before it wrote.
            let _ = self.overdue.as_mut().poll(context);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    const LIMIT: Duration = Duration::from_millis(50);

    async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; 1000];
        let length = stream.read(&mut bytes).await?;
        bytes.truncate(length);
        Ok(bytes)
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_is_an_error_and_rest_is_none() -> io::Result<()> {
        let (ours, mut theirs) = duplex(1000);
        let mut stream = Silence::new(ours, Some(LIMIT));
        // Nothing was asked.
        let rest = tokio::time::timeout(4 * LIMIT, read(&mut stream)).await;
        assert!(rest.is_err());
        stream.write_all(b"Q").await?;
        for part in [&b"D...Z\0"[..], &b"\0\0\x05"[..], &b"I"[..]] {
            theirs.write_all(part).await?;
            assert_eq!(read(&mut stream).await?, part);
        }
        let rest = tokio::time::timeout(4 * LIMIT, read(&mut stream)).await;
        assert!(rest.is_err());
        theirs.write_all(b"S").await?;
        assert_eq!(read(&mut stream).await?, b"S");
        let rest = tokio::time::timeout(4 * LIMIT, read(&mut stream)).await;
        assert!(rest.is_err());
        // Asked and not answered.
        stream.write_all(b"Q").await?;
        let told = read(&mut stream).await?;
        assert!(told.starts_with(b"E"));
        assert!(String::from_utf8_lossy(&told).contains("C08006\0Mno answer for"));
        assert!(read(&mut stream).await?.is_empty());
        Ok(())
    }

    #[tokio::test]
    async fn half_an_answer_ends_the_connection() -> io::Result<()> {
        let (ours, mut theirs) = duplex(1000);
        let mut stream = Silence::new(ours, Some(LIMIT));
        stream.write_all(b"Q").await?;
        theirs.write_all(b"D").await?;
        assert_eq!(read(&mut stream).await?, b"D");
        let error = read(&mut stream).await.err().map(|error| error.kind());
        assert_eq!(error, Some(io::ErrorKind::TimedOut));
        // Without a limit nothing ends it.
        let (ours, _theirs) = duplex(1000);
        let mut stream = Silence::new(ours, None);
        stream.write_all(b"Q").await?;
        let rest = tokio::time::timeout(4 * LIMIT, read(&mut stream)).await;
        assert!(rest.is_err());
        Ok(())
    }
}
