"""Makes modules, their defaults and what became obsolete of modules.yaml; each document is kept as the feed wrote it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from entrepot.plugin import PluginError, Unit
from entrepot_rpm.units import Modulemd, ModulemdDefaults, ModulemdObsoletes

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one where libyaml is there
_START = re.compile(rb"^---(?=\s|\Z)", re.MULTILINE)
_MOST_ALIASES = 100  # real documents have none; without a limit, a few lines make gigabytes
_LONGEST = 4 * 2**20  # bytes of one document, which take ten seconds; the longest of real ones have some hundred kB
_DEEPEST = 50  # levels within a document; libyaml's composer calls itself for each, and real documents have 6
#: What a document must have more than 50 of to be that deep: brackets, marks of blocks in one line; and aliases.
_SUSPICIOUS = (
    re.compile(rb"[\[{]"),
    re.compile(rb"^[ \t]*(?:[-?:][ \t]+){50,}|^[ \t]{100,}", re.MULTILINE),
    re.compile(rb"\*\w"),
)


def read_modules(text: bytes, name: str, repository_id: str) -> Iterator[Unit]:
    """Yield what a modules.yaml defines; kinds of documents that are unknown are passed over, as dnf does.

    Raises:
        PluginError: a document is damaged, or lacks what it must have.

    """
    for number, document in enumerate(_documents(text), 1):
        what = f"{name}, document {number}"
        unit = module_unit(document, what, repository_id)
        if unit is not None:
            yield unit


def module_unit(document: bytes, what: str, repository_id: str) -> Unit | None:
    """Return the unit of one document, None if it is of an unknown kind or empty; `what` is what errors call it.

    Raises:
        PluginError: it is damaged, or lacks what it must have.

    """
    try:
        _check_shape(document)
        content = yaml.load(document.decode(), Loader=_TextLoader)  # noqa: S506 - derived from the safe loader
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise PluginError(f"{what} is damaged: {str(error)[:300]}. Nothing was changed.") from error
    if not isinstance(content, dict) or not isinstance(content.get("data"), dict):
        if content is None:
            return None
        raise PluginError(f"{what} is none of a module: it has no data. Nothing was changed.")
    make = {"modulemd": _module, "modulemd-defaults": _defaults, "modulemd-obsoletes": _obsoletes}.get(
        str(content.get("document"))
    )
    if make is None:
        return None
    checksum = hashlib.sha256(document).hexdigest()
    try:
        return make(content["data"], checksum, repository_id).with_document(document)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        raise PluginError(f"{what} cannot be: {problems}. Nothing was changed.") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise PluginError(f"{what} has not the shape of one ({error}). Nothing was changed.") from error


def written(content: Mapping[str, Any]) -> bytes:
    """Return a document as YAML; for modules that come as JSON."""
    text: bytes = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, encoding="utf-8")
    return b"---\n" + text + b"...\n"


def nevra_of(artifact: str) -> tuple[str, ...]:
    """Return name, epoch (0 if it is left out), version, release and architecture of a package as modules list it."""
    rest, _, arch = artifact.rpartition(".")
    rest, _, release = rest.rpartition("-")
    name, _, version = rest.rpartition("-")
    epoch, _, version = version.rpartition(":")
    return name, epoch or "0", version, release, arch


class _TextLoader(_Loader):  # type: ignore[misc]  # PyYAML ships no types
    """Reads YAML without numbers and dates: a stream `1.10` is not `1.1`."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def _check_shape(document: bytes) -> None:
    """Refuse a document that is very long, nested too deeply, or grows by aliases, before it is composed."""
    if len(document) > _LONGEST:
        raise yaml.YAMLError(f"it has more than {_LONGEST} bytes")
    brackets, lines, aliases = (len(pattern.findall(document)) for pattern in _SUSPICIOUS)
    if brackets <= _DEEPEST and not lines and aliases <= _MOST_ALIASES:
        return
    depth = aliases = 0
    for event in yaml.parse(document.decode(), Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            aliases += 1
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST or aliases > _MOST_ALIASES:
            raise yaml.YAMLError(f"it has more than {_DEEPEST} levels or {_MOST_ALIASES} aliases")


def _documents(text: bytes) -> Iterator[bytes]:
    """Cut a stream of YAML at the lines that begin a document, which no document has inside."""
    starts = [found.start() for found in _START.finditer(text)]
    if not starts or text[: starts[0]].strip():
        starts.insert(0, 0)
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        document = text[start:end]
        if document.removeprefix(b"---").strip() not in (b"", b"..."):
            yield document


def _module(data: dict[str, Any], checksum: str, _repository_id: str) -> Unit:
    return Modulemd.model_validate(
        {
            "name": data.get("name"),
            "stream": data.get("stream"),
            "version": int(data.get("version") or 0),
            "context": data.get("context") or "",
            "arch": data.get("arch") or "",
            "summary": data.get("summary"),
            "description": data.get("description"),
            "artifacts": _texts((data.get("artifacts") or {}).get("rpms")),
            "profiles": {name: _texts((profile or {}).get("rpms")) for name, profile in (data.get("profiles") or {}).items()},
            "dependencies": _dependencies(data.get("dependencies")),
            "checksum": checksum,
        }
    )


def _defaults(data: dict[str, Any], checksum: str, repository_id: str) -> Unit:
    profiles = {stream: _texts(names) for stream, names in (data.get("profiles") or {}).items()}
    stream = data.get("stream")
    return ModulemdDefaults.model_validate(
        {"name": data.get("module"), "repo_id": repository_id, "stream": stream, "profiles": profiles, "checksum": checksum}
    )


def _obsoletes(data: dict[str, Any], checksum: str, _repository_id: str) -> Unit:
    return ModulemdObsoletes.model_validate(
        {
            "name": data.get("module"),
            "stream": data.get("stream"),
            "context": data.get("context") or "",
            "modified": data.get("modified") or "",
            "message": data.get("message"),
            "checksum": checksum,
        }
    )


def _dependencies(value: Any) -> list[dict[str, list[str]]]:  # noqa: ANN401 - whatever stands there
    """Return what a module needs to run; version 1 of the format has it another way."""
    if isinstance(value, dict):
        return [{name: [stream] for name, stream in (value.get("requires") or {}).items()}]
    return [{name: _texts(streams) for name, streams in (choice.get("requires") or {}).items()} for choice in value or []]


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - whatever stands there
    if isinstance(value, str):
        return [value]
    return [str(item) for item in value or []]
