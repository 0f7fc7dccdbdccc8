"""The one idea of this package: an operation is a class, a request is an instance of it.

    MakeCall(phone_number="+12025550100", assistant_id="…").wire()

says what would be sent. Nothing in this module performs I/O.

Where a field goes is its serialization alias: `"assistant.voice.id"` nests it, `"assistant.*"` merges a mapping,
no alias leaves it flat under its own name. A field with `exclude=True` is for this package and is never sent.
`None` means "left out" everywhere, since models send null for anything optional.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from inspect import cleandoc
from typing import Any, ClassVar, Literal, Self, TypeVar, get_args
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput, near
from revox_langchain.operations.own_words import learn_words_of
from revox_langchain.operations.schema import decoded, lean, left_out_blanks

Verb = Literal["GET", "POST", "PATCH", "DELETE"]
Render = Callable[[JsonObject, "Request | None"], str]
RequestT = TypeVar("RequestT", bound="Request")

_VERBS: tuple[Verb, ...] = get_args(Verb)
_CAMEL_HUMP = re.compile(r"(?<!^)(?=[A-Z])")
_PATH_FIELD = re.compile(r"{(\w+)}")
_MOMENT = re.compile(
    r"(?=.*\d\d?:\d\d|\d{4}-)[A-Za-z ,]{0,12}(?:\d{4}-\d\d?-\d\d?[T ]?)?(?:\d\d?:\d\d(?::\d\d)?)?[A-Za-z ]{0,12}",
    re.ASCII,
)
_SHOWN_BY = {
    "assistant_id": "revox_list_assistants",
    "call_id": "revox_get_call_history",
    "campaign_id": "revox_list_campaigns",
    "phone_number_id": "revox_list_phone_numbers",
    "voice_id": "revox_list_voices",
}
_QUOTED = re.compile("'([^']*)'")
_MOST_NAMED = 4
_MOST_LISTED = 50
_NOTHING: tuple[object, ...] = (None, "", [], {}, "{}", "[]")
_PATH_SAFE = "!$&'()*+,;=:@"


class Risk(IntEnum):
    """What happens in the world if an operation runs by mistake, mildest first."""

    READ = 0
    """Nothing changes."""

    WRITE = 1
    """Something changes that a second call can put back."""

    DIAL = 2
    """A phone rings and money is spent."""

    DELETE = 3
    """Something is gone for good."""

    @classmethod
    def named(cls, given: Risk | str) -> Risk:
        """Return the risk that a word names, as in `max_risk="dial"`.

        Raises:
            InvalidInput: No risk has that name; all are listed.
        """
        word = given.strip().upper() if isinstance(given, str) else given
        if isinstance(word, str):
            if word not in cls.__members__:
                names = ", ".join(risk.name.lower() for risk in cls)
                raise InvalidInput(
                    f"There is no risk {given!r}.", next_step=f"Choose one of {names}.", code="unknown_risk"
                )
            return cls[word]
        return cls(word)


RiskWord = Literal["read", "write", "dial", "delete"]
"""A risk as a word."""


@dataclass(frozen=True, slots=True)
class Spec:
    """All there is to a request class besides its arguments.

    Attributes:
        name: Name of the tool, such as `revox_make_call`.
        verb: HTTP verb; None for a procedure, which is several requests.
        path: Path below the API's base URL, with `{fields}`; None for a procedure.
        risk: What happens in the world if it runs by mistake.
        render: Makes the few lines a model reads out of the answer and the request.
        toolset: Which set of tools it belongs to.
        doc: Description for the model.
        binary: Whether the answer is bytes instead of JSON.
        for_models: Whether a model can use it at all (not the ones that take or give audio).
        answer: The key every answer has; an answer without it is not the documented one.
    """

    name: str
    verb: Verb | None
    path: str | None
    risk: Risk
    render: Render
    toolset: str
    doc: str
    binary: bool = False
    for_models: bool = True
    answer: str | None = None

    @property
    def title(self) -> str:
        """The first line of the description."""
        return self.doc.splitlines()[0]

    @property
    def annotations(self) -> dict[str, str | bool]:
        """Its danger in the words of MCP."""
        reads = self.risk is Risk.READ
        return {
            "title": self.title,
            "readOnlyHint": reads,
            "destructiveHint": self.risk >= Risk.DIAL or self.overwrites,
            "idempotentHint": reads,
            "openWorldHint": self.dials,
        }

    @property
    def overwrites(self) -> bool:
        """Whether what was there before is gone: a cancelled call, the old values of what is updated."""
        return self.verb in ("PATCH", "DELETE") or (self.path or "").endswith("/cancel")

    @property
    def where_ids(self) -> str:
        """Which tool shows the ids that its path takes, as a sentence; empty if there is none."""
        named = [name for name in _PATH_FIELD.findall(self.path or "") if name in _SHOWN_BY]
        return f"Give {named[0]} as {_SHOWN_BY[named[0]]} shows it." if named else ""

    @property
    def dials(self) -> bool:
        """Whether a phone can ring because of it."""
        return self.risk is Risk.DIAL


@dataclass(frozen=True, slots=True)
class View:
    """Which of a request's fields a model sees; `operations.narrowed` makes classes that withhold some.

    Attributes:
        one_of: Fields of which exactly one is given.
        excludes: Fields that mean nothing once a field is given.
        withheld: Fields that a model neither sees nor gives.
        fixed: What the application gives instead.
        with_prompt: What it gives where there is a prompt: an assistant that exists brings its own.
    """

    one_of: tuple[str, ...] = ()
    excludes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    fixed: Mapping[str, object] = field(default_factory=dict)
    with_prompt: Mapping[str, object] = field(default_factory=dict)

    @property
    def demanded(self) -> set[str]:
        """The field of `one_of` that a model has to give, since the others are withheld."""
        left = [name for name in self.one_of if name not in self.withheld]
        return set(left) if len(left) == 1 and not set(self.one_of) & set(self.fixed) else set()


@dataclass(frozen=True, slots=True)
class Wire:
    """A request in the terms every HTTP client shares."""

    verb: Verb
    path: str
    query: JsonObject
    body: JsonObject | None


class Request(BaseModel):
    """Base of everything that can be asked for by name: the fields are the arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    spec: ClassVar[Spec]
    view: ClassVar[View] = View()

    @model_validator(mode="before")
    @classmethod
    def _withheld_is_refused(cls, given: object) -> object:
        withheld = cls.view.withheld
        if not withheld or not isinstance(given, Mapping):
            return given
        came = sorted(name for name in given if name in withheld and given[name] not in _NOTHING)
        if came:
            rest = [name for name in given if name not in withheld and given[name] not in _NOTHING]
            again = f"call {cls.spec.name} again with {', '.join(rest)} only. " if rest else ""
            raise ValueError(f"{again}Leave out {', '.join(came)}: the application decides that")
        shown = {name: value for name, value in given.items() if name not in withheld}
        prompted = shown.get("prompt") or cls.view.fixed.get("prompt")
        return {**shown, **cls.view.fixed, **(cls.view.with_prompt if prompted else {})}

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        return decoded(
            cls, {name: value for name, value in given.items() if value is not None or name not in cls.model_fields}
        )

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> JsonObject:
        """What a model is told of the arguments: lean, and valid for every vendor."""
        return lean(super().model_json_schema(*args, **kwargs), cls.view.withheld, cls.view.demanded)

    @classmethod
    def plain_schema(cls) -> JsonObject:
        """The JSON schema of the arguments as they are, for servers that take maps as maps."""
        return super().model_json_schema()

    @classmethod
    def parse(cls, arguments: Mapping[str, object], *, default_region: str | None = None) -> Self:
        """Build the request from untrusted arguments.

        Args:
            arguments: By field name.
            default_region: Country of phone numbers in national form.

        Raises:
            InvalidInput: Naming each field that is wrong and what it takes.
        """
        try:
            given = left_out_blanks(cls, arguments)
            return cls.model_validate(given, context={"default_region": default_region})
        except ValidationError as error:
            shown = set(cls.model_fields) - cls.view.withheld
            raise invalid(error, cls.spec.name, shown) from error
        except RecursionError:
            raise InvalidInput(
                f"{cls.spec.name}: write flat arguments; one is nested too deeply.", next_step=""
            ) from None


