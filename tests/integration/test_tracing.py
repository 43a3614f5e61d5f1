"""Requests, what they enqueue and the runs of tasks are traced, if anybody asks for it."""

from __future__ import annotations

import asyncio
import builtins
import uuid
from collections.abc import Iterator

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

import entrepot
from entrepot import tracing
from entrepot.engine import Engine
from entrepot.errors import InvalidSettings
from entrepot.settings import Settings, read_settings
from entrepot.testing import drain
from entrepot.web import web_app


@entrepot.task
def bake(count: int) -> int:
    """Bake, or burn."""
    return 12 // count


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    with Engine(settings=settings.model_copy(update={"admin_password": SecretStr("correct horse")})) as engine:
        engine.initialise()
        yield engine


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    with tracing.traced_to(SimpleSpanProcessor(exporter)):
        yield exporter


def named(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    return next(span for span in exporter.get_finished_spans() if span.name.startswith(name))


def test_the_trace_of_a_run_has_the_id_of_its_task(engine: Engine, spans: InMemorySpanExporter) -> None:
    task = engine.enqueue(bake, 3)
    drain(engine)

    run = named(spans, "run ")
    assert run.context is not None
    assert (run.context.trace_id, run.parent) == (uuid.UUID(task.task_id).int, None)
    assert run.attributes is not None
    assert run.attributes["entrepot.task_type"].endswith("bake")  # type: ignore[union-attr]  # it is a text
    assert (run.attributes["entrepot.attempt"], run.attributes["entrepot.state"]) == (1, "finished")
    assert run.attributes["entrepot.queue"] == "default"
    assert named(spans, "enqueue ").attributes["entrepot.task_id"] == task.task_id  # type: ignore[index]  # it has some


def test_a_run_that_fails_says_why_and_a_sync_which_repository(engine: Engine, spans: InMemorySpanExporter) -> None:
    engine.repositories.create("zoo", importer_type_id="iso_importer", importer_config={"feed": "file:///not/allowed/"})
    engine.enqueue(bake, 0)
    engine.repositories.get("zoo").sync()
    drain(engine)

    failed, sync = (span for span in spans.get_finished_spans() if span.name.startswith("run "))
    assert (failed.status.status_code.name, failed.status.description) == ("ERROR", "integer division or modulo by zero")
    assert sync.attributes is not None
    assert (sync.attributes["entrepot.repository"], sync.attributes["entrepot.state"]) == ("zoo", "error")


def test_a_request_leads_to_the_task_that_it_enqueued(engine: Engine, spans: InMemorySpanExporter) -> None:
    engine.access.ensure_administrator()
    engine.repositories.create("zoo", importer_type_id="iso_importer", importer_config={"feed": "http://feed.test/"})

    async def sync() -> httpx.Response:
        transport = httpx.ASGITransport(web_app(engine))
        async with httpx.AsyncClient(transport=transport, base_url="http://server.test") as client:
            path = "/pulp/api/v2/repositories/zoo/actions/sync/"
            return await client.post(path, auth=("admin", "correct horse"), json={})

    answer = asyncio.run(sync())

    request, enqueue = named(spans, "POST rest"), named(spans, "enqueue ")
    assert request.context is not None
    assert enqueue.parent is not None
    assert enqueue.parent.span_id == request.context.span_id
    assert request.attributes is not None
    assert request.attributes["entrepot.task_id"] == answer.json()["spawned_tasks"][0]["task_id"]
    assert request.attributes["http.route"] == "/v2/repositories/{repository_id}/actions/sync/"
    assert (request.attributes["http.response.status_code"], request.attributes["entrepot.door"]) == (202, "rest")
    assert request.attributes["entrepot.request_id"] == answer.headers["x-request-id"]
    assert "admin" not in str(request.attributes)


def test_nothing_is_traced_unless_it_is_asked_for(engine: Engine) -> None:
    tracing.start_tracing(engine.settings)

    with tracing.span("x", {}) as span:
        assert span is None
    assert not tracing.is_on()


def test_tracing_without_its_libraries_says_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name.startswith("opentelemetry"):
            raise ModuleNotFoundError("No module named 'opentelemetry'", name="opentelemetry")
        return real(name, *rest)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InvalidSettings, match=r"pip install 'entrepot\[otel\]'"):
        tracing.start_tracing(read_settings(tracing=True))
