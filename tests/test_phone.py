from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revox_langchain.errors import InvalidInput
from revox_langchain.phone import Phone, inside_local_hours, international_for, mask_phone, parse_phone


@pytest.mark.parametrize(
    ("raw", "default_region", "e164", "region"),
    [
        ("+33142685300", None, "+33142685300", "FR"),
        ("01 42 68 53 00", "FR", "+33142685300", "FR"),
        ("01 42 68 53 00", "fr", "+33142685300", "FR"),
        ("00 33 1 42 68 53 00", "FR", "+33142685300", "FR"),
        ("011 33 1 42 68 53 00", "US", "+33142685300", "FR"),
        ("8 (495) 123-45-67", "RU", "+74951234567", "RU"),
        ("+49 (0)30 901820", None, "+4930901820", "DE"),
        ("tel:+33-1-42-68-53-00", None, "+33142685300", "FR"),
        ("+\uff11\uff12\uff10\uff12\uff15\uff15\uff15\uff10\uff11\uff10\uff10", None, "+12025550100", "US"),
        ("06 12345678", "IT", "+390612345678", "IT"),
        ("\u202a+33 6 12 34 56 78\u202c", None, "+33612345678", "FR"),
        ("+33\u00a01\u202f42\u00a068\u00a053\u00a000", None, "+33142685300", "FR"),
        ("+1 202 555 0100", None, "+12025550100", "US"),
        ("+1 202 555 0199", None, "+12025550199", "US"),
        ("1126543210", "IN", "+911126543210", "IN"),
    ],
)
def test_a_number_is_read_as_people_write_it(raw, default_region, e164, region):
    phone = parse_phone(raw, default_region)
    assert (phone.e164, phone.region) == (e164, region)


@pytest.mark.parametrize(
    ("raw", "default_region", "code"),
    [
        ("0142685300", None, "missing_country"),
        ("33142685300", None, "missing_country"),
        ("+3314268530", None, "too_short"),
        ("+1202555010", None, "too_short"),
        ("5550100", "US", "too_short"),
        ("+331426853000", None, "too_long"),
        ("+52 1 55 1234 5678", None, "too_long"),
        ("+33142685300 +33142685301", None, "not_a_number"),
        ("+447700900123", None, "invalid_number"),
        ("+9991234567", None, "invalid_number"),
        ("+12020000000", None, "invalid_number"),
        ("1-800-FLOWERS", "US", "not_a_number"),
        ("whatsapp:+33142685300", None, "not_a_number"),
        ("sip:+33142685300@example.com", None, "not_a_number"),
        ("+33142685300 or +33142685301", None, "not_a_number"),
        ("*31#+33142685300", None, "not_a_number"),
        ("call me", None, "not_a_number"),
        ("", None, "not_a_number"),
        ("+", None, "not_a_number"),
        ("9" * 300, None, "not_a_number"),
        ("+33142685300·12", None, "not_a_number"),
        (33142685300, None, "not_a_number"),
        (False, None, "not_a_number"),
        (None, None, "not_a_number"),
        ("911", "US", "emergency_number"),
        ("911", None, "emergency_number"),
        ("+911", None, "emergency_number"),
        ("9-1-1", "US", "emergency_number"),
        ("tel:112", None, "emergency_number"),
        ("112", "FR", "emergency_number"),
        ("\uff11\uff11\uff12", "FR", "emergency_number"),
        ("15", "FR", "emergency_number"),
        ("999", "GB", "emergency_number"),
        ("110", "DE", "emergency_number"),
        ("119", "JP", "emergency_number"),
        ("000", "AU", "emergency_number"),
        ("+33112", None, "emergency_number"),
        ("+3315", None, "emergency_number"),
        ("9116666666", "US", "emergency_number"),
        ("988", "US", "short_number"),
        ("116117", "DE", "short_number"),
        ("3018", "FR", "short_number"),
        ("118218", "FR", "short_number"),
        ("+333018", None, "short_number"),
        ("0142685300", "ZZ", "unknown_region"),
    ],
)
def test_what_is_not_to_be_dialed_is_refused_with_its_reason(raw, default_region, code):
    with pytest.raises(InvalidInput) as refused:
        parse_phone(raw, default_region)
    assert refused.value.code == code
    assert refused.value.next_step


def test_a_missing_country_names_both_ways_to_give_it():
    with pytest.raises(
        InvalidInput, match=r'country code, the number; ask the user for the country.*default_region="FR"'
    ):
        parse_phone("0142685300")


