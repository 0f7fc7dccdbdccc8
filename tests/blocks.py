"""Fenced blocks of a page in Markdown, and how a test is to run each: `<!-- test: HOW -->` in the line above it."""

from __future__ import annotations

import re
from typing import Any

from tests.scripted_model import ScriptedModel

FENCE = re.compile(r"(?:<!-- test: (?P<how>\w+) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)```", re.DOTALL)


def blocks_of(page: str, language: str, how: str | None = None) -> list[str]:
    """The code of a page's blocks of one language that are run one way."""
    found = FENCE.finditer(page)
    return [match["code"] for match in found if match["language"] == language and match["how"] == how]


def titled(block: str) -> str:
    """A name for a test: the block's most telling line."""
    return re.sub(r"\W+", "-", block.strip().splitlines()[-1])[:50]


def run(block: str, model: ScriptedModel | None = None) -> dict[str, Any]:
    """Execute a block as a program, with a model that follows a script in place of the one it names."""
    names: dict[str, Any] = {"__name__": "page"}
    if model is not None:
        block, replaced = re.subn(r"^model = .*\n", "", block, flags=re.MULTILINE)
        assert replaced == 1
        names["model"] = model
    exec(compile(block, "page.md", "exec"), names)
    return names
