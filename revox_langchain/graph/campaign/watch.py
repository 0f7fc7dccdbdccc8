"""Watch the campaigns of one launch until every contact's call has ended, or a rule says that it is enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from revox_langchain.answers import JsonObject
from revox_langchain.contacts.opt_out import OptOut, OptOutList
from revox_langchain.contacts.phrases import opted_out
from revox_langchain.contacts.store import Change, ContactStore
from revox_langchain.errors import AnswerError, InvalidInput, RateLimited, Unavailable
from revox_langchain.flow import Event, Flow, Pause, Tick, Work
from revox_langchain.graph.campaign.control import pause, standing_of
from revox_langchain.graph.campaign.look import Look, News
from revox_langchain.graph.campaign.progress import ENDED_ROW, LAUNCHED, progress, results_in
from revox_langchain.graph.campaign.stopping import Rules, Stopping, latest_of
from revox_langchain.operations.calls import GetCall
from revox_langchain.report.tally import Tally, result_of
from revox_langchain.results.order import attempts_of, order_in, part_of, text_of, turns_of

Why = Literal["ended", "stopped", "over", "slice", "drain", "timeout"]

_OVER = frozenset({"completed", "cancelled"})


class Launched(NamedTuple):
    """A campaign of Revox's that was launched.

    Attributes:
        campaign_id: Its id.
        language: BCP-47 tag of the language its assistant speaks.
    """

    campaign_id: str
    language: str


class Pace(BaseModel):
    """How patiently to watch campaigns. All times in seconds.

    Attributes:
        interval_s: Between two looks; rules are kept at this pace, the deadline to the second.
        check_s: Between two readings of the campaigns themselves, which show that someone paused them elsewhere.
        grace_s: After a rule has stopped a campaign, how long to wait for the conversations that go on.
        slice_s: Return after this long; None to go on to the end.
        max_wait_s: Give up watching after this long; the campaigns themselves go on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    interval_s: float = Field(default=60.0, gt=0)
    check_s: float = Field(default=600.0, gt=0)
    grace_s: float = Field(default=1800.0, ge=0)
    slice_s: float | None = Field(default=None, gt=0)
    max_wait_s: float = Field(default=7 * 86_400.0, gt=0)


class Watched(BaseModel):
    """How far watching has come: plain JSON whose size does not depend on the number of contacts.

    Attributes:
        why: `ended`: every call has. `stopped`: a rule paused the campaigns. `over`: Revox counts none of them as
            running, with contacts still open. `slice`: go on. `drain`: a stop was asked for. `timeout`: waited long
            enough.
        rule: Which rule stopped it.
        reason: Why, as one sentence for a person.
        tally: What became of the calls that have ended.
        counts: How many rows are in which state.
        opted_out: How many people were added to the opt-out list.
    """

    model_config = ConfigDict(frozen=True)

    why: Why
    rule: str | None = None
    reason: str | None = None
    tally: Tally
    counts: dict[str, int]
    opted_out: int = 0


def watch(
    launched: Sequence[Launched],
    store: ContactStore,
    campaign: str,
    *,
    rules: Rules | None = None,
    opt_out: OptOutList | None = None,
    pace: Pace | None = None,
) -> Flow[Watched]:
    """Look at the campaigns until they end, and write what becomes of each contact to its row.

    It begins with what the store has, so that after a crash the same again goes on and counts no one twice. A look
    costs one search, and one more for each further hundred calls that have ended.

    Args:
        launched: The campaigns.
        store: Has the rows, those to be called in state `launched`.
        campaign: Under which name the store has them.
        rules: When to pause the campaigns; by default when half of the last calls fail.
        opt_out: Gets who asked on a call not to be called again.
        pace: How patiently.

    Raises:
        RevoxToolError: Revox cannot be read at all (wrong key, no such campaign), or a campaign that is to stop could
            not be paused.
    """
    watching = _Watching({each.campaign_id: each.language for each in launched}, store, campaign, rules or Rules())
    return (yield from watching.run(opt_out, pace or Pace()))


