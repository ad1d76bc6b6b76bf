"""All record types, by name."""

from vcd_simulator.query import absent, provider, services, tenants, virtual
from vcd_simulator.query.types import AnyRecordType

FOR_ORG_ADMINISTRATORS = frozenset({"organization"})
"""Of the types for administrators, those that an organisation's own may use, about what is theirs."""
_ABSENT = (*absent.TYPES, *absent.OPEN_TYPES)
_ALL = (*virtual.TYPES, *tenants.TYPES, *provider.TYPES, *services.TYPES, *services.OPEN_TYPES, *_ABSENT)
TYPES: dict[str, AnyRecordType] = {kind.name: kind for kind in _ALL}
