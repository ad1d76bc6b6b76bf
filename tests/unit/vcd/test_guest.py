"""Work in guests, with a vCenter that does what a test says."""

import shlex
import ssl
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse_core.errors import CseError, DeadlineError, ExhaustedError
from cse_core.secret import Secret
from cse_testing.scripted_vcd import ManualClock
from cse_vcd.errors import (
    GuestError,
    GuestFileNotFoundError,
    GuestGoneError,
    GuestLoginError,
    GuestUnavailableError,
    ScriptTimeoutError,
    UntrustedError,
    VcenterUnavailableError,
)
from cse_vcd.faults import from_vim
from cse_vcd.guest import Guest
from cse_vcd.script import compose
from cse_vcd.soap import vim, vmodl
from cse_vcd.timing import Pace, no_check
from cse_vcd.vcenter import _bounded


class FakeVcenter:
    """The guest operations of one machine, in memory."""

    name = "vc1"

    def __init__(self) -> None:
        self.tools = SimpleNamespace(wait=lambda _moid, **_options: None)
        self.pace = Pace(100.0)
        self.files: dict[str, bytes] = {}
        self.modes: dict[str, int] = {}
        self.programs: list[str] = []
        self.killed: list[int] = []
        self.login: list[Exception] = []
        self.polls: list[Any] = [0]
        """What each poll of a program gives: an exit code, None while it runs, "gone", or an exception."""
        self.deleted: list[str] = []
        self.broken_transfers = 0

    def call(self, doing: str, use: Callable[[Any], Any], *, repeatable: bool = True) -> Any:
        try:
            return use(SimpleNamespace(machine=self._machine, files=self, processes=self, credentials=self))
        except (vmodl.MethodFault, OSError) as exc:
            raise from_vim(exc, doing, self.name) from exc

    def put(self, doing: str, url: str, content: bytes) -> None:
        self._transfer()
        self.files[url] = content

    def get(self, doing: str, url: str, max_bytes: int, *, keep_end: bool = False) -> tuple[bytes, bool]:
        self._transfer()
        return _bounded([self.files[url]], max_bytes, keep_end=keep_end)

    def _transfer(self) -> None:
        if self.broken_transfers:
            self.broken_transfers -= 1
            raise VcenterUnavailableError("the transfer was answered with HTTP status 500")

    def _machine(self, _moid: str) -> Any:
        return SimpleNamespace()

    def ValidateCredentialsInGuest(self, *_args: Any) -> None:
        if self.login:
            raise self.login.pop(0)

    def CreateTemporaryDirectoryInGuest(self, *_args: Any) -> str:
        return "/tmp/cse-1"

    def DeleteDirectoryInGuest(self, _vm: Any, _auth: Any, path: str, recursive: bool) -> None:
        assert recursive
        self.deleted.append(path)

    def InitiateFileTransferToGuest(
        self, _vm: Any, _auth: Any, path: str, attributes: Any, _size: int, overwrite: bool
    ) -> str:
        assert overwrite
        self.modes[path] = attributes.permissions
        return path

    def InitiateFileTransferFromGuest(self, _vm: Any, _auth: Any, path: str) -> Any:
        if path not in self.files:
            raise vim.fault.FileNotFound(file=path)
        return SimpleNamespace(url=path, size=len(self.files[path]))

    def StartProgramInGuest(self, _vm: Any, _auth: Any, spec: Any) -> int:
        self.programs.append(f"{spec.programPath} {spec.arguments}")
        self.files.setdefault("/tmp/cse-1/stdout", b"out\n")
        self.files.setdefault("/tmp/cse-1/stderr", b"")
        return len(self.programs)

    def ListProcessesInGuest(self, _vm: Any, _auth: Any, pids: list[int]) -> list[Any]:
        if pids[0] in self.killed or pids[0] > 1:
            return [SimpleNamespace(exitCode=0, endTime="now")]
        found = self.polls.pop(0) if len(self.polls) > 1 else self.polls[0]
        if isinstance(found, Exception):
            raise found
        if found == "gone":
            return []
        return [SimpleNamespace(exitCode=found, endTime=None if found is None else "now")]

    def TerminateProcessInGuest(self, _vm: Any, _auth: Any, pid: int) -> None:
        self.killed.append(pid)


