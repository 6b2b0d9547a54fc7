#!/usr/bin/env python3
"""Measures `dbctl verify`: how its time grows with the number of services in one server, and with the number of chunks in one database.

usage: verify.py           writes bench/VERIFY.md
       DBCTL=PROGRAM       the binary; target/release/dbctl when not given
       PG_BIN=DIR          binaries of PostgreSQL with TimescaleDB; asked of scripts/postgres-runtime.sh 17 when not given
       BENCH_ROUNDS=N      runs of each, 5 when not given; the median counts
       BENCH_CHUNKS=N      chunks of the large hypertable, 10000 when not given

Besides the wall clock, the server's own durations of each query are summed up (log_min_duration_statement), for a role without any
administrator beside it. Needs python3 and psql. The server is started on a free port in a folder of its own, as user nobody when this runs as root, and stopped at the end.
"""

import os
import platform
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
CHUNKS = int(os.environ.get("BENCH_CHUNKS", "10000"))
FEW = 100
DBCTL = os.environ.get("DBCTL", str(ROOT / "target/release/dbctl"))
NOBODY = 65534
SERVICES = (1, 5, 10, 20)
# Finding all tables and columns that somebody made, chunks left out, as one query: what the catalog queries are measured against. They are
# counted: once their names and types are to be shown, the planner reads all of pg_attribute, chunks included, and takes five times as long.
SINGLE = """SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
 WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM _timescaledb_catalog.chunk k
 WHERE k.schema_name = n.nspname AND k.table_name = c.relname)"""


def server_bin() -> Path:
    if "PG_BIN" in os.environ:
        return Path(os.environ["PG_BIN"])
    out = subprocess.run([ROOT / "scripts/postgres-runtime.sh", "17"], check=True, capture_output=True, text=True).stdout
    return Path(out.split(None, 1)[1].strip())


# What only the queries say that look into single chunks: src/postgres/catalog/sql/chunks_look.sql, chunks.sql and privileges/chunks.sql.
INTO_CHUNKS = ("-- Where single chunks are not as their hypertable", "-- Privileges on single chunks beyond")


class Server:
    """A server for the time of the measurements."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.folder, self.password = server_bin(), folder, secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "password").write_text(self.password)
        self.prefix = []
        if os.geteuid() == 0:
            self.prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            for path in (folder, folder / "password"):
                os.chown(path, NOBODY, NOBODY)
        self.run("initdb", "--pgdata", "data", "--username", "postgres", "--pwfile", "password", "--auth", "scram-sha-256", "--encoding", "UTF8",
                 "--locale", "C.UTF-8", "--no-sync")
        with (folder / "data/postgresql.conf").open("a") as conf:
            conf.write(f"port = {self.port}\nlog_line_prefix = '%a@%d|'\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\nmax_connections = 200\n"
                       "shared_preload_libraries = 'timescaledb'\ntimescaledb.telemetry_level = off\nmax_worker_processes = 60\n"
                       "timescaledb.max_background_workers = 40\nmax_locks_per_transaction = 2048\n")
        self.run("pg_ctl", "--pgdata", "data", "--log", "log", "--wait", "start")

    def run(self, program: str, *arguments: str) -> None:
        subprocess.run([*self.prefix, self.bin / program, *arguments], cwd=self.folder, check=True, stdout=subprocess.DEVNULL, env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]})

    def stop(self) -> None:
        self.run("pg_ctl", "--pgdata", "data", "--mode", "immediate", "stop")

    def env(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres", "PGPASSWORD": self.password}

    def sql(self, database: str, sql: str) -> None:
        subprocess.run([psql(), "-qXAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-"], input=sql, text=True, check=True, env={**self.env(), "PGAPPNAME": "setup"}, stdout=subprocess.DEVNULL)

    def statements(self, who: str, database: str, run) -> tuple[float, float, int, float]:
        """Milliseconds of all queries that sessions of this name's begin make in a database during `run`, of those that look into chunks, and
        their number; and milliseconds of what they ask other databases."""
        self.sql("postgres", "ALTER SYSTEM SET log_min_duration_statement = 0")
        self.sql("postgres", "SELECT pg_reload_conf(), pg_sleep(0.3)")
        log = self.folder / "log"
        begun = log.stat().st_size
        run()
        self.sql("postgres", "ALTER SYSTEM RESET log_min_duration_statement")
        self.sql("postgres", "SELECT pg_reload_conf(), pg_sleep(0.3)")
        with log.open("rb") as file:
            file.seek(begun)
            text = file.read().decode(errors="replace")
        whole, chunks, number, elsewhere = 0.0, 0.0, 0, 0.0
        # An entry goes on in lines that begin with a tab.
        for entry in re.finditer(r"^([^|\n]*)\|LOG:  duration: ([\d.]+) ms(.*(?:\n\t.*)*)", text, re.M):
            name, _, where = entry[1].rpartition("@")
            if not name.startswith(who):
                continue
            if where != database:
                elsewhere += float(entry[2])
                continue
            whole += float(entry[2])
            number += entry[3].lstrip().startswith(("execute", "statement"))
            if any(mark in entry[3] for mark in INTO_CHUNKS):
                chunks += float(entry[2])
        return whole, chunks, number, elsewhere

    def admin_url(self) -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"


def psql() -> str:
    # Debian's /usr/bin/psql is a wrapper that costs 20 ms.
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))
    return str(found[-1]) if found else shutil.which("psql") or sys.exit("bench: psql is missing")


# A process begins with the peak of the one that started it, and this one reads whole logs.
PEAK = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=-3, stderr=-3); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"


def peak_of(arguments: list, env: dict[str, str], folder: Path) -> int:
    """Largest memory of one run, KiB."""
    return int(subprocess.run([sys.executable, "-S", "-c", PEAK, *arguments], cwd=folder, env=env, check=True, capture_output=True, text=True).stdout)


def timed(arguments: list, env: dict[str, str], folder: Path, codes: tuple[int, ...] = (0,), rounds: int = ROUNDS) -> float:
    """Median seconds of some runs."""
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        process = subprocess.Popen(arguments, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.stdout.read(), process.stderr.read()
        _, status = os.waitpid(process.pid, 0)
        seconds.append(time.perf_counter() - started)
        if os.waitstatus_to_exitcode(status) not in codes:
            sys.exit(f"bench: {arguments} ended with {status}\n{out.decode()[-2000:]}\n{err.decode()[-2000:]}")
    return median(seconds)


def write_services(folder: Path, server: Server, names: list[str]) -> dict[str, str]:
    """A manifest of these services, each with a set of thirty tables; gives dbctl's environment."""
    manifest, env = 'version = 1\nsets = "sql"\n', {"PATH": os.environ["PATH"], "DBCTL_POSTGRES_BIN": str(server.bin), "ADMIN": server.admin_url()}
    for name in names:
        manifest += (f'\n[services.{name}]\nstore = "postgres"\nset = "{name}"\ndatabase = "{name}"\nrole = "{name}"\nhost = "127.0.0.1"\nport = {server.port}\n'
                     f'password = {{ env = "{name.upper()}_PW" }}\nadmin_url = {{ env = "ADMIN" }}\n')
        env[f"{name.upper()}_PW"] = f"{name}-{server.password}"
        (folder / "sql" / name).mkdir(parents=True, exist_ok=True)
        tables = "".join(f"CREATE TABLE {name}_t{i} (id bigint PRIMARY KEY, at timestamptz NOT NULL, note text DEFAULT 'x');\n" for i in range(30))
        (folder / "sql" / name / "V1__tables.sql").write_text(tables)
    (folder / "dbctl.toml").write_text(manifest)
    return env


