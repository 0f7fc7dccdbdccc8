"""Calls that outlive the process: parked threads, who wakes them, and a front that speaks HTTP."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from revox_langchain.service.app import Tokens, service_app
    from revox_langchain.service.client import ServiceClient
    from revox_langchain.service.dispatch import Dispatcher, Work
    from revox_langchain.service.engine import Engine
    from revox_langchain.service.local import LocalDispatcher, LocalLocks
    from revox_langchain.service.postgres import Postgres
    from revox_langchain.service.registry import Registry, Row
    from revox_langchain.service.runner import Hold, Runner
    from revox_langchain.service.service import Service
    from revox_langchain.service.sqlite import SqliteRegistry
    from revox_langchain.service.threads import Threads
    from revox_langchain.service.worker import Worker

__all__ = [
    "Dispatcher",
    "Engine",
    "Hold",
    "LocalDispatcher",
    "LocalLocks",
    "Postgres",
    "Registry",
    "Row",
    "Runner",
    "Service",
    "ServiceClient",
    "SqliteRegistry",
    "Threads",
    "Tokens",
    "Work",
    "Worker",
    "service_app",
]

_FILES = {
    "Dispatcher": "dispatch",
    "Engine": "engine",
    "Hold": "runner",
    "LocalDispatcher": "local",
    "LocalLocks": "local",
    "Postgres": "postgres",
    "Registry": "registry",
    "Row": "registry",
    "Runner": "runner",
    "Service": "service",
    "ServiceClient": "client",
    "SqliteRegistry": "sqlite",
    "Threads": "threads",
    "Tokens": "app",
    "Work": "dispatch",
    "Worker": "worker",
    "service_app": "app",
}


def __getattr__(name: str) -> Any:
    # LangGraph takes a while to import, and each database has an extra of its own.
    if name in _FILES:
        return getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
