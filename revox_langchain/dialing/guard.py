"""What may be dialed: a policy given in code, a budget reserved before the dial, and named refusals.

Nothing here can be overridden by a tool's arguments. Every refusal has a stable code and a sentence that says what to
change:

| code | refused because |
| --- | --- |
| not_a_number, missing_country, too_short, too_long, invalid_number | it is no number that can be dialed |
| emergency_number, short_number | it is a service, checked on what was written |
| premium_number, shared_cost_number, personal_number, pager_number, uan_number, voicemail_number | cost |
| global_number | it belongs to no country: satellites and the like |
| extension | Revox cannot dial an extension |
| country_not_allowed, number_not_allowed, number_denied | the policy's lists |
| own_number | it is one of the organisation's own numbers |
| do_not_contact | the phone history says so |
| recently_placed | another order to the number is younger than `min_gap_s` |
| outside_local_hours | the calling window was to be skipped outside local hours, without permission |
| scheduled_in_the_past | the moment has passed |
| caller_id_not_owned | the caller id is not one of the organisation's numbers |
| budget_exceeded | orders, attempts or minutes |
| voice_missing, voice_mismatch | the voice would not speak the prompt's language |
| missing_variable, denies_being_ai, … | the prompt check, where the policy refuses |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from revox_langchain.dialing.budget import Budget
from revox_langchain.dialing.hours import minute_of, unix_s
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.dialing.words import check_voice, check_words
from revox_langchain.errors import InvalidInput, Refused, UnsupportedLanguage
from revox_langchain.flow import Flow, Pause, Recent, Work
from revox_langchain.operations.account import GetUser
from revox_langchain.operations.calls import GetPhoneHistory, MakeCall
from revox_langchain.operations.phone_numbers import ListPhoneNumbers
from revox_langchain.operations.voices import ListVoices
from revox_langchain.phone import Phone, inside_local_hours, parse_phone
from revox_langchain.speech.language import language_name, resolve_language

_MOST_AHEAD_S = 86_400.0


class Guard:
    """A policy and a budget, checked in two halves: what needs nothing, and what needs Revox's answers."""

    def __init__(self, policy: DialPolicy | None = None, budget: Budget | None = None) -> None:
        self.policy = policy or DialPolicy()
        self.budget = budget or Budget()
        self._ahead_s = 0.0

    def check_number(self, raw: str, region: str | None = None) -> Phone:
        """Check a number against everything that needs no request.

        Args:
            raw: The number as it was written.
            region: Country of a number in national form, if the policy names none.

        Raises:
            Refused: With the code that says why; nothing was sent.
        """
        policy = self.policy
        try:
            phone = parse_phone(raw, policy.default_region or region)
        except InvalidInput as error:
            raise _refusal(error.message, error.code, error.next_step) from None
        if phone.extension:
            raise _refusal(f"Revox cannot dial the extension {phone.extension!r}.", "extension", "Leave it out.")
        if phone.blocked_class and phone.blocked_class not in policy.allowed_classes:
            raise _refusal(
                f"{phone.e164} is a {phone.kind.replace('_', ' ')} number; such numbers are not dialed.",
                phone.blocked_class,
                "Use an ordinary number, or allow the class in DialPolicy.allowed_classes.",
            )
        if policy.allowed_countries is not None and (phone.region or "") not in policy.allowed_countries:
            raise _refusal(
                f"{phone.e164} is in {phone.region or 'no known country'}, which is not on the list of countries.",
                "country_not_allowed",
                f"Allowed: {', '.join(sorted(policy.allowed_countries)) or 'none'} (DialPolicy.allowed_countries).",
            )
        if policy.allowed_numbers is not None and not _listed(phone.e164, policy.allowed_numbers):
            raise _refusal(
                f"{phone.e164} is not on the list of allowed numbers.", "number_not_allowed",
                "Ask the person responsible to add it to DialPolicy.allowed_numbers.",
            )  # fmt: skip
        if _listed(phone.e164, policy.denied_numbers):
            raise _refusal(f"{phone.e164} is on the deny-list.", "number_denied", "Do not call this number.")
        return phone

    def check_history(self, phone: Phone) -> Flow[None]:
        """Check a number against what Revox knows of it: at most two reads, both remembered.

        Raises:
            Refused: With code `own_number`, `do_not_contact` or `recently_placed`.
        """
        own = (yield Recent(ListPhoneNumbers(), max_age_s=600))["phone_numbers"]
        if any(number.get("phone_number") == phone.e164 for number in own):
            raise _refusal(
                f"{phone.e164} is one of the organisation's own numbers.",
                "own_number",
                "Dial somebody else's number.",
            )
        history = history_of((yield Recent(GetPhoneHistory(), max_age_s=60))["phone_history"], phone.e164)
        if history and history.get("do_not_contact") and self.policy.honour_do_not_contact:
            raise _refusal(
                f"{phone.e164} is marked do-not-contact.",
                "do_not_contact",
                "Do not call this number; tell the user.",
            )
        now_s = (yield Pause(0)).now_s
        last_s = unix_s((history or {}).get("last_called_at"))
        if last_s is not None:
            self.check_gap(phone.e164, last_s, now_s)

    def check_gap(self, phone_number: str, placed_s: float, now_s: float, call_id: str | None = None) -> None:
        """Refuse if another order to the number was placed less than `min_gap_s` ago.

        Raises:
            Refused: With code `recently_placed`, `retry_after_s` and the other order's id, if known.
        """
        age_s = max(0.0, now_s - self._ahead_s - placed_s)
        left_s = self.policy.min_gap_s - age_s
        if left_s <= 0:
            return
        ago = f"{age_s:.0f} s ago"
        what = (
            f"Another call to {phone_number} was placed {ago}: {call_id}." if call_id else f"{phone_number} rang {ago}."
        )
        raise Refused(
            what,
            code="recently_placed",
            next_step=f"Read that call first. If a second one is wanted, wait {left_s:.0f} s and give a new intent.",
            retry_after_s=left_s,
            details={"call_id": call_id} if call_id else None,
        )

    def clock_is_ahead(self, sent_s: float, created_s: float | None) -> None:
        """Learn from an order that was created, by Revox's clock, before it was sent by ours."""
        if created_s is not None and 0 < sent_s - created_s <= _MOST_AHEAD_S:
            self._ahead_s = max(self._ahead_s, sent_s - created_s)

    def check_windows(self, settings: Mapping[str, Any] | None, phone: Phone | None = None) -> None:
        """Check calling windows that arguments would set: they decide when a phone rings, as skipping them does.

        Raises:
            Refused: With code `outside_local_hours`.
        """
        config = (settings or {}).get("call_retry_config")
        if not isinstance(config, Mapping) or self.policy.allow_skip_calling_window:
            return
        first, last = (minute_of(moment) for moment in self.policy.local_hours)
        within = True
        for window in config.get("calling_windows") or []:
            start, end = (minute_of(window.get(f"calling_window_{name}_time")) for name in ("start", "end"))
            if None in (first, last, start, end):
                within = False
            elif first < last:  # type: ignore[operator]
                within = within and first <= start < end <= last  # type: ignore[operator]
        zone = config.get("timezone")
        if zone and phone is not None and phone.time_zones and zone not in phone.time_zones:
            within = False
        if not within:
            raise _refusal(
                f"These calling windows reach beyond {' to '.join(self.policy.local_hours)} where the phone rings.",
                "outside_local_hours", "Choose windows within these hours and leave the timezone out.",
            )  # fmt: skip

    def check_order(self, request: MakeCall, phone: Phone) -> Flow[None]:
        """Check an order's caller id and hours.

        Raises:
            Refused: With code `caller_id_not_owned`, `outside_local_hours` or `scheduled_in_the_past`.
        """
        self.check_windows(request.settings, phone)
        now_s = (yield Pause(0)).now_s
        if request.from_phone_number is not None:
            own = (yield Recent(ListPhoneNumbers(), max_age_s=600))["phone_numbers"]
            numbers = [str(number.get("phone_number")) for number in own]
            if request.from_phone_number not in numbers:
                raise _refusal(
                    f"The caller id {request.from_phone_number} is not one of your numbers.", "caller_id_not_owned",
                    f"Use one of: {', '.join(numbers) or 'none'}; or leave from_phone_number out.",
                )  # fmt: skip
        rings_s = now_s if request.scheduled_at is None else request.scheduled_at.timestamp()
        if rings_s < now_s - 60:
            raise _refusal(
                f"scheduled_at {request.scheduled_at} has passed; the call would ring at once.",
                "scheduled_in_the_past", "Give a moment to come, or leave scheduled_at out to call now.",
            )  # fmt: skip
        if request.skip_calling_window and not self.policy.allow_skip_calling_window:
            start, end = self.policy.local_hours
            if inside_local_hours(phone, rings_s, start, end) is not True:
                raise _refusal(
                    f"It is not known to be between {start} and {end} at {phone.e164}, and skip_calling_window would "
                    "ring all the same.",
                    "outside_local_hours", "Leave skip_calling_window out: Revox waits for the calling window.",
                )  # fmt: skip

    def check_prompt(
        self,
        prompt: str,
        *,
        first_sentence: str | None,
        prompt_variables: Mapping[str, str] | None,
        voice_id: str | None,
        voice_provider: str | None,
        speaks_itself: bool = False,
        variables_known: bool = True,
    ) -> Flow[tuple[str, ...]]:
        """Check what will be said, and whether the voice can say it.

        Args:
            prompt: The assistant's prompt.
            first_sentence: What it says first.
            prompt_variables: Values for its `{{variables}}`.
            voice_id: The voice; None is Revox's default, American English.
            voice_provider: Whose voice.
            speaks_itself: Whether a realtime model speaks, so that no voice matters.
            variables_known: False when values are given later, at the call.

        Returns:
            Warnings, one sentence each.

        Raises:
            Refused: Where the policy refuses what would else be a warning, or no voice was given for a prompt that
                is not English.
        """
        language, unspeakable = yield Work(partial(_language_of, prompt, first_sentence))
        notes = check_words(
            self.policy, prompt, first_sentence, prompt_variables, language=language, variables_known=variables_known
        )
        if self.policy.voice_mismatch == "off" or speaks_itself:
            return notes
        if language is None:
            if unspeakable is not None and voice_id is None:
                raise _refusal(unspeakable.message, unspeakable.code, unspeakable.next_step)
            return notes
        if voice_id is None:
            if language != "en":
                raise _refusal(
                    f"The prompt is {language_name(language)}; without a voice an American English one would read it.",
                    "voice_missing",
                    f"Give voice_provider and voice_id from revox_list_voices with language={language!r}.",
                )
            return notes
        voices = (yield Recent(ListVoices(), max_age_s=600))["voices"]
        spoken = {v["language"] for v in voices if v["id"] == voice_id and voice_provider in (None, v["provider"])}
        return (*notes, *check_voice(self.policy, voice_id, spoken, language))


