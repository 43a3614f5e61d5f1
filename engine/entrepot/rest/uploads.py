"""Uploads: bytes that are to become a unit. Source: the Pulp 2 REST contract, 5.1.

`details`, and to look at one upload, are this project's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint, Intake, Parameter, Schema
from entrepot.rest.ownership import grant_to_creator
from entrepot.rest.reading import flag, whole_number
from entrepot.rest.schemas import INTEGER, MOMENT, NULL, TEXT, body, many, record
from entrepot.rest.shapes import href, moment

if TYPE_CHECKING:
    from entrepot.repositories import UploadReport

_DETAILS = ("size", "create_time", "change_time", "expires")
_UPLOAD = record(
    "Upload", _DETAILS, _href=TEXT, upload_id=TEXT, size=INTEGER, create_time=MOMENT, change_time=MOMENT, expires=MOMENT
)
_UPLOADS = record("Uploads", ("uploads",), upload_ids=many(TEXT), uploads=many(_UPLOAD))
_BYTES: Schema = {"type": "string", "format": "binary"}


def create_upload(asked: Asked) -> Answer:
    """Begin an upload, which is empty."""
    report = asked.engine.content.create_upload()
    grant_to_creator(asked, _href(report.upload_id))
    return Answer(_shape(report, asked), 201, _href(report.upload_id))


def write_upload(asked: Asked) -> Intake:
    """Write bytes of any number at an offset of an upload; pieces may come in any order, and again."""
    content, upload_id, offset = asked.engine.content, asked.names["upload_id"], whole_number(asked.names["offset"])
    if offset is None:
        raise InvalidValue("offset", why=f"{asked.names['offset'][:50]!r} is no whole number of bytes")
    content.get_upload(upload_id)  # before anything is sent

    def end() -> Answer:
        report = content.get_upload(upload_id)
        return Answer(_shape(report, asked) if flag(asked, "details") else None)

    return Intake(lambda before, piece: content.write_upload(upload_id, offset + before, piece), end)


def list_uploads(asked: Asked) -> Answer:
    """Return the uploads under way, in the order they were begun."""
    reports = asked.engine.content.list_uploads()
    shape: dict[str, JSON] = {"upload_ids": [report.upload_id for report in reports]}
    if flag(asked, "details"):
        shape["uploads"] = [_shape(report, asked) for report in reports]
    return Answer(shape)


def get_upload(asked: Asked) -> Answer:
    """Return how much of an upload has come, and until when it is kept."""
    return Answer(_whole_shape(asked.engine.content.get_upload(asked.names["upload_id"])))


def delete_upload(asked: Asked) -> Answer:
    """Remove an upload with its bytes; one that is gone already is no error."""
    asked.engine.content.delete_upload(asked.names["upload_id"])
    return Answer(None)


def _href(upload_id: str) -> str:
    return href("content", "uploads", upload_id)


def _shape(report: UploadReport, asked: Asked) -> dict[str, JSON]:
    shape = _whole_shape(report)
    return shape if flag(asked, "details") else {name: value for name, value in shape.items() if name not in _DETAILS}


def _whole_shape(report: UploadReport) -> dict[str, JSON]:
    return {
        "_href": _href(report.upload_id),
        "upload_id": report.upload_id,
        "size": report.size,
        "create_time": moment(report.created),
        "change_time": moment(report.changed),
        "expires": moment(report.expires),
    }


_ALL, _ONE = "/v2/content/uploads/", "/v2/content/uploads/{upload_id}/"
_QUERY = (Parameter("details", "`true` tells how much has come, and until when it is kept."),)
_NEW = Body(body("NewUpload"), is_optional=True)

ENDPOINTS = (
    Endpoint("GET", _ALL, Operation.READ, list_uploads, {200: _UPLOADS}, query=_QUERY),
    Endpoint("POST", _ALL, Operation.CREATE, create_upload, {201: _UPLOAD}, body=_NEW, query=_QUERY),
    Endpoint("GET", _ONE, Operation.READ, get_upload, {200: _UPLOAD}, problems=(404,)),
    Endpoint("DELETE", _ONE, Operation.DELETE, delete_upload, {200: NULL}),
    Endpoint(
        "PUT",
        f"{_ONE}{{offset}}/",
        Operation.UPDATE,
        write_upload,
        {200: {"anyOf": [_UPLOAD, NULL]}},
        problems=(404,),
        body=Body(_BYTES, kind="bytes"),
        query=_QUERY,
    ),
)
