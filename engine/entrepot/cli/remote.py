"""The server that `--url` or `--profile` names, and who asks it; passwords come from the environment or are asked for."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from entrepot.client import Client
    from entrepot.client.connection import Connection

#: Environment variables that hold what should not stand on a command line.
_PASSWORD, _TOKEN = "ENTREPOT_PASSWORD", "ENTREPOT_TOKEN"


@dataclass(frozen=True, slots=True)
class Remote:
    """A server; `ca` is a file of certificate authorities to trust in place of the system's."""

    url: str
    token: str | None = field(default=None, repr=False)
    user: str | None = None
    ca: str | None = None

    def client(self) -> Client:
        """Return a client of the server; raises `InvalidValue` for what cannot be used."""
        from entrepot.client import Client

        auth, token = self._who()
        return Client(self.url, auth=auth, token=token, verify=self._verify)

    def connection(self) -> Connection:
        """Return a connection to the server, for requests as they are; raises as `client`."""
        from entrepot.client.connection import Connection

        auth, token = self._who()
        return Connection(self.url, auth=auth, token=token, verify=self._verify)

    @property
    def _verify(self) -> str | bool:
        return self.ca if self.ca is not None else True

    def _who(self) -> tuple[tuple[str, str] | None, str | None]:
        """Return the login with its password, which may be asked for, or the token; raises `MissingValue`."""
        if self.user is not None:
            return (self.user, _password(self.user)), None
        return None, self.token if self.token is not None else os.environ.get(_TOKEN)


def chosen_remote(
    *, url: str | None, profile: str | None, token: str | None, user: str | None, ca: str | None
) -> Remote | None:
    """Return the server that the options of a command line name, None if they name none.

    What is said beside a profile takes the place of what that says. Raises `InvalidValue`, `MissingResource`.
    """
    from entrepot.errors import InvalidValue

    if url is not None and profile is not None:
        raise InvalidValue("--url", "--profile", why="one of them names the server, not both")
    if token is not None and user is not None:
        raise InvalidValue("--token", "--user", why="one of them says who asks, not both")
    if profile is not None:
        from entrepot.cli.profiles import get_profile

        kept = get_profile(profile)
        if token is not None or user is not None:
            return Remote(kept.url, token, user, ca or kept.ca)
        return Remote(kept.url, kept.token, kept.user, ca or kept.ca)
    if url is None:
        given = {"--token": token, "--user": user, "--ca": ca}
        if lost := [name for name, value in given.items() if value is not None]:
            raise InvalidValue(*lost, why="name the server as well: --url URL or --profile NAME")
        return None
    return Remote(url, token, user, ca)


def _password(user: str) -> str:
    from entrepot.errors import MissingValue

    given = os.environ.get(_PASSWORD)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise MissingValue(_PASSWORD)
    typed: str = typer.prompt(f"Password of {user}", hide_input=True, err=True)
    return typed