def default_region(policy: DialPolicy, raw: str) -> Flow[str | None]:
    """The country for a number written in national form: the policy's, else the organisation's.

    Costs no request where the number says its country itself.
    """
    from phonenumbers import SUPPORTED_REGIONS

    if policy.default_region is not None:
        return policy.default_region
    try:
        parse_phone(raw)
    except InvalidInput as error:
        if error.code == "missing_country":
            country = (yield Recent(GetUser(), max_age_s=3600))["user"].get("organization_country")
            return country if isinstance(country, str) and country in SUPPORTED_REGIONS else None
    return None


def history_of(history: Mapping[str, Any], e164: str) -> dict[str, Any] | None:
    """What is known of a number; Revox does not say how it writes the numbers it knows."""
    digits = e164.lstrip("+")
    known = history.get(e164) or next((h for n, h in history.items() if re.sub(r"\D", "", n) == digits), None)
    return dict(known) if known else None


def _language_of(prompt: str, first_sentence: str | None) -> tuple[str | None, UnsupportedLanguage | None]:
    """The language of a text if it is certain, or why no voice can read it."""
    try:
        return resolve_language(first_sentence=first_sentence, prompt=prompt).language, None
    except UnsupportedLanguage as error:
        return None, error
    except InvalidInput:
        return None, None


def _refusal(message: str, code: str, next_step: str) -> Refused:
    return Refused(message, code=code, next_step=next_step)


def _listed(number: str, patterns: tuple[str, ...]) -> bool:
    return any(number.startswith(p[:-1]) if p.endswith("*") else number == p for p in patterns)
