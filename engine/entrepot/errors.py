"""Every deliberate error, in one tree: a code that is never reused, an HTTP status and one sentence.

    EntrepotError
    ├── MissingResource              PLP0009  404
    ├── OperationConflict            PLP0010  409
    ├── InvalidValue                 PLP0015  400
    │   └── InvalidSettings          PLP2001  400
    ├── MissingValue                 PLP0016  400
    ├── UnsupportedValue             PLP0017  400
    ├── DuplicateResource            PLP0018  409
    ├── UnknownImporterType          PLP1008  400
    ├── UnknownDistributorType       PLP2002  400
    ├── RefusedConfiguration         PLP1000  400
    ├── OperationRefused             PLP0000  400
    ├── BadRequest                   PLP2060  400
    │   ├── MalformedBody            PLP1009  400
    │   ├── WrongBodyType            PLP1015  400
    │   ├── WrongType                PLP1010  400
    │   ├── InvalidPurgeState        PLP1011  400
    │   ├── PurgeRefused             PLP1012  403
    │   └── BodyTooLarge             PLP2061  413
    ├── AccessError                  PLP2050  401
    │   ├── NotAuthenticated         PLP0025  401
    │   ├── PermissionDenied         PLP0026  401
    │   ├── InvalidCertificate       PLP0027  401
    │   ├── InvalidCredentials       PLP0030  401
    │   └── TooManyAttempts          PLP2051  429
    ├── BrokenPlugin                 PLP2003  500
    ├── PluginError                  PLP2004  500
    │   ├── SyncFailed               PLP2005  500
    │   └── PublishFailed            PLP0034  500
    ├── TaskError                    PLP2010  500
    │   ├── TaskFailed               PLP2011  500
    │   ├── TaskCanceled             PLP2012  409
    │   ├── WaitTimeout              PLP2013  504
    │   ├── WorkerLost               PLP0049  500
    │   ├── TaskTimedOut             PLP2014  500
    │   ├── UnknownTaskType          PLP2015  500
    │   ├── ResultTooLarge           PLP2016  500
    │   └── TaskOutOfMemory          PLP2017  500
    ├── FetchError                   PLP2020  502
    │   ├── FetchRefused             PLP2021  400
    │   ├── FetchAnswered            PLP2022  502
    │   ├── FetchTimedOut            PLP2023  504
    │   ├── SizeDiffers              PLP2024  502
    │   └── ChecksumDiffers          PLP1013  502
    ├── StorageError                 PLP2030  500
    │   ├── StorageFull              PLP2031  507
    │   └── StorageUnwritable        PLP2032  500
    └── DatabaseError                PLP2040  500
        ├── DatabaseUnavailable      PLP2041  503
        ├── DatabaseTooNew           PLP2042  500
        ├── DatabaseOutdated         PLP2043  500
        └── ValueNotKept             PLP2044  400

Codes below 2000 are Pulp's (REST contract, section 1.4); those from 2001 are this project's own. The message is for a
person: what, why, what next. The keywords are data for a program. `Interrupted` and its kin are no errors: they derive
from `BaseException`, so that a plugin's `except Exception` cannot swallow them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


class EntrepotError(Exception):
    """Something was refused or failed, and the message says what, why and what to do next."""

    code: ClassVar[str] = "PLP0001"
    status: ClassVar[int] = 500

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
        return {"code": self.code, "description": self.message, "data": dict(self.data), "sub_errors": subs}


class MissingResource(EntrepotError):
    """A named resource does not exist."""

    code, status = "PLP0009", 404

    def __init__(self, **resources: str) -> None:
        """Name the missing resources as `type=id`."""
        named: dict[str, JSON] = dict(resources)
        text = ", ".join(f"{kind}={name}" for kind, name in resources.items())
        super().__init__(f"Missing resource(s): {text}", resources=named)


class OperationConflict(EntrepotError):
    """The operation contradicts what exists or runs now."""

    code, status = "PLP0010", 409


class InvalidValue(EntrepotError):
    """A value was refused."""

    code, status = "PLP0015", 400

    def __init__(self, *names: str, why: str = "") -> None:
        """Name the refused properties; `why` says what would be accepted."""
        text = f"Invalid properties: {list(names)}" + (f": {why}" if why else "")
        super().__init__(text, property_names=list(names))


class InvalidSettings(InvalidValue):
    """The engine's own settings are not usable."""

    code = "PLP2001"

    def __init__(self, problems: Mapping[str, str]) -> None:
        """Name each refused setting with its problem."""
        super().__init__(*problems, why="; ".join(f"ENTREPOT_{name.upper()}: {text}" for name, text in problems.items()))


