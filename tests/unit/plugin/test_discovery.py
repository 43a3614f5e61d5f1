"""Which plugins are at hand, and that a broken one stays alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from entrepot.discovery import Found, Plugins
from entrepot.errors import BrokenPlugin, MissingResource, UnknownDistributorType, UnknownImporterType
from entrepot.plugin import Distributor, DistributorConfig, Importer, Unit


class Disc(Unit, type_id="disc", key=("name",)):
    name: str


class DiscImporter(Importer):
    display_name = "Discs"
    unit_types = (Disc,)

    def sync(self, ctx: Any) -> Iterable[Unit]:
        return ()


class DiscDistributor(Distributor):
    unit_types = (Disc,)

    def publish(self, pub: Any) -> None:
        """Publish nothing."""


class OtherDisc(Unit, type_id="disc", key=("title",)):
    title: str


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write a module that can be imported during the test, and return its name."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    number = 0

    def write(source: str) -> str:
        nonlocal number
        number += 1
        name = f"plugin_under_test_{tmp_path.name}_{number}"
        Path(tmp_path, f"{name}.py").write_text(source)
        return name

    return write


def installed(*points: tuple[str, str, str]) -> Found:
    """Return a look-up of entry points given as (kind, name, value)."""
    groups: dict[str, list[EntryPoint]] = {}
    for kind, name, value in points:
        groups.setdefault(f"entrepot.{kind}s", []).append(EntryPoint(name, value, f"entrepot.{kind}s"))
    return lambda group: groups.get(group, [])


def errors(plugins: Plugins) -> dict[str, str | None]:
    return {info.type_id: info.error for info in plugins.listing()}


def test_the_plain_file_plugin_is_installed_with_this_distribution():
    plugins = Plugins.discover()

    found = {(info.kind, info.type_id): info for info in plugins.listing()}
    assert found["importer", "iso_importer"].display_name == "ISO Importer"
    assert found["importer", "iso_importer"].distribution == "entrepot"
    assert found["distributor", "iso_distributor"].error is None
    assert plugins.unit_type("iso").unit_key == ("name", "checksum", "size")


def test_a_class_learns_its_type_id_from_the_name_of_its_entry_point():
    plugins = Plugins.of(importers={"one": DiscImporter, "two": DiscImporter})

    assert [plugins.importer(name).type_id for name in ("one", "two")] == ["one", "two"]
    assert issubclass(plugins.importer("one"), DiscImporter)
    assert plugins.importer("one") is plugins.importer("one")
    assert DiscImporter.type_id == ""


def test_nothing_is_imported_before_it_is_asked_for(module):
    name = module("raise SystemExit('too early')")

    plugins = Plugins.discover(installed(("importer", "bad", f"{name}:Bad")))

    assert name not in sys.modules
    assert errors(plugins) == {"bad": f"{name}:Bad cannot be loaded: SystemExit: too early"}


def test_an_unknown_type_is_refused_with_what_is_installed():
    plugins = Plugins.of(importers={"b": DiscImporter, "a": DiscImporter})

    with pytest.raises(UnknownImporterType, match="there is no importer type 'c'; installed are: a, b"):
        plugins.importer("c")
    with pytest.raises(UnknownDistributorType, match="there is no distributor type 'a'; no distributor is installed"):
        plugins.distributor("a")
    with pytest.raises(MissingResource, match="unit_type=tape"):
        plugins.unit_type("tape")


def test_unit_types_of_importers_and_distributors_need_no_entry_point():
    assert Plugins.of(importers={"i": DiscImporter}).unit_type("disc") is Disc
    assert Plugins.of(distributors={"d": DiscDistributor}).unit_type("disc") is Disc


def test_a_plugin_whose_libraries_are_an_extra_says_which(module):
    name = module("import no_such_module_at_all")
    plugins = Plugins.discover(installed(("importer", "lame", f"{name}:Lame [tape]"), ("importer", "bare", f"{name}:Bare")))

    listed = errors(plugins)

    assert (listed["lame"] or "").endswith("'no_such_module_at_all'. Install what it needs: pip install 'DISTRIBUTION[tape]'")
    assert (listed["bare"] or "").endswith("'no_such_module_at_all'")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def broken(:", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("", "AttributeError: module"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_broken_and_the_others_work(module, source: str, why: str):
    good = module(
        "from entrepot.plugin import *\n"
        "class Tape(Unit, type_id='tape', key=('name',)):\n    name: str\n"
        "class Good(Importer):\n    unit_types = (Tape,)\n    def sync(self, ctx): return ()\n"
    )
    bad = module(source)
    plugins = Plugins.discover(installed(("importer", "bad", f"{bad}:Bad"), ("importer", "good", f"{good}:Good")))

    listed = errors(plugins)

    assert listed["good"] is None
    assert f"{bad}:Bad cannot be loaded: {why}" in (listed["bad"] or "")
    assert plugins.importer("good").display_name == ""
    with pytest.raises(BrokenPlugin, match=r"the importer 'bad' is broken: .* cannot be loaded"):
        plugins.importer("bad")


def test_an_interrupt_during_the_import_is_no_broken_plugin(module):
    name = module("raise KeyboardInterrupt")
    plugins = Plugins.discover(installed(("importer", "i", f"{name}:I")))

    with pytest.raises(KeyboardInterrupt):
        plugins.importer("i")


def unfit(**attributes: Any) -> type:
    return type("Unfit", (DiscImporter,), {"__module__": "m", **attributes})


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ("text", "'text' is no subclass of entrepot.plugin.Importer"),
        (DiscDistributor, "is no subclass of entrepot.plugin.Importer"),
        (unfit(api=2), "m.Unfit was written for version 2 of the plugin interface; this engine has version 1"),
        (unfit(sync=Importer.sync), "m.Unfit does not define sync()"),
        (unfit(sync=lambda _self: ()), "m.Unfit.sync() must take self and one argument, the conduit"),
        (unfit(sync=5), "m.Unfit.sync() must take self and one argument, the conduit"),
        (unfit(unit_types=()), "m.Unfit.unit_types must be a tuple that names its unit types"),
        (unfit(unit_types=[Disc]), "m.Unfit.unit_types must be a tuple that names its unit types"),
        (
            unfit(unit_types=(Unit,)),
            "m.Unfit.unit_types holds entrepot.plugin.unit_type.Unit, which is no subclass of Unit with",
        ),
        (unfit(unit_types=("disc",)), "m.Unfit.unit_types holds 'disc', which is no subclass of Unit with"),
        (unfit(Config=DistributorConfig), "m.Unfit.Config must be a subclass of entrepot.plugin.ImporterConfig"),
        (unfit(Config={}), "m.Unfit.Config must be a subclass of entrepot.plugin.ImporterConfig"),
    ],
)
def test_a_class_that_does_not_keep_the_contract_is_broken(found: Any, why: str):
    plugins = Plugins.of(importers={"unfit": found, "good": DiscImporter})

    assert why in (errors(plugins)["unfit"] or "")
    assert errors(plugins)["good"] is None


def test_a_model_with_an_unknown_annotation_breaks_its_plugin_when_it_is_loaded(module):
    name = module(
        "from __future__ import annotations\nfrom entrepot.plugin import *\n"
        "class Tape(Unit, type_id='tape', key=('name',)):\n    name: str\n"
        "class C(ImporterConfig):\n    token: NoSuchType = None\n"
        "class I(Importer):\n    unit_types = (Tape,)\n    Config = C\n    def sync(self, ctx): return ()\n"
        "class Album(Unit, type_id='album', key=('name',)):\n    name: NoSuchType\n"
    )
    plugins = Plugins.discover(installed(("importer", "tape", f"{name}:I"), ("unit_type", "album", f"{name}:Album")))

    assert "name 'NoSuchType' is not defined" in (errors(plugins)["tape"] or "")
    assert "name 'NoSuchType' is not defined" in (errors(plugins)["album"] or "")


def test_a_unit_type_must_be_named_as_its_entry_point(module):
    name = module("from entrepot.plugin import *\nclass Tape(Unit, type_id='tape', key=('name',)):\n    name: str\n")
    plugins = Plugins.discover(installed(("unit_type", "cassette", f"{name}:Tape"), ("unit_type", "dict", "builtins:dict")))

    assert errors(plugins) == {
        "cassette": f"{name}.Tape has the type id 'tape', but its entry point is named 'cassette'",
        "dict": "builtins.dict is no subclass of entrepot.plugin.Unit",
    }


def test_of_two_plugins_with_one_type_id_the_later_is_broken(module):
    source = (
        "from entrepot.plugin import *\n"
        "class Tape(Unit, type_id='tape', key=('name',)):\n    name: str\n"
        "class I(Importer):\n    unit_types = (Tape,)\n    def sync(self, ctx): return ()\n"
    )
    first, second = module(source), module(source)
    plugins = Plugins.discover(installed(("importer", "tape", f"{first}:I"), ("importer", "tape", f"{second}:I")))

    assert [info.error for info in plugins.listing()] == [
        None,
        f"the type id is taken by {first}:I of an unknown distribution",
    ]
    assert plugins.importer("tape").__module__ == first


def test_a_plugin_with_its_own_idea_of_anothers_unit_type_is_broken():
    rival = type("Rival", (DiscImporter,), {"unit_types": (OtherDisc,)})

    plugins = Plugins.of(importers={"rival": rival, "good": DiscImporter}, unit_types=[Disc])

    assert errors(plugins)["good"] is None
    assert "its unit type 'disc' is not" in (errors(plugins)["rival"] or "")
    assert plugins.unit_type("disc") is Disc


def test_loading_says_nothing_on_the_terminal(module, capfd):
    name = module("raise RuntimeError('hush')")

    Plugins.discover(installed(("importer", "bad", f"{name}:Bad"))).listing()

    assert capfd.readouterr() == ("", "")
