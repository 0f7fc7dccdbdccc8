"""Count the tokens that a model reads, ours beside what one would give it instead: python -m benchmarks.tokens.

The tokenizer is one that its package ships, so that nothing is fetched: pip install mistral-common.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import revox
from langchain_core.messages import ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from mcp.shared.memory import create_connected_server_and_client_session
from pydantic import TypeAdapter
from revox import types as sdk_types
from revox._resource import SyncAPIResource

from benchmarks.rows import as_lines
from revox_langchain import RevoxToolkit, Risk
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.mcp import HostedMcp

PACKAGES = ("revox-langchain", "revox", "langchain-core", "mistral-common")
MOST_PER_TOOL = 120
MOST_FOR_A_CALL = 400
"""What is promised: tokens of a tool's schema on average, and of an ended call without its transcript."""

CALLING = 8
NUMBER = "+12025550100"
PROMPT = "You are the assistant of Dr. Doe. Confirm the appointment on Tuesday at 3 pm, and ask whether it suits."

Count = Callable[[str], int]
_PARAMS = re.compile(r"\b(\w+_params)\.(\w+Params)\b")


def tokenizer() -> tuple[str, Count]:
    """A tokenizer of models, and its name."""
    try:
        from mistral_common.tokens.tokenizers.mistral import MistralTokenizer
    except ImportError:
        raise SystemExit("pip install mistral-common, which brings a tokenizer.") from None
    tekken = MistralTokenizer.v3(is_tekken=True).instruct_tokenizer.tokenizer
    return "Tekken 240911 of Mistral", lambda text: len(tekken.encode(text, bos=False, eos=False))


def schemas() -> dict[str, list[dict[str, Any]]]:
    """Every set of tools, as functions in the form that models are given."""
    toolkit = RevoxToolkit.sandbox(max_risk=Risk.DELETE)
    calling = RevoxToolkit.sandbox(max_risk=Risk.DIAL, toolsets=("calling",))
    hosted = asyncio.run(_hosted())
    names = {tool.name for tool in calling.get_tools()}
    return {
        "ours, all": [convert_to_openai_tool(tool)["function"] for tool in toolkit.get_tools()],
        "SDK's params, all": list(_sdk_tools()),
        "MCP list, all": hosted,
        "ours, calling": [convert_to_openai_tool(tool)["function"] for tool in calling.get_tools()],
        "MCP list, calling": [tool for tool in hosted if tool["name"] in names],
    }


def results() -> dict[str, tuple[str, str]]:
    """What eight tools answer in a sandbox with some calls: as JSON, and as a model reads it."""
    sandbox = Sandbox()
    tools = {tool.name: tool for tool in RevoxToolkit.sandbox(sandbox, max_risk=Risk.DIAL).get_tools()}
    found: dict[str, tuple[str, str]] = {}

    def use(shown: str, tool_name: str, /, **arguments: Any) -> Any:
        said = tools[tool_name].invoke({"type": "tool_call", "id": "1", "name": tool_name, "args": arguments})
        assert isinstance(said, ToolMessage)
        found[shown] = (_compact(said.artifact), said.text)
        return said.artifact

    voices = use("revox_list_voices", "revox_list_voices", language="en")["voices"]
    made = use(
        "revox_create_assistant",
        "revox_create_assistant",
        name="Appointments",
        prompt=PROMPT,
        voice_provider=voices[0]["provider"],
        voice_id=voices[0]["id"],
    )
    use("revox_list_assistants", "revox_list_assistants")
    placed = use("revox_make_call", "revox_make_call", phone_number=NUMBER, assistant_id=made["assistant"]["id"])
    call_id = placed["call"]["id"]
    use("revox_wait_for_call", "revox_wait_for_call", call_id=call_id)
    use("revox_get_call, ended", "revox_get_call", call_id=call_id)
    use("revox_get_call, transcript", "revox_get_call", call_id=call_id, transcript="full")
    for last in range(1, 10):
        tools["revox_make_call"].invoke({"phone_number": f"{NUMBER[:-2]}{last:02}", "prompt": PROMPT})
    sandbox.world.advance(4 * 3600)
    use("revox_get_call_history", "revox_get_call_history")
    return found


def measured(count: Count) -> dict[str, dict[str, float]]:
    """The rows: sets of tools, then answers raw and rendered."""
    rows: dict[str, dict[str, float]] = {}
    for name, tools in schemas().items():
        total = sum(count(_compact(tool)) for tool in tools)
        rows[f"schemas: {name}"] = {"tools": len(tools), "tokens": total, "per tool": total / len(tools)}
    for name, (raw, rendered) in results().items():
        rows[f"result: {name}"] = {
            "raw": count(raw),
            "tokens": count(rendered),
            "times less": count(raw) / count(rendered),
        }
    return rows


def kept(rows: Mapping[str, Mapping[str, float]]) -> bool:
    """Whether what is promised holds."""
    per_tool = rows["schemas: ours, all"]["per tool"]
    ended = [rows[f"result: {name}"]["tokens"] for name in ("revox_wait_for_call", "revox_get_call, ended")]
    return per_tool <= MOST_PER_TOOL and max(ended) <= MOST_FOR_A_CALL


def main(argv: Sequence[str] | None = None) -> int:
    """Count, print, and return 1 if it is more than is promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tokens", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    name, count = tokenizer()
    rows = measured(count)
    made_by = {"tokenizer": name, **{each: version(each) for each in PACKAGES}}
    print(json.dumps({**made_by, "rows": rows}) if options.json else f"tokenizer {name}\n{as_lines(rows)}")
    return int(not kept(rows))


async def _hosted() -> list[dict[str, Any]]:
    async with create_connected_server_and_client_session(HostedMcp(Sandbox()).server) as session:
        listed = (await session.list_tools()).tools
    return [{"name": tool.name, "description": tool.description, "parameters": tool.inputSchema} for tool in listed]


def _sdk_tools() -> Iterator[dict[str, Any]]:
    """Every method of the SDK's, with its own types and words."""
    with revox.Revox(api_key="k") as client:
        resources = {
            name: type(getattr(client, name))
            for name in dir(type(client))
            if not name.startswith(("_", "with_")) and isinstance(getattr(client, name), SyncAPIResource)
        }
    for resource, of in resources.items():
        for method, function in inspect.getmembers(of, inspect.isfunction):
            source = inspect.getsource(function)
            if method.startswith("_") or "self._" not in source:
                continue
            params = _PARAMS.search(source)
            schema: dict[str, Any] = {"type": "object", "properties": {}}
            if params:
                schema = TypeAdapter(getattr(getattr(sdk_types, params[1]), params[2])).json_schema()
            for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
                if parameter.kind is not parameter.KEYWORD_ONLY:
                    schema["properties"] = {name: {"type": "string"}, **schema["properties"]}
                    schema["required"] = [name, *schema.get("required", [])]
            words = inspect.getdoc(function) or ""
            yield {"name": f"{resource}_{method}", "description": words, "parameters": schema}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    raise SystemExit(main())
