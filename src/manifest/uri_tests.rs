#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::time::Duration;

use crate::manifest::{ChannelBinding, ClientCertificate, Endpoint, Host, SessionAttrs, SslMode};
use crate::secret::Secret;

const CANARY: &str = "Canary7Pw";

fn parse(url: &str) -> Endpoint {
    Endpoint::parse(url).unwrap()
}

fn refused(url: &str) -> String {
    let message = Endpoint::parse(url).unwrap_err().to_string();
    for piece in [CANARY, "anary7", "C@nary", "Can"] {
        assert!(!message.contains(piece), "{message}");
    }
    message
}

#[test]
fn reads_a_plain_url() {
    let endpoint = parse("postgresql://k_social_user:secret@localhost:5433/ksocial");
    assert_eq!(endpoint.user, "k_social_user");
    assert_eq!(endpoint.password, Some(Secret::new("secret")));
    assert_eq!(endpoint.address(), "localhost:5433");
    assert_eq!(endpoint.database, "ksocial");
    assert_eq!(endpoint.ssl_mode, SslMode::Prefer);
    assert_eq!(
        endpoint.display(),
        "postgresql://k_social_user@localhost:5433/ksocial"
    );
    assert_eq!(
        endpoint.to_url().expose(),
        "postgresql://k_social_user:secret@localhost:5433/ksocial"
    );
    assert!(!format!("{endpoint:?}").contains("secret"));
}

#[test]
fn accepts_other_spellings_of_the_scheme() {
    for scheme in [
        "postgres",
        "postgresql",
        "postgresql+asyncpg",
        "postgres+psycopg2",
        "PostgreSQL",
    ] {
        assert_eq!(parse(&format!("{scheme}://u@h/d")).address(), "h:5432");
    }
    for wrong in ["mysql://u@h/d", "u@h/d", "", "postgresql:u@h", "sqlite://x"] {
        refused(wrong);
    }
}

#[test]
fn a_missing_database_is_the_role() {
    assert_eq!(parse("postgres://anna@h").database, "anna");
    assert_eq!(parse("postgres://anna@h/?sslmode=disable").database, "anna");
}

#[test]
fn reads_several_hosts_ipv6_and_sockets() {
    let endpoint = parse("postgres://u@a:1,[::1]:2,b/d");
    assert_eq!(endpoint.address(), "a:1,[::1]:2,b:5432");
    let endpoint = parse("postgres://u@%2Fvar%2Frun%2Fpostgresql/d");
    assert_eq!(endpoint.hosts[0].name, "/var/run/postgresql");
    assert_eq!(endpoint.address(), "/var/run/postgresql");
    let endpoint = parse("postgres://u@/d?host=/tmp/s&port=6000");
    assert_eq!(endpoint.address(), "/tmp/s:6000");
    assert!(endpoint.hosts[0].is_socket());
    assert_eq!(parse("postgres:///d?host=h&user=u").address(), "h:5432");
    assert_eq!(
        parse("postgres://u@:6000/d?host=/tmp/s").address(),
        "/tmp/s:6000"
    );
    assert_eq!(
        parse("postgres://u@a:1,b:2/d?host=c,d").address(),
        "c:1,d:2"
    );
    assert_eq!(
        parse("postgres://u@x/d?host=a,b&port=1,2").address(),
        "a:1,b:2"
    );
    assert_eq!(parse("postgres://u@a,b/d?port=7").address(), "a:7,b:7");
    refused("postgres://u@::1/d");
    refused("postgres://u@[::1/d");
    refused("postgres://u@[name]/d");
    refused("postgres://u@a,b/d?port=1,2,3");
    refused("postgres://u@a,/d");
    refused("postgres://u@/d");
}

#[test]
fn parameters_override_the_rest() {
    let endpoint = parse(
        "postgres://u:p@h/d?user=v&password=q%20r&dbname=e&port=9&application_name=me@here&connect_timeout=3&options=-csearch_path%3Dx&sslmode=verify-ca&sslrootcert=/etc/ca.pem&target_session_attrs=primary",
    );
    assert_eq!(endpoint.user, "v");
    assert_eq!(endpoint.password, Some(Secret::new("q r")));
    assert_eq!(endpoint.database, "e");
    assert_eq!(endpoint.address(), "h:9");
    assert_eq!(endpoint.connect_timeout, Some(Duration::from_secs(3)));
    assert_eq!(endpoint.options.as_deref(), Some("-csearch_path=x"));
    assert_eq!(endpoint.ssl_mode, SslMode::VerifyCa);
    assert_eq!(endpoint.ssl_root_cert, Some(PathBuf::from("/etc/ca.pem")));
    assert_eq!(endpoint.session_attrs, SessionAttrs::Primary);
    assert_eq!(
        parse("postgres://u@h/d?sslmode=allow").ssl_mode,
        SslMode::Prefer
    );
    let system = parse("postgres://u@h/d?sslrootcert=system");
    assert_eq!(
        (system.ssl_mode, system.ssl_root_cert),
        (SslMode::VerifyFull, None)
    );
    refused("postgres://u@h/d?sslrootcert=system&sslmode=require");
    refused("postgres://u@h/d?sslmode=yes");
    refused("postgres://u@h/d?channel_binding=yes");
    refused("postgres://u@h/d?connect_timeout=soon");
    refused("postgres://u@h/d?gssencmode=require");
    refused("postgres://u@h/d?sslnegotiation=direct");
    assert!(refused("postgres://u@h/d?sslmod=require").contains("did you mean sslmode?"));
    assert!(refused("postgres://u@h/d?ssl=true").contains("sslmode=require"));
    assert!(refused("postgres://u@h/d?gssdelegation=1").contains("parameter gssdelegation"));
    assert!(refused("postgres://u@h/d?target_session_attrs=master").contains("prefer-standby"));
}

