#!/usr/bin/env python3
"""Measures `dbctl check` on a large system: services with migration sets of their own, and no server.

usage: check.py [--bin PROGRAM] [--services N] [--migrations N] [--rounds N] [--keep FOLDER]

PROGRAM is a release build: DBCTL_BIN, else target/release/dbctl, when not given. N: 50 services, 2000 migration files in all, 5 rounds.
Prints the median of the time on the wall, of the processor's time in user mode, and the highest peak of memory (resident set). The goal
is less than 2 s and less than 100 MiB. Exit codes: 0 within it, 1 beyond it, 2 when the program did not do its work.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
MOST_SECONDS = 2.0
MOST_MIB = 100.0

# What a migration of a service looks like: a table, an index, a trigger with a function, a comment.
MIGRATION = """-- Step {version}.
CREATE TABLE public.{table} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{{}}',
    created timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX {table}_name_idx ON public.{table} (name);
CREATE FUNCTION public.{table}_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.created := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER {table}_touch BEFORE UPDATE ON public.{table} FOR EACH ROW EXECUTE FUNCTION public.{table}_touch();
COMMENT ON TABLE public.{table} IS 'table {version} of service {service}';
"""


def generate(folder: Path, services: int, migrations: int) -> int:
    """Writes manifest and sets; returns how many files of SQL there are."""
    manifest = ['version = 1\nsets = "sets"\n']
    files = 0
    for service in range(services):
        name = f"s{service:03}"
        sets = folder / "sets" / name
        sets.mkdir(parents=True)
        for version in range(1, migrations // services + 1):
            text = MIGRATION.format(version=version, table=f"{name}_t{version}", service=name)
            (sets / f"V{version}__step_{version}.sql").write_text(text)
            files += 1
        manifest.append(
            f'[services.{name}]\nstore = "postgres"\nset = "{name}"\ndatabase = "{name}"\nrole = "{name}"\n'
            f'host = "localhost"\nport = {5432 + service}\n'
        )
    (folder / "dbctl.toml").write_text("\n".join(manifest))
    return files


def run(program: str, folder: Path) -> tuple[float, float, float, dict]:
    """Wall and user seconds, peak of memory in MiB, and the report of one run."""
    with tempfile.TemporaryFile() as out:
        began = time.monotonic()
        child = subprocess.Popen([program, "check", "--format", "json"], cwd=folder, stdout=out, env={"PATH": os.environ.get("PATH", "")})
        _, status, used = os.wait4(child.pid, 0)
        wall = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    # 0 and 1 are clean and found; 4 is what sets without a lock are.
    if child.returncode not in (0, 1, 4):
        sys.exit(f"check.py: {program} ended with {child.returncode}")
    return wall, used.ru_utime, used.ru_maxrss / 1024, json.loads(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.environ.get("DBCTL_BIN", str(ROOT / "target/release/dbctl")))
    parser.add_argument("--services", type=int, default=50)
    parser.add_argument("--migrations", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="generate here, and leave it")
    args = parser.parse_args()
    program = str(Path(args.bin).resolve())
    if not os.access(program, os.X_OK):
        sys.exit(f"check.py: there is no program {program}; build it with cargo build --release, or name it with --bin")
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        files = generate(folder, args.services, args.migrations)
        rounds = [run(program, folder) for _ in range(args.rounds)]
    report = rounds[0][3]
    seen = len(report["services"])
    if seen != args.services:
        print(f"check.py: {seen} of {args.services} services are in the report", file=sys.stderr)
        return 2
    wall, user = (median(one[index] for one in rounds) for index in (0, 1))
    memory = max(one[2] for one in rounds)
    summary = report["summary"]
    print(f"{args.services} services, {files} migration files, {args.rounds} rounds: wall {wall:.2f} s, user {user:.2f} s, peak {memory:.0f} MiB")
    print(f"{report['status']}: {summary['error']} errors, {summary['warning']} warnings, {summary['not_checked']} not checked")
    load = os.getloadavg()[0]
    if load > 1:
        print(f"others are at work on this machine (load {load:.1f}): the time on the wall is theirs as well", file=sys.stderr)
    return 0 if wall < MOST_SECONDS and memory < MOST_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
