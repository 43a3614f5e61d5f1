"""Who is to record what a block of code changes, in the very transaction that changes it.

1. `Database.witnessed(write)`   a witness stands by in this thread; that alone costs nothing
2. a transaction begins          it notes what had been changed before
3. it is about to commit         has it changed something? Then `write` records it, once for the whole block
4. it commits                    change and record are kept together, or neither is: after a rollback the witness waits again
"""

from __future__ import annotations

from collections.abc import Callable

#: Writes the record if the condition, SQL, is true, and says whether it was.
Write = Callable[[str], bool]


class Witness:
    """One that stands by until it has been told of a change."""

    def __init__(self, write: Write, changes: int | None) -> None:
        """Wait for more changed rows than the connection counts now; None where it does not count."""
        self._write = write
        self._before = changes or 0
        self._is_done = self._was_done = False

    def begin(self, changes: int | None) -> None:
        """Note that a transaction begins; the connection had changed so many rows before."""
        self._before, self._was_done = changes or 0, self._is_done

    def tell(self, changes: int | None) -> None:
        """Let the record be written if something was changed, unless it has been.

        `changes` is how many rows the connection has changed by now; None where it does not count: then the server says.
        """
        if not self._is_done and (changes is None or changes > self._before):
            self._is_done = self._write("txid_current_if_assigned() IS NOT NULL" if changes is None else "TRUE")

    def take_back(self) -> None:
        """Forget what it was told of the transaction, which was rolled back."""
        self._is_done = self._was_done