#[test]
fn what_other_drivers_write_and_dbctl_does_anyway_may_stay() {
    let plain = parse("postgres://u@h/d");
    for parameter in [
        "gssencmode=disable",
        "sslnegotiation=postgres",
        "keepalives_idle=30",
        "tcp_user_timeout=1000",
        "load_balance_hosts=random",
        "statement-cache-capacity=0",
    ] {
        assert_eq!(parse(&format!("postgres://u@h/d?{parameter}")), plain);
    }
    let options = |url| parse(url).options.unwrap();
    assert_eq!(
        options("postgres://u@h/d?options=-cx%3D1&options[search_path]=a%20b\\c"),
        r"-cx=1 -c search_path=a\ b\\c"
    );
    assert_eq!(
        options("postgres://u@h/d?options%5BTimeZone%5D=UTC"),
        "-c TimeZone=UTC"
    );
}

#[test]
fn a_client_certificate_has_a_key() {
    let own = parse("postgres://u@h/d?sslcert=/c.crt&sslkey=/c.key").client_certificate;
    assert_eq!(own.unwrap().key, PathBuf::from("/c.key"));
    assert!(refused("postgres://u@h/d?sslcert=/c.crt").contains("name its file with sslkey"));
    // As libpq: a key alone means nothing.
    assert_eq!(
        parse("postgres://u@h/d?sslkey=/c.key").client_certificate,
        None
    );
}

#[test]
fn a_parameter_that_would_change_the_way_in_is_refused_with_its_reason() {
    for (parameter, reason) in [
        (
            "hostaddr=10.0.0.1",
            "parameter hostaddr: dbctl connects to what `host` names",
        ),
        (
            "service=prod",
            "parameter service: dbctl reads no service file",
        ),
        (
            "servicefile=/x",
            "parameter servicefile: dbctl reads no service file",
        ),
        ("require_auth=scram-sha-256", "parameter require_auth: "),
        (
            "sslcrl=/x.crl",
            "parameter sslcrl: dbctl reads no lists of revoked certificates",
        ),
        ("sslcrldir=/x", "parameter sslcrldir: "),
        (
            "sslpassword=Canary7Pw",
            "parameter sslpassword: dbctl reads no encrypted private key",
        ),
        (
            "ssl_min_protocol_version=TLSv1.3",
            "parameter ssl_min_protocol_version: ",
        ),
        ("sslcertmode=require", "parameter sslcertmode: "),
        (
            "min_protocol_version=3.2",
            "parameter min_protocol_version: ",
        ),
        ("requirepeer=postgres", "parameter requirepeer: "),
        ("krbsrvname=x", "parameter krbsrvname: dbctl has no GSSAPI"),
        (
            "oauth_issuer=x",
            "parameter oauth_issuer: dbctl has no OAuth",
        ),
        ("scram_client_key=Canary7Pw", "parameter scram_client_key: "),
        ("replication=database", "parameter replication: "),
        (
            "host=@/var/run/x",
            "a host begins with @, as an abstract socket does",
        ),
        (
            "host=%40abstract",
            "a host begins with @, as an abstract socket does",
        ),
    ] {
        let said = refused(&format!("postgres://u@h/d?{parameter}"));
        assert!(said.contains(reason), "{parameter}: {said}");
        assert!(!said.contains("Canary7Pw"), "{said}");
    }
    // What asks for nothing that is not done.
    for parameter in [
        "client_encoding=utf8",
        "sslsni=1",
        "sslcertmode=allow",
        "ssl_min_protocol_version=TLSv1.2",
        "sslcompression=0",
        "min_protocol_version=3.0",
        "max_protocol_version=latest",
    ] {
        assert_eq!(
            parse(&format!("postgres://u@h/d?{parameter}")),
            parse("postgres://u@h/d")
        );
    }
}

