"""A clock that goes wrong for a plugin only, to find what it writes of the time.

Modules of the plugin's package, and those of the standard library that write the time into files by themselves, see another
time than the engine. What a library in C writes is not found.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType

from entrepot import clock

#: How far it is off, seconds: years, months, days, hours, minutes and seconds differ.
_SHIFT = 34_398_671
#: They write the time into what they pack, unless they are told another.
_PACKERS = ("gzip", "tarfile", "zipfile")


@contextmanager
def shifted_clock(plugins: Iterable[type]) -> Iterator[None]:
    """Let the modules of `plugins`, and what lies in the same packages, read another time until the block ends."""
    packages = {plugin.__module__.partition(".")[0] for plugin in plugins}
    modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in packages or name in _PACKERS]
    others = {id(real): other for real, other in _others()}
    changed: list[tuple[ModuleType, str, object]] = []
    try:
        for module in modules:
            for name, value in list(vars(module).items()):
                if id(value) in others:
                    changed.append((module, name, value))
                    setattr(module, name, others[id(value)])
        yield
    finally:
        for module, name, value in changed:
            setattr(module, name, value)


def _others() -> Iterator[tuple[object, object]]:
    """Yield what reads the time, with what takes its place."""
    times, dates = ModuleType("time"), ModuleType("datetime")
    times.__dict__.update(vars(time))
    for name, other in _FUNCTIONS.items():
        setattr(times, name, other)
        yield getattr(time, name), other
    dates.__dict__.update(vars(dt))
    dates.datetime, dates.date = _LaterMoment, _LaterDate  # type: ignore[attr-defined]  # a copy of the module
    yield from ((time, times), (dt, dates), (dt.datetime, _LaterMoment), (dt.date, _LaterDate))


def _later(zone: dt.tzinfo | None = dt.UTC) -> dt.datetime:
    return clock.now().astimezone(zone) + dt.timedelta(seconds=_SHIFT)


class _Kind(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, cls.__mro__[1])


class _LaterMoment(dt.datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]  # of the class it stands for
        return _later(tz) if tz is not None else _later(None).replace(tzinfo=None)

    @classmethod
    def utcnow(cls) -> dt.datetime:  # type: ignore[override]  # of the class it stands for
        return _later().replace(tzinfo=None)

    @classmethod
    def today(cls) -> dt.datetime:  # type: ignore[override]  # of the class it stands for
        return cls.now()


class _LaterDate(dt.date, metaclass=_Kind):
    @classmethod
    def today(cls) -> dt.date:  # type: ignore[override]  # of the class it stands for
        return _later(None).date()


def _seconds() -> float:
    return _later().timestamp()


#: The functions of `time` that read the clock when they are told no time.
_FUNCTIONS = {
    "time": _seconds,
    "time_ns": lambda: int(_seconds() * 1e9),
    "gmtime": lambda seconds=None, real=time.gmtime: real(_seconds() if seconds is None else seconds),
    "localtime": lambda seconds=None, real=time.localtime: real(_seconds() if seconds is None else seconds),
    "ctime": lambda seconds=None, real=time.ctime: real(_seconds() if seconds is None else seconds),
    "strftime": lambda form, moment=None, real=time.strftime, local=time.localtime: real(
        form, local(_seconds()) if moment is None else moment
    ),
}
