"""Agents with these tools: the whole example end to end, and what happens when a request is repeated."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    HumanInTheLoopMiddleware,
    PIIMiddleware,
    ToolCallLimitMiddleware,
    ToolRetryMiddleware,
)
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from revox_langchain import RevoxToolkit, Risk
from revox_langchain.operations.calls import MakeCall
from revox_langchain.sandbox import Fault, Sandbox
from tests.scripted_model import ScriptedModel, calls, last_artifact

HELLO = {"phone_number": "+12025550100", "prompt": "Please say hello to them."}
CONFIG: Any = {"configurable": {"thread_id": "t"}}
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def agent(sandbox: Sandbox, *turns: Any, **settings: Any) -> Any:
    toolkit = RevoxToolkit.sandbox(sandbox, max_risk=Risk.DIAL, toolsets=("calling",))
    return create_agent(
        ScriptedModel(turns=[*turns, AIMessage("Done.")]),
        toolkit.get_tools(),
        system_prompt=toolkit.instructions(),
        checkpointer=InMemorySaver(),
        **settings,
    )


def talk(an_agent: Any, given: Any = None, mode: str = "sync") -> dict[str, Any]:
    given = {"messages": [("user", "Call +1 202 555 0100.")]} if given is None else given
    out = an_agent.invoke(given, CONFIG) if mode == "sync" else asyncio.run(an_agent.ainvoke(given, CONFIG))
    assert isinstance(out, dict)
    return out


def results(out: dict[str, Any]) -> list[ToolMessage]:
    return [message for message in out["messages"] if isinstance(message, ToolMessage)]


@both_modes
def test_list_voices_pick_french_create_call_wait_and_report(sandbox: Sandbox, mode: str) -> None:
    def create(messages: list[BaseMessage]) -> AIMessage:
        voices = last_artifact(messages, "revox_list_voices")["voices"]
        french = next(v for v in voices if v["language"] == "fr")
        prompt = "Vous êtes l'assistante du cabinet. Confirmez le rendez-vous de mardi à 15 heures."
        return calls(
            (
                "revox_create_assistant",
                {"name": "Cabinet", "prompt": prompt, "voice_provider": french["provider"], "voice_id": french["id"]},
            ),
            start=1,
        )

    def call(messages: list[BaseMessage]) -> AIMessage:
        assistant = last_artifact(messages, "revox_create_assistant")["assistant"]
        return calls(("revox_make_call", {"phone_number": "+12025550100", "assistant_id": assistant["id"]}), start=2)

    def wait(messages: list[BaseMessage]) -> AIMessage:
        return calls(
            ("revox_wait_for_call", {"call_id": last_artifact(messages, "revox_make_call")["call"]["id"]}), start=3
        )

    def report(messages: list[BaseMessage]) -> AIMessage:
        ended = last_artifact(messages, "revox_wait_for_call")["call"]
        return AIMessage(f"The call is {ended['status']}: {ended['outcome']}.")

    out = talk(agent(sandbox, calls(("revox_list_voices", {"language": "fr"})), create, call, wait, report), mode=mode)
    assert out["messages"][-1].content == "The call is completed: completed."
    assert [m.status for m in results(out)] == ["success"] * 4
    assert len(sandbox.dials) == 1
    assert sandbox.dials[0]["assistant"]["voice"]["provider"]
    assert "Oui" in results(out)[-1].content


@both_modes
def test_a_model_that_calls_twice_rings_once(sandbox: Sandbox, mode: str) -> None:
    out = talk(agent(sandbox, calls(("revox_make_call", HELLO)), calls(("revox_make_call", HELLO), start=1)), mode=mode)
    assert [m.artifact["adopted"] for m in results(out)] == [False, True]
    assert len(sandbox.dials) == 1


@both_modes
def test_parallel_duplicate_tool_calls_ring_once(sandbox: Sandbox, mode: str) -> None:
    out = talk(agent(sandbox, calls(*[("revox_make_call", HELLO)] * 4)), mode=mode)
    assert sorted(m.artifact["adopted"] for m in results(out)) == [False, True, True, True]
    assert len(sandbox.dials) == 1


@both_modes
@pytest.mark.parametrize("prompts", [["Please say hello."] * 3, ["Please say hello.", "Greet them.", "Say hi."]])
def test_parallel_calls_without_a_thread_ring_once(sandbox: Sandbox, prompts: list[str], mode: str) -> None:
    toolkit = RevoxToolkit.sandbox(sandbox, max_risk=Risk.DIAL, include=("make_call",))
    turn = calls(*[("revox_make_call", {**HELLO, "prompt": prompt}) for prompt in prompts])
    an_agent = create_agent(ScriptedModel(turns=[turn, AIMessage("Done.")]), toolkit.get_tools())
    given = {"messages": [("user", "Call +1 202 555 0100.")]}
    out = an_agent.invoke(given) if mode == "sync" else asyncio.run(an_agent.ainvoke(given))
    assert sorted(m.artifact.get("code", "placed") for m in results(out)) == ["placed"] + ["recently_placed"] * 2
    assert len(sandbox.dials) == 1


def test_a_model_that_rephrases_after_an_error_rings_once(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("server_error_after", on=MakeCall))
    reworded = {**HELLO, "prompt": "Please greet them in a friendly way."}
    out = talk(agent(sandbox, calls(("revox_make_call", HELLO)), calls(("revox_make_call", reworded), start=1)))
    assert results(out)[1].artifact["code"] == "recently_placed"
    assert len(sandbox.dials) == 1


FAULTS = [
    "lose_after",
    "server_error_after",
    "html",
    "truncated",
    "empty",
    "lose_before",
    "server_error",
    "html_before",
]


@both_modes
@pytest.mark.parametrize("kind", FAULTS)
def test_retry_middleware_with_its_defaults_never_makes_a_second_order(sandbox: Sandbox, kind: Any, mode: str) -> None:
    sandbox.faults.add(Fault(kind, on=MakeCall, times=None))
    out = talk(agent(sandbox, calls(("revox_make_call", HELLO)), middleware=[ToolRetryMiddleware()]), mode=mode)
    assert sandbox.counts["revox_make_call"] == 1
    assert len(sandbox.dials) <= 1
    assert results(out)[0].status == ("success" if sandbox.dials else "error")


@both_modes
def test_a_person_approves_edits_or_rejects_before_it_rings(sandbox: Sandbox, mode: str) -> None:
    toolkit = RevoxToolkit.sandbox(sandbox, max_risk=Risk.DIAL)
    asking = [HumanInTheLoopMiddleware(interrupt_on=toolkit.approvals())]

    def asked(thread: str) -> Any:
        CONFIG["configurable"]["thread_id"] = thread
        an_agent = agent(sandbox, calls(("revox_make_call", HELLO)), middleware=asking)
        question = talk(an_agent, mode=mode)["__interrupt__"][0].value
        assert question["action_requests"][0]["args"] == HELLO
        return an_agent

    out = talk(asked("no"), Command(resume={"decisions": [{"type": "reject", "message": "not now"}]}), mode)
    assert not sandbox.dials
    assert "not now" in results(out)[0].content
    edited = {"name": "revox_make_call", "args": {**HELLO, "phone_number": "+12025550114"}}
    talk(asked("edit"), Command(resume={"decisions": [{"type": "edit", "edited_action": edited}]}), mode)
    assert [order["to_phone_number"] for order in sandbox.dials] == ["+12025550114"]
    talk(asked("yes"), Command(resume={"decisions": [{"type": "approve"}]}), mode)
    assert len(sandbox.dials) == 2


def test_reads_are_not_asked_about(sandbox: Sandbox) -> None:
    toolkit = RevoxToolkit.sandbox(sandbox, max_risk=Risk.DIAL)
    asking = [HumanInTheLoopMiddleware(interrupt_on=toolkit.approvals())]
    out = talk(agent(sandbox, calls(("revox_list_voices", {"language": "fr"})), middleware=asking))
    assert "__interrupt__" not in out


def test_stock_limits_and_masks_work_with_these_tools(sandbox: Sandbox) -> None:
    limits = [
        ToolCallLimitMiddleware(tool_name="revox_make_call", run_limit=1),
        PIIMiddleware("phone", detector=r"\+\d{7,15}", strategy="mask", apply_to_tool_results=True),
    ]
    other = {**HELLO, "phone_number": "+12025550114"}
    out = talk(agent(sandbox, calls(("revox_make_call", HELLO), ("revox_make_call", other)), middleware=limits))
    assert len(sandbox.dials) == 1
    assert "+12025550100" not in "".join(str(m.content) for m in results(out))


@pytest.mark.slow
def test_cancelling_in_the_middle_of_a_wait_leaves_the_call_and_the_thread_usable(sandbox: Sandbox) -> None:
    placed = sandbox.connect().send(MakeCall(phone_number="+12025550108", prompt="Say hello."))
    waiting = calls(("revox_wait_for_call", {"call_id": placed["call"]["id"], "timeout_s": 7200}))
    an_agent = agent(sandbox, waiting)

    async def cancelled() -> None:
        started = asyncio.Event()

        async def run() -> None:
            async for event in an_agent.astream({"messages": [("user", "Wait.")]}, CONFIG, stream_mode="custom"):
                if event["type"] == "revox.turn":
                    started.set()

        task = asyncio.create_task(run())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    CONFIG["configurable"]["thread_id"] = "cancelled"
    asyncio.run(cancelled())
    assert sandbox.counts["revox_cancel_call"] == 0
    out = an_agent.invoke(None, CONFIG)
    assert "completed" in results(out)[0].content


def test_words_spoken_on_a_call_cannot_pass_as_instructions(sandbox: Sandbox) -> None:
    placed = sandbox.connect().send(MakeCall(phone_number="+12025550112", prompt="Say hello."))
    call_id = placed["call"]["id"]
    wait = calls(("revox_wait_for_call", {"call_id": call_id, "transcript": "full", "timeout_s": 3600}))
    CONFIG["configurable"]["thread_id"] = "hostile"
    out = talk(agent(sandbox, wait))
    said = [
        t["content"]
        for a in results(out)[0].artifact["call"]["call_attempts"]
        for t in a["transcript"]
        if t["role"] == "user"
    ]
    lines = str(results(out)[0].content).splitlines()
    assert said
    for words in said:
        first = words.split()[0]
        assert all(line.startswith("| ") for line in lines if first in line and words[:20] in line)
    assert any(line.startswith("| ") for line in lines)


@both_modes
def test_the_whole_graph_is_one_tool(sandbox: Sandbox, mode: str) -> None:
    from revox_langchain.graph import call_graph_tool

    tool = call_graph_tool(sandbox.connect())
    turn = calls((tool.name, {**HELLO, "language": "en"}))
    model = ScriptedModel(turns=[turn, turn.model_copy(), AIMessage("Done.")])
    CONFIG["configurable"]["thread_id"] = f"graph tool {mode}"
    out = talk(create_agent(model, [tool], checkpointer=InMemorySaver()), mode=mode)
    assert [m.artifact["status"] for m in results(out)] == ["completed", "completed"]
    assert [m.artifact["adopted"] for m in results(out)] == [False, True]
    assert "| user:" in results(out)[0].content
    assert len(sandbox.dials) == 1


def asking_agent(sandbox: Sandbox, thread: str) -> Any:
    from revox_langchain.graph import call_graph_tool

    tool = call_graph_tool(sandbox.connect(), approve=True)
    model = ScriptedModel(turns=[calls((tool.name, {**HELLO, "language": "en"})), AIMessage("Done.")])
    CONFIG["configurable"]["thread_id"] = thread
    return create_agent(model, [tool], checkpointer=InMemorySaver())


@pytest.mark.a_few(every=4)
@both_modes
@pytest.mark.parametrize(
    "answer", [None, True, "yes", {"decision": "approve"}, [{"type": "accept", "args": None}]], ids=str
)
def test_a_question_of_the_graph_interrupts_the_agent_that_uses_it_as_a_tool(
    sandbox: Sandbox, answer: Any, mode: str
) -> None:
    an_agent = asking_agent(sandbox, f"graph tool asks {answer} {mode}")
    question = talk(an_agent, mode=mode)["__interrupt__"][0].value
    assert not sandbox.dials
    out = talk(an_agent, Command(resume=question["answers"]["approve"] if answer is None else answer), mode)
    assert results(out)[0].artifact["status"] == "completed"
    assert len(sandbox.dials) == 1


@both_modes
def test_a_changed_question_of_the_graph_as_a_tool_is_answered_by_the_interrupts_id(
    sandbox: Sandbox, mode: str
) -> None:
    an_agent = asking_agent(sandbox, f"graph tool asks again {mode}")
    talk(an_agent, mode=mode)
    talk(an_agent, Command(resume={"decision": "edit", "edits": {"prompt": "Please greet them."}}), mode)
    still = talk(an_agent, Command(resume=True), mode)["__interrupt__"][0]
    assert "does not count" in still.value["warnings"][-1]
    assert not sandbox.dials
    out = talk(an_agent, Command(resume={still.id: True}), mode)
    assert results(out)[0].artifact["status"] == "completed"
    assert [order["assistant"]["prompt"] for order in sandbox.dials] == ["Please greet them."]


@pytest.mark.parametrize("arguments", [{}, {"phone_number": "+12025550100"}, {**HELLO, "language": "klingon"}])
def test_wrong_arguments_to_the_graph_as_a_tool_are_a_result(sandbox: Sandbox, arguments: dict[str, Any]) -> None:
    from revox_langchain.graph import call_graph_tool

    tool = call_graph_tool(sandbox.connect())
    message = tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": arguments})
    assert message.status == "error"
    assert message.artifact["kind"] == "invalid"


@both_modes
@pytest.mark.parametrize(("number", "code"), [("+19005551234", "premium_number"), ("+12025550118", None)])
def test_a_refused_call_is_an_error_of_the_graph_as_a_tool(
    sandbox: Sandbox, number: str, code: str | None, mode: str
) -> None:
    from revox_langchain.graph import call_graph_tool

    if code is None:
        sandbox.faults.add(Fault("status", on=MakeCall, status=402))
    tool = call_graph_tool(sandbox.connect())
    request = {"type": "tool_call", "id": "1", "name": tool.name, "args": {**HELLO, "phone_number": number}}
    message = tool.invoke(request) if mode == "sync" else asyncio.run(tool.ainvoke(request))
    assert message.status == "error"
    assert message.artifact["status"] == "refused"
    assert message.artifact["code"] == message.artifact["error"]["code"]
    assert code in (None, message.artifact["code"])
    assert message.artifact["next_step"] in message.content
    assert not sandbox.dials


@pytest.mark.slow
def test_the_graph_as_a_tool_shows_its_warnings_to_the_model(sandbox: Sandbox) -> None:
    from revox_langchain.graph import call_graph_tool

    schema = {"properties": {"confirmed": {"type": "boolean"}}}
    asked = {**HELLO, "phone_number": "+12025550119", "language": "en", "structured_output_schema": schema}
    text = call_graph_tool(sandbox.connect(), fields="full").invoke(asked)
    assert "| warning: Structured output does not fit what was asked for: confirmed: Input should be" in text
