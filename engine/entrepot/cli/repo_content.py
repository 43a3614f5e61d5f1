"""`entrepot repo content …`: see, copy, remove and upload the units of one repository."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.options import BackgroundOption, TimeoutOption
from entrepot.cli.sending_files import FileArgument, ResumeOption, send
from entrepot.cli.session import OutputOption, Session
from entrepot.cli.sync import OverrideOption, RepositoryId
from entrepot.cli.unit_choice import (
    FilterOption,
    LimitOption,
    MatchOption,
    TypesOption,
    has_choice,
    unit_criteria,
    write_units,
)

app = typer.Typer(help="See, copy, remove and upload the units of a repository.", no_args_is_help=True, rich_markup_mode=None)

KeyOption = Annotated[
    list[str] | None, typer.Option("--key", metavar="KEY=VALUE", help="A field of the unit's key; may be given several times.")
]
MetadataOption = Annotated[
    list[str] | None,
    typer.Option("--metadata", metavar="KEY=VALUE", help="Another field of the unit; may be given several times."),
]
AllOption = Annotated[bool, typer.Option("--all", help="All units, where no option chooses some.")]


@app.command("list")
def list_units(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    types: TypesOption = None,
    match: MatchOption = None,
    filter_: FilterOption = None,
    limit: LimitOption = 100,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print the units that a repository holds.

    By type, then as they were first stored; `deferred` is what has not been downloaded yet.

    Example: entrepot repo content list zoo --match name=bear

    Example: entrepot repo content list zoo --type rpm --filter '{"size": {"$gt": 1000000}}' -o json
    """
    from entrepot.cli.output import write_json

    session = Session.of(ctx)
    criteria = unit_criteria(types, match, filter_, limit=limit if session.as_json else limit + 1)
    with session.service() as engine:
        units = engine.repositories.get(repository_id).search_units(criteria)
    if session.as_json:
        write_json(units)
    else:
        write_units(units, limit=limit, empty=f"Repository {repository_id} holds no such units.")


@app.command()
def copy(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    source: Annotated[
        str,
        typer.Option(
            "--from", metavar="REPOSITORY", autocompletion=completion.repositories, help="The repository to copy from."
        ),
    ],
    types: TypesOption = None,
    match: MatchOption = None,
    filter_: FilterOption = None,
    override: OverrideOption = None,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Copy units of another repository into a repository.

    All of them if no option chooses some. Nothing is downloaded and nothing published; what comes along is up to the
    importer: with `--override recursive=true` the packages that those of a yum repository need.

    Example: entrepot repo content copy stable --from testing --type rpm --match name=bear

    Example: entrepot repo content copy stable --from testing
    """
    from entrepot.cli.following import Following, start
    from entrepot.cli.values import pairs

    session = Session.of(ctx)
    criteria = unit_criteria(types, match, filter_) if has_choice(types, match, filter_) else None
    override_config = pairs(override, option="--override") or None
    with session.service() as engine:
        handle = engine.repositories.get(repository_id).copy_from(source, criteria, override_config)
        title = f"copy {source} to {repository_id}"
        start(engine, handle, title, background=background, following=Following(timeout, session.as_json))


@app.command()
def remove(
    ctx: typer.Context,
    repository_id: RepositoryId,
    *,
    types: TypesOption = None,
    match: MatchOption = None,
    filter_: FilterOption = None,
    is_all: AllOption = False,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Take units out of a repository.

    What is served changes with the next publish. The units stay where other repositories hold them; see
    `entrepot content orphans` for those that none does.

    Example: entrepot repo content remove zoo --type rpm --match name=bear

    Example: entrepot repo content remove zoo --all
    """
    from entrepot.cli.following import Following, start
    from entrepot.errors import InvalidValue

    session = Session.of(ctx)
    if has_choice(types, match, filter_) == is_all:
        raise InvalidValue("--all", why="either say which units, by --type, --match or --filter, or all of them by --all")
    criteria = None if is_all else unit_criteria(types, match, filter_)
    with session.service() as engine:
        handle = engine.repositories.get(repository_id).remove_units(criteria)
        title = f"remove from {repository_id}"
        start(engine, handle, title, background=background, following=Following(timeout, session.as_json))


@app.command()
def upload(
    ctx: typer.Context,
    repository_id: RepositoryId,
    file: FileArgument,
    *,
    unit_type: Annotated[str, typer.Option("--type", metavar="TYPE", help="The unit's type, one of the importer's.")],
    key: KeyOption = None,
    metadata: MetadataOption = None,
    override: OverrideOption = None,
    resume: ResumeOption = None,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Upload a file into a repository as a unit.

    What the importer reads from the file need not be said. If it is cut off it says how to go on.

    Example: entrepot repo content upload zoo bear-4.1-1.noarch.rpm --type rpm

    Example: entrepot repo content upload zoo bear.iso --type iso --key name=bear.iso
    """
    from entrepot.cli.failures import CommandFailed
    from entrepot.cli.following import Following, start
    from entrepot.cli.values import pairs

    session = Session.of(ctx)
    unit_key, unit_metadata = pairs(key, option="--key"), pairs(metadata, option="--metadata") or None
    override_config = pairs(override, option="--override") or None
    again = shlex.join(["entrepot", "repo", "content", "upload", repository_id, str(file), "--type", unit_type])
    with session.service() as engine:
        repository = engine.repositories.get(repository_id)
        sent = send(engine, file, resume, again=again, as_json=session.as_json)
        handle = repository.import_upload(sent.upload_id, unit_type, unit_key, unit_metadata, override_config)
        title = f"upload to {repository_id}"
        try:
            start(engine, handle, title, background=background, following=Following(timeout, session.as_json))
        except CommandFailed as error:
            error.failure.hints.append(f"The file need not be sent again: {again} --resume {sent.upload_id}")
            raise
        if not background:
            engine.content.delete_upload(sent.upload_id)
