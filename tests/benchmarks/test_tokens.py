"""What a model reads is as short as is promised, by a tokenizer of models."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from benchmarks import tokens

pytest.importorskip("mistral_common", reason="pip install mistral-common")

Rows = Mapping[str, Mapping[str, float]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    return tokens.measured(tokens.tokenizer()[1])


@pytest.mark.slow
def test_tools_and_ended_calls_take_no_more_tokens_than_is_promised(rows: Rows) -> None:
    assert tokens.kept(rows)


@pytest.mark.slow
def test_what_the_sdk_and_the_hosted_server_would_show_is_measured_whole(rows: Rows) -> None:
    ours, theirs = rows["schemas: ours, all"], rows["schemas: SDK's params, all"]
    assert theirs["tools"] >= ours["tools"]
    assert rows["schemas: MCP list, all"]["tools"] >= ours["tools"]


@pytest.mark.slow
def test_an_answer_is_shorter_for_a_model_than_for_a_program() -> None:
    for name, (raw, rendered) in tokens.results().items():
        assert json.loads(raw), name
        assert len(rendered) < len(raw), name


def test_more_than_is_promised_is_told() -> None:
    def rows_with(per_tool: float, ended: float) -> Rows:
        results = {f"result: {name}": {"tokens": ended} for name in ("revox_wait_for_call", "revox_get_call, ended")}
        return {"schemas: ours, all": {"per tool": per_tool}, **results}

    assert tokens.kept(rows_with(120, 400))
    assert not tokens.kept(rows_with(121, 400))
    assert not tokens.kept(rows_with(120, 401))
