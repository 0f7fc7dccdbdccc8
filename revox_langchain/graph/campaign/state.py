"""What travels between the nodes of the campaign graph, and what comes out of it.

Rows stay in the store; the state has what grows with the languages and not with the contacts. Only without a store, for
a few hundred contacts, the rows are in it too.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from revox_langchain.answers import JsonObject
from revox_langchain.graph.call.state import Asking

CampaignStatus = Literal["completed", "stopped", "still_running", "refused", "rejected", "unknown", "nobody_to_call"]

VERSION = 1
"""Of the state below; raise it when a channel changes its meaning."""


class Group(TypedDict, total=False):
    """The contacts of one language, and the campaign of Revox's that calls them.

    Attributes:
        language: BCP-47 tag of what is spoken with them.
        contacts: How many they are.
        prompt: What their assistant is told; None for a given assistant.
        first_sentence: What it says first.
        settings: The assistant's configuration besides its prompt.
        voice: Who speaks.
        assistant_id: The assistant in the account.
        retries: `call_retry_config` of the campaign, where a given assistant's is not to count.
        configuration_hash: Of the assistant as it was shown.
        contacts_hash: Of numbers and variables.
        cost: The worst one order can cost.
        campaign_id: Revox's campaign.
        launched: Whether everybody in it who is to be called has been launched.
        held: Why it was not launched, as an error.
    """

    language: str
    contacts: int
    prompt: str | None
    first_sentence: str | None
    settings: JsonObject
    voice: JsonObject | None
    assistant_id: str
    retries: JsonObject | None
    configuration_hash: str
    contacts_hash: str
    cost: JsonObject
    campaign_id: str
    launched: bool
    held: JsonObject | None


class CampaignState(TypedDict, total=False):
    """What the nodes hand on.

    Attributes:
        version: Version of this layout.
        asked: The input without its contacts.
        key: Under which name the rows are kept; it also makes the mark in the names of Revox's campaigns.
        scope: The LangGraph thread, if there is one.
        kept: The rows, where there is no store.
        groups: One for each language.
        missing: How many contacts have no value for a variable, by its name.
        samples: First sentences to show.
        shown: What the question shows.
        asking: The question that was asked last.
        problem: Why the last answer did not count.
        approved: Whether a person said yes.
        mode: `look` if a person wants only looked whether a launch whose answer was lost took effect.
        tally: What became of the calls that have ended.
        began_s: When the watching began, seconds since the epoch.
        why: Why the watching ended.
    """

    version: int
    asked: JsonObject
    key: str
    scope: str | None
    kept: JsonObject | None
    groups: list[Group]
    missing: dict[str, int]
    samples: list[JsonObject]
    shown: JsonObject | None
    asking: Asking | None
    problem: str | None
    approved: bool
    mode: str | None
    tally: JsonObject | None
    began_s: float | None
    why: str | None
    status: str | None
    reason: str | None
    states: dict[str, int]
    notes: list[str]
    warnings: list[str]
    error: JsonObject | None
    sandbox: bool
    campaigns: list[JsonObject]
    funnel: dict[str, int]
    conclusions: dict[str, dict[str, int]]
    dispositions: dict[str, dict[str, int]]
    still_open: int
    not_called: dict[str, int]
    problems: list[str]
    results_csv: str | None
    errors_csv: str | None


class CampaignOutput(BaseModel):
    """What became of the campaign."""

    status: CampaignStatus = Field(description="How it ended.")
    reason: str | None = Field(description="Why it ended so, in a sentence.")
    key: str | None = Field(description="Under which name a store has its rows.")
    campaigns: list[dict[str, Any]] = Field(description="Revox's campaigns: language, id, assistant, voice, contacts.")
    states: dict[str, int] = Field(description="How many rows are in which state; they add up to the rows read.")
    funnel: dict[str, int] = Field(description="How many contacts came how far.")
    conclusions: dict[str, dict[str, int]] = Field(description="What became of the contacts, by language.")
    dispositions: dict[str, dict[str, int]] = Field(description="How their last attempts went, by language.")
    still_open: int = Field(description="How many contacts were launched and have no call that ended.")
    not_called: dict[str, int] = Field(description="How many contacts were not called, by the code that says why.")
    problems: list[str] = Field(description="A few of the rows that need a person's look.")
    results_csv: str | None = Field(description="The rows with what became of them, as CSV: a path, or the text.")
    errors_csv: str | None = Field(description="Path of a CSV file of the rows to correct.")
    notes: list[str] = Field(description="How contacts, languages and voices were read and chosen.")
    warnings: list[str] = Field(description="What may be wrong although the campaign went on.")
    error: dict[str, Any] | None = Field(description="Why there was no campaign, or not all of it.")
    sandbox: bool = Field(description="Whether a sandbox answered: no phone rang.")
