"""Tests of what a plugin says of itself: its unit types, its configuration, what it refuses."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pydantic import BaseModel

from entrepot.discovery import Plugins
from entrepot.errors import JSON, RefusedConfiguration
from entrepot.plugin import Distributor, Importer, masked
from entrepot.plugin.config import secret_keys
from entrepot.testing.hooks import Hooks
from entrepot.testing.workshop import DISTRIBUTOR, IMPORTER

#: How a type id looks, as Pulp's do; it is a part of addresses.
_TYPE_ID = re.compile(r"[a-z0-9_.-]+")
#: A field whose name has one of these words holds a secret.
_SECRET = re.compile(r"(^|_)(password|passphrase|secret|token|private_key)(_|$)")


class DeclarationTests(Hooks):
    """What a plugin declares."""

    def test_the_plugins_load_and_declare_their_unit_types(self) -> None:
        """A plugin that does not load is listed with the reason, and can do nothing."""
        importers = {IMPORTER: self.importer}
        distributors = {DISTRIBUTOR: self.distributor} if self.distributor is not None else {}

        listed = Plugins.of(importers=importers, distributors=distributors).listing()

        assert {plugin.type_id: plugin.error for plugin in listed if plugin.error} == {}
        assert all(plugin.unit_types for plugin in listed)
        for unit_type in self.importer.unit_types:
            assert _TYPE_ID.fullmatch(unit_type.type_id), f"{unit_type.type_id!r}: small letters, digits, '_', '.' and '-'"
            assert unit_type.unit_key, f"{unit_type.__name__} has no key"

    def test_configurations_and_unit_types_have_schemas(self) -> None:
        """Clients are shown what can be configured, and what fields a unit has."""
        models: list[type[BaseModel]] = [self.importer.Config, *self.importer.unit_types]
        models += [self.distributor.Config] if self.distributor is not None else []

        for model in models:
            assert json.dumps(model.model_json_schema()), model

    def test_a_wrong_value_is_refused_with_the_name_of_its_field(self) -> None:
        """Each wrong field is named, so that people and programs can put it right; the others are taken."""
        with pytest.raises(RefusedConfiguration) as refused:
            self._configure_importer({"max_downloads": "many", "download_policy": "never", "feed": "gopher://zoo"})
        assert {"max_downloads", "download_policy", "feed"} <= set(_problems(refused.value))

        if self.distributor is not None:
            with pytest.raises(RefusedConfiguration) as refused:
                self._configure_distributor({"serve_http": "perhaps", "no_such_key": 1})
            assert {"serve_http", "no_such_key"} <= set(_problems(refused.value))

    def test_numbers_and_truth_values_may_come_as_text(self) -> None:
        """Pulp's clients send "5" and "true"; whoever reads the configuration gets 5 and True."""
        config = self._configure_importer({"max_downloads": "7", "validate": "true", "remove_missing": "false"})

        assert (config.max_downloads, config.validate_files, config.remove_missing) == (7, True, False)
        for plugin in (self.importer, self.distributor):
            for name, default in _plain_defaults(plugin).items():
                configured = self._configure(plugin, {name: str(default)})
                given = [value for key, value in configured if key == _field_of(plugin, name)]
                assert given == [default], f"{name} = {str(default)!r} as text becomes {given}, not {default!r}"

    def test_secrets_are_never_shown(self) -> None:
        """A field that is called a password, a token or a secret has to be a SecretStr, or hold one."""
        for plugin in (self.importer, self.distributor):
            if plugin is None:
                continue
            secrets = secret_keys(plugin.Config)
            open_ = [name for name in plugin.Config.model_fields if _SECRET.search(name) and name not in secrets]
            assert open_ == [], f"{plugin.__name__}.Config shows {open_}: make each of them a pydantic.SecretStr"
            shown = masked(plugin.Config, dict.fromkeys(secrets, "hush"))
            assert "hush" not in shown.values()

    def test_other_policies_are_refused_unless_units_are_complete_without_their_files(self) -> None:
        """An importer says `can_defer = True`, or every policy but `immediate` is refused."""
        if self.importer.can_defer:
            assert self._configure_importer({"download_policy": "on_demand"}).download_policy == "on_demand"
            return

        with pytest.raises(RefusedConfiguration) as refused:
            self._configure_importer({"download_policy": "on_demand"})

        assert "download_policy" in _problems(refused.value)

    def _configure_importer(self, layer: dict[str, JSON]) -> Any:  # noqa: ANN401 - the plugin's own Config
        return self.importer.configure({"feed": "http://feed.test/", **self.config}, layer)

    def _configure_distributor(self, layer: dict[str, JSON]) -> Any:  # noqa: ANN401 - the plugin's own Config
        return self.need_distributor().configure(dict(self.distributor_config), layer)

    def _configure(self, plugin: type[Importer | Distributor] | None, layer: dict[str, JSON]) -> Any:  # noqa: ANN401 - its Config
        is_importer = plugin is not None and issubclass(plugin, Importer)
        return self._configure_importer(layer) if is_importer else self._configure_distributor(layer)


def _problems(refusal: RefusedConfiguration) -> dict[str, str]:
    problems: Any = refusal.data["problems"]
    return dict(problems)


def _plain_defaults(plugin: type[Importer | Distributor] | None) -> dict[str, bool | int]:
    """Return the whole numbers and truth values that are a plugin's own defaults, by the key that clients send."""
    if plugin is None:
        return {}
    parent = (Importer if issubclass(plugin, Importer) else Distributor).Config
    own = {name: field for name, field in plugin.Config.model_fields.items() if name not in parent.model_fields}
    return {
        field.alias or name: field.default
        for name, field in own.items()
        if isinstance(field.default, bool | int) and name not in plugin.Config.server_only
    }


def _field_of(plugin: type[Importer | Distributor] | None, key: str) -> str:
    """Return the attribute behind a key."""
    fields = plugin.Config.model_fields if plugin is not None else {}
    return next(name for name, field in fields.items() if key in (name, field.alias))
