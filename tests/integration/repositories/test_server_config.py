"""What the server's settings say of a plugin holds for every repository that does not say otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from entrepot.discovery import Plugins
from entrepot.engine import Engine
from entrepot.errors import RefusedConfiguration
from entrepot.plugin import Distributor, DistributorConfig, PublishConduit
from entrepot.settings import Settings
from entrepot_file.importer import IsoImporter
from entrepot_file.unit import Iso

from .conftest import Feed, run


class Stamp(Distributor):
    """Publishes what only the server may say."""

    class Config(DistributorConfig):
        """One key of the server, one of everybody."""

        server_only: ClassVar[frozenset[str]] = frozenset({"stamp"})
        stamp: str = "none"
        ink: str = "black"

    unit_types = (Iso,)

    def publish(self, pub: PublishConduit) -> None:
        pub.write("stamp.txt", f"{pub.config.stamp} in {pub.config.ink}".encode())


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    plugins = {"iso_importer": {"download_policy": "on_demand"}, "stamp": {"stamp": "lion", "ink": "red"}}
    found = Plugins.of(importers={"iso_importer": IsoImporter}, distributors={"stamp": Stamp})
    with Engine(settings=settings.model_copy(update={"plugins": plugins}), plugins=found) as made:
        made.initialise()
        yield made


def test_importers_and_distributors_take_it_and_repositories_may_say_otherwise(engine: Engine, feed: Feed) -> None:
    zoo = engine.repositories.create(
        "zoo",
        importer_type_id="iso_importer",
        importer_config={"feed": feed.url},
        distributors=[
            {"distributor_type_id": "stamp", "distributor_id": "web", "distributor_config": {"relative_url": "zoo"}},
        ],
    )

    run(engine, zoo.sync())
    run(engine, zoo.publish("web", {"ink": "blue"}))

    assert feed.requests == ["PULP_MANIFEST"]
    found = engine.repositories.published("zoo/stamp.txt")
    assert found is not None
    assert found.file.read_bytes() == b"lion in blue"  # type: ignore[union-attr]


def test_a_key_of_the_server_is_refused_wherever_a_client_gives_it(engine: Engine) -> None:
    why = "stamp: may be set by the server's settings only: plugins.stamp.stamp"
    zoo = engine.repositories.create("zoo", distributors=[{"distributor_type_id": "stamp", "distributor_id": "web"}])

    with pytest.raises(RefusedConfiguration, match=why):
        engine.repositories.create(
            "ark", distributors=[{"distributor_type_id": "stamp", "distributor_config": {"stamp": "tiger"}}]
        )
    with pytest.raises(RefusedConfiguration, match=why):
        zoo.add_distributor("stamp", {"stamp": "tiger"})
    report = run(engine, zoo.publish("web", {"stamp": "tiger"}))

    assert report.state == "error"
    assert why in str(report.error)
