"""Pause, resume and cancel campaigns of Revox's while someone else watches them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from revox_langchain.actions.registry import Context, flow_of
from revox_langchain.answers import JsonObject
from revox_langchain.errors import AnswerError, InvalidInput, Refused, RevoxToolError, Unavailable
from revox_langchain.flow import Flow
from revox_langchain.operations.campaigns import CancelCampaign, GetCampaign, PauseCampaign, ResumeCampaign

_TRIES = 3
_LOST = (Unavailable, AnswerError)


class Standing(NamedTuple):
    """Where a campaign stands after it was to be changed.

    Attributes:
        campaign_id: Which.
        status: `running`, `paused`, `completed` or `cancelled`; what else Revox says stays as it is.
        changed: Whether this changed it; if not, it stood so already.
    """

    campaign_id: str
    status: str
    changed: bool


def pause(campaigns: Sequence[str]) -> Flow[tuple[Standing, ...]]:
    """Pause campaigns: calls under way end normally, no new one starts. One that is over stays as it is.

    Raises:
        RevoxToolError: One of them may still dial; the others were paused.
    """
    return (yield from _each(campaigns, _paused))


def cancel(campaigns: Sequence[str]) -> Flow[tuple[Standing, ...]]:
    """Cancel campaigns for good: calls under way end normally, the rest never start.

    Raises:
        RevoxToolError: One of them may still dial; the others were cancelled.
    """
    return (yield from _each(campaigns, _cancelled))


def resume(campaigns: Sequence[str], context: Context) -> Flow[tuple[Standing, ...]]:
    """Resume paused campaigns: phones may ring again. Every number that would ring is checked first.

    Args:
        campaigns: Their ids.
        context: What may be dialed.

    Raises:
        RevoxToolError: One of them may not be resumed, or Revox could not be reached; those before it run.
    """
    resumed = []
    for campaign_id in campaigns:
        standing = yield from standing_of(campaign_id)
        if standing.status == "paused":
            try:
                answer = yield from flow_of(ResumeCampaign(campaign_id=campaign_id), context)
            except _LOST:
                # Whether it runs is seen; a request that rings phones is not sent twice.
                standing = yield from standing_of(campaign_id)
                if standing.status == "paused":
                    raise
            else:
                standing = yield from _after(answer, campaign_id)
        resumed.append(standing)
    return tuple(resumed)


def standing_of(campaign_id: str) -> Flow[Standing]:
    """Read where a campaign stands.

    Raises:
        RevoxToolError: There is no such campaign, or it cannot be read.
    """
    campaign: JsonObject = (yield GetCampaign(campaign_id=campaign_id))["campaign"]
    return Standing(campaign_id, "cancelled" if campaign.get("is_cancelled") else str(campaign.get("status")), False)


def _each(campaigns: Sequence[str], change: Callable[[str], Flow[Standing]]) -> Flow[tuple[Standing, ...]]:
    standings: list[Standing] = []
    failed: RevoxToolError | None = None
    for campaign_id in campaigns:
        # One that cannot be stopped is no reason to let the others go on.
        try:
            standings.append((yield from change(campaign_id)))
        except RevoxToolError as error:
            failed = error
    if failed is not None:
        raise failed
    return tuple(standings)


def _paused(campaign_id: str) -> Flow[Standing]:
    return (yield from _changed(PauseCampaign(campaign_id=campaign_id), ("paused", "completed", "cancelled")))


def _cancelled(campaign_id: str) -> Flow[Standing]:
    return (yield from _changed(CancelCampaign(campaign_id=campaign_id), ("cancelled", "completed")))


def _changed(request: PauseCampaign | CancelCampaign, wanted: tuple[str, ...]) -> Flow[Standing]:
    """Send a request that may be sent again, and believe what the campaign shows afterwards."""
    for tries in range(1, _TRIES + 1):
        try:
            answer = yield request
        except (*_LOST, InvalidInput, Refused) as error:
            standing = yield from standing_of(request.campaign_id)
            if standing.status in wanted:
                # An answer that was lost may have changed it; a refusal has not.
                return standing._replace(changed=isinstance(error, _LOST))
            if tries == _TRIES or not isinstance(error, _LOST):
                raise
        else:
            if answer.get("success") is not False:
                return Standing(request.campaign_id, wanted[0], True)
            standing = yield from standing_of(request.campaign_id)
            if standing.status in wanted:
                return standing
    raise AnswerError(
        f"Revox says that the campaign {request.campaign_id} was not changed: it is {standing.status}.",
        next_step="Look at it with revox_get_campaign, and pause it in Revox's dashboard.",
    )


def _after(answer: JsonObject, campaign_id: str) -> Flow[Standing]:
    standing = yield from standing_of(campaign_id)
    return standing._replace(changed=answer.get("success") is not False)
