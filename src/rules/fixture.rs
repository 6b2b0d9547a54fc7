//! A small clean system in memory, and one way to break it for every rule.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use super::{Severity, Subject, System};
use crate::manifest::{
    Allow, Endpoint, Host, Managed, Manifest, Service, SessionAttrs, Source, Sourced, SslMode,
    Store, Target, Topology,
};
use crate::migration::{Set, SetFacts};
use crate::report::verify::Report;
use crate::snapshot::privileges::{PasswordKind, Passwords, Privileges, RoleFacts};
use crate::snapshot::{
    Access, Fact, History, HistoryRow, Identity, Kind, Links, Lock, Object, ObjectKey, Proofs,
    Role, Server, Snapshot, Stamp, State, Text,
};

pub(super) const K: usize = 0;
pub(super) const S: usize = 1;
pub(super) const R: usize = 2;

/// Everything that a [`System`] borrows.
pub(super) struct World {
    pub(super) manifest: Manifest,
    pub(super) sets: Vec<Option<Set>>,
    pub(super) locks: Vec<Fact<Lock>>,
    pub(super) snapshots: Vec<Option<Fact<Snapshot>>>,
    pub(super) proofs: Vec<Proofs>,
}

fn sourced<T>(value: T) -> Sourced<T> {
    Sourced {
        value,
        source: Source::BuiltIn,
    }
}

fn service(name: &str, store: Store, set: &str, database: &str, role: &str) -> Service {
    let sql = store.is_sql();
    Service {
        name: name.to_owned(),
        line: 1,
        store,
        managed: Managed::Dbctl,
        set: sql.then(|| sourced(set.to_owned())),
        set_dir: None,
        lock_file: None,
        database: sql.then(|| sourced(database.to_owned())),
        role: sql.then(|| sourced(role.to_owned())),
        target: if sql {
            Target::Database(sourced(Endpoint {
                hosts: vec![Host {
                    name: "localhost".to_owned(),
                    port: 5432,
                }],
                user: role.to_owned(),
                password: None,
                password_source: None,
                database: database.to_owned(),
                ssl_mode: SslMode::Disable,
                ssl_root_cert: None::<PathBuf>,
                client_certificate: None,
                connect_timeout: None,
                options: None,
                session_attrs: SessionAttrs::Any,
                channel_binding: crate::manifest::ChannelBinding::Prefer,
                password_file: None,
                service: Some(name.to_owned()),
            }))
        } else {
            Target::Files
        },
        admin: None,
        container: None,
        app: None,
        storage_dir: None,
        data_dir: None,
        engine: None,
        variables: vec![("password", vec!["K_SOCIAL_DB_PASSWORD".to_owned()])],
        default_password: false,
        shown: Vec::new(),
    }
}

/// The key of a catalog object.
pub(super) fn key(kind: Kind, schema: &str, parent: &str, name: &str) -> ObjectKey {
    ObjectKey {
        schema: schema.to_owned(),
        parent: parent.to_owned(),
        kind,
        name: name.to_owned(),
        arguments: String::new(),
    }
}

