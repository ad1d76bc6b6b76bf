"""Tasks of ours in vCD: how vCD's users follow what we do.

The service account creates them in the tenant's org and writes to them; the tenant sees them in `vcd task list`. vCD's
PUT replaces the whole task, so everything it shows for ever travels in each update (`TaskCard`).
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import structlog

from cse_core.errors import CseError, NotFoundError
from cse_vcd.documents import Element, V, attribute, clean, first, link, media_type
from cse_vcd.errors import VcdUnavailableError
from cse_vcd.query import Condition, Query, run
from cse_vcd.session import VcdSession
from cse_vcd.tasks import read_task
from cse_vcd.timing import SYSTEM_CLOCK, Backoff, Check, Clock, Deadline, no_check, pause

log = structlog.get_logger()

NAMESPACE: Final = "vcloud.cse"
OWNER_TYPE: Final = "application/vcloud.cse.cluster+xml"

_RUNNING: Final = "running"
_SUCCESS: Final = "success"
_ERROR: Final = "error"
_MAX_TEXT: Final = 1000
_PERSIST_S: Final = 60.0
_CLOSE_S: Final = 5.0
_REMEMBERED: Final = 20_000


@dataclass(frozen=True, kw_only=True)
class TaskCard:
    """What a task shows for ever."""

    operation_name: str
    """`create_cluster`, `delete_cluster`, …"""
    cluster_id: str
    cluster_name: str
    org_href: str
    org_name: str
    user: str
    user_urn: str


@dataclass(frozen=True)
class _Update:
    card: TaskCard
    status: str
    text: str
    percent: int | None = None
    error: str = ""
    reason: str = ""


@dataclass(eq=False)
class _Writer:
    """What is known of one task: the lock orders writes to it, `is_final` ends them."""

    is_ours: bool
    """Whether this process has created it, or written to it since it started."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    pending: _Update | None = None
    is_final: bool = False


