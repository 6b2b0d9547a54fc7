//! One way to break the small system for every rule about privileges, and what of them is benign.

use super::super::Severity::{Error, Warning};
use super::super::fixture::{K, R, S, World, object};
use super::fixtures::{Fixture, fixture, trust};
use super::{Plant, found};
use crate::snapshot::privileges::{
    DefaultGrant, Given, Grant, Membership, On, Origin, Owned, OwnedElsewhere, ParameterGrant,
    PasswordKind, RoleFacts, RoleSetting, Securable, Standby, Tablespace,
};
use crate::snapshot::{Fact, HbaLine, Kind};

fn securable(on: On, schema: &str, parent: &str, name: &str) -> Securable {
    Securable {
        on,
        schema: schema.to_owned(),
        parent: parent.to_owned(),
        name: name.to_owned(),
        arguments: String::new(),
    }
}

fn table(name: &str) -> Securable {
    securable(On::Object(Kind::Table), "public", "", name)
}

fn grant(object: Securable, grantee: Option<&str>, privileges: &[&str]) -> Grant {
    Grant {
        object,
        origin: Origin::Made,
        owner: "k_social_user".to_owned(),
        grantee: grantee.map(str::to_owned),
        grantor: None,
        privileges: privileges.iter().map(|text| (*text).to_owned()).collect(),
        grantable: false,
        more: 0,
    }
}

fn member(group: &str, member: &str) -> Membership {
    Membership {
        given: Given::default(),
        group: group.to_owned(),
        member: member.to_owned(),
        inherit: true,
        set: true,
        admin: false,
    }
}

fn role(name: &str) -> RoleFacts {
    RoleFacts {
        name: name.to_owned(),
        login: true,
        powers: Vec::new(),
    }
}

