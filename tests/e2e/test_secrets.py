"""What must never be written down is not, wherever it was sent to; `secrets` looks again when the run ends."""

import base64
import os
import uuid
from dataclasses import replace
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.message import Message

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse.templates.v1 import template_service_pb2
from cse_testing.clusters.rpcs import CASES, Target, call
from cse_testing.clusters.site import Metadata
from cse_testing.lab_cli import LabCli
from cse_testing.lab_secrets import LabSecrets
from cse_testing.secrets import KnownSecrets, leaks
from cse_testing.ssh import ssh_key
from cse_testing.vcd_rest import VcdRest


def test_secrets_that_are_sent_to_the_wrong_place_are_not_repeated(
    secrets: LabSecrets, tenant: LabCli, tenant_rest: VcdRest, lab: dict[str, str], cluster: str
) -> None:
    """Canaries: what people paste into the wrong field, or a client sends with another mistake in the same request."""
    tenant.run("cse", "cluster", "config", cluster)
    assert tenant_rest.send("GET", f"/api/cse/{cluster}/config").status == 200
    body = {"name": "x", "vdc": 5, "ssh_key": _canary(secrets, "value beside a wrong one")}
    assert tenant_rest.send("POST", "/api/cse", body).status == 400
    private = (
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{_canary(secrets, 'private key')}\n-----END OPENSSH PRIVATE KEY-----"
    )
    assert tenant_rest.send("POST", "/api/cse", _creation(lab) | {"ssh_key": private}).status == 400
    broken = f'{{"password": "{_canary(secrets, "value in broken JSON")}"'.encode()
    assert tenant_rest.send("POST", "/api/cse", broken).status == 400
    query = f"/api/cse?vdc={lab['LAB_VDC']}&token={_canary(secrets, 'token in a query')}"
    assert tenant_rest.send("GET", query).status == 200
    for scheme in ("Bearer {}", "Basic {}", "{}"):
        headers = {"Authorization": scheme.format(_canary(secrets, "malformed token"))}
        assert VcdRest(lab["LAB_VCD"]).send("GET", "/api/cse", headers=headers).status == 401
    assert VcdRest(lab["LAB_VCD"], token=_canary(secrets, "wrong token")).send("GET", "/api/cse").status == 401
    secrets.learn()
    assert secrets.leaks() == []


def test_the_comment_of_a_key_is_not_written_down_either(
    secrets: LabSecrets, tenant: LabCli, tenant_rest: VcdRest, lab: dict[str, str]
) -> None:
    """Public keys are no secrets, but people put into comments what they would not tell everybody."""
    key = f"{ssh_key()} {_canary(secrets, 'comment of a key')}"
    (tenant.home / "key.pub").write_text(key)
    tenant.run(
        "cse", "cluster", "create", "keyed", "-n", lab["LAB_NETWORK"], "-N", "1", "-k", str(tenant.home / "key.pub")
    )
    secrets.learn()
    tenant.run("cse", "cluster", "delete", "keyed", "--yes")
    assert secrets.leaks() == []


def test_secrets_in_calls_between_services_are_not_repeated(
    secrets: LabSecrets, tenant_rest: VcdRest, lab: dict[str, str], cluster: str
) -> None:
    """Every RPC, with a token that is none, and with a good one and canaries beside what is wrong."""
    place = {"org": lab["LAB_ORG"], "vdc": lab["LAB_VDC"], "network": lab["LAB_NETWORK"]}
    here = Target(cluster=cluster, node="node-none", operation="operations/none", **place)
    gone = replace(here, cluster="no-such", vdc="no-such")
    good = metadata_of(str(tenant_rest.token))
    with secrets.channel("clusters") as channel:
        for name, case in CASES.items():
            assert (
                case.is_public or outcome(channel, name, case.request(here), wrong_token(secrets)) == "UNAUTHENTICATED"
            )
            code = outcome(channel, name, case.request(gone), good)
            assert code != "UNAUTHENTICATED", name
        private = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{_canary(secrets, 'key in a call')}\n-----END"
        creation = cluster_service_pb2.CreateClusterRequest(
            parent=here.parent,
            cluster_id="x",
            cluster=cluster_pb2.Cluster(network=here.network, ssh_public_key=private),
        )
        assert outcome(channel, "cse.clusters.v1.ClusterService/CreateCluster", creation, good) == "INVALID_ARGUMENT"
        reading = cluster_service_pb2.GetKubeconfigRequest(name=here.name)
        assert outcome(channel, "cse.clusters.v1.ClusterService/GetKubeconfig", reading, good) == "OK"
    with secrets.channel("templates") as channel:
        request = template_service_pb2.ListTemplatesRequest()
        listing = "cse.templates.v1.TemplateService/ListTemplates"
        assert outcome(channel, listing, request, wrong_token(secrets)) == "UNAUTHENTICATED"
        assert outcome(channel, listing, request, good) == "OK"
    secrets.learn()
    assert secrets.leaks() == []


