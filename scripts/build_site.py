"""Build the site of `docs`, strictly, with a Markdown twin of every page and an `llms.txt` that lists them.

python -m scripts.build_site
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CONFIG = ROOT / "mkdocs.yml"
_MEMBERS_OF = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)
_SKIPPED = ("#", "!", "|", "```", "<", ">", "- ", "**Untested")


def settings() -> dict[str, Any]:
    """What `mkdocs.yml` says."""
    read: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    return read


def contents() -> dict[str, dict[str, str]]:
    """The pages of each part of the site: path by title."""
    return {
        part: {title: path for page in pages for title, path in page.items()}
        for entry in settings()["nav"]
        for part, pages in entry.items()
    }


def llms_txt() -> str:
    """What a model reads first: each page with its first sentence."""
    lines = [f"# {settings()['site_name']}", "", f"> {settings()['site_description']}"]
    for part, pages in contents().items():
        lines += ["", f"## {part}", ""]
        lines += [f"- [{title}]({path}): {_first_sentence(path)}" for title, path in pages.items()]
    return "\n".join(lines) + "\n"


def twin(path: str) -> str:
    """A page as Markdown, with what the reference reads off the code written out."""
    return _MEMBERS_OF.sub(lambda match: _members(match[1]), (DOCS / path).read_text(encoding="utf-8"))


def write_texts(site: Path) -> None:
    """Write `llms.txt` and the twins beside the pages."""
    for page in DOCS.rglob("*.md"):
        path = page.relative_to(DOCS)
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(twin(path.as_posix()), encoding="utf-8")
    (site / "llms.txt").write_text(llms_txt(), encoding="utf-8")


def main() -> int:
    """Build the site; return the exit code."""
    done = subprocess.run([sys.executable, "-m", "zensical", "build", "--clean", "--strict"], cwd=ROOT, check=False)
    if done.returncode:
        return done.returncode
    site = ROOT / settings()["site_dir"]
    write_texts(site)
    print(f"The site is in {site.relative_to(ROOT)}: open {site.relative_to(ROOT)}/index.html.")
    return 0


def _first_sentence(path: str) -> str:
    text = re.sub(r"```.*?```", "", (DOCS / path).read_text(encoding="utf-8"), flags=re.DOTALL)
    paragraphs = [paragraph.strip() for paragraph in text.split("\n\n") if paragraph.strip()]
    words = next((text for text in paragraphs if not text.startswith((*_SKIPPED, ":::"))), "")
    plain = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", " ".join(words.split())).replace("**", "")
    return re.split(r"(?<=[.]) ", plain)[0]


def _members(module: str) -> str:
    room = import_module(module)
    parts = [inspect.getdoc(room) or ""]
    for name in room.__all__:
        thing = getattr(room, name)
        parts.append(f"## `{name}`\n\n{_signature(name, thing)}{inspect.getdoc(thing) or ''}")
    return "\n\n".join(parts)


def _signature(name: str, thing: object) -> str:
    if not callable(thing):
        return ""
    try:
        return f"```python\n{name}{inspect.signature(thing)}\n```\n\n"
    except ValueError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
