"""Makes delta packages of prestodelta.xml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import ValidationError

from entrepot.plugin import PluginError
from entrepot_rpm.compressed import Elements, unpacked
from entrepot_rpm.feed import digest_type, location
from entrepot_rpm.units import Drpm
from entrepot_rpm.updateinfo import check_frame, element_of

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from entrepot.plugin import SyncConduit
    from entrepot_rpm.feed import Source


def read_deltas(ctx: SyncConduit, path: Path, name: str, size: int | None, source: Source) -> Iterator[Drpm]:
    """Yield each delta package, with its file; what cannot be taken is refused by `ctx.error`.

    Raises:
        PluginError: the file is damaged.

    """
    elements = Elements(unpacked(path, name, size=size), name, b"newpackage")
    known = dict[str, Drpm]()
    for batch in elements.batches():
        for text in batch:
            package = element_of(text, name)
            for delta in package.iterfind("delta"):
                unit = _delta(ctx, package, delta, source)
                if unit is None:
                    continue
                first = known.setdefault(unit.filename, unit)
                if first is unit:
                    yield unit
                elif first.checksum != unit.checksum:
                    ctx.error(unit.filename[:255], f"{name} lists it twice, with different content")
    check_frame(elements, name)


def _delta(ctx: SyncConduit, package: Element, delta: Element, source: Source) -> Drpm | None:
    total = delta.find("checksum")
    href = delta.findtext("filename", "").strip()
    size = delta.findtext("size", "").strip()
    try:
        if total is None or not size.isdecimal():
            ctx.error(href[:255], "what prestodelta says of it has no checksum or no size")
            return None
        url, filename = location(href, None, "it")
        kind = digest_type(total.get("type") or "", "it")
        checksum = (total.text or "").strip().lower()
        unit = Drpm.model_validate(
            {
                "new_package": package.get("name"),
                "epoch": package.get("epoch") or "0",
                "version": package.get("version"),
                "release": package.get("release"),
                "arch": package.get("arch"),
                "oldepoch": delta.get("oldepoch") or "0",
                "oldversion": delta.get("oldversion"),
                "oldrelease": delta.get("oldrelease"),
                "filename": url,
                "sequence": delta.findtext("sequence", "").strip(),
                "size": int(size),
                "checksumtype": kind,
                "checksum": checksum,
            }
        )
        digests = {kind: checksum}
        return unit.file(source.url(url), path=filename, size=int(size), **digests)
    except ValidationError as error:
        ctx.error(href[:255], f"what prestodelta says of it cannot be: {error.error_count()} fields are missing or wrong")
    except ValueError as error:
        ctx.error(href[:255], str(error))
    except PluginError as error:
        ctx.error(href[:255], error.message)
    return None
