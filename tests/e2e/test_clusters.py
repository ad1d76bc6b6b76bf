"""What a tenant does with clusters, through the real vcd-cli."""

import re
import uuid
from pathlib import Path
from xml.etree import ElementTree as ET

import yaml

from cse_testing.lab_cli import LabCli
from cse_testing.vcd_cli import VcdCliServer
from cse_testing.vcd_rest import XML, VcdRest

_VCLOUD = "{http://www.vmware.com/vcloud/v1.5}"


def test_a_created_cluster_is_listed_with_its_vdc_and_template(
    tenant: LabCli, tenant_rest: VcdRest, cluster: str, lab: dict[str, str]
) -> None:
    assert cluster in tenant.run("cse", "cluster", "list").stdout
    [entry] = [entry for entry in tenant_rest.send("GET", "/api/cse").json() if entry["name"] == cluster]
    assert entry["vdc_name"] == lab["LAB_VDC"]
    assert entry["template"] == "photon-v2"
    assert entry["status"].lower().replace("_", " ") == "powered on"
    assert entry["number_of_vms"] in (3, "3")
    assert (entry["master_nodes"], entry["nodes"], entry["nfs_nodes"]) == ([], [], [])
    uuid.UUID(entry["cluster_id"])


def test_info_names_the_nodes_as_old_clients_know_them(tenant: LabCli, tenant_rest: VcdRest, cluster: str) -> None:
    shown = tenant.run("cse", "cluster", "info", cluster).stdout
    info = tenant_rest.send("GET", f"/api/cse/{cluster}/info").json()
    [master] = info["master_nodes"]
    assert re.fullmatch(r"mstr-[a-z0-9]{4}", master["name"])
    assert master["ipAddress"] == info["leader_endpoint"]
    assert len(info["nodes"]) == 2
    for node in info["nodes"]:
        assert re.fullmatch(r"node-[a-z0-9]{4}", node["name"])
        assert node["name"] in shown
        assert re.fullmatch(r"(\d{1,3}\.){3}\d{1,3}", node["ipAddress"])
    assert info["nfs_nodes"] == []


def test_config_is_a_kubeconfig_for_the_control_plane(tenant: LabCli, tenant_rest: VcdRest, cluster: str) -> None:
    kubeconfig = yaml.safe_load(tenant.run("cse", "cluster", "config", cluster).stdout)
    endpoint = tenant_rest.send("GET", f"/api/cse/{cluster}/info").json()["leader_endpoint"]
    assert kubeconfig["kind"] == "Config"
    assert kubeconfig["clusters"][0]["cluster"]["server"] == f"https://{endpoint}:6443"


def test_config_travels_as_one_json_string_as_the_old_client_reads_it(tenant_rest: VcdRest, cluster: str) -> None:
    reply = tenant_rest.send("GET", f"/api/cse/{cluster}/config", accept="text/x-yaml;version=31.0")
    assert reply.status == 200
    as_the_old_client_does = reply.body.decode()[1:-1].replace("\\n", "\n")
    assert yaml.safe_load(as_the_old_client_does)["kind"] == "Config"


def test_the_vapp_carries_the_metadata_of_a_cluster(tenant_rest: VcdRest, cluster: str) -> None:
    info = tenant_rest.send("GET", f"/api/cse/{cluster}/info").json()
    path = "/" + info["vapp_href"].split("/", 3)[3]
    metadata = _metadata(tenant_rest.send("GET", f"{path}/metadata", accept=XML).body)
    assert metadata["cse.cluster.id"] == info["cluster_id"]
    assert metadata["cse.template"] == "photon-v2"
    assert metadata["cse.master.ip"] == info["leader_endpoint"]
    assert metadata["cse.version"] == info["cse_version"]
    vapp = ET.fromstring(tenant_rest.send("GET", path, accept=XML).body)
    assert vapp.findtext(f"{_VCLOUD}Description") == f"cluster {cluster}"


