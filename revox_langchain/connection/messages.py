"""What goes out and what comes in: an operation as the SDK sends it, and an answer that is what it should be."""

from __future__ import annotations

import json
from typing import Any

from pydantic import SecretStr

from revox_langchain.answers import JsonObject, is_safe, safe_json
from revox_langchain.connection.privacy import cleaned, without_key
from revox_langchain.errors import AnswerError, InvalidInput
from revox_langchain.operations.operation import Operation, Risk


def request_of(operation: Operation) -> tuple[str, JsonObject]:
    """The SDK's verb method for an operation, and the arguments to call it with.

    Raises:
        InvalidInput: It cannot be written as JSON; nothing was sent.
    """
    try:
        wire = operation.wire()
        json.dumps([wire.path, wire.query, wire.body], ensure_ascii=False, allow_nan=False, default=str).encode()
    except (ValueError, RecursionError) as error:
        # Found out here, nothing was sent; while reading an answer the same errors mean that the outcome is unknown.
        raise InvalidInput(f"{operation.spec.name} cannot be written as JSON: {error}.") from None
    options: JsonObject = {"params": wire.query}
    if operation.spec.risk is not Risk.READ:
        # Following a 307 or 308 would send the POST a second time.
        options["follow_redirects"] = False
    cast_to: type = object
    if operation.spec.binary:
        import httpx

        options["headers"] = {"Accept": "audio/mpeg"}
        cast_to = httpx.Response
    body = {} if wire.body is None else {"body": wire.body}
    return wire.verb.lower(), {"path": wire.path, "cast_to": cast_to, "options": options, **body}


def checked(operation: Operation, answer: Any, key: SecretStr) -> JsonObject | bytes:
    """The answer to an operation, without secrets.

    Raises:
        AnswerError: It is not what the operation is answered with.
    """
    if operation.spec.binary:
        kind = str(answer.headers.get("content-type", ""))
        if answer.content and kind.startswith(("audio/", "application/octet-stream")):
            return bytes(answer.content)
        raise AnswerError(f"Revox answered {operation.spec.name} without audio.")
    if not is_safe(answer):
        answer = safe_json(answer)
    # For a content type other than JSON the SDK returns the text instead of failing.
    if not isinstance(answer, dict):
        # Cleaned first: cut in the middle, the key would not be found.
        what = "nothing" if answer is None or answer == "" else repr(without_key(str(answer), key)[:60])
        raise AnswerError(f"Revox answered {operation.spec.name} with {what} instead of JSON.")
    wanted = operation.spec.answer
    if wanted is not None and answer.get(wanted) is None:
        raise AnswerError(f"Revox answered {operation.spec.name} without {wanted!r}.")
    clean: JsonObject = cleaned(answer, key)
    return clean