fn setting(role: Option<&str>, name: &str, value: &str) -> RoleSetting {
    RoleSetting {
        role: role.map(str::to_owned),
        here: role.is_none(),
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn space(databases: &[&str], grantees: &[Option<&str>]) -> Tablespace {
    Tablespace {
        made: true,
        name: "k_fast".to_owned(),
        owner: "postgres".to_owned(),
        databases: databases.iter().map(|name| (*name).to_owned()).collect(),
        grantees: grantees
            .iter()
            .map(|name| name.map(str::to_owned))
            .collect(),
    }
}

fn hba(databases: &str, roles: &str, method: &str) -> HbaLine {
    HbaLine {
        databases: databases.to_owned(),
        roles: roles.to_owned(),
        method: method.to_owned(),
        ..trust("host", "192.0.2.0/24")
    }
}

pub(super) const FIXTURES: &[Fixture] = &[
    fixture(
        "access/object-grant",
        Error,
        K,
        &[
            "public.k_vars",
            "kaspa_readers",
            "simply_kaspa_user",
            "SELECT",
        ],
        |w| {
            let privileges = w.privileges(K);
            privileges
                .memberships
                .push(member("kaspa_readers", "simply_kaspa_user"));
            privileges
                .grants
                .push(grant(table("k_vars"), Some("kaspa_readers"), &["SELECT"]));
        },
    ),
    fixture(
        "access/object-grant",
        Warning,
        K,
        &["analytics_ro", "public.k_vars.value"],
        |w| {
            let column = securable(On::Object(Kind::Column), "public", "k_vars", "value");
            w.privileges(K)
                .grants
                .push(grant(column, Some("analytics_ro"), &["SELECT"]));
        },
    ),
    fixture(
        "access/object-grant",
        Error,
        K,
        &["_hyper_1_1_chunk", "PUBLIC", "k_posts"],
        |w| {
            let chunk = securable(
                On::Chunk,
                "_timescaledb_internal",
                "k_posts",
                "_hyper_1_1_chunk",
            );
            w.privileges(K).grants.push(grant(chunk, None, &["SELECT"]));
        },
    ),
    // What is in no set, and open to another service, is one finding.
    fixture(
        "access/object-grant",
        Error,
        K,
        &["public.wallet_view", "rgb_user"],
        |w| {
            w.plant(K, object(Kind::View, "", "wallet_view", &[]));
            let view = securable(On::Object(Kind::View), "public", "", "wallet_view");
            w.privileges(K)
                .grants
                .push(grant(view, Some("rgb_user"), &["SELECT"]));
        },
    ),
    fixture(
        "access/system-grant",
        Error,
        K,
        &["pg_authid", "k_social_user"],
        |w| {
            let catalog = securable(On::Object(Kind::Table), "pg_catalog", "", "pg_authid");
            w.privileges(K).grants.push(Grant {
                origin: Origin::System,
                ..grant(catalog, Some("k_social_user"), &["SELECT"])
            });
        },
    ),
    fixture(
        "access/default-privileges",
        Error,
        S,
        &["simply_kaspa_user", "schema public", "PUBLIC", "SELECT"],
        |w| {
            w.privileges(S).default_grants.push(DefaultGrant {
                role: "simply_kaspa_user".to_owned(),
                schema: Some("public".to_owned()),
                objects: "TABLES".to_owned(),
                grantee: None,
                privileges: vec!["SELECT".to_owned()],
            });
        },
    ),
    fixture(
        "access/object-owner",
        Error,
        R,
        &["large object 990001", "k_social_user"],
        |w| {
            w.privileges(R).owned.push(Owned {
                object: securable(On::LargeObject, "", "", "990001"),
                owner: "k_social_user".to_owned(),
                more: 0,
            });
        },
    ),
    fixture(
        "access/object-owner",
        Warning,
        K,
        &["public.k_vars", "superuser postgres"],
        |w| {
            let objects = &mut w.snapshot(K).objects;
            let vars = objects
                .iter_mut()
                .find(|object| object.key.name == "k_vars");
            vars.unwrap().owner = Some("postgres".to_owned());
        },
    ),
    fixture(
        "access/owns-elsewhere",
        Warning,
        K,
        &["k_social_user", "grafana", "3 objects"],
        |w| {
            w.privileges(K).owned_elsewhere.push(OwnedElsewhere {
                role: "k_social_user".to_owned(),
                database: "grafana".to_owned(),
                database_owner: "postgres".to_owned(),
                objects: 3,
            });
        },
    ),
    fixture(
        "access/security-definer",
        Warning,
        K,
        &["k_admin", "search_path"],
        |w| {
            w.plant(
                K,
                object(
                    Kind::Function,
                    "",
                    "k_admin",
                    &[("security_definer", "true")],
                ),
            );
        },
    ),
    fixture(
        "access/security-definer",
        Error,
        K,
        &["k_admin", "PUBLIC"],
        |w| {
            let attributes = [
                ("security_definer", "true"),
                ("settings", "search_path=public, pg_temp"),
            ];
            w.plant(K, object(Kind::Function, "", "k_admin", &attributes));
            let function = securable(On::Object(Kind::Function), "public", "", "k_admin");
            w.privileges(K).open_definers.push(function);
        },
    ),
    fixture(
        "access/membership",
        Warning,
        S,
        &["k_social_user", "all options are off"],
        |w| {
            w.privileges(S).memberships.push(Membership {
                given: Given::default(),
                inherit: false,
                set: false,
                ..member("k_social_user", "simply_kaspa_user")
            });
        },
    ),
    fixture(
        "access/shared-group",
        Warning,
        S,
        &["kaspa_readers", "k_social_user", "simply_kaspa_user"],
        |w| {
            let privileges = w.privileges(S);
            privileges
                .memberships
                .push(member("kaspa_readers", "simply_kaspa_user"));
            privileges
                .memberships
                .push(member("kaspa_readers", "k_social_user"));
        },
    ),
    fixture(
        "access/membership",
        Warning,
        K,
        &["analyst", "k_social_user", "ops", "no service's"],
        |w| {
            let privileges = w.privileges(K);
            privileges.roles.push(role("analyst"));
            privileges.memberships.push(member("ops", "analyst"));
            privileges.memberships.push(member("k_social_user", "ops"));
        },
    ),
    fixture(
        "access/tablespace",
        Error,
        K,
        &["k_fast", "simply_kaspa_user", "ksocial"],
        |w| {
            w.privileges(K).tablespaces.push(Tablespace {
                owner: "simply_kaspa_user".to_owned(),
                ..space(&["ksocial"], &[])
            });
        },
    ),
    fixture(
        "access/setting",
        Error,
        K,
        &["k_social_user", "search_path", "simply_kaspa"],
        |w| {
            let path = setting(Some("k_social_user"), "search_path", "simply_kaspa, public");
            w.privileges(K).settings.push(path);
        },
    ),
    fixture(
        "access/parameter-grant",
        Error,
        K,
        &["archive_command", "k_social_user", "ALTER SYSTEM"],
        |w| {
            w.privileges(K).parameters.push(ParameterGrant {
                given: Given::default(),
                parameter: "archive_command".to_owned(),
                grantee: Some("k_social_user".to_owned()),
                privileges: vec!["ALTER SYSTEM".to_owned()],
            });
        },
    ),
    fixture(
        "access/tablespace",
        Error,
        S,
        &["k_fast", "ksocial", "simply_kaspa"],
        |w| {
            for number in [K, S] {
                w.privileges(number)
                    .tablespaces
                    .push(space(&["ksocial", "simply_kaspa"], &[]));
            }
        },
    ),
    fixture(
        "access/tablespace",
        Error,
        K,
        &["k_fast", "simply_kaspa_user"],
        |w| {
            let shared = space(&["ksocial"], &[Some("simply_kaspa_user")]);
            w.privileges(K).tablespaces.push(shared);
        },
    ),
    fixture(
        "access/template-database",
        Error,
        S,
        &["simply_kaspa", "template"],
        |w| {
            w.privileges(S).template = true;
        },
    ),
    fixture(
        "access/foreign-session",
        Error,
        K,
        &["simply_kaspa_user", "ksocial", "2 sessions"],
        |w| {
            w.privileges(K)
                .sessions
                .push(("simply_kaspa_user".to_owned(), 2));
        },
    ),
    fixture(
        "access/streaming-standby",
        Warning,
        K,
        &["replica1", "replicator"],
        |w| {
            w.privileges(K).standbys.push(Standby {
                name: "replica1".to_owned(),
                role: "replicator".to_owned(),
            });
        },
    ),
    fixture(
        "access/foreign-role",
        Error,
        K,
        &["simply_kaspa_user", "ksocial"],
        |w| {
            w.privileges(K).roles.push(role("simply_kaspa_user"));
        },
    ),
    fixture(
        "access/look-alike-role",
        Error,
        K,
        &["K_social_user", "k_social_user"],
        |w| {
            w.privileges(K).roles.push(role("K_social_user"));
        },
    ),
    fixture(
        "access/weak-password",
        Warning,
        K,
        &["k_social_user", "md5"],
        |w| {
            let stored = vec![("k_social_user".to_owned(), PasswordKind::Md5)];
            w.privileges(K).passwords.stored = Fact::Known(stored);
        },
    ),
    fixture(
        "access/hba",
        Error,
        K,
        &["simply_kaspa_user", "ksocial", "line 12"],
        |w| {
            w.access(K).hba =
                Fact::Known(vec![hba("ksocial", "simply_kaspa_user", "scram-sha-256")]);
        },
    ),
    // A regular expression for the database, and a group for the role.
    fixture(
        "access/hba",
        Error,
        K,
        &["simply_kaspa_user", "ksocial", "line 12"],
        |w| {
            w.privileges(K)
                .memberships
                .push(member("kaspa_readers", "simply_kaspa_user"));
            w.access(K).hba = Fact::Known(vec![HbaLine {
                here: true,
                ..hba("/^kso", "+kaspa_readers", "scram-sha-256")
            }]);
        },
    ),
    fixture("access/hba", Error, K, &["password", "line 12"], |w| {
        w.access(K).hba = Fact::Known(vec![hba("all", "all", "password")]);
    }),
];

#[test]
fn what_belongs_to_the_service_and_its_administrators_is_no_finding() {
    let quiet: &[Plant] = &[
        |w| {
            let own = grant(table("k_vars"), Some("k_social_user"), &["SELECT"]);
            let admin = grant(table("k_vars"), Some("postgres"), &["SELECT"]);
            let server = grant(table("k_vars"), Some("pg_monitor"), &["SELECT"]);
            w.privileges(K).grants.extend([own, admin, server]);
        },
        // A group of the service alone.
        |w| {
            let privileges = w.privileges(K);
            privileges
                .memberships
                .push(member("k_writers", "k_social_user"));
            privileges
                .grants
                .push(grant(table("k_vars"), Some("k_writers"), &["INSERT"]));
        },
        // What dbctl asks for itself.
        |w| {
            let function = securable(
                On::Object(Kind::Function),
                "pg_catalog",
                "",
                "pg_control_system",
            );
            w.privileges(K).grants.push(Grant {
                origin: Origin::System,
                ..grant(function, Some("k_social_user"), &["EXECUTE"])
            });
        },
        |w| {
            let paths = [
                setting(Some("k_social_user"), "search_path", "public"),
                setting(None, "search_path", "\"$user\", public"),
                setting(None, "session_preload_libraries", "auto_explain"),
                setting(Some("simply_kaspa_user"), "search_path", "elsewhere"),
            ];
            w.privileges(K).settings.extend(paths);
        },
        |w| {
            w.privileges(K)
                .tablespaces
                .push(space(&["ksocial"], &[Some("k_social_user")]))
        },
        |w| w.privileges(K).sessions.push(("postgres".to_owned(), 1)),
        |w| w.access(K).hba = Fact::Known(vec![hba("ksocial", "k_social_user", "scram-sha-256")]),
        // A copy of its own.
        |w| {
            w.privileges(K).owned_elsewhere.push(OwnedElsewhere {
                role: "k_social_user".to_owned(),
                database: "ksocial_green".to_owned(),
                database_owner: "k_social_user".to_owned(),
                objects: 40,
            });
        },
    ];
    for (number, plant) in quiet.iter().enumerate() {
        assert_eq!(found(*plant), Vec::<String>::new(), "{number}");
    }
}

#[test]
fn what_one_grant_gave_on_many_objects_is_one_finding() {
    let lines = found(|w| {
        for number in 0..200 {
            let table = table(&format!("t{number}"));
            w.privileges(K)
                .grants
                .push(grant(table, Some("rgb_user"), &["SELECT"]));
        }
    });
    let [line] = lines.as_slice() else {
        panic!("{lines:#?}")
    };
    assert!(
        line.contains("table public.t0") && line.contains("and 190 more"),
        "{line}"
    );
}

#[test]
fn memberships_are_as_good_as_their_weakest_link() {
    let chain = |w: &mut World, first: (bool, bool, bool), second: (bool, bool, bool)| {
        let link = |group, of, (inherit, set, admin)| Membership {
            given: Given::default(),
            inherit,
            set,
            admin,
            ..member(group, of)
        };
        let links = [
            link("ops", "simply_kaspa_user", first),
            link("k_social_user", "ops", second),
        ];
        w.privileges(S).memberships.extend(links);
    };
    let on = (true, true, false);
    for (first, second, start, says) in [
        (on, on, "error", "by SET ROLE and by INHERIT"),
        (on, (true, false, false), "error", "by INHERIT"),
        ((false, true, false), on, "error", "by SET ROLE"),
        (on, (false, false, true), "error", "ADMIN"),
        // SET ROLE ops, and what ops inherits is there.
        (
            (false, true, false),
            (true, false, false),
            "error",
            "by INHERIT",
        ),
        // Who only inherits from ops cannot become what ops could.
        (
            (true, false, false),
            (false, true, false),
            "warning",
            "all options are off",
        ),
    ] {
        let mut world = World::clean();
        chain(&mut world, first, second);
        let report = world.run();
        let [found] = report.findings.as_slice() else {
            panic!("{:#?}", report.findings)
        };
        let finding = &found.finding;
        assert_eq!(finding.severity.as_str(), start, "{}", finding.message);
        assert!(finding.message.contains(says), "{}", finding.message);
        assert!(
            finding.message.contains("through ops"),
            "{}",
            finding.message
        );
    }
}

#[test]
fn what_a_plain_role_may_not_read_is_never_clean() {
    let gap = || crate::snapshot::Gap::new("permission denied for table pg_shdepend");
    let mut world = World::clean();
    world.snapshot(K).privileges = Fact::Unknown(gap());
    let report = world.run();
    assert_eq!(report.findings, []);
    for rule in [
        "access/object-grant",
        "access/setting",
        "access/weak-password",
        "access/object-owner",
    ] {
        assert!(
            report.not_checked.iter().any(|gap| gap.rule == rule),
            "{rule}"
        );
    }
    // How a password is stored: not readable, and proved by the log-in itself.
    let mut world = World::clean();
    let passwords = &mut world.privileges(K).passwords;
    passwords.stored = Fact::Unknown(gap());
    passwords.proved = Some("k_social_user".to_owned());
    assert_eq!(world.run().not_checked, []);
    world.privileges(K).passwords.proved = None;
    world.access(K).hba = Fact::Known(vec![hba("all", "all", "scram-sha-256")]);
    assert_eq!(world.run().not_checked, []);
    world.access(K).hba = Fact::Known(vec![trust("local", "")]);
    let report = world.run();
    assert!(
        report
            .not_checked
            .iter()
            .any(|gap| gap.rule == "access/weak-password")
    );
}
