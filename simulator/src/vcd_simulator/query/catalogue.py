"""All record types, by name."""

from vcd_simulator.query.record_types import (
    absent,
    catalogs,
    infrastructure,
    machines,
    organizations,
    services,
    tasks,
    vdcs,
)
from vcd_simulator.query.types import AnyRecordType

FOR_ORG_ADMINISTRATORS = frozenset({"allocatedExternalAddress", "organization", "strandedUser"})
"""Of the types for administrators, those that an organisation's own may use, about what is theirs."""
_SUBJECTS = (machines, catalogs, organizations, vdcs, tasks, infrastructure, services, absent)
TYPES: dict[str, AnyRecordType] = {kind.name: kind for subject in _SUBJECTS for kind in subject.TYPES}
