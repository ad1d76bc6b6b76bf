"""systemd's units in a guest: which exist, run, and start at boot."""

from dataclasses import dataclass, replace

from vcd_simulator.guests.packages import Packages

_ALWAYS_THERE = (
    "cron",
    "dbus",
    "network",
    "networking",
    "rsyslog",
    "ssh",
    "sshd",
    "systemd-networkd",
    "systemd-resolved",
    "systemd-timesyncd",
    "systemd-journald",
    "vmtoolsd",
    "vgauthd",
)
_INSTALLED_INACTIVE = ("apt-daily", "firewalld", "ufw", "iptables", "unattended-upgrades")
_ALIASES = {"nfs-kernel-server.service": "nfs-server.service", "chronyd.service": "chrony.service"}
_TARGETS = ("multi-user.target", "graphical.target", "nfs-client.target", "rpc-statd.service", "default.target")


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One unit, by its full name."""

    name: str
    active: bool = False
    enabled: bool = False
    masked: bool = False

    @property
    def state(self) -> str:
        """What `systemctl is-active` prints."""
        return "active" if self.active else "inactive"

    @property
    def enablement(self) -> str:
        """What `systemctl is-enabled` prints."""
        return "masked" if self.masked else "enabled" if self.enabled else "disabled"


class Services:
    """The units of one guest."""

    def __init__(self, units: dict[str, Unit]) -> None:
        self._units = units

    @classmethod
    def of_packages(cls, packages: Packages, *, active: bool) -> "Services":
        """Units of an image; those of its packages run when `active`."""
        always = [Unit(name=full_name(name), active=True, enabled=True) for name in (*_ALWAYS_THERE, *_TARGETS)]
        idle = [Unit(name=full_name(name)) for name in _INSTALLED_INACTIVE]
        services = cls({unit.name: unit for unit in (*always, *idle)})
        for package in packages.installed.values():
            services.add(package.services, active=active)
        return services

    def copy(self) -> "Services":
        return Services(dict(self._units))

    def add(self, names: tuple[str, ...], *, active: bool) -> None:
        """Add units that a package brings; those known already stay as they are."""
        for name in map(full_name, names):
            self._units.setdefault(name, Unit(name=name, active=active, enabled=active))

    def find(self, name: str) -> Unit | None:
        return self._units.get(full_name(name))

    def change(
        self, name: str, *, active: bool | None = None, enabled: bool | None = None, masked: bool | None = None
    ) -> None:
        """Change a unit, which appears if need be; what is None stays."""
        unit = self._units.get(full_name(name)) or Unit(name=full_name(name))
        self._units[unit.name] = replace(
            unit,
            active=unit.active if active is None else active,
            enabled=unit.enabled if enabled is None else enabled,
            masked=unit.masked if masked is None else masked,
        )

    def is_active(self, *names: str) -> bool:
        """Whether any of these units runs."""
        return any(unit is not None and unit.active for unit in map(self.find, names))

    def boot(self) -> None:
        """Start what is enabled and nothing else."""
        self._units = {
            name: replace(unit, active=unit.enabled and not unit.masked) for name, unit in self._units.items()
        }

    def all(self) -> list[Unit]:
        return sorted(self._units.values(), key=lambda unit: unit.name)


def full_name(name: str) -> str:
    """A unit's own name, with its type, as systemd completes it."""
    known = (".service", ".socket", ".target", ".timer", ".mount", ".slice", ".path")
    full = name if name.endswith(known) else f"{name}.service"
    return _ALIASES.get(full, full)