class MissingValue(EntrepotError):
    """A required value was not given."""

    code, status = "PLP0016", 400

    def __init__(self, *names: str) -> None:
        """Name the missing properties."""
        super().__init__(f"Missing values for: {list(names)}", missing_property_names=list(names))


class UnsupportedValue(EntrepotError):
    """A property is not known here."""

    code, status = "PLP0017", 400

    def __init__(self, *names: str) -> None:
        """Name the unknown properties."""
        super().__init__(f"Unsupported properties: {list(names)}", unsupported_property_names=list(names))


class DuplicateResource(EntrepotError):
    """The id is taken."""

    code, status = "PLP0018", 409

    def __init__(self, resource_id: str) -> None:
        """Name the id that is taken."""
        super().__init__(f"Duplicate resource: {resource_id}", resource_id=resource_id)


class UnknownImporterType(EntrepotError):
    """No installed plugin offers this importer type."""

    code, status = "PLP1008", 400


class UnknownDistributorType(EntrepotError):
    """No installed plugin offers this distributor type."""

    code, status = "PLP2002", 400


class RefusedConfiguration(EntrepotError):
    """The plugin refused its configuration; every field is named."""

    code, status = "PLP1000", 400

    def __init__(self, plugin: str, problems: Mapping[str, str]) -> None:
        """Name the plugin and, for each refused field, what is wrong with it."""
        text = "; ".join(f"{field}: {problem}" for field, problem in problems.items())
        fields: dict[str, JSON] = dict(problems)
        super().__init__(f"{plugin} refused its configuration: {text}", validation_errors=fields, property_names=list(problems))


class OperationRefused(EntrepotError):
    """What is asked for may not be done; the message says why."""

    code, status = "PLP0000", 400

    def __init__(self, message: str, **data: JSON) -> None:
        """Keep the message a second time as `args`, where clients look for it."""
        super().__init__(message, args=[message], **data)


class BadRequest(EntrepotError):
    """A request cannot be understood."""

    code, status = "PLP2060", 400


class MalformedBody(BadRequest):
    """The body of a request is no JSON."""

    code = "PLP1009"


class WrongBodyType(BadRequest):
    """The body of a request is JSON, and no object."""

    code = "PLP1015"


class WrongType(BadRequest):
    """A field of a request holds a value of another type."""

    code = "PLP1010"

    def __init__(self, field: str, value: JSON, field_type: str) -> None:
        """Name the field, what it holds and the type that it must have."""
        super().__init__(f"{field} must be of type {field_type}.", field=field, value=value, field_type=field_type)


class InvalidPurgeState(BadRequest):
    """Tasks in this state may not be purged."""

    code = "PLP1011"


class PurgeRefused(BadRequest):
    """A purge of tasks that names no state."""

    code, status = "PLP1012", 403


class BodyTooLarge(BadRequest):
    """The body of a request is larger, or nested deeper, than the server reads."""

    code, status = "PLP2061", 413


class AccessError(EntrepotError):
    """Somebody may not do what they ask for."""

    code, status = "PLP2050", 401


class NotAuthenticated(AccessError):
    """The request says nothing about who sends it."""

    code = "PLP0025"

    def __init__(self) -> None:
        """Say what could be sent."""
        text = "Authentication is required: send a login and password (HTTP Basic), a token (Bearer) or a client certificate."
        super().__init__(text, auth_error_code="authentication_failed")


class PermissionDenied(AccessError):
    """The user is known and lacks the permission."""

    code = "PLP0026"

    def __init__(self, user: str, operation: str, resource: str) -> None:
        """Name the user, the operation and the resource that it was to be done to."""
        super().__init__(
            f"Permission denied: user {user} cannot perform {operation} on {resource}.",
            auth_error_code="permission_denied",
            user=user,
            operation=operation,
        )


class InvalidCertificate(AccessError):
    """The client certificate is not one of ours, has expired, or names a user who is gone."""

    code = "PLP0027"

    def __init__(self, why: str) -> None:
        """Say what is wrong with it."""
        super().__init__(f"The client certificate is refused: {why}.", auth_error_code="invalid_ssl_certificate")


