"""Who spoke when, and when the phone was dialed, as shapes: what a page draws as plain SVG.

All lie in a box 1,000 units wide that is stretched to the page. Shapes closer than a unit become one, so a drawing of
20,000 turns is no larger than one of a few hundred.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from revox_langchain.results import wording
from revox_langchain.results.facts import Attempt, CallFacts
from revox_langchain.results.order import unix_s
from revox_langchain.results.talk import Response, Segment, Speaker, interruptions, silences

WIDTH = 1000
_WAIT_HEIGHT = 40
_WAIT_WIDTH = 8
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Waits:
    """How long the callee waited for each answer, as bars with the longest as high as the box.

    Attributes:
        longest_s: What the full height stands for.
        whole: The whole waits, as a path.
        parts: Of each: until the words were transcribed, the model's first token, the voice's first sound; by name.
    """

    longest_s: float
    whole: str
    parts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation as shapes.

    Attributes:
        assistant: When the assistant spoke, as a path.
        callee: When the callee spoke.
        silences: When no one did.
        cuts: Where each speaker interrupted the other, by who did.
        counts: How many silences and interruptions there are, in words.
        ticks: What stands below, from the beginning to the end.
        waits: The waits for answers; None if none are known.
    """

    assistant: str
    callee: str
    silences: str
    cuts: dict[Speaker, str]
    counts: dict[str, str]
    ticks: list[str]
    waits: Waits | None


def talk(facts: CallFacts) -> Talk | None:
    """The conversation of a call; None if there are no speech events."""
    speech = facts.speech
    if not speech:
        return None
    until_s = max(max(part.stopped_s or 0.0, part.started_s) for part in speech) or 1.0
    scale = WIDTH / until_s
    quiet, cut = silences(speech), interruptions(speech)
    cuts: dict[Speaker, str] = {
        speaker: _marks(one.at_s * scale for one in cut if one.by == speaker) for speaker in _SPEAKERS
    }
    return Talk(
        assistant=_path(_spans(speech, "assistant", scale)),
        callee=_path(_spans(speech, "callee", scale)),
        silences=_path([(one.started_s * scale, one.stopped_s * scale) for one in quiet]),
        cuts=cuts,
        counts={
            "interruptions": f"{sum(one.by == 'assistant' for one in cut)} by the assistant, "
            f"{sum(one.by == 'callee' for one in cut)} by the {wording.person(facts)}",
            "silences": _silences([one.stopped_s - one.started_s for one in quiet]),
        },
        ticks=[wording.duration(until_s * tick / _TICKS) for tick in range(_TICKS + 1)],
        waits=_waits(facts.responses, scale),
    )


def dialed(attempts: Sequence[Attempt], zones: Sequence[str]) -> dict[str, object] | None:
    """When the phone was dialed, as shapes; None if there are not two moments to set apart."""
    moments = [(unix_s(each.started_at), unix_s(each.ended_at), each) for each in attempts]
    known = [(start, end, each) for start, end, each in moments if start is not None]
    if len({start for start, _, _ in known}) < 2:
        return None
    first = min(start for start, _, _ in known)
    last = max(max(start, end or start) for start, end, _ in known)
    scale = WIDTH / (last - first)
    spans = [((start - first) * scale, (max(start, end or start) - first) * scale, each) for start, end, each in known]
    return {
        "answered": _path([(left, right) for left, right, each in spans if each.disposition == "answered"], least=4),
        "others": _path([(left, right) for left, right, each in spans if each.disposition != "answered"], least=4),
        "ends": (wording.moment(known[0][2].started_at, zones), wording.moment(known[-1][2].started_at, zones)),
    }


_SPEAKERS: tuple[Speaker, ...] = ("assistant", "callee")


def _silences(lengths_s: Sequence[float]) -> str:
    if not lengths_s:
        return "none of 2 s or longer"
    return f"{len(lengths_s)} of 2 s or longer, {max(lengths_s):.1f} s at most"


def _spans(speech: Iterable[Segment], speaker: Speaker, scale: float) -> list[tuple[float, float]]:
    return [
        (part.started_s * scale, (part.started_s if part.stopped_s is None else part.stopped_s) * scale)
        for part in speech
        if part.speaker == speaker and part.real
    ]


def _path(spans: Iterable[tuple[float, float]], least: float = 1.5) -> str:
    """Rectangles over the whole height of a box ten units high, those that touch joined."""
    joined: list[list[float]] = []
    for left, right in sorted(spans):
        left = min(left, WIDTH - least)
        right = max(right, left + least)
        if joined and left - joined[-1][1] < 1:
            joined[-1][1] = max(joined[-1][1], right)
        else:
            joined.append([left, right])
    return "".join(f"M{left:.1f} 0h{right - left:.1f}v10H{left:.1f}z" for left, right in joined)


def _marks(places: Iterable[float]) -> str:
    return "".join(f"M{place} 0v10" for place in sorted({min(round(place), WIDTH - 1) for place in places}))


def _waits(responses: Sequence[Response], scale: float) -> Waits | None:
    if not responses:
        return None
    longest_s = max(response.latency_s for response in responses)
    places: dict[int, Response] = {}
    for response in responses:
        place = min(round(response.at_s * scale / _WAIT_WIDTH), WIDTH // _WAIT_WIDTH - 1) * _WAIT_WIDTH
        if place not in places or places[place].latency_s < response.latency_s:
            places[place] = response
    high = _WAIT_HEIGHT / longest_s if longest_s else 0.0
    whole: list[str] = []
    parts: dict[str, list[str]] = {"transcription": [], "model": [], "voice": []}
    for place, response in places.items():
        whole.append(_bar(place, 0.0, response.latency_s * high))
        below = 0.0
        for name, part_s in zip(parts, wording.parts_of(response), strict=True):
            height = min((part_s or 0.0) * high, max(response.latency_s * high - below, 0.0))
            if height:
                parts[name].append(_bar(place, below, height))
            below += height
    return Waits(longest_s, "".join(whole), {name: "".join(bars) for name, bars in parts.items()})


def _bar(place: float, below: float, height: float) -> str:
    top = _WAIT_HEIGHT - below - height
    return f"M{place} {top:.1f}h{_WAIT_WIDTH - 1}v{height:.1f}h-{_WAIT_WIDTH - 1}z"
