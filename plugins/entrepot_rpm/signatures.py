"""The rules about who must have signed a package: `require_signature` and `allowed_keys`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from entrepot.plugin import FetchedFile, PluginError
from entrepot_rpm.headers import signing_key
from entrepot_rpm.units import Drpm, Package, Rpm, Srpm

if TYPE_CHECKING:
    from entrepot.plugin import SyncConduit

_BATCH = 50  # packages that are fetched together


class Rules(NamedTuple):
    """What a repository asks of the packages in it."""

    is_required: bool
    allowed_keys: frozenset[str]  # 8 hex digits each; empty: any

    @classmethod
    def of(cls, config: Any) -> Rules:  # noqa: ANN401 - a YumConfig, which is above this module
        """Return the rules of a configuration."""
        return cls(config.require_signature, frozenset(config.allowed_keys))

    def __bool__(self) -> bool:
        """Say whether anything is asked."""
        return self.is_required or bool(self.allowed_keys)

    def problem(self, key: str | None) -> str | None:
        """Return why a package that is signed by `key` may not come in, None if it may; unsigned is fine unless required.

        Source: Pulp 2, pulp_rpm, signature checks.
        """
        if key is None:
            return "it is not signed, and require_signature is set" if self.is_required else None
        if self.allowed_keys and key not in self.allowed_keys:
            return f"it is signed by the key {key}, which is none of allowed_keys"
        return None


def signed(ctx: SyncConduit, packages: Iterable[Rpm | Srpm], rules: Rules) -> Iterator[Rpm | Srpm]:
    """Fetch the packages, and yield those that the rules let in, with their bytes and the key; others are left out, as in Pulp.

    Those that the repository holds, and whose key is known, are not fetched again.
    """
    iterator = iter(packages)
    while batch := list(islice(iterator, _BATCH)):
        names = {unit.name for unit in batch}
        held = {unit.key_values: unit.signing_key for kind in (Rpm, Srpm) for unit in ctx.units(kind, names=names)}
        known = {unit.key_values for unit in batch if held.get(unit.key_values)}
        fetched = dict(ctx.find_all([unit.remote_files[0].url for unit in batch if unit.key_values not in known]))
        for unit in batch:
            if unit.key_values in known:
                if rules.problem(held[unit.key_values]) is None:
                    yield unit
                continue
            file = fetched.get(unit.remote_files[0].url)
            if file is None:
                ctx.error(unit.filename, "the feed lists it, and does not have it")
                continue
            problem = _difference(unit, file)
            if problem:
                ctx.error(unit.filename, problem)
                continue
            key = signing_key(file.path)
            if rules.problem(key) is None:
                yield _with_key(unit, key, file)


def check(rules: Rules, package: Package | Drpm, key: str | None) -> None:
    """Refuse a package that is to be uploaded or copied, if the rules do not let it in.

    Raises:
        PluginError: the message names the package and the rule.

    """
    problem = rules.problem(key)
    if problem:
        raise PluginError(f"{package.filename} may not come into this repository: {problem}.", file=package.filename)


def _with_key(unit: Rpm | Srpm, key: str | None, file: FetchedFile) -> Rpm | Srpm:
    new = unit.model_copy(update={"signing_key": key}).hold(file, path=unit.filename)
    return new.with_document(unit.document) if unit.document is not None else new


def _difference(unit: Package, file: FetchedFile) -> str | None:
    """Return in what way a file is not the one that the feed promised."""
    if file.size != unit.size:
        return f"it has {file.size} bytes, and {unit.size} are promised"
    if unit.checksumtype == "sha256":
        digest = file.sha256
    else:
        with file.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, unit.checksumtype).hexdigest()
    return None if digest == unit.checksum else f"its {unit.checksumtype} is {digest}, and {unit.checksum} is promised"
