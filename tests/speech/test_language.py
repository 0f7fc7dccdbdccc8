from __future__ import annotations

import hashlib
import json
import logging
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import revox_langchain.speech.language as language_module
from benchmarks import language_accuracy as benchmark
from revox_langchain.errors import AmbiguousLanguage, InvalidInput, UnknownLanguage, UnsupportedLanguage
from revox_langchain.speech.language import (
    LANGUAGE_NAMES,
    LANGUAGES,
    clean,
    detect,
    language_name,
    main_language,
    mentioned,
    parse_language,
    resolve_language,
    warm_up,
)
from revox_langchain.speech.names import fold, names_data, tag_of
from tests.speech import language_lines as lines

ROOT = Path(__file__).parents[2]
FRENCH = "Bonjour, je vous appelle au sujet de votre rendez-vous de demain matin."
ENGLISH = "Good morning, I am calling about your appointment tomorrow."
SPANISH = "Buenos días, le llamo por su cita de mañana por la mañana."


@pytest.fixture(scope="module")
def gates():
    return benchmark.gates()


def test_prompts_are_found_in_their_language(gates):
    assert gates["prompts"] > 300
    assert gates["right"] >= 0.96
    assert gates["wrong"] <= 0.01


def test_terse_and_mixed_texts_are_asked_about_rather_than_mistaken(gates):
    assert gates["terse_right"] >= 0.75
    assert gates["terse_wrong"] <= 0.05


def test_a_language_no_voice_speaks_is_not_read_by_another(gates):
    assert gates["foreign"] == 63
    assert gates["foreign_labelled"] <= 2


def test_what_is_no_language_is_never_labelled(gates):
    assert gates["no_language_labelled"] == 0
    assert gates["romanised_labelled"] == 0


def test_a_prompt_that_wants_another_language_is_not_voiced_in_its_own(gates):
    assert gates["demands"] == 36
    assert gates["demands_misvoiced"] <= 1


def test_ordinary_prompts_are_not_called_ambiguous(gates):
    assert gates["ordinary_flagged"] <= 0.01


def test_tiny_greetings_are_settled_by_the_phone_number_or_asked_about():
    counted = benchmark.greetings()
    assert counted["wrong"] == 0
    assert counted["text"] + counted["phone"] >= 24


def test_a_prompt_of_the_longest_kind_takes_no_longer():
    text = "You call customers and ask how they liked it. " * 2000
    warm_up()
    short, long = (min(seconds_of(text[:size]) for _ in range(5)) for size in (2_000, len(text)))
    assert long < 20 * short, (short, long)
    assert detect(text).language == "en"


def seconds_of(text):
    begun = time.thread_time()
    detect(text)
    return time.thread_time() - begun


def run(code):
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


DETECTOR = ["py3langid", "langcodes", "language_data"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        (
            "speech.language, revox_langchain.speech.voice, revox_langchain.speech.prompts",
            [*DETECTOR, "numpy", "phonenumbers"],
        ),
        ("phone", [*DETECTOR, "numpy", "phonenumbers"]),
        ("errors", DETECTOR),
    ],
)
def test_importing_loads_none_of_the_libraries(modules, heavy):
    code = f"import sys, revox_langchain.{modules}; print([name for name in {heavy} if name in sys.modules])"
    assert run(code) == "[]"


@pytest.mark.slow
def test_a_given_language_never_loads_the_detector():
    code = (
        "import sys; from revox_langchain.speech.language import resolve_language; "
        f"resolve_language('fr', first_sentence={ENGLISH!r}, prompt={ENGLISH!r}, phone='+33142685300'); "
        "print([name for name in ['py3langid', 'numpy', 'language_data'] if name in sys.modules])"
    )
    assert run(code) == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("check", [False, True])
def test_the_answer_depends_on_the_arguments_and_not_on_what_is_loaded(check):
    ask = f"print(resolve_language('fr', first_sentence={ENGLISH!r}, check={check}))"
    code = f"from revox_langchain.speech.language import resolve_language, warm_up; {{}}{ask}"
    before, after = run(code.format("")), run(code.format("warm_up(); "))
    assert before == after
    assert ("written in English" in before) is check


