"""Phone numbers: what was typed becomes one E.164 number with region and class, or an error with a named reason.

`phonenumbers` decides what is valid; this module also refuses what that library accepts but must not be dialed:
letters, prefixes, service codes, short and emergency numbers.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING

from revox_langchain.errors import InvalidInput

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

GLOBAL_REGION = "001"
COSTLY_KINDS = {
    "premium_rate": "premium_number",
    "shared_cost": "shared_cost_number",
    "personal_number": "personal_number",
    "pager": "pager_number",
    "uan": "uan_number",
    "voicemail": "voicemail_number",
}


@dataclass(frozen=True, slots=True)
class Phone:
    """A valid phone number.

    Attributes:
        e164: The number as Revox wants it, such as `+33142685300`.
        region: Two-letter country, `001` for a global service, None if unknown.
        kind: Class of number in lower case, such as `mobile` or `premium_rate`. It comes from
            numbering plans, not tariffs; a list of allowed countries is the stronger protection.
        blocked_class: Code of the costly class the number belongs to, else None.
        extension: Digits after the number proper; E.164 has no place for them.
    """

    e164: str
    region: str | None
    kind: str
    blocked_class: str | None = None
    extension: str | None = None

    @property
    def time_zones(self) -> tuple[str, ...]:
        """IANA zones the number may be in; empty if unknown, many for a toll-free number."""
        return _time_zones(self.e164)


def parse_phone(raw: str, default_region: str | None = None) -> Phone:
    """Read a phone number as a person writes it.

    Args:
        raw: The number; national forms need `default_region`.
        default_region: Two-letter country of national numbers. It must come from configuration,
            never from a locale or a detected language.

    Raises:
        InvalidInput: with the code `missing_country`, `too_short`, `too_long`, `invalid_number`,
            `not_a_number`, `emergency_number` or `short_number` (`unknown_region` if
            `default_region` is not a country).
    """
    import phonenumbers

    region = _known_region(default_region)
    text = _clean(raw)
    _refuse_emergency(text, region)
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise _unparsed(error.error_type, text, region) from None
    if not _only_digits(text, number.extension):
        raise _not_a_number("letters and other characters cannot be dialed")
    national = phonenumbers.national_significant_number(number)
    if not _digits(_before_extension(text, number.extension)).endswith(national[-4:]):
        raise _not_a_number("digits are left over after the number")
    if not phonenumbers.is_valid_number(number):
        raise _invalid(number, text, region)
    kind = phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(number)).lower()
    found = phonenumbers.region_code_for_number(number)
    return Phone(
        e164=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        region=found,
        kind=kind,
        blocked_class=_blocked_class(kind, found),
        extension=number.extension,
    )


def inside_local_hours(phone: Phone, now_s: float, start: str = "08:00", end: str = "21:00") -> bool | None:
    """Tell whether it is between two wall-clock times wherever the number may be.

    Args:
        phone: The number to be called.
        now_s: Unix time in seconds.
        start: First allowed minute, `HH:MM` local time.
        end: First minute no longer allowed. Earlier than `start` means over midnight.

    Returns:
        True if inside in all zones of the number, False if outside in any, None if no zone is known.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    first, last = time.fromisoformat(start), time.fromisoformat(end)
    if first == last:
        raise ValueError(f"start and end are both {start}; give two different times.")
    now = datetime.fromtimestamp(now_s, UTC)
    try:
        local = [now.astimezone(ZoneInfo(zone)).time() for zone in phone.time_zones]
    except ZoneInfoNotFoundError:  # A system without a zone database knows no zone at all.
        return None
    if not local:
        return None
    if first < last:
        return all(first <= at < last for at in local)
    return all(at >= first or at < last for at in local)


def mask_phone(e164: str) -> str:
    """Hide the middle of a number, for logs: `+1202•••••00`."""
    head, tail = (5, 2) if len(e164) >= 11 else (3, 0)
    hidden = max(len(e164) - head - tail, 4)
    return e164[: min(head, max(len(e164) - 4, 0))] + "•" * hidden + (e164[-tail:] if tail else "")


# What people and phones put between digits.
_BETWEEN_DIGITS = re.compile(r"[ +＋().,/／（）［］\[\]~\-‐-―−－ー·]")
_TEL = re.compile(r"\s*tel:", re.IGNORECASE)
# Mobile networks in every country route these to the emergency services.
_EMERGENCY_EVERYWHERE = ("112", "911")
_LONGEST_SHORT_NUMBER = 6


def _known_region(default_region: str | None) -> str | None:
    import phonenumbers

    if default_region is None:
        return None
    region = default_region.strip().upper() if isinstance(default_region, str) else ""
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidInput(
            f"default_region={default_region!r} is not a country.",
            code="unknown_region",
            next_step='Give its two-letter code, such as default_region="FR" (Britain is "GB").',
        )
    return region


def _clean(raw: object) -> str:
    if not isinstance(raw, str):
        raise _not_a_number(f"its type is {type(raw).__name__}, not str")
    # The library knows only the common blanks and silently cuts the number off at any other.
    text = "".join(" " if each.isspace() else each for each in raw if unicodedata.category(each) != "Cf").strip()
    if not text:
        raise _not_a_number("it is empty")
    if len(text) > 200:
        raise _not_a_number("it is far too long")
    return text


