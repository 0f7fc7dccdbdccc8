"""The command line: `revox-langchain`."""

from __future__ import annotations

import os
import sys
import traceback
from enum import StrEnum
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from revox_langchain import __version__
from revox_langchain.cli.call import AsJson, Speed, call, demo, recover, watch
from revox_langchain.cli.exits import Exit, exit_of_error, usage_error
from revox_langchain.cli.screen import Screen, complain, hint, plain, write_json
from revox_langchain.connection.connection import Connection
from revox_langchain.errors import RevoxToolError, near
from revox_langchain.operations.fields import REDACTED
from revox_langchain.operations.operation import Risk

# Its base class is the one thing of click's that typer does not export, and typer may bring a click of its own.
_UsageError: Any = typer.BadParameter.__bases__[0]


class _Commands(TyperGroup):
    """Every way a command can fail ends here: one sentence on stderr, JSON if asked for, and an exit code."""

    def main(self, *positional: Any, **options: Any) -> Any:
        args = positional[0] if positional else options.pop("args", None)
        given = list(sys.argv[1:] if args is None else args)
        standalone = options.pop("standalone_mode", True)
        options["prog_name"] = "revox-langchain"
        secret = os.environ.get("REVOX_API_KEY", "").strip()
        debug = bool(os.environ.get("REVOX_DEBUG"))
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                # A terminal that cannot show a letter shows its number; it must not end a call with an error.
                stream.reconfigure(errors="backslashreplace")
        try:
            code = super().main(given, standalone_mode=False, **options)
        except RevoxToolError as error:
            code = _fail(error, given)
        except _UsageError as error:
            where = error.ctx.command_path if error.ctx is not None else "revox-langchain"
            words = error.format_message().rstrip(".")
            # Without a command the help has been shown already, and there is no more to say.
            code = _fail(usage_error(f"{words}.", f"See {where} --help."), given) if words else Exit.USAGE
        except (typer.Abort, KeyboardInterrupt):
            code = Exit.INTERRUPTED
        except Exception as error:
            code = _bug(error, given, secret, debug=debug)
        if not standalone:
            return code
        sys.exit(int(code or 0))


