"""What is wrong with a prompt before it is spoken: missing values, no content, or a claim to be human."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from revox_langchain.errors import InvalidInput, near

FIRST_SENTENCE_LIMIT_S = 8.0
LONGEST_PROMPT = 100_000
"""Characters a prompt or first sentence may have; checking as many takes a third of a second."""


@dataclass(frozen=True, slots=True)
class PromptNote:
    """One thing to look at in a prompt.

    Attributes:
        code: `empty_prompt`, `missing_variable`, `unknown_variable`, `no_ai_disclosure`,
            `denies_being_ai` or `first_sentence_too_long`.
        message: One sentence: what is wrong.
        next_step: One sentence: what to do about it.
    """

    code: str
    message: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}"


def lint_prompt(
    prompt: str | None,
    first_sentence: str | None = None,
    prompt_variables: Mapping[str, object] | None = None,
    *,
    language: str | None = None,
    require_disclosure: bool = False,
) -> tuple[PromptNote, ...]:
    """List what is wrong with the text of a call.

    Args:
        prompt: What the agent is told; None if it is stored at Revox and not known here.
        first_sentence: What the agent says first, word for word.
        prompt_variables: Values for the `{{variables}}` of both.
        language: Language it is spoken in (a tag), for the speaking rate.
        require_disclosure: Whether the first sentence must say that an AI speaks; without one it
            is enough that the prompt does.

    Raises:
        InvalidInput: A text is longer than `LONGEST_PROMPT` (code `prompt_too_long`).
    """
    check_length(prompt, "prompt")
    check_length(first_sentence, "first_sentence")
    given = dict(prompt_variables or {})
    text = f"{first_sentence or ''}\n{prompt or ''}"
    notes: list[PromptNote] = []
    if prompt is not None and not any(c.isalnum() for c in _VARIABLE.sub(" ", prompt)):
        notes.append(
            PromptNote("empty_prompt", "The prompt says nothing.", "Write what the agent must find out or do.")
        )
    notes += _missing(text, given)
    if prompt is not None:
        notes += _unknown(text, given)
    notes += _disclosure(first_sentence, prompt, require_disclosure)
    notes += _too_long(first_sentence, given, language)
    return tuple(notes)


def check_length(text: str | None, what: str) -> None:
    """Refuse a text that is too long to be checked.

    Raises:
        InvalidInput: With code `prompt_too_long`.
    """
    if text is not None and len(text) > LONGEST_PROMPT:
        raise InvalidInput(
            f"The {what} has {len(text):,} characters; at most {LONGEST_PROMPT:,} are taken.",
            code="prompt_too_long",
            next_step=f"Shorten {what}; what a conversation may need can go into the assistant's FAQ.",
        )


def speaking_time_s(text: str, language: str | None = None) -> float:
    """Estimate how many seconds a voice takes to say a text."""
    rate = _LETTERS_PER_S.get((language or "").split("-")[0].lower(), _LETTERS_PER_S["en"])
    han = len(_HAN.findall(text))
    digits = sum(c.isdigit() for c in text)
    others = sum(not c.isspace() for c in text) - han - digits + len(text.split())
    return han / _HAN_PER_S + digits / _DIGITS_PER_S + others / rate


# What stands inside is stripped afterwards: blanks that a pattern may match in two places take quadratic time.
_VARIABLE = re.compile(r"\{\{([^{}]{1,200})\}\}")
# Beyond this many, names are only counted: looking for similar ones compares each with each.
_NAMED = 20
_SIMILAR_TO = 100
# Revox reads these into the call's contact, used in the text or not.
_CONTACT = ("company", "email", "first_name", "job_title", "last_name")
# Revox fills these in the prompt that extracts the outcome, not in the one that is spoken.
_AFTER_THE_CALL = ("transcript", "call_direction", "user_phone_number", "agent_phone_number")

# Characters with spaces that voices say in a second, at their usual speed.
_LETTERS_PER_S = {
    "en": 15.0,
    "fr": 16.0,
    "es": 16.0,
    "de": 15.0,
    "it": 16.0,
    "pt": 15.5,
    "ru": 14.5,
    "zh": 15.0,
}
_HAN_PER_S = 4.5
_DIGITS_PER_S = 3.0
_HAN = re.compile("[\u3400-\u9fff]")

_IS_AI = re.compile(
    r"(?<![^\W\d_])(?:AI|IA|KI|ИИ|A\.I\.|I\.A\.)(?![A-Za-zÀ-ÿА-я])"
    r"|(?i:artificial intelligence|intelligence artificielle|inteligencia artificial"
    r"|künstliche[rn]? intelligenz|inteligência artificial|intelligenza artificiale"
    r"|искусственн\w{0,20} интеллект|人工智能|人工智慧"
    r"|(?:virtual|automated|digital) (?:assistant|agent|voice)|voice ?bot|\b(?:ro)?bots?\b"
    r"|(?:assistante?|agente?) (?:vocale? )?(?:virtuel|automatis|numérique)\w{0,20}"
    r"|(?:asistente|assistente|agente) (?:vocal[e]? )?(?:virtual|digital|automat)\w{0,20}"
    r"|(?:virtuell|digital|automatisch)\w{0,20} (?:sprach)?assisten\w{0,20}|sprachassisten\w{0,20}"
    r"|sprachroboter|roboter"
    r"|робот\w{0,20}|(?:виртуальн|автоматическ|голосов)\w{0,20} (?:помощни|ассистент)\w{0,20}"
    r"|机器人|機器人|(?:智能|虚拟|虛擬|语音|語音)(?:语音|語音)?(?:助手|助理))"
)
_SENTENCE_END = re.compile(r"[.!?\n;。！？；]+")
_NEGATION = re.compile(
    r"\b(?:never|not|don't|mustn't|shouldn't|can't|cannot|avoid|without|ne|jamais|sans|évite\w{0,20}|no|nunca|jamás|sin"
    r"|nie|niemals|nicht|kein\w{0,20}|ohne|non|mai|senza|evita\w{0,20}|não|jamais|sem|не|никогда|без)\b|\bn'"
    r"|不要|不能|不得|不可|别|別|切勿|绝不|絕不|禁止",
    re.IGNORECASE,
)
_SAYING = re.compile(
    r"\b(?:say\w{0,20}|tell\w{0,20}|admit\w{0,20}|reveal\w{0,20}|mention\w{0,20}|disclos\w{0,20}"
    r"|confess\w{0,20}|acknowledg\w{0,20}|identify\w{0,20}|let on"
    r"|dis|dire|dites|disant|avou\w{0,20}|révél\w{0,20}|révèl\w{0,20}|mentionn\w{0,20}|admet\w{0,20}|précis\w{0,20}"
    r"|dig\w{0,20}|decir|revel\w{0,20}|admit\w{0,20}|mencion\w{0,20}|confies\w{0,20}"
    r"|sag\w{0,20}|verrat\w{0,20}|erwähn\w{0,20}|zugeb\w{0,20}|zuzugeben|gib|preisgeb\w{0,20}|offenbar\w{0,20}"
    r"|dica|dici|rivel\w{0,20}|ammett\w{0,20}|menzion\w{0,20}|diz\w{0,20}|dizer"
    r"|говори\w{0,20}|сообща\w{0,20}|призна\w{0,20}|упомина\w{0,20}|раскрыва\w{0,20})\b|说|說|透露|承认|承認|提及|提到|告诉|告訴",
    re.IGNORECASE,
)
_CONCEALING = re.compile(
    r"\b(?:hid(?:e|es|ing)|den(?:y|ies|ying)|conceal\w{0,20}|cach(?:e|er|ez)|ni(?:er|ez)|dissimul\w{0,20}"
    r"|ocult\w{0,20}|nieg\w{0,20}|negar"
    r"|escond\w{0,20}|verheimlich\w{0,20}|leugne\w{0,20}|verschweig\w{0,20}|nascond\w{0,20}|negare|nega"
    r"|скрыва\w{0,20}|отрица\w{0,20})\b"
    r"|隐瞒|隱瞞|否认|否認",
    re.IGNORECASE,
)
# "You are not an AI", told to the agent, or "I am not an AI", said by it.
_NOT_AN = re.compile(
    r"\b(?:i am not|i'm not|je ne suis pas|no soy|ich bin kein\w{0,20}|non sono|não sou|я не"
    r"|you are not|you're not|you aren't|tu n'es pas|vous n'êtes pas|no eres|du bist kein\w{0,20}|sie sind kein\w{0,20}"
    r"|non sei|você não é|não és|ты не|вы не)\W{1,5}(?:\w{1,20}\W{1,5}){0,2}$|(?:我|你|您)不是(?:一个|一個)?$",
    re.IGNORECASE,
)
_POSES_AS_HUMAN = re.compile(
    r"\b(?:pretend|claim|insist|say|act as if|act like)(?: that)? (?:to be|being|you are|you're|you were)\b"
    r"[^.!?\n]{0,15}\b(?:human|person)\b|\b(?:pose|pass|passing|posing)(?: yourself)?(?: off)? as (?:a )?(?:real )?"
    r"(?:human|person)\b|\byou are (?:a )?(?:real )?human\b(?! resource|[- ]like)"
    r"|\bpasser pour (?:un |une )?(?:vraie? )?(?:humaine?|personne)"
    r"|\b(?:prétend\w{0,20}|dis|dites|affirme\w{0,20})[^.!?\n]{0,8}\b(?:être|es|êtes)\b[^.!?\n]{0,12}"
    r"\b(?:humaine?|vraie personne)"
    r"|\b(?:fing\w{0,20}|hazte|haz|di|diga)\b[^.!?\n]{0,10}\b(?:ser|eres|pasar por)\b[^.!?\n]{0,12}"
    r"\b(?:human[oa]|persona real)"
    r"|\b(?:gib dich als|tu so,? als|behaupte)[^.!?\n]{0,25}\bmensch"
    r"|\b(?:fing\w{0,20}|fai finta|sostieni|di')[^.!?\n]{0,10}\b(?:essere|sei)\b[^.!?\n]{0,12}\b(?:uman[oa]|persona)"
    r"|\b(?:finj\w{0,20}|fing\w{0,20}|diga)\b[^.!?\n]{0,10}\b(?:ser|é|és)\b[^.!?\n]{0,12}\b(?:human[oa]|pessoa)"
    r"|\bpassar por (?:uma? )?(?:human[oa]|pessoa)"
    r"|(?:притвор\w{0,20}|выдавай\w{0,20}|утверждай\w{0,20})[^.!?\n]{0,25}человек"
    r"|(?:假装|假裝|冒充|自称|自稱)[^。！？\n]{0,12}(?:真人|人类|人類)|你是真人",
    re.IGNORECASE,
)


def variables_of(text: str) -> dict[str, None]:
    """The names of a text's `{{variables}}`, each once, in their order."""
    names = (name.strip() for name in _VARIABLE.findall(text))
    return dict.fromkeys(name for name in names if name)


