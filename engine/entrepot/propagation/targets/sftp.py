"""A server that speaks SFTP: `sftp://user@host:port/srv/edge`, by paramiko.

SSH guards every packet, so what has arrived is known by its size; `verify = "digest"` reads it back as well, which costs as
much time again. A file is written beside, and renamed when it is whole.
"""

from __future__ import annotations

import base64
import hashlib
import io
import posixpath
import secrets
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from entrepot.errors import InvalidValue, PushFailed
from entrepot.propagation.targets.in_place import STATE, InPlaceTarget
from entrepot.propagation.targets.sending import chunks, is_same
from entrepot.propagation.targets.ssh import SSHOptions, SSHTarget

if TYPE_CHECKING:
    import paramiko

    from entrepot.errors import JSON
    from entrepot.propagation.targets.address import Address
    from entrepot.propagation.targets.tree import File, Pushed, Tree

_DEFAULT_PORT = 22
_CHUNK = 1 << 20
#: How the names begin of files that are being written.
_ASIDE = "incoming-"


class SftpOptions(SSHOptions):
    """How to log in, how the server is known, and what is verified."""

    password: str | None = None
    passphrase: str | None = None
    host_key_fingerprint: str | None = None
    verify: Literal["size", "digest"] = "size"


class SftpTarget(InPlaceTarget, SSHTarget):
    """A server that speaks SFTP."""

    options_type = SftpOptions

    def __init__(self, address: Address, options: Mapping[str, JSON], *, timeout_seconds: float) -> None:
        """Keep where and how; see `Target`."""
        super().__init__(address, options, timeout_seconds=timeout_seconds)
        self._options = SftpOptions.model_validate(dict(options))
        self._folders = set[str]()
        self._aside = f"{STATE}/{_ASIDE}"

    @classmethod
    def check(cls, address: Address, options: Mapping[str, JSON]) -> None:
        """Raise `InvalidValue` unless it names a host and an absolute path, and the host key's fingerprint is one."""
        super().check(address, options)
        fingerprint = options.get("host_key_fingerprint")
        if fingerprint is not None and not str(fingerprint).startswith("SHA256:"):
            why = "host_key_fingerprint must be as `ssh-keygen -l` prints it: SHA256:…"
            raise InvalidValue("options", why=why)

    def __enter__(self) -> Self:
        """Connect, check the server's key and log in; raises `PushFailed`."""
        try:
            import paramiko
        except ImportError as error:
            raise self.failed("It needs the library paramiko. Install it with `pip install 'entrepot[edge]'`.") from error
        self._client = paramiko.SSHClient()
        try:
            with self._told_as_failure("The connection failed"):
                self._connect()
                self._sftp = self._client.open_sftp()
                channel = self._sftp.get_channel()
                assert channel is not None  # noqa: S101 - for mypy: it is open
                channel.settimeout(self.timeout_seconds)
                self._check_root()
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        """Hang up."""
        self._client.close()

    def push(self, tree: Tree) -> Pushed:
        """Remove what a killed push was writing, and push; see `InPlaceTarget.push`."""
        state = f"{STATE}/{tree.site}"
        self._aside = f"{state}/{_ASIDE}"
        with self._told_as_failure(f"{state!r} cannot be read"):
            for name in self._names(state):
                if name.startswith(_ASIDE):
                    self.remove(f"{state}/{name}")
        return super().push(tree)

    def read(self, name: str, most_bytes: int) -> bytes | None:
        """Return a small file, or None; see `InPlaceTarget.read`."""
        with self._told_as_failure(f"{name!r} cannot be read"):
            try:
                with self._sftp.open(self._path(name), "rb") as reading:
                    size = min(reading.stat().st_size or 0, most_bytes)
                    reading.prefetch(size)
                    data: bytes = reading.read(size)
                    return data
            except FileNotFoundError:
                return None

    def write(self, name: str, data: bytes) -> None:
        """Write a small file, whole or not at all."""
        with self._told_as_failure(f"{name!r} cannot be written"), self._written_aside(name, [data]) as aside:
            self._check_size(aside, name, len(data))

    def put(self, name: str, blob: Path, file: File) -> None:
        """Transfer a file, verify it and rename it."""
        with self._told_as_failure(f"{name!r} cannot be written"), self._written_aside(name, chunks(blob, file)) as aside:
            self._check_size(aside, name, file.size)
            if self._options.verify == "digest" and not is_same(file, self._received(aside, file.size)):
                raise self.failed(f"{name!r} arrived damaged: its bytes are others. Check the server's disk.")

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is fine, and so is one whose folder is a file by now."""
        with self._told_as_failure(f"{name!r} cannot be removed"):
            if not self._has_folder(posixpath.dirname(self._path(name))):
                return
            try:
                self._sftp.remove(self._path(name))
            except OSError:
                if self._exists(name):
                    raise

    def remove_folder(self, name: str) -> None:
        """Remove a folder; one with something in it is refused by the server, and stays."""
        with self._told_as_failure(f"{name!r} cannot be removed"), suppress(OSError):
            if self._has_folder(self._path(name)):
                self._folders.discard(self._path(name))
                self._sftp.rmdir(self._path(name))

    def _connect(self) -> None:
        options, address = self._options, self.address
        self._set_known_hosts()
        private_key = None if options.private_key is None else self._read_key(options.private_key, options.passphrase)
        by_user = private_key is None and options.password is None
        self._client.connect(
            str(address.host),
            port=address.port or _DEFAULT_PORT,
            username=address.user,
            password=options.password,
            pkey=private_key,
            allow_agent=by_user,
            look_for_keys=by_user,
            timeout=self.timeout_seconds,
            banner_timeout=self.timeout_seconds,
            auth_timeout=self.timeout_seconds,
        )

    def _set_known_hosts(self) -> None:
        import paramiko

        options = self._options
        if options.host_key_fingerprint is not None:
            self._client.set_missing_host_key_policy(_KnownBy(self, options.host_key_fingerprint))
        elif options.accept_any_host_key:
            self._client.set_missing_host_key_policy(_KnownBy(self, None))
        else:
            self._client.set_missing_host_key_policy(paramiko.RejectPolicy())
            if options.known_hosts is None:
                self._client.load_system_host_keys()
            else:
                self._load_known_hosts(options.known_hosts)

    def _load_known_hosts(self, text: str) -> None:
        from paramiko.hostkeys import InvalidHostKey

        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as known_hosts:
            known_hosts.write(text)
            known_hosts.flush()
            try:
                self._client.load_host_keys(known_hosts.name)
            except InvalidHostKey as error:
                raise self.failed("The option known_hosts has a line with a key that is none.") from error

    def _read_key(self, text: str, passphrase: str | None) -> paramiko.PKey:
        import paramiko

        for key_type in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
            try:
                return key_type.from_private_key(io.StringIO(text), passphrase)
            except (paramiko.SSHException, ValueError, IndexError):
                continue
        raise self.failed("The option private_key is no key of type Ed25519, ECDSA or RSA, or its passphrase is another.")

    def _check_root(self) -> None:
        try:
            is_folder = stat.S_ISDIR(self._sftp.stat(self.address.path).st_mode or 0)
        except FileNotFoundError:
            is_folder = False
        if not is_folder:
            raise self.failed("The folder is not there. Make it, or mount what belongs there.")

    @contextmanager
    def _written_aside(self, name: str, data: Iterable[bytes]) -> Iterator[str]:
        """Write a file beside, yield its path to be checked, and rename it; nothing is left of one that failed."""
        aside = self._path(f"{self._aside}{secrets.token_hex(8)}")
        self._make_folder(posixpath.dirname(aside))
        try:
            with self._sftp.open(aside, "wb") as writing:
                writing.set_pipelined(pipelined=True)
                for chunk in data:
                    writing.write(chunk)
            yield aside
            place = self._path(name)
            self._make_folder(posixpath.dirname(place))
            self._sftp.posix_rename(aside, place)
        except BaseException:
            with suppress(Exception):
                self._sftp.remove(aside)
            raise

    def _check_size(self, path: str, name: str, size: int) -> None:
        arrived = self._sftp.stat(path).st_size
        if arrived != size:
            raise self.failed(f"{name!r} arrived damaged: it has {arrived} bytes instead of {size}. Is the disk full?")

    def _received(self, path: str, size: int) -> Iterator[bytes]:
        with self._sftp.open(path, "rb") as reading:
            reading.prefetch(size)
            while chunk := reading.read(_CHUNK):
                yield chunk

    def _make_folder(self, path: str) -> None:
        """Make a folder below the root; raises `PushFailed` for a link: what it leads to is not ours."""
        if self._has_folder(path):
            return
        self._make_folder(posixpath.dirname(path))
        try:
            self._sftp.lstat(path)
        except FileNotFoundError:
            self._sftp.mkdir(path)
            self._folders.add(path)
        else:
            raise self.failed(f"{path} is a link or a file where a folder of ours belongs, so it is left alone. Move it away.")

    def _has_folder(self, path: str) -> bool:
        """Say whether there is a folder below the root, to which no link leads; each is looked at once."""
        if path in self._folders or len(path) <= len(self.address.path.rstrip("/")):
            return True
        if not self._has_folder(posixpath.dirname(path)):
            return False
        try:
            is_folder = stat.S_ISDIR(self._sftp.lstat(path).st_mode or 0)
        except FileNotFoundError:
            return False
        if is_folder:
            self._folders.add(path)
        return is_folder

    def _names(self, folder: str) -> list[str]:
        """Return the names in a folder; none if there is no such folder."""
        try:
            return list(self._sftp.listdir(self._path(folder)))
        except FileNotFoundError:
            return []

    def _exists(self, name: str) -> bool:
        try:
            self._sftp.lstat(self._path(name))
        except OSError:
            return False
        return True

    def _path(self, name: str) -> str:
        return f"{self.address.path.rstrip('/')}/{name}"

    @contextmanager
    def _told_as_failure(self, what: str) -> Iterator[None]:
        import paramiko

        try:
            yield
        except PushFailed:
            raise
        except paramiko.BadHostKeyException as error:
            msg = "Its host key is not the one that is known. Either somebody is in between, or the server has a new key."
            raise self.failed(msg) from error
        except paramiko.AuthenticationException as error:
            msg = f"It refused the login of {self.address.user!r}. Check the user, and the options private_key or password."
            raise self.failed(msg) from error
        except (paramiko.SSHException, paramiko.SFTPError, OSError, EOFError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise self.failed(f"{what}: {reason}. The next push goes on from here.") from error


class _KnownBy:
    """What paramiko asks about a server that no file knows: by its fingerprint, or anyhow if that is None."""

    def __init__(self, target: SftpTarget, fingerprint: str | None) -> None:
        self._target, self._fingerprint = target, fingerprint

    def missing_host_key(self, _client: paramiko.SSHClient, _hostname: str, key: paramiko.PKey) -> None:
        """Accept the key and keep it nowhere, or raise `PushFailed`."""
        if self._fingerprint is None:
            return
        digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
        if self._fingerprint.rstrip("=") != f"SHA256:{digest}":
            msg = f"Its host key has the fingerprint SHA256:{digest}, and {self._fingerprint} is asked for."
            raise self._target.failed(msg)
