"""What can go wrong around one call, what the caller then sees, and how many orders there are.

Declared here once. `test_faults.py` and `test_crash.py` make each of it happen; the README's table "What
happens when …" is printed from it (`scripts/generate_fault_table.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any, Literal

MODES = ("invoke", "ainvoke")
DURABILITIES = ("sync", "async", "exit")
Ends = Literal["completed", "refused", "asks", "raises"]


@dataclass(frozen=True)
class Row:
    """A line of the README's table.

    Attributes:
        what: What happens.
        sees: What the caller sees.
        orders: How many orders there are, in words.
        at_most: The same as a number: never more.
    """

    what: str
    sees: str
    orders: str
    at_most: int = 1


ROWS: dict[str, Row] = {
    "acted": Row(
        "The answer to `POST /call` gets lost, comes too late, or is a 5xx, 408, 409, 425, a redirect, an HTML page, "
        "half a JSON or nothing; Revox had acted",
        "The order is found by its mark and followed to its end (`adopted: true`)",
        "1",
    ),
    "not_acted": Row(
        "The same, and Revox had not acted",
        "After `settle_s` a question: `look_again`, `dial` or `give_up`; without a checkpointer `PlacementUnknown` "
        "with intent id and number",
        "0; 1 once the answer is `dial`",
    ),
    "slow": Row("The answer is slow, but comes", "Nothing unusual", "1"),
    "refused": Row("Revox refuses the order (any other 4xx)", '`status: "refused"`, `error` in Revox\'s words', "0", 0),
    "limited_once": Row("Revox says to slow down (429)", "A pause, another look, then the order", "1"),
    "limited": Row("Revox keeps saying so", '`status: "refused"`, `error` with code `rate_limited`', "0", 0),
    "unopened_once": Row("The connection does not open", "It is tried again: nothing had been sent", "1"),
    "unopened": Row(
        "The connection never opens",
        "`Unavailable` is raised; going on (`invoke(None)`) places the call once Revox can be reached",
        "0, then 1",
    ),
    "blind_before": Row(
        "The search fails before the dial",
        "`Unavailable` is raised, nothing was dialed; going on places it",
        "0, then 1",
    ),
    "blind_after": Row(
        "The search fails after the dial", "The call is followed; a warning says that it was not seen in search", "1"
    ),
    "blind_lost": Row("The answer gets lost and the search fails", "The question; `look_again` finds the order", "1"),
    "lag": Row("The answer gets lost and the search lags, by less than `settle_s`", "The order is found", "1"),
    "long_lag": Row("… by more than `settle_s`", "The question; `look_again` finds the order", "1"),
    "pages": Row("The answer gets lost and search pages are numbered from 0", "The order is found", "1"),
    "deaf": Row("Reading the call fails while waiting", "The wait goes on", "1"),
    "killed_early": Row(
        "The process is killed before `arm`, or the assistant was being created",
        "Going on, or the same input again, places the call; no second assistant",
        "1",
    ),
    "killed_armed": Row(
        "… between `arm` and `POST /call`, or during a POST that Revox did not act upon",
        "`sync`, `async`: the question. `exit`: the same input again looks for `settle_s`, then places the call",
        "0, then 1",
    ),
    "killed_posting": Row(
        "… during a POST that Revox acted upon, also if that happens only after the death",
        "The order is found and followed to its end",
        "1",
    ),
    "killed_looking": Row("… while a lost or unreadable answer is being looked for", "The same", "1"),
    "killed_late": Row("… any time later: after `place_call`, in `wait`, in `report`", "The same", "1"),
    "killed_lag": Row(
        "… during the POST, and the search lags by more than `settle_s`",
        "The question; `look_again` finds the order",
        "1",
    ),
    "state_lost": Row(
        "… at any of these points, and the state is lost as well",
        "The same thread and input again: the order is found, or placed if there is none",
        "1",
    ),
    "state_lost_lag": Row(
        "… and the search does not show the order yet when the input is submitted again",
        "`sync`, `async`: the earlier order stays, the other is cancelled, and the result says so. `exit`: it is found "
        "within `settle_s`",
        "2, one of them cancelled (it may have rung)",
        2,
    ),
    "killed_dialing": Row(
        "… during the POST that an answer `dial` permitted",
        "The order is found; if there is none, the question again: one answer permits one POST",
        "1",
    ),
    "killed_approving": Row("… around the approval", "The question again, or going on where the answer was saved", "1"),
    "studio": Row(
        "`langgraph dev` is stopped during the POST and started again; it runs the step again by itself",
        "The order is found; if there is none, the question",
        "1",
    ),
    "cancelled": Row(
        "The run is cancelled during the POST, then resumed", "The order is found; if there is none, the question", "1"
    ),
    "thrice": Row("A thread is resumed three times at once", "All three follow the same order", "1"),
    "twice": Row("The same input is submitted twice", "The second adopts the order of the first", "1"),
    "resubmitted": Row(
        "The same input is submitted again after a death during the POST, instead of going on",
        "The order is found, or placed if there is none",
        "1",
    ),
    "fork": Row("A run is forked from an earlier checkpoint", "The order is found", "1"),
    "race": Row(
        "Two processes dial the same intent at the same moment",
        "The earlier order stays, the other is cancelled, and the result says so",
        "2, one of them cancelled (it may have rung)",
        2,
    ),
    "wrong_answer": Row(
        "The question is answered with `False`, `{}`, `None` or nonsense", "The question stays open", "0", 0
    ),
    "retry_policy": Row(
        "A `RetryPolicy()` around the graph in one's own, and the answer gets lost", "The order is found", "1"
    ),
    "opt_in": Row(
        '`on_unknown="dial"`, and the answer gets lost',
        "It is dialed once more, and never a third time",
        "at most 2",
        2,
    ),
}


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with a request, while the process lives.

    Attributes:
        row: Line of the README it belongs to.
        name: What it is called in the name of a test.
        faults: What the sandbox does.
        later: What else it does once a `POST /call` has arrived; for ever.
        switches: How the sandbox is set.
        ends: How the graph ends: a final status, `asks`, or `raises`.
        ends_unsaved: The same under `exit`, where it may have been another process that dialed.
        orders: How many orders there are then.
        adopted: Whether the order was found rather than placed.
        code: Code of the error in the output.
        warns: What a warning says.
    """

    row: str
    name: str
    faults: tuple[dict[str, Any], ...]
    ends: Ends
    orders: int
    adopted: bool = False
    code: str | None = None
    warns: str | None = None
    switches: dict[str, Any] = field(default_factory=dict)
    later: tuple[dict[str, Any], ...] = ()
    ends_unsaved: Ends | None = None


