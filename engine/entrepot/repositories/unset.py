"""The mark of an argument that was not given, where null is a value as well.

Clients may set a display name or a description to null, and may leave it as it is: None can only stand for one of them.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"


#: Stands for an argument that was not given.
UNSET: Final = Unset.UNSET
