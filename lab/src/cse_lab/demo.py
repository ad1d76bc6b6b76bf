"""A walk through CSE with the real vcd-cli: every command is shown as a tenant would type it, and really run."""

import json
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cse_lab.processes import LabError
from cse_lab.state import LabState

_CLUSTER = "demo"
_WORKERS = 2


class DemoError(LabError):
    """A command of the walk failed."""


def walk(state: LabState) -> None:
    """Log in as a tenant, create a cluster, look at it, fetch its kubeconfig and delete it.

    Raises:
        DemoError: a command did not succeed; the message says which.
    """
    began = time.monotonic()
    lab = state.variables
    shell = _Shell(state)
    shell.say("A tenant logs in with the real vcd-cli.")
    shell.run(
        "login", lab["LAB_VCD"], lab["LAB_ORG"], lab["LAB_TENANT"], "--password", lab["LAB_TENANT_PASSWORD"], "-i", "-w"
    )
    shell.say("What does this provider offer?")
    shell.run("cse", "version")
    shell.run("cse", "template", "list")
    shell.say(f"Create a Kubernetes cluster with {_WORKERS} workers. vCD's task tells what is being done.")
    _remove_leftover(shell)
    create = ("create", _CLUSTER, "--network", lab["LAB_NETWORK"], "--nodes", str(_WORKERS))
    shell.run("cse", "cluster", *create)
    shell.say("The cluster, its machines and its kubeconfig:")
    shell.run("cse", "cluster", "list")
    shell.run("cse", "cluster", "info", _CLUSTER)
    shell.run("cse", "cluster", "config", _CLUSTER)
    shell.say("To vCD it is a vApp, and how it was made is in the task list:")
    shell.run("vapp", "list")
    shell.run("task", "list", "SUCCESS")
    shell.say("Delete it again.")
    shell.run("cse", "cluster", "delete", _CLUSTER, "--yes")
    shell.run("cse", "cluster", "list")
    print(f"\nThat took {time.monotonic() - began:.0f} s.\n{_next_steps(state)}")


def _remove_leftover(shell: "_Shell") -> None:
    """A cluster that an interrupted walk left behind would be in the way of this one."""
    if _CLUSTER in [cluster["name"] for cluster in shell.json("cse", "cluster", "list")]:
        shell.run("cse", "cluster", "delete", _CLUSTER, "--yes")


class _Shell:
    """Runs vcd-cli and shows what was typed; its output goes straight to the terminal."""

    def __init__(self, state: LabState) -> None:
        self._vcd = state.variables["LAB_VCD_CLI"]
        self._directory = state.directory / "run"

    def say(self, text: str) -> None:
        print(f"\n# {text}", flush=True)

    def run(self, *arguments: str) -> None:
        print(f"$ vcd {shlex.join(arguments)}", flush=True)
        done = subprocess.run([self._vcd, *arguments], check=False, stdin=subprocess.DEVNULL, cwd=self._directory)
        if done.returncode != 0:
            raise DemoError(
                f"`vcd {arguments[0]} …` failed with exit code {done.returncode}; see {self._directory.parent}"
            )

    def json(self, *arguments: str) -> Any:
        """What a command tells programs; nothing is shown."""
        command = [self._vcd, "--json", *arguments]
        done = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=self._directory
        )
        if done.returncode != 0:
            raise DemoError(
                f"`vcd {arguments[0]} …` failed with exit code {done.returncode}; see {self._directory.parent}"
            )
        return json.loads(done.stdout)


def _next_steps(state: LabState) -> str:
    lab = state.variables
    vcd = _relative(Path(lab["LAB_VCD_CLI"]))
    env = _relative(state.env_file)

    def login(org: str, user: str, password: str) -> str:
        return f"{vcd} login {lab['LAB_VCD']} {org} {user} -i -w -p {shlex.quote(password)}"

    return f"""
The lab is still running. Go on by hand, for example:

    {login(lab["LAB_ORG"], lab["LAB_TENANT"], lab["LAB_TENANT_PASSWORD"])}
    {vcd} cse cluster create mine -n {lab["LAB_NETWORK"]} -N 3
    {vcd} cse cluster config mine > kubeconfig.yaml
    {vcd} task list SUCCESS
    {vcd} cse --help

as a tenant of another organisation, who sees none of that:

    {login(lab["LAB2_ORG"], lab["LAB2_TENANT"], lab["LAB2_TENANT_PASSWORD"])}
    {vcd} cse cluster list

or as the system administrator:

    {login("System", lab["LAB_SYSADMIN"], lab["LAB_SYSADMIN_PASSWORD"])}
    {vcd} cse system info

Addresses, passwords, pids and logs are in {env}. `make down` ends it all."""


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def main_walk(state: LabState) -> int:
    """Walk and turn a failure into an exit code; the lab keeps running either way."""
    try:
        walk(state)
    except DemoError as exc:
        print(f"lab: {exc}; the lab keeps running, `make down` ends it", file=sys.stderr)
        return 1
    return 0