def _missing(text: str, given: Mapping[str, object]) -> list[PromptNote]:
    used = variables_of(text)
    unused = [name for name in given if name not in used][:_SIMILAR_TO]
    missing = [name for name in used if not str(given.get(name) if given.get(name) is not None else "").strip()]
    notes = []
    for name in missing[:_NAMED]:
        if name in given:
            message = f"The variable {{{{{name}}}}} has no value."
        elif name in _AFTER_THE_CALL:
            message = f"Revox fills {{{{{name}}}}} in the extraction prompt only, not in what is spoken."
        else:
            message = f"The text uses {{{{{name}}}}}, but no value is given for it{near(name, unused)}"
        notes.append(PromptNote("missing_variable", message, f'Give it: prompt_variables={{"{name}": "..."}}.'))
    return notes + _further("missing_variable", len(missing), "variables have no value either", "Give them too.")


def _unknown(text: str, given: Mapping[str, object]) -> list[PromptNote]:
    used = variables_of(text)
    missing = [name for name in used if name not in given][:_SIMILAR_TO]
    unknown = [name for name in given if name not in used and name not in _CONTACT]
    notes = [
        PromptNote(
            "unknown_variable",
            f"A value is given for {name!r}, but the text does not use it{near(name, missing)}",
            f"Write {{{{{name}}}}} where it belongs, or leave it out.",
        )
        for name in unknown[:_NAMED]
    ]
    return notes + _further("unknown_variable", len(unknown), "values are not used either", "Leave them out.")


