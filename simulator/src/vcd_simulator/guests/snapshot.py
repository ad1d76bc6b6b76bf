"""Guests as they are written down in a saved state.

Running programs are not: a restored guest is one whose programs have just been killed. Guests in which nothing has
ever happened are kept by the name of their image.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vcd_simulator.guests.accounts import Account, Accounts
from vcd_simulator.guests.archive import pack, unpack
from vcd_simulator.guests.images import Distribution, Image
from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, Node, Token
from vcd_simulator.guests.kubernetes.pki import ClusterPki
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.packages import Package, Packages
from vcd_simulator.guests.services import Services, Unit
from vcd_simulator.guests.spec import GuestSpec, PowerState, ToolsState
from vcd_simulator.guests.virtual_hardware import VirtualHardware


@dataclass(kw_only=True)
class SystemRecord:
    """What the simulator knows about the software of a guest or an image."""

    accounts: list[Account]
    groups: dict[str, int]
    packages: list[Package]
    held_packages: list[str]
    units: list[Unit]
    sysctls: dict[str, str]


@dataclass(kw_only=True)
class ImageRecord:
    """A captured image."""

    name: str
    distribution: str
    password: str = field(repr=False)
    system: SystemRecord
    files: str | None = field(default=None, repr=False)
    """An archive in base64."""


@dataclass(kw_only=True)
class InsideRecord:
    """A guest in which something has happened."""

    boots: int
    booted_at: float | None
    hostname: str
    system: SystemRecord
    modules: list[str]
    swap_on: bool
    mounts: list[tuple[str, tuple[str, str, str]]]
    exports: list[tuple[tuple[str, str], str]]
    container_images: list[str]
    firewall: list[tuple[str, tuple[str, ...]]]
    control_plane_of: int | None
    """Number of the cluster whose control plane it is."""
    joined: tuple[int, str] | None
    """Number of the cluster that it belongs to, and its name there."""
    information: dict[str, str] = field(default_factory=dict)
    hardware: VirtualHardware = field(default_factory=VirtualHardware)
    files: str | None = field(default=None, repr=False)


@dataclass(kw_only=True)
class GuestRecord:
    """One virtual machine."""

    moid: str
    image: str
    vcenter: str
    power: PowerState = PowerState.OFF
    spec: GuestSpec | None = None
    inside: InsideRecord | None = None


@dataclass(kw_only=True)
class NodeRecord:
    """A node of a cluster, by the moid of its machine."""

    name: str
    moid: str
    control_plane: bool
    registered: float
    ready_at: float
    kubelet_version: str
    cordoned: bool
    labels: dict[str, str]
    annotations: dict[str, str] = field(default_factory=dict)
    taints: tuple[tuple[str, str, str], ...] | None = None


@dataclass(kw_only=True)
class ClusterRecord:
    """A Kubernetes cluster."""

    version: str
    address: str
    pod_subnet: str
    service_subnet: str
    pki: ClusterPki
    created: float
    settle_s: float
    network_since: float | None
    nodes: list[NodeRecord]
    tokens: list[Token]
    objects: list[Manifest]


@dataclass(kw_only=True)
class GuestsRecord:
    """Everything of a hypervisor."""

    images: list[ImageRecord] = field(default_factory=list)
    guests: list[GuestRecord] = field(default_factory=list)
    clusters: list[ClusterRecord] = field(default_factory=list)


def take_guests(guests: Iterable[Guest], images: Iterable[Image], *, files: bool) -> GuestsRecord:
    """Write guests and captured images down; without `files`, their disks are those of their images again."""
    guests = list(guests)
    clusters: dict[int, Cluster] = {}
    for guest in guests:
        for cluster in (guest.cluster, guest.joined[0] if guest.joined else None):
            if cluster is not None:
                clusters.setdefault(id(cluster), cluster)
    numbers = {key: number for number, key in enumerate(clusters)}
    return GuestsRecord(
        images=[_take_image(image) for image in images],
        guests=[_take_guest(guest, numbers, files=files) for guest in guests],
        clusters=[_take_cluster(cluster) for cluster in clusters.values()],
    )


def _files(*directories: Path) -> str:
    return base64.b64encode(pack(*directories)).decode()


def _take_system(
    accounts: Accounts, packages: Packages, services: Services, sysctls: Mapping[str, str]
) -> SystemRecord:
    return SystemRecord(
        accounts=[account for name in accounts.names() if (account := accounts.find(name)) is not None],
        groups=dict(accounts.groups),
        packages=list(packages.installed.values()),
        held_packages=sorted(packages.held),
        units=services.all(),
        sysctls=dict(sysctls),
    )


def _take_image(image: Image) -> ImageRecord:
    return ImageRecord(
        name=image.name,
        distribution=image.distribution.name,
        password=image.password,
        system=_take_system(image.accounts, image.packages, image.services, image.sysctls),
        files=None if image.disk is None else _files(image.disk / "root", image.disk / "local"),
    )


def _take_guest(guest: Guest, clusters: Mapping[int, int], *, files: bool) -> GuestRecord:
    with guest.lock:
        record = GuestRecord(moid=guest.moid, image=guest.image.name, vcenter=guest.vcenter, power=guest.power)
        if guest.is_untouched and guest.power is PowerState.OFF:
            return record
        record.spec = guest.spec
        record.inside = InsideRecord(
            boots=guest.boots,
            booted_at=guest.booted_at,
            hostname=guest.hostname,
            system=_take_system(guest.accounts, guest.packages, guest.services, guest.system.sysctls),
            modules=sorted(guest.system.modules),
            swap_on=guest.system.swap_on,
            mounts=list(guest.system.mounts.items()),
            exports=list(guest.system.exports.items()),
            container_images=sorted(guest.system.container_images),
            information=dict(guest.information),
            hardware=guest.hardware,
            firewall=list(guest.system.firewall),
            control_plane_of=None if guest.cluster is None else clusters[id(guest.cluster)],
            joined=None if guest.joined is None else (clusters[id(guest.joined[0])], guest.joined[1]),
            files=_files(*guest.disk.paths.disk) if files and guest.has_disk else None,
        )
        return record


def _take_cluster(cluster: Cluster) -> ClusterRecord:
    state = cluster.state()
    return ClusterRecord(
        version=cluster.version,
        address=cluster.address,
        pod_subnet=cluster.pod_subnet,
        service_subnet=cluster.service_subnet,
        pki=cluster.pki,
        created=cluster.created,
        settle_s=state.settle_s,
        network_since=state.network_since,
        nodes=[
            NodeRecord(
                name=node.name,
                moid=node.guest.moid,
                control_plane=node.control_plane,
                registered=node.registered,
                ready_at=node.ready_at,
                kubelet_version=node.kubelet_version,
                cordoned=node.cordoned,
                labels=dict(node.labels),
                annotations=dict(node.annotations),
                taints=node.taints,
            )
            for node in state.nodes
        ],
        tokens=state.tokens,
        objects=state.objects,
    )


def restore_image(record: ImageRecord, base: Image, directory: Path) -> Image:
    """A captured image, its files laid out in a directory of its own. Raises ArchiveError."""
    accounts, packages, services = _restore_system(record.system, base.distribution)
    if record.files is not None:
        unpack(base64.b64decode(record.files), directory)
    return replace(
        base,
        name=record.name,
        password=record.password,
        accounts=accounts,
        packages=packages,
        services=services,
        sysctls=record.system.sysctls,
        disk=directory if record.files is not None else None,
    )


def restore_inside(guest: Guest, record: InsideRecord, clusters: list[Cluster]) -> None:
    """Make a new guest what another one was. Raises ArchiveError."""
    accounts, packages, services = _restore_system(record.system, guest.image.distribution)
    system = guest.system
    system.accounts, system.packages, system.services = accounts, packages, services
    guest.boots, guest.booted_at, guest.hostname = record.boots, record.booted_at, record.hostname
    system.sysctls = dict(record.system.sysctls)
    system.modules, system.swap_on = set(record.modules), record.swap_on
    system.mounts, system.exports = dict(record.mounts), dict(record.exports)
    system.information = dict(record.information)
    guest.hardware = record.hardware
    system.container_images, system.firewall = set(record.container_images), list(record.firewall)
    guest.cluster = None if record.control_plane_of is None else clusters[record.control_plane_of]
    guest.joined = None if record.joined is None else (clusters[record.joined[0]], record.joined[1])
    if record.files is not None:
        guest.disk.lay_out(base64.b64decode(record.files))
    if guest.power is PowerState.ON and guest.booted_at is not None:
        guest.tools = ToolsState.RUNNING


def _restore_system(record: SystemRecord, distribution: Distribution) -> tuple[Accounts, Packages, Services]:
    return (
        Accounts(record.accounts, record.groups),
        Packages(distribution.family, {one.name: one for one in record.packages}, set(record.held_packages)),
        Services({unit.name: unit for unit in record.units}),
    )


def restore_cluster(record: ClusterRecord) -> Cluster:
    """A cluster without its nodes, which refer to guests."""
    cluster = Cluster(
        version=record.version,
        address=record.address,
        pod_subnet=record.pod_subnet,
        service_subnet=record.service_subnet,
        pki=record.pki,
        settle_s=record.settle_s,
    )
    cluster.created = record.created
    cluster.resume(record.tokens, record.objects, record.network_since)
    return cluster


def restore_nodes(cluster: Cluster, record: ClusterRecord, guests: Mapping[str, Guest]) -> None:
    """Register a cluster's nodes; those whose machine is gone are left out."""
    for node in record.nodes:
        guest = guests.get(node.moid)
        if guest is not None:
            fields: dict[str, Any] = {**vars(node), "guest": guest}
            del fields["moid"]
            cluster.register(Node(**fields))
