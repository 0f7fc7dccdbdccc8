"""How an attempt goes: who says what and when, decided before the phone rings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.people.lines.phrasebook import Phrasebook, Turns, phrasebook
from revox_langchain.sandbox.people.stories import Act

_SECONDS_PER_CHARACTER = {"zh": 0.22}
_SLOWNESS = {"long": 2.0, "endless": 3.0}
_LONG_TALK_S = 600.0
_HUNG_UP_AFTER_S = 0.3


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of a conversation; times are in seconds since the callee picked up."""

    role: str
    content: str
    start_s: float
    stop_s: float
    cut: bool = False
    tool_arguments: JsonObject | None = None

    def as_turn(self) -> JsonObject:
        """The turn as an item of a transcript."""
        if self.role != "tool":
            return {"role": self.role, "content": self.content}
        return {
            "role": "tool",
            "content": "",
            "tool_name": self.content,
            "tool_arguments": self.tool_arguments or {},
            "tool_output": "ok",
            "tool_is_error": False,
        }


@dataclass(frozen=True, slots=True)
class Brief:
    """What an attempt needs to know of the order and its assistant.

    Attributes:
        language: One of Revox's eight.
        first_sentence: What the assistant says first, variables filled; None for the language's own.
        person_first: Whether the callee speaks first.
        delay_s: Pause before the first sentence.
        goodbye: What the assistant ends with; None for the language's own.
        voicemail_message: What is left on a voicemail; None hangs up.
        navigates_menus: Whether the assistant can navigate a phone menu.
        max_s: Maximum length of the conversation.
        max_end_message: What the assistant says when it is reached.
        answers: Questions the assistant asks for its structured output, and the spoken answers.
    """

    language: str = "en"
    first_sentence: str | None = None
    person_first: bool = False
    delay_s: float = 0.4
    goodbye: str | None = None
    voicemail_message: str | None = None
    navigates_menus: bool = False
    max_s: float = 1800.0
    max_end_message: str | None = None
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """An attempt from dialing to hanging up.

    Attributes:
        ring_s: Seconds it rings.
        said: All that is said; empty if the call is not answered.
        talk_s: Seconds from picking up to the end; None if the call is not answered.
        dial_error: Why the call was not answered, in Revox's terms.
        result: Who or what answered, in Revox's terms.
        ended_by: Who hung up.
        end_reason: Why.
    """

    ring_s: float
    said: tuple[Said, ...] = ()
    talk_s: float | None = None
    dial_error: str | None = None
    result: str | None = None
    ended_by: str | None = None
    end_reason: str | None = None


def plan_attempt(act: Act, brief: Brief, chance: Random) -> Plan:
    """Decide how one attempt goes."""
    phrases = phrasebook(brief.language)
    if act.kind in ("no_answer", "busy", "not_in_service"):
        error = "number_non_attributed" if act.kind == "not_in_service" else act.kind
        return Plan(act.ring_s, dial_error=error)
    said, result, ended_by, end_reason, trailing_s = _conversation(act, brief, phrases)
    timed = _timed(said, brief, chance, _SLOWNESS.get(act.scene, 1.0) if act.kind == "talk" else 1.0)
    if act.kind == "hangs_up" and timed:
        timed[-1] = replace(timed[-1], stop_s=timed[-1].start_s + 1.5, cut=True)
    talk_s = (timed[-1].stop_s if timed else 0.0) + trailing_s
    if talk_s > brief.max_s or act.scene == "endless":
        timed, talk_s = _cut_off(timed, brief)
        ended_by, end_reason = "system", "max_duration"
    return Plan(act.ring_s, tuple(timed), talk_s, None, result, ended_by, end_reason)