@dataclass
class _Watching:
    languages: Mapping[str, str]
    store: ContactStore
    campaign: str
    rules: Rules
    tally: Tally = field(default_factory=Tally)
    latest: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    stopping: Stopping | None = None
    paused: bool = False
    seen_paused: list[str] = field(default_factory=list)
    opted_out: int = 0
    noted: bool = False

    def run(self, opt_out: OptOutList | None, pace: Pace) -> Flow[Watched]:
        """See `watch`."""
        start_s = checked_s = stopped_s = (yield Pause(0)).now_s
        look = Look(tuple(self.languages), (yield Work(self._read_back)))
        yield self._progress()
        while True:
            retry_after_s = 0.0
            try:
                yield from self._take((yield from look.news()), look, opt_out)
            except (AnswerError, RateLimited, Unavailable) as error:
                # A look that fails is not the end of the campaign.
                retry_after_s = error.retry_after_s or 0.0
            tick = yield Pause(0)
            if self.open and not self.paused:
                self.stopping = self.stopping or self.rules.due(self.tally, self.latest, tick.now_s)
                if self.stopping is not None:
                    stopped_s = tick.now_s
                    yield from self._stop(self.stopping)
            why = self._why_return(tick, tick.now_s - start_s, pace)
            if why is None and self.paused:
                over = tick.now_s - stopped_s >= pace.grace_s or not (yield from self._talking(look))
                why = "stopped" if over else None
            elif why is None and tick.now_s - checked_s >= pace.check_s:
                checked_s = tick.now_s
                why = yield from self._check(look, opt_out)
            if why is not None:
                return self._watched(why)
            tick = yield Pause(max(retry_after_s, self.rules.wait_s(tick.now_s, pace.interval_s)))
            if tick.stop_requested:
                return self._watched("drain")

    @property
    def open(self) -> int:
        """How many contacts are to be called and have not ended."""
        return self.counts.get(LAUNCHED, 0)

    def _read_back(self) -> set[str]:
        results = list(results_in(self.store, self.campaign))
        self.tally = Tally().plus(results)
        self.latest = latest_of(results, self.rules.window)
        self.counts = dict(self.store.counts(self.campaign))
        return {str(result.get("call_id")) for result in results}

    def _take(self, news: News, look: Look, opt_out: OptOutList | None) -> Flow[None]:
        """Write down what has ended: first who must not be called again, then the results."""
        orders = yield from _whole(news.orders)
        if opt_out is not None:
            # The phrases are read from a file the first time.
            asked: dict[str, OptOut] = yield Work(partial(self._asked, orders))
            try:
                if asked:
                    yield Work(lambda: opt_out.add(tuple(asked.values())))
                    self.opted_out += len(asked)
            except InvalidInput as error:
                reason = f"{len(asked)} contacts asked not to be called again, and that could not be written down."
                self.stopping = Stopping("opt_out", f"{reason} {error}")
                # They stay open, so that the next watching writes them down.
                orders = {call_id: order for call_id, order in orders.items() if call_id not in asked}
        if orders:
            yield Work(lambda: self._record(orders))
            look.known.update(orders)
            yield self._progress()
        if news.pages > news.needed + 1 and not self.noted:
            self.noted = True
            yield self._note(
                f"A look took {news.pages} requests instead of {news.needed}: "
                "the search does not show first what ended last."
            )

    def _asked(self, orders: Mapping[str, JsonObject]) -> dict[str, OptOut]:
        """Who asked not to be called again, by call id."""
        asked = {}
        for call_id, order in orders.items():
            attempts = attempts_of(order)
            said = [turn.content for attempt in attempts for turn in turns_of(attempt) if turn.role == "user"]
            number, words = text_of(order.get("to_phone_number")), opted_out(said, self._language(order))
            if number and words:
                ended_at = text_of(attempts[-1].get("ended_at")) if attempts else None
                asked[call_id] = OptOut(number, ended_at or "", call_id, words)
        return asked

    def _record(self, orders: Mapping[str, JsonObject]) -> None:
        by_number = {str(order.get("to_phone_number")): order for order in orders.values()}
        changes: list[Change] = []
        for kept in self.store.find(self.campaign, tuple(by_number)):
            if kept.state == LAUNCHED and kept.row.phone is not None:
                order = by_number[kept.row.phone.e164]
                changes.append(Change(kept.row.mark, ENDED_ROW, result_of(order, self._language(order))))
        self.store.record(self.campaign, changes)
        results = [change.result for change in changes if change.result is not None]
        self.tally = self.tally.plus(results)
        self.latest = (self.latest + latest_of(results, self.rules.window))[-max(1, self.rules.window) :]
        self.counts = dict(self.store.counts(self.campaign))

    def _language(self, order: Mapping[str, object]) -> str:
        campaign = text_of(part_of(order, "campaign").get("id"))
        return self.languages.get(campaign or "") or next(iter(self.languages.values()), "unknown")

    def _stop(self, stopping: Stopping) -> Flow[None]:
        """Pause every campaign before anything else is asked."""
        yield from pause(tuple(self.languages))
        self.paused = True
        yield Event({"type": "revox.campaign_stopped", "rule": stopping.rule, "reason": stopping.reason})

    def _talking(self, look: Look) -> Flow[bool]:
        try:
            return (yield from look.under_way())
        except (AnswerError, RateLimited, Unavailable):
            return True

    def _check(self, look: Look, opt_out: OptOutList | None) -> Flow[Why | None]:
        """Read the campaigns themselves: whether they are over, and whether someone paused them elsewhere."""
        try:
            standings = []
            for campaign_id in self.languages:
                standings.append((yield from standing_of(campaign_id)))
            paused = [each.campaign_id for each in standings if each.status == "paused"]
            if paused != self.seen_paused:
                self.seen_paused = paused
                words = f"{len(paused)} of {len(standings)} campaigns are paused; nothing new is dialed in them."
                yield self._note(words if paused else "No campaign is paused any longer.")
            if not all(each.status in _OVER for each in standings):
                return None
            # What ended between the two looks.
            yield from self._take((yield from look.news()), look, opt_out)
        except (AnswerError, RateLimited, Unavailable):
            return None
        return "over" if self.open else "ended"

    def _why_return(self, tick: Tick, waited_s: float, pace: Pace) -> Why | None:
        if not self.open:
            return "ended"
        if tick.stop_requested:
            return "drain"
        if waited_s >= pace.max_wait_s:
            return "timeout"
        return "slice" if pace.slice_s is not None and waited_s >= pace.slice_s else None

    def _watched(self, why: Why) -> Watched:
        reason = self.stopping.reason if self.stopping else None
        if why == "over":
            reason = f"Revox has ended its campaigns, and {self.open} contacts have no call that ended."
        return Watched(
            why=why,
            rule=self.stopping.rule if self.stopping else None,
            reason=reason,
            tally=self.tally,
            counts=self.counts,
            opted_out=self.opted_out,
        )

    def _progress(self) -> Event:
        return Event({"type": "revox.campaign", **progress(self.tally, self.counts)})

    def _note(self, words: str) -> Event:
        return Event({"type": "revox.campaign_note", "note": words})


def _whole(orders: Mapping[str, JsonObject]) -> Flow[dict[str, JsonObject]]:
    """The same orders with their attempts, which a search may leave out."""
    whole = dict(orders)
    for call_id, order in orders.items():
        if "call_attempts" not in order and "last_call_attempt" not in order:
            whole[call_id] = order_in((yield GetCall(call_id=call_id))) or order
    return whole
