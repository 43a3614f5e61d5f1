"""`Client` and `Engine` offer the same names with the same signatures; each exception says why."""

from __future__ import annotations

import inspect
import re

import pytest

from entrepot import client
from entrepot.engine import Engine
from entrepot.propagation import Edges
from entrepot.repositories import Contents, Repositories, Repository
from entrepot.schedules import Schedules
from entrepot.tasking import TaskGroup, TaskHandle, Tasks
from entrepot.tenants import Tenants

PAIRS = [
    (Engine, client.Client),
    (Tasks, client.Tasks),
    (TaskHandle, client.TaskHandle),
    (TaskGroup, client.TaskGroup),
    (Repositories, client.Repositories),
    (Repository, client.Repository),
    (Contents, client.Contents),
    (Schedules, client.Schedules),
    (Edges, client.Edges),
    (Tenants, client.Tenants),
]
MACHINE = "it is about the machine that the engine runs on"
CALLER = "it joins the caller's transaction, which no request can"
#: What a client lacks, and why.
ABSENT = {
    "Engine": {
        "access": "users, roles and tokens: by REST itself, or on the machine",
        "check": MACHINE,
        "database": MACHINE,
        "doorbell": MACHINE,
        "enqueue_many": "no request keeps many tasks, all or none",
        "events": "the facades tell of them",
        "from_settings": MACHINE,
        "initialise": MACHINE,
        "load_tasks": MACHINE,
        "loops": MACHINE,
        "plugins": "plugins are classes; by REST itself they are told of",
        "registry": MACHINE,
        "rescue": MACHINE,
        "settings": MACHINE,
        "store": MACHINE,
        "transaction": CALLER,
        "visit": MACHINE,
        "worker_lost": MACHINE,
    },
    "Tasks": {
        "cancel_many": "one request cancels a task, with what it spawned, or a group",
        "enqueue_many": "no request keeps many tasks, all or none",
        "iterate": "a list by REST is one document; pages come by `search`",
        "lines_of": "it needs the functions of the task types",
        "list_called": "facades ask it, and they run on the machine",
    },
    "TaskHandle": {"glance": "it is a row of the database"},
    "TaskGroup": {"add": CALLER, "find_unfinished": "it is a row of the database"},
    "Schedules": {"go_round": MACHINE, "return_to_grid": MACHINE},
    "Edges": {"flipped": "repositories call it, within a transaction", "settle": MACHINE},
    "Tenants": {"authenticate": "facades ask it, and they run on the machine"},
    "Repositories": {
        "find_published_files": "what is published is served below /content/",
        "published": "what is published is served below /content/",
    },
}
#: What only a client has, and why.
MORE = {
    "Client": {"status": "what a server tells of itself", "url": "where the server is"},
}


def public_names(cls: type) -> set[str]:
    return {name for name in {*vars(cls), *inspect.get_annotations(cls)} if not name.startswith("_")}


def signature(function: object) -> str:
    """Return the signature, without the names of the packages that its types are in, and the caller's own class."""
    return re.sub(r"\b[a-z_.]+\.(?=[A-Z])", "", str(inspect.signature(function)))


@pytest.mark.parametrize(("of_engine", "of_client"), PAIRS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_a_client_has_all_names_of_the_engine_but_those_that_are_explained(of_engine: type, of_client: type) -> None:
    absent = public_names(of_engine) - public_names(of_client)
    more = public_names(of_client) - public_names(of_engine)

    assert absent == set(ABSENT.get(of_engine.__name__, {}))
    assert more == set(MORE.get(of_client.__name__, {}))


@pytest.mark.parametrize(("of_engine", "of_client"), PAIRS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_what_both_have_is_called_alike(of_engine: type, of_client: type) -> None:
    different = {}
    for name in public_names(of_engine) & public_names(of_client):
        pair = [inspect.getattr_static(cls, name, None) for cls in (of_engine, of_client)]
        if all(map(inspect.isfunction, pair)):
            signatures = [signature(one) for one in pair]
            different |= {name: signatures} if signatures[0] != signatures[1] else {}

    assert different == {}


def test_every_exception_says_why() -> None:
    reasons = [reason for names in (*ABSENT.values(), *MORE.values()) for reason in names.values()]

    assert [reason for reason in reasons if len(reason.split()) < 4] == []
