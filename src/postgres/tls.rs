//! TLS as libpq's `sslmode` means it (PostgreSQL documentation, "SSL Support").

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::TlsConnector;

use super::client_certificate::client_certificate;
use crate::manifest::{Endpoint, Host, SslMode};

/// The connector for this endpoint's `sslmode`.
pub(super) fn connector(endpoint: &Endpoint) -> Result<TlsConnector, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let mode = match endpoint.ssl_mode {
        // As libpq: who names a root certificate wants it looked at.
        SslMode::Require if endpoint.ssl_root_cert.is_some() => SslMode::VerifyCa,
        mode => mode,
    };
    let config = match mode {
        SslMode::VerifyFull => builder.with_root_certificates(roots(endpoint)?),
        SslMode::VerifyCa => {
            let inner = WebPkiServerVerifier::builder_with_provider(
                Arc::new(roots(endpoint)?),
                Arc::clone(&provider),
            )
            .build()
            .map_err(|error| format!("the root certificates cannot be used: {error}"))?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyName(inner)))
        }
        // libpq checks no certificate below verify-ca: such a mode protects from listeners, not from impostors.
        SslMode::Disable | SslMode::Prefer | SslMode::Require => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider))),
    };
    let config = match &endpoint.client_certificate {
        Some(own) if wanted(endpoint) => client_certificate(config, own)?,
        _ => config.with_no_client_auth(),
    };
    Ok(Arc::new(config).into())
}

/// Whether there may be TLS at all: a file that cannot be read must not be in the way of a socket.
fn wanted(endpoint: &Endpoint) -> bool {
    endpoint.ssl_mode != SslMode::Disable && !endpoint.hosts.iter().all(Host::is_socket)
}

/// The root certificates: the endpoint's file, else the system's.
fn roots(endpoint: &Endpoint) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    if let Some(path) = &endpoint.ssl_root_cert {
        let shown = path.display();
        let certificates = CertificateDer::pem_file_iter(path)
            .map_err(|error| format!("sslrootcert {shown} cannot be read: {error}"))?;
        for certificate in certificates {
            let certificate = certificate
                .map_err(|error| format!("sslrootcert {shown} is not a PEM file: {error}"))?;
            store.add(certificate).map_err(|error| {
                format!("sslrootcert {shown} holds a certificate that cannot be used: {error}")
            })?;
        }
        if store.is_empty() {
            return Err(format!("sslrootcert {shown} holds no certificate"));
        }
    } else {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if store.is_empty() {
            return Err(
                "this system has no root certificates; name a file with sslrootcert".to_owned(),
            );
        }
    }
    Ok(store)
}

/// Accepts a certificate of a known authority whatever host it is for: `verify-ca`.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self
            .0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Accepts every certificate: `prefer` and `require`.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
