"""Watch what was launched, and say what became of every row."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from revox_langchain.answers import JsonObject
from revox_langchain.contacts.corrections import write_errors
from revox_langchain.contacts.problems import Problem
from revox_langchain.contacts.reading import ContactList
from revox_langchain.contacts.results import write_results
from revox_langchain.contacts.row import Row
from revox_langchain.contacts.store import ContactStore, Kept
from revox_langchain.errors import RevoxToolError
from revox_langchain.flow import Event, Flow, Pause, Work
from revox_langchain.graph.campaign.progress import ENDED_ROW, LAUNCHED, RESULTS, progress, rows_in
from revox_langchain.graph.campaign.rows import counts_of, reasons
from revox_langchain.graph.campaign.settings import CampaignSettings
from revox_langchain.graph.campaign.state import CampaignState, CampaignStatus
from revox_langchain.graph.campaign.stopping import Rules, StopWhen
from revox_langchain.graph.campaign.watch import Launched
from revox_langchain.graph.campaign.watch import watch as watched
from revox_langchain.graph.steps import GOTO, Update
from revox_langchain.report.tally import Tally

SLICE_S = 3600.0
"""How long one step watches: each step leaves a checkpoint, which holds the rows where there is no store."""
_MOST_PROBLEMS = 20
_NOT_LAUNCHED: dict[str, CampaignStatus] = {
    "rejected": "rejected",
    "launch_unknown": "unknown",
    "given_up": "unknown",
}


def watch(state: CampaignState, settings: CampaignSettings) -> Flow[Update]:
    """Watch the campaigns for one slice, or until they are over or a rule stops them."""
    rows, now_s = settings.rows(state), (yield Pause(0)).now_s
    began_s = state.get("began_s") or now_s
    left_s = max(0.001, settings.pace.max_wait_s - (now_s - began_s))
    pace = settings.pace.model_copy(update={"slice_s": settings.pace.slice_s or SLICE_S, "max_wait_s": left_s})
    launched = [Launched(each["campaign_id"], each["language"]) for each in state["groups"] if each.get("launched")]
    rules = Rules(stop_when=StopWhen(**state["asked"].get("stop_when", {})), breaker=settings.breaker)
    try:
        seen = yield from watched(launched, rows, state["key"], rules=rules, opt_out=settings.opt_out, pace=pace)
    except RevoxToolError as error:
        # The phones ring: whatever cannot be read of them, the run must end with the campaigns' ids.
        return {**settings.kept(rows), "error": error.as_dict(), "why": "error", GOTO: "report"}
    update: Update = {
        **settings.kept(rows),
        "began_s": began_s,
        "tally": seen.tally.model_dump(),
        "states": seen.counts,
        "why": seen.why,
        "reason": seen.reason,
    }
    return {**update, GOTO: "watch" if seen.why in ("slice", "drain") else "report"}


def report(state: CampaignState, settings: CampaignSettings) -> Flow[Update]:
    """Say what became of the campaign and of every row."""
    rows, key = settings.rows(state), state["key"]
    written: _Written = yield Work(partial(_write, state, settings, rows))
    tally = Tally(**(state.get("tally") or {}))
    counts = yield from counts_of(rows, key)
    status = _status(state, counts)
    said = progress(tally, counts)
    names = ("language", "campaign_id", "assistant_id", "voice", "contacts", "held")
    out: Update = {
        "status": status,
        "reason": state.get("reason") or _reason(state),
        "campaigns": [{name: each.get(name) for name in names} for each in state.get("groups") or []],
        "states": counts,
        "funnel": said["funnel"],
        "conclusions": said["conclusions"],
        "dispositions": said["dispositions"],
        "still_open": said["open"],
        "not_called": dict(written.not_called),
        "problems": written.problems,
        "results_csv": written.results,
        "errors_csv": written.errors,
        "sandbox": (yield Pause(0)).sandbox,
        "error": _error(state),
        "asking": None,
        "shown": None,
    }
    yield Event({"type": "revox.campaign_report", "status": status, **said})
    return out


class _Written(NamedTuple):
    """What was written of the rows.

    Attributes:
        results: Path of the results, or their text where they are kept in the state.
        errors: Path of the rows to correct.
        not_called: Why rows were not called.
        problems: A few rows that need a look.
    """

    results: str | None
    errors: str | None
    not_called: Counter[str]
    problems: list[str]


def _write(state: CampaignState, settings: CampaignSettings, rows: ContactStore) -> _Written:
    key = state["key"]
    not_called = reasons(rows, key)
    if rows.columns(key) is None:
        return _Written(None, None, not_called, [])
    bad = [kept.row for kept in rows_in(rows, key, ()) if kept.row.problems and kept.state != "duplicate"]
    problems = [str(problem) for row in bad[:_MOST_PROBLEMS] for problem in row.problems][:_MOST_PROBLEMS]
    if settings.results_dir is not None:
        name = str(settings.results_dir / f"campaign-{key[:12]}")
        _write_results(Path(f"{name}-results.csv"), rows, key)
        errors = f"{name}-errors.csv" if _write_errors(Path(f"{name}-errors.csv"), rows, key) else None
        return _Written(f"{name}-results.csv", errors, not_called, problems)
    if settings.store is not None:
        return _Written(None, None, not_called, problems)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.csv"
        _write_results(path, rows, key)
        return _Written(path.read_text(encoding="utf-8-sig"), None, not_called, problems)


def _write_results(path: Path, rows: ContactStore, key: str) -> None:
    columns = rows.columns(key)
    assert columns is not None
    results = {str(kept.row.key): kept.result or {} for kept in rows_in(rows, key, (LAUNCHED, ENDED_ROW))}
    write_results(path, columns, map(_as_it_ended, rows_in(rows, key, ())), results, RESULTS)


def _as_it_ended(kept: Kept) -> Row:
    """The row with what became of it, where it was not called though it is a contact."""
    result = kept.result or {}
    if kept.row.state != "ready" or not result.get("code"):
        return kept.row
    why = Problem(kept.row.line, None, str(result["code"]), str(result.get("reason")), "")
    # Refused at the guard or left out at the launch: states of the campaign's, which the file shows as it shows others.
    return replace(kept.row, state=kept.state, problems=(why,))  # type: ignore[arg-type]


def _write_errors(path: Path, rows: ContactStore, key: str) -> int:
    columns = rows.columns(key)
    assert columns is not None
    bad = tuple(kept.row for kept in rows_in(rows, key, ()) if kept.row.problems)
    return write_errors(ContactList(columns, bad), path) if bad else 0


def _status(state: CampaignState, counts: dict[str, int]) -> CampaignStatus:
    why, groups = state.get("why"), state.get("groups") or []
    error = _error(state)
    code = str((error or {}).get("code"))
    if why is None:
        if error is None:
            return "nobody_to_call"
        return _NOT_LAUNCHED.get(code, "refused")
    if why == "error":
        return "unknown"
    if why == "timeout":
        return "still_running"
    whole = why == "ended" and not any(each.get("held") for each in groups)
    return "completed" if whole or (why == "over" and not counts.get(LAUNCHED)) else "stopped"


def _reason(state: CampaignState) -> str | None:
    if error := _error(state):
        return str(error.get("message"))
    return None if state.get("why") else "No row is a contact that may be called."


def _error(state: CampaignState) -> JsonObject | None:
    """Why there was no campaign, or not all of it."""
    held = (each["held"] for each in state.get("groups") or [] if each.get("held"))
    return state.get("error") or next(held, None)
