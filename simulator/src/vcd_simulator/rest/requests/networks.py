"""Networks of vApps and of VDCs, and their IP scopes."""

from vcd_simulator import errors
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.operations.connections import NO_NETWORK
from vcd_simulator.operations.networks import ScopeChange
from vcd_simulator.operations.vapp_networks import NetworkConfigSpec
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.parsing import id_in, referenced_id
from vcd_simulator.rest.xml import Element, child, children, flag_of, text_of


def network_configs(context: Context, section: Element | None) -> list[NetworkConfigSpec]:
    """The `NetworkConfig` elements of a section, but for the one that stands for no network."""
    named = [(one, one.get("networkName") or "") for one in children(section, "NetworkConfig")]
    return [network_config(context, one, name) for one, name in named if name != NO_NETWORK]


def network_config(context: Context, element: Element, name: str) -> NetworkConfigSpec:
    """A network of a vApp, as a `NetworkConfig` or a `VAppNetwork` has it."""
    configuration = child(element, "Configuration")
    parent = child(configuration, "ParentNetwork")
    fence_mode = text_of(configuration, "FenceMode", "bridged")
    parent_id = referenced_id(parent, "ParentNetwork") if parent is not None else None
    if parent_id is not None:
        context.access.network_by_id(parent_id)
    scopes = child(configuration, "IpScopes")
    scope = child(scopes, "IpScope") if scopes is not None else child(configuration, "IpScope")
    return NetworkConfigSpec(
        name=name,
        description=text_of(element, "Description"),
        fence_mode=fence_mode,
        parent_id=parent_id,
        pool=ip_pool(scope) if scope is not None and fence_mode == "isolated" else None,
        network_id=_network_id(element),
    )


def _network_id(config: Element) -> str | None:
    """Which network of a vApp a `NetworkConfig` is about: its link for the repair tells."""
    for link in children(config, "Link"):
        if link.get("rel") == "repair":
            return id_in((link.get("href") or "").removesuffix("/action/reset"))
    return None


def ip_ranges(scope: Element | None) -> list[tuple[str, str]]:
    return [
        (text_of(one, "StartAddress"), text_of(one, "EndAddress"))
        for one in children(child(scope, "IpRanges"), "IpRange")
    ]


def ip_scope(scope: Element) -> ScopeChange:
    """An `IpScope` that a network is to have."""
    return ScopeChange(
        gateway=text_of(scope, "Gateway"),
        netmask=text_of(scope, "Netmask"),
        ranges=ip_ranges(scope),
        dns1=text_of(scope, "Dns1"),
        dns2=text_of(scope, "Dns2"),
        dns_suffix=text_of(scope, "DnsSuffix"),
        enabled=flag_of(scope, "IsEnabled", True),
    )


def ip_pool(scope: Element) -> IpPool:
    """An `IpScope` of a vApp network, whose ranges may lie outside of its subnet.

    Raises:
        VcdError: 400, the addresses do not fit together.
    """
    try:
        return IpPool(
            gateway=text_of(scope, "Gateway"),
            netmask=text_of(scope, "Netmask"),
            ranges=ip_ranges(scope),
            dns1=text_of(scope, "Dns1"),
            dns2=text_of(scope, "Dns2"),
            dns_suffix=text_of(scope, "DnsSuffix"),
            strict=False,
        )
    except ValueError as exc:
        raise errors.bad_request(f"Bad request: validation error, the IpScope is wrong: {exc}.") from exc
