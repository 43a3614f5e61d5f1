"""Traces by OpenTelemetry, if the setting `tracing` asks for them: requests, what they enqueue, and the runs of tasks.

The trace of a task's run has the task's id, without its dashes, so that one leads to the other; a request's span says in
`entrepot.task_id` which task it enqueued. Where the spans go, the standard variables `OTEL_…` say. While it is off nothing is
imported, and a span costs one look at a variable.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

from entrepot.errors import InvalidSettings
from entrepot.version import __version__

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span, Tracer

    from entrepot.settings import Settings

Attributes: TypeAlias = "Mapping[str, str | int | float | bool]"

_INSTALL = "Install what it needs: pip install 'entrepot[otel]'"


class _Tracing:
    """Whether this process traces: one for the process, as its log is."""

    tracer: Tracer | None = None


#: The trace that a span without a parent begins, where it is to be a certain one.
_trace_id: ContextVar[int | None] = ContextVar("entrepot_trace_id", default=None)
_NOTHING: AbstractContextManager[None] = nullcontext()


def start_tracing(settings: Settings) -> None:
    """Trace from now on, if the settings ask for it; raises `InvalidSettings` if what it needs is not installed."""
    if not settings.tracing:
        return
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "otlp")
    try:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

        chosen: SpanExporter
        if exporter == "otlp":
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            chosen = OTLPSpanExporter()
        elif exporter == "console":
            chosen = ConsoleSpanExporter()
        else:
            raise InvalidSettings({"tracing": f"OTEL_TRACES_EXPORTER is {exporter!r}; write otlp or console"})
    except ImportError as error:
        raise InvalidSettings({"tracing": f"OpenTelemetry is not installed ({error}). {_INSTALL}"}) from error
    _Tracing.tracer = _tracer(BatchSpanProcessor(chosen))


@contextmanager
def traced_to(processor: SpanProcessor) -> Iterator[None]:
    """Trace to `processor` within the block, for tests."""
    before, _Tracing.tracer = _Tracing.tracer, _tracer(processor)
    try:
        yield
    finally:
        _Tracing.tracer = before


def span(name: str, attributes: Attributes, *, kind: str = "internal") -> AbstractContextManager[Span | None]:
    """Give the span of a block, a child of the one around it, or None if nothing is traced; an error ends it as such.

    `kind` is one of OpenTelemetry's: internal, server, producer, consumer.
    """
    tracer = _Tracing.tracer
    return _NOTHING if tracer is None else _begun(tracer, name, attributes, kind)


def task_span(task_id: str, name: str, attributes: Callable[[], Attributes]) -> AbstractContextManager[Span | None]:
    """Give the span of a task's run, which begins the trace that has the task's id; None if nothing is traced.

    `attributes` is called only if it is.
    """
    tracer = _Tracing.tracer
    return _NOTHING if tracer is None else _task_begun(tracer, task_id, name, attributes())


def is_on() -> bool:
    """Say whether this process traces, where more than the name of a span has to be found out."""
    return _Tracing.tracer is not None


def note_task(task_id: str) -> None:
    """Note on the span around this place, if there is one, that a task was enqueued."""
    if _Tracing.tracer is not None:
        from opentelemetry.trace import get_current_span

        get_current_span().set_attribute("entrepot.task_id", task_id)


def end_in_error(current: Span | None, text: str) -> None:
    """Note on a span that what it stands for has failed, and how."""
    if current is not None:
        from opentelemetry.trace import StatusCode

        current.set_status(StatusCode.ERROR, text)


@contextmanager
def _task_begun(tracer: Tracer, task_id: str, name: str, attributes: Attributes) -> Iterator[Span]:
    from opentelemetry.context import Context, attach, detach

    outside = attach(Context())  # whatever this thread was about: a task begins a trace of its own
    begun = _trace_id.set(uuid.UUID(task_id).int)
    try:
        with _begun(tracer, name, attributes, "consumer") as current:
            _trace_id.set(None)
            yield current
    finally:
        _trace_id.reset(begun)
        detach(outside)


@contextmanager
def _begun(tracer: Tracer, name: str, attributes: Attributes, kind: str) -> Iterator[Span]:
    from opentelemetry.trace import SpanKind

    with tracer.start_as_current_span(name, kind=SpanKind[kind.upper()], attributes=attributes) as current:
        yield current


def _tracer(processor: SpanProcessor) -> Tracer:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class TraceIds(RandomIdGenerator):
        """Makes the id of a trace, unless it is given."""

        def generate_trace_id(self) -> int:
            return _trace_id.get() or super().generate_trace_id()

    resource = Resource.create(
        {"service.name": os.environ.get("OTEL_SERVICE_NAME", "entrepot"), "service.version": __version__}
    )
    provider = TracerProvider(resource=resource, id_generator=TraceIds())
    provider.add_span_processor(processor)
    return provider.get_tracer("entrepot", __version__)
