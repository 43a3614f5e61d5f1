"""An uploaded .deb: read, made a unit, and listed where the client says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pydantic

from entrepot.plugin import JSON, FetchedFile, PluginError, Unit
from entrepot_deb.package_file import read_control
from entrepot_deb.placing import Placing
from entrepot_deb.stanzas import LONGEST_STANZA, deb_of, fields_of
from entrepot_deb.units import DEFAULT_COMPONENT, DEFAULT_DISTRIBUTION, Deb

if TYPE_CHECKING:
    from entrepot.plugin import ImportConduit

_USUAL_COMPONENT = "main"  # of a release that the client names


def uploaded(ctx: ImportConduit, upload: FetchedFile, key: Mapping[str, JSON], metadata: Mapping[str, JSON]) -> Iterator[Unit]:
    """Yield the package, and the component and release that list it: `component` and `distribution` in `metadata`.

    Without these it goes to the default component; `release` says the same as `distribution`.

    Raises:
        PluginError: the upload is no .deb, or not the one that `key` speaks of.

    """
    control = read_control(upload.path)
    try:
        deb = _deb(control, upload)
    except ValueError as error:
        raise PluginError(f"the control file of the upload is not what it should be: {_in_short(error)}") from error
    _check_key(deb, key)
    distribution = _text(metadata, "distribution") or _text(metadata, "release") or DEFAULT_DISTRIBUTION
    usual = DEFAULT_COMPONENT if distribution == DEFAULT_DISTRIBUTION else _USUAL_COMPONENT
    placing = Placing(ctx)
    placing.put_debs(distribution, _text(metadata, "component") or usual, [deb])
    try:
        placed = list(placing.units())
    except pydantic.ValidationError as error:
        raise PluginError(f"the package cannot be put there: {_in_short(error)}") from error
    yield deb.hold(upload, path=deb.filename)
    yield from placed


def _deb(control: bytes, upload: FetchedFile) -> Deb:
    if b"\n\n" in control or len(control) > LONGEST_STANZA:
        raise ValueError("it has more than one paragraph")
    stanza = control + f"\nSize: {upload.size}\nSHA256: {upload.sha256}".encode()
    return deb_of(stanza, fields_of(stanza))


def _check_key(deb: Deb, key: Mapping[str, JSON]) -> None:
    """Refuse an upload that is another package than the client says."""
    wrong = [
        f"{name} is {getattr(deb, name)!r}, not {key[name]!r}"
        for name in deb.unit_key
        if key.get(name, "") not in ("", None, getattr(deb, name))
    ]
    if wrong:
        raise PluginError(f"the upload is another package than the unit key says: {'; '.join(wrong)}.")


def _text(metadata: Mapping[str, JSON], name: str) -> str | None:
    value = metadata.get(name)
    if value is not None and not isinstance(value, str):
        raise PluginError(f"the unit metadata have a {name} that is no text.")
    return value or None


def _in_short(error: ValueError) -> str:
    if isinstance(error, pydantic.ValidationError):
        return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()) + "."
    return f"{error}."