@pytest.fixture
def vcenter() -> FakeVcenter:
    return FakeVcenter()


@pytest.fixture
def guest(vcenter: FakeVcenter, clock: ManualClock) -> Guest:
    return Guest(vcenter, moid="vm-1", password=Secret("s3cret"), clock=clock)  # type: ignore[arg-type]


class TestScripts:
    """Running scripts."""

    def test_a_script_runs_as_sent_and_leaves_nothing(self, guest: Guest, vcenter: FakeVcenter) -> None:
        vcenter.polls = [None, None, 3]
        result = guest.run_script("echo out; exit 3", {"NAME": "it's"}, timeout_s=60)
        assert (result.exit_code, result.stdout, result.stderr, result.is_cut) == (3, "out\n", "", False)
        assert vcenter.modes["/tmp/cse-1/script"] == 0o700
        assert b"export NAME='it'\"'\"'s'\n" in vcenter.files["/tmp/cse-1/script"]
        assert vcenter.deleted == ["/tmp/cse-1"]
        assert vcenter.killed == []

    def test_polls_begin_soon_and_become_seldom(self, guest: Guest, vcenter: FakeVcenter, clock: ManualClock) -> None:
        vcenter.polls = [None] * 75 + [0]
        guest.run_script("sleep 40", timeout_s=300)
        assert 0.04 <= clock.slept[0] <= 0.05
        assert max(clock.slept) <= 1.0, "checks are made in between"
        assert 20 < clock.now - 1000 < 90

    def test_a_script_is_asked_for_when_it_is_its_turn(self, guest: Guest, vcenter: FakeVcenter) -> None:
        vcenter.polls = [None, 0]
        checks = iter([None, KeyboardInterrupt()])

        def check() -> None:
            if (problem := next(checks)) is not None:
                raise problem

        with vcenter.pace.turn(no_check), pytest.raises(KeyboardInterrupt):
            guest.run_script("true", timeout_s=60, check=check)
        assert vcenter.polls == [None, 0], "nobody has asked for it"
        assert vcenter.killed

    def test_a_script_that_takes_too_long_is_killed_with_its_children(
        self, guest: Guest, vcenter: FakeVcenter, clock: ManualClock
    ) -> None:
        vcenter.polls = [None]
        with pytest.raises(ScriptTimeoutError, match="within 60 s and was killed"):
            guest.run_script("sleep 1000", timeout_s=60)
        assert vcenter.killed == [1]
        assert "/tmp/cse-1/kill" in vcenter.programs[1]
        assert vcenter.deleted == ["/tmp/cse-1"]

    def test_what_an_endless_script_said_last_is_told_without_secrets(
        self, guest: Guest, vcenter: FakeVcenter, clock: ManualClock
    ) -> None:
        vcenter.polls = [None]
        vcenter.files["/tmp/cse-1/stderr"] = (
            b"joining\n\x1b[31mtoken: abcdef.0123456789abcdef\x1b[0m\nwaiting for API\n"
        )
        with pytest.raises(ScriptTimeoutError) as ended:
            guest.run_script("sleep 1000", timeout_s=60)
        assert ended.value.message.endswith("was killed; it said last: joining | token: *** | waiting for API")

    def test_that_its_output_is_lost_does_not_hide_why_a_script_was_ended(
        self, guest: Guest, vcenter: FakeVcenter, clock: ManualClock
    ) -> None:
        vcenter.polls = [None]

        def away(*_arguments: object, **_options: object) -> None:
            raise VcenterUnavailableError("away")

        vcenter.get = away  # type: ignore[method-assign,assignment]
        with pytest.raises(ScriptTimeoutError, match=r"and was killed$"):
            guest.run_script("sleep 1000", timeout_s=60)

    def test_a_script_is_killed_when_its_operation_is_cancelled(self, guest: Guest, vcenter: FakeVcenter) -> None:
        class StopError(Exception):
            pass

        looks = iter([False])

        def check() -> None:
            if next(looks, True):
                raise StopError

        vcenter.polls = [None]
        with pytest.raises(StopError):
            guest.run_script("sleep 1000", timeout_s=60, check=check)
        assert vcenter.killed == [1]

    def test_no_script_is_begun_when_its_operation_is_to_end(self, guest: Guest, vcenter: FakeVcenter) -> None:
        class StopError(Exception):
            pass

        def check() -> None:
            raise StopError

        with pytest.raises(StopError):
            guest.run_script("true", timeout_s=60, check=check)
        assert vcenter.programs == []
        assert vcenter.deleted == ["/tmp/cse-1"]

    def test_tools_or_a_vcenter_that_are_away_for_a_while_end_nothing(self, guest: Guest, vcenter: FakeVcenter) -> None:
        vcenter.polls = [None, vim.fault.GuestOperationsUnavailable(), ConnectionResetError("reset"), None, 0]
        assert guest.run_script("true", timeout_s=60).exit_code == 0

    def test_a_guest_that_was_restarted_meanwhile_is_told_so(self, guest: Guest, vcenter: FakeVcenter) -> None:
        vcenter.polls = [None, "gone"]
        with pytest.raises(GuestUnavailableError, match="restarted") as caught:
            guest.run_script("reboot", timeout_s=60)
        assert caught.value.retryable
        assert vcenter.deleted == ["/tmp/cse-1"]

    def test_only_the_end_of_long_output_is_fetched(self, guest: Guest, vcenter: FakeVcenter) -> None:
        vcenter.files["/tmp/cse-1/stdout"] = b"x" * 100_000 + b"the end"
        result = guest.run_script("yes", timeout_s=60, output_bytes=10)
        assert (result.stdout, result.is_cut) == ("xxxthe end", True)

    def test_output_that_is_no_text_is_no_error(self, guest: Guest, vcenter: FakeVcenter) -> None:
        vcenter.files["/tmp/cse-1/stdout"] = b"\xff\x00ok"
        assert guest.run_script("x", timeout_s=60).stdout == "\ufffd\x00ok"

    def test_a_transfer_that_breaks_is_tried_again_once(self, guest: Guest, vcenter: FakeVcenter) -> None:
        vcenter.broken_transfers = 1
        assert guest.run_script("true", timeout_s=60).exit_code == 0
        vcenter.broken_transfers = 2
        with pytest.raises(VcenterUnavailableError):
            guest.run_script("true", timeout_s=60)


