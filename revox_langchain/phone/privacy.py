"""Numbers in logs: enough of them to tell two apart, not enough to call."""

from __future__ import annotations


def mask_phone(e164: str) -> str:
    """Hide the middle of a number, for logs: `+1202•••••00`."""
    head, tail = (5, 2) if len(e164) >= 11 else (3, 0)
    hidden = max(len(e164) - head - tail, 4)
    return e164[: min(head, max(len(e164) - 4, 0))] + "•" * hidden + (e164[-tail:] if tail else "")
