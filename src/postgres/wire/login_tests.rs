#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postgres_protocol::password::scram_sha_256;
use ring::hmac;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_postgres::{Config, NoTls, config::SslMode};

use super::LogIn;
use crate::manifest::ChannelBinding;
use crate::postgres::Reason;
use crate::postgres::error::{classify, describe_open};
use crate::secret::Secret;

/// What a server does that it should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// The last byte of its proof is another.
    Signature,
    /// Its nonce is ours and nothing else.
    ShortNonce,
    /// Its nonce is somebody else's.
    OtherNonce,
    /// This many rounds.
    Iterations(&'static str),
    /// It lets in instead of asking for a proof.
    OkAtOnce,
    /// It lets in without a proof of its own.
    OkWithoutFinal,
    /// Something between its proof and its word that the log-in is done.
    NoticeAtLast,
    /// It asks twice.
    SaslTwice,
    /// It asks in another way.
    CleartextThen,
    /// A message of this length instead of its challenge.
    Length(u32),
    /// It leaves before or within its challenge, or after its proof.
    EndBefore,
    EndWithin,
    EndBeforeOk,
    /// It does not know us.
    Error,
    /// Nothing but one byte at a time.
    Chopped,
    /// All that it says after our proof at once.
    Together,
}

/// The password of every log-in here.
const PASSWORD: &str = "pencil ✓";

/// What the driver is told last.
const DONE: &[u8] = b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x07\0\0\0\x09Z\0\0\0\x05I";

struct Fake {
    stream: DuplexStream,
    fault: Fault,
}