def outcomes():
    texts = [text for _, _, text in lines.prompts()]
    texts += [text for _, text in (*lines.FOREIGN, *lines.GREETINGS)] + [*lines.NO_LANGUAGE, *lines.ROMANISED]
    return texts, [str(detect(text)) for text in texts]


@pytest.mark.slow
def test_threads_and_processes_give_the_same_answers():
    texts, serial = outcomes()
    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(lambda _: [str(detect(text)) for text in texts], range(8)):
            assert answers == serial
    code = (
        f"import sys, hashlib; sys.path.insert(0, {str(ROOT)!r}); from tests.speech import language_lines as lines; "
        "from revox_langchain.speech.language import detect; "
        "texts = [t for _, _, t in lines.prompts()]; "
        "texts += [t for _, t in (*lines.FOREIGN, *lines.GREETINGS)] + [*lines.NO_LANGUAGE, *lines.ROMANISED]; "
        "print(hashlib.sha256(''.join(str(detect(t)) for t in reversed(texts)).encode()).hexdigest())"
    )
    assert run(code) == hashlib.sha256("".join(reversed(serial)).encode()).hexdigest()


def test_the_answers_are_those_on_record():
    golden = json.loads((ROOT / "tests" / "speech" / "language_golden.json").read_text(encoding="utf-8"))
    assert benchmark.golden() == golden


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("fr", "fr"),
        ("FR", "fr"),
        ("fra", "fr"),
        ("fr-CA", "fr-CA"),
        ("fr_CA.UTF-8", "fr-CA"),
        ("pt_BR@euro", "pt-BR"),
        ("de.UTF-8", "de"),
        ("en\u2011US", "en-US"),
        ("en-UK", "en-GB"),
        ("zh_Hant_TW", "zh-Hant-TW"),
        ("cmn", "zh"),
        ("es-419", "es-419"),
        ("\u00a0fr\u202f", "fr"),
        ("French", "fr"),
        ("français", "fr"),
        ("FRANCAIS", "fr"),
        ("Französisch", "fr"),
        ("французский", "fr"),
        ("法語", "fr"),
        ("法语", "fr"),
        ("Spanish language", "es"),
        ("idioma español", "es"),
        ("русский язык", "ru"),
        ("espanol", "es"),
        ("portugues", "pt"),
        ("Castellano", "es"),
        ("Mandarin", "zh"),
        ("普通话", "zh"),
        ("Québécois", "fr-CA"),
        ("Canadian French", "fr-CA"),
        ("French (Canada)", "fr-CA"),
        ("French (Québec)", "fr-CA"),
        ("français du Canada", "fr-CA"),
        ("Brazilian Portuguese", "pt-BR"),
        ("português do Brasil", "pt-BR"),
        ("Portuguese, Brazil", "pt-BR"),
        ("English - US", "en-US"),
        ("English (UK)", "en-GB"),
        ("inglês americano", "en-US"),
        ("Latin American Spanish", "es-419"),
        ("Deutsch (Schweiz)", "de-CH"),
        ("Österreichisches Deutsch", "de-AT"),
        ("Simplified Chinese", "zh-Hans"),
        ("Chinese (Traditional)", "zh-Hant"),
        ("Chinese, Mandarin", "zh"),
        ("中文(台灣)", "zh-TW"),
        ("fr (Canada)", "fr-CA"),
        ("Portugues-BR", "pt-BR"),
        ("Englisch (USA)", "en-US"),
        ("inglese britannico", "en-GB"),
        ("Русский (Россия)", "ru-RU"),
        ("英语（美国）", "en-US"),
        ("ita", "it"),
        ("chi", "zh"),
        ("de-DE-1996", "de-DE"),
        ("中文(繁體)", "zh-Hant"),
    ],
)
def test_codes_tags_locales_and_names_are_read(name, tag):
    found = resolve_language(name)
    assert (found.tag, found.language, found.source, found.confidence) == (tag, tag[:2], "explicit", "certain")


