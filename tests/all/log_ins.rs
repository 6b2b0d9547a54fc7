//! How a server may ask who comes: every method that PostgreSQL has for passwords, with TLS and without.

use std::process::Stdio;
use std::time::Duration;

use dbctl::manifest::Endpoint;
use dbctl::postgres::{ConnectError, Purpose, Reason, connect};
use dbctl::sandbox::{Server, ServerOptions, random_password};
use nix::sys::signal::Signal;

use crate::connections::with_url;
use crate::lab::{Lab, binaries};
use crate::poolers::wait_for;
use crate::sandbox::until;
use crate::shop::{join, send};
use crate::tls::{authority_with, install};

/// A server that asks each of these roles in its own way.
fn server() -> (Server, Lab) {
    let mut options = ServerOptions::new("asks", random_password());
    options.hba = Some(
        "host all by_trust all trust\nhost all by_password all password\nhost all by_md5 all md5\nhost all all all scram-sha-256\n"
            .to_owned(),
    );
    let server = Server::start(&binaries(17, false).unwrap(), &options).unwrap();
    let lab = Lab::on(&server, "postgres");
    lab.sql(
        "postgres",
        "CREATE ROLE by_trust LOGIN; CREATE ROLE by_password LOGIN PASSWORD 'c4nary'; CREATE ROLE by_scram LOGIN PASSWORD 'c4nary'; \
         SET password_encryption = md5; CREATE ROLE by_md5 LOGIN PASSWORD 'c4nary'",
    );
    (server, lab)
}

/// Gives the server a certificate that is signed in this way, and waits until it shows it. The parameters to find it right.
fn with_tls(lab: &Lab, server: &Server, algorithm: &'static rcgen::SignatureAlgorithm) -> String {
    let own = authority_with("own", algorithm);
    let path = lab.write("authority.crt", &own.ca).display().to_string();
    install(lab, &own.certificate, &own.key);
    lab.sql("postgres", "ALTER SYSTEM SET ssl = on");
    lab.sql("postgres", "SELECT pg_reload_conf()");
    let parameters = format!("?sslmode=verify-ca&sslrootcert={path}");
    until("the certificate is shown", Duration::from_secs(60), || {
        enter(server, "by_trust", &parameters).is_ok()
    });
    parameters
}

fn enter(server: &Server, who: &str, parameters: &str) -> Result<(), ConnectError> {
    let url = format!(
        "postgresql://{who}@127.0.0.1:{}/postgres{parameters}",
        server.port()
    );
    let endpoint = Endpoint::parse(&url).unwrap();
    wait_for(async {
        let session = connect(&endpoint, Purpose::Read, "test").await?;
        session.close().await;
        Ok(())
    })
}

/// The right password is let in, a wrong one is not, and that there is none is told.
fn every_method(server: &Server, parameters: &str) {
    for role in ["by_password", "by_md5", "by_scram"] {
        let right = format!("{role}:c4nary");
        assert_eq!(
            enter(server, &right, parameters),
            Ok(()),
            "{role} {parameters}"
        );
        for (who, says) in [
            (format!("{right}-not"), "password authentication failed"),
            (role.to_owned(), "password missing"),
        ] {
            let error = enter(server, &who, parameters).unwrap_err();
            assert_eq!(error.reason, Reason::LogIn, "{error}");
            assert!(error.message.contains(says), "{error}");
            assert!(!error.message.contains("c4nary"), "{error}");
        }
    }
    for who in ["by_trust", "by_trust:c4nary"] {
        assert_eq!(enter(server, who, parameters), Ok(()), "{who} {parameters}");
    }
}

#[test]
fn every_method_for_passwords_lets_the_right_one_in() {
    let (server, lab) = server();
    every_method(&server, "?sslmode=disable");
    every_method(&server, "?sslmode=prefer");
    let error = enter(&server, "by_trust", "?sslmode=require").unwrap_err();
    assert_eq!(error.reason, Reason::Tls);
    assert!(
        error.message.contains("server does not support TLS"),
        "{error}"
    );
    // SCRAM binds the log-in to the certificate by the hash of its signature; Ed25519 has none.
    for algorithm in [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
    ] {
        let parameters = with_tls(&lab, &server, algorithm);
        every_method(&server, &parameters);
    }
    every_method(&server, "?sslmode=prefer");
}

#[test]
fn an_interrupt_reaches_the_server_through_tls() {
    let (server, mut lab) = server();
    let parameters = with_tls(&lab, &server, &rcgen::PKCS_ECDSA_P256_SHA256);
    lab.own_services(&["a"]);
    lab.run(&["provision", "-q"]).exits(0);
    let place = format!("127.0.0.1:{}", server.port());
    with_url(&mut lab, &place, &parameters);
    lab.write("sql/a/V5__slow.sql", "SELECT pg_sleep(600);");
    let mut command = lab.command(&["migrate"]);
    let runner = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the migration runs", Duration::from_secs(60), || {
        lab.sql(
            "postgres",
            "SELECT count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE wait_event = 'PgSleep' AND ssl",
        ) == "1"
    });
    send(&runner, Signal::SIGINT);
    join(runner)
        .exits(130)
        .says("interrupted; the running migration was rolled back");
}