impl Fake {
    async fn raw(&mut self, bytes: &[u8]) {
        let piece = if self.fault == Fault::Chopped { 1 } else { 999 };
        for piece in bytes.chunks(piece) {
            // Who has hung up does not hear the rest.
            if self.stream.write_all(piece).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    fn message(code: u32, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(8 + data.len()).unwrap();
        [
            b"R",
            &length.to_be_bytes()[..],
            &code.to_be_bytes()[..],
            data,
        ]
        .concat()
    }

    /// The body of what the client sends.
    async fn hear(&mut self, kind: bool) -> Option<Vec<u8>> {
        if kind && self.stream.read_u8().await.ok()? != b'p' {
            return None;
        }
        let length = self.stream.read_u32().await.ok()?;
        let mut body = vec![0; usize::try_from(length - 4).unwrap()];
        self.stream.read_exact(&mut body).await.ok()?;
        Some(body)
    }

    /// A server's side of a log-in, as PostgreSQL's but for its fault. Gives the client's first message with its mechanism, and
    /// whether its proof was right.
    async fn serve(mut self, mechanisms: &str, binding: &[u8]) -> Option<(String, bool)> {
        self.hear(false).await?;
        self.raw(&Self::message(10, mechanisms.as_bytes())).await;
        let first = self.hear(true).await?;
        let end = first.iter().position(|byte| *byte == 0)?;
        let mechanism = String::from_utf8(first[..end].to_vec()).unwrap();
        let first = String::from_utf8(first[end + 5..].to_vec()).unwrap();
        let begun = format!("{mechanism} {first}");
        let (header, nonce) = first.split_once("n=,r=").unwrap();
        let bare = format!("n=,r={nonce}");

        let verifier = scram_sha_256(PASSWORD.as_bytes());
        let (parameters, keys) = verifier
            .strip_prefix("SCRAM-SHA-256$")
            .unwrap()
            .split_once('$')
            .unwrap();
        let (rounds, salt) = parameters.split_once(':').unwrap();
        let (stored, server) = keys.split_once(':').unwrap();
        let (rounds, nonce) = match self.fault {
            Fault::Iterations(rounds) => (rounds, format!("{nonce}more")),
            Fault::ShortNonce => (rounds, nonce.to_owned()),
            Fault::OtherNonce => (rounds, format!("x{nonce}more")),
            _ => (rounds, format!("{nonce}more")),
        };
        let challenge = format!("r={nonce},s={salt},i={rounds}");
        let sent = Self::message(11, challenge.as_bytes());
        match self.fault {
            Fault::OkAtOnce => self.raw(DONE).await,
            Fault::SaslTwice => self.raw(&Self::message(10, mechanisms.as_bytes())).await,
            Fault::CleartextThen => self.raw(&Self::message(3, b"")).await,
            Fault::Length(length) => self.raw(&[b"R", &length.to_be_bytes()[..]].concat()).await,
            Fault::Error => self.raw(&error()).await,
            Fault::EndBefore => return Some((begun, false)),
            Fault::EndWithin => {
                self.raw(&sent[..20]).await;
                return Some((begun, false));
            }
            _ => self.raw(&sent).await,
        }

        let answer = String::from_utf8(self.hear(true).await?).unwrap();
        let (unproven, proof) = answer.rsplit_once(",p=").unwrap();
        let bound = STANDARD.encode([header.as_bytes(), binding].concat());
        let said = format!("{bare},{challenge},{unproven}");
        let key =
            |base64: &str| hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(base64).unwrap());
        let signature = hmac::sign(&key(stored), said.as_bytes());
        let client_key: Vec<u8> = STANDARD
            .decode(proof)
            .unwrap()
            .iter()
            .zip(signature.as_ref())
            .map(|(left, right)| left ^ right)
            .collect();
        let hashed = ring::digest::digest(&ring::digest::SHA256, &client_key);
        let right = STANDARD.encode(hashed) == stored && unproven == format!("c={bound},r={nonce}");

        let mut own = hmac::sign(&key(server), said.as_bytes()).as_ref().to_vec();
        if self.fault == Fault::Signature {
            own[31] ^= 1;
        }
        let own = Self::message(12, format!("v={}", STANDARD.encode(own)).as_bytes());
        match self.fault {
            Fault::OkWithoutFinal => self.raw(DONE).await,
            Fault::EndBeforeOk => self.raw(&own).await,
            Fault::Together => self.raw(&[&own, DONE].concat()).await,
            Fault::NoticeAtLast => {
                self.raw(&own).await;
                self.raw(b"N\0\0\0\x05\0").await;
                self.raw(DONE).await;
            }
            _ => {
                self.raw(&own).await;
                self.raw(DONE).await;
            }
        }
        Some((begun, right))
    }
}

fn error() -> Vec<u8> {
    let fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed\0\0";
    let length = u32::try_from(4 + fields.len()).unwrap();
    [b"E", &length.to_be_bytes()[..], fields].concat()
}

/// One log-in: what the server heard, and what came of it.
struct LoggedIn {
    heard: Option<(String, bool)>,
    outcome: Result<(), (Reason, String)>,
}

async fn log_in_to(
    fault: Fault,
    mechanisms: &str,
    password: Option<&str>,
    binding: Option<Vec<u8>>,
) -> LoggedIn {
    let (ours, theirs) = duplex(64 * 1024);
    let fake = Fake {
        stream: theirs,
        fault,
    };
    let bound = binding.clone().unwrap_or_default();
    // What a client binds to where the server offers it.
    let bound = if mechanisms.contains("PLUS") {
        bound
    } else {
        Vec::new()
    };
    let mut config = Config::new();
    config.user("somebody").ssl_mode(SslMode::Disable);
    if let Some(password) = password {
        config.password(password);
    }
    let stream = LogIn::new(
        ours,
        password.map(Secret::new),
        binding,
        ChannelBinding::Prefer,
    );
    let both = async {
        futures::join!(
            async {
                let connected = config.connect_raw(stream, NoTls).await;
                connected.map(drop).map_err(|error| {
                    let error = error.into();
                    (classify(&error).0, describe_open(&error))
                })
            },
            fake.serve(mechanisms, &bound)
        )
    };
    let (outcome, heard) = tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .unwrap();
    LoggedIn { heard, outcome }
}

const SCRAM: &str = "SCRAM-SHA-256\0\0";
const BOTH: &str = "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0";

#[tokio::test]
async fn a_server_that_knows_the_password_is_logged_in_to() {
    for fault in [Fault::None, Fault::Chopped, Fault::Together] {
        for (mechanisms, binding, begins) in [
            (SCRAM, None, "SCRAM-SHA-256 n,,n=,r="),
            (BOTH, None, "SCRAM-SHA-256 n,,n=,r="),
            (SCRAM, Some(vec![7; 32]), "SCRAM-SHA-256 y,,n=,r="),
            (
                BOTH,
                Some(vec![7; 32]),
                "SCRAM-SHA-256-PLUS p=tls-server-end-point,,n=,r=",
            ),
        ] {
            let done = log_in_to(fault, mechanisms, Some(PASSWORD), binding).await;
            assert_eq!(done.outcome, Ok(()), "{fault:?} {begins}");
            let (begun, right) = done.heard.unwrap();
            assert!(begun.starts_with(begins), "{begun}");
            assert!(right, "{fault:?} {begins}");
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_log_in_as_it_should_is_refused() {
    for (fault, says) in [
        (Fault::Signature, "did not prove that it knows the password"),
        (Fault::ShortNonce, "nonce"),
        (Fault::OtherNonce, "nonce"),
        (Fault::Iterations("0"), "0 SCRAM iterations"),
        (Fault::Iterations("100001"), "100001 SCRAM iterations"),
        (Fault::Iterations("4294967296"), "RFC 5802"),
        (Fault::OkAtOnce, "before it proved"),
        (Fault::OkWithoutFinal, "before it proved"),
        (Fault::NoticeAtLast, "does not belong"),
        (Fault::SaslTwice, "does not belong"),
        (Fault::CleartextThen, "does not belong"),
        (Fault::Length(3), "a message of 3 bytes"),
        (Fault::Length(65_536), "a message of 65536 bytes"),
        (Fault::Length(u32::MAX), "a message of 4294967295 bytes"),
    ] {
        let (reason, text) = log_in_to(fault, SCRAM, Some(PASSWORD), None)
            .await
            .outcome
            .unwrap_err();
        assert_eq!(reason, Reason::Refused, "{fault:?}: {text}");
        assert!(text.contains(says), "{fault:?}: {text}");
        assert!(!text.contains("pencil"), "{text}");
    }
    let (reason, text) = log_in_to(Fault::None, "OTHER\0\0", Some(PASSWORD), None)
        .await
        .outcome
        .unwrap_err();
    assert_eq!(reason, Reason::Refused);
    assert!(text.contains("neither SCRAM-SHA-256"), "{text}");
}

#[tokio::test]
async fn what_is_not_scram_stays_with_the_driver() {
    for (fault, says) in [
        (Fault::EndBefore, "connection closed"),
        (Fault::EndWithin, "bytes remaining on stream"),
        (Fault::EndBeforeOk, "connection closed"),
    ] {
        let (reason, text) = log_in_to(fault, SCRAM, Some(PASSWORD), None)
            .await
            .outcome
            .unwrap_err();
        assert_eq!(reason, Reason::Unreachable, "{fault:?}: {text}");
        assert!(text.contains(says), "{fault:?}: {text}");
    }
    let (reason, text) = log_in_to(Fault::Error, SCRAM, Some(PASSWORD), None)
        .await
        .outcome
        .unwrap_err();
    assert_eq!(reason, Reason::LogIn);
    assert!(text.contains("SQLSTATE 28P01"), "{text}");
    let (reason, text) = log_in_to(Fault::None, SCRAM, None, None)
        .await
        .outcome
        .unwrap_err();
    assert_eq!(reason, Reason::LogIn);
    assert!(text.contains("password missing"), "{text}");
}

#[tokio::test]
async fn another_password_is_not_proven() {
    let done = log_in_to(Fault::None, SCRAM, Some("pen"), None).await;
    let (_, right) = done.heard.unwrap();
    assert!(!right);
    // The fake lets everybody in, and its proof is of another password.
    let (reason, text) = done.outcome.unwrap_err();
    assert_eq!(reason, Reason::Refused);
    assert!(text.contains("did not prove"), "{text}");
}