@pytest.mark.parametrize("text", ["asdfgh qwerty zxcvb", "xx yy zz"])
def test_letters_that_are_no_language_are_a_doubt_not_another_language(text):
    assert detect(text).outcome == "uncertain"


def test_a_text_mistaken_for_a_neighbour_is_told_how_to_insist():
    with pytest.raises(UnsupportedLanguage, match='If it is Russian after all, pass language="ru"'):
        resolve_language(prompt="Не настаивай при отказе.")


@pytest.mark.parametrize("text", ["a" * 20_000, "1" * 20_000, "{" * 20_000, "<a" * 10_000, "`" * 9_999, "- " * 10_000])
def test_no_text_takes_long_to_clean(text):
    start = time.thread_time()
    clean(text)
    # A square of these lengths would take minutes.
    assert time.thread_time() - start < 5


@pytest.mark.parametrize(
    "name",
    [
        *("xx", "cn", "jp", "fr-QC", "en-XX", "fr-", "e", "C", "und", "mul", "zxx", "123", "-", "default", "Esperanza"),
        *("french please", "Parisian French", "Germanic", "English (Narnia)", "Frensh", "x" * 10_000),
        *("", "   ", "\u00a0", "🇫🇷"),
    ],
)
def test_what_names_no_language_is_unknown(name):
    with pytest.raises(UnknownLanguage) as refused:
        resolve_language(name)
    assert refused.value.code == "unknown_language"
    assert 'language="fr"' in refused.value.next_step


def test_a_near_miss_names_what_was_meant():
    with pytest.raises(UnknownLanguage, match="did you mean 'French'"):
        resolve_language("frensh")


@pytest.mark.parametrize("given", [False, 3, ["fr"], b"fr"])
def test_a_language_that_is_no_text_is_unknown(given):
    with pytest.raises(UnknownLanguage, match="YAML"):
        resolve_language(given)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("nl", "Dutch"),
        ("Dutch", "Dutch"),
        ("Nederlands", "Dutch"),
        ("no", "Norwegian"),
        ("ja-JP", "Japanese"),
        ("iw", "Hebrew"),
        ("klingon", "Klingon"),
        ("ca", "Catalan"),
        ("uk", "Ukrainian"),
        ("Flemish", "Dutch (Belgium)"),
        ("zh-yue", "Cantonese"),
        ("gsw", "Swiss German"),
    ],
)
def test_a_language_without_voices_is_unsupported_and_named(name, called):
    with pytest.raises(UnsupportedLanguage) as refused:
        resolve_language(name)
    assert refused.value.code == "unsupported_language"
    assert called in refused.value.message
    assert "Portuguese (pt)" in refused.value.message
    assert 'pass language="' in refused.value.next_step


@pytest.mark.parametrize(("name", "closest"), [("yue", "zh"), ("nan", "zh"), ("gsw", "de"), ("nds", "de")])
def test_a_dialect_names_the_closest_language_but_is_not_replaced_by_it(name, closest):
    with pytest.raises(UnsupportedLanguage, match=f'pass language="{closest}"'):
        resolve_language(name)


@pytest.mark.parametrize("language", [None, "auto", "detect", " AUTO "])
def test_without_a_language_the_text_decides(language):
    found = resolve_language(language, first_sentence=FRENCH)
    assert (found.tag, found.source, found.confidence) == ("fr", "first_sentence", "high")


def test_an_explicit_language_wins_over_everything():
    found = resolve_language("de", first_sentence=FRENCH, prompt=SPANISH, phone="+12025550100", default="en")
    assert (found.tag, found.source) == ("de", "explicit")


def test_a_contradicted_explicit_language_is_kept_with_a_note(caplog):
    language_module._warn_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        found = resolve_language("it", first_sentence=FRENCH, check=True)
        again = resolve_language("it", first_sentence=FRENCH, check=True)
    assert found == again
    assert found.tag == "it"
    assert "written in French" in found.notes[0]
    assert len([r for r in caplog.records if "Italian" in r.getMessage()]) == 1
    assert resolve_language("it", first_sentence=FRENCH, check=False).notes == ()
    assert resolve_language("fr-CA", first_sentence=FRENCH, check=True).notes == ()


