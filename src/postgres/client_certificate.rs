//! The certificate that a client shows to a server that asks for one (PostgreSQL documentation, "Client Certificates").

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustls::client::WantsClientCert;
use rustls::{ClientConfig, ConfigBuilder};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::manifest::ClientCertificate;
use crate::regular::read_regular;

/// The largest file of a certificate or a key, in bytes.
const LARGEST: u64 = 1 << 20;

/// The configuration with this certificate.
pub(super) fn client_certificate(
    config: ConfigBuilder<ClientConfig, WantsClientCert>,
    own: &ClientCertificate,
) -> Result<ClientConfig, String> {
    let chain = chain(&own.certificate)?;
    let key = key(&own.key)?;
    config.with_client_auth_cert(chain, key).map_err(|error| {
        let (certificate, key) = (own.certificate.display(), own.key.display());
        match error {
            rustls::Error::InconsistentKeys(_) => {
                format!("sslkey {key} is not the key of the certificate in sslcert {certificate}")
            }
            error => format!("sslcert {certificate} with sslkey {key} cannot be used: {error}"),
        }
    })
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = path.display();
    let bytes = read_regular(path, LARGEST)
        .map_err(|error| format!("sslcert {shown} cannot be read: {error}"))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("sslcert {shown} is not a PEM file: {error}"))?;
    if chain.is_empty() {
        return Err(format!("sslcert {shown} holds no certificate in PEM"));
    }
    Ok(chain)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let shown = path.display();
    let unreadable = |error| format!("sslkey {shown} cannot be read: {error}");
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    // As libpq: root may have a group that reads its key.
    let closed = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.is_file() && metadata.mode() & closed != 0 {
        return Err(format!(
            "sslkey {shown} is not used: its mode is {:04o}, open to others; chmod 600 {shown}",
            metadata.mode() & 0o777
        ));
    }
    let bytes = read_regular(path, LARGEST).map_err(unreadable)?;
    if let Ok(key) = PrivateKeyDer::from_pem_slice(&bytes) {
        return Ok(key);
    }
    if String::from_utf8_lossy(&bytes).contains("ENCRYPTED") {
        return Err(format!(
            "sslkey {shown} is encrypted, and dbctl asks for no passphrase: name a key that is not (openssl pkey -in … -out …)"
        ));
    }
    PrivateKeyDer::try_from(bytes)
        .map_err(|_| format!("sslkey {shown} holds no private key that is known (PEM or DER)"))
}
