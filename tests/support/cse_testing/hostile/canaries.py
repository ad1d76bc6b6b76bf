"""Proofs that no hostile value got out of its place: in guests, in vCD, in logs, on this machine."""

import base64
import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cse_testing.vcd_rest import VcdRest
from cse_testing.waiting import wait_until
from vcd_simulator.model.compute import Status

_RAW: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
"""What does something to a terminal, or to a reader's eyes, when it is printed."""
_EPHEMERAL: Final = ("vapps", "vms")


def state_of(sysadmin: VcdRest, *, files: bool = False, sessions: bool = False) -> dict[str, Any]:
    """Everything that the simulator holds."""
    query = f"files={str(files).lower()}&sessions={str(sessions).lower()}"
    reply = sysadmin.send("GET", f"/simulator/state?{query}", accept="application/json")
    assert reply.status == 200, reply
    state: dict[str, Any] = json.loads(reply.body)
    return state


class CloudCanary:
    """vCD as it was, and what is another than it was outside of what has been made since.

    Args:
        sysadmin: who looks.
        attacked: names of vApps that requests may change, since that is what they are for.
    """

    def __init__(self, sysadmin: VcdRest, *, attacked: Sequence[str] = ()) -> None:
        self._sysadmin = sysadmin
        self._attacked = attacked
        wait_until(self._is_at_rest, "reports of all guests that run")
        self._before = self._seen()

    def changes(self) -> list[str]:
        """What has changed or is gone, in words."""
        now = self._seen()
        return [f"{key} is another" if key in now else f"{key} is gone" for key in _differing(self._before, now)]

    def _is_at_rest(self) -> bool:
        """Guests report some seconds after they have booted, by which their VMs change."""
        vms = state_of(self._sysadmin)["tables"]["vms"]
        return all(vm["customization"]["reported"] for vm in vms if vm["status"] == Status.POWERED_ON)

    def _seen(self) -> dict[str, Any]:
        state = state_of(self._sysadmin)
        tables = state["tables"]
        tables["vapps"] = [vapp for vapp in tables["vapps"] if vapp["name"] not in self._attacked]
        for network in (*tables["networks"], *tables["external_networks"]):
            network["pool"].pop("used")  # addresses come and go with machines
        entities = {f"{table}/{each['id']}": each for table, rows in tables.items() for each in rows}
        entities |= {f"metadata/{key}": value for key, value in state["metadata"].items()}
        counts = {f"number of {table}": len(rows) for table, rows in tables.items() if table not in _EPHEMERAL}
        return entities | counts


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key, value in before.items():
        if now.get(key) != value:
            yield key


def files_in_guests(state: Mapping[str, Any]) -> Iterator[tuple[str, str, bytes]]:
    """Every file of every guest: the guest's name, the path, the content."""
    for guest in state["guests"]["guests"]:
        inside = guest["inside"]
        if not inside or not inside["files"]:
            continue
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(inside["files"]))) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                yield guest["spec"]["name"], f"/{member.name}", content.read() if content else b""


class LogCanary:
    """Logs of services as they grow."""

    def __init__(self, logs: Mapping[str, Path]) -> None:
        self._logs = logs
        self._from = {name: path.stat().st_size for name, path in logs.items()}

    def text(self) -> str:
        """What has been written since, by all."""
        return "".join(self._new(name) for name in self._logs)

    def problems(self, forged: str) -> list[str]:
        """Lines that were forged, that would do something to a terminal, or that tell of an accident of ours."""
        return [
            f"{name}: {line[:300]!r}"
            for name in self._logs
            for line in self._new(name).split("\n")
            if line.lstrip().startswith((forged, "Traceback")) or _RAW.search(line)
        ]

    def _new(self, name: str) -> str:
        with self._logs[name].open("rb") as log:
            log.seek(self._from[name])
            return log.read().decode(errors="backslashreplace")
