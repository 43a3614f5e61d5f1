"""`entrepot user …`: make, see and delete users, set their passwords, say what they may do."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.failures import FAILED
from entrepot.cli.new_password import PasswordStdinOption
from entrepot.cli.session import OutputOption, Session

if TYPE_CHECKING:
    from entrepot.access import Access, UserReport

app = typer.Typer(help="Make users, set their passwords, say what they may do.", no_args_is_help=True, rich_markup_mode=None)

Login = Annotated[str, typer.Argument(metavar="LOGIN", autocompletion=completion.users, help="The login of the user.")]
Resource = Annotated[str, typer.Argument(metavar="RESOURCE", help="A path such as /v2/repositories/zoo/; all below it counts.")]
Operations = Annotated[
    list[str],
    typer.Argument(metavar="OPERATION…", autocompletion=completion.operations, help="create, read, update, delete, execute."),
]


@app.command()
def add(
    ctx: typer.Context,
    login: Login,
    *,
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="The name that people see; default: the login.")] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE", autocompletion=completion.roles, help="A role he has; may be given several times."),
    ] = None,
    password_stdin: PasswordStdinOption = False,
    no_password: Annotated[bool, typer.Option("--no-password", help="Give him none: he comes by tokens only.")] = False,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Make a user.

    He may see and change himself, and whatever his roles and you allow.

    Example: entrepot user add ann --role super-users

    Example: entrepot user add ci --no-password
    """
    from entrepot.cli.new_password import new_password
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with session.engine() as engine:
        password = None if no_password else new_password(login, from_stdin=password_stdin)
        report = engine.access.create_user(login, password=password, name=name, roles=role or ())
    if session.as_json:
        write_json(report)
        return
    write_line(f"Created user {report.login}.")


@app.command("list")
def list_users(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print all users.

    Example: entrepot user list
    """
    from entrepot.cli.output import write_json

    session = Session.of(ctx)
    with session.engine() as engine:
        reports = engine.access.list_users()
    if session.as_json:
        write_json(reports)
        return
    write_users(reports, empty="There are no users. Run: entrepot init")


@app.command()
def show(ctx: typer.Context, login: Login, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print a user and what he may do.

    Also what he may do through his roles.

    Example: entrepot user show ann -o json
    """
    from entrepot.cli.output import as_document, write_json, write_line, write_record, write_table

    session = Session.of(ctx)
    with session.engine() as engine:
        report = engine.access.get_user(login)
        allowed = permissions_of(engine.access, report.login)
    if session.as_json:
        document = as_document(report)
        assert isinstance(document, dict)  # noqa: S101 - a report is an object
        write_json({**document, "permissions": allowed})
        return
    write_record(
        [
            ("User", report.login),
            ("Name", report.name),
            ("Roles", report.roles),
            ("Password", report.has_password),
            ("Created", report.created),
        ]
    )
    if allowed:
        write_line("")
        write_table(("RESOURCE", "OPERATIONS"), list(allowed.items()))


@app.command()
def passwd(
    ctx: typer.Context,
    login: Login,
    *,
    password_stdin: PasswordStdinOption = False,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Set a user's password.

    The old one counts for nothing from then on. Tokens stay valid, and so do certificates until they end.

    Example: entrepot user passwd ann

    Example: pwgen 20 1 | entrepot user passwd ann --password-stdin
    """
    from entrepot.cli.new_password import new_password
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with session.engine() as engine:
        engine.access.get_user(login)
        report = engine.access.update_user(login, password=new_password(login, from_stdin=password_stdin))
    if session.as_json:
        write_json(report)
        return
    write_line(f"Changed the password of {login}.")


@app.command()
def delete(
    ctx: typer.Context,
    login: Login,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, which is done on a terminal only.")] = False,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Delete a user.

    With his tokens and all that was granted to him; his certificates are refused.

    Example: entrepot user delete ann --yes
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with session.engine() as engine:
        report = engine.access.get_user(login)
        is_asked = not yes and sys.stdin.isatty() and sys.stdout.isatty()
        if is_asked and not typer.confirm(f"Delete user {login}?"):
            raise typer.Exit(FAILED)
        engine.access.delete_user(login)
    if session.as_json:
        write_json(report)
        return
    write_line(f"Deleted user {login}.")


@app.command()
def grant(
    ctx: typer.Context,
    login: Login,
    resource: Resource,
    operation: Operations,
    *,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Let a user do operations on a resource and all below it.

    Example: entrepot user grant ann /v2/repositories/zoo/ read execute
    """
    from entrepot.access import operations_named

    session = Session.of(ctx)
    with session.engine() as engine:
        engine.access.grant_to_user(login, resource, operations_named(operation))
        allowed = permissions_of(engine.access, login)
    write_permissions(f"user {login}", allowed, as_json=session.as_json)


@app.command()
def revoke(
    ctx: typer.Context,
    login: Login,
    resource: Resource,
    operation: Operations,
    *,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Take operations on a resource from a user.

    What he may do through a role stays.

    Example: entrepot user revoke ann /v2/repositories/zoo/ execute
    """
    from entrepot.access import operations_named

    session = Session.of(ctx)
    with session.engine() as engine:
        engine.access.revoke_from_user(login, resource, operations_named(operation))
        allowed = permissions_of(engine.access, login)
    write_permissions(f"user {login}", allowed, as_json=session.as_json)


@app.command()
def sessions(ctx: typer.Context, login: Login, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print in which browsers a user is logged in.

    Example: entrepot user sessions ann
    """
    from entrepot.cli.output import write_json, write_table

    session = Session.of(ctx)
    with session.service() as engine:
        reports = engine.access.list_sessions(login)
    if session.as_json:
        write_json(reports)
        return
    rows = [(one.address, one.created, one.last_seen, one.expires, one.agent) for one in reports]
    columns = ("ADDRESS", "LOGGED IN", "LAST SEEN", "EXPIRES", "BROWSER")
    write_table(columns, rows, flexible="BROWSER", empty=f"No browser is logged in as {login}.")


@app.command("end-sessions")
def end_sessions(ctx: typer.Context, login: Login, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Log all browsers of a user out.

    Whoever knows his password may log in again; a new password logs them out as well.

    Example: entrepot user end-sessions ann
    """
    from entrepot.cli.output import write_json, write_line

    session = Session.of(ctx)
    with session.service() as engine:
        count = engine.access.end_sessions(login)
    if session.as_json:
        write_json({"login": login, "ended": count})
        return
    write_line(f"Ended sessions of {login}: {count}.")


def permissions_of(access: Access, login: str) -> dict[str, tuple[str, ...]]:
    """Return the names of the operations that a user may do, by resource, as they are granted."""
    return {one.resource: one.users[login] for one in access.permissions() if login in one.users}


def write_permissions(who: str, allowed: Mapping[str, Sequence[str]], *, as_json: bool) -> None:
    """Print what somebody may do now."""
    from entrepot.cli.output import write_json, write_line, write_table

    if as_json:
        write_json(allowed)
        return
    write_line(f"The {who} may now:" if allowed else f"The {who} may do nothing now.")
    write_table(("RESOURCE", "OPERATIONS"), list(allowed.items()))


def write_users(reports: list[UserReport], *, empty: str) -> None:
    """Print users as a table."""
    from entrepot.cli.output import write_table

    rows = [(one.login, one.name, ", ".join(one.roles), one.has_password, one.created) for one in reports]
    write_table(("LOGIN", "NAME", "ROLES", "PASSWORD", "CREATED"), rows, flexible="NAME", empty=empty)
