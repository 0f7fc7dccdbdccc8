"""One span per operation where the application traces: ids, risk and disposition, and nothing that was said."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from revox_langchain.errors import RevoxToolError
from revox_langchain.graph import call_graph
from revox_langchain.operations.calls import GetCall
from revox_langchain.sandbox import Sandbox

NUMBER = "+12025550100"
HELLO = {"phone_number": NUMBER, "prompt": "Please greet them, and say that the cat of +1 202 555 0142 is ill."}
_EXPORTER = InMemorySpanExporter()


@pytest.fixture(scope="module", autouse=True)
def _provider() -> None:
    # Once per process, as OpenTelemetry has it.
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(_EXPORTER))


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    _EXPORTER.clear()
    yield _EXPORTER
    _EXPORTER.clear()


def ours(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.instrumentation_scope.name == "revox_langchain"]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_each_operation_of_a_call_has_a_span_with_what_it_was_about(exporter: InMemorySpanExporter, mode: str) -> None:
    graph = call_graph(Sandbox().connect())
    out: Any = graph.invoke(HELLO) if mode == "sync" else asyncio.run(graph.ainvoke(HELLO))
    spans = {span.name: span for span in ours(exporter)}
    dial = dict(spans["revox_make_call"].attributes or {})
    assert spans["revox_make_call"].kind is SpanKind.CLIENT
    assert dial["revox.call_id"] == dial["gen_ai.conversation.id"] == out["call_id"]
    assert dial["revox.risk"] == "dial"
    assert dial["gen_ai.provider.name"] == "revox"
    read = dict(spans["revox_get_call"].attributes or {})
    assert (read["revox.status"], read["revox.disposition"]) == ("completed", "answered")


def test_neither_numbers_nor_words_stand_in_a_span(exporter: InMemorySpanExporter) -> None:
    out: Any = call_graph(Sandbox().connect()).invoke(HELLO)
    told = "\n".join(span.to_json() for span in ours(exporter))
    for secret in (NUMBER, "0142", "cat", *(turn["content"] for turn in out["transcript"])):
        assert secret not in told


def test_a_failure_is_a_code_without_its_message(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(RevoxToolError):
        Sandbox().connect().send(GetCall(call_id=NUMBER))
    [span] = ours(exporter)
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "not_found")
    assert (span.attributes or {})["http.response.status_code"] == 404
    assert list(span.events) == []
    assert NUMBER not in span.to_json()
