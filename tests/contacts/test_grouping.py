"""Contacts are grouped by what is spoken with them, which no country says unless the caller does."""

from __future__ import annotations

import pytest

from revox_langchain.contacts import group_by_language, read_contacts
from revox_langchain.errors import UnsupportedLanguage

ROWS = [
    {"phone": "+33142685300", "language": "fr"},
    {"phone": "+33142685301", "language": "fr-Latn"},
    {"phone": "+14185550123", "language": "fr_CA"},
    {"phone": "+4930901820", "language": ""},
    {"phone": "+41442234567", "language": ""},
    {"phone": "bad", "language": "de"},
]


def groups(**how):
    grouped = group_by_language(read_contacts(ROWS).rows, **how)
    return {tag: [row.line for row in rows] for tag, rows in grouped.groups.items()}, grouped.undecided


def test_a_row_speaks_its_own_language_and_the_others_are_undecided():
    found, undecided = groups()
    assert found == {"fr": [1, 2], "fr-CA": [3]}
    assert [(row.line, row.state, row.problems[0].code) for row in undecided] == [
        (4, "rejected", "no_language"),
        (5, "rejected", "no_language"),
    ]


def test_one_language_may_be_given_for_all_others():
    found, undecided = groups(language="German")
    assert found == {"de": [4, 5], "fr": [1, 2], "fr-CA": [3]}
    assert undecided == ()


def test_the_country_counts_only_if_the_caller_says_so_and_if_it_has_one_language():
    found, undecided = groups(by_country=True)
    assert found == {"fr": [1, 2], "de": [4], "fr-CA": [3]}
    assert [row.line for row in undecided] == [5]
    assert groups(by_country=True, language="it")[0]["it"] == [5]


@pytest.mark.slow
def test_a_language_without_a_voice_is_refused():
    with pytest.raises(UnsupportedLanguage):
        groups(language="nl")