def test_vcd_shows_the_cluster_as_a_vapp_and_its_creation_as_a_task(tenant: LabCli, cluster: str) -> None:
    [vapp] = [vapp for vapp in tenant.json("vapp", "list") if vapp["name"] == cluster]
    assert vapp["numberOfVMs"] == "3"
    tasks = [task for task in tenant.json("task", "list", "SUCCESS") if task["objectName"] == cluster]
    [created] = [task for task in tasks if task["name"] == "create_cluster"]
    assert created["serviceNamespace"] == "vcloud.cse"


def test_saved_config_is_private_and_loads(tenant: LabCli, cluster: str) -> None:
    tenant.run("cse", "cluster", "config", cluster, "--save")
    saved = tenant.home / ".kube" / "config"
    assert yaml.safe_load(saved.read_text())["kind"] == "Config"
    assert saved.stat().st_mode & 0o077 == 0


def test_a_cluster_is_created_with_chosen_options_and_deleted(
    tenant: LabCli, tenant_rest: VcdRest, lab: dict[str, str]
) -> None:
    options = ["-N", "1", "-c", "3", "-m", "3072", "-t", "ubuntu-16.04"]
    created = tenant.run("cse", "cluster", "create", "chosen", "-n", lab["LAB_NETWORK"], *options)
    assert "chosen" in created.text
    assert "ubuntu-16.04" in tenant.run("cse", "cluster", "info", "chosen").stdout
    assert _hardware(tenant_rest, "chosen", "node-") == (3, 3072)
    tenant.run("cse", "cluster", "delete", "chosen", "--yes")
    assert "chosen" not in tenant.run("cse", "cluster", "list").stdout
    assert "chosen" not in [vapp["name"] for vapp in tenant.json("vapp", "list")]


def test_progress_is_shown_while_a_cluster_is_created(tenant: LabCli, lab: dict[str, str]) -> None:
    created = tenant.run("cse", "cluster", "create", "watched", "-n", lab["LAB_NETWORK"], "-N", "0")
    assert len([line for line in re.split(r"[\r\n]+", created.text) if "watched" in line or "luster" in line]) > 1
    tenant.run("cse", "cluster", "delete", "watched", "--yes")


def test_clusters_work_at_the_api_versions_of_old_and_new_clients(
    lab: dict[str, str], vcd_cli: VcdCliServer, tmp_path: Path, cluster: str
) -> None:
    for version in ("31.0", "33.0", "36.0"):
        cli = LabCli(vcd_cli, tmp_path / version, host=lab["LAB_VCD"])
        cli.login(lab["LAB_ORG"], lab["LAB_TENANT"], lab["LAB_TENANT_PASSWORD"], version=version)
        assert cluster in cli.run("cse", "cluster", "list").stdout, version
        assert "mstr-" in cli.run("cse", "cluster", "info", cluster).stdout, version


def test_templates_and_version_are_shown(tenant: LabCli) -> None:
    templates = tenant.run("cse", "template", "list").stdout
    assert "photon-v2" in templates
    assert "ubuntu-16.04" in templates
    assert re.search(r"\d+\.\d+\.\d+", tenant.run("cse", "version").stdout)


def _metadata(document: bytes) -> dict[str, str]:
    entries = ET.fromstring(document).findall(f"{_VCLOUD}MetadataEntry")
    return {entry.findtext(f"{_VCLOUD}Key", ""): entry.findtext(f".//{_VCLOUD}Value", "") for entry in entries}


def _hardware(session: VcdRest, vapp: str, prefix: str) -> tuple[int, int]:
    """CPUs and MB of the one VM of a vApp whose name begins so."""
    reply = session.send("GET", f"/api/query?type=vm&format=records&filter=containerName=={vapp}", accept=XML)
    records = ET.fromstring(reply.body).findall(f"{_VCLOUD}VMRecord")
    [record] = [record for record in records if record.attrib["name"].startswith(prefix)]
    return int(record.attrib["numberOfCpus"]), int(record.attrib["memoryMB"])
