//! Several of one container: a part of `compose/shared-volume`.

use super::volume::{SHARED_VOLUME, is_data};
use super::{Side, Words, finding};
use crate::compose::Mount;
use crate::rules::Outcome;
use crate::snapshot::Gap;

/// Several of one container on one store: two servers on one data directory.
pub(super) fn of(side: Side<'_>, outcome: &mut Outcome) {
    let container = side.container;
    let Some(field) = &container.replicas else {
        return;
    };
    let of_data = |mount: &&Mount| mount.source.is_some() && is_data(side, mount);
    let Some(mount) = container.mounts.iter().find(of_data) else {
        return;
    };
    let name = &container.name;
    let number = field
        .text
        .get()
        .and_then(|number| number.parse::<u32>().ok());
    let Some(number) = number else {
        outcome.gaps.push(Gap::new(format!(
            "how many of {name} run on {} is not known here: {}",
            mount.shown(),
            field.text.shown()
        )));
        return;
    };
    if number < 2 {
        return;
    }
    outcome.findings.push(finding(
        &SHARED_VOLUME,
        container,
        &field.place,
        Words {
            message: format!(
                "{number} of {name} run on one store, {}, mounted on {}: two servers on one directory destroy it",
                mount.shown(),
                mount.target.shown()
            ),
            expected: format!("one {name}"),
            actual: number.to_string(),
            remedy: format!("Run one {name}; a standby is a container of its own, with a volume of its own and streaming replication."),
        },
    ));
}
