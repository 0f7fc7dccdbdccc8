"""The campaign graph: contacts become one campaign per language, each launched once, and every row is accounted for."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from revox_langchain import Budget
from revox_langchain.contacts import OptOut, SqliteContacts
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput
from revox_langchain.graph import Pace, campaign_graph
from revox_langchain.operations.assistants import UpdateAssistant
from revox_langchain.operations.calls import MakeCall
from revox_langchain.operations.campaigns import CancelCampaign, CreateCampaign, LaunchCampaign, PauseCampaign
from revox_langchain.operations.phone_numbers import ListPhoneNumbers
from revox_langchain.sandbox import Fault, Sandbox, Switches

ADA, BO, CY = "+12025550100", "+12025550101", "+12025550102"
ZOE, JAN = "+33142685300", "+493022222222"
WORDS = {
    "prompt": "You are an AI assistant. Ask {{name}} whether Tuesday suits them.",
    "prompts": {"fr": "Vous êtes une IA. Demandez à {{name}} si mardi leur convient."},
}
THREAD: Any = {"configurable": {"thread_id": "spring"}}


def contact(number: str, language: str = "en", **more: str) -> dict[str, str]:
    return {"phone": number, "language": language, "name": "Ada", **more}


TWO_LANGUAGES = [contact(ADA), contact(BO), contact(ZOE, "fr")]


def given(*contacts: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"contacts": list(contacts) or TWO_LANGUAGES, **WORDS, **more}


def people(count: int) -> list[dict[str, str]]:
    """Contacts who answer; their numbers are reserved for fiction."""
    return [contact(f"+3319900{at:04}", "fr") for at in range(count)]


def graph_of(sandbox: Sandbox, **options: Any) -> Any:
    return campaign_graph(sandbox.connect(), checkpointer=InMemorySaver(), **{"approve": False, **options})


def launches(sandbox: Sandbox) -> int:
    return sandbox.counts["revox_launch_campaign"]


def launched_numbers(sandbox: Sandbox) -> list[str]:
    """Every number that an order of a campaign is to ring or has rung."""
    orders = sandbox.world.book.values()
    return sorted(each.call["to_phone_number"] for each in orders if each.status != "not_launched")


def question(out: dict[str, Any]) -> dict[str, Any]:
    [asked] = out["__interrupt__"]
    shown: dict[str, Any] = asked.value
    return shown


@pytest.mark.slow
def test_each_language_is_one_campaign_launched_once_and_every_row_is_accounted_for() -> None:
    sandbox = Sandbox()
    rows = [*TWO_LANGUAGES, contact(JAN, "de"), contact("12"), contact(ADA, name="Ada again"), contact(CY, "sw")]
    out = graph_of(sandbox).invoke(given(*rows), THREAD)
    assert out["status"] == "completed"
    assert [(each["language"], each["contacts"]) for each in out["campaigns"]] == [("en", 2), ("fr", 1), ("de", 1)]
    assert (len(sandbox.world.campaigns), launches(sandbox)) == (3, 3)
    assert out["states"] == {"ended": 4, "rejected": 2, "duplicate": 1}
    assert out["not_called"] == {"short_number": 1, "duplicate_number": 1, "unsupported_language": 1}
    assert sum(out["states"].values()) == len(rows)
    assert out["conclusions"]["en"] == {"completed": 1, "not_reached": 1}
    assert [line for line in out["problems"] if line.startswith("row 5, column 'phone'")]


@pytest.mark.slow
async def test_it_runs_in_an_event_loop_as_well() -> None:
    sandbox = Sandbox()
    out = await graph_of(sandbox).ainvoke(given(), THREAD)
    assert (out["status"], launches(sandbox)) == ("completed", 2)


async def test_nothing_in_it_blocks_the_event_loop(tmp_path: Path) -> None:
    (tmp_path / "contacts.csv").write_text(
        f"phone,language,name\n{ADA},en,Ada\n{ZOE},fr,Zoé\n12,en,Bo\n", encoding="utf-8"
    )
    (tmp_path / "out.csv").write_text("phone\n")
    store = SqliteContacts(tmp_path / "contacts.db")
    folders: dict[str, Any] = {"contacts_dir": tmp_path, "results_dir": tmp_path, "opt_out": tmp_path / "out.csv"}
    graph = graph_of(Sandbox(), store=store, **folders)
    # Files are read on the first call; that would be reported as blocking.
    graph_of(Sandbox()).invoke(given(contact(ADA)), THREAD)
    with blockbuster_ctx():
        out = await graph.ainvoke({"contacts_file": "contacts.csv", **WORDS}, THREAD)
    assert out["states"] == {"ended": 2, "rejected": 1}


def test_who_must_not_be_called_becomes_a_row_with_a_reason_and_the_others_go_on(tmp_path: Path) -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    own = connection.send(ListPhoneNumbers())["phone_numbers"][0]["phone_number"]
    opted_out, marked = "+12025550106", "+12025550107"
    sandbox.world.do_not_contact.add(marked)
    connection.send(MakeCall(phone_number=CY, prompt="Say hello.", language="en"))
    sandbox.world.advance(40)
    (tmp_path / "out.csv").write_text(f"phone\n{opted_out}\n")
    rows = [contact(number) for number in (ADA, own, opted_out, marked, CY, "+33899123456")]
    graph = campaign_graph(
        connection, approve=False, opt_out=tmp_path / "out.csv", policy=DialPolicy(min_gap_s=86_400, settle_s=1)
    )
    out = graph.invoke(given(*rows))
    assert out["not_called"] == {
        "own_number": 1,
        "opted_out": 1,
        "do_not_contact": 1,
        "recently_placed": 1,
        "premium_number": 1,
    }
    assert out["states"] == {"ended": 1, "refused": 5}


@pytest.mark.slow
def test_a_person_sees_what_will_be_created_and_nothing_is_before_the_yes() -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox, approve=True)
    shown = question(graph.invoke(given(*TWO_LANGUAGES, contact("12")), THREAD))
    assert shown["message"].startswith("Call 3 contacts (2 in en, 1 in fr)? At worst 9 attempts, 270 minutes.")
    assert shown["arguments"]["not_called"] == {"short_number": 1}
    assert {each["voice"]["language"] for each in shown["arguments"]["groups"]} == {"en", "fr"}
    assert (len(sandbox.world.campaigns), launches(sandbox)) == (0, 0)
    out = graph.invoke(Command(resume=shown["answers"]["approve"]), THREAD)
    assert (out["status"], launches(sandbox)) == ("completed", 2)


def test_the_question_shows_first_sentences_as_three_contacts_will_hear_them() -> None:
    sentences = {"first_sentence": "Hello {{name}}.", "first_sentences": {"fr": "Bonjour {{name}}, c'est une IA."}}
    rows = [contact(ADA, name="Bea"), contact(ZOE, "fr", name="Zoé")]
    shown = question(graph_of(Sandbox(), approve=True).invoke(given(*rows, **sentences), THREAD))
    said = [each["first_sentence"] for each in shown["arguments"]["first_sentences"]]
    assert said == ["Hello Bea.", "Bonjour Zoé, c'est une IA."]


@pytest.mark.parametrize("answer", [False, "no", {"decision": "reject", "reason": "too many"}])
def test_a_no_creates_nothing(answer: Any) -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox, approve=True)
    graph.invoke(given(), THREAD)
    out = graph.invoke(Command(resume=answer), THREAD)
    assert (out["status"], out["error"]["code"]) == ("rejected", "rejected")
    assert (len(sandbox.world.campaigns), launches(sandbox)) == (0, 0)
    assert out["states"] == {"ready": 3}


@pytest.mark.parametrize(
    "answer", [{"decision": "approve", "arguments_hash": "0" * 64}, {"decision": "edit"}, 1, "perhaps"]
)
def test_an_answer_to_something_else_leaves_the_question_open(answer: Any) -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox, approve=True)
    first = question(graph.invoke(given(), THREAD))
    again = question(graph.invoke(Command(resume=answer), THREAD))
    assert again["arguments_hash"] == first["arguments_hash"]
    assert again["warnings"] != first["warnings"]
    assert len(sandbox.world.campaigns) == 0


def test_the_hash_stands_for_contacts_texts_and_limits() -> None:
    def hashed(**more: Any) -> str:
        asked = given(*more.pop("contacts", TWO_LANGUAGES), intent="spring", **more)
        return str(question(graph_of(Sandbox(), approve=True).invoke(asked, THREAD))["arguments_hash"])

    other_name = [contact(ADA, name="Eve"), *TWO_LANGUAGES[1:]]
    hashes = [hashed(), hashed(contacts=other_name), hashed(max_attempts=2), hashed(max_concurrent_calls=1)]
    assert len({*hashes, hashed(first_sentence="Hello.")}) == 5
    assert hashed() == hashes[0]


def test_an_assistant_that_is_edited_after_the_yes_is_asked_about_again() -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox, approve=True)
    shown = question(graph.invoke(given(contact(ADA)), THREAD))
    [group] = shown["arguments"]["groups"]
    sandbox.connect().send(UpdateAssistant(assistant_id=group["assistant_id"], prompt="Sell something."))
    again = question(graph.invoke(Command(resume=True), THREAD))
    assert again["arguments_hash"] != shown["arguments_hash"]
    assert question(graph.invoke(Command(resume=True), THREAD))["arguments_hash"] == again["arguments_hash"]
    assert launches(sandbox) == 0
    assert graph.invoke(Command(resume=again["answers"]["approve"]), THREAD)["status"] == "completed"


@pytest.mark.parametrize("kind", ["lose_after", "truncated", "server_error_after", "lose_before"])
def test_a_lost_answer_to_the_creation_makes_no_second_campaign(kind: Any) -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault(kind, on=CreateCampaign))
    graph = graph_of(sandbox)
    try:
        out = graph.invoke(given(contact(ADA)), THREAD)
    except Exception:
        assert kind == "lose_before"
        out = graph.invoke(None, THREAD)
    assert (out["status"], len(sandbox.world.campaigns), launches(sandbox)) == ("completed", 1, 1)


@pytest.mark.parametrize("kind", ["lose_after", "truncated", "server_error_after"])
def test_a_lost_answer_to_a_launch_that_happened_is_seen_in_the_rows(kind: Any) -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault(kind, on=LaunchCampaign))
    out = graph_of(sandbox).invoke(given(contact(ADA)), THREAD)
    assert (out["status"], launches(sandbox)) == ("completed", 1)


@pytest.mark.parametrize(
    ("answer", "status", "sent"), [("dial", "completed", 2), ("give_up", "unknown", 1), ("look_again", None, 1)]
)
def test_a_launch_that_may_have_happened_is_asked_about(answer: str, status: str | None, sent: int) -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault("lose_before", on=LaunchCampaign))
    graph = graph_of(sandbox)
    shown = question(graph.invoke(given(contact(ADA)), THREAD))
    assert shown["type"] == "revox.launch_unknown"
    assert question(graph.invoke(Command(resume=True), THREAD))["warnings"]
    out = graph.invoke(Command(resume=shown["answers"][answer]), THREAD)
    assert launches(sandbox) == sent
    assert out.get("status") == status or question(out)["type"] == "revox.launch_unknown"


def test_where_no_one_is_to_be_asked_a_lost_launch_is_reported_and_not_repeated() -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault("lose_before", on=LaunchCampaign))
    out = graph_of(sandbox, on_unknown="report").invoke(given(contact(ADA)), THREAD)
    assert (out["status"], out["error"]["code"], launches(sandbox)) == ("unknown", "launch_unknown", 1)
    assert out["states"] == {"ready": 1}


@pytest.mark.slow
@pytest.mark.parametrize("stored", [True, False])
def test_the_same_intent_in_another_thread_finds_the_campaign_and_rings_no_one_again(
    stored: bool, tmp_path: Path
) -> None:
    sandbox = Sandbox()
    options: dict[str, Any] = {"store": SqliteContacts(tmp_path / "contacts.db")} if stored else {}
    first = graph_of(sandbox, **options).invoke(given(intent="spring"), THREAD)
    rang = [order.call["calls_count"] for order in sandbox.world.book.values()]
    other: Any = {"configurable": {"thread_id": "another"}}
    second = graph_of(sandbox, **options).invoke(given(intent="spring"), other)
    assert (len(sandbox.world.campaigns), launches(sandbox)) == (2, 2)
    assert [order.call["calls_count"] for order in sandbox.world.book.values()] == rang
    assert second["states"] == first["states"] == {"ended": 3}
    assert [each["campaign_id"] for each in second["campaigns"]] == [each["campaign_id"] for each in first["campaigns"]]


def test_contacts_that_come_later_under_the_same_intent_are_left_out_and_named() -> None:
    sandbox = Sandbox()
    graph_of(sandbox).invoke(given(contact(ADA), intent="spring"), THREAD)
    out = graph_of(sandbox).invoke(given(contact(ADA), contact(BO), intent="spring"), THREAD)
    assert out["not_called"] == {"campaign_exists": 1}
    assert "1 of the contacts; they are not called. Give them a new intent." in " ".join(out["warnings"])
    assert launched_numbers(sandbox) == [ADA]


def test_the_same_intent_with_other_words_is_refused() -> None:
    sandbox = Sandbox()
    graph_of(sandbox).invoke(given(contact(ADA), intent="spring"), THREAD)
    out = graph_of(sandbox).invoke({**given(contact(ADA), intent="spring"), "prompt": "Sell {{name}} a car."}, THREAD)
    assert (out["status"], out["error"]["code"], launches(sandbox)) == ("refused", "intent_conflict", 1)


def test_who_opts_out_after_the_yes_is_left_out_of_the_launch() -> None:
    sandbox = Sandbox()
    listed: set[str] = set()

    def opt_out(people: Any) -> set[str]:
        listed.update(person.number for person in people)
        return listed

    graph = graph_of(sandbox, approve=True, opt_out=opt_out)
    graph.invoke(given(contact(ADA), contact(BO), contact(CY)), THREAD)
    opt_out([OptOut(BO)])
    sandbox.world.do_not_contact.add(CY)
    out = graph.invoke(Command(resume=True), THREAD)
    assert launched_numbers(sandbox) == [ADA]
    assert out["states"] == {"ended": 1, "left_out": 2}
    assert out["not_called"] == {"opted_out": 1, "do_not_contact": 1}


def test_a_contact_in_a_call_that_began_meanwhile_is_left_out_of_the_launch() -> None:
    sandbox = Sandbox(switches=Switches(organization_limit=0))
    graph = graph_of(sandbox, approve=True, policy=DialPolicy(settle_s=1))
    graph.invoke(given(contact(ADA), contact(BO)), THREAD)
    sandbox.connect().send(MakeCall(phone_number=BO, prompt="Say hello.", language="en"))
    sandbox.switches = sandbox.switches.changed({"organization_limit": 100})
    sandbox.world.do_not_contact.discard(BO)
    out = graph.invoke(Command(resume=True), THREAD)
    assert out["not_called"] == {"recently_placed": 1}
    assert out["states"] == {"ended": 1, "left_out": 1}


@pytest.mark.parametrize("stop", [PauseCampaign, CancelCampaign])
def test_nothing_more_is_launched_once_someone_has_paused_or_cancelled(stop: Any) -> None:
    sandbox = Sandbox(switches=Switches(organization_limit=0))
    graph = graph_of(sandbox, pace=Pace(max_wait_s=3600))
    for event in graph.stream(given(), THREAD, stream_mode="custom"):
        if event["type"] == "revox.campaign_launched":
            sandbox.connect().send(stop(campaign_id=event["campaign_id"]))
            break
    out = graph.invoke(None, THREAD)
    assert launches(sandbox) == 1
    assert [each["held"] and each["held"]["code"] for each in out["campaigns"]] == [None, "campaign_stopped"]
    assert out["states"]["ready"] == 1


def test_a_campaign_beyond_the_budget_is_created_and_not_launched() -> None:
    sandbox = Sandbox()
    out = graph_of(sandbox, budget=Budget(orders=1)).invoke(given(contact(ADA), contact(BO)), THREAD)
    assert (out["status"], out["error"]["code"], launches(sandbox)) == ("refused", "budget_exceeded", 0)
    assert out["states"] == {"ready": 2}


def test_more_than_ten_contacts_need_no_other_policy() -> None:
    sandbox = Sandbox(switches=Switches(organization_limit=100))
    assert graph_of(sandbox).invoke(given(*people(12)), THREAD)["states"] == {"ended": 12}


def test_a_prompt_alone_decides_the_language_of_contacts_that_name_none() -> None:
    rows = [{"phone": ADA, "name": "Ada"}]
    prompt = "Vous êtes une assistante virtuelle. Demandez à {{name}} si mardi à quinze heures lui convient."
    out = graph_of(Sandbox()).invoke({"contacts": rows, "prompt": prompt}, THREAD)
    assert [each["language"] for each in out["campaigns"]] == ["fr"]


def test_a_country_decides_the_language_only_where_the_caller_says_so() -> None:
    rows = [{"phone": ZOE, "name": "Zoé"}]
    asked = {"contacts": rows, "prompts": {"fr": "Vous êtes une IA. Dites bonjour."}}
    out = graph_of(Sandbox()).invoke(asked, THREAD)
    assert (out["status"], out["not_called"]) == ("nobody_to_call", {"no_language": 1})
    out = graph_of(Sandbox()).invoke({**asked, "language_by_country": True}, THREAD)
    assert out["status"] == "completed"


def test_a_language_without_a_prompt_is_set_aside_and_the_others_are_called() -> None:
    out = graph_of(Sandbox()).invoke({"contacts": TWO_LANGUAGES, "prompts": {"fr": "Vous êtes une IA."}}, THREAD)
    assert out["not_called"] == {"no_prompt": 2}
    assert out["states"] == {"ended": 1, "refused": 2}


def test_a_language_without_such_a_voice_is_set_aside_with_its_reason() -> None:
    wanted = {"voice_preferences": {"provider": "gradium", "gender": "male"}}
    sandbox = Sandbox()
    out = graph_of(sandbox).invoke(given(contact(ADA), contact("+8613800138000", "zh"), **wanted), THREAD)
    assert sum(out["states"].values()) == 2
    assert all("zh" in each for each in out["warnings"] if "are not called" in each)


@pytest.mark.slow
def test_a_missing_value_is_warned_of_or_refused_as_the_policy_says() -> None:
    rows = [contact(ADA), {"phone": BO, "language": "en"}]
    out = graph_of(Sandbox()).invoke(given(*rows), THREAD)
    assert "1 contacts have no value for {{name}}, which is said as it stands." in out["warnings"]
    out = graph_of(Sandbox(), policy=DialPolicy(prompt_problems="refuse")).invoke(given(*rows), THREAD)
    assert out["not_called"] == {"missing_variable": 1}


@pytest.mark.slow
def test_an_assistant_that_exists_calls_everybody_who_speaks_its_language() -> None:
    sandbox = Sandbox()
    first = graph_of(sandbox).invoke(given(contact(ADA)), THREAD)
    [campaign] = first["campaigns"]
    asked = {"contacts": [contact(BO), contact(ZOE, "fr")], "assistant_id": campaign["assistant_id"]}
    out = graph_of(sandbox).invoke({**asked, "max_attempts": 2}, THREAD)
    assert (out["states"], out["not_called"]) == ({"ended": 1, "refused": 1}, {"voice_mismatch": 1})
    assert max(order.call["calls_count"] for order in sandbox.world.book.values()) == 2


@pytest.mark.parametrize(
    ("contacts", "code"),
    [([], "empty_file"), ([{"name": "Ada"}], "no_number_column"), ([{"phone": ""}], "empty_file")],
)
def test_contacts_that_cannot_be_read_are_a_sentence_and_nothing_is_created(contacts: Any, code: str) -> None:
    sandbox = Sandbox()
    out = graph_of(sandbox).invoke({"contacts": contacts, **WORDS}, THREAD)
    assert (out["status"], out["error"]["code"]) == ("refused", code)
    assert out["error"]["next_step"]
    assert len(sandbox.world.campaigns) == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"contacts": TWO_LANGUAGES},
        {**WORDS},
        given(contacts_file="contacts.csv"),
        given(assistant_id="9c1e0f5c-6f0e-4b6d-8a55-0d4c8f9a7e21"),
        given(max_attempts=0),
        given(stop_when={"yesses": 3}),
    ],
)
def test_an_input_that_contradicts_itself_is_refused(asked: Any) -> None:
    with pytest.raises(InvalidInput):
        graph_of(Sandbox()).invoke(asked, THREAD)


@pytest.mark.slow
def test_a_file_is_read_only_from_the_folder_that_the_code_names(tmp_path: Path) -> None:
    folder = tmp_path / "contacts"
    folder.mkdir()
    (folder / "ours.csv").write_text(f"phone,language,name\n{ADA},en,Ada\n")
    (tmp_path / "secret.csv").write_text(f"phone,language,name\n{BO},en,Bo\n")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    sandbox = Sandbox()
    for name in ("../secret.csv", str(tmp_path / "secret.csv"), "link.csv", "none.csv", "."):
        out = graph_of(sandbox, contacts_dir=folder).invoke({"contacts_file": name, **WORDS}, THREAD)
        assert out["error"]["code"] == "unknown_file"
    out = graph_of(sandbox).invoke({"contacts_file": "ours.csv", **WORDS}, THREAD)
    assert out["error"]["code"] == "unknown_file"
    out = graph_of(sandbox, contacts_dir=folder).invoke({"contacts_file": "ours.csv", **WORDS}, THREAD)
    assert out["states"] == {"ended": 1}


def test_without_a_store_more_than_five_hundred_contacts_are_refused() -> None:
    sandbox = Sandbox()
    out = graph_of(sandbox).invoke(given(*people(501)), THREAD)
    assert (out["status"], out["error"]["code"]) == ("refused", "store_needed")
    assert len(sandbox.world.campaigns) == 0


@pytest.mark.slow
def test_with_a_store_the_state_does_not_grow_with_the_contacts(tmp_path: Path) -> None:
    def size(count: int) -> int:
        saver = InMemorySaver()
        store = SqliteContacts(tmp_path / f"{count}.db")
        graph = campaign_graph(Sandbox().connect(), checkpointer=saver, store=store)
        graph.invoke(given(*people(count)), THREAD)
        return len(json.dumps(graph.get_state(THREAD).values, default=str))

    assert abs(size(60) - size(6)) < 20


@pytest.mark.slow
def test_results_keep_order_and_columns_and_what_was_wrong_can_be_corrected(tmp_path: Path) -> None:
    rows = [contact(BO, ref="7"), contact("12", ref="8"), contact(ADA, ref="=9")]
    out = graph_of(Sandbox(), results_dir=tmp_path).invoke(given(*rows), THREAD)
    header, *lines = Path(out["results_csv"]).read_text(encoding="utf-8-sig").splitlines()
    assert header.startswith("phone,language,name,ref,revox_row_state,revox_row_code,revox_call_id,revox_conclusion")
    assert [line.split(",")[0] for line in lines] == [BO, "12", ADA]
    assert "'=9" in lines[2]
    assert "short_number" in Path(out["errors_csv"]).read_text(encoding="utf-8-sig")


def test_results_say_why_a_contact_was_not_called() -> None:
    sandbox = Sandbox()
    sandbox.world.do_not_contact.add(BO)
    out = graph_of(sandbox).invoke(given(contact(ADA), contact(BO)), THREAD)
    assert f"{BO},en,Ada,refused,do_not_contact" in out["results_csv"]


def test_a_rule_that_is_met_stops_the_campaign_and_says_why() -> None:
    sandbox = Sandbox(switches=Switches(organization_limit=2))
    out = graph_of(sandbox).invoke(given(*people(12), stop_when={"calls": 3}), THREAD)
    assert out["status"] == "stopped"
    assert "contacts were called, and 3 are the limit" in out["reason"]
    assert out["still_open"] > 0


def test_the_form_explains_every_field_in_the_order_people_fill_them() -> None:
    schema = graph_of(Sandbox()).get_input_jsonschema()
    fields = schema["properties"]
    assert [name for name, field in fields.items() if not (field.get("description") and field.get("examples"))] == []
    assert list(fields)[:4] == ["contacts", "contacts_file", "prompt", "prompts"]
    assert list(fields)[-1] == "intent"


def test_the_picture_reads_like_the_story() -> None:
    nodes = list(graph_of(Sandbox(), approve=True).get_graph().nodes)
    story = ["read", "guard", "group", "choose_voice", "ensure_assistant", "preview", "approve", "create", "launch"]
    assert nodes[1:-1] == [*story, "ask", "watch", "report"]


def test_two_runs_of_one_intent_at_once_ring_each_number_once() -> None:
    sandbox = Sandbox(switches=Switches(organization_limit=0))

    async def both() -> None:
        graph = graph_of(sandbox)
        threads: list[Any] = [{"configurable": {"thread_id": f"{at}"}} for at in range(2)]
        tasks = [asyncio.create_task(until_watching(graph, thread)) for thread in threads]
        await asyncio.gather(*tasks)

    async def until_watching(graph: Any, thread: Any) -> None:
        async for event in graph.astream(given(intent="spring"), thread, stream_mode="custom"):
            if event["type"] == "revox.campaign":
                return

    asyncio.run(both())
    live = [each for each in sandbox.world.campaigns.values() if not each.cancelled]
    assert len(live) == 2
    numbers = launched_numbers(sandbox)
    assert numbers == sorted({ADA, BO, ZOE})
