"""`recover`: look for a call whose placing ended unknown."""

from __future__ import annotations

from typing import Annotated

import typer

from revox_langchain.actions.requests import RecoverCall, act
from revox_langchain.cli.exits import Exit
from revox_langchain.cli.options import AsJson, Country, Settle, account
from revox_langchain.cli.screen import Screen, hint
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.flow import run
from revox_langchain.operations.render.calls import SANDBOX
from revox_langchain.phone import parse_phone


def recover(
    intent_id: Annotated[str, typer.Argument(help="The intent ID from the error.")],
    number: Annotated[
        str, typer.Argument(help="The number that was called: +12025550100, or national with --country.")
    ],
    country: Country = None,
    settle_s: Settle = 15.0,
    as_json: AsJson = False,
) -> int:
    """Look for a call whose outcome is unknown. Never dials.

    Ends with exit code 0 if the call exists, and 6 if it does not appear.
    """
    screen = Screen(as_json=as_json)
    request = RecoverCall.parse({"intent_id": intent_id, "phone_number": parse_phone(number, country).e164})
    guard = Guard(DialPolicy(settle_s=settle_s))
    words = f"Looking for the call, for up to {settle_s:g} s …"
    with account(sandbox=False) as connection, screen.busy(words):
        found = run(act(request, guard), connection)
    if found.get("sandbox") and not as_json:
        screen.line(SANDBOX, "dim")
    screen.answer(found)
    if not found["found"]:
        hint(
            f"No call with intent {intent_id} to {request.phone_number} appears: most likely it was not placed. "
            "To place it after all, run the call again under a new --intent."
        )
        return Exit.UNKNOWN
    order = found["call"]
    if not as_json:
        screen.line(f"The call exists: {order['id']} is {order.get('status')}.", "bold green")
        screen.line(f"Follow it with: revox-langchain watch {order['id']}")
    return Exit.DONE
