"""The rules of fetching that need no network: repetitions, networks, pace."""

from __future__ import annotations

import pytest

from entrepot import clock
from entrepot.content import retries
from entrepot.content.networks import BlockedNetworks
from entrepot.content.pace import Pace
from entrepot.content.retries import Failure
from entrepot.errors import ChecksumDiffers, FetchAnswered, InvalidSettings

PASSING = Failure(FetchAnswered("503"), is_passing=True)


@pytest.fixture(autouse=True)
def _short_waits() -> None:
    """The waits are what is tested."""


@pytest.mark.parametrize(("failed_before", "longest"), [(0, 0.5), (1, 1.0), (2, 2.0), (3, 4.0), (20, 30.0)])
def test_each_repetition_waits_twice_as_long_up_to_half_a_minute(failed_before: int, longest: float) -> None:
    waits = [retries.wait_seconds(PASSING, failed_before=failed_before, retries=99, was_refreshed=False) for _ in range(100)]

    assert all(wait is not None and longest / 2 <= wait <= longest for wait in waits)
    assert len(set(waits)) > 1


def test_after_the_last_repetition_there_is_none() -> None:
    assert retries.wait_seconds(PASSING, failed_before=4, retries=4, was_refreshed=False) is None


def test_what_does_not_pass_is_not_repeated() -> None:
    assert retries.wait_seconds(Failure(FetchAnswered("404")), failed_before=0, retries=4, was_refreshed=False) is None


@pytest.mark.parametrize(("asked", "shortest", "longest"), [(3, 3, 3.1), (86400, 60, 60.1)])
def test_a_server_may_ask_for_a_wait_of_up_to_a_minute(asked: float, shortest: float, longest: float) -> None:
    failure = Failure(FetchAnswered("429"), is_passing=True, retry_after_seconds=asked)

    wait = retries.wait_seconds(failure, failed_before=0, retries=1, was_refreshed=False)

    assert wait is not None
    assert shortest <= wait <= longest


def test_damage_is_fetched_once_more_at_once_even_without_repetitions() -> None:
    damage = Failure(ChecksumDiffers("wrong"), is_damage=True)

    assert retries.wait_seconds(damage, failed_before=0, retries=0, was_refreshed=False) == 0
    assert retries.wait_seconds(damage, failed_before=1, retries=9, was_refreshed=True) is None


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_an_answer_that_may_change_is_worth_another_attempt(status: int) -> None:
    assert retries.passes(status)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 416])
def test_an_answer_that_will_not_change_is_final(status: int) -> None:
    assert not retries.passes(status)


def test_the_last_error_says_how_many_attempts_there_were() -> None:
    error = retries.final_error(PASSING, attempts=5)

    assert type(error) is FetchAnswered
    assert error.message == "503 (5 attempts)"
    assert error.data["attempts"] == 5


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("169.254.169.254", "169.254.0.0/16"),
        ("::ffff:169.254.169.254", "169.254.0.0/16"),
        ("fe80::1%eth0", "fe80::/10"),
        ("127.0.0.1", None),
        ("feed.example", None),
    ],
)
def test_an_address_in_a_blocked_network_is_recognised(host: str, network: str | None) -> None:
    assert BlockedNetworks(["169.254.0.0/16", "fe80::/10"]).blocking(host) == network


def test_what_is_no_network_is_refused_with_the_name_of_the_setting() -> None:
    with pytest.raises(InvalidSettings, match="ENTREPOT_BLOCKED_NETWORKS"):
        BlockedNetworks(["everything"])


def test_transfers_begin_no_faster_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1000.0
    monkeypatch.setattr(clock, "monotonic", lambda: moment)
    pace = Pace(100)

    pace.count(300)  # 3 seconds' worth, one of which may come at once

    assert pace.wait_seconds() == pytest.approx(2)
    moment += 2
    assert pace.wait_seconds() == pytest.approx(0)


def test_without_a_limit_nothing_waits() -> None:
    pace = Pace(None)

    pace.count(10**12)

    assert pace.wait_seconds() == 0
