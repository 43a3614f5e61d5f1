"""Write docs/reference/errors.md from the error classes, so that the page cannot be wrong.

`tests/house/test_generated_pages.py` compares the two; `scripts/format` runs this.
"""

from __future__ import annotations

import inspect
from pathlib import Path

from entrepot import errors
from entrepot.cli.failures import exit_code
from entrepot.errors import EntrepotError

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "errors.md"

HEAD = """\
# Error codes

Written by `scripts/describe_errors.py`; `make format` renews it.

Each error that entrepot raises on purpose is a class in `entrepot.errors`, with a code that is never used again for another
one. The code stands in REST documents (`error.code`), in the reports of tasks and in what `-o json` prints. The message beside
it says what, why and what to do next in the case at hand; this page says what to do in general. *HTTP* is the status of an
answer, *exit* the [exit code](../cli.md#exit-codes) of a command. Where Pulp 2 has another code for the same, documents show
that one, here in parentheses.

| code | class | HTTP | exit | what happened | what to do |
|---|---|---|---|---|---|
"""

#: What to do, by class; one that is not named has the advice of the class it derives from.
ADVICE = {
    "EntrepotError": "Read the message and the log; it is a defect if neither says more.",
    "MissingResource": "Look at what there is (`entrepot repo list`, `entrepot task list` …); ids are case-sensitive.",
    "OperationConflict": "Look what exists or runs (`entrepot task list`), and ask again when that has ended or is gone.",
    "InvalidValue": "Correct the named properties; the message says what is accepted.",
    "InvalidSettings": "Correct the named variable or key: [settings](../settings.md).",
    "UnknownDistributorType": "Look at `entrepot plugin list`; a format may want an extra of the package.",
    "UnknownImporterType": "Look at `entrepot plugin list`; a format may want an extra of the package.",
    "MissingValue": "Send the named properties, too.",
    "UnsupportedValue": "Leave the named properties out.",
    "DuplicateResource": "Choose another id, or change what exists.",
    "RefusedConfiguration": "Correct the configuration; the plugin's message names the key.",
    "OperationRefused": "The message says what stands against it; mend that and repeat.",
    "UnitTypesDiffer": "Copy between repositories whose importers hold the same unit types.",
    "BadRequest": "Correct the request: [REST API](../rest.md).",
    "BodyTooLarge": "Send less, or raise `ENTREPOT_MAX_BODY_BYTES`; bytes of content are [uploaded](../content.md) in pieces.",
    "PurgeRefused": "Name the states to be purged.",
    "AccessError": "Ask an administrator: [users and permissions](../access.md).",
    "NotAuthenticated": "Send a login and password, a token or a certificate.",
    "PermissionDenied": "Let an administrator grant the named operation, or a role that has it.",
    "InvalidCertificate": "Log in again for a new certificate.",
    "InvalidCredentials": "Check the login; make a new password (`entrepot user passwd`) or token (`entrepot token create`).",
    "TooManyAttempts": "Wait as many seconds as `Retry-After` says, and correct the password that is sent.",
    "BrokenPlugin": "Look at `entrepot plugin list` for its error, and install what it lacks.",
    "PluginError": "Correct the feed or the content; the message names the file.",
    "SyncFailed": "See `entrepot task show` for each item; mend the feed and sync again. The repository is as it was.",
    "PublishFailed": "Mend what the message names and publish again. The last publication is still served.",
    "UploadRefused": "Correct the file or its metadata and upload it again.",
    "TaskError": "See `entrepot task show`.",
    "TaskFailed": "See `entrepot task show`; `entrepot task retry` runs it again.",
    "TaskCanceled": "Nothing; somebody canceled it. `entrepot task retry` runs it again.",
    "WaitTimeout": "Nothing is lost: `entrepot task watch` waits again.",
    "WorkerLost": "Check what the task has done, then `entrepot task retry`; declare it idempotent if it may run twice.",
    "TaskTimedOut": "Make it shorter, or raise its limit (`ENTREPOT_TIME_LIMITS_SECONDS`).",
    "UnknownTaskType": "Name its module in `ENTREPOT_TASK_MODULES` of the workers, or install it there.",
    "ResultTooLarge": "Return less, or keep it elsewhere and return where (`ENTREPOT_MAX_RESULT_BYTES`).",
    "TaskOutOfMemory": "Use less memory, give it a queue of its own, or raise `ENTREPOT_MEMORY_LIMITS_MB`.",
    "FetchError": "Check the feed's address, and whether this machine reaches it; then sync again.",
    "FetchRefused": "Use an address that may be fetched; see `ENTREPOT_BLOCKED_NETWORKS`, `ENTREPOT_ALLOWED_FILE_ROOTS`.",
    "FetchTimedOut": "Try later; see `ENTREPOT_LOW_SPEED_SECONDS` and `ENTREPOT_TOTAL_TIMEOUT_SECONDS`.",
    "SizeDiffers": "The feed's metadata and files do not agree; try later, or tell its keeper.",
    "ChecksumDiffers": "The feed's metadata and files do not agree; try later, or tell its keeper.",
    "UpstreamFailed": "Try again after `Retry-After`; `entrepot repo download` fetches beforehand.",
    "PushError": "See `entrepot deploy show` for the server and its message.",
    "PushFailed": "Nothing: it is tried again by itself.",
    "PushGivenUp": "Mend the server, then `entrepot deploy push-again`.",
    "StorageError": "Check the data folder: its disk, its owner, its mount.",
    "StorageFull": "Make room: [disk space](../operations.md#disk-space). Nothing has to be restarted.",
    "StorageUnwritable": "Let the user of the process write the folder that is named.",
    "BytesUnavailable": "Sync, or `entrepot repo download`; restore the store if no feed has the file any more.",
    "DatabaseError": "Read the message and the database's log.",
    "DatabaseUnavailable": "Start the database, check `ENTREPOT_DATABASE_URL`; processes go on by themselves.",
    "DatabaseTooNew": "Install the version that wrote it, or a later one.",
    "DatabaseOutdated": "Make a backup, then `entrepot db migrate`.",
    "ValueNotKept": "Leave out what the message names: NUL characters, numbers out of range.",
    "SearchTooSlow": "Ask for less: fewer alternatives, plainer patterns, a filter on an indexed field.",
    "ServerUnavailable": "Check the address and whether the server runs: `entrepot profile list`.",
}


def pages() -> dict[Path, str]:
    """Return the page as it has to be, by its path."""
    found = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, EntrepotError) and value is not EntrepotError
    }
    return {PAGE: HEAD + "".join(_line(error) for error in sorted(found, key=lambda error: error.code))}


def _line(error: type[EntrepotError]) -> str:
    shown = f" ({error.shown_code})" if error.shown_code and error.shown_code != error.code else ""
    code = exit_code(error.__new__(error))  # of the class alone: some want values
    sentence = (inspect.getdoc(error) or "").partition("\n")[0]
    cells = (f"`{error.code}`{shown}", f"`{error.__name__}`", str(error.status), str(code), sentence, _advice(error))
    return "| " + " | ".join(cells) + " |\n"


def _advice(error: type[EntrepotError]) -> str:
    return next(ADVICE[above.__name__] for above in error.__mro__ if above.__name__ in ADVICE)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
