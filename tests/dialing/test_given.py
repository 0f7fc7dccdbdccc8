"""Whether a text holds a number, in whatever way it is written, and the rule that a number comes from somebody."""

from __future__ import annotations

import pytest

from revox_langchain import DialPolicy
from revox_langchain.dialing.given import Given
from revox_langchain.dialing.guard import Guard
from revox_langchain.errors import Refused
from revox_langchain.phone import parse_phone


@pytest.mark.parametrize(
    ("text", "number", "region"),
    [
        ("Call +12025550100.", "+12025550100", None),
        ("Call (202) 555-0100 please", "+12025550100", None),
        ("202.555.0100", "+12025550100", None),
        ("+1 202 555 0100", "+12025550100", "MX"),
        ("tel:+1-202-555-0100", "+12025550100", None),
        ("+1\u202f202\u00a0555\u200b 0100", "+12025550100", None),
        ("+١٢٠٢٥٥٥٠١٠٠", "+12025550100", None),
        ("１２０２５５５０１００", "+12025550100", None),
        ("Ruf die 030/901820 an", "+4930901820", None),
        ("+49 (0)30 901820", "+4930901820", "US"),
        ('{"contact": {"phone": "0033 1 42 68 53 00"}}', "+33142685300", None),
        ("x" * 50_000 + " 01 42 68 53 00 " + "y" * 50_000, "+33142685300", None),
        ("2025550100 2025550101", "+12025550101", None),
    ],
)
def test_a_number_counts_in_any_writing(text: str, number: str, region: str | None) -> None:
    assert Given((text,)).holds(parse_phone(number), region)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", "+12025550100"),
        ("Order 12025550100123 is late", "+12025550100"),
        ("+1 202 555 0101", "+12025550100"),
        ("+1 202 555", "+12025550100"),
        ("+12025\n550100", "+12025550100"),
        ("+33 1 42 68 53 00", "+12025550100"),
        ("+1 207 946 0100", "+442079460100"),
    ],
)
def test_half_a_number_or_another_one_does_not_count(text: str, number: str) -> None:
    assert not Given((text,)).holds(parse_phone(number), "US")


def test_digits_of_two_texts_are_not_one_number() -> None:
    assert not Given(("+1 202 555", "0100")).holds(parse_phone("+12025550100"))


def code_of(policy: DialPolicy, given: Given | None, *numbers: str) -> str | None:
    error = refusal(policy, given, *numbers)
    return error.code if error else None


def refusal(policy: DialPolicy, given: Given | None, *numbers: str) -> Refused | None:
    phones = {f"contacts.{n}.to_phone_number": parse_phone(number) for n, number in enumerate(numbers)}
    try:
        Guard(policy).check_given(phones, given)
    except Refused as error:
        return error
    return None


def test_a_number_nobody_gave_is_refused_and_the_refusal_does_not_repeat_it() -> None:
    error = refusal(DialPolicy(), Given(("+12025550101",)), "+12025550101", "+12025550100")
    assert error is not None
    assert error.code == "number_not_given"
    assert error.details == {"fields": ["contacts.1.to_phone_number"]}
    assert "Ask the user" in error.next_step
    assert "55501" not in str(error)


@pytest.mark.parametrize(
    "policy",
    [
        DialPolicy(number_source="any"),
        DialPolicy(known_numbers=("+12025550100",)),
        DialPolicy(known_numbers=("+1202555*",)),
        DialPolicy(allowed_numbers=("+12025550100",)),
    ],
)
def test_the_developer_may_know_the_number(policy: DialPolicy) -> None:
    assert code_of(policy, Given(()), "+12025550100") is None


def test_a_pattern_of_allowed_numbers_gives_no_number() -> None:
    assert code_of(DialPolicy(allowed_numbers=("+1*",)), Given(()), "+12025550100") == "number_not_given"


@pytest.mark.slow
def test_where_nothing_is_visible_nothing_is_checked() -> None:
    assert code_of(DialPolicy(), None, "+12025550100") is None
