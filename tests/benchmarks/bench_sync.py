"""How long syncs and publishes take, against a bare downloader of the same files.

10,000 files of 1 KiB (`--quick`: 200) from a loopback server, 10 downloads at once for both; SQLite, two worker processes of
four threads, everything else by default. Each round is a new engine:

* first sync: into an empty store; from the task's start to its end, and from the request to the end of `wait()`;
* again unchanged: from the request to the end of `wait()`, as a user sees it, against the first one by the same clock;
* publishes: requested by hand; from the task's start to its end.

The bare downloader fetches, hashes and writes the same files, and flushes nothing to the disk. It runs right before and right
after the first sync, and the faster of the two counts: whatever disturbs a floor makes it slower, and the engine look better
(see `measuring_place`). Its processor time stands beside it: system time far above user time tells of such a disturbance.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import floor_downloader
from engine_under_test import new_engine, workers
from feed_server import FeedServer
from goals import Goals, arguments, median, table
from measuring_place import measuring_place, settle

from entrepot import TaskHandle, TaskReport

MAX_DOWNLOADS = 10
ROUNDS = 3


@dataclass(frozen=True)
class Round:
    """Seconds."""

    floor: float
    floor_user: float
    floor_system: float
    first: float
    first_waited: float
    again: float
    publish: float
    changed: float
    publish_changed: float


def main() -> int:
    quick = arguments(__doc__).quick
    files = 200 if quick else 10_000
    goals = Goals(is_quick=quick)
    with measuring_place() as place, FeedServer(files=files, size=1024) as feed:
        rounds = [run_round(feed, files, place / f"floor-{number}", place) for number in range(1 if quick else ROUNDS)]
    head = ["seconds", *(f"round {number + 1}" for number in range(len(rounds))), "median"]
    names = {
        "bare downloader": "floor",
        "  its user time": "floor_user",
        "  its system time": "floor_system",
        "first sync": "first",
        "first sync, request to end of wait": "first_waited",
        "sync again, unchanged, request to end of wait": "again",
        "publish": "publish",
        "sync, one file changed": "changed",
        "publish, one file changed": "publish_changed",
    }
    figures = {name: [getattr(each, name) for each in rounds] for name in names.values()}
    table(
        f"{files:,} files of 1 KiB, {MAX_DOWNLOADS} downloads at once",
        head,
        [[label, *figures[name], median(figures[name])] for label, name in names.items()],
    )

    def ratio(one: str, other: str) -> float:
        return median([mine / theirs for mine, theirs in zip(figures[one], figures[other], strict=True)])

    goals.at_most("first sync, times the bare downloader", ratio("first", "floor"), 2, "x", floor=1)
    goals.at_most("sync again without change, of the first", ratio("again", "first_waited"), 0.05, "%")
    goals.at_most("publish, of the first sync", ratio("publish", "first"), 0.20, "%")
    goals.at_most("publish after one file changed, of the first publish", ratio("publish_changed", "publish"), 0.10, "%")
    return goals.finish()


def run_round(feed: FeedServer, files: int, floor_folder: Path, place: Path) -> Round:
    """Measure everything once."""

    def floor(moment: str) -> floor_downloader.Cost:
        settle()
        return floor_downloader.run(feed.small_url, floor_folder.with_suffix(moment), max_downloads=MAX_DOWNLOADS)

    before = floor(".before")
    with new_engine(place) as engine, workers(engine):
        repository = engine.repositories.create(
            "bench",
            importer_type_id="iso_importer",
            importer_config={"feed": feed.small_url, "max_downloads": MAX_DOWNLOADS, "remove_missing": True},
            distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web"}],
        )
        settle()
        first, first_waited = ended(repository.sync, added=files)
        best = min(before, floor(".after"), key=lambda cost: cost.wall)
        _, again = ended(repository.sync, added=0)
        publish, _ = ended(lambda: repository.publish("web"))
        feed.change_one_file()
        changed, _ = ended(repository.sync, updated=1)
        publish_changed, _ = ended(lambda: repository.publish("web"))
        counts = [publication.entry_count for publication in repository.publications("web")]
        assert counts == [files + 1, files + 1], "every file and the manifest, before and after"
    return Round(best.wall, best.user, best.system, first, first_waited, again, publish, changed, publish_changed)


def ended(request: Callable[[], TaskHandle], **expected: int) -> tuple[float, float]:
    """Make the request and wait; return the seconds from start to end of the task, and from the request to its end."""
    began = time.perf_counter()
    report: TaskReport = request().wait()
    waited = time.perf_counter() - began
    assert isinstance(report.result, dict)
    assert all(report.result[f"{name}_count"] == count for name, count in expected.items()), report.result
    assert report.started is not None
    assert report.finished is not None
    return (report.finished - report.started).total_seconds(), waited


if __name__ == "__main__":
    sys.exit(main())
