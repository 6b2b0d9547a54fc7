"""The cases of bench/run.sh, which starts the server and sets the environment that this reads.

usage: measure.py FOLDER [CASE...]      FOLDER is empty and for the generated sets; without cases, RESULTS.md is written
"""

import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from log_in import log_in_at_once

ROOT = Path(__file__).resolve().parent.parent
DBCTL, REFINERY, SQLX, PSQL = (os.environ[name] for name in ("DBCTL", "REFINERY", "SQLX", "PSQL"))
MIGRATIONS = 200
ROLE = "bench"
# The tools get nothing from the caller's environment, nor a user's psqlrc.
ENV = {name: os.environ[name] for name in ("PATH", "PGHOST", "PGPORT", "PGPASSWORD")}
PASSWORD = ENV["PGPASSWORD"]
TO_NOWHERE = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]


@dataclass
class Tool:
    """A side of a comparison: commands that are run one after the other, and what was seen of them."""

    name: str
    commands: list[tuple[list[str], dict[str, str]]]
    seconds: list[float] = field(default_factory=list)
    peak_kib: int = 0

    def run(self) -> None:
        """Runs the commands once, timed together."""
        started = time.perf_counter()
        for arguments, env in self.commands:
            complaints = os.memfd_create("stderr")
            files = [*TO_NOWHERE, (os.POSIX_SPAWN_DUP2, complaints, 2)]
            pid = os.posix_spawn(arguments[0], arguments, {**ENV, **env}, file_actions=files)
            _, status, usage = os.wait4(pid, 0)
            self.peak_kib = max(self.peak_kib, usage.ru_maxrss)
            if status != 0:
                os.lseek(complaints, 0, os.SEEK_SET)
                sys.stderr.buffer.write(os.read(complaints, 10000))
                sys.exit(f"bench: {self.name} failed: {' '.join(arguments)}")
            os.close(complaints)
        self.seconds.append(time.perf_counter() - started)

    @property
    def median(self) -> float:
        return median(self.seconds)


@dataclass
class LogIns(Tool):
    """Sessions that ask nothing, all at once: what the server and the processors take for them, whoever asks."""

    databases: list[str] = field(default_factory=list)

    def run(self) -> None:
        started = time.perf_counter()
        log_in_at_once((ENV["PGHOST"], int(ENV["PGPORT"])), ROLE, PASSWORD, self.databases)
        self.seconds.append(time.perf_counter() - started)


@dataclass
class Case:
    """What was measured, and what it is held to."""

    title: str
    note: str
    tools: list[Tool]
    goals: list[tuple[str, float, float]]  # what is compared, its ratio, the most it may be


