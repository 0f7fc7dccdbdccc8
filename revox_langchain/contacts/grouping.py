"""Contacts by spoken language: the row's own, the number's country if the caller says so, else one for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from revox_langchain.contacts.problems import problem
from revox_langchain.contacts.row import Row
from revox_langchain.speech.language import main_language, parse_language, spoken


@dataclass(frozen=True, slots=True)
class Grouped:
    """Contacts by language.

    Attributes:
        groups: Contacts by the tag of what can be heard, language and accent, such as `fr` or `fr-CA`; the largest
            group first.
        undecided: Rows that name no language where none was given for them, as rejected ones.
    """

    groups: Mapping[str, tuple[Row, ...]]
    undecided: tuple[Row, ...] = ()


def group_by_language(contacts: Iterable[Row], *, language: str | None = None, by_country: bool = False) -> Grouped:
    """Group contacts by the language to speak with them.

    Args:
        contacts: Rows in the state `ready`; others are left out.
        language: Language of those that name none.
        by_country: Whether the main language of the number's country counts where a row names none; it comes before
            `language`. A country is not a person's language, so this is never assumed.

    Raises:
        UnknownLanguage: `language` is not a known language.
        UnsupportedLanguage: No voice speaks it.
    """
    rest = parse_language(language).tag if language is not None else None
    groups: dict[str, list[Row]] = {}
    undecided = []
    for row in contacts:
        if row.state != "ready":
            continue
        own = row.language or (by_country and row.phone and main_language(row.phone.region)) or rest
        if own:
            groups.setdefault(_heard(own), []).append(row)
        else:
            undecided.append(replace(row, state="rejected", problems=(problem("no_language", row.line),)))
    largest_first = sorted(groups.items(), key=lambda each: (-len(each[1]), each[0]))
    return Grouped(MappingProxyType({tag: tuple(rows) for tag, rows in largest_first}), tuple(undecided))


@lru_cache(maxsize=512)
def _heard(tag: str) -> str:
    language, region = spoken(tag)
    return f"{language}-{region}" if region else language
