"""When a campaign stops by itself: enough of what was wanted, or too much that goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from revox_langchain.report.tally import Tally
from revox_langchain.results.call import Conclusion

_BAD = frozenset({"failed", "unknown"})


class Stopping(NamedTuple):
    """Why a campaign is to stop.

    Attributes:
        rule: Which rule says so, such as `yeses`.
        reason: One sentence for a person.
    """

    rule: str
    reason: str


class StopWhen(BaseModel):
    """What is enough. A rule that is left out never stops anything.

    Calls under way when a rule holds end normally, so a little more than asked for may come.

    Attributes:
        yeses: So many contacts whose conclusion is one of `yes`.
        yes: Which conclusions count as a yes.
        calls: So many calls have ended after a phone was dialed.
        minutes: So many minutes of conversation.
        deadline: A moment with an offset.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    yeses: int | None = Field(default=None, ge=1)
    yes: tuple[Conclusion, ...] = Field(default=("interested",), min_length=1)
    calls: int | None = Field(default=None, ge=1)
    minutes: float | None = Field(default=None, gt=0)
    deadline: AwareDatetime | None = None

    def due(self, tally: Tally, now_s: float) -> Stopping | None:
        """Which rule holds, if any.

        Args:
            tally: What became of the calls that have ended.
            now_s: Seconds since the epoch.
        """
        yeses = sum(tally.total[each] for each in self.yes)
        minutes = tally.talk_s / 60
        if self.yeses is not None and yeses >= self.yeses:
            words = " or ".join(each.replace("_", " ") for each in self.yes)
            return Stopping("yeses", f"{yeses} of {self.yeses} wanted contacts are {words}.")
        if self.calls is not None and tally.called >= self.calls:
            return Stopping("calls", f"{tally.called} contacts were called, and {self.calls} are the limit.")
        if self.minutes is not None and minutes >= self.minutes:
            return Stopping("minutes", f"{minutes:.1f} minutes were talked, and {self.minutes:g} are the limit.")
        if self.deadline is not None and now_s >= self.deadline.timestamp():
            return Stopping("deadline", f"The deadline {self.deadline.isoformat()} has passed.")
        return None


class Breaker(BaseModel):
    """Stops a campaign in which too much goes wrong.

    Attributes:
        share: The part of the last calls whose conclusion is `failed` or `unknown`, from which on it stops.
        window: How many of the last calls are looked at; with fewer it does not stop.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(default=0.5, gt=0, le=1)
    window: int = Field(default=20, ge=1, le=1000)

    def due(self, latest: Sequence[str]) -> Stopping | None:
        """Whether too much went wrong lately.

        Args:
            latest: The conclusions of the calls that ended last, in the order of their ends.
        """
        looked_at = latest[-self.window :]
        bad = sum(conclusion in _BAD for conclusion in looked_at)
        if len(looked_at) < self.window or bad / self.window < self.share:
            return None
        words = f"{bad} of the last {self.window} calls failed or ended without a known outcome"
        return Stopping("breaker", f"{words}; {self.share:.0%} is the limit.")


class Rules(BaseModel):
    """All that stops a campaign by itself.

    Attributes:
        stop_when: What is enough.
        breaker: What is too bad; None to go on whatever happens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stop_when: StopWhen = StopWhen()
    breaker: Breaker | None = Breaker()

    @property
    def window(self) -> int:
        """How many of the last conclusions have to be known."""
        return self.breaker.window if self.breaker else 0

    def due(self, tally: Tally, latest: Sequence[str], now_s: float) -> Stopping | None:
        """Why the campaign is to stop now; None to go on.

        Args:
            tally: What became of the calls that have ended.
            latest: The conclusions of those that ended last, in the order of their ends.
            now_s: Seconds since the epoch.
        """
        broken = self.breaker.due(latest) if self.breaker else None
        return broken or self.stop_when.due(tally, now_s)

    def wait_s(self, now_s: float, longest_s: float) -> float:
        """How long a pause may be without sleeping through the deadline."""
        deadline = self.stop_when.deadline
        left_s = deadline.timestamp() - now_s if deadline else longest_s
        return min(longest_s, left_s) if left_s > 0 else longest_s


def latest_of(results: Sequence[Mapping[str, object]], window: int) -> list[str]:
    """The conclusions of the results that ended last, in the order of their ends."""
    # Moments of Revox are ISO 8601 in UTC, which sort as texts.
    ordered = sorted(results, key=lambda result: str(result.get("ended_at") or ""))
    return [str(result.get("conclusion")) for result in ordered[-window:]] if window else []
