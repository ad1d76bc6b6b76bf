"""pyvcloud's client, made fit for a service: no log file, our transport, our errors."""

import logging
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from lxml import etree
from pyvcloud.vcd.client import API_CURRENT_VERSIONS, Client

from cse_vcd.documents import Element
from cse_vcd.errors import VcdFault, VcdUnavailableError, from_transport
from cse_vcd.transport import PooledAdapter, equip

KNOWN_VERSIONS: Final[tuple[str, ...]] = tuple(API_CURRENT_VERSIONS)
"""The API versions that pyvcloud knows, oldest first."""

_GOOD: Final = frozenset({200, 201, 202, 204})
_REQUEST_ID: Final = "X-VMWARE-VCLOUD-REQUEST-ID"


class VcdClient(Client):  # type: ignore[misc]  # pyvcloud has no types
    """A pyvcloud client that raises errors of `cse_vcd.errors` from every request.

    Once logged in it may be used by many threads: it is not changed any more, and connections come from the pool.
    """

    def __init__(self, url: str, *, api_version: str, verify: bool | str, adapter: PooledAdapter) -> None:
        self._adapter = adapter
        self._url = url
        super().__init__(url, api_version=api_version, verify_ssl_certs=verify)
        self._peer = f"vCD at {url.removeprefix('https://')}"

    def _get_default_logger(self, *_args: object, **_kwargs: object) -> None:
        """Instead of a log file in the working directory: the logging of the process, which redacts."""
        self._logger = logging.getLogger("pyvcloud")

    def _do_request_prim(
        self,
        method: str,
        uri: str,
        session: requests.Session,
        *,
        auth: Any = None,
        missing: str | None = None,
        **options: Any,
    ) -> requests.Response:
        """What all requests of pyvcloud go through. `missing`: as in `VcdSession`."""
        if auth is not None:
            auth = tuple(part.encode() for part in auth)  # requests would refuse what is not latin-1
        try:
            response: requests.Response = super()._do_request_prim(
                method, uri, equip(session, self._adapter), auth=auth, **options
            )
        except (requests.RequestException, OSError) as exc:
            raise from_transport(exc, self._peer) from exc
        if response.status_code not in _GOOD:
            fault = VcdFault(response.status_code, response.content, response.headers.get(_REQUEST_ID))
            raise fault.to_error(missing)
        return response

    def send(
        self,
        method: str,
        href: str,
        *,
        body: Element | None = None,
        kind: str | None = None,
        headers: dict[str, str] | None = None,
        missing: str | None = None,
    ) -> Element | None:
        """One request with the session's token; the document answered, or None if there is none."""
        response = self._do_request_prim(
            method,
            self.at_home(href),
            self._session,
            contents=body,
            media_type=kind,
            extra_headers=dict(headers or {}),
            missing=missing,
        )
        if not response.content:
            return None
        try:
            return etree.fromstring(response.content, _parser())
        except etree.XMLSyntaxError as exc:
            raise VcdUnavailableError(f"{self._peer} answers with something that is not XML; is it a vCD?") from exc

    def at_home(self, href: str) -> str:
        """The href at the address that is configured.

        vCD writes its public address into links; it may be another name, or lead outside our network. The token is
        meant for the configured address only.
        """
        parts = urlsplit(href)
        return self._url + parts.path + (f"?{parts.query}" if parts.query else "")


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
