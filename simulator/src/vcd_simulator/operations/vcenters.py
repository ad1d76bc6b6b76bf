"""vCenters, and what they have: resource pools, datastores, hosts."""

from urllib.parse import urlsplit

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.infrastructure import Datastore, Host, ProviderVdc, ResourcePool, VimServer
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import work
from vcd_simulator.operations.names import check_name

_VCENTER = "Virtual Center"


def add_resource_pool(
    cloud: Cloud, server: VimServer, name: str, *, pvdc: ProviderVdc | None = None, primary: bool = True
) -> ResourcePool:
    """Give a vCenter a resource pool, which a provider VDC may be made of already."""
    pool_id = cloud.new_id()
    pool = ResourcePool(id=pool_id, vim_server_id=server.id, name=name, moref=f"resgroup-{pool_id[:8]}")
    if pvdc is not None:
        pool.provider_vdc_id, pool.primary = pvdc.id, primary
    return cloud.resource_pools.add(pool)


def add_datastore(cloud: Cloud, server: VimServer, name: str) -> Datastore:
    """Give a vCenter a datastore."""
    new_id = cloud.new_id()
    return cloud.datastores.add(
        Datastore(id=new_id, vim_server_id=server.id, name=name, moref=f"datastore-{new_id[:8]}")
    )


def add_host(cloud: Cloud, server: VimServer, name: str) -> Host:
    """Give a vCenter a host."""
    new_id = cloud.new_id()
    return cloud.hosts.add(Host(id=new_id, vim_server_id=server.id, name=name, moref=f"host-{new_id[:8]}"))


def enable_host(cloud: Cloud, user: User, host: Host, *, enabled: bool) -> Task:
    """Let a host have VMs, or keep new ones away."""

    def effect() -> None:
        host.enabled = enabled

    name, doing, done = ("Enable", "Enabling", "Enabled") if enabled else ("Disable", "Disabling", "Disabled")
    return work.start(
        cloud, user, cloud.system_org.id, host, f"host{name}", doing, done, noun="Host", effect=effect,
    )  # fmt: skip


def register_vim_server(cloud: Cloud, user: User, server: VimServer) -> Task:
    """Attach a vCenter.

    Raises:
        VcdError: its name or address is that of another one, or the address is none.
    """
    check_name("vCenter", server.name)
    address = _address(server.url)
    if cloud.vim_servers.first("name", server.name) is not None:
        raise errors.duplicate_name("vimServer", server.name)
    if any(_address(one.url) == address for one in cloud.vim_servers):
        raise errors.bad_request(f"The vCenter at {address} is registered already.")
    cloud.vim_servers.add(server)
    return work.start(
        cloud, user, cloud.system_org.id, server, "vimServerRegister", "Registering", "Registered", noun=_VCENTER,
        undo=lambda: cloud.vim_servers.remove(server),
    )  # fmt: skip


def _address(url: str) -> str:
    """Host and port of an address; raises VcdError 400 for what is none."""
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.scheme in ("http", "https"):
            return parts.netloc
    except ValueError:
        pass
    raise errors.bad_request("Bad request: validation error, the Url of a vCenter is an http or https address.")


def unregister_vim_server(cloud: Cloud, user: User, server: VimServer) -> Task:
    """Detach a vCenter that is disabled and that nothing is made of."""
    if server.enabled:
        raise errors.not_allowed(f"The vCenter {server.name} is enabled; disable it before you detach it.")
    if any(pvdc.vim_server_id == server.id for pvdc in cloud.provider_vdcs):
        raise errors.not_allowed(f"The vCenter {server.name} is in use by a provider VDC.")
    if any(group.external_network_id is not None for group in cloud.port_groups.find("server", server.id)):
        raise errors.not_allowed(f"The vCenter {server.name} is in use by an external network.")

    def effect() -> None:
        for pool in list(cloud.resource_pools.find("server", server.id)):
            cloud.resource_pools.remove(pool)
        for group in list(cloud.port_groups.find("server", server.id)):
            cloud.port_groups.remove(group)
        for datastore in cloud.datastores.find("server", server.id):
            cloud.datastores.remove(datastore)
        for host in cloud.hosts.find("server", server.id):
            cloud.hosts.remove(host)
        cloud.vim_servers.remove(server)

    return work.start(
        cloud, user, cloud.system_org.id, server, "vimServerUnregister", "Unregistering", "Unregistered",
        noun=_VCENTER, effect=effect,
    )  # fmt: skip
