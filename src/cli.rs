//! The command line: clap types, turned into plain options at the border and then forgotten.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use crate::examples;
use crate::output_file::OutputFile;

/// Owns the database schemas of a system of services, one database each, and proves that they stay apart.
#[derive(Debug, Parser)]
#[command(name = "dbctl", version, propagate_version = true, max_term_width = examples::WIDEST as usize, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 findings; 2 wrong usage; 3 manifest, set or lock is wrong, or a database was refused;
4 incomplete: something could not be reached or read; 5 a migration failed; 6 locked; 130 interrupted.
`dbctl explain CODE` says more, and `dbctl COMMAND --help` has examples.";

/// Flags of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// The manifest; else DBCTL_CONFIG, else ./dbctl.toml, else the built-in Kaspa/RGB system
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A folder of set folders instead of the manifest's or the built-in sets
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) sets: Option<PathBuf>,
    /// A value of the manifest for this run, as in k-indexer.port=5439 (host, port, database, role, set, storage_dir, data_dir)
    #[arg(long = "set", global = true, value_name = "SERVICE.KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// The form of the output; every command has table and json, verify and check have all
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Colour; NO_COLOR is respected
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// No talk on stderr
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Show more
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// For scripts; version 1, keys only ever added
    Json,
    /// Annotations of GitHub Actions, and the step summary
    Github,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, for test reports
    Junit,
    /// For a pull request or a wiki
    #[value(alias = "md")]
    Markdown,
    /// One page that needs nothing else
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The services a command is about.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    /// Only this service; may be repeated
    #[arg(short, long = "service", value_name = "SERVICE", value_hint = ValueHint::Other)]
    pub(crate) services: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what the manifest says: targets resolved, secrets masked, where each value came from
    #[command(after_help = examples::SERVICES)]
    Services,
    /// Create roles, databases, privileges and directories; safe to run again
    #[command(after_help = examples::PROVISION)]
    Provision(Provision),
    /// Apply each service's migrations to its own database
    #[command(after_help = examples::MIGRATE)]
    Migrate(Migrate),
    /// Take one service's database back to an older version with its down scripts, all in one transaction
    #[command(after_help = examples::ROLLBACK)]
    Rollback(Rollback),
    /// Adopt a database that already has the schema, after proving that it has
    // Here --version is the schema's.
    #[command(disable_version_flag = true, after_help = examples::BASELINE)]
    Baseline(Baseline),
    /// Explain and mend what a failed migration without a transaction or an edited file has left
    #[command(after_help = examples::REPAIR)]
    Repair(Repair),
    /// Show what is applied, pending, divergent or unreachable, for all services at once
    #[command(after_help = examples::STATUS)]
    Status(Status),
    /// Compare every database with its schema lock and look for what bleeds from one service into another
    #[command(after_help = examples::VERIFY)]
    Verify(Verify),
    /// Ask what can be asked without a server: migration sets, schema locks, directories, compose files
    #[command(after_help = examples::CHECK)]
    Check(Check),
    /// Write the schema locks from a throwaway server
    #[command(after_help = examples::LOCK)]
    Lock(Lock),
    /// Run the whole system on throwaway local servers
    #[command(after_help = examples::SANDBOX)]
    Sandbox(Sandbox),
    /// List the rules, all or a group's, or show one rule's page
    #[command(after_help = examples::RULES)]
    Rules {
        /// The rule, as in bleed/foreign-object, or a group, as in bleed
        id: Option<String>,
    },
    /// Say what an exit code, an SQLSTATE or a rule means, and what to do
    #[command(after_help = examples::EXPLAIN)]
    Explain {
        /// An exit code, an SQLSTATE as in 55P03, or a rule; every exit code when not given
        #[arg(value_name = "CODE-OR-RULE")]
        topic: Option<String>,
    },
    /// Print the completions of a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write all of them into a directory
    #[command(after_help = examples::MAN)]
    Man {
        /// The directory, which is made where it is not there: dbctl.1, dbctl-verify.1, …
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

impl Command {
    /// Whether it may start servers of its own, which have to be stopped whatever happens.
    pub(crate) const fn starts_servers(&self) -> bool {
        match self {
            Self::Lock(options) => options.from.is_none(),
            Self::Sandbox(_) => true,
            _ => false,
        }
    }

    /// Whether it reaches none of the services' servers.
    pub(crate) fn is_offline(&self) -> bool {
        match self {
            Self::Check(_) => true,
            Self::Lock(options) => options.from.is_none(),
            _ => false,
        }
    }

    /// Whether it has little to compute once its sessions are open, and a session or two for each service.
    pub(crate) const fn waits_for_servers(&self) -> bool {
        matches!(self, Self::Migrate(_))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// Print what would be applied, statement by statement with its locks (with -v the SQL), and change nothing; a table that somebody holds locked is waited for, up to --lock-timeout
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The newest version to apply
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) target: Option<i32>,
    /// Change nothing at all when a preflight fails, and begin nothing more after a failure
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Migrate what can be migrated, whatever becomes of the others (the default)
    #[arg(long, conflicts_with = "fail_fast")]
    pub(crate) keep_going: bool,
    /// How many services are migrated at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = positive)]
    pub(crate) jobs: usize,
    /// How many of them at once on one server (host and port as the manifest names them)
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = positive)]
    pub(crate) jobs_per_server: usize,
    /// How long to wait for a server that does not answer yet, as in 60s, 5min; one that says that it is starting is waited for in any case
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = duration)]
    pub(crate) wait: Duration,
    /// How long to wait for another runner and for locked tables, as in 500ms, 30s, 5min
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) lock_timeout: Duration,
    /// The longest that one attempt waits for a table's lock, and makes others wait behind it; the first waits 500ms
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub(crate) lock_wait: Duration,
    /// How long one statement may run; no limit when not given, or 0
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) statement_timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The service
    #[arg(short, long, value_name = "SERVICE", value_hint = ValueHint::Other)]
    pub(crate) service: String,
    /// The version to be at afterwards; 0 takes back everything
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i32).range(0..))]
    pub(crate) target: i32,
    /// Roll back although rows, columns or tables with rows are lost
    #[arg(long)]
    pub(crate) allow_data_loss: bool,
    /// Print the scripts that would run (with -v their SQL) and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How long to wait for another runner and for locked tables, as in 500ms, 30s, 5min
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) lock_timeout: Duration,
    /// How long one statement may run; no limit when not given, or 0
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) statement_timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Provision {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// Say what would be made or changed, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Refuses `-V` where `--version` is the schema's.
fn not_short(_: &str) -> Result<String, &'static str> {
    Err(
        "here --version N is the version whose schema the database has, and has no short form; dbctl -V tells the version of dbctl",
    )
}