def test_the_first_sentence_is_looked_at_before_the_prompt():
    assert resolve_language(first_sentence=FRENCH, prompt="OK").source == "first_sentence"
    assert resolve_language(first_sentence="Allô ?", prompt=SPANISH).tag == "es"
    assert resolve_language(first_sentence="{{greeting}}", prompt=SPANISH).source == "prompt"


def test_a_first_sentence_and_a_prompt_of_two_languages_are_ambiguous():
    with pytest.raises(AmbiguousLanguage) as asked:
        resolve_language(first_sentence=FRENCH, prompt=ENGLISH)
    assert 'language="fr" (French) or language="en" (English)' in asked.value.next_step
    kept = resolve_language(first_sentence=FRENCH, prompt=ENGLISH, on_ambiguous="warn")
    assert kept.tag == "fr"
    assert kept.notes


def test_a_short_but_clear_greeting_in_another_language_is_ambiguous_too():
    with pytest.raises(AmbiguousLanguage, match="Spanish, the prompt in English"):
        resolve_language(first_sentence="Buenos días", prompt=ENGLISH)


def test_a_prompt_that_names_another_language_is_ambiguous():
    with pytest.raises(AmbiguousLanguage) as asked:
        resolve_language(prompt="You are a receptionist. Speak French with every caller.")
    assert asked.value.code == "ambiguous_language"
    assert asked.value.details == {"candidates": ["en", "fr"]}
    assert 'pass language="en" (English) or language="fr" (French)' in asked.value.next_step
    kept = resolve_language(prompt="You are a receptionist. Speak French always.", on_ambiguous="warn")
    assert kept.tag == "en"
    assert "names French" in kept.notes[0]


def test_naming_a_language_no_voice_speaks_says_so():
    with pytest.raises(AmbiguousLanguage, match="No voice speaks Dutch"):
        resolve_language(prompt="Speak Dutch to our clients in Utrecht and confirm the visit.")


@pytest.mark.parametrize(
    ("text", "written_in", "names"),
    [
        ("Speak Spanish or Russian.", "en", ("es", "ru")),
        ("Please answer in english.", "en", ()),
        ("Réponds en anglais.", "fr", ("en",)),
        ("Responde en frances.", "es", ("fr",)),
        ("Llama a Frances y a Germán.", "es", ()),
        ("Chiami il signor Russo e la signora Tedesco.", "it", ()),
        ("Antworte auf Italienisch.", "de", ("it",)),
        ("Говорите по-французски.", "ru", ("fr",)),
        ("Ответь на немецком языке.", "ru", ("de",)),
        ("请说英语。", "zh", ("en",)),
        ("voice: pt_BR", "en", ("pt",)),
        ('"language": "de"', "en", ("de",)),
        ("voice: warm and calm", "en", ()),
        ("voice: it must be calm", "en", ()),
        ("language: no jargon", "en", ()),
        ("language: it", "en", ("it",)),
        ("language: fr please", "en", ("fr",)),
        ("<lang>es</lang> confirm", "en", ("es",)),
        ("Tone: it-like, de-escalating", "en", ()),
        ("Answer in zh-CN.", "en", ("zh",)),
        ("Speak dutch, polish the rest.", "en", ("nl",)),
        ("Speak Polish.", "en", ("pl",)),
        ("Use Tagalog with nurses.", "en", ("fil",)),
        ("Habla catalán.", "es", ("ca",)),
        ("Call the Italian restaurant and ask for a table.", "en", ()),
        ("Order French toast and two Belgian waffles.", "en", ()),
        ("Ask whether the German shepherd and the RUSSIAN salad are for sale.", "en", ()),
        ("Ask about the French onion soup and the Spanish-style villa.", "en", ("es",)),
        ("Greet the host of the Italian restaurant in Italian.", "en", ("it",)),
        ("Speak French at the restaurant.", "en", ("fr",)),
        ("You are a Spanish restaurant host who speaks Spanish.", "en", ("es",)),
        ("You hold a Spanish conversation.", "en", ("es",)),
        ("Call our German supplier.", "en", ("de",)),
        ("Réservez une table au restaurant italien.", "fr", ()),
        ("Rappelez pour le cours d'allemand.", "fr", ("de",)),
        ("Llama a los restaurantes italianos.", "es", ()),
        ("Habla italiano con el restaurante.", "es", ("it",)),
        ("Chiama il ristorante francese.", "it", ()),
        ("Ligue para o restaurante francês.", "pt", ()),
    ],
)
def test_the_languages_a_text_names_are_found(text, written_in, names):
    assert mentioned(text, written_in) == names


