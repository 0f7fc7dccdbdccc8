from __future__ import annotations

import http.server
import io
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from revox_langchain import __version__
from revox_langchain.actions.requests import REQUESTS
from revox_langchain.cli.app import Commands, app, run
from revox_langchain.cli.demo import SCRIPTS
from revox_langchain.cli.live import LiveCall
from revox_langchain.cli.screen import Screen, duration, plain, write_json
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.intent import MARK
from revox_langchain.operations.calls import GetCall, GetCallHistory
from revox_langchain.sandbox import Fault, Sandbox, Switches
from revox_langchain.sandbox.server import SandboxServer
from revox_langchain.speech.names import LANGUAGES
from tests.mcp_versions import needs_mcp_1
from tests.processes import patience_s, started

KEY = "key-that-no-one-may-see"
PROMPT = "Confirm the appointment on Tuesday."
FRENCH = "Confirmez le rendez-vous de mardi à 15 heures."
FICTION = "+12025550100"
COMMAND = [sys.executable, "-m", "revox_langchain"]
NESTED = '{"properties": {"a": {"type": "array"}}}'
QUICK = ("--interval-s", "0.05", "--settle-s", "0.1")


def cli(*args: str, env: dict[str, str] | None = None) -> Any:
    return CliRunner().invoke(app, list(args), env=env or {})


def call(number: str, *args: str, env: dict[str, str] | None = None) -> Any:
    return cli("call", number, "--prompt", PROMPT, "--language", "en", *args, env=env)


def in_sandbox(number: str, *args: str) -> Any:
    return call(number, "--sandbox", "--speed", "0", "--interval-s", "10", *args)


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[SandboxServer, SandboxServer]]:
    with SandboxServer(Sandbox(key=KEY, speed=3000)) as quick, SandboxServer(Sandbox(key=KEY)) as still:
        yield quick, still


@pytest.fixture
def server(running: tuple[SandboxServer, SandboxServer]) -> SandboxServer:
    running[0].sandbox.reset()
    return running[0]


@pytest.fixture
def slow_server(running: tuple[SandboxServer, SandboxServer]) -> SandboxServer:
    """Whose time stands still, so that no call ends by itself."""
    running[1].sandbox.reset()
    return running[1]


def account(server: SandboxServer, key: str = KEY) -> dict[str, str]:
    return {"REVOX_API_KEY": key, "REVOX_BASE_URL": server.base_url}


@pytest.fixture
def dead_url() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/api"


