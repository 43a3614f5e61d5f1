"""What a server's answer, or the lack of one, means; in words for a person. Decides only."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import pycurl

from entrepot.content.retries import Failure, passes
from entrepot.errors import FetchAnswered, FetchError, FetchRefused, FetchTimedOut, SizeDiffers, StorageError

#: Answers whose body is the file. Source: RFC 9110, sections 15.3.1 and 15.3.4.
GOOD = frozenset({200, 203})
#: Answers that name another place. Source: RFC 9110, section 15.4.
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MISSING = frozenset({404, 410})
_FIRST_ERROR_STATUS = 300
_CERTIFICATE_CODES = frozenset({pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT_BADFILE, pycurl.E_SSL_ISSUER_ERROR})
_OWN_CERTIFICATE_CODES = frozenset({pycurl.E_SSL_CERTPROBLEM, pycurl.E_SSL_CIPHER, pycurl.E_SSL_ENGINE_NOTFOUND})
#: Failures that say something about the request, so that repeating it changes nothing.
_LASTING_CODES = frozenset({pycurl.E_URL_MALFORMAT, pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_BAD_FUNCTION_ARGUMENT})
_ADVICE = {
    401: "check basic_auth_username and basic_auth_password",
    403: "check the credentials, and that the feed's server lets this machine read it",
    404: "check the feed's address",
    407: "check proxy_username and proxy_password",
    410: "check the feed's address",
    429: "try again later, or lower max_downloads",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """How one attempt ended: libcurl's code (0: well) and message, the HTTP status (0: none), and what is known besides.

    `promised`: bytes, by the request or by the server. `refusal`: the address and network that were refused, if so.
    """

    shown: str
    code: int = 0
    message: str = ""
    status: int = 0
    received: int = 0
    promised: int | None = None
    retry_after_seconds: float = 0
    refusal: str | None = None


def failure(answer: Answer) -> Failure:
    """Return why the attempt that ended in `answer` failed."""
    if answer.status >= _FIRST_ERROR_STATUS or (answer.code == 0 and answer.status):
        return _answered(answer)
    shown, code = answer.shown, answer.code
    if answer.refusal is not None:
        return Failure(FetchRefused(f"{shown} is refused: {answer.refusal}", url=shown))
    if code == pycurl.E_PARTIAL_FILE:
        of = f" of {answer.promised}" if answer.promised is not None else ""
        msg = f"{shown} was cut off after {answer.received}{of} bytes; the feed's server or the network is at fault."
        return Failure(SizeDiffers(msg, url=shown, received=answer.received), is_passing=True)
    if code == pycurl.E_FILESIZE_EXCEEDED:
        msg = f"{shown} is longer than the promised {answer.promised} bytes; the feed may have changed."
        return Failure(SizeDiffers(msg, url=shown, promised=answer.promised), is_damage=True)
    if code == pycurl.E_OPERATION_TIMEDOUT:
        msg = f"{shown} did not come in time: {answer.message}. Try again later, or check the network."
        return Failure(FetchTimedOut(msg, url=shown), is_passing=True)
    if code in _CERTIFICATE_CODES:
        msg = f"{shown}: the server's certificate was not accepted ({answer.message}). Check ssl_ca_cert, or the address."
        return Failure(FetchError(msg, url=shown))
    if code in _OWN_CERTIFICATE_CODES:
        msg = f"{shown}: ssl_client_cert or ssl_client_key cannot be used ({answer.message}). Both are PEM text."
        return Failure(FetchError(msg, url=shown))
    msg = f"{shown} could not be fetched: {answer.message or f'libcurl error {code}'}. Check the address and the network."
    return Failure(FetchError(msg, url=shown), is_passing=code not in _LASTING_CODES)


def is_missing(error: FetchError | StorageError) -> bool:
    """Answer whether `error` says that there is no such file."""
    return isinstance(error, FetchAnswered) and error.data.get("status") in _MISSING


def _answered(answer: Answer) -> Failure:
    status = answer.status
    advice = _ADVICE.get(status, "try again later" if passes(status) else "check the feed's address")
    error = FetchAnswered(f"{answer.shown} answered {_phrase(status)}; {advice}.", url=answer.shown, status=status)
    return Failure(error, is_passing=passes(status), retry_after_seconds=answer.retry_after_seconds)


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
