"""The plan of the kills keeps what it promises, however many were asked for."""

from __future__ import annotations

import pytest

from entrepot.failpoints import POINTS

from .plan import Campaign, campaigns

NAMES = ("tasks", "syncs", "enqueuers", "supervisors")


def planned() -> list[Campaign]:
    return [campaign for name in NAMES for campaign in campaigns(name)]


@pytest.mark.parametrize("asked", [1, 20, 200])
def test_at_least_as_many_kills_are_planned_as_were_asked_for(monkeypatch: pytest.MonkeyPatch, asked: int) -> None:
    monkeypatch.setenv("ENTREPOT_KILLS", str(asked))

    assert sum(len(campaign.kills) for campaign in planned()) >= asked


@pytest.mark.parametrize("asked", [len(POINTS), 200])
def test_each_point_is_planned_where_so_many_kills_were_asked_for(monkeypatch: pytest.MonkeyPatch, asked: int) -> None:
    monkeypatch.setenv("ENTREPOT_KILLS", str(asked))

    assert {kill.point for campaign in planned() for kill in campaign.kills} >= set(POINTS)


def test_both_databases_have_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_KILLS", "20")

    assert all({campaign.database for campaign in campaigns(name)} == {"sqlite", "postgresql"} for name in NAMES)
