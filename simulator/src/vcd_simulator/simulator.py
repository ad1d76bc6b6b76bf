"""The simulator as one object: what an inventory names, listening on ports of its own."""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from vcd_simulator import state
from vcd_simulator.clock import Clock
from vcd_simulator.control.access import ControlAccess, new_token
from vcd_simulator.control.app import ControlApp, Controls
from vcd_simulator.control.guest_routes import GuestControls
from vcd_simulator.control.guests import Guests
from vcd_simulator.control.state import StateControls
from vcd_simulator.extensions.broker import AmqpSettings
from vcd_simulator.extensions.forward import DEFAULT_TIMEOUT_S, Forwarder
from vcd_simulator.extensions.messages import ForwardingOptions
from vcd_simulator.faults import Faults
from vcd_simulator.guests import Hypervisor
from vcd_simulator.inventory import Inventory
from vcd_simulator.latency import Latency
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.operations.power import notice_customization, notice_guest
from vcd_simulator.population import populate
from vcd_simulator.ports import LOOPBACK, Address, Ports, Vcenter
from vcd_simulator.rest.app import RestApp
from vcd_simulator.server import HttpsServer
from vcd_simulator.serving import rest_app, serve, vcenter_servers
from vcd_simulator.sessions import Sessions
from vcd_simulator.stats import Stats
from vcd_simulator.tls import TlsFiles, make_certificate
from vcd_simulator.vcenter.record import VcenterRecord
from vcd_simulator.vcenter.server import VcenterServer


