"""`entrepot repo distributor …`: see, add, change and remove what publishes a repository."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.options import BackgroundOption, TimeoutOption
from entrepot.cli.publication import DistributorId
from entrepot.cli.session import OutputOption, Session
from entrepot.cli.sync import RepositoryId

app = typer.Typer(help="See, add, change and remove a repository's distributors.", no_args_is_help=True, rich_markup_mode=None)

_ConfigOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="A setting; may be given several times. "
        "VALUE is read as JSON if it is JSON, else as text; KEY=@FILE reads it from a file.",
    ),
]


@app.command("list")
def list_distributors(ctx: typer.Context, repository_id: RepositoryId, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print the distributors of a repository.

    Example: entrepot repo distributor list zoo
    """
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.service() as engine:
        reports = engine.repositories.get(repository_id).distributors()
    if session.as_json:
        write_json(reports)
        return
    rows = [
        (
            one.distributor_id,
            one.distributor_type_id,
            one.auto_publish,
            f"/content/{one.base_path}/",
            one.live_revision,
            one.last_publish,
            one.config,
        )
        for one in reports
    ]
    columns = ("DISTRIBUTOR", "TYPE", "AUTO-PUBLISH", "SERVED AT", "LIVE#", "LAST PUBLISH", "CONFIG")
    empty = f"Repository {repository_id} has no distributor. Add one: entrepot repo distributor add --help"
    write_table(columns, rows, flexible="CONFIG", empty=empty)


@app.command()
def add(
    ctx: typer.Context,
    repository_id: RepositoryId,
    distributor: Annotated[
        str,
        typer.Argument(
            metavar="TYPE", autocompletion=completion.distributor_types, help="Distributor type; see `entrepot plugin list`."
        ),
    ],
    *,
    distributor_id: Annotated[str | None, typer.Option(metavar="ID", help="The distributor's id; default: its type.")] = None,
    config: _ConfigOption = None,
    auto_publish: Annotated[bool, typer.Option("--auto-publish", help="Publish after each sync.")] = False,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Add a distributor to a repository, at once.

    One of the same id is replaced, and what it publishes goes; that is refused while the repository has unfinished tasks.

    Example: entrepot repo distributor add zoo iso_distributor --config relative_url=animals/zoo
    """
    from entrepot.cli.output import write_json, write_line
    from entrepot.cli.values import pairs

    session = Session.of(ctx)
    settings = pairs(config, option="--config")
    with session.service() as engine:
        report = engine.repositories.get(repository_id).add_distributor(
            distributor, settings, distributor_id=distributor_id or distributor, auto_publish=auto_publish
        )
    if session.as_json:
        write_json(report)
        return
    write_line(f"Added distributor {report.distributor_id} to repository {repository_id}.")
    write_line(f"Next: entrepot repo publish {repository_id} --distributor-id {report.distributor_id}")


@app.command()
def update(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    distributor_id: DistributorId = None,
    config: _ConfigOption = None,
    auto_publish: Annotated[
        bool | None,
        typer.Option("--auto-publish/--no-auto-publish", show_default=False, help="Publish after each sync, or not."),
    ] = None,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Change a distributor, after the tasks before it.

    What is not named stays as it is, and KEY=null removes a setting.

    Example: entrepot repo distributor update zoo --auto-publish --config serve_http=false
    """
    from entrepot.cli.following import Following, start
    from entrepot.cli.publication import chosen_distributor
    from entrepot.cli.values import pairs

    session = Session.of(ctx)
    settings = pairs(config, option="--config")
    with session.service() as engine:
        repository = engine.repositories.get(repository_id)
        chosen = chosen_distributor(repository.report(), distributor_id)
        handle = repository.request_update_distributor(chosen, settings, auto_publish=auto_publish)
        title = f"change distributor {chosen} of {repository_id}"
        start(engine, handle, title, background=background, following=Following(timeout, session.as_json))


@app.command()
def remove(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    distributor_id: DistributorId = None,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Remove a distributor with its schedules and all that it publishes.

    The repository keeps its units.

    Example: entrepot repo distributor remove zoo --distributor-id web
    """
    from entrepot.cli.following import Following, start
    from entrepot.cli.publication import chosen_distributor

    session = Session.of(ctx)
    with session.service() as engine:
        repository = engine.repositories.get(repository_id)
        chosen = chosen_distributor(repository.report(), distributor_id)
        handle = repository.request_remove_distributor(chosen)
        title = f"remove distributor {chosen} of {repository_id}"
        start(engine, handle, title, background=background, following=Following(timeout, session.as_json))
