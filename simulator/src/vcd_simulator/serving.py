"""What answers the requests of a simulator's clients: applications made of its parts, and servers for them."""

from collections.abc import Mapping
from contextlib import ExitStack

from vcd_simulator.extensions.amqp_settings import amqp_routes
from vcd_simulator.extensions.forward import Forwarder
from vcd_simulator.extensions.gateway import ExtensionGateway
from vcd_simulator.extensions.registry import ExtensionRegistry
from vcd_simulator.extensions.resources import service_routes
from vcd_simulator.faults import Faults
from vcd_simulator.faults.outages import Outages
from vcd_simulator.guests import Hypervisor
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.ports import Ports
from vcd_simulator.rest.app import RestApp
from vcd_simulator.rest.resources import all_routes
from vcd_simulator.server import HttpsServer
from vcd_simulator.sessions import Sessions
from vcd_simulator.stats import Stats
from vcd_simulator.tls import TlsFiles
from vcd_simulator.vcenter.server import VcenterServer


def rest_app(
    cloud: Cloud,
    sessions: Sessions,
    forwarder: Forwarder,
    *,
    public_address: str | None,
    faults: Faults,
    stats: Stats,
) -> RestApp:
    """What answers REST requests, with the services that extend it."""
    registry = ExtensionRegistry(cloud)
    router = all_routes()
    router.include(service_routes(registry))
    router.include(amqp_routes(forwarder))
    return RestApp(
        cloud,
        sessions,
        router,
        extensions=ExtensionGateway(registry, forwarder),
        public_address=public_address,
        faults=faults,
        stats=stats,
    )


def vcenter_servers(
    ports: Ports, tls: TlsFiles, *, hypervisor: Hypervisor, faults: Faults, stats: Stats
) -> dict[str, VcenterServer]:
    """A server for each vCenter, by name; none of them listens yet."""
    return {
        name: VcenterServer(
            vcenter, ports.vcenter_listeners[name], tls, hypervisor=hypervisor, faults=faults, stats=stats
        )
        for name, vcenter in ports.vcenters.items()
    }


def serve(stack: ExitStack, rest: HttpsServer, vcenters: Mapping[str, VcenterServer], faults: Faults) -> None:
    """Answer on every port, until `stack` is closed; vCenters only while no fault says that they are away."""
    for server in (rest, *vcenters.values()):
        stack.callback(server.stop)
        server.start()
    outages = Outages(faults, vcenters)
    stack.callback(faults.watch(outages.refresh))
    outages.refresh()
    for vcenter in vcenters.values():
        stack.callback(vcenter.service.close)  # before the servers stop, which wait for what is under way
