"""How an importer's feed is fetched from: its configuration, and the engine's settings where it is silent."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import SecretStr

from entrepot.content.fetch import Fetcher, FetchOptions
from entrepot.errors import MissingResource, RefusedConfiguration
from entrepot.models import Importer

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.plugin import ImporterConfig
    from entrepot.repositories.house import House
    from entrepot.settings import Settings


def fetch_options(settings: Settings, config: ImporterConfig) -> FetchOptions:
    """Return how files are fetched: an importer's configuration, and the engine's settings where it is silent.

    Raises `RefusedConfiguration` if there is no feed.
    """
    if not config.feed:
        raise RefusedConfiguration("The importer", {"feed": "is missing: name the address to sync from"})
    return FetchOptions(
        feed=config.feed,
        max_downloads=config.max_downloads,
        max_speed=config.max_speed,
        connect_timeout_seconds=config.connect_timeout or settings.connect_timeout_seconds,
        total_timeout_seconds=settings.total_timeout_seconds,
        low_speed_bytes=settings.low_speed_bytes,
        low_speed_seconds=math.ceil(config.read_timeout or settings.low_speed_seconds),
        retries=settings.fetch_retries if config.num_retries is None else config.num_retries,
        ssl_validation=config.ssl_validation,
        ssl_ca_cert=config.ssl_ca_cert,
        ssl_client_cert=config.ssl_client_cert,
        ssl_client_key=_revealed(config.ssl_client_key),
        proxy_host=config.proxy_host,
        proxy_port=config.proxy_port,
        proxy_username=config.proxy_username,
        proxy_password=_revealed(config.proxy_password),
        basic_auth_username=config.basic_auth_username,
        basic_auth_password=_revealed(config.basic_auth_password),
        allowed_file_roots=tuple(settings.allowed_file_roots),
        blocked_networks=tuple(settings.blocked_networks),
    )


def importer_options(house: House, importer: int) -> FetchOptions:
    """Return how files are fetched from the feed of an importer (its row id), by its configuration as it is now.

    Raises `MissingResource` if it was removed; `UnknownImporterType`, `BrokenPlugin`, `RefusedConfiguration`.
    """
    row = Importer.select().where(Importer.id == importer).bind(house.database.peewee).first()
    if row is None:
        raise MissingResource(importer=str(importer))
    type_id, settings = row.importer_type_id, house.settings
    config = house.plugins.importer(type_id).configure(row.config, server=settings.plugins.get(type_id))
    return fetch_options(settings, config)


@dataclass(slots=True)
class FeedFetchers:
    """A fetcher for each importer's feed that is asked for; a context manager that closes them all."""

    house: House
    checkpoint: Callable[[], None]
    opened: dict[int, Fetcher] = field(default_factory=dict)

    def of(self, importer: int) -> Fetcher:
        """Return the fetcher of an importer's feed (its row id); raises as `importer_options`, and `FetchRefused`."""
        if importer not in self.opened:
            options = importer_options(self.house, importer)
            self.opened[importer] = Fetcher(options, self.house.store, checkpoint=self.checkpoint)
        return self.opened[importer]

    def close(self) -> None:
        """Close them all."""
        while self.opened:
            self.opened.popitem()[1].close()


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
