"""Contacts of a campaign: each rung once, none that must not be rung, and none again so soon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn, get_args

from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.numbers import own_numbers, with_digits_as_keys
from revox_langchain.dialing.search import search_all
from revox_langchain.errors import InvalidInput, Refused
from revox_langchain.flow import Flow, Pause, Recent, off_the_loop
from revox_langchain.operations.calls import GetCallHistory, GetPhoneHistory
from revox_langchain.operations.campaigns import LaunchCampaign
from revox_langchain.operations.fields import CallStatus
from revox_langchain.phone import Phone
from revox_langchain.results.call import ENDED
from revox_langchain.results.order import unix_s

Numbers = Mapping[str, str]
"""Numbers by call id."""

UNDER_WAY = tuple(status for status in get_args(CallStatus) if status not in (*ENDED, "not_launched"))
"""Statuses of orders that ring by themselves sooner or later."""

_MOST_NAMED = 3


def check_numbers(numbers: Sequence[str], guard: Guard) -> Flow[list[Phone]]:
    """Check every number against what needs no request."""
    return (yield from off_the_loop(len(numbers), lambda: [guard.check_number(number) for number in numbers]))


def refuse_repeated_contacts(phones: Sequence[Phone]) -> None:
    """Refuse contacts that are one person in several spellings, whom a campaign would ring several times.

    Raises:
        InvalidInput: With code `duplicate_contacts`, naming a few.
    """
    places: dict[str, list[int]] = {}
    for place, phone in enumerate(phones):
        places.setdefault(phone.e164, []).append(place)
    repeated = [same for same in places.values() if len(same) > 1]
    if repeated:
        named = "; ".join(" and ".join(f"contacts.{place}" for place in same[:3]) for same in repeated[:_MOST_NAMED])
        more = f", and {len(repeated) - _MOST_NAMED} more numbers" if len(repeated) > _MOST_NAMED else ""
        raise InvalidInput(
            f"The same number is given more than once, and would ring as often: {named}{more}.",
            code="duplicate_contacts",
            next_step="Give each number in contacts once.",
            details={"contacts": repeated[:50]},
        )


def refuse_past_launch(launch: LaunchCampaign) -> Flow[None]:
    """Refuse a launch at a moment that has passed.

    Raises:
        Refused: With code `scheduled_in_the_past`.
    """
    if launch.scheduled_at is None:
        return
    now_s = (yield Pause(0)).now_s
    if launch.scheduled_at.timestamp() < now_s - 60:
        raise Refused(
            f"{launch.scheduled_at} has passed; the phones would ring right away.",
            code="scheduled_in_the_past",
            next_step="Leave scheduled_at out to call now, or give a moment in the future.",
        )


def refuse_own_numbers(numbers: Numbers) -> Flow[None]:
    """Refuse to ring the organisation's own numbers.

    Raises:
        Refused: With code `own_number`.
    """
    if not numbers:
        return
    own = set((yield from own_numbers()))
    found = [call_id for call_id, number in numbers.items() if number in own]
    if found:
        _refuse(found, numbers, "belong to the organisation itself", "own_number")


def refuse_ringing_again(numbers: Numbers, launch: LaunchCampaign, guard: Guard) -> Flow[None]:
    """Refuse a launch that would ring someone twice, or so soon after another call.

    Args:
        numbers: What the launch would ring.
        launch: When it would ring them.
        guard: Has the least time between two calls.

    Raises:
        Refused: With code `duplicate_contacts`, `recently_placed` or `contacts_unknown`.
    """
    if not numbers:
        return
    first: dict[str, str] = {}
    for call_id, number in numbers.items():
        first.setdefault(number, call_id)
    repeated = [call_id for call_id, number in numbers.items() if first[number] != call_id]
    if repeated:
        _refuse(repeated, numbers, "are in the campaign more than once", "duplicate_contacts")
    yield from _refuse_recent(numbers, launch, guard)
    yield from _refuse_under_way(numbers)


def _refuse_recent(numbers: Numbers, launch: LaunchCampaign, guard: Guard) -> Flow[None]:
    now_s = (yield Pause(0)).now_s
    rings_s = launch.scheduled_at.timestamp() if launch.scheduled_at else now_s
    history = with_digits_as_keys((yield Recent(GetPhoneHistory(), max_age_s=60))["phone_history"])
    left_s: dict[str, float] = {}
    for call_id, number in numbers.items():
        last_s = unix_s(history.get(number.lstrip("+"), {}).get("last_called_at"))
        if last_s is not None and (left := guard.gap_left_s(last_s, rings_s)) > 0:
            left_s[call_id] = left
    if left_s:
        longest_s = max(left_s.values())
        what = f"rang less than {guard.policy.min_gap_s:.0f} s ago"
        _refuse(list(left_s), numbers, what, "recently_placed", retry_after_s=longest_s)


def _refuse_under_way(numbers: Numbers) -> Flow[None]:
    wanted = set(numbers.values())
    # Orders begin and end while the pages are read, which makes one reading incomplete.
    for _ in range(3):
        found = yield from search_all(GetCallHistory(statuses=list(UNDER_WAY)))
        others = {str(order.get("to_phone_number")) for id_, order in found.calls.items() if id_ not in numbers}
        if found.complete or others & wanted:
            break
    else:
        raise Refused(
            "Not all calls that are under way could be read, so it is not known whether a contact is in one.",
            code="contacts_unknown",
            next_step="Send revox_launch_campaign again when fewer calls are in progress; nothing rang.",
        )
    twice = [call_id for call_id, number in numbers.items() if number in others]
    if twice:
        what = "are to be rung by another order that has not ended"
        _refuse(twice, numbers, what, "recently_placed")


def _refuse(
    call_ids: list[str], numbers: Numbers, what: str, code: str, retry_after_s: float | None = None
) -> NoReturn:
    named = ", ".join(call_ids[:_MOST_NAMED])
    more = f" and {len(call_ids) - _MOST_NAMED} more (all are in the details)" if len(call_ids) > _MOST_NAMED else ""
    wait = f", or wait {retry_after_s:.0f} s" if retry_after_s else ""
    raise Refused(
        f"{len(call_ids)} of the {len(numbers)} numbers to ring {what}.",
        code=code,
        next_step=f"Leave them out with row_mode='all_except' and call_ids: {named}{more}{wait}.",
        retry_after_s=retry_after_s,
        details={"call_ids": call_ids},
    )
