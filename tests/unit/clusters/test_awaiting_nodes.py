"""The script that waits on the control plane until nodes are Ready, in a real shell; its kubectl is a function."""

import shlex
import subprocess
from pathlib import Path

import pytest

from cse_clusters.domain.guest_scripts import AWAIT_NODES, guest_script
from cse_testing.waiting import LIMIT_S

MSTR, NODE = "mstr-aaaa   Ready    control-plane   5m   v1.12.0", "node-bbbb   Ready    <none>   1m   v1.12.0"
NOT_READY = "node-bbbb   NotReady   <none>   1m   v1.12.0"
LISTS = "what became of each"


def run(folder: Path, *answers: str, within_s: int = 1000) -> tuple[int, str, int]:
    """Exit code, output, and how often kubectl was asked before it had to print; the last answer is repeated.

    A second passes whenever the script sleeps.
    """
    for number, answer in enumerate(answers):
        (folder / f"{number}").write_text(f"{answer}\n" if answer else "")
    kubectl = f"""sleep() {{ SECONDS=$((SECONDS + 1)); }}
kubectl() {{
    if [[ $* == "get nodes -o jsonpath="* ]]; then echo {shlex.quote(LISTS)}; return; fi
    cd {shlex.quote(str(folder))}
    echo >> asked
    local turn=$(($(wc -l < asked) - 1))
    [[ -e $turn ]] || turn={len(answers) - 1}
    [[ -s $turn ]] || {{ echo "connection refused" >&2; return 1; }}
    cat "$turn"
}}
"""
    environment = {"CSE_NODES": "mstr-aaaa node-bbbb", "CSE_WITHIN_S": str(within_s)}
    script = guest_script(kubectl + AWAIT_NODES, environment).reveal()
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert ended.stderr == ""
    return ended.returncode, ended.stdout, len((folder / "asked").read_text().splitlines())


def test_nodes_that_are_ready_are_printed_at_once(tmp_path: Path) -> None:
    assert run(tmp_path, f"{MSTR}\n{NODE}") == (0, f"{LISTS}\n", 1)


@pytest.mark.parametrize(
    "earlier",
    [
        f"{MSTR}\n{NOT_READY}",
        MSTR,
        f"{MSTR}\nnode-bbb   Ready   <none>   1m   v1",
        f"{MSTR}\nother   Ready   x   1m",
        "",
    ],
    ids=["not ready", "not registered", "another's name begins alike", "enough others", "no answer"],
)
def test_nodes_are_waited_for(tmp_path: Path, earlier: str) -> None:
    assert run(tmp_path, earlier, earlier, f"{MSTR}\n{NODE}") == (0, f"{LISTS}\n", 3)


def test_a_node_without_new_pods_is_ready_all_the_same(tmp_path: Path) -> None:
    assert run(tmp_path, f"{MSTR}\n{NODE.replace('Ready ', 'Ready,SchedulingDisabled ')}")[2] == 1


def test_the_wait_is_bounded(tmp_path: Path) -> None:
    code, output, asked = run(tmp_path, f"{MSTR}\n{NOT_READY}", within_s=10)
    assert (code, output) == (0, f"{LISTS}\n")
    assert 1 < asked <= 11
