//! One way to break the small system for every rule.
#![allow(clippy::unwrap_used)]

use super::super::Severity;
use super::super::fixture::{K, R, S, World, key, object, table};
use crate::manifest::{Target, Topology};
use crate::snapshot::privileges::{Given, Membership};
use crate::snapshot::{
    Attempted, CollationVersions, Common, CommonContent, Credentials, Deviation, Entry,
    ExtensionVersion, Fact, HbaLine, HostLook, HostPlace, Job, Kind, Live, Note, NotePlace, Object,
    Prepared, Restoring, Scheduler, Setting, Slot, Stamp, StoredKey, dsns,
};

/// One way to break the system, and the one finding that must follow.
pub(super) struct Fixture {
    pub(super) rule: &'static str,
    pub(super) plant: fn(&mut World),
    pub(super) severity: Severity,
    pub(super) service: usize,
    pub(super) mentions: &'static [&'static str],
}

pub(super) const fn fixture(
    rule: &'static str,
    severity: Severity,
    service: usize,
    mentions: &'static [&'static str],
    plant: fn(&mut World),
) -> Fixture {
    Fixture {
        rule,
        plant,
        severity,
        service,
        mentions,
    }
}

use Severity::{Error, Info, Warning};

pub(super) fn hidden(kind: Kind, schema: &str, name: &str) -> Object {
    Object {
        key: key(kind, schema, "", name),
        ..object(kind, "", name, &[])
    }
}

pub(super) fn trust(kind: &str, address: &str) -> HbaLine {
    HbaLine {
        line: 12,
        kind: kind.to_owned(),
        databases: "all".to_owned(),
        roles: "all".to_owned(),
        address: address.to_owned(),
        method: "trust".to_owned(),
        here: false,
        meant: Vec::new(),
        map: String::new(),
    }
}

fn deviation(kind: &str, state: &str, name: &str) -> Deviation {
    Deviation {
        schema: "public".to_owned(),
        hypertable: "k_posts".to_owned(),
        kind: kind.to_owned(),
        state: state.to_owned(),
        name: name.to_owned(),
        detail: None,
        chunks: 3,
        chunk_schema: "_timescaledb_internal".to_owned(),
        chunk: "_hyper_1_3_chunk".to_owned(),
    }
}

