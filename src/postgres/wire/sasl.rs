//! The answer to a server that asks for SCRAM (PostgreSQL documentation, "SASL Authentication").

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use super::super::scram::{Binding, Exchange, Unproven};
use super::frames::{Content, Frame, Frames, HandedOver};
use crate::manifest::ChannelBinding;
use crate::secret::Secret;

const SCRAM: &str = "SCRAM-SHA-256";
const SCRAM_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// Why a log-in was ended from this side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::postgres) enum Refusal {
    /// The server offers nothing that dbctl speaks.
    #[error("the server asks for a log-in that is neither SCRAM-SHA-256 nor SCRAM-SHA-256-PLUS")]
    Mechanisms,
    /// The log-in is to be bound to TLS, and cannot be.
    #[error(
        "channel_binding=require asks for a log-in that is bound to the server's certificate, and the server offers none here"
    )]
    Unbound,
    /// SCRAM itself.
    #[error(transparent)]
    Unproven(#[from] Unproven),
    /// The server lets in before it has shown that it knows the password.
    #[error("the server ended the log-in before it proved that it knows the password")]
    Unfinished,
    /// A message that does not belong here.
    #[error("the server sent a message that does not belong into a log-in with SCRAM")]
    Unexpected,
    /// A message of a length, in bytes, that none has.
    #[error("the server announced a message of {0} bytes during the log-in")]
    Length(u32),
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(io::ErrorKind::InvalidData, refusal)
    }
}

/// Logs in where the server asks for SCRAM and there is a password. All else is the driver's: other methods, the server's errors, and
/// its word that the log-in is done.
///
/// # Errors
/// When the stream breaks, or with a [`Refusal`].
pub(super) async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    password: Option<&Secret>,
    binding: Option<Vec<u8>>,
    wanted: ChannelBinding,
) -> io::Result<HandedOver<S>> {
    let mut frames = Frames::new(stream);
    let Some(asked) = frames.next().await? else {
        return Ok(frames.ended());
    };
    let required = wanted == ChannelBinding::Require;
    let (Content::Sasl(mechanisms), Some(password)) = (asked.content(), password) else {
        // Before a password goes out that nothing binds.
        if required && asked.content() != Content::Error && password.is_some() {
            return Err(Refusal::Unbound.into());
        }
        return Ok(frames.hand_over(asked));
    };
    let binding = binding.filter(|_| wanted != ChannelBinding::Disable);
    let (mechanism, binding) = choose(mechanisms, binding)?;
    if required && mechanism != SCRAM_PLUS {
        return Err(Refusal::Unbound.into());
    }
    let last = prove(&mut frames, mechanism, &Exchange::begin(binding), password).await?;
    Ok(match last {
        Some(last) => frames.hand_over(last),
        None => frames.ended(),
    })
}

/// Proves to the server that we know the password, and lets it prove the same. The message that the driver goes on with is the server's
/// word that the log-in is done, or its error; `None` where it has ended the connection.
async fn prove<S: AsyncRead + AsyncWrite + Unpin>(
    frames: &mut Frames<S>,
    mechanism: &str,
    exchange: &Exchange,
    password: &Secret,
) -> io::Result<Option<Frame>> {
    let first = initial_response(mechanism, &exchange.first_message())?;
    frames.send(&first).await?;
    let Some(challenge) = frames.next().await? else {
        return Ok(None);
    };
    let server_first = match challenge.content() {
        Content::Continue(data) => data,
        Content::Error => return Ok(Some(challenge)),
        other => return Err(out_of_turn(&other).into()),
    };
    let (answer, expected) = exchange
        .answer(password, server_first)
        .map_err(Refusal::from)?;
    frames.send(answer.as_bytes()).await?;
    let Some(proof) = frames.next().await? else {
        return Ok(None);
    };
    match proof.content() {
        Content::Final(data) => expected.check(data).map_err(Refusal::from)?,
        Content::Error => return Ok(Some(proof)),
        other => return Err(out_of_turn(&other).into()),
    }
    let Some(done) = frames.next().await? else {
        return Ok(None);
    };
    match done.content() {
        Content::Ok | Content::Error => Ok(Some(done)),
        _ => Err(Refusal::Unexpected.into()),
    }
}

/// The mechanism to answer with. A server without SCRAM-SHA-256-PLUS is told where dbctl could have used it: one that did offer it then
/// knows that somebody in between took it away (RFC 5802, section 6).
fn choose(mechanisms: &[u8], binding: Option<Vec<u8>>) -> Result<(&'static str, Binding), Refusal> {
    let offers = |name: &str| {
        mechanisms
            .split(|byte| *byte == 0)
            .any(|offered| offered == name.as_bytes())
    };
    match binding {
        Some(data) if offers(SCRAM_PLUS) => Ok((SCRAM_PLUS, Binding::ServerEndPoint(data))),
        _ if !offers(SCRAM) => Err(Refusal::Mechanisms),
        Some(_) => Ok((SCRAM, Binding::NotOffered)),
        None => Ok((SCRAM, Binding::None)),
    }
}

/// The body of `SASLInitialResponse`.
fn initial_response(mechanism: &str, message: &str) -> io::Result<Vec<u8>> {
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    let mut body = mechanism.as_bytes().to_vec();
    body.push(0);
    body.extend_from_slice(&length.to_be_bytes());
    body.extend_from_slice(message.as_bytes());
    Ok(body)
}

/// What is wrong about a message that is not the next one.
fn out_of_turn(content: &Content<'_>) -> Refusal {
    match content {
        Content::Ok => Refusal::Unfinished,
        _ => Refusal::Unexpected,
    }
}
