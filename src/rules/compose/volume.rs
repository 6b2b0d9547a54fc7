//! Where the data lies: one volume for two stores, none at all, one environment file for two services.

use super::{Scene, Side, Words, apart, finding, of, replicas};
use crate::compose::{Container, DATA, Kept, Kind, Mount};
use crate::rules::{Case, Finding, Outcome, Rule, Scope, Severity, Verdict};
use crate::snapshot::Gap;

/// One volume or directory holds the data of two.
pub(super) const SHARED_VOLUME: Rule = Rule {
    id: "compose/shared-volume",
    severity: Severity::Error,
    summary: "Does every store of the compose files have a volume of its own?",
    help: include_str!("../help/compose-shared-volume.md"),
    scope: Scope::Container,
    check: shared_volume,
};

/// Where containers share what is no data.
const FLEETING: [&str; 7] = [
    "/tmp", "/run", "/var/run", "/var/log", "/logs", "/log", "/etc",
];

/// Where servers have their socket.
const SOCKET: [&str; 2] = ["/var/run/postgresql", "/run/postgresql"];

fn shared_volume(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case) else {
        return Ok(Outcome::default());
    };
    let mut outcome = Outcome::default();
    for (one, other) in scene.pairs() {
        if let Some(found) = volumes_from(&scene, one, other).or_else(|| mounts(&scene, one, other))
        {
            outcome.findings.push(found);
        }
    }
    for (_, container, party) in scene.deployment.of(scene.own) {
        replicas::of(Side { container, party }, &mut outcome);
        for field in &container.volumes_from {
            let name = field.text.raw();
            let mut all = scene.deployment.all();
            if !all.any(|(_, giver, _)| is_called(giver, name)) {
                outcome.gaps.push(Gap::new(format!(
                    "{} takes the volumes of {}, which is no container of the compose files",
                    container.name,
                    field.text.shown()
                )));
            }
        }
    }
    Ok(outcome)
}

fn volumes_from(scene: &Scene<'_>, one: Side<'_>, other: Side<'_>) -> Option<Finding> {
    let taken = |taker: Side<'_>, giver: Side<'_>| {
        let mut fields = taker.container.volumes_from.iter();
        fields
            .find(|field| is_called(giver.container, field.text.raw()))
            .cloned()
    };
    let (taker, giver, field) = match taken(one, other) {
        Some(field) => (one, other, field),
        None => (other, one, taken(other, one)?),
    };
    // A service may share with its own helpers, but nobody looks into a server's data.
    if taker.party.owner == giver.party.owner && !taker.is_database() && !giver.is_database() {
        return None;
    }
    let container = taker.container;
    let taker = &container.name;
    Some(finding(
        &SHARED_VOLUME,
        container,
        &field.place,
        Words {
            message: format!(
                "{taker} takes all volumes of {} by volumes_from",
                of(giver.container, scene.name(giver.party.owner))
            ),
            expected: "volumes of its own".to_owned(),
            actual: format!("all volumes of {}", giver.container.name),
            remedy: format!(
                "Remove volumes_from of {taker} and give it the volumes that it needs."
            ),
        },
    ))
}

/// Whether `volumes_from` means this container: by its service's name, or by the engine's name of it behind `container:`.
fn is_called(container: &Container, name: &str) -> bool {
    match name.strip_prefix("container:") {
        None => name == container.name,
        Some(name) => match &container.container_name {
            Some(own) => own.text.raw() == name,
            // Compose calls it by project, service and number.
            None => ["-", "_"]
                .iter()
                .any(|dash| name.ends_with(&format!("{dash}{}{dash}1", container.name))),
        },
    }
}

fn mounts(scene: &Scene<'_>, one: Side<'_>, other: Side<'_>) -> Option<Finding> {
    for first in &one.container.mounts {
        for second in &other.container.mounts {
            let (Some(a), Some(b)) = (&first.source, &second.source) else {
                continue;
            };
            if !a.meets(b) || first.is_init() || second.is_init() {
                continue;
            }
            let Some(severity) = severity((one, first), (other, second)) else {
                continue;
            };
            // The inner one, or that of the later service, is the one to move.
            let outer_is_second = a.lies_in(b) && !a.is(b);
            let ((side, mount), (beside, beside_mount)) =
                if outer_is_second || one.party.owner > other.party.owner {
                    ((one, first), (other, second))
                } else {
                    ((other, second), (one, first))
                };
            return Some(shared(scene, (side, mount), (beside, beside_mount)).severity(severity));
        }
    }
    None
}

