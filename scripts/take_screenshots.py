"""Takes the pictures of a call's page that the README shows, with Playwright and a Chromium of this machine.

python -m scripts.take_screenshots
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Literal

from revox_langchain.graph import call_graph
from revox_langchain.operations.calls import GetCall
from revox_langchain.results.call import CallResult
from revox_langchain.sandbox import Sandbox

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


def main() -> None:
    """Write both pictures."""
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
        browser.close()


if __name__ == "__main__":
    main()
