"""Compare what the package offers with the last release: names that are gone, parameters that changed.

python -m scripts.check_api            fails if somebody's code would break
python -m scripts.check_api REF        compares with this commit or tag
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import griffe

from scripts.generate_snapshots import DOORS

ROOT = Path(__file__).parents[1]
PACKAGE = "revox_langchain"


def breaking(before: griffe.Object, now: griffe.Object, doors: Iterable[str]) -> list[str]:
    """What somebody's code would notice, of the names that the doors offer; the inside may change."""
    public = {path for old in (before, now) for door in doors for path in _offered(old, door)}
    return [
        found.explain(griffe.ExplanationStyle.ONE_LINE)
        for found in griffe.find_breaking_changes(before, now)
        if any(_within(found.obj.canonical_path, path) or _within(found.obj.path, path) for path in public)
    ]


def last_release() -> str | None:
    """The newest tag of a version that this commit descends from."""
    asked = ["git", "describe", "--tags", "--abbrev=0", "--match", "v*"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def main(arguments: list[str]) -> int:
    """Compare and report; return the exit code."""
    ref = arguments[0] if arguments else last_release()
    if ref is None:
        print("No release is tagged yet; tests/snapshots/public.json holds what is public.")
        return 0
    before = griffe.load_git(PACKAGE, ref=ref, repo=ROOT, resolve_aliases=True)
    now = griffe.load(PACKAGE, search_paths=[str(ROOT)], resolve_aliases=True)
    assert isinstance(before, griffe.Object)
    assert isinstance(now, griffe.Object)
    found = breaking(before, now, DOORS)
    print("\n".join(found) or f"Nothing that is public has changed in a breaking way since {ref}.")
    return 1 if found else 0


def _within(path: str, public: str) -> bool:
    return path == public or path.startswith(f"{public}.")


def _offered(package: griffe.Object, door: str) -> list[str]:
    inside = door.removeprefix(package.path).lstrip(".")
    try:
        room = package[inside] if inside else package
    except KeyError:
        return []
    names = [str(name) for name in room.exports or ()]
    return [path for name in names for path in (f"{room.path}.{name}", room.members[name].canonical_path)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
