"""The site has every page, a Markdown twin of each, and a short list of them for models."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import revox_langchain
from scripts.build_site import DOCS, ROOT, contents, llms_txt, settings, twin, write_texts
from tests.processes import patience_s


def test_every_page_but_those_of_errors_is_in_the_contents() -> None:
    listed = {path for pages in contents().values() for path in pages.values()}
    there = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md") if page.parent.name != "errors"}
    assert listed == there | {"errors/README.md"}


def test_the_list_for_models_is_short_and_names_every_page() -> None:
    text = llms_txt()
    # Of English, a token has about four characters; three are a careful guess.
    assert len(text) / 3 < 2000
    for pages in contents().values():
        for title, path in pages.items():
            line = next(line for line in text.splitlines() if f"[{title}]({path})" in line)
            assert line.endswith((".", ":")), line


def test_the_twin_of_the_reference_has_the_public_names() -> None:
    text = twin("reference/index.md")
    assert [name for name in revox_langchain.__all__ if f"## `{name}`" not in text] == []
    assert ":::" not in text


def test_every_page_gets_its_twin(tmp_path: Path) -> None:
    write_texts(tmp_path)
    assert {p.relative_to(tmp_path) for p in tmp_path.rglob("*.md")} == {
        p.relative_to(DOCS) for p in DOCS.rglob("*.md")
    }
    assert (tmp_path / "llms.txt").read_text(encoding="utf-8") == llms_txt()


def test_the_builder_is_pinned_and_the_site_loads_no_font_from_elsewhere() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert all("==" in each for each in extras["docs"])
    assert settings()["theme"]["font"] is False


@pytest.mark.slow
@pytest.mark.skipif(find_spec("zensical") is None, reason="the extra docs is not installed")
def test_the_site_builds_without_a_warning() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.build_site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience_s(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (ROOT / "build" / "site" / "llms.txt").exists()
    html = (ROOT / "build" / "site" / "index.html").read_text(encoding="utf-8")
    assert 'src="http' not in html
