"""History collectors: reading what is remembered of events or tasks, in pages and in both directions."""

import itertools
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from vcd_simulator.vcenter.objects import Properties
from vcd_simulator.vcenter.sessions import Session
from vcd_simulator.vcenter.soap import Array, Data, Ref, Request, SoapFaultError, Value, invalid_request, missing_object

MOST_COLLECTORS = 32
"""How many collectors of one kind a session may have."""
_PAGE = 10
_LARGEST_PAGE = 1000


class Record(Protocol):
    """Something that has happened. Keys grow with time."""

    @property
    def key(self) -> int: ...
    def to_data(self) -> Data: ...


Fits = Callable[[Record], bool]


@dataclass
class _Collector:
    session: str
    fits: Fits
    page: int = _PAGE
    position: int = 0
    """Key of the first record after the place where reading goes on."""


class Histories:
    """The collectors of all sessions for one kind of records. Thread-safe; a collector ends with its session."""

    def __init__(self, kind: str, element: str, records: Callable[[], Iterable[Record]]) -> None:
        """`kind` is their managed type, `element` that of what they read; `records` yields these, oldest first."""
        self.kind = kind
        self._element = element
        self._records = records
        self._collectors: dict[Ref, _Collector] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def create(self, session: str, fits: Fits) -> Ref:
        """A collector that begins at the oldest record. Raises SoapFaultError: the session has too many."""
        with self._lock:
            if sum(one.session == session for one in self._collectors.values()) >= MOST_COLLECTORS:
                raise SoapFaultError("InvalidState", "The session has too many history collectors; destroy one.")
            ref = Ref(self.kind, f"session[{session[:8]}]{next(self._numbers)}")
            self._collectors[ref] = _Collector(session, fits)
        return ref

    def forget(self, session: str) -> None:
        """Destroy the collectors of a session that has ended."""
        with self._lock:
            self._collectors = {ref: one for ref, one in self._collectors.items() if one.session != session}

    def methods(self) -> dict[str, Callable[[Request, Session], Value]]:
        """What there is, by the names of the vSphere API."""
        return {
            f"ReadNext{self._element}s": self._read_next,
            f"ReadPrevious{self._element}s": self._read_previous,
            "RewindCollector": self._rewind,
            "ResetCollector": self._reset,
            "SetCollectorPageSize": self._set_page,
            "DestroyCollector": self._destroy,
        }

    def properties(self, session: str, ref: Ref) -> Properties:
        """How to read each property of a collector. Raises SoapFaultError (ManagedObjectNotFound)."""
        collector = self._find(session, ref)
        return {"latestPage": lambda: self._array(self._latest(collector))}

    def _read_next(self, request: Request, session: Session) -> Value:
        collector, most = self._find(session.key, request.this), _most(request)
        with self._lock:
            found = [one for one in self._records() if one.key >= collector.position and collector.fits(one)][:most]
            if found:
                collector.position = found[-1].key + 1
        return [one.to_data() for one in found]

    def _read_previous(self, request: Request, session: Session) -> Value:
        collector, most = self._find(session.key, request.this), _most(request)
        with self._lock:
            older = [one for one in self._records() if one.key < collector.position and collector.fits(one)]
            found = older[::-1][:most]
            if found:
                collector.position = found[-1].key
        return [one.to_data() for one in found]

    def _rewind(self, request: Request, session: Session) -> Value:
        """To just before the latest page, from where reading goes backwards."""
        collector = self._find(session.key, request.this)
        latest = self._latest(collector)
        with self._lock:
            collector.position = latest[-1].key if latest else 0
        return None

    def _reset(self, request: Request, session: Session) -> Value:
        self._find(session.key, request.this).position = 0
        return None

    def _set_page(self, request: Request, session: Session) -> Value:
        self._find(session.key, request.this).page = _most(request)
        return None

    def _destroy(self, request: Request, session: Session) -> Value:
        self._find(session.key, request.this)
        with self._lock:
            self._collectors.pop(request.this, None)
        return None

    def _latest(self, collector: _Collector) -> list[Record]:
        """The last page, newest first."""
        return [one for one in self._records() if collector.fits(one)][-collector.page :][::-1]

    def _array(self, records: Sequence[Record]) -> Array:
        return Array(
            self._element if self._element == "Event" else f"{self._element}Info", [r.to_data() for r in records]
        )

    def _find(self, session: str, ref: Ref) -> _Collector:
        with self._lock:
            found = self._collectors.get(ref)
        if found is None or found.session != session:
            raise missing_object(ref)
        return found


def _most(request: Request) -> int:
    wanted = request.arguments.integer("maxCount")
    if not 0 < wanted <= _LARGEST_PAGE:
        raise invalid_request(f"maxCount is not between 1 and {_LARGEST_PAGE}", "maxCount")
    return wanted
