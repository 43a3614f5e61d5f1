"""What every deliberate error has: a code, a status, a message for people and data for programs."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


class EntrepotError(Exception):
    """Something was refused or failed, and the message says what, why and what to do next."""

    code: ClassVar[str] = "PLP0001"
    status: ClassVar[int] = 500
    #: The code that Pulp 2 has for this and for more, where that is another: documents show it, for clients know no other.
    shown_code: ClassVar[str | None] = None

    def __init__(self, message: str, **data: JSON) -> None:
        """Keep `message` for people and `data` for programs."""
        super().__init__(message)
        self.message = message
        self.data = data
        self.sub_errors: list[EntrepotError] = []

    def document(self) -> dict[str, JSON]:
        """Return the error as tasks and answers carry it: code, description, data, sub_errors.

        Source: the Pulp 2 REST contract, section 1.4.
        """
        subs: list[JSON] = [error.document() for error in self.sub_errors]
        code = self.shown_code or self.code
        return {"code": code, "description": self.message, "data": dict(self.data), "sub_errors": subs}
