from pathlib import Path

import pytest
import yaml

from cse_core.config import parse_config
from cse_lab.configuration import lab_config
from cse_lab.landscape import Account, Landscape, Tenant, Vcenter
from cse_lab.processes import LabError

_DEMO = Path(__file__).parents[3] / "deploy" / "demo" / "config.yaml"
_INVENTORY = """
vcenters: [{name: vc1, username: cse@vsphere.local, password: vc-secret}]
system: {users: [{name: administrator, password: vcd-secret, role: System Administrator}]}
orgs:
  - &org
    name: cse-provider
    users: [{name: ann, password: a, role: vApp Author}, {name: bea, password: b, role: Organization Administrator}]
    vdcs: [{name: vdc, networks: [{name: net}]}]
  - {<<: *org, name: acme}
  - {<<: *org, name: globex}
"""


def test_a_landscape_is_read_from_an_inventory() -> None:
    landscape = Landscape.parse(_INVENTORY)
    assert landscape.sysadmin == Account(name="administrator", password="vcd-secret")
    assert landscape.vcenters == (Vcenter(name="vc1", user="cse@vsphere.local", password="vc-secret"),)
    bea = Account(name="bea", password="b")
    assert landscape.provider == Tenant(org="cse-provider", vdc="vdc", network="net", account=bea)
    assert [tenant.org for tenant in landscape.tenants] == ["acme", "globex"]
    assert landscape.tenants[1].variables("LAB2_")["LAB2_ORG"] == "globex"


@pytest.mark.parametrize("broken", ["orgs: [", "{}", _INVENTORY.replace("cse-provider", "other"), "orgs: 5"])
def test_an_inventory_that_lacks_something_is_refused(broken: str) -> None:
    with pytest.raises(LabError, match="inventory does not have what the lab needs"):
        Landscape.parse(broken)


@pytest.mark.parametrize("complete", [False, True])
def test_the_configuration_of_the_lab_is_one_that_the_services_read(*, complete: bool) -> None:
    text = lab_config(
        Landscape.parse(_INVENTORY),
        vcd="127.0.0.1:8443",
        amqp_host="127.0.0.1",
        amqp_port=5673,
        amqp_user="lab",
        amqp_password="amqp-secret",
        complete=complete,
    )
    config = parse_config(yaml.safe_load(text))
    assert config.warnings() == []
    assert (config.vcd.host, config.vcd.port, config.broker.org) == ("127.0.0.1", 8443, "cse-provider")
    assert all((template.admin_password is not None) == complete for template in config.broker.templates)


def test_the_configuration_of_the_container_demo_is_one_that_the_services_read() -> None:
    assert parse_config(yaml.safe_load(_DEMO.read_text())).warnings() == []
