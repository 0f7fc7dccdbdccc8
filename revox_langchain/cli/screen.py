"""Where commands write: words for people, or one JSON object and nothing else on stdout."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout, suppress
from io import TextIOWrapper

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from revox_langchain.answers import safe_json


class _Console(Console):
    """A console that falls silent where its reader has gone: what is done goes on, a call for instance."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        stop_writing()


class Screen:
    """What a command has to write to.

    Args:
        as_json: Keep stdout for one JSON object; words for people go to stderr.
        markdown: Write tables as Markdown.

    Attributes:
        console: For people.
        sandbox: Whether what is shown comes from a sandbox, which JSON then says.
    """

    def __init__(self, *, as_json: bool = False, markdown: bool = False) -> None:
        self.as_json = as_json
        self.markdown = markdown
        self.sandbox = False
        self.console = _Console(stderr=as_json, highlight=False, markup=False, emoji=False)

    @property
    def live(self) -> bool:
        """Whether lines can be drawn over."""
        return self.console.is_terminal and not self.console.is_dumb_terminal

    def line(self, text: str | Text = "", style: str = "") -> None:
        """Write one line; on a terminal it wraps at words, elsewhere it stays whole."""
        self.console.print(text, style=style, soft_wrap=not self.live)

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        whole: Sequence[str] = (),
        heading: bool = True,
    ) -> None:
        """Write a table: aligned on a terminal, separated by tabs elsewhere, in Markdown if that was asked for.

        Args:
            columns: Names of the columns.
            rows: Cells, as many as there are columns.
            whole: Columns that must not be broken over lines.
            heading: Whether to name the columns, outside of a terminal.
        """
        if self.markdown or not self.live:
            # Past rich, which turns tabs into blanks.
            ruled = [columns, ["---"] * len(columns)] if self.markdown else [columns]
            for row in (*(ruled if heading else ()), *rows):
                print(_markdown_row(row) if self.markdown else "\t".join(map(plain, row)), file=self.console.file)
            self.console.file.flush()
            return
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        for column in columns:
            table.add_column(column, no_wrap=column in whole, overflow="fold")
        for row in rows:
            table.add_row(*(Text(plain(cell)) for cell in row))
        self.console.print(table)

    def entries(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Write rows too wide for a terminal: a heading each, the rest indented below it.

        Args:
            columns: Names of the columns; shown where rows stay lines.
            rows: Four cells each: name, kind, what stands beside them, and what below.
        """
        if self.markdown or not self.live:
            self.table(columns, rows)
            return
        listed = [[plain(cell) for cell in row] for row in rows]
        width = max((len(row[0]) for row in listed), default=0)
        for name, kind, aside, below in listed:
            self.console.print(Text.assemble((f"{name:<{width}}", "bold cyan"), f" {kind:<6} ", (aside, "dim")))
            self.console.print(Padding(Text(below), (0, 0, 0, 2)))

    def answer(self, value: Mapping[str, object]) -> None:
        """Write the JSON object, if that is what was asked for."""
        if self.as_json:
            write_json({**value, "sandbox": True} if self.sandbox else value)

    def busy(self, words: str) -> AbstractContextManager[object]:
        """Show on a terminal that something takes a while."""
        return self.console.status(words) if self.live else nullcontext()

    def can_ask(self) -> bool:
        """Whether a person can read a question and answer it."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def ask(self, question: str) -> bool:
        """Ask for a yes on stderr; anything but y or yes is a no.

        Raises:
            typer.Abort: Ctrl-C or the end of input.
        """
        # Even with err=True the prompt's last blank goes to stdout, which --json keeps for its one object.
        with redirect_stdout(sys.stderr):
            return typer.confirm(question, err=True)


def write_json(value: Mapping[str, object], *, whole: bool = True) -> None:
    """Write one JSON object to stdout: in characters it can encode, and none that could control a terminal.

    Args:
        value: The object.
        whole: Whether it is all that is written, indented; otherwise it is one line of many.
    """
    unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    text = json.dumps(safe_json(dict(value)), ensure_ascii=not unicode, indent=2 if whole else None, default=str)
    # Inside of JSON's strings an escape reads as the character itself, so that programs get the same text.
    print(_UNSEEN.sub(lambda found: _escaped(found[0]), text), flush=True)


def prepare_streams() -> None:
    """Make stdout and stderr take every text: UTF-8 into pipes and files, escapes where a terminal has no letter."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Windows programs expect the code page of the system in a pipe, and everyone else UTF-8.
            keeps = stream.isatty() or sys.platform == "win32"
            stream.reconfigure(encoding=None if keeps else "utf-8", errors="backslashreplace")


def stop_writing() -> None:
    """Send the rest of stdout nowhere: whoever read it, such as `head`, has had enough."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(message: str, next_step: str = "") -> None:
    """Write what is wrong, and what to do about it, to stderr."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    text = Text.assemble(("Error: ", "bold red"), as_options(message), " " if next_step else "", as_options(next_step))
    console.print(text, soft_wrap=not console.is_terminal)


def hint(message: str, *, name: str = "") -> None:
    """Write a note to stderr, or a named fact."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    words = Text.assemble((f"  {name:<8}" if name else "", "bold"), as_options(message))
    console.print(words, soft_wrap=not console.is_terminal)


def as_options(text: object) -> str:
    """Name options of the command line instead of arguments in Python, in one line."""
    words = plain(text)
    for argument, option in _ARGUMENTS:
        words = argument.sub(option, words)
    return words


_ARGUMENTS = (
    (re.compile(r"""\blanguage=["']([\w-]+)["']"""), r"--language \1"),
    (re.compile(r"""\bdefault_region=["'](\w+)["']"""), r"--country \1"),
    (re.compile(r"""\bprompt_variables=\{"([^"]+)": "\.\.\."\}"""), r"--variable \1=..."),
)


def plain(text: object) -> str:
    """Make text from outside one harmless line: a callee's words must not control the terminal."""
    words = "".join(" " if c.isspace() else c for c in str(text) if c.isspace() or _shown(c))
    return " ".join(words.split())


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_PUNCTUATION.sub(_BACKSLASHED, plain(cell)) for cell in cells)} |"


_PUNCTUATION = re.compile(r"([\\`*{}\[\]<>|#]|\b_|_\b)")
_BACKSLASHED = r"\\\1"


def duration(seconds: float) -> str:
    """Write a duration as `0:07`, `12:30` or `2:00:05`."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


_UNSEEN = re.compile(
    r"[\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    r"\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
"""C1 controls, direction marks and invisible characters; what is below U+0020 JSON escapes by itself."""


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _shown(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")