class Operation(Request):
    """One endpoint of Revox's REST API."""

    def wire(self) -> Wire:
        """Say what to send: path fields fill the path, the rest is query or body."""
        verb, path = self.spec.verb, self.spec.path
        assert verb is not None
        assert path is not None
        fields = self.model_dump(mode="json")
        in_path = {name: quote(fields.pop(name), safe=_PATH_SAFE) for name in _PATH_FIELD.findall(path)}
        cleared = fields.pop("clear_fields", None) or []
        nested: JsonObject = {}
        for name, value in fields.items():
            alias = self.wire_name(name)
            # An empty mapping to merge is nothing, and must not leave an empty parent behind.
            if value is not None and not (value == {} and alias.endswith("*")):
                _put(nested, alias, value)
        for name in cleared:
            _put(nested, self.wire_name(name), None)
        if verb in ("GET", "DELETE"):
            return Wire(verb, path.format(**in_path), query=nested, body=None)
        # Operations without arguments besides the path send no body at all, as the SDK does.
        return Wire(verb, path.format(**in_path), query={}, body=nested if self.takes_body() else None)

    @classmethod
    def wire_name(cls, name: str) -> str:
        """Where field `name` goes, dots nesting; a name that is no field stays itself."""
        field = cls.model_fields.get(name)
        return (field.serialization_alias if field else None) or name

    @classmethod
    def takes_body(cls) -> bool:
        """Whether anything but the path is sent."""
        path_fields = set(_PATH_FIELD.findall(cls.spec.path or ""))
        return any(not field.exclude and name not in path_fields for name, field in cls.model_fields.items())

    @classmethod
    def unwire(cls, path: Mapping[str, str], query: Mapping[str, object], body: Mapping[str, object]) -> JsonObject:
        """Turn what arrived over REST back into arguments: the inverse of `wire`, for servers.

        What no field claims stays in the result under its dotted name, so that validation names it.
        """
        rest: JsonObject = _copied({**query, **body})
        arguments: JsonObject = dict(path)
        sent = [name for name, field in cls.model_fields.items() if not (name in arguments or field.exclude)]
        cleared: list[str] = []
        # The wildcards last: they take whatever no other field has claimed.
        for name in sorted(sent, key=lambda name: cls.wire_name(name).endswith("*")):
            alias = cls.wire_name(name)
            if name == "clear_fields":
                continue
            found, value = _take_all(rest, alias) if alias.endswith("*") else _take(rest, alias)
            if alias.endswith("*") and "clear_fields" in cls.model_fields:
                cleared += [key for key, item in value.items() if item is None]
                value = {key: item for key, item in value.items() if item is not None}
                found = bool(value)
            elif found and value is None and "clear_fields" in cls.model_fields:
                cleared.append(name)
                continue
            if found:
                arguments[name] = value
        return {**arguments, **({"clear_fields": cleared} if cleared else {}), **_dotted(rest)}


