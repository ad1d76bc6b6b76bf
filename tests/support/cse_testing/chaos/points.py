"""The moments in the life of a request at which something is done to the process that serves it.

They are hooks around the engine and around the library to vCD, so that a new step has its points by itself:
`add_machines:before`, `…:effect` (done, not journaled), `…:after`, `add_machines/POST recomposeVApp:sent` (vCD has
begun, nobody waits yet), `join_worker@node1/script:started`, `undo …` while rolling back, `accept/…`, `claim:after`,
`outcome:…` and `end:…` of the engine. Every point that is passed goes to a file, with the process that passed it.
"""

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import Any, Final

import requests
import structlog

import cse_operations
from cse_clusters import bootstrap
from cse_clusters.adapters.vcd_vapp_host import VcdTaskBoard
from cse_core.errors import CseError, FailedPreconditionError
from cse_core.operations import Json
from cse_operations import OperationsSettings, Timing
from cse_operations.context import DurableContext
from cse_operations.engine import DurableOperations
from cse_operations.journal import Journal
from cse_operations.run import Run
from cse_operations.runner import Runner
from cse_testing.chaos.plan import FAILURE, FALL, KILL, LOGOUT, Plan
from cse_vcd.guest import Guest
from cse_vcd.session import VcdEndpoint, VcdSession

_SLOW_TASK_S: Final = 1.5
"""What vCD's task takes at whose beginning the process is killed: it goes on when the next process looks."""
_place: ContextVar[str] = ContextVar("place", default="")
"""The step that is being taken, or `accept`."""


