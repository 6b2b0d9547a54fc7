//! Group `compose` through the binary: what the files around a compose file say, what is missing, and what a report may not destroy.

use crate::check_compose::{Deployment, REFERENCE, errors};
use crate::lab::Run;

/// The reasons why something was not checked.
fn check(deployment: &Deployment, env: &[(&str, &str)]) -> Run {
    deployment.run(&["check", "--format", "json"], env)
}

/// The reference, with another variable of k-indexer in place of its URL, and these environment files.
/// A report never takes the place of what it is made from.
#[test]
/// The variable wins over `name:`, and that over the folder; a file may use the name, wherever it comes from.
#[test]
/// What only an optional file would say is unknown; what another place says is known.
#[test]
/// Variables in an environment file are those of the environment, of `environment`, and of the lines and files before.
#[test]
/// A password that is tried first is a fault however it is written.
#[test]
fn literal_passwords_that_are_tried_first() {
    for password in [
        "postgres",
        "CHANGE_ME",
        "CHANGEME123",
        "example",
        "k_social_user",
    ] {
        let compose = REFERENCE.replace("${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}", password);
        let found = errors(&check(&Deployment::new(&compose), &[]).json());
        assert!(
            found.len() == 1
                && found[0].contains("compose/default-password of k-indexer")
                && found[0].contains("easily guessed"),
            "{password}: {found:#?}"
        );
    }
}