def services(folder: Path, server: Server) -> list[str]:
    names = [f"s{number:02}" for number in range(max(SERVICES))]
    env = write_services(folder, server, names)
    for verb in (["lock", "-q"], ["provision", "-q"], ["migrate", "-q"]):
        timed_once([DBCTL, *verb], env, folder)
    lines = ["| services | verify, ms | for each, ms | without log-in proof, ms | for each, ms | peak, MiB |", "|---|---|---|---|---|---|"]
    seen = {}
    for number in SERVICES:
        env = write_services(folder, server, names[:number])
        whole, peak = timed([DBCTL, "verify", "-q"], env, folder), peak_of([DBCTL, "verify", "-q"], env, folder)
        reading = timed([DBCTL, "verify", "-q", "--no-login-proof"], env, folder, (0, 4))
        lines.append(f"| {number} | {whole * 1000:.0f} | {whole * 1000 / number:.1f} | {reading * 1000:.0f} | {reading * 1000 / number:.1f} | {peak / 1024:.0f} |")
        seen[number] = {"whole": whole, "reading": reading}
    few, many = min(SERVICES), max(SERVICES)
    return lines + verdicts(
        (f"{many} services against {few}, log-in proof included", seen[many]["whole"] / seen[few]["whole"], many / few, " times", True),
        (f"{many} services against {few}, without log-in proof", seen[many]["reading"] / seen[few]["reading"], many / few, " times", True),
    )


def verdicts(*promises: tuple[str, float, float, str, bool]) -> list[str]:
    """A table of what was promised: what, measured, limit, unit, and whether the limit is the most that it may be (or else the least)."""
    lines = ["", "| what | measured | must be |", "|---|---|---|"]
    for what, measured, limit, unit, most in promises:
        holds = measured <= limit if most else measured >= limit
        lines.append(f"| {what} | {measured:.1f}{unit} | {'at most' if most else 'at least'} {limit:g}{unit}{'' if holds else ': **does not hold**'} |")
    return lines


