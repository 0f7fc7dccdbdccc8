"""Every known failure names itself, says what to do, and is no reason to repeat anything by itself."""

from __future__ import annotations

import copy
import json
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from langgraph.types import RetryPolicy

import revox_langchain
from revox_langchain import errors
from revox_langchain.errors import (
    AmbiguousLanguage,
    AnswerError,
    AuthError,
    ConcurrencyLimited,
    InvalidInput,
    NotFound,
    NoVoice,
    PlacementUnknown,
    RateLimited,
    Refused,
    RevoxToolError,
    TimedOut,
    Unavailable,
    UnknownLanguage,
    UnsupportedLanguage,
    near,
)
from tests.processes import patience_s

KINDS = {
    InvalidInput: "invalid",
    UnknownLanguage: "invalid",
    UnsupportedLanguage: "invalid",
    AmbiguousLanguage: "invalid",
    NoVoice: "invalid",
    AuthError: "auth",
    NotFound: "not_found",
    Refused: "refused",
    RateLimited: "rate_limited",
    ConcurrencyLimited: "concurrency_limited",
    Unavailable: "unavailable",
    TimedOut: "timeout",
    AnswerError: "answer",
    PlacementUnknown: "placement_unknown",
}
TREE = {
    UnknownLanguage: InvalidInput,
    UnsupportedLanguage: InvalidInput,
    AmbiguousLanguage: InvalidInput,
    NoVoice: InvalidInput,
    ConcurrencyLimited: RateLimited,
    TimedOut: Unavailable,
}
every_error = pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)


def make(cls: type[RevoxToolError], **more: Any) -> RevoxToolError:
    if cls is PlacementUnknown:
        return PlacementUnknown("It is not known.", intent_id="i1", phone_number="+12025550100")
    return cls("It went wrong.", **more)


def descendants(cls: type[RevoxToolError]) -> Iterator[type[RevoxToolError]]:
    for child in cls.__subclasses__():
        if child.__module__.startswith("revox_langchain"):
            yield child
            yield from descendants(child)


def test_the_tree_is_closed() -> None:
    assert set(descendants(RevoxToolError)) == set(KINDS)
    for cls in KINDS:
        assert cls.__mro__[1] is TREE.get(cls, RevoxToolError)


def test_the_drawing_is_the_tree() -> None:
    drawn = re.findall(r"[├└]── (\w+) +(?:\(code \w+\)|(\w+))", errors.__doc__ or "")
    assert {name: kind or "invalid" for name, kind in drawn} == {cls.__name__: kind for cls, kind in KINDS.items()}


@every_error
def test_the_kind_is_the_code_unless_something_finer_is_known(cls: type[RevoxToolError]) -> None:
    error = make(cls)
    assert error.kind == error.code == KINDS[cls]
    if cls is not PlacementUnknown:
        assert make(cls, code="finer").code == "finer"
        assert make(cls, code="finer").kind == KINDS[cls]


@every_error
def test_it_derives_from_runtime_error_so_that_servers_show_it(cls: type[RevoxToolError]) -> None:
    assert issubclass(cls, RuntimeError)


@every_error
def test_langgraphs_default_policy_does_not_repeat_it(cls: type[RevoxToolError]) -> None:
    retry_on: Any = RetryPolicy().retry_on
    assert retry_on(make(cls)) is False


@every_error
def test_its_text_is_what_is_wrong_and_what_to_do(cls: type[RevoxToolError]) -> None:
    error = make(cls)
    assert str(error) == f"{error.message} {error.next_step}".strip()
    if cls is not Refused:
        assert error.next_step
        assert error.next_step.endswith(".")
    assert make(Refused, next_step="Ask.").next_step == "Ask."


@every_error
def test_as_a_dict_it_is_plain_json_with_stable_keys(cls: type[RevoxToolError]) -> None:
    data = make(cls).as_dict()
    assert json.loads(json.dumps(data)) == data
    assert set(data) - {"details"} == {
        "code",
        "kind",
        "message",
        "next_step",
        "retry_safe",
        "retry_after_s",
        "docs_url",
    }


