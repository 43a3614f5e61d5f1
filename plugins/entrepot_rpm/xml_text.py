"""XML that is written by hand of what units say: elements in order, indented, without what XML cannot hold."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

#: Characters that XML 1.0 forbids; text that was uploaded may have them.
_FORBIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF))
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def add(parent: Element, name: str, text: object = None, /, **attributes: object) -> Element:
    """Append an element and return it; attributes that are None are left out, truth values are written as comps has them."""
    element = SubElement(parent, name)
    for key, value in attributes.items():
        if value is not None:
            element.set(key, clean(value))
    if text is not None:
        element.text = clean(text)
    return element


def add_translated(parent: Element, name: str, text: str | None, translations: dict[str, str]) -> None:
    """Append a text, and one element for each language that it is translated into."""
    if text is not None or translations:
        add(parent, name, text or "")
    for language, translation in sorted(translations.items()):
        add(parent, name, translation).set(_LANGUAGE, clean(language))


def clean(value: object) -> str:
    """Return a value as text that XML can hold."""
    return str(value).lower() if isinstance(value, bool) else str(value).translate(_FORBIDDEN)


def document(root: Element) -> bytes:
    """Return a whole document in UTF-8, with a head and indented by two spaces."""
    indent(root)
    text: bytes = tostring(root, encoding="UTF-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text + b"\n"


def piece(element: Element) -> bytes:
    """Return an element that stands one level below the root of its document, indented, with a line break at its end."""
    indent(element, level=1)
    text: bytes = tostring(element, encoding="UTF-8", xml_declaration=False)
    return b"  " + text.rstrip() + b"\n"
