"""`revox-langchain webhooks`: what Revox posts becomes a line on stdout, and its token no line anywhere."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from revox_langchain.connection.connection import Connection
from revox_langchain.graph import call_graph
from revox_langchain.operations.calls import MakeCall
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.server import SandboxServer
from revox_langchain.webhooks.journal import Journal
from tests.cli.test_cli import cli, environment, read_until
from tests.processes import patience_s, started

KEY = "key-that-no-one-may-see"
TOKEN = "plain-words-only"
NUMBER = "+12025550100"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(key=KEY)) as still:
        yield still


def listening(
    server: SandboxServer | None, *args: str, token: str | None = TOKEN
) -> AbstractContextManager[subprocess.Popen[str]]:
    env = {} if server is None else {"REVOX_API_KEY": KEY, "REVOX_BASE_URL": server.base_url}
    env |= {} if token is None else {"REVOX_WEBHOOK_TOKEN": token}
    command = [sys.executable, "-m", "revox_langchain", "webhooks", "--port", "0", *args]
    return started(command, env=environment(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def address_in(process: subprocess.Popen[str], *, last: str = "webhook_url for assistants:\n") -> tuple[str, str]:
    """Where it listens, and all it said so far."""
    assert process.stderr is not None
    said = read_until(process.stderr, last)
    said += process.stderr.readline()
    found = re.search(r"^http://(?:127\.0\.0\.1|0\.0\.0\.0):\d+/\S+$", said, re.MULTILINE)
    assert found is not None, said
    return found[0], said


def ended_call(server: SandboxServer) -> str:
    with Connection(KEY, base_url=server.base_url) as connection:
        order = connection.send(MakeCall(phone_number=NUMBER, prompt="Say hello."))["call"]
    server.sandbox.world.advance(600)
    return str(order["id"])


def post(url: str, call_id: str) -> int:
    return httpx.post(url, json={"call_order_id": call_id, "transcript": "a\nb"}, trust_env=False).status_code


def line_of(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def stopped(process: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
    process.send_signal(how)
    out, errors = process.communicate(timeout=patience_s())
    return process.returncode, out, errors


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_post_becomes_one_line_of_json_and_a_signal_ends_it_well(server: SandboxServer, how: signal.Signals) -> None:
    call_id = ended_call(server)
    with listening(server) as process:
        url, said = address_in(process)
        assert url.endswith("/call-ended/[redacted]")
        whole = url.replace("[redacted]", TOKEN)
        assert [post(whole, call_id), post(whole + "x", call_id)] == [202, 404]
        line = line_of(process)
        code, rest, errors = stopped(process, how)
    assert sorted(line) == ["call_id", "disposition", "ended_at", "outcome", "sandbox", "status"]
    assert (line["call_id"], line["status"], line["disposition"]) == (call_id, "completed", "answered")
    assert line["ended_at"]
    assert line["sandbox"] is True
    assert (code, rest) == (0, "")
    assert TOKEN not in said + errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_what_was_heard_is_finished_before_it_ends(server: SandboxServer) -> None:
    call_ids = {ended_call(server) for _ in range(20)}
    with listening(server) as process:
        url = address_in(process)[0].replace("[redacted]", TOKEN)
        for call_id in call_ids:
            assert post(url, call_id) == 202
        code, out, _ = stopped(process)
    assert {json.loads(line)["call_id"] for line in out.splitlines()} == call_ids
    assert code == 0


@pytest.mark.slow
def test_what_was_heard_and_not_printed_is_printed_by_the_next_one(server: SandboxServer, tmp_path: Path) -> None:
    call_id, file = ended_call(server), tmp_path / "ended.db"
    journal = Journal(file)
    journal.add(call_id, server.sandbox.clock.now_s())
    journal.close()
    for printed in ([call_id], []):
        with listening(server, "--journal", str(file)) as process:
            address_in(process)
            first = [line_of(process)["call_id"]] if printed else []
            code, rest, _ = stopped(process)
        assert (code, first, rest) == (0, printed, "")


@pytest.mark.slow
def test_where_its_reader_has_gone_it_ends_and_keeps_what_was_not_read(server: SandboxServer, tmp_path: Path) -> None:
    file = tmp_path / "ended.db"
    with listening(server, "--journal", str(file)) as process:
        url = address_in(process)[0].replace("[redacted]", TOKEN)
        assert process.stdout is not None
        process.stdout.close()
        call_id = ended_call(server)
        assert post(url, call_id) == 202
        process.stdout = None
        _, errors = process.communicate(timeout=patience_s())
        assert process.returncode == 0
    assert "Traceback" not in errors
    assert Journal(file).pending() == [call_id]


@pytest.mark.slow
def test_a_new_token_is_shown_once_with_the_whole_address(server: SandboxServer) -> None:
    call_id = ended_call(server)
    with listening(server, token=None) as process:
        url, said = address_in(process)
        assert post(url, call_id) == 202
        assert line_of(process)["call_id"] == call_id
        code, _, errors = stopped(process)
    secret = url.rpartition("/")[2]
    assert len(secret) >= 32
    assert (said + errors).count(secret) == 1
    assert code == 0


@pytest.mark.slow
def test_the_address_is_below_the_public_url(server: SandboxServer) -> None:
    with listening(server, "--public-url", "https://us.example.com/revox/", token=None) as process:
        assert process.stderr is not None
        read_until(process.stderr, "webhook_url for assistants:\n")
        assert process.stderr.readline().startswith("https://us.example.com/revox/call-ended/")


@pytest.mark.slow
@pytest.mark.parametrize("host", [(), ("--host", "0.0.0.0")], ids=str)
def test_with_a_sandbox_a_call_of_another_program_is_really_posted(host: tuple[str, ...]) -> None:
    with listening(None, "--sandbox", "--speed", "3000", *host, token=None) as process:
        url, said = address_in(process)
        base_url = re.search(r"REVOX_BASE_URL=(\S+)", said)
        assert base_url is not None
        with Connection("sandbox", base_url=base_url[1]) as connection:
            request = {"phone_number": NUMBER, "prompt": "Say hello, I am an AI.", "language": "en"}
            out = call_graph(connection, webhook_url=url).invoke(request)
        line = line_of(process)
        code, _, _ = stopped(process)
    assert (line["call_id"], line["sandbox"]) == (out["call_id"], True)
    assert code == 0


def test_a_port_in_use_is_named_before_anything_is_served(server: SandboxServer) -> None:
    said = cli("webhooks", "--port", str(server.port), "--sandbox")
    assert said.exit_code == 2
    assert f"Cannot listen on 127.0.0.1:{server.port}" in said.stderr
    assert "call-ended" not in said.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--token", "short"), "webhook token is too short"),
        (("--journal", "/no/such/folder/ended.db"), "cannot be used"),
        (("--public-url", "us.example.com"), "is not valid"),
        (("--public-url", "https://me:secret@us.example.com"), "holds a user name or password"),
        (("--port", "70000"), "--port"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_used_is_one_sentence_and_the_exit_code_of_a_wrong_command_line(
    args: tuple[str, ...], words: str
) -> None:
    said = cli("webhooks", "--port", "0", *args, env={"REVOX_API_KEY": KEY})
    assert said.exit_code == 2, said.output
    assert words in said.stderr
    assert "Traceback" not in said.stderr
    assert "secret@" not in said.stderr
    assert said.stdout == ""


def test_without_a_key_nothing_is_served() -> None:
    said = cli("webhooks", "--port", "0", env={"REVOX_API_KEY": ""})
    assert said.exit_code == 4
    assert "call-ended" not in said.stderr


@pytest.mark.slow
def test_its_help_names_the_options() -> None:
    said = cli("webhooks", "--help", env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    assert said.exit_code == 0
    options = ("--host", "--port", "--token", "--journal", "--public-url", "--sandbox", "REVOX_WEBHOOK_TOKEN")
    assert [option for option in options if option not in said.stdout] == []
