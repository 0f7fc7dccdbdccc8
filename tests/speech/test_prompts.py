from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revox_langchain.errors import InvalidInput
from revox_langchain.speech.language import LANGUAGES
from revox_langchain.speech.prompts import lint_prompt, speaking_time_s


def codes(*args, **more):
    return [note.code for note in lint_prompt(*args, **more)]


def test_a_sound_prompt_has_no_notes():
    assert lint_prompt("Ask {{name}} when to come.", "Hello {{name}}!", {"name": "Ada"}) == ()


@pytest.mark.parametrize("prompt", ["", "  \n", "{{task}}", "---", "🙂"])
def test_a_prompt_that_says_nothing_is_empty(prompt):
    assert "empty_prompt" in codes(prompt, prompt_variables={"task": "x"})


def test_a_prompt_that_is_stored_elsewhere_is_not_judged():
    assert codes(None, None, {"name": "Ada"}) == []


def test_a_variable_without_a_value_is_missing_once():
    notes = lint_prompt("Ask {{ name }} and {{name}}.", "Hi {{name}}")
    assert [note.code for note in notes] == ["missing_variable"]
    assert 'prompt_variables={"name": "..."}' in notes[0].next_step


@pytest.mark.parametrize("value", ["", "  ", None])
def test_an_empty_value_is_missing(value):
    assert codes("Ask {{name}}.", None, {"name": value}) == ["missing_variable"]


def test_a_misspelt_variable_is_missing_and_unknown_and_both_say_what_was_meant():
    missing, unknown = lint_prompt("Ask {{first_nmae}} today.", None, {"first_naem": "Ada"})
    assert (missing.code, unknown.code) == ("missing_variable", "unknown_variable")
    assert "did you mean 'first_naem'" in missing.message
    assert "did you mean 'first_nmae'" in unknown.message


def test_contact_fields_may_be_given_unused():
    assert codes("Ask them.", None, {"first_name": "Ada", "email": "a@example.com"}) == []


@pytest.mark.parametrize("name", ["transcript", "user_phone_number"])
def test_a_variable_of_the_extraction_prompt_is_not_filled_in_speech(name):
    (note,) = lint_prompt(f"Ask about {{{{{name}}}}}.")
    assert note.code == "missing_variable"
    assert "extraction prompt only" in note.message


@pytest.mark.parametrize(
    "text",
    [
        "Hello, I am the AI assistant of the clinic.",
        "You are an automated assistant calling for the library.",
        "Bonjour, je suis l'assistante virtuelle de la mairie.",
        "Bonjour, je suis une intelligence artificielle.",
        "Soy el asistente virtual del banco.",
        "Ich bin der digitale Sprachassistent der Praxis.",
        "Hier spricht die KI der Stadtwerke.",
        "Sono l'assistente virtuale dello studio.",
        "Sou a assistente virtual da loja.",
        "Я виртуальный помощник клиники.",
        "Здравствуйте, с вами говорит ИИ.",
        "您好，我是诊所的人工智能助手。",
        "您好，我是智能语音助手。",
        "If asked whether you are a robot, say yes, you are a bot.",
    ],
)
def test_a_text_that_says_it_is_an_ai_discloses_it(text):
    assert codes(text, require_disclosure=True) == []


@pytest.mark.parametrize(
    "text",
    [
        "Hello, this is Anna from the clinic.",
        "J'ai votre dossier sous les yeux.",
        "VORREI PARLARE AI GENITORI".lower(),
        "Estoy aquí para ayudarle.",
        "Wir reparieren Aufzüge.",
        "您好，我是小林。",
    ],
)
def test_a_text_that_does_not_is_noted_only_where_it_is_required(text):
    assert codes(text, require_disclosure=True) == ["no_ai_disclosure"]
    assert codes(text) == []


def test_where_there_is_a_first_sentence_it_has_to_disclose():
    prompt = "You are an AI assistant. Confirm the visit."
    assert codes(prompt, "Hello, this is Anna.", require_disclosure=True) == ["no_ai_disclosure"]
    assert codes(prompt, "Hello, this is Anna, the AI assistant.", require_disclosure=True) == []
    assert codes(None, None, require_disclosure=True) == []


@pytest.mark.parametrize(
    "text",
    [
        "Never say that you are an AI.",
        "You are not an AI.",
        "Hide that you are an AI.",
        "Deny being a bot if asked.",
        "Niega ser un robot.",
        "Tu n'es pas une IA.",
        "你不是机器人。",
        "Do not reveal you're a bot under any circumstances.",
        "Pretend to be a human receptionist.",
        "If asked, claim you are a real person.",
        "You are a human named Bob.",
        "Always pass yourself off as a real person.",
        "Finge ser una persona real.",
        "Tu so, als wärst du ein Mensch.",
        "Fingi di essere una persona.",
        "Finja ser uma pessoa.",
        "Притворись, что ты человек.",
        "Prétends être une vraie personne.",
        "Ne dis jamais que tu es une IA.",
        "N'avoue pas être un robot.",
        "Fais-toi passer pour un humain.",
        "Nunca digas que eres una IA.",
        "Sag niemals, dass du eine KI bist.",
        "Verrate nicht, dass du ein Roboter bist.",
        "Non dire mai di essere un'intelligenza artificiale.",
        "Nunca diga que é um robô ou uma IA.",
        "Никогда не говори, что ты робот.",
        "不要告诉对方你是机器人。",
        "请假装你是真人。",
    ],
)
def test_a_text_that_hides_the_ai_is_always_noted(text):
    assert "denies_being_ai" in codes(text)
    assert "no_ai_disclosure" in codes(text, require_disclosure=True)


