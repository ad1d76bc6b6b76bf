"""Network connections of VMs: checked, connected to pools, disconnected."""

from dataclasses import dataclass

from vcd_simulator import errors
from vcd_simulator.model.addresses import AddressInUseError, IpPool, PoolExhaustedError, mac_address
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Nic, Vapp, VappNetwork, Vm

ALLOCATION_MODES = ("POOL", "DHCP", "MANUAL", "NONE")
NO_NETWORK = "none"


@dataclass(kw_only=True)
class NicSpec:
    """A network connection as a request wants it."""

    index: int
    network: str = NO_NETWORK
    mode: str = "NONE"
    ip_address: str | None = None
    connected: bool = False
    adapter_type: str = "VMXNET3"
    mac_address: str | None = None


def new_mac(cloud: Cloud) -> str:
    """A MAC address that nobody has."""
    return mac_address(cloud.next_number("mac"))


def make_nic(cloud: Cloud, vapp: Vapp, spec: NicSpec) -> Nic:
    """A checked network connection, without an address from a pool yet."""
    if spec.mode not in ALLOCATION_MODES:
        raise errors.bad_request(
            f"Bad request: validation error, IpAddressAllocationMode is not one of {', '.join(ALLOCATION_MODES)}."
        )
    if spec.network != NO_NETWORK and spec.network not in vapp.networks:
        raise errors.bad_request(f'The network "{spec.network}" does not exist in the vApp {vapp.name}.')
    if spec.mode == "MANUAL" and not spec.ip_address:
        raise errors.bad_request("Bad request: validation error, mode MANUAL needs an IpAddress.")
    return Nic(
        index=spec.index,
        network=spec.network,
        mode=spec.mode if spec.network != NO_NETWORK else "NONE",
        ip_address=spec.ip_address if spec.mode == "MANUAL" else None,
        mac_address=spec.mac_address or new_mac(cloud),
        connected=spec.connected and spec.network != NO_NETWORK,
        adapter_type=spec.adapter_type,
    )


def pool_of(cloud: Cloud, network: VappNetwork) -> IpPool | None:
    """Where a network of a vApp takes its addresses from."""
    if network.pool is not None:
        return network.pool
    parent = cloud.networks.get(network.parent_id)
    return parent.pool if parent is not None else None


def connect(cloud: Cloud, vapp: Vapp, vm: Vm) -> None:
    """Give every connection of a VM its address; its own connections may share one that was chosen by hand.

    Raises:
        VcdError: a pool is empty, or a wanted address is taken. Nothing has been allocated then.
    """
    try:
        for nic in vm.nics:
            network = vapp.networks.get(nic.network)
            pool = pool_of(cloud, network) if network is not None else None
            if pool is None:
                continue
            if nic.ip_address is not None:
                pool.claim(nic.ip_address, vm.id)
            elif nic.mode in ("POOL", "DHCP"):
                nic.ip_address = pool.allocate(vm.id)
    except PoolExhaustedError:
        disconnect(cloud, vapp, vm)
        raise errors.bad_request(
            f'There are no more free IP addresses in the network "{nic.network}" for the VM {vm.name}.',
            "OUT_OF_IP_ADDRESSES",
        ) from None
    except AddressInUseError as exc:
        disconnect(cloud, vapp, vm)
        raise errors.bad_request(
            f'The network "{nic.network}" cannot give the VM {vm.name} its address: {exc}.'
        ) from exc


def release(cloud: Cloud, vapp: Vapp, vm: Vm, nic: Nic) -> None:
    """Give the address of one connection back, if it has one."""
    network = vapp.networks.get(nic.network)
    pool = pool_of(cloud, network) if network is not None else None
    if pool is not None and nic.ip_address is not None:
        pool.release(nic.ip_address, vm.id)


def disconnect(cloud: Cloud, vapp: Vapp, vm: Vm) -> None:
    """Give every address of a VM back."""
    for nic in vm.nics:
        release(cloud, vapp, vm, nic)
        if nic.mode != "MANUAL":
            nic.ip_address = None
