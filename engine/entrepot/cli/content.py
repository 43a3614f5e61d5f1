"""`entrepot content …`: uploads, units and orphans, whatever repositories they belong to, and where files come from."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated

import typer

from entrepot.cli.failures import FAILED
from entrepot.cli.options import BackgroundOption, TimeoutOption
from entrepot.cli.sending_files import FileArgument, ResumeOption, send
from entrepot.cli.session import OutputOption, Session
from entrepot.cli.unit_choice import FilterOption, LimitOption, MatchOption, criteria, write_units

app = typer.Typer(help="See units, uploads and orphans of all repositories.", no_args_is_help=True, rich_markup_mode=None)
orphans = typer.Typer(help="See and delete units that no repository holds.", no_args_is_help=True, rich_markup_mode=None)
uploads = typer.Typer(help="See and delete uploads under way.", no_args_is_help=True, rich_markup_mode=None)
unit = typer.Typer(help="See units, and what is kept with them.", no_args_is_help=True, rich_markup_mode=None)
source = typer.Typer(help="See where files can be fetched.", no_args_is_help=True, rich_markup_mode=None)

TypeArgument = Annotated[str, typer.Argument(metavar="TYPE", help="The unit type, such as rpm.")]
UnitArgument = Annotated[str, typer.Argument(metavar="UNIT", help="The unit's id, as lists show it.")]
UploadArgument = Annotated[str, typer.Argument(metavar="UPLOAD", help="The upload's id.")]


@app.command()
def upload(
    ctx: typer.Context,
    file: FileArgument,
    *,
    resume: ResumeOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Send a file, to be made a unit later; prints the upload's id.

    If it is cut off it says how to go on: with what has arrived. `entrepot repo content upload` sends and makes the unit.

    Example: entrepot content upload bear.iso

    Example: entrepot content upload bear.iso --resume 5b1c2a00-7a8e-4c37-9d8e-2f1f6c2b8a11
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    again = shlex.join(["entrepot", "content", "upload", str(file)])
    with session.service() as engine:
        report = send(engine, file, resume, again=again, as_json=session.as_json)
    if session.as_json:
        write_json(report)
    else:
        write_line(report.upload_id)


@uploads.command("list")
def list_uploads(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print the uploads under way.

    One that nothing is written to any more is removed when it expires.

    Example: entrepot content uploads list
    """
    from entrepot.cli.output import write_json, write_table
    from entrepot.wording import size_text

    session = Session.of(ctx)
    with session.service() as engine:
        reports = engine.content.list_uploads()
    if session.as_json:
        write_json(reports)
        return
    rows = [(one.upload_id, size_text(one.size), one.created, one.changed, one.expires) for one in reports]
    write_table(("UPLOAD", "ARRIVED#", "CREATED", "LAST WRITE", "EXPIRES"), rows, empty="There are no uploads under way.")


@uploads.command("delete")
def delete_upload(ctx: typer.Context, upload_id: UploadArgument) -> None:
    """Delete an upload with its bytes.

    Example: entrepot content uploads delete 5b1c2a00-7a8e-4c37-9d8e-2f1f6c2b8a11
    """
    from entrepot.cli.output import write_line

    with Session.of(ctx).service() as engine:
        engine.content.get_upload(upload_id)
        engine.content.delete_upload(upload_id)
    write_line(f"Deleted upload {upload_id}.")


