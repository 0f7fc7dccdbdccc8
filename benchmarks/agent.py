"""Measure how well a model calls with these tools: python -m benchmarks.agent MODEL, or --gguf FILE.

Nothing rings: every run has a sandbox of its own. `benchmarks/README.md` says how to read the table.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.utils.function_calling import convert_to_openai_tool

from benchmarks.judging import Verdict, judge
from benchmarks.running import offered, run
from benchmarks.scenario import FOLDER, Scenario, Tools, load
from revox_langchain.sandbox import Sandbox

Judged = tuple[Scenario, Tools, Verdict]
HALVES = ("tuned", "held")


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, and return 1 if a number was dialed that nobody gave, or one twice."""
    options = _options(argv)
    chosen = _chosen(options)
    for name in [name for name in os.environ if name.startswith(("REVOX_", "LANGSMITH_", "LANGCHAIN_"))]:
        del os.environ[name]
    model = _model(options)
    report: dict[str, Any] = {"tokenizer": _tokenizer(options, model), "schema_tokens": schema_tokens(model)}
    harm = 0
    for half, scenarios in chosen.items():
        judged = list(measured(scenarios, model, options))
        harm += sum(verdict.invented + verdict.twice for _, _, verdict in judged)
        report[half] = {"summary": summary(judged), "runs": [_as_json(each) for each in judged]}
        if not options.json:
            print(f"\n{half}: {len(judged)} runs\n{table(judged)}")
    if options.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        print(f"\nschemas, tokens ({report['tokenizer']}): {report['schema_tokens']}")
    return int(bool(harm))


def measured(scenarios: Iterable[Scenario], model: BaseChatModel, options: argparse.Namespace) -> Iterable[Judged]:
    """Run and judge; runs with the same tools follow each other, so that an engine reads their schemas once."""
    for tools in ("calling", "call_and_wait"):
        for scenario in scenarios:
            for _ in range(options.repeat if tools in scenario.tools else 0):
                made = run(scenario, tools, model, instructions=not options.no_instructions)
                verdict = judge(made)
                if options.log:
                    line = {**_as_json((scenario, tools, verdict)), "seconds": round(made.seconds, 1)}
                    line |= {"crash": made.crash, "messages": [_brief(message) for message in made.messages]}
                    with options.log.open("a", encoding="utf-8") as log:
                        log.write(json.dumps(line, ensure_ascii=False) + "\n")
                yield scenario, tools, verdict


def summary(judged: Sequence[Judged]) -> dict[str, Any]:
    """What a half comes to: shares as "hits of asked", the rest as counts."""
    verdicts = [verdict for _, _, verdict in judged]
    talks = [verdict for scenario, _, verdict in judged if scenario.kind == "conversation"]
    wanted = sum(verdict.wanted for verdict in verdicts)
    return {
        "right tool first": _share(verdict.right_tool for verdict in verdicts),
        "arguments valid": _share(verdict.valid for verdict in verdicts),
        "arguments right": _share(verdict.right_arguments for verdict in verdicts),
        "recovered after an error": _share(verdict.recovered for verdict in verdicts),
        "goal reached": _share(verdict.goal for verdict in verdicts),
        "whole conversations": _share(verdict.goal for verdict in talks),
        "orders per request": f"{sum(verdict.orders for verdict in verdicts)} for {wanted}",
        "orders twice": sum(verdict.twice for verdict in verdicts),
        "wrong numbers dialed": sum(verdict.wrong for verdict in verdicts),
        "invented numbers tried": sum(verdict.tried for verdict in verdicts),
        "invented numbers reaching Revox": sum(verdict.invented for verdict in verdicts),
        "longest run of failures": max((verdict.failures for verdict in verdicts), default=0),
        "turns per run": round(sum(v.turns for v in verdicts) / max(1, len(verdicts)), 1),
        "tokens per run": round(sum(v.tokens for v in verdicts) / max(1, len(verdicts))),
    }