@pytest.mark.parametrize("text", [text for _, text in lines.DEMANDS])
def test_each_demand_for_another_language_asks_or_gets_it(text):
    assert benchmark.outcome(prompt=text) in {"AmbiguousLanguage", *(w for w, line in lines.DEMANDS if line == text)}


@pytest.mark.parametrize("text", ["", "   ", "OK", "👋", "{{greeting}}", "```\nhello there everybody\n```", "12:30"])
def test_without_letters_nothing_decides_not_even_a_phone_number(text):
    with pytest.raises(AmbiguousLanguage, match="no text") as asked:
        resolve_language(first_sentence=text, prompt=text, phone="+33142685300")
    assert 'language="fr"' in asked.value.next_step


@pytest.mark.parametrize(
    "prompt",
    [
        "Call the Italian restaurant and book a table for two at seven.",
        "Order French toast for breakfast and ask when it arrives.",
        "Ask whether the German shepherd is still for sale.",
    ],
)
def test_a_thing_with_an_origin_is_no_reason_to_ask_for_the_language(prompt):
    assert resolve_language(prompt=prompt).language == "en"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hola", "es"),
        ("¡Hola!", "es"),
        ("Salut", "fr"),
        ("Hallo!", "de"),
        ("Moin", "de"),
        ("Olá", "pt"),
        ("Ciao", "it"),
    ],
)
def test_a_greeting_suggests_its_own_language(text, language):
    with pytest.raises(AmbiguousLanguage) as asked:
        resolve_language(prompt=text)
    assert asked.value.details == {"candidates": [language]}


@pytest.mark.parametrize(
    "text",
    [
        *("Hello", "hello!", "Hi", "Say hello.", "Confirm the order.", "Remind her."),
        *(f"Say hello {number}, I am an AI." for number in (3, 12, "A7", "4711")),
        *(
            "Say hi to Bob, I am an AI.",
            "Say 3 words, I am an AI.",
            "Call me, I am a bot.",
            "I am the AI of Acme, say so.",
        ),
    ],
)
def test_short_english_is_english(text):
    assert resolve_language(prompt=text).language == "en"


@pytest.mark.parametrize("text", ["Wetin dey happen for your side", "I no sabi the person wey dey talk"])
def test_nigerian_pidgin_is_not_taken_for_english(text):
    with pytest.raises(UnsupportedLanguage):
        resolve_language(prompt=text)


@pytest.mark.parametrize(
    "text",
    [
        "Kalimera sas, thelo na kleiso ena rantevou gia avrio",
        "Geia sou, pos mporo na se voithiso",
        "Na rotiseis pote anoigei to magazi",
        "O giatros den borei na sas dei simera",
        "Efharisto poli gia tin voitheia",
        "To rantevou einai stis pente",
    ],
)
def test_greek_in_latin_letters_is_greek(text):
    with pytest.raises(UnsupportedLanguage, match="written in Greek") as refused:
        resolve_language(prompt=text)
    assert "after all" not in refused.value.next_step


@pytest.mark.parametrize("text", ["Sumimasen, nanji ni kuru koto", "Aap kaise hain, kya aap kal aa sakte"])
def test_the_likeliest_of_eight_unlikely_languages_is_not_suggested(text):
    with pytest.raises(AmbiguousLanguage) as asked:
        resolve_language(prompt=text)
    assert asked.value.details == {"candidates": []}
    assert "with certainty" in asked.value.message


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(["Hola", "Salut", "Hello", "Ciao", "Bonsoir", "Hallo"]), st.text(" !?.,:-\n\t👋", max_size=8))
def test_no_mark_around_a_greeting_makes_it_chinese(word, marks):
    assert detect(marks + word + marks).language in ("es", "fr", "en", "it", "de")