class Simulator:
    """A vCloud Director with its vCenters, on loopback and free ports unless told otherwise.

    Use it as a context manager, or call `start` and `stop`::

        with Simulator(Inventory.lab(), profile="instant") as vcd:
            client = Client(vcd.url, verify_ssl_certs=vcd.ca_file)

    Args:
        inventory: what there is at the start; the lab's by default.
        profile: how long things take: `instant`, `lab`, `field` or a YAML file.
        scale: multiplies the times of the profile.
        seed: decides the profile's jitter and the ids of entities.
        listen: address and port of the REST API; port 0 takes a free one.
        vcenter_listen: the same for vCenters, by name; `*` stands for the others. Older clients insist on port 443, so
            give each vCenter an address of 127.0.0.0/8 for them.
        public_address: host and port in hrefs, when clients use a name that their Host header does not tell.
        vcenter_public_addresses: the same for vCenters, by name; `*` stands for the others.
        amqp: broker for API extensions, as a URL. Without one they answer as with a broker that is away.
        extension_timeout_s: how long an extension may take to answer.
        cells: how many cells share the requests for extensions; each has a reply queue of its own.
        forwarding: in which of the ways known of vCloud Director extensions are addressed.
        session_idle_timeout_s: after how much idleness a session expires.
        state_dir: where guests keep their files; a temporary folder by default.
        clock: where the time comes from.
        control_token: what opens the control API to those without an administrator's session; random by default.
        state_file: restored at the start, if it is there; saved at the end, and when the control API is told to.
    """

    def __init__(  # noqa: PLR0913  # options, by keyword
        self,
        inventory: Inventory | None = None,
        *,
        profile: str = "instant",
        scale: float = 1.0,
        seed: int = 0,
        listen: Address = LOOPBACK,
        vcenter_listen: Mapping[str, Address] | None = None,
        public_address: str | None = None,
        vcenter_public_addresses: Mapping[str, str] | None = None,
        amqp: str | None = None,
        extension_timeout_s: float = DEFAULT_TIMEOUT_S,
        cells: int = 1,
        forwarding: ForwardingOptions | None = None,
        session_idle_timeout_s: float | None = None,
        state_dir: Path | None = None,
        clock: Clock | None = None,
        control_token: str | None = None,
        state_file: Path | None = None,
    ) -> None:
        self.faults = Faults()
        self.stats = Stats()
        self.control_token = control_token or new_token()
        self.state_file = state_file
        self.inventory = inventory or Inventory.lab()
        self._latency = Latency.named(profile, seed=seed, scale=scale)
        self._seed = seed
        self._listen = listen
        self._vcenter_listen = dict(vcenter_listen or {})
        self._public_address = public_address
        self._vcenter_public = dict(vcenter_public_addresses or {})
        self._amqp = AmqpSettings.from_url(amqp) if amqp is not None else None
        self._extension_timeout_s = extension_timeout_s
        self._cells = cells
        self._forwarding = forwarding
        self._session_idle_timeout_s = session_idle_timeout_s
        self._state_dir = state_dir
        self._clock = clock
        self._vcenter_servers: dict[str, VcenterServer] = {}
        self._running: ExitStack | None = None

    faults: Faults
    """What goes wrong on purpose; see `vcd_simulator.faults`. May be filled before the start."""
    stats: Stats
    """How often clients have called what."""
    cloud: Cloud
    """The state; hold its lock while reading or changing it."""
    sessions: Sessions
    forwarder: Forwarder
    hypervisor: Hypervisor
    guests: Guests
    """The guests, to look into: scripts, files, what has happened."""
    address: str
    """Host and port of the REST API."""
    ca_file: str
    """The authority that signed the certificates of the REST API and of the vCenters."""
    vcenters: dict[str, Vcenter]

    @property
    def url(self) -> str:
        return f"https://{self.address}"

    def start(self) -> None:
        """Make the cloud and listen. When this returns, every port answers.

        Raises:
            ServerError: an address cannot be used.
            InventoryError: the inventory contradicts itself.
            SandboxUnavailableError: this host cannot run guests; the message says what to do.
            StateError: the state file cannot be read.
        """
        if self._running is not None:
            raise RuntimeError("the simulator runs already")
        with ExitStack() as stack:
            self._start(stack)
            self._running = stack.pop_all()

    def stop(self) -> None:
        """Close every port, end every guest, forget everything; stopping twice is no error.

        Raises:
            StateError: there is a state file, and it cannot be written. Everything has stopped all the same.
        """
        running, self._running = self._running, None
        if running is not None:
            running.close()

    def saved(self, *, sessions: bool = False, files: bool = True) -> bytes:
        """The whole state as JSON; nothing else happens meanwhile.

        Args:
            sessions: keep the sessions, whose tokens the result then holds.
            files: keep the files of guests; otherwise those begin with the disks of their images.
        """
        with self.cloud.lock:
            vcenters = {name: server.service.record() for name, server in self._vcenter_servers.items()}
            return state.render(
                state.take(self.cloud, self.sessions, vcenters, include_sessions=sessions, include_files=files)
            )

    def save(self, path: Path, *, sessions: bool = False, files: bool = True) -> None:
        """Save the state to a file, which appears whole or not at all; `.gz` at its end compresses it.

        Raises:
            StateError: the file cannot be written.
        """
        state.save(path, self.saved(sessions=sessions, files=files))

    def restore(self, saved: Path | bytes) -> None:
        """Replace everything by a saved state. All sessions end, but for those that were saved.

        Raises:
            StateError: it is none, or contradicts itself; in the latter case the cloud is as at the start.
        """
        record = state.load(saved) if isinstance(saved, Path) else state.parse(saved)
        try:
            state.restore(self.cloud, self.sessions, record, self._vcenter_urls())
            self._restore_vcenters(record.vcenters)
        except state.StateError:
            self.reset()
            raise

    def reset(self) -> None:
        """Make everything again as it was at the start. All sessions end; faults and counters stay."""
        with self.cloud.lock:
            self.sessions.expire_all()
            self.cloud.clear()
            populate(self.cloud, self.inventory, self._vcenter_urls())
            self._restore_vcenters({})

    def _restore_vcenters(self, records: Mapping[str, VcenterRecord]) -> None:
        """Have vCenters keep what is written down of them, and nothing else. Raises StateError."""
        try:
            for name, server in self._vcenter_servers.items():
                server.service.restore(records.get(name) or VcenterRecord())
        except ValueError as exc:
            raise state.StateError(f"the saved state contradicts itself: {exc}") from exc

    def expire_sessions(self, vcenter: str | None = None) -> int:
        """End every session of vCloud Director, or of a vCenter; returns how many there were.

        Raises:
            KeyError: there is no such vCenter.
        """
        if vcenter is not None:
            return self._vcenter_servers[vcenter].service.sessions.expire_all()
        with self.cloud.lock:
            return self.sessions.expire_all()

    def _vcenter_urls(self) -> dict[str, str]:
        return {
            name: f"https://{self._vcenter_public.get(name) or self._vcenter_public.get('*') or vcenter.address}"
            for name, vcenter in self.vcenters.items()
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, stack: ExitStack) -> None:
        """Make and begin everything; `stack` undoes it in the opposite order."""
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vcd-simulator-")))
        ports = Ports(self.inventory.vcenters, self._listen, self._vcenter_listen, stack)
        self.address, self.vcenters = ports.address, ports.vcenters
        public = [one for one in (self._public_address, *self._vcenter_public.values()) if one]
        tls = make_certificate(folder, ports.certificate_names(public))
        self.ca_file = str(tls.ca)

        self.hypervisor = Hypervisor(self._latency, state_dir=self._state_dir, faults=self.faults, stats=self.stats)
        stack.callback(self.hypervisor.close)
        self._make_cloud()
        app = self._make_app()
        self._vcenter_servers = vcenter_servers(
            ports, tls, hypervisor=self.hypervisor, faults=self.faults, stats=self.stats
        )
        if self.state_file is not None:
            if self.state_file.exists():
                self.restore(self.state_file)
            # Among what is undone at the end: when nobody can change anything any more, but guests are still there.
            stack.callback(self.save, self.state_file)
        self.forwarder.start()
        stack.callback(self.forwarder.stop)
        self.cloud.tasks.start()
        stack.callback(self.cloud.tasks.stop)
        self._serve(stack, app, ports, tls)

    def _make_cloud(self) -> None:
        self.cloud = Cloud(
            self.hypervisor, latency=self._latency, clock=self._clock, seed=self._seed, faults=self.faults
        )
        self.guests = Guests(self.hypervisor, self.cloud)
        self.hypervisor.on_power_change(partial(notice_guest, self.cloud))
        self.hypervisor.on_customized(partial(notice_customization, self.cloud))
        populate(self.cloud, self.inventory, self._vcenter_urls())
        self.sessions = Sessions(self.cloud)
        if self._session_idle_timeout_s is not None:
            self.sessions.idle_timeout_s = self._session_idle_timeout_s

    def _make_app(self) -> RestApp:
        self.forwarder = Forwarder(
            self._amqp,
            timeout_s=self._extension_timeout_s,
            cells=self._cells,
            options=self._forwarding,
            faults=self.faults,
            traffic=self.stats,
        )
        return rest_app(
            self.cloud,
            self.sessions,
            self.forwarder,
            public_address=self._public_address,
            faults=self.faults,
            stats=self.stats,
        )

    def _serve(self, stack: ExitStack, app: RestApp, ports: Ports, tls: TlsFiles) -> None:
        """Answer on every port."""
        vcenters = self._vcenter_servers
        controls = Controls(
            cloud=self.cloud,
            sessions=self.sessions,
            faults=self.faults,
            stats=self.stats,
            state=StateControls(self),
            guests=GuestControls(self.guests),
            vcenters={name: server.service for name, server in vcenters.items()},
            access=ControlAccess(self.cloud, self.sessions, self.control_token),
        )
        rest = HttpsServer(ControlApp(app, controls.app()), ports.listener, tls, name="rest")
        serve(stack, rest, vcenters, self.faults)
