"""What the use cases need of the world, in our words. Adapters keep these with `cse_vcd`, tests with dictionaries.

Every method raises errors of `cse_core.errors` only: NotFoundError for what is not there or not visible,
PermissionDeniedError, UnauthenticatedError (token expired), ConflictError (vCD's BUSY_ENTITY outlasted the retries),
UnavailableError (no answer; the adapter has retried what may be retried), ExhaustedError (quota), AlreadyExistsError.
`check` is called between polls, at least once a second; what it raises ends the wait and passes through.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cse_clusters.domain.access import Actor, Caller, Credentials
from cse_clusters.domain.vcd import (
    GuestMachine,
    MachineSpec,
    Started,
    VappDetails,
    VappRecord,
    Vdc,
    VmTemplate,
)
from cse_core.secret import Secret

Check = Callable[[], None]


class Callers(Protocol):
    """Who a token belongs to."""

    def identify(self, credentials: Credentials) -> Caller:
        """Asks vCD; answers may be some seconds old, refusals are always fresh.

        Raises:
            UnauthenticatedError: vCD does not accept the token (any more).
        """
        ...

    def has_right(self, caller: Caller, right: str) -> bool:
        """Whether the caller's role holds the right of this name, for example `{cse}:CSE NATIVE DEPLOY RIGHT`."""
        ...


class Inventory(Protocol):
    """Reads what an actor sees in vCD."""

    def clusters(
        self, who: Actor, *, name: str | None = None, org: str | None = None, vdc: str | None = None
    ) -> list[VappRecord]:
        """Lists the vApps that carry `cse.cluster.id`, in no particular order.

        One query (its pages in parallel) whatever the number of VDCs, with `cse.cluster.id`, `cse.version`,
        `cse.template`, `cse.master.ip` and `cse.operation.id` in `metadata`. The filters are exact names; `org` is for
        system administrators, others see their own anyway.
        """
        ...

    def find_vapp(self, who: Actor, vdc: Vdc, name: str) -> VappRecord | None:
        """A vApp of that name in the VDC, a cluster or not, with its metadata of ours."""
        ...

    def vapp(self, who: Actor, href: str) -> VappDetails | None:
        """One GET of the vApp with its machines; None if it is gone."""
        ...

    def vdc(self, who: Actor, *, org: str, vdc: str) -> Vdc:
        """The org VDC with its networks and storage profiles.

        Raises:
            NotFoundError: the org or the VDC is not there for this actor.
        """
        ...

    def vm_template(self, who: Actor, *, org: str, catalog: str, item: str) -> VmTemplate:
        """The machine in a catalog item that the actor's org can use (its own or a published catalog).

        Raises:
            NotFoundError: no such catalog or item, or it holds no machine.
        """
        ...

    def guests(self, vapp_href: str) -> dict[str, GuestMachine]:
        """Guests by machine name, of the machines that are placed on a vCenter already; one GET, service account."""
        ...


class VappHost(Protocol):
    """Where a cluster's machines live. Methods begin a change and return the href of vCD's task."""

    def compose(self, who: Actor, vdc: Vdc, *, name: str, description: str, network: str) -> Started:
        """An empty vApp whose network is bridged to the org VDC network `network`.

        Raises:
            AlreadyExistsError: the VDC has a vApp of that name.
        """
        ...

    def add_machines(
        self,
        who: Actor,
        vapp_href: str,
        template: VmTemplate,
        machines: Sequence[MachineSpec],
        *,
        network: str,
        admin_password: Secret | None,
        power_on: bool,
    ) -> str:
        """One recompose that adds them all, EULAs accepted; powered on afterwards if asked.

        The guest's host name is the machine's name, its address comes from the network's pool, and guest customization
        sets root's password: `admin_password`, or one that vCD makes for each.
        """
        ...

    def set_hardware(self, who: Actor, machine_href: str, *, cpu_count: int, memory_mb: int) -> Sequence[str]:
        """Changes a powered-off machine where it differs; 0 leaves a value. Returns the tasks, if any."""
        ...

    def power_on(self, who: Actor, href: str) -> str:
        """Powers on all machines of a vApp, or one machine."""
        ...

    def undeploy(self, who: Actor, machine_href: str) -> str:
        """Pulls the plug of a machine and frees what it holds of its host; refused if it is not deployed."""
        ...

    def delete_machines(self, who: Actor, vapp_href: str, machine_hrefs: Sequence[str]) -> str:
        """One recompose that deletes them all; they must be undeployed."""
        ...

    def set_metadata(self, who: Actor, vapp_href: str, values: Mapping[str, str]) -> str:
        """Merges string entries (GENERAL, READWRITE), all with one request."""
        ...

    def remove_metadata(self, who: Actor, vapp_href: str, key: str) -> str | None:
        """Removes one of these entries; None if it is gone, or the vApp is."""
        ...

    def delete(self, who: Actor, vapp_href: str) -> str | None:
        """Deletes the vApp with all machines, powered on or not.

        None if it is gone, or not for this actor to delete: vCD does not tell the two apart.
        """
        ...

    def cancel(self, who: Actor, task_href: str) -> None:
        """Asks vCD to end a task; returns before that has ended.

        Raises:
            NotFoundError, FailedPreconditionError, PermissionDeniedError: it is gone, over, or not for this actor.
        """
        ...

    def wait(self, task_href: str, check: Check) -> None:
        """Returns when vCD's task has ended well. All waits of the process share one poll (service account).

        Raises:
            CseError: the task failed, was aborted or cancelled; the message is vCD's.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class GuestLogin:
    """A guest and root's password in it."""

    guest: GuestMachine
    password: Secret


