"""What must never be written down is not."""

from pathlib import Path

import pytest
import yaml

from cse_lab.state import LabState
from cse_testing.lab_cli import LabCli
from cse_testing.vcd_rest import VcdRest

pytestmark = pytest.mark.timeout(240)


def test_no_password_token_or_key_reaches_a_log(
    lab_state: LabState, tenant: LabCli, tenant_rest: VcdRest, cluster: str
) -> None:
    lab = lab_state.variables
    kubeconfig = yaml.safe_load(tenant.run("cse", "cluster", "config", cluster).stdout)
    assert tenant_rest.send("GET", f"/api/cse/{cluster}/info").status == 200
    refused = tenant_rest.send("POST", "/api/cse", {"name": "x", "ssh_key": "canary-in-a-body", "vdc": 5})
    assert refused.status == 400
    configuration = yaml.safe_load(Path(lab["LAB_CONFIG"]).read_text())
    secrets = {
        "token": str(tenant_rest.token),
        "client key": kubeconfig["users"][0]["user"]["client-key-data"],
        "tenant's password": lab["LAB_TENANT_PASSWORD"],
        "service account's password": configuration["vcd"]["password"],
        "vCenter's password": configuration["vcs"][0]["password"],
        "broker's password": configuration["amqp"]["password"],
        "request body": "canary-in-a-body",
    }
    for name in ("gateway", "clusters", "templates", "install"):
        log = lab_state.log(name).read_text()
        assert log, name
        assert [what for what, secret in secrets.items() if secret in log] == [], f"found in the log of {name}"
