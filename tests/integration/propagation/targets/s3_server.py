"""As much of S3 as a push asks for: a bucket in memory, whose requests must be signed (AWS Signature Version 4).

Objects are put, read and removed, one by one, many at once, or in parts. Source: Amazon S3 API Reference; "Signature
calculations for the Authorization header".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, quote, unquote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from tests.integration.propagation.targets.loopback import Environ, read_body

_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\S+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})")
_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Refused(Exception):
    """A request that S3 refuses with a status and a code."""

    def __init__(self, status: str, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Bucket:
    """A WSGI application that serves one bucket, by the path style; `objects` has the bytes by key."""

    def __init__(self, name: str, *, access_key_id: str, secret_access_key: str, region: str = "us-east-1") -> None:
        self.name = name
        self.objects: dict[str, bytes] = {}
        #: Uploads in parts that were begun and neither completed nor given up: key, and bytes by number of part.
        self.uploads: dict[str, tuple[str, dict[int, bytes]]] = {}
        self._keys = (access_key_id, secret_access_key)
        self._region = region
        self._numbers = count(1)

    def __call__(self, environ: Environ, start: Any) -> Iterable[bytes]:
        body = read_body(environ)
        try:
            status, headers, answer = self._answer(environ, body)
        except Refused as refused:
            status, headers = refused.status, {}
            answer = f"<Error><Code>{refused.code}</Code><Message>{refused.code} happened</Message></Error>".encode()
        headers = {"Content-Length": str(len(answer))} | headers
        start(status, [*headers.items()])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer]

    def _answer(self, environ: Environ, body: bytes) -> tuple[str, dict[str, str], bytes]:
        path, _, query_text = environ["REQUEST_URI"].partition("?")
        query = dict(parse_qsl(query_text, keep_blank_values=True))
        self._verify(environ, path, query, body)
        bucket, _, key = unquote(path).removeprefix("/").partition("/")
        if bucket != self.name:
            raise Refused("404 Not Found", "NoSuchBucket")
        method = environ["REQUEST_METHOD"]
        if method == "POST" and "delete" in query:
            return self._remove_many(body)
        if "uploads" in query or "uploadId" in query:
            return self._in_parts(method, key, query, body)
        if method == "PUT":
            self.objects[key] = body
            return "200 OK", {"ETag": _tag(body)}, b""
        if method == "DELETE":
            self.objects.pop(key, None)
            return "204 No Content", {}, b""
        if method not in ("GET", "HEAD"):
            raise Refused("405 Method Not Allowed", "MethodNotAllowed")
        if key not in self.objects:
            raise Refused("404 Not Found", "NoSuchKey")
        data = self.objects[key]
        return "200 OK", {"ETag": _tag(data), "Last-Modified": "Sun, 01 Nov 2026 00:00:00 GMT"}, data

    def _remove_many(self, body: bytes) -> tuple[str, dict[str, str], bytes]:
        keys = [found.text or "" for found in ET.fromstring(body).iter() if found.tag.removeprefix(_NAMESPACE) == "Key"]  # noqa: S314 - a test's own
        for key in keys:
            self.objects.pop(key, None)
        removed = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        return "200 OK", {}, f"<DeleteResult>{removed}</DeleteResult>".encode()

    def _in_parts(self, method: str, key: str, query: dict[str, str], body: bytes) -> tuple[str, dict[str, str], bytes]:
        if "uploads" in query:
            upload = f"upload-{next(self._numbers)}"
            self.uploads[upload] = (key, {})
            name = f"<Bucket>{self.name}</Bucket><Key>{escape(key)}</Key><UploadId>{upload}</UploadId>"
            return "200 OK", {}, f"<InitiateMultipartUploadResult>{name}</InitiateMultipartUploadResult>".encode()
        upload = query["uploadId"]
        if upload not in self.uploads:
            raise Refused("404 Not Found", "NoSuchUpload")
        if method == "PUT":
            self.uploads[upload][1][int(query["partNumber"])] = body
            return "200 OK", {"ETag": _tag(body)}, b""
        _, parts = self.uploads.pop(upload)
        if method == "DELETE":
            return "204 No Content", {}, b""
        self.objects[key] = b"".join(parts[number] for number in sorted(parts))
        tag = _tag(self.objects[key])
        answer = (
            f"<CompleteMultipartUploadResult><Key>{escape(key)}</Key><ETag>{escape(tag)}</ETag></CompleteMultipartUploadResult>"
        )
        return "200 OK", {}, answer.encode()

    def _verify(self, environ: Environ, path: str, query: dict[str, str], body: bytes) -> None:
        found = _SIGNED.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
        if found is None:
            raise Refused("403 Forbidden", "AccessDenied")
        access_key_id, scope, names, signature = found.groups()
        if access_key_id != self._keys[0]:
            raise Refused("403 Forbidden", "InvalidAccessKeyId")
        digest = environ["HTTP_X_AMZ_CONTENT_SHA256"]
        if digest != hashlib.sha256(body).hexdigest():
            raise Refused("400 Bad Request", "XAmzContentSHA256Mismatch")
        headers = "".join(f"{name}:{_header(environ, name)}\n" for name in names.split(";"))
        asked = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(query.items()))
        request = "\n".join([environ["REQUEST_METHOD"], path, asked, headers, names, digest])
        when = environ["HTTP_X_AMZ_DATE"]
        text = "\n".join(["AWS4-HMAC-SHA256", when, scope, hashlib.sha256(request.encode()).hexdigest()])
        key = f"AWS4{self._keys[1]}".encode()
        for word in (when[:8], self._region, "s3", "aws4_request"):
            key = hmac.digest(key, word.encode(), "sha256")
        if hmac.digest(key, text.encode(), "sha256").hex() != signature:
            raise Refused("403 Forbidden", "SignatureDoesNotMatch")


def _header(environ: Environ, name: str) -> str:
    key = name.upper().replace("-", "_")
    return str(environ.get(f"HTTP_{key}") or environ.get(key, "")).strip()


def _tag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'  # noqa: S324 - what S3 answers
