"""The log: one line a record on standard error, as text for people or as JSON; with the ids of what it is about, no secrets.

Modules log by `logging`, as libraries do. `within(request_id=…)` says what the lines of a block are about; the ids go with the
context, so that a thread that works for a request has them if it runs in a copy of the request's context.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from entrepot import clock

if TYPE_CHECKING:
    from entrepot.settings import Settings

MASK = "*****"
#: Whatever stands between `//` and the last `@` before the next blank or quote may be a name and a password.
_LOGIN = re.compile(r"(//)[^\s\"'<>]*@")
#: A value under a name that says what it is: `password=x`, `api_key: x`, `X-Amz-Signature=x`, `Authorization: Bearer x`.
_NAMED = re.compile(
    r"((?:pass(?:word|wd|phrase)?|secret(?:[_-]?(?:access)?[_-]?key)?|token|api[_-]?key|access[_-]?key(?:[_-]?id)?|signature|"
    r"credential|authorization)[\"']?\s*[=:]\s*[\"']?(?:(?:bearer|basic|tok)[\s:]+)?)([^\s&\"',;]+)",
    re.IGNORECASE,
)
_ids: ContextVar[Mapping[str, str]] = ContextVar("entrepot_log_ids", default={})  # noqa: B039 - never changed, only replaced

_Event = MutableMapping[str, Any]


def masked(text: str) -> str:
    """Return `text` with a mask in place of whatever may be a password, a key or a token. Pure."""
    return _NAMED.sub(rf"\g<1>{MASK}", _LOGIN.sub(rf"\g<1>{MASK}@", text))


def within(**ids: str) -> AbstractContextManager[None]:
    """Let all lines that are logged within the block, in this context, carry these ids beside those around it."""
    return _Within(ids)


def find_id(name: str) -> str | None:
    """Return the id of that name which lines carry here, or None."""
    return _ids.get().get(name)


def start_logging(settings: Settings) -> None:
    """Send the engine's own records from `log_level` on, and warnings of others, to standard error."""
    import structlog

    renderer: Any = _as_text
    if settings.log_format == "json":
        renderer = _as_json
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_take, structlog.processors.format_exc_info],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _mask, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(_note_ids)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    level = settings.log_level.upper()
    root.setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.getLogger("entrepot").setLevel(level)


class _Within(AbstractContextManager[None]):
    """Sets the ids and puts them back: each request and each run goes through it, and a generator takes three times as long."""

    __slots__ = ("_before", "_ids")

    def __init__(self, ids: dict[str, str]) -> None:
        self._ids = ids

    def __enter__(self) -> None:
        around = _ids.get()
        self._before = _ids.set({**around, **self._ids} if around else self._ids)

    def __exit__(self, *_: object) -> None:
        _ids.reset(self._before)


def _note_ids(record: logging.LogRecord) -> bool:
    record.entrepot_ids = _ids.get()
    return True


def _take(_logger: object, _name: str, event: _Event) -> _Event:
    """Take from the record what is shown of it, in the order in which it is shown."""
    record: logging.LogRecord = event["_record"]
    moment = clock.EPOCH + timedelta(seconds=record.created)
    taken = {
        "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        **event,
        **getattr(record, "entrepot_ids", {}),
    }
    return taken | ({"exc_info": record.exc_info} if record.exc_info else {})


def _mask(_logger: object, _name: str, event: _Event) -> _Event:
    return {name: masked(value) if isinstance(value, str) else value for name, value in event.items()}


def _as_json(_logger: object, _name: str, event: _Event) -> str:
    """Return an object in one line; what JSON would let stand and a terminal may obey, or no file can hold, is escaped."""
    text = json.dumps(event, ensure_ascii=False, default=repr)
    return text if text.isprintable() else "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def _as_text(_logger: object, _name: str, event: _Event) -> str:
    """Return a line such as `2026-01-31 12:00:00.123Z INFO    entrepot.rest: what happened [request_id=…]`."""
    named = dict(event)
    moment, level, logger, text, trace = (
        named.pop(name, "") for name in ("timestamp", "level", "logger", "event", "exception")
    )
    ids = " ".join(f"{name}={value}" for name, value in named.items())
    line = f"{moment.replace('T', ' ')} {level.upper():7} {logger}: {text}" + (f" [{ids}]" if ids else "")
    return _visible(line) + ("\n" + _visible(trace, but="\n") if trace else "")


def _visible(text: str, *, but: str = "") -> str:
    """Return `text` with what would begin a line, or tell a terminal something, written as Python writes it.

    Much of what is logged came from elsewhere: a path, an error of a feed. `but` are characters that stay.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in but else repr(char)[1:-1] for char in text)
