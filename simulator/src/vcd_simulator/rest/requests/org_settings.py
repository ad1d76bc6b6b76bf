"""Settings of organisations."""

from vcd_simulator.operations.tenancy import GeneralSettings
from vcd_simulator.rest.parsing import optional_flag, optional_int
from vcd_simulator.rest.xml import Element


def read_general(element: Element | None) -> GeneralSettings:
    """An `OrgGeneralSettings`; what it leaves out stays as it is."""
    return GeneralSettings(
        can_publish_catalogs=optional_flag(element, "CanPublishCatalogs"),
        deployed_vm_quota=optional_int(element, "DeployedVMQuota"),
        stored_vm_quota=optional_int(element, "StoredVmQuota"),
    )
