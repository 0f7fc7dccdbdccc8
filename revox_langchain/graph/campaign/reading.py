"""From contacts to groups: read every row, guard every number, and group the rest by language."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from revox_langchain.answers import JsonObject, digest
from revox_langchain.contacts.grouping import group_by_language
from revox_langchain.contacts.reading import stream_contacts
from revox_langchain.contacts.row import Row
from revox_langchain.contacts.store import Change, ContactStore, Kept, refuse_without_store
from revox_langchain.contacts.table import Options
from revox_langchain.dialing.configuration import stored_assistant
from revox_langchain.dialing.numbers import own_numbers, with_digits_as_keys
from revox_langchain.errors import InvalidInput, NotFound, Refused
from revox_langchain.flow import Event, Flow, Pause, Recent, Work
from revox_langchain.graph.call.assistant import voice_of
from revox_langchain.graph.campaign.input import CampaignInput
from revox_langchain.graph.campaign.marks import marked_campaigns, orders_in
from revox_langchain.graph.campaign.progress import rows_in
from revox_langchain.graph.campaign.rows import (
    MEMBERS,
    READY,
    REFUSED,
    batches,
    counts_of,
    number_of,
    set_aside,
    why_not,
)
from revox_langchain.graph.campaign.settings import CampaignSettings
from revox_langchain.graph.campaign.state import VERSION, CampaignState, Group
from revox_langchain.graph.steps import GOTO, Update
from revox_langchain.operations.calls import GetPhoneHistory
from revox_langchain.results.order import unix_s
from revox_langchain.speech.language import resolve_language, spoken
from revox_langchain.speech.prompts import variables_of

_MOST_SAID = 5


def read(given: CampaignInput, settings: CampaignSettings, thread_id: str | None) -> Flow[Update]:
    """Read every row, and forget the run before."""
    given.check()
    asked: JsonObject = given.model_dump(mode="json", exclude={"contacts"}, exclude_none=True)
    fresh: Update = {**_FORGOTTEN, "version": VERSION, "asked": asked, "scope": thread_id}
    fresh["key"] = _key(given, asked, thread_id, by_model=settings.by_model)
    state: Any = {**fresh}
    rows = settings.rows(state)
    try:
        notes = yield Work(partial(_take, given, rows, str(fresh["key"]), settings))
    except InvalidInput as error:
        return {**fresh, "error": error.as_dict(), GOTO: "report"}
    counts = yield from counts_of(rows, str(fresh["key"]))
    yield Event({"type": "revox.contacts", "rows": sum(counts.values()), "states": counts})
    return {**fresh, **settings.kept(rows), "notes": notes, "states": counts, GOTO: "guard"}


def guard(state: CampaignState, settings: CampaignSettings) -> Flow[Update]:
    """Check every contact as a single call is checked; who must not be called is set aside, and the others go on."""
    rows, key = settings.rows(state), state["key"]
    own = frozenset((yield from own_numbers()))
    history = with_digits_as_keys((yield Recent(GetPhoneHistory(), max_age_s=60))["phone_history"])
    opted_out: frozenset[str] = frozenset()
    try:
        if settings.opt_out is not None:
            opted_out = yield Work(settings.opt_out.numbers)
    except InvalidInput as error:
        return {"error": error.as_dict(), GOTO: "report"}
    # What an earlier execution has launched rang a moment ago: that is no reason to leave it out of its own campaign.
    ours: set[str] = set()
    for campaign in (yield from marked_campaigns(state)):
        ours |= set((yield from orders_in(str(campaign["id"]))))
    checks = _Checks(settings, own, history, opted_out, frozenset(ours), (yield Pause(0)).now_s)
    refused: Counter[str] = yield Work(partial(checks.record, rows, key))
    counts = yield from counts_of(rows, key)
    yield Event({"type": "revox.guarded", "refused": dict(refused), "states": counts})
    going_on = any(counts.get(each) for each in MEMBERS)
    return {**settings.kept(rows), "states": counts, GOTO: "group" if going_on else "report"}


def group(state: CampaignState, settings: CampaignSettings) -> Flow[Update]:
    """Group the contacts by the language that is spoken with them, and say what to tell each group's assistant."""
    asked, rows = state["asked"], settings.rows(state)
    notes: list[str] = []
    if asked.get("assistant_id"):
        try:
            assistant = yield from stored_assistant(str(asked["assistant_id"]), max_age_s=60)
        except (NotFound, InvalidInput) as error:
            return {"error": error.as_dict(), GOTO: "report"}
        voice = yield from voice_of(assistant)
        language: str | None = (voice or {}).get("language") or "und"
    else:
        language = asked.get("language")
        if language is None and asked.get("prompt"):
            language, said = yield Work(partial(_language_of, asked))
            notes += [said] if said else []
    asked = {**asked, "prompt_language": language}
    grouping = _Grouping(asked, language, settings)
    try:
        groups, missing = yield Work(partial(grouping.record, rows, state["key"]))
    except InvalidInput as error:
        return {"error": error.as_dict(), GOTO: "report"}
    counts = yield from counts_of(rows, state["key"])
    warnings = [
        f"{count} contacts have no value for {{{{{name}}}}}, which is said as it stands." for name, count in missing
    ]
    yield Event({"type": "revox.groups", "groups": {each["language"]: each["contacts"] for each in groups}})
    return {
        **settings.kept(rows),
        "asked": asked,
        "groups": groups,
        "states": counts,
        "missing": dict(missing),
        "notes": [*state["notes"], *notes],
        "warnings": [*state["warnings"], *warnings],
        GOTO: "choose_voice" if groups else "report",
    }


