"""The bodies with which vApps are made and changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cse_core.secret import Secret
from cse_vcd.catalogs import VmTemplate
from cse_vcd.documents import Element, O, V, clean, media_type, reference
from cse_vcd.hardware import resized

AllocationMode = Literal["POOL", "DHCP"]

_ADAPTER: Final = "VMXNET3"


@dataclass(frozen=True, kw_only=True)
class NewMachine:
    """A machine to be made from a template.

    Guest customization sets host name and root's password: the given one, or one that vCD makes for this machine.
    """

    name: str
    template: VmTemplate
    network: str
    """Name of the vApp's network."""
    computer_name: str = ""
    """The guest's host name; empty: the same as `name`."""
    admin_password: Secret | None = None
    cpu_count: int | None = None
    """None keeps the template's, here and below."""
    memory_mb: int | None = None
    storage_profile_href: str | None = None
    """None takes the org VDC's default."""
    allocation_mode: AllocationMode = "POOL"
    description: str = ""
    """Empty: none, here and below."""
    customization_script: str = ""
    """Run by the guest at its first boot, with `precustomization` and `postcustomization` as argument."""


def compose_params(*, name: str, description: str, network: str, network_href: str) -> Element:
    """An empty vApp with one network, bridged to the org VDC network there."""
    configuration = V.Configuration(reference("ParentNetwork", href=network_href), V.FenceMode("bridged"))
    section = V.NetworkConfigSection(
        O.Info("Networks of the vApp"), V.NetworkConfig(configuration, networkName=clean(network))
    )
    body: Element = V.ComposeVAppParams(
        V.Description(clean(description)),
        V.InstantiationParams(section),
        name=clean(name),
        deploy="false",
        powerOn="false",
    )
    return body


def recompose_params(*, add: Sequence[NewMachine] = (), delete: Sequence[str] = (), power_on: bool = False) -> Element:
    """Machines to add and (by href) to delete."""
    body: Element = V.RecomposeVAppParams()
    if add:
        switch = str(power_on).lower()
        body.set("deploy", switch)
        body.set("powerOn", switch)
    for machine in add:
        body.append(_sourced_item(machine))
    if add:
        body.append(V.AllEULAsAccepted("true"))
    for href in delete:
        body.append(reference("DeleteItem", href=href))
    return body


def _sourced_item(machine: NewMachine) -> Element:
    name = clean(machine.name)
    sections = [_network_section(machine)]
    hardware = resized(machine.template.hardware, machine.cpu_count, machine.memory_mb)
    if hardware:
        sections.append(O.VirtualHardwareSection(O.Info("Virtual hardware"), *hardware))
    sections.append(_customization_section(machine))
    description = [V.Description(clean(machine.description))] if machine.description else []
    item: Element = V.SourcedItem(
        reference("Source", href=machine.template.href, name=machine.template.name, kind=media_type("vm")),
        V.VmGeneralParams(V.Name(name), *description, V.NeedsCustomization("true")),
        V.InstantiationParams(*sections),
    )
    if machine.storage_profile_href:
        item.append(
            reference("StorageProfile", href=machine.storage_profile_href, kind=media_type("vdcStorageProfile"))
        )
    return item


def _network_section(machine: NewMachine) -> Element:
    connection = V.NetworkConnection(
        V.NetworkConnectionIndex("0"),
        V.IsConnected("true"),
        V.IpAddressAllocationMode(machine.allocation_mode),
        V.NetworkAdapterType(_ADAPTER),
        network=clean(machine.network),
    )
    section: Element = V.NetworkConnectionSection(
        O.Info("Network connections"), V.PrimaryNetworkConnectionIndex("0"), connection
    )
    return section


def _customization_section(machine: NewMachine) -> Element:
    given = machine.admin_password
    section: Element = V.GuestCustomizationSection(
        O.Info("Guest customization"),
        V.Enabled("true"),
        V.AdminPasswordEnabled("true"),
        V.AdminPasswordAuto(str(given is None).lower()),
    )
    if given is not None:
        section.append(V.AdminPassword(clean(given.reveal())))
    section.append(V.ResetPasswordRequired("false"))
    if machine.customization_script:
        section.append(V.CustomizationScript(clean(machine.customization_script)))
    section.append(V.ComputerName(clean(machine.computer_name or machine.name)))
    return section
