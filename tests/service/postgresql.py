"""A PostgreSQL of the tests' own, in a temporary folder, and an empty database for each test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

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
    data = str(folder / "data")
    setup = ["initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "--locale=C", "-E", "UTF8"]
    settings = f"-k {folder} -c listen_addresses= -c max_connections=200 -F"

    def run(*command: str) -> None:
        program, *arguments = command
        subprocess.run([str(programs / program), *arguments], check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)

    try:
        if user:
            shutil.chown(folder, "nobody", "nogroup")
        run(*setup)
        # As a daemon: it outlives the modules that use it, each of which looks for children that it left behind.
        run("pg_ctl", "start", "-w", "-D", data, "-l", str(folder / "log"), "-o", settings)
        try:
            yield str(folder)
        finally:
            run("pg_ctl", "stop", "-D", data, "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(folder: str, like: str = "template0") -> str:
    """Create a database as another one stands, empty if none is named, and return its address."""
    import psycopg

    name = f"calls{next(_NUMBERS)}"
    with psycopg.connect(f"postgresql://postgres@/postgres?host={folder}", autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} TEMPLATE {like}".encode())
    return f"postgresql://postgres@/{name}?host={folder}"


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    # Debian keeps the servers of each version apart.
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None
