"""Every page is true: its Python runs and says what the page shows, and what it links to is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blocks import run, titled

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
TESTED_ELSEWHERE = {"waiting", "line", "studio", "temporal", "dbos"}
"""Each has a test of its own beside this one."""
SHOWN = re.compile(r"(?<!-->\n)```python\n(?P<code>.*?)```(?:\n\n```text\n(?P<said>.*?)```)?", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
REPOSITORY = "https://github.com/revox-langchain/revox-langchain/blob/main/"


def shown() -> Iterator[object]:
    for page in PAGES:
        if page.stem not in TESTED_ELSEWHERE:
            for match in SHOWN.finditer(page.read_text(encoding="utf-8")):
                yield pytest.param(match["code"], match["said"], id=f"{page.stem}-{titled(match['code'])}")


@pytest.mark.a_few(every=6)
@pytest.mark.parametrize(("code", "said"), list(shown()))
def test_a_block_runs_and_says_what_the_page_shows(
    code: str, said: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    run(code)
    out = capsys.readouterr().out
    assert out.strip()
    assert said in (None, out)


def test_there_are_at_most_thirty_pages_beside_those_of_errors() -> None:
    assert len(PAGES) + len(list((DOCS / "reference").glob("*.md"))) <= 30


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES], ids=lambda page: page.stem)
def test_the_pages_files_and_headings_it_links_to_exist(page: Path) -> None:
    for link in LINK.findall(without_code(page)):
        if link.startswith(REPOSITORY):
            assert (ROOT / link.removeprefix(REPOSITORY)).exists(), link
        elif "://" not in link:
            path, _, heading = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not heading or heading in headings(target), link


def without_code(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def headings(page: Path) -> set[str]:
    found = re.findall(r"^#+ (.*)$", without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}
