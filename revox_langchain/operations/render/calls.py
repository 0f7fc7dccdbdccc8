"""What a model reads about calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from revox_langchain.answers import JsonObject
from revox_langchain.errors import step_first
from revox_langchain.operations.render.text import (
    LONGEST,
    as_json,
    counted,
    fenced,
    newest,
    notes_of,
    one_line,
    table,
    word,
)
from revox_langchain.results.call import CallResult
from revox_langchain.results.order import object_of, objects_of, text_of, whole_of

if TYPE_CHECKING:
    from revox_langchain.operations.operation import Request


LAST_TURNS = 6
FULL_TRANSCRIPT = 12_000
SANDBOX = "Sandbox: no real phone rings."

_NEXT_STEP = {
    "completed": "The call is over. No further tool is needed: answer the user now, in words.",
    "cancelled": "It was cancelled; nothing more will ring.",
    "errored": "It failed; check the number and the assistant before placing another.",
    "paused": "It is paused; revox_resume_call goes on.",
    "not_launched": "It waits for revox_launch_campaign.",
}


def call(answer: JsonObject, request: Request | None = None) -> str:
    """One order: where it stands, how it went, what came out, and the next step."""
    result = _result(answer, request)
    lines = [_already(answer.get("notes"), answer.get("warning"))] if answer.get("adopted") else []
    lines += [_headline(result), *notes_of(answer), *_ending(result), *([SANDBOX] if result.sandbox else [])]
    step = _NEXT_STEP.get(result.status, f"Next: revox_wait_for_call with call_id {word(result.call_id)}.")
    window = getattr(request, "transcript", "none")
    # Beside these stand the fence, a cut, the line on the transcript, and how long the wait has taken.
    room = LONGEST - sum(len(line) + 1 for line in lines) - len(step) - 190
    longest = {"full": FULL_TRANSCRIPT, "last": 4000}.get(window, room)
    data = _findings(result)
    if window != "none":
        data += _spoken(result, window, longest - sum(len(line) + 3 for line in data) - 60)
    lines += fenced(data, longest)
    if window == "none" and result.transcript:
        count = counted(len(result.transcript), "turn")
        lines.append(f"Transcript: {count}; revox_get_call with transcript=last or full.")
    return "\n".join([*lines, step]).strip()


def waited(answer: JsonObject, request: Request | None = None) -> str:
    """How a call went, or that it goes on."""
    text = call(answer, request)
    if answer.get("timed_out"):
        return f"Still running after {answer['waited_s']:g} s. {text}"
    return text


def recovered(answer: JsonObject, request: Request | None = None) -> str:
    """Whether a call whose placing ended unknown exists."""
    if answer["found"]:
        return f"The call exists. {call(answer, request)}"
    return (
        f"No call with intent {word(answer['intent_id'])} to this number shows up; "
        "most likely there is none. "
        "Ask the user; if the call is still wanted, use revox_make_call with a new intent."
    )


def finished(out: JsonObject, request: Request | None = None) -> str:
    """What became of a call, from the call graph's output."""
    error = out.get("error")
    if out.get("call_id") is None:
        why = error or {"message": "The call was not placed.", "next_step": "", "code": out.get("status")}
        said = step_first(why["message"], why["next_step"])
        return f"Error ({why['code']}): {said} There is no call; status: {out.get('status')}."
    lines = [
        f"Call {word(out['call_id'])} is {word(out['status'])}; disposition: {out['disposition']}; "
        f"attempts: {len(out['attempts'])}; outcome: {one_line(out['outcome'] or 'none', 40)}."
    ]
    warnings = list(out["warnings"])
    if out.get("adopted"):
        lines.insert(0, _already(warnings, warnings.pop(0) if out.get("placed_at") and warnings else None))
    if out.get("sandbox"):
        lines.append(SANDBOX)
    data = [f"summary: {one_line(out['outcome_summary'], 400)}"] if out["outcome_summary"] else []
    if out["structured_output"]:
        data.append(f"structured output: {one_line(as_json(out['structured_output']), 500)}")
    data += [f"warning: {one_line(warning, 300)}" for warning in warnings[:3]]
    spoken = [f"{turn['role']}: {one_line(turn['content'], 300)}" for turn in out["transcript"]]
    lines += fenced([*data, *newest(spoken, 2400)], 4000)
    return "\n".join([*lines, *([error["next_step"]] if error else [])])


