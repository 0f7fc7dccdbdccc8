"""`python -m tests.service.crash --calls 1000`: the long run, with its figures."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.service.crash.harness import run

parser = argparse.ArgumentParser(description="Kill a service that has many calls, and count them.")
parser.add_argument("--calls", type=int, default=1000)
parser.add_argument("--no-kills", action="store_true")
given = parser.parse_args()
with tempfile.TemporaryDirectory() as folder:
    figures = run(Path(folder), given.calls, kills=not given.no_kills)
print(json.dumps(asdict(figures), indent=2))
figures.check()
