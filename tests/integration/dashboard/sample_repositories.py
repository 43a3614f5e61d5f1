"""Repositories to be looked at: one that mirrors a feed and publishes, on an engine of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from entrepot.engine import Engine
from entrepot.repositories import Repository
from entrepot.testing import drain
from tests.integration.repositories.conftest import Feed

SECRET = "a password that no page shows"


@contextmanager
def open_feed() -> Iterator[Feed]:
    """Give a feed of three files."""
    feed = Feed()
    feed.put(a__iso="a", b__iso="bb", c__iso="ccc")
    try:
        yield feed
    finally:
        feed.close()


def make_zoo(engine: Engine, feed: Feed, repository_id: str = "zoo") -> Repository:
    """Make a repository that mirrors the feed, with a secret in its importer's configuration, and publishes after each sync."""
    config = {"feed": feed.url, "remove_missing": True, "basic_auth_username": "ann", "basic_auth_password": SECRET}
    distributor = {"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}
    return engine.repositories.create(
        repository_id, importer_type_id="iso_importer", importer_config=config, distributors=[distributor]
    )


def synced(engine: Engine, repository: Repository, feed: Feed, **files: str) -> None:
    """Offer more files and sync."""
    feed.put(**files)
    repository.sync()
    drain(engine)