/// Whether two mounts that have data in common are a fault.
fn severity(one: (Side<'_>, &Mount), other: (Side<'_>, &Mount)) -> Option<Severity> {
    let (first, second) = (is_data(one.0, one.1), is_data(other.0, other.1));
    let (a, b) = (one.0, other.0);
    let any_database = a.is_database() || b.is_database();
    let owners_differ =
        a.party.owner.is_some() && b.party.owner.is_some() && a.party.owner != b.party.owner;
    let socket = |(side, mount): (Side<'_>, &Mount)| {
        side.is_database() && SOCKET.iter().any(|path| mount.lies_in(path))
    };
    // Who has the socket is past the network; a service's own client may have it.
    if socket(one) || socket(other) {
        return owners_differ.then_some(Severity::Error);
    }
    if first || second {
        let same = a.party.owner == b.party.owner && a.party.owner.is_some();
        let reads = |side: (Side<'_>, &Mount)| side.0.party.owner.is_none() && side.1.read_only;
        let harmless = (same && !any_database)
            || (same && a.is_database() && b.is_database() && apart(a.container, b.container))
            || reads(one)
            || reads(other);
        return (!harmless).then_some(Severity::Error);
    }
    let written = !one.1.read_only && !other.1.read_only;
    let fleeting = |mount: &Mount| FLEETING.iter().any(|path| mount.lies_in(path));
    if !owners_differ || !written || fleeting(one.1) || fleeting(other.1) {
        return None;
    }
    Some(if any_database {
        Severity::Error
    } else {
        Severity::Warning
    })
}

/// Whether the container keeps its store there.
pub(super) fn is_data(side: Side<'_>, mount: &Mount) -> bool {
    match side.party.kind {
        Kind::Database => {
            let told = side.container.data_directory();
            told.is_some_and(|path| mount.covers(path))
                || DATA
                    .iter()
                    .any(|path| mount.lies_in(path) || mount.covers(path))
        }
        Kind::Client => storage(side.container).any(|(_, path)| mount.covers(path)),
    }
}

/// The directories that a container is told to keep its data in, with the variable that says so.
fn storage(container: &Container) -> impl Iterator<Item = (&str, &str)> {
    const NAMES: [&str; 7] = [
        "STORAGE_DIR",
        "STORAGE_PATH",
        "DATA_DIR",
        "DATADIR",
        "DATA_PATH",
        "DB_PATH",
        "DB_DIR",
    ];
    container.environment.iter().filter_map(|variable| {
        let name = variable.name.to_ascii_uppercase();
        let is_known = NAMES.iter().any(|known| {
            name.strip_suffix(known)
                .is_some_and(|begin| begin.is_empty() || begin.ends_with('_'))
        });
        let path = variable.value.get()?;
        (is_known && path.starts_with('/')).then_some((variable.name.as_str(), path))
    })
}

fn shared(scene: &Scene<'_>, inner: (Side<'_>, &Mount), outer: (Side<'_>, &Mount)) -> Finding {
    let (side, mount) = inner;
    let (beside, other) = outer;
    let name = &side.container.name;
    let nested = match (&mount.source, &other.source) {
        (Some(one), Some(two)) if one.is(two) => "is",
        _ => "lies in",
    };
    finding(
        &SHARED_VOLUME,
        side.container,
        &mount.place,
        Words {
            message: format!(
                "{} of {}, mounted on {}, {nested} {} of {}, mounted on {}",
                mount.shown(),
                of(side.container, scene.name(side.party.owner)),
                mount.target.shown(),
                other.shown(),
                of(beside.container, scene.name(beside.party.owner)),
                other.target.shown(),
            ),
            expected: "a volume of its own for each".to_owned(),
            actual: format!("{} and {}", mount.shown(), other.shown()),
            remedy: format!(
                "Give {name} a volume of its own. If both have run already, stop both first and look at what is on it: two servers on one directory destroy it."
            ),
        },
    )
}

/// A container's data is gone with the container.
pub(super) const UNMOUNTED_STORAGE: Rule = Rule {
    id: "compose/unmounted-storage",
    severity: Severity::Warning,
    summary: "Does the data of every container outlive the container?",
    help: include_str!("../help/compose-unmounted-storage.md"),
    scope: Scope::Container,
    check: unmounted_storage,
};

fn unmounted_storage(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case) else {
        return Ok(Outcome::default());
    };
    let mut findings = Vec::new();
    for (_, container) in scene.databases() {
        // What it takes from another, or shares with one, is for the rule about that.
        if container.volumes_from.is_empty() && !shares_data(&scene, container) {
            findings.extend(unmounted_data(container));
        }
    }
    for (_, container, _) in scene.clients() {
        for (variable, path) in storage(container) {
            let kept = container.keeps(path) != Kept::Nothing;
            if !kept && container.volumes_from.is_empty() {
                findings.push(unmounted(container, &format!("{variable} {path}"), path));
            }
        }
    }
    Ok(findings.into())
}

