"""The peers' virtual environments: made once from their published packages, kept between runs.

They lie below `ENTREPOT_BENCH_CACHE`, by default `entrepot-bench` in the user's cache folder. A folder's name holds a digest of
the pinned packages and of the Python version, so that other pins make another environment; one that was not completed is made
anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

#: Seconds that one installation may take.
_PATIENCE_SECONDS = 300
_COMPLETE = ".complete"


class Unavailable(Exception):
    """A contestant cannot take part; the message says why in one line."""


def cache_folder() -> Path:
    """Return the folder that holds the environments."""
    given = os.environ.get("ENTREPOT_BENCH_CACHE")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "entrepot-bench"


def environment_for(packages: Sequence[str]) -> Path:
    """Return the folder with the programs of an environment that has `packages`; makes it first if need be.

    Without packages that is entrepot's own. Raises `Unavailable`.
    """
    if not packages:
        return Path(sys.executable).parent
    digest = hashlib.sha256(repr((packages, sys.version_info[:3])).encode()).hexdigest()[:12]
    folder = cache_folder() / f"{packages[0].replace('[', '=').partition('=')[0]}-{digest}"
    if not (folder / _COMPLETE).exists():
        print(f"Installing {', '.join(packages)} into {folder}", flush=True)
        _make(folder, packages)
    return folder / "bin"


def _make(folder: Path, packages: Sequence[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", str(folder)])
    _run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
    (folder / _COMPLETE).touch()


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired as error:
        msg = f"the installation took more than {_PATIENCE_SECONDS} s"
        raise Unavailable(msg) from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines() or ["no reason given"]
        msg = f"its packages could not be installed: {said[-1]}"
        raise Unavailable(msg) from error
