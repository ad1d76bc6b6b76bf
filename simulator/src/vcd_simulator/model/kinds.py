"""How each kind of entity is named in URNs, hrefs, media types and error messages."""

from dataclasses import dataclass

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

VCLOUD = "application/vnd.vmware.vcloud."
ADMIN = "application/vnd.vmware.admin."


@dataclass(frozen=True, slots=True)
class Kind:
    """The names of one kind of entity.

    `path` and `admin_path` end where the id begins. An entity without an admin twin has its `path` in both.
    """

    name: str
    urn: str
    path: str
    media_type: str
    admin_path: str
    admin_media_type: str

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """How a kind is kept in a saved state: by its name."""
        return core_schema.no_info_after_validator_function(
            _kind_of_subject,
            core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda kind: kind.name),
        )

    def media(self, admin: bool = False) -> str:
        return self.admin_media_type if admin else self.media_type

    def href_path(self, entity_id: str, admin: bool = False) -> str:
        return (self.admin_path if admin else self.path) + entity_id


def _kind(name: str, path: str, media: str, admin_path: str = "", admin_media: str = "", urn: str = "") -> Kind:
    media_type = f"{media}+xml"
    return Kind(
        name=name,
        urn=f"urn:vcloud:{urn or name.lower()}:",
        path=path,
        media_type=media_type,
        admin_path=admin_path or path,
        admin_media_type=f"{admin_media}+xml" if admin_media else media_type,
    )


ORG = _kind("org", "/api/org/", VCLOUD + "org", "/api/admin/org/", ADMIN + "organization")
VDC = _kind("vdc", "/api/vdc/", VCLOUD + "vdc", "/api/admin/vdc/", ADMIN + "vdc")
CATALOG = _kind("catalog", "/api/catalog/", VCLOUD + "catalog", "/api/admin/catalog/", ADMIN + "catalog")
CATALOG_ITEM = _kind("catalogItem", "/api/catalogItem/", VCLOUD + "catalogItem")
VAPP_TEMPLATE = _kind("vAppTemplate", "/api/vAppTemplate/vappTemplate-", VCLOUD + "vAppTemplate")
VAPP = _kind("vApp", "/api/vApp/vapp-", VCLOUD + "vApp")
VM = _kind("vm", "/api/vApp/vm-", VCLOUD + "vm")
TEMPLATE_VM = _kind("vm", "/api/vAppTemplate/vm-", VCLOUD + "vm")
NETWORK = _kind("network", "/api/network/", VCLOUD + "orgNetwork", "/api/admin/network/", ADMIN + "orgNetwork")
VAPP_NETWORK = _kind("network", "/api/network/", VCLOUD + "vAppNetwork", "/api/admin/network/")
EXTERNAL_NETWORK = _kind(
    "externalNetwork", "/api/admin/extension/externalnet/", ADMIN + "vmwexternalnet", urn="network"
)
NETWORK_POOL = _kind("networkPool", "/api/admin/extension/networkPool/", ADMIN + "networkPool")
PROVIDER_VDC = _kind("providerVdc", "/api/admin/providervdc/", ADMIN + "providervdc")
PROVIDER_STORAGE_PROFILE = _kind(
    "providerVdcStorageProfile", "/api/admin/pvdcStorageProfile/", ADMIN + "pvdcStorageProfile"
)
PORT_GROUP = _kind("portgroup", "/api/admin/extension/portgroup/", ADMIN + "vmwPortgroup")
RESOURCE_POOL = _kind("resourcePool", "/api/admin/extension/resourcePool/", ADMIN + "vmwProviderVdcResourcePool")
DATASTORE = _kind("datastore", "/api/admin/extension/datastore/", ADMIN + "datastore")
HOST = _kind("host", "/api/admin/extension/host/", ADMIN + "host")
STORAGE_PROFILE = _kind(
    "vdcStorageProfile",
    "/api/vdcStorageProfile/",
    VCLOUD + "vdcStorageProfile",
    "/api/admin/vdcStorageProfile/",
    ADMIN + "vdcStorageProfile",
)
VIM_SERVER = _kind("vimServer", "/api/admin/extension/vimServer/", ADMIN + "vmwvirtualcenter")
COMPUTE_POLICY = _kind(
    "vdcComputePolicy", "/cloudapi/1.0.0/vdcComputePolicies/", VCLOUD + "vdcComputePolicy", urn="vdcComputePolicy"
)
PROVIDER_COMPUTE_POLICY = _kind(
    "pvdcComputePolicy", "/cloudapi/1.0.0/pvdcComputePolicies/", VCLOUD + "pvdcComputePolicy", urn="pvdcComputePolicy"
)
TASK = _kind("task", "/api/task/", VCLOUD + "task")
USER = _kind("user", "/api/admin/user/", ADMIN + "user")
ROLE = _kind("role", "/api/admin/role/", ADMIN + "role")
RIGHT = _kind("right", "/api/admin/right/", ADMIN + "right")
_TASK_OWNERS = (VAPP, VM, VAPP_TEMPLATE, CATALOG, CATALOG_ITEM, ORG, VDC, NETWORK, STORAGE_PROFILE, USER, ROLE)


def urn_of(path: str) -> str | None:
    """The URN of what an href's path is about; None if that is nothing that tasks have to do with."""
    for kind in _TASK_OWNERS:
        for start in (kind.path, kind.admin_path):
            if path.startswith(start):
                return kind.urn + path[len(start) :]
    return None


def _kind_of_subject(name: str) -> Kind:
    """The kind of whoever an access control list is about."""
    for kind in (USER, ORG):
        if kind.name == name:
            return kind
    raise ValueError(f"an access setting is for a user or an org, not for a {name!r}")
