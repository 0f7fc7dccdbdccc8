"""A chat model over a local GGUF file, with the tool template that the file brings."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolCall, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

# Some files show the format of a call with doubled braces, which small models copy.
_DOUBLED = (('{{\\"name\\"', '{\\"name\\"'), ("<args-json-object>}}", "<args-json-object>}"))


def tool_calls_in(text: str) -> list[ToolCall]:
    """Find tool calls in what a model wrote: in tags, in a code fence or bare, since small models write all three."""
    found: list[ToolCall] = []
    text = text.replace('{{"name"', '{"name"')
    at = text.find("{")
    while at >= 0:
        try:
            value, end = json.JSONDecoder().raw_decode(text, at)
        except ValueError:
            end = at + 1
        else:
            arguments = value.get("arguments", value.get("parameters", {}))
            if isinstance(value.get("name"), str) and isinstance(arguments, dict):
                found.append(ToolCall(name=value["name"], args=arguments, id=uuid.uuid4().hex[:8], type="tool_call"))
        at = text.find("{", end)
    return found


def never_empty(prompt_tokens: int, ends: Collection[int]) -> Callable[[Sequence[int], Any], Any]:
    """What keeps an answer from ending before its first word, as `min_tokens` of model servers does.

    Args:
        prompt_tokens: How many tokens were read.
        ends: Tokens that end an answer.
    """

    def weighed(tokens: Sequence[int], scores: Any) -> Any:
        if len(tokens) == prompt_tokens:
            for end in ends:
                scores[end] = float("-inf")
        return scores

    return weighed


class LocalModel(BaseChatModel):
    """A model from a GGUF file, always with its likeliest words, so that runs repeat.

    Args:
        path: The file.
        context: Most tokens of prompt and answer together.
        longest: Most tokens of an answer.
        threads: Threads to compute with.
    """

    path: str
    context: int = 16_384
    longest: int = 256
    threads: int = 2
    _engine: Any = PrivateAttr()
    _template: Any = PrivateAttr()

    def model_post_init(self, _: Any) -> None:
        try:
            from llama_cpp import Llama
        except ImportError:
            raise SystemExit("--gguf needs llama-cpp-python: pip install llama-cpp-python") from None
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        if not Path(self.path).is_file():
            raise SystemExit(f"There is no file {self.path}.")
        n = self.threads
        self._engine = Llama(self.path, n_ctx=self.context, n_threads=n, n_threads_batch=n, verbose=False, seed=1)
        template = self._engine.metadata.get("tokenizer.chat_template", "")
        if "tools" not in template:
            raise SystemExit(f"{self.path} has no chat template that knows tools.")
        for doubled, single in _DOUBLED:
            template = template.replace(doubled, single)
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
        self._template = environment.from_string(template)

    @property
    def _llm_type(self) -> str:
        return "local-gguf"

    def get_num_tokens(self, text: str) -> int:
        return len(self._tokens(text))

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _tokens(self, text: str) -> list[int]:
        tokens: list[int] = self._engine.tokenize(text.encode(), add_bos=False, special=True)
        return tokens

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        from llama_cpp import LogitsProcessorList

        shown = [_for_template(message) for message in messages]
        text = self._template.render(messages=shown, tools=kwargs.get("tools") or None, add_generation_prompt=True)
        prompt = self._tokens(text)
        ends = {self._engine.token_eos(), *self._tokens("<|im_end|>")}
        # The engine keeps what it read last time, so that equal beginnings (the tools) are read once.
        out = self._engine.create_completion(
            prompt,
            max_tokens=self.longest,
            temperature=0.0,
            stop=["<|im_end|>", "</tool_call>", *(stop or [])],
            logits_processor=LogitsProcessorList([never_empty(len(prompt), ends)]),
        )
        said, used = out["choices"][0]["text"], out["usage"]["completion_tokens"]
        calls = tool_calls_in(said) if kwargs.get("tools") else []
        usage = {"input_tokens": len(prompt), "output_tokens": used, "total_tokens": len(prompt) + used}
        message = AIMessage("" if calls else said.strip(), tool_calls=calls, usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])


def _for_template(message: BaseMessage) -> dict[str, Any]:
    match message:
        case SystemMessage():
            return {"role": "system", "content": message.text}
        case HumanMessage():
            return {"role": "user", "content": message.text}
        case ToolMessage():
            return {"role": "tool", "content": message.text}
        case AIMessage():
            calls = [{"name": call["name"], "arguments": call["args"]} for call in message.tool_calls]
            return {"role": "assistant", "content": message.text, "tool_calls": calls}
    raise TypeError(type(message).__name__)