_POST = "revox_make_call"
_SEARCH = "revox_get_call_history"
_LOST: dict[str, Any] = {"kind": "lose_after", "on": _POST}
_PASSING = (408, 409, 425, 500, 502, 503, 504)
_FINAL = (400, 401, 402, 403, 404, 413, 415, 422)


def _faults() -> Iterator[Fault]:
    for kind in ("lose_after", "html", "truncated", "empty", "redirect", "server_error_after"):
        yield Fault("acted", kind, ({"kind": kind, "on": _POST},), "completed", 1, adopted=True)
    yield Fault("acted", "too late", ({"kind": "delay", "on": _POST, "seconds": 90},), "completed", 1, adopted=True)
    for kind in ("lose_before", "html_before", "server_error"):
        yield Fault("not_acted", kind, ({"kind": kind, "on": _POST},), "asks", 0, code="placement_unknown")
    for status in _PASSING:
        fault = {"kind": "status", "on": _POST, "status": status}
        yield Fault("acted", f"{status} after", ({**fault, "acts": True},), "completed", 1, adopted=True)
        yield Fault("not_acted", f"{status} before", (fault,), "asks", 0, code="placement_unknown")
    yield Fault("slow", "slow", ({"kind": "delay", "on": _POST, "seconds": 20},), "completed", 1)
    for status in _FINAL:
        yield Fault("refused", f"{status}", ({"kind": "status", "on": _POST, "status": status},), "refused", 0)
    for kind in ("rate_limited", "concurrency_limited"):
        limit = {"kind": kind, "on": _POST, "retry_after_s": 2}
        yield Fault("limited_once", f"{kind} once", (limit,), "completed", 1)
        yield Fault("limited", f"{kind} always", ({**limit, "times": None},), "refused", 0, code=kind)
    closed = {"kind": "connect_error", "on": _POST}
    yield Fault("unopened_once", "no connection once", (closed,), "completed", 1)
    yield Fault("unopened", "no connection", ({**closed, "times": None},), "raises", 0)
    down = {"kind": "server_error", "on": _SEARCH, "status": 503, "times": None}
    yield Fault("blind_before", "no search", (down,), "raises", 0, ends_unsaved="asks")
    yield Fault("blind_after", "no search later", (), "completed", 1, later=(down,), warns="did not show up")
    yield Fault("blind_lost", "lost, no search", (_LOST,), "asks", 1, later=(down,), code="placement_unknown")
    yield Fault("lag", "lost, search lags", (_LOST,), "completed", 1, adopted=True, switches={"search_lag_s": 10})
    yield Fault(
        "long_lag",
        "lost, search lags long",
        (_LOST,),
        "asks",
        1,
        code="placement_unknown",
        switches={"search_lag_s": 40},
    )
    for name, switches in (
        ("pages from 0", {"page_base": 0}),
        ("page 0 is page 1", {"refuse_page_zero": False}),
        ("no page past the end", {"page_base": 0, "refuse_page_past_end": True}),
    ):
        yield Fault("pages", name, (_LOST,), "completed", 1, adopted=True, switches=switches)
    yield Fault(
        "deaf", "unreadable call", ({"kind": "server_error", "on": "revox_get_call", "times": 7},), "completed", 1
    )
    yield Fault("deaf", "html for a call", ({"kind": "html", "on": "revox_get_call", "times": 7},), "completed", 1)


