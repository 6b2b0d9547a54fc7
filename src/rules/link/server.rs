//! What reaches out of the database, or holds it, beside its objects: slots, origins, prepared transactions, jobs.

use crate::report::text::{one_line, short};
use crate::rules::access::service_of;
use crate::rules::text::{ident, mentions, redact, sql_literal};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Verdict};
use crate::snapshot::{Gap, Job, Scheduler, Snapshot};

pub(super) const REPLICATION_SLOT: Rule = Rule {
    id: "link/replication-slot",
    severity: Severity::Error,
    summary: "Does somebody decode the database's changes through a logical slot?",
    help: include_str!("../help/link-replication-slot.md"),
    scope: Scope::Database,
    check: replication_slot,
};

fn replication_slot(case: &Case<'_>) -> Verdict {
    let database = ident(case.subject.service.database_name());
    let findings = case.own()?.links.slots.iter().map(|slot| {
        let reader = if slot.active {
            "is being read now"
        } else {
            "is read by nobody now and keeps the server's WAL"
        };
        REPLICATION_SLOT
            .finding(
                About::plain("slot", &slot.name),
                format!(
                    "logical replication slot {} decodes every change of database {database} of {} (plugin {}); it {reader}",
                    ident(&slot.name),
                    case.name(),
                    ident(&slot.plugin)
                ),
            )
            .saw(format!("no logical slot on {database}"), format!("slot {}", ident(&slot.name)))
            .remedy(format!(
                "Stop its reader, then: SELECT pg_drop_replication_slot({});",
                sql_literal(&slot.name)
            ))
    });
    Ok(findings.collect::<Vec<_>>().into())
}

pub(super) const REPLICATION_ORIGIN: Rule = Rule {
    id: "link/replication-origin",
    severity: Severity::Warning,
    summary: "Is there a replication origin that no subscription needs?",
    help: include_str!("../help/link-replication-origin.md"),
    scope: Scope::Database,
    check: replication_origin,
};

fn replication_origin(case: &Case<'_>) -> Verdict {
    let links = &case.own()?.links;
    if links.origins.is_empty() || is_said_for_server(case, |_| true)? {
        return Ok(Vec::new().into());
    }
    let findings = links.origins.iter().map(|origin| {
        REPLICATION_ORIGIN
            .finding(
                About::plain("origin", origin),
                format!(
                    "replication origin {} is left over on the server of database {} of {}: rows came from another server, and no subscription needs it any more",
                    ident(origin),
                    ident(case.subject.service.database_name()),
                    case.name()
                ),
            )
            .saw("no replication origin", format!("origin {}", ident(origin)))
            .remedy(format!(
                "SELECT pg_replication_origin_drop({});",
                sql_literal(origin)
            ))
    });
    Ok(findings.collect::<Vec<_>>().into())
}

pub(super) const PREPARED_TRANSACTION: Rule = Rule {
    id: "link/prepared-transaction",
    severity: Severity::Error,
    summary: "Has another role a prepared transaction in the database?",
    help: include_str!("../help/link-prepared-transaction.md"),
    scope: Scope::Database,
    check: prepared_transaction,
};

fn prepared_transaction(case: &Case<'_>) -> Verdict {
    let database = ident(case.subject.service.database_name());
    let own = case.subject.service.role_name();
    let findings = case
        .own()?
        .links
        .prepared
        .iter()
        // The service may use two-phase commit itself.
        .filter(|prepared| own != Some(prepared.owner.as_str()))
        .map(|prepared| {
            let whose = service_of(case, &prepared.owner);
            let mut finding = PREPARED_TRANSACTION
                .finding(
                    About::plain("transaction", &prepared.gid),
                    format!(
                        "prepared transaction {} of role {}{} holds its locks in database {database} of {} since {}",
                        ident(&prepared.gid),
                        ident(&prepared.owner),
                        whose.map_or_else(String::new, |service| format!(" of {service}")),
                        case.name(),
                        prepared.since
                    ),
                )
                .saw(
                    format!("no prepared transaction of another role in {database}"),
                    format!("transaction {}", ident(&prepared.gid)),
                )
                .remedy(format!(
                    "Find out whether it was to be committed. Otherwise, in database {database}: ROLLBACK PREPARED {};",
                    sql_literal(&prepared.gid)
                ));
            finding.belongs_to = whose.map(str::to_owned);
            finding
        });
    Ok(findings.collect::<Vec<_>>().into())
}

pub(super) const JOB: Rule = Rule {
    id: "link/job",
    severity: Severity::Error,
    summary: "Does a scheduler run a job that the set does not create?",
    help: include_str!("../help/link-job.md"),
    scope: Scope::Database,
    check: job,
};

fn job(case: &Case<'_>) -> Verdict {
    let findings = case
        .own()?
        .links
        .jobs
        .get()?
        .iter()
        // Whoever owns a job has it run what it likes.
        .filter(|job| {
            service_of(case, &job.owner).is_some()
                || !is_of_the_set(case, job) && !is_untouched(job)
        })
        .map(|job| about_job(case, job));
    Ok(findings.collect::<Vec<_>>().into())
}

/// TimescaleDB's own policies, and the functions that add them.
const POLICIES: [(&str, &[&str]); 4] = [
    ("policy_retention", &["add_retention_policy"]),
    (
        "policy_compression",
        &["add_compression_policy", "add_columnstore_policy"],
    ),
    (
        "policy_refresh_continuous_aggregate",
        &["add_continuous_aggregate_policy"],
    ),
    ("policy_reorder", &["add_reorder_policy"]),
];

