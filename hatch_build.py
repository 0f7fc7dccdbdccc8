"""README.md as package indexes show it: they do not know the folder a link is relative to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)]+)\)")


class ReadmeHook(MetadataHookInterface):
    """Fills in `project.readme`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the long description from README.md."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        shown = for_an_index(text, metadata["urls"]["Repository"])
        metadata["readme"] = {"content-type": "text/markdown", "text": shown}


def for_an_index(readme: str, repository: str) -> str:
    """Put the repository's address before every relative link."""

    def absolute(found: re.Match[str]) -> str:
        mark, words, path = found.groups()
        return f"{mark}[{words}]({repository}/{'raw' if mark else 'blob'}/main/{path.removeprefix('./')})"

    return LINK.sub(absolute, readme)
