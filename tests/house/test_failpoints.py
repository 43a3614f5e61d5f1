"""The list of failpoints is complete: each is reached somewhere, and none is reached that is not listed."""

from __future__ import annotations

import ast

from entrepot.failpoints import POINTS


def reached(engine_modules) -> dict[str, str]:
    """The points that the engine's code reaches, and where."""
    points = {}
    for module in engine_modules:
        for call, name in module.calls():
            if name.rpartition(".")[2] == "reach" and call.args and isinstance(call.args[0], ast.Constant):
                points[str(call.args[0].value)] = module.place(call)
    return points


def test_every_point_that_is_reached_is_listed(engine_modules) -> None:
    assert {name: place for name, place in reached(engine_modules).items() if name not in POINTS} == {}


def test_every_listed_point_is_reached(engine_modules) -> None:
    assert sorted(set(POINTS) - set(reached(engine_modules))) == []


def test_no_point_is_listed_twice() -> None:
    assert sorted(POINTS) == sorted(set(POINTS))
