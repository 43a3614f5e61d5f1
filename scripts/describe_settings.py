"""Write docs/settings.md from the settings themselves, so that the page cannot be wrong.

`tests/house/test_generated_pages.py` compares the two; `scripts/format` runs this.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from entrepot.settings import Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"

HEAD = """\
# Settings

Written by `scripts/describe_settings.py`; `make format` renews it.

Each setting is an environment variable, or a key of the TOML file that `ENTREPOT_CONFIG` names (`entrepot.toml` in the data
folder unless it is set): the name without `ENTREPOT_`, in lower case. The environment wins over the file. Lists are written
as JSON in the environment: `ENTREPOT_TASK_MODULES='["shop.tasks"]'`. So are tables:
`ENTREPOT_CONCURRENCY_LIMITS='{"shop.*": 2}'`. In a pattern `*` stands for anything; of several that
match the first one counts.

| variable | type | default | meaning |
|---|---|---|---|
"""


def pages() -> dict[Path, str]:
    """Return the page as it has to be, by its path."""
    return {PAGE: HEAD + "".join(_line(name, field) for name, field in Settings.model_fields.items())}


def _line(name: str, field: FieldInfo) -> str:
    cells = (f"`ENTREPOT_{name.upper()}`", _type(field.annotation), _default(field), field.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _type(annotation: object) -> str:
    arguments = [part for part in get_args(annotation) if part is not NoneType]
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin is list:
        return f"list of {_type(arguments[0])}s"
    if origin is dict and get_origin(arguments[1]) is dict:
        return "table of tables by type id"
    if origin is dict:
        return f"table of {_type(arguments[1])}s by pattern"
    if origin is Annotated:
        return _type(arguments[0])
    if origin is UnionType:
        return " or ".join(_type(part) for part in arguments)
    words = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path", SecretStr: "secret text"}
    return words[annotation]  # type: ignore[index]  # a KeyError names a type that wants a word


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "`~/.local/share/entrepot`" if field.default_factory else "required"
    if field.default is None or field.default == "":
        return "–"
    text = field.default if isinstance(field.default, str) else json.dumps(field.default)
    return f"`{text}`"


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
