"""Importers: plugins that say what a feed offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from entrepot.errors import JSON, RefusedConfiguration
from entrepot.plugin.conduit import CopyConduit, ImportConduit, SyncConduit
from entrepot.plugin.config import ImporterConfig, load_config, refusals
from entrepot.plugin.unit_files import FetchedFile
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

    def copies_as_they_are(self, config: Any) -> tuple[type[Unit], ...]:  # noqa: ANN401, ARG002 - an instance of the plugin's Config
        """Return the unit types that are copied without being shown to `copy`; by default all of them."""
        return self.unit_types

    def copy(self, ctx: CopyConduit, units: Iterable[Unit]) -> Iterable[Unit]:  # noqa: ARG002 - for those who ask
        """Yield what comes into the repository of `ctx` when `units` of another one are copied.

        Units that were read from the source, as they are, with others of it that they need; or in their place new ones, see
        `CopyConduit.renewed`; one without files and document may be made from nothing. Only units of types that
        `copies_as_they_are` leaves out are given.

        Raises:
            PluginError: they cannot be copied; nothing is.

        """
        return units

    def upload(
        self,
        ctx: ImportConduit,  # noqa: ARG002 - for those who ask
        unit_type: type[Unit],
        upload: FetchedFile,
        key: Mapping[str, JSON],
        metadata: Mapping[str, JSON],
    ) -> Iterable[Unit]:
        """Yield the units that an upload makes; `key` and `metadata` are what the client says of it.

        By default one unit with those fields, and the upload as its file under its name.

        Raises:
            PluginError: the upload is not what it should be, or what is said of it is not true.

        """
        unit = unit_type.from_fields({**metadata, **key})
        yield unit.hold(upload, path=unit.name_value) if upload.size else unit

    @classmethod
    def configure(cls, *layers: Mapping[str, JSON], server: Mapping[str, object] | None = None) -> ImporterConfig:
        """Return the checked configuration that `layers` make together; a later layer wins.

        `server`: what the server's settings say of the plugin (`plugins.<type id>`), the lowest layer.

        Raises:
            RefusedConfiguration: with every refused field named.

        """
        name = cls.type_id or cls.__name__
        with refusals(name, "importer"):
            config = load_config(cls.Config, name, *layers, server=server)
            if config.download_policy != "immediate" and not cls.can_defer:
                policy = config.download_policy
                why = f"{policy!r} is not offered: its units need their files, so use 'immediate' or leave it out"
                raise RefusedConfiguration(name, {"download_policy": why})
            cls().check(config)
        return config