def timed_once(arguments: list, env: dict[str, str], folder: Path) -> None:
    done = subprocess.run(arguments, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench: {arguments} ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def with_chunks(folder: Path, server: Server, number: int) -> dict[str, str]:
    """A database with a hypertable of so many chunks; gives dbctl's environment without an administrator."""
    name = f"c{number}"
    here = folder / name
    env = write_services(here_made(here), server, [name])
    sql = (f"CREATE EXTENSION IF NOT EXISTS timescaledb;\nCREATE TABLE {name}_h (at bigint NOT NULL, id bigint NOT NULL, v text, PRIMARY KEY (at, id));\n"
           f"CREATE INDEX {name}_v ON {name}_h (v);\nCREATE INDEX {name}_id ON {name}_h (id, at);\n"
           f"SELECT create_hypertable('{name}_h', by_range('at', 10), create_default_indexes => false);\n")
    (here / "sql" / name / "V2__hypertable.sql").write_text(sql)
    manifest = here / "dbctl.toml"
    manifest.write_text(manifest.read_text().replace('store = "postgres"', 'store = "timescaledb"'))
    for verb in (["lock", "-q"], ["provision", "-q"], ["migrate", "-q"]):
        timed_once([DBCTL, *verb], env, here)
    for first in range(0, number, 250):
        server.sql(name, f"INSERT INTO {name}_h SELECT g * 10, g FROM generate_series({first}, {min(first + 250, number) - 1}) g;")
    server.sql(name, "VACUUM ANALYZE;")
    return {key: value for key, value in env.items() if key != "ADMIN"}


def round_of(here: Path, server: Server, name: str, env: dict[str, str]) -> dict[str, float]:
    """One run of everything that is compared; milliseconds and MiB."""
    # Without an administrator some rules are not checked, and the exit code says so.
    once = lambda: timed([DBCTL, "verify", "-q"], env, here, (4,), 1)
    verify, peak = once(), peak_of([DBCTL, "verify", "-q"], env, here)
    whole, into, queries, elsewhere = server.statements("dbctl", name, once)
    single = server.statements("psql", name, lambda: timed([psql(), "-qXAt", "-d", name, "-c", SINGLE], server.env(), here, (0,), 1))[0]
    dump = timed([server.bin / "pg_dump", "-s", "-d", name], server.env(), here, (0,), 1)
    return {"verify": verify * 1000, "peak": peak / 1024, "whole": whole, "into": into, "others": whole - into, "queries": queries,
            "elsewhere": elsewhere, "single": single, "dump": dump * 1000}


def chunks(folder: Path, server: Server) -> list[str]:
    lines = ["| chunks | verify, ms | pg_dump -s, ms | peak of verify, MiB | queries | all queries, ms | of these into chunks, ms | all others, ms | asked of other databases, ms | the single query, ms |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    environments, runs = {}, {FEW: [], CHUNKS: []}
    for number in runs:
        environments[number] = with_chunks(folder, server, number)
    # In turn, so that what else the machine does meets both alike.
    for _ in range(ROUNDS):
        for number, run in runs.items():
            run.append(round_of(folder / f"c{number}", server, f"c{number}", environments[number]))
    seen = {}
    for number, run in runs.items():
        middle = {part: median(one[part] for one in run) for part in run[0]}
        middle["peak"] = max(one["peak"] for one in run)
        seen[number] = middle
        lines.append("| {number} | {verify:.0f} | {dump:.0f} | {peak:.0f} | {queries:.0f} | {whole:.0f} | {into:.1f} | {others:.0f} | {elsewhere:.0f} | {single:.1f} |".format(number=number, **middle))
    few, many = seen[FEW], seen[CHUNKS]
    return lines + ["", f"With {CHUNKS} chunks:"] + verdicts(
        ("all queries that do not look into chunks, against the single query", many["others"] / many["single"], 3, " times", True),
        (f"the same, against {FEW} chunks", many["others"] / few["others"], 1.3, " times", True),
        (f"looking into chunks, against {FEW} chunks", many["into"] - few["into"], 150, " ms more", True),
        (f"number of queries, against {FEW} chunks", many["queries"] - few["queries"], 0, " more", True),
        ("pg_dump -s against the whole of verify", many["dump"] / many["verify"], 20, " times", False),
        ("peak memory of verify", many["peak"], 64, " MiB", True),
    )


def here_made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main() -> None:
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="dbctl-verify-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        pg = folder / "pg"
        pg.mkdir()
        server = Server(pg)
        try:
            growth, size = services(folder, server), chunks(folder, server)
        finally:
            server.stop()
    version = subprocess.run([DBCTL, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    text = ["# verify", "", f"Written by `bench/verify.py`: dbctl {version} (`{Path(DBCTL).parent.name}` build), {os.cpu_count()} cores, {platform.machine()}, medians of {ROUNDS} runs.", "",
            "## Services in one server", "", "Thirty tables each. N services make N (N - 1) attempts to log in; all else grows with N.", "", *growth, "",
            "## Chunks in one database", "", "Three indexes on the hypertable; the service's own role and no administrator. Times of queries are the server's own, parsing and planning included, in "
            "that database; whether anybody has left something in the databases postgres and template1 is asked at the same time.", "", *size, ""]
    (ROOT / "bench/VERIFY.md").write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()