class TestReadiness:
    """Waiting for a guest that boots."""

    def test_it_is_ready_when_tools_run_and_the_password_is_accepted(
        self, guest: Guest, vcenter: FakeVcenter, clock: ManualClock
    ) -> None:
        vcenter.login = [vim.fault.InvalidGuestLogin(), vim.fault.GuestOperationsUnavailable(), OSError("reset")]
        guest.wait_ready(timeout_s=60)
        assert vcenter.login == []

    def test_a_password_refused_to_the_end_is_reported_as_that(self, guest: Guest, vcenter: FakeVcenter) -> None:
        vcenter.login = [vim.fault.InvalidGuestLogin() for _ in range(1000)]
        with pytest.raises(GuestLoginError) as caught:
            guest.wait_ready(timeout_s=60)
        assert not caught.value.retryable

    def test_tools_that_never_run_are_reported_with_what_was_seen(self, guest: Guest, vcenter: FakeVcenter) -> None:
        vcenter.login = [vim.fault.GuestOperationsUnavailable() for _ in range(1000)]
        with pytest.raises(DeadlineError, match=r"not ready within 60 s; .*the guest's tools do not run"):
            guest.wait_ready(timeout_s=60)

    def test_a_machine_that_is_gone_is_not_waited_for(self, guest: Guest, vcenter: FakeVcenter) -> None:
        vcenter.login = [vmodl.fault.ManagedObjectNotFound()]
        with pytest.raises(GuestGoneError):
            guest.wait_ready(timeout_s=60)