#[test]
fn keywords_with_values_are_told_as_such() {
    for text in [
        "host=localhost dbname=d user=u password=Canary7Pw",
        "dbname = d password=Canary7Pw",
        "service=prod",
    ] {
        let said = refused(text);
        assert!(said.contains("libpq's other form"), "{said}");
        assert!(!said.contains("Canary7Pw"), "{said}");
    }
}

#[test]
fn a_password_file_may_be_named_in_the_url() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pw");
    std::fs::write(&path, "h:5432:d:u:c4nary\n").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let url = format!("postgres://u@h/d?passfile={}", path.display());
    let endpoint = parse(&url);
    let password = endpoint.password_for(&endpoint.hosts[0]).unwrap();
    assert_eq!(password.expose(), "c4nary");
    // One that is not there is no silence.
    let endpoint = parse("postgres://u@h/d?passfile=/no/such/file");
    let note = endpoint.password_note(&endpoint.hosts[0]).unwrap();
    assert!(note.contains("/no/such/file was not used"), "{note}");
}

#[test]
fn refuses_what_is_missing_or_impossible() {
    assert!(refused("postgres://h/d").contains("names no role"));
    assert!(refused("postgres://u:@h/d").contains("password in the URL is empty"));
    assert!(refused("postgres://u@h:0/d").contains("port"));
    assert!(refused("postgres://u@h:65536/d").contains("port"));
    assert!(refused("postgres://u@h:+5/d").contains("port"));
    assert!(refused("postgres://u@h/a%0Ab").contains("control character"));
    assert!(refused("postgres://u@h/a%00b").contains("%00"));
    assert!(refused(&format!("postgres://u@h/{}", "x".repeat(64))).contains("63 bytes"));
    assert!(refused("postgres://u:%FF@h/d").contains("UTF-8"));
    assert_eq!(parse(" postgres://u@h/d\n").database, "d");
}

#[test]
fn an_unencoded_password_is_explained_and_never_quoted() {
    for password in [
        "Canary7Pw@x",
        "x@Canary7Pw",
        "Canary7Pw/x",
        "x/Canary7Pw",
        "1/Canary7Pw",
        "Canary7Pw?x",
        "x?Canary7Pw",
        "1?canary=Canary7Pw",
        "Canary7Pw%",
        "%zzCanary7Pw",
        "Canary7Pw x",
        "a@b?Canary7Pw",
        "C@nary7/Pw",
        "a:b@Canary7Pw[",
    ] {
        let message = refused(&format!("postgres://u:{password}@h:5432/d"));
        assert!(
            message.contains("ncode") || message.contains('%'),
            "{message}"
        );
    }
}

#[test]
fn to_url_and_parse_are_inverse() {
    let texts = [
        "plain",
        "p@ss:w/rd?#%&",
        "mit Leerzeichen und Ümläut ☂",
        "a=b&c=d",
        "%41",
        "+",
        "[x]",
        "\"'\\`$(id)",
        ",",
        "..",
    ];
    let hosts = [
        vec![("localhost", 5433)],
        vec![
            ("/var/run/my socket", 5432),
            ("::1", 1),
            ("10.0.0.1", 65535),
        ],
        vec![("fe80::1%eth0", 5432)],
        vec![("/tmp/s%20", 6000)],
    ];
    for (index, text) in texts.iter().enumerate() {
        for hosts in &hosts {
            let endpoint = Endpoint {
                hosts: hosts
                    .iter()
                    .map(|(name, port)| Host {
                        name: (*name).to_owned(),
                        port: *port,
                    })
                    .collect(),
                user: format!("u{text}"),
                password_source: None,
                password: (index % 3 != 2).then(|| Secret::new(*text)),
                database: (*text).to_owned(),
                ssl_mode: [SslMode::Prefer, SslMode::Disable, SslMode::VerifyFull][index % 3],
                ssl_root_cert: (index % 2 == 1).then(|| PathBuf::from(format!("/ca/{text}"))),
                client_certificate: (index % 3 == 1).then(|| ClientCertificate {
                    certificate: format!("/crt/{text}").into(),
                    key: format!("/key/{text}").into(),
                }),
                connect_timeout: (index % 2 == 0).then(|| Duration::from_secs(9)),
                options: (index % 4 == 0).then(|| (*text).to_owned()),
                session_attrs: [
                    SessionAttrs::Any,
                    SessionAttrs::ReadWrite,
                    SessionAttrs::ReadOnly,
                    SessionAttrs::Primary,
                    SessionAttrs::Standby,
                    SessionAttrs::PreferStandby,
                ][index % 6],
                channel_binding: [
                    ChannelBinding::Prefer,
                    ChannelBinding::Require,
                    ChannelBinding::Disable,
                ][index % 3],
                password_file: None,
                service: None,
            };
            assert_eq!(parse(endpoint.to_url().expose()), endpoint, "{text}");
            assert_eq!(parse(&endpoint.display()).password, None);
        }
    }
}
