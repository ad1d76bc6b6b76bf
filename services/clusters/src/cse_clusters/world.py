"""All outside that the cluster manager talks to: its ports, kept with vCD, vCenters and the templates service."""

from dataclasses import replace
from typing import Final

import grpc

from cse_clusters.adapters.grpc_templates import GrpcTemplates
from cse_clusters.adapters.sessions import Sessions
from cse_clusters.adapters.vcd_inventory import VcdInventory
from cse_clusters.adapters.vcd_vapp_host import VcdTaskBoard, VcdVappHost
from cse_clusters.adapters.vcenter_guests import VcenterGuests
from cse_clusters.settings import ClustersSettings
from cse_core.config import Config
from cse_core.grpc.server import CHANNEL_OPTIONS
from cse_vcd.account import ServiceAccount
from cse_vcd.auth import RoleRights, TokenVerifier
from cse_vcd.service_tasks import ServiceTasks
from cse_vcd.session import Vcd, VcdEndpoint
from cse_vcd.tasks import TaskPoller
from cse_vcd.vcenter import Vcenters

TEMPLATES_TIMEOUT_S: Final = 5.0


class World:
    """Nothing connects before it is used."""

    def __init__(self, config: Config, settings: ClustersSettings) -> None:
        endpoint = VcdEndpoint.from_config(config.vcd)
        self._vcd = Vcd(replace(endpoint, busy_timeout_s=0))  # operations try again, and notice their cancellation
        self._account = ServiceAccount.from_config(self._vcd, config.vcd)
        self._poller = TaskPoller(self._account)
        self._tasks = ServiceTasks(self._account)
        self._vcenters = Vcenters.from_config(self._account, config.vcs)
        self._channel = grpc.insecure_channel(settings.templates_target, options=CHANNEL_OPTIONS)
        self.sessions = Sessions(TokenVerifier(self._vcd), self._account, RoleRights(self._account))
        self.inventory = VcdInventory(self.sessions)
        self.host = VcdVappHost(self.sessions, self._poller, task_timeout=settings.task_timeout)
        self.board = VcdTaskBoard(self.sessions, self._tasks)
        self.guests = VcenterGuests(self._vcenters)
        passwords = {each.name: each.admin_password for each in config.broker.templates if each.admin_password}
        self.templates = GrpcTemplates(self._channel, passwords, timeout_s=TEMPLATES_TIMEOUT_S)

    def close(self) -> None:
        """Writes what is pending and ends all sessions."""
        self._tasks.close()
        self._poller.close()
        self._vcenters.close()
        self._account.close()
        self._channel.close()
        self._vcd.close()
