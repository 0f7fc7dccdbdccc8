"""What a model reads when the same wrong call fails again: fewer and harder words, until it stops."""

from __future__ import annotations

from collections.abc import Mapping

from revox_langchain.errors import step_first

_WRONG = ("invalid", "not_found", "refused", "auth")


def said_again(words: str, error: Mapping[str, object], name: str, before: int) -> str:
    """Say a failure of a call that has failed before.

    Args:
        words: What to say the first time.
        error: The error as plain JSON.
        name: The tool.
        before: How often the same call has failed already.

    Returns:
        The words as they are where the same call may yet succeed, or must not be made again for another reason.
    """
    if not before or error.get("kind") not in _WRONG or error.get("retry_safe"):
        return words
    code = error.get("code")
    if before > 1:
        return f"Error ({code}): Stop. Do not call {name} again with these arguments; ask the user what to do."
    said = step_first(str(error.get("message") or ""), str(error.get("next_step") or ""))
    step = said.partition(". ")[0].rstrip(".")
    shorter = f"Error ({code}): The same call fails again. {step}."
    return min(words, shorter, key=len)
