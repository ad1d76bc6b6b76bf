"""How a guest is to be customized, and whether that has happened."""

from vcd_simulator.model.compute import Vm
from vcd_simulator.model.kinds import VCLOUD
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import link
from vcd_simulator.rest.xml import OVF_NS, Element, ovf, qualified, vcloud


def guest_customization_section(context: Context, vm: Vm, *, edits: bool, shows_password: bool) -> Element:
    custom = vm.customization
    path = f"{vm.kind.href_path(vm.id)}/guestCustomizationSection/"
    media = VCLOUD + "guestCustomizationSection+xml"
    return vcloud(
        "GuestCustomizationSection",
        qualified(OVF_NS, required=False),
        ovf("Info", "Specifies Guest OS Customization Settings"),
        vcloud("Enabled", custom.enabled),
        vcloud("ChangeSid", False),
        vcloud("VirtualMachineId", vm.id),
        vcloud("JoinDomainEnabled", False),
        vcloud("UseOrgSettings", False),
        vcloud("AdminPasswordEnabled", custom.admin_password_enabled),
        vcloud("AdminPasswordAuto", custom.admin_password_auto),
        vcloud("AdminPassword", custom.admin_password) if custom.admin_password and shows_password else None,
        vcloud("AdminAutoLogonEnabled", False),
        vcloud("AdminAutoLogonCount", 0),
        vcloud("ResetPasswordRequired", custom.reset_password_required),
        vcloud("CustomizationScript", custom.script) if custom.script else None,
        vcloud("ComputerName", custom.computer_name),
        link(context, "edit", path, media) if edits else None,
        type=media,
        href=context.url(path),
    )


def customization_status(vm: Vm) -> Element:
    """Whether a guest has been customized: `GC_PENDING` until it has booted and its tools have reported that.

    So it stays for one that is not to be customized at all.
    """
    pending = vm.customization.pending or not vm.customization.reported
    return vcloud(
        "GuestCustomizationStatusSection",
        vcloud("GuestCustStatus", "GC_PENDING" if pending else "GC_COMPLETE"),
        type=VCLOUD + "guestcustomizationstatussection",
    )


def post_customization(vm: Vm) -> Element:
    """Whether a guest's customization is behind it."""
    custom = vm.customization
    over = custom.enabled and custom.reported and not custom.pending
    return vcloud(
        "CheckPostGuestCustomizationSection",
        vcloud("CheckPostGCStatus", over),
        type=VCLOUD + "checkPostGuestCustomizationSection+xml",
    )
