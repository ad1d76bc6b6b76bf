"""Answers and errors as clients get them: XML or JSON, with the media type of their version."""

import json
from collections.abc import Sequence

from starlette.responses import Response

from vcd_simulator.errors import VcdError
from vcd_simulator.rest import xml
from vcd_simulator.rest.context import Reply
from vcd_simulator.rest.jsonform import to_json
from vcd_simulator.rest.versions import Accepted, ApiVersion

_CLOUDAPI = "application/json"
"""The format of everything below `/cloudapi`."""


def _media_type(kind: str, version: ApiVersion | None) -> str:
    return f"{kind};version={version}" if version is not None else kind


def render(reply: Reply, accepted: Accepted, embedded: Sequence[bytes]) -> Response:
    """A reply in the format that the Accept header asked for; `embedded` are fragments that its document has."""
    content = reply.content
    if content is None:
        return Response(b"", reply.status, reply.headers)
    if isinstance(content, bytes):
        stated = reply.media_type
        return Response(
            content,
            reply.status,
            reply.headers,
            _media_type(stated, accepted.version) if stated == _CLOUDAPI else stated,
        )
    kind = reply.media_type or content.get("type") or "application/*+xml"
    if accepted.json:
        kind = kind.replace("text/xml", "application/*+json").replace("+xml", "+json")
        return Response(to_json(content), reply.status, reply.headers, _media_type(kind, accepted.version))
    rendered = xml.render(content, embedded)
    return Response(rendered, reply.status, reply.headers, _media_type(kind, accepted.version))


def render_error(error: VcdError, raw_path: str, accepted: Accepted, request_id: str) -> Response:
    """An error in the form that the path and the Accept header call for.

    A 401 below /api has no body, as clients know it.
    """
    if raw_path.startswith("/cloudapi"):
        shape = {"minorErrorCode": error.minor, "message": f"[ {request_id} ] {error.message}", "stackTrace": None}
        return Response(json.dumps(shape), error.status, media_type=_media_type(_CLOUDAPI, accepted.version))
    if error.status == 401:
        return Response(b"", 401)
    kind = "application/vnd.vmware.vcloud.error"
    message = (
        error.message
        if error.status == 504
        else f"[ {request_id} ] {error.message}".replace(f"[ {request_id} ] [ ", "[ ")
    )
    if accepted.json:
        fields: dict[str, object] = {
            "otherAttributes": {},
            "message": message,
            "majorErrorCode": error.status,
            "minorErrorCode": error.minor,
            "vendorSpecificErrorCode": None,
            "stackTrace": None,
            "tenantError": None,
        }
        return Response(json.dumps(fields), error.status, media_type=_media_type(f"{kind}+json", accepted.version))
    document = xml.vcloud(
        "Error", minorErrorCode=error.minor, majorErrorCode=error.status, message=message, stackTrace=""
    )
    return Response(xml.render(document), error.status, media_type=_media_type(f"{kind}+xml", accepted.version))
