"""When a schedule that is made now would run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from entrepot.engine import Engine
from entrepot.errors import InvalidValue
from entrepot.schedules.preview import of_text

NOW = datetime(2026, 11, 22, 10, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "sentence", "runs"),
    [
        ("PT8H", None, "every 8 hours", ["2026-11-22T10:00", "2026-11-22T18:00", "2026-11-23T02:00"]),
        ("PT0.5M", None, "every 30 seconds", ["2026-11-22T10:00", "2026-11-22T10:00:30", "2026-11-22T10:01"]),
        (
            "02:00/P1D",
            "Europe/Zurich",
            "every day at 02:00 Europe/Zurich",
            ["2026-11-23T01:00", "2026-11-24T01:00", "2026-11-25T01:00"],
        ),
        ("R2/P1D", None, "every day at 10:00 UTC, 2 times", ["2026-11-22T10:00", "2026-11-23T10:00"]),
        (
            "2014-01-31T02:00Z/P1M",
            None,
            "every month on day 31 (or the last) at 02:00 UTC",
            ["2026-11-22T10:00", "2026-11-30T02:00", "2026-12-31T02:00"],
        ),
        ("0 3 * * mon", None, "every Monday at 03:00 UTC", ["2026-11-23T03:00", "2026-11-30T03:00", "2026-12-07T03:00"]),
        ("9998-12-31T00:00Z/P1Y", None, "every year on 31 December at 00:00 UTC", ["9998-12-31T00:00", "9999-12-31T00:00"]),
    ],
)
def test_the_first_runs_are_told_and_what_a_person_would_say(
    text: str, zone: str | None, sentence: str, runs: list[str]
) -> None:
    preview = of_text(text, zone, 3, NOW)

    assert (preview.schedule, preview.time_zone, preview.sentence) == (text, zone, sentence)
    assert [run.isoformat() for run in preview.runs] == [f"{run if len(run) > 16 else run + ':00'}+00:00" for run in runs]


@pytest.mark.parametrize("count", [0, -1, 101, True, 2.0, None])
def test_a_count_out_of_range_is_refused(count: int) -> None:
    with pytest.raises(InvalidValue) as refused:
        of_text("PT1H", None, count, NOW)

    assert refused.value.data["property_names"] == ["count"]


@pytest.mark.parametrize(
    ("text", "zone", "names"),
    [
        ("nonsense", None, ["schedule"]),
        (None, None, ["schedule"]),
        ("PT1H", "Nowhere", ["time_zone"]),
        ("PT1H", 5, ["time_zone"]),
    ],
)
def test_a_schedule_that_cannot_be_made_has_no_preview(text: str, zone: str | None, names: list[str]) -> None:
    with pytest.raises(InvalidValue) as refused:
        of_text(text, zone, 5, NOW)

    assert refused.value.data["property_names"] == names


def test_a_preview_needs_no_database(tmp_path: Path) -> None:
    with Engine(f"sqlite:///{tmp_path / 'none.db'}") as engine:
        runs = engine.schedules.preview("0 2 * * *", count=100).runs

    assert len(set(runs)) == 100
    assert {run.hour for run in runs} == {2}
    assert not (tmp_path / "none.db").exists()
