"""What content calls cost: a search for units by name among a million of them, and a copy of 10,000 units.

On SQLite and PostgreSQL, everything by default; the units are files (`iso`) with one file each, all of them in one repository.

* by name: equality, `$in` of ten names, and a pattern for how names begin (ten of them do), by `engine.content.find_units`
  and by `repository.search_units`, each for names that were not asked for before. Beside it the bare query by the index.
* copy: a task as a worker runs it, from its claim to its end, into a repository that is empty; beside it the bare statement
  that writes as many rows of `association`, in one transaction, with `INSERT … SELECT`. Sides take turns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from api_house import new_house
from goals import Goals, arguments, median, table
from measuring_place import measuring_place, settle
from queues.contestants import POSTGRESQL
from queues.servers import servers

from entrepot import Engine
from entrepot.criteria import Criteria, UnitCriteria
from entrepot.testing import drain

#: Names begin with so many different texts: ten units with each, of a million.
_PREFIX = "package-{:06d}"
_TEN = 10
_GOAL_MILLISECONDS = 20
_GOAL_COPY_SECONDS = 1
_GOAL_COPY_RATIO = 12


def main() -> int:
    quick = arguments(__doc__).quick
    goals = Goals(is_quick=quick)
    units, copied, searches, rounds = (20_000, 1_000, 5, 2) if quick else (1_000_000, 10_000, 40, 5)
    with measuring_place() as place, servers({POSTGRESQL}) as running:
        for name, url in (("SQLite", ""), ("PostgreSQL", running.urls.get(POSTGRESQL))):
            if url is None:
                print(f"{name}: skipped: {running.missing[POSTGRESQL]}", flush=True)
                goals.at_most(f"units by name, {name}", None, _GOAL_MILLISECONDS, "ms")
                goals.at_most(f"copy of {copied:,} units, {name}", None, _GOAL_COPY_SECONDS, "s")
                continue
            measure(goals, place, name, url, units=units, copied=copied, searches=searches, rounds=rounds)
    return goals.finish()


def measure(goals: Goals, place: Path, name: str, url: str, *, units: int, copied: int, searches: int, rounds: int) -> None:
    with new_house(place, url) as house:
        began = time.perf_counter()
        fill(house.engine, units, copied)
        print(f"{name}: {units:,} units made in {time.perf_counter() - began:.0f} s", flush=True)
        settle()
        by_name(goals, house.engine, name, units=units, searches=searches)
        copies(goals, house.engine, name, copied=copied, rounds=rounds)


def by_name(goals: Goals, engine: Engine, name: str, *, units: int, searches: int) -> None:
    everything = engine.repositories.get("everything")
    kinds: dict[str, Callable[[int], dict[str, object]]] = {
        "equal": lambda number: {"name": _name(number, 3)},
        "$in of ten": lambda number: {"name": {"$in": [_name(number + other, 3) for other in range(_TEN)]}},
        "begins with": lambda number: {"name": {"$regex": "^" + _PREFIX.format(number)}},
    }
    step = units // _TEN // (searches * 7 + 11)
    rows = []
    for kind, filters in kinds.items():

        def bare(number: int, kind: str = kind) -> int:
            return len(_bare(engine, kind, number))

        def globally(number: int, filters: Callable[[int], dict[str, object]] = filters) -> int:
            return len(engine.content.find_units("iso", Criteria.parse({"filters": filters(number)})))

        def within(number: int, filters: Callable[[int], dict[str, object]] = filters) -> int:
            criteria = {"type_ids": ["iso"], "filters": {"unit": filters(number)}}
            return len(everything.search_units(UnitCriteria.parse(criteria)))

        found, figures = 1 if kind == "equal" else _TEN, []
        for search, asked in enumerate((bare, globally, within)):
            taken = []
            for number in range(searches):
                at = (number * 7 + search) * step
                taken.append(seconds(lambda asked=asked, at=at: asked(at), found) * 1000)
            figures.append((median(taken[1:]), max(taken[1:])))
        rows.append([kind, *(figure for pair in figures for figure in pair)])
        for where, (usual, _) in zip(("globally", "in a repository"), figures[1:], strict=True):
            goals.at_most(f"units by name, {kind}, {where}, {name}", usual, _GOAL_MILLISECONDS, "ms")
    head = ["", "bare query", "slowest", "globally", "slowest", "in a repository", "slowest"]
    table(f"{name}: units by name among {units:,}, milliseconds (medians)", head, rows)


def copies(goals: Goals, engine: Engine, name: str, *, copied: int, rounds: int) -> None:
    pairs = []
    for number in range(rounds + 1):
        target = engine.repositories.create(f"target-{number}", importer_type_id="iso_importer", importer_config={})
        engine.repositories.create(f"floor-{number}")
        floor = seconds(lambda number=number: _bare_copy(engine, f"floor-{number}"), copied)
        handle = target.copy_from("some")
        began = time.perf_counter()
        drain(engine)
        mine = time.perf_counter() - began
        assert handle.report().state == "finished", handle.report().error
        assert target.report().content_unit_counts == {"iso": copied}
        pairs.append((floor, mine))
    del pairs[0]  # it warmed
    ratios = [mine / floor for floor, mine in pairs]
    rows = [[f"round {number + 1}", floor, mine, mine / floor] for number, (floor, mine) in enumerate(pairs)]
    table(f"{name}: a copy of {copied:,} units, seconds", ["", "bare statement", "copy", "ratio"], rows)
    goals.at_most(f"copy of {copied:,} units, {name}", median([mine for _, mine in pairs]), _GOAL_COPY_SECONDS, "s")
    goals.at_most(f"copy, of the bare statement, {name}", median(ratios), _GOAL_COPY_RATIO, "x")


def fill(engine: Engine, units: int, copied: int) -> None:
    """Write `units` units with a file each, all held by one repository, and the first `copied` of them by another."""
    for repository_id in ("everything", "some"):
        engine.repositories.create(repository_id, importer_type_id="iso_importer", importer_config={})
    database = engine.database
    digest = "printf('%064x', n * 2654435761)" if database.dialect == "sqlite" else "lpad(to_hex(n * 2654435761), 64, '0')"
    group = "printf('package-%06d', n / 10)" if database.dialect == "sqlite" else "'package-' || lpad((n / 10)::text, 6, '0')"
    numbers = "WITH RECURSIVE number (n) AS (SELECT CAST(? AS bigint) UNION ALL SELECT n + 1 FROM number WHERE n < ?) "
    name = f"{group} || '-' || (n % 10) || '.iso'"
    unit = (
        f"SELECT n + 1, 'iso', {digest}, '[\"' || {name} || '\"]', {name}, "
        f'\'{{"name":"\' || {name} || \'","checksum":"\' || {digest} || \'","size":\' || n || \'}}\', 0 FROM number'
    )
    rows = {
        "blob (id, sha256, size, created_at)": "VALUES (1, 'x', 1, 0)",
        "unit (id, unit_type, uid, repository_key, name, data, created_at)": numbers + unit,
        "unit_file (unit, path, blob, size, digests)": f"{numbers}SELECT n + 1, 'file', 1, 1, '{{}}' FROM number",
        "association (repository, unit, added_revision, created_at)": f"{numbers}SELECT 1, n + 1, 1, 0 FROM number",
    }
    with engine.transaction():
        for target, query in rows.items():
            insert = f"INSERT INTO {target} {query}"
            if not query.startswith("WITH"):
                database.execute(insert)
                continue
            if database.dialect == "sqlite":
                insert = f"{numbers}INSERT INTO {target} {query.removeprefix(numbers)}"
            database.execute(insert, (0, units - 1))
        database.execute(
            "INSERT INTO association (repository, unit, added_revision, created_at) "
            "SELECT 2, unit, 1, 0 FROM association WHERE repository = 1 AND unit <= ?",
            (copied,),
        )
        for repository, count in ((1, units), (2, copied)):
            counts = f'{{"iso":{count}}}'
            database.execute("UPDATE repository SET content_unit_counts = ?, revision = 1 WHERE id = ?", (counts, repository))
    if database.dialect == "postgresql":
        database.execute("VACUUM ANALYZE")  # as it does by itself before long


def seconds(function: Callable[[], int], found: int) -> float:
    """Call `function`, which is to find so many, and return the seconds that it took."""
    began = time.perf_counter()
    assert function() == found
    return time.perf_counter() - began


def _name(number: int, last: int) -> str:
    return f"{_PREFIX.format(number)}-{last}.iso"


def _bare(engine: Engine, kind: str, number: int) -> list[tuple[object, ...]]:
    query = "SELECT data FROM unit WHERE unit_type = 'iso' AND "
    if kind == "equal":
        return engine.database.rows(query + "name = ?", (_name(number, 3),))
    if kind == "begins with":
        return engine.database.rows(query + "name >= ? AND name < ?", (_PREFIX.format(number), _PREFIX.format(number) + "."))
    names = [_name(number + other, 3) for other in range(_TEN)]
    return engine.database.rows(query + f"name IN ({', '.join('?' * _TEN)})", names)


def _bare_copy(engine: Engine, target: str) -> int:
    with engine.transaction() as database:
        return int(
            database.execute(
                "INSERT INTO association (repository, unit, added_revision, created_at) "
                "SELECT repository.id, unit, 1, 0 FROM association, repository "
                "WHERE association.repository = 2 AND repository.repository_id = ?",
                (target,),
            ).rowcount
        )


if __name__ == "__main__":
    sys.exit(main())
