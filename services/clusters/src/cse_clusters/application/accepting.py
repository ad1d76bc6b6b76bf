"""What accepting any change of a cluster has in common: rights, repetitions, one at a time per name, a vCD task."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

import structlog

from cse_clusters.application.failures import STOPPING_REASON
from cse_clusters.application.ledger import TASK, task_key
from cse_clusters.application.operation_data import CREATE_CLUSTER, card_of, key_of
from cse_clusters.application.ports import Callers, TaskBoard, TaskCard
from cse_clusters.domain.access import DEPLOY_RIGHT, Caller
from cse_clusters.domain.cluster import Cluster
from cse_core.errors import (
    AlreadyExistsError,
    ConflictError,
    CseError,
    DeadlineError,
    InvalidArgumentError,
    PermissionDeniedError,
    UnavailableError,
)
from cse_core.names import ClusterName
from cse_core.operations import Operation, OperationQuery, OperationRequest, Operations, OperationState
from cse_core.operations.failures import CLAIM_TAKEN

log = structlog.get_logger()

_PAUSES_S: Final = (0.1, 0.5, 1.0)
"""Between attempts to submit an operation."""
_MOST_AHEAD: Final = 100
"""Operations on one cluster that are counted when one more is accepted."""


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

    Within this process one request per org and cluster name is accepted at a time, so that two of them cannot both find
    the name free, or find each other's task; that two replicas do is left to the engine, which tells them apart.
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
        """While inside, no other request for this name in this org, or from it, is being accepted."""
        with self._names.held(f"{org}/{cluster}"):
            yield

    def repeated(
        self, caller: Caller, kind: str, request_id: str, is_same: Callable[[Operation], bool]
    ) -> Operation | None:
        """The operation of this kind that this request has begun already; found before a vCD task is made.

        Raises:
            ConflictError: the request id has begun something else.
        """
        first = self._operations.begun_by(request_id)
        if first is None:
            return None
        is_visible = caller.is_system_administrator or first.owner == caller.org_id
        if is_visible and first.kind == kind and is_same(first):
            return first
        raise _reused(request_id)

    def repeated_change(self, caller: Caller, kind: str, cluster: str, request_id: str) -> Operation | None:
        """The operation of this kind that this request has begun already on a cluster of this name.

        Found without vCD: the cluster may be gone since, and with it what a `-` in its resource name means.
        """
        return self.repeated(caller, kind, request_id, lambda first: ClusterName.parse(first.target).cluster == cluster)

    def submit(
        self,
        submission: Submission,
        card: TaskCard,
        text: str,
        make_request: Callable[[str], OperationRequest],
    ) -> Operation:
        """Creates the vCD task, then the operation that `make_request` describes, given the task's href.

        A note tells of the task until there is the operation, so that TaskCare knows for ours what a crash left behind.
        If the request arrives at another replica as well at this moment, both return the one operation.

        Raises:
            ConflictError: the request id has begun something else.
            AlreadyExistsError: a cluster of this name is being created.
            DeadlineError: nobody waits for the answer any more.
        """
        if not submission.is_wanted():
            raise DeadlineError("the caller does not wait any more; nothing was begun", reason="CALL_ABANDONED")
        note = self._operations.note(submission.request_id, TASK, task_key(card.cluster_id))
        task_href = self._board.create(card, text)
        request = replace(make_request(task_href), settles=note)
        try:
            operation = self._accepted(request, card.cluster_name, submission.is_wanted)
        except CseError as exc:
            if not _leaves_open(exc):  # otherwise the operation reports on its task, or TaskCare ends that for us
                self._not_started(task_href, card, exc)
            raise
        if operation.task_href == task_href:
            log.info("operation_accepted", operation_id=operation.id, kind=operation.kind, target=operation.target)
            if operation.kind != CREATE_CLUSTER:  # nothing can wait for a cluster that does not exist yet
                self._tell_of_the_queue(operation, card, text)
            return operation
        error = _reused(submission.request_id)
        self._not_started(task_href, card, error)
        if (operation.kind, operation.target) != (request.kind, request.target):
            raise error
        return operation

    def _tell_of_the_queue(self, operation: Operation, card: TaskCard, text: str) -> None:
        """Has the vCD task of a change that waits for another one say so, and for what."""
        query = OperationQuery(owner=operation.owner, target_uid=operation.target_uid, active=True)
        with suppress(CseError):  # the operation is accepted, whether or not this can be told
            latest_first = iter(self._operations.page(query, limit=_MOST_AHEAD + 1))
            mine = next((each for each in latest_first if each.id == operation.id), None)
            ahead = [each for each in latest_first if key_of(each) == key_of(operation)]
            if ahead and mine is not None and mine.state is OperationState.QUEUED:
                others = f" and {len(ahead) - 1} more" if len(ahead) > 1 else ""
                first = f"{card_of(ahead[-1].input).operation_name} ({ahead[-1].name})"
                self._board.progress(operation.task_href, card, f"{text}: queued behind {first}{others}", 0)

    def _accepted(self, request: OperationRequest, name: str, is_wanted: Callable[[], bool]) -> Operation:
        """Submits it, and again if the store does not answer: it is then open whether the operation was accepted."""
        pauses = iter(_PAUSES_S)
        while True:
            try:
                return self._operations.submit(request)
            except UnavailableError as exc:
                pause_s = next(pauses, None)
                if pause_s is None or exc.code == STOPPING_REASON or not is_wanted():
                    raise
            except ConflictError as exc:
                if exc.code == CLAIM_TAKEN:
                    raise being_created(name, exc.details["operation"]) from exc
                raise
            time.sleep(pause_s)

    def _not_started(self, task_href: str, card: TaskCard, error: CseError) -> None:
        with suppress(CseError):
            self._board.fail(task_href, card, "Not started", reason=error.code, error=error.message)


def _leaves_open(error: CseError) -> bool:
    """Whether it is not known if the operation was accepted: the store did not answer."""
    return isinstance(error, UnavailableError) and error.code != STOPPING_REASON


def being_created(name: str, operation: str) -> AlreadyExistsError:
    """Somebody else is creating a cluster of this name."""
    return AlreadyExistsError(
        f"cluster_id: a cluster {name!r} is being created already ({operation})",
        reason="CLUSTER_EXISTS",
        field="cluster_id",
        cluster=name,
    )


def _reused(request_id: str) -> ConflictError:
    return ConflictError(
        f"request_id: {request_id} was used for another operation already; choose a new one",
        reason="REQUEST_ID_REUSED",
        field="request_id",
    )


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
