"""Operations on campaigns: one assistant, many contacts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from revox_langchain.operations.fields import (
    E164,
    AssistantId,
    AttemptResult,
    CallStatus,
    CampaignId,
    Direction,
    Id,
    Moment,
    Outcome,
    OwnNumber,
    RetryConfig,
    Variables,
)
from revox_langchain.operations.operation import Operation, Risk, operation
from revox_langchain.operations.render import campaigns as render
from revox_langchain.operations.render import text
from revox_langchain.operations.schema import FOR_CODE, HIDDEN, Written


class Contact(Written):
    """A person to call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to_phone_number: E164
    prompt_variables: Variables = {}


@operation("POST /campaigns", risk=Risk.WRITE, answer="campaign", render=render.campaign)
class CreateCampaign(Operation):
    """Create a campaign: many contacts, one assistant. No phone rings yet.

    revox_launch_campaign starts the calls.
    """

    assistant_id: AssistantId
    name: str = Field(min_length=1)
    contacts: list[Contact] = Field(min_length=1)
    from_phone_number: OwnNumber | None = Field(default=None, json_schema_extra=FOR_CODE)
    max_concurrent_calls: int | None = Field(default=None, ge=1, json_schema_extra=FOR_CODE)
    call_retry_config: RetryConfig | None = Field(default=None, json_schema_extra=FOR_CODE)


@operation("GET /campaigns/{campaign_id}", risk=Risk.READ, answer="campaign", render=render.campaign)
class GetCampaign(Operation):
    """Read one campaign: status and how many calls are where."""

    campaign_id: CampaignId


@operation("GET /campaigns", risk=Risk.READ, answer="campaigns", render=render.campaigns)
class ListCampaigns(Operation):
    """List campaigns with ids and status."""


@operation("PATCH /campaigns/{campaign_id}", risk=Risk.WRITE, answer="campaign", render=render.campaign)
class UpdateCampaign(Operation):
    """Change a campaign; what is left out stays. Applies to calls not yet completed."""

    campaign_id: CampaignId
    name: str | None = Field(default=None, min_length=1)
    from_phone_number: OwnNumber | None = Field(default=None, json_schema_extra=FOR_CODE)
    max_concurrent_calls: int | None = Field(default=None, ge=1, json_schema_extra=FOR_CODE)
    call_retry_config: RetryConfig | None = Field(default=None, json_schema_extra=FOR_CODE)
    clear_fields: list[Literal["from_phone_number", "max_concurrent_calls", "call_retry_config"]] = Field(
        default=[], description="Fields to empty, by name.", json_schema_extra=FOR_CODE
    )


@operation("DELETE /campaigns/{campaign_id}", risk=Risk.DELETE, answer="success", render=text.done)
class DeleteCampaign(Operation):
    """Delete a campaign and its rows for good; calls under way go on."""

    campaign_id: CampaignId


Selected = Annotated[list[Id], Field(description="Calls (contacts) that row_mode is about.")]


@operation("POST /campaigns/{campaign_id}/launch-calls", risk=Risk.DIAL, answer="launched", render=render.launch)
class LaunchCampaign(Operation):
    """Start a campaign's calls: rings every selected contact. Default: all of them.

    To call only some, set row_mode to only and list call_ids (revox_get_campaign_rows).
    """

    campaign_id: CampaignId
    mode: Literal["ai_first", "speed_dial"] = Field(
        default="ai_first", description="speed_dial: with a human operator.", json_schema_extra=FOR_CODE
    )
    row_mode: Literal["all_except", "only"] = Field(default="all_except", serialization_alias="selection.rows.mode")
    call_ids: Selected = Field(default=[], serialization_alias="selection.rows.call_ids")
    statuses: list[CallStatus] = Field(default=[], serialization_alias="selection.filters.statuses")
    results: list[AttemptResult] = Field(
        default=[], serialization_alias="selection.filters.results", json_schema_extra=HIDDEN
    )
    outcomes: list[Outcome] = Field(
        default=[], serialization_alias="selection.filters.outcomes", json_schema_extra=HIDDEN
    )
    directions: list[Direction] = Field(
        default=[], serialization_alias="selection.filters.directions", json_schema_extra=HIDDEN
    )
    assignee_ids: list[Id] = Field(
        default=[], serialization_alias="selection.filters.assignee_ids", json_schema_extra=HIDDEN
    )
    query: str | None = Field(default=None, serialization_alias="selection.filters.query", json_schema_extra=HIDDEN)
    scheduled_at: Moment | None = Field(default=None, description="ISO 8601 with offset; ai_first only.")


@operation("POST /campaigns/{campaign_id}/pause", risk=Risk.WRITE, answer="success", render=text.done)
class PauseCampaign(Operation):
    """Pause a campaign: calls under way end normally, no new one starts."""

    campaign_id: CampaignId


@operation("POST /campaigns/{campaign_id}/resume", risk=Risk.DIAL, answer="success", render=text.done)
class ResumeCampaign(Operation):
    """Resume a paused campaign: phones may ring again."""

    campaign_id: CampaignId


@operation("POST /campaigns/{campaign_id}/cancel", risk=Risk.WRITE, answer="success", render=text.done)
class CancelCampaign(Operation):
    """Cancel a campaign for good: calls under way end normally, the rest never start."""

    campaign_id: CampaignId


@operation("GET /campaigns/{campaign_id}/rows", risk=Risk.READ, answer="rows", render=render.rows)
class GetCampaignRows(Operation):
    """List a campaign's contacts with their calls.

    Answers everything at once: for large campaigns use revox_get_call_history with campaign_ids.
    """

    campaign_id: CampaignId


@operation("GET /campaigns/{campaign_id}/export", risk=Risk.READ, answer="csv", render=text.csv)
class ExportCampaignRows(Operation):
    """Export a campaign's contacts and results as CSV, for programs."""

    campaign_id: CampaignId


@operation("GET /campaigns/{campaign_id}/statistics", risk=Risk.READ, answer="statistics", render=render.statistics)
class GetCampaignStatistics(Operation):
    """Read how a campaign went: people reached, conversations, leads, outcomes."""

    campaign_id: CampaignId
