"""What a .deb says of itself: an ar archive, in it a tar archive, in it the file `control`.

Source: deb(5); ar(5), the common format with 60 bytes before each member.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import IO

from entrepot.plugin import PluginError
from entrepot_deb.indexes import unpacked

_MAGIC = b"!<arch>\n"
_HEAD_SIZE = 60  # bytes before each member
_SIZE_AT = slice(48, 58)
_END_OF_HEAD = b"`\n"
_LARGEST_CONTROL = 64 << 20  # bytes of control.tar, unpacked; the largest in Debian has 10 MB
_LARGEST_TEXT = 1 << 20  # bytes of the file `control`
_MOST_MEMBERS = 8  # looked at before giving up; a .deb has three


def read_control(path: Path) -> bytes:
    """Return the paragraph of a package, as its file `control` has it, without blank lines around it.

    Raises:
        PluginError: the file is no Debian package.

    """
    try:
        with path.open("rb") as file:
            packed, packing = _control_archive(file)
        text = _control_text(_unpack(packed, packing))
    except (EOFError, OSError, ValueError, tarfile.TarError) as error:
        raise PluginError(f"the upload is no Debian package: {str(error) or 'it is cut short'}.") from error
    return text.replace(b"\r", b"").strip(b"\n")


def _control_archive(file: IO[bytes]) -> tuple[bytes, str]:
    """Return the member control.tar, packed, and the ending of its packing."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("it does not begin as an ar archive does")
    for _ in range(_MOST_MEMBERS):
        head = file.read(_HEAD_SIZE)
        if len(head) < _HEAD_SIZE or not head.endswith(_END_OF_HEAD):
            break
        size = int(head[_SIZE_AT])
        if size < 0:
            break
        name = head[:16].decode(errors="replace").strip().rstrip("/")
        if name.startswith("control.tar"):
            if size > _LARGEST_CONTROL:
                raise ValueError(f"its control.tar has {size} bytes")
            return file.read(size), name.removeprefix("control.tar")
        file.seek(size + size % 2, io.SEEK_CUR)
    raise ValueError("it has no member control.tar")


def _unpack(packed: bytes, packing: str) -> bytes:
    text = io.BytesIO()
    for chunk in unpacked(io.BytesIO(packed), packing):
        text.write(chunk)
        if text.tell() > _LARGEST_CONTROL:
            raise ValueError(f"its control.tar unpacks to more than {_LARGEST_CONTROL} bytes")
    return text.getvalue()


def _control_text(archive: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as members:
        for member in members:
            if member.name.removeprefix("./") == "control" and member.isfile() and member.size <= _LARGEST_TEXT:
                content = members.extractfile(member)
                if content is not None:
                    return content.read()
    raise ValueError("its control.tar has no file control")