def language_of(row: Row, asked: Mapping[str, Any], rest: str | None) -> str | None:
    """The language that is spoken with a contact, as a group is called."""
    by_country = bool(asked.get("language_by_country"))
    ready = row if row.state == READY else None
    found = group_by_language([ready] if ready else [], language=rest, by_country=by_country).groups
    return next(iter(found), None)


def members_of(state: CampaignState, settings: CampaignSettings, rows: ContactStore) -> Iterator[tuple[str, Kept]]:
    """The contacts of all groups, with the language of each."""
    known = {each["language"] for each in state["groups"]}
    asked = state["asked"]
    for kept in rows_in(rows, state["key"], MEMBERS):
        if asked.get("assistant_id"):
            yield next(iter(known)), kept
        elif (said := language_of(kept.row, asked, asked.get("prompt_language"))) in known:
            yield str(said), kept


def text_for(asked: Mapping[str, Any], name: str, language: str) -> str | None:
    """The prompt or first sentence for a language: its own, that of the language without an accent, or the common."""
    own: Mapping[str, str] = asked.get(f"{name}s") or {}
    return own.get(language) or own.get(spoken(language)[0]) or asked.get(name)


def _take(given: CampaignInput, rows: ContactStore, key: str, settings: CampaignSettings) -> list[str]:
    """Add every row to where rows are kept; says what a person should know about the reading."""
    stream = stream_contacts(
        _source(given, settings),
        Options(
            number_column=given.number_column,
            language_column=given.language_column,
            key_column=given.key_column,
            default_country=given.default_country or settings.guard.policy.default_region,
        ),
    )
    reading = stream.rows
    if settings.store is None:
        listed = tuple(reading)
        refuse_without_store(sum(row.state == READY for row in listed), None)
        reading = iter(listed)
    added = rows.add(key, stream.columns, reading)
    said = [str(problem) for problem in added.problems[:_MOST_SAID]]
    if unchanged := added.counts.get("unchanged"):
        said.append(f"{unchanged} rows were there already.")
    return [*stream.notes, *said]


def _source(given: CampaignInput, settings: CampaignSettings) -> Any:
    if given.contacts is not None:
        if not given.contacts:
            raise InvalidInput(
                "There are no contacts.", code="empty_file", next_step="Give contacts: one object for each of them."
            )
        return given.contacts
    folder, name = settings.contacts_dir, str(given.contacts_file)
    path = (folder / name).resolve() if folder is not None else None
    if folder is None or path is None or not path.is_relative_to(folder.resolve()) or not path.is_file():
        what = "This graph reads no files" if folder is None else f"There is no file {name!r} in the contacts' folder"
        raise InvalidInput(
            f"{what}.",
            code="unknown_file",
            next_step="Give contacts as a list of objects, or the name of a file in contacts_dir.",
        )
    return Path(path)


def _key(given: CampaignInput, asked: JsonObject, thread_id: str | None, *, by_model: bool) -> str:
    """What names this campaign: the intent, else thread and content, else nothing that another run could know."""
    if given.intent is not None:
        return digest(["campaign", given.intent, thread_id if by_model else None])[:32]
    if thread_id is None:
        return uuid.uuid4().hex
    return digest(["campaign", thread_id, asked, given.contacts])[:32]


