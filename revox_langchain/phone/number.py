"""Reading a number: `phonenumbers` decides what is valid.

What that library accepts but must not be dialed is refused here: letters, prefixes, service codes, short and emergency
numbers, and digits of which it is not certain whose number they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from revox_langchain.errors import InvalidInput
from revox_langchain.phone import refusals
from revox_langchain.phone.writing import (
    before_extension,
    cleaned,
    decimal_tail,
    digits_of,
    groups_of,
    is_international,
    is_uri,
    only_digits,
)

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
        e164: The number as Revox wants it, such as `+12025550100`.
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
            `not_a_number`, `ambiguous_number`, `emergency_number` or `short_number`
            (`unknown_region` if `default_region` is not a country).
    """
    region = _known_region(default_region)
    text = _without_fraction(_clean(raw), region)
    _refuse_emergency(text, region)
    if region is not None and not is_international(text):
        text = _with_lost_plus(text, region)
    return _phone(*_parse(text, region))


def international_for(phone: Phone, caller_region: str | None) -> bool:
    """Whether a call is international although both ends share a calling code, as in the Caribbean with +1."""
    import phonenumbers

    if caller_region is None or phone.region in (None, GLOBAL_REGION) or phone.kind == "toll_free":
        return False
    code = phonenumbers.country_code_for_region(caller_region)
    same_code = code == _NANP and phone.e164.startswith(f"+{_NANP}")
    return same_code and _domestic_group(phone.region) != _domestic_group(caller_region)


_NANP = 1
# Calls between these are charged as domestic or nearly so; the Caribbean members of +1 are not.
_DOMESTIC_UNDER_PLUS_ONE = frozenset({"US", "CA", "PR", "VI", "GU", "AS", "MP"})
_LONGEST_SHORT_NUMBER = 6
# Mobile networks in every country route these to the emergency services.
_EMERGENCY_EVERYWHERE = ("112", "911")
# First three digits, after the trunk 0, of French numbers whose calling code is not +33. `phonenumbers` takes some of
# them for numbers in France.
_FRENCH_OVERSEAS = {
    **dict.fromkeys(("262", "263", "692", "693"), ("Réunion", 262)),
    **dict.fromkeys(("269", "639"), ("Mayotte", 262)),
    **dict.fromkeys(("590", "690", "691"), ("Guadeloupe, Saint-Martin or Saint-Barthélemy", 590)),
    **dict.fromkeys(("594", "694"), ("French Guiana", 594)),
    **dict.fromkeys(("596", "696", "697"), ("Martinique", 596)),
    "508": ("Saint-Pierre-et-Miquelon", 508),
}


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
        raise refusals.not_a_number(f"its type is {type(raw).__name__}, not str")
    if len(raw) > 2000:
        raise refusals.not_a_number("it is far too long")
    text = cleaned(raw)
    if not text:
        raise refusals.not_a_number("it is empty")
    if len(text) > 200:
        raise refusals.not_a_number("it is far too long")
    return text


def _without_fraction(text: str, region: str | None) -> str:
    """Undo what a spreadsheet does to a number: a `.0` at its end."""
    tail = decimal_tail(text)
    if tail is None:
        return text
    if tail.digits == "0":
        return tail.head
    # "202.5550100" is written with a separator: what stands before the point is not a number by itself.
    if _e164(tail.head, region) is not None:
        raise refusals.not_a_number("digits follow after a decimal point")
    return text


def _with_lost_plus(text: str, region: str) -> str:
    """Put the plus back that a spreadsheet or a form has removed, if the number can only be meant that way.

    Raises:
        InvalidInput: With code `ambiguous_number`: it is a number in `region` as well.
    """
    main = text if is_uri(text) else _main_part(text, region)
    digits = digits_of(main)
    if "phone-context" in text.lower() or not only_digits(main, None):
        return text
    abroad = _e164(f"+{digits}", None)
    if abroad is None:
        return text
    home = _e164(main, region)
    if home is None:
        return text.replace(main, f"+{digits}", 1) if not is_uri(text) else f"+{digits}"
    if home == abroad or _has_trunk_prefix(digits, home, region) or _is_grouped_nationally(main, home, abroad):
        return text
    raise refusals.ambiguous([home, abroad])


def _has_trunk_prefix(digits: str, home: str, region: str) -> bool:
    # The prefix people write, not all that the library strips: a Brazilian 90 calls collect, and is Turkey's code.
    import phonenumbers

    prefix = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True)
    return prefix is not None and digits.startswith(prefix) and not home.endswith(digits)


def _main_part(text: str, region: str) -> str:
    import phonenumbers

    try:
        return before_extension(text, phonenumbers.parse(text, region).extension)
    except phonenumbers.NumberParseException:
        return text