#[derive(Debug, Args)]
pub(crate) struct Baseline {
    /// The service whose database it is
    #[arg(short, long, value_name = "SERVICE", value_hint = ValueHint::Other)]
    pub(crate) service: String,
    /// The version whose schema it has; the newest one that fits when not given
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) version: Option<i32>,
    /// What other commands have for the version of dbctl: to take it for that here would adopt nothing, and say that all is well
    #[arg(short = 'V', hide = true, value_name = "VERSION", num_args = 0..=1, default_missing_value = "", value_parser = not_short)]
    _short: Option<String>,
    /// Prove only, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How long to wait for another runner and for locked tables, as in 500ms, 30s, 5min
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) lock_timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Repair {
    /// The service whose database it is
    #[arg(short, long, value_name = "SERVICE", value_hint = ValueHint::Other)]
    pub(crate) service: String,
    /// What the catalog does not tell the fate of ran: mark the statement as done, or write the row of the file
    #[arg(long)]
    pub(crate) ran: bool,
    /// It did not run, or was taken back: the next migrate runs it
    #[arg(long, conflicts_with = "ran")]
    pub(crate) not_run: bool,
    /// Forget which statements of this unfinished version ran: the next migrate begins it anew
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["ran", "not_run"])]
    pub(crate) forget: Option<i32>,
    /// Explain only, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How long to wait for another runner and for locked tables, as in 500ms, 30s, 5min
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) lock_timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// Show it again every two seconds until Ctrl-C
    #[arg(long, conflicts_with = "wait")]
    pub(crate) watch: bool,
    /// Return as soon as every target answers and is fully migrated; exit code 4 if that takes longer, as in 60s, 5min
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) wait: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// The mildest severity that makes the exit code 1
    #[arg(long, value_enum, default_value_t = FailOn::Error)]
    pub(crate) fail_on: FailOn,
    /// Try no log-ins with what belongs to other services; what they would show is then not checked
    #[arg(long)]
    pub(crate) no_login_proof: bool,
    /// Show what has changed since the report in this file, then replace it by the new one; a missing file is a first run
    #[arg(long, value_name = "FILE")]
    pub(crate) since_last: Option<PathBuf>,
    /// Look again every so many seconds until Ctrl-C, and show only what changes
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "60",
          conflicts_with = "since_last", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) watch: Option<u64>,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
}

