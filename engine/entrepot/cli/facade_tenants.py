"""What the commands of the three facades share: arguments, how tenants are printed, and the commands that are alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli.session import OutputOption, Session
from entrepot.errors import InvalidValue

if TYPE_CHECKING:
    from entrepot.client import Client
    from entrepot.engine import Engine
    from entrepot.tenants import TenantReport

TenantName = Annotated[str, typer.Argument(metavar="NAME", help="The account or the project.")]
ChannelHandle = Annotated[str, typer.Argument(metavar="HANDLE", help="What the channel is called in addresses.")]
TokenName = Annotated[str, typer.Argument(metavar="TOKEN", help="What the token is called.")]
SourceArgument = Annotated[
    str, typer.Argument(metavar="REPOSITORY[/DISTRIBUTOR]", help="What is shown; without a distributor, any of them.")
]
SourcesOption = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="REPOSITORY[/DISTRIBUTOR]", help="What is shown; in place of what was. May be repeated."),
]
ScopesOption = Annotated[
    list[str] | None, typer.Option("--scope", metavar="SCOPE", help="What the token may; may be repeated [default: to read].")
]
DaysOption = Annotated[
    float | None,
    typer.Option(metavar="N", min=0.0001, max=36500, help="How long the token is valid [default: until it is revoked]."),
]


def sources_of(texts: Sequence[str] | None) -> list[tuple[str, str]] | None:
    """Return pairs of repository and distributor, `*` for any; None if none were given. Raises `InvalidValue`."""
    return None if texts is None or not texts else [source_of(text) for text in texts]


def source_of(text: str) -> tuple[str, str]:
    """Return the repository and the distributor that `REPOSITORY[/DISTRIBUTOR]` names; raises `InvalidValue`."""
    repository_id, separator, distributor_id = text.partition("/")
    if not repository_id or (separator and not distributor_id):
        raise InvalidValue("source", why=f"{text!r} is not of the form REPOSITORY or REPOSITORY/DISTRIBUTOR")
    return repository_id, distributor_id or "*"


def sources_text(report: TenantReport) -> list[str]:
    """Return what the channels of a tenant show, as people type it."""
    return list(_texts(source for channel in report.channels for source in channel.sources))


def write_tenant(session: Session, report: TenantReport, *, line: str | None = None) -> None:
    """Print a tenant: as JSON if that is wanted, else `line`, or all that is known if there is none."""
    from entrepot.cli.output import write_json, write_line, write_record, write_table

    if session.as_json:
        write_json(report)
        return
    if line is not None:
        write_line(line)
        return
    write_record([("Facade", report.facade), ("Name", report.name), ("Settings", report.settings), ("Created", report.created)])
    write_line("")
    channels = [
        (
            one.handle or "(the account)",
            one.channel_id,
            "yes" if one.is_default else "",
            one.settings or "",
            list(_texts(one.sources)),
        )
        for one in report.channels
    ]
    write_table(("CHANNEL", "ID#", "DEFAULT", "SETTINGS", "SHOWS"), channels, flexible="SHOWS", empty="It has no channels.")
    write_line("")
    write_tokens(report)


def write_tokens(report: TenantReport) -> None:
    """Print the tokens of a tenant, never the secrets."""
    from entrepot import clock
    from entrepot.cli.output import write_table

    now = clock.now()
    rows = [
        (
            one.name,
            one.handle or "",
            one.scopes,
            "expired" if one.expires is not None and one.expires <= now else "valid",
            one.expires or "never",
            one.last_used or "never",
        )
        for one in report.tokens
    ]
    write_table(("TOKEN", "FOR", "MAY", "STATE", "EXPIRES", "LAST USED"), rows, empty="It has no tokens.")


def issue(
    session: Session,
    facade: str,
    name: str,
    token: str,
    *,
    handle: str | None = None,
    scopes: Sequence[str] | None,
    days: float | None,
) -> None:
    """Make a token, and print it this once."""
    from entrepot import clock
    from entrepot.cli.output import as_document, write_json, write_line

    expires = None if days is None else clock.now() + timedelta(days=days)
    with session.service() as engine:
        report, secret = engine.tenants.issue_token(facade, name, token, handle=handle, scopes=scopes or None, expires=expires)
    if session.as_json:
        document = as_document(report)
        assert isinstance(document, dict)  # noqa: S101 - a report is an object
        write_json({**document, "token": secret})
        return
    until = f", valid until {clock.iso(report.expires)}" if report.expires else ""
    write_line(f"This is token {token} of {name}, for {', '.join(report.scopes)}{until}; it is not shown again:", stderr=True)
    write_line(secret)


def add_tenant_commands(app: typer.Typer, facade: str, noun: str, example: str) -> None:
    """Add `list`, `show` and `remove` of accounts or projects to a group of commands."""
    path = f"entrepot facade {facade} {noun}"

    @app.command("list", help=f"Print the {noun}s.\n\nExample: {path} list")
    def list_tenants(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
        from entrepot.cli.output import write_json, write_table

        session = Session.of(ctx)
        with session.service() as engine:
            reports = engine.tenants.list(facade)
        if session.as_json:
            write_json(reports)
            return
        rows = [
            (one.name, one.created, [channel.handle for channel in one.channels if channel.handle], sources_text(one))
            for one in reports
        ]
        columns = (noun.upper(), "CREATED", "CHANNELS", "SHOWS")
        write_table(columns, rows, flexible="SHOWS", empty=f"There are no {noun}s. Make one: {path} add {example}")

    @app.command(help=f"Print one {noun} with its channels and tokens; never the secrets.\n\nExample: {path} show {example}")
    def show(ctx: typer.Context, name: TenantName, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
        session = Session.of(ctx)
        with session.service() as engine:
            report = engine.tenants.get(facade, name)
        write_tenant(session, report)

    @app.command(help=f"Remove a {noun}; its tokens count for nothing from now on.\n\nExample: {path} remove {example}")
    def remove(ctx: typer.Context, name: TenantName, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
        session = Session.of(ctx)
        with session.service() as engine:
            report = engine.tenants.get(facade, name)
            engine.tenants.remove(facade, name)
        write_tenant(session, report, line=f"Removed {noun} {report.name}.")


def add_token_commands(app: typer.Typer, facade: str, example: str, token: str) -> None:
    """Add `list` and `revoke` of tokens to a group of commands."""
    path = f"entrepot facade {facade} token"

    @app.command("list", help=f"Print the tokens, never the secrets.\n\nExample: {path} list {example}")
    def list_tokens(ctx: typer.Context, name: TenantName, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
        from entrepot.cli.output import write_json

        session = Session.of(ctx)
        with session.service() as engine:
            report = engine.tenants.get(facade, name)
        if session.as_json:
            write_json(report.tokens)
        else:
            write_tokens(report)

    @app.command(help=f"Revoke a token: it counts for nothing from now on.\n\nExample: {path} revoke {example} {token}")
    def revoke(ctx: typer.Context, name: TenantName, token: TokenName, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
        from entrepot.cli.output import write_json, write_line

        session = Session.of(ctx)
        with session.service() as engine:
            engine.tenants.revoke_token(facade, name, token)
        if session.as_json:
            write_json({"facade": facade, "name": name, "token": token, "revoked": True})
        else:
            write_line(f"Revoked token {token} of {name}.")


def remove_channel(session: Session, facade: str, name: str, handle: str, *, noun: str) -> None:
    """Remove a channel or a publication, and say so."""
    with session.service() as engine:
        report = engine.tenants.remove_channel(facade, name, handle)
    write_tenant(session, report, line=f"Removed {noun} {handle} of {name}.")


def made(engine: Engine | Client, facade: str, name: str, handle: str, sources: list[tuple[str, str]] | None) -> TenantReport:
    """Return a tenant that was just made; it shows what is wanted, or is removed again if that is refused."""
    try:
        return engine.tenants.set_channel(facade, name, handle, sources=sources)
    except BaseException:
        engine.tenants.remove(facade, name)
        raise


def _texts(sources: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (one if other == "*" else f"{one}/{other}" for one, other in sources)