def wrong_token(secrets: LabSecrets) -> Metadata:
    return metadata_of(_canary(secrets, "wrong token of a call"))


def metadata_of(token: str) -> Metadata:
    return (("x-vcloud-authorization", token), ("x-vcloud-api-version", "31.0"))


def outcome(channel: grpc.Channel, name: str, request: Message, metadata: Metadata) -> str:
    """The name of the status that an RPC ends with."""
    method = descriptor_pool.Default().FindMethodByName(name.replace("/", "."))
    try:
        call(channel, name, method, request, metadata)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def test_the_search_finds_what_is_planted_in_every_kind_of_place(
    secrets: LabSecrets, tenant: LabCli, tenant_rest: VcdRest, lab: dict[str, str]
) -> None:
    """A name that is no secret goes everywhere that names go; whoever looks for it must see it everywhere."""
    name = f"planted-{uuid.uuid4().hex[:8]}"
    tenant.run("cse", "cluster", "create", name, "-n", lab["LAB_NETWORK"], "-N", "0")
    assert tenant_rest.send("GET", f"/api/cse/{name}/info").status == 200
    assert tenant_rest.send("GET", f"/api/cse/{name}-not/info").status == 404
    here = f"orgs/{lab['LAB_ORG']}/vdcs/{lab['LAB_VDC']}/clusters/{name}"
    good = metadata_of(str(tenant_rest.token))
    getting = "cse.clusters.v1.ClusterService/GetCluster"
    with secrets.channel("clusters") as channel:
        assert outcome(channel, getting, cluster_service_pb2.GetClusterRequest(name=here), good) == "OK"
        missing = cluster_service_pb2.GetClusterRequest(name=f"{here}-not")
        assert outcome(channel, getting, missing, good) == "NOT_FOUND"
    tenant.run("cse", "cluster", "delete", name, "--yes")
    planted = KnownSecrets()
    planted.add("what was planted", name)
    found = leaks(planted, secrets.places())
    for place in (
        f"a reply to /{getting} holds",
        f"an error of /{getting} holds",
        f"metadata behind the answer to /{getting}: grpc-status-details-bin holds",
        f"the answer to /api/cse/{name}/info holds",
        f"the answer to /api/cse/{name}-not/info holds",
        "the task create_cluster",
        "the task delete_cluster",
        "operations/",
        "events of operations/",
        "what `vcd cse cluster create",
        "cse-state/operations.db",
    ):
        assert any(each.startswith(place) for each in found), (place, found)
    written = KnownSecrets()
    written.add("the beginning", "service_started")
    written.add("a program", "cse-clusters")
    found = leaks(written, secrets.places())
    assert {f"logs/{name}.log holds the beginning" for name in ("gateway", "clusters", "templates")} <= {*found}
    assert "the command line of clusters holds a program" in found


def test_the_search_for_secrets_finds_them(secrets: LabSecrets, tenant_rest: VcdRest, cluster: str) -> None:
    token = str(tenant_rest.token)
    secrets.learn()
    assert len(secrets.known) > 40
    for form in (token, base64.b64encode(token.encode()).decode()):
        assert leaks(secrets.known, iter([("a log", f"x={form};".encode())])) != []
    assert leaks(secrets.known, iter([("a log", b"x=y")])) == []
    looked_at = {name for name, _ in secrets.places()}
    assert {"cse-state/operations.db", "cse-state/operations.db-wal", "the command line of clusters"} <= looked_at
    assert {f"logs/{name}.log" for name in ("gateway", "clusters", "templates", "install")} <= looked_at
    assert any(name.startswith("events of operations/") for name in looked_at)
    assert any(name.startswith("the task create_cluster") for name in looked_at)


def _canary(secrets: LabSecrets, what: str) -> str:
    canary = f"canary{uuid.uuid4().hex}{base64.b32encode(os.urandom(10)).decode()}"
    secrets.known.add(what, canary)
    return canary


def _creation(lab: dict[str, str]) -> dict[str, Any]:
    return {"name": "refused", "vdc": lab["LAB_VDC"], "network": lab["LAB_NETWORK"], "node_count": 0}
