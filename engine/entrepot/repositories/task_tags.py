"""The tags of the tasks of repositories, by which clients find them. Pure.

Each function returns one that makes the tags from a task's arguments: those begin with the repository's id and, where a
plugin's is named, with the plugin's id behind it. Source: the Pulp 2 REST contract, 2.4 to 2.10 (the union of its code and its
documentation, where these differ).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Tags: TypeAlias = Callable[..., list[str]]


def repository_tag(repository_id: str) -> str:
    """Return the tag of everything that is done to a repository."""
    return f"pulp:repository:{repository_id}"


def of_repository(*actions: str) -> Tags:
    """Name the repository and the actions."""

    def tags(repository_id: str, *_args: object, **_options: object) -> list[str]:
        return [repository_tag(repository_id), *_actions(actions)]

    return tags


def of_importer(*actions: str) -> Tags:
    """Name the repository, the importer and the actions."""

    def tags(repository_id: str, importer_id: str, *_args: object, **_options: object) -> list[str]:
        return [repository_tag(repository_id), f"pulp:repository_importer:{importer_id}", *_actions(actions)]

    return tags


def of_distributor(*actions: str) -> Tags:
    """Name the repository, the distributor and the actions."""

    def tags(repository_id: str, distributor_id: str, *_args: object, **_options: object) -> list[str]:
        return [repository_tag(repository_id), f"pulp:repository_distributor:{distributor_id}", *_actions(actions)]

    return tags


def _actions(names: tuple[str, ...]) -> list[str]:
    return [f"pulp:action:{name}" for name in names]