def _conversation(
    act: Act, brief: Brief, phrases: Phrasebook
) -> tuple[list[tuple[str, str]], str, str | None, str | None, float]:
    """What is said, then the result, who hangs up, why, and after how many seconds of silence."""
    hello = ("assistant", brief.first_sentence or phrases.hello)
    if act.kind == "voicemail":
        message = [("assistant", brief.voicemail_message)] if brief.voicemail_message else []
        return [("user", phrases.voicemail), *message], "voicemail", "agent", "voicemail", 1.0
    if act.kind == "screening":
        said = [("user", phrases.screening), hello]
        return said, "ios-screening-filter", "agent", "user_unavailable", 15.0
    if act.kind == "ivr" and not brief.navigates_menus:
        return [("user", phrases.menu)], "IVR", "agent", "ivr_no_navigate", 4.0
    if act.kind == "silent":
        return [hello], "unknown", "agent", "user_inactive", 12.0
    if act.kind == "hangs_up":
        return [("user", phrases.pick_up), hello], "human", "user", None, _HUNG_UP_AFTER_S
    opening: list[tuple[str, str]] = [("user", phrases.pick_up)] if brief.person_first else []
    if act.kind == "ivr":
        opening = [("user", phrases.menu), ("tool", "press_digit")]
    return [*opening, hello, *_scene(act, brief, phrases)], "human", *_ending(act)


def _ending(act: Act) -> tuple[str, str | None, float]:
    if act.scene == "do_not_call":
        return "user", None, _HUNG_UP_AFTER_S
    return "agent", "transfer" if act.scene == "transfer" else "tool_end_call", 0.5


def _scene(act: Act, brief: Brief, phrases: Phrasebook) -> list[tuple[str, str]]:
    goodbye = ("assistant", brief.goodbye or phrases.goodbye)
    if act.scene in ("long", "endless"):
        agrees = list(phrases.scenes["agrees"])
        return [agrees[0], *_chatter(act, brief, phrases), *agrees[1:], *_asked(brief, phrases), goodbye]
    scene = list(phrases.scenes[act.scene])
    if act.scene == "do_not_call":
        return scene
    if act.scene == "transfer":
        return [*scene, ("user", phrases.goodbye)]
    return [*scene, *_asked(brief, phrases), goodbye]


def _chatter(act: Act, brief: Brief, phrases: Phrasebook) -> Turns:
    seconds = _LONG_TALK_S if act.scene == "long" else brief.max_s
    once_s = sum(_duration_s(text, brief.language, _SLOWNESS[act.scene]) + 0.8 for _, text in phrases.filler)
    return phrases.filler * max(1, round(seconds / once_s))


def _asked(brief: Brief, phrases: Phrasebook) -> Iterable[tuple[str, str]]:
    for label, answer in brief.answers:
        yield "assistant", phrases.question.replace("{label}", label)
        yield "user", answer


def _timed(said: Iterable[tuple[str, str]], brief: Brief, chance: Random, slowness: float) -> list[Said]:
    timed: list[Said] = []
    now_s = 0.0
    for role, text in said:
        if role == "tool":
            arguments = {"digit": "1"} if text == "press_digit" else {"destination": "customer care"}
            timed.append(Said(role, text, now_s, now_s + 0.4, tool_arguments=arguments))
            now_s += 0.4
            continue
        if not timed:
            now_s += brief.delay_s if role == "assistant" else 0.6
        else:
            now_s += chance.uniform(0.6, 1.2) if role == "assistant" else chance.uniform(0.4, 1.1)
        start_s, now_s = now_s, now_s + _duration_s(text, brief.language, slowness)
        timed.append(Said(role, text, start_s, now_s))
    return timed


def _duration_s(text: str, language: str, slowness: float) -> float:
    return max(0.7, len(text) * _SECONDS_PER_CHARACTER.get(language, 0.062) * slowness)


def _cut_off(timed: list[Said], brief: Brief) -> tuple[list[Said], float]:
    kept = [each for each in timed if each.start_s < brief.max_s]
    if kept and kept[-1].stop_s > brief.max_s:
        kept[-1] = replace(kept[-1], stop_s=brief.max_s, cut=True)
    end_s = brief.max_s
    if brief.max_end_message:
        stop_s = end_s + _duration_s(brief.max_end_message, brief.language, 1.0)
        kept.append(Said("assistant", brief.max_end_message, end_s, stop_s))
        end_s = stop_s
    return kept, end_s
