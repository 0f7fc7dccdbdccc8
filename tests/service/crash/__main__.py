"""`python -m tests.service.crash --calls 1000 [--postgres]`: the long run, with its figures."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.service.crash.harness import SIX, WHILE, Cuts, run
from tests.service.postgresql import new_database, running_postgresql


def main(calls: int, cuts: Cuts, dsn: str | None = None) -> None:
    """Run once, and print what came of it before it is checked."""
    with tempfile.TemporaryDirectory() as folder:
        figures = run(Path(folder), calls, cuts, dsn=dsn)
    print(json.dumps(asdict(figures), indent=2), flush=True)
    figures.check()


parser = argparse.ArgumentParser(description="Kill a service that has many calls, or one of two workers; count them.")
parser.add_argument("--calls", type=int, default=1000)
parser.add_argument(
    "--postgres", action="store_true", help="two workers on a PostgreSQL of its own, one killed for good"
)
parser.add_argument(
    "--while", dest="moments", nargs="+", choices=list(WHILE), default=list(WHILE), help="of --postgres"
)
parser.add_argument("--no-kills", action="store_true")
given = parser.parse_args()
if given.postgres:
    with running_postgresql() as server:
        for moment in ["nothing dies"] if given.no_kills else given.moments:
            print(f"While {moment}:", flush=True)
            main(given.calls, WHILE.get(moment, Cuts()), new_database(server))
else:
    main(given.calls, Cuts() if given.no_kills else SIX)
