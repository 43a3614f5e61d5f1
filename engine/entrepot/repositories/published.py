"""What is served: from a URL's path to a published file or folder.

Doors ask here; `publication` writes what is read here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from entrepot import clock
from entrepot.repositories.publication import entry_blob
from entrepot.repositories.reports import ListedItem, PublishedDirectory, PublishedFile

if TYPE_CHECKING:
    from datetime import timedelta

    from entrepot.content.store import BlobStore
    from entrepot.models import Database, Row

#: Says whether distributors of a type (its id) serve a scheme when they are not told.
ServedByDefault: TypeAlias = Callable[[str, str], bool]

#: Rows read at once for a listing.
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class _Site:
    """A distributor with something to serve."""

    distributor: int
    base_path: str
    live_revision: int
    config: str
    type_id: str


def resolve(
    database: Database, store: BlobStore, path: str, *, scheme: str, grace: timedelta, is_served: ServedByDefault
) -> PublishedFile | PublishedDirectory | None:
    """Return what `path` (no leading slash; "" is the list of all sites) holds now, or None.

    A path that left its publication less than `grace` ago still resolves, so that no client is torn between two
    publications. A distributor that does not serve `scheme` (http, https) is not seen; `is_served` says what holds for one
    whose configuration does not say.
    """
    site = _find_site(database, path)
    if site is None:
        return _base_folder(database, path, scheme, is_served)
    if not _serves(site.config, scheme, site.type_id, is_served):
        return None
    inside = path[len(site.base_path) + 1 :]
    found = entry_blob(database, site.distributor, site.live_revision, inside) if inside else None
    if found is not None:
        return _file(store, inside, found, is_live=True)
    folder = inside.rstrip("/")
    if not folder or _has_entries(database, site, f"{folder}/"):
        return PublishedDirectory(path.rstrip("/"), _list(database, site, f"{folder}/" if folder else ""))
    left = _recently_left(database, site, inside, grace)
    return None if left is None else _file(store, inside, left, is_live=False)


def _find_site(database: Database, path: str) -> _Site | None:
    """Return the site that `path` lies in: base paths never contain each other, so at most one matches."""
    segments = path.rstrip("/").split("/")
    prefixes = ["/".join(segments[:length]) for length in range(1, len(segments) + 1)][:64]
    marks = ", ".join("?" * len(prefixes))
    row = database.row(
        "SELECT id, base_path, live_revision, config, distributor_type_id FROM distributor "
        f"WHERE live_revision IS NOT NULL AND base_path IN ({marks})",
        prefixes,
    )
    return None if row is None else _Site(*row)


def _file(store: BlobStore, path: str, found: Row, *, is_live: bool) -> PublishedFile:
    _, sha256, size, added_at = found
    return PublishedFile(path, sha256, size, clock.from_us(added_at), store.path(sha256), is_live)


def _recently_left(database: Database, site: _Site, path: str, grace: timedelta) -> Row | None:
    """Return `path` as the publication had it that was served last before this one, within the grace time."""
    return database.row(
        "SELECT blob.id, blob.sha256, blob.size, entry.added_at FROM publication "
        "JOIN entry ON entry.distributor = publication.distributor AND entry.added_revision <= publication.revision "
        "AND (entry.removed_revision IS NULL OR entry.removed_revision > publication.revision) "
        "JOIN blob ON blob.id = entry.blob "
        "WHERE publication.distributor = ? AND publication.live_until >= ? AND entry.path = ? "
        "ORDER BY publication.live_until DESC LIMIT 1",
        (site.distributor, clock.now_us() - clock.us(grace), path),
    )


def _has_entries(database: Database, site: _Site, prefix: str) -> bool:
    return bool(_page(database, site, prefix, after=prefix, limit=1))


def _list(database: Database, site: _Site, prefix: str) -> Iterator[ListedItem]:
    """Yield the items of one folder, by name; a folder inside is skipped over, however much it holds."""
    after = prefix
    while rows := _page(database, site, prefix, after=after, limit=_PAGE):
        for path, size, created in rows:
            if path < after:
                continue
            name, slash, _ = path[len(prefix) :].partition("/")
            if slash:
                yield ListedItem(name, is_directory=True, size=None, modified=None)
                after = f"{prefix}{name}0"  # "0" follows "/"
            else:
                yield ListedItem(name, is_directory=False, size=size, modified=clock.from_us(created))
                after = f"{path}\x01"
        if len(rows) < _PAGE:
            return


def _page(database: Database, site: _Site, prefix: str, *, after: str, limit: int) -> list[Row]:
    end = f"{prefix[:-1]}0" if prefix else "\U0010ffff"
    return database.rows(
        "SELECT entry.path, blob.size, entry.added_at FROM entry JOIN blob ON blob.id = entry.blob "
        "WHERE entry.distributor = ? AND entry.path >= ? AND entry.path < ? AND entry.added_revision <= ? "
        "AND (entry.removed_revision IS NULL OR entry.removed_revision > ?) ORDER BY entry.path LIMIT ?",
        (site.distributor, after, end, site.live_revision, site.live_revision, limit),
    )


def _base_folder(database: Database, path: str, scheme: str, is_served: ServedByDefault) -> PublishedDirectory | None:
    """Return the folder of base paths below `path`, or None if there is none."""
    prefix = f"{path.rstrip('/')}/" if path.rstrip("/") else ""
    rows = database.rows(
        "SELECT base_path, config, distributor_type_id FROM distributor WHERE live_revision IS NOT NULL ORDER BY base_path"
    )
    names = sorted(
        {
            base_path[len(prefix) :].partition("/")[0]
            for base_path, config, type_id in rows
            if base_path.startswith(prefix) and _serves(config, scheme, type_id, is_served)
        }
    )
    if not names and prefix:
        return None
    items = (ListedItem(name, is_directory=True, size=None, modified=None) for name in names)
    return PublishedDirectory(prefix.rstrip("/"), items)


def _serves(config: str, scheme: str, type_id: str, is_served: ServedByDefault) -> bool:
    """Say whether a distributor serves `scheme`: its key is `serve_http` or `http`, and its type says what it is without."""
    values = json.loads(config)
    if f"serve_{scheme}" not in values and scheme not in values:
        return is_served(type_id, scheme)
    value = values.get(f"serve_{scheme}", values.get(scheme))
    return str(value).lower() not in ("false", "0", "no", "off", "none")
