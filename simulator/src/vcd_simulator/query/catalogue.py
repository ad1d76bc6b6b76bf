"""All record types, by name."""

from vcd_simulator.query import provider, tenants, virtual
from vcd_simulator.query.types import AnyRecordType

PROVIDER = frozenset(kind.name for kind in provider.TYPES)
"""Types about what belongs to the provider."""
TYPES: dict[str, AnyRecordType] = {kind.name: kind for kind in (*virtual.TYPES, *tenants.TYPES, *provider.TYPES)}
