"""What the commands of one command line share: the output format, the settings and the engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli.failures import REFUSED, UNAVAILABLE, CommandFailed, Failure
from entrepot.cli.recording import recorded
from entrepot.server_address import masked

if TYPE_CHECKING:
    from entrepot.cli.remote import Remote
    from entrepot.client import Client
    from entrepot.engine import Engine
    from entrepot.settings import Settings


class OutputFormat(StrEnum):
    """How a command prints its data."""

    TABLE = "table"
    JSON = "json"


class Session:
    """One run of the command line."""

    def __init__(self) -> None:
        """Begin with tables for people, on this machine."""
        self.output = OutputFormat.TABLE
        #: The server that is asked in place of this machine's engine, if there is one.
        self.remote: Remote | None = None
        #: The command that is run, once it is known.
        self.command: typer.Context | None = None

    @classmethod
    def of(cls, ctx: typer.Context) -> Session:
        """Return the session of the command line that `ctx` belongs to."""
        session = ctx.find_object(cls)
        assert session is not None  # noqa: S101 - `main` gives it
        session.command = ctx
        return session

    @property
    def as_json(self) -> bool:
        """True if data is to be printed as JSON."""
        return self.output is OutputFormat.JSON

    def settings(self) -> Settings:
        """Return the settings; the global options are in the environment by now.

        Raises `InvalidSettings`, `CommandFailed` (refused) if a server is to be asked.
        """
        if self.remote is not None:
            text = "This command works on the machine that entrepot runs on, and not over REST."
            raise CommandFailed(Failure(text, REFUSED, "PLP0015", hints=["Run it there, without --url and --profile."]))
        from entrepot.settings import read_settings

        return read_settings()

    @contextmanager
    def unchecked_engine(self) -> Iterator[Engine]:
        """Give the engine, whatever state its database is in."""
        from entrepot.engine import Engine

        with Engine(settings=self.settings()) as engine:
            yield engine

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Give the engine inside `visit()`, ready for use; the audit log has what the command changes with it.

        Raises `CommandFailed` (unavailable) if there is no database yet, `DatabaseError` if it is not this version's.
        """
        settings = self.settings()
        if not _exists(settings):
            raise CommandFailed(
                Failure(
                    f"There is no entrepot here: {masked(settings.effective_database_url)} does not exist.",
                    UNAVAILABLE,
                    "PLP2043",
                    {"data_dir": str(settings.data_dir)},
                    ["Run: entrepot init    (or name the right folder with --data-dir or ENTREPOT_DATA_DIR)"],
                )
            )
        from entrepot.engine import Engine

        with Engine(settings=settings) as engine, engine.visit():
            engine.check()
            with nullcontext() if self.command is None else recorded(engine, self.command):
                yield engine

    @contextmanager
    def service(self) -> Iterator[Engine | Client]:
        """Give the server that is to be asked, else the engine of this machine; raises as `engine` does."""
        if self.remote is None:
            with self.engine() as engine:
                yield engine
        else:
            with self.remote.client() as client:
                yield client


def _exists(settings: Settings) -> bool:
    """Say whether the SQLite file is there; of a database server only the server knows."""
    from pathlib import Path

    url = settings.effective_database_url
    return not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///")).exists()


def _choose_output(ctx: typer.Context, value: OutputFormat | None) -> OutputFormat | None:
    if value is not None:
        Session.of(ctx).output = value
    return value


OutputOption = Annotated[
    OutputFormat | None,
    typer.Option(
        "-o", "--output", is_eager=True, callback=_choose_output, show_default=False, help="How to print; table by default."
    ),
]
