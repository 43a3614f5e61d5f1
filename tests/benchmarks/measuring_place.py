"""Where a benchmark writes: a temporary folder in which one run does not pay for what another has deleted.

ext4 without a journal does not use an inode again for up to five minutes after its file was deleted, and looks past each such
inode whenever a file is made (`recently_deleted` in the kernel's fs/ext4/ialloc.c). Ten thousand files took 2 to 9 seconds
instead of 0.3 where as many had been deleted shortly before, by whomever; that is neither the downloader's nor the engine's
work, and it once made the bare downloader slower than the sync. So nothing is deleted before all is measured, and each
folder below the place is put into a part of the file system of its own (`chattr +T`, where that exists).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def measuring_place() -> Iterator[Path]:
    """Yield a folder on the disk of temporary files; it is removed with all that is in it."""
    folder = Path(tempfile.mkdtemp(prefix="entrepot-bench-"))
    try:
        if shutil.which("chattr"):
            subprocess.run(["chattr", "+T", str(folder)], check=False, capture_output=True)
        yield folder
    finally:
        shutil.rmtree(folder)


def settle() -> None:
    """Flush what earlier runs have written, so that nobody pays for another's bytes."""
    os.sync()