def _further(code: str, count: int, what: str, step: str) -> list[PromptNote]:
    return [PromptNote(code, f"{count - _NAMED} more {what}.", step)] if count > _NAMED else []


def _disclosure(first_sentence: str | None, prompt: str | None, required: bool) -> list[PromptNote]:
    said, hidden_at_first = _says_ai(first_sentence or "")
    told, hidden_in_prompt = _says_ai(prompt or "")
    hides = hidden_at_first or hidden_in_prompt
    discloses = said if first_sentence else told or prompt is None
    notes = []
    if hides:
        notes.append(
            PromptNote(
                "denies_being_ai",
                "The text tells the agent to hide that it is an AI.",
                "Let it say so when asked; in many places the law requires that.",
            )
        )
    if required and not discloses:
        notes.append(
            PromptNote(
                "no_ai_disclosure",
                "The opening does not say that an AI is speaking.",
                'Say it in the first sentence, such as "I am the AI assistant of ...".',
            )
        )
    return notes


def _says_ai(text: str) -> tuple[bool, bool]:
    """Tell whether a text says that an AI speaks, and whether it has that hidden."""
    text = unicodedata.normalize("NFC", text).replace("’", "'")
    says, hides = False, bool(_POSES_AS_HUMAN.search(text))
    for sentence in _SENTENCE_END.split(text):
        if named := _IS_AI.search(sentence):
            hidden = _hides(sentence[: named.start()])
            says, hides = says or not hidden, hides or hidden
    return says, hides


