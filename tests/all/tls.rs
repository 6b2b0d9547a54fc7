//! `sslmode` and `sslrootcert`, on a server with a certificate of the test's own authority.

use std::time::Duration;

use dbctl::manifest::Endpoint;
use dbctl::postgres::{Purpose, Reason, connect};
use dbctl::sandbox::{Server, ServerOptions, random_password};

use crate::connections::{url, with_url};
use crate::lab::{Lab, binaries};
use crate::poolers::wait_for;
use crate::sandbox::until;

/// A certificate authority, and a certificate of it for the name `localhost`.
pub(crate) struct Authority {
    pub(crate) ca: String,
    ca_key: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

fn authority(name: &str) -> Authority {
    authority_with(name, &rcgen::PKCS_ECDSA_P256_SHA256)
}

/// An authority that signs in this way.
pub(crate) fn authority_with(
    name: &str,
    algorithm: &'static rcgen::SignatureAlgorithm,
) -> Authority {
    let ca_key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = params.self_signed(&ca_key).unwrap().pem();
    let ca_key_pem = ca_key.serialize_pem();
    let issuer = rcgen::Issuer::new(params, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    Authority {
        ca,
        ca_key: ca_key_pem,
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    }
}

/// A server that offers TLS and lets the administrator in without, with these further lines of pg_hba.conf; and service `a` on it,
/// provisioned.
fn offering_tls(own: &Authority, hba: &str) -> (Server, Lab) {
    let mut options = ServerOptions::new("tls", random_password());
    options.hba = Some(format!("host all postgres all scram-sha-256\n{hba}"));
    let server = Server::start(&binaries(17, false).unwrap(), &options).unwrap();
    let mut lab = Lab::on(&server, "postgres");
    lab.own_services(&["a"]);
    install(&lab, &own.certificate, &own.key);
    // A line that asks for a client's certificate is refused without authorities.
    lab.sql(
        "postgres",
        "ALTER SYSTEM SET ssl_ca_file = 'server.crt'; ALTER SYSTEM SET ssl = on; SELECT pg_reload_conf()",
    );
    until("the server offers TLS", Duration::from_secs(60), || {
        lab.sql("postgres", "SHOW ssl") == "on"
    });
    lab.run(&["provision", "-q"]).exits(0);
    (server, lab)
}

#[test]
fn sslmode_means_what_libpq_means() {
    let (own, other) = (authority("own"), authority("other"));
    let (server, mut lab) = offering_tls(&own, "hostssl all all all scram-sha-256\n");
    let right = lab.write("right.crt", &own.ca).display().to_string();
    let wrong = lab.write("wrong.crt", &other.ca).display().to_string();
    let port = server.port();
    let (name, address) = (format!("localhost:{port}"), format!("127.0.0.1:{port}"));

    lab.run(&["migrate", "-q"]).exits(0);
    for (host, parameters) in [
        (&address, String::new()),
        (&address, "?sslmode=require".to_owned()),
        (&address, format!("?sslmode=require&sslrootcert={right}")),
        (&address, format!("?sslmode=verify-ca&sslrootcert={right}")),
        (&name, format!("?sslmode=verify-full&sslrootcert={right}")),
    ] {
        with_url(&mut lab, host, &parameters);
        lab.run(&["status"]).exits(0);
        // Bound to the certificate where that is asked for, or not at all.
        for binding in ["require", "disable"] {
            let also = if parameters.is_empty() { "?" } else { "&" };
            let bound = format!("{parameters}{also}channel_binding={binding}");
            let endpoint = Endpoint::parse(&url(&lab, host, &bound)).unwrap();
            let session = wait_for(connect(&endpoint, Purpose::Read, "test"));
            assert!(session.is_ok(), "{bound}");
        }
        // The process is told through TLS as well: no pooler here.
        let endpoint = Endpoint::parse(&url(&lab, host, &parameters)).unwrap();
        let pooled = wait_for(async {
            let session = connect(&endpoint, Purpose::Write, "test").await.unwrap();
            session.pooled()
        });
        assert!(!pooled, "{parameters}");
    }
    for (host, parameters, said, advice) in [
        (
            &address,
            "?sslmode=disable".to_owned(),
            "no encryption",
            "pg_hba.conf",
        ),
        (
            &address,
            format!("?sslmode=require&sslrootcert={wrong}"),
            "UnknownIssuer",
            "is not of an authority in sslrootcert",
        ),
        (
            &address,
            format!("?sslmode=verify-ca&sslrootcert={wrong}"),
            "UnknownIssuer",
            "is not of an authority in sslrootcert",
        ),
        (
            &name,
            format!("?sslmode=verify-full&sslrootcert={wrong}"),
            "UnknownIssuer",
            "is not of an authority in sslrootcert",
        ),
        (
            &address,
            format!("?sslmode=verify-full&sslrootcert={right}"),
            "not valid for name",
            "is for another name",
        ),
        // A machine may have no root certificates at all.
        (
            &name,
            "?sslmode=verify-full&sslrootcert=system".to_owned(),
            "certificate",
            "sslrootcert",
        ),
    ] {
        with_url(&mut lab, host, &parameters);
        lab.run(&["status"]).exits(4).says(said).says(advice);
    }

    // The certificate of an authority in the place of a server's.
    install(&lab, &own.ca, &own.ca_key);
    lab.sql("postgres", "SELECT pg_reload_conf()");
    with_url(
        &mut lab,
        &name,
        &format!("?sslmode=verify-ca&sslrootcert={right}"),
    );
    until(
        "the new certificate is told",
        Duration::from_secs(60),
        || lab.run(&["status"]).all().contains("CA:TRUE"),
    );
    install(&lab, &own.certificate, &own.key);
    lab.sql("postgres", "SELECT pg_reload_conf()");
    until(
        "the old certificate is back",
        Duration::from_secs(60),
        || lab.run(&["status"]).code == 0,
    );

    // The environment stands behind the URL.
    with_url(&mut lab, &address, "");
    lab.env
        .insert("PGSSLMODE".to_owned(), "verify-full".to_owned());
    lab.env.insert("PGSSLROOTCERT".to_owned(), right.clone());
    lab.run(&["status"]).exits(4).says("not valid for name");
    lab.run(&["services"])
        .exits(0)
        .says("environment PGSSLMODE")
        .says("environment PGSSLROOTCERT");
    with_url(&mut lab, &address, "?sslmode=verify-ca");
    lab.run(&["status"]).exits(0);
    with_url(&mut lab, &name, "");
    lab.run(&["status"]).exits(0);
    lab.env.remove("A_URL");
    lab.edit("host = \"127.0.0.1\"", "host = \"localhost\"");
    lab.run(&["status"]).exits(0);
    lab.env.insert("PGSSLROOTCERT".to_owned(), wrong);
    lab.run(&["status"]).exits(4).says("UnknownIssuer");
    lab.env.insert("PGSSLMODE".to_owned(), "c4nary".to_owned());
    lab.run(&["status"])
        .exits(3)
        .says("environment PGSSLMODE")
        .says("verify-full");
}

#[test]
fn preferred_tls_that_does_not_lead_in_is_done_without() {
    let own = authority("own");
    let (server, mut lab) = offering_tls(
        &own,
        "host all gss_role all gss\nhostssl all cert_role all cert\nhostnossl all all 127.0.0.1/32 scram-sha-256\n",
    );
    lab.run(&["migrate", "-q"]).exits(0);
    let address = format!("127.0.0.1:{}", server.port());
    for mode in ["prefer", "allow", "disable"] {
        with_url(&mut lab, &address, &format!("?sslmode={mode}"));
        lab.run(&["status"]).exits(0);
    }
    with_url(&mut lab, &address, "?sslmode=require");
    lab.run(&["status"]).exits(4).says("SSL encryption");
    with_url(&mut lab, &address, "?channel_binding=require");
    lab.run(&["status"])
        .exits(4)
        .says("channel_binding=require asks for a log-in that is bound");
    let wrong = url(&lab, &address, "");
    let (_, place) = wrong.rsplit_once('@').unwrap();
    lab.env.insert(
        "A_URL".to_owned(),
        format!("postgresql://{}:wrong@{place}", lab.db("a")),
    );
    lab.run(&["status"])
        .exits(4)
        .says("without TLS: password authentication failed")
        .says("check the password");

    // What dbctl cannot do it says, and does not take the server for one that is away.
    for (role, advice) in [
        ("gss_role", "dbctl has passwords only"),
        ("cert_role", "dbctl has no client certificates"),
    ] {
        let url = format!("postgresql://{role}:x@{address}/postgres?sslmode=require");
        let endpoint = Endpoint::parse(&url).unwrap();
        let error = wait_for(connect(&endpoint, Purpose::Read, "test"))
            .err()
            .unwrap();
        assert_eq!(error.reason, Reason::LogIn, "{error}");
        assert!(error.message.contains(advice), "{error}");
    }

    // Somebody who says that there is TLS, and hangs up when it begins.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let broken = listener.local_addr().unwrap().port();
    let to = server.port();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for stream in listener.incoming() {
            let mut client = stream.unwrap();
            let mut first = [0; 8];
            client.read_exact(&mut first).unwrap();
            if first[4..] == [0x04, 0xd2, 0x16, 0x2f] {
                client.write_all(b"S").unwrap();
                continue;
            }
            let mut server = std::net::TcpStream::connect(("127.0.0.1", to)).unwrap();
            server.write_all(&first).unwrap();
            let (mut there, mut back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut there, &mut server));
            std::thread::spawn(move || std::io::copy(&mut back, &mut client));
        }
    });
    with_url(&mut lab, &format!("127.0.0.1:{broken}"), "");
    lab.run(&["status"]).exits(0);
    with_url(&mut lab, &format!("127.0.0.1:{broken}"), "?sslmode=require");
    lab.run(&["status"]).exits(4).says("TLS handshake");

    // Somebody who is no PostgreSQL server.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let web = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::Write as _;
        for stream in listener.incoming() {
            let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
            stream.unwrap().write_all(answer).unwrap();
        }
    });
    with_url(&mut lab, &format!("127.0.0.1:{web}"), "");
    lab.run(&["status"])
        .exits(4)
        .says("neither yes nor no")
        .says("host and port are right");
}

/// Gives the lab's server a certificate and its key.
pub(crate) fn install(lab: &Lab, certificate: &str, key: &str) {
    for (name, text) in [("server.crt", certificate), ("server.key", key)] {
        let lines = format!("SELECT unnest(string_to_array('{text}', E'\\n'))");
        lab.sql(
            "postgres",
            &format!("COPY ({lines}) TO PROGRAM 'umask 077; cat > {name}'"),
        );
    }
}