@pytest.mark.parametrize(
    ("raw", "kind", "blocked_class"),
    [
        ("+19005551234", "premium_rate", "premium_number"),
        ("+33899123456", "premium_rate", "premium_number"),
        ("+449098790000", "premium_rate", "premium_number"),
        ("+499001234567", "premium_rate", "premium_number"),
        ("+34806123456", "premium_rate", "premium_number"),
        ("+39899123456", "premium_rate", "premium_number"),
        ("+78091234567", "premium_rate", "premium_number"),
        ("+979123456789", "premium_rate", "premium_number"),
        ("+33820123456", "shared_cost", "shared_cost_number"),
        ("+34902123456", "shared_cost", "shared_cost_number"),
        ("+447012345678", "personal_number", "personal_number"),
        ("+447640123456", "pager", "pager_number"),
        ("+445512345678", "uan", "uan_number"),
        ("+870773111632", "mobile", "global_number"),
        ("+88213300655", "voip", "global_number"),
        ("+80012345678", "toll_free", None),
        ("+18003569377", "toll_free", None),
        ("+33142685300", "fixed_line", None),
        ("+33612345678", "mobile", None),
        ("+12025550100", "fixed_line_or_mobile", None),
    ],
)
def test_costly_classes_are_named(raw, kind, blocked_class):
    phone = parse_phone(raw)
    assert (phone.kind, phone.blocked_class) == (kind, blocked_class)


@pytest.mark.parametrize(
    ("raw", "extension"),
    [
        ("+33142685300", None),
        ("+33142685300x45", "45"),
        ("+33142685300;ext=12", "12"),
        ("tel:+33-1-42-68-53-00;ext=7", "7"),
        ("+1 202 555 0100 ext. 5", "5"),
        ("(202) 555-0100 #12", "12"),
        ("01 42 68 53 00 poste 12", "12"),
        ("+33 1 42 68 53 00 (poste 12)", "12"),
        ("+33 1 42 68 53 00, Durchwahl: 12", "12"),
        ("+33 1 42 68 53 00 DW-12", "12"),
        ("+33 1 42 68 53 00 interno 12", "12"),
        ("+33 1 42 68 53 00 ramal 12", "12"),
        ("+33 1 42 68 53 00 wew. 12", "12"),
        ("+33 1 42 68 53 00 доб. 12", "12"),
        ("+33 1 42 68 53 00 内線12", "12"),
        ("+33 1 42 68 53 00转12", "12"),
        ("+33 1 42 68 53 00 extension no. 12", "12"),
    ],
)
def test_an_extension_is_told_apart_from_the_number(raw, extension):
    phone = parse_phone(raw, "FR" if raw.startswith("01") else "US")
    assert phone.extension == extension
    assert phone.e164 in ("+33142685300", "+12025550100")


@pytest.mark.parametrize(
    ("raw", "region"),
    [("+18765550123", "JM"), ("+18095550123", "DO"), ("+12423591234", "BS"), ("+16644923456", "MS")],
)
def test_a_number_under_plus_one_may_be_abroad(raw, region):
    assert parse_phone(raw).region == region


EVERY_COUNTRY = sorted(phonenumbers.SUPPORTED_REGIONS)
KINDS = (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)


def example(region, kind=KINDS[0]):
    number = phonenumbers.example_number_for_type(region, kind) or phonenumbers.example_number(region)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.a_few(every=8)
@pytest.mark.parametrize("default_region", EVERY_COUNTRY[::3])
def test_a_number_that_lost_its_plus_never_becomes_a_strangers(default_region):
    trunk = phonenumbers.ndd_prefix_for_region(default_region, strip_non_digits=True)
    for region in EVERY_COUNTRY[::7]:
        for kind in KINDS:
            e164 = example(region, kind)
            if trunk and e164[1:].startswith(trunk):
                continue
            read = parsed_or_code(e164[1:], default_region)
            if isinstance(read, str):
                assert read in {"ambiguous_number", "emergency_number", "invalid_number"}
            else:
                assert read.e164 == e164


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize("region", EVERY_COUNTRY)
def test_a_national_number_is_its_own_countrys_or_refused_as_ambiguous(region):
    for kind in KINDS:
        e164 = example(region, kind)
        number = phonenumbers.parse(e164)
        national = phonenumbers.national_significant_number(number)
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        assert getattr(parsed_or_code(national, region), "e164", "ambiguous_number") in (e164, "ambiguous_number")
        assert getattr(parsed_or_code(written, region), "e164", "ambiguous_number") in (e164, "ambiguous_number")


