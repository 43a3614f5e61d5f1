"""Steps are read from progress reports that may hold anything."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from entrepot.tasking.steps import steps_of


def step_with(count: Any) -> Any:
    item = dict.fromkeys(("num_processed", "items_total", "bytes_done", "bytes_total", "num_failures"), count)
    report: Any = SimpleNamespace(progress={"iso_importer": [item]})
    (step,) = steps_of(report)
    return step


@pytest.mark.parametrize("count", [-1, -0.5, math.inf, -math.inf, math.nan, None, "7", [], {}])
def test_what_is_no_count_is_none(count: Any) -> None:
    step = step_with(count)

    assert (step.done, step.total, step.bytes_done, step.bytes_total, step.failures) == (0, 0, 0, 0, 0)
    assert (step.share, step.counts) == (None, "")


def test_a_count_is_told_whole() -> None:
    step = step_with(3.9)

    assert (step.done, step.total, step.share) == (3, 3, 1.0)
