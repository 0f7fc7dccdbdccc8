"""A short name for JSON: equal values have equal digests, in every process."""

from __future__ import annotations

import hashlib
import json


def digest(value: object) -> str:
    """Hash JSON in its canonical form, as hexadecimal text."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
