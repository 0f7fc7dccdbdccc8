"""Draw the call graph as a picture, for pages that do not show Mermaid: steps in a column, other ways as arcs."""

from __future__ import annotations

from html import escape
from pathlib import Path

from langchain_core.runnables.graph import Edge, Graph

from revox_langchain.graph import call_graph
from revox_langchain.sandbox import Sandbox

PICTURE = Path(__file__).parents[1] / "docs" / "graph.svg"

_WIDTH, _STEP, _BOX_W, _BOX_H, _MIDDLE = 860, 74, 170, 38, 400
_STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#1f1f2e;text-anchor:middle}.word{font-size:12px;fill:#4b4480;"
    "paint-order:stroke;stroke:#fff;stroke-width:5px}path{fill:none;stroke:#7c6fd6;stroke-width:1.5}"
    "rect.step{fill:#f2f0ff;stroke:#7c6fd6}"
)
_ORDER = ("__start__", "prepare", "choose_voice", "ensure_assistant", "approve", "arm", "place_call", "ask", "wait")


def picture() -> str:
    """The graph as an SVG on white, so that it can be read on any page."""
    drawn = call_graph(Sandbox().connect()).get_graph()
    names = _in_order(drawn)
    rows = {name: 40 + place * _STEP for place, name in enumerate(names)}
    height = max(rows.values()) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">',
        "<title>The steps of the call graph</title>",
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        'orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" style="fill:#7c6fd6;stroke:none"/></marker></defs>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
    ]
    ways = [_way(edge, names, rows) for edge in sorted(drawn.edges, key=lambda edge: (edge.source, edge.target))]
    boxes = [_box(name, rows[name]) for name in names]
    return "\n".join([*parts, *(path for path, _ in ways), *boxes, *(word for _, word in ways), "</svg>"]) + "\n"


def _in_order(drawn: Graph) -> list[str]:
    known = [name for name in _ORDER if name in drawn.nodes]
    others = [name for name in drawn.nodes if name not in known and name not in ("report", "__end__")]
    return [*known, *others, "report", "__end__"]


def _box(name: str, y: int) -> str:
    x = _MIDDLE - _BOX_W // 2
    shape = f'<rect class="step" x="{x}" y="{y - _BOX_H // 2}" width="{_BOX_W}" height="{_BOX_H}" rx="8"/>'
    return f'{shape}<text x="{_MIDDLE}" y="{y + 5}">{escape(name.strip("_"))}</text>'


def _way(edge: Edge, names: list[str], rows: dict[str, int]) -> tuple[str, str]:
    """The line of an edge and its word: down where the next step follows, else an arc, right for on, left for back."""
    start, end = rows[edge.source], rows[edge.target]
    apart = names.index(edge.target) - names.index(edge.source)
    word = str(edge.data or "").replace("\xa0", " ").strip()
    if apart == 1:
        line, x, y = f"M{_MIDDLE} {start + 19}V{end - 20}", _MIDDLE + 4 * len(word) + 8, (start + end) // 2 + 4
    elif apart == 0:
        edge_x = _MIDDLE - _BOX_W // 2
        line, x, y = f"M{edge_x} {start - 8}c-60 -20 -60 36 -1 18", edge_x - 90, start + 5
    else:
        side = 1 if apart > 0 else -1
        edge_x = _MIDDLE + side * _BOX_W // 2
        reach = edge_x + side * (40 + 52 * abs(apart))
        line = f"M{edge_x} {start + 6}C{reach} {start + 6} {reach} {end - 6} {edge_x + side} {end - 6}"
        # A curve passes its middle at three quarters of its reach.
        x, y = edge_x + int(0.75 * (reach - edge_x)), (start + end) // 2
    return (
        f'<path d="{line}" marker-end="url(#tip)"/>',
        f'<text class="word" x="{x}" y="{y}">{escape(word)}</text>' if word else "",
    )


def main() -> None:
    """Write the picture."""
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
