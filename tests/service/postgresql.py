"""A PostgreSQL of the tests' own, in a temporary folder, and an empty database for each test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.processes import patience_s, started

_NUMBERS = count()


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Start a server; yields the folder of its socket. Skips where PostgreSQL is missing, unless it is required."""
    programs = _programs()
    if programs is None:
        if os.environ.get("TEST_POSTGRESQL"):
            pytest.fail("PostgreSQL is missing: apt-get install postgresql")
        pytest.skip("PostgreSQL's initdb is not on this machine: apt-get install postgresql")
    # A socket's path must be short, and readable for the user whom PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    # PostgreSQL refuses to run as root.
    user: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    try:
        if user:
            shutil.chown(folder, "nobody", "nogroup")
        data = str(folder / "data")
        setup = [
            str(programs / "initdb"),
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-N",
            "--locale=C",
            "-E",
            "UTF8",
        ]
        subprocess.run(setup, check=True, capture_output=True, cwd=folder, **user)
        command = [str(programs / "postgres"), "-D", data, "-k", str(folder), "-c", "listen_addresses=", "-F"]
        with started(command, cwd=folder, stderr=subprocess.DEVNULL, **user):
            _wait_for(str(folder))
            yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(folder: str) -> None:
    import psycopg

    until_s = time.monotonic() + patience_s()
    while True:
        try:
            psycopg.connect(f"postgresql://postgres@/postgres?host={folder}").close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.05)


def new_database(folder: str) -> str:
    """Create an empty database and return its address."""
    import psycopg

    name = f"calls{next(_NUMBERS)}"
    with psycopg.connect(f"postgresql://postgres@/postgres?host={folder}", autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}".encode())
    return f"postgresql://postgres@/{name}?host={folder}"


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    # Debian keeps the servers of each version apart.
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None
