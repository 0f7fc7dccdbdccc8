"""Who calls: the values for an assistant's `{{variables}}`, looked up before an inbound call is answered.

Revox answers no call whose variables it lacks, so that whatever goes wrong here is answered with the default.
"""

from __future__ import annotations

import inspect
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, get_args, get_type_hints

import anyio
from pydantic import BaseModel, SecretStr, ValidationError

from revox_langchain.errors import InvalidInput
from revox_langchain.webhooks.routes import Asked, WebhookRoute, answered, token_for

if TYPE_CHECKING:
    from starlette.responses import Response

logger = logging.getLogger("revox_langchain")

Variables = Mapping[str, object] | BaseModel
Lookup = Callable[[str], Variables | Awaitable[Variables | None] | None]

_PATH = "caller"
_PARAMETER = "phone"
_NUMBER = re.compile(r"\+?([1-9]\d{6,14})")
_THREADS = 40
_MARGIN_S = 5.0


class CallerLookup:
    """Looks callers up by their number.

    Args:
        lookup: Given the number as E.164, returns values for the variables as a pydantic model or a mapping, or None if
            nobody is known under it; sync (in a thread) or async.
        default: The values for callers who are unknown, withhold their number, or cannot be looked up; and for what the
            lookup leaves out. A model says of which type its results are. Left out, it is made from the model that
            `lookup` is annotated to return, if all fields of that have defaults.
        timeout_s: How long a lookup may take: the phone rings on meanwhile.

    Raises:
        InvalidInput: A value of the default is not a text, number, truth value or time.
    """

    def __init__(self, lookup: Lookup, *, default: Variables | None = None, timeout_s: float = 2.0) -> None:
        if not callable(lookup):
            raise InvalidInput(
                "The caller lookup cannot be called.", next_step="Give a function from a phone number to variables."
            )
        if timeout_s <= 0:
            raise InvalidInput("The lookup's timeout_s is not above zero.", next_step="Give seconds, such as 2.")
        given = default if default is not None else _default_of(lookup)
        self._lookup = lookup
        self._model = type(given) if isinstance(given, BaseModel) else None
        self._default = texts_of({} if given is None else given)
        self._timeout_s = timeout_s
        self._threads: anyio.CapacityLimiter | None = None

    @classmethod
    def of(cls, given: CallerLookup | Lookup) -> CallerLookup:
        """A lookup as it is, a function with what its annotation says."""
        return given if isinstance(given, CallerLookup) else cls(given)

    async def variables(self, phone: str) -> tuple[dict[str, str], str]:
        """The values for a caller, and how they were found: `known`, `unknown`, `failed` or `too late`."""
        number = e164_of(phone)
        if number is None:
            return dict(self._default), "unknown"
        try:
            with anyio.fail_after(self._timeout_s) as limit:
                found = await self._found(number)
        except TimeoutError:
            logger.warning("The caller lookup took too long: the call is answered with the default.")
            # A time limit of the lookup's own, of its database for instance, is one of its errors.
            return dict(self._default), "too late" if limit.cancel_called else "failed"
        except Exception:
            logger.exception("The caller lookup failed: the call is answered with the default.")
            return dict(self._default), "failed"
        return ({**self._default, **found}, "known") if found is not None else (dict(self._default), "unknown")

    def route(self, secret: SecretStr) -> WebhookRoute:
        """The way in for `precall_lookup_url`."""
        return WebhookRoute(
            name=_PATH,
            path=f"/{_PATH}/{{token}}",
            token=token_for(_PATH, secret),
            handler=self.answer,
            method="GET",
            timeout_s=self._timeout_s + _MARGIN_S,
        )

    async def answer(self, asked: Asked) -> Response:
        """Answer what Revox asks at `precall_lookup_url`."""
        variables, how = await self.variables(asked.query.get(_PARAMETER, ""))
        asked.noted["caller"] = how
        return answered(200, prompt_variables=variables)

    async def _found(self, number: str) -> dict[str, str] | None:
        if inspect.iscoroutinefunction(self._lookup):
            found = await self._lookup(number)
        else:
            # Threads of its own: lookups that hang must not take those that everything else needs.
            self._threads = self._threads or anyio.CapacityLimiter(_THREADS)
            work = partial(self._lookup, number)
            found = await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._threads)
            if inspect.isawaitable(found):
                found = await found
        if found is None:
            return None
        if self._model is not None and isinstance(found, Mapping):
            found = self._model.model_validate({**self._default, **found})
        return texts_of(found, leave_out_none=True)


def lookup_path(secret: SecretStr) -> str:
    """Where `precall_lookup_url` leads on our server. It holds the token, and Revox's placeholder for the number."""
    return f"/{_PATH}/{token_for(_PATH, secret).get_secret_value()}?{_PARAMETER}={{{{phone}}}}"


def e164_of(phone: str) -> str | None:
    """The number of a caller; None if it is withheld or is none. A plus that was not encoded has become a blank."""
    found = _NUMBER.fullmatch(phone.strip())
    return f"+{found[1]}" if found else None


def texts_of(values: Variables, *, leave_out_none: bool = False) -> dict[str, str]:
    """Values as the texts that Revox takes.

    Args:
        values: Texts, numbers, truth values, times; None is an empty text.
        leave_out_none: Leave None out.

    Raises:
        InvalidInput: Something is nested; names it.
    """
    model = values if isinstance(values, BaseModel) else None
    plain = model.model_dump(mode="json") if model is not None else values
    if not isinstance(plain, Mapping):
        raise InvalidInput(
            f"Variables of a caller are a mapping or a pydantic model, not {type(values).__name__}.",
            next_step="Return one, or None for an unknown caller.",
        )
    return {
        str(name): _text(str(name), value) for name, value in plain.items() if not (leave_out_none and value is None)
    }


def _text(name: str, value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, (Mapping, list, tuple, set, BaseModel)):
        raise InvalidInput(
            f"The variable {name!r} of a caller is nested.", next_step="Give a text, a number or a time for it."
        )
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _default_of(lookup: Lookup) -> BaseModel | None:
    """What a lookup's annotated model says of a caller it knows nothing about; None if it cannot say it."""
    function = lookup if inspect.isroutine(lookup) else type(lookup).__call__
    try:
        returned = get_type_hints(function).get("return")
    except (NameError, TypeError):
        return None
    for candidate in (returned, *get_args(returned)):
        if inspect.isclass(candidate) and issubclass(candidate, BaseModel):
            try:
                return candidate()
            except ValidationError as error:
                missing = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
                raise InvalidInput(
                    f"{candidate.__name__} has no default for {missing}, which unknown callers need.",
                    next_step="Give the fields defaults, or give CallerLookup(lookup, default=...).",
                ) from None
    return None
