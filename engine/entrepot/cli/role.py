"""`entrepot role …`: make, see and delete roles, say who has them and what they allow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.failures import CommandFailed, describe
from entrepot.cli.session import OutputOption, Session
from entrepot.cli.user import Login, Operations, Resource, write_permissions

if TYPE_CHECKING:
    from entrepot.access import Access, RoleReport

app = typer.Typer(help="Make roles, say who has them and what they allow.", no_args_is_help=True, rich_markup_mode=None)

RoleId = Annotated[str, typer.Argument(metavar="ROLE", autocompletion=completion.roles, help="The id of the role.")]


@app.command()
def add(
    ctx: typer.Context,
    role_id: RoleId,
    *,
    display_name: Annotated[str | None, typer.Option(metavar="TEXT", help="The name that people see; default: the id.")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What the role is for.")] = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Make a role.

    It allows nothing until you grant it something.

    Example: entrepot role add publishers --description "May sync and publish."
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with _access(session) as access:
        report = access.create_role(role_id, display_name, description)
    if session.as_json:
        write_json(report)
        return
    write_line(f"Created role {role_id}.")
    write_line(f"Next: entrepot role grant {role_id} RESOURCE OPERATION…")


@app.command("list")
def list_roles(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print all roles.

    Example: entrepot role list
    """
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with _access(session) as access:
        reports = access.list_roles()
    if session.as_json:
        write_json(reports)
        return
    rows = [(one.role_id, one.display_name, ", ".join(one.users), one.description) for one in reports]
    write_table(("ROLE", "NAME", "USERS", "DESCRIPTION"), rows, flexible="DESCRIPTION")


@app.command()
def show(ctx: typer.Context, role_id: RoleId, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print a role: what it allows, and who has it.

    Example: entrepot role show publishers
    """
    from entrepot.cli.output import write_json, write_line, write_record, write_table

    session = Session.of(ctx)
    with _access(session) as access:
        report = access.get_role(role_id)
    if session.as_json:
        write_json(report)
        return
    write_record(
        [
            ("Role", report.role_id),
            ("Name", report.display_name),
            ("Description", report.description),
            ("Users", report.users),
        ]
    )
    if report.permissions:
        write_line("")
        write_table(("RESOURCE", "OPERATIONS"), list(report.permissions.items()))


@app.command()
def delete(ctx: typer.Context, role_id: RoleId, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Delete a role.

    Those who had it keep what they are granted otherwise.

    Example: entrepot role delete publishers
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with _access(session) as access:
        report = access.get_role(role_id)
        access.delete_role(role_id)
    if session.as_json:
        write_json(report)
        return
    write_line(f"Deleted role {role_id}.")


@app.command("add-user")
def add_user(ctx: typer.Context, role_id: RoleId, login: Login, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Give a user a role.

    Example: entrepot role add-user publishers ann
    """
    session = Session.of(ctx)
    with _access(session) as access:
        access.add_user_to_role(role_id, login)
        report = access.get_role(role_id)
    _write_members(session, report)


@app.command("remove-user")
def remove_user(ctx: typer.Context, role_id: RoleId, login: Login, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Take a role from a user.

    Example: entrepot role remove-user publishers ann
    """
    session = Session.of(ctx)
    with _access(session) as access:
        access.remove_user_from_role(role_id, login)
        report = access.get_role(role_id)
    _write_members(session, report)


@app.command()
def grant(
    ctx: typer.Context,
    role_id: RoleId,
    resource: Resource,
    operation: Operations,
    *,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Let all who have a role do operations on a resource.

    And on all below it.

    Example: entrepot role grant publishers /v2/repositories/ read execute
    """
    from entrepot.access import operations_named

    session = Session.of(ctx)
    with _access(session) as access:
        access.grant_to_role(role_id, resource, operations_named(operation))
        report = access.get_role(role_id)
    _write_allowed(session, report)


@app.command()
def revoke(
    ctx: typer.Context,
    role_id: RoleId,
    resource: Resource,
    operation: Operations,
    *,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Take operations on a resource from a role.

    Example: entrepot role revoke publishers /v2/repositories/ execute
    """
    from entrepot.access import operations_named

    session = Session.of(ctx)
    with _access(session) as access:
        access.revoke_from_role(role_id, resource, operations_named(operation))
        report = access.get_role(role_id)
    _write_allowed(session, report)


@contextmanager
def _access(session: Session) -> Iterator[Access]:
    """Give the engine's users and roles; a role that does not exist is an error that says which there are."""
    from entrepot.errors import MissingResource

    with session.engine() as engine:
        try:
            yield engine.access
        except MissingResource as error:  # clients know a missing role as `resource_id`, which may be anything
            failure = describe(error)
            failure.hints = ["See what there is: entrepot role list"]
            raise CommandFailed(failure) from error


def _write_members(session: Session, report: RoleReport) -> None:
    from entrepot.cli.output import write_json, write_line

    if session.as_json:
        write_json(report)
        return
    write_line(f"Users with the role {report.role_id}: {', '.join(report.users) or 'nobody'}.")


def _write_allowed(session: Session, report: RoleReport) -> None:
    write_permissions(f"role {report.role_id}", report.permissions, as_json=session.as_json)
