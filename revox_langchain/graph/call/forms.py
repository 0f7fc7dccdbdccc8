"""What every question to a person has in common: shapes that have buttons, and which question an answer names."""

from __future__ import annotations

from langchain_core.runnables import RunnableConfig
from langgraph.types import Interrupt

from revox_langchain.answers import JsonObject
from revox_langchain.graph.call.state import Approval, UnknownAnswer

ONE_OF_THREE = 'Answer "look_again", "dial" or "give_up"; a yes or no does not say which.'
APPROVAL_SCHEMA: JsonObject = {
    "anyOf": [{"type": "boolean"}, {"enum": ["approve", "reject", "yes", "no"]}, Approval.model_json_schema()],
}
UNKNOWN_SCHEMA: JsonObject = {
    "anyOf": [{"enum": ["look_again", "dial", "give_up"]}, UnknownAnswer.model_json_schema()],
}


def approval_form(action: str, arguments: JsonObject, description: str, *, may_edit: bool) -> JsonObject:
    """A question in the shapes that have buttons: Agent Inbox's, and that of agents, which agent-chat-ui reads."""
    decisions = ["approve", *(["edit"] if may_edit else []), "reject"]
    return {
        "action_request": {"action": action, "args": arguments},
        "config": {"allow_accept": True, "allow_edit": may_edit, "allow_respond": True, "allow_ignore": True},
        "description": description,
        "action_requests": [{"name": action, "args": arguments, "description": description}],
        "review_configs": [{"action_name": action, "allowed_decisions": decisions}],
    }


def unknown_form(action: str, arguments: JsonObject) -> JsonObject:
    """How a question about an unknown outcome is answered.

    Agent Inbox takes the word as a response; none of the buttons of other forms says which of three.
    """
    return {
        "how_to_answer": ONE_OF_THREE,
        "answers": {name: {"decision": name} for name in ("look_again", "dial", "give_up")},
        "action_request": {"action": action, "args": arguments},
        "config": {"allow_accept": False, "allow_edit": False, "allow_respond": True, "allow_ignore": False},
        "description": ONE_OF_THREE,
    }


def is_named(shown: JsonObject, config: RunnableConfig) -> bool:
    """Whether the run was resumed with `{interrupt id: answer}`, which names this very question.

    LangGraph hands the map on and documents no name for it. Under another name the question would stay open.
    """
    here = config["configurable"]
    by_id = here.get("__pregel_resume_map") or {}
    return Interrupt.from_ns(shown, str(here.get("checkpoint_ns"))).id in by_id
