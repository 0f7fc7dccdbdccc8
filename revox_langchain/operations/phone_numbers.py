"""Operations on the organisation's own phone numbers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from revox_langchain.operations.fields import Id, PhoneNumberId
from revox_langchain.operations.operation import Operation, Risk, operation
from revox_langchain.operations.render import account as render
from revox_langchain.operations.render import text


@operation("GET /phone-numbers", risk=Risk.READ, answer="phone_numbers", render=render.phone_numbers)
class ListPhoneNumbers(Operation):
    """List your own phone numbers, which calls can come from."""


@operation("PATCH /phone-numbers/{phone_number_id}", risk=Risk.WRITE, answer="phone_number", render=render.phone_number)
class UpdatePhoneNumber(Operation):
    """Change a number's label or the assistant that answers it."""

    phone_number_id: PhoneNumberId
    label: str | None = None
    inbound_assistant_id: Id | None = Field(default=None, description="Assistant that answers calls to this number.")
    clear_fields: list[Literal["label", "inbound_assistant_id"]] = Field(
        default=[], description="Fields to empty, by name."
    )


@operation("DELETE /phone-numbers/{phone_number_id}", risk=Risk.DELETE, answer="success", render=text.done)
class DeletePhoneNumber(Operation):
    """Give up one of your phone numbers for good."""

    phone_number_id: PhoneNumberId
