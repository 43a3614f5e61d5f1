"""Work that only one does at a time, over all processes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from entrepot.content.exclusion import alone


def test_those_of_one_name_come_one_after_the_other_and_leave_nothing(tmp_path: Path) -> None:
    inside, most = [], []

    def work(number: int) -> None:
        with alone(tmp_path / "locks", "bear"):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(200)))

    assert most == [1] * 200
    assert list((tmp_path / "locks").iterdir()) == []


def test_those_of_other_names_do_not_wait(tmp_path: Path) -> None:
    done = threading.Event()

    def work() -> None:
        with alone(tmp_path / "locks", "lion"):
            done.set()

    with alone(tmp_path / "locks", "bear"):
        thread = threading.Thread(target=work)
        thread.start()

        assert done.wait(30)
    thread.join()


def test_a_file_that_a_dead_process_left_is_used_again(tmp_path: Path) -> None:
    with alone(tmp_path, "bear"):
        left = next(tmp_path.iterdir()).name
    (tmp_path / left).touch()

    with alone(tmp_path, "bear"):
        assert [file.name for file in tmp_path.iterdir()] == [left]
