"""What Revox does not document, as named switches that say what the sandbox assumes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """Assumptions about the real Revox; flip them in tests that must pass either way.

    Attributes:
        error_shape: Body of an error. No example is published; `error` is `{"error": "..."}`.
        invalid_status: Status of a body that does not validate; assumed 422.
        unknown_keys: What a key does that the SDK's types do not have: `refuse` answers that the body is invalid,
            `ignore` leaves it out, as zod does unless told otherwise.
        check_formats: Whether texts are held to the form that only the documentation gives them: E.164 numbers, times
            of day, time zones, base64, lookup URLs. The schema itself takes any text, and so do the SDK's own tests.
        no_assistant: What `POST /call` does with neither `assistant_id` nor `assistant`: `accept`, or `refuse`.
        zero_duration: What `max_call_duration_secs: 0` means, which the schema allows: `no_limit`, or `at_once`.
        illegal_transition: What cancelling a finished order, pausing one twice or resuming a running one
            answers: a status, or `success_false` for 200 with `{"success": false}`. Assumed 400.
        page_base: Number of the first page. The schema's minimum is 1, an old text says 0; assumed 1.
            With 0, page 1 is the second page.
        refuse_page_zero: Whether page 0 is refused where pages start at 1; if not, it is the first page.
        largest_page: Largest `page_size`; the schema has no limit, assumed none.
        unknown_sort_by: What a `sort_by` does that is no column: `ignore`, or `refuse`. The columns are not published.
        ignore_sort_by: Whether every `sort_by` is ignored, so that the newest orders come first.
        refuse_page_past_end: Whether a page after the last one is refused instead of empty.
        total_counts: What `total_count` of a search counts: `orders`, which is assumed, or `attempts`, as an old text
            says.
        search_lag_s: World seconds until a new order can be found; it can be read by id at once.
        calling_hours: Whether orders wait for their calling windows. None, which is the default, means that they do in
            process and do not on a port, where the time of the world runs on its own and it would soon be night.
        real_zones: Whether each number has the time of its own country. If not, it is 10:00 on a Tuesday
            everywhere when the world starts, so that nothing waits for a calling window by accident.
        status_outside_window: What an order is while it waits for its calling window. Assumed `scheduled`,
            as between attempts.
        scheduled_at_moves: Whether `scheduled_at` follows the next planned attempt; assumed, since
            the API has no other field that says until when an order waits.
        skip_window_covers_retries: Whether `skip_calling_window` holds for later attempts too.
        retried: Results and dial errors after which an order tries again. Only voicemail is documented.
        exhausted: Status of an order whose attempts are spent without reaching anyone. Assumed `completed`.
        cancel_hangs_up: Whether cancelling an order ends the attempt under way; if not, it talks to its end.
        organization_limit: Attempts of the whole organization at one time.
        key_limit: Attempts at one time under one concurrency key; set by the server, value not published.
        missing_variable: What a `{{variable}}` without a value does: `spoken` leaves it in the text,
            `errored` ends the order, `refuse` answers 400.
        foreign_caller_id: Whether a `from_phone_number` that is not the organization's is refused.
        enforce_do_not_contact: Whether `POST /call` refuses numbers marked do-not-contact in the phone history.
        inline_assistant_shown: Whether an order placed with an inline assistant carries its snapshot.
        webhook_on: Statuses that post to the assistant's `webhook_url`, once per order.
        new_campaign_status: Status of a campaign before its launch; `draft` is gone, assumed `running`.
        default_max_duration_s: Longest call where the assistant sets none; not published.
        tool_values: How the arguments of a custom tool get into its `body_template`: `text` writes each as text into
            its quotes, `typed` replaces the quotes, too, by a number or a boolean, `raw` writes without escaping.
        tool_missing: What a `{{variable}}` of a tool becomes that has no value: `empty`, `null` in a body, or `kept`.
        tool_without_template: Body of a tool without a `body_template`, GET and DELETE apart: `arguments` as JSON,
            or `nothing`.
        tool_call_id: Whether a tool learns which call it is: no (`none`), as a `{{call_id}}` in its templates
            (`variable`), or in a header `X-Revox-Call-Id` (`header`).
        tool_retries: How often a tool is asked again that answers 5xx or not at all. Assumed never.
        tool_timeout_s: How long a tool may take; not published.
        model_call_id: Whether a custom model learns which call it is: no (`none`), in a header `X-Revox-Call-Id`
            (`header`), or as `call_id` in the `metadata` of the request (`metadata`).
        model_retries: How often a custom model is asked again that answers 5xx or not at all. Assumed never.
        model_timeout_s: How long a turn of a custom model may take; not published.
        lookup_failed: What becomes of an inbound call whose `precall_lookup_url` fails or answers in another form:
            `errored`, as documented for an answer that lacks a variable, or `answered` without the variables.
        lookup_timeout_s: How long the look-up may take; not published.
    """

    error_shape: Literal["error", "message", "issues", "text"] = "error"
    invalid_status: int = 422
    unknown_keys: Literal["refuse", "ignore"] = "refuse"
    check_formats: bool = True
    no_assistant: Literal["accept", "refuse"] = "accept"
    zero_duration: Literal["no_limit", "at_once"] = "no_limit"
    illegal_transition: int | Literal["success_false"] = 400
    page_base: Literal[0, 1] = 1
    refuse_page_zero: bool = True
    largest_page: int | None = None
    unknown_sort_by: Literal["ignore", "refuse"] = "ignore"
    ignore_sort_by: bool = False
    refuse_page_past_end: bool = False
    total_counts: Literal["orders", "attempts"] = "orders"
    search_lag_s: float = 0.0
    calling_hours: bool | None = None
    real_zones: bool = False
    status_outside_window: Literal["scheduled", "queued_for_calling"] = "scheduled"
    scheduled_at_moves: bool = True
    skip_window_covers_retries: bool = True
    retried: frozenset[str] = frozenset({"voicemail", "no_answer", "busy", "temporarily_unavailable", "too_many_calls"})
    exhausted: Literal["completed", "errored"] = "completed"
    cancel_hangs_up: bool = True
    organization_limit: int = 100
    key_limit: int = 1
    missing_variable: Literal["spoken", "errored", "refuse"] = "spoken"
    foreign_caller_id: Literal["refuse", "accept"] = "refuse"
    enforce_do_not_contact: bool = False
    inline_assistant_shown: bool = True
    webhook_on: frozenset[str] = frozenset({"completed", "cancelled", "errored"})
    new_campaign_status: Literal["running", "paused"] = "running"
    default_max_duration_s: float = 1800.0
    tool_values: Literal["text", "typed", "raw"] = "text"
    tool_missing: Literal["empty", "null", "kept"] = "empty"
    tool_without_template: Literal["arguments", "nothing"] = "arguments"
    tool_call_id: Literal["none", "variable", "header"] = "none"
    tool_retries: int = 0
    tool_timeout_s: float = 20.0
    model_call_id: Literal["none", "header", "metadata"] = "none"
    model_retries: int = 0
    model_timeout_s: float = 20.0
    lookup_failed: Literal["errored", "answered"] = "errored"
    lookup_timeout_s: float = 5.0

    def changed(self, changes: Mapping[str, object]) -> Switches:
        """These switches with some of them changed, as another process asks in JSON.

        Raises:
            ValueError: A switch does not exist or does not take the value.
        """
        if unknown := changes.keys() - asdict(self).keys():
            raise ValueError(f"there is no switch {', '.join(sorted(unknown))}")
        for name, value in changes.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} takes a number, not {value}")
        return TypeAdapter(Switches).validate_python({**asdict(self), **changes})
