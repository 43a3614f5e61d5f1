"""Importers: plugins that say what a feed offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from entrepot.errors import JSON
from entrepot.plugin.conduit import SyncConduit
from entrepot.plugin.config import ImporterConfig, load_config, refusals
from entrepot.plugin.unit_type import Unit


class Importer:
    """What all importers share; a subclass names its unit types and writes `sync`.

    The engine makes a new instance, without arguments, for each run.
    """

    type_id: ClassVar[str] = ""  #: given by the name of the entry point
    api: ClassVar[int] = 1  #: the version of this interface that the plugin was written for
    display_name: ClassVar[str] = ""  #: for people; empty: the type id
    unit_types: ClassVar[tuple[type[Unit], ...]] = ()  #: all types that `sync` may yield
    can_defer: ClassVar[bool] = False  #: units are complete without their files, so the engine may fetch these later
    Config: ClassVar[type[ImporterConfig]] = ImporterConfig

    def check(self, config: Any) -> None:  # noqa: ANN401 - an instance of the plugin's own Config
        """Refuse a configuration that no single field shows to be wrong; `config` is an instance of `Config`.

        Raises:
            ValueError: the configuration is refused; the text says why.
            RefusedConfiguration: the same, with the fields named.

        """

    def sync(self, ctx: SyncConduit) -> Iterable[Unit]:
        """Yield every unit that the feed offers, each with its files declared; the engine does all the rest.

        Raises:
            PluginError: the feed as a whole is not what the format asks for.

        """
        raise NotImplementedError

    @classmethod
    def configure(cls, *layers: Mapping[str, JSON]) -> ImporterConfig:
        """Return the checked configuration that `layers` make together; a later layer wins.

        Raises:
            RefusedConfiguration: with every refused field named.

        """
        name = cls.type_id or cls.__name__
        with refusals(name, "importer"):
            config = load_config(cls.Config, name, *layers)
            cls().check(config)
        return config
