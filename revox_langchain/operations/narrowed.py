"""What a model sees of a request: few fields, since it fills every optional one it is shown.

    narrowed(MakeCall)                                        # without the fields that are for code
    narrowed(MakeCall, fixed={"from_phone_number": number})   # and with one that the application gives

A narrowed class is a subclass: it is validated, sent and rendered as the request is. A field that a model gives all the
same is refused by name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import ValidationError, create_model
from pydantic.fields import FieldInfo

from revox_langchain.answers import canonical
from revox_langchain.errors import InvalidInput, near
from revox_langchain.operations.operation import Request, RequestT, invalid

Fields = Literal["lean", "full"]
"""Which fields a model sees: `lean` leaves out those that are for code."""

_made: dict[tuple[type[Request], frozenset[str], str, str], type[Request]] = {}


def narrowed(
    request: type[RequestT],
    fields: Fields = "lean",
    *,
    fixed: Mapping[str, object] | None = None,
    shown: Collection[str] = (),
    with_prompt: Mapping[str, object] | None = None,
) -> type[RequestT]:
    """Make the class of a request with fewer fields for a model.

    Args:
        request: What can be asked for.
        fields: `lean` withholds the fields marked `FOR_CODE`; `full` shows them.
        fixed: Values that the application gives, by field name; those the request does not have are skipped.
        shown: Fields that `lean` shows all the same.
        with_prompt: Values that the application gives where there is a prompt.

    Returns:
        A subclass, the same for the same arguments; the request itself if nothing is withheld.
    """
    given = {name: value for name, value in (fixed or {}).items() if name in request.model_fields}
    withheld = {name for name, field in request.model_fields.items() if fields == "lean" and _for_code(field)} - set(
        shown
    )
    # Of alternatives a model is shown none once the application has chosen one.
    excluded = {name for key in given for name in request.view.excludes.get(key, ())}
    prompted = {name: value for name, value in (with_prompt or {}).items() if name in request.model_fields}
    withheld |= given.keys() | excluded | prompted.keys()
    if not withheld:
        return request
    key = (request, frozenset(withheld), canonical(given), canonical(prompted))
    if key not in _made:
        view = replace(request.view, withheld=frozenset(withheld), fixed=given, with_prompt=prompted)
        body = {"view": view, "__doc__": request.__doc__, "__module__": request.__module__}
        _made[key] = type(request.__name__, (request,), body)
    made: type[Any] = _made[key]
    return made


def check_fixed(fixed: Mapping[str, object], requests: Iterable[type[Request]], region: str | None = None) -> None:
    """Check values that the application gives for all requests that have a field of that name.

    Args:
        fixed: By field name.
        requests: What is on offer.
        region: Country of phone numbers in national form.

    Raises:
        InvalidInput: No request has such a field, or the value does not fit it.
    """
    known = {name: field for request in requests for name, field in request.model_fields.items()}
    for name, value in fixed.items():
        if name not in known:
            raise InvalidInput(f"fixed: no tool has a field {name!r}{near(name, known)}")
        field: Any = (known[name].annotation, known[name])
        one = create_model("fixed", **{name: field})
        try:
            one.model_validate({name: value}, context={"default_region": region})
        except ValidationError as error:
            raise invalid(error, "fixed") from error


def _for_code(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, Mapping) and bool(extra.get("for_code"))
