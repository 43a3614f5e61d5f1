"""Each table has one package that writes it, and its model's docstring names that package."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import peewee
import pytest

from entrepot import models

MODELS = {name: model for name, model in vars(models).items() if isinstance(model, type) and issubclass(model, peewee.Model)}
WRITERS = {
    model._meta.table_name: match[1]
    for model in MODELS.values()
    if (match := re.search(r"Written by: (\w+)\.", model.__doc__ or ""))
}

_VERB = r"(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|REPLACE\s+INTO|MERGE\s+INTO|DELETE\s+FROM|COPY|(?<!FOR )(?<!DO )UPDATE)"
WRITE = re.compile(_VERB + r'\s+"?(\w+)"?')
WRITE_TO_WHAT = re.compile(_VERB + r"\s*$")
PEEWEE_WRITES = {
    "bulk_create",
    "bulk_update",
    "create",
    "delete",
    "delete_by_id",
    "get_or_create",
    "insert",
    "insert_from",
    "insert_many",
    "replace",
    "replace_many",
    "set_by_id",
    "update",
}


def written_tables(module) -> Iterator[tuple[str, str]]:
    """Table and place of each statement in `module` that writes."""
    for text in module.texts():
        for match in WRITE.finditer(text.value):
            yield match[1], module.place(text)
    imported = {
        alias.asname or alias.name: MODELS[alias.name]._meta.table_name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("entrepot.models")
        for alias in node.names
        if alias.name in MODELS
    }
    for call, name in module.calls():
        model, _, method = name.rpartition(".")
        if method in PEEWEE_WRITES and (table := imported.get(model) or imported_through_package(model)):
            yield table, module.place(call)


def imported_through_package(name: str) -> str | None:
    package, _, model = name.rpartition(".")
    return MODELS[model]._meta.table_name if package.endswith("models") and model in MODELS else None


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_names_the_package_that_writes_it(name: str, engine_modules) -> None:
    rooms = {module.room for module in engine_modules}

    assert WRITERS.get(MODELS[name]._meta.table_name) in rooms


def test_only_its_writer_writes_a_table(modules) -> None:
    strangers = [
        f"{place} writes {table}, which belongs to {WRITERS[table]}"
        for module in modules
        for table, place in written_tables(module)
        if table in WRITERS and module.room not in (WRITERS[table], "models")
    ]

    assert strangers == []


def test_every_statement_that_writes_names_its_table_in_plain_words(modules) -> None:
    nameless = [
        module.place(text)
        for module in modules
        for text in module.texts()
        if WRITE_TO_WHAT.search(text.value) and module.room != "models"
    ]

    assert nameless == []
