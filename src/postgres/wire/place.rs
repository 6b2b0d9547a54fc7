//! Where a server is, and opening a stream to it: the socket, and TLS where the endpoint wants it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls_pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::OpenError;
use super::binding::tls_server_end_point;
use crate::manifest::{Host, SslMode};

/// The request for TLS: its length and its code (PostgreSQL documentation, "Message Formats", SSLRequest).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// The server's yes to TLS, and its no.
const TLS_OFFERED: u8 = b'S';
const TLS_REFUSED: u8 = b'N';

/// How long a connection rests before the system asks whether the other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// How long it waits for each answer, and how many it waits for in vain: by itself Linux would take eleven minutes.
const PROBE: Duration = Duration::from_secs(10);
const PROBES: u32 = 6;

/// How long what was sent may stay unacknowledged; Linux would try for a quarter of an hour.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(90);

/// Bytes in both directions, over a socket or TLS.
pub(in crate::postgres) trait ByteStream:
    AsyncRead + AsyncWrite + Send + Unpin
{
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

/// An open stream.
pub(in crate::postgres) struct Opened {
    pub(in crate::postgres) stream: Box<dyn ByteStream>,
    /// What binds a log-in to the TLS session (RFC 5929, `tls-server-end-point`); `None` without TLS.
    pub(in crate::postgres) binding: Option<Vec<u8>>,
}

impl Opened {
    fn plain(stream: impl ByteStream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            binding: None,
        }
    }
}

/// One address of one host, and all that another connection to it needs.
#[derive(Clone)]
pub(in crate::postgres) struct Place {
    at: At,
    tls: Tls,
}

#[derive(Clone)]
enum At {
    Socket(PathBuf),
    Tcp(SocketAddr),
}

/// How far TLS is wanted, and the name that the certificate is for.
#[derive(Clone)]
enum Tls {
    Off,
    Preferred(TlsConnector, String),
    Required(TlsConnector, String),
}

impl Place {
    /// The socket in a host's directory. libpq ignores `sslmode` there (PostgreSQL documentation, "SSL Support").
    pub(in crate::postgres) fn socket(host: &Host) -> Self {
        Self {
            at: At::Socket(Path::new(&host.name).join(format!(".s.PGSQL.{}", host.port))),
            tls: Tls::Off,
        }
    }

    /// One of a host's addresses. The certificate is for the host's name all the same.
    pub(in crate::postgres) fn tcp(
        host: &Host,
        address: SocketAddr,
        mode: SslMode,
        connector: &TlsConnector,
    ) -> Self {
        let (connector, name) = (connector.clone(), host.name.clone());
        Self {
            at: At::Tcp(address),
            tls: match mode {
                SslMode::Disable => Tls::Off,
                SslMode::Prefer => Tls::Preferred(connector, name),
                SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                    Tls::Required(connector, name)
                }
            },
        }
    }

    /// The same without TLS, where TLS was only preferred.
    pub(in crate::postgres) fn without_tls(&self) -> Option<Self> {
        matches!(self.tls, Tls::Preferred(..)).then(|| Self {
            at: self.at.clone(),
            tls: Tls::Off,
        })
    }

    /// Opens a stream. Nothing limits the time.
    ///
    /// # Errors
    /// When nobody listens there, the connection breaks, or TLS is required and is not to be had.
    pub(in crate::postgres) async fn open(&self) -> Result<Opened, OpenError> {
        let mut stream = match &self.at {
            At::Socket(path) => {
                let stream = UnixStream::connect(path).await;
                return Ok(Opened::plain(stream.map_err(OpenError::Connect)?));
            }
            At::Tcp(address) => connect(*address).await.map_err(OpenError::Connect)?,
        };
        let (connector, name) = match &self.tls {
            Tls::Off => return Ok(Opened::plain(stream)),
            Tls::Preferred(connector, name) | Tls::Required(connector, name) => (connector, name),
        };
        if !offers_tls(&mut stream).await.map_err(OpenError::Io)? {
            return match &self.tls {
                Tls::Required(..) => Err(OpenError::NoTls),
                Tls::Off | Tls::Preferred(..) => Ok(Opened::plain(stream)),
            };
        }
        secure(stream, connector, name)
            .await
            .map_err(OpenError::Tls)
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(PROBE)
        .with_retries(PROBES);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(stream)
}

/// Asks for TLS. Exactly one byte is read: what comes before the handshake must not be taken for what is protected.
async fn offers_tls(stream: &mut TcpStream) -> io::Result<bool> {
    stream.write_all(&SSL_REQUEST).await?;
    let mut answer = [0];
    stream.read_exact(&mut answer).await?;
    match answer {
        [TLS_OFFERED] => Ok(true),
        [TLS_REFUSED] => Ok(false),
        // What follows may be from anybody, and is not to be shown (CVE-2024-10977).
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it answers the request for TLS with neither yes nor no: it is no PostgreSQL server, or one that could start no process",
        )),
    }
}

async fn secure(stream: TcpStream, connector: &TlsConnector, name: &str) -> io::Result<Opened> {
    let name = ServerName::try_from(name.to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let stream = connector.connect(name, stream).await?;
    let binding = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(<[_]>::first)
        .and_then(|certificate| tls_server_end_point(certificate));
    Ok(Opened {
        stream: Box::new(stream),
        binding,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_is_gone_without_a_word_is_noticed_in_minutes() -> io::Result<()> {
        let server = std::net::TcpListener::bind("127.0.0.1:0")?;
        let stream = connect(server.local_addr()?).await?;
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive()?);
        let rest = socket.tcp_keepalive_time()?;
        let probes = socket.tcp_keepalive_interval()? * socket.tcp_keepalive_retries()?;
        assert!(
            rest + probes <= Duration::from_secs(120),
            "{rest:?} {probes:?}"
        );
        #[cfg(target_os = "linux")]
        assert!(
            socket
                .tcp_user_timeout()?
                .is_some_and(|limit| limit <= Duration::from_secs(120))
        );
        Ok(())
    }
}