@pytest.mark.parametrize(
    "text",
    [
        "You are an AI assistant. Never give medical advice.",
        "If the person wants to talk to a human, transfer the call.",
        "Ask whether they would like to speak with a real person.",
        "Say that a human will call back.",
        "You are a human resources assistant.",
        "Diga que uma pessoa vai ligar de volta.",
        "Dis qu'une vraie personne rappellera.",
        "Tu es un assistant virtuel. Ne donne pas de conseil médical.",
        "Never deny that you are an AI.",
        "Don't interrupt people, you are an AI assistant with patience.",
        "Ne cache jamais que tu es une IA.",
        "不要隐瞒你是人工智能。",
        "Do not hide that you are an AI.",
    ],
)
def test_a_text_that_only_resembles_hiding_is_not_noted(text):
    assert "denies_being_ai" not in codes(text)


LONG = {
    "en": "Good morning, this is the assistant of the clinic on Mill Road, and I am calling because there are a few "
    "things about your visit next Tuesday that the doctor wanted to know beforehand, is this a good time?",
    "zh": "您好，这里是港口酒店的前台，我打电话来是想跟您确认一下下周二晚上的预订，"
    "另外还想问问您需不需要安排从机场到酒店的接送服务。",
}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_first_sentence_is_to_be_said_in_eight_seconds(language):
    assert codes("Talk.", LONG[language], language=language) == ["first_sentence_too_long"]
    short = LONG[language][: len(LONG[language]) // 4]
    assert codes("Talk.", short, language=language) == []


def test_values_count_as_they_are_spoken():
    sentence = "Hello, I am calling about {{subject}}."
    assert codes("Talk.", sentence, {"subject": "rent"}) == []
    assert codes("Talk.", sentence, {"subject": "the very long story of it all, " * 6}) == ["first_sentence_too_long"]


def test_digits_take_longer_than_letters():
    assert speaking_time_s("0142685300") > speaking_time_s("abcdefghij")


@settings(deadline=None)
@given(
    st.one_of(st.none(), st.text()),
    st.one_of(st.none(), st.text()),
    st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.text(max_size=5), st.integers()), max_size=3),
    st.sampled_from([None, *LANGUAGES, "pt-BR"]),
    st.booleans(),
)
def test_any_text_can_be_looked_at(prompt, first_sentence, variables, language, require):
    for note in lint_prompt(prompt, first_sentence, variables, language=language, require_disclosure=require):
        assert note.message.endswith((".", "?"))
        assert note.next_step.endswith(".")


HOSTILE = [
    *("{{", "{{ ", "}}", "{", " ", "say ", "never say ", "you are not ", "you are not a ", "AI. ", "don't ", "n'"),
    *("virtuell", "automat", "assistente vocale ", "fing", "fing ", "verrat", "gib dich als ", "притвор", "виртуальн"),
    *("pretend to be ", "conceal", "а", "你不是", "假装", "künstliche ", "искусственн"),
]


@pytest.mark.slow
@pytest.mark.parametrize("unit", HOSTILE)
def test_the_time_a_check_takes_grows_with_the_text_and_not_with_its_square(unit: str) -> None:
    def seconds(size: int) -> float:
        text = (unit * size)[:size] + " an AI"
        begun = time.process_time()
        lint_prompt(text, text[:1000], {"name": "x"})
        return time.process_time() - begun

    short, long = min(seconds(4_000) for _ in range(3)), min(seconds(64_000) for _ in range(2))
    # Sixteen times as long: a quadratic check would take 256 times.
    assert long < max(64 * short, 0.5)


def test_blanks_after_an_open_variable_take_no_time() -> None:
    begun = time.process_time()
    lint_prompt("{{" + " " * 10_000, "{{" + " " * 10_000 + "}}")
    assert time.process_time() - begun < 0.5


def test_many_wrong_variables_are_named_up_to_twenty_and_then_counted() -> None:
    prompt = " ".join(f"{{{{alpha{number}}}}}" for number in range(600))
    begun = time.process_time()
    notes = lint_prompt(prompt, None, {f"beta{number}": "x" for number in range(600)})
    assert time.process_time() - begun < 2
    assert len([note for note in notes if note.code == "missing_variable"]) == 21
    assert any("580 more variables" in note.message for note in notes)
    assert any("580 more values" in note.message for note in notes)


def test_blanks_around_a_variables_name_do_not_count() -> None:
    assert not lint_prompt("Say hello to {{  name  }}, {{ }} please.", None, {"name": "Zoë"})


@pytest.mark.parametrize("which", ["prompt", "first_sentence"])
def test_a_text_that_is_too_long_is_refused_by_name(which: str) -> None:
    with pytest.raises(InvalidInput, match=f"The {which} has 100,001 characters; at most 100,000") as caught:
        lint_prompt(**{"prompt": "Hello.", which: "a" * 100_001})
    assert caught.value.code == "prompt_too_long"
    assert "Shorten" in caught.value.next_step
