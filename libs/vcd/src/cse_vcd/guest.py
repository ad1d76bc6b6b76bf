"""Work inside a machine's operating system, through its tools: no network to the guest is needed.

    guest = Guest(vcenters.get("vc1"), moid="vm-101", password=…)
    guest.wait_ready(timeout_s=600)
    result = guest.run_script(body, {"CSE_NODE_NAME": "node-7k2p"}, timeout_s=900)

Errors say whether trying again helps: GuestUnavailableError and VcenterUnavailableError are retryable, GuestLoginError,
GuestGoneError and GuestError are not.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from cse_core.errors import CseError, DeadlineError, ExhaustedError
from cse_core.logs import tail
from cse_core.secret import Secret
from cse_vcd.errors import (
    GuestLoginError,
    GuestUnavailableError,
    ScriptTimeoutError,
    VcenterUnavailableError,
)
from cse_vcd.guest_files import PARENT, GuestFiles
from cse_vcd.script import MARK, clear_away, compose, kill_marked, prefix
from cse_vcd.soap import vim
from cse_vcd.timing import SYSTEM_CLOCK, Backoff, Check, Clock, Deadline, no_check, pause
from cse_vcd.vcenter import Vcenter

log = structlog.get_logger()

OUTPUT_BYTES: Final = 4 * 1024 * 1024
"""How much is kept of each stream of a script, its end, unless the caller asks for more or less. A list of nodes as
kubectl prints it has some 10 KB for each."""

_FIRST_POLL_S: Final = 0.05
_MOST_POLL_S: Final = 2.0
_POLL_FACTOR: Final = 1.05
"""The end of a script is noticed a fortieth of its time too late on average, a twentieth at worst."""
_KILLED_WITHIN_S: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class ScriptResult:
    """How a script ended. Streams are cut to their ends; what is no UTF-8 is replaced."""

    exit_code: int
    stdout: str
    stderr: str
    """Empty after success, for then it is not fetched: what it says helps when something went wrong."""
    is_cut: bool = False
    """Whether a stream was longer than what is here."""


class Guest:
    """The guest of one machine, and root's login to it. Keeps no state; may be used by many threads."""

    def __init__(
        self, vcenter: Vcenter, *, moid: str, password: Secret, user: str = "root", clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._vcenter = vcenter
        self._moid = moid
        self._login = vim.vm.guest.NamePasswordAuthentication(
            interactiveSession=False, username=user, password=password.reveal()
        )
        self._files = GuestFiles(vcenter, moid, self._login)
        self._user = user
        self._clock = clock

    def __repr__(self) -> str:
        return f"Guest(vcenter={self._vcenter.name!r}, moid={self._moid!r}, user={self._user!r})"

    def check_login(self) -> None:
        """Returns if the guest accepts the login.

        Raises:
            GuestUnavailableError: its tools do not run (yet).
            GuestLoginError: it refuses the password.
        """
        self._vcenter.call(
            "logging in to the guest",
            lambda vc: vc.credentials.ValidateCredentialsInGuest(vc.machine(self._moid), self._login),
        )

    def wait_ready(self, *, timeout_s: float, check: Check = no_check) -> None:
        """Returns when tools run and the guest accepts the login.

        A guest that boots refuses the password until customization has set it, so a refusal counts only at the end.

        Raises:
            GuestLoginError: tools run, but the password was refused to the end.
            DeadlineError: it was not ready in time; message and reason say what was seen last.
            GuestGoneError: vCenter does not know the machine.
        """
        deadline = Deadline(timeout_s, self._clock)
        backoff = Backoff(0.1, _MOST_POLL_S)
        self._vcenter.tools.wait(self._moid, deadline=deadline, check=check)
        while True:
            seen = self._why_not_ready()
            if seen is None:
                return
            if deadline.passed:
                if isinstance(seen, GuestLoginError):
                    raise seen
                raise DeadlineError(
                    f"the guest was not ready within {timeout_s:.0f} s; {seen}", reason=seen.code
                ) from seen
            pause(backoff.next_s(), check, deadline, self._clock)

    def run_script(
        self,
        script: str | Secret,
        env: Mapping[str, str | Secret] | None = None,
        *,
        timeout_s: float,
        check: Check = no_check,
        output_bytes: int = OUTPUT_BYTES,
        slot: str = "",
    ) -> ScriptResult:
        """Runs a bash script and returns how it ended; an exit code other than 0 is no error here.

        Script, variables and output live in a directory that only this user can read, and that is deleted however this
        ends. What a process has left that died meanwhile is deleted by the guest's next script of the same slot, and
        after an hour by any. A vCenter or tools that are away for a while do not end the wait.

        Args:
            script: its text; a shebang is not needed.
            env: variables that are exported before it; values are quoted and may be anything.
            timeout_s: how long it may run.
            check: called at least once a second; what it raises ends the script, and passes through.
            output_bytes: how much of the end of each stream is fetched.
            slot: what the script is for, in up to 32 small letters and digits, if only one is to run at a time for it.

        Raises:
            ScriptTimeoutError: it did not end in time; it has been killed. The message holds what it printed last.
            GuestUnavailableError: the guest was restarted, or its tools ended, while it ran.
            CseError: it could not be started.
        """
        body = script.reveal() if isinstance(script, Secret) else script
        directory = self._files.make_directory(prefix(slot))
        try:
            clearing = clear_away(PARENT, directory, slot)
            text = compose(body, {MARK: directory, **(env or {})}, before=clearing)
            self.write_file(f"{directory}/script", text.encode(), mode=0o700)
            check()
            try:
                exit_code = self._await(self._start_in(directory, "script"), directory, timeout_s, check)
            except ScriptTimeoutError as exc:
                raise self._with_last_words(exc, directory) from exc
            stdout, cut_out = self._files.end_of(f"{directory}/stdout", output_bytes)
            stderr, cut_err = self._files.end_of(f"{directory}/stderr", output_bytes) if exit_code else ("", False)
            return ScriptResult(exit_code=exit_code, stdout=stdout, stderr=stderr, is_cut=cut_out or cut_err)
        finally:
            self._files.delete_directory(directory)

    def run(self, *command: str, timeout_s: float, check: Check = no_check) -> ScriptResult:
        """Runs one command, whose arguments are quoted; otherwise as `run_script`."""
        return self.run_script(f"exec {shlex.join(command)}", timeout_s=timeout_s, check=check)

    def read_file(self, path: str, max_bytes: int) -> bytes:
        """The file's content.

        Raises:
            GuestFileNotFoundError: the guest has no such file.
            ExhaustedError: it is longer than `max_bytes`.
        """
        content, is_cut = self._files.fetch(path, max_bytes, keep_end=False)
        if is_cut:
            raise ExhaustedError(f"the file {path!r} in the guest is longer than {max_bytes} bytes", path=path)
        return content

    def write_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        """Writes the file, replacing one of that name."""
        self._files.write(path, content, mode=mode)

    def _why_not_ready(self) -> CseError | None:
        try:
            self.check_login()
        except (GuestUnavailableError, GuestLoginError, VcenterUnavailableError) as exc:
            return exc
        return None

    def _start_in(self, directory: str, name: str) -> int:
        """Starts a script of the directory, for the streams `stdout` and `stderr` there; returns its process id."""
        script, stdout, stderr = (shlex.quote(f"{directory}/{leaf}") for leaf in (name, "stdout", "stderr"))
        return self._start(f"{script} </dev/null >{stdout} 2>{stderr}")

    def _start(self, arguments: str) -> int:
        """Starts a shell; returns its process id."""
        spec = vim.vm.guest.ProcessManager.ProgramSpec(programPath="/bin/bash", arguments=arguments)
        pid: int = self._vcenter.call(
            "starting a program in the guest",
            lambda vc: vc.processes.StartProgramInGuest(vc.machine(self._moid), self._login, spec),
            repeatable=False,
        )
        return pid

    def _await(self, pid: int, directory: str, timeout_s: float, check: Check) -> int:
        """The exit code of the program."""
        deadline = Deadline(timeout_s, self._clock)
        backoff = Backoff(_FIRST_POLL_S, _MOST_POLL_S, factor=_POLL_FACTOR)
        pace = self._vcenter.pace
        try:
            with pace.polling():
                while True:
                    with pace.turn(check):
                        exit_code, silent = self._look(pid)
                    if exit_code is not None:
                        return exit_code
                    if deadline.passed:
                        raise self._overdue(timeout_s, silent)
                    pause(pace.slowed(backoff.next_s()), check, deadline, self._clock)
        except _ENDED_BY_ITSELF:
            raise
        except BaseException:
            self._kill(pid, directory)
            raise

    def _with_last_words(self, error: ScriptTimeoutError, directory: str) -> ScriptTimeoutError:
        """The same with what the script has printed to the end, as far as that can be known."""
        try:
            streams = [self._files.end_of(f"{directory}/{name}", OUTPUT_BYTES)[0] for name in ("stderr", "stdout")]
        except CseError as exc:
            log.info("guest_output_lost", moid=self._moid, error=str(exc))
            return error
        said = next(filter(None, map(tail, streams)), "")
        return ScriptTimeoutError(f"{error.message}; it said last: {said}", moid=self._moid) if said else error

    def _look(self, pid: int) -> tuple[int | None, CseError | None]:
        """The exit code, None while it runs; and why nobody can tell."""
        try:
            return self._exit_code(pid), None
        except _LostProcessError:
            raise
        except (VcenterUnavailableError, GuestUnavailableError) as exc:
            log.info("guest_not_asked", moid=self._moid, error=str(exc))
            return None, exc

    def _overdue(self, timeout_s: float, silent: CseError | None) -> DeadlineError:
        """Why a script is given up; `silent` is why nobody could tell how it is at last."""
        if silent is not None:
            return DeadlineError(f"a script in the guest was begun, but then {silent}", reason=silent.code)
        return ScriptTimeoutError(
            f"a script in the guest did not end within {timeout_s:.0f} s and was killed", moid=self._moid
        )

    def _exit_code(self, pid: int) -> int | None:
        """None while it runs."""
        found = self._processes(pid)
        if not found:
            raise _LostProcessError(
                "the guest was restarted while a script ran; how it ended is not known", moid=self._moid
            )
        code = found[0].exitCode
        return None if found[0].endTime is None and code is None else int(code or 0)

    def _processes(self, pid: int) -> list[Any]:
        def ask(vc: Any) -> list[Any]:
            try:
                return list(vc.processes.ListProcessesInGuest(vc.machine(self._moid), self._login, [pid]))
            except vim.fault.GuestProcessNotFound:
                return []

        return self._vcenter.call("asking for a program in the guest", ask)

    def _kill(self, pid: int, directory: str) -> None:
        """Ends the script and all that it has started: those have its directory in their environment."""
        try:
            self._vcenter.call(
                "killing a program in the guest",
                lambda vc: vc.processes.TerminateProcessInGuest(vc.machine(self._moid), self._login, pid),
            )
            self.write_file(f"{directory}/kill", kill_marked(directory).encode(), mode=0o700)
            killer = self._start(f"{shlex.quote(f'{directory}/kill')} </dev/null >/dev/null 2>&1")
            deadline = Deadline(_KILLED_WITHIN_S, self._clock)
            while self._exit_code(killer) is None and not deadline.passed:
                pause(0.2, no_check, deadline, self._clock)
        except CseError as exc:
            log.warning("guest_program_not_killed", moid=self._moid, error=str(exc))


class _LostProcessError(GuestUnavailableError):
    """The guest does not know the program any more, so there is nothing to kill."""


_ENDED_BY_ITSELF: Final = (_LostProcessError,)
