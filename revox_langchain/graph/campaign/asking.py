"""What a person is asked: may this campaign be created and launched, and what about a launch whose answer was lost."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command, interrupt

from revox_langchain.answers import JsonObject, canonical, digest
from revox_langchain.contacts.store import ContactStore, Kept
from revox_langchain.dialing.budget import Cost
from revox_langchain.dialing.configuration import digest as digest_of_configuration
from revox_langchain.dialing.configuration import merged, stored_assistant
from revox_langchain.errors import InvalidInput, NotFound, RevoxToolError
from revox_langchain.flow import Flow, Pause, Work
from revox_langchain.graph.call.forms import (
    APPROVAL_SCHEMA,
    ONE_OF_THREE,
    UNKNOWN_SCHEMA,
    approval_form,
    is_named,
    unknown_form,
)
from revox_langchain.graph.call.replies import read_approval, read_unknown
from revox_langchain.graph.campaign.marks import marked_campaigns, name_of, orders_in
from revox_langchain.graph.campaign.reading import members_of
from revox_langchain.graph.campaign.rows import LEFT_OUT, READY, counts_of, number_of, reasons, set_aside
from revox_langchain.graph.campaign.settings import CampaignSettings
from revox_langchain.graph.campaign.state import CampaignState, Group
from revox_langchain.graph.steps import GOTO, Update
from revox_langchain.results.order import sandbox_of

_SAMPLES = 3


def preview(state: CampaignState, settings: CampaignSettings) -> Flow[Update]:
    """Work out exactly what would be created and launched, as Revox holds it now."""
    rows = settings.rows(state)
    warnings = list(state["warnings"])
    for group in state["groups"]:
        if found := (yield from marked_campaigns(state, group["language"])):
            there = frozenset((yield from orders_in(str(found[0]["id"]))))
            left = yield Work(partial(_leave_out_newcomers, state, settings, rows, group["language"], there))
            if left:
                warnings.append(
                    f"The {group['language']} campaign of this intent exists without {left} of the contacts; "
                    "they are not called. Give them a new intent."
                )
    counted = yield Work(partial(_counted, state, settings, rows))
    groups: list[Group] = []
    for group in state["groups"]:
        if not counted[group["language"]].count:
            continue
        try:
            configuration = yield from configuration_of(group, state)
        except (NotFound, InvalidInput) as error:
            return {**settings.kept(rows), "error": error.as_dict(), GOTO: "report"}
        groups.append(
            {
                **group,
                "contacts": counted[group["language"]].count,
                "contacts_hash": counted[group["language"]].hash.hexdigest(),
                "configuration_hash": digest_of_configuration(configuration),
                "cost": Cost.of(configuration).model_dump(),
                "first_sentence": group.get("first_sentence") or configuration.get("first_sentence"),
            }
        )
    samples = [sample for each in counted.values() for sample in each.samples][:_SAMPLES]
    update: Update = {
        **settings.kept(rows),
        "groups": groups,
        "samples": samples,
        "warnings": list(dict.fromkeys(warnings)),
        "states": (yield from counts_of(rows, state["key"])),
        "sandbox": (yield Pause(0)).sandbox,
    }
    if not groups:
        return {**update, GOTO: "report"}
    if not settings.approve:
        return {**update, GOTO: "create"}
    whole: Any = {**state, **update}
    not_called = yield Work(partial(reasons, rows, state["key"]))
    # Who is still ready is about to be called.
    arguments = _arguments(whole, {code: count for code, count in not_called.items() if code != READY})
    hashed, before = digest(arguments), state.get("asking")
    again = before is not None and (before["again"] or before["hash"] != hashed)
    return {**update, "shown": arguments, "asking": {"hash": hashed, "again": again}, GOTO: "approve"}


def approve(state: CampaignState, config: RunnableConfig) -> Command[str]:
    """Ask a person; the answer counts only for exactly what was shown."""
    if state.get("approved"):
        return Command(goto="create")
    shown = question(state)
    hashed = shown["arguments_hash"]
    given = interrupt(shown, response_schema=APPROVAL_SCHEMA)
    try:
        answer = read_approval(given, shown["action_request"]["args"])
        if answer.decision == "edit":
            raise InvalidInput("A campaign is not edited here: reject it, and start it again as it should be.")
    except InvalidInput as wrong:
        return Command(update={"problem": f"{wrong.message} {shown['how_to_answer']}"}, goto="approve")
    asking = state.get("asking")
    bare = asking is not None and not asking["again"] and answer.arguments_hash is None
    if not (bare or answer.arguments_hash == hashed or is_named(shown, config)):
        return Command(update={"problem": f"That answer is to another question. {_EXACTLY}"}, goto="approve")
    if answer.decision == "approve":
        return Command(update={"approved": True, "problem": None}, goto="create")
    error = RevoxToolError(
        f"The campaign was rejected{f': {answer.reason}' if answer.reason else '.'}",
        code="rejected",
        next_step="Do not start it again unless the person asks for it.",
    )
    return Command(update={"error": error.as_dict(), "problem": None}, goto="report")


def question(state: CampaignState) -> JsonObject:
    """What a person is shown before anything is created, with the hash that ties the answer to it."""
    arguments = state["shown"] or {}
    asking = state.get("asking")
    hashed = digest(arguments)
    languages = ", ".join(f"{each['contacts']} in {each['language']}" for each in arguments["groups"])
    message = (
        f"Call {arguments['contacts']} contacts ({languages})? At worst {arguments['max_attempts']} attempts, "
        f"{arguments['max_minutes']:.0f} minutes. Rows that are not called: {sum(arguments['not_called'].values())}."
    )
    problem = [str(state["problem"])] if state.get("problem") else []
    return {
        "type": "revox.approve_campaign",
        **sandbox_of(state),
        "message": message,
        "arguments": arguments,
        "arguments_hash": hashed,
        "warnings": [*state["warnings"], *problem],
        "how_to_answer": _SIMPLY if asking and not asking["again"] else _EXACTLY,
        "answers": {
            "approve": {"decision": "approve", "arguments_hash": hashed},
            "reject": {"decision": "reject", "arguments_hash": hashed, "reason": "…"},
        },
        **approval_form(
            "revox_campaign",
            {"contacts": arguments["contacts"], "arguments_hash": hashed},
            " ".join([*problem, message]),
            may_edit=False,
        ),
    }


def ask(state: CampaignState) -> Command[str]:
    """Ask what to do about a launch that may have taken effect. Holds the question and nothing else."""
    error = state.get("error") or {}
    given = interrupt(
        {
            "type": "revox.launch_unknown",
            **sandbox_of(state),
            "message": f"A launch may have taken effect. {error.get('message', '')}".strip(),
            "warnings": [str(state["problem"])] if state.get("problem") else [],
            "options": {
                "look_again": "Read once more where the contacts stand; rings nobody.",
                "dial": "Launch the contacts that Revox shows as not launched.",
                "give_up": "End the run. What has been launched goes on.",
            },
            **unknown_form("revox_unknown_launch", {}),
        },
        response_schema=UNKNOWN_SCHEMA,
    )
    try:
        answer = read_unknown(given)
    except InvalidInput as wrong:
        return Command(update={"problem": f"{wrong.message} {ONE_OF_THREE}"}, goto="ask")
    if answer.decision == "give_up":
        return Command(update={"error": {**error, "code": "given_up"}, "problem": None}, goto="report")
    mode = "look" if answer.decision == "look_again" else None
    return Command(update={"mode": mode, "error": None, "problem": None}, goto="launch")


def configuration_of(group: Group, state: CampaignState) -> Flow[JsonObject]:
    """The assistant of a group as it will speak, read anew, with what the campaign sets beside it."""
    assistant = yield from stored_assistant(group["assistant_id"])
    beside = {"call_retry_config": group.get("retries"), "from_phone_number": state["asked"].get("from_phone_number")}
    return merged(assistant, beside)


class _Count:
    """The contacts of one group: how many, a hash of all, and a few first sentences."""

    def __init__(self) -> None:
        self.count = 0
        self.hash = hashlib.sha256()
        self.samples: list[JsonObject] = []

    def add(self, number: str, variables: dict[str, str], group: Group) -> None:
        self.count += 1
        self.hash.update(canonical([number, variables]).encode())
        sentence = group.get("first_sentence")
        if sentence and not self.samples:
            said = sentence
            for name, value in variables.items():
                said = said.replace(f"{{{{{name}}}}}", value)
            self.samples.append({"language": group["language"], "first_sentence": said})


def _counted(state: CampaignState, settings: CampaignSettings, rows: ContactStore) -> dict[str, _Count]:
    counts = {group["language"]: _Count() for group in state["groups"]}
    groups = {group["language"]: group for group in state["groups"]}
    columns = rows.columns(state["key"])
    assert columns is not None
    for language, kept in members_of(state, settings, rows):
        counts[language].add(number_of(kept), kept.row.variables(columns), groups[language])
    return counts


def _leave_out_newcomers(
    state: CampaignState, settings: CampaignSettings, rows: ContactStore, language: str, there: frozenset[str]
) -> int:
    new: list[Kept] = [
        kept
        for said, kept in members_of(state, settings, rows)
        if said == language and kept.state == READY and number_of(kept) not in there
    ]
    reason = "The campaign of this intent exists without this contact."
    rows.record(state["key"], set_aside(new, LEFT_OUT, "campaign_exists", reason))
    return len(new)


def _arguments(state: CampaignState, not_called: dict[str, int]) -> JsonObject:
    """Exactly what would be created and launched; whatever changes in it makes every open question's answer stale."""
    asked = state["asked"]
    groups = [_shown(state, group) for group in state["groups"]]
    limits = ("scheduled_at", "max_concurrent_calls", "from_phone_number", "stop_when")
    return {
        "contacts": sum(each["contacts"] for each in groups),
        "not_called": not_called,
        "groups": groups,
        "first_sentences": state["samples"],
        "max_orders": sum(each["contacts"] for each in groups),
        "max_attempts": sum(each["max_attempts"] for each in groups),
        "max_minutes": round(sum(each["max_minutes"] for each in groups), 1),
        **{name: asked.get(name) for name in limits},
        "key": state["key"],
    }


def _shown(state: CampaignState, group: Group) -> JsonObject:
    cost = Cost(**group["cost"])
    names = ("language", "contacts", "voice", "prompt", "first_sentence", "assistant_id")
    return {
        "campaign": name_of(state, group["language"]),
        **{name: group.get(name) for name in names},
        "max_attempts": group["contacts"] * cost.attempts,
        "max_minutes": round(group["contacts"] * cost.minutes, 1),
        "contacts_hash": group["contacts_hash"],
        "configuration_hash": group["configuration_hash"],
    }


_SIMPLY = "Answer true or false, or with one of `answers`; nothing has been created in Revox's campaigns yet."
_EXACTLY = (
    "Answer with `answers.approve`, which carries the hash of what is shown here, or by the id of this interrupt."
)
