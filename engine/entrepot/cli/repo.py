"""`entrepot repo …`: make, see, change and delete repositories; their other commands are in `sync` and `publication`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli import completion, publication, repo_content, sync
from entrepot.cli import distributor as distributor_commands
from entrepot.cli import importer as importer_commands
from entrepot.cli.failures import FAILED
from entrepot.cli.options import BackgroundOption, TimeoutOption
from entrepot.cli.session import OutputOption, Session
from entrepot.cli.sync import RepositoryId

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.repositories.reports import DistributorReport, RepositoryReport

app = typer.Typer(help="Make, sync, publish, see and delete repositories.", no_args_is_help=True, rich_markup_mode=None)

_PAIR = "KEY=VALUE"
_PAIRS_HELP = "VALUE is read as JSON if it is JSON, else as text; KEY=@FILE reads it from a file."
DisplayNameOption = Annotated[str | None, typer.Option(metavar="TEXT", help="The name that people see.")]
DescriptionOption = Annotated[str | None, typer.Option(metavar="TEXT", help="What the repository is for.")]
NoteOption = Annotated[list[str] | None, typer.Option(metavar=_PAIR, help="A note; may be given several times.")]
FeedOption = Annotated[str | None, typer.Option(metavar="URL", help="Where the importer gets the content from.")]
ImporterConfigOption = Annotated[
    list[str] | None, typer.Option(metavar=_PAIR, help=f"A setting of the importer; may be given several times. {_PAIRS_HELP}")
]
DistributorConfigOption = Annotated[
    list[str] | None, typer.Option(metavar=_PAIR, help="A setting of the distributor; may be given several times.")
]


@app.command()
def create(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    importer: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE", autocompletion=completion.importer_types, help="Importer type; see `entrepot plugin list`."
        ),
    ] = None,
    feed: FeedOption = None,
    importer_config: ImporterConfigOption = None,
    distributor: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE", autocompletion=completion.distributor_types, help="Distributor type; see `entrepot plugin list`."
        ),
    ] = None,
    distributor_id: Annotated[str | None, typer.Option(metavar="ID", help="The distributor's id; default: its type.")] = None,
    distributor_config: DistributorConfigOption = None,
    auto_publish: Annotated[bool, typer.Option("--auto-publish", help="Publish after each sync.")] = False,
    display_name: DisplayNameOption = None,
    description: DescriptionOption = None,
    note: NoteOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Make a repository.

    With an importer and a distributor if they are named.

    Example: entrepot repo create zoo --importer iso_importer --feed https://example.org/zoo/
    --distributor iso_distributor --auto-publish
    """
    from entrepot.cli.output import write_json, write_line
    from entrepot.cli.values import pairs
    from entrepot.errors import MissingValue
    from entrepot.repositories import UNSET

    session = Session.of(ctx)
    importer_settings = pairs(importer_config, option="--importer-config")
    if feed is not None:
        importer_settings["feed"] = feed
    if importer_settings and importer is None:
        raise MissingValue("--importer")
    distributor_settings = pairs(distributor_config, option="--distributor-config")
    if distributor is None and (distributor_settings or distributor_id or auto_publish):
        raise MissingValue("--distributor")
    distributors: list[dict[str, JSON]] = []
    if distributor is not None:
        entry: dict[str, JSON] = {"distributor_type_id": distributor, "distributor_config": distributor_settings}
        entry |= {"auto_publish": auto_publish, "distributor_id": distributor_id or distributor}
        distributors.append(entry)
    with session.service() as engine:
        repository = engine.repositories.create(
            repository_id,
            importer_type_id=importer,
            importer_config=importer_settings,
            distributors=distributors,
            display_name=UNSET if display_name is None else display_name,
            description=description,
            notes=pairs(note, option="--note"),
        )
        report = repository.report()
    if session.as_json:
        write_json(report)
        return
    write_line(f"Created repository {report.repository_id}.")
    if report.importer is not None:
        write_line(f"Next: entrepot repo sync {report.repository_id}")


