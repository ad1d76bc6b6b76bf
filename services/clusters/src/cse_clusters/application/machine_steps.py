"""The machines of a cluster's vApp: added, sized, stopped, deleted. Everything looks before it acts."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from cse_clusters.application.changes import carry_out, patiently, settle
from cse_clusters.application.failures import step
from cse_clusters.application.guest_work import Limits
from cse_clusters.application.node_data import NodeMake
from cse_clusters.application.ports import Inventory, VappHost
from cse_clusters.application.vapp_access import require_access
from cse_clusters.domain.access import SERVICE, Actor
from cse_clusters.domain.marks import machine_mark
from cse_clusters.domain.vcd import Machine, VappDetails
from cse_core.errors import ConflictError, CseError, NotFoundError, UnavailableError
from cse_core.operations import Json, OperationContext
from cse_core.operations.port import Branch
from cse_core.secret import Secret


class MachineSteps:
    """What is done in vCD to the machines of one vApp.

    Args:
        ctx: of the operation; methods that branches use take the branch's.
        inventory: read with the service account.
        host: where the machines are.
        vapp_href: of the vApp.
        who: in whose name machines are changed; raises UnauthenticatedError if that is not possible any more.
        limits: how long to wait.
    """

    def __init__(
        self,
        ctx: OperationContext,
        inventory: Inventory,
        host: VappHost,
        vapp_href: str,
        who: Callable[[OperationContext], Actor],
        limits: Limits,
    ) -> None:
        self._ctx = ctx
        self._inventory = inventory
        self._host = host
        self._href = vapp_href
        self._who = who
        self._limits = limits

    def vapp(self, ctx: OperationContext | None = None) -> VappDetails:
        """The vApp as it is now, asked for again while vCD does not answer; raises NotFoundError if it is gone."""
        details = patiently(
            ctx or self._ctx,
            lambda: self._inventory.vapp(SERVICE, self._href),
            within=self._limits.busy,
            passing=(UnavailableError,),
        )
        return _there(details)

    def require_access(self) -> Json:
        """Raises PermissionDeniedError unless vCD lets us change the vApp's machines in the name of `who`.

        For what is done before vCD is asked to change something, and that vCD knows nothing of.
        """

        def look() -> None:
            details = self._inventory.vapp(self._who(self._ctx), self._href)
            require_access(details)
            if details is not None and details.may_change is None:
                raise ConflictError("another change of the cluster's vApp is going on", reason="CLUSTER_BUSY")

        patiently(self._ctx, look, within=self._limits.busy)
        return None

    def present(self, ctx: OperationContext | None = None) -> dict[str, Machine]:
        """The machines by name."""
        return _by_name(self.vapp(ctx))

    def add(self, names: Sequence[str], make: NodeMake, admin_password: Secret | None) -> Json:
        """One recompose for all that are missing; powers them on as well unless their hardware is looked at first."""
        found_some = False

        def begin() -> str | None:
            nonlocal found_some
            present = self._settled()
            mark = machine_mark(self._ctx.operation_id)
            missing = [replace(make.spec(name), description=mark) for name in names if name not in present]
            found_some = len(missing) < len(names)
            if not missing:
                return None
            return self._host.add_machines(
                self._who(self._ctx),
                self._href,
                make.machine,
                missing,
                network=make.network,
                admin_password=admin_password,
                power_on=not make.has_own_hardware,
            )

        self._finish(self._ctx, begin)
        if found_some and not make.has_own_hardware:  # of a run that was cut off, maybe before they were on
            for name in names:
                self._power_on(self._ctx, name)
        return None

    def _settled(self) -> dict[str, Machine]:
        """The machines by name, once nothing works on the vApp any more."""
        details = settle(self._ctx, self._inventory, self._host, self._href)
        return _by_name(_there(details))

    def size(self, names: Sequence[str], make: NodeMake, *, power_on: bool) -> None:
        """Sets CPUs and memory where the recompose did not, side by side; powers each on afterwards if asked."""
        known = _Glance(self.present)

        def branch(name: str) -> Branch:
            def run(ctx: OperationContext) -> Json:
                step(
                    ctx,
                    "set_hardware",
                    lambda: self._set_hardware(ctx, known.of(name) or self._existing(ctx, name), make),
                    node=name,
                )
                if power_on:
                    step(ctx, "power_on", lambda: self._power_on(ctx, name), node=name)
                return None

            return run

        self._ctx.parallel({name: branch(name) for name in names})

    def _set_hardware(self, ctx: OperationContext, machine: Machine, make: NodeMake) -> Json:
        def begin() -> str | None:
            tasks = self._host.set_hardware(
                self._who(ctx), machine.href, cpu_count=make.cpu_count, memory_mb=make.memory_mb
            )
            for task in tasks[:-1]:
                self._host.wait(task, ctx.check)
            return tasks[-1] if tasks else None

        self._finish(ctx, begin)
        return None

    def _power_on(self, ctx: OperationContext, name: str) -> Json:
        def begin() -> str | None:
            machine = self._existing(ctx, name)
            return None if machine.is_on else self._host.power_on(self._who(ctx), machine.href)

        self._bring_about(ctx, lambda: self._existing(ctx, name).is_on, begin)
        return None

    def power_on_all(self) -> Json:
        """Powers on the whole vApp, with one task."""

        def are_on() -> bool:
            machines = self.vapp().machines
            return bool(machines) and all(each.is_on for each in machines)

        def begin() -> str | None:
            return None if are_on() else self._host.power_on(self._who(self._ctx), self._href)

        self._bring_about(self._ctx, are_on, begin)
        return None

    def settle(self) -> Json:
        """Waits until nothing works on the vApp any more that was begun before; how it ended does not matter."""
        patiently(self._ctx, self._settled, within=self._limits.busy, passing=(UnavailableError,))
        return None

    def stop(self, names: Sequence[str], *, go_on: bool) -> dict[str, str]:
        """Undeploys those of the machines that are there and deployed, side by side.

        Args:
            names: of the machines.
            go_on: whether one that cannot be stopped keeps the others from it.

        Returns:
            What went wrong, by name; empty unless `go_on`.
        """
        known = _Glance(self.present)

        def branch(name: str) -> Branch:
            def run(ctx: OperationContext) -> Json:
                try:
                    step(ctx, "stop_machine", lambda: self._stop(ctx, known.of(name)), node=name)
                except CseError as exc:
                    if not go_on:
                        raise
                    ctx.check()
                    return exc.message
                return ""

            return run

        ended = self._ctx.parallel({name: branch(name) for name in names})
        return {name: str(problem) for name, problem in ended.items() if problem}

    def _stop(self, ctx: OperationContext, seen: Machine | None) -> Json:
        """`seen` is what one look at all machines showed; it is looked at again when vCD refuses."""
        if seen is None:
            return None
        looks = iter([seen])

        def begin() -> str | None:
            machine = next(looks, None) or self.present(ctx).get(seen.name)
            if machine is None or not machine.is_deployed:
                return None
            return self._host.undeploy(self._who(ctx), machine.href)

        self._bring_about(ctx, lambda: not self._is_deployed(ctx, seen.name), begin, is_removal=True)
        return None

    def _is_deployed(self, ctx: OperationContext, name: str) -> bool:
        machine = self.present(ctx).get(name)
        return machine is not None and machine.is_deployed

    def delete(self, names: Sequence[str]) -> Json:
        """One recompose that deletes those of the machines that are there; returns the names of what is left."""

        def begin() -> str | None:
            present = self.present()
            doomed = [present[name].href for name in names if name in present and not present[name].is_deployed]
            return self._host.delete_machines(self._who(self._ctx), self._href, doomed) if doomed else None

        self._finish(self._ctx, begin, is_removal=True)
        present = self.present()
        return [name for name in names if name in present]

    def _bring_about(
        self,
        ctx: OperationContext,
        is_so: Callable[[], bool],
        begin: Callable[[], str | None],
        *,
        is_removal: bool = False,
    ) -> None:
        """As `_finish`; but vCD may refuse what was begun before, and has ended well after we looked."""
        try:
            self._finish(ctx, begin, is_removal=is_removal)
        except CseError:
            ctx.check()
            if not is_so():
                raise

    def _existing(self, ctx: OperationContext, name: str) -> Machine:
        machine = self.present(ctx).get(name)
        if machine is None:
            raise NotFoundError(f"machine {name} is gone", reason="NODE_NOT_FOUND", node=name)
        return machine

    def _finish(self, ctx: OperationContext, begin: Callable[[], str | None], *, is_removal: bool = False) -> None:
        carry_out(ctx, self._host, begin, within=self._limits.busy, is_removal=is_removal)


class _Glance:
    """One look at all machines, shared by the branches whose steps are not journaled yet."""

    def __init__(self, look: Callable[[], dict[str, Machine]]) -> None:
        self._look = look
        self._looking = threading.Lock()
        self._seen: dict[str, Machine] | None = None

    def of(self, name: str) -> Machine | None:
        """The machine of this name as it was at the look."""
        with self._looking:
            if self._seen is None:
                self._seen = self._look()
            return self._seen.get(name)


def _there(details: VappDetails | None) -> VappDetails:
    if details is None:
        raise NotFoundError("the cluster's vApp is gone", reason="CLUSTER_NOT_FOUND")
    return details


def _by_name(details: VappDetails) -> dict[str, Machine]:
    return {machine.name: machine for machine in details.machines}
