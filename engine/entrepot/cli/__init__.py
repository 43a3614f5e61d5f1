"""The `entrepot` command: one module a noun.

`program` reads the command line and is the border where errors become one message and an exit code (`failures`); a noun's
commands ask their `session` for the engine and print through `output`; those that wait for tasks do so in `following`.
Whatever is heavy is imported inside the command that needs it, so that `entrepot --help` is there at once.
"""

from entrepot.cli.program import main

__all__ = ["main"]
