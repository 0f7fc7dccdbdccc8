"""What our descriptions say, so that none of it is spoken on a call: small models send a field's description back."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel
from pydantic_core import PydanticCustomError


def learn_words_of(model: type[BaseModel]) -> None:
    """Remember what a class tells a model about itself and its fields."""
    described = (field.description for field in model.model_fields.values())
    texts = [model.__doc__, *(model.__doc__ or "").splitlines(), *described]
    _OWN.update(words for text in texts if text and (words := _words_of(text)))


def _spoken(text: str) -> str:
    if _words_of(text) in _OWN:
        message = "write what is to be said or done on this call; this is the description of an argument"
        raise PydanticCustomError(
            "description_as_text", "{message}", {"message": message, "code": "description_as_text", "details": {}}
        )
    return text


Spoken = Annotated[str, AfterValidator(_spoken)]
"""A prompt or a sentence for a call: anything but one of our own descriptions."""

_OWN: set[str] = set()


def _words_of(text: str) -> str:
    letters = (sign if sign.isalnum() else " " for sign in unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(letters).split())


__all__ = ["Spoken", "learn_words_of"]
