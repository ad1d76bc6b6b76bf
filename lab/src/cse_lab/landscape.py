"""Who and what lives in the simulated cloud, read from the simulator's own inventory."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import yaml

from cse_lab.processes import LabError
from cse_lab.settings import program

_PROVIDER_ORG = "cse-provider"
_TENANT_ROLE = "Organization Administrator"
_TIMEOUT_S = 180.0


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user with a password."""

    name: str
    password: str


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """An organisation with one org VDC, one network in it, and its administrator."""

    org: str
    vdc: str
    network: str
    account: Account

    def variables(self, prefix: str) -> dict[str, str]:
        """The variables of `lab.env` that describe this tenant."""
        return {
            f"{prefix}ORG": self.org,
            f"{prefix}VDC": self.vdc,
            f"{prefix}NETWORK": self.network,
            f"{prefix}TENANT": self.account.name,
            f"{prefix}TENANT_PASSWORD": self.account.password,
        }


@dataclass(frozen=True, kw_only=True)
class Vcenter:
    """A vCenter as vCD knows it."""

    name: str
    user: str
    password: str


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """What the lab needs to know of an inventory."""

    sysadmin: Account
    provider: Tenant
    """The organisation that keeps the templates."""
    tenants: tuple[Tenant, Tenant]
    vcenters: tuple[Vcenter, ...]

    @classmethod
    def parse(cls, inventory: str) -> Self:
        """Read an inventory file of the simulator.

        Raises:
            LabError: it lacks something that the lab relies on.
        """
        try:
            data = yaml.safe_load(inventory)
            tenants = {org["name"]: _tenant(org) for org in data["orgs"]}
            provider = tenants.pop(_PROVIDER_ORG)
            first, second, *_ = tenants.values()
            vcenters = (
                Vcenter(name=entry["name"], user=entry["username"], password=entry["password"])
                for entry in data["vcenters"]
            )
            return cls(
                sysadmin=_account(data["system"]["users"][0]),
                provider=provider,
                tenants=(first, second),
                vcenters=tuple(vcenters),
            )
        except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError) as exc:
            raise LabError(
                f"the simulator's inventory does not have what the lab needs, {_PROVIDER_ORG!r} and two more "
                f"organisations, each with a VDC, a network and an administrator: {exc!r}"
            ) from exc


def default_inventory() -> str:
    """The inventory that the simulator starts with when it is given none."""
    command = [program("vcd-simulator"), "inventory"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_TIMEOUT_S)
    if done.returncode != 0:
        raise LabError(f"`vcd-simulator inventory` failed: {done.stderr.strip()}")
    return done.stdout


def _tenant(org: Mapping[str, Any]) -> Tenant:
    vdc = org["vdcs"][0]
    administrators = [user for user in org["users"] if user["role"] == _TENANT_ROLE]
    return Tenant(
        org=org["name"], vdc=vdc["name"], network=vdc["networks"][0]["name"], account=_account(administrators[0])
    )


def _account(user: Mapping[str, Any]) -> Account:
    return Account(name=user["name"], password=user["password"])