def _hides(before: str) -> bool:
    """Tell whether the words before "an AI" have the agent not say so."""
    # The pattern ends where the text does.
    if _NOT_AN.search(before[-120:]):
        return True
    if verb := _CONCEALING.search(before):
        return not _negated(before, verb)
    return any(_negated(before, verb) for verb in _SAYING.finditer(before))


def _negated(text: str, verb: re.Match[str]) -> bool:
    """Tell whether a negation stands in the few words before a verb, or right after it, as in German."""
    clause = re.split("[,，:：]", text[max(0, verb.start() - 30) : verb.start()])[-1]
    # Only this much of the rest: a sentence may have thousands of such verbs.
    after = " ".join(re.split("[,，:：]", text[verb.end() : verb.end() + 60])[0].split()[:2])
    return bool(_NEGATION.search(clause) or _NEGATION.search(after))


def _too_long(first_sentence: str | None, given: Mapping[str, object], language: str | None) -> list[PromptNote]:
    if not first_sentence:
        return []
    spoken = _VARIABLE.sub(lambda match: str(given.get(match[1].strip()) or "a person"), first_sentence)
    seconds = speaking_time_s(spoken, language)
    if seconds <= FIRST_SENTENCE_LIMIT_S:
        return []
    return [
        PromptNote(
            "first_sentence_too_long",
            f"The first sentence takes about {seconds:.0f} seconds to say; people hang up or talk into it.",
            f"Say who is calling and ask one thing, in {FIRST_SENTENCE_LIMIT_S:.0f} seconds.",
        )
    ]
