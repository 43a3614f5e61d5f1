"""What tasks, histories and importers say after syncs and publishes that ended badly.

Source: the Pulp 2 REST contract, 2.8, 2.10 and its golden flows A2 and A3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from entrepot.discovery import Plugins
from entrepot.engine import Engine
from entrepot.plugin import Distributor, Importer, PluginError, PublishConduit, SyncConduit, Unit
from entrepot.repositories import Repository
from entrepot.settings import Settings

from .conftest import run


class Stone(Unit, type_id="stone", key=("name",)):
    """A unit without files."""

    name: str


class FaultyImporter(Importer):
    """Do whatever a test wants."""

    unit_types = (Stone,)
    act: ClassVar[Callable[[SyncConduit], Any]]

    def sync(self, ctx: SyncConduit) -> Iterator[Stone]:
        FaultyImporter.act(ctx)
        yield Stone(name="one")


class FaultyDistributor(Distributor):
    """Do whatever a test wants."""

    unit_types = (Stone,)
    act: ClassVar[Callable[[PublishConduit], Any]]

    def publish(self, pub: PublishConduit) -> None:
        FaultyDistributor.act(pub)
        pub.write("index", b"stones")


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    plugins = Plugins.of(importers={"faulty": FaultyImporter}, distributors={"faulty": FaultyDistributor})
    with Engine(settings=settings, plugins=plugins) as made:
        made.initialise()
        yield made


@pytest.fixture
def quarry(engine: Engine) -> Repository:
    return engine.repositories.create(
        "quarry",
        importer_type_id="faulty",
        importer_config={"feed": "http://127.0.0.1/"},
        distributors=[{"distributor_type_id": "faulty", "distributor_id": "d1", "auto_publish": True}],
    )


def raise_(error: BaseException) -> Callable[[object], None]:
    def act(_conduit: object) -> None:
        raise error

    return act


def refuse_two(ctx: SyncConduit) -> None:
    ctx.error("first", "is broken")
    ctx.error("second", "is broken too")


@pytest.mark.parametrize(
    ("act", "result", "code", "description", "has_traceback"),
    [
        (raise_(OSError("disk gone")), "error", "PLP0000", "disk gone", True),
        (raise_(PluginError("The index is no XML.")), "error", "PLP2004", "The index is no XML.", False),
        (
            refuse_two,
            "failed",
            "PLP0000",
            "The sync failed, and the repository was left as it was. first: is broken And 1 more.",
            False,
        ),
    ],
    ids=["any exception", "a coded exception", "a failure report"],
)
def test_a_sync_that_ends_badly_is_told_alike_by_task_and_history(  # noqa: PLR0917 - two fixtures, five columns
    engine: Engine,
    quarry: Repository,
    act: Callable[[Any], Any],
    result: str,
    code: str,
    description: str,
    has_traceback: bool,
) -> None:
    FaultyImporter.act = staticmethod(act)

    report = run(engine, quarry.sync())

    assert (report.state, report.result, report.spawned) == ("error", None, ())
    assert report.error is not None
    assert (report.error["code"], report.error["description"]) == (code, description)
    assert (report.traceback is not None) == has_traceback
    [entry] = quarry.history()
    assert (entry.result, entry.error_message) == (result, description)
    assert (entry.added_count, entry.updated_count, entry.removed_count) == (None, None, None)
    assert (entry.summary is None, entry.details is None) == (result == "error", result == "error")
    assert (entry.traceback is not None) == has_traceback
    assert quarry.importer().last_sync == entry.completed


def test_an_unexpected_error_is_kept_with_its_class(engine: Engine, quarry: Repository) -> None:
    FaultyImporter.act = staticmethod(raise_(OSError("disk gone")))

    run(engine, quarry.sync())

    [entry] = quarry.history()
    assert entry.exception == "OSError('disk gone')"
    assert entry.traceback is not None
    assert entry.traceback.rstrip().endswith("OSError: disk gone")


def test_an_unexpected_error_keeps_no_password_that_it_names(engine: Engine, quarry: Repository) -> None:
    FaultyImporter.act = staticmethod(raise_(OSError("cannot reach https://ann:geheim@feed.test/ with token=geheim")))

    report = run(engine, quarry.sync())

    [entry] = quarry.history()
    assert report.error is not None
    assert report.error["description"] == "cannot reach https://*****@feed.test/ with token=*****"
    told = (report.error, report.traceback, entry.error_message, entry.exception, entry.traceback)
    assert all(text and "geheim" not in str(text) for text in told)


def test_the_last_sync_is_when_it_ended_also_after_a_success_and_a_cancel(engine: Engine, quarry: Repository) -> None:
    FaultyImporter.act = staticmethod(lambda _: None)
    run(engine, quarry.sync())
    [first] = quarry.history()
    assert (first.result, quarry.importer().last_sync) == ("success", first.completed)
    canceled = quarry.sync({"force_full": True})

    def cancel(ctx: SyncConduit) -> None:
        canceled.cancel()
        ctx.checkpoint()

    FaultyImporter.act = staticmethod(cancel)
    run(engine, canceled)

    second = quarry.history()[0]
    assert (canceled.state, second.result, second.entry_id > first.entry_id) == ("canceled", "canceled", True)
    assert quarry.importer().last_sync == second.completed
    assert canceled.report().spawned == ()


@pytest.mark.parametrize("error", [PluginError("No stone is round.")], ids=["a failure report"])
def test_a_failing_publish_names_its_distributor_and_is_an_error_in_its_history(
    engine: Engine, quarry: Repository, error: Exception
) -> None:
    FaultyDistributor.act = staticmethod(raise_(error))

    report = run(engine, quarry.publish("d1"))

    assert report.state == "error"
    assert report.error == {
        "code": "PLP0034",
        "description": "No stone is round.",
        "data": {"distributor_id": "d1", "repo_id": "quarry", "summary": "No stone is round."},
        "sub_errors": [],
    }
    [entry] = quarry.history("publish", distributor_id="d1")
    assert (entry.result, entry.error_message, entry.summary, entry.details) == ("error", "No stone is round.", None, None)
    assert quarry.distributor("d1").last_publish is None


def test_what_the_engine_refuses_of_a_publication_is_told_in_the_same_way(engine: Engine, quarry: Repository) -> None:
    FaultyDistributor.act = staticmethod(lambda pub: pub.write("../up", b""))

    report = run(engine, quarry.publish("d1"))

    assert report.error is not None
    assert report.error["code"] == "PLP0034"
    assert report.error["data"]["path"] == "../up"  # type: ignore[call-overload, index]
    assert report.error["data"]["distributor_id"] == "d1"  # type: ignore[call-overload, index]


def test_a_distributor_that_raises_anything_ends_its_task_with_that_text(engine: Engine, quarry: Repository) -> None:
    FaultyDistributor.act = staticmethod(raise_(ZeroDivisionError("division by zero")))

    report = run(engine, quarry.publish("d1"))

    assert report.error == {"code": "PLP0000", "description": "division by zero", "data": {}, "sub_errors": []}
    [entry] = quarry.history("publish")
    assert (entry.result, entry.exception) == ("error", "ZeroDivisionError('division by zero')")


def test_a_success_is_returned_as_its_history_entry(engine: Engine, quarry: Repository) -> None:
    FaultyImporter.act = staticmethod(lambda _: None)
    FaultyDistributor.act = staticmethod(lambda _: None)

    report = run(engine, quarry.sync())

    [entry], [published] = quarry.history(), quarry.history("publish")
    assert isinstance(report.result, dict)
    assert report.result["id"] == f"{entry.entry_id:024x}"
    assert set(report.result) == {
        "_ns", "id", "repo_id", "importer_id", "importer_type_id", "started", "completed", "result", "added_count",
        "updated_count", "removed_count", "summary", "details", "error_message", "exception", "traceback",
    }  # fmt: skip
    assert (published.plugin_id, published.plugin_type_id, published.result) == ("d1", "faulty", "success")
    assert quarry.distributor("d1").last_publish is not None
