//! What lies below the driver: the socket, TLS, and the answer to a server that asks for SCRAM. The driver would stretch the password
//! anew for every session; here it is stretched once (`scram/keys.rs`).

mod binding;
mod frames;
mod login;
mod place;
mod sasl;
mod silence;

pub(super) use login::LogIn;
pub(super) use place::Place;
pub(super) use sasl::Refusal;
pub(super) use silence::Silence;

/// Why there is no connection. The words are the driver's, which tells the same of what it opens itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// There is no socket.
    #[error("error connecting to server")]
    Connect(#[source] std::io::Error),
    /// The socket broke before the driver had it.
    #[error("error communicating with the server")]
    Io(#[source] std::io::Error),
    /// The server has no TLS and the endpoint wants it.
    #[error("error performing TLS handshake: server does not support TLS")]
    NoTls,
    /// The handshake failed.
    #[error("error performing TLS handshake")]
    Tls(#[source] std::io::Error),
    /// The driver's own error, from the first message on.
    #[error(transparent)]
    Driver(#[from] tokio_postgres::Error),
}