pub(super) const FIXTURES: &[Fixture] = &[
    fixture(
        "identity/wrong-database",
        Error,
        R,
        &["rgb_lightning_node", "simply_kaspa", "simply-kaspa-indexer"],
        |w| {
            let there = w.snapshot(S).clone();
            *w.snapshot(R) = there;
        },
    ),
    fixture(
        "identity/foreign-schema",
        Error,
        K,
        &["ksocial", "simply-kaspa-indexer", "blocks"],
        |w| {
            let there = w.snapshot(S).objects.clone();
            w.snapshot(K).objects = there;
            // A clone brings the stamp along.
            w.snapshot(K).identity.stamp = Fact::Known(Some(Stamp {
                service: "simply-kaspa-indexer".into(),
                set: "simply_kaspa".into(),
            }));
        },
    ),
    fixture(
        "identity/foreign-stamp",
        Error,
        K,
        &["ksocial", "rgb-lightning-node", "k-indexer", "rgb_users"],
        |w| {
            w.snapshot(K).identity.stamp = Fact::Known(Some(Stamp {
                service: "rgb-lightning-node".into(),
                set: "rgb_users".into(),
            }));
        },
    ),
    fixture(
        "identity/shared-database",
        Error,
        S,
        &["k-indexer", "simply-kaspa-indexer", "kaspa"],
        |w| {
            for number in [K, S] {
                w.service(number).database.as_mut().unwrap().value = "kaspa".into();
                let identity = &mut w.snapshot(number).identity;
                identity.database = "kaspa".into();
                identity.system_identifier = Fact::Known(9);
                identity.database_oid = 5;
            }
        },
    ),
    fixture(
        "identity/shared-role",
        Error,
        R,
        &[
            "simply-kaspa-indexer",
            "rgb-lightning-node",
            "simply_kaspa_user",
        ],
        |w| {
            let role = "simply_kaspa_user";
            w.service(R).role.as_mut().unwrap().value = role.into();
            w.own_role(R).name = role.into();
            w.access(R).database_owner = role.into();
            let there = w.snapshot(S).identity.system_identifier.clone();
            let identity = &mut w.snapshot(R).identity;
            identity.session_user = role.into();
            identity.system_identifier = there;
        },
    ),
    fixture(
        "identity/shared-server",
        Error,
        S,
        &["ksocial", "simply_kaspa", "dedicated"],
        |w| {
            w.manifest.topology = Topology::Dedicated;
            w.snapshot(S).identity.system_identifier = Fact::Known(1);
        },
    ),
    fixture(
        "identity/foreign-database",
        Error,
        K,
        &["simply_kaspa", "ksocial", "simply-kaspa-indexer"],
        |w| w.access(K).databases.push("simply_kaspa".into()),
    ),
    fixture(
        "identity/look-alike-database",
        Warning,
        S,
        &["Simply_Kaspa", "simply_kaspa", "simply-kaspa-indexer"],
        |w| {
            for name in ["Simply_Kaspa", "simply_kaspa_test"] {
                w.access(S).databases.push(name.into());
            }
        },
    ),
    fixture("identity/standby", Info, K, &["ksocial", "standby"], |w| {
        w.snapshot(K).server.standby = true
    }),
    fixture(
        "identity/unstamped",
        Info,
        K,
        &["ksocial", "k-indexer"],
        |w| {
            w.snapshot(K).identity.stamp = Fact::Known(None);
        },
    ),
    fixture(
        "drift/not-migrated",
        Error,
        K,
        &["ksocial", "k-indexer"],
        |w| {
            w.snapshot(K).objects.clear();
            w.snapshot(K).history = Fact::Known(crate::snapshot::History::default());
            w.snapshot(K).identity.stamp = Fact::Known(None);
        },
    ),
    fixture(
        "drift/history",
        Error,
        K,
        &["V9__hotfix.sql", "ksocial"],
        |w| {
            let mut row = w.history(K).first().unwrap().clone();
            (row.version, row.name, row.checksum) = (9, "hotfix".into(), "7".into());
            w.history(K).push(row);
        },
    ),
    fixture(
        "drift/pending",
        Error,
        K,
        &["1 migration is pending", "V5__user_profiles.sql"],
        |w| {
            w.history(K).pop();
            w.remove(K, Kind::Table, "k_votes");
        },
    ),
    fixture(
        "drift/missing-object",
        Error,
        K,
        &["k_votes", "missing", "k-indexer"],
        |w| {
            w.remove(K, Kind::Table, "k_votes");
        },
    ),
    fixture(
        "drift/changed-object",
        Error,
        K,
        &["vars.value", "bytea", "text", "not null"],
        |w| {
            w.change(K, Kind::Column, "vars", "value", "type", "bytea");
            w.change(K, Kind::Column, "vars", "value", "not_null", "false");
        },
    ),
    fixture(
        "drift/unknown-object",
        Warning,
        K,
        &["kaspa_hash", "k-indexer", "ksocial"],
        |w| {
            w.plant(K, object(Kind::Type, "", "kaspa_hash", &[]));
        },
    ),
    fixture(
        "drift/missing-hypertable",
        Error,
        K,
        &["k_posts", "hypertable"],
        |w| {
            w.remove(K, Kind::Hypertable, "k_posts");
        },
    ),
    fixture(
        "drift/time-column",
        Error,
        K,
        &["k_posts", "block_time", "time"],
        |w| {
            w.change(
                K,
                Kind::Hypertable,
                "k_posts",
                "k_posts",
                "time_column",
                "block_time",
            );
        },
    ),
    fixture(
        "drift/chunk-interval",
        Error,
        K,
        &[
            "k_posts",
            "604800000000",
            "21600000000",
            "7 days",
            "6 hours",
        ],
        |w| {
            w.change(
                K,
                Kind::Hypertable,
                "k_posts",
                "k_posts",
                "chunk_interval",
                "7 days",
            );
        },
    ),
    fixture(
        "drift/dimensions",
        Error,
        K,
        &["k_posts", "time, author (4 partitions)"],
        |w| {
            w.change(
                K,
                Kind::Hypertable,
                "k_posts",
                "k_posts",
                "dimensions",
                "time, author (4 partitions)",
            );
        },
    ),
    fixture(
        "bleed/foreign-object",
        Error,
        S,
        &["table public.k_posts", "simply_kaspa", "k-indexer"],
        |w| {
            w.plant_all(S, table("k_posts", &[("id", "bigint")]));
        },
    ),
    fixture(
        "bleed/look-alike",
        Error,
        K,
        &["\"Blocks \"", "blocks", "simply-kaspa-indexer"],
        |w| {
            w.plant_all(K, table("Blocks ", &[]));
        },
    ),
    fixture(
        "bleed/same-shape",
        Error,
        K,
        &["ledger_rows", "transactions", "simply-kaspa-indexer"],
        |w| {
            w.plant_all(
                K,
                table(
                    "ledger_rows",
                    &[
                        ("transaction_id", "bytea"),
                        ("time", "timestamp with time zone"),
                        ("fee", "bigint"),
                        ("more", "text"),
                    ],
                ),
            );
        },
    ),
    fixture(
        "bleed/hidden-object",
        Error,
        K,
        &["_timescaledb_internal._hyper_9_99_chunk", "ksocial"],
        |w| {
            w.plant(
                K,
                hidden(Kind::Table, "_timescaledb_internal", "_hyper_9_99_chunk"),
            );
        },
    ),
    fixture(
        "bleed/attached-to-extension",
        Error,
        S,
        &["notify_transaction", "plpgsql"],
        |w| {
            let mut function = object(Kind::Function, "", "notify_transaction", &[]);
            function.extension = Some("plpgsql".into());
            w.plant(S, function);
        },
    ),
    fixture(
        "bleed/foreign-schema-name",
        Error,
        K,
        &["simply_kaspa", "simply-kaspa-indexer"],
        |w| {
            w.plant(K, object(Kind::Schema, "", "simply_kaspa", &[]));
        },
    ),
    fixture(
        "bleed/foreign-history",
        Error,
        K,
        &["addresses", "simply-kaspa-indexer", "ksocial"],
        |w| {
            let mut row = w.history(S).last().unwrap().clone();
            row.version = 70;
            w.history(K).push(row);
        },
    ),
    fixture(
        "bleed/foreign-tool-history",
        Warning,
        R,
        &["seaql_migrations", "rgb-lib"],
        |w| {
            w.plant_all(R, table("seaql_migrations", &[("version", "text")]));
        },
    ),
    fixture(
        "bleed/file-engine-table",
        Error,
        R,
        &["txo", "asset", "rgb-lib"],
        |w| {
            w.plant_all(R, table("txo", &[("idx", "bigint")]));
            w.plant_all(R, table("asset", &[("idx", "bigint")]));
            w.plant(
                R,
                object(
                    Kind::Sequence,
                    "",
                    "txo_idx_seq",
                    &[("owned_by", "public.txo.idx")],
                ),
            );
        },
    ),
    fixture(
        "link/extension",
        Error,
        K,
        &["postgres_fdw", "ksocial"],
        |w| {
            w.plant(K, object(Kind::Extension, "", "postgres_fdw", &[]));
        },
    ),
    fixture(
        "link/foreign-server",
        Error,
        K,
        &["sk_link", "simply_kaspa", "simply-kaspa-indexer"],
        |w| {
            w.plant(
                K,
                object(
                    Kind::Server,
                    "",
                    "sk_link",
                    &[("options", "{host=a,dbname=simply_kaspa}")],
                ),
            );
        },
    ),
    fixture(
        "link/foreign-table",
        Error,
        K,
        &["remote_tx", "sk_link"],
        |w| {
            w.plant(
                K,
                object(
                    Kind::ForeignTable,
                    "",
                    "remote_tx",
                    &[("server", "sk_link")],
                ),
            );
        },
    ),
    fixture(
        "link/subscription",
        Error,
        K,
        &["k_from_sk", "simply_kaspa"],
        |w| {
            w.plant(
                K,
                object(
                    Kind::Subscription,
                    "",
                    "k_from_sk",
                    &[("connection", "dbname=simply_kaspa password=x")],
                ),
            );
        },
    ),
    fixture(
        "link/publication",
        Error,
        K,
        &["k_all", "FOR ALL TABLES"],
        |w| {
            w.plant(
                K,
                object(
                    Kind::Publication,
                    "",
                    "k_all",
                    &[("publishes", "FOR ALL TABLES")],
                ),
            );
        },
    ),
    fixture("link/language", Error, K, &["plperlu", "ksocial"], |w| {
        w.plant(K, object(Kind::Extension, "", "plperlu", &[]));
        w.plant(
            K,
            object(Kind::Language, "", "plperlu", &[("trusted", "false")]),
        );
    }),
    fixture(
        "access/database-owner",
        Error,
        K,
        &["ksocial", "postgres", "k_social_user"],
        |w| {
            w.access(K).database_owner = "postgres".into();
        },
    ),
    fixture(
        "access/public-connect",
        Warning,
        K,
        &["PUBLIC", "ksocial"],
        |w| {
            w.access(K).public_connect = true;
            w.access(K).public_database = vec!["TEMPORARY".into()];
        },
    ),
    fixture(
        "access/public-database",
        Warning,
        S,
        &["PUBLIC", "TEMPORARY", "simply_kaspa"],
        |w| {
            w.access(S).public_database = vec!["TEMPORARY".into()];
        },
    ),
    fixture(
        "access/foreign-connect",
        Error,
        K,
        &[
            "simply_kaspa_user",
            "CONNECT",
            "ksocial",
            "simply-kaspa-indexer",
        ],
        |w| {
            w.access(K).database_grants = vec![
                ("simply_kaspa_user".into(), "CONNECT".into()),
                ("grafana".into(), "CONNECT".into()),
            ];
        },
    ),
    fixture(
        "access/public-schema-create",
        Error,
        K,
        &["PUBLIC", "CREATE", "public", "ksocial"],
        |w| {
            w.access(K)
                .public_schema
                .push(("PUBLIC".into(), "CREATE".into()));
        },
    ),
    fixture(
        "access/object-owner",
        Error,
        K,
        &[
            "table public.k_votes",
            "schema public",
            "simply_kaspa_user",
            "simply-kaspa-indexer",
        ],
        |w| {
            for object in &mut w.snapshot(K).objects {
                if object.key.name == "k_votes" && object.key.kind == Kind::Table {
                    object.owner = Some("simply_kaspa_user".into());
                }
            }
            w.access(K).public_schema_owner = "simply_kaspa_user".into();
        },
    ),
    fixture(
        "access/superuser",
        Warning,
        K,
        &["k_social_user", "SUPERUSER"],
        |w| {
            let role = w.own_role(K);
            role.superuser = true;
            role.createdb = true;
            role.member_of = vec!["simply_kaspa_user".into()];
        },
    ),
    fixture(
        "access/membership",
        Error,
        S,
        &["simply_kaspa_user", "k_social_user", "k-indexer", "ops_a"],
        |w| {
            let links = [("ops_a", "simply_kaspa_user"), ("k_social_user", "ops_a")];
            for (group, member) in links {
                w.privileges(S).memberships.push(Membership {
                    given: Given::default(),
                    group: group.to_owned(),
                    member: member.to_owned(),
                    inherit: true,
                    set: true,
                    admin: false,
                });
            }
        },
    ),
    fixture(
        "access/default-password",
        Warning,
        K,
        &["k_social_user", "ksocial"],
        |w| {
            w.service(K).default_password = true;
        },
    ),
    fixture(
        "access/trust",
        Error,
        K,
        &["trust", "192.0.2.0/24", "12"],
        |w| {
            w.access(K).hba = Fact::Known(vec![trust("host", "192.0.2.0/24")]);
        },
    ),
    fixture(
        "sets/stale-lock",
        Warning,
        K,
        &["k_social", "k-indexer"],
        |w| w.lock(K).sum = "sha256:0".into(),
    ),
    fixture(
        "allow/expired",
        Warning,
        K,
        &["line 7", "link/foreign-server", "2026-11-20"],
        |w| {
            w.allow("link/foreign-server", Some("k-indexer"), None)
                .until = Some(time::macros::date!(2026 - 11 - 20));
        },
    ),
    fixture(
        "allow/unmatched",
        Warning,
        K,
        &["line 7", "link/foreign-server", "analytics"],
        |w| {
            w.allow("link/foreign-server", Some("k-indexer"), Some("analytics"));
        },
    ),
    fixture(
        "drift/chunk",
        Error,
        K,
        &[
            "_hyper_1_3_chunk",
            "public.k_posts",
            "k_posts_idx",
            "2 other chunks",
        ],
        |w| {
            w.snapshot(K)
                .state
                .chunks
                .push(deviation("index", "missing", "k_posts_idx"));
        },
    ),
    fixture(
        "drift/chunk-length",
        Warning,
        K,
        &["public.k_posts", "7 days", "longer"],
        |w| {
            w.snapshot(K).state.chunks.push(Deviation {
                detail: Some("timestamp with time zone".into()),
                ..deviation("length", "longer", "604800000000")
            });
        },
    ),
    fixture(
        "drift/extension-version",
        Error,
        R,
        &["plpgsql", "0.9", "1.0"],
        |w| {
            w.snapshot(R).state.extensions = Fact::Known(vec![ExtensionVersion {
                name: "plpgsql".into(),
                version: "0.9".into(),
                default: Some("1.0".into()),
                updatable: false,
            }]);
        },
    ),
    fixture(
        "drift/restoring",
        Error,
        K,
        &["timescaledb.restoring", "ksocial"],
        |w| {
            w.snapshot(K).state.restoring.push(Restoring {
                database: Some("ksocial".into()),
                role: None,
                value: "on".into(),
            });
        },
    ),
    fixture(
        "drift/encoding",
        Warning,
        R,
        &["rgb_lightning_node", "SQL_ASCII"],
        |w| w.snapshot(R).state.encoding = "SQL_ASCII".into(),
    ),
    fixture(
        "drift/collation",
        Warning,
        R,
        &["rgb_lightning_node", "2.31", "2.36"],
        |w| {
            w.snapshot(R).state.collation = Fact::Known(Some(CollationVersions {
                recorded: "2.31".into(),
                actual: Some("2.36".into()),
            }));
        },
    ),
    fixture(
        "drift/system-object",
        Error,
        R,
        &["rgb_lightning_node", "pg_read_file", "SECURITY DEFINER"],
        |w| {
            let read = object(
                Kind::Function,
                "",
                "pg_read_file",
                &[("altered", "SECURITY DEFINER")],
            );
            w.snapshot(R).state.system.push(read);
        },
    ),
    fixture(
        "bleed/foreign-variable",
        Error,
        K,
        &["public.vars", "block_checkpoint", "simply-kaspa-indexer"],
        |w| {
            w.snapshot(K).state.keys = Fact::Known(vec![StoredKey {
                table: "vars".into(),
                key: "block_checkpoint".into(),
            }]);
        },
    ),
    fixture(
        "bleed/common-database",
        Error,
        K,
        &["template1", "public.k_posts", "k-indexer"],
        |w| {
            w.snapshot(K).state.commons.push(Common {
                database: "template1".into(),
                content: Fact::Known(CommonContent {
                    objects: table("k_posts", &[("id", "bigint")]),
                    ..CommonContent::default()
                }),
            });
        },
    ),
    fixture(
        "identity/copy",
        Warning,
        S,
        &["ksocial", "simply_kaspa", "copy"],
        |w| {
            for number in [K, S] {
                w.snapshot(number).identity.system_identifier = Fact::Known(9);
                w.proof(number).live = Some(Live {
                    held: true,
                    ..Live::default()
                });
            }
        },
    ),
    fixture(
        "identity/wrong-role",
        Error,
        K,
        &["k_social_user", "simply_kaspa_user", "simply-kaspa-indexer"],
        |w| w.snapshot(K).identity.session_user = "simply_kaspa_user".into(),
    ),
    fixture(
        "identity/pooler",
        Warning,
        K,
        &["localhost:5432", "ksocial"],
        |w| w.proof(K).pooled = true,
    ),
    fixture(
        "identity/several-hosts",
        Error,
        K,
        &["b:5432", "simply-kaspa-indexer", "ksocial"],
        |w| {
            let there = w.snapshot(S).identity.clone();
            w.proof(K).hosts = vec![HostLook {
                address: "b:5432".into(),
                place: Fact::Known(HostPlace {
                    system_identifier: there.system_identifier.known().copied(),
                    database_oid: there.database_oid,
                    standby: false,
                }),
            }];
        },
    ),
    fixture(
        "identity/smuggled-setting",
        Warning,
        K,
        &["search_path=simply_kaspa", "role=x", "ksocial"],
        |w| {
            if let Target::Database(endpoint) = &mut w.service(K).target {
                endpoint.value.options =
                    Some("-c search_path=simply_kaspa -cjit=off --role=x".into());
            }
        },
    ),
    fixture(
        "link/reaches-out",
        Error,
        S,
        &["k_pull", "calls dblink", "ksocial", "k-indexer"],
        |w| {
            w.plant(
                S,
                object(
                    Kind::Function,
                    "",
                    "k_pull",
                    &[(
                        "definition",
                        "BEGIN PERFORM * FROM dblink('host=h dbname=ksocial password=c4nary', 'SELECT 1') AS t(k text); END",
                    )],
                ),
            );
        },
    ),
    fixture(
        "link/native-function",
        Error,
        K,
        &["remote_exec", "$libdir/dblink", "dblink_exec"],
        |w| {
            w.plant(
                K,
                object(
                    Kind::Function,
                    "",
                    "remote_exec",
                    &[
                        ("language", "c"),
                        ("library", "$libdir/dblink"),
                        ("definition", "dblink_exec"),
                    ],
                ),
            );
        },
    ),
    fixture(
        "link/foreign-name",
        Warning,
        K,
        &["k_grant", "simply_kaspa_user", "simply-kaspa-indexer"],
        |w| {
            w.plant(
                K,
                object(
                    Kind::Function,
                    "",
                    "k_grant",
                    &[(
                        "definition",
                        "BEGIN EXECUTE 'GRANT SELECT ON k_posts TO ' || 'simply_' || 'kaspa_user'; END",
                    )],
                ),
            );
        },
    ),
    fixture(
        "link/foreign-channel",
        Warning,
        S,
        &["announce", "orders_channel", "k-indexer"],
        |w| {
            let set = w.sets.get_mut(K).and_then(Option::as_mut).unwrap();
            let first = set.migrations.first_mut().unwrap();
            first.sql.push_str("\nCREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$SELECT pg_notify('orders_channel', '')$$;");
            let sum = set.sum();
            w.lock(K).sum = sum;
            w.plant(
                S,
                object(
                    Kind::Function,
                    "",
                    "announce",
                    &[("definition", "BEGIN NOTIFY orders_channel; END")],
                ),
            );
        },
    ),
    fixture(
        "link/replication-slot",
        Error,
        S,
        &["k_reader", "simply_kaspa", "pgoutput"],
        |w| {
            w.links(S).slots.push(Slot {
                name: "k_reader".into(),
                plugin: "pgoutput".into(),
                active: false,
            });
        },
    ),
    fixture(
        "link/replication-origin",
        Warning,
        S,
        &["from_k", "simply_kaspa"],
        |w| w.links(S).origins.push("from_k".into()),
    ),
    fixture(
        "link/prepared-transaction",
        Error,
        S,
        &["k_2pc", "k_social_user", "simply_kaspa", "k-indexer"],
        |w| {
            w.links(S).prepared.push(Prepared {
                gid: "k_2pc".into(),
                owner: "k_social_user".into(),
                since: "2026-11-20T08:00:00Z".into(),
            });
        },
    ),
    fixture(
        "link/job",
        Error,
        S,
        &["k_move", "pg_cron", "simply_kaspa", "k_social_user"],
        |w| {
            w.links(S).jobs = Fact::Known(vec![Job {
                scheduler: Scheduler::Cron,
                id: 7,
                name: "k_move".into(),
                owner: "k_social_user".into(),
                action: "INSERT INTO addresses VALUES (1, 1)".into(),
                hypertable: None,
                database: "simply_kaspa".into(),
                host: None,
                active: true,
            }]);
        },
    ),
    fixture(
        "link/server-setting",
        Error,
        K,
        &[
            "archive_command",
            "/srv/simply_kaspa/wal",
            "simply-kaspa-indexer",
        ],
        |w| {
            w.links(K).settings = Fact::Known(vec![Setting {
                name: "archive_command".into(),
                value: "cp %p /srv/simply_kaspa/wal/%f".into(),
                pending: true,
            }]);
        },
    ),
    fixture(
        "link/connection-string",
        Warning,
        K,
        &["k_vars", "simply_kaspa", "simply-kaspa-indexer"],
        |w| {
            w.links(K).notes.push(Note {
                place: NotePlace::Comment,
                kind: "table".into(),
                schema: Some("public".into()),
                name: "k_vars".into(),
                described: "table public.k_vars".into(),
                statement: Some("COMMENT ON TABLE public.k_vars IS NULL;".into()),
                dsns: dsns("see postgres://simply_kaspa_user:c4nary@127.0.0.1:5434/simply_kaspa"),
            });
        },
    ),
    fixture(
        "access/foreign-login",
        Error,
        S,
        &["k_social_user", "k-indexer", "simply_kaspa"],
        |w| {
            w.proof(S).entries = Fact::Known(vec![Entry {
                service: "k-indexer".into(),
                role: "k_social_user".into(),
                with: Credentials::Own,
                outcome: Attempted::Entered,
            }]);
        },
    ),
    fixture(
        "access/shared-password",
        Error,
        S,
        &["simply_kaspa_user", "k_social_user", "simply_kaspa"],
        |w| {
            w.proof(S).entries = Fact::Known(vec![Entry {
                service: "k-indexer".into(),
                role: "simply_kaspa_user".into(),
                with: Credentials::Password,
                outcome: Attempted::Entered,
            }]);
        },
    ),
];