def test_an_uncertain_text_names_its_best_guess():
    with pytest.raises(AmbiguousLanguage) as asked:
        resolve_language(first_sentence="Bonsoir")
    assert 'pass language="fr" (French)' in asked.value.next_step


@pytest.mark.parametrize(
    ("text", "phone", "tag"),
    [
        ("Bonsoir", "+33142685300", "fr-FR"),
        ("Guten Tag", "+43152610", "de-AT"),
        ("Bonsoir", "+41225550123", None),
        ("Bonsoir", "+12025550100", None),
        ("Bonsoir", "not a number", None),
    ],
)
def test_the_phone_number_settles_a_doubt_only_where_one_language_is_spoken(text, phone, tag):
    if detect(text).outcome != "uncertain":
        assert resolve_language(first_sentence=text, phone=phone).source == "first_sentence"
    elif tag is None:
        with pytest.raises(AmbiguousLanguage):
            resolve_language(first_sentence=text, phone=phone)
    else:
        found = resolve_language(first_sentence=text, phone=phone)
        assert (found.tag, found.source, found.confidence) == (tag, "phone+text", "low")


@pytest.mark.parametrize(
    ("text", "phone", "tag"),
    [
        (FRENCH, "+15145550123", "fr-CA"),
        (FRENCH, "+33142685300", "fr-FR"),
        (FRENCH, "+12025550100", "fr"),
        (ENGLISH, "+33142685300", "en"),
        (ENGLISH, "+14165550100", "en-CA"),
        (SPANISH, "+525512345678", "es-MX"),
        (SPANISH, "+12025550100", "es"),
        (FRENCH, "+18003569377", "fr"),
        (ENGLISH, "+18003569377", "en"),
        (ENGLISH, "+870773111632", "en"),
        (ENGLISH, "+44", "en"),
    ],
)
def test_the_phone_number_refines_the_accent_and_never_the_language(text, phone, tag):
    assert resolve_language(first_sentence=text, phone=phone).tag == tag


def test_the_default_is_used_only_if_configured_and_only_in_doubt():
    found = resolve_language(first_sentence="Bonsoir", default="French (Canada)")
    assert (found.tag, found.source, found.confidence) == ("fr-CA", "default", "low")
    assert resolve_language(default="en").source == "default"
    assert resolve_language(first_sentence=FRENCH, default="en").tag == "fr"
    with pytest.raises(UnsupportedLanguage):
        resolve_language(prompt="Bel de klant terug en vraag wanneer de loodgieter mag komen.", default="en")
    with pytest.raises(UnknownLanguage):
        resolve_language(default="xx")


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("コンファレンス", "Japanese"),
        ("안녕하세요", "Korean"),
        ("Bel de klant terug en vraag wanneer de loodgieter langs mag komen.", "Dutch"),
    ],
)
def test_text_of_a_language_without_voices_is_refused_by_name(text, called):
    with pytest.raises(UnsupportedLanguage, match=f"written in {called}"):
        resolve_language(prompt=text)


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("患者さんに電話して、明日の午前10時の予約を確認してください。", "Japanese"),
        ("고객에게전화하여내일10시예약을확인하세요.", "Korean"),
        ("โทรหาลูกค้าเพื่อยืนยันนัดหมายพรุ่งนี้เวลา10โมงเช้า", "Thai"),
    ],
)
def test_a_digit_does_not_swallow_a_sentence_that_is_written_without_spaces(text, called):
    with pytest.raises(UnsupportedLanguage, match=f"written in {called}") as refused:
        resolve_language(prompt=text)
    assert "Chinese after all" not in refused.value.next_step


def test_a_chinese_text_that_quotes_japanese_asks_and_says_how_to_go_on():
    with pytest.raises(UnsupportedLanguage) as refused:
        resolve_language(prompt="你好，我要预约ラーメン店明天晚上的座位，请确认两个人")
    assert 'If it is Chinese after all, pass language="zh"' in refused.value.next_step