class Points:
    """Put into a process, it acts by a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._history = os.open(plan.history_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def at(self, request_id: str, point: str, token: str = "") -> None:
        line = f"{time.monotonic():.6f}\t{os.getpid()}\t{request_id}\t{point}\n"
        os.write(self._history, line.encode())
        action = self._plan.actions.get(request_id, {}).get(point)
        if action is None or not self._first(request_id, point):
            return
        if action == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        elif action == FALL:
            self._fall(request_id)
        elif action == LOGOUT:
            url, headers = f"{self._plan.control}/api/session", {"x-vcloud-authorization": token}
            accept = {"Accept": "application/*+xml;version=31.0"}
            requests.delete(url, headers=headers | accept, verify=False, timeout=10)
        else:
            self._hold(request_id, point)

    def kills_at(self, request_id: str, point: str) -> bool:
        """Whether the process is still to be killed there."""
        planned = self._plan.actions.get(request_id, {}).get(point) in (KILL, FALL)
        return planned and not self._plan.marker(request_id, point).exists()

    def slow_down_next_task(self) -> None:
        """Makes vCD's next task a slow one."""
        requests.post(
            f"{self._plan.control}/simulator/faults",
            json={"when": {"task": "*"}, "delay_s": _SLOW_TASK_S, "times": 1},
            headers={"x-simulator-token": self._plan.control_token},
            verify=False,
            timeout=10,
        ).raise_for_status()

    def _first(self, request_id: str, point: str) -> bool:
        try:
            os.close(os.open(self._plan.marker(request_id, point), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def _fall(self, request_id: str) -> None:
        with self._plan.fallen_file.open("a") as file:
            file.write(f"{os.getpid()}\t{request_id}\n")
        threading.Event().wait()

    def _hold(self, request_id: str, point: str) -> None:
        go = self._plan.marker(request_id, point).with_suffix(".go")
        while not go.exists():
            time.sleep(0.02)

    # ---- the hooks

    def install(self) -> None:
        """Puts the hooks into this process, and the plan's settings."""
        self._hook_steps()
        self._hook_engine()
        self._hook_acceptance()
        self._hook_requests()
        self._set_times()

    def _hook_steps(self) -> None:
        step, parallel, fails = Run.step, DurableContext.parallel, self._plan.fails

        def hooked_parallel(ctx: DurableContext, branches: Mapping[str, Any]) -> dict[str, Json]:
            _name_branches(ctx._run, branches)
            return parallel(ctx, branches)

        def hooked_step(run: Run, branch: str, name: str, action: Callable[[], Json], message: str) -> Json:
            request_id, token = run.claim.operation.request_id, run.claim.secrets.get("token")
            place = f"{'undo ' if run.is_rolling_back else ''}{name}{_branch_name(run, branch)}"
            secret = token.reveal() if token is not None else ""
            live: list[str] = []

            def act() -> Json:
                live.append(name)
                self.at(request_id, f"{place}:before", secret)
                with _in(place):
                    if fails.get(request_id) == name and not run.is_rolling_back:
                        raise FailedPreconditionError("it was to fail", reason=FAILURE)
                    try:
                        return action()
                    finally:
                        if _ended_by_itself():
                            self.at(request_id, f"{place}:effect", secret)

            try:
                return step(run, branch, name, act, message)
            finally:
                if live and _ended_by_itself():
                    self.at(request_id, f"{place}:after", secret)

        _put(DurableContext, "parallel", hooked_parallel)
        _put(Run, "step", hooked_step)

    def _hook_engine(self) -> None:
        begin = Runner._begin

        def hooked_begin(runner: Runner, claimed: Any) -> Any:
            self.at(claimed.operation.request_id, "claim:after")
            return begin(runner, claimed)

        _put(Runner, "_begin", hooked_begin)
        for owner, name, point in (
            (Journal, "begin_rollback", "rollback"),
            (Journal, "decide", "outcome"),
            (Journal, "end", "end"),
            (Journal, "publish", "publish"),
        ):
            setattr(owner, name, self._around(getattr(owner, name), point))

    def _hook_acceptance(self) -> None:
        for owner, name, point in (
            (VcdTaskBoard, "create", "accept/task"),
            (DurableOperations, "submit", "accept/store"),
            (DurableOperations, "cancel", "accept/cancel"),
        ):
            setattr(owner, name, self._around(getattr(owner, name), point))

    def _hook_requests(self) -> None:
        change, start = VcdSession._change, Guest._start_in

        def hooked_change(session: VcdSession, method: str, href: str, *args: Any) -> Any:
            point = f"{_place.get()}/{method} {_what(href)}:sent"
            request_id = _request_id()
            if not _place.get() or not request_id:
                return change(session, method, href, *args)
            if self.kills_at(request_id, point):
                self.slow_down_next_task()
            answer = change(session, method, href, *args)
            self.at(request_id, point)
            return answer

        def hooked_start(guest: Guest, directory: str, name: str) -> int:
            pid = start(guest, directory, name)
            if _place.get() and name == "script":
                self.at(_request_id(), f"{_place.get()}/script:started")
            return pid

        _put(VcdSession, "_change", hooked_change)
        _put(Guest, "_start_in", hooked_start)

    def _set_times(self) -> None:
        create, from_config, plan = cse_operations.create_engine, VcdEndpoint.from_config, self._plan

        def create_engine(kinds: Any, settings: OperationsSettings) -> Any:
            timing = Timing(**plan.timing) if plan.timing else settings.timing
            return create(kinds, replace(settings, timing=timing))

        def endpoint(config: Any) -> VcdEndpoint:
            return replace(from_config(config), read_timeout_s=plan.read_timeout_s)

        _put(bootstrap, "TASK_CARE_EVERY", timedelta(seconds=1))
        _put(bootstrap, "TASK_CARE_AFTER", timedelta(seconds=5))
        _put(bootstrap, "create_engine", create_engine)
        _put(VcdEndpoint, "from_config", staticmethod(endpoint))

    def _around(self, function: Callable[..., Any], point: str) -> Callable[..., Any]:
        @wraps(function)
        def hooked(*args: Any, **kwargs: Any) -> Any:
            request_id = _request_id()
            if not request_id:
                return function(*args, **kwargs)
            self.at(request_id, f"{point}:before")
            result = function(*args, **kwargs)
            self.at(request_id, f"{point}:after")
            return result

        return hooked


def _put(owner: object, name: str, value: object) -> None:
    """Replaces what is there under this name."""
    assert hasattr(owner, name), f"{owner} has no {name} any more"
    setattr(owner, name, value)


@contextmanager
def _in(place: str) -> Iterator[None]:
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)


def _request_id() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _ended_by_itself() -> bool:
    """Whether what is being left has returned or failed, and was not cut off by the engine."""
    error = sys.exc_info()[1]
    return error is None or isinstance(error, CseError)


def _name_branches(run: Any, branches: Mapping[str, Any]) -> None:
    """Names of machines are random; their places among their like are not."""
    known: dict[str, str] = run.__dict__.setdefault("_chaos_branches", {})
    seen: Counter[str] = Counter()
    for node in branches:
        role = node.partition("-")[0]
        seen[role] += 1
        known.setdefault(node, f"@{role}{seen[role]}")


def _branch_name(run: Any, branch: str) -> str:
    names: dict[str, str] = run.__dict__.get("_chaos_branches", {})
    return names.get(branch, f"@{branch}") if branch else ""


def _what(href: str) -> str:
    leaf = href.partition("?")[0].rstrip("/").rpartition("/")[2]
    return leaf.partition("-")[0]
