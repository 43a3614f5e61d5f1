"""Many announcements in a short time become few, and the last one is never lost."""

from __future__ import annotations

import threading
import time

import pytest

from entrepot.models import announcement
from entrepot.models.announcement import Announcement


def join_threads() -> None:
    for thread in threading.enumerate():
        if thread.name == "entrepot-announcement":
            thread.join()


def test_the_first_announcement_is_made_at_once() -> None:
    made: list[str] = []
    announcing = Announcement(lambda: made.append("at once"), lambda: made.append("apart"))

    announcing.make()

    assert made == ["at once"]


def test_many_announcements_become_few_and_the_last_commit_is_announced() -> None:
    committed = 0
    announced: list[int] = []
    announcing = Announcement(lambda: announced.append(committed), lambda: announced.append(committed))
    began = time.monotonic()

    for _ in range(1000):
        committed += 1
        announcing.make()
    seconds = time.monotonic() - began
    join_threads()

    assert announced[-1] == 1000
    assert len(announced) <= announcement._BURST + seconds / announcement._INTERVAL_SECONDS + 2


def test_what_several_threads_commit_is_announced_to_the_last() -> None:
    lock = threading.Lock()
    committed = 0
    announced: list[int] = []
    announcing = Announcement(lambda: announced.append(committed), lambda: announced.append(committed))

    def commit() -> None:
        nonlocal committed
        for _ in range(200):
            with lock:
                committed += 1
            announcing.make()

    threads = [threading.Thread(target=commit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    join_threads()

    assert max(announced) == 800


def test_a_program_that_ends_waits_for_the_announcement_that_is_held_back() -> None:
    announcing = Announcement(lambda: None, lambda: None)

    for _ in range(announcement._BURST + 1):
        announcing.make()

    (thread,) = [thread for thread in threading.enumerate() if thread.name == "entrepot-announcement"]
    assert not thread.daemon
    thread.join()


def test_where_no_thread_can_be_had_nothing_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    made: list[str] = []
    announcing = Announcement(lambda: made.append("at once"), lambda: made.append("apart"))

    for _ in range(3 * announcement._BURST):
        announcing.make()

    assert made == ["at once"] * 3 * announcement._BURST