class ServiceTasks:
    """Creates our tasks and writes to them.

    Progress is written in the background: of several updates to one task only the newest is sent, in order, and a
    failure is logged, for the next update repairs it. `succeed` and `fail` return when vCD has accepted them, and
    nothing is written to a task afterwards.
    """

    def __init__(self, account: VcdSession, clock: Clock = SYSTEM_CLOCK) -> None:
        self._account = account
        self._clock = clock
        self._changed = threading.Condition()
        self._writers: OrderedDict[str, _Writer] = OrderedDict()
        self._dirty: dict[str, _Writer] = {}
        self._thread: threading.Thread | None = None
        self._closed = False
        self._lists: dict[str, str] = {}

    def create(self, card: TaskCard, text: str) -> str:
        """A running task in the org of the card; returns its href."""
        body = _body(_Update(card, _RUNNING, text))
        document = self._account.post(self._list_of(card.org_href), body, media_type("task"))
        href = "" if document is None else attribute(document, "href")
        if not href:
            raise VcdUnavailableError("vCD's answer to a new task holds no address of it")
        with self._changed:
            self._writer(href, is_ours=True)
        return href

    def progress(self, href: str, card: TaskCard, text: str, percent: int | None = None) -> None:
        """Shows what is being done; returns at once."""
        with self._changed:
            writer = self._writer(href, is_ours=True)
            if writer.is_final or self._closed:
                return
            writer.pending = _Update(card, _RUNNING, text, percent)
            self._dirty[href] = writer
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="vcd-task-updates", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def succeed(self, href: str, card: TaskCard, text: str, *, check: Check = no_check) -> None:
        """Ends it well. Tries for a minute while vCD is away.

        Raises:
            UnavailableError: vCD did not accept it in that time.
        """
        self._finish(href, _Update(card, _SUCCESS, text, 100), check)

    def fail(self, href: str, card: TaskCard, text: str, *, reason: str, error: str, check: Check = no_check) -> None:
        """Ends it with an error; `error` is what the user reads, `reason` its minor error code. Raises as `succeed`."""
        self._finish(href, _Update(card, _ERROR, text, error=error, reason=reason), check)

    def unfinished(self) -> list[str]:
        """The hrefs of all tasks of ours that vCD shows as running, whichever process created them."""
        terms = (Condition.equal("serviceNamespace", NAMESPACE), Condition.equal("status", _RUNNING))
        found = run(self._account, Query("adminTask", terms, sort=None))
        return [f"{self._account.api}/task/{record.id}" for record in found]

    def read_card(self, href: str) -> TaskCard:
        """What a task of ours shows.

        Raises:
            NotFoundError: vCD has forgotten it.
        """
        task = self._account.get(href, missing="the vCD task")
        owner, org, user = (first(task, f"v:{name}") for name in ("Owner", "Organization", "User"))
        return TaskCard(
            operation_name=attribute(task, "operationName"),
            cluster_id=_of(owner, "href").rpartition(":")[2],
            cluster_name=_of(owner, "name"),
            org_href=_of(org, "href"),
            org_name=_of(org, "name"),
            user=_of(user, "name"),
            user_urn=_of(user, "href"),
        )

    def close(self) -> None:
        """Writes what is pending, for some seconds at most, and ends."""
        with self._changed:
            self._closed = True
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread is not None:
            thread.join(_CLOSE_S)

    def _writer(self, href: str, *, is_ours: bool) -> _Writer:
        """What is known of the task; the longest untouched of many thousand is forgotten."""
        writer = self._writers.setdefault(href, _Writer(is_ours))
        writer.is_ours = writer.is_ours or is_ours
        self._writers.move_to_end(href)
        while len(self._writers) > _REMEMBERED:
            self._writers.popitem(last=False)
        return writer

    def _finish(self, href: str, update: _Update, check: Check) -> None:
        with self._changed:
            writer = self._writer(href, is_ours=False)
        with writer.lock:
            if writer.is_final:
                return
            # An earlier process may have written the end and died before it could note that.
            if writer.is_ours or not self._is_over(href):
                self._persist(href, update, check)
            with self._changed:
                writer.is_final = True
                writer.pending = None

    def _is_over(self, href: str) -> bool:
        try:
            return read_task(self._account, href).is_final
        except NotFoundError:
            return True
        except CseError:
            return False

    def _persist(self, href: str, update: _Update, check: Check) -> None:
        """Writes until vCD has it: a task that never ends is what users fear most."""
        deadline = Deadline(_PERSIST_S, self._clock)
        backoff = Backoff(0.1, 5.0, factor=1.5)
        while True:
            try:
                self._write(href, update)
            except NotFoundError:
                log.warning("vcd_task_gone", task=href)
            except CseError as exc:
                if not exc.retryable or deadline.passed:
                    raise
                log.info("vcd_task_not_written", task=href, error=str(exc))
                pause(backoff.next_s(), check, deadline, self._clock)
                continue
            return

    def _run(self) -> None:
        me = threading.current_thread()
        while True:
            with self._changed:
                while not self._dirty:
                    if self._thread is not me:
                        return
                    self._changed.wait()
                href, writer = next(iter(self._dirty.items()))
                del self._dirty[href]
            self._write_pending(href, writer)

    def _write_pending(self, href: str, writer: _Writer) -> None:
        with writer.lock:
            with self._changed:
                update, writer.pending = writer.pending, None
            if update is None:
                return
            try:
                self._write(href, update)
            except CseError as exc:
                log.info("vcd_task_not_written", task=href, error=str(exc))
            except Exception:  # the outermost loop: without this thread no task would show progress any more
                log.exception("vcd_task_update_crashed", task=href)

    def _write(self, href: str, update: _Update) -> None:
        self._account.put(href, _body(update), media_type("task"), missing="the vCD task")

    def _list_of(self, org_href: str) -> str:
        """Where tasks of the org are created; it never changes, so one GET per org."""
        found = self._lists.get(org_href)
        if found is None:
            org = self._account.get(org_href, missing="the org")
            found = link(org, "down", media_type("tasksList"))
            if found is None:
                raise VcdUnavailableError("vCD lets the service account create no tasks in the org")
            self._lists[org_href] = found
        return found


def _of(element: Element | None, name: str) -> str:
    return "" if element is None else attribute(element, name)


def _body(update: _Update) -> Element:
    card = update.card
    task: Element = V.Task(
        status=update.status,
        serviceNamespace=NAMESPACE,
        type=media_type("task"),
        operation=_short(update.text),
        operationName=clean(card.operation_name),
        name="task",
    )
    owner = f"urn:cse:cluster:{clean(card.cluster_id)}"
    task.append(V.Owner(href=owner, name=clean(card.cluster_name), type=OWNER_TYPE))
    if update.status == _ERROR:
        task.append(
            V.Error(
                majorErrorCode="500",
                minorErrorCode=clean(update.reason) or "INTERNAL_SERVER_ERROR",
                message=_short(update.error or update.text),
                stackTrace="",
            )
        )
    task.append(V.User(href=clean(card.user_urn), name=clean(card.user), type="application/vnd.vmware.admin.user+xml"))
    task.append(V.Organization(href=card.org_href, name=clean(card.org_name), type=media_type("org")))
    if update.percent is not None:
        task.append(V.Progress(str(max(0, min(100, update.percent)))))
    task.append(V.Details(_short(update.error or update.text)))
    return task


def _short(text: str) -> str:
    line = " ".join(clean(text).split())
    return line if len(line) <= _MAX_TEXT else line[: _MAX_TEXT - 1] + "…"
