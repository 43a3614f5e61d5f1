"""The command line as a whole: global options, and the border where errors become exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.failures import FAILED, INTERRUPTED, REFUSED, CommandFailed, describe
from entrepot.cli.remote import chosen_remote
from entrepot.cli.session import OutputOption, Session
from entrepot.cli.tree import Program
from entrepot.version import __version__

app = typer.Typer(
    name="entrepot",
    cls=Program,
    help="Mirror content from feeds into repositories, keep it, and publish it.\n\n"
    "\b\nFirst steps:\n"
    "  entrepot serve &\n"
    "  entrepot repo create zoo --importer iso_importer --feed https://example.org/zoo/ \\\n"
    "      --distributor iso_distributor --auto-publish\n"
    "  entrepot repo sync zoo\n"
    "  curl http://127.0.0.1:8080/content/zoo/",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def program(
    ctx: typer.Context,
    *,
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder that holds everything the engine writes [env: ENTREPOT_DATA_DIR]."),
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="sqlite:///path or postgresql://… [env: ENTREPOT_DATABASE_URL].")
    ] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="Ask the server at this address, in place of the engine of this machine.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", autocompletion=completion.profiles, help="Ask the server of this profile; see `entrepot profile`."
        ),
    ] = None,
    token: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="The API token to ask the server with [env: ENTREPOT_TOKEN].")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(metavar="LOGIN", help="Who asks the server; the password is asked for [env: ENTREPOT_PASSWORD]."),
    ] = None,
    ca: Annotated[
        str | None, typer.Option(metavar="FILE", help="Certificate authorities to trust in place of the system's.")
    ] = None,
) -> None:
    """Take the options that every command has; they are set in the environment, because child processes need them too."""
    if data_dir is not None:
        os.environ["ENTREPOT_DATA_DIR"] = str(data_dir.expanduser().absolute())
    if database_url is not None:
        os.environ["ENTREPOT_DATABASE_URL"] = database_url
    session = Session.of(ctx)
    session.remote = chosen_remote(url=url, profile=profile, token=token, user=user, ca=ca)
    if session.remote is not None and (data_dir is not None or database_url is not None):
        from entrepot.errors import InvalidValue

        raise InvalidValue("--url", why="the server has its own data: leave out --data-dir and --database-url")


def version(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print the version of entrepot.

    Example: entrepot version -o json
    """
    if Session.of(ctx).as_json:
        from entrepot.cli.output import write_json

        write_json({"version": __version__, "python": sys.version.split()[0]})
    else:
        typer.echo(f"entrepot {__version__}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line `arguments` (default: the process's own) and return the exit code; print errors, raise none.

    With `ENTREPOT_DEBUG=1` in the environment errors are raised, for their traceback.
    """
    session = Session()
    given = sys.argv[1:] if arguments is None else arguments
    if given in (["version"], ["--version"]):  # typer loads pydantic to read options: more than half the time of this answer
        typer.echo(f"entrepot {__version__}")
        return 0
    try:
        code = _commands()(given, prog_name="entrepot", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the flush at exit must not fail once more
        return 1
    except Exception as error:  # the border: whatever happens, a person gets one message
        if completion.is_completing():
            return FAILED
        if os.environ.get("ENTREPOT_DEBUG") == "1" and not isinstance(error, (typer.TyperException, CommandFailed)):
            raise
        if _is_plea_for_help(error):
            typer.echo(str(error), err=True)
            return REFUSED
        failure = describe(error)
        failure.write(as_json=session.as_json or _asks_for_json(given))
        return failure.exit_code
    return code if isinstance(code, int) else 0


@cache
def _commands() -> Callable[..., object]:
    """Return the program with all of its commands, which typer would make anew for each command line of a process."""
    return typer.main.get_command(app)


def _is_plea_for_help(error: Exception) -> bool:
    """Say whether a group was named without a command; the message is its help then."""
    return type(error).__name__ == "NoArgsIsHelpError"  # typer keeps the class to itself


def _asks_for_json(arguments: list[str]) -> bool:
    """Say whether `-o json` is among arguments that could not be read as a whole."""
    return any(pair in (("-o", "json"), ("--output", "json")) for pair in pairwise(arguments)) or "--output=json" in arguments
