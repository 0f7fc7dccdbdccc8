"""What may be dialed: a policy given in code, a budget reserved before the dial, and named refusals.

Nothing here can be overridden by a tool's arguments. Every refusal has a stable code and a sentence that says what to
change:

| code | refused because |
| --- | --- |
| not_a_number, missing_country, too_short, too_long, invalid_number | it is not a number that can be dialed |
| ambiguous_number | it is valid as a national number and, with a + before it, as another one |
| emergency_number, short_number | it is a service, checked on what was written |
| premium_number, shared_cost_number, personal_number, pager_number, uan_number, voicemail_number | cost |
| global_number | it belongs to no country: satellites and the like |
| extension | Revox cannot dial an extension |
| country_not_allowed, number_not_allowed, number_denied | the policy's lists |
| number_not_given | a model made it up: no one whose word counts gave it (`number_source`) |
| own_number | it is one of the organisation's own numbers |
| do_not_contact | the phone history says so |
| recently_placed | another order to the number is younger than `min_gap_s` |
| outside_local_hours | the calling window was to be skipped outside local hours, without permission |
| scheduled_in_the_past | the moment has passed |
| host_not_allowed | a request would send what is said on calls to a host that is not allowed |
| configuration_changed | the assistant is no longer the one that a person approved |
| caller_id_not_owned | the caller id is not one of the organisation's numbers |
| search_incomplete | the search may hide an earlier order of the same call request (`place`) |
| intent_conflict | the named intent, or the repeat, has an order for something else (`place`) |
| repeat_unknown, repeat_other_number, repeat_not_ended | `repeat_of` names no ended call to this number |
| budget_exceeded | orders, attempts or minutes |
| voice_missing, voice_mismatch | the voice would not speak the prompt's language |
| ambiguous_language | no voice was given, and the prompt does not tell its language for certain |
| missing_variable, denies_being_ai, … | the prompt check, where the policy refuses |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.budget import Budget
from revox_langchain.dialing.given import Given
from revox_langchain.dialing.hosts import check_hosts
from revox_langchain.dialing.hours import check_windows, wants_zone
from revox_langchain.dialing.numbers import history_of, is_listed, organisation_country, own_numbers
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.dialing.voices import refuse_default_voice
from revox_langchain.dialing.words import check_configured_words, checked
from revox_langchain.errors import InvalidInput, Refused
from revox_langchain.flow import Flow, Pause, Recent
from revox_langchain.operations.calls import GetPhoneHistory, MakeCall
from revox_langchain.phone import Phone, inside_local_hours, international_for, parse_phone
from revox_langchain.results.order import unix_s

# A difference of more than a day between our clock and Revox's is a wrong answer, not a wrong clock.
_MOST_AHEAD_S = 86_400.0
_MOST_NAMED = 3


class Guard:
    """A policy and a budget, checked in two halves: what needs no request, and what needs Revox's answers."""

    def __init__(self, policy: DialPolicy | None = None, budget: Budget | None = None) -> None:
        self.policy = policy or DialPolicy()
        self.budget = budget or Budget()
        self._ahead_s = 0.0

    def check_number(self, raw: str, region: str | None = None) -> Phone:
        """Check a number against everything that needs no request.

        Args:
            raw: The number as it was written.
            region: Country of a number in national form, if the policy has no default region.

        Raises:
            Refused: With the code that says why; nothing was sent.
        """
        policy = self.policy
        try:
            phone = parse_phone(raw, policy.default_region or region)
        except InvalidInput as error:
            raise Refused(error.message, code=error.code, next_step=error.next_step, details=error.details) from None
        if phone.extension:
            raise Refused(
                f"Revox cannot dial the extension {phone.extension!r}.",
                code="extension",
                next_step="Leave the extension out of phone_number.",
            )
        if phone.blocked_class and phone.blocked_class not in policy.allowed_classes:
            raise Refused(
                f"This is a {phone.kind.replace('_', ' ')} number; such numbers are not dialed.",
                code=phone.blocked_class,
                next_step="Ask the user for another phone_number, an ordinary one (DialPolicy.allowed_classes).",
            )
        self._check_lists(phone)
        return phone

    def check_given(self, phones: Mapping[str, Phone], given: Given | None, region: str | None = None) -> None:
        """Refuse numbers that a model made up: the policy says who must have given them.

        Args:
            phones: The numbers by the arguments they stand in.
            given: What was said by those whose word counts; None where that is not visible, and nothing is checked.
            region: The country in which a number in national form is read.

        Raises:
            Refused: With code `number_not_given`.
        """
        policy = self.policy
        if given is None or policy.number_source == "any":
            return
        known = (*policy.known_numbers, *(n for n in policy.allowed_numbers or () if not n.endswith("*")))
        unknown = [
            where
            for where, phone in phones.items()
            if not is_listed(phone.e164, known) and not given.holds(phone, policy.default_region or region)
        ]
        if not unknown:
            return
        more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        raise Refused(
            f"{', '.join(unknown[:_MOST_NAMED])}{more}: no one in this conversation gave this number.",
            code="number_not_given",
            next_step="Ask the user for the phone_number to call, and wait for the answer. Never make up a number.",
            details={"fields": unknown[:50]},
        )

    def check_history(self, phone: Phone) -> Flow[None]:
        """Check a number against what Revox knows about it: at most two reads, both cached.

        Raises:
            Refused: With code `own_number`, `do_not_contact` or `recently_placed`.
        """
        if phone.e164 in (yield from own_numbers()):
            raise Refused(
                "This is one of the organisation's own numbers.",
                code="own_number",
                next_step="Ask the user for another phone_number.",
            )
        answer = yield Recent(GetPhoneHistory(), max_age_s=60)
        history = history_of(answer["phone_history"], phone.e164) or {}
        if history.get("do_not_contact") and self.policy.honour_do_not_contact:
            raise Refused(
                "This number is marked do-not-contact.",
                code="do_not_contact",
                next_step="Do not call this phone_number; tell the user.",
            )
        now_s = (yield Pause(0)).now_s
        last_s = unix_s(history.get("last_called_at"))
        if last_s is not None:
            self.check_gap(phone.e164, last_s, now_s)

    def check_gap(self, phone_number: str, placed_s: float, now_s: float, call_id: str | None = None) -> None:
        """Refuse if another order to the number was placed less than `min_gap_s` ago.

        Raises:
            Refused: With code `recently_placed`, `retry_after_s` and the other order's id, if known.
        """
        left_s = self.gap_left_s(placed_s, now_s)
        age_s = self.policy.min_gap_s - left_s
        if left_s <= 0:
            return
        what = "Another call to this number was placed" if call_id else "This number rang"
        raise Refused(
            f"{what} {age_s:.0f} s ago{f': {call_id}' if call_id else ''}.",
            code="recently_placed",
            next_step=f"{_read_first(call_id)}. If a second one is wanted, wait {left_s:.0f} s and give repeat_of with "
            "its id once it has ended. In code: a new intent.",
            retry_after_s=left_s,
            details={"call_id": call_id} if call_id else None,
        )

    def gap_left_s(self, placed_s: float, now_s: float) -> float:
        """Seconds to wait before a number may ring again; negative once that is over."""
        return self.policy.min_gap_s - max(0.0, now_s - self._ahead_s - placed_s)

    def clock_is_ahead(self, sent_s: float, created_s: float | None) -> None:
        """Learn that our clock is ahead from an order that, by Revox's clock, was created before we sent it."""
        if created_s is not None and 0 < sent_s - created_s <= _MOST_AHEAD_S:
            self._ahead_s = max(self._ahead_s, sent_s - created_s)

    def check_order(self, request: MakeCall, phone: Phone, configuration: JsonObject) -> Flow[tuple[str, ...]]:
        """Check an order as it will be placed.

        Args:
            request: What will be sent.
            phone: The number it will ring.
            configuration: From `configuration_of`: the assistant as it will speak, with what the request overrides.

        Returns:
            Warnings, one sentence each.

        Raises:
            Refused: With code `scheduled_in_the_past`, or any of `check_configuration`'s.
        """
        written = (request.wire().body or {}).get("assistant") or {}
        notes = yield from self.check_configuration(
            configuration, written=written, phones=(phone,), prompt_variables=request.prompt_variables or {}
        )
        if request.assistant_id is not None:
            # An assistant that a request makes gets a voice there; this one is as its owner stored it.
            yield from refuse_default_voice(self.policy, configuration)
        self._check_moment(request, phone, (yield Pause(0)).now_s)
        return (*notes, *(yield from self._far_under_plus_one(phone, configuration)))

    def check_configuration(
        self,
        configuration: JsonObject,
        *,
        written: Mapping[str, object] | None = None,
        phones: Iterable[Phone] = (),
        prompt_variables: Mapping[str, str] | None = None,
    ) -> Flow[tuple[str, ...]]:
        """Check an assistant as it will speak, when a request writes it and again before anything rings.

        Args:
            configuration: The assistant's fields, by Revox's names, with what overrides them.
            written: Those that the request itself writes; the rest is what an owner stored.
            phones: The numbers it will ring; none while that is not known.
            prompt_variables: Values for `{{variables}}`; None while they are not known.

        Returns:
            Warnings, one sentence each.

        Raises:
            Refused: With code `caller_id_not_owned`, `outside_local_hours`, `host_not_allowed`, the code of a number
                that calls must not be transferred to, or of a problem with the words where the policy refuses those.
            InvalidInput: A URL or an address is not valid.
        """
        check_hosts(self.policy, written or {})
        self._check_transfers(configuration)
        yield from self._check_hours(configuration, tuple(phones), written)
        caller_id = configuration.get("from_phone_number")
        if caller_id is not None:
            numbers = yield from own_numbers()
            if caller_id not in numbers:
                raise Refused(
                    "The caller id is not one of your numbers.",
                    code="caller_id_not_owned",
                    next_step="Leave from_phone_number out, or give one that revox_list_phone_numbers shows.",
                )
        check = partial(check_configured_words, self.policy, configuration, prompt_variables)
        texts = ("prompt", "first_sentence", "prompt_flow", "faq_items", "voicemail_message", "end_of_call_sentence")
        return (yield from checked(check, *(configuration.get(name) for name in texts)))

    def _far_under_plus_one(self, phone: Phone, configuration: JsonObject) -> Flow[tuple[str, ...]]:
        """A warning where a number looks domestic to a +1 caller and is charged as international."""
        if not international_for(phone, "US"):
            return ()
        caller_id = configuration.get("from_phone_number")
        callers = [str(caller_id)] if caller_id else (yield from own_numbers())
        regions = {parse_phone(number).region for number in callers if number.startswith("+1")}
        if not regions or not all(international_for(phone, region) for region in regions):
            return ()
        return (f"The number is in {phone.region}: under +1, but an international call for a +1 caller.",)

    def _check_hours(
        self, configuration: JsonObject, phones: tuple[Phone, ...], written: Mapping[str, object] | None
    ) -> Flow[None]:
        # Without a zone of their own the windows are the same for all numbers.
        for phone in phones if wants_zone(configuration) else phones[:1]:
            check_windows(self.policy, configuration, phone)
        # A request that leaves an owner's windows alone is not refused for them; a dial still is.
        if not phones and (written is None or "call_retry_config" in written):
            named = self.policy.default_region or self.policy.allowed_countries
            home = (yield from organisation_country()) if wants_zone(configuration) and not named else None
            check_windows(self.policy, configuration, home=home)

    def _check_transfers(self, configuration: JsonObject) -> None:
        # A transfer dials, too: the person on the line is connected, and the organisation pays.
        destinations = configuration.get("transfer_destinations")
        for number, destination in enumerate(destinations if isinstance(destinations, list) else []):
            raw = destination.get("phone_number") if isinstance(destination, Mapping) else destination
            try:
                self.check_number(str(raw))
            except Refused as error:
                raise Refused(
                    f"transfer_destinations.{number}: {error.message}",
                    code=error.code,
                    next_step="Leave this one of transfer_destinations out, or correct it.",
                ) from None

    def _check_lists(self, phone: Phone) -> None:
        policy = self.policy
        if policy.allowed_countries is not None and (phone.region or "") not in policy.allowed_countries:
            allowed = ", ".join(sorted(policy.allowed_countries)) or "none"
            raise Refused(
                f"The number is in {phone.region or 'no known country'}, which is not on the list of countries.",
                code="country_not_allowed",
                next_step=f"Ask the user for a phone_number in a country that is allowed: {allowed} "
                "(DialPolicy.allowed_countries).",
            )
        if policy.allowed_numbers is not None and not is_listed(phone.e164, policy.allowed_numbers):
            raise Refused(
                "This number is not on the list of allowed numbers.",
                code="number_not_allowed",
                next_step="Do not call this phone_number; tell the user (DialPolicy.allowed_numbers).",
            )
        if is_listed(phone.e164, policy.denied_numbers):
            raise Refused(
                "This number is on the deny list.",
                code="number_denied",
                next_step="Do not call this phone_number; tell the user.",
            )

    def _check_moment(self, request: MakeCall, phone: Phone, now_s: float) -> None:
        rings_s = now_s if request.scheduled_at is None else request.scheduled_at.timestamp()
        if rings_s < now_s - 60:
            raise Refused(
                f"{request.scheduled_at} has passed; the phone would ring right away.",
                code="scheduled_in_the_past",
                next_step="Leave scheduled_at out to call now, or give a moment in the future.",
            )
        if not request.skip_calling_window or self.policy.allow_skip_calling_window:
            return
        start, end = self.policy.local_hours
        # None means that the zone is unknown, and then the hour is too.
        if inside_local_hours(phone, rings_s, start, end) is not True:
            raise Refused(
                f"It is not known to be between {start} and {end} at this number, and skip_calling_window would ring "
                "anyway.",
                code="outside_local_hours",
                next_step="Leave skip_calling_window out; Revox then waits for the calling window.",
            )


def _read_first(call_id: str | None) -> str:
    if call_id is None:
        return "Look with revox_get_call_history what became of that call"
    return f"Read that call with revox_get_call, call_id={call_id}"
