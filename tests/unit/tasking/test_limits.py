"""Which limit a task type has: the first pattern that matches says it."""

from __future__ import annotations

from datetime import timedelta

from entrepot.settings import read_settings
from entrepot.tasking.limits import Limits

OWN = timedelta(seconds=5)


def limits(**settings: object) -> Limits:
    return Limits(read_settings(**settings))


def test_a_type_without_a_limit_in_the_settings_keeps_its_own() -> None:
    given = limits(time_limits_seconds={"shop.ship": 60})

    assert given.timeout_for("shop.pack", OWN) == OWN
    assert given.timeout_for("shop.pack", None) is None


def test_a_time_limit_of_the_settings_takes_the_place_of_the_types_own() -> None:
    given = limits(time_limits_seconds={"shop.*": 60})

    assert given.timeout_for("shop.ship", OWN) == timedelta(seconds=60)
    assert given.timeout_for("shop.ship", None) == timedelta(seconds=60)


def test_a_time_limit_of_zero_lifts_the_types_own() -> None:
    assert limits(time_limits_seconds={"shop.ship": 0}).timeout_for("shop.ship", OWN) is None


def test_of_several_patterns_that_match_the_first_counts() -> None:
    given = limits(time_limits_seconds={"shop.ship": 1, "shop.*": 2, "*": 3})

    assert [given.timeout_for(name, None) for name in ("shop.ship", "shop.pack", "mail.send")] == [
        timedelta(seconds=1),
        timedelta(seconds=2),
        timedelta(seconds=3),
    ]


def test_patterns_tell_upper_from_lower_case() -> None:
    assert limits(memory_limits_mb={"shop.Ship": 100}).memory_for("shop.ship") is None


def test_a_memory_limit_is_in_megabytes() -> None:
    given = limits(memory_limits_mb={"shop.*": 100})

    assert given.memory_for("shop.ship") == 100_000_000
    assert given.memory_for("mail.send") is None
    assert given.has_memory_limits
    assert not limits().has_memory_limits


def test_only_keys_with_a_limit_are_counted_each_once_and_in_their_order() -> None:
    given = limits(concurrency_limits={"origin:*.example.org": 2, "shop.*": 7})
    keys = ["shop.ship", "origin:a.example.org", "origin:b.test", "shop.ship"]

    assert given.concurrency_for(keys) == [("shop.ship", 7), ("origin:a.example.org", 2)]


def test_a_limit_that_a_type_sets_itself_holds_unless_the_settings_know_its_key() -> None:
    given = limits(concurrency_limits={"edge:pop:2": 7})
    own = {"edge:pop:1": 4, "edge:pop:2": 4}

    assert given.concurrency_for(["push"], own) == [("edge:pop:1", 4), ("edge:pop:2", 7)]