FAULTS: tuple[Fault, ...] = tuple(_faults())

WRONG: tuple[Any, ...] = (
    False,
    True,
    {},
    None,
    "nonsense",
    "",
    "Dial",
    0,
    1,
    [],
    ["dial"],
    {"decision": "yes"},
    {"decision": None},
    {"decision": "dial", "sure": True},
    {"decision": ["dial"]},
)
"""Answers to the question after an unknown outcome that are none."""


@dataclass(frozen=True)
class Death:
    """A process killed at one point, and what the next one must make of it.

    Attributes:
        row: Line of the README it belongs to.
        mode: `invoke` or `ainvoke`.
        durability: As langgraph calls it.
        step: Step at whose edge the process dies; None if a request is held instead.
        moment: Before or after the step; before or after Revox acted on the held request.
        held: Which request is held: `post` or `search` (the first one after the POST).
        late: Whether the held request takes effect after the death.
        nested: Whether the call graph is a step of another graph.
        keeps_state: Whether the database survives.
        resubmits: Whether the next process submits the input again although there is a state.
        faults: What else goes wrong.
        lag_s: How many seconds on the wall a new order cannot be found.
        answered: What the question before the kill was answered with; the kill comes after that.
        orders: How many orders there are when the next process starts (or the held request has taken effect).
        asks: Whether the next process asks what to do about an unknown outcome.
        answer: What that question is answered with.
    """

    row: str
    mode: str
    durability: str
    step: str | None = None
    moment: str = "before"
    held: str | None = None
    late: bool = False
    nested: bool = False
    keeps_state: bool = True
    resubmits: bool = False
    faults: tuple[dict[str, Any], ...] = ()
    lag_s: float = 0.0
    answered: str | None = None
    orders: int = 0
    asks: Literal["yes", "no", "either"] = "no"
    answer: str = "dial"

    @property
    def name(self) -> str:
        """The combination in a few words, unique in the table."""
        where = (
            f"{self.moment} {self.step}" if self.step else f"{self.held} {self.moment}{' late' if self.late else ''}"
        )
        more = [
            self.row.replace("_", " "),
            where,
            "nested" if self.nested else "",
            "" if self.keeps_state else "state lost",
            "resubmitted" if self.resubmits else "",
            "+".join(str(fault["kind"]) for fault in self.faults),
            f"lag {self.lag_s:g}" if self.lag_s else "",
            f"after {self.answered}" if self.answered else "",
            self.mode,
            self.durability,
        ]
        return ", ".join(part for part in more if part)