/// The functions that add a TimescaleDB policy of this procedure.
fn policy(job: &Job) -> Option<&'static [&'static str]> {
    let (schema, procedure) = job.action.split_once('.')?;
    (job.scheduler == Scheduler::TimescaleDb && schema.starts_with("_timescaledb_"))
        .then(|| POLICIES.iter().find(|(name, _)| *name == procedure))?
        .map(|(_, adders)| *adders)
}

/// Whether TimescaleDB itself made the job, and it runs what it did: whoever it runs as was told to by an administrator.
fn is_untouched(job: &Job) -> bool {
    let schema = job.action.split_once('.').map(|(schema, _)| schema);
    is_own_of_scheduler(job)
        && matches!(
            schema,
            Some("_timescaledb_internal" | "_timescaledb_functions")
        )
}

/// TimescaleDB numbers what others add from 1000 on.
fn is_own_of_scheduler(job: &Job) -> bool {
    job.scheduler == Scheduler::TimescaleDb && job.id < 1000
}

/// Whether a migration of the set adds the job.
fn is_of_the_set(case: &Case<'_>, job: &Job) -> bool {
    let Some(set) = case.subject.set else {
        return false;
    };
    let procedure = job.action.rsplit('.').next().unwrap_or(&job.action);
    let table = job
        .hypertable
        .as_deref()
        .and_then(|name| name.rsplit('.').next());
    set.migrations.iter().any(|migration| {
        let sql = migration.sql.as_str();
        match (job.scheduler, policy(job)) {
            (Scheduler::TimescaleDb, Some(adders)) => {
                adders.iter().any(|adder| mentions(sql, adder))
                    && table.is_none_or(|table| mentions(sql, table.trim_matches('"')))
            }
            (Scheduler::TimescaleDb, None) => mentions(sql, "add_job") && mentions(sql, procedure),
            (Scheduler::Cron, _) => sql.contains("cron.schedule") && sql.contains(&job.action),
        }
    })
}

fn about_job(case: &Case<'_>, job: &Job) -> Finding {
    let database = ident(case.subject.service.database_name());
    let name = if job.name.is_empty() {
        job.id.to_string()
    } else {
        job.name.clone()
    };
    let needed = if case.subject.service.set.is_some() {
        "add it in a migration of its set, which runs as the service"
    } else {
        "accept it with an [[allow]] entry"
    };
    let is_its_own = is_own_of_scheduler(job);
    let (scheduler, remedy) = match job.scheduler {
        Scheduler::TimescaleDb if is_untouched(job) => (
            "TimescaleDB",
            format!(
                "The job is TimescaleDB's own, and somebody has changed who it runs as. In database {database}: UPDATE _timescaledb_config.bgw_job SET owner = CURRENT_USER::regrole WHERE id = {};",
                job.id
            ),
        ),
        Scheduler::TimescaleDb if is_its_own => (
            "TimescaleDB",
            format!(
                "The job is TimescaleDB's own, and somebody has changed what it runs. Give it the procedure again that it has in another database of \
                 this version (proc_schema and proc_name in _timescaledb_config.bgw_job); or, in database {database}: SELECT delete_job({});",
                job.id
            ),
        ),
        Scheduler::TimescaleDb => (
            "TimescaleDB",
            format!(
                "If the service needs it, {needed}. Otherwise, in database {database}: SELECT delete_job({});",
                job.id
            ),
        ),
        Scheduler::Cron => (
            "pg_cron",
            format!(
                "In the database of pg_cron: SELECT cron.unschedule({});",
                job.id
            ),
        ),
    };
    let whose = service_of(case, &job.owner);
    let about = job
        .hypertable
        .as_deref()
        .map_or_else(String::new, |table| format!(" on {}", one_line(table)));
    let host = job
        .host
        .as_deref()
        .map_or_else(String::new, |host| format!(" at host {}", one_line(host)));
    let added = if is_untouched(job) {
        ", which TimescaleDB does as who made it"
    } else if is_its_own {
        ", which TimescaleDB does not"
    } else if is_of_the_set(case, job) {
        ""
    } else {
        ", and no migration adds it"
    };
    let off = if job.active { "" } else { " (switched off)" };
    let mut finding = JOB
        .finding(
            About::plain("job", &name),
            format!(
                "job {} of {scheduler} runs {}{about} in database {}{host} of {} as role {}{}{off}{added}",
                ident(&name),
                short(&redact(&job.action), 120),
                ident(&job.database),
                case.name(),
                ident(&job.owner),
                whose.map_or_else(String::new, |service| format!(" of {service}")),
            ),
        )
        .saw("jobs that the set adds", format!("job {}: {}", ident(&name), short(&redact(&job.action), 120)))
        .remedy(remedy);
    // A policy of TimescaleDB's stays on its hypertable.
    if policy(job).is_some() && whose.is_none() {
        finding.severity = Severity::Warning;
    }
    finding.belongs_to = whose.map(str::to_owned);
    finding
}

/// Whether an earlier service in the same server has said it already: what concerns the whole server is said once.
pub(super) fn is_said_for_server(
    case: &Case<'_>,
    knows: fn(&Snapshot) -> bool,
) -> Result<bool, Gap> {
    let identity = &case.snapshot()?.identity;
    let Some(own) = identity.system_identifier.known() else {
        return Ok(false);
    };
    Ok(case
        .system
        .subjects
        .iter()
        .take_while(|subject| subject.service.name != case.name())
        .filter_map(|subject| subject.snapshot.as_ref()?.known())
        .any(|earlier| earlier.identity.system_identifier.known() == Some(own) && knows(earlier)))
}
