"""One PostgreSQL for all tests that need it, and an empty database for each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.postgresql import new_database, running_postgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with running_postgresql() as folder:
        yield folder


@pytest.fixture
def dsn(postgresql: str) -> str:
    return new_database(postgresql)
