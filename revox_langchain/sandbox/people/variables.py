"""The `{{variables}}` of prompts and sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"{{\s*(\w+)\s*}}")


def filled(template: str, variables: Mapping[str, object] | None) -> str:
    """Fill the `{{variables}}` of a text; those without a value stay as they are."""
    given = variables or {}
    return _VARIABLE.sub(lambda match: str(given.get(match[1], match[0])), template)


def variables_in(*templates: str | None) -> set[str]:
    """Names of the `{{variables}}` in some texts."""
    return {name for template in templates if template for name in _VARIABLE.findall(template)}
