"""The first administrator's password, said once by whatever makes the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.engine import Engine


def ensure_administrator(engine: Engine) -> None:
    """Make the first administrator if there is none; say a generated password on standard error, this once."""
    from entrepot.cli.output import write_line

    password = engine.access.ensure_administrator()
    if password is None:
        return
    write_line(
        "There was no administrator yet. Log in as user admin with this password, which is not shown again:", stderr=True
    )
    write_line(f"  {password}", stderr=True)
    write_line("Choose another one: entrepot user passwd admin", stderr=True)
