"""Create one campaign of Revox's for each language, and launch each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from revox_langchain.actions.create import LOOK_AGAIN_S
from revox_langchain.actions.registry import flow_of
from revox_langchain.contacts.store import Change, ContactStore, Kept
from revox_langchain.dialing.configuration import digest as digest_of_configuration
from revox_langchain.dialing.intent import outcome_of
from revox_langchain.dialing.numbers import with_digits_as_keys
from revox_langchain.errors import InvalidInput, NotFound, Refused, RevoxToolError
from revox_langchain.flow import Event, Flow, Pause, Recent, Work
from revox_langchain.graph.campaign.asking import configuration_of
from revox_langchain.graph.campaign.control import standing_of
from revox_langchain.graph.campaign.marks import marked_campaigns, name_of, orders_in
from revox_langchain.graph.campaign.progress import LAUNCHED
from revox_langchain.graph.campaign.reading import members_of
from revox_langchain.graph.campaign.rows import LEFT_OUT, READY, counts_of, number_of, set_aside
from revox_langchain.graph.campaign.settings import CampaignSettings
from revox_langchain.graph.campaign.state import CampaignState, Group
from revox_langchain.graph.steps import GOTO, Update
from revox_langchain.operations.calls import GetPhoneHistory
from revox_langchain.operations.campaigns import CancelCampaign, Contact, CreateCampaign, LaunchCampaign
from revox_langchain.results.order import id_of, status_of

_WAITING = "not_launched"
_MOST_REFUSALS = 5
Orders = Mapping[str, Mapping[str, object]]


def create(state: CampaignState, settings: CampaignSettings) -> Flow[Update]:
    """Create the campaign of one language, unless an earlier execution has; the next language is the next step."""
    group = next((each for each in state["groups"] if not each.get("campaign_id")), None)
    if group is None:
        return {GOTO: "launch"}
    try:
        if changed := (yield from _changed(group, state, settings)):
            return changed
        if not (ours := (yield from marked_campaigns(state, group["language"]))):
            request = yield Work(partial(_request, group, state, settings))
            made = yield from flow_of(request, settings.context(state))
            # Another process, or a request that was thought lost, may have created it as well: the earliest counts.
            ours = (yield from marked_campaigns(state, group["language"])) or [made["campaign"]]
        campaign = ours[0]
        if str(campaign.get("assistant_id")) != group["assistant_id"]:
            raise Refused(
                f"The {group['language']} campaign of this intent exists with another assistant.",
                code="intent_conflict",
                next_step="Give a new intent for other words, or the same words for this one.",
            )
    except (Refused, InvalidInput, NotFound) as error:
        return {"error": error.as_dict(), GOTO: "report"}
    warnings = list(state["warnings"])
    for extra in ours[1:]:
        yield CancelCampaign(campaign_id=str(extra["id"]))
        warnings.append(f"A second campaign of this intent, {extra['id']}, was cancelled; it had launched no one.")
    campaign_id = str(campaign["id"])
    yield Event({"type": "revox.campaign_created", "campaign_id": campaign_id, "language": group["language"]})
    return {"groups": _with(state, {**group, "campaign_id": campaign_id}), "warnings": warnings, GOTO: "create"}


def launch(state: CampaignState, settings: CampaignSettings) -> Flow[Update]:
    """Launch the campaign of one language; the next language is the next step.

    Only contacts that Revox shows as not launched are launched, so that a launch which comes twice rings no one twice.
    """
    waiting = [each for each in state["groups"] if not each.get("launched") and not each.get("held")]
    if not waiting:
        return {GOTO: "watch" if any(each.get("launched") for each in state["groups"]) else "report"}
    group, rows = waiting[0], settings.rows(state)
    try:
        if stopped := (yield from _stopped_by_someone(state)):
            return {"groups": _held(state, waiting, stopped), GOTO: "launch"}
        if changed := (yield from _changed(group, state, settings)):
            return changed
        plan = yield from _planned(group, state, settings, rows)
        if plan.rings and state.get("mode") == "look":
            return {**settings.kept(rows), "mode": None, "error": _unknown(group).as_dict(), GOTO: "ask"}
        if plan.rings and plan.begun and (stopped := (yield from _stopped_by_someone(state, begun=group))):
            raise stopped
        yield from _launched(group, plan, state, settings, rows)
    except (Refused, InvalidInput, NotFound) as error:
        return {**settings.kept(rows), "groups": _held(state, [group], error), GOTO: "launch"}
    except _Unknown:
        unknown = _unknown(group)
        if settings.on_unknown == "ask":
            return {**settings.kept(rows), "error": unknown.as_dict(), GOTO: "ask"}
        return {**settings.kept(rows), "groups": _held(state, [group], unknown), GOTO: "launch"}
    counts = yield from counts_of(rows, state["key"])
    event = {"campaign_id": group["campaign_id"], "language": group["language"], "launched": len(plan.rings)}
    yield Event({"type": "revox.campaign_launched", **event})
    return {
        **settings.kept(rows),
        "groups": _with(state, {**group, "launched": True}),
        "states": counts,
        "mode": None,
        GOTO: "launch",
    }


class _Plan(NamedTuple):
    """What a launch is to do.

    Attributes:
        rings: The contacts that it is to ring, by number.
        left: Ids of the campaign's other orders that were not launched.
        begun: Whether some of the campaign has been launched before.
    """

    rings: dict[str, Kept]
    left: tuple[str, ...]
    begun: bool


class _Unknown(Exception):
    """It is not known whether a launch took effect."""


def _launched(
    group: Group, plan: _Plan, state: CampaignState, settings: CampaignSettings, rows: ContactStore
) -> Flow[None]:
    """Launch what is planned; contacts whom Revox's answers forbid to ring are set aside, and the others go on."""
    for _ in range(_MOST_REFUSALS):
        if not plan.rings:
            return
        try:
            yield from flow_of(_launch_request(group, plan, state), settings.context(state))
            break
        except Refused as error:
            ids = {str(each) for each in error.details.get("call_ids") or ()}
            if not ids or outcome_of(error) == "unknown":
                raise
            plan = yield from _without(plan, ids, error, group, state, rows)
        except RevoxToolError as error:
            if outcome_of(error) != "unknown":
                raise
            if not (yield from _has_moved(group["campaign_id"], plan)):
                raise _Unknown from error
            break
    else:
        raise Refused(
            "Revox's answers forbid ever more contacts of this campaign.",
            code="contacts_unknown",
            next_step="Start it again later; nothing of this language rang.",
        )
    changes = [Change(kept.row.mark, LAUNCHED) for kept in plan.rings.values()]
    yield Work(partial(rows.record, state["key"], changes))


