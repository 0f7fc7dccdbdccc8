"""One PostgreSQL for all tests that need it, and a database for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.service.postgresql import new_database, running_postgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with running_postgresql() as folder:
        yield folder


@pytest.fixture(scope="session")
def set_up(postgresql: str) -> str:
    """Name of a database that was set up once, which is quicker to copy than to set up."""
    from revox_langchain.service.postgres import Postgres

    dsn = new_database(postgresql)

    async def opened() -> None:
        async with Postgres(dsn, runs=1):
            pass

    asyncio.run(opened())
    return dsn.split("/")[3].split("?")[0]


@pytest.fixture
def dsn(postgresql: str, set_up: str) -> str:
    return new_database(postgresql, like=set_up)


@pytest.fixture
def empty_dsn(postgresql: str) -> str:
    return new_database(postgresql)