@pytest.mark.parametrize(
    ("raw", "default_region", "readings"),
    [
        ("4917612345678", "DE", ["+494917612345678", "+4917612345678"]),
        ("33612345678", "AT", ["+4333612345678", "+33612345678"]),
        ("49 176 12345678", "DE", ["+494917612345678", "+4917612345678"]),
        ("tel:4917612345678", "DE", ["+494917612345678", "+4917612345678"]),
        ("6465550100", "US", ["+16465550100", "+6465550100"]),
        ("13868453265", "CN", ["+8613868453265", "+13868453265"]),
    ],
)
def test_an_ambiguous_number_names_both_readings_to_people_and_not_in_its_words(raw, default_region, readings):
    with pytest.raises(InvalidInput) as refused:
        parse_phone(raw, default_region)
    assert refused.value.code == "ambiguous_number"
    assert refused.value.details == {"readings": readings}
    assert not re.search(r"\d{5}", str(refused.value))


@pytest.mark.parametrize(
    ("raw", "default_region", "e164"),
    [
        ("33142685300", "US", "+33142685300"),
        ("49 176 12345678 ext 5", "FR", "+4917612345678"),
        ("12025550100", "US", "+12025550100"),
        ("8 (495) 123-45-67", "RU", "+74951234567"),
        ("017612345678", "DE", "+4917612345678"),
        ("(646) 555-0100", "US", "+16465550100"),
        ("138 6845 3265", "CN", "+8613868453265"),
        ("tel:030901820;phone-context=+49", "DE", "+4930901820"),
    ],
)
def test_a_number_with_one_valid_reading_is_taken(raw, default_region, e164):
    assert parse_phone(raw, default_region).e164 == e164


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize("region", EVERY_COUNTRY)
def test_a_floats_tail_never_changes_a_number(region):
    for kind in KINDS:
        e164 = example(region, kind)
        assert parse_phone(f"{e164}.0").e164 == parse_phone(f" {e164},0 ").e164 == e164
        for tail in (".5", ".00", ".12"):
            assert parsed_or_code(e164 + tail, None) == "not_a_number"


@pytest.mark.parametrize("raw", ["01.42.68.53.00", "+33.142685300", "+33 1.42.68.53.00"])
def test_points_between_the_digits_are_no_fraction(raw):
    assert parse_phone(raw, "FR").e164 == "+33142685300"


IGNORABLE = "\u034f\u115f\u1160\u17b4\u180b\u200b\u200d\u2060\u202e\u3164\ufe0f\ufeff\uffa0\U000e0100"


@given(st.lists(st.sampled_from(IGNORABLE), min_size=12, max_size=12))
def test_characters_that_no_one_sees_are_dropped(unseen):
    raw = "".join(map("".join, zip("+33142685300", unseen, strict=True)))
    assert parse_phone(raw).e164 == "+33142685300"


@pytest.mark.parametrize(
    ("raw", "default_region", "hint"),
    [
        ("0262 12 34 56", "FR", "+262"),
        ("0692123456", "FR", "+262"),
        ("0269601234", "FR", "+262"),
        ("0590 82 12 34", "FR", "+590"),
        ("0690123456", "FR", "+590"),
        ("0594301234", "FR", "+594"),
        ("0596123456", "FR", "+596"),
        ("0508411234", "FR", "+508"),
        ("+33262123456", None, "+262"),
    ],
)
def test_an_overseas_french_number_is_refused_with_its_calling_code(raw, default_region, hint):
    with pytest.raises(InvalidInput, match=rf"\{hint},") as refused:
        parse_phone(raw, default_region)
    assert refused.value.code == "invalid_number"


def test_an_overseas_number_is_at_home_in_its_own_country():
    assert parse_phone("0262123456", "RE").e164 == "+262262123456"


@pytest.mark.parametrize(
    ("raw", "caller_region", "international"),
    [
        ("+14734401234", "US", True),
        ("+18765550123", "CA", True),
        ("+18095550123", "US", True),
        ("+18095550123", "DO", False),
        ("+12025550100", "DO", True),
        ("+12025550100", "CA", False),
        ("+17875550100", "US", False),
        ("+18003569377", "JM", False),
        ("+18765550123", "FR", False),
        ("+18765550123", None, False),
    ],
)
def test_a_number_under_plus_one_can_be_international_for_a_caller_under_plus_one(raw, caller_region, international):
    assert international_for(parse_phone(raw), caller_region) is international