def _planned(group: Group, state: CampaignState, settings: CampaignSettings, rows: ContactStore) -> Flow[_Plan]:
    """Whom the launch is to ring, by what is known now: where each order stands, and who must not be called."""
    orders = yield from orders_in(group["campaign_id"])
    opted_out: frozenset[str] = frozenset()
    if settings.opt_out is not None:
        opted_out = yield Work(settings.opt_out.numbers)
    marked: frozenset[str] = frozenset()
    if settings.guard.policy.honour_do_not_contact:
        # Older than nothing at all: read anew, and remembered for the checks of the launch itself.
        history = with_digits_as_keys((yield Recent(GetPhoneHistory(), max_age_s=-1))["phone_history"])
        marked = frozenset(f"+{digits}" for digits, entry in history.items() if entry.get("do_not_contact"))
    plan: _Plan = yield Work(partial(_sorted, group, state, settings, rows, orders, opted_out, marked))
    return plan


def _sorted(
    group: Group,
    state: CampaignState,
    settings: CampaignSettings,
    rows: ContactStore,
    orders: Orders,
    opted_out: frozenset[str],
    marked: frozenset[str],
) -> _Plan:
    rings: dict[str, Kept] = {}
    changes: list[Change] = []
    for language, kept in members_of(state, settings, rows):
        if language != group["language"] or kept.state != READY:
            continue
        number = number_of(kept)
        order = orders.get(number)
        if order is None:
            changes += set_aside([kept], LEFT_OUT, "campaign_exists", "Revox's campaign does not have this contact.")
        elif status_of(order) != _WAITING:
            changes.append(Change(kept.row.mark, LAUNCHED))
        elif number in opted_out:
            changes += set_aside([kept], LEFT_OUT, "opted_out", "Opted out before the launch.")
        elif number in marked:
            changes += set_aside([kept], LEFT_OUT, "do_not_contact", "Marked do-not-contact before the launch.")
        else:
            rings[number] = kept
    rows.record(state["key"], changes)
    left = (id_of(each) for number, each in orders.items() if status_of(each) == _WAITING and number not in rings)
    begun = any(status_of(each) != _WAITING for each in orders.values())
    return _Plan(rings, tuple(left), begun)


