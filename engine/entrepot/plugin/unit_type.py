"""Content units: what an importer yields, what a distributor publishes, and how a unit is told from another.

A unit type is a frozen pydantic model. Its key decides which units are the same: they are stored once, however many
repositories hold them. The files of a unit are declared, not downloaded: the engine decides when to fetch them.

Construction and identity are on the path of every unit of every sync, so they are kept at a few microseconds: the
files stand in a slot outside the model, and the serialiser and validator of pydantic are called directly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from operator import attrgetter
from typing import Any, ClassVar, Self

import pydantic
from pydantic_core import to_json

from entrepot.errors import JSON, PluginError
from entrepot.plugin.unit_files import DIGESTS, FetchedFile, HeldFile, RemoteFile, is_hex, last_segment, path_problem


class Unit(pydantic.BaseModel):
    """What all content units share; a subclass declares the fields: `class Iso(Unit, type_id="iso", key=("name",))`.

    `type_id` names the type in the database and in the REST API. `key` names the fields that make a unit the same as
    another; they must be text, whole numbers or truth values. Two units are equal when all their fields are. Of the units
    with the same `repository_key` (such as a file's name) a repository holds only one: one that comes replaces the other.

    A stored unit never changes. Of a type whose other fields may change while the key stays (an erratum that is amended),
    say `revised=True`: then each revision is a unit of its own, and a repository holds one of them, the key being its
    repository key. `name` is the field that people look a unit up by: `name` if there is one, else the first of the key.
    `lineage` names the fields that versions of one thing share; then `version_order` must say which one is newer.
    """

    model_config = pydantic.ConfigDict(frozen=True)
    # No private attributes: pydantic would spend 3 µs on each of every unit.
    __slots__ = ("_document", "_held_files", "_remote_files", "_row", "_stored_files")

    type_id: ClassVar[str] = ""
    unit_key: ClassVar[tuple[str, ...]] = ()
    repository_key: ClassVar[tuple[str, ...]] = ()
    is_revised: ClassVar[bool] = False
    name_field: ClassVar[str] = ""
    lineage: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(
        cls,
        *,
        type_id: str = "",
        key: tuple[str, ...] = (),
        repository_key: tuple[str, ...] = (),
        revised: bool = False,
        name: str = "",
        lineage: tuple[str, ...] = (),
        **settings: object,
    ) -> None:
        """Take the arguments of the class statement; what they must be is checked when the fields are known."""
        super().__init_subclass__(**settings)  # type: ignore[arg-type]  # pydantic's own settings, checked by it

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        type_id: str = "",
        key: tuple[str, ...] = (),
        repository_key: tuple[str, ...] = (),
        revised: bool = False,
        name: str = "",
        lineage: tuple[str, ...] = (),
        **settings: object,
    ) -> None:
        """Keep what the class statement says.

        Raises:
            TypeError: `type_id` and `key` were not given together, or a name is not that of a field.

        """
        super().__pydantic_init_subclass__(**settings)
        if not type_id and not key and not repository_key:
            return
        if not type_id or not key or any(isinstance(names, str) for names in (key, repository_key, lineage)):
            raise TypeError(
                f'{cls.__name__}: a unit type needs both, as in class {cls.__name__}(Unit, type_id="iso", key=("name",))'
            )
        chosen = name or ("name" if "name" in cls.__pydantic_fields__ else key[0])
        unknown = [field for field in (*key, *repository_key, *lineage, chosen) if field not in cls.__pydantic_fields__]
        if unknown:
            raise TypeError(f"{cls.__name__}: the key names {', '.join(unknown)}, but there is no such field")
        if revised and repository_key:
            raise TypeError(f"{cls.__name__}: the repository key of a revised unit type is its key; leave it out")
        if lineage and cls.version_order is Unit.version_order:
            raise TypeError(f"{cls.__name__}: a unit type with a lineage must say by version_order() which unit is newer")
        cls.type_id = type_id
        cls.unit_key = tuple(key)
        cls.repository_key = tuple(key) if revised else tuple(repository_key)
        cls.is_revised = revised
        cls.name_field = chosen
        cls.lineage = tuple(lineage)

    def file(self, url: str, *, path: str | None = None, size: int | None = None, **digests: str) -> Self:
        """Declare a file of this unit and return the unit: `yield Iso(...).file("a.iso", size=5, sha256="…")`.

        `url` is an absolute address, or a path below the feed, not percent-encoded. `path` names the file within the
        unit; by default it is the last segment of the URL. `size` is in bytes. Digests are given by algorithm, as hex.
        What is promised here is verified when the file is fetched, at once or later.

        Raises:
            ValueError: the path is not plain or already declared, the size is negative, or a digest is unknown or no hex.

        """
        name = last_segment(url) if path is None else path
        problem = path_problem(name)
        if problem:
            raise ValueError(f"the file {name!r} {problem}")
        if size is not None and size < 0:
            raise ValueError(f"the size of {name!r} is negative: {size}")
        for algorithm, value in digests.items():
            if len(value) != DIGESTS.get(algorithm) or not is_hex(value):
                raise ValueError(f"{name!r}: {algorithm}={value!r} is not a digest; known are {', '.join(DIGESTS)}, as hex")
            digests[algorithm] = value.lower()
        declared = self.remote_files
        held = self.held_files
        if (declared and any(other.path == name for other in declared)) or (held and any(other.path == name for other in held)):
            raise ValueError(f"the file {name!r} is declared twice")
        _remote_files.__set__(self, (*declared, RemoteFile(url, name, size, digests)))
        return self

    @property
    def remote_files(self) -> tuple[RemoteFile, ...]:
        """The files declared so far; they are no part of the unit's value, and units read back from the store have none."""
        try:
            declared: tuple[RemoteFile, ...] = _remote_files.__get__(self)
        except AttributeError:  # the slot itself is asked, for pydantic looks far for what is absent
            return ()
        return declared

    def hold(self, fetched: FetchedFile, *, path: str | None = None) -> Self:
        """Declare a file of this unit whose bytes are here already, fetched or uploaded, and return the unit.

        `path` names the file within the unit; by default it is the last segment of the address it was fetched from.

        Raises:
            ValueError: the path is not plain or already declared.

        """
        name = path if path is not None else last_segment(fetched.url or fetched.path.name)
        problem = path_problem(name)
        if problem:
            raise ValueError(f"the file {name!r} {problem}")
        held = self.held_files
        if any(other.path == name for other in held) or any(other.path == name for other in self.remote_files):
            raise ValueError(f"the file {name!r} is declared twice")
        _held_files.__set__(self, (*held, HeldFile(name, fetched)))
        return self

    @property
    def held_files(self) -> tuple[HeldFile, ...]:
        """The files declared so far whose bytes are here already."""
        try:
            declared: tuple[HeldFile, ...] = _held_files.__get__(self)
        except AttributeError:
            return ()
        return declared

    def with_document(self, document: bytes) -> Self:
        """Keep `document` beside the unit and return the unit: bytes that only the plugin reads, to publish it by.

        They are no part of the unit's value: those of the unit that is stored first stay.
        """
        _document.__set__(self, document)
        return self

    @property
    def document(self) -> bytes | None:
        """The bytes that the plugin keeps beside the unit; None if there are none, or if they were not asked for."""
        try:
            document: bytes = _document.__get__(self)
        except AttributeError:
            return None
        return document

    @property
    def stored_files(self) -> Mapping[str, int | None]:
        """For the engine: the blob of each file of a unit that was read back, None while its bytes are deferred."""
        try:
            files: Mapping[str, int | None] = _stored_files.__get__(self)
        except AttributeError:
            return {}
        return files

    @property
    def stored_row(self) -> int | None:
        """For the engine: the row id of a unit that was read back, else None."""
        try:
            row: int = _row.__get__(self)
        except AttributeError:
            return None
        return row

    def keep_stored(self, row: int, files: Mapping[str, int | None], document: bytes | None = None) -> None:
        """For the engine: note where a unit that was read back from the store is, and where its bytes are."""
        _row.__set__(self, row)
        _stored_files.__set__(self, files)
        if document is not None:
            _document.__set__(self, document)

    @property
    def name_value(self) -> str | None:
        """What people look the unit up by, or None if that field is no text."""
        value = getattr(self, self.name_field)
        return value if isinstance(value, str) else None

    def version_order(self) -> Any:  # noqa: ANN401 - whatever compares: a tuple, a version of `packaging`, a key of functools
        """Return what sorts the versions of a lineage, the newest last; a unit type with a `lineage` must say."""
        raise NotImplementedError

    @property
    def key_values(self) -> tuple[str | int | None, ...]:
        """The values of the unit key, in its order."""
        values = attrgetter(*self.unit_key)(self)
        return values if len(self.unit_key) > 1 else (values,)

    @property
    def uid(self) -> str:
        """The unit's identity: SHA-256, hex, of the compact UTF-8 JSON list of the type id and the values of the key.

        Of a revised type, all fields follow as one JSON text.
        """
        values = (self.type_id, *self.key_values)
        return hashlib.sha256(to_json((*values, self.fields_json()) if self.is_revised else values)).hexdigest()

    @property
    def repository_key_json(self) -> str | None:
        """The values of the repository key as a compact JSON list, or None if the type has none."""
        return to_json([getattr(self, name) for name in self.repository_key]).decode() if self.repository_key else None

    def fields_json(self) -> str:
        """Return all fields, the key included, as one JSON object."""
        return self.__pydantic_serializer__.to_json(self).decode()

    @classmethod
    def from_fields(cls, fields: Mapping[str, JSON]) -> Self:
        """Return the unit with these fields, as a client gave them.

        Raises:
            PluginError: a field is missing or wrong; the message names each.

        """
        try:
            return cls.model_validate(dict(fields))
        except pydantic.ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'unit'}: {item['msg']}" for item in error.errors())
            raise PluginError(f"these are not the fields of a unit of type {cls.type_id!r}: {problems}") from error

    @classmethod
    def from_json(cls, data: str) -> Self:
        """Return the unit whose `fields_json` was `data`; unknown fields, written by a newer plugin, are left out.

        Raises:
            PluginError: `data` lacks what this version of the unit type needs.

        """
        try:
            unit: Self = cls.__pydantic_validator__.validate_json(data)
        except pydantic.ValidationError as error:
            fields = ", ".join(sorted({".".join(map(str, item["loc"])) or "all" for item in error.errors()}))
            message = (
                f"a stored unit of type {cls.type_id!r} does not fit its plugin any more (fields: {fields});"
                " install the plugin version that wrote it, or give new fields a default"
            )
            raise PluginError(message, unit_type=cls.type_id) from error
        return unit


# The model is frozen, its slots are not.
_document, _held_files, _remote_files, _row, _stored_files = (Unit.__dict__[name] for name in Unit.__slots__)
