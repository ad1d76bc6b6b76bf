"""Write which members the simulator's JSON documents have, and of which types: those of the published schemas.

The schemas come with pyvcloud, as the package vcd-api-schemas-type: one module for each type. Their members' names and
types are read from the source, without importing it.
"""

import ast
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "simulator" / "src" / "vcd_simulator" / "rest" / "json_types.txt"
HEAD = """\
# The types of vCloud Director's documents: name, base, members with their types (* many).
# Made by scripts/simulator_types.py; do not edit.
"""
FOLDERS = ("schema_v1_5", "schema_v1_5/extension", "schema/ovf", "schema/ovf/environment", "schema/versioning")
"""Later folders do not replace what earlier ones define, except for the base of all sections."""
LEFT_OUT = (
    "Gateway", "Nat", "Firewall", "Ipsec", "LoadBalancer", "LB", "Dhcp", "StaticRout", "VdcTemplate", "OrgLdap",
    "OrgFederation", "OrgOAuth", "OrgEmail", "OpenId", "Selector", "Hybrid", "Catalog", "External", "SubAllocation",
    "Certificate", "OrgAssociation", "Tunnel", "License", "Saml", "OIDC", "OAuth", "Branding", "Kerberos", "Stranded",
    "SiteA", "Amqp", "Historic", "FromCloud", "ToCloud", "Uber", "Lookup", "Ldap", "Smtp", "Cpom", "ObjectExt", "Idp",
    "TaskRequest", "VMWVdcTemplate", "VMWVmHost", "VMWHostG", "VMWVmG", "VMWNamed", "Component", "NetworkServiceIns",
)  # fmt: skip
"""What documents of edge gateways and the like are made of."""
KEPT = (
    "CatalogItemsType",
    "CatalogType",
    "CatalogsListType",
    "CatalogItemType",
    "AmqpSettingsType",
    "AmqpSettingsTestType",
)
PRIMITIVES = frozenset({"str", "int", "bool", "object"})


class Types:
    """The types found, by name: base and members."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[str, dict[str, str]]] = {}

    def read(self, path: Path, *, replace: bool) -> None:
        """Take the types of one module."""
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.ClassDef):
                continue
            tables = {
                target.id: ast.literal_eval(statement.value)
                for statement in node.body
                if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Dict)
                for target in statement.targets
                if isinstance(target, ast.Name)
            }
            names, types = tables.get("attribute_map", {}), tables.get("swagger_types", {})
            bases = [base.id for base in node.bases if isinstance(base, ast.Name) and base.id != "object"]
            members = {names[key]: _written(kind) for key, kind in types.items()}
            if replace or node.name not in self.found:
                self.found[node.name] = (bases[0] if bases else "", members)

    def reachable(self, roots: list[str]) -> list[str]:
        """The types that documents of these types consist of, sorted."""
        seen: set[str] = set()
        todo = list(roots)
        while todo:
            name = todo.pop()
            if name in seen or name not in self.found or (name.startswith(LEFT_OUT) and name not in KEPT):
                continue
            seen.add(name)
            base, members = self.found[name]
            todo += [base, *(kind.rstrip("*") for kind in members.values())]
        return sorted(seen)


def _written(kind: str) -> str:
    return f"{kind[5:-1]}*" if kind.startswith("list[") else kind


def _roots(types: Types) -> list[str]:
    """Whatever a response may consist of: entities, sections, records, lists and typed values of metadata."""
    bases = {
        "EntityType",
        "SectionType",
        "QueryResultRecordType",
        "MetadataTypedValue",
        "ResourceType",
        "ContainerType",
    }
    bases |= {"IdentifiableResourceType", "OrgType", "VdcType", "CatalogType", "NetworkType", "ServerType"}
    bases |= {"ResourceEntityType", "AbstractVAppType", "VdcStorageProfileType", "ProviderVdcType", "VimObjectRefType"}
    found = [name for name, (base, _) in types.found.items() if base in bases]
    return [*found, "ControlAccessParamsType", "SupportedVersionsType", "RASDType", "VmVimInfoType"]


def main() -> None:
    """Write the table."""
    folder = Path(str(distribution("vcd-api-schemas-type").locate_file("vcloud/api/rest")))
    types = Types()
    for name in FOLDERS:
        for path in sorted((folder / name).glob("*.py")):
            types.read(path, replace=name == "schema/ovf" and path.name == "section_type.py")
    lines = []
    for name in types.reachable(_roots(types)):
        base, members = types.found[name]
        lines.append(" ".join([name, base or "-", *(f"{member}:{kind}" for member, kind in members.items())]))
    TARGET.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
