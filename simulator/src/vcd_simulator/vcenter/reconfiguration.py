"""ReconfigVM_Task: what a VirtualMachineConfigSpec changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from vcd_simulator.guests.errors import PowerStateError
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.spec import PowerState
from vcd_simulator.vcenter.guest_access import power_fault
from vcd_simulator.vcenter.soap import Arguments, Data, Long, SoapFaultError, invalid_request

_MOST_CPUS, _LEAST_MB, _MOST_MB = 128, 4, 6 << 20
_MOST_SETTINGS, _LONGEST_KEY, _LONGEST_VALUE, _LONGEST_NOTE = 1000, 255, 65535, 16384
_KNOWN = frozenset(
    [
        "changeVersion", "name", "annotation", "numCPUs", "numCoresPerSocket", "memoryMB", "memoryHotAddEnabled",
        "cpuHotAddEnabled", "extraConfig",
    ]
)  # fmt: skip
_GUEST_INFO = "guestinfo."


@dataclass(frozen=True, kw_only=True)
class Reconfiguration:
    """What is to change; what is None stays."""

    version: str | None
    name: str | None
    annotation: str | None
    cpus: int | None
    cores: int | None
    memory_mb: int | None
    cpu_hot_add: bool | None
    memory_hot_add: bool | None
    settings: Mapping[str, str]

    def apply(self, guest: Guest) -> None:
        """Change a machine. Raises SoapFaultError: it changed meanwhile, or its power state does not allow that."""
        with guest.lock:
            if self.version not in (None, "", guest.change_version):
                raise SoapFaultError("ConcurrentAccess", "The machine has been changed by somebody else.")
            self._check_power(guest)
            settings = {**guest.hardware.settings, **{k: v for k, v in self.settings.items() if not _is_told(k)}}
            if len(settings) > _MOST_SETTINGS:
                raise SoapFaultError("LimitExceeded", "There are too many settings.", limit=_MOST_SETTINGS)
            changed: dict[str, Any] = {
                "annotation": self.annotation,
                "cores_per_socket": self.cores,
                "cpu_hot_add": self.cpu_hot_add,
                "memory_hot_add": self.memory_hot_add,
                "settings": {key: value for key, value in settings.items() if value},
            }
            guest.hardware = replace(guest.hardware, **{key: new for key, new in changed.items() if new is not None})
            for key in filter(_is_told, self.settings):
                guest.set_information(key.removeprefix(_GUEST_INFO), self.settings[key])
            sizes: dict[str, Any] = {"cpu_count": self.cpus, "memory_mb": self.memory_mb, "name": self.name}
            guest.change_spec(**{key: value for key, value in sizes.items() if value is not None})

    def to_data(self) -> Data:
        """The change as a VirtualMachineConfigSpec."""
        settings = [Data("OptionValue", {"key": key, "value": value}) for key, value in self.settings.items()]
        return Data(
            "VirtualMachineConfigSpec",
            {
                "changeVersion": self.version,
                "name": self.name,
                "annotation": self.annotation,
                "numCPUs": self.cpus,
                "numCoresPerSocket": self.cores,
                "memoryMB": None if self.memory_mb is None else Long(self.memory_mb),
                "memoryHotAddEnabled": self.memory_hot_add,
                "cpuHotAddEnabled": self.cpu_hot_add,
                "extraConfig": settings,
            },
        )

    def _check_power(self, guest: Guest) -> None:
        """A machine that is off takes everything, one that runs takes more processors and memory if it is told so."""
        cpus, cores = self.cpus or guest.spec.cpu_count, self.cores or guest.hardware.cores_per_socket
        if cpus % cores:
            raise invalid_request("numCPUs is no multiple of numCoresPerSocket", "configSpec.numCoresPerSocket")
        if guest.power is PowerState.OFF:
            return
        hardware = guest.hardware
        if cpus != guest.spec.cpu_count and (cpus < guest.spec.cpu_count or not hardware.cpu_hot_add):
            raise SoapFaultError("CpuHotPlugNotSupported", "CPU hot plug is not supported for this virtual machine.")
        memory_mb = self.memory_mb or guest.spec.memory_mb
        if memory_mb != guest.spec.memory_mb and (memory_mb < guest.spec.memory_mb or not hardware.memory_hot_add):
            raise SoapFaultError(
                "MemoryHotPlugNotSupported", "Memory hot plug is not supported for this virtual machine."
            )
        wanted = (self.cpu_hot_add, self.memory_hot_add, self.cores)
        present = (hardware.cpu_hot_add, hardware.memory_hot_add, hardware.cores_per_socket)
        if any(new not in (None, old) for new, old in zip(wanted, present, strict=True)):
            raise power_fault(PowerStateError(requested=PowerState.OFF, existing=guest.power))


def reconfigure(spec: Arguments) -> Reconfiguration:
    """Read a VirtualMachineConfigSpec. Raises SoapFaultError: it asks for what machines here cannot change."""
    for name in spec.names():
        if name not in _KNOWN:
            raise SoapFaultError("NotSupported", f"The simulator cannot change {name} of a machine.")
    cpus, cores = _number(spec, "numCPUs", 1, _MOST_CPUS), _number(spec, "numCoresPerSocket", 1, _MOST_CPUS)
    memory_mb = _number(spec, "memoryMB", _LEAST_MB, _MOST_MB)
    if memory_mb is not None and memory_mb % _LEAST_MB:
        raise invalid_request(f"memoryMB is no multiple of {_LEAST_MB}", "configSpec.memoryMB")
    annotation = spec.optional_text("annotation")
    if annotation is not None and len(annotation) > _LONGEST_NOTE:
        raise invalid_request("the annotation is too long", "configSpec.annotation")
    return Reconfiguration(
        version=spec.optional_text("changeVersion"),
        name=spec.optional_text("name"),
        annotation=annotation,
        cpus=cpus,
        cores=cores,
        memory_mb=memory_mb,
        cpu_hot_add=spec.boolean("cpuHotAddEnabled") if spec.has("cpuHotAddEnabled") else None,
        memory_hot_add=spec.boolean("memoryHotAddEnabled") if spec.has("memoryHotAddEnabled") else None,
        settings=_settings(spec),
    )


def _is_told(key: str) -> bool:
    """Whether a setting is one that the guest can read and write through its tools."""
    return key.startswith(_GUEST_INFO)


def _number(spec: Arguments, name: str, least: int, most: int) -> int | None:
    if not spec.has(name):
        return None
    number = spec.integer(name)
    if not least <= number <= most:
        raise invalid_request(f"{name} is not between {least} and {most}", f"configSpec.{name}")
    return number


def _settings(spec: Arguments) -> dict[str, str]:
    found = {one.text("key"): one.text("value", "") for one in spec.children("extraConfig")}
    if any(not 0 < len(key) <= _LONGEST_KEY or len(value) > _LONGEST_VALUE for key, value in found.items()):
        raise invalid_request("a setting's key or value is too long, or has no key", "configSpec.extraConfig")
    return found
