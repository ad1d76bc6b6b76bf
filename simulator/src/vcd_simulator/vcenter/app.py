"""The HTTP side of a vCenter: /sdk for SOAP, /guestFile for the content of files."""

import functools
import re

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vcd_simulator.faults import Faults
from vcd_simulator.guests.hypervisor import Hypervisor
from vcd_simulator.open_file import OpenFileResponse
from vcd_simulator.stats import Stats
from vcd_simulator.vcenter import transfers
from vcd_simulator.vcenter.calls import Caller
from vcd_simulator.vcenter.content import API_VERSION
from vcd_simulator.vcenter.disturbance import Endpoint, VcenterDisturbance
from vcd_simulator.vcenter.service import VimService
from vcd_simulator.vcenter.sessions import COOKIE, VcenterAccount, new_cookie

_MAX_REQUEST_BYTES = 8 << 20
_MAX_UPLOAD_BYTES = 1 << 30
_COOKIE = re.compile(rf'(?:^|[;,\s]){COOKIE}="?([^";,\s]+)')
_VERSIONS = f"""<?xml version="1.0" encoding="UTF-8" ?>
<namespaces version="1.0">
 <namespace>
  <name>urn:vim25</name>
  <version>{API_VERSION}</version>
  <priorVersions><version>6.5</version><version>6.0</version><version>5.5</version></priorVersions>
 </namespace>
</namespaces>
"""


def create_app(
    hypervisor: Hypervisor, vcenter: VcenterAccount, *, faults: Faults | None = None, stats: Stats | None = None
) -> Starlette:
    """The ASGI application of one vCenter, to be served over TLS on an address of its own.

    `app.state.service` is its `VimService`.
    """
    faults = faults if faults is not None else Faults()
    service = VimService(hypervisor, vcenter, faults=faults)
    site = VcenterDisturbance(
        vcenter.name,
        faults,
        stats if stats is not None else Stats(),
        hypervisor.latency,
    )
    soap = functools.partial(_soap, service, site)
    routes: list[tuple[str, str, Endpoint]] = [
        ("GET", "/sdk/vimServiceVersions.xml", _versions),
        ("GET", "/sdk/vimService.wsdl", _no_wsdl),
        ("POST", "/sdk", soap),
        ("POST", "/sdk/", soap),
        ("POST", "/sdk/vimService", soap),
        ("PUT", transfers.PATH, site.transfer(service.transfers, functools.partial(_upload, service))),
        ("GET", transfers.PATH, site.transfer(service.transfers, functools.partial(_download, service))),
    ]
    app = Starlette(routes=[Route(path, site.front(endpoint), methods=[method]) for method, path, endpoint in routes])
    app.state.service = service
    return app


async def _versions(_request: Request) -> Response:
    return Response(_VERSIONS, media_type="text/xml")


async def _no_wsdl(_request: Request) -> Response:
    return PlainTextResponse("The simulator publishes no WSDL.\n", status_code=404)


async def _soap(service: VimService, site: VcenterDisturbance, request: Request) -> Response:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_REQUEST_BYTES:
            return PlainTextResponse("The request is too large.\n", status_code=413)
    known = _cookie_of(request)
    cookie = known or new_cookie()
    caller = Caller(
        cookie=cookie,
        address=request.client.host if request.client else "",
        agent=request.headers.get("user-agent", ""),
        authority=request.headers.get("host") or request.url.netloc,
    )

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            continue

    response = await site.soap(service, bytes(body), caller, gone)
    if known is None:
        response.headers["set-cookie"] = f'{COOKIE}="{cookie}"; Path=/; HttpOnly; Secure;'
    return response


def _cookie_of(request: Request) -> str | None:
    """The session's cookie. Clients may send back a whole Set-Cookie line, attributes included."""
    found = _COOKIE.search(request.headers.get("cookie", ""))
    return found[1] if found else None


async def _upload(service: VimService, request: Request) -> Response:
    offer = service.transfers.take(request.query_params.get("token", ""), upload=True)
    if offer is None:
        return PlainTextResponse("There is no such transfer.\n", status_code=404)
    tree = offer.guest.tree
    try:
        offer.guest.check_space(offer.path)
        file = await run_in_threadpool(
            tree.open_write, offer.path, mode=offer.attributes.mode or 0o644, exclusive=not offer.overwrite
        )
    except OSError as exc:
        return PlainTextResponse(f"The guest cannot write the file: {exc.strerror}\n", status_code=500)
    try:
        with file:
            received = 0
            async for chunk in request.stream():
                received += len(chunk)
                if received > _MAX_UPLOAD_BYTES:
                    return PlainTextResponse("The file is too large.\n", status_code=413)
                if chunk:
                    await run_in_threadpool(file.write, chunk)
        await run_in_threadpool(offer.attributes.apply, tree, offer.path)
    except (OSError, ClientDisconnect):
        return PlainTextResponse("The transfer was not completed.\n", status_code=500)
    return Response(status_code=200)


async def _download(service: VimService, request: Request) -> Response:
    offer = service.transfers.take(request.query_params.get("token", ""), upload=False)
    if offer is None:
        return PlainTextResponse("There is no such transfer.\n", status_code=404)
    try:
        file = await run_in_threadpool(offer.guest.tree.open_read, offer.path)
    except OSError as exc:
        return PlainTextResponse(f"The guest cannot read the file: {exc.strerror}\n", status_code=500)

    return OpenFileResponse(file)
