"""Becoming another user inside a guest."""

import os

import pytest

from cse_testing.simulated import Shell
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.guests.spec import PowerState


@pytest.fixture
def bob(shell: Shell) -> Shell:
    """A guest with a user bob, whose password is `secret`."""
    shell.succeed("useradd -m -s /bin/bash bob && echo bob:secret | chpasswd")
    return shell


def test_sudo_runs_the_command(shell: Shell) -> None:
    assert shell.succeed("sudo -E A=b sh -c 'echo $A'") == "b\n"
    assert shell.run("sudo sh -c 'exit 7'").code == 7
    assert shell.run("sudo sh -c 'kill -9 $$'").code == 137
    assert "No such file" in shell.fail("sudo none").err


def test_sudo_gives_a_fresh_environment(shell: Shell) -> None:
    line = "export OWN=1; sudo B='x y' sh -c 'echo $OWN-$B-$HOME-$SUDO_USER'; sudo --preserve-env=OWN printenv OWN"
    assert shell.succeed(line) == "-x y-/root-root\n1\n"


def test_sudo_becomes_another_user(bob: Shell) -> None:
    assert bob.succeed("cd /tmp; sudo -u bob sh -c 'id -un; echo $HOME $USER; pwd'").split() == [
        "bob",
        "/home/bob",
        "bob",
        "/tmp",
    ]
    assert bob.succeed("sudo -u '#1000' -- id -u; sudo -iu bob pwd; sudo -u bob -i echo 'a  b;' c") == (
        "1000\n/home/bob\na  b; c\n"
    )
    assert bob.run("sudo -u bob sh -c 'exit 9'").code == 9
    assert "unknown user: eve" in bob.fail("sudo -u eve id").err


def test_input_and_output_are_the_caller_s_own(bob: Shell) -> None:
    script = """
        printf 'one\\ntwo\\nthree\\n' > /tmp/lines
        while read -r line; do sudo -u bob sh -c "echo $line" </dev/null; done < /tmp/lines
        echo first > /tmp/out; sudo -u bob echo second >> /tmp/out; { echo 1; sudo -u bob echo 2; echo 3; } > /tmp/both
        cat /tmp/out /tmp/both
        { sudo -u bob head -c 4; } < /tmp/lines
        head -c 1000000 /dev/zero | sudo -u bob cat | wc -c
        sudo -u bob sh -c 'echo problem >&2' 2>&1 >/dev/null
    """
    assert bob.succeed(script).split() == (
        "one two three first second 1 2 3 one 1000000 problem".split()  # noqa: SIM905  # as it is printed
    )


def test_su_starts_the_user_s_shell(bob: Shell) -> None:
    assert bob.succeed("cd /tmp; X=1 su bob -c 'id -un; pwd; echo $X $HOME'").split() == [
        "bob",
        "/tmp",
        "1",
        "/home/bob",
    ]
    assert bob.succeed("X=1 su - bob -c 'pwd; echo =$X=$LOGNAME'") == "/home/bob\n==bob\n"
    assert bob.succeed("echo 'id -un' | su bob; runuser -u bob -- id -un; runuser -l bob -c pwd") == (
        "bob\nbob\n/home/bob\n"
    )
    assert bob.succeed("su - root -c 'id -un'") == "root\n"
    assert "not available" in bob.fail("su daemon -c id").err
    assert bob.succeed("su -s /bin/sh daemon -c 'id -u'") == "1\n"


def test_users_need_a_rule_or_a_password(bob: Shell) -> None:
    assert "password is required" in bob.fail("su bob -c 'sudo id'").err
    bob.succeed("mkdir -p /etc/sudoers.d; echo 'bob ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/bob")
    assert bob.succeed("su bob -c 'sudo id -un; sudo -u root sh -c \"echo \\$SUDO_USER\"'") == "root\nbob\n"
    assert "password is required" in bob.fail("su bob -c 'sudo -u daemon id'").err
    bob.succeed("echo root:top | chpasswd")
    assert bob.succeed("su bob -c 'echo top | su -c \"id -un\"'") == "root\n"
    assert "Authentication failure" in bob.fail("su bob -c 'echo wrong | su -c id'").err
    assert "may not be used" in bob.fail("su bob -c 'runuser -u root id'").err


def test_what_another_user_runs_ends_with_who_asked_for_it(bob: Shell) -> None:
    bob.succeed("timeout -s KILL 1 sudo -u bob sleep 1000 || true")
    wait_until(
        lambda: not [one for one in bob.guest.programs.all() if one.owner == "bob" and one.exit_code is None],
        "the program of the other user to end",
        seen=bob.guest.programs.all,
    )
    assert bob.guest.power is PowerState.ON


def test_only_what_a_program_s_own_processes_have_open_is_lent(shell: Shell) -> None:
    program = shell.guest.programs.start(shell.account("root"), ["/bin/sleep", "1000"])
    wait_until(lambda: program.states() != [], "the program to run")
    (own, *_), others = [pid for pid, _ in program.states()], os.getpid()
    for descriptor in program.borrow(own, (0, 1)):
        os.close(descriptor)
    with pytest.raises(OSError, match="not in this sandbox"):
        program.borrow(others, (0,))
    program.kill()
    program.gone.result(LIMIT_S)
    with pytest.raises(OSError, match="not in this sandbox"):
        program.borrow(own, (0,))
