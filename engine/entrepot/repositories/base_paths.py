"""Where distributors serve: every base path is served by one of them, and none lies below another.

A distributor without `relative_url` serves under its repository's id; a second one of the same repository under
`<repository>~<distributor>`, which no repository's id can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.errors import OperationConflict

if TYPE_CHECKING:
    from entrepot.models import Database


class BasePaths:
    """The paths that are taken, in the caller's transaction; nobody else takes one before that ends."""

    def __init__(self, database: Database) -> None:
        """Read the paths that are taken."""
        database.lock_resources(["base paths"])
        self._taken: dict[str, int] = dict(database.rows("SELECT base_path, repository FROM distributor"))

    def give_up(self, base_path: str) -> None:
        """Count `base_path` as free: its distributor goes, or moves."""
        self._taken.pop(base_path, None)

    def take(self, repository: int, repository_id: str, distributor_id: str, relative_url: str | None) -> str:
        """Return the path for a distributor of the repository with row id `repository`; it is taken from now on.

        Raises `OperationConflict` if it is taken already, or one above or below it is.
        """
        path = (relative_url or repository_id).rstrip("/")
        rivals = self._rivals(path)
        if relative_url is None and rivals and all(self._taken[rival] == repository for rival in rivals):
            path = f"{repository_id}~{distributor_id}"
            rivals = self._rivals(path)
        if rivals:
            taken = min(rivals)
            msg = (
                f"The path {path!r} cannot be served: another distributor serves {taken!r}. Give this one another relative_url."
            )
            raise OperationConflict(msg, reasons=[{"relative_url": path, "taken": taken}])
        self._taken[path] = repository
        return path

    def _rivals(self, path: str) -> list[str]:
        return [taken for taken in self._taken if f"{taken}/".startswith(f"{path}/") or f"{path}/".startswith(f"{taken}/")]
