"""What the operating system's errors mean for the blob store, in words for a person."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from entrepot.errors import StorageError, StorageFull, StorageUnwritable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_UNWRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT, errno.EISDIR})


def storage_error(error: OSError, root: Path) -> StorageError:
    """Return the error of this project that `error`, met in the store at `root`, stands for."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    where = str(root)
    if error.errno in _FULL:
        return StorageFull(
            f"No space is left in {where} ({reason}). Free some, or move ENTREPOT_DATA_DIR, and try again; nothing was lost.",
            folder=where,
        )
    if error.errno in _UNWRITABLE:
        at = error.filename if isinstance(error.filename, str) else where
        return StorageUnwritable(
            f"The store {where} cannot be written: {at}: {reason}. Check ENTREPOT_DATA_DIR, its owner and its permissions.",
            folder=where,
        )
    return StorageError(f"The store {where} failed: {reason}. Check the disk.", folder=where)