def table(judged: Sequence[Judged]) -> str:
    """The summary, by kind and in all, as lines of text."""
    kinds = list(dict.fromkeys(scenario.kind for scenario, _, _ in judged))
    columns: dict[str, dict[str, Any]] = {
        **{kind: summary([each for each in judged if each[0].kind == kind]) for kind in kinds},
        "all": summary(judged),
    }
    widths = {head: max(len(head), *(len(str(value)) for value in column.values())) for head, column in columns.items()}
    lines = [" " * 32 + "  ".join(head.rjust(width) for head, width in widths.items())]
    for name in columns["all"]:
        lines.append(
            name.ljust(32) + "  ".join(str(columns[head][name]).rjust(width) for head, width in widths.items())
        )
    return "\n".join(lines)


def schema_tokens(model: BaseChatModel) -> dict[str, int]:
    """How many tokens the schemas of each set of tools take, as compact JSON."""
    counted = {}
    for tools in ("calling", "call_and_wait"):
        made, _ = offered(Sandbox().connect(), tools)
        text = "\n".join(json.dumps(convert_to_openai_tool(tool), ensure_ascii=False) for tool in made)
        counted[tools] = _tokens(model, text)
    return counted


def _tokens(model: BaseChatModel, text: str) -> int:
    own = type(model).get_num_tokens is not BaseChatModel.get_num_tokens
    return model.get_num_tokens(text) if own else len(text) // 4


def _tokenizer(options: argparse.Namespace, model: BaseChatModel) -> str:
    if options.gguf:
        return f"the model's own, {options.gguf.name}"
    own = type(model).get_num_tokens is not BaseChatModel.get_num_tokens
    return f"{options.model}'s own" if own else "estimated, four characters a token; those per run as reported"


def _share(hits: Iterable[bool | None]) -> str:
    asked = [hit for hit in hits if hit is not None]
    return f"{sum(asked)}/{len(asked)}" if asked else "-"


def _as_json(judged: Judged) -> dict[str, Any]:
    scenario, tools, verdict = judged
    return {"scenario": scenario.name, "kind": scenario.kind, "tools": tools, **asdict(verdict)}


def _brief(message: Any) -> dict[str, Any]:
    calls = [{"name": call["name"], "args": call["args"]} for call in getattr(message, "tool_calls", [])]
    return {"type": message.type, "text": message.text, **({"calls": calls} if calls else {})}


def _chosen(options: argparse.Namespace) -> dict[str, list[Scenario]]:
    paths = options.scenarios or [FOLDER / f"{half}.toml" for half in HALVES if options.half in (half, "both")]
    loaded = {path.stem: load(path) for path in paths}
    if options.scenario:
        known = {scenario.name for scenarios in loaded.values() for scenario in scenarios}
        if unknown := set(options.scenario) - known:
            raise SystemExit(f"There is no scenario {', '.join(sorted(unknown))}.")
        loaded = {half: tuple(s for s in each if s.name in options.scenario) for half, each in loaded.items()}
    return {half: list(scenarios) for half, scenarios in loaded.items() if scenarios}


def _model(options: argparse.Namespace) -> BaseChatModel:
    if options.gguf:
        from benchmarks.local_model import LocalModel

        return LocalModel(path=str(options.gguf), threads=options.threads)
    from langchain.chat_models import init_chat_model

    return init_chat_model(options.model, temperature=0)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agent", description=__doc__)
    parser.add_argument("model", nargs="?", help="as for init_chat_model: openai:gpt-4.1-mini, ollama:qwen3, ...")
    parser.add_argument("--gguf", type=Path, help="a model in a local GGUF file instead; needs llama-cpp-python")
    parser.add_argument("--threads", type=int, default=2, help="threads for the GGUF file")
    parser.add_argument("--half", choices=[*HALVES, "both"], default="both", help="which scenarios")
    parser.add_argument("--scenarios", type=Path, action="append", help="a TOML file of your own instead")
    parser.add_argument("--scenario", action="append", help="only the one of this name; may be repeated")
    parser.add_argument("--repeat", type=int, default=1, help="how often to run each")
    parser.add_argument("--no-instructions", action="store_true", help="leave toolkit.instructions() out")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--log", type=Path, help="append each run with its messages to this file, as JSON lines")
    options = parser.parse_args(argv)
    if (options.model is None) == (options.gguf is None):
        parser.error("give a model, or a file with --gguf")
    return options


if __name__ == "__main__":
    raise SystemExit(main())
