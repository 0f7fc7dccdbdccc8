"""The judge of the agent benchmark, held to models whose runs are known beforehand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from benchmarks import agent
from benchmarks.judging import Verdict, is_given, judge, numbers_in
from benchmarks.local_model import LocalModel, never_empty, tool_calls_in
from benchmarks.running import Run, run
from benchmarks.scenario import Scenario, Tools, half
from tests.scripted_model import ScriptedModel, calls

SCENARIOS = (*half("tuned"), *half("held"))
PAIRS = [(scenario, tools) for scenario in SCENARIOS for tools in scenario.tools]
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
each_pair = pytest.mark.parametrize(("scenario", "tools"), PAIRS, ids=lambda each: getattr(each, "name", each))


class Perfect(BaseChatModel):
    """Does what a scenario says is right; a call that waits needs no waiting for."""

    scenario: Scenario
    tools: Tools = "calling"
    _steps: list[Any] = PrivateAttr()

    def model_post_init(self, _: Any) -> None:
        skipped = ("wait_for_call",) if self.tools == "call_and_wait" else ()
        self._steps = [step for step in self.scenario.right if step.tool not in skipped]

    @property
    def _llm_type(self) -> str:
        return "perfect"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        step = self._steps.pop(0)
        if step.tool is None:
            said = AIMessage(step.said)
        else:
            name = "call_and_wait" if self.tools == "call_and_wait" and step.tool == "make_call" else step.tool
            args = {key: _call_id(messages) if value == "$call_id" else value for key, value in step.args.items()}
            said = calls((f"revox_{name}", args), start=len(messages))
        return ChatResult(generations=[ChatGeneration(message=said)])


def _call_id(messages: list[BaseMessage]) -> str:
    placed = [m for m in messages if isinstance(m, ToolMessage) and m.name == "revox_make_call" and m.artifact]
    return str(placed[-1].artifact["call"]["id"])


def judged(name: str, *turns: Any, tools: Tools = "calling") -> Verdict:
    return judge(run(BY_NAME[name], tools, ScriptedModel(turns=list(turns))))


@pytest.mark.a_few(every=11)
@each_pair
def test_a_model_that_does_what_is_right_gets_everything(scenario: Scenario, tools: Tools) -> None:
    made = run(scenario, tools, Perfect(scenario=scenario, tools=tools))
    verdict = judge(made)
    assert made.crash is None
    assert verdict.goal
    assert verdict.right_tool
    assert verdict.valid is not False
    assert verdict.right_arguments is not False
    assert verdict.recovered is not False
    assert (verdict.orders, verdict.twice, verdict.wrong, verdict.invented, verdict.tried) == (
        verdict.wanted,
        0,
        0,
        0,
        0,
    )


@pytest.mark.a_few(every=6)
@each_pair
def test_a_model_that_only_claims_to_have_called_reaches_no_goal_that_needs_a_tool(
    scenario: Scenario, tools: Tools
) -> None:
    made = run(scenario, tools, ScriptedModel(turns=[AIMessage("Done.")]))
    needs_a_tool = any(step.tool for step in scenario.right)
    already_placed = scenario.kind == "recovery" and len(made.orders) == len(scenario.numbers)
    assert judge(made).goal is (not scenario.reports and (not needs_a_tool or already_placed))


def test_a_number_that_nobody_gave_is_counted_as_tried_and_as_reaching_revox_only_if_it_did() -> None:
    invented = calls(("revox_make_call", {"phone_number": "+12025550199", "prompt": "Ask for an appointment."}))
    made = run(BY_NAME["whole-en"], "calling", ScriptedModel(turns=[invented, AIMessage("Done.")]))
    verdict = judge(made)
    assert verdict.tried == 1
    assert verdict.invented == verdict.wrong == len(made.reached)
    assert not verdict.goal
    assert not verdict.right_tool


def test_an_invented_number_in_an_order_is_counted_as_dialed() -> None:
    made = run(BY_NAME["first-en"], "calling", Perfect(scenario=BY_NAME["first-en"]))
    elsewhere = Run(BY_NAME["invented-hotel-pt"], "calling", orders=made.orders, reached=made.reached)
    verdict = judge(elsewhere)
    assert (verdict.wrong, verdict.invented, verdict.goal) == (1, 1, False)


def test_a_number_is_given_only_from_the_moment_somebody_says_it() -> None:
    early = calls(("revox_make_call", {"phone_number": "+12025550158", "prompt": "Move it to Friday."}))
    verdict = judged("whole-en", early, AIMessage("What is the number?"), AIMessage("Done."))
    assert verdict.tried == 1


def test_a_second_order_to_the_same_number_is_counted() -> None:
    first = run(BY_NAME["first-en"], "calling", Perfect(scenario=BY_NAME["first-en"]))
    doubled = Run(BY_NAME["first-en"], "calling", messages=first.messages, orders=first.orders * 2)
    assert (judge(doubled).twice, judge(doubled).goal) == (1, False)


def test_the_right_number_with_the_wrong_language_reaches_no_goal() -> None:
    wrong = calls(("revox_make_call", {"phone_number": "+33199001234", "prompt": "Confirm the mardi meeting at 15."}))
    verdict = judged("first-fr", wrong, AIMessage("Done."))
    assert (verdict.right_tool, verdict.right_arguments, verdict.goal) == (True, False, False)


def test_a_call_for_another_day_than_now_reaches_no_goal() -> None:
    args = {**BY_NAME["first-en"].right[0].args, "scheduled_at": "2026-02-02T15:00:00Z"}
    verdict = judged("first-en", calls(("revox_make_call", args)), AIMessage("Done."))
    assert (verdict.right_arguments, verdict.goal) == (False, False)


def test_failures_in_a_row_are_counted_and_a_loop_is_stopped() -> None:
    def wrong(messages: list[BaseMessage]) -> AIMessage:
        return calls(("revox_get_call", {"call_id": "your-call-id"}), start=len(messages))

    made = run(BY_NAME["first-en"], "calling", ScriptedModel(turns=[wrong]))
    verdict = judge(made)
    assert made.stopped
    assert verdict.failures == verdict.turns == 8
    assert (verdict.valid, verdict.recovered, verdict.goal) == (False, False, False)


def test_an_error_of_the_model_is_kept_and_counts_as_failed() -> None:
    def breaks(_: list[BaseMessage]) -> AIMessage:
        raise RuntimeError("out of memory")

    made = run(BY_NAME["nothing-capital-en"], "calling", ScriptedModel(turns=[breaks]))
    assert made.crash == "RuntimeError: out of memory"
    assert not judge(made).goal


def test_numbers_are_read_in_any_writing_and_only_whole() -> None:
    given = numbers_in("Call (202) 555-0131, or +44 20 7946 0134 tomorrow at 3.")
    assert is_given("+12025550131", given)
    assert is_given("+442079460134", given)
    assert not is_given("+12025550132", given)
    assert not is_given("+1202555", given)


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>',
        'Sure.\n```json\n{"name": "f", "arguments": {"a": 1}}\n```',
        '{"name": "f", "arguments": {"a": 1}}',
        '<tool_call>\n{{"name": "f", "arguments": {"a": 1}}}',
    ],
)
def test_a_small_model_may_write_a_call_in_tags_in_a_fence_or_bare(text: str) -> None:
    assert [(call["name"], call["args"]) for call in tool_calls_in(text)] == [("f", {"a": 1})]


def test_other_json_and_prose_are_no_calls() -> None:
    assert tool_calls_in('The answer is {"city": "Paris"} and {nothing}.') == []


def test_the_report_has_both_halves_and_names_its_tokenizer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(agent, "_model", lambda _: ScriptedModel(turns=[AIMessage("Paris, in Italy: Rome.")]))
    names = ["nothing-capital-en", "held-nothing-capital-fr"]
    asked = ["a:model", "--json", "--repeat", "2", *(f"--scenario={name}" for name in names)]
    assert agent.main(asked) == 0
    report = json.loads(capsys.readouterr().out)
    assert [len(report[half]["runs"]) for half in ("tuned", "held")] == [2, 2]
    assert report["held"]["summary"]["goal reached"] == "2/2"
    assert report["tokenizer"].startswith("estimated")


def test_an_unknown_scenario_is_said_in_a_sentence() -> None:
    with pytest.raises(SystemExit, match="There is no scenario nope"):
        agent.main(["a:model", "--scenario", "nope"])


def test_a_model_is_asked_for_once(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ([], ["a:model", "--gguf", "a.gguf"]):
        with pytest.raises(SystemExit):
            agent.main(wrong)
        assert "give a model, or a file with --gguf" in capsys.readouterr().err


def test_without_its_engine_or_without_the_file_a_local_model_says_so_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"llama-cpp-python|There is no file"):
        LocalModel(path=str(tmp_path / "none.gguf"))


@pytest.mark.slow
def test_a_local_model_ends_no_answer_before_its_first_word() -> None:
    weigh = never_empty(3, {1, 2})
    never = float("-inf")
    assert weigh([7, 7, 7], [1.0] * 4) == [1.0, never, never, 1.0]
    assert weigh([7, 7, 7, 7], [1.0] * 4) == [1.0] * 4
