from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from revox_langchain.cli.app import app
from revox_langchain.operations.calls import MakeCall
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.sandbox.server import SandboxServer

KEY = "key-that-nobody-may-see"


@pytest.fixture(scope="module")
def shared_server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(key=KEY)) as server:
        yield server


@pytest.fixture
def server(shared_server: SandboxServer) -> SandboxServer:
    shared_server.sandbox.reset()
    return shared_server


def doctor(*args: str, key: str | None = KEY, base_url: str | None = None) -> Any:
    env = {"REVOX_API_KEY": key, "REVOX_BASE_URL": base_url}
    return CliRunner().invoke(app, ["doctor", *args], env={k: v for k, v in env.items() if v is not None})


def checks(**account: Any) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in json.loads(doctor("--json", **account).stdout)["checks"]}


def test_a_healthy_account_passes_and_the_key_is_never_shown(server: SandboxServer) -> None:
    done = doctor(base_url=server.base_url)
    assert done.exit_code == 0, done.output
    assert "Ready to call, in a sandbox: no real phone rings." in done.stdout
    assert "fail" not in done.stdout
    assert "+12025550199" in done.stdout
    assert "country FR" in done.stdout
    assert "in 8 languages" in done.stdout
    assert KEY not in done.output


def test_json_holds_every_check(server: SandboxServer) -> None:
    done = doctor("--json", base_url=server.base_url)
    told = json.loads(done.stdout)
    assert told["ok"] is True
    assert {"Python", "revox", "langgraph", "API key", "Base URL", "Reachable", "Key accepted", "Voices"} <= {
        check["name"] for check in told["checks"]
    }
    assert KEY not in done.output


def test_a_missing_key_is_exit_code_4_and_reachability_is_still_looked_at(server: SandboxServer) -> None:
    done = doctor(key=None, base_url=server.base_url)
    assert done.exit_code == 4
    assert "REVOX_API_KEY is not set" in done.stdout
    found = checks(key=None, base_url=server.base_url)
    assert found["Reachable"]["level"] == "ok"
    assert found["Voices"]["level"] == "skip"


def test_a_refused_key_is_exit_code_4_and_says_what_to_do(server: SandboxServer) -> None:
    done = doctor(key="wrong-key", base_url=server.base_url)
    assert done.exit_code == 4
    found = checks(key="wrong-key", base_url=server.base_url)["Key accepted"]
    assert found["level"] == "fail"
    assert "REVOX_API_KEY" in found["fix"]
    assert "wrong-key" not in done.output


def test_an_unreachable_host_is_exit_code_5() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{taken.getsockname()[1]}/api"
        done = doctor(base_url=base_url)
    assert done.exit_code == 5
    assert "REVOX_BASE_URL" in done.stdout


def test_a_server_that_answers_html_is_exit_code_5(server: SandboxServer) -> None:
    server.sandbox.faults.add(Fault("html", times=10))
    done = doctor(base_url=server.base_url)
    assert done.exit_code == 5
    assert "instead of JSON" in done.stdout


def test_a_base_url_that_is_none_is_told_and_not_tried() -> None:
    done = doctor(base_url="getrevox")
    assert done.exit_code == 2
    assert "is not valid" in done.stdout


def test_one_read_that_fails_does_not_hide_the_others(server: SandboxServer) -> None:
    server.sandbox.faults.add(Fault("server_error", on="revox_list_phone_numbers"))
    found = checks(base_url=server.base_url)
    assert found["Own numbers"]["level"] == "fail"
    assert found["Voices"]["level"] == "ok"


@pytest.mark.parametrize("key", [f" {KEY}", f"'{KEY}'"])
def test_blanks_and_quotes_around_the_key_are_told(key: str, server: SandboxServer) -> None:
    assert checks(key=key, base_url=server.base_url)["API key"]["level"] == "warn"


@pytest.mark.parametrize(
    ("base_url", "said"), [("http://user:hunter2@127.0.0.1:1/api", "127.0.0.1:1"), ("http://127.0.0.1:1", "/api")]
)
def test_an_odd_base_url_is_told_without_its_password(base_url: str, said: str) -> None:
    check = checks(base_url=base_url)["Base URL"]
    assert said in check["said"] + check["fix"]
    assert "hunter2" not in json.dumps(check)


def test_a_catalogue_without_a_language_is_told(server: SandboxServer) -> None:
    voices = server.sandbox.world.voices
    for voice_id in [v["id"] for v in voices.values() if v["language"] == "ru"]:
        del voices[voice_id]
    check = checks(base_url=server.base_url)["Voices"]
    assert check["level"] == "warn"
    assert "ru" in check["said"]


def test_an_account_without_numbers_is_told(server: SandboxServer) -> None:
    server.sandbox.world.phone_numbers.clear()
    assert checks(base_url=server.base_url)["Own numbers"]["level"] == "warn"


@pytest.mark.slow
@pytest.mark.parametrize(("counts", "said"), [("orders", "counts calls"), ("attempts", "counts attempts")])
def test_it_finds_out_what_the_total_of_a_search_counts(server: SandboxServer, counts: str, said: str) -> None:
    sandbox = server.sandbox
    assert checks(base_url=server.base_url)["Search"]["level"] == "skip"
    sandbox.switches = sandbox.switches.changed({"total_counts": counts})
    # Voicemail first, an answer two hours later.
    sandbox.connect(KEY).send(MakeCall(phone_number="+12025550102", prompt="Say hello, I am an AI."))
    sandbox.world.advance(4 * 3600)
    found = checks(base_url=server.base_url)["Search"]
    assert found["level"] == "ok"
    assert said in found["said"]