@pytest.fixture
def html_url() -> Iterator[str]:
    """A server that answers everything with a page, as captive portals do."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!DOCTYPE html><html><body>Please log in.</body></html>")

        do_POST = do_GET

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as served:
        threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}/api"
        served.shutdown()


# Exit codes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "disposition"),
    [(FICTION, "answered"), ("+12025550101", "busy"), ("+12025550106", "ivr")],
)
def test_a_completed_call_is_exit_code_0_whatever_the_disposition(number: str, disposition: str) -> None:
    done = in_sandbox(number, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["disposition"] == disposition


@pytest.mark.parametrize(("number", "status"), [("+12025550110", "errored"), ("+12025550124", "cancelled")])
def test_a_call_that_errored_or_was_cancelled_is_exit_code_8(number: str, status: str) -> None:
    done = in_sandbox(number)
    assert done.exit_code == 8
    assert status.capitalize() in done.stdout


def test_a_call_that_outlasts_the_wait_is_exit_code_7_and_says_how_to_continue(slow_server: SandboxServer) -> None:
    done = call(FICTION, "--yes", "--max-wait-s", "0.1", *QUICK, env=account(slow_server))
    assert done.exit_code == 7
    assert "revox-langchain watch" in done.stderr
    assert "The call is " in done.stderr


def test_a_lost_order_is_exit_code_6_and_says_how_to_look_for_it(server: SandboxServer) -> None:
    server.sandbox.faults.add(Fault("lose_before", on="revox_make_call"))
    done = call(FICTION, "--yes", *QUICK, env=account(server))
    assert done.exit_code == 6, done.output
    assert re.search(r"revox-langchain recover [0-9a-f-]{36} \+12025550100", done.stderr)
    assert not server.sandbox.dials


def test_a_lost_answer_is_found_and_followed(server: SandboxServer) -> None:
    server.sandbox.faults.add(Fault("lose_after", on="revox_make_call"))
    done = call(FICTION, "--yes", *QUICK, env=account(server))
    assert done.exit_code == 0, done.output
    assert "looking for the order instead of placing a second one" in done.stdout
    assert len(server.sandbox.dials) == 1


@pytest.mark.slow
def test_an_unreachable_host_is_exit_code_5(dead_url: str) -> None:
    done = call(FICTION, "--yes", env={"REVOX_API_KEY": KEY, "REVOX_BASE_URL": dead_url})
    assert done.exit_code == 5
    assert "could not be reached" in done.stderr
    assert "REVOX_BASE_URL" in done.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("call", FICTION, "--prompt", PROMPT, "--language", "en", "--yes"),
        ("watch", "6e726551-8ffa-5020-aaca-7bcfd7e77e8c", "--max-wait-s", "0.2", "--interval-s", "0.1"),
        ("voices",),
    ],
)
def test_a_server_that_answers_html_is_exit_code_5(args: tuple[str, ...], html_url: str) -> None:
    done = cli(*args, env={"REVOX_API_KEY": KEY, "REVOX_BASE_URL": html_url})
    assert done.exit_code == 5, done.output
    assert "instead of JSON" in done.stderr
    assert "REVOX_BASE_URL" in done.stderr


def test_no_key_is_exit_code_4_and_names_the_variable() -> None:
    done = call("+33142685300", "--yes")
    assert done.exit_code == 4
    assert "REVOX_API_KEY" in done.stderr


def test_a_key_that_is_refused_is_exit_code_4(server: SandboxServer) -> None:
    for args in (("call", FICTION, "--prompt", PROMPT, "--language", "en", "--yes"), ("voices",), ("watch", "some-id")):
        done = cli(*args, env=account(server, "wrong-key"))
        assert done.exit_code == 4, done.output
        assert "REVOX_API_KEY" in done.stderr
        assert "wrong-key" not in done.output


@pytest.mark.parametrize(
    ("number", "code"),
    [("+12025550109", "do_not_contact"), ("+33899123456", "premium_number"), ("+12025550199", "own_number")],
)
def test_a_number_the_guard_refuses_is_exit_code_3(number: str, code: str) -> None:
    done = in_sandbox(number, "--json")
    assert done.exit_code == 3, done.output
    assert json.loads(done.stdout)["error"]["code"] == code
    assert "Error: " in done.stderr


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("call", "nonsense", "--prompt", PROMPT, "--language", "en", "--sandbox"), "number"),
        (("call", "0142", "--prompt", PROMPT, "--language", "en", "--sandbox", "--country", "FR"), "number"),
        (("call", FICTION, "--prompt", "", "--sandbox"), "The prompt is empty."),
        (("call", FICTION, "--prompt", " \n", "--sandbox"), "The prompt is empty."),
        (("call", FICTION, "--prompt", "a", "--assistant-id", "b", "--sandbox"), "Both prompt and assistant_id"),
        (("call", FICTION, "--sandbox"), "Neither prompt nor assistant_id"),
        (("call", FICTION, "--assistant-id", "b", "--language", "fr", "--sandbox"), "language"),
        (("call", FICTION, "--prompt", PROMPT, "--language", "klingon", "--sandbox"), "Klingon"),
        (("call", FICTION, "--prompt", PROMPT, "--language", "frnch", "--sandbox"), "did you mean 'French'"),
        (("call", FICTION, "--prompt", PROMPT, "--variable", "novalue", "--sandbox"), "name=value"),
        (("call", FICTION, "--prompt", PROMPT, "--metadata", "=x", "--sandbox"), "name=value"),
        (("call", FICTION, "--prompt", PROMPT, "--schema", "/no/such/file", "--sandbox"), "No such file"),
        (("call", FICTION, "--prompt", PROMPT, "--schema", "{broken", "--sandbox"), "not valid JSON"),
        (("call", FICTION, "--prompt", PROMPT, "--schema", "[1]", "--sandbox"), "not a JSON object"),
        (("call", FICTION, "--prompt", PROMPT, "--schema", NESTED, "--sandbox"), "flat"),
        (("call", FICTION, "--prompt", PROMPT, "--schema", "no.such:Model", "--sandbox"), "cannot be imported"),
        (("call", FICTION, "--prompt", PROMPT, "--schema", "json:Model", "--sandbox"), "json has no Model"),
        (("call", FICTION, "--prompt", PROMPT, "--schema", "json:loads", "--sandbox"), "not a pydantic model"),
        (("call", FICTION, "--prompt", PROMPT, "--scheduled-at", "tomorrow", "--sandbox"), "scheduled_at"),
        (("call", FICTION, "--prompt", PROMPT, "--provider", "nobody", "--sandbox"), "cartesia"),
        (("call", FICTION, "--prompt", PROMPT, "--language", "en", "--voice-id", "nope", "--sandbox"), "nope"),
        (("call", FICTION, "--prompt", PROMPT, "--country", "Narnia", "--sandbox"), "country"),
        (("call", FICTION, "--prompt", PROMPT, "--max-attempts", "many", "--sandbox"), "integer"),
        (("call", FICTION, "--prompt", PROMPT, "--max-attempts", "0", "--sandbox"), "max_attempts"),
        (("call",), "number"),
        (("nope",), "No such command 'nope'"),
        (("voices", "--sandbox", "--explain"), "--language"),
        (("voices", "--sandbox", "--language", "klingon"), "Klingon"),
        (("tools", "--toolset", "cals"), "did you mean 'calls'"),
        (("tools", "--risk", "huge"), "huge"),
        (("call", "12345", "--prompt", PROMPT, "--language", "en", "--sandbox"), "number"),
        (("call", FICTION, "--prompt", PROMPT, "--language", "en", "--gender", "femal", "--sandbox"), "mean 'female'"),
        (("voices", "--sandbox", "--gender", "femal"), "did you mean 'female'"),
        (("voices", "--sandbox", "--language", "fr", "--explain", "--gender", "femal"), "did you mean 'female'"),
        (("demo", "--language", "klingon"), "Klingon"),
        (("recover", "some-intent", "nonsense"), "number"),
        pytest.param(
            ("mcp", "--sandbox", "--http", "--host", "0.0.0.0", "--port", "18901"), "token", marks=needs_mcp_1
        ),
        (("mcp", "--sandbox", "--toolset", "nope"), "toolset"),
    ],
)
def test_wrong_input_is_exit_code_2_and_one_sentence_that_names_the_fix(args: tuple[str, ...], said: str) -> None:
    done = cli(*args)
    assert done.exit_code == 2, done.output
    assert said.casefold() in done.stderr.casefold()
    assert "Traceback" not in done.output
    assert done.stderr.count("Error: ") == 1


def test_a_person_sees_both_readings_of_an_ambiguous_number() -> None:
    done = cli("call", "4917612345678", "--prompt", PROMPT, "--language", "en", "--sandbox", "--country", "DE")
    assert done.exit_code == 2
    assert "It can be +494917612345678 or +4917612345678." in " ".join(done.stderr.split())


def test_a_base_url_that_is_not_valid_is_exit_code_2() -> None:
    done = cli("voices", env={"REVOX_API_KEY": KEY, "REVOX_BASE_URL": "getrevox"})
    assert done.exit_code == 2
    assert "REVOX_BASE_URL" in done.stderr


def test_a_bug_of_ours_is_exit_code_1_without_a_traceback_or_the_key() -> None:
    broken = typer.Typer(cls=Commands)

    @broken.command()
    def crash(as_json: bool = typer.Option(False, "--json")) -> None:
        raise LookupError(f"could not send {KEY}")

    @broken.command()
    def other() -> None: ...

    env = {"REVOX_API_KEY": KEY}
    done = CliRunner().invoke(broken, ["crash", "--json"], env=env)
    assert done.exit_code == 1
    assert "LookupError" in done.stderr
    assert json.loads(done.stdout)["error"]["code"] == "bug"
    assert "Traceback" not in done.output
    shown = CliRunner().invoke(broken, ["crash"], env={**env, "REVOX_DEBUG": "1"})
    assert "Traceback" in shown.stderr
    assert KEY not in done.output + shown.output


# --json


def test_json_is_one_object_on_stdout_and_everything_else_is_on_stderr() -> None:
    done = in_sandbox(FICTION, "--json", "--schema", '{"properties": {"confirmed": {"type": "boolean"}}}')
    output = json.loads(done.stdout)
    assert done.stdout.startswith("{")
    assert output["status"] == "completed"
    assert output["structured_output"] == {"confirmed": True}
    assert output["voice"]["language"] == "en"
    assert output["error"] is None
    assert "assistant  " in done.stderr
    assert set(output) == {
        "status",
        "call_id",
        "intent_id",
        "adopted",
        "assistant_id",
        "language",
        "voice",
        "disposition",
        "conclusion",
        "outcome",
        "outcome_summary",
        "transcript",
        "structured_output",
        "recording_url",
        "attempts",
        "notes",
        "warnings",
        "error",
        "sandbox",
        "placed_at",
    }


def test_a_pydantic_model_can_be_named_as_the_schema() -> None:
    done = in_sandbox(FICTION, "--json", "--schema", "tests.graph.test_structured_output:Visit")
    assert done.exit_code == 0, done.output
    assert set(json.loads(done.stdout)["structured_output"]) == {"confirmed", "guests"}


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("call", FICTION, "--prompt", "", "--sandbox", "--json"), "invalid"),
        (("call", FICTION, "--prompt", PROMPT, "--json"), "auth"),
        (("call", "--json"), "usage"),
        (("call", FICTION, "--frobnicate", "--json"), "usage"),
        (("watch", "some-id", "--json"), "auth"),
        (("call", FICTION, "--prompt", PROMPT, "--language", "klingon", "--sandbox", "--json"), "unsupported_language"),
    ],
)
def test_json_holds_the_error_of_a_command_that_failed(args: tuple[str, ...], code: str) -> None:
    done = cli(*args)
    assert json.loads(done.stdout)["error"]["code"] == code
    assert done.exit_code in (2, 4)


def test_a_refusal_without_yes_is_json_too(server: SandboxServer) -> None:
    done = call(FICTION, "--json", env=account(server))
    assert done.exit_code == 2
    assert "--yes" in json.loads(done.stdout)["error"]["next_step"]
    assert not server.sandbox.requests


# Calling


def test_a_real_dial_in_a_pipe_is_refused_without_yes(server: SandboxServer) -> None:
    done = call(FICTION, env=account(server))
    assert done.exit_code == 2
    assert "--yes" in done.stderr
    assert not server.sandbox.dials


def test_all_options_reach_the_order(server: SandboxServer, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"properties": {"when": {"type": "string", "format": "date"}}}')
    done = cli(
        "call",
        "01 42 68 53 00",
        "--country",
        "fr",
        "--prompt",
        "Bonjour {{name}}, parlez du rendez-vous de mardi.",
        "--language",
        "fr-CA",
        "--gender",
        "male",
        "--first-sentence",
        "Bonjour, ici l'assistant virtuel.",
        "--schema",
        str(schema),
        "--variable",
        "name=Zoé=x",
        "--metadata",
        "team=red",
        "--max-attempts",
        "2",
        "--max-call-duration-s",
        "120",
        "--from",
        "+12025550199",
        "--concurrency-key",
        "front",
        "--inline",
        "--yes",
        "--json",
        *QUICK,
        env=account(server),
    )
    assert done.exit_code == 0, done.output
    with Connection(KEY, base_url=server.base_url) as connection:
        order = connection.send(GetCall(call_id=json.loads(done.stdout)["call_id"]))["call"]
    assert order["to_phone_number"] == "+33142685300"
    assert order["from_phone_number"] == "+12025550199"
    assert order["prompt_variables"] == {"name": "Zoé=x"}
    assert order["metadata"].pop(MARK)
    assert order["metadata"] == {"team": "red"}
    assert order["assistant"]["max_call_duration_secs"] == 120
    assert order["assistant"]["call_retry_config"]["max_retry_attempts"] == 2
    assert json.loads(done.stdout)["voice"]["accent"] == "quebec"
    assert "when" in json.loads(done.stdout)["structured_output"]


@pytest.mark.slow
def test_a_named_intent_is_placed_once_however_often_the_command_runs(server: SandboxServer) -> None:
    first = call(FICTION, "--yes", "--intent", "order 17", "--json", *QUICK, env=account(server))
    again = call(FICTION, "--yes", "--intent", "order 17", "--json", *QUICK, env=account(server))
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert json.loads(again.stdout)["adopted"] is True
    assert json.loads(again.stdout)["call_id"] == json.loads(first.stdout)["call_id"]
    assert "nothing was dialed again" in again.stderr
    assert len(server.sandbox.dials) == 1


@pytest.mark.slow
def test_a_scheduled_call_says_when_it_is_dialed() -> None:
    done = in_sandbox(FICTION, "--scheduled-at", "2026-01-06T14:00:00+00:00")
    assert done.exit_code == 0, done.output
    assert "Scheduled: Revox will dial at Tue 06 Jan 14:00 UTC, in 4 hours." in done.stdout


@pytest.mark.slow
def test_a_call_outside_its_calling_window_says_until_when_it_waits_by_the_clock_of_whoever_answers() -> None:
    until = "Revox will dial at Tue 06 Jan 18:00 UTC. Ctrl-C does not cancel the call."
    with SandboxServer(Sandbox(key=KEY, speed=20, switches=Switches(real_zones=True, calling_hours=True))) as server:
        done = call("+14155550123", "--yes", "--max-wait-s", "3", *QUICK, env=account(server))
        watched = cli("watch", server.sandbox.dials[0]["id"], "--max-wait-s", "0.5", env=account(server))
    assert (done.exit_code, watched.exit_code) == (7, 7), done.output
    assert f"Waiting for the calling window: {until}" in done.stdout.splitlines()
    assert f"Scheduled: {until}" in watched.stdout.splitlines()


def test_a_moment_at_which_a_sandbox_has_dialed_is_not_announced_again(capsys: pytest.CaptureFixture[str]) -> None:
    live = LiveCall(Screen(), Connection(KEY, sandbox=True))
    moment = {"type": "revox.status", "scheduled_at": "2026-01-06T12:00:00Z"}
    for status, attempt in (("scheduled", 0), ("calling", 1), ("queued_for_calling", 1)):
        live.see({**moment, "status": status, "attempt": attempt})
    live.see({**moment, "status": "scheduled", "attempt": 1, "scheduled_at": "2026-01-06T14:00:00Z"})
    first, _, passed, planned = capsys.readouterr().out.splitlines()
    assert first.startswith("Scheduled: Revox will dial at Tue 06 Jan 12:00 UTC.")
    assert passed == "Attempt 1 did not reach the callee; next attempt. Revox dials by itself."
    assert "next attempt at Tue 06 Jan 14:00 UTC." in planned


@pytest.mark.slow
def test_an_old_order_that_is_found_is_said_to_be_old_before_its_result(server: SandboxServer) -> None:
    arguments = ("--yes", "--intent", "reminder", *QUICK)
    first = call(FICTION, *arguments, "--json", env=account(server))
    server.sandbox.world.advance(7 * 86_400)
    again = call(FICTION, *arguments, env=account(server))
    as_json = call(FICTION, *arguments, "--json", env=account(server))
    assert (first.exit_code, again.exit_code, as_json.exit_code) == (0, 0, 0)
    warning = r"This call was placed .+ ago and had ended; no phone rang now. For another call give another intent."
    assert re.search(f"Warning: {warning}", again.stderr)
    assert again.output.index("Warning: This call was placed") < again.output.index("Completed, answered")
    output = json.loads(as_json.stdout)
    assert re.fullmatch(warning, output["warnings"][0])
    assert output["placed_at"].startswith("2026-01-06T")
    assert json.loads(first.stdout)["placed_at"] is None
    assert len(server.sandbox.dials) == 1


@pytest.mark.slow
def test_an_ended_call_is_repeated_on_purpose_and_once(server: SandboxServer) -> None:
    def output(*more: str) -> Any:
        return json.loads(call(FICTION, "--yes", "--json", *more, *QUICK, env=account(server)).stdout)

    first = output()["call_id"]
    server.sandbox.world.advance(86_400)
    second = output("--repeat-of", first)
    assert (second["status"], second["adopted"]) == ("completed", False)
    assert second["call_id"] != first
    again = output("--repeat-of", first)
    assert (again["call_id"], again["adopted"]) == (second["call_id"], True)
    assert len(server.sandbox.dials) == 2
    unknown = call(FICTION, "--yes", "--json", "--repeat-of", "made-up", *QUICK, env=account(server))
    assert (unknown.exit_code, json.loads(unknown.stdout)["error"]["code"]) == (3, "repeat_unknown")
    elsewhere = call("+12025550150", "--yes", "--json", "--repeat-of", first, *QUICK, env=account(server))
    assert (elsewhere.exit_code, json.loads(elsewhere.stdout)["error"]["code"]) == (3, "repeat_other_number")
    both = call(FICTION, "--yes", "--repeat-of", first, "--intent", "x", env=account(server))
    assert both.exit_code == 2
    assert len(server.sandbox.dials) == 2


@pytest.mark.slow
def test_a_second_attempt_is_announced() -> None:
    done = in_sandbox("+12025550102")
    assert "Attempt 1 did not reach the callee; next attempt" in done.stdout
    assert "2 attempts" in done.stdout


def test_a_failing_read_after_the_dial_still_tells_the_call_id(server: SandboxServer) -> None:
    server.sandbox.faults.add(Fault("status", on="revox_get_call", status=403, times=50))
    done = call(FICTION, "--yes", "--json", *QUICK, env=account(server))
    assert done.exit_code == 4, done.output
    call_id = server.sandbox.dials[0]["id"]
    assert f"revox-langchain watch {call_id}" in done.stderr
    assert json.loads(done.stdout)["error"]["details"]["call_id"] == call_id


def test_words_from_the_phone_cannot_control_the_terminal() -> None:
    assert plain("a\x1b[2J\x1b]0;evil\x07b\nc\x9b31m\u202ed [bold]") == "a[2J]0;evilb c31md [bold]"


HOSTILE = "a\x9b31mred\u202egnp.exe\u2066\u200b\x85\u2028\U000e0041\ud83d end"


def test_json_escapes_what_could_control_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"said": HOSTILE, HOSTILE: [float("nan")]})
    text = capsys.readouterr().out
    assert all(character == "\n" or plain(f"a{character}a") != "aa" for character in text)
    assert json.loads(text)["said"] == HOSTILE.replace("\ud83d", "\ufffd")


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
@pytest.mark.parametrize("json_", [(), ("--json",)])
@pytest.mark.skipif(sys.platform == "win32", reason="a pipe there has the code page of the system")
def test_a_pipe_without_utf_8_gets_utf_8(how: dict[str, str], json_: tuple[str, ...]) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG"))}
    code = "from revox_langchain.__main__ import main; main()"
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", code, "voices", "--sandbox", "--language", "fr", "--explain", *json_]
    done = subprocess.run(
        command, capture_output=True, check=False, timeout=patience_s(), env={**env, **how, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr
    assert any(ord(letter) > 127 for letter in done.stdout.decode())


def test_durations_are_written_as_clocks_do() -> None:
    assert [duration(s) for s in (-1, 7.9, 750, 7205)] == ["0:00", "0:07", "12:30", "2:00:05"]


# watch and recover


def test_watch_follows_a_call_to_its_end(server: SandboxServer) -> None:
    placed = call(FICTION, "--yes", "--json", "--max-wait-s", "0.1", *QUICK, env=account(server))
    call_id = json.loads(placed.stdout)["call_id"]
    done = cli("watch", call_id, "--interval-s", "0.05", "--json", env=account(server))
    output = json.loads(done.stdout)
    assert done.exit_code == 0, done.output
    assert (output["call_id"], output["disposition"]) == (call_id, "answered")
    assert output["transcript"][0]["role"] == "assistant"


@pytest.mark.slow
def test_watch_stops_when_its_time_is_over(slow_server: SandboxServer) -> None:
    placed = call(FICTION, "--yes", "--json", "--max-wait-s", "0.1", *QUICK, env=account(slow_server))
    call_id = json.loads(placed.stdout)["call_id"]
    done = cli("watch", call_id, "--max-wait-s", "0.1", "--interval-s", "0.05", "--json", env=account(slow_server))
    assert (placed.exit_code, done.exit_code) == (7, 7)
    assert json.loads(done.stdout)["error"]["code"] == "still_running"


def test_watching_an_unknown_call_is_exit_code_2(server: SandboxServer) -> None:
    done = cli("watch", "no-such-call", env=account(server))
    assert done.exit_code == 2
    assert "was placed" not in done.stderr


def test_recover_finds_the_order_of_an_intent(server: SandboxServer) -> None:
    placed = json.loads(call(FICTION, "--yes", "--json", *QUICK, env=account(server)).stdout)
    done = cli("recover", placed["intent_id"], FICTION, env=account(server))
    assert done.exit_code == 0, done.output
    assert f"The call exists: {placed['call_id']}" in done.stdout
    found = json.loads(cli("recover", placed["intent_id"], FICTION, "--json", env=account(server)).stdout)
    assert (found["found"], found["call"]["id"]) == (True, placed["call_id"])


def test_recover_takes_a_national_number_with_its_country(server: SandboxServer) -> None:
    args = ("recover", str(uuid.uuid4()), "01 42 68 53 00", "--settle-s", "0")
    done = cli(*args, "--country", "fr", env=account(server))
    assert done.exit_code == 6
    assert "+33142685300" in done.stderr
    done = cli(*args, env=account(server))
    assert done.exit_code == 2
    assert "give --country FR" in done.stderr


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("ok", "Pass --language fr or another"),
        ("Call them in French and ask about the order.", "pass --language en (English) or --language fr (French)"),
        ("Dites bonjour à {{nom}} et confirmez le rendez-vous.", "Give it: --variable nom=..."),
    ],
)
def test_advice_names_options_of_the_command_line(prompt: str, said: str) -> None:
    assert said in cli("call", FICTION, "--prompt", prompt, "--sandbox", "--speed", "0").stderr


def test_a_sandbox_call_that_continues_is_not_to_be_watched_from_elsewhere() -> None:
    done = in_sandbox("+12025550108", "--max-wait-s", "30")
    assert done.exit_code == 7
    assert "The call is " in done.stderr
    assert "revox-langchain watch" not in done.output
    assert "no one spoke" not in done.output


def test_recover_does_not_take_the_name_of_an_intent_for_its_id(server: SandboxServer) -> None:
    # Looked for, it would never be found, and the call would seem not to have been placed.
    done = cli("recover", "order-4711", FICTION, "--settle-s", "0", env=account(server))
    assert done.exit_code == 2
    assert "copy the UUID" in " ".join(done.stderr.split())


def test_recover_says_plainly_that_there_is_no_order_and_ends_with_6(server: SandboxServer) -> None:
    done = cli("recover", str(uuid.uuid4()), FICTION, "--settle-s", "0", "--json", env=account(server))
    assert done.exit_code == 6
    assert json.loads(done.stdout)["found"] is False
    assert "most likely it was not placed" in done.stderr


@pytest.mark.slow
def test_between_attempts_it_says_when_the_next_one_is_and_nothing_of_a_calling_window(
    slow_server: SandboxServer,
) -> None:
    ringing = in_sandbox("+12025550101")
    assert ringing.stdout.count("did not reach the callee; next attempt") == 2
    assert "calling window" not in ringing.stdout
    call("+12025550101", "--yes", "--max-wait-s", "0.1", *QUICK, env=account(slow_server))
    world = slow_server.sandbox.world
    (call_id,) = world.orders
    for _ in range(60):
        world.advance(10)
        if world.orders[call_id]["status"] == "scheduled":
            break
    seen = cli("watch", call_id, "--max-wait-s", "0.1", "--interval-s", "0.05", env=account(slow_server))
    assert "Attempt 1 did not reach the callee; next attempt at " in seen.stdout
    assert "calling window" not in seen.stdout


def test_a_named_intent_says_what_it_waits_for() -> None:
    done = in_sandbox(FICTION, "--intent", "order 19", "--settle-s", "7")
    assert "Looking for an earlier call of this intent for up to 7 s, before placing one." in done.stdout
    assert "earlier call" not in in_sandbox(FICTION).stdout


def test_watching_a_call_that_has_ended_gives_the_time_of_each_turn(server: SandboxServer) -> None:
    call_id = json.loads(call(FICTION, "--yes", "--json", *QUICK, env=account(server)).stdout)["call_id"]
    with Connection(KEY, base_url=server.base_url) as connection:
        order = connection.send(GetCall(call_id=call_id))["call"]
    attempt = order["call_attempts"][0]
    answered = datetime.fromisoformat(attempt["answered_at"])
    turns = [event for event in attempt["speech_events"] if event["speaker"] in ("agent", "user")]
    done = cli("watch", call_id, env=account(server))
    assert len(turns) > 2
    for turn in turns:
        moment = (answered + timedelta(milliseconds=turn["started_speaking_at_ms"])).astimezone()
        assert re.search(rf"{moment:%H:%M:%S}  (assistant|callee) +{re.escape(turn['transcript'])}", done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
@pytest.mark.parametrize(
    "args", [("tools",), ("tools", "--json"), ("--help",), ("call", FICTION, "--prompt", PROMPT, "--sandbox")]
)
def test_a_reader_that_has_gone_is_no_error(args: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        more = ("--speed", "0", "--language", "en") if args[0] == "call" else ()
        with start_process(*args, *more, stdout=writing) as process:
            _, errors = process.communicate(timeout=patience_s())
    finally:
        os.close(writing)
    assert (process.returncode, errors) == (0, "")


# voices and tools


def test_voices_are_listed_by_language_accent_and_gender() -> None:
    done = cli("voices", "--sandbox", "--language", "French", "--accent", "quebec", "--gender", "female", "--json")
    listed = json.loads(done.stdout)
    assert listed["language"] == "fr"
    assert {(v["language"], v["accent"], v["gender"]) for v in listed["voices"]} == {("fr", "quebec", "female")}
    table = cli("voices", "--sandbox", "--provider", "gradium").stdout.splitlines()
    assert table[0].split("\t") == ["voice_id", "provider", "lang", "accent", "gender", "name"]
    assert {line.split("\t")[1] for line in table[1:]} == {"gradium"}


def test_a_search_that_no_voice_matches_says_how_to_find_the_closest() -> None:
    done = cli("voices", "--sandbox", "--language", "fr", "--accent", "banana")
    assert done.exit_code == 0
    assert done.stdout.split() == ["voice_id", "provider", "lang", "accent", "gender", "name"]
    assert "add --explain to rank the closest" in done.stderr
    assert "add --language and --explain" in cli("voices", "--sandbox", "--accent", "banana").stderr


def test_explain_ranks_the_voices_of_a_language_with_reasons() -> None:
    done = cli("voices", "--sandbox", "--language", "Brazilian Portuguese", "--explain")
    assert done.exit_code == 0
    assert '"Brazilian Portuguese" is pt-BR' in done.stdout
    assert "1. " in done.stdout
    assert "sounds like Brazil" in done.stdout
    ranked = json.loads(cli("voices", "--sandbox", "--language", "pt-BR", "--explain", "--json").stdout)
    assert ranked["candidates"][0]["accent"] == "brazilian"
    assert ranked["candidates"][0]["why"]


def test_tools_are_listed_with_risk_route_and_first_line() -> None:
    rows = [line.split("\t") for line in cli("tools").stdout.splitlines()]
    assert [row[0] for row in rows[1:]] == [request.spec.name for request in REQUESTS]
    assert ["revox_make_call", "dial", "POST /call"] in [row[:3] for row in rows]
    dials = json.loads(cli("tools", "--risk", "dial", "--toolset", "calling", "--json").stdout)["tools"]
    assert [tool["name"] for tool in dials] == ["revox_make_call"]


# demo


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_demo_speaks_every_language(language: str) -> None:
    done = cli("demo", "--language", language, "--speed", "0", "--json")
    output = json.loads(done.stdout)
    assert done.exit_code == 0, done.output
    assert (output["language"], output["voice"]["language"]) == (language, language)
    assert output["disposition"] == "answered"
    assert output["structured_output"] == {"confirmed": True}
    assert output["warnings"] == []
    assert SCRIPTS[language].first_sentence == output["transcript"][0]["content"]


def test_the_demo_ignores_a_key_in_the_environment_and_sends_nothing_out() -> None:
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen()
        trap.settimeout(0.1)
        env = {"REVOX_API_KEY": KEY, "REVOX_BASE_URL": f"http://127.0.0.1:{trap.getsockname()[1]}/api"}
        done = cli("demo", "--speed", "0", env=env)
        with pytest.raises(TimeoutError):
            trap.accept()
    assert done.exit_code == 0, done.output
    assert KEY not in done.output
    assert done.stdout.splitlines()[0] == "Sandbox: no real phone rings. A call in French."


def test_the_demo_in_a_pipe_is_plain_lines_without_control_codes() -> None:
    done = cli("demo", "--speed", "0")
    assert "\x1b" not in done.output
    assert "\r" not in done.output
    assert not done.stderr
    lines = done.stdout.splitlines()
    assert any(re.match(r" +\d:\d\d  assistant  Bonjour", line) for line in lines)
    assert any(line.startswith("Completed, answered, 1 attempt") for line in lines)
    assert any(line.startswith("Voice    ") for line in lines)


# Real processes


def environment(env: dict[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REVOX_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "TERM": "xterm", "COLUMNS": "80", **(env or {})}


def start_process(
    *args: str, env: dict[str, str] | None = None, **streams: Any
) -> AbstractContextManager[subprocess.Popen[str]]:
    given = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return started([*COMMAND, *args], env=environment(env), **given)


def read_until(stream: Any, marker: str) -> str:
    seen = ""
    while marker not in seen:
        line = stream.readline()
        assert line, f"it ended before {marker!r}: {seen}"
        seen += line
    return seen


def type_after(terminal: int, marker: str, keys: str) -> str:
    """Wait for `marker` on the terminal, then type."""
    seen, give_up_s = "", time.monotonic() + patience_s()
    while marker not in seen:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            seen += os.read(terminal, 4096).decode()
        assert time.monotonic() < give_up_s, seen
    os.write(terminal, keys.encode())
    return seen


@pytest.mark.slow
def test_version_and_help_load_neither_langgraph_nor_langchain_nor_mcp() -> None:
    script = (
        "import sys; from revox_langchain.cli.app import run\n"
        "assert run(['--version']) == 0 and run(['--help']) == 0 and run(['call', '--help']) == 0\n"
        "print([m for m in ('langgraph', 'langchain_core', 'mcp', 'uvicorn', 'revox', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=patience_s(),
        check=True,
    )
    assert done.stdout.startswith(f"revox-langchain {__version__}\n")
    assert done.stdout.endswith("[]\n")
    assert "--intent" in done.stdout
    assert "safe to run" in done.stdout


@pytest.mark.slow
def test_without_the_cli_extra_it_says_what_to_install() -> None:
    script = "import sys; sys.modules['typer'] = None; from revox_langchain.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, timeout=patience_s()
    )
    assert done.returncode == 2
    assert "pip install 'revox-langchain[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_person_at_a_terminal_who_does_not_say_yes_dials_nothing(
    server: SandboxServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal, other_end = os.openpty()
    for name, value in account(server).items():
        monkeypatch.setenv(name, value)
    with os.fdopen(other_end, "r+b", buffering=0) as raw, io.TextIOWrapper(raw, write_through=True) as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        monkeypatch.setattr(sys, "stderr", typed)
        os.write(terminal, b"\n")
        code = run(["call", "+33142685300", "--prompt", FRENCH, "--json"])
        question = type_after(terminal, "Nothing was dialed.", "")
        os.close(terminal)
    assert code == 3
    output = json.loads(capsys.readouterr().out)
    assert (output["status"], output["error"]["code"]) == ("refused", "rejected")
    for shown in ("dials a real phone", "+33142685300 (FR)", "French", "Baptiste", FRENCH, "3 attempts, 90 minutes"):
        assert shown in question
    assert not server.sandbox.dials


CALL = ("call", "+33142685300", "--prompt", FRENCH, "--json", *QUICK)


@contextmanager
def at_a_terminal(server: SandboxServer, *args: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A command with a person at stdin and stderr: the process, and the person's end of the terminal."""
    terminal, other_end = os.openpty()
    try:
        # A live status line would fill the terminal's buffer, which nothing here empties.
        env = {**account(server), "TERM": "dumb"}
        with start_process(*args, env=env, stdin=other_end, stderr=other_end) as process:
            yield process, terminal
    finally:
        os.close(terminal)
        os.close(other_end)