def operation(
    route: str,
    *,
    risk: Risk,
    render: Render,
    answer: str | None = None,
    name: str | None = None,
    binary: bool = False,
    for_models: bool = True,
) -> Callable[[type[RequestT]], type[RequestT]]:
    """Declare the class below as a Revox operation.

    Its name and docstring become the name and description of the tool; its module names the toolset.

    Args:
        route: Verb and path, such as `"GET /call/{call_id}"`. Names in braces are fields.
        risk: What happens if a model calls this by mistake.
        render: Makes the text a model gets to see out of the decoded answer and the request.
        answer: The key every answer has.
        name: Tool name without the prefix, if the class name does not give it.
        binary: The answer is bytes.
        for_models: False keeps it out of every toolset for models.
    """
    word, path = route.split()
    verb = next((verb for verb in _VERBS if verb == word), None)
    if verb is None:
        raise TypeError(f"{word} is not one of the verbs {', '.join(_VERBS)}")
    return _declare(
        verb=verb,
        path=path,
        risk=risk,
        render=render,
        answer=answer,
        name=name,
        binary=binary,
        for_models=for_models,
    )


def procedure(*, risk: Risk, render: Render) -> Callable[[type[RequestT]], type[RequestT]]:
    """Declare the class below as a tool made of several requests; `revox_langchain.actions` says which."""
    return _declare(verb=None, path=None, risk=risk, render=render, toolset="calls")


def invalid(error: ValidationError, subject: str, known: Collection[str] = ()) -> InvalidInput:
    """Turn a validation error into one sentence per wrong field: its name, what to put there, and why.

    Of many wrong fields, as in a list of contacts, the first few are named and the rest are counted.

    Args:
        error: What does not fit.
        subject: The tool, or whatever takes the fields.
        known: Fields that there are.
    """
    items = error.errors(include_url=False)
    problems = [_problem(item, known) for item in items[:_MOST_NAMED]]
    if len(items) > len(problems):
        problems.append(f"and {len(items) - len(problems)} more like these")
    coded = next((item for item in items if "code" in item.get("ctx", {})), None)
    return InvalidInput(
        f"{subject}: {'; '.join(problems).rstrip('.')}.",
        code=coded["type"] if coded else None,
        next_step="" if coded else "Correct these arguments and try again; nothing was sent.",
        details={
            "fields": [_where(item["loc"]) for item in items[:_MOST_LISTED]],
            **(coded["ctx"].get("details") or {} if coded else {}),
        },
    )


