"""A cluster's nodes through the real vcd-cli, RabbitMQ and all services."""

from typing import Any

from cse_testing.lab_cli import LabCli
from cse_testing.waiting import wait_until


def names(tenant: LabCli, cluster: str, kind: str) -> list[str]:
    rows: list[dict[str, Any]] = tenant.json("cse", "node", "list", cluster)
    return [row["name"] for row in rows if row["node_type"] == kind]


def test_nodes_come_and_go(tenant: LabCli, lab: dict[str, str]) -> None:
    tenant.run("cse", "cluster", "create", "elastic", "-n", lab["LAB_NETWORK"], "-N", "1")
    tenant.run("cse", "node", "create", "elastic", "-N", "2", "-c", "4", "-m", "4096", "-s", "gold")
    assert len(names(tenant, "elastic", "node")) == 3
    added = tenant.run("cse", "node", "create", "elastic", "-n", lab["LAB_NETWORK"], "--type", "nfsd")
    assert "Added 1 node to cluster elastic" in added.text
    (nfs,) = names(tenant, "elastic", "nfsd")
    # A guest that takes too long to answer is shown without its exports.
    wait_until(lambda: tenant.json("cse", "node", "info", "elastic", nfs)["exports"] == ["/home"], "the export")

    worker = names(tenant, "elastic", "node")[0]
    assert tenant.json("cse", "node", "info", "elastic", worker)["node_type"] == "node"
    removed = tenant.run("cse", "node", "delete", "elastic", worker, nfs, "--yes")
    assert "Removed 2 nodes from cluster elastic" in removed.text
    assert names(tenant, "elastic", "nfsd") == []
    assert worker not in names(tenant, "elastic", "node")

    tenant.run("cse", "cluster", "resize", "elastic", "-N", "1", "--yes")
    assert len(names(tenant, "elastic", "node")) == 1
    tenant.run("cse", "cluster", "delete", "elastic", "--yes")


def test_a_node_that_cannot_be_removed_says_why(tenant: LabCli, cluster: str) -> None:
    (control_plane,) = names(tenant, cluster, "master")
    refused = tenant.attempt("cse", "node", "delete", cluster, control_plane, "--yes")
    assert refused.exit_code == 1
    assert f"nodes: {control_plane} is the control plane, without which there is no cluster" in refused.text
    missing = tenant.attempt("cse", "node", "info", cluster, "node-zzzz")
    assert missing.exit_code == 1
    assert f"cluster '{cluster}' has no node 'node-zzzz'" in missing.text


def test_another_organisation_reaches_no_nodes(stranger: LabCli, tenant: LabCli, cluster: str) -> None:
    worker = names(tenant, cluster, "node")[0]
    for command in (
        ("node", "list", cluster),
        ("node", "info", cluster, worker),
        ("node", "create", cluster),
        ("node", "delete", cluster, worker, "--yes"),
        ("cluster", "resize", cluster, "-N", "0", "--yes"),
    ):
        refused = stranger.attempt("cse", *command)
        assert refused.exit_code == 1, command
        assert "no cluster" in refused.text, command
    assert worker in names(tenant, cluster, "node")
