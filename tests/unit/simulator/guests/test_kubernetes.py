"""Parts of the simulated Kubernetes: JSONPath, manifests, packages."""

import hashlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vcd_simulator.guests.channel import UsageError
from vcd_simulator.guests.kubernetes.jsonpath import evaluate
from vcd_simulator.guests.kubernetes.manifests import parse_manifests
from vcd_simulator.guests.kubernetes.pki import ClusterPki, new_token
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
        ("{.items[9].metadata.name}", ""),
        ("{.items[0].status.n}{.items[1].status.ok}", "3true"),
        ("name: {$.items[0]['metadata'].name}\n", "name: a\n"),
        ("{.items[0].metadata.labels.x\\.io/role}", "cp"),
        ('{range .items[*]}{.metadata.name}{"\\t"}{end}!', "a\tb\t!"),
        ('{.items[*].status.conditions[?(@.type=="Ready")].status}', "True False"),
        ("{range .none[*]}{.x}{end}after", "after"),
        ("{.items[0].metadata.labels}", '{"x.io/role": "cp"}'),
        ("{.items[(@.length-1)]}", None),
    ],
)
def test_jsonpath(template: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(UsageError):
            evaluate(template, DOCUMENT)
    else:
        assert evaluate(template, DOCUMENT) == text


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
