"""What may be dialed, as the developer decided it in code."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Verdict = Literal["warn", "refuse", "off"]
NumberSource = Literal["conversation", "any"]
Within = Literal["thread", "run", "toolkit", "process"]
"""What orders are counted within: a LangGraph thread, a run of the call graph without one, or tools and code."""


class DialPolicy(BaseModel):
    """What may be dialed, decided by the developer alone: no tool argument overrides it.

    Attributes:
        default_region: Country of numbers written in national form; without it the organisation's country counts.
        allowed_countries: Two-letter countries that may be dialed; None is any.
        allowed_numbers: If given, only these numbers (E.164; a `*` at the end stands for any rest).
        denied_numbers: Never these, in the same form.
        allowed_hosts: Hosts that a request may name for webhooks, look-ups, custom tools and models, and e-mails (a
            `*.` at the front stands for any subdomain). What an owner stored, or code gives, needs no permission.
        known_numbers: Numbers a model may dial though no one in the conversation gave them, in the same form.
        number_source: Who must have given a number that a model dials. `conversation`: the user, the system, a tool of
            your own, or a person who approved the call, as far as the run's messages show it; `known_numbers` and whole
            `allowed_numbers` count, too. `any`: the model may. Where no messages are visible (calls from code, MCP, the
            graph's own input) nothing is checked. The `system_prompt` of an agent is none of its messages. Supervisors
            and summaries write a model's words into user messages, where they count as the user's.
        allowed_classes: Codes of costly classes that may be dialed nevertheless, such as `shared_cost_number`.
        honour_do_not_contact: Refuse numbers that the phone history marks do-not-contact.
        min_gap_s: Refuse a second order to a number within this many seconds of another.
        max_orders: Orders per LangGraph thread or, without one, per run of the call graph. Bare tools and code have
            neither: there it counts only if it is given. None is any number.
        allow_skip_calling_window: Permit `skip_calling_window` outside local hours.
        local_hours: First allowed and first forbidden minute of the day at the number, `HH:MM`.
        prompt_problems: What to do about `{{variables}}` without a value, a missing AI disclosure and the like.
        require_disclosure: Whether the first sentence must say that an AI speaks.
        voice_mismatch: What to do when the voice does not speak the language of the prompt.
        look_back_days: How far back an order of the same intent is looked for.
        settle_s: How long a new order may take to show up in search.
        trust_incomplete_search: Dial although a search did not show every order to the number, so that one of the same
            intent may be missed.
        patience_s: How long to wait, at most, when Revox says to slow down.
        connect_attempts: How often to send an order if the connection does not even open.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_region: str | None = None
    allowed_countries: frozenset[str] | None = None
    allowed_numbers: tuple[str, ...] | None = None
    denied_numbers: tuple[str, ...] = ()
    known_numbers: tuple[str, ...] = ()
    number_source: NumberSource = "conversation"
    allowed_classes: frozenset[str] = frozenset()
    allowed_hosts: tuple[str, ...] = ()
    honour_do_not_contact: bool = True
    min_gap_s: float = Field(default=60.0, ge=0)
    max_orders: int | None = Field(default=10, ge=0)
    allow_skip_calling_window: bool = False
    local_hours: tuple[str, str] = ("08:00", "21:00")
    prompt_problems: Verdict = "warn"
    require_disclosure: bool = False
    voice_mismatch: Verdict = "warn"
    look_back_days: float = Field(default=30.0, gt=0)
    settle_s: float = Field(default=15.0, ge=0)
    trust_incomplete_search: bool = False
    patience_s: float = Field(default=30.0, ge=0)
    connect_attempts: int = Field(default=3, ge=1)

    def order_limit(self, within: Within) -> int | None:
        """`max_orders` as it counts there; None is any number."""
        # Where nothing says when counting starts anew, the default would stop a worker at its eleventh call for good.
        counts = within in ("thread", "run") or "max_orders" in self.model_fields_set
        return self.max_orders if counts else None