def test_written_cantonese_is_read_by_a_chinese_voice_and_noted():
    found = resolve_language(prompt="你好，我哋想確認一下聽日嘅預約，唔知你得唔得閒？")
    assert found.language == "zh"
    assert "Cantonese" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Hi {{name}}, welcome", "Hi , welcome"),
        ("a {% if x %}b{% endif %} ${c} {d} <e/> f", "a b f"),
        ("see https://example.com/x and write a@b.example now", "see and write now"),
        ("`code` and ```\nmore\n``` stay out", "and stay out"),
        ("# Role\n# Task\nRappelle le client demain", "Rappelle le client demain"),
        ("# Rappelle le client demain", "Rappelle le client demain"),
        ("- one\n* two\n3. three\n> **four** | five", "one two three four five"),
        ("code A1B2 第3课 end", "code 第课 end"),
        ("SPEAK UP PLEASE", "speak up please"),
        ("Cafe\u0301", "Café"),
    ],
)
def test_what_is_not_prose_is_taken_out_before_detecting(text, cleaned):
    assert clean(text) == cleaned


def test_cleaning_is_capped():
    assert len(clean("word " * 100_000)) == 4000


def test_names_are_given_in_english():
    assert language_name("fr-CA") == "French (Canada)"
    assert language_name("zh-Hant-TW") == "Chinese (Traditional, Taiwan)"
    assert [language_name(code) for code in LANGUAGES] == list(LANGUAGE_NAMES.values())


def test_a_region_hints_at_a_language_only_if_it_has_one():
    one = {"FR": "fr", "US": "en", "BR": "pt", "CN": "zh", "RU": "ru", "AT": "de", "TW": "zh"}
    assert {region: main_language(region) for region in one} == one
    for region in ("BE", "CA", "CH", "LU", "IE", "MT", "UA", "KZ", "BY", "HK", "SG", "MA", "SN", "PL", "001"):
        assert main_language(region) is None
    assert main_language(None) is None
    assert len(names_data()["hints"]) == 99


def test_the_index_of_names_is_what_the_script_generates():
    if version("language_data") != names_data()["source"]["language_data"]:
        pytest.skip("another language_data is installed; run scripts/generate_language_names.py")
    script = ROOT / "scripts" / "generate_language_names.py"
    assert subprocess.run([sys.executable, str(script), "--check"], check=False).returncode == 0


def test_every_indexed_name_reads_as_its_tag():
    for name, tag in names_data()["names"].items():
        assert fold(name) == name
        if len(name) > 3:
            assert tag_of(name) == tag


def test_the_index_is_plain_json():
    assert json.loads(json.dumps(names_data())) == names_data()


ANY_TEXT = st.one_of(
    st.none(),
    st.text(max_size=80),
    st.sampled_from([text for _, _, text in lines.prompts()]),
    st.lists(st.sampled_from([*"{}%`#-|<>1é中の한я \ud800\u0301", "{{", "}}", "```", "http://", "a@b"])).map("".join),
)


def resolved_or_error(language, **given):
    try:
        return resolve_language(language, **given)
    except InvalidInput as refused:
        return refused


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(
    st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["auto", "fr", "pt_BR", "Dutch", "xx-YY"])),
    ANY_TEXT,
    ANY_TEXT,
    st.one_of(st.none(), st.text(max_size=8), st.sampled_from(list(benchmark.PHONES.values()))),
    st.sampled_from([None, "en", "fr-CA"]),
    st.sampled_from(["raise", "warn"]),
)
def test_no_input_crashes_or_answers_outside_the_catalogue(language, first, prompt, phone, default, on_ambiguous):
    given = {"first_sentence": first, "prompt": prompt, "phone": phone, "default": default}
    found = resolved_or_error(language, **given, on_ambiguous=on_ambiguous)
    if isinstance(found, InvalidInput):
        assert found.code in ("unknown_language", "unsupported_language", "ambiguous_language")
        assert "language=" in found.next_step
        return
    assert found.language in LANGUAGES
    assert parse_language(found.tag).tag == found.tag
    assert language_name(found.tag)