@pytest.mark.slow
def test_a_yes_at_a_terminal_dials_and_ctrl_c_offers_to_cancel_the_call(slow_server: SandboxServer) -> None:
    with at_a_terminal(slow_server, *CALL) as (process, terminal):
        type_after(terminal, "Call now? [y/N]: ", "y\n")
        type_after(terminal, "Call     ", "")
        process.send_signal(signal.SIGINT)
        type_after(terminal, "[y/N]: ", "y\n")
        said, _ = process.communicate(timeout=patience_s())
    assert process.returncode == 130
    assert said.startswith("{")
    assert json.loads(said)["status"] == "cancelled"
    assert [order["status"] for order in slow_server.sandbox.world.orders.values()] == ["cancelled"]


@pytest.mark.slow
def test_ctrl_c_at_the_question_dials_nothing_and_says_so(server: SandboxServer) -> None:
    with at_a_terminal(server, *CALL) as (process, terminal):
        type_after(terminal, "Call now? [y/N]: ", "")
        said = interrupted(process)
    assert process.returncode == 130
    assert said.startswith("{")
    assert (json.loads(said)["status"], json.loads(said)["call_id"]) == ("refused", None)
    assert not server.sandbox.dials


def interrupted(process: Any, each_s: float = 10.0) -> str:
    """Press Ctrl-C, and again if nothing happens, as a person would; returns what was said.

    A signal that comes after readline has shown the prompt and before it waits for a key is noticed only with the next.
    """
    for _ in range(5):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            said: str = process.communicate(timeout=each_s)[0]
            return said
    raise AssertionError("Ctrl-C did not end it")


