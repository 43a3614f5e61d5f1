"""Send a file as an upload, piece by piece; what was cut off goes on with what has arrived."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli.failures import INTERRUPTED, CommandFailed, describe
from entrepot.cli.output import console, is_live, write_line
from entrepot.errors import EntrepotError, InvalidValue
from entrepot.wording import size_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress

    from entrepot.client import Client
    from entrepot.engine import Engine
    from entrepot.repositories import UploadReport

#: Bytes that are sent at once: what is sent again at most when it is cut off.
_PIECE_BYTES = 8 * 1024 * 1024
FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="The file to send.")
]
ResumeOption = Annotated[
    str | None, typer.Option("--resume", metavar="UPLOAD", help="Go on with this upload, behind what has arrived of it.")
]


def send(service: Engine | Client, path: Path, upload_id: str | None, *, again: str, as_json: bool) -> UploadReport:
    """Send the file at `path`, to an upload that was begun before or to a new one, and return the upload.

    `again` is the command that goes on, to which the upload's id is added; it is told when it is cut off. Raises
    `CommandFailed`, `InvalidValue` if the upload has more bytes than the file.
    """
    content = service.content
    report = content.create_upload() if upload_id is None else content.get_upload(upload_id)
    size = path.stat().st_size
    if report.size > size:
        why = f"{report.size:,} bytes have arrived of upload {report.upload_id}, and {path} has {size:,}: it is another file"
        raise InvalidValue("--resume", why=why)
    hint = f"{again} --resume {report.upload_id}"
    try:
        with path.open("rb") as stream, _display(path.name, size, as_json=as_json) as shown:
            stream.seek(report.size)
            shown(report.size)
            while piece := stream.read(_PIECE_BYTES):
                report = content.write_upload(report.upload_id, stream.tell() - len(piece), piece)
                shown(report.size)
    except KeyboardInterrupt:
        write_line(f"\nStopped. To go on: {hint}", stderr=True)
        raise typer.Exit(INTERRUPTED) from None
    except (EntrepotError, OSError) as error:
        failure = describe(error)
        failure.hints.append(f"{size_text(report.size)} have arrived. To go on: {hint}")
        raise CommandFailed(failure) from error
    return report


def _display(name: str, size: int, *, as_json: bool) -> AbstractContextManager[Callable[[int], object]]:
    """Give what shows how many bytes have arrived: a bar on a terminal, else nothing."""
    return _Bar(name, size) if is_live(stderr=as_json) else nullcontext(_show_nothing)


def _show_nothing(_: int) -> None:
    pass


class _Bar(AbstractContextManager["Callable[[int], object]"]):
    def __init__(self, name: str, size: int) -> None:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        from entrepot.cli.output import printable

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress: Progress = Progress(*columns, console=console(stderr=True), transient=True)
        self._task = self._progress.add_task(printable(name), total=size)

    def __enter__(self) -> Callable[[int], object]:
        self._progress.start()
        return lambda arrived: self._progress.update(self._task, completed=arrived)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
