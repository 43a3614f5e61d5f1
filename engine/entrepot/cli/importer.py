"""`entrepot repo importer …`: see, set, change and remove what brings content into a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.options import BackgroundOption, TimeoutOption
from entrepot.cli.session import OutputOption, Session
from entrepot.cli.sync import RepositoryId

if TYPE_CHECKING:
    from entrepot.errors import JSON

app = typer.Typer(help="See, set, change and remove a repository's importer.", no_args_is_help=True, rich_markup_mode=None)

_FeedOption = Annotated[str | None, typer.Option(metavar="URL", help="Where the importer gets the content from.")]
_ConfigOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="A setting; may be given several times. "
        "VALUE is read as JSON if it is JSON, else as text; KEY=@FILE reads it from a file.",
    ),
]


@app.command()
def show(ctx: typer.Context, repository_id: RepositoryId, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print the importer of a repository.

    Secrets are masked.

    Example: entrepot repo importer show zoo
    """
    from entrepot.cli.output import write_json, write_record

    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.repositories.get(repository_id).importer()
    if session.as_json:
        write_json(report)
        return
    settings: list[tuple[str, object]] = [(f"config {name}", value) for name, value in sorted(report.config.items())]
    write_record([("Importer", report.importer_type_id), ("Last sync", report.last_sync or "never"), *settings])


@app.command("set")
def set_importer(
    ctx: typer.Context,
    repository_id: RepositoryId,
    importer: Annotated[
        str,
        typer.Argument(
            metavar="TYPE", autocompletion=completion.importer_types, help="Importer type; see `entrepot plugin list`."
        ),
    ],
    *,
    feed: _FeedOption = None,
    config: _ConfigOption = None,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Give a repository a new importer.

    It takes the place of the one there is, which goes with its configuration and its schedules. Units stay.

    Example: entrepot repo importer set zoo iso_importer --feed https://example.org/zoo/
    """
    from entrepot.cli.following import Following, start

    session = Session.of(ctx)
    settings = _settings(feed, config)
    with session.service() as engine:
        handle = engine.repositories.get(repository_id).request_set_importer(importer, settings)
        title = f"set importer of {repository_id}"
        start(engine, handle, title, background=background, following=Following(timeout, session.as_json))


@app.command()
def update(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    feed: _FeedOption = None,
    config: _ConfigOption = None,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Change the settings of a repository's importer, after the tasks before it.

    What is not named stays as it is, and KEY=null removes a setting. To change them at once: entrepot repo update

    Example: entrepot repo importer update zoo --config max_downloads=8 --config proxy_host=null
    """
    from entrepot.cli.following import Following, start

    session = Session.of(ctx)
    settings = _settings(feed, config)
    with session.service() as engine:
        repository = engine.repositories.get(repository_id)
        handle = repository.request_update_importer(repository.importer().importer_type_id, settings)
        title = f"change importer of {repository_id}"
        start(engine, handle, title, background=background, following=Following(timeout, session.as_json))


@app.command()
def remove(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Remove the importer of a repository, with its schedules.

    The repository keeps its units, and publishes them as before.

    Example: entrepot repo importer remove zoo
    """
    from entrepot.cli.following import Following, start

    session = Session.of(ctx)
    with session.service() as engine:
        repository = engine.repositories.get(repository_id)
        handle = repository.request_remove_importer(repository.importer().importer_type_id)
        title = f"remove importer of {repository_id}"
        start(engine, handle, title, background=background, following=Following(timeout, session.as_json))


def _settings(feed: str | None, config: list[str] | None) -> dict[str, JSON]:
    from entrepot.cli.values import pairs

    settings = pairs(config, option="--config")
    if feed is not None:
        settings["feed"] = feed
    return settings
