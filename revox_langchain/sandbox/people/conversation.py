"""How an attempt goes: who says what and when, decided before it is said."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from revox_langchain.sandbox.people.plan import Asked, Brief, Ending, Heard, Plan, Said, ToolUse
from revox_langchain.sandbox.people.script import Script, script
from revox_langchain.sandbox.people.stories import Act
from revox_langchain.sandbox.people.timing import SLOWNESS, duration_s

_UNANSWERED = {"no_answer": "no_answer", "busy": "busy", "not_in_service": "number_non_attributed"}
_TOOLS_OF_REVOX = {"press_digit": {"digit": "1"}, "transfer_call": {"destination": "customer care"}}
_REVOX_TOOL_S = 0.4
_PATIENT_FOR_S = 3.0


class Course:
    """One attempt, planned as far as what has been heard from outside allows.

    Args:
        act: How the callee behaves.
        brief: What is known of the order and its assistant.
        chance: Decides the pauses.
    """

    def __init__(self, act: Act, brief: Brief, chance: Random) -> None:
        self._act, self._brief, self._chance = act, brief, chance
        self._slowness = SLOWNESS.get(act.scene, 1.0) if act.kind == "talk" else 1.0
        self._script: Script = script(act, brief)
        self._timed: list[Said] = []
        self._now_s = 0.0
        self._asked: tuple[Asked, float] | None = None

    def begin(self) -> Plan:
        """The attempt to its end, or to the first thing that is asked outside."""
        if error := _UNANSWERED.get(self._act.kind):
            return Plan(self._act.ring_s, dial_error=error)
        return self._go(None)

    def go_on(self, heard: Heard) -> Plan:
        """The whole attempt again, with what came of the last thing that was asked.

        Raises:
            RuntimeError: Nothing was asked.
        """
        if self._asked is None:
            raise RuntimeError("nothing was asked")
        asked, start_s = self._asked
        self._now_s = max(self._now_s, start_s + heard.took_s)
        if isinstance(asked, ToolUse):
            self._timed.append(
                Said(
                    "tool",
                    asked.tool["name"],
                    start_s,
                    self._now_s,
                    tool_arguments=asked.arguments,
                    tool_output=heard.output,
                    tool_is_error=heard.failed,
                )
            )
        return self._go(heard)

    def _go(self, heard: Heard | None) -> Plan:
        try:
            step = self._script.send(heard)
            while isinstance(step, tuple):
                self._say(*step)
                step = next(self._script)
        except StopIteration as over:
            return self._over(over.value)
        if self._now_s > self._brief.max_s:
            return self._over(Ending("human", "agent", None, 0.0))
        self._asked = step, self._now_s
        asked_s = self._now_s
        meanwhile = step.meanwhile if isinstance(step, ToolUse) else ()
        if meanwhile:
            self._now_s += _PATIENT_FOR_S
        for turn in meanwhile:
            self._say(*turn)
        return Plan(self._act.ring_s, tuple(self._timed), asked_s, result="human", asks=step)

    def _say(self, role: str, text: str) -> None:
        if role == "tool":
            stop_s = self._now_s + _REVOX_TOOL_S
            self._timed.append(Said(role, text, self._now_s, stop_s, tool_arguments=_TOOLS_OF_REVOX[text]))
            self._now_s = stop_s
            return
        if role == "user" and self._act.scene == "yours":
            # They have just said it, for as long as it takes to say or to type.
            spoken_s = duration_s(text, self._brief.language, 1.0)
            before_s = self._timed[-1].stop_s if self._timed else 0.0
            self._timed.append(Said(role, text, max(self._now_s - spoken_s, before_s), self._now_s))
            return
        if not self._timed:
            pause_s = self._brief.delay_s if role == "assistant" else 0.6
        else:
            pause_s = self._chance.uniform(0.6, 1.2) if role == "assistant" else self._chance.uniform(0.4, 1.1)
        start_s = self._now_s + pause_s
        self._now_s = start_s + duration_s(text, self._brief.language, self._slowness)
        self._timed.append(Said(role, text, start_s, self._now_s))

    def _over(self, ending: Ending) -> Plan:
        timed, ended_by, end_reason = self._timed, ending.ended_by, ending.end_reason
        if self._act.kind == "hangs_up" and timed:
            timed[-1] = replace(timed[-1], stop_s=timed[-1].start_s + 1.5, cut=True)
        talk_s = (timed[-1].stop_s if timed else 0.0) + ending.trailing_s
        if talk_s > self._brief.max_s or self._act.scene == "endless":
            timed, talk_s = _cut_off(timed, self._brief)
            ended_by, end_reason = "system", "max_duration"
        return Plan(self._act.ring_s, tuple(timed), talk_s, None, ending.result, ended_by, end_reason)


def _cut_off(timed: list[Said], brief: Brief) -> tuple[list[Said], float]:
    heard = [each for each in timed if each.start_s < brief.max_s]
    kept = [each if each.stop_s <= brief.max_s else replace(each, stop_s=brief.max_s, cut=True) for each in heard]
    end_s = brief.max_s
    if brief.max_end_message:
        stop_s = end_s + duration_s(brief.max_end_message, brief.language, 1.0)
        kept.append(Said("assistant", brief.max_end_message, end_s, stop_s))
        end_s = stop_s
    return kept, end_s
