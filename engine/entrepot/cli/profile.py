"""`entrepot profile …`: servers by a name, for `--profile`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.remote import Remote
from entrepot.cli.session import OutputOption, Session

app = typer.Typer(help="Keep servers by a name, for --profile.", no_args_is_help=True, rich_markup_mode=None)

ProfileName = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=completion.profiles, help="What the profile is called.")
]


@app.command()
def add(
    ctx: typer.Context,
    name: ProfileName,
    *,
    url: Annotated[str, typer.Option(metavar="URL", help="Where the server is: https://packages.example.org.")],
    token: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="The token to send; other users of this machine could read it here.")
    ] = None,
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read the token from standard input.")] = False,
    user: Annotated[str | None, typer.Option(metavar="LOGIN", help="Who asks; the password is asked for each time.")] = None,
    ca: Annotated[str | None, typer.Option(metavar="FILE", help="Certificate authorities to trust for this server.")] = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Keep a server with who asks it.

    In `~/.config/entrepot/profiles.toml`, which only its owner may read, in place of a profile of the same name. Nothing is
    sent to the server.

    Example: entrepot profile add prod --url https://packages.example.org --token-stdin
    """
    from entrepot.cli.output import write_json, write_line
    from entrepot.cli.profiles import keep_profile
    from entrepot.client.connection import Connection
    from entrepot.errors import InvalidValue

    if (token is not None) + token_stdin + (user is not None) > 1:
        raise InvalidValue("--token", "--token-stdin", "--user", why="one of them says who asks")
    if token_stdin:
        token = sys.stdin.readline().strip()
    Connection(url, token=token, verify=ca if ca is not None else True).close()  # says what cannot be used
    remote = Remote(url, token, user, None if ca is None else str(Path(ca).absolute()))
    keep_profile(name, remote)
    if Session.of(ctx).as_json:
        write_json(_shown(name, remote))
        return
    write_line(f"Kept profile {name}. Use it: entrepot --profile {name} repo list")


@app.command("list")
def list_all(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print the profiles.

    Never their tokens.

    Example: entrepot profile list
    """
    from entrepot.cli.output import write_json, write_table
    from entrepot.cli.profiles import list_profiles

    shown = [_shown(name, remote) for name, remote in list_profiles().items()]
    if Session.of(ctx).as_json:
        write_json(shown)
        return
    rows = [tuple(one.values()) for one in shown]
    empty = "There are no profiles. Make one: entrepot profile add --help"
    write_table(("PROFILE", "URL", "AS", "CA"), rows, empty=empty)


@app.command()
def remove(ctx: typer.Context, name: ProfileName, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Remove a profile.

    Example: entrepot profile remove prod
    """
    from entrepot.cli.output import write_json, write_line
    from entrepot.cli.profiles import remove_profile

    remove_profile(name)
    if Session.of(ctx).as_json:
        write_json({"name": name, "removed": True})
        return
    write_line(f"Removed profile {name}.")


def _shown(name: str, remote: Remote) -> dict[str, str | None]:
    who = f"user {remote.user}" if remote.user else ("token" if remote.token else None)
    return {"name": name, "url": remote.url, "as": who, "ca": remote.ca}
