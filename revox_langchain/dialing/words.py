"""What will be said, and whether a voice speaks its language: one policy for tools, MCP and graphs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.policy import DialPolicy, Verdict
from revox_langchain.errors import Refused
from revox_langchain.flow import Flow, Work
from revox_langchain.speech.names import language_name
from revox_langchain.speech.prompts import PromptNote, check_length, lint_prompt

_QUICK = 4_000
"""Characters that are checked in a hundredth of a second."""


def check_words(
    policy: DialPolicy,
    prompt: str | None,
    first_sentence: str | None,
    prompt_variables: Mapping[str, str] | None,
    *,
    language: str | None = None,
    variables_known: bool = True,
) -> tuple[str, ...]:
    """Look for what is wrong with the words of a call.

    Args:
        policy: What to do about it.
        prompt: What the assistant is told; None if that is not known here.
        first_sentence: What it says first.
        prompt_variables: Values for the `{{variables}}` of both.
        language: Language it speaks, as a tag, for the speaking rate.
        variables_known: False when values are given later, at the call.

    Returns:
        Warnings, a sentence or two each.

    Raises:
        Refused: The first problem, where the policy refuses.
        InvalidInput: A text is too long to be checked (code `prompt_too_long`).
    """
    check_length(prompt, "prompt")
    check_length(first_sentence, "first_sentence")
    if policy.prompt_problems == "off":
        return ()
    notes = lint_prompt(
        prompt, first_sentence, prompt_variables, language=language, require_disclosure=policy.require_disclosure
    )
    # A stored assistant gets its values with each call, so that nothing is missing yet.
    later = () if variables_known else ("missing_variable", "unknown_variable")
    return judged(policy.prompt_problems, [note for note in notes if note.code not in later])


def check_configured_words(
    policy: DialPolicy, configuration: JsonObject, prompt_variables: Mapping[str, str] | None
) -> tuple[str, ...]:
    """Look for what is wrong in any text that an assistant's configuration makes it say.

    Args:
        policy: What to do about it.
        configuration: The assistant's fields, by Revox's names.
        prompt_variables: Values for the `{{variables}}`; None while they are not known.

    Returns:
        Warnings, a sentence or two each.

    Raises:
        Refused: The first problem, where the policy refuses.
    """
    prompt, first = _text(configuration.get("prompt")), _text(configuration.get("first_sentence"))
    notes = check_words(policy, prompt, first, prompt_variables, variables_known=prompt_variables is not None)
    # The disclosure belongs at the start of a call; what is said later must only not deny it.
    relaxed = policy.model_copy(update={"require_disclosure": False})
    for text in _further_texts(configuration):
        later = check_words(relaxed, text, None, {}, variables_known=False)
        notes += tuple(note for note in later if note not in notes)
    return notes


def checked(function: Callable[[], tuple[str, ...]], *texts: object) -> Flow[tuple[str, ...]]:
    """Run a check of texts, off the event loop if they are so long that it would block it."""
    if sum(len(str(text)) for text in texts if text is not None) <= _QUICK:
        return function()
    notes: tuple[str, ...] = yield Work(function)
    return notes


def check_voice(
    policy: DialPolicy, voice_id: str, spoken: Collection[str], language: str, subject: str = "The prompt"
) -> tuple[str, ...]:
    """Compare the languages a voice speaks with the one it is to speak.

    Args:
        policy: What to do about a difference.
        voice_id: The voice.
        spoken: Languages it speaks; empty if unknown.
        language: Language of the text, without a region.
        subject: What is in that language, for the sentence.

    Returns:
        A warning, or nothing.

    Raises:
        Refused: With code `voice_mismatch`, where the policy refuses.
    """
    if policy.voice_mismatch == "off" or not spoken or language in spoken:
        return ()
    message = f"{subject} is {language_name(language)}, but voice {voice_id} speaks {language_name(min(spoken))}."
    step = f"Leave voice_id and voice_provider out, or choose a voice with revox_list_voices, language={language!r}."
    return judged(policy.voice_mismatch, [PromptNote("voice_mismatch", message, step)])


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _further_texts(configuration: JsonObject) -> Iterator[str]:
    """What an assistant may say besides its first sentence, or is told besides its prompt."""
    for name in ("end_of_call_sentence", "max_duration_end_message", "voicemail_message"):
        if text := _text(configuration.get(name)):
            yield text
    flow = configuration.get("prompt_flow")
    nodes = flow.get("nodes") if isinstance(flow, Mapping) else None
    for node in nodes if isinstance(nodes, list) else []:
        data = node.get("data") if isinstance(node, Mapping) else None
        if text := _text(data.get("body")) if isinstance(data, Mapping) else None:
            yield text
    faq = configuration.get("faq_items")
    for item in faq if isinstance(faq, list) else []:
        if text := _text(item.get("answer")) if isinstance(item, Mapping) else None:
            yield text


def judged(verdict: Verdict, notes: list[PromptNote]) -> tuple[str, ...]:
    """Turn problems into warnings, or refuse the first of them.

    Raises:
        Refused: With the code of the problem, where the verdict is to refuse.
    """
    for note in notes:
        if verdict == "refuse":
            raise Refused(note.message, code=note.code, next_step=note.next_step)
    return tuple(f"{note.message} {note.next_step}".strip() for note in notes)
