"""How long it takes to sync and publish the metadata of 50,000 packages, against createrepo_c alone.

50,000 packages that do not exist (`--quick`: 1,000), each with 40 files, 8 requires and 10 changelogs, from a loopback
server, on demand; SQLite, two worker processes of four threads, everything else by default:

* sync: from the task's start to its end, against createrepo_c parsing the same three files and SQLite taking the same rows
  in one transaction, into tables with the same indices;
* memory: the peak of the worker process that ran it, from its start on;
* publish, and publish after a sync in which one package came in another version: from the task's start to its end, against
  createrepo_c's `RepositoryWriter` writing the same packages with gzip.

Each floor runs before and after what it is compared with, and the faster run counts.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import createrepo_c
from bench_memory import high_water_mark
from bench_sync import ended
from engine_under_test import new_engine, workers
from goals import Goals, arguments, table
from measuring_place import measuring_place, settle

from entrepot import Engine

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a benchmark is a program: nobody has put the project there
from tests.builders.repodata import generate

TABLES = ("unit", "unit_file", "unit_document", "remote_file", "association")


def main() -> int:
    quick = arguments(__doc__).quick
    packages = 1_000 if quick else 50_000
    goals = Goals(is_quick=quick)
    with measuring_place() as place:
        generate(place / "first", packages)
        generate(place / "second", packages, changed=1)
        with served(place) as address, new_engine(place) as engine, workers(engine):
            measure(engine, goals, packages, place, address)
    return goals.finish()


def measure(engine: Engine, goals: Goals, packages: int, place: Path, address: str) -> None:
    """Measure everything once, and note the goals."""
    first, second, feed = place / "first", place / "second", place / "feed"
    shutil.copytree(first, feed)
    parsing, writing = parse(first), write(first, place / "written-1", packages)
    repository = engine.repositories.create(
        "bench",
        importer_type_id="yum_importer",
        importer_config={"feed": f"{address}/feed", "download_policy": "on_demand", "remove_missing": True},
        distributors=[
            {
                "distributor_type_id": "yum_distributor",
                "distributor_id": "yum",
                "distributor_config": {"relative_url": "bench", "http": True, "https": False},
            }
        ],
    )
    settle()
    sync, memory = synced(engine, repository, packages)
    parsing = min(parsing, parse(first))
    inserting = min(insert(engine, place / f"rows-{number}.sqlite3") for number in range(2))
    settle()
    publish, _ = ended(lambda: repository.publish("yum"))
    writing = min(writing, write(first, place / "written-2", packages))
    shutil.rmtree(feed)
    shutil.copytree(second, feed)
    changed, _ = ended(repository.sync, added=1, removed=1)
    again, _ = ended(lambda: repository.publish("yum"))
    rows = [
        ["createrepo_c parses", parsing],
        ["SQLite takes the rows", inserting],
        ["sync", sync],
        ["sync, one package changed", changed],
        ["createrepo_c writes", writing],
        ["publish", publish],
        ["publish, one package changed", again],
    ]
    table(f"{packages:,} packages, seconds", ["", "seconds"], rows)
    goals.at_most("sync of rpm metadata, times createrepo_c and SQLite", sync / (parsing + inserting), 2, "x")
    goals.at_most("memory of a worker that syncs rpm metadata", memory, 300, "MB")
    goals.at_most("publish of rpm metadata, times createrepo_c writing it", publish / writing, 1.5, "x")
    goals.at_most("publish after one package changed, of the first publish", again / publish, 0.10, "%")


def synced(engine: Engine, repository, packages: int) -> tuple[float, float]:
    """Sync; return the seconds that it took, and the peak of the worker process that ran it, in MB."""
    took, _ = ended(repository.sync, added=packages)
    return took, max(high_water_mark(worker.pid) for worker in engine.workers())


def parse(folder: Path) -> float:
    """Read all packages with createrepo_c; return the seconds."""
    began = time.perf_counter()
    for _ in packages_of(folder):
        pass
    return time.perf_counter() - began


def write(folder: Path, target: Path, packages: int) -> float:
    """Write all packages with createrepo_c; return the seconds, without those of reading them."""
    target.mkdir()
    took = 0.0
    with createrepo_c.RepositoryWriter(str(target), num_packages=packages, compression=createrepo_c.GZ_COMPRESSION) as writer:
        for package in packages_of(folder):
            began = time.perf_counter()
            writer.add_pkg(package)
            took += time.perf_counter() - began
        began = time.perf_counter()
    return took + time.perf_counter() - began


def packages_of(folder: Path) -> createrepo_c.PackageIterator:
    """Return the packages of a folder, as createrepo_c reads them."""
    files = [str(folder / "repodata" / f"{kind}.xml.gz") for kind in ("primary", "filelists", "other")]
    return createrepo_c.PackageIterator(*files)


def insert(engine: Engine, target: Path) -> float:
    """Write the rows that the sync wrote into a database of the same tables and indices; return the seconds."""
    with contextlib.closing(sqlite3.connect(engine.settings.data_dir / "entrepot.sqlite3")) as source:
        made = source.execute(f"SELECT sql FROM sqlite_master WHERE tbl_name IN ({','.join('?' * len(TABLES))})", TABLES)
        statements = [sql for (sql,) in made if sql]
        rows = {name: source.execute(f"SELECT * FROM {name}").fetchall() for name in TABLES}
    settle()
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        for sql in sorted(statements, key=lambda sql: not sql.startswith("CREATE TABLE")):
            database.execute(sql)
        began = time.perf_counter()
        database.execute("BEGIN IMMEDIATE")
        for name, values in rows.items():
            if values:
                database.executemany(f"INSERT INTO {name} VALUES ({','.join('?' * len(values[0]))})", values)
        database.execute("COMMIT")
        return time.perf_counter() - began


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on the loopback; yield its address."""
    handler = partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the library gave it
        pass


if __name__ == "__main__":
    sys.exit(main())
