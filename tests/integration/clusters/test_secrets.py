"""Nothing that opens a door shows up in logs, events, tasks or errors."""

import dataclasses

import pytest

from cse.clusters.v1 import cluster_service_pb2
from cse_testing.clusters.site import site


def test_secrets_stay_secret(capfd: pytest.CaptureFixture[str]) -> None:
    with site() as vcd:
        alice = vcd.login("alice", "acme", "alice-secret")
        operation = vcd.create(alice, "sealed", workers=1)
        events = "\n".join(event.message for event in vcd.watch(operation, alice))
        ended = vcd.ended(operation, alice)
        assert not ended.HasField("error"), ended.error.message
        name = cluster_service_pb2.GetKubeconfigRequest(name="orgs/-/vdcs/-/clusters/sealed")
        kubeconfig = vcd.clusters.GetKubeconfig(name, metadata=alice, timeout=10).kubeconfig
        cluster = vcd.clusters.GetCluster(
            cluster_service_pb2.GetClusterRequest(name=name.name), metadata=alice, timeout=10
        )
        guests = vcd.service._world.inventory.guests(cluster.vapp.href)
        passwords = [guest.password.reveal() for guest in guests.values() if guest.password]
        stored = "\n".join(repr(dataclasses.asdict(each)) for each in vcd.service._operations.find())
    output = "".join(capfd.readouterr())
    assert "operation_accepted" in output
    keys = [line.split(": ")[1] for line in kubeconfig.splitlines() if "-data: " in line or "token: " in line]
    secrets = [*passwords, *keys, dict(alice)["x-vcloud-authorization"], "vcd-secret", "vc-secret"]
    assert len(passwords) == 2
    assert keys
    for place in (output, events, stored, str(ended)):
        assert not [secret for secret in secrets if secret in place]