def test_guernsey_is_not_britain():
    assert parse_phone("+447911123456").region == "GG"


def test_time_zones_leave_out_the_unknown_one():
    assert parse_phone("+870773111632").time_zones == ()
    assert parse_phone("+33142685300").time_zones == ("Europe/Paris",)
    assert len(parse_phone("+18003569377").time_zones) > 20


def at(zone: str, hour: int, minute: int = 0) -> float:
    return datetime(2026, 3, 10, hour, minute, tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("raw", "now_s", "inside"),
    [
        ("+33142685300", at("Europe/Paris", 8), True),
        ("+33142685300", at("Europe/Paris", 7, 59), False),
        ("+33142685300", at("Europe/Paris", 20, 59), True),
        ("+33142685300", at("Europe/Paris", 21), False),
        ("+18003569377", at("America/New_York", 10), False),  # It is still night in Hawaii.
        ("+447911123456", at("Europe/London", 12), True),
        ("+870773111632", at("Europe/Paris", 12), None),
    ],
)
def test_a_call_is_inside_local_hours_only_if_it_is_everywhere_the_number_may_be(raw, now_s, inside):
    assert inside_local_hours(parse_phone(raw), now_s) is inside


def test_local_hours_may_go_over_midnight():
    phone = parse_phone("+33142685300")
    assert inside_local_hours(phone, at("Europe/Paris", 23), "22:00", "06:00") is True
    assert inside_local_hours(phone, at("Europe/Paris", 5), "22:00", "06:00") is True
    assert inside_local_hours(phone, at("Europe/Paris", 12), "22:00", "06:00") is False


def test_without_a_zone_database_the_local_hours_are_unknown(monkeypatch):
    def missing(key):
        raise ZoneInfoNotFoundError(key)

    monkeypatch.setattr("zoneinfo.ZoneInfo", missing)
    assert inside_local_hours(parse_phone("+33142685300"), 0.0) is None


def test_an_empty_window_is_a_mistake():
    with pytest.raises(ValueError, match="two different times"):
        inside_local_hours(parse_phone("+33142685300"), 0.0, "09:00", "09:00")


@pytest.mark.parametrize(
    ("e164", "masked"),
    [
        ("+12025550100", "+1202•••••00"),
        ("+33142685300", "+3314•••••00"),
        ("+29012345", "+29••••••"),
        ("12", "••••"),
        ("", "••••"),
    ],
)
def test_a_masked_number_keeps_its_ends_only(e164, masked):
    assert mask_phone(e164) == masked


def test_a_phone_is_a_value():
    assert parse_phone("+33142685300") == Phone("+33142685300", "FR", "fixed_line")


@pytest.mark.slow
def test_the_geocoder_is_never_loaded():
    code = (
        "import sys; from revox_langchain.phone import parse_phone; parse_phone('+33142685300').time_zones; "
        "print([name for name in sys.modules if 'geocoder' in name or 'carrier' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


CODES = {
    "ambiguous_number",
    "missing_country",
    "too_short",
    "too_long",
    "invalid_number",
    "not_a_number",
    "emergency_number",
    "short_number",
}


def parsed_or_code(raw, region):
    try:
        return parse_phone(raw, region)
    except InvalidInput as refused:
        return refused.code


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(
    st.one_of(st.text(max_size=40), st.text("+0123456789 ()-./x#;ext=tel:", max_size=30)),
    st.sampled_from([None, "FR", "US", "DE", "IT", "CN", "BR"]),
)
def test_any_text_is_a_number_that_reads_back_the_same_or_is_refused(raw, region):
    phone = parsed_or_code(raw, region)
    if isinstance(phone, str):
        assert phone in CODES
        return
    again = parse_phone(phone.e164)
    assert (again.e164, again.region, again.kind) == (phone.e164, phone.region, phone.kind)
    assert inside_local_hours(phone, 0.0) in (True, False, None)
    assert mask_phone(phone.e164) != phone.e164


@pytest.mark.slow
@given(st.text(alphabet="0123456789+()-./, ~[]\t\nx", max_size=18), st.sampled_from([None, "FR", "US"]))
@settings(max_examples=200, deadline=None)
def test_a_number_in_ascii_is_read_as_one_with_a_sign_that_no_one_sees(raw, region):
    assert parsed_or_code(raw, region) == parsed_or_code(f"{raw}\u200b", region)
