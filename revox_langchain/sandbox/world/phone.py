"""The phone of a person: what rings on it, and what they do about it, from the sandbox's page or from code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, Protocol

from revox_langchain.answers import safe_text
from revox_langchain.sandbox.people.stories import YOUR_NUMBER
from revox_langchain.sandbox.world.timeline import Timeline

State = Literal["rings", "listens", "speaks", "over"]
"""It rings; the person hears the assistant, or it is their turn to speak; it is over."""

_LONGEST_WORDS = 2000


class Answerable(Protocol):
    """An attempt under way, as far as a phone needs to know it."""

    def turn_to(self, kind: Literal["talk", "busy", "voicemail"]) -> None:
        """End the ringing in this way."""
        ...

    def put_down(self) -> None:
        """End the conversation, in the middle of a sentence if need be."""
        ...


class PhoneCall:
    """A call on the phone of a person, from its first ring to its end.

    Attributes:
        id: Id of the attempt.
        call_id: Id of the order.
        other: The number at the other end.
        state: Whether it rings, the person listens or may speak, or it is over.
    """

    def __init__(self, timeline: Timeline, attempt: Answerable, attempt_id: str, call_id: str, other: str) -> None:
        self._timeline, self._attempt = timeline, attempt
        self.id, self.call_id, self.other = attempt_id, call_id, other
        self.state: State = "rings"
        self._words: list[str] = []
        self._then: Callable[[str], None] | None = None

    def pick_up(self) -> None:
        """Answer.

        Raises:
            ValueError: It does not ring, or no longer.
        """
        self._stop_ringing("talk")

    def decline(self) -> None:
        """Refuse the call; the caller hears that the line is busy.

        Raises:
            ValueError: It does not ring, or no longer.
        """
        self._stop_ringing("busy")

    def leave_to_voicemail(self) -> None:
        """Let the mailbox answer.

        Raises:
            ValueError: It does not ring, or no longer.
        """
        self._stop_ringing("voicemail")

    def say(self, words: str) -> None:
        """Say something, in any language; while the assistant speaks, it is heard right after that.

        Raises:
            ValueError: The words are empty or too many, or the person is not on this call.
        """
        words = safe_text(words).strip()
        if not 0 < len(words) <= _LONGEST_WORDS:
            raise ValueError(f"say something, in at most {_LONGEST_WORDS:,} characters")
        with self._timeline.lock:
            self._be("listens", "speaks")
            self._words.append(words)
            self._speak()
            self._timeline.settle()

    def hang_up(self) -> None:
        """End the call.

        Raises:
            ValueError: The person is not on this call.
        """
        with self._timeline.lock:
            self._be("listens", "speaks")
            self._attempt.put_down()
            self._timeline.settle()

    def their_turn(self, then: Callable[[str], None]) -> None:
        """Hand what the person says to `then`, once."""
        self._then, self.state = then, "speaks"
        self._speak()

    def listen(self) -> None:
        """From now on the assistant speaks."""
        self._then, self.state = None, "listens"

    def _stop_ringing(self, kind: Literal["talk", "busy", "voicemail"]) -> None:
        with self._timeline.lock:
            self._be("rings")
            self.state = "listens"
            self._attempt.turn_to(kind)
            self._timeline.settle()

    def _speak(self) -> None:
        if self._then is not None and self._words:
            then, words = self._then, " ".join(self._words)
            self._words.clear()
            self.listen()
            then(words)

    def _be(self, *states: State) -> None:
        self._timeline.catch_up()
        if self.state not in states:
            now = {"rings": "rings", "over": "is over"}.get(self.state, "has been picked up")
            raise ValueError(f"that does not go with a call that {now}")


class Phone:
    """The phone that rings when the number `+12025550150` is dialed; several calls may ring at the same time.

        sandbox.phone.says("Oui ?", "Mardi me va.")  # picks up, says this turn by turn, hangs up

    Attributes:
        number: The number to dial.
        calls: The calls that ring or are under way, by id, oldest first.
        person: Called when a call rings and whenever it is the person's turn; None leaves it to the sandbox's page.
    """

    number = YOUR_NUMBER

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.calls: dict[str, PhoneCall] = {}
        self.person: Callable[[PhoneCall], None] | None = None
        self._slowed: set[str] = set()

    def says(self, *words: str) -> None:
        """Pick up whatever rings from now on, say these words, one text a turn, and hang up."""
        left: dict[str, Iterator[str]] = {}

        def person(call: PhoneCall) -> None:
            if call.state == "rings":
                left[call.id] = iter(words)
                call.pick_up()
                return
            spoken = next(left.setdefault(call.id, iter(words)), None)
            if spoken is None:
                call.hang_up()
            else:
                call.say(spoken)

        self.person = person

    def take(self, call: PhoneCall) -> None:
        """A call begins."""
        self.calls[call.id] = call
        if self.person is None:
            # Someone has to see it and to think, so that time must not run faster than theirs.
            self._slowed.add(call.id)
            self._timeline.attended = len(self._slowed)
        self.turn(call)

    def turn(self, call: PhoneCall) -> None:
        """Let the person given in code do something, if there is one."""
        if self.person is not None and call.state in ("rings", "speaks"):
            self.person(call)

    def drop(self, call: PhoneCall) -> None:
        """A call is over."""
        call.listen()
        call.state = "over"
        self.calls.pop(call.id, None)
        self._slowed.discard(call.id)
        self._timeline.attended = len(self._slowed)
