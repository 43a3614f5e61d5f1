"""The keys that a feed's releases must be signed with: given, or asked of a keyserver."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from entrepot.plugin import FetchError, PluginError
from entrepot.plugin.openpgp import Keyring

if TYPE_CHECKING:
    from entrepot.plugin import SyncConduit

_HKP_PORT = 11371  # Source: draft-gallagher-openpgp-hkp, 3
_LARGEST_KEY = 1 << 20  # bytes
_SHORTEST_ASKED = 16  # hex digits; a key with 8 given ones is made in minutes


def trusted_keys(ctx: SyncConduit) -> Keyring:
    """Return the keys that may sign: those given, limited to those allowed; a keyserver is asked for allowed ones not given.

    Raises:
        PluginError: a key is none, cannot be had, or none is left.

    """
    config = ctx.config
    allowed: list[str] = config.allowed_keys
    keyring = Keyring.load(*config.gpg_keys) if config.gpg_keys else Keyring([])
    if not allowed:
        return keyring
    missing = [key for key in allowed if not keyring.limited_to([key]).fingerprints]
    if config.keyserver and missing:
        keyring = Keyring.load(*config.gpg_keys, *(_asked(ctx, config.keyserver, key) for key in missing))
    keyring = keyring.limited_to(allowed)
    if not keyring.fingerprints:
        raise PluginError(f"none of the keys in gpg_keys has one of the ids in allowed_keys: {', '.join(allowed)}.")
    return keyring


def _asked(ctx: SyncConduit, keyserver: str, key_id: str) -> bytes:
    """Return a key as a keyserver has it. Source: draft-gallagher-openpgp-hkp, 4."""
    server = keyserver if "://" in keyserver else f"hkps://{keyserver}"
    parts = urlsplit(server)
    scheme = {"hkp": "http", "hkps": "https"}.get(parts.scheme, parts.scheme)
    host = f"{parts.netloc}:{_HKP_PORT}" if parts.scheme == "hkp" and not parts.port else parts.netloc
    bare = "".join(key_id.split()).removeprefix("0x")
    if len(bare) < _SHORTEST_ASKED:
        msg = f"the key id {key_id} is too short to ask a keyserver by: anybody can make a key with it. Give its fingerprint."
        raise PluginError(msg)
    try:
        found = ctx.fetch(f"{scheme}://{host}/pks/lookup?op=get&options=mr&search=0x{bare}")
    except FetchError as error:
        msg = f"the key {key_id} could not be had from the keyserver {keyserver}: {error}. Give it as text in gpg_keys."
        raise PluginError(msg) from error
    if found.size > _LARGEST_KEY:
        raise PluginError(f"the keyserver {keyserver} answered {found.size} bytes for the key {key_id}; give it in gpg_keys.")
    return found.path.read_bytes()
