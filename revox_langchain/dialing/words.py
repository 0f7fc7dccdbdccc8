"""What will be said, and in whose voice: one policy for tools, MCP and graphs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from revox_langchain.dialing.policy import DialPolicy, Verdict
from revox_langchain.errors import Refused
from revox_langchain.speech.names import language_name
from revox_langchain.speech.prompts import PromptNote, lint_prompt


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
    """
    if policy.prompt_problems == "off":
        return ()
    notes = lint_prompt(
        prompt, first_sentence, prompt_variables, language=language, require_disclosure=policy.require_disclosure
    )
    later = () if variables_known else ("missing_variable", "unknown_variable")
    return _judged(policy.prompt_problems, [note for note in notes if note.code not in later])


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
    step = f"Choose a voice with language={language!r}, or leave the voice out."
    return _judged(policy.voice_mismatch, [PromptNote("voice_mismatch", message, step)])


def _judged(verdict: Verdict, notes: list[PromptNote]) -> tuple[str, ...]:
    for note in notes:
        if verdict == "refuse":
            raise Refused(note.message, code=note.code, next_step=note.next_step)
    return tuple(f"{note.message} {note.next_step}".strip() for note in notes)
