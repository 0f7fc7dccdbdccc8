"""A call as one HTML file: all that is known, what came from outside as text, and nothing that asks for more."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput
from revox_langchain.results.call import CallResult
from revox_langchain.results.page import SCHEMA_VERSION, draw, page_in, page_of
from tests.processes import patience_s
from tests.results.orders import ORDERS, order, talk

pytest.importorskip("jinja2", reason="this environment is older than the dependency: run make install")

INTENT = "b7e1f2c4-3d7b-5a1e-9c55-6f0f5f2f9a10"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)> \"'&amp; \u202egnp.exe\u2066 \x00\x1b"


class Reader(HTMLParser):
    """The text, tags and attributes of a page, as a browser reads them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def html_of(*attempts: JsonObject, show_numbers: bool = False, **more: Any) -> str:
    return CallResult.from_call(order(*attempts, **more)).to_html(show_numbers=show_numbers)


def test_a_page_says_what_is_known_of_the_call() -> None:
    page = Reader(
        html_of(
            talk(4),
            outcome="interested",
            outcome_summary="Wants an offer.",
            metadata={"revox_langchain_intent": INTENT},
            assistant={"name": "Lea", "max_call_duration_secs": 600, "prompt": "THE SECRET PROMPT"},
        )
    )
    for words in (
        "+1202•••••00",
        "Wants an offer.",
        "Tue 6 Jan 2026, 05:00:00 −05:00 (America/New_York, the callee's zone)",
        "interested",
        "20.0 of at most 30",
        "1 of at most 3",
        "Lea",
        INTENT,
        "assistant 50 %, callee 50 %",
        "answered after 1.00 s: transcription 0.20, model 0.40, voice 0.10",
        "Yes, go ahead, I have a minute for you. (3)",
    ):
        assert words in page.text, words
    assert page.tags.count("svg") == 3


def test_what_is_not_known_reads_not_reported() -> None:
    page = Reader(CallResult.from_call({"id": "c1"}).to_html())
    for words in ("Recording: not reported.", "Words: not reported.", "Attempts: not reported.", "talk share"):
        assert words in page.text
    assert page.text.count("not reported") >= 10
    assert "svg" not in page.tags


def test_the_prompt_is_never_on_a_page() -> None:
    spoken = talk(4)
    html = html_of(spoken, assistant={"prompt": "THE SECRET PROMPT", "name": "Lea"}, prompt_variables={"a": "A SECRET"})
    assert "SECRET" not in html
    assert "SECRET PROMPT" in json.dumps(spoken)


def test_a_page_may_load_nothing_and_names_the_hashes_of_its_own_style_and_script() -> None:
    html = html_of(talk(2))
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert "default-src &#39;none&#39;" in policy
    assert "unsafe" not in policy
    assert policy.count("sha256-") == 2
    assert "media-src https://recordings.example;" in policy
    reader = Reader(html)
    asking = [(tag, name) for tag, name, _ in reader.attributes if name in ("src", "srcset", "data", "poster", "style")]
    assert asking == [("audio", "src")]
    assert ("audio", "preload", "none") in reader.attributes
    assert not any(name.startswith("on") for _, name, _ in reader.attributes)
    assert "@import" not in html
    assert "url(" not in html


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://evil' *; x",
        "https://a.example;script-src *",
        "//a.example/x",
    ],
)
def test_a_recording_that_is_no_web_address_is_text(url: str) -> None:
    reader = Reader(html_of({**talk(2), "recording_url": url}))
    assert "audio" not in reader.tags
    assert not any(name == "href" for _, name, _ in reader.attributes)
    assert "media-src 'none'" in str(reader.attributes)
    assert url in reader.text


def test_times_play_the_recording_only_where_it_is_that_of_the_transcript() -> None:
    assert 'data-at="4.0"' in html_of(talk(2))
    silent = {"status": "completed", "result": "voicemail", "recording_url": "https://recordings.example/t2.mp3"}
    assert "data-at=" not in html_of(silent, talk(2)).partition("<script>")[0]


def test_everything_from_outside_is_text() -> None:
    tool = {"role": "tool", "tool_name": HOSTILE, "tool_arguments": {HOSTILE: HOSTILE}, "tool_output": HOSTILE}
    spoken = {**talk(2, words=HOSTILE), "end_reason": HOSTILE, "dial_error": HOSTILE, "started_at": HOSTILE}
    spoken["transcript"] += [tool, {"role": HOSTILE, "content": HOSTILE}, {"role": "human_agent", "content": HOSTILE}]
    spoken["structured_output"] = {HOSTILE: HOSTILE}
    config = [{"name": HOSTILE, "type": "boolean", "required": True}]
    html = html_of(
        spoken,
        id=HOSTILE,
        status=HOSTILE,
        to_phone_number=HOSTILE,
        from_phone_number=HOSTILE,
        created_at=HOSTILE,
        outcome=HOSTILE,
        outcome_summary=HOSTILE,
        metadata={"revox_langchain_intent": HOSTILE},
        assistant={"name": HOSTILE, "structured_output_config": config},
    )
    bare = Reader(html_of(talk(2)))
    reader = Reader(html)
    assert "img" not in reader.tags
    assert reader.tags.count("script") == bare.tags.count("script") == 2
    assert not any(name.startswith("on") for _, name, _ in reader.attributes)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", html.partition('<script type="application/json"')[0])
    assert "[U+202E]gnp.exe" in reader.text
    assert page_in(html).call.outcome == HOSTILE


