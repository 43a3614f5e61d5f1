"""`entrepot repo publish`, `publications`, `compare` and `roll-back`: what is served, now and before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.options import BackgroundOption, TimeoutOption
from entrepot.cli.session import OutputOption, Session
from entrepot.cli.sync import OverrideOption, RepositoryId

if TYPE_CHECKING:
    from entrepot.repositories.reports import RepositoryReport

DistributorId = Annotated[
    str | None,
    typer.Option(
        "--distributor-id",
        metavar="ID",
        autocompletion=completion.distributors,
        help="The distributor; may be left out if there is only one.",
    ),
]


def publish(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    distributor_id: DistributorId = None,
    override: OverrideOption = None,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Publish a repository as it is now.

    What is served changes in one moment, and only if all went well.

    Example: entrepot repo publish zoo
    """
    from entrepot.cli.following import Following, start
    from entrepot.cli.values import pairs

    session = Session.of(ctx)
    override_config = pairs(override, option="--override") or None
    with session.service() as engine:
        repository = engine.repositories.get(repository_id)
        handle = repository.publish(chosen_distributor(repository.report(), distributor_id), override_config)
        start(engine, handle, f"publish {repository_id}", background=background, following=Following(timeout, session.as_json))


def publications(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    distributor_id: DistributorId = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print the publications that are kept.

    The newest first; the live one is served.

    Example: entrepot repo publications zoo
    """
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.service() as engine:
        repository = engine.repositories.get(repository_id)
        reports = repository.publications(chosen_distributor(repository.report(), distributor_id))
    if session.as_json:
        write_json(reports)
        return
    rows = [
        (
            one.revision,
            "live" if one.is_live else "kept",
            one.created,
            one.entry_count,
            one.added_count,
            one.updated_count,
            one.removed_count,
        )
        for one in reports
    ]
    columns = ("REVISION#", "STATE", "CREATED", "FILES#", "ADDED#", "UPDATED#", "REMOVED#")
    write_table(columns, rows, empty=f"Repository {repository_id} has not been published yet.")


def compare(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    before: Annotated[int, typer.Option("--from", metavar="N", help="The publication to start from; see `publications`.")],
    after: Annotated[int, typer.Option("--to", metavar="M", help="The other one.")],
    distributor_id: DistributorId = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print which paths two publications do not have alike.

    With their sizes. Both must be kept.

    Example: entrepot repo compare zoo --from 3 --to 4
    """
    from entrepot.cli.output import write_json, write_table
    from entrepot.wording import size_text

    session = Session.of(ctx)
    with session.service() as engine:
        repository = engine.repositories.get(repository_id)
        chosen = chosen_distributor(repository.report(), distributor_id)
        difference = repository.compare_publications(chosen, before, after)
    if session.as_json:
        write_json(difference)
        return
    parts = (("added", difference.added), ("changed", difference.changed), ("removed", difference.removed))
    rows = [
        (word, one.path, *("-" if size is None else size_text(size) for size in (one.size_before, one.size_after)))
        for word, changes in parts
        for one in changes
    ]
    empty = f"Publications {before} and {after} of {repository_id} are alike."
    write_table(("CHANGE", "PATH", f"SIZE IN {before}#", f"SIZE IN {after}#"), rows, flexible="PATH", empty=empty)


def roll_back(
    ctx: typer.Context,
    repository_id: RepositoryId,
    revision: Annotated[int, typer.Argument(metavar="REVISION", help="The publication to serve; see `publications`.")],
    *,
    distributor_id: DistributorId = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Serve an older publication again, at once.

    Nothing is copied or lost; the next publish starts from the repository as it is then.

    Example: entrepot repo roll-back zoo 3
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with session.service() as engine:
        repository = engine.repositories.get(repository_id)
        report = repository.roll_back(chosen_distributor(repository.report(), distributor_id), revision)
    if session.as_json:
        write_json(report)
    else:
        write_line(
            f"Repository {repository_id} now serves publication {report.revision} of {report.created:%Y-%m-%d %H:%M:%S} UTC."
        )


def chosen_distributor(report: RepositoryReport, distributor_id: str | None) -> str:
    """Return `distributor_id`, or the id of the only distributor.

    Raises `InvalidValue` if there are several, `MissingResource` if there is none.
    """
    from entrepot.errors import InvalidValue, MissingResource

    if distributor_id is not None:
        return distributor_id
    found = [distributor.distributor_id for distributor in report.distributors]
    if not found:
        raise MissingResource(distributor=f"any of repository {report.repository_id}")
    if len(found) > 1:
        why = f"repository {report.repository_id} has several; name one of {', '.join(found)}"
        raise InvalidValue("--distributor-id", why=why)
    return found[0]
