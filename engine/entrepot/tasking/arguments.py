"""What a task was called with, as people may read it: whatever may be a secret is masked."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot import logs
from entrepot.errors import JSON, MissingResource

if TYPE_CHECKING:
    from entrepot.models import Database

MASK = "*****"
#: Names under which people keep secrets, as in `feed_password`, `apiToken` and `ssl_client_key`.
_SECRET = re.compile(
    r"(?i:pass(?:word|wd|phrase)|secret|token|credential|authorization|signature|private|(?:^|[_-])key$)|[a-z]Key$"
)


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a task's function."""

    args: list[JSON]
    kwargs: dict[str, JSON]


def get_arguments(database: Database, task_id: str, *, secrets: Collection[str] = ()) -> Arguments:
    """Return the arguments of a task, with a mask for each value whose name says that it is a secret, or is in `secrets`.

    Raises `MissingResource`.
    """
    row = database.row("SELECT arguments FROM task WHERE task_id = ?", (task_id,))
    if row is None:
        raise MissingResource(resource_id=task_id)
    args, kwargs = json.loads(row[0])
    return Arguments(
        [_masked(value, secrets) for value in args], {name: _named(name, kwargs[name], secrets) for name in kwargs}
    )


def _named(name: str, value: JSON, secrets: Collection[str]) -> JSON:
    is_secret = value is not None and (name in secrets or _SECRET.search(name) is not None)
    return MASK if is_secret else _masked(value, secrets)


def _masked(value: JSON, secrets: Collection[str]) -> JSON:
    if isinstance(value, dict):
        return {name: _named(name, inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, secrets) for inner in value]
    return logs.masked(value) if isinstance(value, str) else value
