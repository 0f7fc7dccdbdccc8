"""Why something is not a phone number that can be dialed, and what to write instead."""

from __future__ import annotations

from revox_langchain.errors import InvalidInput


def emergency() -> InvalidInput:
    """An emergency service."""
    return InvalidInput(
        "This reaches an emergency service and is never dialed.",
        code="emergency_number",
        next_step="Never call phone_number with it; if someone is in danger, tell the user to call.",
    )


def short_number() -> InvalidInput:
    """A service such as directory enquiries."""
    return InvalidInput(
        "This is a short service number; it exists inside one country only and is never dialed.",
        code="short_number",
        next_step="Ask the user for the whole phone_number: a +, the country code, the number.",
    )


def too_short() -> InvalidInput:
    """Digits are missing."""
    return InvalidInput(
        "The phone number is too short.",
        code="too_short",
        next_step="Ask the user for the whole number; give phone_number with a +, the country code and the area code.",
    )


def too_long(hint: str | None = None) -> InvalidInput:
    """There are digits too many."""
    return InvalidInput(
        "The phone number is too long.",
        code="too_long",
        next_step=hint or "Give one phone_number only: a +, the country code, the number.",
    )


def missing_country() -> InvalidInput:
    """A national number, and no country to read it in."""
    return InvalidInput(
        "The phone number does not say its country.",
        code="missing_country",
        next_step="Write phone_number with a +, the country code, the number; ask the user for the country if need be. "
        'In code, give default_region="FR" or the like.',
    )


def no_such_country() -> InvalidInput:
    """A plus, and then no calling code."""
    return InvalidInput(
        "No country has the calling code this number begins with.",
        code="invalid_number",
        next_step="Ask the user for phone_number again, and check the digits after the +.",
    )


def not_in_service(hint: str | None = None) -> InvalidInput:
    """A number of the right length that no one can have."""
    return InvalidInput(
        "The phone number has a plausible length, but no such number is in service.",
        code="invalid_number",
        next_step=hint or "Ask the user to check phone_number: the digits, the area code and the country.",
    )


def overseas(country: str, code: int) -> InvalidInput:
    """A number of an overseas department, which has a calling code of its own."""
    return InvalidInput(
        f"This is a number in {country}, which has a calling code of its own.",
        code="invalid_number",
        next_step=f"Write phone_number in E.164: +{code}, then the number without its leading 0.",
    )


def ambiguous(readings: list[str]) -> InvalidInput:
    """A number that is valid as it stands and with a plus before it; the digits are for people only."""
    return InvalidInput(
        "The phone number can be read in two ways: as a national number, or as an international one whose + was lost.",
        code="ambiguous_number",
        next_step="Ask the user which one is meant, and write phone_number in E.164, with the + and the country code.",
        details={"readings": list(readings)},
    )


def not_a_number(why: str) -> InvalidInput:
    """Something else altogether."""
    return InvalidInput(
        f"This is not a phone number: {why}.",
        code="not_a_number",
        next_step="Give phone_number as a +, the country code and the number, in digits; ask the user for it.",
    )
