"""What a failed command says and exits with; the one place that knows the exit codes.

Exit codes: 0 done; 1 the task failed, or any other failure; 2 bad usage or refused input; 3 not found; 4 the task was
canceled; 5 the wait timed out; 6 unavailable (database, storage, server, no worker); 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field

import typer

from entrepot.errors import (
    JSON,
    AccessError,
    BrokenPlugin,
    DatabaseError,
    EntrepotError,
    MissingResource,
    NotAuthenticated,
    ServerUnavailable,
    StorageError,
    TaskCanceled,
    UnknownDistributorType,
    UnknownImporterType,
    WaitTimeout,
)

FAILED = 1
REFUSED = 2
NOT_FOUND = 3
CANCELED = 4
TIMED_OUT = 5
UNAVAILABLE = 6
INTERRUPTED = 130

_STATUSES_NOT_FOUND = (404,)
_STATUSES_REFUSED = (400, 409)
#: What to look at when a named thing does not exist, by its kind.
_LISTS = {
    "repository": "entrepot repo list",
    "repo_id": "entrepot repo list",
    "resource_id": "entrepot task list",
    "upload_request": "entrepot content uploads list",
    "content_type_id": "entrepot content orphans list",
    "source_id": "entrepot content source list",
    "task": "entrepot task list",
    "task_id": "entrepot task list",
    "task_group": "entrepot group list",
    "schedule_id": "entrepot schedule list",
    "pop": "entrepot edge pop list",
    "server": "entrepot edge server list",
    "deploy": "entrepot deploy list",
    "tenant": "entrepot facade list",
    "channel": "entrepot facade list",
    "distributor": "entrepot repo show REPOSITORY",
    "distributor_id": "entrepot repo show REPOSITORY",
    "publication": "entrepot repo publications REPOSITORY",
    "revision": "entrepot repo publications REPOSITORY",
    "worker": "entrepot worker list",
    "host": "entrepot worker list",
    "login": "entrepot user list",
    "profile": "entrepot profile list",
    "token": "entrepot token list",
}


@dataclass
class Failure:
    """One message, what to do next, and the exit code."""

    message: str
    exit_code: int
    code: str | None = None
    data: dict[str, JSON] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def document(self) -> dict[str, JSON]:
        """Return the failure as `-o json` prints it."""
        error: dict[str, JSON] = {"code": self.code, "description": self.message, "data": self.data}
        if self.hints:
            error["hints"] = list(self.hints)
        return {"error": error}

    def write(self, *, as_json: bool) -> None:
        """Print the failure on standard error."""
        if as_json:
            print(json.dumps(self.document(), ensure_ascii=False), file=sys.stderr)
            return
        red, plain = ("\x1b[1;31m", "\x1b[0m") if _is_coloured() else ("", "")
        lines = [f"{red}error:{plain} {self.message}"]
        lines += [f"  {line}" for line in self.details]
        lines += [f"hint: {hint}" for hint in self.hints]
        print("\n".join(lines), file=sys.stderr)


class CommandFailed(Exception):
    """The command ends here, with this failure."""

    def __init__(self, failure: Failure) -> None:
        """Keep the failure."""
        super().__init__(failure.message)
        self.failure = failure


def describe(error: Exception) -> Failure:
    """Return what to say about `error`, whatever it is."""
    if isinstance(error, CommandFailed):
        return error.failure
    if isinstance(error, EntrepotError):
        details = [f"{sub.message} [{sub.code}]" for sub in error.sub_errors]
        return Failure(error.message, exit_code(error), error.code, dict(error.data), hints_for(error), details)
    if isinstance(error, typer.TyperException):
        return _usage(error)
    hint = "This is a defect of entrepot. Run it again with ENTREPOT_DEBUG=1 for the traceback."
    return Failure(f"{type(error).__name__}: {error}", FAILED, hints=[hint])


def exit_code(error: EntrepotError) -> int:
    """Return the exit code that `error` ends a command with."""
    if isinstance(error, TaskCanceled):
        return CANCELED
    if isinstance(error, WaitTimeout):
        return TIMED_OUT
    if isinstance(error, (DatabaseError, StorageError, ServerUnavailable)):
        return UNAVAILABLE
    if isinstance(error, AccessError):
        return REFUSED
    if error.status in _STATUSES_NOT_FOUND:
        return NOT_FOUND
    return REFUSED if error.status in _STATUSES_REFUSED else FAILED


def hints_for(error: EntrepotError) -> list[str]:
    """Return what to do next, where the message alone does not say it."""
    if isinstance(error, MissingResource):
        resources = error.data.get("resources")
        kinds = list(resources) if isinstance(resources, dict) else []
        return [f"See what there is: {_LISTS[kind]}" for kind in kinds if kind in _LISTS]
    if isinstance(error, NotAuthenticated):
        return ["Say who asks: --user LOGIN, --token TOKEN, or a profile that does"]
    if isinstance(error, (UnknownImporterType, UnknownDistributorType, BrokenPlugin)):
        return ["See what is installed: entrepot plugin list"]
    return []


def _usage(error: typer.TyperException) -> Failure:
    context = getattr(error, "ctx", None)
    hints = [f"See: {context.command_path} --help"] if context is not None else []
    return Failure(error.format_message().rstrip("."), error.exit_code, "PLP0015", hints=hints)


def _is_coloured() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
