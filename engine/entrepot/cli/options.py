"""Options and arguments that commands of several nouns share."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.values import seconds

TaskId = Annotated[
    str,
    typer.Argument(
        metavar="TASK", autocompletion=completion.tasks, help="The id of the task, or as much of it as no other has."
    ),
]
BackgroundOption = Annotated[bool, typer.Option("--background", help="Print the task's id and return at once.")]
TimeoutOption = Annotated[
    float | None, typer.Option(parser=seconds, metavar="SECONDS", help="Stop waiting after this time; the task goes on.")
]
ArgOption = Annotated[
    list[str] | None,
    typer.Option(metavar="VALUE", help="An argument, in their order; JSON if it is JSON, else text; may be repeated."),
]
KwargOption = Annotated[
    list[str] | None, typer.Option(metavar="KEY=VALUE", help="An argument by its name; may be given several times.")
]
