"""Measure how soon `Webhooks` answers on this machine: python -m benchmarks.webhooks, or --quick.

`benchmarks/README.md` says how to read the table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.line_server import OWN_S

PACKAGES = ("revox-langchain", "langchain-core", "starlette", "uvicorn")
COLUMNS = ("requests", "p50_ms", "p99_ms", "max_ms", "limit_ms", "cpu_ms")
SOON_MS = 5.0
TOGETHER_MS = 250.0


class Phone:
    """One connection to the server, kept open, as cheap as can be: what it costs would count as the server's."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{k}: {v}" for k, v in headers.items())]
        self._head = "\r\n".join(lines)

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()

    async def post(self, body: Mapping[str, object]) -> float:
        """Post, and return how long the answer took, in milliseconds."""
        content = json.dumps(body).encode()
        began_s = time.perf_counter()
        self._writer.write(f"{self._head}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        answer = await self._reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
        took_ms = (time.perf_counter() - began_s) * 1000
        if not head.split()[1].startswith("2") or b'"ok":false' in answer:
            raise RuntimeError(f"the server answered {head.split()[1]}: {answer.decode()[:200]}")
        return took_ms


async def measure(told: Mapping[str, Any], *, one_by_one: int, at_once: int, queued: int) -> dict[str, Any]:
    """Measure each row: how long answers take beyond what the tool itself takes."""
    tools = {tool["name"]: tool for tool in told["custom_tools"]}
    own_ms = OWN_S * 1000

    def to(name: str) -> Phone:
        return Phone(tools[name]["url"], {pair["key"]: pair["value"] for pair in tools[name]["headers"]})

    async def measured(work: Awaitable[list[float]], limit_ms: float, own_ms: float = 0.0) -> dict[str, Any]:
        before_s = _cpu_s(told["pid"])
        shown = row(await work, limit_ms, own_ms)
        return {**shown, "cpu_ms": (_cpu_s(told["pid"]) - before_s) / shown["requests"] * 1000}

    rows = {
        "tool, one by one": await measured(_in_turn(to("quick"), one_by_one), SOON_MS, told["alone_ms"]),
        "tool that runs once": await measured(_in_turn(to("quick_once"), one_by_one), SOON_MS, told["alone_ms"]),
    }
    for kind, name in (("async", "slow"), ("sync", "slow_sync")):
        together = _together([to(name) for _ in range(at_once)])
        rows[f"{at_once} at once, {kind}"] = await measured(together, TOGETHER_MS, own_ms)
    bell = Phone(told["doorbell"], {})
    # The first fifty are in hand; the rest wait behind them.
    await _in_turn(bell, queued + 50)
    rows[f"doorbell, {queued} queued"] = await measured(_in_turn(bell, one_by_one), SOON_MS)
    return rows


def row(took_ms: Sequence[float], limit_ms: float, own_ms: float = 0.0) -> dict[str, float]:
    """What is shown of some answers; the limit holds for all of many at once, and else for 99 of 100."""
    beyond = sorted(ms - own_ms for ms in took_ms)
    shown = {"p50_ms": beyond[len(beyond) // 2], "p99_ms": beyond[int(len(beyond) * 0.99)], "max_ms": beyond[-1]}
    measured = shown["max_ms" if limit_ms == TOGETHER_MS else "p99_ms"]
    return {"requests": len(beyond), **shown, "limit_ms": limit_ms, "met": measured <= limit_ms}


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """The rows as lines of text."""
    head = " " * 26 + "".join(name.rjust(10) for name in COLUMNS)
    lines = [
        name.ljust(26) + "".join(f"{each[c]:,.2f}".removesuffix(".00").rjust(10) for c in COLUMNS) + _verdict(each)
        for name, each in rows.items()
    ]
    return "\n".join([head, *lines])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a limit was not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webhooks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few requests, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    sizes = (20, 10, 50) if options.quick else (1000, 200, 1000)
    report: dict[str, Any] = {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    if not options.json:
        print(", ".join(f"{name} {value}" for name, value in report.items()))
    with _server() as told:
        report["tool alone, ms"] = round(told["alone_ms"], 2)
        measuring = measure(told, one_by_one=sizes[0], at_once=sizes[1], queued=sizes[2])
        report["rows"] = asyncio.run(measuring)
    alone = f"the tool alone takes {report['tool alone, ms']} ms on this machine"
    print(json.dumps(report) if options.json else f"{table(report['rows'])}\n{alone}")
    return 0 if options.quick else int(not all(each["met"] for each in report["rows"].values()))


@contextmanager
def _server() -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.line_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            told: dict[str, Any] = json.loads(process.stdout.readline())
            yield told
        finally:
            process.kill()


async def _in_turn(phone: Phone, times: int) -> list[float]:
    await phone.open()
    took = [await phone.post(_body()) for _ in range(times + 10)]
    await phone.close()
    # The first ones wake what sleeps.
    return took[10:]


async def _together(phones: Sequence[Phone]) -> list[float]:
    for phone in phones:
        await phone.open()
    took: list[float] = []
    for _ in range(3):
        took += await asyncio.gather(*(phone.post(_body()) for phone in phones))
    for phone in phones:
        await phone.close()
    return took


def _cpu_s(pid: int) -> float:
    """The time of the processor that a process has taken; NaN where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return float("nan")


def _body() -> dict[str, object]:
    # One body for all: the doorbell reads the id, and a tool its argument.
    some = str(uuid.uuid4())
    return {"day": some, "call_order_id": some}


def _verdict(row: Mapping[str, float]) -> str:
    return "  met" if row["met"] else "  NOT MET"


if __name__ == "__main__":
    sys.exit(main())