class InvalidCredentials(AccessError):
    """The login or the password is wrong, or the token is unknown or has expired."""

    code = "PLP0030"

    def __init__(self, user: str | None = None) -> None:
        """Name the user who was claimed; None for a token."""
        text = "The token is unknown, revoked or expired." if user is None else f"Invalid username or password: {user}."
        super().__init__(text, auth_error_code="invalid_username_or_password", user=user)


class TooManyAttempts(AccessError):
    """Too many logins failed; none is looked at for a while."""

    code, status = "PLP2051", 429

    def __init__(self, retry_after: int) -> None:
        """Say after how many seconds to try again."""
        text = f"Too many logins have failed. Try again in {retry_after} s."
        super().__init__(text, auth_error_code="too_many_attempts", retry_after=retry_after)


class BrokenPlugin(EntrepotError):
    """The plugin is installed but could not be loaded."""

    code = "PLP2003"


class PluginError(EntrepotError):
    """The feed or the content is not what the format asks for; raised by plugins, shown without traceback."""

    code = "PLP2004"


class SyncFailed(PluginError):
    """The sync ended with errors, and the repository was left as it was."""

    code = "PLP2005"


class PublishFailed(PluginError):
    """The distributor failed, and the last publication was left as it was."""

    code = "PLP0034"


class TaskError(EntrepotError):
    """Something about a task."""

    code = "PLP2010"


class TaskFailed(TaskError):
    """The task that was waited for ended in error."""

    code = "PLP2011"


class TaskCanceled(TaskError):
    """The task that was waited for was canceled."""

    code, status = "PLP2012", 409


class WaitTimeout(TaskError):
    """The task did not end within the time given; it goes on."""

    code, status = "PLP2013", 504


class WorkerLost(TaskError):
    """The worker died while it ran the task, and the task may not be run again."""

    code = "PLP0049"


class TaskTimedOut(TaskError):
    """The task ran longer than its time limit."""

    code = "PLP2014"


class UnknownTaskType(TaskError):
    """The worker knows no function of this task type."""

    code = "PLP2015"


class ResultTooLarge(TaskError):
    """The task's result or progress report is no JSON, or larger than the limit."""

    code = "PLP2016"


class TaskOutOfMemory(TaskError):
    """The worker process held more memory than the task's type allows."""

    code = "PLP2017"


class FetchError(EntrepotError):
    """A transfer failed."""

    code, status = "PLP2020", 502


class FetchRefused(FetchError):
    """The address may not be fetched: its scheme, host or redirect is not allowed."""

    code, status = "PLP2021", 400


class FetchAnswered(FetchError):
    """The feed's server answered with an error status."""

    code = "PLP2022"


class FetchTimedOut(FetchError):
    """The transfer did not end in time, or was slower than the lowest speed allowed."""

    code, status = "PLP2023", 504


class SizeDiffers(FetchError):
    """The bytes received are more or fewer than promised."""

    code = "PLP2024"


class ChecksumDiffers(FetchError):
    """The bytes received do not have the promised checksum."""

    code = "PLP1013"


class StorageError(EntrepotError):
    """The data folder failed."""

    code = "PLP2030"


class StorageFull(StorageError):
    """No space is left in the data folder."""

    code, status = "PLP2031", 507


class StorageUnwritable(StorageError):
    """The data folder cannot be written."""

    code = "PLP2032"


class DatabaseError(EntrepotError):
    """The database failed."""

    code = "PLP2040"


class DatabaseUnavailable(DatabaseError):
    """The database does not answer."""

    code, status = "PLP2041", 503


class DatabaseTooNew(DatabaseError):
    """The database was written by a newer version of this program."""

    code = "PLP2042"


class DatabaseOutdated(DatabaseError):
    """The database lacks migrations that this version needs."""

    code = "PLP2043"


class ValueNotKept(DatabaseError):
    """The database cannot keep a value."""

    code, status = "PLP2044", 400


class Interrupted(BaseException):
    """A running task is to stop now; no error, so no `except Exception` catches it."""


class Canceled(Interrupted):
    """Somebody canceled the task."""


class LeaseLost(Interrupted):
    """The task has another owner now: whatever this one still writes is refused."""


class TimeLimitReached(Interrupted):
    """The task has run longer than its time limit."""


class MemoryLimitReached(Interrupted):
    """The worker process holds more memory than the task's type allows."""
