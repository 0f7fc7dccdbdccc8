"""How patiently to wait for a call."""

from __future__ import annotations

import zlib

from pydantic import BaseModel, ConfigDict, Field

LIVE = frozenset({"initializing", "calling", "post_processing"})
"""Statuses in which something happens within seconds."""


class WaitPolicy(BaseModel):
    """How patiently to watch a call. All times in seconds.

    Where `Webhooks` of the same connection hear of an end, waits end at once, whatever the pauses here.

    Attributes:
        live_s: Pause between looks while an attempt is live.
        idle_s: First pause while the order only waits (queued, scheduled, paused); it grows by `growth`.
        longest_s: No pause is longer.
        growth: Each idle pause is this many times the one before.
        jitter: Share of a pause by which it varies, so that many waiters do not poll at once.
        slice_s: A graph's wait node returns after this long, and whenever an attempt starts or ends (one checkpoint and
            one superstep each). Later slices are as long as all before them together.
        longest_slice_s: No slice is longer, so that a crash repeats no more than this.
        max_wait_s: Give up watching after this long; the order itself goes on.
        heartbeat_s: Send an event at least this often, even if nothing changed.
        live: Whether to read this order by itself and show progress as it happens. If not, its end is noticed by a
            search that many waits share. None: by itself as long as few flows of the connection wait.
        sweep_s: Seconds between two looks of the shared search; of all that share it the shortest holds.
        recheck_s: An order that no search has shown for this long is read by itself.
        result_grace_s: How long to wait for structured output after the order has completed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    live_s: float = Field(default=2.0, gt=0)
    idle_s: float = Field(default=5.0, gt=0)
    longest_s: float = Field(default=60.0, gt=0)
    growth: float = Field(default=1.5, ge=1)
    jitter: float = Field(default=0.2, ge=0, le=1)
    slice_s: float = Field(default=3600.0, gt=0)
    longest_slice_s: float = Field(default=86_400.0, gt=0)
    max_wait_s: float = Field(default=7 * 86_400.0, gt=0)
    heartbeat_s: float = Field(default=30.0, gt=0)
    live: bool | None = None
    sweep_s: float = Field(default=10.0, gt=0)
    recheck_s: float = Field(default=1800.0, gt=0)
    result_grace_s: float = Field(default=60.0, ge=0)

    def pause_s(self, status: str | None, idle_looks: int, salt: str = "") -> float:
        """How long to wait before the next look.

        Args:
            status: Where the order stands.
            idle_looks: How many looks in a row found it only waiting.
            salt: What the jitter depends on; the same salt gives the same pause.
        """
        if status in LIVE or status is None:
            base = self.live_s
        else:
            # Days of idle polling would overflow a float; forty steps are far beyond any longest_s.
            base = min(self.longest_s, self.idle_s * self.growth ** min(idle_looks, 40))
        share = (zlib.crc32(f"{salt}:{idle_looks}".encode()) % 1000) / 1000
        return base * (1 + self.jitter * (share - 0.5))

    def next_slice_s(self, waited_s: float) -> float:
        """How long the next slice of waiting is.

        Slices that double keep a week of waiting within LangGraph's default of 25 supersteps, which a parent graph may
        have set.

        Args:
            waited_s: How long all slices before it took together.
        """
        return max(self.slice_s, min(waited_s, self.longest_slice_s))

    @classmethod
    def every(cls, interval_s: float, **more: float) -> WaitPolicy:
        """A policy that looks every `interval_s` seconds, whatever the status."""
        each = dict.fromkeys(("live_s", "idle_s", "longest_s", "sweep_s"), interval_s)
        return cls(**each, growth=1, jitter=0, **more)