@dataclass(frozen=True, kw_only=True)
class ScriptResult:
    """How a script in a guest ended. Both streams are cut to their last 64 KiB."""

    exit_code: int
    stdout: str
    stderr: str


class Guests(Protocol):
    """The operating systems inside the machines, reached through vCenter.

    Work on many guests goes on side by side; the adapter bounds what one vCenter gets at a time.
    """

    def wait_until_ready(self, login: GuestLogin, check: Check, *, timeout_s: float) -> None:
        """Returns when the guest's tools run and root can log in with this password.

        Raises:
            DeadlineError: it did not within the time; the message says what was seen last.
            UnauthenticatedError: tools run but the password is refused to the end.
        """
        ...

    def run_script(
        self, login: GuestLogin, script: Secret, check: Check, *, timeout_s: float, slot: str = ""
    ) -> ScriptResult:
        """Uploads a script (mode 0700), runs it as root, fetches what it printed, deletes all traces of it.

        What one of the same slot (small letters and digits) has left in the guest because its process died goes first.

        Raises:
            DeadlineError: it did not end within the time; its process has been killed.
        """
        ...

    def read_file(self, login: GuestLogin, path: str, *, limit_bytes: int) -> bytes:
        """Raises NotFoundError if the guest has no such file, ExhaustedError if it is longer."""
        ...


@dataclass(frozen=True, kw_only=True)
class TaskCard:
    """What a vCD task shows for ever: it is repeated in every update because vCD's PUT replaces all of it."""

    operation_name: str
    """`create_cluster`, `delete_cluster`, …"""
    cluster_id: str
    cluster_name: str
    org: str
    org_id: str
    user: str
    user_id: str


class TaskBoard(Protocol):
    """vCD tasks (namespace `vcloud.cse`) by which vCD's users follow our operations. Service account throughout."""

    def create(self, card: TaskCard, text: str) -> str:
        """A running task in the org of the card; returns its href."""
        ...

    def progress(self, href: str, card: TaskCard, text: str, percent: int) -> None:
        """Shows what is being done; returns at once, and a failure is the adapter's to log."""
        ...

    def succeed(self, href: str, card: TaskCard, text: str) -> None:
        """Ends it well."""
        ...

    def fail(self, href: str, card: TaskCard, text: str, *, reason: str, error: str) -> None:
        """Ends it with an error; `error` is what the user reads, `reason` its minor error code."""
        ...

    def unfinished(self) -> Sequence[str]:
        """The hrefs of those that have not ended, whichever process created them."""
        ...

    def read_card(self, href: str) -> TaskCard:
        """What a task shows; raises NotFoundError if vCD has forgotten it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Template:
    """A template as the templates service describes it."""

    name: str
    catalog: str
    item: str


@dataclass(frozen=True, kw_only=True)
class Scripts:
    """A template's scripts, all of one revision."""

    digest: str
    control_plane: str
    worker: str
    nfs: str
    pod_subnet: str


class Templates(Protocol):
    """What clusters are made from."""

    def get(self, credentials: Credentials, name: str | None) -> Template:
        """The template, or the default one.

        Raises:
            NotFoundError: reason TEMPLATE_NOT_FOUND.
        """
        ...

    def scripts(self, credentials: Credentials, name: str) -> Scripts:
        """Its scripts.

        Raises:
            NotFoundError: reason TEMPLATE_NOT_FOUND.
        """
        ...

    def admin_password(self, name: str) -> Secret | None:
        """What the configuration sets as root's password in place of one of each node's own; asks nobody."""
        ...


@dataclass(frozen=True, kw_only=True)
class OperationPorts:
    """What the code of operations works with."""

    inventory: Inventory
    host: VappHost
    guests: Guests
    board: TaskBoard
    templates: Templates
