"""Who asked not to be called again is understood, written down, and read again before anyone is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from revox_langchain.contacts import OptOut, opt_out_list, opted_out
from revox_langchain.errors import InvalidInput
from revox_langchain.speech.language import LANGUAGES

MEANT = {
    "en": [
        "Please don't call me again.",
        "Don’t ever call this number again!",
        "Stop calling me.",
        "Take me off your list, I am busy today.",
        "Remove my number from your calling list",
        "Put me on your do-not-call list.",
        "I do not want to be called anymore",
        "I said it before: do not contact us again",
    ],
    "fr": [
        "Ne m'appelez plus.",
        "Ne m’appelez plus jamais, merci.",
        "Arrêtez de m'appeler !",
        "Retirez-moi de votre liste s'il vous plaît",
        "Supprimez mon numéro.",
        "Je ne veux plus être appelé.",
    ],
    "es": [
        "No me llamen más.",
        "No vuelva a llamarme.",
        "Dejen de llamarme",
        "Bórreme de su lista, por favor.",
        "Quíteme de su base de datos",
    ],
    "de": [
        "Rufen Sie mich nicht mehr an.",
        "Bitte nie wieder hier anrufen, und mich nicht mehr kontaktieren",
        "Hören Sie auf, mich anzurufen.",
        "Streichen Sie mich von Ihrer Liste.",
        "Löschen Sie meine Nummer!",
        "Ich möchte nicht mehr angerufen werden.",
    ],
    "it": [
        "Non mi chiami più.",
        "Non chiamatemi più!",
        "Smettetela di chiamarmi.",
        "Mi tolga dalla lista.",
        "Cancelli il mio numero",
        "Non voglio più essere chiamato.",
    ],
    "pt": [
        "Não me ligue mais.",
        "Não ligue mais para mim",
        "Parem de me ligar!",
        "Tire-me da sua lista.",
        "Apague o meu número.",
    ],
    "ru": [
        "Больше мне не звоните.",
        "Не звоните мне больше!",
        "Прекратите мне звонить.",
        "Удалите мой номер.",
        "Вычеркните меня из базы",
    ],
    "zh": [
        "请不要再给我打电话了。",
        "以后别打电话了",
        "别再打来了！",
        "把我从你们的名单里删除。",
        "我不想再接到你们的电话",
    ],
}
NOT_MEANT = {
    "en": [
        "Don't call me before nine.",
        "Please do not call me again today.",
        "Don't call me at work.",
        "Stop calling me Johnny.",
        "If you are selling something, don't call me again.",
        "I have no time.",
        "Call me again tomorrow",
        "I am not interested.",
    ],
    "fr": [
        "Vous m'appelez plus tard ?",
        "Ne m'appelez pas avant neuf heures.",
        "Ne m'appelez plus aujourd'hui.",
        "Rappelez-moi plus tard",
    ],
    "es": ["No me llame más tarde", "Llámeme mañana.", "No me llamen más hoy.", "No me interesa."],
    "de": [
        "Rufen Sie mich heute nicht an.",
        "Rufen Sie mich nicht mehr an heute.",
        "Ich habe keine Zeit.",
        "Rufen Sie morgen an.",
    ],
    "it": ["Mi chiami più tardi.", "Non mi chiami più tardi", "Non mi chiami più oggi."],
    "pt": ["Ligue mais tarde.", "Não me ligue mais tarde", "Não me ligue mais hoje."],
    "ru": ["Позвоните больше чем через час", "Не звоните мне больше сегодня.", "Перезвоните завтра."],
    "zh": ["今天不要再打电话", "明天再打给我", "不要再打电话除非有急事", "我现在没空"],
}


@pytest.mark.parametrize(("language", "said"), [(language, said) for language in LANGUAGES for said in MEANT[language]])
def test_who_does_not_want_to_be_called_again_is_understood(language, said):
    assert opted_out(["Hello.", said], language) is not None
    assert opted_out([said]) is not None


@pytest.mark.parametrize(
    ("language", "said"), [(language, said) for language in LANGUAGES for said in NOT_MEANT[language]]
)
def test_not_now_is_not_never(language, said):
    assert opted_out([said], language) is None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "opt_out.csv"
    path.write_text("")
    return path


def test_who_is_added_is_read_again_by_everyone(path):
    people = opt_out_list(path)
    assert people.numbers() == frozenset()
    people.add([OptOut("+33142685300", "2026-01-01T10:00:00Z", "c1", "=never")])
    opt_out_list(path).add([OptOut("+33142685300"), OptOut("+33142685301")])
    assert people.numbers() == {"+33142685300", "+33142685301"}
    assert path.read_text().splitlines()[:2] == [
        "phone,at,call_id,words",
        "+33142685300,2026-01-01T10:00:00Z,c1,'=never",
    ]
    assert len(path.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    "content",
    [
        "+33142685300\n",
        "+33142685300,Zoe,x\n+33142685301\n",
        "Telefon;Name\n+33142685300;Zoë\n",
        "phone\n01 42 68 53 00",
    ],
)
def test_a_list_is_read_with_or_without_a_header(path, content):
    path.write_text(content, encoding="utf-8")
    people = opt_out_list(path, default_country="FR")
    assert "+33142685300" in people.numbers()
    people.add([OptOut("+33142685309", "2026-01-01", "c1", "Stop, please; now")])
    people.add([OptOut("+33142685308", "2026-01-01", "c1", "Никогда")])
    assert {"+33142685300", "+33142685309", "+33142685308"} <= people.numbers()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_who_is_added_is_written_as_the_file_is(path, encoding):
    path.write_bytes("prénom;téléphone;words\nZoë;+33142685300;\n".encode(encoding))
    people = opt_out_list(path)
    people.add([OptOut("+33142685309", words="Arrêtez")])
    assert people.numbers() == {"+33142685300", "+33142685309"}
    assert path.read_bytes().decode(encoding).splitlines()[-1] == ";+33142685309;Arrêtez"


def test_a_header_that_two_writers_wrote_is_no_entry(path):
    path.write_text("phone,at,call_id,words\n+33142685300,,,\nphone,at,call_id,words\n+33142685301,,,\n")
    assert opt_out_list(path).numbers() == {"+33142685300", "+33142685301"}


@pytest.mark.parametrize(("content", "row"), [("phone\n+33142685300\n3.3E+10\n", 3), ("+33142685300\n0142\n", 2)])
def test_an_entry_that_cannot_be_read_is_an_error_and_not_left_out(path, content, row):
    path.write_text(content)
    with pytest.raises(InvalidInput, match=f"Row {row} of the opt-out list") as caught:
        opt_out_list(path).numbers()
    assert caught.value.code == "unreadable_opt_out"


def test_a_list_that_is_not_there_is_no_empty_list(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        opt_out_list(tmp_path / "none.csv").numbers()


def test_a_function_may_keep_the_list():
    kept = {"+33142685300"}

    def keep(people):
        kept.update(person.number for person in people)
        return kept

    people = opt_out_list(keep)
    people.add([OptOut("+33142685301")])
    assert people.numbers() == {"+33142685300", "+33142685301"}
    with pytest.raises(InvalidInput) as caught:
        opt_out_list(lambda people: []).add([OptOut("+33142685301")])
    assert caught.value.code == "unwritten_opt_out"
    with pytest.raises(InvalidInput, match="no phone number"):
        opt_out_list(lambda people: ["x"]).numbers()


@pytest.mark.slow
def test_a_list_of_ones_own_is_taken_as_it_is(path):
    people = opt_out_list(path)
    assert opt_out_list(people) is people
