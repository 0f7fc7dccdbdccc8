"""What holds for every test: no key from the environment, no network but this machine's own."""

from __future__ import annotations

import gc
import os
import tempfile
from collections import Counter
from collections.abc import Iterator

import pytest
import pytest_socket

from tests.processes import leftover_children

# Read again by every test: fixtures that outlive one test and worker processes start from here.
for _name in [name for name in os.environ if name.startswith(("REVOX_", "LANGSMITH_", "LANGCHAIN_"))]:
    del os.environ[_name]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Of a test with the mark `a_few(every=n)` one case in n is quick, and the others are slow."""
    before: Counter[tuple[object, ...]] = Counter()
    for item in items:
        if few := item.get_closest_marker("a_few"):
            test = (item.path, item.cls, item.originalname)
            block, place = divmod(before[test], few.kwargs["every"])
            # Another place in each block: where two modes alternate, always the first would be always the same mode.
            if place != block % few.kwargs["every"]:
                item.add_marker(pytest.mark.slow)
            before[test] += 1


def pytest_collection_finish() -> None:
    # Thousands of tests and all that they import would be looked through again after each module.
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _nothing_stays_behind(tmp_path_factory: pytest.TempPathFactory) -> None:
    # Audio previews outlive the tool that saved them; pytest clears its own folders.
    tempfile.tempdir = str(tmp_path_factory.mktemp("saved"))


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left_to_the_next_module() -> Iterator[None]:
    yield
    # What a test forgot to close warns when it is collected; without this it would warn in someone else's test.
    gc.collect()
    assert leftover_children() == [], "a process was started here and not waited for"


@pytest.fixture(autouse=True)
def _no_key_and_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("REVOX_")]:
        monkeypatch.delenv(name)
    # pytest-socket lifts this again after each test.
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)
