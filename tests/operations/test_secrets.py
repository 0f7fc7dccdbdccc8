"""Secrets are redacted wherever Revox echoes them, always in the same way, and never sent back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revox_langchain.dialing.configuration import digest, same
from revox_langchain.errors import InvalidInput
from revox_langchain.operations.assistants import CreateAssistant, UpdateAssistant
from revox_langchain.operations.calls import MakeCall
from revox_langchain.operations.fields import REDACTED
from revox_langchain.operations.secrets import redacted_url, same_as_shown, without_secrets

TOKEN = "kJ8sT2vQ9xLm4Zp7"
"""Looks like what services put into the URLs of webhooks."""

tokens = st.text("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", min_size=16, max_size=40).filter(
    lambda text: any(char.isdigit() for char in text) and any(char.isalpha() for char in text)
)
places = st.sampled_from(
    [
        "https://user:{}@example.com/hooks",
        "https://{}@example.com",
        "https://example.com/hooks/{}",
        "https://example.com/{}/call-ended?phone={{{{phone}}}}",
        "https://example.com/hooks?token={}",
        "https://example.com/hooks?{}",
        "https://example.com/hooks?a=1;token={}&b={}",
        "https://example.com:8443/hooks#{}",
        "https://[::1]/hooks/{}/",
        "http://user:a@b:{}@example.com/",
        "//example.com/{}",
        "https://example.com/v1;token={}/x",
        "{}",
    ]
)


def assistant(url: str, secret: str) -> dict[str, Any]:
    tool = {
        "name": "look_up",
        "url": url,
        "headers": [{"key": "X-Hook", "value": secret}, {"key": "Accept", "value": "application/json"}],
        "query_params": [{"key": "key", "value": secret}, {"key": "phone", "value": "{{phone}}"}],
        "body_template": json.dumps({"api_token": secret, "name": "{{name}}"}),
    }
    return {
        "prompt": "Call them.",
        "webhook_url": url,
        "precall_lookup_url": url,
        "llm_model": {"type": "custom", "api_key": secret, "api_url": url, "model_name": "m"},
        "custom_tools": [tool],
    }


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/hooks?token=abc", "https://example.com/hooks?token=[redacted]"),
        (f"https://example.com/hooks/{TOKEN}", "https://example.com/hooks/[redacted]"),
        ("https://user:pass@example.com/hooks", "https://[redacted]@example.com/hooks"),
        ("https://example.com/look-up/{{phone}}?n={{phone}}", "https://example.com/look-up/{{phone}}?n={{phone}}"),
        ("https://example.com/appointment-confirmation/v2/callEnded.php", None),
        ("https://example.com/a249eaff-1e96-4d2c-b23b-12efa4f66f41/x", "https://example.com/[redacted]/x"),
        (
            "https://hooks.slack.com/services/T0AB/B0CD/" + TOKEN,
            "https://hooks.slack.com/services/T0AB/B0CD/[redacted]",
        ),
        ("not a url", None),
        ("", None),
    ],
)
def test_a_url_says_where_it_leads_without_its_tokens(url: str, shown: str | None) -> None:
    assert redacted_url(url) == (url if shown is None else shown)


@given(tokens, places)
def test_no_token_is_left_in_a_url_and_redacting_twice_changes_nothing(token: str, place: str) -> None:
    shown = redacted_url(place.format(*[token] * place.count("{}")))
    assert token not in shown
    assert redacted_url(shown) == shown


@given(st.text())
def test_any_text_can_be_redacted_as_a_url(text: str) -> None:
    assert redacted_url(redacted_url(text)) == redacted_url(text)


@given(tokens, places)
def test_no_secret_of_an_assistant_is_left_wherever_it_is_nested(token: str, place: str) -> None:
    url = place.format(*[token] * place.count("{}"))
    answer = {"calls": [{"id": "c", "assistant": assistant(url, token)}]}
    shown = without_secrets(answer)
    assert token not in json.dumps(shown)
    assert without_secrets(shown) == shown
    kept = shown["calls"][0]["assistant"]
    assert kept["prompt"] == "Call them."
    assert kept["custom_tools"][0]["headers"][1]["value"] == "application/json"
    assert kept["custom_tools"][0]["query_params"][1]["value"] == "{{phone}}"


@given(tokens, places)
def test_an_assistant_sent_in_clear_is_the_one_that_is_held_with_its_secrets_redacted(token: str, place: str) -> None:
    sent = assistant(place.format(*[token] * place.count("{}")), token)
    assert same(sent, without_secrets(sent))
    assert digest(sent) == digest(without_secrets(sent))
    other = assistant("https://elsewhere.example/hooks", token)
    assert not same(sent, without_secrets(other))


def test_a_url_that_leads_elsewhere_is_not_the_same() -> None:
    assert same_as_shown("https://a.example/x?t=1", "https://a.example/x?t=[redacted]")
    assert not same_as_shown("https://a.example/x?t=1", "https://b.example/x?t=[redacted]")
    assert not same_as_shown("https://a.example/x", "https://a.example/x?t=[redacted]")


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize("stand_in", [REDACTED, "%5Bredacted%5D", "%5bREDACTED%5d"])
@pytest.mark.parametrize(
    ("request_type", "arguments"),
    [
        (CreateAssistant, {"name": "n", "prompt": "p"}),
        (UpdateAssistant, {"assistant_id": "a"}),
        (MakeCall, {"phone_number": "+12025550100", "prompt": "p"}),
    ],
)
def test_a_redacted_url_is_not_sent_back(request_type: Any, arguments: dict[str, Any], stand_in: str) -> None:
    url = f"https://example.com/hooks?token={stand_in}"
    places: list[dict[str, Any]] = [
        {"settings": {"precall_lookup_url": url}},
        {"settings": {"custom_tools": [{"name": "t", "url": url}]}},
        {"settings": {"llm_model": {"type": "custom", "api_url": url}}},
    ]
    if "webhook_url" in request_type.model_fields:
        places.append({"webhook_url": url})
    for place in places:
        with pytest.raises(InvalidInput, match="leave the field out"):
            request_type.parse({**arguments, **place})