def _is_grouped_nationally(text: str, home: str, abroad: str) -> bool:
    """Whether the blanks stand where only a national number has them."""
    import phonenumbers

    groups = groups_of(text)
    national = phonenumbers.format_number(phonenumbers.parse(home), phonenumbers.PhoneNumberFormat.NATIONAL)
    international = phonenumbers.format_number(phonenumbers.parse(abroad), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return len(groups) > 1 and groups == groups_of(national) and groups != groups_of(international)


def _e164(text: str, region: str | None) -> str | None:
    """A valid number's E.164 form, without a reason for what is not valid."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _parse(text: str, region: str | None) -> tuple[PhoneNumber, int]:
    """The number and its class, which `phonenumbers` knows for valid numbers only."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise _unparsed(error.error_type, text, region) from None
    if not only_digits(text, number.extension):
        raise refusals.not_a_number("letters and other characters cannot be dialed")
    national = phonenumbers.national_significant_number(number)
    if not digits_of(before_extension(text, number.extension)).endswith(national[-4:]):
        raise refusals.not_a_number("digits are left over after the number")
    kind = phonenumbers.number_type(number)
    valid = kind != phonenumbers.PhoneNumberType.UNKNOWN
    elsewhere = _FRENCH_OVERSEAS.get(national[:3]) if number.country_code == 33 and len(national) == 9 else None
    if elsewhere and not (valid and is_international(text)):
        raise refusals.overseas(*elsewhere)
    if not valid:
        raise _invalid(number, text, region)
    return number, kind


def _phone(number: PhoneNumber, number_type: int) -> Phone:
    import phonenumbers

    kind = phonenumbers.PhoneNumberType.to_string(number_type).lower()
    region = phonenumbers.region_code_for_number(number)
    return Phone(
        e164=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        region=region,
        kind=kind,
        blocked_class=_blocked_class(kind, region),
        extension=number.extension,
    )


def _refuse_emergency(text: str, region: str | None) -> None:
    """Refuse an emergency number before parsing, which would turn it into something else."""
    digits = digits_of(text)
    if not digits or len(digits) > _LONGEST_SHORT_NUMBER or not only_digits(text, None):
        return
    if digits in _EMERGENCY_EVERYWHERE or _is_emergency(digits, region):
        raise refusals.emergency()


@lru_cache(maxsize=1024)
def _is_emergency(digits: str, region: str | None) -> bool:
    import phonenumbers
    from phonenumbers import shortnumberinfo

    regions = {region} if region else phonenumbers.SUPPORTED_REGIONS
    return any(shortnumberinfo.is_emergency_number(digits, each) for each in regions)


def _unparsed(error_type: int, text: str, region: str | None) -> InvalidInput:
    from phonenumbers import NumberParseException as Reason

    if not only_digits(text, None):
        return refusals.not_a_number("letters and other characters cannot be dialed")
    if error_type == Reason.INVALID_COUNTRY_CODE:
        if is_international(text):
            return refusals.no_such_country()
        if region is None and len(digits_of(text)) <= _LONGEST_SHORT_NUMBER:
            return refusals.short_number() if _is_short(text, None) else refusals.too_short()
        return refusals.missing_country()
    if error_type == Reason.TOO_LONG:
        return refusals.too_long()
    if error_type in (Reason.TOO_SHORT_NSN, Reason.TOO_SHORT_AFTER_IDD):
        return refusals.short_number() if _is_short(text, region) else refusals.too_short()
    return refusals.not_a_number("it is not one number" if digits_of(text) else "it has no digits")


def _invalid(number: PhoneNumber, text: str, region: str | None) -> InvalidInput:
    import phonenumbers
    from phonenumbers import ValidationResult, shortnumberinfo

    national = phonenumbers.national_significant_number(number)
    regions = phonenumbers.region_codes_for_country_code(number.country_code or 0)
    international = is_international(text) or is_uri(text)
    if any(shortnumberinfo.is_emergency_number(national, each) for each in regions) or (
        not international and region and shortnumberinfo.connects_to_emergency_number(digits_of(text), region)
    ):
        return refusals.emergency()
    if len(national) <= _LONGEST_SHORT_NUMBER and _is_short(national, *regions):
        return refusals.short_number()
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible in (ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        return refusals.too_short()
    if possible == ValidationResult.TOO_LONG:
        old_mexican_mobile = number.country_code == 52 and national.startswith("1")
        return refusals.too_long("Mexican mobiles no longer have a 1 after +52." if old_mexican_mobile else None)
    return refusals.not_in_service()


@lru_cache(maxsize=1024)
def _is_short(text: str, *regions: str | None) -> bool:
    import phonenumbers
    from phonenumbers import shortnumberinfo

    digits = digits_of(text)
    for region in [each for each in regions if each] or phonenumbers.SUPPORTED_REGIONS:
        metadata = phonenumbers.PhoneMetadata.short_metadata_for_region(region)
        if metadata is None or not digits:
            continue
        number = phonenumbers.PhoneNumber(
            country_code=phonenumbers.country_code_for_region(region), national_number=int(digits)
        )
        if shortnumberinfo.is_valid_short_number_for_region(number, region):
            return True
    return False


def _domestic_group(region: str | None) -> str | None:
    return "US" if region in _DOMESTIC_UNDER_PLUS_ONE else region


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
