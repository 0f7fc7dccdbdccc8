"""What every page is made with: templates, styles, a policy that loads nothing, and the data it carries along."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import TYPE_CHECKING

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput
from revox_langchain.results import wording

if TYPE_CHECKING:
    from jinja2 import Environment

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
