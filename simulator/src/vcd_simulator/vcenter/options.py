"""OptionManager: the settings of a vCenter."""

import threading
from collections.abc import Callable, Mapping

from vcd_simulator.vcenter.objects import Properties
from vcd_simulator.vcenter.sessions import Session
from vcd_simulator.vcenter.soap import Array, Data, Request, SoapFaultError, Value

_OWN = "config."
"""Below it clients may make settings of their own."""
_MOST_OPTIONS, _LONGEST = 1000, 4096


class Options:
    """The settings of one vCenter, which it keeps and does not act upon. Thread-safe."""

    def __init__(self, vcenter: str) -> None:
        self._vcenter = vcenter
        self._values = _at_first(vcenter)
        self._lock = threading.Lock()

    def methods(self) -> Mapping[str, Callable[[Request, Session], Value]]:
        """What OptionManager has, by the names of the vSphere API."""
        return {"QueryOptions": self._query, "UpdateOptions": self._update}

    def properties(self) -> Properties:
        """How to read each property of OptionManager."""
        return {"setting": lambda: Array("OptionValue", self._below(""))}

    def record(self) -> dict[str, str | int | bool]:
        """The settings as they are to be written down."""
        with self._lock:
            return dict(self._values)

    def restore(self, values: Mapping[str, str | int | bool]) -> None:
        """Take the place of what there is by what was written down, and of what was not by what there is at first."""
        with self._lock:
            self._values = {**_at_first(self._vcenter), **values}

    def _below(self, prefix: str) -> list[Data]:
        with self._lock:
            found = sorted(self._values.items())
        return [Data("OptionValue", {"key": key, "value": value}) for key, value in found if key.startswith(prefix)]

    def _query(self, request: Request, _session: Session) -> Value:
        """One setting by its name; those of a branch, by a name that ends in a dot; or all."""
        name = request.arguments.optional_text("name") or ""
        with self._lock:
            value = self._values.get(name)
        if value is not None:
            return [Data("OptionValue", {"key": name, "value": value})]
        found = self._below(name) if not name or name.endswith(".") else []
        if name and not found:
            raise _unknown(name)
        return found

    def _update(self, request: Request, _session: Session) -> Value:
        changes = {one.text("key"): one.text("value", "") for one in request.arguments.children("changedValue")}
        with self._lock:
            after = dict(self._values)
            for key, text in changes.items():
                if key not in after and not (key.startswith(_OWN) and len(key) <= _LONGEST):
                    raise _unknown(key)
                after[key] = _like(after.get(key, ""), key, text)
            if len(after) > _MOST_OPTIONS:
                raise SoapFaultError("LimitExceeded", "There are too many settings.", limit=_MOST_OPTIONS)
            self._values = after
        return None


def _at_first(vcenter: str) -> dict[str, str | int | bool]:
    return {
        "VirtualCenter.InstanceName": vcenter,
        "VirtualCenter.ManagedIP": "",
        "client.timeout.long": 120,
        "client.timeout.normal": 30,
        "event.maxAge": 30,
        "event.maxAgeEnabled": False,
        "log.level": "info",
        "mail.sender": "",
        "task.maxAge": 30,
        "task.maxAgeEnabled": False,
    }


def _like(before: str | int | bool, key: str, text: str) -> str | int | bool:  # each its own type
    """A text as the type that a setting has. Raises SoapFaultError."""
    if isinstance(before, bool):
        if text in ("true", "false", "1", "0"):
            return text in ("true", "1")
    elif isinstance(before, int):
        if text.lstrip("-").isdecimal() and len(text) < 10:
            return int(text)
    elif len(text) <= _LONGEST:
        return text
    raise SoapFaultError("InvalidArgument", f"The value of {key} is of the wrong type.", invalidProperty=key)


def _unknown(name: str) -> SoapFaultError:
    return SoapFaultError("InvalidName", f"There is no setting {name!r}.", name=name)