@pytest.mark.slow
def test_a_named_intent_is_one_call_whether_a_person_or_yes_approved_it(slow_server: SandboxServer) -> None:
    named = ("--intent", "order 18", "--max-wait-s", "0.1")
    with at_a_terminal(slow_server, *CALL, *named) as (process, terminal):
        type_after(terminal, "Call now? [y/N]: ", "y\n")
        said, _ = process.communicate(timeout=patience_s())
    args = ("--prompt", FRENCH, "--yes", "--json", *named, *QUICK)
    again = cli("call", "+33142685300", *args, env=account(slow_server))
    assert (process.returncode, again.exit_code) == (7, 7)
    assert [json.loads(each)["adopted"] for each in (said, again.stdout)] == [False, True]
    assert json.loads(again.stdout)["call_id"] == json.loads(said)["call_id"]
    assert len(slow_server.sandbox.dials) == 1


@pytest.mark.slow
def test_ctrl_c_in_a_pipe_leaves_the_call_running_and_says_how_to_watch_it(slow_server: SandboxServer) -> None:
    args = ("call", FICTION, "--prompt", PROMPT, "--language", "en", "--yes", *QUICK)
    with start_process(*args, env=account(slow_server)) as process:
        read_until(process.stdout, "Call     ")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=patience_s())
    assert process.returncode == 130
    with Connection(KEY, base_url=slow_server.base_url) as connection:
        (order,) = connection.send(GetCallHistory())["calls"]
    assert order["status"] != "cancelled"
    assert f"revox-langchain watch {order['id']}" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_the_sandbox_serves_says_where_and_stops_on_ctrl_c() -> None:
    with start_process(
        *("sandbox", "--port", "0", "--speed", "1000", "--key", "sesame", "--allow-host", "hooks.example.com")
    ) as process:
        said = read_until(process.stdout, "Web page")
        base_url = re.search(r"REVOX_BASE_URL=(\S+)", said)
        assert base_url is not None
        assert "+12025550101\tIs busy, every time." in said
        assert "only on this machine and hooks.example.com" in said
        done = call(FICTION, "--yes", *QUICK, env={"REVOX_API_KEY": "sesame", "REVOX_BASE_URL": base_url[1]})
        taken = cli("sandbox", "--port", base_url[1].split(":")[2].removesuffix("/api"))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=patience_s())
    assert done.exit_code == 0, done.output
    assert (taken.exit_code, "--port" in taken.stderr) == (2, True)
    assert process.returncode == 0
    assert "Traceback" not in errors


