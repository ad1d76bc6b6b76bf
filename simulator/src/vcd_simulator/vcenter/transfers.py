"""File transfers: URLs that are good for one PUT or GET, without credentials."""

import secrets
import threading
import time
from dataclasses import dataclass

from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.tree import FileTree

PATH = "/guestFile"
_LIFETIME_S = 600.0


@dataclass(frozen=True, kw_only=True)
class Attributes:
    """Permissions, owners and times that a client wants a file to have; None leaves one as it is."""

    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    modified: float | None = None
    accessed: float | None = None

    def apply(self, tree: FileTree, path: str) -> None:
        """Raises OSError."""
        tree.change(path, mode=self.mode, modified=self.modified, accessed=self.accessed, uid=self.uid, gid=self.gid)


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """One offered transfer."""

    guest: Guest
    path: str
    upload: bool
    size: int
    attributes: Attributes
    overwrite: bool
    expires: float


class Transfers:
    """Transfers that a vCenter has offered and nobody has used yet. Thread-safe."""

    def __init__(self) -> None:
        self._offers: dict[str, Transfer] = {}
        self._lock = threading.Lock()

    def offer_upload(
        self, authority: str, guest: Guest, path: str, size: int, attributes: Attributes, *, overwrite: bool
    ) -> str:
        """URL for one PUT; `authority` is host and port by which the client reaches us."""
        return self._offer(authority, guest, path, upload=True, size=size, attributes=attributes, overwrite=overwrite)

    def offer_download(self, authority: str, guest: Guest, path: str) -> str:
        """URL for one GET."""
        return self._offer(authority, guest, path, upload=False, size=0, attributes=Attributes(), overwrite=False)

    def peek(self, key: str) -> Transfer | None:
        """An offer, without using it up."""
        with self._lock:
            return self._offers.get(key)

    def take(self, key: str, *, upload: bool) -> Transfer | None:
        """Use an offer up; None when there is none, or it is for the other direction."""
        with self._lock:
            offer = self._offers.get(key)
            if offer is None or offer.upload is not upload:
                return None
            del self._offers[key]
        return offer if time.monotonic() < offer.expires else None

    def _offer(
        self,
        authority: str,
        guest: Guest,
        path: str,
        *,
        upload: bool,
        size: int,
        attributes: Attributes,
        overwrite: bool,
    ) -> str:
        key = secrets.token_urlsafe(24)
        now = time.monotonic()
        with self._lock:
            for old in [old for old, offer in self._offers.items() if offer.expires < now]:
                del self._offers[old]
            self._offers[key] = Transfer(
                guest=guest,
                path=path,
                upload=upload,
                size=size,
                attributes=attributes,
                overwrite=overwrite,
                expires=now + _LIFETIME_S,
            )
        return f"https://{authority}{PATH}?id={len(self._offers)}&token={key}"
