"""What is stored is counted from time to time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot import clock
from entrepot.content import measures
from entrepot.models import Database

_HOUR = timedelta(hours=1)


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch):
    """Lets time pass."""
    offset_us = 0
    now, now_us = clock.now, clock.now_us

    def pass_by(span: timedelta) -> None:
        nonlocal offset_us
        offset_us += clock.us(span)

    monkeypatch.setattr(clock, "now_us", lambda: now_us() + offset_us)
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(microseconds=offset_us))
    return pass_by


def store(database: Database, *sizes: int) -> None:
    for size in sizes:
        database.execute("INSERT INTO blob (sha256, size, created_at) VALUES (?, ?, 0)", (f"{size:064}", size))


def test_nothing_was_counted_yet(database: Database) -> None:
    assert measures.list_measures(database, since=_HOUR) == measures.Measures(None, 0, 0, 0, ())


def test_blobs_bytes_and_units_are_counted_and_the_last_count_of_each_hour_is_kept(database: Database, wait) -> None:
    store(database, 5, 7)
    database.execute("INSERT INTO unit (unit_type, uid, data, created_at) VALUES ('iso', 'x', '{}', 0)")

    assert measures.measure(database) == 3
    wait(timedelta(minutes=1))
    assert measures.measure(database) == 0  # somebody has just counted
    wait(2 * _HOUR)
    store(database, 100)
    measures.measure(database)

    found = measures.list_measures(database, since=10 * _HOUR)
    assert (found.blobs, found.blob_bytes, found.units) == (3, 112, 1)
    assert [(hour.blobs, hour.blob_bytes, hour.units) for hour in found.hours] == [(2, 12, 1), (3, 112, 1)]
    assert found.measured is not None
    assert abs(found.measured - clock.now()) < timedelta(minutes=1)


def test_an_old_count_is_told_although_its_hour_is_not_and_goes_after_400_days(database: Database, wait) -> None:
    store(database, 5)
    measures.measure(database)
    wait(timedelta(days=3))

    found = measures.list_measures(database, since=_HOUR)
    assert (found.blob_bytes, found.hours) == (5, ())

    wait(measures.KEPT)
    measures.measure(database)
    assert database.row("SELECT COUNT(*) FROM hourly_measure") == (3,)
