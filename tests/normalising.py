"""What differs from run to run in what commands print, and what stands for it when two runs are compared."""

from __future__ import annotations

import re

VARIABLE = [
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d([.,]\d+)?(Z| UTC)?"), "<time>"),
    (re.compile(r"\b\d+(\.\d+)? m?s\b"), "<span>"),
    (re.compile(r"reserved_resource_worker-\d+\.\d+@\S+"), "<worker>"),
    (re.compile(r"(?<![\d.])\d+\.\d+\.\d+(?!\.?\d)"), "<version>"),
]
_SPACE = re.compile(r"\s+")


def steady(text: str) -> str:
    """Return `text` with stand-ins for what differs from run to run."""
    for pattern, stand_in in VARIABLE:
        text = pattern.sub(stand_in, text)
    return text


def comparable(line: str) -> str:
    """Return a line as it is in every run: with stand-ins, and one space where there are several."""
    return _SPACE.sub(" ", steady(line)).strip()