def calls(answer: JsonObject, request: Request | None = None) -> str:
    """Orders as a table, newest first."""
    rows = [_row(order) for order in objects_of(answer.get("calls"))]
    page = getattr(request, "page", 1)
    head = f"{len(rows)} of {counted(whole_of(answer.get('total_count'), len(rows)), 'call')} (page {page})."
    names = ("call_id", "to", "status", "disposition", "outcome", "created")
    return table(head, names, rows, "ask with page_size={shown}")


def phone_history(answer: JsonObject, request: Request | None = None) -> str:
    """Numbers called so far, as a table."""
    history = object_of(answer.get("phone_history"))
    only = getattr(request, "phone_number", None)
    if only:
        history = {only: history[only]} if only in history else {}
        if not history:
            return "This number was never called."
    rows = [(number, *_known(object_of(known))) for number, known in history.items()]
    columns = ("number", "calls", "contact", "human", "last_outcome", "last")
    return table(counted(len(rows), "number") + " called.", columns, rows, "give phone_number to see one")


def _known(known: Mapping[str, object]) -> tuple[object, ...]:
    return (
        whole_of(known.get("count"), 0),
        "DO NOT CONTACT" if known.get("do_not_contact") else "-",
        "reached" if known.get("reached_human") else "-",
        known.get("last_outcome") or "-",
        (text_of(known.get("last_called_at")) or "-")[:16],
    )


def _result(answer: Mapping[str, object], request: Request | None) -> CallResult:
    order = answer.get("call")
    result = CallResult.from_call(order if isinstance(order, Mapping) else {})
    # An order that comes back without its id is still the one that was asked for.
    return result if result.call_id else result.model_copy(update={"call_id": getattr(request, "call_id", "unknown")})


def _headline(result: CallResult) -> str:
    line = f"Call {word(result.call_id)} to {word(result.phone_number)} is {one_line(result.status, 40)}."
    if result.status == "scheduled" and result.scheduled_at:
        line += f" It rings next at {one_line(result.scheduled_at, 40)}."
    return line


def _ending(result: CallResult) -> list[str]:
    if not result.ended:
        return []
    line = (
        f"Disposition: {result.disposition}; attempts: {len(result.attempts)}; "
        f"talk: {result.talk_s:.0f} s; outcome: {one_line(result.outcome or 'none', 40)}."
    )
    return [line, *([f"Recording: {one_line(result.recording_url, 200)}"] if result.recording_url else [])]


def _findings(result: CallResult) -> list[str]:
    data: list[str] = []
    if result.outcome_summary:
        data.append(f"summary: {one_line(result.outcome_summary, 400)}")
    if result.structured_output:
        data.append(f"structured output: {one_line(as_json(result.structured_output), 500)}")
    if result.misfits:
        data.append(f"it does not fit its configuration: {one_line('; '.join(result.misfits), 300)}")
    return data


def _spoken(result: CallResult, window: str, longest: int) -> list[str]:
    turns = result.transcript[-LAST_TURNS:] if window == "last" else result.transcript
    spoken = [f"{word(turn.role)}: {one_line(turn.content, 600)}" for turn in turns]
    return newest(spoken, longest) or ["(no transcript yet)"]


def _already(notes: Iterable[object] | None, warning: object = None) -> str:
    if warning:
        return f"Warning: {one_line(warning, 250)}"
    again = any(str(note).startswith("A second order") for note in notes or [])
    return "Already placed: this is the call of an earlier request" + ("." if again else "; nothing rang again.")


def _row(order: Mapping[str, object]) -> tuple[object, ...]:
    result = CallResult.from_call(order)
    created = (text_of(order.get("created_at")) or "")[:16]
    return result.call_id, result.phone_number, result.status, result.disposition, result.outcome or "-", created
