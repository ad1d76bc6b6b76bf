"""What guests print is read strictly; what goes into them is quoted."""

import contextlib
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cse_clusters.domain.guest_scripts import guest_script
from cse_clusters.domain.kubernetes import (
    UnexpectedOutputError,
    last_line,
    nodes_not_ready,
    parse_ipv4,
    parse_join_command,
)

HASH = "sha256:" + "0a" * 32
TOKEN = "abcdef.0123456789abcdef"


@pytest.mark.parametrize(
    "output",
    [
        f"kubeadm join 10.0.0.1:6443 --token {TOKEN} --discovery-token-ca-cert-hash {HASH} \n",
        f"kubeadm join --token {TOKEN} 10.0.0.1:6443 --discovery-token-ca-cert-hash {HASH}",
        f"W0101 warnings\n\nkubeadm join 10.0.0.1:6443 --token={TOKEN} --discovery-token-ca-cert-hash={HASH}\n\n",
    ],
)
def test_a_join_command_is_read_in_any_order(output: str) -> None:
    found = parse_join_command(output)
    assert (found.endpoint, found.token.reveal(), found.ca_hash) == ("10.0.0.1:6443", TOKEN, HASH)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "nothing of the kind",
        "kubeadm join 'unbalanced",
        f"kubeadm join 10.0.0.1:6443 --token {TOKEN}",
        f"kubeadm join 10.0.0.1:6443 --token {TOKEN} --discovery-token-unsafe-skip-ca-verification",
        f"kubeadm join 10.0.0.1:6443 --token '$(reboot)' --discovery-token-ca-cert-hash {HASH}",
        f"kubeadm join evil.example.com:6443 --token {TOKEN} --discovery-token-ca-cert-hash {HASH}",
        f"kubeadm join 10.0.0.256:6443 --token {TOKEN} --discovery-token-ca-cert-hash {HASH}",
        f"kubeadm join 10.0.0.1:0 --token {TOKEN} --discovery-token-ca-cert-hash {HASH}",
        f"kubeadm join 10.0.0.1:6443 10.0.0.2:6443 --token {TOKEN} --discovery-token-ca-cert-hash {HASH}",
        f"echo kubeadm join 10.0.0.1:6443 --token {TOKEN} --discovery-token-ca-cert-hash {HASH}",
    ],
)
def test_anything_else_is_refused_without_repeating_it(output: str) -> None:
    with pytest.raises(UnexpectedOutputError) as refused:
        parse_join_command(output)
    assert TOKEN not in str(refused.value)


@settings(deadline=None)
@given(st.text())
def test_no_output_makes_the_parsers_raise_anything_else(output: str) -> None:
    for parse in (parse_join_command, parse_ipv4, lambda text: nodes_not_ready(text, ["n"])):
        with contextlib.suppress(UnexpectedOutputError):
            parse(output)


@pytest.mark.parametrize("output", ["{}", "a b", "a True b", "a True\n\nb True", "a true", "' ' True x"])
def test_a_list_of_nodes_of_another_shape_is_refused(output: str) -> None:
    with pytest.raises(UnexpectedOutputError):
        nodes_not_ready(output, ["node-abcd"])


def test_nodes_that_are_missing_or_not_ready_are_named() -> None:
    output = "a True\nb Unknown\nc \n"
    assert nodes_not_ready(output, ["a"]) == {}
    assert nodes_not_ready(output, ["a", "b", "c", "d"]) == {
        "b": "is not Ready",
        "c": "is not Ready",
        "d": "is not registered",
    }


def test_the_last_line_is_the_last_with_something_in_it() -> None:
    assert last_line("a\n 10.0.0.1 \n\n") == "10.0.0.1"
    assert last_line("\n") == ""


@settings(deadline=None, max_examples=50)  # each starts a shell
@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_parameter_arrives_in_the_script_as_it_is(value: str) -> None:
    script = guest_script('#!/bin/bash\nset -eu\nprintf %s "$CSE_NODE_NAME"', {"CSE_NODE_NAME": value})
    ran = subprocess.run(["bash"], input=script.reveal().encode(), capture_output=True, check=True)
    assert ran.stdout == value.encode()


def test_a_parameter_that_is_not_ours_is_refused() -> None:
    with pytest.raises(ValueError, match="PATH"):
        guest_script("", {"PATH": "/tmp"})
    with pytest.raises(ValueError, match="CSE_NODE_NAME"):
        guest_script("", {"CSE_NODE_NAME": "a\0b"})
