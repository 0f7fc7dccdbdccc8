"""The sandbox's page in a real browser: a call that a graph places rings there, and both see how it went."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from revox_langchain.connection.connection import Connection
from revox_langchain.graph import call_graph
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.operations.phone_numbers import ListPhoneNumbers, UpdatePhoneNumber
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.server import SandboxServer
from revox_langchain.sandbox.world.phone import Phone
from revox_langchain.waiting.policy import WaitPolicy
from tests.browser import running_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

HOSTILE = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"> \u202egnp.exe"
DARK: dict[str, Any] = {"color_scheme": "dark"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}}
ASKED = {"phone_number": Phone.number, "prompt": "Bestätigen Sie den Termin am Dienstag.", "language": "de"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(speed=20)) as server:
        yield server


@pytest.fixture
def opened(browser: Browser, server: SandboxServer) -> Iterator[Callable[..., Page]]:
    """Opens the page; what it asks for elsewhere and what the browser complains of is kept on it."""
    contexts = []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []  # type: ignore[attr-defined]
        page.on("console", lambda message: page.complaints.append(message.text))  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
        page.on(
            "request",
            lambda request: request.url.startswith(server.url) or page.complaints.append(request.url),  # type: ignore[attr-defined]
        )
        page.goto(f"{server.url}/")
        page.wait_for_selector("#voices li", state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def placed(server: SandboxServer) -> Iterator[Callable[[], Future[dict[str, Any]]]]:
    """Places a call through the call graph, in the background."""
    with ThreadPoolExecutor(1) as pool, Connection("k", base_url=server.base_url) as connection:
        graph = call_graph(connection, wait=WaitPolicy(live_s=0.5, idle_s=0.5, longest_s=0.5))
        yield lambda: pool.submit(graph.invoke, ASKED)


def dial(server: SandboxServer, number: str = Phone.number, **more: Any) -> str:
    connection = server.sandbox.connect()
    return str(connection.send(MakeCall(phone_number=number, prompt="P", **more))["call"]["id"])


def say(page: Page, words: str) -> None:
    page.get_by_text("Your turn.").wait_for()
    page.get_by_label("What you say").fill(words)
    page.keyboard.press("Enter")


def last_attempt(server: SandboxServer, call_id: str) -> dict[str, Any]:
    attempt: dict[str, Any] = server.sandbox.world.orders[call_id]["last_call_attempt"]
    return attempt


def test_a_call_of_the_graph_is_answered_in_the_page_and_both_see_what_was_said(
    opened: Callable[..., Page], placed: Callable[[], Future[dict[str, Any]]], server: SandboxServer
) -> None:
    page = opened()
    running = placed()
    page.get_by_role("button", name="Pick up").click()
    say(page, "Ja bitte? 您好 مرحبا")
    say(page, HOSTILE)
    page.get_by_text("png.exe").or_(page.get_by_text("gnp.exe")).first.wait_for()
    page.get_by_role("button", name="Hang up").click()
    output = running.result(timeout=120)
    assert (output["status"], output["outcome"]) == ("completed", "completed")
    with Connection("k", base_url=server.base_url) as connection:
        order = connection.send(GetCall(call_id=output["call_id"]))["call"]
    transcript = order["last_call_attempt"]["transcript"]
    assert [turn["content"] for turn in transcript if turn["role"] == "user"] == ["Ja bitte? 您好 مرحبا", HOSTILE]
    assert order["last_call_attempt"]["ended_by"] == "user"
    entry = page.locator("#calls-list details").first
    entry.locator("summary").click()
    entry.get_by_text("completed").wait_for()
    assert "Ja bitte? 您好 مرحبا" in entry.inner_text()
    assert HOSTILE in entry.locator(".turns").inner_text()
    assert page.title() == "Revox sandbox"
    assert page.complaints == []  # type: ignore[attr-defined]
    page.get_by_role("button", name="Ring it now").wait_for()
    assert server.sandbox.rang == 1


@pytest.mark.parametrize(
    ("button", "became"),
    [("Decline", ("busy", None)), ("Voicemail", (None, "voicemail"))],
    ids=["decline", "voicemail"],
)
def test_a_call_that_is_not_taken_ends_like_that(
    opened: Callable[..., Page], server: SandboxServer, button: str, became: tuple[Any, Any]
) -> None:
    page = opened()
    call_id = dial(server)
    page.get_by_role("button", name=button).click()
    page.get_by_role("button", name="Ring it now").wait_for()
    page.get_by_text("waits until").wait_for()
    attempt = last_attempt(server, call_id)
    assert (attempt["dial_error"], attempt["result"]) == became


def test_the_keyboard_is_enough(opened: Callable[..., Page], server: SandboxServer) -> None:
    page = opened()
    call_id = dial(server)
    page.get_by_role("button", name="Pick up").wait_for()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Pick up":
            break
    page.keyboard.press("Enter")
    page.get_by_text("Your turn.").wait_for()
    # Who picks up can type at once.
    page.keyboard.type("Oui ?")
    page.keyboard.press("Enter")
    page.locator(".talking .turns").get_by_text("Oui ?").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Ring it now").wait_for()
    assert last_attempt(server, call_id)["ended_by"] == "user"


def test_somebody_calls_from_the_page(opened: Callable[..., Page], server: SandboxServer) -> None:
    page = opened()
    page.get_by_text("Receive a call").click()
    page.get_by_role("button", name="Call", exact=True).click()
    page.get_by_text("no assistant answers").wait_for()
    connection = server.sandbox.connect()
    assistant = connection.send(CreateAssistant(name="Desk", prompt="Help."))["assistant"]["id"]
    number = connection.send(ListPhoneNumbers())["phone_numbers"][0]
    connection.send(UpdatePhoneNumber(phone_number_id=number["id"], inbound_assistant_id=assistant))
    page.get_by_role("button", name="Call", exact=True).click()
    say(page, "Haben Sie heute auf?")
    page.locator(".talking .turns").get_by_text("Haben Sie heute auf?").wait_for()
    page.get_by_role("button", name="Hang up").click()
    page.locator("#calls-list").get_by_text(f"from {Phone.number}").wait_for()
    assert page.get_by_role("alert").is_hidden()


def test_the_clock_the_faults_and_the_numbers_are_at_hand(opened: Callable[..., Page], server: SandboxServer) -> None:
    page = opened()
    page.get_by_label("Speed").select_option("")
    page.get_by_text("stands still", exact=True).and_(page.locator("#pace")).wait_for()
    before_s = server.sandbox.world.now_s
    page.get_by_role("button", name="+1 h").click()
    page.locator("#now").get_by_text(", 11:").wait_for()
    assert server.sandbox.world.now_s == before_s + 3600
    page.get_by_text("Faults").click()
    page.get_by_label("What goes wrong").select_option("server_error")
    page.get_by_label("With").select_option("revox_make_call")
    page.get_by_role("button", name="Switch on").click()
    page.locator("#faults").get_by_text("revox_make_call").wait_for()
    page.get_by_text("Who answers at which number").click()
    page.get_by_role("button", name="Dial +12025550101").click()
    page.get_by_role("alert").get_by_text("Internal server error.").wait_for()
    page.locator("#faults").get_by_text("revox_make_call").wait_for(state="detached")
    page.get_by_role("button", name="Dial +12025550101").click()
    page.locator("#calls-list").get_by_text("+12025550101").wait_for()
    assert len(server.sandbox.dials) == 1


def test_what_is_open_stays_open_while_the_page_changes(opened: Callable[..., Page], server: SandboxServer) -> None:
    page = opened()
    dial(server, "+12025550108")
    page.locator("#calls-list summary").first.click()
    for number in ("+12025550100", "+12025550101"):
        dial(server, number)
        page.locator("#calls-list").get_by_text(number).wait_for()
    assert page.locator("#calls-list details[open]").count() == 1
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_a_server_that_comes_back_is_heard_again(browser: Browser) -> None:
    with SandboxServer(Sandbox(speed=20)) as first:
        page = browser.new_page()
        page.goto(f"{first.url}/")
        page.locator("#voices li").first.wait_for(state="attached")
        dial(first, "+12025550100")
        page.locator("#calls-list").get_by_text("+12025550100").wait_for()
    page.get_by_role("alert").get_by_text("is lost").wait_for()
    with SandboxServer(Sandbox(speed=20), port=first.port) as second:
        dial(second, "+12025550101")
        page.locator("#calls-list").get_by_text("+12025550101").wait_for()
        assert page.locator("#calls-list").get_by_text("+12025550100").count() == 0
        assert page.get_by_role("alert").is_hidden()
        page.close()


@pytest.mark.parametrize("look", [{}, DARK, PHONE, {**PHONE, **DARK}], ids=["light", "dark", "phone", "dark-phone"])
def test_axe_finds_no_violation(opened: Callable[..., Page], server: SandboxServer, look: dict[str, Any]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(**look)
    settings = {"webhook_url": "http://127.0.0.1:9/x"}
    for number in ("+12025550100", "+12025550101", "+12025550102", "+12025550110"):
        dial(server, number, settings=settings)
    server.sandbox.world.advance(120)
    dial(server)
    dial(server)
    page.get_by_role("button", name="Pick up").first.click()
    page.get_by_text("Your turn.").wait_for()
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 10
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [320, 390, 768, 1400])
def test_no_width_scrolls_sideways(opened: Callable[..., Page], server: SandboxServer, width: int) -> None:
    page = opened(viewport={"width": width, "height": 800})
    dial(server, "+12025550100", first_sentence="Donaudampfschifffahrtselektrizitätenhauptbetriebswerk" * 4)
    server.sandbox.world.advance(120)
    page.locator("#calls-list summary").first.click()
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
