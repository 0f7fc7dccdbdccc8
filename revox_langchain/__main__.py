"""`python -m revox_langchain` and the command `revox-langchain`."""

from __future__ import annotations

import sys
from importlib.util import find_spec


def main() -> None:
    """Run the command line, or say what it needs."""
    missing = [name for name in ("typer", "rich") if find_spec(name) is None]
    if missing:
        print(
            f"Error: the command line needs {' and '.join(missing)}. Run: pip install 'revox-langchain[cli]'",
            file=sys.stderr,
        )
        raise SystemExit(2)
    try:
        from revox_langchain.cli.app import run

        raise SystemExit(run())
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