@unit.command("list")
def list_units(
    ctx: typer.Context,
    unit_type: TypeArgument,
    *,
    match: MatchOption = None,
    filter_: FilterOption = None,
    limit: LimitOption = 100,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print the units of a type, whatever repositories hold them.

    Example: entrepot content unit list rpm --match name=bear
    """
    from entrepot.cli.output import write_json

    session = Session.of(ctx)
    chosen = criteria(match, filter_, limit=limit if session.as_json else limit + 1)
    with session.service() as engine:
        units = engine.content.find_units(unit_type, chosen, include_repositories=session.as_json)
    if session.as_json:
        write_json(units)
    else:
        write_units(units, limit=limit, empty=f"There are no such units of type {unit_type}.")


@unit.command("show")
def show_unit(ctx: typer.Context, unit_type: TypeArgument, unit_id: UnitArgument, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print everything about one unit, and which repositories hold it.

    Example: entrepot content unit show rpm 5b1c2a00-7a8e-4c37-9d8e-2f1f6c2b8a11
    """
    from entrepot.cli.output import write_json, write_record

    session = Session.of(ctx)
    with session.service() as engine:
        report = engine.content.get_unit(unit_type, unit_id)
    if session.as_json:
        write_json(report)
        return
    write_record(
        [
            ("Unit", report.unit_id),
            ("Type", report.unit_type_id),
            ("Repositories", report.repository_ids or "none: an orphan"),
            ("Created", report.created),
            ("Stored", "yes" if report.downloaded else "deferred"),
            *sorted(report.data.items()),
            ("Metadata", report.user_metadata),
        ]
    )


@unit.command("metadata")
def unit_metadata(
    ctx: typer.Context,
    unit_type: TypeArgument,
    unit_id: UnitArgument,
    *,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Keep this with it; KEY=null removes. May be given several times."),
    ] = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print what is kept with a unit, or change it.

    It is not part of the unit, and nothing of entrepot reads it.

    Example: entrepot content unit metadata rpm 5b1c2a00-7a8e-4c37-9d8e-2f1f6c2b8a11 --set reviewed=true
    """
    from entrepot.cli.output import write_json, write_record
    from entrepot.cli.values import pairs

    session = Session.of(ctx)
    given = pairs(changes, option="--set")
    with session.service() as engine:
        kept = engine.content.get_unit(unit_type, unit_id).user_metadata
        if given:
            kept = {name: value for name, value in {**kept, **given}.items() if value is not None}
            engine.content.set_user_metadata(unit_type, unit_id, kept)
    if session.as_json:
        write_json(kept)
    else:
        write_record(sorted(kept.items()))


@orphans.command("list")
def list_orphans(
    ctx: typer.Context,
    unit_type: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="The unit type; without one, all are counted.", show_default=False)
    ] = None,
    *,
    limit: LimitOption = 100,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print the units that no repository holds, or count them.

    Without a type, how many there are of each.

    Example: entrepot content orphans list

    Example: entrepot content orphans list rpm
    """
    from entrepot.cli.output import write_json, write_line, write_table

    session = Session.of(ctx)
    with session.service() as engine:
        if unit_type is None:
            counts = engine.content.orphan_counts()
            if session.as_json:
                write_json(counts)
            else:
                write_table(("TYPE", "ORPHANS#"), sorted(counts.items()), empty="There are no unit types.")
            return
        found = engine.content.list_orphans(unit_type, limit=limit if session.as_json else limit + 1)
    if session.as_json:
        write_json(found)
        return
    rows = [(orphan.unit_id, orphan.key) for orphan in found[:limit]]
    write_table(("UNIT", "KEY"), rows, flexible="KEY", empty=f"There are no orphans of type {unit_type}.")
    if len(found) > limit:
        write_line(f"There are more than {limit:,}: raise --limit.", stderr=True)


@orphans.command("delete")
def delete_orphans(
    ctx: typer.Context,
    unit_type: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="Only those of this unit type.", show_default=False)
    ] = None,
    unit_id: Annotated[
        str | None, typer.Argument(metavar="[UNIT]", help="Only the one of this id.", show_default=False)
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, which is done on a terminal only.")] = False,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Delete the units that no repository holds.

    And the bytes that nothing needs then.

    All of them, those of a type, or one. What work under way may need stays.

    Example: entrepot content orphans delete --yes

    Example: entrepot content orphans delete rpm
    """
    from entrepot.cli.following import Following, start

    session = Session.of(ctx)
    what = "all orphans" if unit_type is None else f"the orphans of type {unit_type}"
    with session.service() as engine:
        is_asked = not yes and unit_id is None and sys.stdin.isatty() and sys.stdout.isatty()
        if is_asked and not typer.confirm(f"Delete {what}?"):
            raise typer.Exit(FAILED)
        handle = engine.content.request_delete_orphans(unit_type, unit_id)
        start(engine, handle, "delete orphans", background=background, following=Following(timeout, session.as_json))


@source.command("list")
def list_sources(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print where files can be fetched: the feeds of importers, and how many files the catalog knows there.

    Example: entrepot content source list
    """
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.service() as engine:
        reports = engine.content.list_sources()
    if session.as_json:
        write_json(reports)
        return
    rows = [(one.source_id, one.importer_type_id, one.file_count, one.base_url) for one in reports]
    write_table(("SOURCE", "IMPORTER", "FILES#", "FEED"), rows, flexible="FEED", empty="No importer has a feed.")


@source.command("forget")
def forget_source(
    ctx: typer.Context,
    source_id: Annotated[str, typer.Argument(metavar="SOURCE", help="The source: the id of its repository.")],
    *,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Forget which files can be fetched from a source, until its next sync.

    Files that are deferred, or damaged, cannot be fetched from there meanwhile.

    Example: entrepot content source forget zoo
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with session.service() as engine:
        engine.content.get_source(source_id)
        deleted = engine.content.delete_catalog(source_id)
    if session.as_json:
        write_json({"deleted": deleted})
    else:
        write_line(f"Forgot {deleted:,} files of source {source_id}.")


app.add_typer(orphans, name="orphans")
app.add_typer(uploads, name="uploads")
app.add_typer(unit, name="unit")
app.add_typer(source, name="source")
