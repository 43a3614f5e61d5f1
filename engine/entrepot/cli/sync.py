"""`entrepot repo sync`, `download`, `history` and `activity`: bring content in, fetch what is missing, see how it went."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.options import BackgroundOption, TimeoutOption
from entrepot.cli.session import OutputOption, Session

RepositoryId = Annotated[
    str, typer.Argument(metavar="REPOSITORY", autocompletion=completion.repositories, help="The repository's id.")
]
OverrideOption = Annotated[
    list[str] | None,
    typer.Option("--override", metavar="KEY=VALUE", help="A setting for this run only; may be given several times."),
]


class Kind(StrEnum):
    """What history is about."""

    SYNC = "sync"
    PUBLISH = "publish"


def sync(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    override: OverrideOption = None,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Bring a repository to the state of its feed.

    Then publishes it, if a distributor does so by itself (--auto-publish). Waits for the end, showing how it goes;
    Ctrl-C stops the waiting, not the sync.

    Example: entrepot repo sync zoo

    Example: entrepot repo sync zoo --background
    """
    from entrepot.cli.following import Following, start
    from entrepot.cli.values import pairs

    session = Session.of(ctx)
    override_config = pairs(override, option="--override") or None
    with session.service() as engine:
        handle = engine.repositories.get(repository_id).sync(override_config)
        start(engine, handle, f"sync {repository_id}", background=background, following=Following(timeout, session.as_json))


def download(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Read every file, compare its digest, and repair.")] = False,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Fetch every file of a repository that is not in the store yet.

    With `--verify` all files are read, and those that are damaged are fetched again. What cannot be had is named by
    `entrepot task show`, and fails nothing. It does not wait for other tasks.

    Example: entrepot repo download zoo --verify
    """
    from entrepot.cli.following import Following, start

    session = Session.of(ctx)
    with session.service() as engine:
        handle = engine.repositories.get(repository_id).request_download(verify_all_units=verify)
        title = f"download {repository_id}"
        start(engine, handle, title, background=background, following=Following(timeout, session.as_json))


def history(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    kind: Annotated[Kind, typer.Option(help="Which history.")] = Kind.SYNC,
    distributor_id: Annotated[
        str | None,
        typer.Option(
            metavar="ID", autocompletion=completion.distributors, help="The distributor, for publishes; default: all."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="How many entries to print.")] = 20,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print the syncs or publishes that have ended.

    The newest first.

    Example: entrepot repo history zoo --kind publish
    """
    from entrepot.cli.output import write_json, write_table
    from entrepot.wording import span_text

    session = Session.of(ctx)
    with session.service() as engine:
        entries = engine.repositories.get(repository_id).history(kind.value, distributor_id=distributor_id, limit=limit)
    if session.as_json:
        write_json(entries)
        return
    rows = []
    for entry in entries:
        counts = (entry.added_count, entry.updated_count, entry.removed_count)
        took = span_text(entry.completed - entry.started)
        rows.append((entry.started, took, entry.result, entry.plugin_id, *counts, entry.task_id, entry.error_message or ""))
    columns = ("STARTED", "TOOK#", "RESULT", "PLUGIN", "ADDED#", "UPDATED#", "REMOVED#", "TASK", "ERROR")
    write_table(columns, rows, flexible="ERROR", empty=f"No {kind.value} of repository {repository_id} has ended yet.")


def activity(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    distributor_id: Annotated[
        str | None,
        typer.Option(metavar="ID", autocompletion=completion.distributors, help="Only what concerns this distributor."),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many lines to print.")] = 50,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print the log of a repository.

    What ended, was deployed, or went wrong; the newest line first. On the machine that entrepot runs on.

    Example: entrepot repo activity zoo --limit 10
    """
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.engine() as engine:
        engine.repositories.get(repository_id)
        lines = engine.events.list_activity(repository_id, distributor_id, limit=limit)
    if session.as_json:
        write_json(lines)
        return
    rows = [(line.created, line.level, line.distributor_id or "", line.message) for line in lines]
    empty = f"Nothing has happened to repository {repository_id} yet."
    write_table(("WHEN", "LEVEL", "DISTRIBUTOR", "WHAT"), rows, flexible="WHAT", empty=empty)
