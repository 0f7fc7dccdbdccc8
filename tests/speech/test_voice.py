from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revox_langchain.errors import InvalidInput, NoVoice, UnknownLanguage, UnsupportedLanguage
from revox_langchain.speech.language import LANGUAGES, resolve_language
from revox_langchain.speech.voice import choose_voice, filter_voices, rank_voices, voice_by_id


def voice(voice_id, language, accent=None, gender=None, provider="cartesia", **more):
    optional = {"accent": accent, "gender": gender}
    return {
        "id": voice_id,
        "name": voice_id.replace("-", " ").title(),
        "provider": provider,
        "language": language,
        "description": "",
        **{name: value for name, value in optional.items() if value},
        **more,
    }


CATALOGUE = [
    voice("en-plain", "en", gender="female"),
    voice("en-us-f", "en", "american", "female"),
    voice("en-us-m", "en", "american", "male"),
    voice("en-gb-m", "en", "british", "male"),
    voice("en-gb-f", "en", "british", "female"),
    voice("en-au-m", "en", "australian", "male"),
    voice("fr-plain", "fr", gender="neutral"),
    voice("fr-fr-m", "fr", "French", "male"),
    voice("fr-fr-f", "fr", "French", "female"),
    voice("fr-qc-f", "fr", "quebec", "female"),
    voice("fr-eleven", "fr", gender="female", provider="elevenlabs"),
    voice("fr-cloned", "fr", gender="female", isCloned=True),
    voice("es-plain", "es"),
    voice("es-es-f", "es", "castilian", "female"),
    voice("es-mx-f", "es", "mexican", "female"),
    voice("de-de-f", "de", "german", "female"),
    voice("de-at-m", "de", "austrian", "male"),
    voice("it-plain", "it", gender="male"),
    voice("pt-br-f", "pt", "brazilian", "female"),
    voice("pt-pt-m", "pt", "european", "male"),
    voice("ru-new", "ru", gender="female", modelCompat="sonic-3.5"),
    voice("zh-cn-f", "zh", "mainland", "female"),
    voice("zh-tw-f", "zh", "taiwanese", "female"),
]


@pytest.mark.parametrize(
    ("language", "wish", "expected"),
    [
        ("fr-CA", {}, "fr-qc-f"),
        ("fr-CA", {"gender": "male"}, "fr-fr-m"),
        ("fr-BE", {"gender": "female"}, "fr-fr-f"),
        ("fr-CH", {"gender": "male"}, "fr-fr-m"),
        ("fr-LU", {"gender": "male"}, "fr-fr-m"),
        ("fr-SN", {"provider": "cartesia"}, "fr-plain"),
        ("fr", {"provider": "cartesia"}, "fr-plain"),
        ("fr", {"provider": "ElevenLabs"}, "fr-eleven"),
        ("fr", {"accent": "quebec"}, "fr-qc-f"),
        ("fr", {"accent": "Québécois"}, "fr-qc-f"),
        ("fr", {"accent": "Québec", "gender": "male"}, "fr-qc-f"),
        ("fr", {"cloned": True}, "fr-cloned"),
        ("Québécois", {}, "fr-qc-f"),
        ("pt", {}, "pt-br-f"),
        ("pt-BR", {}, "pt-br-f"),
        ("pt-PT", {}, "pt-pt-m"),
        ("pt-AO", {}, "pt-pt-m"),
        ("Brazilian Portuguese", {}, "pt-br-f"),
        ("en", {}, "en-plain"),
        ("en-AU", {}, "en-au-m"),
        ("en-AU", {"gender": "female"}, "en-plain"),
        ("en-CA", {"gender": "male"}, "en-us-m"),
        ("en-PH", {"gender": "female"}, "en-us-f"),
        ("en", {"accent": "Scottish", "gender": "male"}, "en-gb-m"),
        ("en", {"accent": "UK", "gender": "f"}, "en-gb-f"),
        ("es", {}, "es-plain"),
        ("es-ES", {}, "es-es-f"),
        ("es-GQ", {}, "es-es-f"),
        ("es-MX", {}, "es-mx-f"),
        ("es-419", {}, "es-mx-f"),
        ("es-CO", {}, "es-mx-f"),
        ("es-US", {}, "es-mx-f"),
        ("zh", {}, "zh-cn-f"),
        ("cmn", {}, "zh-cn-f"),
        ("zh-TW", {}, "zh-tw-f"),
        ("zh-Hant", {}, "zh-tw-f"),
        ("zh-HK", {}, "zh-tw-f"),
        ("zh-MO", {}, "zh-tw-f"),
        ("zh-SG", {}, "zh-cn-f"),
        ("zh-Hans", {}, "zh-cn-f"),
        ("de", {}, "de-de-f"),
        ("de-AT", {}, "de-at-m"),
        ("it-CH", {}, "it-plain"),
        ("it", {"gender": "female"}, "it-plain"),
        ("ru", {"model": "sonic-3.5"}, "ru-new"),
        ("ru", {}, "ru-new"),
    ],
)
def test_the_voice_is_the_nearest_of_the_language_however_the_catalogue_is_sorted(language, wish, expected):
    shuffled = list(CATALOGUE)
    for seed in range(4):
        random.Random(seed).shuffle(shuffled)
        assert choose_voice(shuffled, language, **wish).id == expected


