"""The project that `entrepot plugin new` makes: an importer and a distributor that work, and their conformance tests."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from entrepot.errors import InvalidValue

#: A type id, a module and, with a capital letter, a class are called so.
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 40  # characters; names of modules, classes and addresses are made of it


def write_project(name: str, folder: Path) -> list[Path]:
    """Write the project for the format `name` into the new `folder`, and return its files; nothing is written if it is refused.

    Raises:
        InvalidValue: the name is no name of a module, or there is such a folder already, or it cannot be made.

    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > _LONGEST:
        why = f"must be small letters, digits and single underscores, a letter first, at most {_LONGEST} in all, such as apk"
        raise InvalidValue("NAME", why=why)
    if folder.exists() or folder.is_symlink():
        raise InvalidValue("--folder", why=f"{folder} is there already; name one that is not")
    title = "".join(part.capitalize() for part in name.split("_"))
    written = []
    try:
        for path, text in _FILES.items():
            file = folder / path.replace("NAME", name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(Template(text).substitute(name=name, title=title), encoding="utf-8")
            written.append(file)
    except OSError as error:
        raise InvalidValue("--folder", why=f"{folder} cannot be made: {error.strerror}") from error
    return written


_PROJECT = """\
[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "entrepot-$name"
version = "0.1"
description = "$name repositories for entrepot."
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["entrepot"]

[project.optional-dependencies]
dev = ["pytest>=8.3"]

# The NAME of an entry point is the type id that users give; the value is the class.
[project.entry-points."entrepot.importers"]
${name}_importer = "entrepot_$name:${title}Importer"

[project.entry-points."entrepot.distributors"]
${name}_distributor = "entrepot_$name:${title}Distributor"

[project.entry-points."entrepot.unit_types"]
$name = "entrepot_$name:$title"

[tool.hatch.build.targets.wheel]
only-include = ["entrepot_$name.py"]

[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["."]
"""

_README = """\
# entrepot-$name

Teaches entrepot the format `$name`: `${name}_importer` mirrors feeds of it, `${name}_distributor` publishes them.

As it was made, a feed is a folder of files with a `SHA256SUMS`, as `sha256sum *` writes it. Change `entrepot_$name.py`
until it reads and writes your format; `tests/test_$name.py` writes a feed of it, and says at each step what is missing.

    python -m pip install -e '.[dev]'
    python -m pytest
    entrepot plugin list

    entrepot repo create my-$name --importer ${name}_importer --feed https://example.org/files/ \\
        --distributor ${name}_distributor --auto-publish
    entrepot repo sync my-$name
"""

_MODULE = '''\
"""The format `$name`: a folder of files, listed in SHA256SUMS as `sha256sum *` writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from entrepot.plugin import (
    JSON,
    Distributor,
    FetchedFile,
    ImportConduit,
    Importer,
    PluginError,
    PublishConduit,
    SyncConduit,
    Unit,
    path_problem,
)

INDEX = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)\\n?", re.IGNORECASE)


class $title(Unit, type_id="$name", key=("name", "sha256"), repository_key=("name",)):
    """A file. Whatever makes its content differ is in the key; a repository holds one file of each name."""

    name: str
    sha256: str


class ${title}Importer(Importer):
    """Reads the index, and yields a unit for each line of it."""

    display_name = "$title importer"
    unit_types = ($title,)
    can_defer = True  # a unit is complete without its file, so the engine may fetch it later

    def sync(self, ctx: SyncConduit) -> Iterable[Unit]:
        """Yield every unit that the feed offers, with its file: the engine fetches, verifies and stores it."""
        index = ctx.fetch(INDEX)
        if ctx.unchanged(index.sha256):
            return
        with index.path.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                found = LINE.fullmatch(line)
                if found is None:
                    raise PluginError(f"{INDEX}, line {number}: expected a SHA-256, two spaces and a name")
                sha256, name = found[1].lower(), found[2]
                if problem := path_problem(name):
                    ctx.error(name[:100], problem)
                else:
                    yield $title(name=name, sha256=sha256).file(name, path=name, sha256=sha256)

    def upload(
        self,
        ctx: ImportConduit,
        unit_type: type[Unit],
        upload: FetchedFile,
        key: Mapping[str, JSON],
        metadata: Mapping[str, JSON],
    ) -> Iterable[Unit]:
        """Yield the unit that a client uploads: its name is said, its digest is that of the bytes."""
        name = str(key.get("name", ""))
        if problem := path_problem(name):
            raise PluginError(f"the name {name[:100]!r} {problem}")
        yield $title(name=name, sha256=upload.sha256).hold(upload, path=name)


class ${title}Distributor(Distributor):
    """Lays out the files under their names, beside an index of them."""

    display_name = "$title distributor"
    unit_types = ($title,)

    def publish(self, pub: PublishConduit) -> None:
        """Take out what left, put in what came, and write the index: sorted, so that the same units give the same bytes."""
        for unit in pub.removed($title):
            pub.remove(unit.name)
        for unit in pub.added($title):
            pub.add(unit.name, unit)
        lines = sorted(f"{unit.sha256}  {unit.name}\\n" for unit in pub.units($title))
        pub.write(INDEX, "".join(lines).encode())
'''

_TESTS = '''\
"""The conformance suite of entrepot, run for $title: what it inherits is tested."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from entrepot_$name import INDEX, $title, ${title}Distributor, ${title}Importer

from entrepot.testing import Feed, PluginContract, UploadSample


class Test$title(PluginContract):
    importer = ${title}Importer
    distributor = ${title}Distributor

    def make_feed(self, feed: Feed, version: int) -> int:
        """Version 1: two units or more; 2: one more, and first; 3: as 2, without one of version 1."""
        files = {"b.txt": b"bison" * 100, "c/d.txt": b"cat" * 100, "e.txt": b"eel"}
        if version >= 2:
            files = {"a.txt": b"ape", **files}
        if version >= 3:
            del files["b.txt"]
        for name, data in files.items():
            feed.put(name, data)
        lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\\n" for name, data in files.items()]
        feed.put(INDEX, "".join(lines).encode())
        return len(files)

    def upload_sample(self) -> UploadSample:
        """Return the bytes of a unit of version 1, and what a client says of it."""
        return UploadSample(b"eel", $title, {"name": "e.txt"})

    def hostile_indices(self, index: bytes) -> Mapping[str, bytes]:
        """Add what could be wrong with an index of this format to what is wrong with any."""
        return {**super().hostile_indices(index), "a path that leaves its folder": index.replace(b"  b.txt", b"  ../b.txt")}
'''

_FILES = {
    "pyproject.toml": _PROJECT,
    "README.md": _README,
    "entrepot_NAME.py": _MODULE,
    "tests/test_NAME.py": _TESTS,
}
