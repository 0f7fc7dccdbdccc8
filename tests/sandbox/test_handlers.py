"""One more operation is one handler, with a type for its answer where the SDK has none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from typing_extensions import TypedDict

from revox_langchain.connection.connection import Connection
from revox_langchain.errors import Unavailable
from revox_langchain.operations import OPERATIONS, GetCall, MakeCall
from revox_langchain.operations.operation import Operation, Risk, operation
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.api.handlers import HANDLERS, Asked, handles
from revox_langchain.sandbox.world.world import World


class Recording(TypedDict):
    url: str
    seconds: float


class Recordings(TypedDict):
    recordings: list[Recording]


class Some(TypedDict, total=False):
    """What the operation takes."""

    limit: int


def render(answer: Any, request: Any) -> str:
    return str(answer)


@operation("GET /call/recordings", risk=Risk.READ, render=render, answer="recordings")
class ListRecordings(Operation):
    """List the recordings."""

    limit: int = 10


@pytest.fixture
def answers() -> Iterator[list[dict[str, Any]]]:
    """A handler for an operation that the SDK does not have, and the recordings it answers."""
    recordings: list[dict[str, Any]] = [{"url": "https://recordings.revox.invalid/1.mp3", "seconds": 12.5}]

    @handles(ListRecordings, takes=Some, answer=Recordings)
    def list_recordings(world: World, asked: Asked) -> dict[str, Any]:
        return {"recordings": recordings[: asked.fields["limit"]]}

    yield recordings
    del HANDLERS[ListRecordings]


@pytest.fixture
def connection(answers: list[dict[str, Any]]) -> Connection:
    return Sandbox().connect()


def test_every_operation_has_a_handler_and_every_handler_an_operation() -> None:
    assert set(HANDLERS) == set(OPERATIONS)


def test_a_handler_is_all_that_an_operation_needs(connection: Connection, answers: list[dict[str, Any]]) -> None:
    assert connection.send(ListRecordings()) == {"recordings": answers, "sandbox": True}


def test_a_path_without_fields_is_found_before_one_with_a_field(connection: Connection) -> None:
    placed = connection.send(MakeCall(phone_number="+12025550100", prompt="P"))["call"]
    assert "recordings" in connection.send(ListRecordings())
    assert connection.send(GetCall(call_id=placed["id"]))["call"]["id"] == placed["id"]


@pytest.mark.parametrize("wrong", [{"url": "x"}, {"url": "x", "seconds": "long"}, {"url": None, "seconds": 1.0}])
def test_an_answer_that_does_not_have_its_declared_type_is_a_bug_in_the_sandbox(
    connection: Connection, answers: list[dict[str, Any]], wrong: dict[str, Any]
) -> None:
    answers[:] = [wrong]
    with pytest.raises(Unavailable, match="bug in the sandbox"):
        connection.send(ListRecordings())