@pytest.mark.parametrize("language", ["ca", "gl", "eu", "uk", "be", "yue", "gsw", "lb", "cy", "ht", "rm", "Dutch"])
def test_a_related_language_is_never_taken_instead(language):
    with pytest.raises(UnsupportedLanguage) as refused:
        choose_voice(CATALOGUE, language)
    assert refused.value.code == "unsupported_language"


def test_a_catalogue_without_the_language_says_what_there_is():
    with pytest.raises(NoVoice, match=r"no voice that speaks Italian; there is German \(de\), English \(en\)"):
        choose_voice([voice("a", "en"), voice("b", "de")], "it")
    with pytest.raises(NoVoice, match="none at all"):
        choose_voice([], "it")


@pytest.mark.parametrize(
    ("language", "wish", "says"),
    [
        ("it", {"provider": "elevenlabs"}, 'there is cartesia. .*provider="cartesia"'),
        ("it", {"cloned": True}, "cloned=None"),
        ("ru", {"model": "sonic-3"}, 'model="sonic-3.5"'),
        ("fr", {"accent": "belgian", "strict_accent": True}, "there is French, quebec"),
        ("it", {"gender": "female", "strict_gender": True}, "there is male"),
        ("fr-BE", {"strict_accent": True}, "accent of Belgium"),
    ],
)
def test_a_filter_that_leaves_nothing_names_what_there_is_and_the_way_out(language, wish, says):
    with pytest.raises(NoVoice, match=says):
        choose_voice(CATALOGUE, language, **wish)


def test_strict_variants_turn_wishes_into_filters():
    assert choose_voice(CATALOGUE, "fr-CA", gender="male", strict_accent=True).id == "fr-qc-f"
    assert choose_voice(CATALOGUE, "fr", "quebec", "male", strict_gender=True).id == "fr-fr-m"


def test_an_accent_the_catalogue_lacks_falls_to_its_region_and_says_so():
    chosen = choose_voice(CATALOGUE, "en", accent="Scottish")
    assert not chosen.accent_matched
    assert "american, australian, british" in chosen.notes[0]


def test_an_unknown_accent_is_a_note_with_the_accents_there_are():
    chosen = choose_voice(CATALOGUE, "fr", accent="martian")
    assert "martian" in chosen.notes[0]
    assert "quebec" in chosen.notes[0]


def test_the_choice_is_explained_line_by_line():
    assert choose_voice(CATALOGUE, "fr-CA", gender="female").why == (
        "speaks French",
        "is female, as asked",
        "sounds like Canada: quebec",
    )


def test_another_gender_than_asked_is_noted():
    assert choose_voice(CATALOGUE, "it", gender="female").notes == ("This voice is male, not female.",)


def test_priority_decides_among_equals_only():
    equals = [voice("a", "it"), voice("b", "it"), voice("c", "it", "roman")]
    assert choose_voice(equals, "it").id == "a"
    assert choose_voice(equals, "it", priority={"b": 1}).id == "b"
    assert choose_voice(equals, "it", priority={"c": 9}).id == "a"


