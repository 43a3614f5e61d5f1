"""The guide for plugin authors keeps its word: every block runs, and the plugin in it works."""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from entrepot.plugin import PluginError
from entrepot.testing import PluginContract

GUIDE = Path(__file__).parents[2] / "docs" / "plugins.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def module_of_the_guide() -> ModuleType:
    module = ModuleType("sums_plugin")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "sums_plugin", module)  # pydantic looks for names there
        exec(compile(BLOCKS[0][1], str(GUIDE), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - our own documentation
    return module


def suite_of_the_guide() -> type[PluginContract]:
    """Return the class of tests that the guide shows."""
    with pytest.MonkeyPatch.context() as patch:
        namespace: dict[str, Any] = {"__name__": "test_sums"}
        patch.setitem(sys.modules, "sums_plugin", module_of_the_guide())
        (text,) = [text for _, text in BLOCKS if text.startswith("# test_sums.py")]
        exec(compile(text, str(GUIDE), "exec", dont_inherit=True), namespace)  # noqa: S102 - our own documentation
    suite: type[PluginContract] = namespace["TestSums"]
    return suite


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The plugin of the first block, as the module that it says it is."""
    module = module_of_the_guide()
    monkeypatch.setitem(sys.modules, "sums_plugin", module)
    return module


class TestSums(suite_of_the_guide()):  # type: ignore[misc]  # what the guide shows, and pytest collects
    pass


def test_every_block_of_python_runs(plugin):
    blocks = [text for language, text in BLOCKS if language == "python"]

    for text in blocks[1:]:
        exec(compile(text, str(GUIDE), "exec", dont_inherit=True), {"__name__": "guide"})  # noqa: S102 - our own documentation
    assert len(blocks) == 6


def test_the_entry_points_name_what_the_plugin_defines(plugin):
    (project,) = [tomllib.loads(text) for language, text in BLOCKS if language == "toml"]

    groups = project["project"]["entry-points"]
    assert set(groups) == {"entrepot.importers", "entrepot.distributors", "entrepot.unit_types"}
    for group in groups.values():
        for value in group.values():
            module, _, name = value.partition(":")
            assert module == "sums_plugin"
            assert hasattr(plugin, name)


def test_importer_and_distributor_of_the_guide_have_at_most_forty_lines_each():
    unit, _, distributor = BLOCKS[0][1].partition("class Sum(")[2].partition("class SumsDistributor(")

    assert len(unit.splitlines()) - unit.splitlines().count("") <= 40
    assert len(distributor.splitlines()) <= 40


def test_the_plugin_of_the_guide_mirrors_a_feed(plugin, imported, published):
    index = f"{sha256(b'a')}  a\n{sha256(b'b')} *d/b c\n{sha256(b'c')}  ../c\n".encode()

    units, refused = imported(plugin.SumsImporter, {"SUMS": index}, {"index": "SUMS"})
    first = published(plugin.SumsDistributor, units)
    second = published(plugin.SumsDistributor, units[:1], first)

    assert [unit.name for unit in units] == ["a", "d/b c"]
    assert refused == {"../c": "leaves its folder by a '..' segment"}
    assert set(first.files) == {"a", "d/b c", "SHA256SUMS"}
    assert imported(plugin.SumsImporter, {"SHA256SUMS": first.files["SHA256SUMS"]})[0] == units
    assert set(second.files) == {"a", "SHA256SUMS"}


def test_the_plugin_of_the_guide_names_a_bad_line(plugin, imported):
    with pytest.raises(PluginError, match="SHA256SUMS, line 2: expected"):
        imported(plugin.SumsImporter, {"SHA256SUMS": f"{sha256(b'a')}  a\nhello\n".encode()})
