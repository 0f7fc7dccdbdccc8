"""Takes the pictures of a call's page and of the sandbox's that the documentation shows, with Playwright and Chromium.

python -m scripts.take_screenshots
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from revox_langchain.graph import call_graph
from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.results.call import CallResult
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.server import SandboxServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IMAGES = Path(__file__).parents[1] / "docs" / "images"
CALL = {
    "phone_number": "+12025550102",
    "prompt": "Confirmez le rendez-vous de mardi à 15 h avec le plombier et vérifiez que l'adresse n'a pas changé.",
    "first_sentence": "Bonjour, ici l'assistant virtuel de la maison Durand, au sujet de mardi.",
    "intent": "appointment-4711",
    "structured_output_schema": {
        "properties": {"confirmed": {"type": "boolean", "description": "l'adresse est-elle toujours la même"}},
        "required": ["confirmed"],
    },
}
PICTURES: tuple[tuple[str, Literal["light", "dark"], str, int], ...] = (
    ("call", "light", "h1", 880),
    ("transcript", "dark", "text=Who spoke when", 740),
)


def page() -> str:
    """The page of a call that reached a mailbox first and the callee two hours later."""
    connection = Sandbox().connect()
    output = call_graph(connection).invoke(CALL)
    result = CallResult.from_call(connection.send(GetCall(call_id=output["call_id"]))["call"])
    return result.to_html(marked=1, notes=output["notes"])


def take_sandbox(browser: Browser) -> None:
    """Write the pictures of the sandbox's page: it rings, and a while later, in the dark, somebody talks."""
    with SandboxServer(Sandbox(speed=20), port=8787) as server:
        connection = server.sandbox.connect()
        for number in ("+12025550114", "+12025550102", "+12025550100"):
            connection.send(MakeCall(phone_number=number, prompt="Ask about Tuesday."))
            server.sandbox.world.advance(75)
        rings, talks = (_opened(browser, server.url, scheme) for scheme in ("light", "dark"))
        hello = "Bonjour, ici l'assistant virtuel de la maison Durand, au sujet de mardi."
        voice = next(each for each in server.sandbox.world.voices.values() if each["language"] == "fr")
        connection.send(
            MakeCall(
                phone_number=server.sandbox.phone.number,
                prompt="Confirmez mardi.",
                first_sentence=hello,
                voice_id=voice["id"],
                voice_provider=voice["provider"],
            )
        )
        rings.get_by_role("heading", name="is calling").wait_for()
        rings.screenshot(path=IMAGES / "sandbox-rings.png")
        talks.get_by_role("button", name="Pick up").click()
        talks.get_by_text("Your turn.").wait_for()
        talks.get_by_label("What you say").fill("Oui, mardi à 15 h me va très bien.")
        talks.keyboard.press("Enter")
        talks.locator(".talking li").nth(2).wait_for()
        talks.locator("#calls-list summary").first.click()
        talks.screenshot(path=IMAGES / "sandbox-talks.png")


def _opened(browser: Browser, url: str, scheme: Literal["light", "dark"]) -> Page:
    page = browser.new_page(viewport={"width": 1180, "height": 780}, color_scheme=scheme, reduced_motion="reduce")
    page.goto(url)
    page.locator("#calls-list details").first.wait_for()
    return page


def main() -> None:
    """Write all pictures."""
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "call.html"
        file.write_text(page(), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, scheme, first, height in PICTURES:
            shown = browser.new_page(viewport={"width": 860, "height": 1100}, color_scheme=scheme)
            shown.goto(file.as_uri())
            top = shown.locator(first).bounding_box()
            below = max(top["y"] - 60, 0) if top else 0
            shown.set_viewport_size({"width": 860, "height": 3000})
            shown.screenshot(
                path=IMAGES / f"page-{name}.png", clip={"x": 0, "y": below, "width": 860, "height": height}
            )
        take_sandbox(browser)
        browser.close()


if __name__ == "__main__":
    main()