def test_what_resolving_gave_can_be_passed_on():
    resolved = resolve_language("fr-CA")
    chosen = choose_voice(CATALOGUE, resolved)
    assert chosen.as_dict() == {
        "id": "fr-qc-f",
        "provider": "cartesia",
        "name": "Fr Qc F",
        "language": "fr",
        "accent": "quebec",
        "gender": "female",
    }


def test_all_candidates_are_ranked_from_the_best():
    ranked = rank_voices(CATALOGUE, "fr-CA")
    assert [v.id for v in ranked][:2] == ["fr-qc-f", "fr-eleven"]
    assert {v.language for v in ranked} == {"fr"}
    assert ranked[0] == choose_voice(CATALOGUE, "fr-CA")


def test_a_voice_given_by_id_is_kept_with_a_note_if_it_speaks_another_language():
    assert voice_by_id(CATALOGUE, "fr-qc-f", "fr").notes == ()
    kept = voice_by_id(CATALOGUE, "fr-qc-f", "en")
    assert kept.id == "fr-qc-f"
    assert "speaks French, but the call is in English" in kept.notes[0]


def test_a_voice_says_which_model_it_needs():
    assert voice_by_id(CATALOGUE, "ru-new", "ru").model == "sonic-3.5"
    assert choose_voice(CATALOGUE, "ru").model == "sonic-3.5"
    assert choose_voice(CATALOGUE, "it").model is None


@pytest.mark.parametrize(
    ("voice_id", "says"),
    [("fr-qc", "did you mean 'fr-qc-f'"), ("Fr Qc F", "is the name of 'fr-qc-f'"), ("?", "from revox_list_voices")],
)
def test_an_unknown_id_names_those_that_resemble_it(voice_id, says):
    with pytest.raises(NoVoice, match=says):
        voice_by_id(CATALOGUE, voice_id, "fr")


def test_one_id_at_two_providers_asks_for_the_provider():
    twice = [voice("x", "fr"), voice("x", "fr", provider="elevenlabs")]
    with pytest.raises(InvalidInput, match='provider="cartesia"'):
        voice_by_id(twice, "x", "fr")
    assert voice_by_id(twice, "x", "fr", provider="elevenlabs").provider == "elevenlabs"


@pytest.mark.parametrize(
    ("wish", "ids"),
    [
        ({"language": "German"}, ["de-de-f", "de-at-m"]),
        ({"language": "de-CH"}, ["de-de-f", "de-at-m"]),
        ({"accent": "QUÉBEC"}, ["fr-qc-f"]),
        ({"language": "en", "gender": "Female"}, ["en-plain", "en-us-f", "en-gb-f"]),
        ({"language": "it", "gender": "female"}, []),
    ],
)
def test_a_table_is_filtered_exactly(wish, ids):
    assert [v["id"] for v in filter_voices(CATALOGUE, **wish)] == ids


def test_a_table_without_wishes_is_the_whole_catalogue():
    assert filter_voices(CATALOGUE) == CATALOGUE


def test_a_table_of_no_language_is_an_error():
    with pytest.raises(UnknownLanguage):
        filter_voices(CATALOGUE, "Frensh")


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "id": st.sampled_from("abcdef"),
                "language": st.sampled_from([*LANGUAGES, "xx"]),
                "provider": st.sampled_from(["cartesia", "elevenlabs"]),
                "name": st.text(max_size=3),
                "description": st.just(""),
            },
            optional={
                "accent": st.one_of(st.none(), st.sampled_from(["american", "quebec", "mexican"]), st.text(max_size=4)),
                "gender": st.one_of(st.none(), st.sampled_from(["male", "female"])),
                "isCloned": st.booleans(),
                "modelCompat": st.sampled_from(["universal", "sonic-3", "sonic-3.5"]),
            },
        ),
        max_size=8,
    ),
    st.sampled_from(["en", "fr-CA", "es-419", "zh-Hant", "pt", "de-AT"]),
    st.one_of(st.none(), st.text(max_size=8), st.sampled_from(["quebec", "british"])),
    st.randoms(use_true_random=False),
)
def test_any_catalogue_gives_a_voice_of_the_language_whatever_its_order(catalogue, language, accent, shuffler):
    try:
        chosen = choose_voice(catalogue, language, accent)
    except NoVoice:
        return
    assert chosen.language == language.split("-")[0]
    shuffler.shuffle(catalogue)
    assert choose_voice(catalogue, language, accent) == chosen
