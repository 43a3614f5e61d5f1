"""Which facade a request is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from entrepot.errors import InvalidSettings
from entrepot.facades.door import Answer, Door, Heard
from entrepot.settings import read_settings
from entrepot.web.facade_doors import FacadeDoors

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.readers import Readers


class _Stub(Door):
    def answer(self, heard: Heard) -> Answer:
        return Answer(200, b"", "text/plain")

    broken = too_large = answer


class LivingdocsStub(_Stub):
    banner = "livingdocs/1"


class PugpigStub(_Stub):
    banner = "pugpig/1"


FACADES = (("livingdocs", LivingdocsStub, ("/api",)), ("pugpig", PugpigStub, ("/publication", "/pugpig")))


class Speaker:
    """Stands for an engine, of which only the settings are read."""

    def __init__(self, **settings: object) -> None:
        self.settings = read_settings(**settings)


def found(path: str, host: str = "server.test", **settings: object) -> str | None:
    """Return what the facade calls itself that a request is for, None if it is for none."""
    doors = FacadeDoors(cast("Engine", Speaker(**settings)), cast("Readers", None), facades=FACADES)
    scope: Any = {"type": "http", "path": path, "headers": [(b"host", host.encode())]}
    door = doors.find(scope)
    return None if door is None else door.banner


@pytest.mark.parametrize(
    ("path", "banner"),
    [
        ("/api/v1/publicationEvents", "livingdocs/1"),
        ("/api/nonsense/", "livingdocs/1"),
        ("/api", "livingdocs/1"),
        ("/publication/weekly/addon/x/activity", "pugpig/1"),
        ("/pugpig/acme/publication/weekly", "pugpig/1"),
        ("/apis", None),
        ("/", None),
        ("/content/api/", None),
    ],
)
def test_a_facade_gets_all_that_lies_below_its_paths(path: str, banner: str | None) -> None:
    assert found(path) == banner


@pytest.mark.parametrize(
    ("host", "is_served"),
    [
        ("acme.admin.example.org", True),
        ("Acme.ADMIN.example.org:8443", True),
        ("pig.example.org", True),
        ("admin.example.org", False),
        ("a.b.admin.example.org", False),
        ("evil-admin.example.org", False),
        ("other.example.org", False),
        ("", False),
    ],
)
def test_a_facade_with_hosts_is_served_on_those_only(host: str, *, is_served: bool) -> None:
    hosts = ["*.Admin.example.org", "pig.example.org"]

    assert (found("/publication/x", host, pugpig_hosts=hosts) is not None) is is_served
    assert found("/api/v1/", host, pugpig_hosts=hosts) == "livingdocs/1"


def test_a_facade_that_is_switched_off_is_not_served() -> None:
    assert found("/api/v1/", facades=["pugpig"]) is None
    assert found("/pugpig/acme", facades=["pugpig"]) == "pugpig/1"
    assert found("/pugpig/acme", facades=[]) is None


@pytest.mark.parametrize("host", ["https://api.example.org", "api.example.org:80", "*", "a.*.org", "", "a b"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidSettings, match="EDGECAST_HOSTS"):
        read_settings(edgecast_hosts=[host])
