"""What would break somebody's code since the last release is found, and what is inside may change."""

from __future__ import annotations

from pathlib import Path

import pytest

griffe = pytest.importorskip("griffe", reason="the extra docs is not installed")

from scripts.check_api import breaking  # noqa: E402

FACE = '"""A shop."""\n\nfrom shop.inner import buy\n\n__all__ = ["buy"]\n'


def shop(folder: Path, inner: str, face: str = FACE) -> griffe.Object:
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "__init__.py").write_text(face, encoding="utf-8")
    (folder / "shop" / "inner.py").write_text(inner, encoding="utf-8")
    return griffe.load("shop", search_paths=[str(folder)], resolve_aliases=True)


INNER = "def buy(what: str, count: int = 1) -> None: ...\n\n\ndef pack(what: str) -> None: ...\n"


@pytest.mark.parametrize(
    ("after", "face", "breaks"),
    [
        (INNER, FACE, 0),
        (INNER.replace(", count: int = 1", ""), FACE, 1),
        (INNER.replace("count: int = 1", "count: int"), FACE, 1),
        (INNER.replace("def pack(what: str)", "def pack()"), FACE, 0),
        (INNER, '"""A shop."""\n\n__all__ = []\n', 1),
    ],
    ids=["the same", "a parameter is gone", "a default is gone", "the inside changed", "a name is gone"],
)
def test_what_breaks_is_found(after: str, face: str, breaks: int, tmp_path: Path) -> None:
    before = shop(tmp_path / "before", INNER)
    now = shop(tmp_path / "after", after, face)
    assert len(breaking(before, now, ["shop"])) == breaks
