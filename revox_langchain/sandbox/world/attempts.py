"""One attempt: it rings, a conversation may take place, and the analysis of it follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.people.conversation import Course
from revox_langchain.sandbox.people.extraction import contact_of, outcome_of, questions, structured_output, summary_of
from revox_langchain.sandbox.people.lines.phrasebook import phrasebook
from revox_langchain.sandbox.people.person import PATIENT_FOR_S, summary_of_person, understood
from revox_langchain.sandbox.people.plan import Heard, ModelTurn, PersonTurn, Plan, ToolUse
from revox_langchain.sandbox.people.speech_events import speech_event
from revox_langchain.sandbox.people.stories import Act
from revox_langchain.sandbox.people.timing import duration_s
from revox_langchain.sandbox.people.variables import filled
from revox_langchain.sandbox.world.account import member
from revox_langchain.sandbox.world.assistants import language_of
from revox_langchain.sandbox.world.briefing import brief_of
from revox_langchain.sandbox.world.model_turns import ModelCall, callee_says
from revox_langchain.sandbox.world.phone import PhoneCall
from revox_langchain.sandbox.world.records import Order
from revox_langchain.sandbox.world.timeline import Event
from revox_langchain.sandbox.world.tool_calls import ToolCall
from revox_langchain.sandbox.world.world import World

SETTING_UP_S = 0.5
"""From the start of an attempt until it rings."""

_LATE_S = 60.0
"""How late `late` results come."""


class Attempt:
    """An attempt under way.

    Args:
        world: The world it belongs to.
        order: The order it belongs to.
        act: How the callee behaves.
        then: Called with the plan when it is over, unless it was ended from outside.
    """

    def __init__(self, world: World, order: Order, act: Act, then: Callable[[Plan], None]) -> None:
        self._world = world
        self._order = order
        self._then = then
        self._events: list[Event] = []
        self._language = language_of(world, order.assistant)
        self._phrases = phrasebook(self._language)
        self.data = self._fresh()
        self._chance = world.chance(self.data["id"])
        self._phone_call: PhoneCall | None = None
        self._plan = Plan(0.0)
        self._picked_up_s = 0.0
        self._told = 0
        self._over = False
        self._play(act)

    def start(self) -> None:
        """Dial."""
        call = self._order.call
        call["call_attempts"].insert(0, self.data)
        call["last_call_attempt"] = self.data
        call["calls_count"] = len(call["call_attempts"])
        self._plan_for(SETTING_UP_S, self._ring)
        self._answer_in(SETTING_UP_S + self._plan.ring_s)

    def turn_to(self, kind: Literal["talk", "busy", "voicemail"]) -> None:
        """End the ringing in this way, as the person whose phone it is wants it."""
        self._call_off()
        self._play(replace(self._act, kind=kind))
        self._answer_in(0.0)

    def put_down(self) -> None:
        """End the conversation for the callee, in the middle of a sentence if need be."""
        self._call_off()
        talked_s = self._world.moment_s - self._picked_up_s
        said = self._plan.said[: self._told]
        cut_short = [each for each in self._plan.said[self._told :] if each.start_s < talked_s][:1]
        said += tuple(replace(each, stop_s=min(each.stop_s, talked_s), cut=True) for each in cut_short)
        self._plan = Plan(self._plan.ring_s, said, talked_s, result="human", ended_by="user")
        for number in range(self._told, len(said)):
            self._say(number)
        self._end()

    def hang_up(self) -> None:
        """End it from outside, at any point."""
        self._over = True
        self._call_off()
        self._leave_phone()
        answered = self.data["answered_at"] is not None
        self.data |= {
            "status": "completed",
            "result": self._plan.result if answered else None,
            "ended_at": self._world.stamp(),
            "ended_by": "system",
            "end_reason": "client_initiated",
            "recording_url": self._recording() if answered else None,
        }
        self._touch()

    def _play(self, act: Act) -> None:
        """Let the callee behave like this from the beginning."""
        world, order = self._world, self._order
        self._act = act
        self._values = structured_output(
            order.assistant["structured_output_config"],
            act,
            self._phrases,
            order.person,
            world.moment_s,
            fits=order.story.results != "unfit",
        )
        self._course = Course(act, brief_of(world, order, self._asked_for()), self._chance)
        self._plan = self._course.begin()

    def _answer_in(self, seconds: float) -> None:
        self._picked_up_s = self._world.moment_s + seconds
        if self._plan.talk_s is None:
            self._plan_at(0.0, self._end)
            return
        self._plan_at(0.0, self._pick_up)
        self._follow(self._plan)

    def _call_off(self) -> None:
        for event in self._events:
            event.off = True

    def _leave_phone(self) -> None:
        if self._phone_call is not None:
            self._world.phone.drop(self._phone_call)

    def _asked_for(self) -> tuple[tuple[str, str], ...]:
        return questions(self._order.assistant["structured_output_config"], self._values, self._phrases)

    def _plan_for(self, seconds: float, act: Callable[[], None]) -> None:
        self._events.append(self._world.later(seconds, act))

    def _plan_at(self, talked_s: float, act: Callable[[], None]) -> None:
        self._events.append(self._world.at(self._picked_up_s + talked_s, act))

    def _follow(self, plan: Plan) -> None:
        """Say what the plan has beyond what was said, to its end or to what it asks."""
        self._plan = plan
        for number, said in enumerate(plan.said[self._told :], self._told):
            self._plan_at(said.stop_s, partial(self._say, number))
        self._plan_at(plan.talk_s or 0.0, self._end if plan.asks is None else self._ask)

    def _ask(self) -> None:
        asks = self._plan.asks
        if isinstance(asks, ToolUse):
            ToolCall(self._world, self._order, asks, self._hear).start()
        elif isinstance(asks, ModelTurn):
            ModelCall(self._world, self._order, asks, self._hear).start()
        elif isinstance(asks, PersonTurn):
            self._let_person_speak()
        elif asks is not None:
            callee_says(self._world, self._order, asks, self._hear)

    def _hear(self, heard: Heard) -> None:
        if self._over:
            return
        # What was to be said until the answer came may be cut short by it.
        self._call_off()
        self._follow(self._course.go_on(heard))

    def _let_person_speak(self) -> None:
        call, began_s = self._phone_call, self._world.moment_s
        if call is None:
            return
        self._plan_for(PATIENT_FOR_S, lambda: self._hear(Heard("", True, PATIENT_FOR_S)))

        def hear(words: str) -> None:
            took_s = max(self._world.moment_s - began_s, duration_s(words, self._language, 1.0))
            self._hear(Heard(words, False, took_s))

        call.their_turn(hear)
        self._world.phone.turn(call)

    def _ring(self) -> None:
        self._order.rang = not self._order.inbound
        self.data |= {"status": "ringing", "started_at": self._world.stamp()}
        self._touch()
        if self._act.scene == "yours":
            call, shown = self._order.call, "to_phone_number" if self._order.inbound else "from_phone_number"
            self._phone_call = PhoneCall(self._world, self, self.data["id"], call["id"], call[shown])
            # Who calls has the phone at their ear already.
            if self._act.kind == "talk":
                self._phone_call.listen()
            self._world.phone.take(self._phone_call)

    def _pick_up(self) -> None:
        self.data |= {
            "status": "ongoing",
            "answered_at": self._world.stamp(),
            "handled_by_ai": True,
            "handled_by_human": self._order.by_human,
            "handled_by_user": member(self._world) if self._order.by_human else None,
        }
        self._touch()

    def _say(self, number: int) -> None:
        self._told = number + 1
        said = self._plan.said[number]
        self.data["transcript"].append(said.as_turn())
        if said.role == "human_agent":
            self.data |= {"handled_by_human": True, "handled_by_user": member(self._world)}
        if said.role in ("user", "assistant"):
            event_id, before = f"{self.data['id']}-{number}", self._plan.said[:number]
            prompt = filled(self._order.assistant["prompt"], self._order.call["prompt_variables"])
            model = _model_name(self._order.assistant["llm_model"])
            self.data["speech_events"].append(speech_event(event_id, said, before, prompt, model, self._chance))
        self._touch()

    def _end(self) -> None:
        self._over = True
        self._leave_phone()
        plan, story = self._plan, self._order.story
        self.data |= {
            "status": "error" if plan.dial_error else "completed",
            "dial_error": plan.dial_error,
            "result": plan.result,
            "ended_at": self._world.stamp(),
            "ended_by": plan.ended_by,
            "end_reason": plan.end_reason,
        }
        self._touch()
        if plan.talk_s is not None:
            late_s = _LATE_S if story.results == "late" else 0.0
            self._world.later(1.0, self._record)
            self._world.later(2.0, self._transcribe)
            if story.results != "absent":
                self._world.later(3.0 + late_s, self._analyse)
            self._text_afterwards(plan)
        self._then(plan)

    def _record(self) -> None:
        self.data["recording_url"] = self._recording()
        self._touch()

    def _transcribe(self) -> None:
        self.data["post_call_transcript"] = [said.as_turn() for said in self._plan.said]
        self._touch()

    def _analyse(self) -> None:
        call = self._order.call
        outcome = self._outcome()
        if self._act.scene == "do_not_call" and self._act.kind == "talk":
            self._world.do_not_contact.add(self._order.person)
        if self._plan.result == "human":
            call["contact"] = contact_of(call["prompt_variables"], None if self._with_person else self._phrases)
        summary = summary_of(self._act, self._phrases)
        if self._with_person:
            config = self._order.assistant["structured_output_config"]
            self._values = understood(config, self._plan.said, self._phrases) if config else None
            summary = summary_of_person(self._plan.said)
        self.data["structured_output"] = self._values
        call |= {"outcome": outcome, "outcome_summary": summary}
        self._mail(outcome)
        self._touch()

    @property
    def _with_person(self) -> bool:
        return self._act.scene == "yours" and self._act.kind == "talk"

    def _outcome(self) -> str | None:
        if self._with_person and summary_of_person(self._plan.said) is None:
            return None
        return outcome_of(self._act)

    def _recording(self) -> str:
        return f"https://recordings.revox.invalid/{self.data['id']}.mp3"

    def _touch(self) -> None:
        self._order.call["updated_at"] = self._world.stamp()

    def _text_afterwards(self, plan: Plan) -> None:
        assistant = self._order.assistant
        if plan.result == "voicemail" and assistant["voicemail_sms_prompt"]:
            self._send_text("voicemail", assistant["voicemail_sms_prompt"])
        wanted = assistant["after_call_sms_outcomes"] or ()
        if assistant["after_call_sms_prompt"] and (self._outcome() or "none") in wanted:
            self._send_text("after_call", assistant["after_call_sms_prompt"])

    def _send_text(self, kind: str, text: str) -> None:
        variables = self._order.call["prompt_variables"]
        self.data["sms_log"].append(
            {
                "id": self._world.new_id("sms"),
                "created_at": self._world.stamp(),
                "to_phone_number": self._order.person,
                "message_body": filled(text, variables),
                "provider": "twilio",
                "provider_message_id": None,
                "type": kind,
            }
        )

    def _mail(self, outcome: str | None) -> None:
        assistant = self._order.assistant
        address = assistant["email_notification_address"]
        wanted = assistant["email_notification_outcomes"]
        if address and (wanted is None or (outcome or "none") in wanted):
            self.data["email_log"].append(
                {
                    "id": self._world.new_id("email"),
                    "created_at": self._world.stamp(),
                    "from_address": "notifications@revox.invalid",
                    "to_emails": [each.strip() for each in address.split(",")],
                    "subject": f"{assistant['name']}: {outcome or 'call ended'}",
                    "resend_message_id": None,
                }
            )

    def _fresh(self) -> JsonObject:
        return {
            "id": self._world.new_id("attempt"),
            "phone_number": self._order.person,
            "status": "queued",
            "started_at": None,
            "answered_at": None,
            "ended_at": None,
            "dial_error": None,
            "result": None,
            "ended_by": None,
            "end_reason": None,
            "handled_by_ai": False,
            "handled_by_human": False,
            "handled_by_user": None,
            "recording_url": None,
            "assistants_used": [self._order.assistant["id"]],
            "transcript": [],
            "post_call_transcript": None,
            "speech_events": [],
            "structured_output": None,
            "sms_log": [],
            "email_log": [],
        }


def _model_name(model: JsonObject) -> str:
    # Each family of models has its own key for the name.
    keys = ("name", "openrouter_model_id", "model_name", "realtime_model_id")
    return str(next((model[key] for key in keys if model.get(key)), None))