@pytest.mark.slow
@needs_mcp_1
def test_mcp_over_stdio_writes_nothing_but_the_protocol_to_stdout() -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}
    with start_process("mcp", "--sandbox") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        tools: dict[str, Any] = {}
        for number, (method, params) in enumerate([("initialize", hello), ("tools/list", {})], 1):
            message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            process.stdin.write(json.dumps(message) + "\n")
            if method == "initialize":
                process.stdin.write('{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
            process.stdin.flush()
            tools = json.loads(process.stdout.readline())["result"]
        rest, said = process.communicate(timeout=patience_s())
    names = [tool["name"] for tool in tools["tools"]]
    assert "revox_list_voices" in names
    assert "revox_make_call" not in names
    assert (rest, process.returncode) == ("", 0)
    assert "up to risk read" in said


@pytest.mark.slow
@needs_mcp_1
def test_mcp_over_http_takes_a_free_port_and_says_where_it_is() -> None:
    with start_process("mcp", "--sandbox", "--http", "--port", "0") as process:
        said = read_until(process.stderr, "Ctrl-C stops it")
        url = re.search(r"http://127\.0\.0\.1:[1-9]\d*/mcp", said)
        assert url is not None, said
        asked = httpx.get(url[0])
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=patience_s())
    assert asked.status_code == 406
    assert process.returncode == 0
    assert "Traceback" not in errors


@pytest.mark.slow
def test_mcp_that_refuses_to_serve_does_not_say_that_it_serves() -> None:
    assert "Serving" not in cli("mcp", "--sandbox", "--http", "--host", "0.0.0.0", "--port", "0").stderr


@pytest.mark.slow
def test_the_chinese_demo_is_written_with_chinese_punctuation() -> None:
    said = json.loads(cli("demo", "--language", "zh", "--speed", "0", "--json").stdout)["transcript"]
    assert [turn["content"] for turn in said if turn["content"][-1] not in "。？"] == []
    assert [turn["content"] for turn in said if re.search("[\u4e00-\u9fff][,.?!:]", turn["content"])] == []
