"""A table of documents on each database, and what a filter selects of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from entrepot.criteria import Criteria, Document, Field, select
from entrepot.models import Database

THINGS = Document(
    "things",
    {
        "_id": Field("oid", "thing.id"),
        "name": Field("text", "thing.name"),
        "size": Field("number", "thing.size"),
        "at": Field("moment", "thing.at_us"),
        "is_new": Field("boolean", "thing.is_new"),
        "data": Field("json", "thing.data"),
    },
    rest=Field("json", "thing.data"),
)


class Shelf:
    """Things to be searched for."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def put(self, *documents: Any) -> None:
        """Keep things that have `data` only; the first has the row id 1."""
        self.database.execute("DELETE FROM thing")
        rows = [(number, json.dumps(document)) for number, document in enumerate(documents, start=1)]
        self.database.executemany("INSERT INTO thing (id, data) VALUES (?, ?)", rows)

    def found(self, filters: Any = None, **keys: Any) -> list[int]:
        """Return the row ids of the things that a search finds, in its order."""
        criteria = Criteria.parse({"filters": filters, **keys})
        return [id_ for (id_,) in select(self.database, "SELECT thing.id FROM thing", THINGS, criteria, tie="thing.id")]


@pytest.fixture
def shelf(database: Database) -> Shelf:
    database.execute(
        "CREATE TABLE thing (id BIGINT PRIMARY KEY, name TEXT, size BIGINT, at_us BIGINT, is_new BOOLEAN, data TEXT)"
    )
    return Shelf(database)