/// Files that the report goes to, beside stdout.
#[derive(Debug, Args)]
pub(crate) struct Outputs {
    /// Write the report to a file as well, in the form of its ending (.json .sarif .xml .md .html .txt) or as in github=FILE; may be repeated
    #[arg(short, long = "output", value_name = "[FORMAT=]FILE", value_parser = crate::output_file::parse)]
    pub(crate) files: Vec<OutputFile>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// A compose file; repeat it for several, each over those before it. Else the manifest's, else those of COMPOSE_FILE, else compose.yaml or the like beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) compose: Vec<PathBuf>,
    /// The mildest severity that makes the exit code 1
    #[arg(long, value_enum, default_value_t = FailOn::Error)]
    pub(crate) fail_on: FailOn,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Error,
    Warning,
    Info,
}

#[derive(Debug, Args)]
pub(crate) struct Lock {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// Write nothing; exit code 3 when a lock is missing or stale
    #[arg(long)]
    pub(crate) check: bool,
    /// A folder of server binaries; repeat it to lock for several major versions at once
    #[arg(long = "postgres-bin", value_name = "DIR")]
    pub(crate) postgres_bin: Vec<PathBuf>,
    /// Record the schema that this service made itself (managed = "service"), read from its live database
    #[arg(long, value_name = "SERVICE", value_hint = ValueHint::Other, conflicts_with_all = ["services", "postgres_bin"])]
    pub(crate) from: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Sandbox {
    #[command(subcommand)]
    pub(crate) command: SandboxCommand,
}

#[derive(Debug, Args)]
pub(crate) struct SandboxFlags {
    /// The folder of server binaries; else DBCTL_POSTGRES_BIN, the cache, the usual places
    #[arg(long = "postgres-bin", value_name = "DIR")]
    pub(crate) postgres_bin: Option<PathBuf>,
    /// The manifest's own ports instead of free ones
    #[arg(long)]
    pub(crate) real_ports: bool,
    /// The manifest's default passwords instead of random ones
    #[arg(long)]
    pub(crate) default_passwords: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Start the servers, run a command with the environment set, stop and remove everything
    #[command(after_help = examples::SANDBOX_RUN)]
    Run {
        #[command(flatten)]
        flags: SandboxFlags,
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Start the servers and leave them running; prints the environment as export lines
    #[command(after_help = examples::SANDBOX_UP)]
    Up {
        #[command(flatten)]
        flags: SandboxFlags,
        /// Where the sandbox keeps its data
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Stop the servers that `up` has started and remove their data
    #[command(after_help = examples::SANDBOX_DOWN)]
    Down {
        /// Where the sandbox keeps its data
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// Reads a duration: a number with ms, s, min or h; without a unit it is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let factor = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => {
            return Err(format!(
                "unit {unit:?} is not known: expected ms, s, min or h, as in 30s"
            ));
        }
    };
    digits
        .parse::<f64>()
        .ok()
        .and_then(|number| Duration::try_from_secs_f64(number * factor).ok())
        // The server's timeouts are 32-bit milliseconds.
        .filter(|duration| duration.as_millis() <= i32::MAX as u128)
        .ok_or_else(|| {
            "expected a number with ms, s, min or h, as in 500ms or 30s, up to 24 days".to_owned()
        })
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| "expected a number above 0".to_owned())
}