def measure(tools: list[Tool], rounds: int, before=lambda: None, after=lambda: None) -> None:
    """Runs the tools in turn, so that what else the machine does meets all of them alike."""
    rounds = int(os.environ.get("BENCH_ROUNDS", rounds))
    for done in range(rounds):
        print(f"bench: round {done + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
        for tool in tools[done % len(tools):] + tools[:done % len(tools)]:
            before()
            tool.run()
            after()
    print(file=sys.stderr)


# --- Databases -----------------------------------------------------------------------------------


def sql(text: str, database: str = "postgres") -> str:
    """What psql answers to these statements, as the superuser."""
    lines = [PSQL, "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database]
    return subprocess.run(lines, input=text, env=ENV, check=True, capture_output=True, text=True).stdout.strip()


def fresh(databases: list[str]) -> None:
    """Makes these databases anew, empty and owned by the role that migrates them."""
    for name in databases:
        sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE);\nCREATE DATABASE {name} OWNER {ROLE} TEMPLATE template0;")
    sql("CHECKPOINT;")


def url(database: str) -> str:
    return f"postgresql://{ROLE}:{PASSWORD}@{ENV['PGHOST']}:{ENV['PGPORT']}/{database}"


# --- The same migrations for each tool -----------------------------------------------------------


def statements(number: int) -> str:
    """A table, then rows, then an index, in three migrations."""
    table = f"t{(number - 1) // 3}"
    match (number - 1) % 3:
        case 0:
            return (f"CREATE TABLE {table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, "
                    "made timestamptz NOT NULL DEFAULT now());\n")
        case 1:
            rows = ", ".join(f"('row {row}')" for row in range(10))
            return f"INSERT INTO {table} (name) VALUES {rows};\n"
        case _:
            return f"CREATE INDEX {table}_name ON {table} (name, made DESC);\n"


def generate(folder: Path, database: str) -> None:
    """Writes a database's set: dbctl and refinery read the same files, and each service of dbctl's has a set of its own."""
    for tool, prefix in (("sets", "V{}__step"), ("sqlx", "{}_step")):
        (folder / tool / database).mkdir(parents=True, exist_ok=True)
        for number in range(1, MIGRATIONS + 1):
            (folder / tool / database / f"{prefix.format(number)}.sql").write_text(statements(number))


def dbctl(folder: Path, services: dict[str, tuple[str, str, str]]) -> tuple[list[str], dict[str, str]]:
    """`dbctl migrate` over services: for each one its database, set and store."""
    home = folder / "-".join(["manifest", *services])
    home.mkdir(exist_ok=True)
    text = "version = 1\n" + ('sets = "../sets"\n' if any((folder / "sets" / it[1]).is_dir() for it in services.values()) else "")
    for name, (database, migrations, store) in services.items():
        text += f'[services.{name}]\nstore = "{store}"\nset = "{migrations}"\ndatabase = "{database}"\nurl = "{url(database)}"\n'
    (home / "dbctl.toml").write_text(text)
    return [DBCTL, "--config", str(home / "dbctl.toml"), "migrate"], {}


def generated(databases: list[str]) -> dict[str, tuple[str, str, str]]:
    return {name.replace("_", "-"): (name, name, "postgres") for name in databases}


def refinery(folder: Path, database: str) -> tuple[list[str], dict[str, str]]:
    return [REFINERY, "migrate", "-e", "DATABASE_URL", "-p", str(folder / "sets" / database)], {"DATABASE_URL": url(database)}


def sqlx(folder: Path, database: str) -> tuple[list[str], dict[str, str]]:
    return [SQLX, "migrate", "run", "--no-dotenv", "--source", str(folder / "sqlx" / database)], {"DATABASE_URL": url(database)}


# --- The cases -----------------------------------------------------------------------------------


def nothing(folder: Path) -> Case:
    databases = ["one_dbctl", "one_refinery", "one_sqlx"]
    for database in databases:
        generate(folder, database)
    fresh(databases)
    tools = [
        Tool("dbctl migrate", [dbctl(folder, generated(databases[:1]))]),
        Tool("refinery migrate", [refinery(folder, databases[1])]),
        Tool("sqlx migrate run", [sqlx(folder, databases[2])]),
    ]
    measure(tools, 2)
    for tool in tools:
        tool.seconds.clear()
    measure(tools, 51)
    own, *peers = tools
    return Case(
        f"One database, {MIGRATIONS} small migrations applied, nothing to do",
        "The same files and role, a database for each tool; the first runs, which apply and warm up, do not count.",
        tools,
        [(f"dbctl / {peer.name}", own.median / peer.median, 1.0) for peer in peers],
    )


def three(folder: Path) -> Case:
    databases = ["three_a", "three_b", "three_c"]
    for database in databases:
        generate(folder, database)
    fresh(databases)
    all_three = Tool("dbctl migrate, three services", [dbctl(folder, generated(databases))])
    one = Tool("dbctl migrate, one service", [dbctl(folder, generated(databases[:1]))])
    bare = [LogIns("three log-ins at once, nothing asked", [], databases=databases), LogIns("one log-in", [], databases=databases[:1])]
    tools = [all_three, one, *bare]
    measure(tools, 2)
    for tool in tools:
        tool.seconds.clear()
    measure(tools, 51)
    return Case(
        f"Three databases in one server, {MIGRATIONS} migrations applied in each, nothing to do",
        "Against a manifest that holds one of the three services. The log-ins show what this machine, server and client together, makes of "
        f"three sessions at once before anything is asked: {bare[0].median / bare[1].median:.2f} times the time of one.",
        tools,
        [("three services / one", all_three.median / one.median, 1.5)],
    )


def eight(folder: Path) -> Case:
    databases = [f"eight_{number}" for number in range(8)]
    for database in databases:
        generate(folder, database)
    tools = [
        Tool("dbctl migrate", [dbctl(folder, generated(databases))]),
        Tool("refinery migrate, 8 times", [refinery(folder, name) for name in databases]),
        Tool("sqlx migrate run, 8 times", [sqlx(folder, name) for name in databases]),
    ]

    def check() -> None:
        # A tool that does nothing would win.
        for name in databases:
            found = sql("SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]+(_name)?$';\nSELECT count(*) FROM t0;", name)
            if found.split() != [str(MIGRATIONS - (MIGRATIONS + 1) // 3), "10"]:
                sys.exit(f"bench: {name} holds {found}")

    measure(tools, 11, lambda: fresh(databases), check)
    own, *peers = tools
    faster = min(peers, key=lambda peer: peer.median)
    return Case(
        f"Eight databases × {MIGRATIONS} migrations, from nothing",
        "New databases and a checkpoint before each run; the peers one database after the other, as a shell script would; "
        "the server writes to disk as it does by default (fsync on). The peers commit each migration by itself; dbctl fills an empty database with up to 25 in one transaction.",
        tools,
        [(f"dbctl / {faster.name} (the faster peer)", own.median / faster.median, 0.5)],
    )


def builtin(folder: Path) -> Case:
    sets = {"k_social": "timescaledb", "simply_kaspa": "timescaledb", "rgb_users": "postgres"}
    services = {name.replace("_", "-"): (f"set_{name}", name, store) for name, store in sets.items()}
    databases = [f"set_{name}" for name in sets]
    tools = [Tool("dbctl migrate, all three sets", [dbctl(folder, services)])]
    for name in sets:
        files = [file for file in (ROOT / "migrations" / name).glob("V*.sql") if not file.name.endswith(".down.sql")]
        files.sort(key=lambda file: int(file.name[1:].split("__")[0]))
        options = ["-Xq", "-v", "ON_ERROR_STOP=1", "-1", "-d", url(f"set_{name}"), "-f"]
        tools.append(Tool(f"psql, {name}", [([PSQL, *options, str(file)], {}) for file in files]))
    measure(tools, 11, lambda: fresh(databases))
    own, *others = tools
    slowest = max(others, key=lambda other: other.median)
    return Case(
        "The three built-in sets, from nothing",
        "psql is the server's own program, once for each file (-1 -f), one set by itself; dbctl applies all three. "
        "New databases and a checkpoint before each run.",
        tools,
        [(f"dbctl, all three / {slowest.name} (the slowest)", own.median / slowest.median, 1.3)],
    )


CASES = {"nothing": nothing, "three": three, "eight": eight, "builtin": builtin}

# --- The report ----------------------------------------------------------------------------------


def version(program: str) -> str:
    return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.strip()


def floor_kib() -> int:
    """What wait4 tells of a program that needs nothing: a child's peak begins with its parent's."""
    nothing_at_all = Tool("true", [(["/bin/true"], {})])
    nothing_at_all.run()
    return nothing_at_all.peak_kib


def report(cases: list[Case]) -> str:
    peaks = {tool.name: tool.peak_kib for case in cases for tool in case.tools}
    own_peak = max(peak for name, peak in peaks.items() if name.startswith("dbctl"))
    lines = [
        "# dbctl beside its peers",
        "",
        "Written by `bench/run.sh`, which installs the peers, starts a server of its own, measures and stops it. Not edited by hand.",
        "Ratios of medians of interleaved runs (A B C, B C A, …); absolute times hold for the machine below and whatever else it did.",
        "",
        "| compared | ratio | at most | |",
        "|---|---|---|---|",
    ]
    for case in cases:
        for what, ratio, most in case.goals:
            lines.append(f"| {case.title}: {what} | {ratio:.2f} | {most:.1f} | {'met' if ratio <= most else '**missed**'} |")
    mib = own_peak / 1024
    lines.append(f"| Peak memory of dbctl over all runs, MiB | {mib:.1f} | 40 | {'met' if mib < 40 else '**missed**'} |")
    for case in cases:
        lines += ["", f"## {case.title}", "", case.note, "", "| | median | fastest | slowest | runs | peak memory |", "|---|---|---|---|---|---|"]
        for tool in case.tools:
            times = [f"{1000 * value:.1f} ms" for value in (tool.median, min(tool.seconds), max(tool.seconds))]
            lines.append(f"| {tool.name} | {' | '.join(times)} | {len(tool.seconds)} | {f'{tool.peak_kib / 1024:.1f} MiB' if tool.peak_kib else '-'} |")
    server = sql("SELECT split_part(version(), ' on ', 1)"), sql("SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb'")
    lines += [
        "",
        "## Conditions",
        "",
        f"- {server[0]} with TimescaleDB {server[1]} loaded, its settings as they come; log-in over TCP with SCRAM, without TLS; "
        "the tools with their own defaults. Nothing is pinned or warmed but for what the notes say.",
        f"- {version(DBCTL)}, {version(REFINERY)}, {version(SQLX)}, {version(PSQL)}; dbctl as `cargo build --release`, peers as "
        "`cargo install --locked` builds them.",
        f"- {os.cpu_count()} CPUs, {platform.machine()}, Linux {platform.release()}; load {os.getloadavg()[0]:.1f} at the end.",
        f"- Peak memory is `ru_maxrss` of `wait4`; it never reads less than {floor_kib() / 1024:.1f} MiB here, the measuring program's own.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    folder, *names = sys.argv[1:]
    sql(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}';")
    cases = []
    for name in names or CASES:
        if name not in CASES:
            sys.exit(f"bench: no case {name!r}: expected {', '.join(CASES)}")
        print(f"bench: {name}", file=sys.stderr)
        cases.append(CASES[name](Path(folder)))
    text = report(cases)
    print(text)
    if not names:
        (ROOT / "bench/RESULTS.md").write_text(text)


if __name__ == "__main__":
    main()
