"""The rights that a fresh vCloud Director knows, and its predefined roles.

Names and the spread over the roles follow the administrator's guide of vCloud Director 9.5; rights for what the
simulator leaves out (gateways, NSX) are listed as far as predefined roles carry them.
"""

SYSTEM_ADMINISTRATOR = "System Administrator"
ORG_ADMINISTRATOR = "Organization Administrator"
CATALOG_AUTHOR = "Catalog Author"
VAPP_AUTHOR = "vApp Author"
VAPP_USER = "vApp User"
CONSOLE_ACCESS_ONLY = "Console Access Only"
DEFER_TO_IDENTITY_PROVIDER = "Defer to Identity Provider"

ADMINISTRATOR_VIEW = "General: Administrator View"
ADMINISTRATOR_CONTROL = "General: Administrator Control"

_BY_ROLES: tuple[tuple[str, str], ...] = (
    # Who has it: O Organization Administrator, C Catalog Author, A vApp Author, U vApp User, K Console Access Only;
    # nobody: system administrators alone.
    ("Access All Organization VDCs", "O"),
    ("Catalog: Add vApp from My Cloud", "OCA"),
    ("Catalog: Change Owner", "O"),
    ("Catalog: CLSP Publish Subscribe", "OC"),
    ("Catalog: Create / Delete a Catalog", "OC"),
    ("Catalog: Edit Properties", "OC"),
    ("Catalog: Publish", "OC"),
    ("Catalog: Shadow VM View", ""),
    ("Catalog: Sharing", "OC"),
    ("Catalog: VCSP Publish Subscribe", "OC"),
    ("Catalog: View ACL", "OC"),
    ("Catalog: View Private and Shared Catalogs", "OCA"),
    ("Catalog: View Published Catalogs", "O"),
    ("Cell Configuration: Edit", ""),
    ("Cell Configuration: View", ""),
    ("Custom entity: View all custom entity instances in org", "O"),
    ("Disk: Change Owner", "O"),
    ("Disk: Create", "OCA"),
    ("Disk: Delete", "OCA"),
    ("Disk: Edit Properties", "OCA"),
    ("Disk: View Properties", "OCAU"),
    ("Extension Services: View", ""),
    ("Extensions: View", ""),
    ("External Service: Manage", ""),
    ("External Service: View", ""),
    (ADMINISTRATOR_CONTROL, "O"),
    (ADMINISTRATOR_VIEW, "O"),
    ("General: Send Notification", "O"),
    ("General: View Error Details", ""),
    ("Group / User: Manage", ""),
    ("Group / User: View", "O"),
    ("Hybrid Cloud Operations: Acquire control ticket", "O"),
    ("Network Pool: Create / Delete", ""),
    ("Network Pool: View", ""),
    ("Organization Network: Create / Delete", ""),
    ("Organization Network: Edit Properties", "O"),
    ("Organization Network: View", "O"),
    ("Organization VDC Compute Policy: Admin View", ""),
    ("Organization VDC Compute Policy: Manage", ""),
    ("Organization VDC Compute Policy: View", "OCAU"),
    ("Organization vDC Gateway: View", "O"),
    ("Organization vDC Gateway: Configure Services", "O"),
    ("Organization vDC Network: Edit Properties", "O"),
    ("Organization vDC Network: View Properties", "OA"),
    ("Organization vDC Resource Pool: View", ""),
    ("Organization vDC Storage Profile: Set Default", "O"),
    ("Organization vDC: Create", ""),
    ("Organization vDC: Delete", ""),
    ("Organization vDC: Edit", ""),
    ("Organization vDC: Edit ACL", "O"),
    ("Organization vDC: Enable / Disable", ""),
    ("Organization vDC: Extended Edit", ""),
    ("Organization vDC: Extended View", ""),
    ("Organization vDC: User View", "OCAU"),
    ("Organization vDC: View", "O"),
    ("Organization vDC: View ACL", "O"),
    ("Organization vDC: VM-VM Affinity Edit", "OCA"),
    ("Organization: Create / Delete", ""),
    ("Organization: Edit", ""),
    ("Organization: Edit Association Settings", "O"),
    ("Organization: Edit Federation Settings", "O"),
    ("Organization: Edit LDAP Settings", ""),
    ("Organization: Edit Leases Policy", "O"),
    ("Organization: Edit Limits", ""),
    ("Organization: Edit Name", ""),
    ("Organization: Edit OAuth Settings", "O"),
    ("Organization: Edit Password Policy", "O"),
    ("Organization: Edit Properties", "O"),
    ("Organization: Edit Quotas Policy", "O"),
    ("Organization: Edit SMTP Settings", "O"),
    ("Organization: Implicitly Import User/Group from IdP while Editing VDC ACL", "O"),
    ("Organization: Migrate Tenant Storage", ""),
    ("Organization: Perform Administrator Queries", "O"),
    ("Organization: Traversal", ""),
    ("Organization: View", "O"),
    ("Organization: view metrics", "O"),
    ("Provider Network: Create / Delete", ""),
    ("Provider Network: View", ""),
    ("Provider vDC: Create / Delete", ""),
    ("Provider vDC: Edit", ""),
    ("Provider vDC: View", ""),
    ("Provider vDC Storage Profile: View", ""),
    ("Right: Manage", ""),
    ("Right: View", "O"),
    ("Role: Create, Edit, Delete, or Copy", "O"),
    ("Service Library: View service libraries", "O"),
    ("System Settings: Edit", ""),
    ("System Settings: View", ""),
    ("Task: Resume, Abort, or Fail", ""),
    ("Task: Update", ""),
    ("Task: View tasks", "O"),
    ("UI Plugins: View", "OCAU"),
    ("vApp Template / Media: Copy", "OCA"),
    ("vApp Template / Media: Create / Upload", "OC"),
    ("vApp Template / Media: Edit", "OCA"),
    ("vApp Template / Media: View", "OCAU"),
    ("vApp Template: Change Owner", "O"),
    ("vApp Template: Checkout", "OCAU"),
    ("vApp Template: Download", "OC"),
    ("vApp Template: Import", ""),
    ("vApp: Allow All Extra Config", ""),
    ("vApp: Allow Ethernet Coalescing Extra Config", ""),
    ("vApp: Allow Latency Extra Config", ""),
    ("vApp: Allow Matching Extra Config", ""),
    ("vApp: Change Owner", "O"),
    ("vApp: Copy", "OCAU"),
    ("vApp: Create / Reconfigure", "OCA"),
    ("vApp: Delete", "OCAU"),
    ("vApp: Download", "OCA"),
    ("vApp: Edit Properties", "OCAU"),
    ("vApp: Edit VM Compute Policy", "OCA"),
    ("vApp: Edit VM CPU", "OCA"),
    ("vApp: Edit VM CPU and Memory reservation settings in all VDC types", ""),
    ("vApp: Edit VM Hard Disk", "OCA"),
    ("vApp: Edit VM Memory", "OCA"),
    ("vApp: Edit VM Network", "OCAU"),
    ("vApp: Edit VM Properties", "OCAU"),
    ("vApp: Enter/Exit Maintenance Mode", ""),
    ("vApp: Import Options", ""),
    ("vApp: Manage VM Password Settings", "OCAUK"),
    ("vApp: Power Operations", "OCAU"),
    ("vApp: Shadow VM View", ""),
    ("vApp: Sharing", "OCAU"),
    ("vApp: Snapshot Operations", "OCAU"),
    ("vApp: Upload", "OCA"),
    ("vApp: Use Console", "OCAUK"),
    ("vApp: View ACL", "OCAU"),
    ("vApp: View VM metrics", "OCA"),
    ("vApp: VM Boot Options", "OCA"),
    ("vApp: VM Check Compliance", ""),
    ("vApp: VM Metadata to vCenter", ""),
    ("vApp: VM Migrate, Force Undeploy, Relocate, Consolidate", ""),
    ("VCenter: Attach / Detach / Modify", ""),
    ("VCenter: View", ""),
    ("VDC Template: Instantiate", "O"),
    ("VDC Template: View", "O"),
)
_LETTERS = {
    "O": ORG_ADMINISTRATOR,
    "C": CATALOG_AUTHOR,
    "A": VAPP_AUTHOR,
    "U": VAPP_USER,
    "K": CONSOLE_ACCESS_ONLY,
}

RIGHTS: tuple[str, ...] = tuple(name for name, _ in _BY_ROLES)
TENANT_RIGHTS: tuple[str, ...] = tuple(name for name, roles in _BY_ROLES if roles)
"""What the provider grants to a new organisation."""
PREDEFINED_ROLES: dict[str, tuple[str, ...]] = {
    role: tuple(name for name, letters in _BY_ROLES if letter in letters) for letter, role in _LETTERS.items()
} | {DEFER_TO_IDENTITY_PROVIDER: ()}


def category_of(right: str) -> str:
    """The group in which the right is shown: what stands before its colon."""
    return right.partition(":")[0]
