//! The server's messages, one by one, until the driver takes over (PostgreSQL documentation, "Message Formats").

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::sasl::Refusal;

/// The longest message, in bytes, that a server may send during the log-in: it is not known yet, and makes nobody allocate more.
const LONGEST: usize = 64 * 1024;

/// The room, in bytes, for what is read at once. All that follows a log-in with SCRAM takes about half of it.
const ROOM: usize = 1024;

/// The length of a message's kind and of its length.
const HEADER: usize = 5;

/// The kind of the messages of a log-in.
const AUTHENTICATION: u8 = b'R';

/// The kind of an error.
const ERROR: u8 = b'E';

/// A message of the server as it came.
pub(super) struct Frame(Vec<u8>);

/// What a message says, as far as the log-in cares.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// `AuthenticationOk`.
    Ok,
    /// `AuthenticationSASL` with the list of mechanisms.
    Sasl(&'a [u8]),
    /// `AuthenticationSASLContinue`.
    Continue(&'a [u8]),
    /// `AuthenticationSASLFinal`.
    Final(&'a [u8]),
    /// `ErrorResponse`.
    Error,
    /// Anything else.
    Other,
}

impl Frame {
    pub(super) fn content(&self) -> Content<'_> {
        let Some((&kind, rest)) = self.0.split_first() else {
            return Content::Other;
        };
        let code = rest
            .split_first_chunk::<4>()
            .and_then(|(_length, rest)| rest.split_first_chunk::<4>());
        match (kind, code) {
            (ERROR, _) => Content::Error,
            (AUTHENTICATION, Some((code, data))) => match u32::from_be_bytes(*code) {
                0 => Content::Ok,
                10 => Content::Sasl(data),
                11 => Content::Continue(data),
                12 => Content::Final(data),
                _ => Content::Other,
            },
            _ => Content::Other,
        }
    }
}

/// A stream, and what was read from it beyond the last message.
pub(super) struct Frames<S> {
    stream: S,
    read: Vec<u8>,
}

/// A stream on its way to the driver.
pub(super) struct HandedOver<S> {
    /// What the driver reads first.
    pub(super) read: Vec<u8>,
    /// What it reads then; `None` where the server has ended the connection.
    pub(super) stream: Option<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Frames<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// The next message; `None` where the server has ended the connection, also in the middle of one.
    pub(super) async fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(length) = self.length()?
                && self.read.len() >= length
            {
                let rest = self.read.split_off(length);
                return Ok(Some(Frame(std::mem::replace(&mut self.read, rest))));
            }
            self.read.reserve(ROOM);
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// The length of the message that has begun, its kind included; `None` before it is told.
    fn length(&self) -> Result<Option<usize>, Refusal> {
        let length = self
            .read
            .get(1..)
            .and_then(|rest| rest.first_chunk::<4>())
            .map(|bytes| u32::from_be_bytes(*bytes));
        let Some(length) = length else {
            return Ok(None);
        };
        // The length counts itself and not the kind.
        match usize::try_from(length) {
            Ok(told) if (HEADER - 1..LONGEST).contains(&told) => Ok(Some(told + 1)),
            _ => Err(Refusal::Length(length)),
        }
    }

    /// Sends a message with a password's kind, which all of SASL's have.
    pub(super) async fn send(&mut self, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
        let mut message = vec![b'p'];
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(body);
        self.stream.write_all(&message).await?;
        self.stream.flush().await
    }

    /// Gives the stream to the driver, which reads this message first.
    pub(super) fn hand_over(self, frame: Frame) -> HandedOver<S> {
        let Frame(mut read) = frame;
        read.extend_from_slice(&self.read);
        HandedOver {
            read,
            stream: Some(self.stream),
        }
    }

    /// Lets the driver see that the connection ended.
    pub(super) fn ended(self) -> HandedOver<S> {
        HandedOver {
            read: self.read,
            stream: None,
        }
    }
}