@app.command("list")
def list_repositories(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print all repositories.

    Example: entrepot repo list -o json
    """
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.service() as engine:
        reports = engine.repositories.reports()
    if session.as_json:
        write_json(reports)
        return
    rows = []
    for report in reports:
        importer = report.importer
        feed = importer.config.get("feed") if importer else None
        published = ", ".join(f"/content/{one.base_path}/" for one in report.distributors if one.live_revision is not None)
        last_sync = importer.last_sync if importer else None
        rows.append((report.repository_id, units_text(report), last_sync, published or None, feed))
    columns = ("REPOSITORY", "UNITS", "LAST SYNC", "PUBLISHED", "FEED")
    write_table(columns, rows, flexible="FEED", empty="There are no repositories. Make one: entrepot repo create --help")


@app.command()
def show(ctx: typer.Context, repository_id: RepositoryId, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print everything about one repository.

    Secrets are masked.

    Example: entrepot repo show zoo
    """
    from entrepot.cli.output import write_json

    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.repositories.get(repository_id).report()
    if session.as_json:
        write_json(report)
    else:
        _print_report(report)


@app.command()
def update(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    display_name: DisplayNameOption = None,
    description: DescriptionOption = None,
    note: NoteOption = None,
    feed: FeedOption = None,
    importer_config: ImporterConfigOption = None,
    distributor_id: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="The distributor to change, autocompletion=completion.distributors, if there are several."
        ),
    ] = None,
    distributor_config: DistributorConfigOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Change a repository and its plugins' settings.

    What is not named stays as it is, and KEY=null removes a setting or note.

    Example: entrepot repo update zoo --feed https://example.org/new/ --importer-config max_downloads=8
    """
    from entrepot.cli.output import write_json, write_line
    from entrepot.cli.publication import chosen_distributor
    from entrepot.cli.values import pairs
    from entrepot.repositories import UNSET

    session = Session.of(ctx)
    importer_settings = pairs(importer_config, option="--importer-config")
    if feed is not None:
        importer_settings["feed"] = feed
    distributor_settings = pairs(distributor_config, option="--distributor-config")
    with session.service() as engine:
        repository = engine.repositories.get(repository_id)
        changed = {}
        if distributor_settings:
            changed[chosen_distributor(repository.report(), distributor_id)] = distributor_settings
        report = repository.update(
            display_name=UNSET if display_name is None else display_name,
            description=UNSET if description is None else description,
            notes=pairs(note, option="--note") or UNSET,
            importer_config=importer_settings or None,
            distributor_configs=changed or None,
        )
    if session.as_json:
        write_json(report)
    else:
        write_line(f"Changed repository {repository_id}.")


@app.command()
def delete(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, which is done on a terminal only.")] = False,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Delete a repository and all that it publishes.

    It is a task as any, and runs when the repository's tasks before it have ended.

    Example: entrepot repo delete zoo --yes
    """
    from entrepot.cli.following import Following, start

    session = Session.of(ctx)
    with session.service() as engine:
        engine.repositories.get(repository_id)
        is_asked = not yes and sys.stdin.isatty() and sys.stdout.isatty()
        if is_asked and not typer.confirm(f"Delete repository {repository_id} and what it publishes?"):
            raise typer.Exit(FAILED)
        handle = engine.repositories.delete(repository_id)
        start(engine, handle, f"delete {repository_id}", background=background, following=Following(timeout, session.as_json))


def units_text(report: RepositoryReport) -> str:
    """Return what a repository holds: `3 iso, 1 rpm`."""
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(report.content_unit_counts.items()) if count) or "0"


def _print_report(report: RepositoryReport) -> None:
    from entrepot.cli.output import write_line, write_record

    write_record(
        [
            ("Repository", report.repository_id),
            ("Name", report.display_name),
            ("Description", report.description),
            ("Notes", report.notes),
            ("Units", units_text(report)),
            ("Revision", report.revision),
            ("Created", report.created),
            ("Last unit added", report.last_unit_added),
            ("Last unit removed", report.last_unit_removed),
        ]
    )
    if report.importer is not None:
        write_line(f"\nImporter {report.importer.importer_type_id}")
        last_sync = ("last sync", report.importer.last_sync or "never")
        write_record([last_sync, *_settings(report.importer.config)])
    for distributor in report.distributors:
        write_line(f"\nDistributor {distributor.distributor_id}")
        write_record([*_distributor_facts(distributor), *_settings(distributor.config)])


def _distributor_facts(distributor: DistributorReport) -> list[tuple[str, object]]:
    return [
        ("type", distributor.distributor_type_id),
        ("auto-publish", distributor.auto_publish),
        ("served at", f"/content/{distributor.base_path}/"),
        ("live revision", distributor.live_revision if distributor.live_revision is not None else "none: never published"),
        ("last publish", distributor.last_publish),
    ]


def _settings(config: dict[str, JSON]) -> list[tuple[str, object]]:
    return [(f"config {name}", value) for name, value in sorted(config.items())]


app.command("sync")(sync.sync)
app.command("publish")(publication.publish)
app.command("publications")(publication.publications)
app.command("compare")(publication.compare)
app.command("roll-back")(publication.roll_back)
app.command("history")(sync.history)
app.command("activity")(sync.activity)
app.command("download")(sync.download)
app.add_typer(repo_content.app, name="content")
app.add_typer(importer_commands.app, name="importer")
app.add_typer(distributor_commands.app, name="distributor")
