"""What an attempt has to know of the order and its assistant before it begins."""

from __future__ import annotations

from dataclasses import replace

from revox_langchain.sandbox.people.plan import Brief
from revox_langchain.sandbox.people.variables import filled
from revox_langchain.sandbox.world.assistants import language_of
from revox_langchain.sandbox.world.records import Order
from revox_langchain.sandbox.world.world import World


def brief_of(world: World, order: Order, answers: tuple[tuple[str, str], ...]) -> Brief:
    """The brief of an attempt that begins now.

    Args:
        world: The world.
        order: The order.
        answers: Questions the assistant asks for its structured output, and the spoken answers.
    """
    assistant, variables = order.assistant, order.call["prompt_variables"]

    def said(name: str) -> str | None:
        return filled(assistant[name], variables) if assistant[name] else None

    brief = Brief(
        language=language_of(world, assistant),
        first_sentence=said("first_sentence"),
        person_first=assistant["first_sentence_mode"] == "none",
        delay_s=assistant["first_sentence_delay_ms"] / 1000,
        goodbye=said("end_of_call_sentence"),
        voicemail_message=said("voicemail_message"),
        navigates_menus=assistant["ivr_navigation_enabled"],
        max_s=_longest_s(world, order),
        max_end_message=said("max_duration_end_message"),
        answers=answers,
        tools=tuple(assistant["custom_tools"] or ()),
        number=order.person,
        now_s=world.moment_s,
        inbound=order.inbound,
        prompt=filled(assistant["prompt"], variables) if assistant["llm_model"].get("type") == "custom" else None,
        generated=assistant["first_sentence_mode"] == "generated",
        transfers=bool(assistant["transfer_destinations"]),
        callee_is_model=world.callee is not None,
    )
    return replace(brief, first_sentence=None) if brief.person_first else brief


def _longest_s(world: World, order: Order) -> float:
    given = float(order.assistant["max_call_duration_secs"])
    no_limit = given == 0 and world.switches.zero_duration == "no_limit"
    return world.switches.default_max_duration_s if no_limit else given