_STEPS = ("prepare", "choose_voice", "ensure_assistant", "arm", "place_call", "wait", "report")
_EDGES = tuple((moment, step) for step in _STEPS for moment in ("before", "after"))
_ARMED = _EDGES.index(("after", "arm"))
_PLACED = _EDGES.index(("after", "place_call"))
_ANSWERS = ("dial", "give_up", "look_again")


def _deaths() -> Iterator[Death]:
    for mode, durability in product(MODES, DURABILITIES):
        kept = durability != "exit"
        answer = _ANSWERS[(MODES.index(mode) + DURABILITIES.index(durability)) % 3]
        for at, (moment, step) in enumerate(_EDGES):
            row = "killed_late" if at >= _PLACED else "killed_armed" if at >= _ARMED else "killed_early"
            asks: Literal["yes", "no", "either"] = "no"
            if kept and row == "killed_armed":
                # Under `sync` a finished step's checkpoint is on disk before the next step begins, not before it ends.
                asks = "yes" if (durability, moment) == ("sync", "before") else "either"
            placed = int(at >= _PLACED)
            edge = Death(row, mode, durability, step, moment, orders=placed, asks=asks, answer=answer)
            yield edge
            if MODES.index(mode) == at % 2:
                yield Death("state_lost", mode, durability, step, moment, orders=placed, keeps_state=False)
        for moment in ("before", "after"):
            yield Death("killed_approving", mode, durability, "approve", moment)
            yield Death("killed_early", mode, durability, held="create", moment=moment)
        unknown: Literal["yes", "no"] = "yes" if kept else "no"
        posting = partial(Death, mode=mode, durability=durability, held="post")
        yield posting("killed_armed", moment="before", asks=unknown, answer=answer)
        yield posting("killed_posting", moment="before", late=True, orders=1)
        yield posting("killed_posting", moment="after", orders=1)
        yield posting("killed_armed", moment="before", nested=True, asks=unknown, answer=answer)
        yield posting("killed_posting", moment="after", nested=True, orders=1)
        yield posting("state_lost", moment="before", keeps_state=False)
        yield posting("state_lost", moment="after", keeps_state=False, orders=1)
        yield posting("resubmitted", moment="before", resubmits=True)
        yield posting("resubmitted", moment="after", resubmits=True, orders=1)
        yield posting("resubmitted", moment="after", resubmits=True, lag_s=0.3, orders=1)
        for step_back, orders in (("before", 0), ("after", 1)):
            # Under `exit` the answer is not saved either: the same question stands again, whatever has happened.
            yield posting(
                "killed_dialing",
                moment=step_back,
                answered="dial",
                orders=orders,
                asks="no" if orders and kept else "yes",
                answer="give_up" if kept else "dial",
            )
        if kept:
            yield posting("killed_lag", moment="after", lag_s=2.0, orders=1, asks="yes", answer="look_again")
        for kind in ("lose_after", "truncated", "server_error_after"):
            fault = {"kind": kind, "on": _POST}
            yield Death("killed_looking", mode, durability, held="search", moment="before", faults=(fault,), orders=1)


DEATHS: tuple[Death, ...] = tuple(_deaths())


def _is_quick(death: Death) -> bool:
    if death.nested or (death.mode, death.durability) not in (("invoke", "sync"), ("ainvoke", "async")):
        return False
    if death.row == "state_lost":
        return (death.held, death.moment, death.mode) == ("post", "after", "invoke")
    if death.held == "post":
        return death.row in ("killed_armed", "killed_posting") or (death.row, death.mode) == (
            "killed_dialing",
            "invoke",
        )
    return (death.moment, death.step) in (("before", "place_call"), ("after", "place_call"))


QUICK = frozenset(death.name for death in DEATHS if _is_quick(death))
"""The dozen that runs every time."""
