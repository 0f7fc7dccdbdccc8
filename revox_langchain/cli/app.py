"""The command line: `revox-langchain`."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from shutil import get_terminal_size
from typing import Annotated, Any, Protocol, runtime_checkable

import typer
from typer.core import TyperCommand, TyperGroup

from revox_langchain import __version__
from revox_langchain.cli.call import call
from revox_langchain.cli.calls import calls
from revox_langchain.cli.campaign import campaign
from revox_langchain.cli.demo import demo
from revox_langchain.cli.doctor import doctor
from revox_langchain.cli.exits import Exit, exit_of_error, next_step_for_people, usage_error
from revox_langchain.cli.inbound import inbound
from revox_langchain.cli.recover import recover
from revox_langchain.cli.report import report
from revox_langchain.cli.screen import complain, hint, plain, prepare_streams, stop_writing, write_json
from revox_langchain.cli.serve import mcp, sandbox
from revox_langchain.cli.service import serve
from revox_langchain.cli.tools import tools
from revox_langchain.cli.voices import voices
from revox_langchain.cli.watch import watch
from revox_langchain.cli.webhooks import webhooks
from revox_langchain.cli.worker import sweep, worker
from revox_langchain.errors import RevoxToolError
from revox_langchain.operations.fields import REDACTED

_NARROW = 80
"""Columns below which options and what they do do not fit side by side."""


class Commands(TyperGroup):
    """Every way a command can fail ends here: one sentence on stderr, JSON if asked for, and an exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line; exit with its code, or return that if not `standalone_mode`."""
        given = list(sys.argv[1:] if args is None else args)
        # Read before the command runs: the demo clears them.
        key, debug = os.environ.get("REVOX_API_KEY", "").strip(), bool(os.environ.get("REVOX_DEBUG"))
        failures = _Failures("--json" in given or _asks_for_json(given), key, debug)
        prepare_streams()
        if get_terminal_size().columns < _NARROW:
            self._say_plainly()
        try:
            code = super().main(
                given, "revox-langchain", complete_var, False, windows_expand_args=windows_expand_args, **extra
            )
            # A server over stdio closes it when its client goes.
            if not sys.stdout.closed:
                sys.stdout.flush()
        except (typer.Abort, KeyboardInterrupt):
            code = Exit.INTERRUPTED
        except BrokenPipeError:
            stop_writing()
            code = Exit.DONE
        except SystemExit as error:
            # Click ends the process with 1 where its reader has gone.
            if not isinstance(error.__context__, BrokenPipeError):
                raise
            stop_writing()
            code = Exit.DONE
        except Exception as error:
            code = failures.exit_of(error)
        if not standalone_mode:
            return code
        sys.exit(int(code or 0))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands, each with its whole sentence; asked only where help has no boxes."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(1000)) for name, each in self.commands.items()])

    def _say_plainly(self) -> None:
        """Have help without boxes and columns, which would cut the names of options off."""
        self.rich_markup_mode = None
        for command in self.commands.values():
            if isinstance(command, TyperCommand):
                command.rich_markup_mode = None


@runtime_checkable
class _CommandLineError(Protocol):
    """What typer raises for a command line it cannot read: it exports no common class, and brings its own click."""

    exit_code: int
    ctx: typer.Context | None

    def format_message(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Failures:
    """How to tell of what went wrong.

    Attributes:
        as_json: Whether stdout waits for JSON.
        secret: The API key, which no message may show.
        debug: Whether to show where a bug happened.
    """

    as_json: bool
    secret: str
    debug: bool

    def exit_of(self, error: Exception) -> Exit:
        """Tell of an error and return the exit code."""
        if isinstance(error, RevoxToolError):
            return self._told(error)
        if not isinstance(error, _CommandLineError):
            return self._bug(error)
        words = error.format_message().rstrip(".")
        if not words:
            # Without a command the help has been shown already, and there is no more to say.
            return Exit.USAGE
        where = error.ctx.command_path if error.ctx is not None else "revox-langchain"
        return self._told(usage_error(f"{words}.", f"See {where} --help."))

    def _told(self, error: RevoxToolError) -> Exit:
        complain(error.message, next_step_for_people(error.as_dict()))
        if self.as_json:
            write_json({"error": error.as_dict()})
        return exit_of_error(error.as_dict())

    def _bug(self, error: Exception) -> Exit:
        message = self._clean(plain(f"This is a bug in revox-langchain ({type(error).__name__}: {error})."))
        complain(message, "Please report it; REVOX_DEBUG=1 shows where it happened.")
        if self.debug:
            hint("")
            print(self._clean("".join(traceback.format_exception(error))), file=sys.stderr)
        if self.as_json:
            bug = RevoxToolError(message, code="bug").as_dict()
            write_json({"error": {**bug, "kind": "bug"}})
        return Exit.BUG

    def _clean(self, text: str) -> str:
        return text.replace(self.secret, REDACTED) if self.secret else text


app = typer.Typer(
    cls=Commands,
    name="revox-langchain",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run(args: list[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    return int(typer.main.get_command(app).main(args, standalone_mode=False) or 0)


def _asks_for_json(given: Sequence[str]) -> bool:
    return "--output=json" in given or ("--output", "json") in pairwise(given)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"revox-langchain {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Place, follow and find phone calls through Revox, or try it in a sandbox that dials no real phone.

    Uses the account of REVOX_API_KEY (and REVOX_BASE_URL, if set). Start with: revox-langchain demo
    """


for command in (
    demo,
    call,
    calls,
    campaign,
    watch,
    recover,
    report,
    voices,
    tools,
    doctor,
    sandbox,
    serve,
    worker,
    sweep,
    webhooks,
    inbound,
    mcp,
):
    app.command()(command)