class TestFiles:
    """Files of the guest."""

    def test_a_file_is_written_and_read(self, guest: Guest, vcenter: FakeVcenter) -> None:
        guest.write_file("/etc/x", b"content")
        assert vcenter.modes["/etc/x"] == 0o600
        assert guest.read_file("/etc/x", 100) == b"content"

    def test_a_file_that_is_not_there(self, guest: Guest) -> None:
        with pytest.raises(GuestFileNotFoundError):
            guest.read_file("/root/.kube/config", 100)

    def test_a_file_that_is_too_long(self, guest: Guest, vcenter: FakeVcenter) -> None:
        vcenter.files["/x"] = b"x" * 101
        with pytest.raises(ExhaustedError, match="longer than 100 bytes"):
            guest.read_file("/x", 100)


@pytest.mark.parametrize(
    ("fault", "expected", "retryable"),
    [
        (vim.fault.GuestOperationsUnavailable(), GuestUnavailableError, True),
        (vim.fault.InvalidPowerState(), GuestUnavailableError, True),
        (vim.fault.TaskInProgress(), GuestUnavailableError, True),
        (vim.fault.InvalidGuestLogin(), GuestLoginError, False),
        (vim.fault.TooManyGuestLogons(), ExhaustedError, True),
        (vim.fault.GuestPermissionDenied(), GuestError, False),
        (vim.fault.InvalidLogin(), VcenterUnavailableError, True),
        (vmodl.fault.ManagedObjectNotFound(), GuestGoneError, False),
        (vmodl.fault.SystemError(), VcenterUnavailableError, True),
        (TimeoutError("timed out"), VcenterUnavailableError, True),
        (ssl.SSLCertVerificationError("self-signed"), UntrustedError, False),
    ],
)
def test_faults_say_whether_trying_again_helps(fault: Exception, expected: type[CseError], retryable: bool) -> None:
    found = from_vim(fault, "trying", "vc1")
    assert isinstance(found, expected)
    assert found.retryable is retryable
    assert str(found).startswith("trying: ")


def test_a_guest_is_shown_without_its_password(guest: Guest) -> None:
    assert repr(guest) == "Guest(vcenter='vc1', moid='vm-1', user='root')"


NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)
VALUES = st.text().filter(lambda value: "\0" not in value)


@given(st.dictionaries(NAMES, VALUES))
def test_values_stay_values(env: dict[str, str]) -> None:
    words = shlex.split(compose("", env).removeprefix('#!/bin/bash\nrm -f -- "$0"\n'))
    expected = [word for name, value in env.items() for word in ("export", f"{name}={value}")]
    assert words == expected


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A=1;rm -rf /", "A\n", "Ä"])
def test_a_name_is_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        compose("", {name: "x"})


def test_a_value_cannot_hold_a_nul() -> None:
    with pytest.raises(ValueError, match="NUL") as caught:
        compose("", {"PASSWORD": Secret("s3cr\0et")})
    assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize("keep_end", [False, True])
@pytest.mark.parametrize("size", [0, 9, 10, 11, 35])
def test_a_long_answer_is_bounded(size: int, keep_end: bool) -> None:
    content = bytes(range(size))
    chunks = [content[start : start + 7] for start in range(0, size, 7)]
    expected = content if size <= 10 else content[-10:] if keep_end else content[:10]
    assert _bounded(chunks, 10, keep_end=keep_end) == (expected, size > 10)
