"""How accents relate to regions: which region one belongs to, and how far it sounds from another.

The table is data (`data/accents.json`): `national` gives the names of a country's accent, which
mean the same; `local` the accents of parts of a country; `nearest` the region that sounds nearest
where CLDR says otherwise, since CLDR orders what one can read (it puts en-CA nearer to en-GB).
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from revox_langchain.speech.names import fold, is_official, names_data


def same_accent(language: str, one: str, other: str) -> bool:
    """Tell whether two names of an accent mean the same."""
    one, other = fold(one), fold(other)
    return one == other or any(one in names and other in names for names in _national(language).values())


def region_of(language: str, accent: str) -> str | None:
    """Tell which region an accent belongs to; the name of a country is an accent too."""
    accent = fold(accent)
    for region, names in _national(language).items():
        if accent in names:
            return region
    local: dict[str, str] = _table()["local"].get(language, {})
    territories: dict[str, str] = names_data()["territories"]
    return local.get(accent) or territories.get(accent)


def distance(language: str, wanted: str | None, accent: str) -> tuple[int, int]:
    """Order accents by how they sound in a region, or without one by how common they are.

    Returns:
        With a region, first 0 for the same, 1 for the nearest, 2 for another Latin American one,
        3 for no particular accent, and more for the rest. Without a region, 0 for no particular
        accent, 1 for that of the main country, 9 for others.
    """
    from langcodes import Language, tag_distance

    neutral = fold(accent) in _NO_ACCENT
    region = region_of(language, accent)
    if wanted is None:
        main = Language.get(language).maximize().territory
        return (0 if neutral else 1 if region == main else 9), 0
    if region == wanted:
        return 0, 0
    if region and _table()["nearest"].get(language, {}).get(wanted) == region:
        return 1, 0
    # To the ear any Latin American accent is nearer than a neutral one; CLDR only orders them among themselves.
    if region and _american_spanish(language, wanted) and _american_spanish(language, region):
        return 2, tag_distance(f"es-{wanted}", f"es-{region}")
    if neutral:
        return 3, 0
    if region is None:
        return 99, 0
    return 4 + tag_distance(f"{language}-{wanted}", f"{language}-{region}"), 0


_NO_ACCENT = ("", "neutral", "standard", "none", "general", "international")


@cache
def _table() -> dict[str, Any]:
    path = files("revox_langchain") / "speech" / "data" / "accents.json"
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table


def _national(language: str) -> dict[str, list[str]]:
    names: dict[str, list[str]] = _table()["national"].get(language, {})
    return names


def _american_spanish(language: str, region: str) -> bool:
    if language != "es" or region in ("ES", "GQ"):
        return False
    return region in ("419", "US") or is_official("es", region)
