"""What is vendored is what its makers have published, and the dashboard asks no other host."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "engine" / "entrepot" / "dashboard" / "static"
#: SHA-256 of the files as they are in the npm packages.
VENDORED = {
    "htmx-2.0.11.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    "htmx-ext-sse-2.2.4.js": "3b5992a541619babefc4c169505af474df5c3039da51e59b96ccf9241ecd61d2",
}


def test_vendored_files_are_unchanged_and_named_with_their_versions():
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in STATIC.glob("htmx*")}

    assert found == VENDORED
    assert all(f"| {name} |" in (STATIC / "VENDORED.md").read_text() for name in VENDORED)


def test_our_own_files_name_no_other_host():
    own = {name: (STATIC / name).read_text() for name in ("app.css", "app.js", "icon.svg")}
    own["icon.svg"] = own["icon.svg"].replace('xmlns="http://www.w3.org/2000/svg"', "")  # a name, and no address

    assert [name for name, text in own.items() if re.search(r"https?:|@import|\burl\(", text)] == []