def _launch_request(group: Group, plan: _Plan, state: CampaignState) -> LaunchCampaign:
    at = state["asked"].get("scheduled_at")
    return LaunchCampaign(
        campaign_id=group["campaign_id"],
        row_mode="all_except",
        call_ids=list(plan.left),
        statuses=[_WAITING],
        scheduled_at=datetime.fromisoformat(at) if at else None,
    )


def _without(
    plan: _Plan, ids: set[str], error: Refused, group: Group, state: CampaignState, rows: ContactStore
) -> Flow[_Plan]:
    """The plan without the orders that a refusal names."""
    orders = yield from orders_in(group["campaign_id"])
    out = {number for number, order in orders.items() if id_of(order) in ids and number in plan.rings}
    if not out:
        raise error
    changes = set_aside((plan.rings[number] for number in out), LEFT_OUT, error.code, _reason(error))
    yield Work(partial(rows.record, state["key"], changes))
    rings = {number: kept for number, kept in plan.rings.items() if number not in out}
    return _Plan(rings, (*plan.left, *(id_of(orders[number]) for number in out)), plan.begun)


def _reason(error: Refused) -> str:
    return {
        "recently_placed": "This number rang a moment ago, or another order is to ring it.",
        "own_number": "This is one of the organisation's own numbers.",
    }.get(error.code, error.message)


def _has_moved(campaign_id: str, plan: _Plan) -> Flow[bool]:
    """Whether a launch whose answer was lost took effect, looked for until that can be believed."""
    for pause_s in LOOK_AGAIN_S:
        yield Pause(pause_s)
        orders = yield from orders_in(campaign_id)
        if any(status_of(orders[number]) != _WAITING for number in plan.rings if number in orders):
            return True
    return False


def _stopped_by_someone(state: CampaignState, begun: Group | None = None) -> Flow[Refused | None]:
    """Why nothing more may be launched: someone has paused or cancelled a campaign of this launch."""
    for group in state["groups"]:
        standing = yield from standing_of(group["campaign_id"])
        # A campaign that was not launched may count as paused already.
        stopped = ("paused", "cancelled") if group.get("launched") or group is begun else ("cancelled",)
        if standing.status in stopped:
            return Refused(
                f"The {group['language']} campaign was {standing.status}, so no other language was launched.",
                code="campaign_stopped",
                next_step="Resume it, and launch the others in Revox's dashboard, or start a new intent.",
            )
    return None


def _changed(group: Group, state: CampaignState, settings: CampaignSettings) -> Flow[Update | None]:
    """Back to the question if the assistant is no longer the one that a person approved."""
    if not settings.approve:
        return None
    configuration = yield from configuration_of(group, state)
    if digest_of_configuration(configuration) == group["configuration_hash"]:
        return None
    warning = f"The {group['language']} assistant was changed meanwhile; this question shows it as it is now."
    return {"approved": False, "warnings": [*state["warnings"], warning], GOTO: "preview"}


def _request(group: Group, state: CampaignState, settings: CampaignSettings) -> CreateCampaign:
    rows, asked = settings.rows(state), state["asked"]
    columns = rows.columns(state["key"])
    assert columns is not None
    contacts = [
        Contact(to_phone_number=number_of(kept), prompt_variables=kept.row.variables(columns))
        for language, kept in members_of(state, settings, rows)
        if language == group["language"] and kept.state == READY
    ]
    if not contacts:
        raise Refused(
            f"The {group['language']} campaign of this intent is gone, and its contacts were launched before.",
            code="campaign_gone",
            next_step="Look at the calls themselves; to call these contacts again, give a new intent.",
        )
    return CreateCampaign(
        assistant_id=group["assistant_id"],
        name=name_of(state, group["language"]),
        contacts=contacts,
        from_phone_number=asked.get("from_phone_number"),
        max_concurrent_calls=asked.get("max_concurrent_calls"),
        call_retry_config=group.get("retries"),
    )


def _unknown(group: Group) -> RevoxToolError:
    return RevoxToolError(
        f"Revox's answer to the launch of the {group['language']} campaign was lost, and no contact of it has begun.",
        code="launch_unknown",
        next_step="Look at the campaign again before you launch anything.",
    )


def _held(state: CampaignState, groups: Sequence[Group], error: RevoxToolError) -> list[Group]:
    """The groups, of which some are not launched."""
    held = {each["language"] for each in groups}
    return [{**each, "held": error.as_dict()} if each["language"] in held else each for each in state["groups"]]


def _with(state: CampaignState, changed: Group) -> list[Group]:
    return [changed if each["language"] == changed["language"] else each for each in state["groups"]]
