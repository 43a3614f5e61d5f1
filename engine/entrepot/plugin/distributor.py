"""Distributors: plugins that lay out a repository's units as clients of the format expect them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from entrepot.errors import JSON
from entrepot.plugin.conduit import PublishConduit
from entrepot.plugin.config import DistributorConfig, load_config, refusals
from entrepot.plugin.unit_type import Unit


class Distributor:
    """What all distributors share; a subclass names its unit types and writes `publish`.

    The engine makes a new instance, without arguments, for each run.
    """

    type_id: ClassVar[str] = ""  #: given by the name of the entry point
    api: ClassVar[int] = 1  #: the version of this interface that the plugin was written for
    display_name: ClassVar[str] = ""  #: for people; empty: the type id
    unit_types: ClassVar[tuple[type[Unit], ...]] = ()  #: all types that `publish` asks for
    Config: ClassVar[type[DistributorConfig]] = DistributorConfig

    def check(self, config: Any) -> None:  # noqa: ANN401 - an instance of the plugin's own Config
        """Refuse a configuration that no single field shows to be wrong; `config` is an instance of `Config`.

        Raises:
            ValueError: the configuration is refused; the text says why.
            RefusedConfiguration: the same, with the fields named.

        """

    def publish(self, pub: PublishConduit) -> None:
        """Fill the publication `pub`; the same units must give the same bytes, so use no clock and no chance.

        Raises:
            PluginError: the units cannot be published; the last publication stays.

        """
        raise NotImplementedError

    @classmethod
    def configure(cls, *layers: Mapping[str, JSON], server: Mapping[str, object] | None = None) -> DistributorConfig:
        """Return the checked configuration that `layers` make together; a later layer wins.

        `server`: what the server's settings say of the plugin (`plugins.<type id>`), the lowest layer.

        Raises:
            RefusedConfiguration: with every refused field named.

        """
        name = cls.type_id or cls.__name__
        with refusals(name, "distributor"):
            config = load_config(cls.Config, name, *layers, server=server)
            cls().check(config)
        return config
