//! The client's side of SCRAM-SHA-256 (RFC 5802 and 7677). Text in, text out: what carries the messages is `wire/sasl.rs`.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use sha2::{Digest as _, Sha256};

use super::keys::{self, keys};
use crate::secret::Secret;

/// A server that asks for more rounds wants to keep us busy. PostgreSQL's own number is 4096 (`scram_iterations`).
const MOST_ITERATIONS: u32 = 100_000;

/// The length of a nonce before it is encoded: libpq's.
const NONCE: usize = 18;

/// What binds the log-in to the TLS session that it happens in.
pub(in crate::postgres) enum Binding {
    /// There is no TLS, or nothing to bind to.
    None,
    /// There is, and the server does not offer SCRAM-SHA-256-PLUS.
    NotOffered,
    /// The hash of the server's certificate, as `tls-server-end-point` (RFC 5929) has it.
    ServerEndPoint(Vec<u8>),
}

impl Binding {
    const fn header(&self) -> &'static str {
        match self {
            Self::None => "n,,",
            Self::NotOffered => "y,,",
            Self::ServerEndPoint(_) => "p=tls-server-end-point,,",
        }
    }

    /// The header and what is bound to, as the server gets to see them.
    fn input(&self) -> String {
        let mut input = self.header().as_bytes().to_vec();
        if let Self::ServerEndPoint(data) = self {
            input.extend_from_slice(data);
        }
        STANDARD.encode(input)
    }
}

/// Why the server is not taken for one that knows the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::postgres) enum Unproven {
    /// A message that RFC 5802 does not know.
    #[error("the server's SCRAM message is not one (RFC 5802)")]
    Malformed,
    /// It may be an answer to somebody else.
    #[error("the server's SCRAM nonce does not begin with ours and go on")]
    Nonce,
    /// Too few or too many rounds.
    #[error("the server asks for {0} SCRAM iterations; dbctl computes 1 to {MOST_ITERATIONS}")]
    Iterations(u32),
    /// It does not know the password.
    #[error("the server did not prove that it knows the password")]
    Signature,
}

/// A log-in that has begun.
pub(in crate::postgres) struct Exchange {
    binding: Binding,
    /// The role; PostgreSQL takes it from the startup message and wants it empty here.
    name: &'static str,
    nonce: String,
}

/// What the server must send at last.
pub(in crate::postgres) struct Expected {
    key: [u8; keys::KEY],
    /// All that was said.
    exchange: String,
}

impl Exchange {
    /// A new log-in with a nonce of its own.
    pub(in crate::postgres) fn begin(binding: Binding) -> Self {
        let nonce: [u8; NONCE] = rand::random();
        Self {
            binding,
            name: "",
            nonce: STANDARD.encode(nonce),
        }
    }

    /// `client-first-message`.
    pub(in crate::postgres) fn first_message(&self) -> String {
        format!("{}{}", self.binding.header(), self.bare())
    }

    /// The first message without what binds it.
    fn bare(&self) -> String {
        format!("n={},r={}", self.name, self.nonce)
    }

    /// `client-final-message` for the `server-first-message`, and what the server must answer. Stretches the password, which takes
    /// milliseconds where this process has not done so.
    ///
    /// # Errors
    /// When the message is not one to answer.
    pub(in crate::postgres) fn answer(
        &self,
        password: &Secret,
        server_first: &[u8],
    ) -> Result<(String, Expected), Unproven> {
        let server_first = std::str::from_utf8(server_first).map_err(|_| Unproven::Malformed)?;
        let challenge = Challenge::parse(server_first).ok_or(Unproven::Malformed)?;
        let own = challenge
            .nonce
            .strip_prefix(&self.nonce)
            .is_some_and(|rest| !rest.is_empty());
        if !own {
            return Err(Unproven::Nonce);
        }
        let iterations = NonZeroU32::new(challenge.iterations)
            .filter(|number| number.get() <= MOST_ITERATIONS)
            .ok_or(Unproven::Iterations(challenge.iterations))?;
        let keys = keys(password, &challenge.salt, iterations);

        let without_proof = format!("c={},r={}", self.binding.input(), challenge.nonce);
        let exchange = format!("{},{server_first},{without_proof}", self.bare());
        let signature = keys::hmac(&Sha256::digest(keys.client), exchange.as_bytes());
        let mut proof = keys.client;
        for (byte, signed) in proof.iter_mut().zip(signature) {
            *byte ^= signed;
        }
        let message = format!("{without_proof},p={}", STANDARD.encode(proof));
        let key = keys.server;
        Ok((message, Expected { key, exchange }))
    }
}

impl Expected {
    /// Whether the `server-final-message` is one of somebody who knows the password.
    ///
    /// # Errors
    /// When it is not.
    pub(in crate::postgres) fn check(&self, server_final: &[u8]) -> Result<(), Unproven> {
        let signature = server_final
            .strip_prefix(b"v=")
            .and_then(|text| STANDARD.decode(text).ok())
            .ok_or(Unproven::Malformed)?;
        // It takes as long for every wrong signature.
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        hmac::verify(&key, self.exchange.as_bytes(), &signature).map_err(|_| Unproven::Signature)
    }
}

/// What `server-first-message` says.
struct Challenge<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: u32,
}

impl<'a> Challenge<'a> {
    /// Extensions are refused: PostgreSQL has none.
    fn parse(message: &'a str) -> Option<Self> {
        let mut parts = message.split(',');
        let nonce = parts.next()?.strip_prefix("r=")?;
        let salt = parts.next()?.strip_prefix("s=")?;
        let iterations = parts.next()?.strip_prefix("i=")?;
        if parts.next().is_some() || !nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        Some(Self {
            nonce,
            salt: STANDARD.decode(salt).ok()?,
            iterations: iterations.parse().ok()?,
        })
    }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
