"""A simulated cloud without network and guests: its state on a clock that tests move, its REST API called directly."""

import asyncio
import base64
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from vcd_simulator.access import Access
from vcd_simulator.clock import ManualClock
from vcd_simulator.hypervisor import NoGuests
from vcd_simulator.inventory import Inventory
from vcd_simulator.latency import Latency, Profile
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Vapp, Vm
from vcd_simulator.model.datacenter import OrgVdcNetwork, Vdc
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import Org, User
from vcd_simulator.operations.composition import VappSpec, create_vapp
from vcd_simulator.operations.connections import NicSpec
from vcd_simulator.operations.machines import MachineSpec
from vcd_simulator.operations.vapp_networks import NetworkConfigSpec
from vcd_simulator.population import populate
from vcd_simulator.rest.app import RestApp
from vcd_simulator.rest.resources import all_routes
from vcd_simulator.rest.routing import Router
from vcd_simulator.sessions import Sessions

TASK_S = 10.0
"""How long every task of the cloud takes."""
PASSWORDS = {"administrator": "vcd-secret", "cse-admin": "cse-secret"}


class LabCloud:
    """The lab's inventory; tasks take ten seconds each."""

    def __init__(self, inventory: Inventory | None = None) -> None:
        self.clock = ManualClock()
        profile = Profile.model_validate({"delays": {"task": TASK_S, "task.queued": 0}})
        self.hypervisor = NoGuests()
        self.cloud = Cloud(self.hypervisor, latency=Latency(profile), clock=self.clock)
        self.cloud.lock.__enter__()  # one thread only: the test's
        populate(self.cloud, inventory or Inventory.lab())

    def pass_time(self, seconds: float = TASK_S) -> None:
        """Let tasks end whose time comes."""
        self.cloud.tasks.run_due()
        self.clock.advance(seconds)
        self.cloud.tasks.run_due()

    def org(self, name: str) -> Org:
        org = self.cloud.orgs.first("name", name.lower())
        assert org is not None
        return org

    def user(self, name: str, org: str = "acme") -> User:
        user = self.cloud.users.first("name", (self.org(org).id, name))
        assert user is not None
        return user

    def access(self, name: str, org: str = "acme") -> Access:
        return Access(self.cloud, self.user(name, org))

    def vdc(self, name: str = "acme-vdc", org: str = "acme") -> Vdc:
        vdc = self.cloud.vdcs.first("name", (self.org(org).id, name))
        assert vdc is not None
        return vdc

    def network(self, name: str = "acme-net", org: str = "acme") -> OrgVdcNetwork:
        network = self.cloud.networks.first("name", (self.org(org).id, name))
        assert network is not None
        return network

    def template_vm(self) -> Vm:
        """The VM of the first template."""
        return next(vm for vm in self.cloud.vms if vm.template_id is not None)

    def machine(self, name: str = "a", **changes: Any) -> MachineSpec:
        """A VM from the template, on the vApp's network with an address from the pool."""
        nic = NicSpec(index=0, network="acme-net", mode="POOL", connected=True)
        return replace(MachineSpec(source=self.template_vm(), name=name, nics=[nic], primary_nic=0), **changes)

    def begin_vapp(self, name: str = "c1", *machines: MachineSpec, power_on: bool = False) -> tuple[Vapp, Task]:
        """Start to compose a vApp on the tenant's network, as alice."""
        bridged = NetworkConfigSpec(name="acme-net", fence_mode="bridged", parent_id=self.network().id)
        spec = VappSpec(name=name, networks=[bridged], machines=list(machines), power_on=power_on, deploy=power_on)
        return create_vapp(self.cloud, self.user("alice"), self.vdc(), spec, operation_name="vdcComposeVapp")

    def vapp(self, name: str = "c1", *machines: MachineSpec, power_on: bool = False) -> Vapp:
        """A composed vApp."""
        vapp, task = self.begin_vapp(name, *machines, power_on=power_on)
        self.pass_time()
        assert task.status == "success", task
        return vapp


@dataclass(frozen=True)
class Answer:
    """What the REST API answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def xml(self) -> etree._Element:
        return etree.fromstring(self.body)

    def links(self) -> dict[tuple[str, str | None], str]:
        """Hrefs by rel and type; every pair is there once."""
        found: dict[tuple[str, str | None], str] = {}
        for link in self.xml.findall("{*}Link"):
            key = link.get("rel", ""), link.get("type")
            assert key not in found or link.get("name"), f"two links {key}"
            found[key] = link.get("href", "")
        return found


class RestCaller:
    """Calls a cloud's REST API as one user, without a server in between."""

    def __init__(self, lab: LabCloud, version: str = "31.0", *, router: Router | None = None) -> None:
        self.lab = lab
        self.sessions = Sessions(lab.cloud)
        self.app = RestApp(lab.cloud, self.sessions, all_routes() if router is None else router)
        self.version = version
        self.token: str | None = None

    def login(self, user: str, org: str, password: str | None = None) -> "RestCaller":
        secret = password or PASSWORDS.get(user, f"{user}-secret")
        credentials = base64.b64encode(f"{user}@{org}:{secret}".encode()).decode()
        self.token = None
        answer = self.call("POST", "/api/sessions", headers={"authorization": f"Basic {credentials}"})
        assert answer.status == 200, answer
        self.token = answer.headers["x-vcloud-authorization"]
        return self

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, headers=headers)

    def post(self, path: str, body: str = "") -> Answer:
        return self.call("POST", path, body)

    def put(self, path: str, body: str) -> Answer:
        return self.call("PUT", path, body)

    def delete(self, path: str) -> Answer:
        return self.call("DELETE", path)

    def call(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> Answer:
        """Send one request; `path` may be an absolute href."""
        path = path.removeprefix("https://vcd.test")
        sent = {"host": "vcd.test", "accept": f"application/*+xml;version={self.version}"}
        if self.token is not None:
            sent["x-vcloud-authorization"] = self.token
        return asyncio.run(self._call(method, path, body.encode(), sent | (headers or {})))

    async def _call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        raw, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": raw,
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("192.0.2.9", 40600),
            "server": ("192.0.2.1", 443),
        }
        sent: list[dict[str, Any]] = []
        received = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> dict[str, Any]:
            return next(received)

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        names = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], names, b"".join(message.get("body", b"") for message in sent[1:]))
