"""`inbound`: which assistant answers which number, and what is missing until it can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

import typer

from revox_langchain.answers import JsonObject
from revox_langchain.cli.exits import Exit
from revox_langchain.cli.options import AsJson, account
from revox_langchain.cli.screen import Screen, hint, plain
from revox_langchain.operations.phone_numbers import ListPhoneNumbers
from revox_langchain.results.order import object_of, objects_of, text_of
from revox_langchain.speech.prompts import variables_of

_LOOKUP = "{{phone}}"
_SPOKEN = (
    *("prompt", "first_sentence", "end_of_call_sentence", "max_duration_end_message", "voicemail_message"),
    *("sms_template", "voicemail_sms_prompt", "after_call_sms_prompt", "prompt_flow", "faq_items"),
)
"""Fields of an assistant whose `{{variables}}` Revox fills with the caller's prompt variables."""
_NAMED = 4


def inbound(
    sandbox: Annotated[bool, typer.Option("--sandbox", help="The sandbox's numbers; needs no key.")] = False,
    as_json: AsJson = False,
) -> int:
    """Show which assistant answers which number, and what is missing."""
    screen = Screen(as_json=as_json)
    with account(sandbox=sandbox) as connection, screen.busy("Reading …"):
        numbers = [line_of(entry) for entry in objects_of(connection.send(ListPhoneNumbers())["phone_numbers"])]
        screen.sandbox = connection.sandbox
    screen.answer({"numbers": [asdict(number) for number in numbers]})
    if screen.as_json:
        return Exit.DONE
    if screen.sandbox:
        hint("These are a sandbox's numbers.")
    for number in numbers:
        _show(number, screen)
    _sum_up(numbers, screen)
    return Exit.DONE


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing without which a call is not answered, or leads nowhere.

    Attributes:
        code: Its stable name.
        said: What is missing.
        fix: What to do about it.
    """

    code: str
    said: str
    fix: str


@dataclass(frozen=True, slots=True)
class Line:
    """A number, and who answers it.

    Attributes:
        answers: Whether a call to it can be answered at all; a verified caller ID only shows on outbound calls.
        assistant: Its id and name; None if none answers.
        webhook: The host that hears of the end of calls.
        lookup: The host that is asked who calls.
        variables: What has to be filled in before the call is answered.
    """

    phone_number: str
    phone_number_id: str
    label: str | None
    answers: bool
    assistant: JsonObject | None = None
    webhook: str | None = None
    lookup: str | None = None
    variables: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = field(default=())


def line_of(entry: Mapping[str, object]) -> Line:
    """Read one own number, with the assistant that answers it."""
    number, number_id = str(entry.get("phone_number") or ""), str(entry.get("id") or "")
    label = text_of(entry.get("label"))
    if entry.get("type") == "verified_caller_id":
        return Line(number, number_id, label, answers=False)
    assistant = object_of(entry.get("inbound_assistant"))
    if not assistant:
        return Line(number, number_id, label, answers=True, missing=(_NO_ASSISTANT,))
    variables = tuple(_variables(assistant))
    return Line(
        number,
        number_id,
        label,
        answers=True,
        assistant={"id": assistant.get("id"), "name": assistant.get("name")},
        webhook=_host(assistant.get("webhook_url")),
        lookup=_host(assistant.get("precall_lookup_url")),
        variables=variables,
        missing=tuple(_missing(assistant, variables)),
    )


_NO_ASSISTANT = Missing(
    "no_assistant",
    "No assistant answers it.",
    "Give revox_update_phone_number its inbound_assistant_id.",
)


def _missing(assistant: JsonObject, variables: tuple[str, ...]) -> Iterator[Missing]:
    lookup = text_of(assistant.get("precall_lookup_url")) or ""
    if not lookup and variables:
        shown = ", ".join(f"{{{{{name}}}}}" for name in variables[:_NAMED])
        more = f" and {len(variables) - _NAMED} more" if len(variables) > _NAMED else ""
        yield Missing(
            "variables_not_filled",
            f"Nothing fills {shown}{more}: calls are not answered.",
            "Set precall_lookup_url (Webhooks(caller=...)), or take them out of the texts.",
        )
    elif not lookup:
        yield Missing("no_lookup", "Callers are not looked up.", "Set precall_lookup_url (Webhooks(caller=...)).")
    elif _LOOKUP not in lookup:
        yield Missing("lookup_without_phone", "The lookup is not told who calls.", f"Put {_LOOKUP} into its URL.")
    if not text_of(assistant.get("webhook_url")):
        yield Missing("no_webhook_url", "No one hears when a call has ended.", "Set webhook_url (Webhooks(...).url).")


def _variables(assistant: JsonObject) -> dict[str, None]:
    """The variables in what an assistant says, writes and is told, but for what its tools ask for in the talk."""
    used = variables_of("\n".join(_texts([assistant.get(name) for name in _SPOKEN])))
    for tool in objects_of(assistant.get("custom_tools")):
        asked_for = {str(parameter.get("name")) for parameter in objects_of(tool.get("input_schema"))}
        sent = [tool.get(name) for name in ("url", "headers", "query_params", "body_template")]
        used |= {name: None for name in variables_of("\n".join(_texts(sent))) if name not in asked_for}
    return used


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inside in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _texts(inside)


def _host(url: object) -> str | None:
    text = text_of(url)
    if not text:
        return None
    try:
        return urlsplit(text).hostname or "an unreadable address"
    except ValueError:
        return "an unreadable address"


def _show(number: Line, screen: Screen) -> None:
    label = f"  {plain(number.label)}" if number.label else ""
    screen.line(f"{plain(number.phone_number)}{label}", "bold")
    if not number.answers:
        screen.line("  A caller ID for outbound calls: nobody can call it.", "dim")
    if number.assistant is not None:
        screen.line(f"  answered by   {plain(number.assistant['name'])}")
        screen.line(f"                {plain(number.assistant['id'])}", "dim")
        screen.line(f"  looked up at  {plain(number.lookup or '-')}")
        screen.line(f"  ended, tells  {plain(number.webhook or '-')}")
        screen.line(f"  variables     {plain(', '.join(number.variables) or '-')}")
    for missing in number.missing:
        screen.line(f"  ! {plain(missing.said)}", "yellow")
        screen.line(f"    {plain(missing.fix)}", "dim")


def _sum_up(numbers: list[Line], screen: Screen) -> None:
    if not numbers:
        hint("You have no numbers. Get one in the Revox dashboard.")
        return
    ready = [number for number in numbers if number.assistant is not None]
    missing = sum(len(number.missing) for number in numbers)
    screen.line()
    screen.line(f"{len(ready)} of {len(numbers)} numbers answered, {missing} things missing.")
