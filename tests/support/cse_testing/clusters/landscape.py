"""The lab's vCD as tests of the cluster manager find it, a session there, and a provider's configuration for it."""

import shutil
from pathlib import Path
from typing import Any, Final

import requests
import yaml

from cse_core.config import Config, parse_config
from cse_templates.adapters.directories import builtin_directory
from cse_testing.waiting import LIMIT_S
from vcd_simulator.inventory import Inventory, lab_text
from vcd_simulator.simulator import Simulator

SESSION_TYPE: Final = "application/*+xml;version=31.0"


def session_id(vcd: Simulator, user: str, org: str, password: str) -> str:
    """A session of the classic kind."""
    answer = requests.post(
        f"{vcd.url}/api/sessions",
        auth=(f"{user}@{org}", password),
        headers={"Accept": SESSION_TYPE},
        verify=vcd.ca_file,
        timeout=LIMIT_S,
    )
    answer.raise_for_status()
    return answer.headers["x-vcloud-authorization"]


def config_for(vcd: Simulator, **templates: Any) -> Config:
    """A provider's configuration for the simulator; `templates` are further keys of each template."""
    return parse_config(config_data(vcd, **templates))


def config_data(vcd: Simulator, **templates: Any) -> dict[str, Any]:
    """The same as it is in the file."""
    host, _, port = vcd.address.rpartition(":")
    return {
        "amqp": {"host": "127.0.0.1", "password": "unused"},
        "vcd": {"host": host, "port": int(port), "username": "administrator", "password": "vcd-secret"}
        | {"api_version": "31.0", "verify": False},
        "vcs": [
            {"name": each.name, "username": each.user, "password": each.password, "verify": False}
            for each in vcd.vcenters.values()
        ],
        "broker": {
            "org": "cse-provider",
            "vdc": "cse-provider-vdc",
            "catalog": "cse",
            "network": "cse-net",
            "default_template": "photon-v2",
            "templates": [
                {"name": "photon-v2", "catalog_item": "photon-custom-hw11-2.0-304b817-k8s", **templates},
                {"name": "ubuntu-16.04", "catalog_item": "ubuntu-16.04-server-cloudimg-amd64-k8s", **templates},
            ],
        },
    }


def with_script(folder: Path, template: str, name: str, body: str) -> None:
    """Puts a built-in template into the folder, one of whose scripts is another."""
    shutil.copytree(str(builtin_directory() / template), folder / template)
    (folder / template / name).write_text(f"#!/bin/bash\nset -euo pipefail\n{body}\n")


def inventory(*, lanes: int = 0) -> Inventory:
    """The lab's, with its catalog published as `cse install` leaves it.

    Args:
        lanes: so many more VDCs of acme, `lane0-vdc` and so on, each on a vCenter of its own, `lane0`: what a test does
            to one of those does not touch the others.
    """
    data = yaml.safe_load(lab_text())
    orgs = {org["name"]: org for org in data["orgs"]}
    orgs["cse-provider"]["catalogs"][0]["published"] = True
    vdc = orgs["acme"]["vdcs"][0]
    for lane in (f"lane{number}" for number in range(lanes)):
        data["vcenters"].append({**data["vcenters"][0], "name": lane})
        data["provider_vdcs"].append({**data["provider_vdcs"][0], "name": f"{lane}-pvdc", "vcenter": lane})
        network = {**vdc["networks"][0], "name": f"{lane}-net"}
        orgs["acme"]["vdcs"].append(
            {**vdc, "name": f"{lane}-vdc", "provider_vdc": f"{lane}-pvdc", "networks": [network]}
        )
    return Inventory.parse(yaml.safe_dump(data), "the lab's inventory with a published catalog")
