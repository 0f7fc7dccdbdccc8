"""Revox's answers as decoded JSON."""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]
"""A JSON object whose shape Revox may change: read it leniently, field by field."""