def test_numbers_are_masked_in_the_page_and_in_its_data_unless_they_are_asked_for() -> None:
    spoken = talk(2, words="My number is +33 6 12 34 56 78, not 0612345678.")
    html = html_of(spoken, from_phone_number="+12025550199", outcome_summary="Call +12025550144 back.")
    for digits in ("5550100", "5550199", "5550144", "12 34 56", "0612345678"):
        assert digits not in html
    assert "+12025550100" in html_of(spoken, show_numbers=True)


def test_scripts_of_any_direction_stand_by_themselves() -> None:
    html = html_of(talk(1, words="مرحبا 星期二"))
    assert '<p dir="auto">مرحبا 星期二 (0)</p>' in html


def test_a_page_carries_its_data_from_which_it_is_drawn_anew() -> None:
    page = page_of(CallResult.from_call(order(talk(4))), notes=["n"], warnings=["w"], marked=1)
    again = page_in(draw(page))
    assert again == page
    assert draw(again) == draw(page)
    assert json.loads(re.findall(r'id="revox-call">(.*?)</script>', draw(page))[0])["schema_version"] == SCHEMA_VERSION


@pytest.mark.parametrize("html", ["", "<html>", '<script type="application/json" id="revox-call">[1]</script>'])
def test_what_is_no_page_is_refused(html: str) -> None:
    with pytest.raises(InvalidInput, match="not a page"):
        page_in(html)


def test_a_page_of_a_newer_release_is_refused_and_named() -> None:
    page = page_of(CallResult.from_call(order()))
    newer = draw(page).replace('"schema_version":1', '"schema_version":99').replace(page.release, "9.9")
    with pytest.raises(InvalidInput, match=r"revox-langchain 9\.9, which is newer"):
        page_in(newer)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "was not looked up"),
        ({"marked": 1}, "found it in this one only"),
        ({"marked": 1, "doubt": "3 came without an id"}, "there may be more, since 3 came without an id"),
        ({"marked": 2}, "found it in 2 of them"),
    ],
)
def test_a_page_shows_the_evidence_that_one_order_was_placed(more: Any, said: str) -> None:
    result = CallResult.from_call(order(metadata=json.dumps({"revox_langchain_intent": INTENT})))
    assert said in Reader(draw(page_of(result, **more))).text
    assert "carries no intent" in Reader(html_of()).text


def test_a_call_that_came_in_is_told_from_the_callers_side() -> None:
    numbers = {"to_phone_number": "+33142685300", "from_phone_number": "+12025550100"}
    result = CallResult.from_call(order({**talk(2), "ended_by": "user"}, direction="inbound", **numbers))
    page = Reader(result.to_html())
    for words in ("Incoming phone call", "+1202•••••00", "America/New_York, the caller's zone", "ended by the caller"):
        assert words in page.text
    assert "no order was placed for it" in page.text
    assert "Callee" not in page.text
    assert "**Caller** 0:04" in result.to_markdown()


def test_a_page_of_100_turns_is_small() -> None:
    assert len(html_of(talk(100)).encode()) < 150_000


def test_a_page_grows_with_its_turns_and_its_drawings_do_not() -> None:
    sizes = {count: html_of(talk(count)) for count in (100, 2000)}
    assert len(sizes[2000]) < 20 * len(sizes[100])
    paths = re.findall(r' d="([^"]*)"', sizes[2000])
    assert max(map(len, paths)) < 40_000


def test_three_hundred_attempts_are_all_there() -> None:
    busy = {"status": "error", "dial_error": "busy"}
    tries = [{**busy, "started_at": f"2026-01-{1 + n // 24:02}T{n % 24:02}:00:00Z"} for n in reversed(range(300))]
    page = Reader(html_of(*tries))
    assert page.text.count("dial error: busy") == 300
    assert "of at most" not in page.text.partition("Attempts")[0].partition("attempts")[2][:12]


def test_a_notebook_shows_the_same_without_script_or_policy() -> None:
    shown = CallResult.from_call(order(talk(2)))._repr_html_()
    reader = Reader(shown)
    assert not {"script", "html", "meta", "main"} & set(reader.tags)
    # A page's elements are not styled by what stands in one of its cells.
    style = shown.partition("</style>")[0].partition("<style>")[2]
    selectors = re.findall(r"(?:^|[{},])\s*([^{}@,]+)(?=[,{])", re.sub(r"\{[^{}]*\}", "{}", style))
    assert all(".revox-" in each for each in selectors if each.strip() and "(" not in each)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(call=ORDERS, notes=st.lists(st.text(), max_size=2))
def test_whatever_revox_sends_becomes_a_page_that_reads_back(call: JsonObject, notes: list[str]) -> None:
    result = CallResult.from_call(call)
    html = draw(page_of(result, notes=notes))
    html.encode()
    reader = Reader(html)
    assert reader.tags.count("script") == 2
    assert page_in(html).call.call_id == "c1"
    assert "SECRET PROMPT" not in html


@pytest.mark.slow
def test_without_jinja2_a_sentence_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['jinja2'] = None\n"
        "from revox_langchain.results.call import CallResult\n"
        "result = CallResult.from_call({'id': 'c1'})\n"
        "assert result._repr_html_() is None\n"
        "try:\n    result.to_html()\nexcept Exception as error:\n    print(error, error.next_step)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=patience_s()
    )
    assert "A page needs Jinja2, which is not installed. pip install jinja2" in done.stdout
