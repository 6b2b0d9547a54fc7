#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::{Binding, Exchange, Unproven};
use crate::secret::Secret;

const SERVER_FIRST: &str =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

/// The log-in of RFC 7677, section 3.
fn example() -> (Exchange, Secret) {
    let exchange = Exchange {
        binding: Binding::None,
        name: "user",
        nonce: "rOprNGfwEbeRWgbNEkqO".to_owned(),
    };
    (exchange, Secret::new("pencil"))
}

#[test]
fn the_example_of_the_rfc() {
    let (exchange, password) = example();
    assert_eq!(exchange.first_message(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    let (answer, expected) = exchange.answer(&password, SERVER_FIRST.as_bytes()).unwrap();
    assert_eq!(
        answer,
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    let right = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    assert_eq!(expected.check(right.as_bytes()), Ok(()));
    for (wrong, why) in [
        (right.replace("6rri", "7rri"), Unproven::Signature),
        ("v=".to_owned(), Unproven::Signature),
        ("v=6rri".to_owned(), Unproven::Signature),
        ("v=?".to_owned(), Unproven::Malformed),
        ("e=other-error".to_owned(), Unproven::Malformed),
        (String::new(), Unproven::Malformed),
    ] {
        assert_eq!(expected.check(wrong.as_bytes()), Err(why), "{wrong}");
    }
}

#[test]
fn a_challenge_that_is_none_is_refused() {
    let (exchange, password) = example();
    let changed = |from: &str, to: &str| {
        assert!(SERVER_FIRST.contains(from));
        SERVER_FIRST.replacen(from, to, 1).into_bytes()
    };
    for (challenge, why) in [
        (changed("r=rOpr", "r=xOpr"), Unproven::Nonce),
        (
            changed("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", ""),
            Unproven::Nonce,
        ),
        (changed("%hvY", " hvY"), Unproven::Malformed),
        (changed("i=4096", "i=0"), Unproven::Iterations(0)),
        (changed("i=4096", "i=100001"), Unproven::Iterations(100_001)),
        (
            changed("i=4096", "i=99999999999999999999"),
            Unproven::Malformed,
        ),
        (changed("i=4096", "i=-1"), Unproven::Malformed),
        (changed(",i=4096", ""), Unproven::Malformed),
        (changed("i=4096", "i=4096,x=1"), Unproven::Malformed),
        (changed("r=", "m=1,r="), Unproven::Malformed),
        (changed("s=W22", "s=*"), Unproven::Malformed),
        (vec![0xff], Unproven::Malformed),
        (Vec::new(), Unproven::Malformed),
    ] {
        let text = String::from_utf8_lossy(&challenge).into_owned();
        assert_eq!(
            exchange.answer(&password, &challenge).err(),
            Some(why),
            "{text}"
        );
    }
}

#[test]
fn every_log_in_has_a_nonce_of_its_own() {
    let first = Exchange::begin(Binding::None);
    assert_ne!(first.nonce, Exchange::begin(Binding::None).nonce);
    assert_eq!(first.nonce.len(), 24);
    assert_eq!(
        first.first_message(),
        format!("n,,n=,r={}", first.nonce),
        "PostgreSQL wants no name"
    );
}

#[test]
fn the_log_in_is_bound_to_the_certificate() {
    let bound = Exchange::begin(Binding::ServerEndPoint(vec![1, 2, 3]));
    assert!(
        bound
            .first_message()
            .starts_with("p=tls-server-end-point,,n=,")
    );
    // base64 of the header and the three bytes.
    assert_eq!(
        bound.binding.input(),
        "cD10bHMtc2VydmVyLWVuZC1wb2ludCwsAQID"
    );
    assert_eq!(Binding::NotOffered.input(), "eSws");
}
