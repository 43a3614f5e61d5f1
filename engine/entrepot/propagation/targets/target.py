"""What every target is: opened by a URL and options, it takes publications."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from entrepot.errors import InvalidValue, PushFailed

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.propagation.targets.address import Address
    from entrepot.propagation.targets.tree import Pushed, Tree

#: The options that are secrets, whatever the target: shown as `*****`, and cut out of what an error says.
SECRETS = frozenset({"access_key_id", "passphrase", "password", "private_key", "secret_access_key", "session_token", "token"})
MASK = "*****"
#: The characters a secret has at least if it is cut out of errors: a shorter one would cut words apart.
_SHORTEST_SECRET = 3
#: Characters of what an error says of a server, at most: some of it may be the server's own words.
_LONGEST_WORDS = 2000


class Options(BaseModel):
    """The options of a kind of target: no others, and none of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Target(ABC):
    """One edge server; connected inside `with`, by one thread."""

    #: What options there are.
    options_type: ClassVar[type[Options]]

    def __init__(self, address: Address, options: Mapping[str, JSON], *, timeout_seconds: float) -> None:
        """Keep where and how; nothing is connected. `timeout_seconds` is the longest silence of the server.

        Raises `InvalidValue` as `check` does.
        """
        self.address = address
        self.timeout_seconds = timeout_seconds
        self.check(address, options)
        self._secrets = [str(value) for name, value in options.items() if name in SECRETS and value]

    @classmethod
    def check(cls, address: Address, options: Mapping[str, JSON]) -> None:  # noqa: ARG003 - a kind of target asks more of it
        """Raise `InvalidValue`, for people, if such a target could not be opened; nothing is connected."""
        cls.read_options(options)

    @classmethod
    def read_options(cls, options: Mapping[str, JSON]) -> Options:
        """Return the options by type; raises `InvalidValue` that names each refused one, and no value."""
        try:
            return cls.options_type.model_validate(dict(options))
        except ValidationError as error:
            problems = [(".".join(str(part) for part in one["loc"]), one["msg"]) for one in error.errors(include_input=False)]
            known = ", ".join(cls.options_type.model_fields) or "none"
            why = "; ".join(f"{name}: {problem}" for name, problem in problems)
            raise InvalidValue("options", why=f"{why}. There are: {known}") from error

    def __enter__(self) -> Self:
        """Connect; raises `PushFailed`."""
        return self

    def __exit__(self, *_error: object) -> None:  # noqa: B027 - a folder has nothing to disconnect
        """Disconnect."""

    @abstractmethod
    def push(self, tree: Tree) -> Pushed:
        """Make the server hold this publication below the site's folder, and return what was transferred.

        Only what differs from what it holds is transferred, then verified; what is not ours stays. Killed at any point, the
        next push repairs. Raises `PushFailed`, and what `tree.checkpoint` raises.
        """

    def failed(self, what: str) -> PushFailed:
        """Return the error that says `what` of this server, on one line and with no secret in it."""
        for secret in self._secrets:
            if len(secret) >= _SHORTEST_SECRET:
                what = what.replace(secret, MASK)
        what = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in what[:_LONGEST_WORDS])
        return PushFailed(f"{self.address.url}: {what}", url=self.address.url)