/// Whether a container's place for its data is another's as well, which is told of the pair.
fn shares_data(scene: &Scene<'_>, container: &Container) -> bool {
    scene.deployment.of(scene.own).any(|(index, own, party)| {
        let side = |container, party| Side { container, party };
        std::ptr::eq(own, container)
            && scene.around.neighbours(index).any(|other| {
                let other = scene.container(other);
                other.is_some_and(|(other, its)| shared_data(side(own, party), side(other, its)))
            })
    })
}

/// Whether the first one's data directory lies on what both have mounted.
fn shared_data(one: Side<'_>, other: Side<'_>) -> bool {
    let image = one.container.image_data();
    let image = image.as_ref().map(|data| data.directory.as_str());
    let Some(path) = one.container.data_directory().or(image) else {
        return false;
    };
    let mut data = one
        .container
        .mounts
        .iter()
        .filter(|mount| mount.covers(path));
    data.any(|first| {
        other.container.mounts.iter().any(|second| {
            let meets = match (&first.source, &second.source) {
                (Some(a), Some(b)) => a.meets(b),
                _ => false,
            };
            meets && !second.is_init() && severity((one, first), (other, second)).is_some()
        })
    })
}

/// What is wrong where no volume keeps a server's data. Where nobody tells its directory, any that an image has will do; a relative
/// one is anywhere.
fn unmounted_data(container: &Container) -> Option<Finding> {
    let told = container
        .data_directory()
        .filter(|path| path.starts_with('/'));
    let image = container.image_data();
    let path = told.or(image.as_ref().map(|data| data.directory.as_str()));
    let Some(path) = path else {
        let mut kept = container.mounts.iter().filter(|mount| !mount.memory);
        let is_there = kept.any(|mount| {
            DATA.iter()
                .any(|path| mount.lies_in(path) || mount.covers(path))
        });
        return (!is_there).then(|| unmounted(container, "its database", "/var/lib/postgresql"));
    };
    let shown = container.image.as_ref().map(|image| image.text.shown());
    let keeper = match (told, shown) {
        (None, Some(image)) => format!(", where {image} keeps it"),
        _ => String::new(),
    };
    match container.keeps(path) {
        Kept::Mounted => None,
        Kept::Hidden(volume) => Some(unmounted(
            container,
            &format!("its database in {path}, where the image puts one of its own on {volume}"),
            volume,
        )),
        Kept::Nothing => {
            let declared = image.as_ref().and_then(|data| data.volume);
            let at = declared.filter(|_| told.is_none()).unwrap_or(path);
            let what = format!("its database in {path}{keeper}");
            Some(unmounted(container, &what, at))
        }
    }
}

fn unmounted(container: &Container, what: &str, path: &str) -> Finding {
    let name = &container.name;
    finding(
        &UNMOUNTED_STORAGE,
        container,
        &container.place,
        Words {
            message: format!(
                "{name} has no volume for {what}: its data is gone with the container"
            ),
            expected: format!("a volume mounted on {path}"),
            actual: "none".to_owned(),
            remedy: format!("Mount a volume on {path} in {name}, as in `- {name}-data:{path}`."),
        },
    )
}

/// Two services read one environment file.
pub(super) const SHARED_ENV_FILE: Rule = Rule {
    id: "compose/shared-env-file",
    severity: Severity::Warning,
    summary: "Does every service have environment files of its own?",
    help: include_str!("../help/compose-shared-env-file.md"),
    scope: Scope::Container,
    check: shared_env_file,
};

fn shared_env_file(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case) else {
        return Ok(Outcome::default());
    };
    let mut findings: Vec<Finding> = Vec::new();
    for (one, other) in scene.pairs() {
        if one.party.owner == other.party.owner
            || one.party.owner.is_none()
            || other.party.owner.is_none()
        {
            continue;
        }
        for file in &other.container.env_files {
            if !one
                .container
                .env_files
                .iter()
                .any(|own| own.store.is(&file.store))
            {
                continue;
            }
            // One file is one cause, however many containers read it.
            if findings
                .iter()
                .any(|found| found.actual == file.store.shown)
            {
                continue;
            }
            findings.push(finding(
                &SHARED_ENV_FILE,
                other.container,
                &file.place,
                Words {
                    message: format!(
                        "{} and {} read one environment file, {}: each sees the other's variables",
                        of(one.container, scene.name(one.party.owner)),
                        of(other.container, scene.name(other.party.owner)),
                        file.store.shown
                    ),
                    expected: "an environment file for each service".to_owned(),
                    actual: file.store.shown.clone(),
                    remedy: "Split the file, so that each service is given its own variables only."
                        .to_owned(),
                },
            ));
        }
    }
    Ok(findings.into())
}
