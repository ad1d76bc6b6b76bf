"""pyvcloud as its users use it, against a simulator."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyvcloud.vcd.client import BasicLoginCredentials, Client
from pyvcloud.vcd.org import Org
from pyvcloud.vcd.vapp import VApp
from pyvcloud.vcd.vdc import VDC

from cse_testing.waiting import LIMIT_S
from vcd_simulator.simulator import Simulator

PASSWORDS = {"administrator": "vcd-secret", "alice": "alice-secret", "bob": "bob-secret", "carol": "carol-secret"}
ORGS = {"administrator": "System", "alice": "acme", "bob": "acme", "carol": "globex"}
POLL_S = 0.05
PHOTON = "photon-custom-hw11-2.0-304b817-k8s"
"""A ready-made template of the lab."""
Wait = Callable[[Any], Any]
"""Waits for a task, which must succeed."""


@contextmanager
def logged_in(vcd: Simulator, user: str, version: str, *, password: str | None = None) -> Iterator[Client]:
    """A session of one of the lab's users, or with a password of a new one in acme, through verified TLS."""
    client = Client(vcd.url, api_version=version, verify_ssl_certs=vcd.ca_file, log_file=os.devnull)
    client.set_credentials(BasicLoginCredentials(user, ORGS.get(user, "acme"), password or PASSWORDS[user]))
    try:
        yield client
    finally:
        client.logout()


class Tenant:
    """One user at work in his organisation's VDC."""

    def __init__(self, client: Client, vdc: str = "acme-vdc") -> None:
        self.client = client
        self.org = Org(client, resource=client.get_org())
        self.vdc = VDC(client, resource=self.org.get_vdc(vdc))

    def wait(self, task: Any) -> Any:
        """Wait for a task, which must succeed."""
        monitor = self.client.get_task_monitor()
        return monitor.wait_for_success(task, timeout=LIMIT_S, poll_frequency=POLL_S)

    def vapp(self, name: str) -> VApp:
        return VApp(self.client, resource=self.vdc.get_vapp(name))

    def compose(self, name: str, network: str | None = "acme-net") -> VApp:
        fence = {"network": network, "fence_mode": "bridged"} if network else {}
        resource = self.vdc.create_vapp(name, description=f"cluster {name}", **fence)
        self.wait(resource.Tasks.Task[0])
        return self.vapp(name)

    def template(self, item: str = PHOTON) -> Any:
        """The template behind an item of the published catalog."""
        return self.client.get_resource(self.org.get_catalog_item("cse", item).Entity.get("href"))

    def machine(self, name: str, **changes: Any) -> dict[str, Any]:
        """A VM as `VApp.add_vms` wants it."""
        template = self.template()
        return {
            "vapp": template,
            "source_vm_name": template.Children.Vm[0].get("name"),
            "target_vm_name": name,
            "hostname": name,
            "network": "acme-net",
            "ip_allocation_mode": "pool",
        } | changes
