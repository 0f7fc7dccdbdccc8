from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revox_langchain.errors import InvalidInput
from revox_langchain.phone import Phone, inside_local_hours, mask_phone, parse_phone


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
    with pytest.raises(InvalidInput, match=r'E\.164, such as \+33142685300, or give default_region="FR"'):
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
    ],
)
def test_an_extension_is_told_apart_from_the_number(raw, extension):
    phone = parse_phone(raw, "US")
    assert phone.extension == extension
    assert phone.e164 in ("+33142685300", "+12025550100")


@pytest.mark.parametrize(
    ("raw", "region"),
    [("+18765550123", "JM"), ("+18095550123", "DO"), ("+12423591234", "BS"), ("+16644923456", "MS")],
)
def test_a_number_under_plus_one_may_be_abroad(raw, region):
    assert parse_phone(raw).region == region


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


def test_the_geocoder_is_never_loaded():
    code = (
        "import sys; from revox_langchain.phone import parse_phone; parse_phone('+33142685300').time_zones; "
        "print([name for name in sys.modules if 'geocoder' in name or 'carrier' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


CODES = {
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
