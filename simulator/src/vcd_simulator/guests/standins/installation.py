"""Installing and removing packages, whatever the package manager."""

from vcd_simulator.guests.channel import Call
from vcd_simulator.guests.packages import Package, offered_from
from vcd_simulator.guests.standins import services


async def offered_packages(call: Call, file: str, directory: str) -> dict[str, Package]:
    """Packages of the repositories in a file and a directory of files."""
    texts = []
    try:
        paths = [file, *(f"{directory}/{name}" for name in await call.names_in(directory))]
    except OSError:
        paths = [file]
    for path in paths:
        try:
            texts.append(await call.read(path))
        except OSError:
            continue
    packages = call.guest.packages
    return packages.installed | offered_from(packages.family, texts)


async def install(call: Call, wanted: list[Package], offered: dict[str, Package]) -> list[Package]:
    """Install packages; their services run at once, as Debian's do, or wait to be started, as RPM's do."""
    guest = call.guest
    if any(guest.packages.missing(package, offered) for package in wanted):
        await call.wait(guest.platform.latency.delay("guest.process.package-install"))
    debian = guest.packages.family == "debian"
    with guest.lock:
        added = [one for package in wanted for one in guest.packages.install(package, offered)]
        for package in added:
            # The kubelet restarts in a loop until kubeadm has configured it, which is as good as not running.
            active = debian and package.name != "kubelet"
            guest.services.add(package.services, active=active)
            for name in package.services if active else ():
                services.started(guest, f"{name}.service")
            if package.name == "kubelet" and debian and guest.services.is_active("kubelet"):
                services.started(guest, "kubelet.service")  # its package starts it anew
        guest.disk.refresh_commands()
    return added


async def remove(call: Call, name: str) -> None:
    """Remove a package, and stop its services; says so if it is not there."""
    guest = call.guest
    if name not in guest.packages.installed:
        await call.out(f"Package '{name}' is not installed, so not removed")
        return
    with guest.lock:
        for unit in guest.packages.installed[name].services:
            guest.services.change(unit, active=False, enabled=False)
        guest.packages.remove(name)
        guest.disk.refresh_commands()
    await call.out(f"Removing {name} ...")
