"""A span of OpenTelemetry for each operation, where the application traces: what it was about, not what was said."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from revox_langchain.connection.privacy import without_numbers
from revox_langchain.errors import RevoxToolError
from revox_langchain.operations.operation import Operation
from revox_langchain.results.call import CallResult
from revox_langchain.results.order import id_of, order_in, part_of

if TYPE_CHECKING:
    from opentelemetry.trace import Span

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OperationSpan:
    """The span of one operation; None where nobody traces."""

    span: Span | None = None

    def answered(self, answer: T) -> T:
        """Note which call or campaign an answer is about, and how a call stands."""
        if self.span is None or not isinstance(answer, Mapping):
            return answer
        if campaign_id := id_of(part_of(answer, "campaign")):
            self.span.set_attribute("revox.campaign_id", campaign_id)
        if (order := order_in(answer)) is not None:
            call = CallResult.from_call(order)
            self.span.set_attributes(
                {
                    "gen_ai.conversation.id": call.call_id,
                    "revox.call_id": call.call_id,
                    "revox.status": call.status,
                    **({"revox.disposition": call.disposition} if call.ended else {}),
                }
            )
        return answer

    def failed(self, error: BaseException) -> None:
        """Note the code of an error; its message may hold a number."""
        if self.span is None:
            return
        from opentelemetry.trace import StatusCode

        known = error if isinstance(error, RevoxToolError) else None
        code = known.code if known else type(error).__name__
        self.span.set_attribute("error.type", code)
        if known and known.http_status is not None:
            self.span.set_attribute("http.response.status_code", known.http_status)
        self.span.set_status(StatusCode.ERROR, code)


@contextmanager
def spanned(operation: Operation, base_url: str) -> Iterator[OperationSpan]:
    """A span around an operation, with its retries; a tool's own span is that of whoever traces LangChain.

    Args:
        operation: What is sent.
        base_url: Where.
    """
    # Whoever traces has imported it. Importing it here would cost all others 30 ms.
    if "opentelemetry.trace" not in sys.modules:
        yield OperationSpan()
        return
    from opentelemetry.trace import SpanKind, get_tracer

    tracer = get_tracer("revox_langchain")
    with tracer.start_as_current_span(
        operation.spec.name, kind=SpanKind.CLIENT, record_exception=False, set_status_on_exception=False
    ) as span:
        traced = OperationSpan(span if span.is_recording() else None)
        if traced.span is not None:
            span.set_attributes(_facts(operation, base_url))
        try:
            yield traced
        except BaseException as error:
            traced.failed(error)
            raise


def _facts(operation: Operation, base_url: str) -> dict[str, str]:
    ids = {
        "gen_ai.agent.id": getattr(operation, "assistant_id", None),
        "gen_ai.conversation.id": getattr(operation, "call_id", None),
        "revox.call_id": getattr(operation, "call_id", None),
        "revox.campaign_id": getattr(operation, "campaign_id", None),
    }
    return {
        "gen_ai.provider.name": "revox",
        "revox.operation": operation.spec.name,
        "revox.risk": operation.spec.risk.name.lower(),
        "http.request.method": operation.spec.verb or "",
        "server.address": urlsplit(base_url).hostname or "",
        **{name: without_numbers(value) for name, value in ids.items() if isinstance(value, str)},
    }
