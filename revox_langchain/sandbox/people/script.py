"""What is said on an attempt, turn by turn; a generator, since what a tool answers decides how it goes on."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator

from revox_langchain.sandbox.people.lines.phrasebook import Phrasebook, Turns, phrasebook
from revox_langchain.sandbox.people.model_script import model_script
from revox_langchain.sandbox.people.person import person_script
from revox_langchain.sandbox.people.plan import Brief, Ending, Heard, Step, ToolUse
from revox_langchain.sandbox.people.stories import Act, Scene
from revox_langchain.sandbox.people.timing import LONG_TALK_S, SLOWNESS, duration_s
from revox_langchain.sandbox.people.wishes import label_of, spoken, wished

Turn = tuple[str, str]
Script = Generator[Step, Heard | None, Ending]
"""Yields who says what, and what is asked outside, and is sent what came of that."""

HUNG_UP_AFTER_S = 0.3
_SLOW_TOOL_S = 15.0


def script(act: Act, brief: Brief) -> Script:
    """The conversation of an attempt that is answered."""
    phrases = phrasebook(brief.language)
    hello = ("assistant", brief.first_sentence or (phrases.welcome if brief.inbound else phrases.hello))
    if act.kind == "voicemail":
        message = [("assistant", brief.voicemail_message)] if brief.voicemail_message else []
        yield from [("user", phrases.voicemail), *message]
        return Ending("voicemail", "agent", "voicemail", 1.0)
    if act.kind == "screening":
        yield from [("user", phrases.screening), hello]
        return Ending("ios-screening-filter", "agent", "user_unavailable", 15.0)
    if act.kind == "ivr" and not brief.navigates_menus:
        yield "user", phrases.menu
        return Ending("IVR", "agent", "ivr_no_navigate", 4.0)
    if act.kind == "silent":
        yield hello
        return Ending("unknown", "agent", "user_inactive", 12.0)
    if act.kind == "hangs_up":
        yield from [("user", phrases.pick_up), hello]
        return Ending("human", "user", None, HUNG_UP_AFTER_S)
    if act.kind == "ivr":
        yield from [("user", phrases.menu), ("tool", "press_digit")]
    if brief.prompt is not None:
        return (yield from model_script(act, brief))
    if act.scene == "yours":
        return (yield from person_script(brief, phrases, hello[1]))
    if act.kind != "ivr" and brief.person_first:
        yield "user", phrases.pick_up
    yield hello
    if act.scene == "asks" and brief.tools:
        yield from _wishes(act, brief, phrases)
    else:
        yield from _scene(act, brief, phrases)
    return _ending(act)


def _ending(act: Act) -> Ending:
    if act.scene == "do_not_call":
        return Ending("human", "user", None, HUNG_UP_AFTER_S)
    return Ending("human", "agent", "transfer" if act.scene == "transfer" else "tool_end_call", 0.5)


def _scene(act: Act, brief: Brief, phrases: Phrasebook) -> Iterator[Turn]:
    if act.scene in ("long", "endless"):
        first, *rest = phrases.scenes["rings_in" if brief.inbound else "agrees"]
        yield from [first, *_chatter(act, brief, phrases), *rest]
    else:
        usual: Scene = "rings_in" if brief.inbound else "agrees"
        yield from phrases.scenes[usual if act.scene == "asks" else act.scene]
    if act.scene == "transfer":
        yield "user", phrases.goodbye
    elif act.scene != "do_not_call":
        yield from _farewell(brief, phrases)


def _wishes(act: Act, brief: Brief, phrases: Phrasebook) -> Generator[Turn | ToolUse, Heard | None, None]:
    """The callee wants what each of the assistant's tools does, one after another."""
    answers: list[str] = []
    for number, tool in enumerate(brief.tools):
        yield "user", phrases.request.replace("{tool}", label_of(tool["description"]))
        wishes = wished(tool, act, phrases, brief, answers)
        for wish in wishes:
            yield "assistant", phrases.question.replace("{label}", wish.label)
            yield "user", wish.words
        yield "assistant", phrases.moment
        slow, lost = number == 0 and act.tool == "slow", number == 0 and act.tool == "lost"
        heard = yield ToolUse(
            tool,
            {wish.name: wish.value for wish in wishes},
            takes_s=_SLOW_TOOL_S if slow else 0.0,
            lost=lost,
            meanwhile=(("user", phrases.still_there), ("assistant", phrases.patience)) if slow else (),
        )
        if heard is None or heard.failed:
            yield "assistant", phrases.sorry
            continue
        answers.append(heard.output)
        yield "assistant", spoken(heard.output)
        yield "user", phrases.thanks
    yield from _farewell(brief, phrases)


def _farewell(brief: Brief, phrases: Phrasebook) -> Iterator[Turn]:
    yield from _asked(brief, phrases)
    yield "assistant", brief.goodbye or phrases.goodbye


def _chatter(act: Act, brief: Brief, phrases: Phrasebook) -> Turns:
    seconds = LONG_TALK_S if act.scene == "long" else brief.max_s
    once_s = sum(duration_s(text, brief.language, SLOWNESS[act.scene]) + 0.8 for _, text in phrases.filler)
    return phrases.filler * max(1, round(seconds / once_s))


def _asked(brief: Brief, phrases: Phrasebook) -> Iterable[Turn]:
    for label, answer in brief.answers:
        yield "assistant", phrases.question.replace("{label}", label)
        yield "user", answer