class _Checks:
    """What is asked of every contact before it may be called."""

    def __init__(
        self,
        settings: CampaignSettings,
        own: frozenset[str],
        history: Mapping[str, JsonObject],
        opted_out: frozenset[str],
        ours: frozenset[str],
        now_s: float,
    ) -> None:
        self.guard = settings.guard
        self.own, self.history, self.opted_out, self.ours, self.now_s = own, history, opted_out, ours, now_s

    def record(self, rows: ContactStore, key: str) -> Counter[str]:
        refused: Counter[str] = Counter()
        for some in batches(rows_in(rows, key, (READY,))):
            changes = [Change(kept.row.mark, REFUSED, why) for kept in some if (why := self.why_not(number_of(kept)))]
            refused.update(str(change.result and change.result["code"]) for change in changes)
            rows.record(key, changes)
        return refused

    def why_not(self, number: str) -> JsonObject | None:
        """Why a number must not be called; the same refusals as for a single call."""
        known = self.history.get(number.lstrip("+"), {})
        try:
            self.guard.check_number(number)
            if number in self.own:
                return why_not("own_number", "This is one of the organisation's own numbers.")
            if number in self.opted_out:
                return why_not("opted_out", "This number is on the opt-out list.")
            if known.get("do_not_contact") and self.guard.policy.honour_do_not_contact:
                return why_not("do_not_contact", "This number is marked do-not-contact.")
            last_s = unix_s(known.get("last_called_at"))
            if last_s is not None and number not in self.ours:
                self.guard.check_gap(number, last_s, self.now_s)
        except Refused as error:
            return why_not(error.code, error.message)
        return None


class _Grouping:
    """Gives each contact its language, and sets aside whom nothing can be said to."""

    def __init__(self, asked: JsonObject, language: str | None, settings: CampaignSettings) -> None:
        self.asked, self.language = asked, language
        self.strict = settings.guard.policy.prompt_problems == "refuse"
        self.counts: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()

    def record(self, rows: ContactStore, key: str) -> tuple[list[Group], list[tuple[str, int]]]:
        columns = rows.columns(key)
        assert columns is not None
        for some in batches(rows_in(rows, key, MEMBERS)):
            changes: list[Change] = []
            for kept in some:
                language, why = self._language(kept.row)
                if why is None and language is not None:
                    why = self._lacking(kept, language, kept.row.variables(columns))
                if why is None:
                    self.counts[str(language)] += 1
                elif kept.state == READY:
                    changes += set_aside([kept], REFUSED, why["code"], why["reason"])
            rows.record(key, changes)
        groups = [self._group(language, count) for language, count in self.counts.most_common()]
        return groups, self.missing.most_common()

    def _language(self, row: Row) -> tuple[str | None, JsonObject | None]:
        if self.asked.get("assistant_id"):
            mine, its = row.language and spoken(row.language)[0], spoken(str(self.language))[0]
            if mine and its != "und" and mine != its:
                return None, why_not("voice_mismatch", f"The assistant speaks {its}, and the row says {mine}.")
            return self.language, None
        language = language_of(row, self.asked, self.language)
        if language is None:
            return None, why_not("no_language", f"Row {row.line} does not say which language to speak.")
        if text_for(self.asked, "prompt", language) is None:
            return None, why_not("no_prompt", f"There is no prompt for {language}.")
        return language, None

    def _lacking(self, kept: Kept, language: str, variables: Mapping[str, str]) -> JsonObject | None:
        texts = (text_for(self.asked, name, language) or "" for name in ("prompt", "first_sentence"))
        lacking = [name for text in texts for name in variables_of(text) if name not in variables]
        if lacking and self.strict:
            return why_not("missing_variable", f"Row {kept.row.line} has no value for {{{{{lacking[0]}}}}}.")
        self.missing.update(set(lacking))
        return None

    def _group(self, language: str, count: int) -> Group:
        return {
            "language": language,
            "contacts": count,
            "prompt": text_for(self.asked, "prompt", language),
            "first_sentence": text_for(self.asked, "first_sentence", language),
            **({"assistant_id": self.asked["assistant_id"]} if self.asked.get("assistant_id") else {}),
        }


def _language_of(asked: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The language of the prompt, for contacts that name none; nothing where that is not certain."""
    try:
        found = resolve_language(first_sentence=asked.get("first_sentence"), prompt=asked["prompt"])
    except InvalidInput as error:
        return None, f"Contacts that name no language are not called: {error.message}"
    return found.tag, f"Contacts that name no language are spoken to in {found.tag}, the language of the prompt."


_FORGOTTEN: Update = {
    "kept": None,
    "groups": [],
    "missing": {},
    "samples": [],
    "shown": None,
    "asking": None,
    "problem": None,
    "approved": False,
    "mode": None,
    "tally": None,
    "began_s": None,
    "why": None,
    "status": None,
    "reason": None,
    "states": {},
    "notes": [],
    "warnings": [],
    "error": None,
}
