"""The provider's `config.yaml` for the lab, in the form of CSE 1.2.x."""

from typing import Any

import yaml

from cse_lab.landscape import Landscape

EXCHANGE = "cse-ext"
ROUTING_KEY = "cse"
CATALOG = "cse"
_TEMPLATES = (
    ("photon-v2", "photon-custom-hw11-2.0-304b817-k8s", "PhotonOS v2, Docker 17.06, Kubernetes 1.12, Weave 2.3"),
    (
        "ubuntu-16.04",
        "ubuntu-16.04-server-cloudimg-amd64-k8s",
        "Ubuntu 16.04, Docker 18.03, Kubernetes 1.13, Weave 2.3",
    ),
)


def lab_config(
    landscape: Landscape,
    *,
    vcd: str,
    amqp_host: str,
    amqp_port: int,
    amqp_user: str,
    amqp_password: str,
    complete: bool,
) -> str:
    """The file's text.

    Args:
        landscape: The simulator's inhabitants.
        vcd: `host:port` of vCD.
        amqp_host: Where RabbitMQ listens.
        amqp_port: Its port.
        amqp_user: A user of the virtual host `/`.
        amqp_password: That user's password.
        complete: Fill in also what CSE 1.2.x insists on and this CSE does not need: one root password for all guests
            and the data for building templates.
    """
    host, _, port = vcd.rpartition(":")
    provider = landscape.provider
    config: dict[str, Any] = {
        "amqp": {
            "exchange": EXCHANGE,
            "host": amqp_host,
            "password": amqp_password,
            "port": amqp_port,
            "prefix": "vcd",
            "routing_key": ROUTING_KEY,
            "ssl": False,
            "ssl_accept_all": False,
            "username": amqp_user,
            "vhost": "/",
        },
        "vcd": {
            "api_version": "31.0",
            "host": host,
            "log": False,
            "password": landscape.sysadmin.password,
            "port": int(port),
            "username": landscape.sysadmin.name,
            "verify": False,
        },
        "vcs": [
            {"name": vcenter.name, "password": vcenter.password, "username": vcenter.user, "verify": False}
            for vcenter in landscape.vcenters
        ],
        "service": {"enforce_authorization": False, "listeners": 5},
        "broker": {
            "type": "default",
            "catalog": CATALOG,
            "default_template": _TEMPLATES[0][0],
            "ip_allocation_mode": "pool",
            "network": provider.network,
            "org": provider.org,
            "storage_profile": "*",
            "vdc": provider.vdc,
            "templates": [
                _template(name, item, description, complete=complete) for name, item, description in _TEMPLATES
            ],
        },
        "pks_config": None,
    }
    return "# The configuration of this lab; written by `make up`.\n" + yaml.safe_dump(config, sort_keys=False)


def _template(name: str, item: str, description: str, *, complete: bool) -> dict[str, Any]:
    template: dict[str, Any] = {
        "name": name,
        "catalog_item": item,
        "description": description,
        "cpu": 2,
        "mem": 2048,
        "cleanup": True,
    }
    if complete:
        template |= {
            "admin_password": "guest-root-password",
            "sha256_ova": "",
            "source_ova": "",
            "source_ova_name": f"{item}.ova",
            "temp_vapp": f"{name}-temp",
        }
    return template
