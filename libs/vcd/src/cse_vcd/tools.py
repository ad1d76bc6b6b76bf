"""Waiting for the tools of guests that boot: one call asks for all machines of a vCenter."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from cse_core.errors import CseError
from cse_vcd.errors import GuestGoneError, GuestUnavailableError, VcenterUnavailableError
from cse_vcd.polling import Poller
from cse_vcd.soap import vim, vmodl
from cse_vcd.timing import Check, Deadline, no_check

log = structlog.get_logger()

_MOST_S: Final = 2.0
_PER_CALL: Final = 200
_READY: Final = "guest.guestOperationsReady"
_STATUS: Final = "guest.toolsRunningStatus"
_RUNNING: Final = "guestToolsRunning"


class ToolsWatch:
    """Args: `call` of the vCenter."""

    def __init__(self, call: Callable[[str, Callable[[Any], Any]], Any]) -> None:
        self._call = call
        self._poller: Poller[bool] = Poller("vcenter-tools", self._ask, most_s=_MOST_S)

    def wait(self, moid: str, *, deadline: Deadline, check: Check = no_check) -> None:
        """Returns when the machine's tools take orders, as far as vCenter can tell, or the deadline has passed.

        Args:
            moid: of the machine.
            deadline: how long to wait.
            check: called at least once a second; what it raises ends the wait.

        Raises:
            GuestGoneError: vCenter does not know the machine.
            CseError: what is wrong with vCenter and will not pass.
        """
        self._poller.wait(moid, deadline=deadline, check=check)

    def close(self) -> None:
        self._poller.close()

    def _ask(self, moids: Sequence[str]) -> dict[str, bool | CseError]:
        outcomes: dict[str, bool | CseError] = {}
        for start in range(0, len(moids), _PER_CALL):
            self._look(moids[start : start + _PER_CALL], outcomes)
        return outcomes

    def _look(self, moids: Sequence[str], outcomes: dict[str, bool | CseError]) -> None:
        try:
            found = self._call("asking for guests that boot", lambda vc: _properties(vc, moids))
        except (VcenterUnavailableError, GuestUnavailableError) as exc:
            log.info("tools_not_asked", error=str(exc), machines=len(moids))
        except GuestGoneError as exc:  # one of them, and vCenter tells nothing of the others
            if len(moids) == 1:
                outcomes[moids[0]] = exc
            else:
                half = len(moids) // 2
                self._look(moids[:half], outcomes)
                self._look(moids[half:], outcomes)
        except CseError as exc:
            outcomes.update(dict.fromkeys(moids, exc))
        else:
            outcomes.update((moid, True) for moid, properties in found.items() if _take_orders(properties))


def _take_orders(properties: dict[str, Any]) -> bool:
    ready = properties.get(_READY)
    return properties.get(_STATUS) == _RUNNING if ready is None else bool(ready)


def _properties(vc: Any, moids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What vCenter says of the machines, by moid; what it does not know yet is left out."""
    collector = vmodl.query.PropertyCollector
    spec = collector.FilterSpec(
        propSet=[collector.PropertySpec(type=vim.VirtualMachine, pathSet=[_READY, _STATUS])],
        objectSet=[collector.ObjectSpec(obj=vc.machine(moid)) for moid in moids],
    )
    found: dict[str, dict[str, Any]] = {}
    page = vc.properties.RetrievePropertiesEx([spec], collector.RetrieveOptions())
    while page is not None:
        for each in page.objects:
            found[each.obj._GetMoId()] = {one.name: one.val for one in each.propSet}  # noqa: SLF001  # pyVmomi's name
        page = vc.properties.ContinueRetrievePropertiesEx(page.token) if page.token else None
    return found
