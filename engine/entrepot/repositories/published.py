"""What is served: from a URL's path to a published file or folder.

Doors ask here; `publication` writes what is read here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

from entrepot import clock
from entrepot.repositories.publication import ENTRY_COLUMNS, ENTRY_JOINS, find_entry
from entrepot.repositories.reports import ListedItem, PublishedDirectory, PublishedFile

if TYPE_CHECKING:
    from datetime import timedelta

    from entrepot.content.store import BlobStore
    from entrepot.models import Database, Row

#: Says whether distributors of a type (its id) serve a scheme when they are not told.
ServedByDefault: TypeAlias = Callable[[str, str], bool]

#: Rows read at once for a listing.
_PAGE = 1000
#: Base paths have no more segments than this.
_MOST_SEGMENTS = 64


@dataclass(frozen=True, slots=True)
class _Site:
    """A distributor with something to serve."""

    distributor: int
    base_path: str
    live_revision: int
    config: str
    type_id: str


def find_files(
    database: Database, store: BlobStore, asked: Iterable[tuple[str, str]], *, is_served: ServedByDefault
) -> dict[tuple[str, str], PublishedFile]:
    """Return the files that paths (no slash at their ends) hold now, over schemes (http, https), by path and scheme.

    What is missing is no file, or one that left. One statement, however many are asked for; the rest as `resolve`.
    """
    ordered = list(dict.fromkeys(asked))
    places: list[tuple[int, str, str]] = []
    for number, (path, _) in enumerate(ordered):
        places += [(number, base_path, path[len(base_path) + 1 :]) for base_path in _base_paths(path)]
    places += [(-1, "", "")] * ((1 << (len(places) - 1).bit_length()) - len(places))  # few statements, which are prepared once
    rows = database.rows(_files_statement(len(places)), list(chain.from_iterable(places)))
    return {
        ordered[number]: _file(store, inside, entry, is_live=True)
        for number, inside, config, type_id, *entry in rows
        if _serves(config, ordered[number][1], type_id, is_served)
    }


@lru_cache(maxsize=32)
def _files_statement(places: int) -> str:
    """Return the statement that looks up so many places, each a number, a base path and a path inside."""
    others = ", (?, ?, ?)" * (places - 1)
    # Distributors first, apart: PostgreSQL would else read all entries of one, where it knows little of the table.
    return (
        f"WITH asked (number, base_path, path) AS (VALUES (CAST(? AS INTEGER), CAST(? AS TEXT), CAST(? AS TEXT)){others}), "
        "site AS MATERIALIZED (SELECT asked.number, asked.path, distributor.id, distributor.live_revision, distributor.config, "
        "distributor.distributor_type_id FROM asked JOIN distributor ON distributor.base_path = asked.base_path) "
        f"SELECT site.number, site.path, site.config, site.distributor_type_id, {ENTRY_COLUMNS} FROM site "
        "JOIN entry ON entry.distributor = site.id AND entry.path = site.path AND entry.added_revision <= site.live_revision "
        f"AND (entry.removed_revision IS NULL OR entry.removed_revision > site.live_revision) {ENTRY_JOINS}"
    )


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
    found = find_entry(database, site.distributor, site.live_revision, inside) if inside else None
    if found is not None:
        return _file(store, inside, found, is_live=True)
    folder = inside.rstrip("/")
    if not folder or _has_entries(database, site, f"{folder}/"):
        return PublishedDirectory(path.rstrip("/"), _list(database, site, f"{folder}/" if folder else ""))
    left = _recently_left(database, site, inside, grace)
    return None if left is None else _file(store, inside, left, is_live=False)


def _find_site(database: Database, path: str) -> _Site | None:
    """Return the site that `path` lies in: base paths never contain each other, so at most one matches."""
    prefixes = _base_paths(path.rstrip("/"))
    marks = ", ".join("?" * len(prefixes))
    row = database.row(
        "SELECT id, base_path, live_revision, config, distributor_type_id FROM distributor "
        f"WHERE live_revision IS NOT NULL AND base_path IN ({marks})",
        prefixes,
    )
    return None if row is None else _Site(*row)


def _base_paths(path: str) -> list[str]:
    """Return the base paths that `path` may lie in."""
    segments = path.split("/")
    return ["/".join(segments[:length]) for length in range(1, len(segments) + 1)][:_MOST_SEGMENTS]


def _file(store: BlobStore, path: str, found: Sequence[Any], *, is_live: bool) -> PublishedFile:
    blob, sha256, size, added_at, unit, unit_file = found
    modified = clock.from_us(added_at)
    if blob is None:
        return PublishedFile(path, None, size, modified, None, is_live, None, unit, unit_file)
    return PublishedFile(path, sha256, size, modified, store.path(sha256), is_live, blob)


def _recently_left(database: Database, site: _Site, path: str, grace: timedelta) -> Row | None:
    """Return `path` as the publication had it that was served last before this one, within the grace time."""
    return database.row(
        f"SELECT {ENTRY_COLUMNS} FROM publication "
        "JOIN entry ON entry.distributor = publication.distributor AND entry.added_revision <= publication.revision "
        f"AND (entry.removed_revision IS NULL OR entry.removed_revision > publication.revision) {ENTRY_JOINS} "
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
        f"SELECT entry.path, COALESCE(blob.size, unit_file.size), entry.added_at FROM entry {ENTRY_JOINS} "
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
    values = _values(config)
    if f"serve_{scheme}" not in values and scheme not in values:
        return is_served(type_id, scheme)
    value = values.get(f"serve_{scheme}", values.get(scheme))
    return str(value).lower() not in ("false", "0", "no", "off", "none")


@lru_cache(maxsize=1024)
def _values(config: str) -> dict[str, Any]:
    """Return a configuration; the same ones are asked for again and again, and nobody changes them."""
    values: dict[str, Any] = json.loads(config)
    return values
