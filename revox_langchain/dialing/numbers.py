"""What is known of a number before it is dialed: its country, its history, the lists it stands on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput
from revox_langchain.flow import Flow, Recent, off_the_loop
from revox_langchain.operations.account import GetUser
from revox_langchain.operations.phone_numbers import ListPhoneNumbers
from revox_langchain.phone import parse_phone


def default_region(policy: DialPolicy, *raw: str) -> Flow[str | None]:
    """The country for numbers written in national form: the policy's, else the organisation's.

    Costs no request where every number says its country itself.
    """
    if policy.default_region is not None:
        return policy.default_region
    lacks_country = yield from off_the_loop(len(raw), lambda: any(map(_lacks_country, raw)))
    return (yield from organisation_country()) if lacks_country else None


def organisation_country() -> Flow[str | None]:
    """The organisation's two-letter country, an hour old at most; None if Revox names none."""
    from phonenumbers import SUPPORTED_REGIONS

    user = (yield Recent(GetUser(), max_age_s=3600))["user"]
    country = user.get("organization_country") if isinstance(user, Mapping) else None
    return country if isinstance(country, str) and country in SUPPORTED_REGIONS else None


def own_numbers() -> Flow[list[str]]:
    """The organisation's own numbers, ten minutes old at most."""
    answer = yield Recent(ListPhoneNumbers(), max_age_s=600)
    return [str(number.get("phone_number")) for number in answer["phone_numbers"]]


def history_of(history: Mapping[str, JsonObject], e164: str) -> JsonObject | None:
    """The phone history's entry for a number."""
    # Revox does not document how it writes the keys: with or without a plus, with or without blanks.
    digits = e164.lstrip("+")
    known = history.get(e164) or next((h for n, h in history.items() if re.sub(r"\D", "", n) == digits), None)
    return dict(known) if known else None


def with_digits_as_keys(history: Mapping[str, JsonObject]) -> dict[str, JsonObject]:
    """The phone history for looking up many numbers by their digits, however Revox writes its keys."""
    return {re.sub(r"\D", "", number): dict(entry) for number, entry in history.items() if isinstance(entry, Mapping)}


def _lacks_country(raw: str) -> bool:
    if raw.startswith("+"):
        return False
    try:
        parse_phone(raw)
    except InvalidInput as error:
        return error.code == "missing_country"
    return False


def is_listed(e164: str, patterns: Iterable[str]) -> bool:
    """Whether a number is in a policy's list, where a `*` at the end stands for any rest."""
    return any(e164.startswith(p[:-1]) if p.endswith("*") else e164 == p for p in patterns)
