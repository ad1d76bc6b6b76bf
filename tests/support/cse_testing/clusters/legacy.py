"""Clusters as CSE 1.2.x leaves them, made with pyvcloud and root's shell; nothing of ours has touched them.

One compose, one recompose for each kind of node, metadata of four keys, the password of the template for root in every
guest, the key of whoever asked in the guests that were made with it.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from cse_templates.adapters.directories import shared_directory
from cse_testing.pyvcloud_client import Tenant, logged_in
from cse_testing.waiting import LIMIT_S
from vcd_simulator.simulator import Simulator

API_VERSION = "31.0"
_MANIFEST = "https://github.com/weaveworks/weave/releases/download/v2.3.0/weave-daemonset-k8s-1.7.yaml"


@dataclass(frozen=True)
class LegacyCluster:
    """What a test knows of it."""

    name: str
    uid: str
    control_plane: str
    worker: str
    metadata: Mapping[str, str]


def make_legacy_cluster(vcd: Simulator, name: str, *, root_password: str, ssh_key: str) -> LegacyCluster:
    """A control plane and a worker in the VDC of acme, made by alice."""
    uid, control_plane, worker = str(uuid.uuid4()), "mstr-7f3a", "node-x1y2"
    with logged_in(vcd, "alice", API_VERSION) as client:
        tenant = Tenant(client)
        vapp = tenant.compose(name)
        vapp.reload()
        for node in (control_plane, worker):
            tenant.wait(vapp.add_vms([tenant.machine(node)], power_on=True, all_eulas_accepted=True))
            vapp.reload()
        address = _set_up(vcd, name, control_plane, worker, root_password=root_password, ssh_key=ssh_key)
        metadata = {
            "cse.cluster.id": uid,
            "cse.version": "1.2.7",
            "cse.template": "photon-v2",
            "cse.master.ip": address,
        }
        for key, value in metadata.items():
            tenant.wait(vapp.set_metadata("GENERAL", "READWRITE", key, value))
    return LegacyCluster(name=name, uid=uid, control_plane=control_plane, worker=worker, metadata=metadata)


def _set_up(vcd: Simulator, cluster: str, control_plane: str, worker: str, *, root_password: str, ssh_key: str) -> str:
    """Makes a Kubernetes cluster of the machines; returns the control plane's address."""
    for node in (control_plane, worker):
        vcd.hypervisor.wait_for_tools(_moid(vcd, node), LIMIT_S)
        accepted = f"mkdir -p /root/.ssh\ncat > /root/.ssh/authorized_keys <<'END'\n{ssh_key}\nEND"
        run_in(vcd, node, f"chpasswd <<'END'\nroot:{root_password}\nEND\n{accepted}")
    environment = f"export CSE_CLUSTER_NAME={cluster} CSE_NODE_NAME={control_plane} CSE_POD_SUBNET=10.32.0.0/12\n"
    environment += f"export CSE_CNI_MANIFEST={_MANIFEST} CSE_CNI_SUBNET=10.32.0.0/12\n"
    *_, address = run_in(vcd, control_plane, environment + _script("mstr.sh")).split()
    run_in(vcd, worker, run_in(vcd, control_plane, "kubeadm token create --print-join-command"))
    return address


def run_in(vcd: Simulator, node: str, script: str) -> str:
    """What a script of root's prints in the guest of this name; it must succeed."""
    code, out, err = vcd.hypervisor.execute(_moid(vcd, node), script)
    assert code == 0, f"exit code {code}: {err}"
    return out


def _moid(vcd: Simulator, node: str) -> str:
    (moid,) = (guest.moid for guest in vcd.hypervisor.guests_of("vc1") if guest.names[0] == node)
    return moid


def _script(name: str) -> str:
    return (shared_directory() / name).read_text()
