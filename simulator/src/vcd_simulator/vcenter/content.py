"""The service content: what a vCenter is, and where everything else is found."""

from collections.abc import Mapping

from vcd_simulator.vcenter.hosts import VERSION
from vcd_simulator.vcenter.objects import (
    ALARM_MANAGER,
    AUTH_MANAGER,
    CUSTOM_FIELDS,
    EVENT_MANAGER,
    FILE_MANAGER,
    GUEST_OPERATIONS,
    OPTIONS,
    PERFORMANCE,
    PROCESS_MANAGER,
    PROPERTY_COLLECTOR,
    ROOT_FOLDER,
    SEARCH_INDEX,
    SESSION_MANAGER,
    TASK_MANAGER,
    VIEW_MANAGER,
    Properties,
)
from vcd_simulator.vcenter.soap import Array, Data, Ref

API_VERSION = "6.7"
_MOST_SESSIONS = 2000
MANAGERS: Mapping[Ref, Properties] = {
    SESSION_MANAGER: {
        "defaultLocale": lambda: "en",
        "maxConcurrentSessions": lambda: _MOST_SESSIONS,
        "messageLocaleList": lambda: Array("String", ["en"]),
        "supportedLocaleList": lambda: Array("String", ["en"]),
    },
    VIEW_MANAGER: {"viewList": lambda: Array("ManagedObjectReference", [])},
    SEARCH_INDEX: {},
    GUEST_OPERATIONS: {
        "authManager": lambda: AUTH_MANAGER,
        "fileManager": lambda: FILE_MANAGER,
        "processManager": lambda: PROCESS_MANAGER,
    },
    AUTH_MANAGER: {},
    FILE_MANAGER: {},
    PROCESS_MANAGER: {},
}
"""What the managers show that are alike in every vCenter."""


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
