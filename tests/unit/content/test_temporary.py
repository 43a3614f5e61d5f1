"""Temporary files: whose they are, and when they are abandoned."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from entrepot import clock
from entrepot.content import temporary
from entrepot.content.store import BlobStore

from .conftest import temporary_files

HOUR_US = 3_600_000_000


def leave(store: BlobStore, name: str, *, age_us: int = 0) -> None:
    path = store.root / "tmp" / name
    path.write_bytes(b"half of it")
    moment = (clock.now_us() - age_us) * 1000
    os.utime(path, ns=(moment, moment))


def name_of_a_dead_process() -> str:
    program = "from entrepot.content.temporary import TemporaryNames; print(TemporaryNames().next())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_name_tells_machine_process_and_start() -> None:
    made_by = temporary.owner(temporary.TemporaryNames().next())

    assert made_by is not None
    assert made_by.pid == os.getpid()


def test_two_names_are_never_equal() -> None:
    first, second = temporary.TemporaryNames(), temporary.TemporaryNames()

    assert len({supply.next() for supply in (first, second) for _ in range(100)}) == 200


def test_the_file_of_a_dead_process_is_swept(store: BlobStore) -> None:
    leave(store, name_of_a_dead_process())

    assert store.sweep() == 1
    assert temporary_files(store) == []


def test_the_file_of_a_process_whose_number_another_one_has_now_is_swept(store: BlobStore) -> None:
    name = temporary.TemporaryNames().next()
    leave(store, name.replace(f"-{os.getpid()}.", f"-{os.getpid()}.1"))

    assert store.sweep() == 1


def test_the_file_of_a_process_that_runs_stays(store: BlobStore) -> None:
    leave(store, temporary.TemporaryNames().next(), age_us=100 * HOUR_US)

    assert store.sweep() == 0
    assert len(temporary_files(store)) == 1


def test_the_file_of_an_earlier_boot_is_swept(store: BlobStore) -> None:
    leave(store, "anotherboot.1-1.1-abc", age_us=clock.boot_us() + 1_000_000)

    assert store.sweep() == 1


def test_the_file_of_another_machine_stays_until_nothing_was_written_to_it_for_an_hour(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "boot_us", lambda: 100 * HOUR_US)
    leave(store, "anotherhost.1-1.1-abc")
    leave(store, "anotherhost.1-1.1-def", age_us=HOUR_US + 1_000_000)

    assert store.sweep() == 1
    assert temporary_files(store) == ["anotherhost.1-1.1-abc"]


def test_a_file_of_somebody_else_stays(store: BlobStore) -> None:
    leave(store, "notes.txt", age_us=1000 * HOUR_US)

    assert store.sweep() == 0


def test_sweeping_a_store_that_was_never_prepared_finds_nothing(tmp_path: Path) -> None:
    assert BlobStore(tmp_path / "nowhere").sweep() == 0


def test_threads_get_different_names() -> None:
    supply = temporary.TemporaryNames()
    names: list[str] = []
    threads = [threading.Thread(target=lambda: names.extend(supply.next() for _ in range(500))) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(names)) == 2000
