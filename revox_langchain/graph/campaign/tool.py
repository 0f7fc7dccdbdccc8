"""The campaign graph as one tool: call many contacts, wait until all calls have ended, and return how far it came."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Unpack

from pydantic import Field

from revox_langchain.actions.alternatives import Notes, reconciled
from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.contacts.reading import read_contacts
from revox_langchain.dialing.given import Given
from revox_langchain.dialing.guard import Guard
from revox_langchain.errors import InvalidInput
from revox_langchain.flow import Flow, off_the_loop
from revox_langchain.graph.campaign.build import campaign_graph_with, settings_of
from revox_langchain.graph.campaign.input import CampaignInput
from revox_langchain.graph.campaign.settings import CampaignGraphOptions
from revox_langchain.graph.tool import tool_of_graph
from revox_langchain.operations.fields import Moment
from revox_langchain.operations.narrowed import Fields, check_fixed, narrowed
from revox_langchain.operations.operation import Request, Risk, View, procedure
from revox_langchain.operations.own_words import Spoken
from revox_langchain.operations.render import campaigns as render
from revox_langchain.operations.schema import FOR_CODE
from revox_langchain.tools.tool import RevoxTool, number_source

_ENDED = frozenset({"completed", "stopped", "still_running"})


@procedure(risk=Risk.DIAL, render=render.finished)
class RunCampaign(Request):
    """Call many contacts, wait until all calls have ended, and return how many were reached.

    Rings real people; only for numbers that the user gave. Each language gets a voice of its own. The same arguments
    never ring twice.
    """

    view = View(one_of=("contacts", "contacts_file"), excludes={"contacts_file": ("contacts",)})

    contacts: list[JsonObject] | None = Field(
        default=None, description="An object each: phone (+, country code, number), language, values for the prompt."
    )
    contacts_file: str | None = Field(default=None, description="Or a file's name.", json_schema_extra=FOR_CODE)
    prompt: Spoken = Field(description="What the user wants done on each call; {{name}} is a contact's value.")
    prompts: dict[str, Spoken] | None = Field(
        default=None, description="The prompt in other languages, by code: fr, de, …"
    )
    language: str | None = Field(default=None, description="Of contacts that name none.", json_schema_extra=FOR_CODE)
    first_sentence: Spoken | None = Field(
        default=None, description="What it says first, word for word.", json_schema_extra=FOR_CODE
    )
    scheduled_at: Moment | None = Field(default=None, description="Only if the user names a time: ISO 8601.")
    max_attempts: int | None = Field(
        default=None, ge=1, le=50, description="How often to dial each.", json_schema_extra=FOR_CODE
    )
    max_concurrent_calls: int | None = Field(
        default=None, ge=1, description="Calls at a time.", json_schema_extra=FOR_CODE
    )
    intent: str | None = Field(default=None, description="For code: names this campaign.", json_schema_extra=FOR_CODE)


def campaign_graph_tool(
    connection: Connection | None = None,
    *,
    fields: Fields = "lean",
    fixed: Mapping[str, object] | None = None,
    **options: Unpack[CampaignGraphOptions],
) -> RevoxTool:
    """Make the whole campaign graph one tool, `revox_run_campaign`.

    A question the graph asks (approval, unknown launch) interrupts the agent's run and is answered by resuming it. What
    a model reads of the rows are counts and at most three problems, nothing that a cell says.

    Args:
        connection: As for `create_campaign_graph`.
        fields: What a model may give. `lean`: contacts, prompts and schedule; `full`: also a file of `contacts_dir`,
            language, first sentence, limits and intent.
        fixed: Values that the application gives, by field name; a model neither sees nor changes them.
        options: As for `create_campaign_graph`.

    Raises:
        InvalidInput: A fixed value does not fit.
    """
    connection = Connection.from_env() if connection is None else connection
    settings = settings_of(by_model=True, **options)
    check_fixed(fixed or {}, [RunCampaign], settings.guard.policy.default_region)
    request = narrowed(RunCampaign, fields, fixed=fixed)
    graph = campaign_graph_with(settings, connection).compile(name=request.spec.name)

    def checked(arguments: JsonObject, given: Given | None) -> Flow[tuple[JsonObject, Notes]]:
        counting, notes = yield from reconciled(request, arguments, settings.guard.policy)
        asked = request.parse(counting).model_dump(mode="json", exclude_none=True)
        CampaignInput.parse(asked)
        # The question shows a person counts, not numbers, so that a yes does not make them that person's.
        if given is not None and asked.get("contacts") and "contacts" not in request.view.fixed:
            contacts = asked["contacts"]
            yield from off_the_loop(len(contacts), partial(_refuse_not_given, contacts, settings.guard, given))
        return asked, notes

    return tool_of_graph(
        request,
        graph,
        connection,
        check=checked,
        finished=lambda out: out.get("status") in _ENDED,
        tags=["revox", "campaigns"],
        metadata=number_source(RunCampaign, settings.guard.policy),
    )


def _refuse_not_given(contacts: list[JsonObject], guard: Guard, given: Given) -> None:
    """Refuse contacts whose numbers a model made up; any other problem with a row is for the graph to report."""
    try:
        rows = read_contacts(contacts, default_country=guard.policy.default_region).rows
    except InvalidInput:
        return
    phones = {f"contacts.{row.line - 1}": row.phone for row in rows if row.phone is not None}
    guard.check_given(phones, given)
