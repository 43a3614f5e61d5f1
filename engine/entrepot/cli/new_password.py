"""Where a command gets a new password from: asked for without showing it, or standard input; never an argument."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

PasswordStdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input instead of asking.")
]


def new_password(login: str, *, from_stdin: bool) -> str:
    """Return the password that a person types twice, or the first line of standard input.

    Raises `MissingValue` if nobody can be asked, or the line is empty; `InvalidValue` if it is no text.
    """
    from entrepot.errors import InvalidValue, MissingValue

    if from_stdin:
        try:
            password = sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InvalidValue("password", why="standard input is no UTF-8 text") from error
        if not password:
            raise MissingValue("password on standard input")
        return password
    if not sys.stdin.isatty():
        raise MissingValue("--password-stdin")
    asked: str = typer.prompt(f"New password of {login}", hide_input=True, confirmation_prompt="The same again", err=True)
    return asked
