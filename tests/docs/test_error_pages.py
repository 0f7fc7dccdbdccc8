"""Every error code has a page, every page shows a code that exists, and what a page shows happens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from revox_langchain import DialPolicy, RevoxToolkit, Risk, errors
from revox_langchain.sandbox import Sandbox
from scripts import generate_error_pages
from scripts.generate_error_pages import FOLDER, codes, pages
from tests.blocks import blocks_of, run

ROOT = Path(__file__).parents[2]
LISTED = set(json.loads((ROOT / "tests" / "snapshots" / "public.json").read_text(encoding="utf-8"))["error_codes"])
OF_ROWS = {"duplicate_number", "no_language", "row_conflict"}
"""Problems of a contact's row: they stand in a list of contacts, and no error has them."""
INSIDE = {"blocked", "error"}
"""What no one meets: a signal inside of a wait, and the kind that the base class has."""
UNSEEN_BY_THE_SCAN = {"description_as_text", "global_number"}


def test_codes_and_pages_are_the_same() -> None:
    assert set(codes()) == LISTED - OF_ROWS - INSIDE | UNSEEN_BY_THE_SCAN


def test_the_pages_are_fresh() -> None:
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert there == pages(), "run `make docs`"


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize("code", [name for name, each in codes().items() if each.block])
def test_what_a_page_shows_happens(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = codes()[code].page
    [block] = blocks_of(page, "python")
    run(block)
    assert [capsys.readouterr().out] == blocks_of(page, "text")


def test_most_pages_show_how_it_comes_about() -> None:
    shown = [each for each in codes().values() if each.block]
    assert len(shown) > 60
    assert all(each.seen for each in codes().values() if not each.block)


@pytest.mark.parametrize("code", codes())
def test_a_page_says_whether_it_rang_and_what_to_do(code: str) -> None:
    each = codes()[code]
    for text in (each.means, each.rang, each.repeat, each.fix):
        assert text.endswith(".")
    assert each.kind in {kind for thing in vars(errors).values() if (kind := getattr(thing, "kind", None))}
    if each.kind in ("placement_unknown", "answer"):
        assert not each.repeat.startswith("Yes")


def test_an_error_and_a_tools_artifact_carry_the_address_of_a_page_that_is_there() -> None:
    policy = DialPolicy(denied_numbers=("+12025550100",))
    toolkit = RevoxToolkit.sandbox(max_risk=Risk.DIAL, policy=policy)
    [tool] = [tool for tool in toolkit.get_tools() if tool.name == "revox_make_call"]
    args = {"phone_number": "+12025550100", "prompt": "Ask how they are."}
    message: Any = tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": args})
    url = message.artifact["docs_url"]
    assert url == errors.Refused("No.", code="number_denied").docs_url
    assert "://" not in message.content
    assert (ROOT / url.split("/blob/main/")[1]).exists()


def test_a_code_that_others_made_up_has_no_page() -> None:
    assert errors.Refused("No.", code="../../x").docs_url is None


def test_the_check_fails_where_a_page_is_stale(tmp_path: Path) -> None:
    assert generate_error_pages.main(["--check"], tmp_path) == 1
    (tmp_path / "gone.md").write_text("", encoding="utf-8")
    assert generate_error_pages.main([], tmp_path) == 0
    assert generate_error_pages.main(["--check"], tmp_path) == 0
    assert not (tmp_path / "gone.md").exists()


def test_no_page_dials_anything_but_a_sandbox() -> None:
    for each in codes().values():
        assert "from_env" not in each.block
        assert "Connection(" not in each.block or Sandbox.__name__ in each.block
