"""What became of contacts, counted by language: numbers that add up, whatever order they come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from revox_langchain.answers import JsonObject
from revox_langchain.results.call import CallResult

_REACHED = frozenset({"completed", "interested", "not_interested", "requested_callback_later", "talked"})


class Funnel(NamedTuple):
    """How many contacts came how far; each number is part of the one before.

    Attributes:
        contacts: To be called.
        ended: Whose call has ended.
        called: Whose phone was dialed.
        reached: Who answered themselves.
        interested: Whose verdict is `interested`.
    """

    contacts: int
    ended: int
    called: int
    reached: int
    interested: int


class Tally(BaseModel):
    """What became of the contacts whose call has ended, counted; its size does not grow with them.

    Attributes:
        conclusions: How often each conclusion occurs, by language.
        dispositions: How often each disposition occurs, by language.
        called: How many were dialed at least once.
        attempts: How often a phone was dialed.
        talk_s: Seconds of conversation.
    """

    model_config = ConfigDict(frozen=True)

    conclusions: dict[str, dict[str, int]] = {}
    dispositions: dict[str, dict[str, int]] = {}
    called: int = 0
    attempts: int = 0
    talk_s: float = 0.0

    @property
    def ended(self) -> int:
        """How many calls have ended."""
        return sum(self.total.values())

    @property
    def total(self) -> Counter[str]:
        """How often each conclusion occurs, over all languages."""
        return sum((Counter(each) for each in self.conclusions.values()), Counter[str]())

    def plus(self, results: Iterable[Mapping[str, object]]) -> Tally:
        """The same with more results."""
        conclusions, dispositions = _counters(self.conclusions), _counters(self.dispositions)
        called, attempts, talk_s = self.called, self.attempts, self.talk_s
        for result in results:
            language, tried = str(result.get("language") or "unknown"), _number(result.get("attempts"))
            conclusions.setdefault(language, Counter())[str(result.get("conclusion"))] += 1
            dispositions.setdefault(language, Counter())[str(result.get("disposition"))] += 1
            called += tried > 0
            attempts += int(tried)
            talk_s += _number(result.get("talk_s"))
        return Tally(
            conclusions={language: dict(counts) for language, counts in conclusions.items()},
            dispositions={language: dict(counts) for language, counts in dispositions.items()},
            called=called,
            attempts=attempts,
            talk_s=round(talk_s, 3),
        )

    def funnel(self, still_open: int) -> Funnel:
        """How many contacts came how far.

        Args:
            still_open: How many contacts are to be called and have not ended.
        """
        total = self.total
        reached = sum(count for conclusion, count in total.items() if conclusion in _REACHED)
        # Who answered was dialed, whatever Revox says of the attempts.
        called = max(self.called, reached)
        return Funnel(self.ended + still_open, self.ended, called, reached, total["interested"])


def result_of(order: Mapping[str, object], language: str) -> JsonObject:
    """What is kept of a contact's call that has ended.

    Args:
        order: As Revox gives it.
        language: BCP-47 tag of the language it was called in.
    """
    call = CallResult.from_call(order)
    return {
        "call_id": call.call_id,
        "language": language,
        "conclusion": call.conclusion,
        "disposition": call.disposition,
        "outcome": call.outcome,
        "outcome_summary": call.outcome_summary,
        "attempts": len(call.attempts),
        "talk_s": round(call.talk_s, 3),
        "ended_at": call.attempts[-1].ended_at if call.attempts else None,
    }


def _counters(counts: Mapping[str, Mapping[str, int]]) -> dict[str, Counter[str]]:
    return {language: Counter(each) for language, each in counts.items()}


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