app = typer.Typer(
    cls=_Commands,
    name="revox-langchain",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run(args: list[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    return int(typer.main.get_command(app).main(args, standalone_mode=False) or 0)


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
    """Phone calls through Revox: place, follow and find them, with a sandbox that rings nobody.

    The account is that of REVOX_API_KEY (and REVOX_BASE_URL, if set). Start with: revox-langchain demo
    """


app.command("demo")(demo)
app.command("call")(call)
app.command("watch")(watch)
app.command("recover")(recover)


class RiskName(StrEnum):
    """What happens in the world if a tool runs by mistake, mildest first."""

    READ = "read"
    WRITE = "write"
    DIAL = "dial"
    DELETE = "delete"


@app.command()
def voices(
    language: Annotated[str | None, typer.Option(help='Code or name: fr-CA, "Brazilian Portuguese".')] = None,
    accent: Annotated[str | None, typer.Option(help="Such as quebec, british.")] = None,
    gender: Annotated[str | None, typer.Option(help="Such as female, male.")] = None,
    provider: Annotated[str | None, typer.Option(help="cartesia, elevenlabs or gradium.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Rank the voices as a call would, and say why.")] = False,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="The sandbox's voices; needs no key.")] = False,
    as_json: AsJson = False,
) -> int:
    """List voices, or explain which one a call would take."""
    from revox_langchain.cli.voices import explain_voices, list_voices

    if explain and language is None:
        raise usage_error("--explain ranks voices for a language.", "Add --language, such as --language fr.")
    wishes = {"language": language, "accent": accent, "gender": gender, "provider": provider}
    connection = _sandbox_connection() if sandbox else Connection.from_env()
    with connection:
        return (explain_voices if explain else list_voices)(connection, Screen(as_json=as_json), **wishes)


@app.command()
def tools(
    risk: Annotated[RiskName | None, typer.Option(help="Only tools of this risk.")] = None,
    toolset: Annotated[str | None, typer.Option(help="Only this set, such as calling.")] = None,
    as_json: AsJson = False,
) -> int:
    """List the tools there are: risk, route and what they do."""
    from revox_langchain.actions.requests import REQUESTS
    from revox_langchain.tools.toolkit import TOOLSETS

    if toolset is not None and toolset not in TOOLSETS:
        raise usage_error(f"There is no toolset {toolset!r}{near(toolset, TOOLSETS)}", f"Known: {', '.join(TOOLSETS)}.")
    names = set(TOOLSETS[toolset]) if toolset else {request.spec.name for request in REQUESTS}
    level = Risk[risk.name] if risk is not None else None
    specs = [r.spec for r in REQUESTS if r.spec.name in names and level in (None, r.spec.risk)]
    rows = [
        {
            "name": spec.name, "risk": spec.risk.name.lower(), "toolset": spec.toolset,
            "route": f"{spec.verb} {spec.path}" if spec.verb else None, "summary": spec.title,
        }
        for spec in specs
    ]  # fmt: skip
    screen = Screen(as_json=as_json)
    screen.answer({"tools": rows})
    if not as_json:
        cells = [(r["name"] or "", r["risk"] or "", r["route"] or "several requests", r["summary"] or "") for r in rows]
        screen.entries(("tool", "risk", "route", "what it does"), cells)
    return Exit.DONE


@app.command()
def doctor(as_json: AsJson = False) -> int:
    """Check installation, key and account; say what to mend and how."""
    from revox_langchain.cli import doctor as cli_doctor

    return cli_doctor.doctor(Screen(as_json=as_json))


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8787,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    speed: Speed = 20.0,
    key: Annotated[str | None, typer.Option(help="The only API key to accept; left out, any.")] = None,
) -> int:
    """Serve a Revox that rings nobody, for other programs and languages."""
    from revox_langchain.cli.serve import serve_sandbox

    return serve_sandbox(host, port, speed, key)


@app.command()
def mcp(
    max_risk: Annotated[RiskName, typer.Option(help="The riskiest kind of tool to offer.")] = RiskName.READ,
    toolset: Annotated[list[str] | None, typer.Option(help="Offer only this set; may be repeated.")] = None,
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP instead of stdin and stdout.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on with --http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port for --http; 0 takes a free one.")] = 8788,
    token: Annotated[
        str | None,
        typer.Option(envvar="REVOX_MCP_TOKEN", show_envvar=True, help="Bearer token clients must send with --http."),
    ] = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Ring nobody; needs no key.")] = False,
    speed: Speed = 20.0,
) -> int:
    """Serve our tools, guard included, to any MCP client."""
    from revox_langchain.cli.serve import serve_mcp

    connection = _sandbox_connection(speed) if sandbox else Connection.from_env()
    return serve_mcp(
        connection, Risk[max_risk.name], tuple(toolset) if toolset else None, http=(host, port) if http else None,
        token=token,
    )  # fmt: skip


def _sandbox_connection(speed: float = 0.0) -> Connection:
    from revox_langchain.sandbox import Sandbox

    return Sandbox(speed=speed or None).connect()


def _fail(error: RevoxToolError, given: list[str]) -> Exit:
    complain(error.message, error.next_step)
    if "--json" in given:
        write_json({"error": error.as_dict()})
    return exit_of_error(error.as_dict())


def _bug(error: Exception, given: list[str], secret: str, *, debug: bool) -> Exit:
    """Own up to a mistake of ours without showing its insides, or a key in them."""

    def clean(text: str) -> str:
        return text.replace(secret, REDACTED) if secret else text

    message = clean(plain(f"This is a mistake in revox-langchain ({type(error).__name__}: {error})."))
    complain(message, "Please report it; REVOX_DEBUG=1 shows where it happened.")
    if debug:
        hint("")
        print(clean("".join(traceback.format_exception(error))), file=sys.stderr)
    if "--json" in given:
        write_json({"error": {"code": "bug", "kind": "bug", "message": message, "next_step": "", "retry_safe": False}})
    return Exit.BUG
