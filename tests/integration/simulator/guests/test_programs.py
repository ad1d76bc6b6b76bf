"""Programs in guests: what they print, how they end, and what they leave behind."""

import base64
import os
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cse_testing.simulated import Shell, Times
from cse_testing.waiting import LIMIT_S, wait_until

TEXTS = (
    "plain",
    "two\nlines\n",
    'it\'s "quoted" `back` \\ slashes \\n',
    "$(touch /tmp/pwned) ${HOME} $$ !x",
    "tab\tend ",
    "ünïcödé ☃ 𝄞 \u202e",
    "* ? [a-z] ~ # ; & | < >",
    "-n -e --",
    "\r\n\r",
    "'",
    '"',
    "\\",
    "",
)


@pytest.mark.parametrize("text", TEXTS)
def test_texts_come_back_exactly(shell: Shell, text: str) -> None:
    shell.guest.tree.write("/tmp/text", text)
    code, out, err = shell.hypervisor.execute(shell.moid, "cat /tmp/text; cat /tmp/text >&2")
    assert (code, out, err) == (0, text, text)
    assert not shell.guest.tree.exists("/tmp/pwned")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])))
def test_quoted_arguments_reach_the_program_exactly(shell: Shell, text: str) -> None:
    quoted = "'" + text.replace("'", "'\\''") + "'"
    assert shell.succeed(f"printf %s {quoted}") == text


def test_a_megabyte_of_output_comes_back_exactly(shell: Shell) -> None:
    content = base64.b64encode(os.urandom(786_432))
    shell.guest.tree.write("/tmp/large", content)
    assert shell.succeed("cat /tmp/large").encode() == content


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137), ("nonsense", 127)]
)
def test_exit_codes(shell: Shell, script: str, code: int) -> None:
    assert shell.run(script).code == code


def test_what_a_program_leaves_behind_goes_on(shell: Shell) -> None:
    shell.succeed("nohup sh -c 'until [ -e /tmp/go ]; do sleep 0.02; done; echo done > /tmp/result' >/dev/null 2>&1 &")
    assert not shell.guest.tree.exists("/tmp/result")
    shell.guest.tree.write("/tmp/go", "")
    wait_until(lambda: shell.guest.tree.exists("/tmp/result"), "what was left behind to go on")


def test_power_off_ends_everything(shell: Shell) -> None:
    shell.succeed("nohup sh -c 'while :; do date +%N > /tmp/tick; sleep 0.02; done' >/dev/null 2>&1 &")
    wait_until(lambda: shell.guest.tree.exists("/tmp/tick"), "a tick")
    programs = shell.guest.programs.all()
    shell.hypervisor.power_off(shell.moid)
    assert all(program.gone.done() for program in programs)
    last = shell.guest.tree.read("/tmp/tick")
    assert not threading.Event().wait(0.1)
    assert shell.guest.tree.read("/tmp/tick") == last


def test_programs_run_side_by_side(shell: Shell) -> None:
    """Each waits for the next one, so that they end only if all of them run at once."""
    root = shell.account("root")
    script = "touch /tmp/{0}; until [ -e /tmp/{1} ]; do sleep 0.02; done"
    programs = [
        shell.guest.programs.start(root, ["/bin/sh", "-c", script.format(number, (number + 1) % 10)])
        for number in range(10)
    ]
    assert [program.finished.result(LIMIT_S) for program in programs] == [0] * 10


def test_a_program_gets_root_s_surroundings(shell: Shell) -> None:
    assert shell.succeed("echo $HOME $USER $PWD; id -un; id -u; hostname; cat /etc/hostname; uname -n").split() == [
        "/root",
        "root",
        "/root",
        "root",
        "0",
        *["node-1"] * 3,
    ]


def test_standins_are_found_by_name_and_by_any_usual_path(shell: Shell) -> None:
    for command in ("systemctl", "/bin/systemctl", "/usr/bin/systemctl", "/usr/sbin/systemctl"):
        assert shell.succeed(f"{command} is-active docker") == "active\n"


def test_a_standin_s_output_can_be_cut_short(shell: Shell) -> None:
    assert shell.succeed("systemctl list-unit-files | head -1").count("\n") == 1


def test_an_interrupted_standin_does_nothing_more(shell: Shell, times: Times) -> None:
    times.seconds["guest.process.kubeadm-init"] = 3600
    assert shell.run("timeout 0.3 kubeadm init").code == 124
    assert shell.guest.cluster is None
