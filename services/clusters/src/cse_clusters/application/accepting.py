"""What accepting any change of a cluster has in common: rights, repetitions, one at a time per name, a vCD task."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import structlog

from cse_clusters.application.ports import Callers, TaskBoard, TaskCard
from cse_clusters.domain.access import DEPLOY_RIGHT, Caller
from cse_clusters.domain.cluster import Cluster
from cse_core.errors import ConflictError, CseError, DeadlineError, InvalidArgumentError, PermissionDeniedError
from cse_core.names import ClusterName
from cse_core.operations import Operation, OperationRequest, Operations

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What a caller says about the call itself."""

    request_id: str
    is_wanted: Callable[[], bool]
    """Whether somebody still waits for the answer; what nobody waits for must not start."""

    @classmethod
    def of(cls, request_id: str, is_wanted: Callable[[], bool]) -> "Submission":
        """Raises InvalidArgumentError if `request_id` is no UUID; chooses one if it is empty."""
        if not request_id:
            return cls(request_id=str(uuid.uuid4()), is_wanted=is_wanted)
        try:
            return cls(request_id=str(uuid.UUID(request_id)), is_wanted=is_wanted)
        except ValueError:
            raise InvalidArgumentError("request_id: not a UUID", field="request_id") from None


class Acceptance:
    """Turns a request that was found good into an operation with its vCD task; a failure leaves nothing behind.

    Within this process one request per cluster name is accepted at a time, so that two of them cannot both find the
    name free, or find each other's task.
    """

    def __init__(self, callers: Callers, board: TaskBoard, operations: Operations, *, enforce_rights: bool) -> None:
        self._callers = callers
        self._board = board
        self._operations = operations
        self._enforce_rights = enforce_rights
        self._names = NameLocks()

    def require_right(self, caller: Caller) -> None:
        """Raises PermissionDeniedError if the installation enforces rights and the caller's role lacks ours."""
        if not self._enforce_rights or caller.is_system_administrator:
            return
        if not self._callers.has_right(caller, DEPLOY_RIGHT):
            raise PermissionDeniedError(
                f"your role lacks the right {DEPLOY_RIGHT!r}; ask your organization's administrator for it",
                reason="RIGHT_MISSING",
                right=DEPLOY_RIGHT,
            )

    @contextmanager
    def exclusively(self, org: str, cluster: str) -> Iterator[None]:
        """While inside, no other request for this name is being accepted."""
        with self._names.held(f"{org}/{cluster}"):
            yield

    def repeated(self, target: str, request_id: str) -> Operation | None:
        """The operation that this request has begun already."""
        return next((each for each in self._operations.find(target=target) if each.request_id == request_id), None)

    def repeated_change(self, caller: Caller, kind: str, cluster: str, request_id: str) -> Operation | None:
        """The operation of this kind that this request has begun already on a cluster of this name.

        Found without vCD: the cluster may be gone since, and with it what a `-` in its resource name means.
        """
        owner = None if caller.is_system_administrator else caller.org_id
        for each in self._operations.find(owner=owner):
            if each.request_id == request_id and each.kind == kind:
                return each if ClusterName.parse(each.target).cluster == cluster else None
        return None

    def submit(
        self,
        submission: Submission,
        card: TaskCard,
        text: str,
        make_request: Callable[[str], OperationRequest],
    ) -> Operation:
        """Creates the vCD task, then the operation that `make_request` describes, given the task's href.

        Raises:
            ConflictError: the request id has begun something else.
            DeadlineError: nobody waits for the answer any more.
        """
        if not submission.is_wanted():
            raise DeadlineError("the caller does not wait any more; nothing was begun", reason="CALL_ABANDONED")
        task_href = self._board.create(card, text)
        try:
            operation = self._operations.submit(make_request(task_href))
            if operation.task_href != task_href:
                raise ConflictError(
                    f"request_id: {submission.request_id} was used for {operation.name} already; choose a new one",
                    reason="REQUEST_ID_REUSED",
                    field="request_id",
                )
        except CseError as exc:
            with suppress(CseError):
                self._board.fail(task_href, card, "Not started", reason=exc.code, error=exc.message)
            raise
        log.info("operation_accepted", operation_id=operation.id, kind=operation.kind, target=operation.target)
        return operation


def card_for(caller: Caller, cluster: Cluster, operation_name: str) -> TaskCard:
    """The vCD task of a change that the caller makes to a cluster that is there."""
    return TaskCard(
        operation_name=operation_name,
        cluster_id=cluster.uid,
        cluster_name=cluster.name,
        org=cluster.org,
        org_id=cluster.org_id,
        user=caller.user,
        user_id=caller.user_id,
    )


class NameLocks:
    """A lock for each name that somebody is interested in at the moment."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        with self._guard:
            lock, users = self._locks.get(name, (threading.Lock(), 0))
            self._locks[name] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._locks[name]
                if users == 1:
                    del self._locks[name]
                else:
                    self._locks[name] = (lock, users - 1)
