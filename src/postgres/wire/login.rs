//! The stream that the driver is given: it writes its first message, and what it reads afterwards begins where the log-in with SCRAM,
//! if there was one, is done.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::HandedOver;
use super::sasl::log_in;
use crate::manifest::ChannelBinding;
use crate::secret::Secret;

/// A stream that answers a request for SCRAM by itself.
pub(in crate::postgres) struct LogIn<S>(State<S>);

/// How far the log-in is.
enum State<S> {
    /// The driver writes its first message.
    Starting(S, Credentials),
    /// It waits for the answer.
    LoggingIn(Pin<Box<dyn Future<Output = io::Result<HandedOver<S>>> + Send>>),
    /// The stream is the driver's.
    Open(HandedOver<S>),
    /// The log-in was ended.
    Failed,
}

/// What to log in with.
struct Credentials {
    password: Option<Secret>,
    /// What binds the log-in to TLS.
    binding: Option<Vec<u8>>,
    /// Whether it is to be bound.
    wanted: ChannelBinding,
}

impl<S> LogIn<S> {
    /// A stream on which nothing was sent yet.
    pub(in crate::postgres) const fn new(
        stream: S,
        password: Option<Secret>,
        binding: Option<Vec<u8>>,
        wanted: ChannelBinding,
    ) -> Self {
        let credentials = Credentials {
            password,
            binding,
            wanted,
        };
        Self(State::Starting(stream, credentials))
    }

    /// The stream that the driver may write to.
    fn writable(&mut self) -> io::Result<&mut S> {
        match &mut self.0 {
            State::Starting(stream, _)
            | State::Open(HandedOver {
                stream: Some(stream),
                ..
            }) => Ok(stream),
            State::LoggingIn(_) | State::Open(_) | State::Failed => {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> AsyncRead for LogIn<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match &mut self.0 {
                State::Open(open) => return open.poll_read(context, buffer),
                State::LoggingIn(log_in) => {
                    let done = ready!(log_in.as_mut().poll(context));
                    // Whatever comes after a log-in that failed is not to be read.
                    self.0 = State::Failed;
                    self.0 = State::Open(done?);
                }
                State::Starting(..) => self.begin(),
                State::Failed => return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> LogIn<S> {
    fn begin(&mut self) {
        let state = std::mem::replace(&mut self.0, State::Failed);
        self.0 = match state {
            State::Starting(stream, it) => State::LoggingIn(Box::pin(async move {
                log_in(stream, it.password.as_ref(), it.binding, it.wanted).await
            })),
            begun => begun,
        };
    }
}

impl<S: AsyncRead + Unpin> HandedOver<S> {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.read.is_empty() {
            let fits = self.read.len().min(buffer.remaining());
            let rest = self.read.split_off(fits);
            buffer.put_slice(&std::mem::replace(&mut self.read, rest));
            return Poll::Ready(Ok(()));
        }
        match &mut self.stream {
            Some(stream) => Pin::new(stream).poll_read(context, buffer),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LogIn<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.writable()?).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.writable()?).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.writable() {
            Ok(stream) => Pin::new(stream).poll_shutdown(context),
            Err(_) => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