/// A catalog object of schema `public` or of a relation there.
pub(super) fn object(kind: Kind, parent: &str, name: &str, attributes: &[(&str, &str)]) -> Object {
    let has_schema = !matches!(
        kind,
        Kind::Schema
            | Kind::Extension
            | Kind::Language
            | Kind::EventTrigger
            | Kind::Wrapper
            | Kind::Server
            | Kind::Publication
            | Kind::Subscription
    );
    Object {
        key: key(kind, if has_schema { "public" } else { "" }, parent, name),
        owner: None,
        extension: None,
        attributes: attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

pub(super) fn table(name: &str, columns: &[(&str, &str)]) -> Vec<Object> {
    let mut objects = vec![object(Kind::Table, "", name, &[])];
    objects.extend(columns.iter().map(|(column, kind)| {
        object(
            Kind::Column,
            name,
            column,
            &[("type", kind), ("not_null", "true")],
        )
    }));
    objects
}

fn hypertable(name: &str, interval: &str) -> Object {
    object(
        Kind::Hypertable,
        name,
        name,
        &[("time_column", "time"), ("chunk_interval", interval)],
    )
}

/// What the files of a set do, worked out once for all tests.
fn texts(set: &Set) -> SetFacts {
    static KNOWN: Mutex<BTreeMap<String, SetFacts>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap();
    known
        .entry(set.sum())
        .or_insert_with(|| SetFacts::new(&Ok(set.clone()), None))
        .clone()
}

fn expected(service: usize) -> Vec<Object> {
    let vars = table("vars", &[("key", "text"), ("value", "text")]);
    let mut objects = match service {
        K => [
            vars,
            table("k_vars", &[("key", "text"), ("value", "text")]),
            table(
                "k_posts",
                &[
                    ("id", "bigint"),
                    ("time", "timestamp with time zone"),
                    ("content", "text"),
                ],
            ),
            table(
                "k_votes",
                &[
                    ("id", "bigint"),
                    ("time", "timestamp with time zone"),
                    ("vote_type", "smallint"),
                ],
            ),
            vec![
                hypertable("k_posts", "6 hours"),
                object(
                    Kind::Index,
                    "k_posts",
                    "k_posts_by_author",
                    &[("definition", "CREATE INDEX …")],
                ),
                object(Kind::Function, "", "notify_transaction", &[("body", "…")]),
                object(Kind::View, "", "k_scores", &[("definition", "SELECT 1")]),
            ],
        ]
        .concat(),
        S => [
            vars,
            table(
                "blocks",
                &[
                    ("hash", "bytea"),
                    ("time", "timestamp with time zone"),
                    ("daa_score", "bigint"),
                ],
            ),
            table(
                "transactions",
                &[
                    ("transaction_id", "bytea"),
                    ("time", "timestamp with time zone"),
                    ("fee", "bigint"),
                ],
            ),
            table(
                "addresses",
                &[
                    ("address", "text"),
                    ("balance", "bigint"),
                    ("utxo_count", "bigint"),
                ],
            ),
            vec![hypertable("blocks", "30 minutes")],
        ]
        .concat(),
        _ => [
            table(
                "ln_user_wallets",
                &[
                    ("user_id", "text"),
                    ("derivation_path", "text"),
                    ("virtual_node_id", "text"),
                ],
            ),
            table(
                "virtual_channels",
                &[("channel_id", "text"), ("user_id", "text")],
            ),
        ]
        .concat(),
    };
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    objects
}

fn role(name: &str) -> Role {
    Role {
        name: name.to_owned(),
        superuser: false,
        createdb: false,
        createrole: false,
        replication: false,
        bypassrls: false,
        member_of: Vec::new(),
    }
}

/// What a clean server says: two roles, and a password that is stored well.
fn privileges(role: &str) -> Privileges {
    Privileges {
        roles: [(role, false), ("postgres", true)]
            .into_iter()
            .map(|(name, superuser)| RoleFacts {
                name: name.to_owned(),
                login: true,
                powers: superuser
                    .then(|| "SUPERUSER".to_owned())
                    .into_iter()
                    .collect(),
            })
            .collect(),
        passwords: Passwords {
            stored: Fact::Known(vec![(role.to_owned(), PasswordKind::Scram)]),
            proved: None,
        },
        ..Privileges::default()
    }
}

fn snapshot(service: &Service, set: &Set, objects: Vec<Object>, number: u32) -> Snapshot {
    let role_name = service.role_name().unwrap();
    Snapshot {
        server: Server {
            version_num: 170_006,
            version: "17.6".to_owned(),
            standby: false,
            timescaledb: Some("2.19.3".to_owned()),
            timescaledb_license: Some("apache".to_owned()),
        },
        identity: Identity {
            database: service.database_name().to_owned(),
            session_user: role_name.to_owned(),
            current_user: role_name.to_owned(),
            system_identifier: Fact::Known(u64::from(number)),
            database_oid: 16_384 + number,
            stamp: Fact::Known(Some(Stamp {
                service: service.name.clone(),
                set: set.name.clone(),
            })),
            marked: None,
        },
        objects,
        shut: BTreeMap::new(),
        history: Fact::Known(History {
            exists: true,
            rows: set
                .migrations
                .iter()
                .map(|migration| HistoryRow {
                    version: i64::from(migration.version),
                    name: migration.name.clone(),
                    applied_on: "2026-01-01T00:00:00Z".to_owned(),
                    checksum: migration.checksum.to_string(),
                })
                .collect(),
        }),
        access: Access {
            database_owner: role_name.to_owned(),
            public_connect: false,
            public_database: Vec::new(),
            database_grants: Vec::new(),
            public_schema_owner: "pg_database_owner".to_owned(),
            given: BTreeMap::new(),
            public_schema: vec![("PUBLIC".to_owned(), "USAGE".to_owned())],
            roles: vec![
                role(role_name),
                Role {
                    superuser: true,
                    ..role("postgres")
                },
            ],
            databases: vec!["postgres".to_owned(), service.database_name().to_owned()],
            database_owners: vec!["postgres".to_owned(), role_name.to_owned()],
            hba: Fact::Known(Vec::new()),
            ident: Fact::Known(Vec::new()),
        },
        privileges: Fact::Known(privileges(role_name)),
        state: State::default(),
        links: Links::default(),
    }
}

impl World {
    /// Three services with a database each on a server each, and one with files alone; nothing is wrong.
    pub(super) fn clean() -> Self {
        let services = vec![
            service(
                "k-indexer",
                Store::TimescaleDb,
                "k_social",
                "ksocial",
                "k_social_user",
            ),
            service(
                "simply-kaspa-indexer",
                Store::TimescaleDb,
                "simply_kaspa",
                "simply_kaspa",
                "simply_kaspa_user",
            ),
            service(
                "rgb-lightning-node",
                Store::Postgres,
                "rgb_users",
                "rgb_lightning_node",
                "rgb_user",
            ),
            service("kasia-indexer", Store::Files, "", "", ""),
        ];
        let sets: Vec<Option<Set>> = services
            .iter()
            .map(|service| {
                Some(
                    Set::built_in(&service.set.as_ref()?.value)
                        .unwrap()
                        .unwrap(),
                )
            })
            .collect();
        let mut locks = Vec::new();
        let mut snapshots = Vec::new();
        for (number, (service, set)) in services.iter().zip(&sets).enumerate() {
            let Some(set) = set else {
                locks.push(Fact::Unknown(crate::snapshot::Gap::new("no set")));
                snapshots.push(None);
                continue;
            };
            let objects = expected(number);
            locks.push(Fact::Known(Lock {
                set: set.name.clone(),
                source: None,
                sum: set.sum(),
                majors: vec![17],
                versions: Vec::new(),
                objects: objects
                    .iter()
                    .map(|object| {
                        let texts: BTreeMap<String, Text> = object
                            .attributes
                            .iter()
                            .map(|(name, value)| (name.clone(), Text::Same(value.clone())))
                            .collect();
                        (object.key.clone(), texts)
                    })
                    .collect(),
            }));
            let number = u32::try_from(number).unwrap() + 1;
            snapshots.push(Some(Fact::Known(snapshot(service, set, objects, number))));
        }
        Self {
            manifest: Manifest {
                path: None,
                topology: Topology::Any,
                login_proof: true,
                compose: Vec::new(),
                services,
                allow: Vec::new(),
            },
            sets,
            locks,
            snapshots,
            proofs: vec![Proofs::default(); 4],
        }
    }

    /// The system as rules see it.
    pub(super) fn system(&self) -> System<'_> {
        let subjects = self
            .manifest
            .services
            .iter()
            .enumerate()
            .map(|(number, service)| Subject {
                service,
                set: self.sets.get(number).unwrap().as_ref(),
                texts: self.sets.get(number).unwrap().as_ref().map(texts),
                lock: self.locks.get(number).unwrap().clone(),
                snapshot: self.snapshots.get(number).unwrap().clone(),
                directories: None,
                proofs: self.proofs.get(number).unwrap().clone(),
            })
            .collect();
        System {
            manifest: &self.manifest,
            subjects,
            offline: false,
            compose: None,
        }
    }

    /// Asks every rule about every service, on a fixed day.
    pub(super) fn run(&self) -> Report {
        self.run_for(&[])
    }

    pub(super) fn run_for(&self, chosen: &[&str]) -> Report {
        let today = time::macros::date!(2026 - 11 - 21);
        super::run::run_on(
            &self.system(),
            chosen,
            Severity::Error,
            Instant::now(),
            today,
        )
    }

    pub(super) fn service(&mut self, number: usize) -> &mut Service {
        self.manifest.services.get_mut(number).unwrap()
    }

    pub(super) fn snapshot(&mut self, number: usize) -> &mut Snapshot {
        match self.snapshots.get_mut(number).unwrap() {
            Some(Fact::Known(snapshot)) => snapshot,
            _ => panic!("no snapshot"),
        }
    }

    pub(super) fn lock(&mut self, number: usize) -> &mut Lock {
        match self.locks.get_mut(number).unwrap() {
            Fact::Known(lock) => lock,
            Fact::Unknown(_) => panic!("no lock"),
        }
    }

    pub(super) fn access(&mut self, number: usize) -> &mut Access {
        &mut self.snapshot(number).access
    }

    pub(super) fn privileges(&mut self, number: usize) -> &mut Privileges {
        match &mut self.snapshot(number).privileges {
            Fact::Known(privileges) => privileges,
            Fact::Unknown(_) => panic!("no privileges"),
        }
    }

    pub(super) fn links(&mut self, number: usize) -> &mut Links {
        &mut self.snapshot(number).links
    }

    pub(super) fn proof(&mut self, number: usize) -> &mut Proofs {
        self.proofs.get_mut(number).unwrap()
    }

    pub(super) fn own_role(&mut self, number: usize) -> &mut Role {
        self.access(number).roles.first_mut().unwrap()
    }

    pub(super) fn history(&mut self, number: usize) -> &mut Vec<HistoryRow> {
        match &mut self.snapshot(number).history {
            Fact::Known(history) => &mut history.rows,
            Fact::Unknown(_) => panic!("no history"),
        }
    }

    /// Plants an object.
    pub(super) fn plant(&mut self, number: usize, object: Object) {
        self.snapshot(number).objects.push(object);
    }

    pub(super) fn plant_all(&mut self, number: usize, objects: Vec<Object>) {
        self.snapshot(number).objects.extend(objects);
    }

    /// Removes an object and, if it is a relation, its parts.
    pub(super) fn remove(&mut self, number: usize, kind: Kind, name: &str) {
        self.snapshot(number).objects.retain(|object| {
            let itself = object.key.kind == kind && object.key.name == name;
            let part = kind.is_relation() && object.key.parent == name;
            !itself && !part
        });
    }

    /// Changes one attribute of an object.
    pub(super) fn change(
        &mut self,
        number: usize,
        kind: Kind,
        parent: &str,
        name: &str,
        attribute: &str,
        value: &str,
    ) {
        let object = self
            .snapshot(number)
            .objects
            .iter_mut()
            .find(|object| {
                object.key.kind == kind && object.key.parent == parent && object.key.name == name
            })
            .unwrap();
        object
            .attributes
            .insert(attribute.to_owned(), value.to_owned());
    }

    pub(super) fn allow(
        &mut self,
        rule: &str,
        service: Option<&str>,
        object: Option<&str>,
    ) -> &mut Allow {
        self.manifest.allow.push(Allow {
            line: 7,
            rule: rule.to_owned(),
            service: service.map(str::to_owned),
            object: object.map(str::to_owned),
            reason: "reviewed".to_owned(),
            until: None,
            not_checked: false,
        });
        self.manifest.allow.last_mut().unwrap()
    }
}

impl World {
    /// The same system with the real locks of the built-in sets, and databases that are as those say. `None` while a set has
    /// no lock.
    pub(super) fn real() -> Option<Self> {
        let mut world = Self::clean();
        for number in [K, S, R] {
            let set = world.sets.get(number)?.as_ref()?;
            let lock = Lock::parse("schema.lock", set.lock.as_ref()?).unwrap();
            let major = *lock.majors.last().unwrap();
            let objects = lock
                .objects
                .iter()
                .map(|(key, attributes)| Object {
                    key: key.clone(),
                    owner: None,
                    extension: None,
                    attributes: attributes
                        .iter()
                        .filter_map(|(name, text)| {
                            let text = match text {
                                Text::Same(text) => Some(text),
                                Text::ByMajor(texts) => texts.get(&major),
                            };
                            Some((name.clone(), text?.clone()))
                        })
                        .collect(),
                })
                .collect();
            let snapshot = world.snapshot(number);
            snapshot.objects = objects;
            snapshot.server.version_num = major * 10_000;
            *world.locks.get_mut(number)? = Fact::Known(lock);
        }
        Some(world)
    }
}