def _problem(item: ErrorDetails, known: Collection[str]) -> str:
    loc, message = item["loc"], item["msg"].removeprefix("Value error, ")
    # A refusal of our own may have the name of one of pydantic's errors, and says more.
    match None if "code" in item.get("ctx", {}) else item["type"]:
        case "missing":
            message = "give it; it is required"
        case "extra_forbidden":
            message = f"leave it out; there is no such argument{near(str(loc[-1])[:80], known).rstrip('.')}"
        case "literal_error":
            message = _choose(item)
        case "dict_type" | "list_type":
            what = "object" if item["type"] == "dict_type" else "list"
            message = f"leave it out, or write it as a JSON {what}"
        case "string_too_short" | "too_short":
            message = "write something there, or leave it out; it is empty"
        case "datetime_parsing" | "datetime_from_date_parsing" | "datetime_type":
            # Only what can be nothing but a moment: a model may have put a secret or a number here.
            written = str(item["input"])
            what = repr(written) if _MOMENT.fullmatch(written) else "the moment"
            message = f"leave it out for now, or write {what} as ISO 8601: date, T, time, offset from UTC"
        case "int_parsing" | "int_type" | "int_from_float" | "float_parsing" | "float_type":
            message = "leave it out, or give a number"
    what = _shortened(message, 300)
    return f"{_where(loc)}: {what}" if loc else what


def _choose(item: ErrorDetails) -> str:
    choices = _QUOTED.findall(str(item.get("ctx", {}).get("expected")))
    resembling = near(str(item["input"])[:80].casefold(), choices).rstrip(".")
    return f"give one of {', '.join(choices)}, or leave it out{resembling}"


def _where(loc: tuple[int | str, ...]) -> str:
    # A model may have written anything as the name of an argument.
    return _shortened(".".join(map(str, loc)), 80)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _declare(
    *,
    verb: Verb | None,
    path: str | None,
    risk: Risk,
    render: Render,
    answer: str | None = None,
    name: str | None = None,
    toolset: str | None = None,
    binary: bool = False,
    for_models: bool = True,
) -> Callable[[type[RequestT]], type[RequestT]]:
    def declare(cls: type[RequestT]) -> type[RequestT]:
        cls.spec = Spec(
            name=f"revox_{name or _CAMEL_HUMP.sub('_', cls.__name__).lower()}",
            verb=verb,
            path=path,
            risk=risk,
            render=render,
            toolset=toolset or cls.__module__.rpartition(".")[2],
            doc=cleandoc(cls.__doc__ or ""),
            binary=binary,
            for_models=for_models,
            answer=answer,
        )
        learn_words_of(cls)
        return cls

    return declare


def _put(target: JsonObject, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
    if last == "*":
        _merge(target, value)
    else:
        target[last] = value


def _merge(target: JsonObject, more: JsonObject) -> None:
    # What a flat argument has put there already wins.
    for key, item in more.items():
        if isinstance(item, dict) and isinstance(target.get(key), dict):
            target[key] = {**item, **target[key]}
        else:
            target.setdefault(key, item)


def _take(source: JsonObject, path: str) -> tuple[bool, Any]:
    head, _, tail = path.partition(".")
    if head not in source:
        return False, None
    if not tail:
        return True, source.pop(head)
    inner = source[head]
    if not isinstance(inner, dict):
        return False, None
    found, value = _take(inner, tail)
    if not inner:
        del source[head]
    return found, value


def _take_all(source: JsonObject, path: str) -> tuple[bool, JsonObject]:
    """Take what a wildcard such as `*` or `assistant.*` claims."""
    if path == "*":
        taken = dict(source)
        source.clear()
    else:
        _, taken = _take(source, path.removesuffix(".*"))
    return (True, taken) if isinstance(taken, dict) and taken else (False, {})


def _copied(value: Any) -> Any:
    return {key: _copied(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _dotted(rest: JsonObject, prefix: str = "") -> JsonObject:
    flat: JsonObject = {}
    for key, value in rest.items():
        if isinstance(value, dict) and value:
            flat |= _dotted(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
