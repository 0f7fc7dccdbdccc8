"""Whatever dies, there is one campaign for each language, and each contact is rung once and accounted for."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.graph.crash.harness import CREATE_ASSISTANT, CREATE_CAMPAIGN, LAUNCH, Report, Stage, stage
from tests.graph.crash.table import DURABILITIES, MODES

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="children are forked"),
    # One warm process serves them all.
    pytest.mark.xdist_group("crash"),
]

NUMBERS = {"+12025550100": "en", "+12025550114": "en", "+33142685300": "fr"}
CAMPAIGN: dict[str, Any] = {
    "contacts": [{"phone": number, "language": language} for number, language in NUMBERS.items()],
    "prompt": "You are an AI assistant. Ask whether Tuesday suits them.",
    "prompts": {"fr": "Vous êtes une IA. Demandez si mardi leur convient."},
}
STEPS = ("read", "guard", "group", "choose_voice", "ensure_assistant", "preview", "create", "launch", "watch", "report")
REQUESTS = {"assistant": CREATE_ASSISTANT, "create": CREATE_CAMPAIGN, "launch": LAUNCH}


@dataclass(frozen=True)
class Death:
    """How a process that runs the campaign graph dies.

    Attributes:
        mode: How it runs the graph.
        durability: When checkpoints are written.
        stored: Whether a store has the rows.
        moment: Before or after the step or request.
        step: At which edge of a step it dies, or
        held: during which request,
        nth: and which of these.
        late: Whether that request takes effect though its sender is dead.
        keeps_state: Whether the checkpoints outlive it.
    """

    mode: str
    durability: str
    stored: bool
    moment: str
    step: str | None = None
    held: str | None = None
    nth: int = 1
    late: bool = False
    keeps_state: bool = True

    @property
    def name(self) -> str:
        """The combination in a few words."""
        where = self.step or f"{self.held} {self.nth}{' late' if self.late else ''}"
        kept = ("in a store" if self.stored else "in the state") + ("" if self.keeps_state else ", state lost")
        return f"{self.moment} {where}, {kept}, {self.mode}, {self.durability}"


def _deaths() -> Iterator[Death]:
    for at, (mode, durability) in enumerate(product(MODES, DURABILITIES)):
        for place, (step, moment) in enumerate(product(STEPS, ("before", "after"))):
            stored = (at + place) % 2 == 0
            yield Death(mode, durability, stored, moment, step)
        for held, nth, moment in product(("create", "launch"), (1, 2), ("before", "after")):
            yield Death(mode, durability, (at + nth) % 2 == 0, moment, held=held, nth=nth)
        yield Death(mode, durability, True, "after", held="assistant")
        for held in ("create", "launch"):
            yield Death(mode, durability, at % 2 == 0, "before", held=held, late=True)
            yield Death(mode, durability, at % 2 == 1, "after", held=held, keeps_state=False)


DEATHS = tuple(_deaths())
QUICK = {
    "before create, in a store, invoke, sync",
    "after create 1, in the state, invoke, sync",
    "before launch 2, in a store, invoke, sync",
    "after launch 1, in a store, ainvoke, sync",
    "before launch 1 late, in a store, invoke, exit",
}


@pytest.fixture(scope="module")
def world() -> Iterator[Stage]:
    with stage() as the_stage:
        yield the_stage


@pytest.mark.parametrize(
    "death",
    [pytest.param(death, id=death.name, marks=() if death.name in QUICK else pytest.mark.slow) for death in DEATHS],
)
def test_a_death_makes_no_second_campaign_and_rings_no_one_twice(death: Death, world: Stage, tmp_path: Path) -> None:
    with world.set(tmp_path):
        common = common_of(death, tmp_path)
        die(death, world, common)
        if not death.keeps_state:
            world.lose_state()
        report = world.run(**common)

        assert report.error is None, report.error["traceback"]
        assert report.question is None
        assert_each_rang_once(world)
        assert report.values["status"] == "completed"
        assert report.values["states"] == {"ended": len(NUMBERS)}
        assert world.assistants == 2


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.slow
def test_a_death_around_the_approval_asks_again_or_goes_on(
    durability: str, moment: str, world: Stage, tmp_path: Path
) -> None:
    with world.set(tmp_path):
        common = {**common_of(Death("invoke", durability, True, moment, "approve"), tmp_path), "graph": {}}
        if moment == "before":
            assert world.run(**common, die=["before", "approve"]).was_killed
            report = world.run(**common)
        else:
            shown = asked(world.run(**common))
            assert world.run(**common, answer=shown, die=["after", "approve"]).was_killed
            report = world.run(**common)
        assert moment == "after" or not world.sandbox.world.campaigns
        if report.question is not None:
            report = world.run(**common, answer=asked(report))
        assert_each_rang_once(world)
        assert report.values["states"] == {"ended": len(NUMBERS)}


@pytest.mark.slow
def test_there_are_enough_ways_to_die() -> None:
    assert len({death.name for death in DEATHS}) == len(DEATHS) >= 60
    assert len({death.name for death in DEATHS} & QUICK) == len(QUICK)


def common_of(death: Death, folder: Path) -> dict[str, Any]:
    return {
        "mode": death.mode,
        "durability": death.durability,
        "campaign": True,
        "store": str(folder / "contacts.db") if death.stored else None,
        "request": CAMPAIGN,
        "graph": {"approve": False},
    }


def die(death: Death, world: Stage, common: dict[str, Any]) -> None:
    """Bring a process to the point of its death, and kill it there."""
    if death.step is not None:
        assert world.run(**common, die=[death.moment, death.step]).was_killed
        return
    hold = world.sandbox.hold(REQUESTS[str(death.held)], death.moment, death.nth)
    child = world.start(**common)
    hold.wait_for_it()
    assert child.kill().was_killed
    hold.release(lost=not death.late)


def asked(report: Report) -> dict[str, Any]:
    assert report.question is not None
    answer: dict[str, Any] = report.question["answers"]["approve"]
    return answer


def assert_each_rang_once(world: Stage) -> None:
    campaigns = world.sandbox.world.campaigns.values()
    live = Counter(each.data["name"] for each in campaigns if not each.cancelled)
    assert sorted(live.values()) == [1, 1]
    orders = world.sandbox.world.book.values()
    rang = Counter(each.call["to_phone_number"] for each in orders for _ in range(each.call["calls_count"]))
    assert rang == dict.fromkeys(NUMBERS, 1)
