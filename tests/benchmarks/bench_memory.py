"""How much memory a worker takes for a sync of many small files, and for one of big files.

The peak of resident memory (VmHWM in /proc/PID/status) of the worker process that ran the sync, from its start on: Python
and all that it has loaded is in it. Each sync has a new engine and new workers; SQLite, default settings.
"""

from __future__ import annotations

import sys
from pathlib import Path

from engine_under_test import new_engine, workers
from feed_server import FeedServer
from goals import Goals, arguments, table
from measuring_place import measuring_place

MAX_DOWNLOADS = 10


def main() -> int:
    quick = arguments(__doc__).quick
    goals = Goals(is_quick=quick)
    small, large, megabytes = (200, 2, 2) if quick else (10_000, 40, 25)
    server = FeedServer(files=small, size=1024, large_files=large, large_size=megabytes * 1_000_000)
    with measuring_place() as place, server as feed:
        before, many = peak(feed.small_url, small, place)
        _, big = peak(feed.large_url, large, place)
    many_label, big_label = f"{small:,} files of 1 KiB", f"{large} files of {megabytes} MB"
    table("Peak of the worker process, MB", ["", "MB"], [["idle, before", before], [many_label, many], [big_label, big]])
    goals.at_most(f"memory of a worker, {many_label}", many, 150, "MB")
    goals.at_most(f"memory of a worker, {big_label}", big, 150, "MB")
    return goals.finish()


def peak(feed: str, files: int, place: Path) -> tuple[float, float]:
    """Sync `feed`; return the peak of the worker that ran it, before and after, in MB."""
    with new_engine(place) as engine, workers(engine):
        idle = {worker.name: high_water_mark(worker.pid) for worker in engine.workers()}
        repository = engine.repositories.create(
            "bench", importer_type_id="iso_importer", importer_config={"feed": feed, "max_downloads": MAX_DOWNLOADS}
        )
        report = repository.sync().wait()
        assert repository.report().content_unit_counts == {"iso": files}
        ran = next(worker for worker in engine.workers() if worker.name == report.worker_name)
        return idle[ran.name], high_water_mark(ran.pid)


def high_water_mark(pid: int) -> float:
    """Return the most memory a process ever had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    kibibytes = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
    return int(kibibytes) * 1024 / 1_000_000


if __name__ == "__main__":
    sys.exit(main())
