"""Parts of the simulated Kubernetes: JSONPath, manifests, packages."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vcd_simulator.guests.channel import UsageError
from vcd_simulator.guests.kubernetes.cluster import Node
from vcd_simulator.guests.kubernetes.jsonpath import evaluate
from vcd_simulator.guests.kubernetes.manifests import parse_manifests
from vcd_simulator.guests.kubernetes.node_roles import role_names, taints_of
from vcd_simulator.guests.kubernetes.pki import ClusterPki, new_token
from vcd_simulator.guests.kubernetes.selectors import has_fields, selected
from vcd_simulator.guests.kubernetes.texts import load
from vcd_simulator.guests.packages import Packages, catalogue, offered_from, pick_version
from vcd_simulator.guests.web import fetch

DOCUMENT: dict[str, Any] = {
    "items": [
        {
            "metadata": {"name": "a", "labels": {"x.io/role": "cp"}},
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "n": 3},
        },
        {"metadata": {"name": "b"}, "status": {"conditions": [{"type": "Ready", "status": "False"}], "ok": True}},
    ]
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.items[*].metadata.name}", "a b"),
        ("{.items[0].metadata.name}", "a"),
        ("{.items[-1].metadata.name}", "b"),
        ("{.items[9].metadata.name}", None),
        ("{.none[9].metadata.name}", ""),
        ("{.items[1:].metadata.name}{.items[0:1].metadata.name}", "ba"),
        ("{.items[:-1].metadata.name}", "a"),
        ("{..name}", "a b"),
        ("{.items[?(@.status.n>2)].metadata.name}", "a"),
        ("{.items[?(@.status.n)].metadata.name}", "a"),
        ("{.items[?(@.status.ok==true)].metadata.name}", "b"),
        ('{.items[?(@.metadata.name != "a")].metadata.name}', "b"),
        ('{range .items[*]}{range .status.conditions[*]}{.type}{end}{";"}{end}', "Ready;Ready;"),
        ("{end}", None),
        ("{range .items[*]}" * 20 + "{.metadata.name}" + "{end}" * 20, ""),
        ("{range $.items[*]}" * 3 + "{.x}" + "{end}" * 3, ""),
        ("{.items[0].status.n}{.items[1].status.ok}", "3true"),
        ("name: {$.items[0]['metadata'].name}\n", "name: a\n"),
        ("{.items[0].metadata.labels.x\\.io/role}", "cp"),
        ('{range .items[*]}{.metadata.name}{"\\t"}{end}!', "a\tb\t!"),
        ('{.items[*].status.conditions[?(@.type=="Ready")].status}', "True False"),
        ("{range .none[*]}{.x}{end}after", "after"),
        ("{.items[0].metadata.labels}", '{"x.io/role":"cp"}'),
        ("{.items[(@.length-1)]}", None),
    ],
)
def test_jsonpath(template: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(UsageError):
            evaluate(template, DOCUMENT)
    else:
        assert evaluate(template, DOCUMENT) == text


def test_a_template_that_multiplies_does_not_hold_up_the_simulator() -> None:
    wide = {"items": [{"items": [{"items": [{"items": list(range(40))}] * 40}] * 40}] * 40}
    with pytest.raises(UsageError, match="does not end"):
        evaluate("{range .items[*]}" * 4 + "x" + "{end}" * 4, wide)
    with pytest.raises(UsageError, match="too many values"):
        evaluate("{.items[*].items[*].items[*].items[*]}", wide)


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ("", True),
        ("role=a,zone!=b", True),
        ("role==a", True),
        ("role in (a, b),zone notin (b)", True),
        ("!role", False),
        ("role,!other", True),
        ("role in (b)", False),
        ("zone in (b)", False),
    ],
)
def test_selectors_of_labels(selector: str, *, fits: bool) -> None:
    assert selected({"metadata": {"labels": {"role": "a"}}}, selector) is fits


def test_selectors_of_fields() -> None:
    pod: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {"nodeName": "n"}, "status": {"phase": "Pending"}}
    assert has_fields(pod, "status.phase!=Running,spec.nodeName=n")
    assert not has_fields(pod, "status.phase=Running")
    assert has_fields(pod, "spec.unschedulable!=true")
    with pytest.raises(UsageError, match="not supported"):
        has_fields(pod, "spec.secret=x")
    with pytest.raises(UsageError, match="requirement"):
        selected(pod, "a in b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[" * 200 + "]" * 200, "too deep", id="deep"),
        pytest.param("[" * 100_000, "too deep", id="very-deep"),
        pytest.param("- a\n" * 300_000, "too large", id="many"),
        pytest.param("x" * 2_000_001, "too large", id="long"),
        pytest.param("a: &a {b: *a}", "contains itself", id="endless"),
        pytest.param("x: !!binary aGk=", "not known", id="binary"),
        pytest.param("x: !!set {a, b}", "not known", id="set"),
        pytest.param("x: !!int x", "cannot be read", id="no-number"),
        pytest.param("x: !!bool maybe", "cannot be read", id="no-truth"),
        pytest.param("x: " + "1" * 5000, "cannot be read", id="large-number"),
        pytest.param("a\n---\nb\n", "more than one", id="two"),
        pytest.param("{a: b", "expected", id="unfinished"),
    ],
)
def test_texts_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(yaml.YAMLError, match=message):
        load(text)


def test_aliases_that_multiply_are_refused_before_anything_is_built() -> None:
    lines = ["a0: &a0 {x: y}", *(f"a{n}: &a{n} {{<<: *a{n - 1}, p: *a{n - 1}, q: *a{n - 1}}}" for n in range(1, 40))]
    with pytest.raises(yaml.YAMLError, match="too large"):
        load("\n".join(lines))
    assert load("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}


def test_times_are_texts() -> None:
    assert load("at: 2020-02-30T25:00:00Z\nday: 2021-01-01") == {"at": "2020-02-30T25:00:00Z", "day": "2021-01-01"}


@pytest.mark.parametrize(
    ("minor", "labels", "taints"),
    [
        (13, ["master"], ["master"]),
        (20, ["control-plane", "master"], ["master"]),
        (24, ["control-plane"], ["control-plane", "master"]),
        (25, ["control-plane"], ["control-plane"]),
    ],
)
def test_the_role_of_the_control_plane_was_renamed_step_by_step(
    minor: int, labels: list[str], taints: list[str]
) -> None:
    guest: Any = None
    node = Node(name="n", guest=guest, control_plane=True, registered=0, ready_at=0, kubelet_version=f"1.{minor}.0")
    assert list(role_names(node)) == labels
    assert [key.partition("/")[2] for key, _, _ in taints_of(node)] == taints
    assert not role_names(replace(node, control_plane=False))


def test_lists_of_manifests_are_taken_apart() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: p}}\n---\n---\n"
    assert [one["metadata"]["name"] for one in parse_manifests(text, "x")] == ["p"]


@pytest.mark.parametrize(
    "text",
    [
        "- a\n",
        "5",
        "apiVersion: v1\nkind: [a]\nmetadata: {name: x}",
        "!!python/object:os.system x",
        "a: &a [*a]\nkind: X",
    ],
)
def test_what_is_no_manifest(text: str) -> None:
    with pytest.raises(UsageError, match="error"):
        parse_manifests(text, "x")


def test_the_ca_s_hash_is_of_its_public_key() -> None:
    pki = ClusterPki.create()
    key = x509.load_pem_x509_certificate(pki.ca_certificate.encode()).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    assert pki.ca_hash == f"sha256:{digest}"
    assert len({new_token() for _ in range(100)}) == 100


def test_repositories_decide_what_is_offered() -> None:
    assert "kubeadm" not in offered_from("debian", ["deb http://archive.ubuntu.com/ubuntu xenial main"])
    assert "kubeadm" in offered_from("debian", ["deb https://pkgs.k8s.io/core:/stable:/v1.30/deb/ /"])
    assert "docker-ce" in offered_from("debian", ["deb https://download.docker.com/linux/ubuntu xenial stable"])


def test_requirements_are_installed_first_and_once() -> None:
    packages = Packages("debian")
    offered = catalogue("debian")
    added = [package.name for package in packages.install(offered["kubeadm"], offered)]
    assert added[-1] == "kubeadm"
    assert (
        sorted(added) == sorted(set(added)) == sorted(["kubernetes-cni", "kubelet", "kubectl", "cri-tools", "kubeadm"])
    )
    assert packages.install(offered["kubeadm"], offered) == []
    other = pick_version(offered["kubeadm"], "1.12.0-00")
    assert [package.version for package in packages.install(other, offered)] == ["1.12.0-00"]
    assert "kubeadm" in packages.commands()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/x",
        "http://",
        "nonsense",
        "https://[::",
        "file:///etc/passwd",
        "https://evil.git.io.example/",
    ],
)
def test_the_rest_of_the_web_is_not_there(url: str) -> None:
    page = fetch(url)
    assert page.status == 0
    assert page.error
