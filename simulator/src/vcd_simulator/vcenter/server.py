"""A vCenter on a port of its own."""

import socket

from vcd_simulator.faults import Faults
from vcd_simulator.guests import Hypervisor
from vcd_simulator.ports import Vcenter
from vcd_simulator.server import HttpsServer
from vcd_simulator.stats import Stats
from vcd_simulator.tls import TlsFiles
from vcd_simulator.vcenter.app import create_app
from vcd_simulator.vcenter.service import VimService
from vcd_simulator.vcenter.sessions import VcenterAccount

_KEEP_ALIVE_S = 1200
"""pyvmomi uses connections again that have rested for up to 15 minutes, and does not try twice."""


class VcenterServer(HttpsServer):
    """Serves the vSphere API about the machines of a hypervisor."""

    service: VimService

    def __init__(
        self,
        vcenter: Vcenter,
        listener: socket.socket,
        tls: TlsFiles,
        *,
        hypervisor: Hypervisor,
        faults: Faults,
        stats: Stats,
    ) -> None:
        account = VcenterAccount(name=vcenter.name, user=vcenter.user, password=vcenter.password)
        app = create_app(hypervisor, account, faults=faults, stats=stats)
        self.service = app.state.service
        super().__init__(app, listener, tls, name=vcenter.name, keep_alive_s=_KEEP_ALIVE_S)
