"""Content units: what an importer yields, what a distributor publishes, and how a unit is told from another.

A unit type is a frozen pydantic model. Its key decides which units are the same: they are stored once, however many
repositories hold them. The files of a unit are declared, not downloaded: the engine decides when to fetch them.

Construction and identity are on the path of every unit of every sync, so they are kept at a few microseconds: the
files stand in a slot outside the model, and the serialiser and validator of pydantic are called directly.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from operator import attrgetter
from typing import ClassVar, NamedTuple, Self
from urllib.parse import unquote, urlsplit

import pydantic
from pydantic_core import to_json

from entrepot.errors import PluginError

DIGESTS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}  # algorithm -> hex digits
LONGEST_PATH = 1024  # characters; the shortest limit of the places that a path is pushed to (S3 object keys)
LONGEST_SEGMENT = 255  # bytes of UTF-8; NAME_MAX of the usual file systems

_FORBIDDEN = r"\\\x00-\x1f\x7f-\x9f\ufeff"  # backslash, control characters, byte order mark
_SEGMENT = rf"(?!\.{{1,2}}(?:/|\Z))[^/{_FORBIDDEN}]+"
_PLAIN = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_DIGEST = re.compile(r"[0-9a-fA-F]+")


class RemoteFile(NamedTuple):
    """A file of a unit, where it can be fetched and what is promised about it."""

    url: str  # an absolute address, or a path below the feed, not percent-encoded
    path: str  # its name within the unit
    size: int | None  # bytes; None when the feed does not say
    digests: Mapping[str, str]  # algorithm -> lower-case hex


class Unit(pydantic.BaseModel):
    """What all content units share; a subclass declares the fields: `class Iso(Unit, type_id="iso", key=("name",))`.

    `type_id` names the type in the database and in the REST API. `key` names the fields that make a unit the same as
    another; they must be text, whole numbers or truth values. Two units are equal when all their fields are. Of the units
    with the same `repository_key` (such as a file's name) a repository holds only one: one that comes replaces the other.
    """

    model_config = pydantic.ConfigDict(frozen=True)
    __slots__ = ("_remote_files", "_stored_files")  # no private attributes: pydantic would spend 3 µs on each of every unit

    type_id: ClassVar[str] = ""
    unit_key: ClassVar[tuple[str, ...]] = ()
    repository_key: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(
        cls, *, type_id: str = "", key: tuple[str, ...] = (), repository_key: tuple[str, ...] = (), **settings: object
    ) -> None:
        """Take the arguments of the class statement; what they must be is checked when the fields are known."""
        super().__init_subclass__(**settings)  # type: ignore[arg-type]  # pydantic's own settings, checked by it

    @classmethod
    def __pydantic_init_subclass__(
        cls, *, type_id: str = "", key: tuple[str, ...] = (), repository_key: tuple[str, ...] = (), **settings: object
    ) -> None:
        """Keep `type_id` and the keys.

        Raises:
            TypeError: `type_id` and `key` were not given together, or a key is not a field.

        """
        super().__pydantic_init_subclass__(**settings)
        if not type_id and not key and not repository_key:
            return
        if not type_id or not key or any(isinstance(names, str) for names in (key, repository_key)):
            raise TypeError(
                f'{cls.__name__}: a unit type needs both, as in class {cls.__name__}(Unit, type_id="iso", key=("name",))'
            )
        unknown = [name for name in (*key, *repository_key) if name not in cls.__pydantic_fields__]
        if unknown:
            raise TypeError(f"{cls.__name__}: the key names {', '.join(unknown)}, but there is no such field")
        cls.type_id = type_id
        cls.unit_key = tuple(key)
        cls.repository_key = tuple(repository_key)

    def file(self, url: str, *, path: str | None = None, size: int | None = None, **digests: str) -> Self:
        """Declare a file of this unit and return the unit: `yield Iso(...).file("a.iso", size=5, sha256="…")`.

        `url` is an absolute address, or a path below the feed, not percent-encoded. `path` names the file within the
        unit; by default it is the last segment of the URL. `size` is in bytes. Digests are given by algorithm, as hex.
        What is promised here is verified when the file is fetched, at once or later.

        Raises:
            ValueError: the path is not plain or already declared, the size is negative, or a digest is unknown or no hex.

        """
        name = _last_segment(url) if path is None else path
        problem = path_problem(name)
        if problem:
            raise ValueError(f"the file {name!r} {problem}")
        if size is not None and size < 0:
            raise ValueError(f"the size of {name!r} is negative: {size}")
        for algorithm, value in digests.items():
            if len(value) != DIGESTS.get(algorithm) or not _DIGEST.fullmatch(value):
                raise ValueError(f"{name!r}: {algorithm}={value!r} is not a digest; known are {', '.join(DIGESTS)}, as hex")
            digests[algorithm] = value.lower()
        declared = self.remote_files
        if declared and any(other.path == name for other in declared):
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

    @property
    def stored_files(self) -> Mapping[str, int | None]:
        """For the engine: the blob of each file of a unit that was read back, None while its bytes are deferred."""
        try:
            files: Mapping[str, int | None] = _stored_files.__get__(self)
        except AttributeError:
            return {}
        return files

    def keep_stored_files(self, files: Mapping[str, int | None]) -> None:
        """For the engine: note where the bytes of a unit that was read back from the store are."""
        _stored_files.__set__(self, files)

    @property
    def key_values(self) -> tuple[str | int | None, ...]:
        """The values of the unit key, in its order."""
        values = attrgetter(*self.unit_key)(self)
        return values if len(self.unit_key) > 1 else (values,)

    @property
    def uid(self) -> str:
        """The unit's identity: SHA-256, hex, of the compact UTF-8 JSON list of the type id and the values of the key."""
        return hashlib.sha256(to_json((self.type_id, *self.key_values))).hexdigest()

    @property
    def repository_key_json(self) -> str | None:
        """The values of the repository key as a compact JSON list, or None if the type has none."""
        return to_json([getattr(self, name) for name in self.repository_key]).decode() if self.repository_key else None

    def fields_json(self) -> str:
        """Return all fields, the key included, as one JSON object."""
        return self.__pydantic_serializer__.to_json(self).decode()

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


_remote_files, _stored_files = (Unit.__dict__[name] for name in Unit.__slots__)  # the model is frozen, its slots are not


def _last_segment(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2]) if "://" in url else url.rpartition("/")[2]


def path_problem(path: str) -> str | None:
    """Return what is wrong with `path` as a plain relative path, worded to follow its name, or None when it is plain.

    Plain: segments joined by `/`, none of them empty, `.` or `..`; no backslash, control character or byte order mark;
    at most 1024 characters, and 255 bytes a segment. Such a path means the same on every file system and in every URL.
    """
    if len(path) > LONGEST_PATH:
        return f"is longer than {LONGEST_PATH} characters"
    if not _PLAIN.fullmatch(path):
        return _why_not_plain(path)
    if len(path) * 4 > LONGEST_SEGMENT and max(len(segment.encode()) for segment in path.split("/")) > LONGEST_SEGMENT:
        return f"has a segment of more than {LONGEST_SEGMENT} bytes"
    return None


def _why_not_plain(path: str) -> str:
    segments = path.split("/")
    if not path:
        return "is empty"
    if path.startswith("/"):
        return "is an absolute path; it must be relative"
    if ".." in segments:
        return "leaves its folder by a '..' segment"
    if "." in segments or "" in segments:
        return "has an empty or '.' segment"
    if "\\" in path:
        return "contains a backslash"
    return "contains a control character"
