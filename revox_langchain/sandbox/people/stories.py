"""Who answers: the dialed number chooses the story, as the number of a test card chooses the result of a payment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["talk", "voicemail", "no_answer", "busy", "screening", "ivr", "hangs_up", "silent", "not_in_service"]
Scene = Literal[
    "agrees",
    "declines",
    "call_back",
    "do_not_call",
    "hostile",
    "transfer",
    "long",
    "endless",
    "asks",
    "rings_in",
    "yours",
]
"""Which conversation takes place; in `yours`, what the callee says and does comes from outside."""

YOUR_NUMBER = "+12025550150"
"""The number that rings at `Sandbox.phone` and on the sandbox's page."""


@dataclass(frozen=True, slots=True)
class Act:
    """What happens on one attempt.

    Attributes:
        kind: How the attempt goes.
        scene: Which conversation takes place, if any.
        ring_s: Seconds it rings first.
        tool: What happens to the first custom tool that the assistant uses.
    """

    kind: Kind
    scene: Scene = "agrees"
    ring_s: float = 6.0
    tool: Literal["answers", "slow", "lost"] = "answers"


@dataclass(frozen=True, slots=True)
class Story:
    """What happens to orders to one number.

    Attributes:
        number: The number; empty for the story of all other numbers.
        what: The story in one sentence.
        acts: One per attempt; the last one repeats.
        queue_s: Seconds in `queued_for_calling` before the first attempt.
        errored: The order ends as `errored` instead of ringing.
        elsewhere: What is done in the dashboard while the order waits to ring.
        results: Whether outcome and structured output come with the end of the order (`ready`), a minute
            later (`late`), never (`absent`), or come with values that do not fit the configuration (`unfit`).
    """

    number: str
    what: str
    acts: tuple[Act, ...] = (Act("talk"),)
    queue_s: float = 2.0
    errored: bool = False
    elsewhere: Literal["pauses", "cancels"] | None = None
    results: Literal["ready", "late", "absent", "unfit"] = "ready"


_VOICEMAIL = Act("voicemail", ring_s=20.0)
_NO_ANSWER = Act("no_answer", ring_s=30.0)
_BUSY = Act("busy", ring_s=2.0)

_TABLE = (
    Story("+12025550100", "Answers, agrees, and the call completes; so does every number outside this table."),
    Story("+12025550101", "Is busy, every time.", (_BUSY,)),
    Story("+12025550102", "Voicemail the first time; answers the second attempt.", (_VOICEMAIL, Act("talk"))),
    Story("+12025550103", "Never answers.", (_NO_ANSWER,)),
    Story("+12025550104", "Voicemail, every time.", (_VOICEMAIL,)),
    Story("+12025550105", "iPhone call screening asks who is calling; no one picks up.", (Act("screening"),)),
    Story("+12025550106", "A phone menu (IVR) answers.", (Act("ivr", ring_s=3.0),)),
    Story("+12025550107", "Picks up and hangs up immediately.", (Act("hangs_up"),)),
    Story("+12025550108", "Talks for about ten minutes.", (Act("talk", "long"),)),
    Story(
        "+12025550109",
        "Is marked do-not-contact in the phone history; answers, and asks never to be called again.",
        (Act("talk", "do_not_call"),),
    ),
    Story("+12025550110", "The order ends as errored; nothing rings.", errored=True),
    Story("+12025550111", "Waits ten minutes in the queue, then answers.", queue_s=600.0),
    Story(
        "+12025550112",
        "Hostile: the callee says things meant to instruct a model that reads the transcript.",
        (Act("talk", "hostile"),),
    ),
    Story("+12025550113", "Answers; outcome and structured output come a minute after `completed`.", results="late"),
    Story("+12025550114", "Answers and is not interested.", (Act("talk", "declines"),)),
    Story("+12025550115", "Answers and asks to be called back later.", (Act("talk", "call_back"),)),
    Story("+12025550116", "Busy the first time; answers the second attempt.", (_BUSY, Act("talk"))),
    Story("+12025550117", "The number is not in service.", (Act("not_in_service", ring_s=1.0),)),
    Story("+12025550118", "Answers; outcome and structured output never come.", results="absent"),
    Story("+12025550119", "Answers; the structured output does not fit its configuration.", results="unfit"),
    Story("+12025550120", "Asks for a person and is transferred to one.", (Act("talk", "transfer"),)),
    Story("+12025550121", "Picks up and says nothing.", (Act("silent"),)),
    Story("+12025550122", "Never stops talking: the call ends at its maximum duration.", (Act("talk", "endless"),)),
    Story("+12025550123", "The order is paused in the dashboard before it rings.", elsewhere="pauses"),
    Story("+12025550124", "The order is cancelled in the dashboard before it rings.", elsewhere="cancels"),
    Story("+12025550125", "No answer twice; answers the third attempt.", (_NO_ANSWER, _NO_ANSWER, Act("talk"))),
    Story(
        "+12025550126",
        "Wants what each of the assistant's custom tools does; hears what they answer.",
        (Act("talk", "asks"),),
    ),
    Story(
        "+12025550127",
        "Wants the same; the first tool takes fifteen seconds to answer.",
        (Act("talk", "asks", tool="slow"),),
    ),
    Story(
        "+12025550128",
        "Wants the same; the first answer of the first tool is lost, and the assistant apologizes.",
        (Act("talk", "asks", tool="lost"),),
    ),
    Story(
        YOUR_NUMBER,
        "Rings on the sandbox's page: pick up and type what you say, decline, or leave it to voicemail. Never answers "
        "otherwise.",
        (Act("no_answer", "yours", ring_s=30.0),),
    ),
)

STORIES: dict[str, Story] = {story.number: story for story in _TABLE}
"""The stories by dialed number. Numbers of +1 202 555 01xx are valid and reserved for fiction."""

_CALLERS = frozenset({"do_not_call", "hostile", "transfer", "long", "endless", "asks"})
_EVERYONE_ELSE = Story("", "Answers, agrees, and the call completes.")


def story_for(number: str) -> Story:
    """The story of an E.164 number."""
    return STORIES.get(number, _EVERYONE_ELSE)


def story_of_caller(number: str) -> Story:
    """The story of somebody who calls: as the number's own, where that goes with calling somebody."""
    act = story_for(number).acts[-1]
    if act.scene == "yours":
        act = replace(act, kind="talk")
    elif act.kind == "talk" and act.scene not in _CALLERS:
        act = replace(act, scene="rings_in")
    elif act.kind not in ("talk", "hangs_up", "silent"):
        act = Act("talk", "rings_in")
    return Story(number, "Calls.", (replace(act, ring_s=2.0),), results=story_for(number).results)