def _refuse_emergency(text: str, region: str | None) -> None:
    """Refuse an emergency number before parsing, which would turn it into something else."""
    import phonenumbers
    from phonenumbers import shortnumberinfo

    digits = _digits(text)
    if not digits or len(digits) > _LONGEST_SHORT_NUMBER or not _only_digits(text, None):
        return
    regions = {region} if region else phonenumbers.SUPPORTED_REGIONS
    if digits in _EMERGENCY_EVERYWHERE or any(shortnumberinfo.is_emergency_number(digits, each) for each in regions):
        raise _emergency()


def _digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(each)) for each in text if unicodedata.category(each) == "Nd")


def _only_digits(text: str, extension: str | None) -> bool:
    """Tell whether nothing but digits and separators stands before the extension."""
    main = _before_extension(text, extension)
    return all(unicodedata.category(each) == "Nd" or _BETWEEN_DIGITS.match(each) for each in main)


def _before_extension(text: str, extension: str | None) -> str:
    if tel := _TEL.match(text):
        return text[tel.end() :].split(";")[0]
    return _without_last_digits(text, len(extension)) if extension else text


def _without_last_digits(text: str, count: int) -> str:
    """Cut the last `count` digits and the word or sign that announced them."""
    places = [at for at, each in enumerate(text) if unicodedata.category(each) == "Nd"]
    return text[: places[-count - 1] + 1] if len(places) > count else text


def _unparsed(error_type: int, text: str, region: str | None) -> InvalidInput:
    from phonenumbers import NumberParseException as Reason

    if not _only_digits(text, None):
        return _not_a_number("letters and other characters cannot be dialed")
    if error_type == Reason.INVALID_COUNTRY_CODE:
        if "+" in text or "＋" in text:
            return InvalidInput(
                "No country has the calling code this number begins with.",
                code="invalid_number",
                next_step="Check the digits after the +.",
            )
        if region is None and len(_digits(text)) <= _LONGEST_SHORT_NUMBER:
            return _short(text, None) or _too_short()
        return InvalidInput(
            "The phone number does not say its country.",
            code="missing_country",
            next_step='Write it in E.164, such as +33142685300, or give default_region="FR".',
        )
    if error_type == Reason.TOO_LONG:
        return _too_long()
    if error_type in (Reason.TOO_SHORT_NSN, Reason.TOO_SHORT_AFTER_IDD):
        return _short(text, region) or _too_short()
    return _not_a_number("it is not one number") if _digits(text) else _not_a_number("it has no digits")


def _invalid(number: PhoneNumber, text: str, region: str | None) -> InvalidInput:
    import phonenumbers
    from phonenumbers import ValidationResult, shortnumberinfo

    national = phonenumbers.national_significant_number(number)
    regions = phonenumbers.region_codes_for_country_code(number.country_code or 0)
    international = "+" in text or "＋" in text or _TEL.match(text)
    if any(shortnumberinfo.is_emergency_number(national, each) for each in regions) or (
        not international and region and shortnumberinfo.connects_to_emergency_number(_digits(text), region)
    ):
        return _emergency()
    if len(national) <= _LONGEST_SHORT_NUMBER and (short := _short(national, *regions)):
        return short
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible in (ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        return _too_short()
    if possible == ValidationResult.TOO_LONG:
        old_mexican_mobile = number.country_code == 52 and national.startswith("1")
        return _too_long("Mexican mobiles no longer have a 1 after +52." if old_mexican_mobile else None)
    return InvalidInput(
        "The phone number has a plausible length, but no such number is in service.",
        code="invalid_number",
        next_step="Check the digits, the area code and the country.",
    )


def _short(text: str, *regions: str | None) -> InvalidInput | None:
    import phonenumbers
    from phonenumbers import shortnumberinfo

    digits = _digits(text)
    for region in [each for each in regions if each] or phonenumbers.SUPPORTED_REGIONS:
        metadata = phonenumbers.PhoneMetadata.short_metadata_for_region(region)
        if metadata is None or not digits:
            continue
        number = phonenumbers.PhoneNumber(
            country_code=phonenumbers.country_code_for_region(region), national_number=int(digits)
        )
        if shortnumberinfo.is_valid_short_number_for_region(number, region):
            return InvalidInput(
                "This is a short service number; it exists inside one country only and is never dialed.",
                code="short_number",
                next_step="Give a full phone number in E.164, such as +33142685300.",
            )
    return None


def _blocked_class(kind: str, region: str | None) -> str | None:
    if kind in COSTLY_KINDS:
        return COSTLY_KINDS[kind]
    return "global_number" if region == GLOBAL_REGION and kind != "toll_free" else None


@lru_cache(maxsize=4096)
def _time_zones(e164: str) -> tuple[str, ...]:
    import phonenumbers
    from phonenumbers import timezone

    zones = timezone.time_zones_for_number(phonenumbers.parse(e164))
    return tuple(zone for zone in zones if zone != timezone.UNKNOWN_TIMEZONE)


def _emergency() -> InvalidInput:
    return InvalidInput(
        "This reaches an emergency service and is never dialed.",
        code="emergency_number",
        next_step="If someone is in danger, a person must call. Give a full phone number for anything else.",
    )


def _too_short() -> InvalidInput:
    return InvalidInput(
        "The phone number is too short.",
        code="too_short",
        next_step="Give all digits with the area code, in E.164, such as +33142685300.",
    )


def _too_long(hint: str | None = None) -> InvalidInput:
    return InvalidInput(
        "The phone number is too long.",
        code="too_long",
        next_step=hint or "Give one number only, in E.164, such as +33142685300.",
    )


def _not_a_number(why: str) -> InvalidInput:
    return InvalidInput(
        f"This is not a phone number: {why}.",
        code="not_a_number",
        next_step="Give digits only, in E.164, such as +33142685300.",
    )
