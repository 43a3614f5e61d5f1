"""The plan of the faults keeps what it promises, however many were asked for."""

from __future__ import annotations

import pytest

from entrepot.failpoints import POINTS

from .plan import Campaign, campaigns

WALKS = ("tasks", "syncs", "enqueuers", "supervisors", "schedulers", "schedules", "pushes", "cancels")
SERVERS = ("redis", "sessions", "crashes")


@pytest.fixture
def asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many kills are asked for."""
    monkeypatch.setenv("ENTREPOT_KILLS", str(request.param))
    count: int = request.param
    return count


def planned(*names: str) -> list[Campaign]:
    return [campaign for name in names for campaign in campaigns(name)]


@pytest.mark.parametrize("asked", [1, 20, 200], indirect=True)
def test_as_many_kills_are_planned_as_were_asked_for(asked: int) -> None:
    assert sum(len(campaign.faults) for campaign in planned(*WALKS)) == asked


@pytest.mark.parametrize("asked", [200], indirect=True)
def test_the_gate_suffers_three_hundred_faults(asked: int) -> None:
    assert sum(len(campaign.faults) for campaign in planned(*WALKS, *SERVERS)) >= 300


@pytest.mark.parametrize("asked", [120, 200], indirect=True)
def test_each_point_is_planned_where_so_many_kills_were_asked_for(asked: int) -> None:
    points = [fault.point for campaign in planned(*WALKS) for fault in campaign.faults]

    assert {point for point in points if point} == set(POINTS)


@pytest.mark.parametrize("asked", [20], indirect=True)
def test_few_kills_are_of_all_kinds(asked: int) -> None:
    assert all({campaign.database for campaign in campaigns(name)} == {"sqlite", "postgresql"} for name in WALKS)
    assert all(campaigns(name) for name in SERVERS)


@pytest.mark.parametrize("asked", [200], indirect=True)
def test_another_seed_makes_other_campaigns(asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = planned(*WALKS)

    monkeypatch.setenv("ENTREPOT_TEST_SEED", "2")

    assert {campaign.seed for campaign in planned(*WALKS)}.isdisjoint(campaign.seed for campaign in usual)
    assert [campaign.faults for campaign in planned(*WALKS)] != [campaign.faults for campaign in usual]
