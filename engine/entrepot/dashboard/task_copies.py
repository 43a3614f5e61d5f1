"""How to do on a command line, by REST or in Python what a task did: texts to copy. Pure.

Whatever is in them is quoted for the place that it is in: a shell, a URL, JSON, Python.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from entrepot.dashboard.task_filters import repository_of
from entrepot.errors import JSON
from entrepot.repositories import download, publish, sync

if TYPE_CHECKING:
    from entrepot.tasking import Arguments, TaskReport

#: Where the REST API is; the page says what to set it to.
_API = '"$api'


@dataclass(frozen=True, slots=True)
class Copies:
    """The same thing said in three ways; `does` says what they do."""

    does: str
    cli: str
    curl: str
    python: str


def copies_of(report: TaskReport, arguments: Arguments) -> Copies:
    """Return how to do once more what a sync, a publish or a download did; of any other task how to look at it."""
    repository = repository_of(report.tags)
    args = [*arguments.args, None, None, None]
    if repository is None or args[0] != repository:
        return _look(report)
    if report.task_type == sync.TASK_TYPE:
        return _sync(repository, args[1])
    if report.task_type == publish.TASK_TYPE and isinstance(args[1], str):
        return _publish(repository, args[1], args[2])
    if report.task_type == download.TASK_TYPE:
        return _download(repository, is_verifying=args[1] is True)
    return _look(report)


def _sync(repository: str, override: JSON) -> Copies:
    settings = override if isinstance(override, dict) else {}
    return Copies(
        "Do the same once more",
        _shell("entrepot", "repo", "sync", repository, *_overrides(settings)),
        _post(["repositories", repository, "actions", "sync"], {"override_config": settings} if settings else {}),
        f"client.repositories.get({repository!r}).sync({settings or ''})",
    )


def _publish(repository: str, distributor: str, override: JSON) -> Copies:
    settings = override if isinstance(override, dict) else {}
    body: dict[str, JSON] = {"id": distributor} | ({"override_config": settings} if settings else {})
    given = f"{distributor!r}, {settings}" if settings else f"{distributor!r}"
    return Copies(
        "Do the same once more",
        _shell("entrepot", "repo", "publish", repository, "--distributor-id", distributor, *_overrides(settings)),
        _post(["repositories", repository, "actions", "publish"], body),
        f"client.repositories.get({repository!r}).publish({given})",
    )


def _download(repository: str, *, is_verifying: bool) -> Copies:
    return Copies(
        "Do the same once more",
        _shell("entrepot", "repo", "download", repository, *(["--verify"] if is_verifying else [])),
        _post(["repositories", repository, "actions", "download"], {"verify_all_units": True} if is_verifying else {}),
        f"client.repositories.get({repository!r}).request_download(verify_all_units={is_verifying})",
    )


def _look(report: TaskReport) -> Copies:
    return Copies(
        "Look at this task",
        _shell("entrepot", "task", "watch" if report.finished is None else "show", report.task_id),
        f'curl -u "$login" {_API}/tasks/{_segment(report.task_id)}/"',
        f"client.tasks.get({report.task_id!r})",
    )


def _overrides(settings: dict[str, JSON]) -> list[str]:
    """Return the options that set the same for one run; a text is given as it is, all else as JSON."""
    pairs = ((name, value if isinstance(value, str) else json.dumps(value)) for name, value in settings.items())
    return [part for name, text in pairs for part in ("--override", f"{name}={text}")]


def _post(segments: list[str], body: dict[str, JSON]) -> str:
    path = "/".join(map(_segment, segments))
    data = f" -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}" if body else ""
    return f'curl -u "$login" -X POST{data} {_API}/{path}/"'


def _shell(*words: str) -> str:
    return shlex.join(words)


def _segment(text: str) -> str:
    """Return a text as a segment of a URL within double quotes of a shell: nothing in it means anything to either."""
    return quote(text, safe="")
