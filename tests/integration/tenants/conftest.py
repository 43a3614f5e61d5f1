"""The tenants of an engine with one repository, and a clock that can be moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.settings import Settings
from entrepot.tenants import Tenants


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    with Engine(settings=settings) as engine:
        repository = engine.repositories.create("zoo")
        repository.add_distributor("iso_distributor", None, distributor_id="files")
        yield engine


@pytest.fixture
def tenants(engine: Engine) -> Tenants:
    return engine.tenants


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Let the clock go forward."""
    now_us = clock.now_us

    def pass_time(span: timedelta) -> None:
        monkeypatch.setattr(clock, "now_us", lambda: now_us() + clock.us(span))

    return pass_time
