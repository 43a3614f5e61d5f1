"""The file of profiles: servers by a name, each with who asks it. It may hold tokens, so only its owner may read it."""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from entrepot.cli.remote import Remote
from entrepot.errors import InvalidValue, MissingResource

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_KEYS = tuple(field.name for field in fields(Remote))
_NOT_OWNER = stat.S_IRWXG | stat.S_IRWXO


def profiles_file() -> Path:
    """Return where profiles are kept. Source: the XDG Base Directory Specification, 0.8."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(folder) if folder.startswith("/") else Path.home() / ".config") / "entrepot" / "profiles.toml"


def list_profiles() -> dict[str, Remote]:
    """Return all profiles by name.

    Raises `InvalidValue` if the file cannot be read, holds anything else, or may be read by others.
    """
    file = profiles_file()
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            document = tomllib.load(opened)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InvalidValue("profiles", why=f"{file} cannot be read: {error}") from error
    if mode & _NOT_OWNER:
        raise InvalidValue("profiles", why=f"{file} holds tokens and may be read by others. Run: chmod 600 {file}")
    return {name: _profile(file, name, table) for name, table in sorted(document.items())}


def get_profile(name: str) -> Remote:
    """Return a profile; raises `MissingResource`, and what `list_profiles` does."""
    try:
        return list_profiles()[name]
    except KeyError:
        raise MissingResource(profile=name) from None


def keep_profile(name: str, remote: Remote) -> None:
    """Keep a profile, in place of one of the same name; raises `InvalidValue`, and what `list_profiles` does."""
    if not _NAME.fullmatch(name):
        raise InvalidValue("name", why=f"{name!r} has other characters than letters, digits, _ and -")
    for key, value in asdict(remote).items():
        if value is not None and not value.isprintable():
            raise InvalidValue(key, why="it has characters that cannot be printed")
    _write(list_profiles() | {name: remote})


def remove_profile(name: str) -> None:
    """Remove a profile; raises `MissingResource`, and what `list_profiles` does."""
    profiles = list_profiles()
    if profiles.pop(name, None) is None:
        raise MissingResource(profile=name)
    _write(profiles)


def _profile(file: Path, name: str, table: Any) -> Remote:  # noqa: ANN401 - whatever TOML holds
    if not isinstance(table, dict) or "url" not in table:
        raise InvalidValue("profiles", why=f"profile {name} in {file} names no url")
    unknown = [key for key, value in table.items() if key not in _KEYS or not isinstance(value, str)]
    if unknown:
        raise InvalidValue("profiles", why=f"profile {name} in {file}: {unknown[0]} is no text, or none of {', '.join(_KEYS)}")
    return Remote(**table)


def _write(profiles: dict[str, Remote]) -> None:
    """Write the file anew beside the old one, which it then replaces."""
    file = profiles_file()
    text = "\n".join(_table(name, remote) for name, remote in sorted(profiles.items()))
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InvalidValue("profiles", why=f"{file} cannot be written: {error.strerror}") from error


def _table(name: str, remote: Remote) -> str:
    # what is printable and written as JSON is the same text in TOML
    pairs = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in asdict(remote).items() if value is not None]
    return f"[{name}]\n{''.join(pairs)}"
