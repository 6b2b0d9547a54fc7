//! `sslmode` and `sslrootcert`, on a server with a certificate of the test's own authority.

use std::os::unix::fs::PermissionsExt as _;
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
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    /// A certificate of this authority for a role, and its key.
    fn issue(&self, role: &str, until: i32) -> (String, String) {
        self.issue_from(role, 1975, until)
    }

    /// The same, valid from the beginning of one year to that of another.
    fn issue_from(&self, role: &str, from: i32, until: i32) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, role);
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
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
        issuer,
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

    // The certificate of an authority in the place of a server's, one of the past, and one of the future.
    with_url(
        &mut lab,
        &name,
        &format!("?sslmode=verify-ca&sslrootcert={right}"),
    );
    let (past, past_key) = own.issue("localhost", 2020);
    let (future, future_key) = own.issue_from("localhost", 2090, 2091);
    for (certificate, key, advice) in [
        (&own.ca, &own.ca_key, "CA:TRUE"),
        (&past, &past_key, "renew the server's certificate"),
        (
            &future,
            &future_key,
            "of a later time than this machine's clock",
        ),
    ] {
        install(&lab, certificate, key);
        lab.sql("postgres", "SELECT pg_reload_conf()");
        until(advice, Duration::from_secs(60), || {
            let run = lab.run(&["status"]);
            run.code == 4 && run.all().contains(advice)
        });
    }
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
        .says("the password is wrong");

    // What dbctl cannot do it says, and does not take the server for one that is away.
    for (role, advice) in [
        ("gss_role", "dbctl has only passwords and certificates"),
        ("cert_role", "asks for a client certificate of this role"),
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

#[test]
fn a_client_certificate_opens_what_asks_for_one() {
    let (own, other) = (authority("own"), authority("other"));
    let (server, mut lab) = offering_tls(&own, "host all all all scram-sha-256\n");
    let role = lab.db("a");
    put(&lab, "clients.crt", &own.ca);
    std::fs::write(
        lab.sql("postgres", "SHOW hba_file"),
        format!("host all postgres all scram-sha-256\nhostssl all {role} all cert\n"),
    )
    .unwrap();
    lab.sql(
        "postgres",
        "ALTER SYSTEM SET ssl_ca_file = 'clients.crt'; SELECT pg_reload_conf()",
    );
    let address = format!("localhost:{}", server.port());
    let ca = lab.write("ca.crt", &own.ca).display().to_string();
    let parameters = |certificate: &str, key: &str| {
        format!("?sslmode=verify-full&sslrootcert={ca}&sslcert={certificate}&sslkey={key}")
    };
    let file = |lab: &Lab, name: &str, text: &str| {
        let path = lab.write(name, text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    };
    let (certificate, key) = own.issue(&role, 2200);
    let certificate = file(&lab, "own.crt", &certificate);
    let key = file(&lab, "own.key", &key);

    with_url(
        &mut lab,
        &address,
        &format!("?sslmode=verify-full&sslrootcert={ca}"),
    );
    until("the server asks for one", Duration::from_secs(60), || {
        let run = lab.run(&["status"]);
        run.code == 4
            && run.all().contains("requires a valid client certificate")
            && run
                .all()
                .contains("asks for a client certificate of this role")
    });
    with_url(&mut lab, &address, &parameters(&certificate, &key));
    lab.run(&["migrate", "-q"]).exits(0);
    lab.run(&["status"]).exits(0);

    // The environment, and the home directory.
    with_url(&mut lab, &address, "");
    lab.env.insert("PGSSLCERT".to_owned(), certificate.clone());
    lab.run(&["status"]).exits(3).says("sslcert has no key");
    lab.env.insert("PGSSLKEY".to_owned(), key.clone());
    lab.run(&["status"]).exits(0);
    lab.run(&["services"])
        .exits(0)
        .says("environment PGSSLCERT")
        .says("environment PGSSLKEY");
    lab.env.remove("PGSSLCERT");
    lab.env.remove("PGSSLKEY");
    let home = lab.write("home/.postgresql/root.crt", &own.ca);
    let home = home.parent().unwrap();
    std::fs::copy(&certificate, home.join("postgresql.crt")).unwrap();
    std::fs::copy(&key, home.join("postgresql.key")).unwrap();
    let above = home.parent().unwrap().display().to_string();
    lab.env.insert("HOME".to_owned(), above);
    with_url(&mut lab, &address, "?sslmode=verify-full");
    lab.run(&["status"]).exits(0);
    let services = lab.run(&["services"]).exits(0).all();
    for key in ["sslrootcert", "sslcert", "sslkey"] {
        let line = services.lines().find(|line| line.contains(key)).unwrap();
        assert!(line.contains("home directory"), "{services}");
    }
    lab.env.remove("HOME");

    // What cannot be used is told, and nobody is asked.
    let (expired, expired_key) = own.issue(&role, 2020);
    let expired = file(&lab, "expired.crt", &expired);
    let expired_key = file(&lab, "expired.key", &expired_key);
    let (foreign, foreign_key) = other.issue(&role, 2200);
    let foreign = file(&lab, "foreign.crt", &foreign);
    let foreign_key = file(&lab, "foreign.key", &foreign_key);
    let (namesake, namesake_key) = own.issue("somebody", 2200);
    let namesake = file(&lab, "namesake.crt", &namesake);
    let namesake_key = file(&lab, "namesake.key", &namesake_key);
    let encrypted = file(
        &lab,
        "encrypted.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let empty = file(&lab, "empty.key", "");
    let open = lab.write("open.key", "").display().to_string();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    for (certificate, key, said) in [
        (&expired, &expired_key, "has not expired"),
        (&foreign, &foreign_key, "ssl_ca_file"),
        (
            &namesake,
            &namesake_key,
            "asks for a client certificate of this role",
        ),
        (
            &certificate,
            &expired_key,
            "is not the key of the certificate",
        ),
        (&certificate, &encrypted, "is encrypted"),
        (&certificate, &empty, "holds no private key"),
        (&certificate, &open, "chmod 600"),
        (&empty, &key, "holds no certificate"),
        (
            &"/nowhere.crt".to_owned(),
            &key,
            "/nowhere.crt cannot be read",
        ),
    ] {
        with_url(&mut lab, &address, &parameters(certificate, key));
        lab.run(&["status"]).exits(4).says(said);
    }
}

/// Writes a file into the server's directory.
fn put(lab: &Lab, name: &str, text: &str) {
    let lines = format!("SELECT unnest(string_to_array('{text}', E'\\n'))");
    lab.sql(
        "postgres",
        &format!("COPY ({lines}) TO PROGRAM 'umask 077; cat > {name}'"),
    );
}

/// Gives the lab's server a certificate and its key.
pub(crate) fn install(lab: &Lab, certificate: &str, key: &str) {
    put(lab, "server.crt", certificate);
    put(lab, "server.key", key);
}
