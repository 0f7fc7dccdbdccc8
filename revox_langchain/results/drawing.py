"""What every page is made with: templates, styles, a policy that loads nothing, and the data it carries along."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput
from revox_langchain.results import wording

if TYPE_CHECKING:
    from jinja2 import Environment


class Carried(BaseModel):
    """What the data of every page begins with.

    Attributes:
        schema_version: Of its layout.
        release: Which release of this package wrote it.
    """

    schema_version: int
    release: str


P = TypeVar("P", bound=Carried)

_ROOMS = ("results", "report")
"""Where templates lie."""


def can_draw() -> bool:
    """Whether Jinja2 is there, which draws pages."""
    try:
        return bool(_environment())
    except InvalidInput:
        return False


def rendered(name: str, view: JsonObject) -> str:
    """A template with what it shows.

    Raises:
        InvalidInput: Jinja2 is missing.
    """
    html: str = _environment().get_template(name).render(view)
    return html


@lru_cache(maxsize=8)
def asset(room: str, name: str) -> str:
    """A style or a script of ours, which templates take over as it is."""
    return safe(files("revox_langchain").joinpath(room, "templates", name).read_text(encoding="utf-8").strip())


def embedded(schema_version: int, written: str) -> str:
    """JSON that cannot end the element it stands in.

    Args:
        schema_version: Of its layout; it comes first.
        written: A JSON object.
    """
    whole = f'{{"schema_version":{schema_version},{written[1:]}'
    for character in "<>&\u2028\u2029":
        whole = whole.replace(character, f"\\u{ord(character):04x}")
    return safe(whole)


def carried(html: str, element: str, model: type[P], newest: int, what: str) -> P:
    """Read the data that a page carries, so that it can be drawn anew.

    Args:
        html: The page.
        element: The id of the element with its data.
        model: What its data is read as.
        newest: The latest version of its layout that this release reads.
        what: What the page should be about, such as `a call`.

    Raises:
        InvalidInput: It is no such page, or a newer release's.
    """
    found = data_of(html, element)
    try:
        page = model.model_validate(None if found is None else json.loads(found))
    except (ValueError, ValidationError, RecursionError):
        raise InvalidInput(f"This is not a page of {what}.", next_step="Give a file that `report` wrote.") from None
    if page.schema_version > newest:
        raise InvalidInput(
            f"This page was written by revox-langchain {page.release}, which is newer than this one.",
            next_step="Upgrade revox-langchain.",
        )
    return page


def data_of(html: str, element: str) -> str | None:
    """The JSON that a page carries in this element; None if it has none."""
    found = re.search(rf'<script type="application/json" id="{element}">(.*?)</script>', html, re.DOTALL)
    return found[1] if found else None


def hashed(text: str) -> str:
    """How a policy names a style or a script that may run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def safe(text: str) -> str:
    """Text of ours, or escaped, which templates take over as it is."""
    from markupsafe import Markup

    marked: str = Markup(text)
    return marked


def release() -> str:
    """Which release of this package writes a page."""
    try:
        return version("revox-langchain")
    except PackageNotFoundError:
        return wording.UNKNOWN


@lru_cache(maxsize=1)
def _environment() -> Environment:
    try:
        from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise InvalidInput("A page needs Jinja2, which is not installed.", next_step="pip install jinja2") from None
    made = Environment(
        loader=ChoiceLoader([PackageLoader("revox_langchain", f"{room}/templates") for room in _ROOMS]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["harmless"] = wording.harmless
    return made