def test_details_are_in_the_dict_only_if_there_are_some() -> None:
    assert "details" not in make(NotFound).as_dict()
    error = make(NotFound, details={"http_status": 404})
    assert error.as_dict()["details"] == {"http_status": 404}
    assert error.http_status == 404


@pytest.mark.parametrize("details", [None, {}, {"http_status": "404"}, {"http_status": None}])
def test_without_a_status_there_is_none(details: Any) -> None:
    assert make(NotFound, details=details).http_status is None


@every_error
def test_nothing_is_safe_to_repeat_unless_somebody_says_so(cls: type[RevoxToolError]) -> None:
    assert make(cls).retry_safe is False
    assert make(cls).retry_after_s is None


def test_when_to_come_back_is_kept() -> None:
    error = RateLimited("Slow down.", retry_safe=True, retry_after_s=2.5)
    assert (error.as_dict()["retry_safe"], error.as_dict()["retry_after_s"]) == (True, 2.5)


def test_a_request_may_have_been_sent_unless_it_certainly_was_not() -> None:
    assert Unavailable("x").sent
    assert TimedOut("x").sent
    assert not Unavailable("x", sent=False).sent


def test_an_unknown_placing_names_the_intent_the_number_and_the_way_on() -> None:
    error = PlacementUnknown("Not known.", intent_id="i1", phone_number="+12025550100")
    assert error.as_dict()["details"] == {"intent_id": "i1", "phone_number": "+12025550100"}
    for words in (
        "Do not dial again",
        "recover(intent_id='i1'",
        "revox_recover_call",
        "revox-langchain recover",
        "new intent",
    ):
        assert words in str(error)


@every_error
def test_it_survives_being_sent_to_another_process(cls: type[RevoxToolError]) -> None:
    error = make(cls)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is cls
        assert twin.as_dict() == error.as_dict()
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


def test_an_empty_next_step_is_respected() -> None:
    assert str(InvalidInput("Wrong.", next_step="")) == "Wrong."


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("make_cal", "; did you mean 'make_call'?"),
        ("zzz", "."),
        ("", "."),
    ],
)
def test_what_is_near_ends_the_sentence(name: str, end: str) -> None:
    assert near(name, ["make_call", "get_voice"]) == end


def test_at_most_three_names_are_near() -> None:
    assert near("abcd", ["abcda", "abcdb", "abcdc", "abcdd"]).count(" or ") == 2


def test_the_errors_people_catch_are_public() -> None:
    for name in ("RevoxToolError", "InvalidInput", "Refused", "PlacementUnknown"):
        assert name in revox_langchain.__all__


WRONG = [
    {"prompt": ""},
    {"prompt": "Bonjour, confirmez le rendez-vous.", "language": "klingon"},
    {"prompt": "Bonjour, confirmez le rendez-vous.", "scheduled_at": "tomorrow"},
    {"assistant_id": "nobody"},
]


@pytest.mark.slow
@pytest.mark.parametrize("given", WRONG, ids=lambda given: list(given)[-1])
def test_a_traceback_ends_with_the_message_whole(given: dict[str, str]) -> None:
    script = (
        "import json, sys\n"
        "from revox_langchain import RevoxToolError\n"
        "from revox_langchain.graph import call_graph\n"
        "from revox_langchain.sandbox import Sandbox\n"
        "try:\n"
        "    call_graph(Sandbox().connect()).invoke(json.loads(sys.argv[1]))\n"
        "except RevoxToolError as error:\n"
        "    print(f'{type(error).__module__}.{type(error).__qualname__}: {error}')\n"
        "    raise\n"
    )
    request = json.dumps({"phone_number": "+33142685300", **given})
    done = subprocess.run(
        [sys.executable, "-c", script, request], capture_output=True, text=True, timeout=patience_s(), check=False
    )
    assert done.returncode == 1
    assert done.stdout.strip()
    assert done.stderr.splitlines()[-1] == done.stdout.strip()


@pytest.mark.slow
def test_notes_that_others_add_are_kept() -> None:
    error = InvalidInput("No.")
    error.add_note("During task with name 'prepare' and id '1'")
    error.add_note("seen by the shop")
    assert error.__notes__ == ["seen by the shop"]
