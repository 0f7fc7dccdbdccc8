"""One rule for who speaks, whichever way a call or an assistant is asked for."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revox_langchain.actions.requests import act
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput, NoVoice, Refused, UnsupportedLanguage
from revox_langchain.flow import arun, run
from revox_langchain.graph import call_graph
from revox_langchain.operations.assistants import CreateAssistant, GetAssistant, UpdateAssistant
from revox_langchain.operations.calls import MakeCall
from revox_langchain.operations.campaigns import CreateCampaign
from revox_langchain.operations.operation import Request
from revox_langchain.operations.voices import ListVoices
from revox_langchain.sandbox import Sandbox
from revox_langchain.speech.voice import choose_voice
from revox_langchain.tools.tool import make_tool

NUMBER = "+12025550100"
FRENCH = "Confirmez le rendez-vous de mardi avec le client, s'il vous plaît."
ENGLISH = "Please confirm the appointment on Tuesday afternoon with the client."
FRENCH_LADY = {"voice_provider": "cartesia", "voice_id": "a249eaff-1e96-4d2c-b23b-12efa4f66f41"}
DOUBTFUL = {
    "a French prompt that names another language": "Rappelez le client pour confirmer son cours d'allemand de mardi.",
    "one-line JSON": json.dumps({"rôle": "secrétaire", "tâche": "Confirmez le rendez-vous de mardi matin."}),
    "a code fence": f"```\n{FRENCH}\n```",
    "an English prompt that wants Spanish": f"{ENGLISH} Always answer in Spanish.",
    "too little to tell": "Xyzzy qwert",
    "nothing but a variable": "{{task}}",
}
doubtful = pytest.mark.parametrize("prompt", list(DOUBTFUL.values()), ids=list(DOUBTFUL))
LANGUAGES = {
    "en": ENGLISH,
    "fr": FRENCH,
    "es": "Confirme la cita del martes por la tarde con la clienta, por favor.",
    "de": "Bestätigen Sie bitte den Termin am Dienstagnachmittag mit der Kundin.",
    "it": "Conferma l'appuntamento di martedì pomeriggio con la cliente, per favore.",
    "pt": "Confirme a consulta de terça-feira à tarde com a cliente, por favor.",
    "ru": "Пожалуйста, подтвердите встречу во вторник днём с клиентом.",
    "zh": "请和客户确认星期二下午的预约时间。",
}


def do(request: Request, connection: Connection, **policy: Any) -> Any:
    return run(act(request, Guard(DialPolicy(min_gap_s=0, **policy))), connection)


def call(**more: Any) -> MakeCall:
    return MakeCall.parse({"phone_number": NUMBER, **more})


def assistant(**more: Any) -> CreateAssistant:
    return CreateAssistant.parse({"name": "Ada", **more})


def voice_of(sandbox: Sandbox, held: dict[str, Any]) -> dict[str, Any]:
    return next(v for v in sandbox.world.voices.values() if v["id"] == held["id"])


@pytest.mark.parametrize(("language", "prompt"), list(LANGUAGES.items()))
def test_a_call_and_an_assistant_without_a_voice_get_one_that_speaks_the_prompt(language: str, prompt: str) -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    placed, created = do(call(prompt=prompt), connection), do(assistant(prompt=prompt), connection)
    for answer, held in ((placed, sandbox.dials[0]["assistant"]["voice"]), (created, created["assistant"]["voice"])):
        chosen = voice_of(sandbox, held)
        assert chosen["language"] == language
        assert any(chosen["name"] in note and chosen["id"] in note for note in answer["notes"])


def test_the_tools_and_the_graph_choose_the_same_voice() -> None:
    used = []
    for way in ("tool", "graph"):
        sandbox = Sandbox()
        if way == "tool":
            do(call(phone_number="+14185550100", prompt=FRENCH), sandbox.connect())
        else:
            call_graph(sandbox.connect()).invoke({"phone_number": "+14185550100", "prompt": FRENCH})
        used.append({k: sandbox.dials[0]["assistant"]["voice"].get(k) for k in ("id", "provider", "model")})
    assert used[0] == used[1]
    assert voice_of(Sandbox(), used[0])["accent"] == "quebec"


def test_a_chosen_voice_that_needs_a_model_gets_it() -> None:
    sandbox = Sandbox()
    needs = next(v for v in sandbox.world.voices.values() if v.get("modelCompat") == "sonic-3.5")
    for voice in [v for v in sandbox.world.voices.values() if v["language"] == needs["language"] and v is not needs]:
        del sandbox.world.voices[next(k for k, v in sandbox.world.voices.items() if v is voice)]
    created = do(assistant(prompt=LANGUAGES[needs["language"]]), sandbox.connect())
    assert created["assistant"]["voice"]["id"] == needs["id"]
    assert created["assistant"]["voice"]["model"] == "sonic-3.5"


@pytest.mark.parametrize("request_type", [MakeCall, CreateAssistant])
@doubtful
def test_without_a_voice_a_doubt_is_refused_with_language_as_the_way_on(request_type: Any, prompt: str) -> None:
    sandbox = Sandbox()
    make = call if request_type is MakeCall else assistant
    with pytest.raises(Refused) as caught:
        do(make(prompt=prompt), sandbox.connect())
    assert caught.value.code == "ambiguous_language"
    assert "language=" in caught.value.next_step
    assert not sandbox.dials
    assert not sandbox.world.assistants
    answer = do(make(prompt=prompt, language="Spanish"), sandbox.connect())
    held = sandbox.dials[0]["assistant"]["voice"] if request_type is MakeCall else answer["assistant"]["voice"]
    assert voice_of(sandbox, held)["language"] == "es"


@doubtful
def test_the_graph_asks_in_the_same_cases(prompt: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        call_graph(Sandbox().connect()).invoke({"phone_number": NUMBER, "prompt": prompt})
    assert caught.value.code == "ambiguous_language"


@doubtful
def test_a_given_voice_in_a_doubt_is_what_the_policy_says(prompt: str) -> None:
    sandbox = Sandbox()
    with pytest.raises(Refused) as caught:
        do(call(prompt=prompt, **FRENCH_LADY), sandbox.connect(), voice_mismatch="refuse")
    assert caught.value.code == "ambiguous_language"
    assert "language=" in caught.value.next_step
    assert not sandbox.dials
    warned = do(call(prompt=prompt, **FRENCH_LADY), sandbox.connect())
    assert any("language=" in note for note in warned["notes"])
    quiet = do(call(prompt=f"{prompt} ", intent="2", **FRENCH_LADY), sandbox.connect(), voice_mismatch="off")
    assert not any("language=" in note for note in quiet["notes"])


def test_a_language_that_is_given_settles_it_for_a_given_voice_too() -> None:
    sandbox, prompt = Sandbox(), DOUBTFUL["an English prompt that wants Spanish"]
    with pytest.raises(Refused, match="Spanish") as caught:
        do(call(prompt=prompt, language="es", **FRENCH_LADY), sandbox.connect(), voice_mismatch="refuse")
    assert caught.value.code == "voice_mismatch"
    assert do(call(prompt=prompt, language="fr", **FRENCH_LADY), sandbox.connect(), voice_mismatch="refuse")["call"]


@pytest.mark.parametrize("prompt", ["Bel de klant terug en vraag wanneer de loodgieter langs mag komen."])
def test_a_language_no_voice_speaks_is_refused(prompt: str) -> None:
    sandbox = Sandbox()
    for request in (call(prompt=prompt), assistant(prompt=prompt)):
        with pytest.raises(Refused) as caught:
            do(request, sandbox.connect())
        assert caught.value.code == "unsupported_language"
    with pytest.raises(UnsupportedLanguage):
        call_graph(sandbox.connect()).invoke({"phone_number": NUMBER, "prompt": prompt})
    assert not sandbox.dials


@doubtful
def test_a_realtime_model_speaks_itself(prompt: str) -> None:
    sandbox = Sandbox()
    model = {"type": "realtime", "provider": "openai", "realtime_model_id": "gpt-realtime"}
    assert do(call(prompt=prompt, settings={"llm_model": model}), sandbox.connect())["call"]["id"]
    assert not (sandbox.dials[0]["assistant"].get("voice") or {}).get("id")


def test_what_is_given_of_a_voice_in_the_settings_is_kept() -> None:
    sandbox = Sandbox()
    do(call(prompt=FRENCH, settings={"voice": {"speed": 1.2}}), sandbox.connect())
    held = sandbox.dials[0]["assistant"]["voice"]
    assert held["speed"] == 1.2
    assert voice_of(sandbox, held)["language"] == "fr"


def test_a_voice_in_the_settings_is_checked_like_one_in_the_arguments() -> None:
    voice = {"id": FRENCH_LADY["voice_id"], "provider": "cartesia"}
    with pytest.raises(Refused) as caught:
        do(call(prompt=ENGLISH, settings={"voice": voice}), Sandbox().connect(), voice_mismatch="refuse")
    assert caught.value.code == "voice_mismatch"


def test_switched_off_nothing_is_refused_and_a_certain_language_still_gets_its_voice() -> None:
    sandbox = Sandbox()
    do(call(prompt=DOUBTFUL["a code fence"]), sandbox.connect(), voice_mismatch="off")
    do(call(prompt=FRENCH), sandbox.connect(), voice_mismatch="off")
    assert not (sandbox.dials[0]["assistant"].get("voice") or {}).get("id")
    assert voice_of(sandbox, sandbox.dials[1]["assistant"]["voice"])["language"] == "fr"


def test_a_catalogue_without_the_language_is_refused() -> None:
    sandbox = Sandbox()
    for key in [key for key, voice in sandbox.world.voices.items() if voice["language"] == "fr"]:
        del sandbox.world.voices[key]
    with pytest.raises(Refused) as caught:
        do(call(prompt=FRENCH), sandbox.connect())
    assert caught.value.code == "no_voice"
    with pytest.raises(NoVoice):
        choose_voice(sandbox.world.voices.values(), "fr")


@pytest.fixture
def stored() -> tuple[Sandbox, str]:
    """A sandbox, and an assistant with a French prompt and voice."""
    sandbox = Sandbox()
    return sandbox, str(sandbox.connect().send(assistant(prompt=FRENCH, **FRENCH_LADY))["assistant"]["id"])


def test_a_new_prompt_is_checked_against_the_stored_voice(stored: tuple[Sandbox, str]) -> None:
    sandbox, assistant_id = stored
    change = UpdateAssistant(assistant_id=assistant_id, prompt=ENGLISH)
    with pytest.raises(Refused) as caught:
        do(change, sandbox.connect(), voice_mismatch="refuse")
    assert caught.value.code == "voice_mismatch"
    assert sandbox.connect().send(GetAssistant(assistant_id=assistant_id))["prompt"] == FRENCH
    assert any("French" in note for note in do(change, sandbox.connect())["notes"])
    again = UpdateAssistant(assistant_id=assistant_id, prompt=f"{FRENCH} Merci beaucoup.")
    assert do(again, sandbox.connect(), voice_mismatch="refuse")["notes"] == []


def test_a_new_voice_is_checked_against_the_stored_prompt(stored: tuple[Sandbox, str]) -> None:
    sandbox, assistant_id = stored
    german = choose_voice(sandbox.world.voices.values(), "de")
    change = UpdateAssistant(assistant_id=assistant_id, voice_id=german.id, voice_provider=german.provider)
    with pytest.raises(Refused, match="German") as caught:
        do(change, sandbox.connect(), voice_mismatch="refuse")
    assert caught.value.code == "voice_mismatch"
    assert any("German" in note for note in do(change, sandbox.connect())["notes"])


def test_a_new_prompt_for_a_voiceless_assistant_gets_it_a_voice_or_is_refused() -> None:
    sandbox = Sandbox()
    assistant_id = str(sandbox.connect().send(assistant(prompt=ENGLISH))["assistant"]["id"])
    changed = do(UpdateAssistant(assistant_id=assistant_id, prompt=FRENCH), sandbox.connect())
    assert voice_of(sandbox, changed["assistant"]["voice"])["language"] == "fr"
    other = str(sandbox.connect().send(assistant(name="Bob", prompt=ENGLISH))["assistant"]["id"])
    with pytest.raises(Refused) as caught:
        do(UpdateAssistant(assistant_id=other, prompt=DOUBTFUL["a code fence"]), sandbox.connect())
    assert caught.value.code == "ambiguous_language"


def test_a_new_language_gives_the_assistant_another_voice(stored: tuple[Sandbox, str]) -> None:
    sandbox, assistant_id = stored
    change = UpdateAssistant.parse({"assistant_id": assistant_id, "prompt": ENGLISH, "language": "English"})
    changed = do(change, sandbox.connect(), voice_mismatch="refuse")
    assert voice_of(sandbox, changed["assistant"]["voice"])["language"] == "en"
    french = UpdateAssistant(assistant_id=assistant_id, language="fr", prompt=FRENCH, **FRENCH_LADY)
    do(french, sandbox.connect(), voice_mismatch="refuse")
    kept = do(UpdateAssistant(assistant_id=assistant_id, language="fr"), sandbox.connect())
    assert kept["assistant"]["voice"]["id"] == FRENCH_LADY["voice_id"]


def test_a_change_of_something_else_asks_nothing_about_voices(stored: tuple[Sandbox, str]) -> None:
    sandbox, assistant_id = stored
    do(UpdateAssistant(assistant_id=assistant_id, name="Zoë"), sandbox.connect(), voice_mismatch="refuse")
    assert sandbox.counts["revox_list_voices"] == 0


def test_a_stored_assistant_that_the_default_voice_would_misread_rings_no_one() -> None:
    sandbox = Sandbox()
    assistant_id = str(sandbox.connect().send(assistant(prompt=FRENCH))["assistant"]["id"])
    contacts = [{"to_phone_number": "+12025550140"}]
    campaign = CreateCampaign.parse({"assistant_id": assistant_id, "name": "Spring", "contacts": contacts})
    for request in (call(assistant_id=assistant_id), campaign):
        with pytest.raises(Refused) as caught:
            do(request, sandbox.connect())
        assert caught.value.code == "voice_missing"
        assert "revox_update_assistant" in caught.value.next_step
    assert not sandbox.dials
    do(UpdateAssistant(assistant_id=assistant_id, language="fr"), sandbox.connect())
    assert do(call(assistant_id=assistant_id), sandbox.connect())["call"]["id"]


def test_a_language_goes_with_a_prompt_only_and_has_to_exist() -> None:
    for wrong in ({"assistant_id": "a", "language": "fr"}, {"prompt": ENGLISH, "language": "Klingon"}):
        with pytest.raises(InvalidInput, match="language"):
            call(**wrong)


def test_a_language_is_never_sent() -> None:
    for request in (call(prompt=FRENCH, language="fr"), assistant(prompt=FRENCH, language="fr")):
        assert "language" not in json.dumps(request.wire().body)


def test_a_model_reads_which_voice_was_chosen() -> None:
    sandbox = Sandbox()
    tool = make_tool(MakeCall, sandbox.connect(), Guard())
    arguments = {"phone_number": NUMBER, "prompt": FRENCH}
    message = tool.invoke({"name": tool.name, "args": arguments, "id": "1", "type": "tool_call"})
    assert voice_of(sandbox, sandbox.dials[0]["assistant"]["voice"])["name"] in message.content


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(LANGUAGES)),
    st.sampled_from(["{}", "- {}", "# Task\n{}", "{} {{{{first_name}}}}", "Contact: a@b.example\n{}"]),
    st.sampled_from(["make_call", "create_assistant", "update_assistant"]),
)
def test_whatever_way_a_prompt_comes_in_its_voice_speaks_its_language(language: str, shape: str, way: str) -> None:
    sandbox, prompt = Sandbox(), shape.format(LANGUAGES[language])
    connection = sandbox.connect()
    if way == "make_call":
        request: Any = call(prompt=prompt, prompt_variables={"first_name": "Zoë"})
        asyncio.run(arun(act(request, Guard()), connection))
        held = sandbox.dials[0]["assistant"]["voice"]
    elif way == "create_assistant":
        held = do(assistant(prompt=prompt), connection)["assistant"]["voice"]
    else:
        made = connection.send(assistant(prompt=ENGLISH))["assistant"]["id"]
        held = do(UpdateAssistant(assistant_id=made, prompt=prompt), connection)["assistant"]["voice"]
    assert voice_of(sandbox, held)["language"] == language


TOO_LONG = f"{ENGLISH} " * 2_000


@pytest.mark.parametrize(
    "policy", [{}, {"prompt_problems": "off"}, {"voice_mismatch": "off", "prompt_problems": "off"}]
)
def test_a_prompt_that_is_too_long_is_refused_whichever_way_it_comes(policy: dict[str, Any]) -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    held = str(connection.send(assistant(prompt=ENGLISH))["assistant"]["id"])
    requests: list[Request] = [call(prompt=TOO_LONG), call(prompt=TOO_LONG, **FRENCH_LADY), assistant(prompt=TOO_LONG)]
    for request in (*requests, UpdateAssistant(assistant_id=held, prompt=TOO_LONG)):
        with pytest.raises((Refused, InvalidInput), match="characters") as caught:
            do(request, connection, **policy)
        assert caught.value.code == "prompt_too_long"
    with pytest.raises(InvalidInput, match="characters"):
        call_graph(connection, policy=DialPolicy(**policy)).invoke({"phone_number": NUMBER, "prompt": TOO_LONG})
    assert not sandbox.dials


def test_a_long_prompt_is_checked_off_the_event_loop() -> None:
    sandbox, prompt = Sandbox(), f"{ENGLISH} " * 1_000
    lags: list[float] = []

    async def tick() -> None:
        while True:
            begun = time.thread_time()
            await asyncio.sleep(0)
            lags.append(time.thread_time() - begun)
            await asyncio.sleep(0.001)

    async def go() -> None:
        ticking = asyncio.create_task(tick())
        await arun(act(call(prompt=prompt), Guard()), sandbox.connect())
        ticking.cancel()

    asyncio.run(go())
    assert sandbox.dials
    assert max(lags) < 0.15


@pytest.mark.slow
def test_a_gender_that_no_voice_of_a_language_has_is_refused_with_the_way_on() -> None:
    with pytest.raises(NoVoice, match=r"Leave gender out: \d+ voices fit without it") as refused:
        do(ListVoices(language="it", gender="neutral"), Sandbox().connect())
    assert refused.value.code == "no_voice"
    assert do(ListVoices(language="it"), Sandbox().connect())["voices"]
