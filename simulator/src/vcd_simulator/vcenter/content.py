"""The service content: what a vCenter is, and where everything else is found."""

from vcd_simulator.vcenter.hosts import VERSION
from vcd_simulator.vcenter.objects import (
    ALARM_MANAGER,
    CUSTOM_FIELDS,
    EVENT_MANAGER,
    GUEST_OPERATIONS,
    OPTIONS,
    PERFORMANCE,
    PROPERTY_COLLECTOR,
    ROOT_FOLDER,
    SEARCH_INDEX,
    SESSION_MANAGER,
    TASK_MANAGER,
    VIEW_MANAGER,
)
from vcd_simulator.vcenter.soap import Data

API_VERSION = "6.7"


def service_content(instance_uuid: str) -> Data:
    """The ServiceContent of the vCenter with this UUID: where everything else is found."""
    about = Data(
        "AboutInfo",
        {
            "name": "VMware vCenter Server",
            "fullName": f"VMware vCenter Server {VERSION} build-0 (vcd-simulator)",
            "vendor": "VMware, Inc.",
            "version": VERSION,
            "build": "0",
            "localeVersion": "INTL",
            "localeBuild": "000",
            "osType": "linux-x64",
            "productLineId": "vpx",
            "apiType": "VirtualCenter",
            "apiVersion": API_VERSION,
            "instanceUuid": instance_uuid,
        },
    )
    return Data(
        "ServiceContent",
        {
            "rootFolder": ROOT_FOLDER,
            "propertyCollector": PROPERTY_COLLECTOR,
            "viewManager": VIEW_MANAGER,
            "about": about,
            "setting": OPTIONS,
            "sessionManager": SESSION_MANAGER,
            "perfManager": PERFORMANCE,
            "alarmManager": ALARM_MANAGER,
            "eventManager": EVENT_MANAGER,
            "taskManager": TASK_MANAGER,
            "customFieldsManager": CUSTOM_FIELDS,
            "searchIndex": SEARCH_INDEX,
            "guestOperationsManager": GUEST_OPERATIONS,
        },
    )
